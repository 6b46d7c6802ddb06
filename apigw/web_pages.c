/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pages and files from memory, with what caches need. Never touches the file system. */
#include "apigw/web_pages.h"

#include <string.h>
#include <strings.h>

#include "apigw/call.h"

#define HEADERS_MAX 4096

/* "gzip" in Accept-Encoding, unless with q=0. */
static bool
accepts_gzip(const struct http_head *head)
{
	const char *list = http_head_get(head, "accept-encoding");
	const char *gzip = list == NULL ? NULL : strcasestr(list, "gzip");

	if (gzip == NULL)
		return false;
	gzip += 4;
	gzip += strspn(gzip, " ");
	if (*gzip != ';')
		return true;
	gzip += 1 + strspn(gzip + 1, " ");
	return !(
	    strncasecmp(gzip, "q=0", 3) == 0 && strspn(gzip + 3, ".0") == strcspn(gzip + 3, ", "));
}

static void
answer_file(struct call *c, const struct web_file *f)
{
	const char *known = http_head_get(&c->http->head, "if-none-match");
	struct buf headers = BUF_INIT(HEADERS_MAX);
	const struct web_file *body = f;

	buf_addf(&headers, "Cache-Control: %s\r\n",
	    f->immutable ? "public, max-age=31536000, immutable" : "no-cache");
	if (f->gzip != NULL) {
		buf_add_str(&headers, "Vary: Accept-Encoding\r\n");
		if (accepts_gzip(&c->http->head)) {
			buf_add_str(&headers, "Content-Encoding: gzip\r\n");
			body = f->gzip;
		}
	}
	buf_addf(&headers, "ETag: %s\r\n", body->etag);
	if (known != NULL && strstr(known, body->etag) != NULL)
		call_reply(c, 304, NULL, &headers, NULL, 0);
	else
		call_reply(c, 200, f->type, &headers, body->data, body->len);
	buf_done(&headers);
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
		call_problem(c, "not_found", NULL);
	} else if (!session_method_safe(head->method)) {
		call_not_allowed(c, "GET, HEAD");
	} else if (root) {
		buf_add_str(&headers, "Location: /outlet-status\r\nCache-Control: no-cache\r\n");
		call_reply(c, 302, NULL, &headers, NULL, 0);
	} else {
		answer_file(c, f);
	}
	buf_done(&headers);
}
