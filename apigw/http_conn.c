/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A connection is in one phase at a time, each with its deadline; callbacks of bufferevents are
 * deferred, so nothing is freed under its caller. Replies leave here; what comes in is
 * http_input.c's.
 */
#include "apigw/http_conn.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <errno.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>

#include "apigw/http_input.h"
#include "common/clock.h"
#include "common/xalloc.h"

#define HEADERS_MAX 16384
#define READ_MAX 16384
#define WRITE_MAX (1u << 20) /* bytes that are offered to the kernel at once */
/* The least rate at which replies must be taken, in bytes per ms. */
#define REPLY_RATE 8

/* ---- the life of a connection ---- */

void
http_conn_deadline(struct http_conn *c, uint64_t ms)
{
	c->deadline_ms = ms == 0 ? 0 : clock_monotonic_ms() + (int64_t)ms;
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
	if (c->readable != NULL)
		event_free(c->readable);
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

/* The line that names the time: written once a second. */
static const char *
date_line(struct http_server *s)
{
	const time_t now = time(NULL);
	struct tm tm;

	if (now != s->date_s && gmtime_r(&now, &tm) != NULL &&
	    strftime(s->date, sizeof(s->date), "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm) > 0)
		s->date_s = now;
	return s->date;
}

/* What stands before and behind the caller's fields. */
struct frame {
	char first[128], last[80];
	int first_len, last_len;
};

static struct frame
frame_of(struct http_conn *c, unsigned status, bool has_length, uint64_t len)
{
	struct frame f;
	char length[48] = "";

	if (c->phase == PHASE_PIECES) /* what is left of the body would be taken for a request */
		c->close_after = true;
	if (has_length && status != 304 && status != 204)
		(void)snprintf(length, sizeof(length), "Content-Length: %" PRIu64 "\r\n", len);
	f.first_len = snprintf(f.first, sizeof(f.first), "HTTP/1.1 %u %s\r\n%s", status,
	    http_reason(status), date_line(c->server));
	f.last_len = snprintf(f.last, sizeof(f.last), "%sConnection: %s\r\n\r\n", length,
	    c->close_after ? "close" : "keep-alive");
	return f;
}

void
http_conn_head(
    struct http_conn *c, unsigned status, const struct buf *headers, bool has_length, uint64_t len)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	const struct frame f = frame_of(c, status, has_length, len);

	evbuffer_add(out, f.first, (size_t)f.first_len);
	evbuffer_add(out, headers->data, headers->len);
	evbuffer_add(out, f.last, (size_t)f.last_len);
}

/*
 * Everything of a reply: what the kernel takes at once goes there straight, which spares a copy and
 * the waiting for the socket to be writable; the buffer takes the rest. An error is met again
 * there.
 */
static void
send_all(struct http_conn *c, struct iovec *parts, size_t n)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);
	const bool direct = !c->request.tls && evbuffer_get_length(out) == 0;
	ssize_t taken = direct ? writev(bufferevent_getfd(c->bev), parts, (int)n) : 0;
	size_t skip = taken > 0 ? (size_t)taken : 0;

	for (size_t i = 0; i < n; i++) {
		const size_t of_this = skip < parts[i].iov_len ? skip : parts[i].iov_len;

		skip -= of_this;
		if (of_this < parts[i].iov_len)
			evbuffer_add(out, (const char *)parts[i].iov_base + of_this,
			    parts[i].iov_len - of_this);
	}
	if (evbuffer_get_length(out) == 0)
		bufferevent_trigger(c->bev, EV_WRITE, BEV_OPT_DEFER_CALLBACKS);
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
	struct frame f = frame_of(c, status, true, len);
	const bool told = !c->no_body && status != 304 && status != 204;
	struct iovec parts[] = {
	    {f.first, (size_t)f.first_len},
	    {headers->data, headers->len},
	    {f.last, (size_t)f.last_len},
	    {NULL, told ? len : 0},
	};

	memcpy(&parts[3].iov_base, &body, sizeof(body)); /* writev has no const */
	send_all(c, parts, 4);
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
	/* After a reply that has left come the requests that stand behind it. */
	bool owes = c->phase == PHASE_WAIT || c->phase == PHASE_WRITE ||
		    (c->phase == PHASE_PIECES && c->paused);

	(void)bev;
	if ((what & BEV_EVENT_CONNECTED) != 0)
		return;
	/* A client may close its side and still read the answers to what it asked. */
	if ((what & BEV_EVENT_EOF) != 0 && owes)
		c->eof = true;
	else
		http_conn_close(c);
}

void
http_conn_read_on(struct http_conn *c)
{
	if (!c->full || evbuffer_get_length(bufferevent_get_input(c->bev)) >= HTTP_INPUT_MAX)
		return;
	c->full = false;
	event_add(c->readable, NULL);
}

/*
 * A bufferevent asks the kernel how much there is before it reads, and calls back in a later turn;
 * for requests, which are short, that would cost as much as the reading.
 */
static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct http_conn *c = arg;
	struct evbuffer *in = bufferevent_get_input(c->bev);
	char bytes[READ_MAX];
	ssize_t n = recv(fd, bytes, sizeof(bytes), 0);

	(void)what;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		event_del(c->readable);
		on_event(c->bev,
		    (short)(BEV_EVENT_READING | (n == 0 ? BEV_EVENT_EOF : BEV_EVENT_ERROR)), c);
		return;
	}
	evbuffer_add(in, bytes, (size_t)n);
	OPENSSL_cleanse(bytes, (size_t)n); /* may hold a password */
	c->full = evbuffer_get_length(in) >= HTTP_INPUT_MAX;
	if (c->full)
		event_del(c->readable);
	on_read(c->bev, c);
}

void
http_conn_overdue(struct http_conn *c)
{
	c->deadline_ms = 0;
	if (c->phase == PHASE_BODY || c->phase == PHASE_PIECES ||
	    (c->phase == PHASE_HEAD && evbuffer_get_length(bufferevent_get_input(c->bev)) > 0))
		http_conn_refuse(c, 408);
	else
		http_conn_close(c);
}

static void
begin_reading(struct http_conn *c)
{
	if (c->request.tls) {
		bufferevent_setwatermark(c->bev, EV_READ, 0, HTTP_INPUT_MAX);
		bufferevent_enable(c->bev, EV_READ | EV_WRITE);
		return;
	}
	c->readable = event_new(
	    c->server->base, bufferevent_getfd(c->bev), EV_READ | EV_PERSIST, on_readable, c);
	if (c->readable == NULL)
		abort();
	(void)evbuffer_unfreeze(bufferevent_get_input(c->bev), 0);
	bufferevent_enable(c->bev, EV_WRITE);
	event_add(c->readable, NULL);
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
	c->phase = PHASE_HEAD;
	TAILQ_INSERT_TAIL(&s->conns, c, entry);
	s->n_conns++;
	bufferevent_setcb(c->bev, on_read, on_written, on_event, c);
	bufferevent_set_timeouts(c->bev, NULL, &write_timeout);
	(void)bufferevent_set_max_single_write(c->bev, WRITE_MAX);
	begin_reading(c);
	http_conn_deadline(c, s->limits.head_ms);
}
