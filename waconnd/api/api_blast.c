/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Blasts: list, get, recipients, and the commands that move them: pause, resume, cancel. A command
 * is one statement that names the state it comes from; when it found none, a second look says why.
 */
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/jsonw.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/blast_row.h"
#include "waconnd/api/request.h"

#define SEARCH_MAX 32
#define PAUSE_REASON "paused_by_user"

static const char *const statuses[] = {
    "SCHEDULED", "RUNNING", "PAUSED", "COMPLETED", "CANCELLED", "EXPIRED", NULL};
static const char *const recipient_statuses[] = {
    "QUEUED", "SENDING", "SENT", "DELIVERED", "READ", "FAILED", "SKIPPED", "CANCELLED", NULL};

static void
on_listed(struct call *c, const PGresult *result)
{
	call_reply_page(c, result, "blasts");
}

void
api_blast_list(struct call *c)
{
	const Ipc__List *q = c->request->blast_list;
	unsigned limit = call_limit(c, q);
	char limit_text[16];

	if (limit == 0 || !call_cursor_is_key(c, q->cursor, "blast_", true))
		return;
	if (q->status != NULL && !request_is_one_of(q->status, statuses)) {
		call_invalid(c, "status", "invalid", "A status of blasts, such as RUNNING.");
		return;
	}
	(void)snprintf(limit_text, sizeof(limit_text), "%u", limit);
	{
		const struct db_param params[] = {DB_TEXT(call_scope(c)), DB_TEXT(q->status),
		    DB_TEXT(q->q), DB_TEXT(q->cursor), DB_TEXT(limit_text)};

		call_query(c, SQL_BLAST_LIST, params, 5, NULL, on_listed);
	}
}

static void
on_got(struct call *c, const PGresult *result)
{
	struct buf out;
	struct jsonw j;
	int64_t until;

	if (PQntuples(result) != 1) {
		call_problem(c, "not_found", NULL);
		return;
	}
	until = blasts_wait_until(c->env->blasts, c->request->blast_get->id, clock_wall_ms());
	call_begin(&j, &out);
	jsonw_raw(&j, "blast", PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0));
	if (until > 0)
		jsonw_time(&j, "waitsUntil", until);
	else
		jsonw_null(&j, "waitsUntil");
	call_finish(c, &j, 200);
}

void
api_blast_get(struct call *c)
{
	blast_row_ask(c, c->request->blast_get->id, on_got);
}

/* -- recipients -- */

static void
on_recipients(struct call *c, const PGresult *result)
{
	call_reply_page(c, result, "recipients");
}

static void
list_recipients(struct call *c, const PGresult *blast)
{
	const Ipc__List *q = c->request->blast_recipients;
	char limit_text[16], digits[SEARCH_MAX] = "";

	if (PQntuples(blast) != 1) {
		call_problem(c, "not_found", NULL);
		return;
	}
	if (q->q != NULL)
		request_digits(q->q, digits, sizeof(digits));
	(void)snprintf(limit_text, sizeof(limit_text), "%u", call_limit(c, q));
	{
		const struct db_param params[] = {DB_TEXT(q->id), DB_TEXT(call_scope(c)),
		    DB_TEXT(q->status), DB_TEXT(digits[0] != '\0' ? digits : q->q),
		    DB_TEXT(q->cursor), DB_TEXT(limit_text), DB_TEXT(q->outlet_id),
		    DB_TEXT(q->reason)};

		call_query(c, SQL_BLAST_RECIPIENTS, params, 8, NULL, on_recipients);
	}
}

void
api_blast_recipients(struct call *c)
{
	const Ipc__List *q = c->request->blast_recipients;

	if (call_limit(c, q) == 0 || !call_cursor_is_number(c, q->cursor))
		return;
	if (q->status != NULL && !request_is_one_of(q->status, recipient_statuses)) {
		call_invalid(c, "status", "invalid", "A status of recipients, such as SENT.");
		return;
	}
	blast_row_ask(c, q->id, list_recipients);
}

/* -- replies -- */

static void
on_replies(struct call *c, const PGresult *result)
{
	call_reply_page(c, result, "replies");
}

static void
list_replies(struct call *c, const PGresult *blast)
{
	const Ipc__List *q = c->request->blast_replies;
	const struct call_limit_text limit = call_limit_of(c, q);
	const struct db_param params[] = {
	    DB_TEXT(q->id), DB_TEXT(call_scope(c)), DB_TEXT(q->cursor), DB_TEXT(limit.text)};

	if (PQntuples(blast) != 1)
		call_problem(c, "not_found", NULL);
	else
		call_query(c, SQL_BLAST_REPLIES, params, 4, NULL, on_replies);
}

