/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The audit log, read. Its lines are written where the changes are made (call_change, call_audit).
 */
#include <inttypes.h>
#include <stdio.h>

#include "waconnd/api/api_internal.h"

static void
on_listed(struct call *c, const PGresult *result)
{
	call_reply_page(c, result, "entries");
}

void
api_audit_list(struct call *c)
{
	const Ipc__AuditList *q = c->request->audit_list;
	const Ipc__List page = {.has_limit = q->has_limit, .limit = q->limit};
	unsigned limit = call_limit(c, &page);
	char limit_text[16], from[32], until[32];

	if (limit == 0 || !call_cursor_is_number(c, q->cursor))
		return;
	if (q->has_from_ms && q->has_until_ms && q->until_ms <= q->from_ms) {
		call_invalid(c, "to", "out_of_range", "It must be later than from.");
		return;
	}
	(void)snprintf(limit_text, sizeof(limit_text), "%u", limit);
	(void)snprintf(from, sizeof(from), "%" PRId64, q->from_ms);
	(void)snprintf(until, sizeof(until), "%" PRId64, q->until_ms);
	{
		const struct db_param params[] = {DB_TEXT(q->q), DB_TEXT(q->actor),
		    DB_TEXT(q->action), DB_TEXT(q->subject), DB_TEXT(q->has_from_ms ? from : NULL),
		    DB_TEXT(q->has_until_ms ? until : NULL), DB_TEXT(q->cursor),
		    DB_TEXT(limit_text)};

		call_query(c, SQL_AUDIT_LIST, params, 8, NULL, on_listed);
	}
}
