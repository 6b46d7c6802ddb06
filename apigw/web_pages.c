/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pages and files from memory, with what caches need. Never touches the file system. */
#include "apigw/web_pages.h"

#include <inttypes.h>
#include <string.h>

#include "apigw/accept.h"
#include "apigw/call.h"
#include "apigw/conditional.h"

#define HEADERS_MAX 4096

/* The whole of it, or the part that is asked for. */
static void
answer_bytes(struct call *c, unsigned status, const char *type, const struct web_file *body,
    struct buf *headers)
{
	uint64_t from = 0, len = body->len;
	const int range =
	    status == 200 ? conditional_range(&c->http->head, body->etag, body->len, &from, &len)
			  : 0;

	if (range < 0) {
		struct buf size = BUF_INIT(HEADERS_MAX);

		buf_addf(&size, "Content-Range: bytes */%zu\r\n", body->len);
		call_problem_with(c, "range_not_satisfiable", &size);
		buf_done(&size);
		return;
	}
	if (range > 0)
		buf_addf(headers, "Content-Range: bytes %" PRIu64 "-%" PRIu64 "/%zu\r\n", from,
		    from + len - 1, body->len);
	call_reply(c, range > 0 ? 206 : status, type, headers, body->data + from, (size_t)len);
}

static void
answer_file(struct call *c, unsigned status, const struct web_file *f)
{
	const char *encodings = http_head_get(&c->http->head, "accept-encoding");
	struct buf headers = BUF_INIT(HEADERS_MAX);
	const struct web_file *body = f;

	buf_addf(&headers, "Cache-Control: %s\r\nAccept-Ranges: bytes\r\n",
	    f->immutable ? "public, max-age=31536000, immutable" : "no-cache");
	if (f->gzip != NULL) {
		buf_add_str(&headers, "Vary: Accept-Encoding\r\n");
		if (encodings != NULL && accept_quality(encodings, "gzip", NULL) > 0) {
			buf_add_str(&headers, "Content-Encoding: gzip\r\n");
			body = f->gzip;
		}
	}
	buf_addf(&headers, "ETag: %s\r\n", body->etag);
	if (status == 200 && conditional_known(&c->http->head, body->etag))
		call_reply(c, 304, NULL, &headers, NULL, 0);
	else
		answer_bytes(c, status, f->type, body, &headers);
	buf_done(&headers);
}

/* Who asks for a page that there is not gets one that says so. */
static bool
wants_page(const struct http_head *head)
{
	const char *accept = http_head_get(head, "accept");

	return session_method_safe(head->method) && accept != NULL &&
	       strstr(accept, "text/html") != NULL && accept_quality(accept, "text/html", NULL) > 0;
}

static void
no_file(struct call *c)
{
	const struct web_file *index = web_files_find(c->gw->web, "/index.html");

	if (index != NULL && wants_page(&c->http->head))
		answer_file(c, 404, index);
	else
		call_problem(c, "not_found", NULL);
}

void
web_pages_file(struct call *c, const char *path)
{
	const struct web_file *f = web_files_find(c->gw->web, path);

	if (f != NULL)
		answer_file(c, 200, f);
	else
		no_file(c);
}

void
web_pages_answer(struct call *c)
{
	const struct http_head *head = &c->http->head;
	const struct web_file *f = web_files_find(c->gw->web, head->path);
	struct buf headers = BUF_INIT(HEADERS_MAX);
	bool root = strcmp(head->path, "/") == 0;

	if (f == NULL)
		f = web_files_page(c->gw->web, head->path);
	if (f == NULL && !root) {
		no_file(c);
	} else if (!session_method_safe(head->method)) {
		call_not_allowed(c, "GET, HEAD");
	} else if (root) {
		buf_add_str(&headers, "Location: /outlet-status\r\nCache-Control: no-cache\r\n");
		call_reply(c, 302, NULL, &headers, NULL, 0);
	} else {
		answer_file(c, 200, f);
	}
	buf_done(&headers);
}
