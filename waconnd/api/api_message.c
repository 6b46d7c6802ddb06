/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages, out and in: list and get. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "waconnd/api/api_internal.h"
#include "waconnd/api/message_id.h"
#include "waconnd/api/request.h"

#define SEARCH_MAX 32

static const char *const statuses[] = {"QUEUED", "SENDING", "SENT", "DELIVERED", "READ", "FAILED",
    "SKIPPED", "CANCELLED", "RECEIVED", NULL};

static void
on_listed(struct call *c, const PGresult *result)
{
	call_reply_page(c, result, "messages");
}

void
api_message_list(struct call *c)
{
	const Ipc__List *q = c->request->message_list;
	struct outlet *o = call_outlet(c, q->id);
	char limit_text[16], digits[SEARCH_MAX] = "";
	unsigned limit;

	if (o == NULL)
		return;
	limit = call_limit(c, q);
	if (limit == 0 || !call_cursor_is_number(c, q->cursor))
		return;
	if (q->status != NULL && !request_is_one_of(q->status, statuses)) {
		call_invalid(c, "status", "invalid", "A status of messages, such as SENT.");
		return;
	}
	if (q->q != NULL)
		request_digits(q->q, digits, sizeof(digits));
	(void)snprintf(limit_text, sizeof(limit_text), "%u", limit);
	{
		const struct db_param params[] = {DB_TEXT(outlet_id(o)), DB_TEXT(q->status),
		    DB_TEXT(digits[0] != '\0' ? digits : q->q), DB_TEXT(q->cursor),
		    DB_TEXT(limit_text)};

		call_query(c, SQL_MESSAGE_LIST, params, 5, NULL, on_listed);
	}
}

static void
on_got(struct call *c, const PGresult *result)
{
	call_reply_row(c, result, "message", 200);
}

void
api_message_get(struct call *c)
{
	const char *number = message_id_number(c->request->message_get->id);
	const struct db_param params[] = {DB_TEXT(number), DB_TEXT(call_scope(c))};

	if (number == NULL)
		call_problem(c, "not_found", NULL);
	else
		call_query(c, SQL_MESSAGE_GET, params, 2, NULL, on_got);
}
