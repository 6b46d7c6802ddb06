/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way of a request: identity, route, credentials, body, the daemon; the reply is
 * call_reply.c's. Never decides who may do what: it only sends away who shows no token at all.
 */
#include "apigw/call.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "apigw/answer_cache.h"
#include "apigw/cors.h"
#include "apigw/routes/routes.h"
#include "apigw/web_pages.h"
#include "common/clock.h"
#include "common/xalloc.h"

#define REQUEST_ID_ACCEPTED_MIN 8
#define IDEMPOTENCY_KEY_MAX 255
#define QUERY_NAME_MAX 64

struct call_block {
	struct call_block *next;
	max_align_t bytes[];
};

/* ---- the life of a call ---- */

void *
call_alloc(struct call *c, size_t size)
{
	struct call_block *b = xcalloc(1, sizeof(*b) + size);

	b->next = c->blocks;
	c->blocks = b;
	return b->bytes;
}

static void
drop_blocks(struct call *c)
{
	struct call_block *b;

	while ((b = c->blocks) != NULL) {
		c->blocks = b->next;
		free(b);
	}
}

void
call_free(struct call *c)
{
	drop_blocks(c);
	body_done(&c->body);
	answer_release(&c->kept);
	explicit_bzero(c->token, sizeof(c->token));
	free(c);
}

static void
on_gone(void *arg)
{
	struct call *c = arg;

	if (c->ipc_id != 0)
		ipc_client_forget(c->gw->ipc, c->ipc_id);
	call_free(c);
}

/* ---- the daemon ---- */

static void
on_response(void *arg, enum ipc_failure failure, const Ipc__Response *response)
{
	struct call *c = arg;

	c->ipc_id = 0;
	if (failure != IPC_OK)
		call_failed(c, failure);
	else if (c->route->answer != NULL && response->status < 400)
		c->route->answer(c, response);
	else
		call_pass(c, response);
}

void
call_ask(struct call *c, ipc_response_cb answered)
{
	enum ipc_failure failure = IPC_OK;

	c->ipc_id =
	    ipc_client_send(c->gw->ipc, &c->request, c->route->deadline_ms, answered, c, &failure);
	drop_blocks(c);
	if (c->ipc_id == 0) {
		answered(c, failure, NULL);
		return;
	}
	c->http->gone = on_gone;
	c->http->gone_arg = c;
}

void
call_send(struct call *c)
{
	call_ask(c, on_response);
}

/* May the caller ask at all? Then it hears what is wrong. */
static void
on_may(void *arg, enum ipc_failure failure, const Ipc__Response *response)
{
	struct call *c = arg;

	c->ipc_id = 0;
	c->http->gone = NULL;
	if (failure != IPC_OK)
		call_failed(c, failure);
	else if (response->status >= 400)
		call_pass(c, response);
	else
		call_invalid(c);
}

void
call_refuse(struct call *c)
{
	enum ipc_failure failure = IPC_OK;
	Ipc__May m = IPC__MAY__INIT;

	if (c->route->open) {
		call_invalid(c);
		return;
	}
	if (c->route->body == ROUTE_FILE)
		http_body_pause(c->http); /* nobody takes it */
	m.has_op = 1;
	m.op = c->route->op;
	m.id = c->id;
	c->request.op_case = IPC__REQUEST__OP_MAY;
	c->request.may = &m;
	c->ipc_id =
	    ipc_client_send(c->gw->ipc, &c->request, c->route->deadline_ms, on_may, c, &failure);
	drop_blocks(c);
	if (c->ipc_id == 0) {
		call_failed(c, failure);
		return;
	}
	c->http->gone = on_gone;
	c->http->gone_arg = c;
}

/* ---- what comes in ---- */

char *
call_query(struct call *c, const char *name, size_t max)
{
	const char *query = c->http->head.query;
	char *value;
	int r;

	if (*query == '\0')
		return NULL;
	value = call_alloc(c, max + 1);
	r = http_query_get(query, name, value, max + 1);
	if (r < 0)
		body_error(&c->body, "", name, "invalid",
		    "The parameter cannot be decoded or is too long.");
	return r > 0 && *value != '\0' ? value : NULL;
}

/* Parameters that the route does not take, or that come twice: whoever wrote them means something
 * by them. */
static void
check_query(struct call *c)
{
	const char *query = c->http->head.query;
	char name[QUERY_NAME_MAX + 1], value[1];

	for (const char *p = query; *p != '\0'; p += strcspn(p, "&"), p += *p == '&') {
		const size_t len = strcspn(p, "=&");

		if (len == 0 && *p == '&')
			continue;
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, p);
		if (!route_takes(c->route, p, len))
			body_error(&c->body, "", name, "unknown_parameter",
			    "There is no such parameter here.");
		else if (http_query_get(p + strcspn(p, "&"), name, value, sizeof(value)) != 0)
			body_error(&c->body, "", name, "repeated", "It is given more than once.");
	}
}

/* A sane id of the client's own is kept, so that its logs and ours can be joined. */
static void
set_request_id(struct call *c)
{
	const char *given = http_head_get(&c->http->head, "x-request-id");
	size_t len = given == NULL
			 ? 0
			 : strspn(given,
			       "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.");

	if (given != NULL && given[len] == '\0' && len >= REQUEST_ID_ACCEPTED_MIN &&
	    len <= CALL_REQUEST_ID_MAX)
		memcpy(c->request_id, given, len + 1);
	else
		rng_stock_id(&c->gw->ids, "req_", c->request_id, sizeof(c->request_id));
}

