/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A connection is in one phase at a time, each with its deadline; callbacks of bufferevents are
 * deferred, so nothing is freed under its caller. Never interprets a request beyond its framing.
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

#include "common/xalloc.h"

#define INPUT_MAX 65536
#define HEADERS_MAX 16384
#define BODY_UNTOLD 65536 /* bytes that a body of unknown length may take before it is counted */
/* The least rates at which long bodies must come and replies must be taken, in bytes per ms. */
#define BODY_RATE 64
#define REPLY_RATE 8

/* ---- the life of a connection ---- */

static void
set_deadline(struct http_conn *c, uint64_t ms)
{
	struct timeval tv = {.tv_sec = (time_t)(ms / 1000), .tv_usec = (long)(ms % 1000) * 1000};

	if (ms == 0)
		evtimer_del(c->timer);
	else
		evtimer_add(c->timer, &tv);
}

/* Memory for bodies is shared by all: false when there is not enough of it for this one, too. */
static bool
reserve(struct http_conn *c, size_t bytes)
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
	set_deadline(c, c->server->limits.linger_ms);
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
	set_deadline(c, c->server->limits.write_ms + evbuffer_get_length(out) / REPLY_RATE);
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

static void
refuse(struct http_conn *c, unsigned status)
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

/* ---- input, by phase: true when there may be more to do ---- */

static bool
input_idle(struct http_conn *c)
{
	if (evbuffer_get_length(bufferevent_get_input(c->bev)) == 0)
		return false;
	c->phase = PHASE_HEAD;
	c->no_body = false;
	set_deadline(c, c->server->limits.head_ms);
	return true;
}

static void
say_continue(struct http_conn *c)
{
	const struct http_head *head = &c->request.head;

	if (head->expect_continue && (head->chunked || head->length > 0) &&
	    evbuffer_get_length(bufferevent_get_input(c->bev)) == 0)
		bufferevent_write(c->bev, "HTTP/1.1 100 Continue\r\n\r\n", 25);
}

/* Who takes the pieces may refuse the request before a byte of its body has come. */
static bool
begin_pieces(struct http_conn *c)
{
	const struct http_head *head = &c->request.head;

	c->phase = PHASE_PIECES;
	set_deadline(c,
	    c->server->limits.body_ms + (head->chunked ? c->pieces_max : head->length) / BODY_RATE);
	c->server->ops->request(c->server->arg, &c->request);
	if (c->phase == PHASE_PIECES)
		say_continue(c);
	return true;
}

/* The head is there: what follows it, and may it? */
static bool
begin_body(struct http_conn *c)
{
	const struct http_head *head = &c->request.head;
	const struct http_server *s = c->server;

	c->no_body = strcmp(head->method, "HEAD") == 0;
	c->close_after = !head->keep_alive || s->stopping || ++c->n_requests >= HTTP_REQUESTS_MAX;
	c->pieces_max = s->ops->stream_max != NULL ? s->ops->stream_max(s->arg, head) : 0;
	if (head->length > (c->pieces_max > 0 ? c->pieces_max : s->limits.body_max)) {
		refuse(c, 413);
		return false;
	}
	if (c->pieces_max > 0)
		return begin_pieces(c);
	if (!reserve(c, (size_t)head->length)) {
		refuse(c, 503);
		return false;
	}
	buf_init(&c->request.body, s->limits.body_max);
	c->phase = PHASE_BODY;
	set_deadline(c, s->limits.body_ms + head->length / BODY_RATE);
	say_continue(c);
	return true;
}

static bool
input_head(struct http_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t len = evbuffer_get_length(in);
	const char *bytes;
	int n;

	if (len > HTTP_HEAD_MAX)
		len = HTTP_HEAD_MAX;
	if (len == 0)
		return false;
	bytes = (const char *)evbuffer_pullup(in, (ssize_t)len);
	n = http_head_scan(bytes, len, &c->scanned);
	if (n == 0 && len == HTTP_HEAD_MAX) {
		refuse(c, 431);
		return false;
	}
	if (n == 0)
		return false;
	if (n < 0 || http_head_parse(bytes, (size_t)n, &c->request.head) < 0) {
		refuse(c, 400);
		return false;
	}
	evbuffer_drain(in, (size_t)n);
	return begin_body(c);
}

/* 1: all there, 0: not yet, -1: refused */
static int
take_chunks(struct http_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t len = evbuffer_get_length(in);
	struct buf *body = &c->request.body;
	ssize_t n;

	if (len == 0)
		return 0;
	n = http_chunks_take(&c->chunks, (const char *)evbuffer_pullup(in, -1), len, body);
	if (n < 0) {
		refuse(c, 400);
		return -1;
	}
	evbuffer_drain(in, (size_t)n);
	if (!buf_ok(body)) {
		refuse(c, 413);
		return -1;
	}
	if (body->len > BODY_UNTOLD && !reserve(c, body->cap)) {
		refuse(c, 503);
		return -1;
	}
	return c->chunks.state == CHUNK_DONE;
}

