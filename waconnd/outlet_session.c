/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The outlet's row in outlet_sessions: written through the batch with each transition, and known as
 * committed only when the batch said so. Also compares what the database says with what is, now and
 * then, and corrects it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/jsonw.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/outlet_internal.h"

struct session_commit {
	LIST_ENTRY(session_commit) entry;
	struct outlet *o;
	struct session_row row; /* as it was put */
};

void
session_row_done(struct session_row *row)
{
	free(row->last_error);
	row->last_error = NULL;
}

void
session_row_copy(struct session_row *to, const struct session_row *from)
{
	char *error = from->last_error != NULL ? xstrdup(from->last_error) : NULL;

	free(to->last_error);
	*to = *from;
	to->last_error = error;
}

static void
commit_free(struct session_commit *c)
{
	LIST_REMOVE(c, entry);
	session_row_done(&c->row);
	free(c);
}

bool
session_row_shows(const struct session_row *a, const struct session_row *b)
{
	const char *ea = a->last_error != NULL ? a->last_error : "",
		   *eb = b->last_error != NULL ? b->last_error : "";

	return a->status == b->status && strcmp(a->session_name, b->session_name) == 0 &&
	       a->connected_at_ms == b->connected_at_ms && a->qr_until_ms == b->qr_until_ms &&
	       a->next_retry_at_ms == b->next_retry_at_ms && a->retry_count == b->retry_count &&
	       strcmp(ea, eb) == 0;
}

static void
on_committed(void *arg, int err)
{
	struct session_commit *c = arg;
	struct outlet *o = c->o;
	bool same;

	if (err < 0) {
		log_error("outlet.unsaved", LOG_STR("outlet", o->id), LOG_INT("error", err));
		o->unsaved = true;
		commit_free(c);
		return;
	}
	same = session_row_shows(&o->committed, &c->row);
	session_row_copy(&o->committed, &c->row);
	o->written_ms = clock_monotonic_ms();
	commit_free(c);
	if (same) {
		outlet_changed(o);
		return;
	}
	outlet_publish(o);
	outlet_check_ready(o);
}

void
outlet_session_write(struct outlet *o, const enum outlet_status *from, const char *reason)
{
	struct batch *batch = o->os->env.store->batch;
	struct session_commit *c = xcalloc(1, sizeof(*c));
	const struct session_row *r = &o->row;
	const struct batch_session s = {
	    .outlet = o->id,
	    .status = outlet_status_name(r->status),
	    .session_name = r->session_name[0] != '\0' ? r->session_name : NULL,
	    .own_jid = r->own_jid[0] != '\0' ? r->own_jid : NULL,
	    .own_lid = r->own_lid[0] != '\0' ? r->own_lid : NULL,
	    .connected_at_ms = r->connected_at_ms,
	    .last_seen_ms = r->last_seen_ms,
	    .next_retry_at_ms = r->next_retry_at_ms,
	    .linked_at_ms = r->linked_at_ms,
	    .qr_until_ms = r->qr_until_ms,
	    .retry_count = r->retry_count,
	    .last_error = r->last_error,
	    .from_status = from != NULL ? outlet_status_name(*from) : NULL,
	    .reason = reason,
	};

	o->unsaved = false;
	o->written_ms = clock_monotonic_ms();
	c->o = o;
	session_row_copy(&c->row, r);
	LIST_INSERT_HEAD(&o->commits, c, entry);
	batch_session_put(batch, &s);
	batch_commit(batch, on_committed, c);
}

void
outlet_session_forget(struct outlet *o)
{
	struct session_commit *c;

	while ((c = LIST_FIRST(&o->commits)) != NULL) {
		batch_forget(o->os->env.store->batch, c);
		commit_free(c);
	}
}

void
outlet_session_error(struct outlet *o, const struct link_reason *reason, int64_t until_ms)
{
	struct buf out = BUF_INIT(4096);
	struct jsonw j;

	free(o->row.last_error);
	o->row.last_error = NULL;
	if (reason == NULL)
		return;
	jsonw_init(&j, &out);
	jsonw_object(&j, NULL);
	jsonw_str(&j, "code", reason->code);
	jsonw_str(&j, "message", reason->message);
	jsonw_str(&j, "action", reason->action);
	jsonw_time(&j, "until", until_ms);
	jsonw_object_end(&j);
	if (buf_ok(&out))
		o->row.last_error = xstrdup(buf_str(&out));
	buf_done(&out);
}

/* -- does the database say what we wrote? -- */

static int
status_parse(const char *name, enum outlet_status *ret)
{
	for (enum outlet_status s = OUTLET_CONNECTED; s <= OUTLET_TIMEOUT; s++)
		if (strcmp(outlet_status_name(s), name) == 0) {
			*ret = s;
			return 0;
		}
	return -1;
}

static void
check_one(struct outlets *os, const char *id, const char *status)
{
	struct outlet *o = outlets_find(os, id);
	enum outlet_status found;

	if (o == NULL || o->state == OUT_ELSEWHERE || status_parse(status, &found) < 0 ||
	    found == o->committed.status)
		return;
	/* The question may have been answered before what was written meanwhile. */
	if (!LIST_EMPTY(&o->commits) || o->written_ms >= os->check_ms)
		return;
	log_warn("outlet.corrected", LOG_STR("outlet", o->id), LOG_STR("database", status),
	    LOG_STR("live", outlet_status_name(o->row.status)));
	o->committed.status = found;
	outlet_publish(o);
	outlet_session_write(o, &found, "the database said otherwise and was corrected");
}

static void
on_states(void *arg, enum db_error error, const PGresult *result)
{
	struct outlets *os = arg;

	os->check_ticket = 0;
	if (error != DB_OK)
		return;
	for (int i = 0; i < PQntuples(result); i++)
		check_one(os, PQgetvalue(result, i, 0), PQgetvalue(result, i, 1));
}

void
outlets_check_sessions(struct outlets *os)
{
	if (os->check_ticket != 0 || !db_up(os->env.store->db))
		return;
	os->check_ms = clock_monotonic_ms();
	os->check_ticket = db_query(os->env.store->db, SQL_SESSION_STATES, NULL, 0, on_states, os);
}
