/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys that a logout or a ban took from an outlet, brought back by a person. They come back in the
 * database first, then in memory; nothing connects by that.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/log.h"
#include "waconnd/api/api_internal.h"
#include "common/jsonw.h"
#include "waconnd/api/call.h"

static const char *
text(const PGresult *r, int column)
{
	return PQgetisnull(r, 0, column) ? "" : PQgetvalue(r, 0, column);
}

static void
on_restored(struct call *c, const PGresult *r)
{
	const char *id = c->request->outlet_restore_keys->id, *json;
	struct outlet *o = outlets_find(c->env->outlets, id);
	struct jsonw j;
	struct buf out;
	size_t len;

	if (o == NULL) {
		call_problem(c, "not_found", NULL);
		return;
	}
	if (PQntuples(r) != 1) {
		call_problem(c, "no_kept_keys", NULL);
		return;
	}
	outlet_restored(o, text(r, 0), text(r, 1), text(r, 2), strtoll(text(r, 3), NULL, 10));
	call_audit(c, "outlet_restore_keys", id, NULL);
	json = outlet_status_json(o, &len, NULL);
	call_begin(&j, &out);
	jsonw_raw(&j, "status", json, len);
	call_finish(c, &j, 202);
}

void
api_outlet_restore_keys(struct call *c)
{
	struct outlet *o = call_outlet(c, c->request->outlet_restore_keys->id);
	const struct store *store;
	const char *problem;
	char epoch[24];

	if (o == NULL)
		return;
	store = c->env->store;
	problem = outlet_may_restore(o);
	if (problem != NULL) {
		call_problem(c, problem, NULL);
		return;
	}
	(void)snprintf(epoch, sizeof(epoch), "%" PRId64, store->epoch);
	{
		const struct db_param params[] = {
		    DB_TEXT(outlet_id(o)), DB_TEXT(store->instance), DB_TEXT(epoch)};

		call_query(c, SQL_KEYS_RESTORE, params, 3, "owner_unavailable", on_restored);
	}
}

static void
on_purged(void *arg, enum db_error error, const PGresult *result)
{
	(void)arg;
	(void)result;
	if (error != DB_OK)
		log_warn("keys.purge", LOG_STR("why", db_error_text(error)));
}

void
outlet_keys_purge(struct db *db)
{
	(void)db_query(db, SQL_KEYS_PURGE, NULL, 0, on_purged, NULL);
}
