/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * call: one request of an HTTP client on its way: route, parameters, credentials, the daemon's
 * request built from it, the reply. It lives until the reply is written or the client is gone.
 */
#ifndef APIGW_CALL_H
#define APIGW_CALL_H

#include "apigw/body.h"
#include "apigw/gateway.h"
#include "apigw/route_table.h"
#include "apigw/session_cookie.h"

#define CALL_REQUEST_ID_MAX 64

struct call_block;

struct call {
	struct gateway *gw;
	struct http_request *http;
	const struct route *route; /* NULL: outside the table */
	char id[ROUTE_ID_MAX + 1]; /* {id} of the path */
	char request_id[CALL_REQUEST_ID_MAX + 1];
	char remote[64];
	char token[SESSION_TOKEN_MAX + 1];
	bool https; /* as the client's browser sees it */
	struct body body;
	Ipc__Request request;
	uint64_t ipc_id;  /* 0: nothing asked */
	int64_t since_us; /* monotonic */
	struct call_block *blocks;
	struct answer *kept; /* what the daemon may say has not changed; held */
};

void call_start(struct gateway *gw, struct http_request *http);

/* Memory until the request is sent, zeroed. */
void *call_alloc(struct call *c, size_t size);
/* A query parameter's value, or NULL; one that cannot be decoded or is longer than `max` is noted
 * as an error. */
char *call_query(struct call *c, const char *name, size_t max);

/* Sends c->request; the answer goes to the route's `answer`. */
void call_send(struct call *c);
/* The same with an own answer; its arg is the call. */
void call_ask(struct call *c, ipc_response_cb answered);

/* Replies; the call is over then. */
void call_reply(struct call *c, unsigned status, const char *type, const struct buf *more_headers,
    const void *body, size_t len);
void call_problem(struct call *c, const char *code, const char *detail);
void call_problem_with(struct call *c, const char *code, const struct buf *more_headers);
void call_not_allowed(struct call *c, const char *allow); /* 405; allow: the methods there are */
/* The same once the daemon has said that the caller may ask for this at all: 401, 403 and 404 come
 * before what is wrong with a request. */
void call_refuse(struct call *c);
void call_invalid(struct call *c); /* validation_failed, with the errors collected in c->body */
/* Replies with what kept the daemon from answering. */
void call_failed(struct call *c, enum ipc_failure failure);
/* What every response carries. */
void call_headers(const struct call *c, struct buf *headers, const char *type);
/* The daemon's answer as it is. */
void call_pass(struct call *c, const Ipc__Response *response);
void call_free(struct call *c);

#endif
