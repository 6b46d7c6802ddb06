/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What was: the history of an outlet's connection, and the dashboard's figures. Reads only. */
#include <stdio.h>
#include <string.h>

#include "waconnd/api/api_internal.h"

#define DAYS_DEFAULT 7
#define DAYS_MAX 90

/* Columns of OUTLET_EVENTS: events, next cursor, uptime. */
static void
on_events(struct call *c, const PGresult *r)
{
	struct buf out;
	struct jsonw j;

	call_begin(&j, &out);
	jsonw_raw(&j, "events", PQgetvalue(r, 0, 0), (size_t)PQgetlength(r, 0, 0));
	jsonw_raw(&j, "uptimePercent", PQgetvalue(r, 0, 2), (size_t)PQgetlength(r, 0, 2));
	jsonw_str(&j, "nextCursor", PQgetisnull(r, 0, 1) ? NULL : PQgetvalue(r, 0, 1));
	call_finish(c, &j, 200);
}

void
api_outlet_events(struct call *c)
{
	const Ipc__List *q = c->request->outlet_events;
	const struct outlet *o = call_outlet(c, q->id);
	struct call_limit_text limit;

	if (o == NULL)
		return;
	limit = call_limit_of(c, q);
	if (limit.text[0] == '\0' || !call_cursor_is_number(c, q->cursor))
		return;
	{
		const struct db_param params[] = {
		    DB_TEXT(outlet_id(o)), DB_TEXT(q->cursor), DB_TEXT(limit.text)};

		call_query(c, SQL_OUTLET_EVENTS, params, 3, NULL, on_events);
	}
}

static void
write_outlets(const struct call *c, struct jsonw *j)
{
	static const char *const names[] = {
	    "CONNECTED", "CONNECTING", "DISCONNECTED", "PAUSED", "FAILED", "TIMEOUT"};
	size_t counts[sizeof(names) / sizeof(names[0])] = {0}, total = 0, healthy = 0;

	for (size_t i = 0; i < outlets_count(c->env->outlets); i++) {
		struct outlet *o = outlets_at(c->env->outlets, i);
		const char *status = outlet_status_name(outlet_live_status(o));

		if (call_scope(c) != NULL && strcmp(call_scope(c), outlet_id(o)) != 0)
			continue;
		total++;
		healthy += outlet_unhealthy(o) == 0;
		for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
			counts[n] += strcmp(names[n], status) == 0;
	}
	jsonw_object(j, "outlets");
	jsonw_int(j, "total", (int64_t)total);
	jsonw_int(j, "healthy", (int64_t)healthy);
	jsonw_object(j, "byStatus");
	for (size_t n = 0; n < sizeof(names) / sizeof(names[0]); n++)
		jsonw_int(j, names[n], (int64_t)counts[n]);
	jsonw_object_end(j);
	jsonw_object_end(j);
}

/* Columns of SUMMARY: blasts by status, scheduled, running, paused; days. */
static void
on_summary(struct call *c, const PGresult *r)
{
	static const char *const keys[] = {"scheduled", "running", "paused"};
	struct buf out;
	struct jsonw j;

	call_begin(&j, &out);
	write_outlets(c, &j);
	jsonw_object(&j, "blasts");
	for (int i = 0; i < 3; i++)
		jsonw_raw(&j, keys[i], PQgetvalue(r, 0, i), (size_t)PQgetlength(r, 0, i));
	jsonw_object_end(&j);
	jsonw_raw(&j, "days", PQgetvalue(r, 0, 3), (size_t)PQgetlength(r, 0, 3));
	jsonw_str(&j, "timezone", c->env->config->pace.timezone);
	call_finish(c, &j, 200);
}

void
api_summary(struct call *c)
{
	const Ipc__Summary *q = c->request->summary;
	const unsigned days = q->has_days ? q->days : DAYS_DEFAULT;
	char days_text[16];

	if (days < 1 || days > DAYS_MAX) {
		call_invalid(c, "days", "out_of_range", "1 to 90.");
		return;
	}
	(void)snprintf(days_text, sizeof(days_text), "%u", days);
	{
		const struct db_param params[] = {DB_TEXT(call_scope(c)), DB_TEXT(days_text),
		    DB_TEXT(c->env->config->pace.timezone)};

		call_query(c, SQL_SUMMARY, params, 3, NULL, on_summary);
	}
}
