/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * http: connections of HTTP/1.1 clients on the loop: bytes in, whole requests out, replies back.
 * Every phase has an absolute deadline, every buffer a maximum. One request at a time on a
 * connection; what was pipelined waits its turn.
 */
#ifndef APIGW_HTTP_H
#define APIGW_HTTP_H

#include <event2/event.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apigw/http_parser.h"

#define HTTP_CONNECTIONS_MAX 1024
#define HTTP_PER_ADDRESS_MAX 64
#define HTTP_REQUESTS_MAX 10000 /* on one connection */
#define HTTP_STREAM_QUEUE_MAX                                                                 \
	(1u << 20)		     /* unsent bytes of a stream before its reader is dropped \
				      */
#define HTTP_BODIES_MAX (256u << 20) /* bytes that all bodies together may take */

struct http_limits {
	unsigned head_ms, body_ms, idle_ms, write_ms, linger_ms;
	unsigned connections_max, per_address_max;
	size_t body_max, bodies_max;
};
extern const struct http_limits http_limits_default;

struct http_server;

/* One request, from its last byte until its reply or until the client is gone; then the pointer is
 * dead. */
struct http_request {
	struct http_head head;
	struct buf body;
	const char *peer; /* the other end's address; "" for a Unix socket */
	bool tls;
	/* Set by who answers later: the client went away; never answer, forget the pointer. */
	void (*gone)(void *arg);
	/* Set by who takes a streamed body: its next bytes, and at its end no bytes (NULL). While
	 * the body is paused none come. */
	void (*piece)(void *arg, const void *data, size_t len);
	/* Set by who streams a reply of known length: what was written has left, write more. */
	void (*drained)(void *arg);
	void *gone_arg; /* of all three */
};

struct http_server_ops {
	void (*request)(void *arg, struct http_request *r);
	/* A request that cannot be read: the body of the answer. `status` is 400, 408, 413, 431 or
	 * 503. */
	void (*refusal)(void *arg, unsigned status, struct buf *ret_headers, struct buf *ret_body);
	/* Addresses that carry the connections of many clients are not counted. */
	bool (*exempt)(void *arg, const char *peer);
	/* How long may the body of this request be, of which the bytes are taken as they come? Such
	 * a request is handed over with its head. 0: its body is gathered first. May be NULL. */
	size_t (*stream_max)(void *arg, const struct http_head *head);
};

struct http_server *http_server_new(struct event_base *base, const struct http_limits *limits,
    const struct http_server_ops *ops, void *arg);
/* Takes a listening socket. ctx NULL: plain; else it must outlive the server. */
int http_server_listen(struct http_server *s, int take_fd, SSL_CTX *ctx)
    __attribute__((warn_unused_result));
void http_server_set_body_max(struct http_server *s, size_t body_max);
void http_server_set_tls(struct http_server *s,
    SSL_CTX *ctx); /* for connections from now on, on listeners that have one */
/* No new connections; idle ones close, those with a request close after its reply. */
void http_server_stop(struct http_server *s);
unsigned http_server_connections(const struct http_server *s);
void http_server_free(struct http_server **s);

/* `headers`: lines that end in CRLF, without Content-Length and Connection, which are written here.
 */
void http_reply(struct http_request *r, unsigned status, const struct buf *headers,
    const void *body, size_t len);
/* A reply without an end: the connection closes after it. */
void http_stream_begin(struct http_request *r, unsigned status, const struct buf *headers);
/* -1: the reader is too slow and has been dropped; `gone` was not called and r is dead. */
int http_stream_write(struct http_request *r, const void *data, size_t len)
    __attribute__((warn_unused_result));
void http_stream_end(struct http_request *r);
/* A reply of `len` bytes, to be written piece by piece with http_stream_write, more of them each
 * time r->drained is called. False: its head was asked for alone, and it is over. */
bool http_stream_begin_sized(
    struct http_request *r, unsigned status, const struct buf *headers, uint64_t len);
/* It cannot be completed: the connection closes, so that the client sees it cut. */
void http_stream_abort(struct http_request *r);

/* Of a streamed body: no pieces from now on, until it is resumed. They come later, never from
 * inside the call. */
void http_body_pause(struct http_request *r);
void http_body_resume(struct http_request *r);

const char *http_reason(unsigned status);

#endif
