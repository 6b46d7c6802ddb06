/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The status of outlets, from memory, so that it answers while the database is away. The whole list
 * is rendered once per change and kept; its version is the ETag.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/request.h"

#define STATUS_LIMIT_MAX 1000

static const char *const statuses[] = {
    "CONNECTED", "CONNECTING", "DISCONNECTED", "PAUSED", "FAILED", "TIMEOUT", NULL};

struct status_cache {
	uint64_t version;
	bool stale;
	struct buf body; /* empty: none */
};

struct status_cache *
status_cache_new(void)
{
	struct status_cache *sc = xcalloc(1, sizeof(*sc));

	buf_init(&sc->body, CALL_ANSWER_MAX);
	return sc;
}

void
status_cache_free(struct status_cache **sc)
{
	if (*sc == NULL)
		return;
	buf_done(&(*sc)->body);
	free(*sc);
	*sc = NULL;
}

/* ASCII letters fold; other bytes are compared as they are. */
static bool
contains(const char *text, const char *needle)
{
	return strcasestr(text, needle) != NULL;
}

static bool
matches(struct call *c, struct outlet *o)
{
	const Ipc__StatusList *q = c->request->status_list;
	const char *scope = call_scope(c);

	if (scope != NULL && strcmp(scope, outlet_id(o)) != 0)
		return false;
	if (q->status != NULL && strcmp(q->status, outlet_status_name(outlet_live_status(o))) != 0)
		return false;
	if (q->has_healthy && (bool)q->healthy != (outlet_unhealthy(o) == 0))
		return false;
	return q->q == NULL || q->q[0] == '\0' || contains(outlet_name(o), q->q) ||
	       contains(outlet_number(o), q->q);
}

struct page {
	size_t count, healthy; /* of all that match */
	struct buf elements;
	const char *next; /* id of the last on this page when more follow, else NULL */
};

static bool
is_here(struct call *c, const char *id)
{
	struct outlets *os = c->env->outlets;
	size_t i = 0;

	while (i < outlets_count(os) && strcmp(outlet_id(outlets_at(os, i)), id) != 0)
		i++;
	return i < outlets_count(os);
}

static void
collect(struct call *c, size_t limit, struct page *p)
{
	const Ipc__StatusList *q = c->request->status_list;
	bool started = q->cursor == NULL || q->cursor[0] == '\0';
	const char *last = NULL;
	size_t taken = 0, len;

	for (size_t i = 0; i < outlets_count(c->env->outlets); i++) {
		struct outlet *o = outlets_at(c->env->outlets, i);
		const char *json;

		if (matches(c, o)) {
			p->count++;
			p->healthy += outlet_unhealthy(o) == 0;
			if (started && taken == limit) {
				p->next = last;
			} else if (started && taken < limit) {
				json = outlet_status_json(o, &len, NULL);
				if (taken++ > 0)
					buf_add_u8(&p->elements, ',');
				buf_add(&p->elements, json, len);
				last = outlet_id(o);
			}
		}
		if (!started && strcmp(outlet_id(o), q->cursor) == 0)
			started = true;
	}
}

static void
render(struct call *c, size_t limit, bool stale, struct buf *out)
{
	struct page p = {.elements = BUF_INIT(CALL_ANSWER_MAX)};

	collect(c, limit, &p);
	buf_addf(out, "{\"success\":true,\"count\":%zu,\"healthy\":%zu,", p.count, p.healthy);
	if (stale)
		buf_add_str(out, "\"databaseStale\":true,");
	if (p.next != NULL)
		buf_addf(out, "\"nextCursor\":\"%s\",", p.next);
	buf_add_str(out, "\"statuses\":[");
	buf_add(out, p.elements.data, p.elements.len);
	buf_add_str(out, "]}");
	if (!buf_ok(&p.elements))
		out->overflow = true;
	buf_done(&p.elements);
}

/* Is this the whole list as an administrator asks for it? That one is kept. */
static bool
is_plain(const struct call *c, size_t limit)
{
	const Ipc__StatusList *q = c->request->status_list;

	return call_scope(c) == NULL && q->status == NULL && !q->has_healthy && q->q == NULL &&
	       q->cursor == NULL && limit == STATUS_LIMIT_MAX;
}

static const struct buf *
whole_list(struct call *c, uint64_t version, bool stale)
{
	struct status_cache *sc = api_status_cache(c->api);

	if (sc->body.len == 0 || sc->version != version || sc->stale != stale) {
		buf_reset(&sc->body);
		render(c, STATUS_LIMIT_MAX, stale, &sc->body);
		sc->version = version;
		sc->stale = stale;
	}
	return &sc->body;
}

static void
reply_tagged(struct call *c, const struct buf *body, const char *etag)
{
	if (buf_ok(body))
		call_reply_text(c, 200, buf_str(body), body->len, etag);
	else
		call_reply(c, 200, body);
}

void
api_status_list(struct call *c)
{
	const Ipc__StatusList *q = c->request->status_list;
	size_t limit = q->has_limit ? q->limit : STATUS_LIMIT_MAX;
	const bool stale = !db_up(c->env->store->db);
	const uint64_t version = outlets_version(c->env->outlets);
	struct buf body = BUF_INIT(CALL_ANSWER_MAX);
	char etag[96];

	if (limit < 1 || limit > STATUS_LIMIT_MAX) {
		call_invalid(c, "limit", "out_of_range", "limit is 1 to 1000");
		return;
	}
	if (q->status != NULL && q->status[0] != '\0' && !request_is_one_of(q->status, statuses)) {
		call_invalid(c, "status", "invalid", "A status of outlets, such as CONNECTED.");
		return;
	}
	(void)snprintf(etag, sizeof(etag), "\"%lld-%llu%s%s\"", (long long)c->env->store->epoch,
	    (unsigned long long)version, stale ? "-stale" : "", c->who.outlet_id);
	if (q->if_none_match != NULL && strstr(q->if_none_match, etag) != NULL) {
		call_reply_text(c, 304, "", 0, etag);
		return;
	}
	if (q->cursor != NULL && q->cursor[0] != '\0' && !is_here(c, q->cursor)) {
		call_invalid(c, "cursor", "invalid",
		    "It is no nextCursor, or its outlet is gone: begin anew.");
		return;
	}
	if (is_plain(c, limit)) {
		reply_tagged(c, whole_list(c, version, stale), etag);
		return;
	}
	render(c, limit, stale, &body);
	reply_tagged(c, &body, etag);
	buf_done(&body);
}

void
api_status_get(struct call *c)
{
	struct outlet *o = call_outlet(c, c->request->status_get->id);
	struct buf out;
	struct jsonw j;
	const char *json;
	size_t len;

	if (o == NULL)
		return;
	json = outlet_status_json(o, &len, NULL);
	call_begin(&j, &out);
	if (!db_up(c->env->store->db))
		jsonw_bool(&j, "databaseStale", true);
	jsonw_raw(&j, "status", json, len);
	call_finish(c, &j, 200);
}
