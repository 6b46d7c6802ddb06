/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * http_conn: one connection of an HTTP client, from its acceptance to its end. For http.c, which
 * holds the listeners and what others call.
 */
#ifndef APIGW_HTTP_CONN_H
#define APIGW_HTTP_CONN_H

#include <arpa/inet.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <sys/queue.h>
#include <time.h>

#include "apigw/http.h"

#define HTTP_LISTENERS_MAX 16

enum http_phase {
	PHASE_IDLE,   /* between requests */
	PHASE_HEAD,   /* a head has begun */
	PHASE_BODY,   /* its body is coming */
	PHASE_PIECES, /* its body is coming and is taken as it comes */
	PHASE_WAIT,   /* handed over; the reply is not there yet */
	PHASE_STREAM, /* a reply without an end */
	PHASE_WRITE,  /* the reply is leaving */
	PHASE_LINGER, /* reading away what the client still sends, so that it sees the reply */
};

struct http_conn {
	TAILQ_ENTRY(http_conn) entry;
	struct http_server *server;
	struct bufferevent *bev;
	struct event *readable; /* NULL: over TLS, where the bufferevent reads */
	int64_t deadline_ms;	/* monotonic; 0: none */
	enum http_phase phase;
	struct http_request request;
	struct http_chunks chunks;
	size_t scanned;
	uint64_t taken; /* bytes of a streamed body */
	uint64_t pieces_max;
	size_t reserved; /* of the server's memory for bodies */
	unsigned n_requests;
	char peer[INET6_ADDRSTRLEN];
	bool counted; /* against its address */
	bool paused;  /* the streamed body */
	bool close_after;
	bool no_body; /* HEAD */
	bool full;    /* enough has come that is not looked at yet: nothing is read */
	bool eof;     /* the client has said its last word; it may still listen */
};
TAILQ_HEAD(http_conns, http_conn);

struct http_listener {
	struct http_server *server;
	struct evconnlistener *listener;
	bool tls;
};

struct http_server {
	struct event_base *base;
	struct http_limits limits;
	const struct http_server_ops *ops;
	void *arg;
	SSL_CTX *ctx;
	struct http_listener listeners[HTTP_LISTENERS_MAX];
	size_t n_listeners;
	struct event *accept_again;
	struct event *sweep;	 /* looks at the deadlines while there are connections */
	struct http_conns conns; /* the oldest first */
	unsigned n_conns;
	size_t reserved; /* bytes that bodies take, or may take */
	time_t date_s;	 /* when the line below was written */
	char date[48];	 /* "Date: …" with its CRLF */
	bool stopping;
};

/* Takes bev. peer: at most INET6_ADDRSTRLEN bytes. */
void http_conn_new(
    struct http_server *s, struct bufferevent *take_bev, const char *peer, bool counted, bool tls);
/* The one door out. */
void http_conn_close(struct http_conn *c);
struct http_conn *http_conn_of(struct http_request *r);
/* Status line and fields. `has_length`: the length is told; else the reply ends with the
 * connection. */
void http_conn_head(
    struct http_conn *c, unsigned status, const struct buf *headers, bool has_length, uint64_t len);
/* The whole reply; the next request is read once it has left. */
void http_conn_reply(
    struct http_conn *c, unsigned status, const struct buf *headers, const void *body, size_t len);
/* Everything of the reply has been handed over: close when it has left. */
void http_conn_finish(struct http_conn *c);
/* The reply to what cannot be read as a request, or not be taken; the connection ends with it. */
void http_conn_refuse(struct http_conn *c, unsigned status);
/* What has come has been taken, so far: goes on reading if that had stopped. */
void http_conn_read_on(struct http_conn *c);
/* From now on; 0: none. It is noticed with the next sweep: a timer for each phase of each request
 * would cost more than the request's reading. */
void http_conn_deadline(struct http_conn *c, uint64_t ms);
/* It has passed: the client is told, or dropped. */
void http_conn_overdue(struct http_conn *c);
/* Memory for bodies is shared by all: false when there is not enough of it for this one, too. */
bool http_conn_reserve(struct http_conn *c, size_t bytes);

#endif
