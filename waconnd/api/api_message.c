/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages: send one outside any blast, list, get. What is answered with 202 is in the database;
 * the engine sends it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/phone.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/idempotency.h"
#include "waconnd/api/request.h"

#define ID_PREFIX "msg_"
#define SEARCH_MAX 32

static const char *const statuses[] = {"QUEUED", "SENDING", "SENT", "DELIVERED", "READ", "FAILED",
    "SKIPPED", "CANCELLED", "RECEIVED", NULL};

/* Answers with the document that the statement made. */
static void
on_added(struct call *c, const PGresult *result)
{
	struct outlet *o = outlets_find(c->env->outlets, c->request->message_send->outlet_id);

	if (PQntuples(result) != 1) {
		call_problem(c, "internal", NULL);
		return;
	}
	call_audit(c, "message_send", c->request->message_send->outlet_id, NULL);
	if (o != NULL)
		blasts_added(c->env->blasts, o);
	call_reply_text(c, 202, PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0), NULL);
}

static void
add(struct call *c)
{
	const Ipc__MessageSend *q = c->request->message_send;
	struct outlet *o = call_outlet(c, q->outlet_id);
	char phone[PHONE_DIGITS_MAX + 1];
	struct idempotency key;

	if (o == NULL)
		return;
	if (outlet_unhealthy(o) != 0) {
		call_problem(c, "outlet_not_healthy", NULL);
		return;
	}
	if (phone_normalise(q->to, PHONE_COUNTRY_DEFAULT, phone) < 0) {
		call_problem(c, "internal", NULL);
		return;
	}
	idempotency_params(c, &key);
	{
		const struct db_param old[] = {key.user, key.key};
		const struct db_param params[] = {DB_TEXT(outlet_id(o)), DB_TEXT(phone),
		    DB_TEXT(q->text), key.user, key.key, key.hash};
		const struct db_step steps[] = {
		    {SQL_IDEMPOTENCY_END, old, 2}, {SQL_MESSAGE_ADD, params, 6}};

		call_transaction(c, steps, 2, NULL, on_added);
	}
}

void
api_message_send(struct call *c)
{
	const Ipc__MessageSend *q = c->request->message_send;
	char phone[PHONE_DIGITS_MAX + 1];
	struct problem_field errors[2];
	size_t n = 0;

	if (call_outlet(c, q->outlet_id) == NULL)
		return;
	if (q->to == NULL || phone_normalise(q->to, PHONE_COUNTRY_DEFAULT, phone) < 0)
		errors[n++] = (struct problem_field){
		    "to", "invalid_number", "A telephone number such as 0812… or +62 812…"};
	if (q->text == NULL || q->text[0] == '\0' || strlen(q->text) > REQUEST_TEXT_MAX)
		errors[n++] = (struct problem_field){"text", "length", "1 to 65536 bytes."};
	if (n > 0)
		call_invalid_fields(c, errors, n);
	else
		idempotency_begin(c, add);
}

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

/* The row's number, as text; NULL when it is no id of a message. */
static const char *
number_of(const char *id)
{
	const size_t prefix = strlen(ID_PREFIX);
	size_t digits;

	if (id == NULL || strncmp(id, ID_PREFIX, prefix) != 0)
		return NULL;
	digits = strspn(id + prefix, "0123456789");
	return digits > 0 && digits <= 18 && id[prefix + digits] == '\0' ? id + prefix : NULL;
}

void
api_message_get(struct call *c)
{
	const char *number = number_of(c->request->message_get->id);
	const struct db_param params[] = {DB_TEXT(number), DB_TEXT(call_scope(c))};

	if (number == NULL)
		call_problem(c, "not_found", NULL);
	else
		call_query(c, SQL_MESSAGE_GET, params, 2, NULL, on_got);
}