/* From the right: the addresses that our own proxies added, up to the first that is none of theirs.
 */
static void
set_remote(struct call *c)
{
	const char *peer = c->http->peer;
	const char *forwarded = http_head_get(&c->http->head, "x-forwarded-for");
	size_t end = forwarded == NULL ? 0 : strlen(forwarded);

	(void)snprintf(c->remote, sizeof(c->remote), "%s", peer);
	while (end > 0 && gateway_trusts(c->gw, c->remote)) {
		char address[sizeof(c->remote)];
		size_t start = end;

		while (start > 0 && forwarded[start - 1] != ',')
			start--;
		(void)snprintf(
		    address, sizeof(address), "%.*s", (int)(end - start), forwarded + start);
		end = start > 0 ? start - 1 : 0;
		if (!address_valid(address + strspn(address, " ")))
			break;
		(void)snprintf(c->remote, sizeof(c->remote), "%.*s", (int)sizeof(c->remote) - 1,
		    address + strspn(address, " "));
	}
}

static void
set_https(struct call *c)
{
	const char *proto = http_head_get(&c->http->head, "x-forwarded-proto");

	c->https = c->http->tls;
	if (proto != NULL && gateway_trusts(c->gw, c->http->peer))
		c->https = strcasecmp(proto, "https") == 0;
}

/* -1: replied. */
static int
check_credential(struct call *c)
{
	enum credential kind = session_credential(&c->http->head, c->token);

	if (c->route->open)
		return 0;
	if (kind == CREDENTIAL_NONE) {
		call_problem(c, "unauthenticated", NULL);
		return -1;
	}
	if (kind == CREDENTIAL_COOKIE && !session_method_safe(c->http->head.method) &&
	    !session_same_origin(&c->http->head, c->https)) {
		call_problem(c, "origin_mismatch", NULL);
		return -1;
	}
	c->request.token = c->token;
	return 0;
}

static bool
is_json_type(const char *type)
{
	size_t n = sizeof("application/json") - 1;

	return type != NULL && strncasecmp(type, "application/json", n) == 0 &&
	       (type[n] == '\0' || type[n] == ';' || type[n] == ' ');
}

/* -1: replied. */
static int
check_body(struct call *c)
{
	static const struct body_field nothing[] = {{0}};
	const struct buf *body = &c->http->body;

	if (session_method_safe(c->http->head.method) || c->route->body == ROUTE_FILE)
		return 0;
	if (body->len == 0 && c->route->body != ROUTE_JSON)
		return 0;
	if (!is_json_type(http_head_get(&c->http->head, "content-type")) ||
	    http_head_get(&c->http->head, "content-encoding") != NULL) {
		call_problem(c, "unsupported_media_type", NULL);
		return -1;
	}
	if (body_parse(&c->body, body->data, body->len) < 0) {
		call_problem(c, "invalid_json", NULL);
		return -1;
	}
	if (c->route->body == ROUTE_NO_BODY)
		body_read(&c->body, "", c->body.root, nothing, NULL);
	return 0;
}

static void
fill_request(struct call *c)
{
	const char *key = http_head_get(&c->http->head, "idempotency-key");

	c->request.op_case = c->route->op;
	c->request.request_id = c->request_id;
	c->request.remote = c->remote;
	c->request.has_deadline_ms = 1;
	c->request.deadline_ms = c->route->deadline_ms;
	if (key == NULL || session_method_safe(c->http->head.method))
		return;
	if (*key == '\0' || strlen(key) > IDEMPOTENCY_KEY_MAX)
		body_error(&c->body, "", "Idempotency-Key", "invalid",
		    "1 to 255 characters are expected.");
	c->request.idempotency_key = (char *)(uintptr_t)key;
}

static void
run_route(struct call *c)
{
	if (check_credential(c) < 0 || check_body(c) < 0)
		return;
	fill_request(c);
	if (!c->route->open || !session_method_safe(c->http->head.method)) /* probes may say more */
		check_query(c);
	if (c->route->build != NULL)
		c->route->build(c);
	if (c->body.n_errors > 0)
		call_refuse(c);
	else if (c->route->run != NULL)
		c->route->run(c);
	else
		call_send(c);
}

static void
no_route(struct call *c, bool known, const char *allow)
{
	if (known) {
		call_not_allowed(c, allow);
	} else if (strncmp(c->http->head.path, "/api/", 5) == 0 ||
		   strcmp(c->http->head.path, "/api") == 0) {
		call_problem(c, "not_found", NULL);
	} else {
		web_pages_answer(c);
	}
}

void
call_start(struct gateway *gw, struct http_request *http)
{
	struct call *c = xcalloc(1, sizeof(*c));
	char allow[64];
	bool known = false;

	c->gw = gw;
	c->http = http;
	c->since_us = clock_monotonic_us();
	ipc__request__init(&c->request);
	set_request_id(c);
	set_remote(c);
	set_https(c);
	c->route =
	    route_find(http->head.method, http->head.path, c->id, &known, allow, sizeof(allow));
	if (c->route != NULL)
		run_route(c);
	else if (!known || !cors_preflight(c, allow))
		no_route(c, known, allow);
}
