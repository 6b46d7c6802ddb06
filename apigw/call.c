/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The way of a request: identity, route, credentials, body, the daemon, the reply. Every failure
 * leaves as a problem document. Never decides who may do what: it only sends away who shows no
 * token at all.
 */
#include "apigw/call.h"

#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "apigw/accept.h"
#include "apigw/answer_cache.h"
#include "apigw/conditional.h"
#include "apigw/cors.h"
#include "apigw/gateway_metrics.h"
#include "apigw/routes/routes.h"
#include "apigw/web_pages.h"
#include "apigw/zip.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/problem.h"
#include "common/rng.h"
#include "common/xalloc.h"

#define HEADERS_MAX 16384
#define PROBLEM_MAX 65536
#define REQUEST_ID_ACCEPTED_MIN 8
#define IDEMPOTENCY_KEY_MAX 255
#define ETAG_BYTES 12
#define ETAG_MAX 128
#define QUERY_NAME_MAX 64
#define ZIP_MIN 1024	   /* bytes; less is not worth it */
#define ZIP_MAX (4u << 20) /* what is longer would hold up the others */

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

/* ---- replies ---- */

/* What a client may keep and ask for again by its ETag. */
static bool
is_cacheable(const struct call *c)
{
	return session_method_safe(c->http->head.method) && !c->route->open &&
	       c->route->op != IPC__REQUEST__OP_SUBSCRIBE &&
	       c->route->op != IPC__REQUEST__OP_OUTLET_QR &&
	       c->route->op != IPC__REQUEST__OP_OUTLET_PAIRING_CODE &&
	       c->route->op != IPC__REQUEST__OP_OUTLET_PASSKEY;
}

