/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Opt-outs: numbers that no blast may reach. A USER sees and takes back those that were said to its
 * outlet; adding one counts everywhere. What people say by themselves is kept by the database
 * (messages_words() in schema.sql).
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/phone.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/idempotency.h"
#include "waconnd/api/request.h"
#include "waconnd/store/array.h"

#define PHONES_MAX 10000
#define REASON_MAX_BYTES 200
#define SEARCH_MAX 32

static void
on_listed(struct call *c, const PGresult *result)
{
	call_reply_page(c, result, "optOuts");
}

void
api_opt_out_list(struct call *c)
{
	const Ipc__List *q = c->request->opt_out_list;
	const struct call_limit_text limit = call_limit_of(c, q);
	char digits[SEARCH_MAX] = "";

	if (limit.text[0] == '\0' || !call_cursor_is_number(c, q->cursor))
		return;
	if (q->q != NULL)
		request_digits(q->q, digits, sizeof(digits));
	{
		const struct db_param params[] = {DB_TEXT(call_scope(c)),
		    DB_TEXT(q->q == NULL	? NULL
			    : digits[0] != '\0' ? digits
						: "-"),
		    DB_TEXT(q->cursor), DB_TEXT(limit.text)};

		call_query(c, SQL_OPT_OUT_LIST, params, 4, NULL, on_listed);
	}
}

/* The request's numbers as digits; false, and the call answered, when one is none. */
static bool
read_phones(struct call *c, const Ipc__OptOuts *q, struct array *phones)
{
	char phone[PHONE_DIGITS_MAX + 1];

	if (q->n_phones == 0 || q->n_phones > PHONES_MAX) {
		call_invalid(c, "phone", q->n_phones == 0 ? "required" : "out_of_range",
		    "1 to 10000 telephone numbers.");
		return false;
	}
	for (size_t i = 0; i < q->n_phones; i++) {
		if (phone_normalise(q->phones[i], PHONE_COUNTRY_DEFAULT, phone) < 0) {
			call_invalid(c, "phone", "invalid_number",
			    "A telephone number such as 0812… or +62 812…");
			return false;
		}
		array_text(phones, phone);
	}
	return true;
}

/* One number stands in the audit log as it was and is (by its trigger), many as their count. */
static void
run(struct call *c, const char *action, const struct db_step *step, size_t n_phones,
    void (*next)(struct call *c, const PGresult *result))
{
	if (n_phones == 1)
		call_change(c, action, step, 1, NULL, next);
	else
		call_transaction(c, step, 1, NULL, next);
}

static void
audit(const struct call *c, const char *action, const Ipc__OptOuts *q)
{
	char phone[PHONE_DIGITS_MAX + 1] = "", detail[64];

	(void)snprintf(detail, sizeof(detail), "{\"numbers\": %zu}", q->n_phones);
	if (q->n_phones > 1 && phone_normalise(q->phones[0], PHONE_COUNTRY_DEFAULT, phone) == 0)
		call_audit(c, action, phone, detail);
}

static void
on_added(struct call *c, const PGresult *result)
{
	audit(c, "opt_out_add", c->request->opt_out_add);
	call_reply_kept(c, result, 201);
}

static void
add(struct call *c)
{
	const Ipc__OptOuts *q = c->request->opt_out_add;
	struct idempotency key;
	struct array phones;

	array_init(&phones, ARRAY_TEXT);
	if (read_phones(c, q, &phones)) {
		idempotency_params(c, &key);
		{
			const struct db_param params[] = {array_param(&phones),
			    DB_TEXT(q->reason != NULL ? q->reason : "manual"),
			    DB_TEXT(call_scope(c)), key.user, key.key, key.hash};

			const struct db_step step = {SQL_OPT_OUT_ADD, params, 6};

			run(c, "opt_out_add", &step, q->n_phones, on_added);
		}
	}
	array_done(&phones);
}

void
api_opt_out_add(struct call *c)
{
	const Ipc__OptOuts *q = c->request->opt_out_add;

	if (q->reason != NULL && !request_is_name(q->reason, REASON_MAX_BYTES))
		call_invalid(c, "reason", "invalid", "1 to 200 bytes, no control characters.");
	else
		idempotency_begin(c, add);
}

static void
on_removed(struct call *c, const PGresult *result)
{
	struct buf out;
	struct jsonw j;
	const long long n = strtoll(PQgetvalue(result, 0, 0), NULL, 10);

	if (n == 0) {
		call_problem(c, "not_found", NULL);
		return;
	}
	audit(c, "opt_out_remove", c->request->opt_out_remove);
	call_begin(&j, &out);
	jsonw_int(&j, "removed", n);
	call_finish(c, &j, 200);
}

void
api_opt_out_remove(struct call *c)
{
	struct array phones;

	array_init(&phones, ARRAY_TEXT);
	if (read_phones(c, c->request->opt_out_remove, &phones)) {
		const struct db_param params[] = {array_param(&phones), DB_TEXT(call_scope(c))};

		const struct db_step step = {SQL_OPT_OUT_REMOVE, params, 2};

		run(c, "opt_out_remove", &step, c->request->opt_out_remove->n_phones, on_removed);
	}
	array_done(&phones);
}
