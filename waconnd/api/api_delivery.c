/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Deliveries of webhooks: the log, one of it, and once more. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "waconnd/api/api_internal.h"
#include "waconnd/api/request.h"
#include "waconnd/webhook.h"

#define PREFIX "delivery_"
#define DIGITS_MAX 18

static const char *const states[] = {"PENDING", "DELIVERED", "FAILED", NULL};

/* The number of an id; NULL for what is none. */
static const char *
number_of(const char *id)
{
	const size_t prefix = strlen(PREFIX);
	size_t digits;

	if (id == NULL || strncmp(id, PREFIX, prefix) != 0)
		return NULL;
	digits = strspn(id + prefix, "0123456789");
	return digits > 0 && digits <= DIGITS_MAX && id[prefix + digits] == '\0' ? id + prefix
										 : NULL;
}

/* Columns of DELIVERY_LIST: deliveries, next cursor, is there such a webhook. */
static void
on_listed(struct call *c, const PGresult *result)
{
	if (PQgetvalue(result, 0, 2)[0] != 't')
		call_problem(c, "not_found", NULL);
	else
		call_reply_page(c, result, "deliveries");
}

void
api_delivery_list(struct call *c)
{
	const Ipc__List *q = c->request->delivery_list;
	struct call_limit_text limit;

	if (q->status != NULL && !request_is_one_of(q->status, states)) {
		call_invalid(c, "status", "unknown", "PENDING, DELIVERED or FAILED.");
		return;
	}
	limit = call_limit_of(c, q);
	if (limit.text[0] == '\0' || !call_cursor_is_number(c, q->cursor))
		return;
	{
		const struct db_param params[] = {DB_TEXT(q->id), DB_TEXT(q->status),
		    DB_TEXT(q->type), DB_TEXT(q->cursor), DB_TEXT(limit.text)};

		call_query(c, SQL_DELIVERY_LIST, params, 5, NULL, on_listed);
	}
}

static void
on_delivery(struct call *c, const PGresult *result)
{
	call_reply_row(c, result, "delivery", 200);
}

void
api_delivery_get(struct call *c)
{
	const struct db_param id = DB_TEXT(number_of(c->request->delivery_get->id));

	call_query(c, SQL_DELIVERY_GET, &id, 1, NULL, on_delivery);
}

/* -- once more -- */

static void
on_there(struct call *c, const PGresult *result)
{
	call_problem(c, PQntuples(result) == 1 ? "conflict" : "not_found",
	    PQntuples(result) == 1 ? "It is still waiting to be delivered." : NULL);
}

/* Columns of DELIVERY_AGAIN: JSON, the webhook. */
static void
on_again(struct call *c, const PGresult *result)
{
	const struct db_param id = DB_TEXT(number_of(c->request->delivery_redeliver->id));

	if (PQntuples(result) != 1) {
		call_query(c, SQL_DELIVERY_GET, &id, 1, NULL, on_there);
		return;
	}
	call_audit(c, "webhook_redeliver", PQgetvalue(result, 0, 1), NULL);
	webhooks_look(c->env->webhooks);
	call_reply_row(c, result, "delivery", 202);
}

void
api_delivery_redeliver(struct call *c)
{
	const struct db_param id = DB_TEXT(number_of(c->request->delivery_redeliver->id));

	call_query(c, SQL_DELIVERY_AGAIN, &id, 1, NULL, on_again);
}