void
call_headers(const struct call *c, struct buf *headers, const char *type)
{
	bool page = c->route == NULL;

	buf_addf(headers, "X-Request-Id: %s\r\n", c->request_id);
	if (type != NULL)
		buf_addf(headers, "Content-Type: %s\r\n", type);
	buf_add_str(headers,
	    "X-Content-Type-Options: nosniff\r\n"
	    "Referrer-Policy: no-referrer\r\n"
	    "Cross-Origin-Opener-Policy: same-origin\r\n"
	    "Cross-Origin-Resource-Policy: same-origin\r\n"
	    "Content-Security-Policy: default-src 'none'; script-src 'self'; style-src 'self'; "
	    "img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; manifest-src 'self'; "
	    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'\r\n");
	cors_headers(c, headers);
	if (!page)
		buf_add_str(headers, is_cacheable(c) ? "Cache-Control: private, no-cache\r\n"
						     : "Cache-Control: no-store\r\n");
}

void
call_reply(struct call *c, unsigned status, const char *type, const struct buf *more_headers,
    const void *body, size_t len)
{
	struct buf headers = BUF_INIT(HEADERS_MAX);

	call_headers(c, &headers, type);
	if (more_headers != NULL && more_headers->len > 0)
		buf_add(&headers, more_headers->data, more_headers->len);
	log_debug("http.reply", LOG_STR("request", c->request_id),
	    LOG_STR("method", c->http->head.method), LOG_STR("path", c->http->head.path),
	    LOG_INT("status", status));
	gateway_metrics_replied(c, status);
	http_reply(c->http, status, &headers, body, len);
	buf_done(&headers);
	call_free(c);
}

static void
reply_problem(
    struct call *c, const struct problem *p, const char *detail, const struct buf *more_headers)
{
	struct buf body = BUF_INIT(PROBLEM_MAX), headers = BUF_INIT(HEADERS_MAX);

	problem_write(&body, p, detail, c->request_id, c->body.errors, c->body.n_errors);
	if (more_headers != NULL && more_headers->len > 0)
		buf_add(&headers, more_headers->data, more_headers->len);
	if (p->status == 401)
		buf_add_str(&headers, "WWW-Authenticate: Bearer\r\n");
	if (p->status == 503)
		buf_add_str(&headers, "Retry-After: 1\r\n");
	if (c->route == NULL)
		buf_add_str(&headers, "Cache-Control: no-store\r\n");
	call_reply(c, p->status, "application/problem+json", &headers, body.data, body.len);
	buf_done(&body);
	buf_done(&headers);
}

void
call_problem(struct call *c, const char *code, const char *detail)
{
	reply_problem(c, problem_find(code), detail, NULL);
}

void
call_problem_with(struct call *c, const char *code, const struct buf *more_headers)
{
	reply_problem(c, problem_find(code), NULL, more_headers);
}

void
call_not_allowed(struct call *c, const char *allow)
{
	struct buf headers = BUF_INIT(HEADERS_MAX);

	buf_addf(&headers, "Allow: %s\r\n", allow);
	reply_problem(c, problem_find("method_not_allowed"), NULL, &headers);
	buf_done(&headers);
}

void
call_invalid(struct call *c)
{
	const char *code = "validation_failed";

	for (size_t i = 0; i < c->body.n_errors; i++) {
		if (strcmp(c->body.errors[i].code, "unsupported_audience") == 0)
			code = "unsupported_audience";
	}
	call_problem(c, code, NULL);
}

void
call_failed(struct call *c, enum ipc_failure failure)
{
	if (failure == IPC_E_DEADLINE)
		call_problem(c, "daemon_timeout", NULL);
	else if (failure == IPC_E_FULL)
		call_problem(c, "overloaded", NULL);
	else if (failure == IPC_E_LOST && !session_method_safe(c->http->head.method))
		call_problem(c, "daemon_unavailable",
		    "The connection to waconnd broke meanwhile: look whether the change was made "
		    "before you repeat it.");
	else
		call_problem(c, "daemon_unavailable", NULL);
}

/* The ETag of an answer that may be kept: the daemon's own, or made from its bytes. */
static bool
answer_etag(const struct call *c, const Ipc__Response *response, char out[ETAG_MAX])
{
	uint8_t digest[SHA256_DIGEST_LENGTH];
	size_t n = 1;

	if (response->etag != NULL) {
		(void)snprintf(out, ETAG_MAX, "%s", response->etag);
		return strpbrk(out, "\r\n") == NULL;
	}
	if (response->status != 200 || !is_cacheable(c))
		return false;
	(void)SHA256(response->body.data, response->body.len, digest);
	out[0] = '"';
	for (size_t i = 0; i < ETAG_BYTES; i++)
		n += (size_t)snprintf(out + n, ETAG_MAX - n, "%02x", digest[i]);
	(void)snprintf(out + n, ETAG_MAX - n, "\"");
	return true;
}

/*
 * The answer compressed, if the client takes it so. Only what may be kept, too: no answer of that
 * kind has a secret in it whose length could be guessed at (BREACH).
 */
static const struct buf *
zipped(struct call *c, const Ipc__Response *response, struct buf *out)
{
	const char *encodings = http_head_get(&c->http->head, "accept-encoding");

	if (response->status != 200 || !is_cacheable(c) || response->body.len < ZIP_MIN ||
	    response->body.len > ZIP_MAX || encodings == NULL ||
	    accept_quality(encodings, "gzip", NULL) == 0)
		return NULL;
	if (c->kept != NULL && response->body.data == c->kept->body)
		return answer_zipped(c->kept);
	return zip(response->body.data, response->body.len, out) == 0 ? out : NULL;
}

static void
pass_body(struct call *c, const Ipc__Response *response, const char *etag, struct buf *headers)
{
	struct buf out = BUF_INIT(ZIP_MAX);
	const struct buf *packed = zipped(c, response, &out);
	const char *type =
	    response->status >= 400 ? "application/problem+json" : "application/json";

	if (etag != NULL) /* the same document in other bytes: a weak one */
		buf_addf(headers, "ETag: %s%s\r\n",
		    packed != NULL && strncmp(etag, "W/", 2) != 0 ? "W/" : "", etag);
	if (packed != NULL)
		buf_add_str(headers, "Content-Encoding: gzip\r\n");
	call_reply(c, response->status, type, headers,
	    packed != NULL ? packed->data : response->body.data,
	    packed != NULL ? packed->len : response->body.len);
	buf_done(&out);
}

void
call_pass(struct call *c, const Ipc__Response *response)
{
	struct buf headers = BUF_INIT(HEADERS_MAX);
	unsigned status = response->status;
	char etag[ETAG_MAX];
	const bool tagged = answer_etag(c, response, etag);

	if (status >= 400 && response->body.len == 0) {
		call_problem(c, "internal", NULL);
		return;
	}
	if (is_cacheable(c))
		buf_add_str(&headers, "Vary: Accept-Encoding\r\n");
	if (response->has_retry_after_s)
		buf_addf(&headers, "Retry-After: %u\r\n", response->retry_after_s);
	else if (status == 503)
		buf_add_str(&headers, "Retry-After: 1\r\n");
	if (status == 401)
		buf_add_str(&headers, "WWW-Authenticate: Bearer\r\n");
	if (status == 200 && tagged && conditional_known(&c->http->head, etag)) {
		buf_addf(&headers, "ETag: %s\r\n", etag);
		call_reply(c, 304, NULL, &headers, NULL, 0);
	} else {
		pass_body(c, response, tagged ? etag : NULL, &headers);
	}
	buf_done(&headers);
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
	char *value = call_alloc(c, max + 1);
	int r = http_query_get(c->http->head.query, name, value, max + 1);

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
		rng_id("req_", c->request_id, sizeof(c->request_id));
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
	if (!is_json_type(http_head_get(&c->http->head, "content-type"))) {
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
