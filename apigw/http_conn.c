/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A connection is in one phase at a time, each with its deadline; callbacks of bufferevents are
 * deferred, so nothing is freed under its caller. Replies leave here; what comes in is
 * http_input.c's.
 */
#include "apigw/http_conn.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <inttypes.h>
#include <openssl/err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "apigw/http_input.h"
#include "common/xalloc.h"

#define HEADERS_MAX 16384
/* The least rate at which replies must be taken, in bytes per ms. */
#define REPLY_RATE 8

/* ---- the life of a connection ---- */

void
http_conn_deadline(struct http_conn *c, uint64_t ms)
{
	struct timeval tv = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (long)(ms % 1000) * 1000};

	if (ms == 0)
		evtimer_del(c->timer);
	else
		evtimer_add(c->timer, &tv);
}

bool
http_conn_reserve(struct http_conn *c, size_t bytes)
{
	struct http_server *s = c->server;

	if (bytes <= c->reserved)
		return true;
	if (bytes - c->reserved > s->limits.bodies_max - s->reserved)
		return false;
	s->reserved += bytes - c->reserved;
	c->reserved = bytes;
	return true;
}

static void
request_done(struct http_conn *c)
{
	http_head_done(&c->request.head);
	buf_done_secret(&c->request.body); /* may hold a password */
	c->request.gone = NULL;
	c->request.piece = NULL;
	c->request.drained = NULL;
	c->request.gone_arg = NULL;
	memset(&c->chunks, 0, sizeof(c->chunks));
	c->scanned = 0;
	c->taken = 0;
	c->paused = false;
	c->server->reserved -= c->reserved;
	c->reserved = 0;
}

/* Over TLS the end is said, so that the client knows that nothing was cut off. */
static void
say_end(struct http_conn *c)
{
	SSL *ssl = c->request.tls ? bufferevent_openssl_get_ssl(c->bev) : NULL;

	if (ssl == NULL || !SSL_is_init_finished(ssl) ||
	    evbuffer_get_length(bufferevent_get_output(c->bev)) > 0)
		return;
	(void)SSL_shutdown(ssl);
	/* What it has to complain of must not be taken for another connection's fault. */
	ERR_clear_error();
}

void
http_conn_close(struct http_conn *c)
{
	void (*gone)(void *arg) = c->request.gone;
	void *gone_arg = c->request.gone_arg;

	TAILQ_REMOVE(&c->server->conns, c, entry);
	c->server->n_conns--;
	request_done(c);
	say_end(c);
	event_free(c->timer);
	bufferevent_free(c->bev);
	free(c);
	if (gone != NULL)
		gone(gone_arg);
}

struct http_conn *
http_conn_of(struct http_request *r)
{
	return (struct http_conn *)(void *)((char *)r - offsetof(struct http_conn, request));
}

/* ---- replies ---- */

static void
linger(struct http_conn *c)
{
	request_done(c);
	c->phase = PHASE_LINGER;
	say_end(c);
	shutdown(bufferevent_getfd(c->bev), SHUT_WR);
	http_conn_deadline(c, c->server->limits.linger_ms);
}

void
http_conn_head(
    struct http_conn *c, unsigned status, const struct buf *headers, bool has_length, uint64_t len)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	time_t now = time(NULL);
	char date[40];
	struct tm tm;

	if (c->phase == PHASE_PIECES) /* what is left of the body would be taken for a request */
		c->close_after = true;
	evbuffer_add_printf(out, "HTTP/1.1 %u %s\r\n", status, http_reason(status));
	if (gmtime_r(&now, &tm) != NULL &&
	    strftime(date, sizeof(date), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0)
		evbuffer_add_printf(out, "Date: %s\r\n", date);
	if (headers->len > 0)
		evbuffer_add(out, headers->data, headers->len);
	if (has_length && status != 304 && status != 204)
		evbuffer_add_printf(out, "Content-Length: %" PRIu64 "\r\n", len);
	evbuffer_add_printf(out, "Connection: %s\r\n\r\n", c->close_after ? "close" : "keep-alive");
}

