/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The status of all outlets: the document that is asked for most. The gateway offers the daemon the
 * ETag of the bytes that it sent for this query before; a 304 for it means that they are what this
 * caller gets, too.
 */
#include <stdio.h>
#include <string.h>

#include "apigw/answer_cache.h"
#include "apigw/conditional.h"
#include "apigw/routes/routes.h"

#define CURSOR_MAX 512
#define WORD_MAX 64
#define SEARCH_MAX 200
#define ETAGS_MAX 1024

/* What the client has, and what we have. */
static char *
etags(struct call *c)
{
	const char *theirs = http_head_get(&c->http->head, "if-none-match");
	char *both;

	c->kept = answer_cache_get(c->gw->answers, c->http->head.query);
	if (c->kept == NULL || (theirs != NULL && strlen(theirs) > ETAGS_MAX))
		return (char *)(uintptr_t)theirs;
	both = call_alloc(c, 2 * ETAGS_MAX);
	(void)snprintf(both, 2 * ETAGS_MAX, "%s%s%s", theirs != NULL ? theirs : "",
	    theirs != NULL ? ", " : "", c->kept->etag);
	return both;
}

void
outlets_status(struct call *c)
{
	Ipc__StatusList *m = call_alloc(c, sizeof(*m));
	const char *healthy = call_query(c, "healthy", WORD_MAX);

	ipc__status_list__init(m);
	routes_read_limit(c, &m->has_limit, &m->limit);
	m->cursor = call_query(c, "cursor", CURSOR_MAX);
	m->status = call_query(c, "status", WORD_MAX);
	m->q = call_query(c, "q", SEARCH_MAX);
	m->if_none_match = etags(c);
	if (healthy != NULL) {
		m->has_healthy = 1;
		m->healthy = strcmp(healthy, "true") == 0;
		if (!m->healthy && strcmp(healthy, "false") != 0)
			body_error(
			    &c->body, "", "healthy", "invalid", "true or false is expected.");
	}
	c->request.status_list = m;
}

void
outlets_status_answer(struct call *c, const Ipc__Response *response)
{
	const struct answer *kept = c->kept;
	const char *etag = response->etag;
	Ipc__Response whole = *response;

	if (response->status == 304 && etag != NULL && kept != NULL &&
	    strcmp(kept->etag, etag) == 0 && !conditional_known(&c->http->head, etag)) {
		whole.status = 200;
		whole.body.len = kept->len;
		whole.body.data = c->kept->body;
	} else if (response->status == 200 && etag != NULL) {
		answer_cache_put(c->gw->answers, c->http->head.query, etag, response->body.data,
		    response->body.len);
	}
	call_pass(c, &whole);
}