void
api_blast_replies(struct call *c)
{
	const Ipc__List *q = c->request->blast_replies;

	if (call_limit(c, q) != 0 && call_cursor_is_number(c, q->cursor))
		blast_row_ask(c, q->id, list_replies);
}

/* -- outlets -- */

static void
on_outlets(struct call *c, const PGresult *result)
{
	call_reply_page(c, result, "outlets");
}

static void
list_outlets(struct call *c, const PGresult *blast)
{
	const Ipc__List *q = c->request->blast_outlets;
	const struct call_limit_text limit = call_limit_of(c, q);
	const struct db_param params[] = {
	    DB_TEXT(q->id), DB_TEXT(call_scope(c)), DB_TEXT(q->cursor), DB_TEXT(limit.text)};

	if (PQntuples(blast) != 1)
		call_problem(c, "not_found", NULL);
	else
		call_query(c, SQL_BLAST_OUTLETS, params, 4, NULL, on_outlets);
}

void
api_blast_outlets(struct call *c)
{
	const Ipc__List *q = c->request->blast_outlets;

	if (call_limit(c, q) != 0 && call_cursor_is_id(c, q->cursor, "outlet_"))
		blast_row_ask(c, q->id, list_outlets);
}

/* -- commands -- */

static void
moved(struct call *c, const PGresult *result, const char *id)
{
	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1) {
		blast_row_ask(c, id, blast_row_refuse);
		return;
	}
	blasts_changed(c->env->blasts, id);
	blasts_kick(c->env->blasts, NULL);
	call_reply_row(c, result, "blast", 200);
}

static void
on_paused(struct call *c, const PGresult *result)
{
	moved(c, result, c->request->blast_pause->id);
}

void
api_blast_pause(struct call *c)
{
	const Ipc__Id *q = c->request->blast_pause;
	const struct db_param params[] = {
	    DB_TEXT(q->id), DB_TEXT(call_scope(c)), DB_TEXT(PAUSE_REASON), DB_TEXT(q->outlet_id)};
	const struct db_step step = {SQL_BLAST_PAUSE, params, 4};

	call_change(c, "blast_pause", &step, 1, NULL, on_paused);
}

static void
on_resumed(struct call *c, const PGresult *result)
{
	moved(c, result, c->request->blast_resume->id);
}

void
api_blast_resume(struct call *c)
{
	const Ipc__Id *q = c->request->blast_resume;
	const struct db_param params[] = {
	    DB_TEXT(q->id), DB_TEXT(call_scope(c)), DB_TEXT(q->outlet_id)};
	const struct db_step step = {SQL_BLAST_RESUME, params, 3};

	call_change(c, "blast_resume", &step, 1, NULL, on_resumed);
}

static void
on_cancelled(struct call *c, const PGresult *result)
{
	moved(c, result, c->request->blast_cancel->id);
}

void
api_blast_cancel(struct call *c)
{
	const struct db_param id = DB_TEXT(c->request->blast_cancel->id);
	const struct db_param scoped[] = {id, DB_TEXT(call_scope(c))};
	const struct db_step steps[] = {{SQL_BLAST_CANCEL, scoped, 2},
	    {SQL_BLAST_CANCEL_QUEUED, &id, 1}, {SQL_BLAST_CANCELLED_GET, scoped, 2}};

	call_change(c, "blast_cancel", steps, 3, NULL, on_cancelled);
}

/* Why nothing was queued again. Columns of BLAST_GET. */
static void
on_retry_refused(struct call *c, const PGresult *r)
{
	if (PQntuples(r) == 1 && PQgetvalue(r, 0, 2)[0] == 't' &&
	    (strcmp(PQgetvalue(r, 0, 1), "COMPLETED") == 0 ||
		strcmp(PQgetvalue(r, 0, 1), "RUNNING") == 0 ||
		strcmp(PQgetvalue(r, 0, 1), "PAUSED") == 0))
		call_problem(c, "nothing_to_retry", NULL);
	else
		blast_row_refuse(c, r);
}

static void
on_retried(struct call *c, const PGresult *result)
{
	const char *id = c->request->blast_retry->id;

	if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1)
		blast_row_ask(c, id, on_retry_refused);
	else {
		call_audit(c, "blast_retry", id, NULL);
		moved(c, result, id);
	}
}

void
api_blast_retry(struct call *c)
{
	const struct db_param id = DB_TEXT(c->request->blast_retry->id);
	const struct db_param scoped[] = {id, DB_TEXT(call_scope(c))};
	const struct db_step steps[] = {{SQL_BLAST_RETRY, scoped, 2},
	    {SQL_BLAST_RETRY_FAILED, &id, 1}, {SQL_BLAST_RETRIED_GET, scoped, 2}};

	call_transaction(c, steps, 3, NULL, on_retried);
}
