/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Bytes to requests, by the phase in which their connection is: heads, bodies that are gathered,
 * and those that are handed over in pieces. Never interprets a request beyond its framing.
 */
#include "apigw/http_input.h"

#include <event2/buffer.h>
#include <string.h>

#define BODY_UNTOLD 65536 /* bytes that a body of unknown length may take before it is counted */
/* The least rate at which long bodies must come, in bytes per ms. */
#define BODY_RATE 64

/* So much of what has come has been taken. */
static void
took(struct http_conn *c, size_t n)
{
	evbuffer_drain(bufferevent_get_input(c->bev), n);
	http_conn_read_on(c);
}

/* ---- by phase: true when there may be more to do ---- */

static bool
input_idle(struct http_conn *c)
{
	if (evbuffer_get_length(bufferevent_get_input(c->bev)) == 0)
		return false;
	c->phase = PHASE_HEAD;
	c->no_body = false;
	http_conn_deadline(c, c->server->limits.head_ms);
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
	http_conn_deadline(c,
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
		http_conn_refuse(c, 413);
		return false;
	}
	if (c->pieces_max > 0)
		return begin_pieces(c);
	if (!http_conn_reserve(c, (size_t)head->length)) {
		http_conn_refuse(c, 503);
		return false;
	}
	buf_init(&c->request.body, s->limits.body_max);
	c->phase = PHASE_BODY;
	http_conn_deadline(c, s->limits.body_ms + head->length / BODY_RATE);
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
		http_conn_refuse(c, 431);
		return false;
	}
	if (n == 0)
		return false;
	if (n < 0 || http_head_parse(bytes, (size_t)n, &c->request.head) < 0) {
		http_conn_refuse(c, 400);
		return false;
	}
	took(c, (size_t)n);
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
		http_conn_refuse(c, 400);
		return -1;
	}
	took(c, (size_t)n);
	if (!buf_ok(body)) {
		http_conn_refuse(c, 413);
		return -1;
	}
	if (body->len > BODY_UNTOLD && !http_conn_reserve(c, body->cap)) {
		http_conn_refuse(c, 503);
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
	took(c, len);
	return r->body.len == r->head.length;
}

static bool
input_body(struct http_conn *c)
{
	if (take_body(c) <= 0)
		return false;
	c->phase = PHASE_WAIT;
	http_conn_deadline(c, 0);
	c->server->ops->request(c->server->arg, &c->request);
	return false;
}

/* Hands over what of the body has come. False: refused, or its taker has answered. */
static bool
give_piece(struct http_conn *c, const void *data, size_t len)
{
	if (len > c->pieces_max - c->taken) {
		http_conn_refuse(c, 413);
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
	struct buf data = BUF_INIT(HTTP_INPUT_MAX);
	size_t len = evbuffer_get_length(in);
	ssize_t n;
	bool more;

	if (len > HTTP_INPUT_MAX)
		len = HTTP_INPUT_MAX;
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
		http_conn_refuse(c, 400);
		return -1;
	}
	took(c, (size_t)n);
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
		http_conn_deadline(c, 0);
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
		took(c, evbuffer_get_length(in));
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

bool
http_input_reads(const struct http_conn *c)
{
	return c->phase == PHASE_IDLE || c->phase == PHASE_HEAD || c->phase == PHASE_BODY ||
	       c->phase == PHASE_PIECES;
}

void
http_input_take(struct http_conn *c)
{
	while (inputs[c->phase](c))
		;
}