void
http_conn_finish(struct http_conn *c)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	c->phase = PHASE_WRITE;
	c->request.gone = NULL;
	c->request.drained = NULL;
	http_conn_deadline(c, c->server->limits.write_ms + evbuffer_get_length(out) / REPLY_RATE);
}

void
http_conn_reply(
    struct http_conn *c, unsigned status, const struct buf *headers, const void *body, size_t len)
{
	http_conn_head(c, status, headers, true, len);
	if (!c->no_body && status != 304 && status != 204 && len > 0)
		evbuffer_add(bufferevent_get_output(c->bev), body, len);
	http_conn_finish(c);
}

void
http_conn_refuse(struct http_conn *c, unsigned status)
{
	struct buf headers = BUF_INIT(HEADERS_MAX), body = BUF_INIT(HEADERS_MAX);
	void (*gone)(void *arg) = c->request.gone;

	c->close_after = true;
	c->server->ops->refusal(c->server->arg, status, &headers, &body);
	http_conn_reply(c, status, &headers, body.data, body.len);
	buf_done(&headers);
	buf_done(&body);
	if (gone != NULL) /* who took its body so far hears no more of it */
		gone(c->request.gone_arg);
}

/* ---- callbacks ---- */

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct http_conn *c = arg;

	(void)bev;
	http_input_take(c);
	if (c->eof && c->phase == PHASE_PIECES && !c->paused)
		http_conn_close(c); /* all that came was taken, and it was not all */
}

/* The reply has left: on to the next request, which may have come already. */
static void
reply_left(struct http_conn *c)
{
	if (c->close_after && !c->eof) {
		linger(c);
		http_input_take(c);
		return;
	}
	if (c->close_after || c->server->stopping) {
		http_conn_close(c);
		return;
	}
	request_done(c);
	c->phase = PHASE_IDLE;
	http_conn_deadline(c, c->server->limits.idle_ms);
	http_input_take(c);
	if (c->eof && http_input_reads(c))
		http_conn_close(c);
}

static void
on_written(struct bufferevent *bev, void *arg)
{
	struct http_conn *c = arg;

	if (evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		return;
	if (c->phase == PHASE_STREAM && c->request.drained != NULL)
		c->request.drained(c->request.gone_arg);
	else if (c->phase == PHASE_WRITE)
		reply_left(c);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct http_conn *c = arg;
	bool owes =
	    c->phase == PHASE_WAIT || (c->phase == PHASE_PIECES && c->paused) ||
	    (c->phase == PHASE_WRITE && evbuffer_get_length(bufferevent_get_output(bev)) > 0);

	if ((what & BEV_EVENT_CONNECTED) != 0)
		return;
	/* A client may close its side and still read the answers to what it asked. */
	if ((what & BEV_EVENT_EOF) != 0 && owes)
		c->eof = true;
	else
		http_conn_close(c);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct http_conn *c = arg;

	(void)fd;
	(void)what;
	if (c->phase == PHASE_BODY || c->phase == PHASE_PIECES ||
	    (c->phase == PHASE_HEAD && evbuffer_get_length(bufferevent_get_input(c->bev)) > 0))
		http_conn_refuse(c, 408);
	else
		http_conn_close(c);
}

void
http_conn_new(
    struct http_server *s, struct bufferevent *take_bev, const char *peer, bool counted, bool tls)
{
	struct http_conn *c = xcalloc(1, sizeof(*c));
	const struct timeval write_timeout = {.tv_sec = s->limits.write_ms / 1000 + 1};

	c->server = s;
	c->bev = take_bev;
	c->counted = counted;
	memcpy(c->peer, peer, strnlen(peer, sizeof(c->peer) - 1));
	c->request.peer = c->peer;
	c->request.tls = tls;
	c->timer = evtimer_new(s->base, on_deadline, c);
	c->phase = PHASE_HEAD;
	TAILQ_INSERT_TAIL(&s->conns, c, entry);
	s->n_conns++;
	bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
	bufferevent_setwatermark(c->bev, EV_READ, 0, HTTP_INPUT_MAX);
	bufferevent_set_timeouts(c->bev, NULL, &write_timeout);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	http_conn_deadline(c, s->limits.head_ms);
}
