/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Fields of the fetch standard. Never Access-Control-Allow-Credentials: no page of another origin
 * is to act with a login that it does not know. */
#include "apigw/cors.h"

#include <string.h>
#include <strings.h>

#define HEADERS_MAX 4096

static bool
is_api(const struct call *c)
{
	return strncmp(c->http->head.path, "/api/", 5) == 0;
}

/* What the page may be told: its origin, or "*"; NULL: nothing. */
static const char *
allowed(const struct call *c)
{
	const struct gateway_conf *conf = &c->gw->conf;
	const char *origin = http_head_get(&c->http->head, "origin");

	if (origin == NULL || !is_api(c))
		return NULL;
	for (size_t i = 0; i < conf->n_origins; i++) {
		if (strcmp(conf->origins[i], "*") == 0)
			return "*";
		if (strcasecmp(conf->origins[i], origin) == 0)
			return origin;
	}
	return NULL;
}

void
cors_headers(const struct call *c, struct buf *headers)
{
	const char *origin = allowed(c);

	if (c->gw->conf.n_origins > 0 && is_api(c))
		buf_add_str(headers, "Vary: Origin\r\n");
	if (origin == NULL)
		return;
	buf_addf(headers, "Access-Control-Allow-Origin: %s\r\n", origin);
	buf_add_str(headers,
	    "Access-Control-Expose-Headers: Content-Disposition, Content-Range, ETag, "
	    "Retry-After, X-Request-Id\r\n");
}

bool
cors_preflight(struct call *c, const char *allow)
{
	const struct http_head *head = &c->http->head;
	struct buf headers = BUF_INIT(HEADERS_MAX);

	if (strcmp(head->method, "OPTIONS") != 0 || allowed(c) == NULL ||
	    http_head_get(head, "access-control-request-method") == NULL)
		return false;
	buf_addf(&headers, "Access-Control-Allow-Methods: %s\r\n", allow);
	buf_add_str(&headers,
	    "Access-Control-Allow-Headers: Accept, Authorization, Content-Type, Idempotency-Key, "
	    "If-None-Match, If-Range, Last-Event-ID, Range, X-Api-Key, X-Request-Id\r\n"
	    "Access-Control-Max-Age: 600\r\n"
	    "Cache-Control: no-store\r\n");
	call_reply(c, 204, NULL, &headers, NULL, 0);
	buf_done(&headers);
	return true;
}