static int
take_body(struct http_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	struct http_request *r = &c->request;
	size_t len = evbuffer_get_length(in), want;

	if (r->head.chunked)
		return take_chunks(c);
	want = (size_t)r->head.length - r->body.len;
	if (len > want)
		len = want;
	if (len > 0)
		buf_add(&r->body, evbuffer_pullup(in, (ssize_t)len), len);
	evbuffer_drain(in, len);
	return r->body.len == r->head.length;
}

static bool
input_body(struct http_conn *c)
{
	if (take_body(c) <= 0)
		return false;
	c->phase = PHASE_WAIT;
	set_deadline(c, 0);
	c->server->ops->request(c->server->arg, &c->request);
	return false;
}

/* Hands over what of the body has come. False: refused, or its taker has answered. */
static bool
give_piece(struct http_conn *c, const void *data, size_t len)
{
	if (len > c->pieces_max - c->taken) {
		refuse(c, 413);
		return false;
	}
	c->taken += len;
	if (len > 0)
		c->request.piece(c->request.gone_arg, data, len);
	return c->phase == PHASE_PIECES;
}

/* 1: that was its end, 0: more is to come, -1: refused, or its taker has answered */
static int
take_pieces(struct http_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	const struct http_head *head = &c->request.head;
	struct buf data = BUF_INIT(INPUT_MAX);
	size_t len = evbuffer_get_length(in);
	ssize_t n;
	bool more;

	if (len > INPUT_MAX)
		len = INPUT_MAX;
	if (!head->chunked && len > head->length - c->taken)
		len = (size_t)(head->length - c->taken);
	if (!head->chunked) {
		n = (ssize_t)len;
		buf_add(&data, evbuffer_pullup(in, n), len);
	} else {
		n = http_chunks_take(
		    &c->chunks, (const char *)evbuffer_pullup(in, (ssize_t)len), len, &data);
	}
	if (n < 0) {
		buf_done_secret(&data);
		refuse(c, 400);
		return -1;
	}
	evbuffer_drain(in, (size_t)n);
	more = give_piece(c, data.data, data.len);
	buf_done_secret(&data);
	if (!more)
		return -1;
	return head->chunked ? c->chunks.state == CHUNK_DONE : c->taken == head->length;
}

static bool
input_pieces(struct http_conn *c)
{
	const bool empty = evbuffer_get_length(bufferevent_get_input(c->bev)) == 0;
	const bool whole = !c->request.head.chunked && c->taken == c->request.head.length;
	int end;

	if (c->paused || (empty && !whole))
		return false;
	end = take_pieces(c);
	if (end > 0) {
		c->phase = PHASE_WAIT;
		set_deadline(c, 0);
		c->request.piece(c->request.gone_arg, NULL, 0);
	}
	return end == 0;
}

static bool
input_wait(struct http_conn *c)
{
	(void)c;
	return false;
}

/* Where the connection goes on after its stream, what has come is its next request. */
static bool
input_discard(struct http_conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);

	if (c->close_after)
		evbuffer_drain(in, evbuffer_get_length(in));
	return false;
}

static bool (*const inputs[])(struct http_conn *c) = {
    [PHASE_IDLE] = input_idle,
    [PHASE_HEAD] = input_head,
    [PHASE_BODY] = input_body,
    [PHASE_PIECES] = input_pieces,
    [PHASE_WAIT] = input_wait,
    [PHASE_STREAM] = input_discard,
    [PHASE_WRITE] = input_wait,
    [PHASE_LINGER] = input_discard,
};

static bool
is_reading(const struct http_conn *c)
{
	return c->phase == PHASE_IDLE || c->phase == PHASE_HEAD || c->phase == PHASE_BODY ||
	       c->phase == PHASE_PIECES;
}

static void
take_input(struct http_conn *c)
{
	while (inputs[c->phase](c))
		;
}

/* ---- callbacks ---- */

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct http_conn *c = arg;

	(void)bev;
	take_input(c);
	if (c->eof && c->phase == PHASE_PIECES && !c->paused)
		http_conn_close(c); /* all that came was taken, and it was not all */
}

/* The reply has left: on to the next request, which may have come already. */
static void
reply_left(struct http_conn *c)
{
	if (c->close_after && !c->eof) {
		linger(c);
		take_input(c);
		return;
	}
	if (c->close_after || c->server->stopping) {
		http_conn_close(c);
		return;
	}
	request_done(c);
	c->phase = PHASE_IDLE;
	set_deadline(c, c->server->limits.idle_ms);
	take_input(c);
	if (c->eof && is_reading(c))
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
		refuse(c, 408);
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
	bufferevent_setwatermark(c->bev, EV_READ, 0, INPUT_MAX);
	bufferevent_set_timeouts(c->bev, NULL, &write_timeout);
	bufferevent_enable(c->bev, EV_READ | EV_WRITE);
	set_deadline(c, s->limits.head_ms);
}
