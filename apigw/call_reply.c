/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a call is answered with, and with it the end of the call: the fields that every answer has,
 * the daemon's documents with their ETag, compressed where that gives nothing away, and every
 * failure as a problem document.
 */
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "apigw/accept.h"
#include "apigw/answer_cache.h"
#include "apigw/call.h"
#include "apigw/conditional.h"
#include "apigw/cors.h"
#include "apigw/gateway_metrics.h"
#include "apigw/zip.h"
#include "common/log.h"
#include "common/problem.h"

#define HEADERS_MAX 16384
#define HEADERS_EXPECTED 1000
#define PROBLEM_MAX 65536
#define ETAG_BYTES 12
#define ETAG_MAX 128
#define ZIP_MIN 1024	   /* bytes; less is not worth it */
#define ZIP_MAX (4u << 20) /* what is longer would hold up the others */

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

	buf_expect(headers, HEADERS_EXPECTED);
	buf_add_str(headers, "X-Request-Id: ");
	buf_add_str(headers, c->request_id);
	if (type != NULL) {
		buf_add_str(headers, "\r\nContent-Type: ");
		buf_add_str(headers, type);
	}
	buf_add_str(headers,
	    "\r\n"
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
	static const char hex[] = "0123456789abcdef";
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
	for (size_t i = 0; i < ETAG_BYTES; i++) {
		out[n++] = hex[digest[i] >> 4];
		out[n++] = hex[digest[i] & 15];
	}
	out[n++] = '"';
	out[n] = '\0';
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
