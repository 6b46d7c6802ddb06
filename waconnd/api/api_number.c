/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which numbers are on WhatsApp: from what was asked within the last days, the others through an
 * outlet's link. What WhatsApp answered is kept before it is passed on, also when it refuses in the
 * middle: asked again, the call goes on where it was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/phone.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/number_rows.h"

#define NUMBERS_MAX LINK_CHECK_MAX
#define INPUT_MAX 64 /* bytes */
#define DETAIL_MAX 128

struct asked {
	char phone[PHONE_DIGITS_MAX + 1]; /* "": no telephone number */
	bool known, present;
	int64_t checked_at_ms;
	char business[LINK_BUSINESS_MAX]; /* "": none */
};

struct numbers { /* a call's state */
	struct outlet_check *check;
	const char *problem; /* after what was learnt is kept; NULL: none */
	unsigned retry_after_s;
	struct array phones; /* that are asked for */
	size_t n;
	struct asked asked[];
};

static void
numbers_free(void *state)
{
	struct numbers *ns = state;

	outlet_check_forget(&ns->check);
	array_done(&ns->phones);
	free(ns);
}

/* -- the answer -- */

static void
answer_known(struct call *c)
{
	const struct numbers *ns = c->state;
	const Ipc__NumberCheck *q = c->request->number_check;
	struct buf out;
	struct jsonw j;

	call_begin(&j, &out);
	jsonw_array(&j, "numbers");
	for (size_t i = 0; i < ns->n; i++) {
		const struct asked *a = &ns->asked[i];

		jsonw_object(&j, NULL);
		jsonw_str(&j, "input", q->numbers[i]);
		jsonw_str(&j, "phone", a->phone[0] != '\0' ? a->phone : NULL);
		/* What is no number has no account; of others only what WhatsApp said is said. */
		if (a->known || a->phone[0] == '\0')
			jsonw_bool(&j, "onWhatsapp", a->present);
		else
			jsonw_null(&j, "onWhatsapp");
		jsonw_str(&j, "businessName", a->business[0] != '\0' ? a->business : NULL);
		jsonw_time(&j, "checkedAt", a->checked_at_ms);
		jsonw_object_end(&j);
	}
	jsonw_array_end(&j);
	call_finish(c, &j, 200);
}

static void
answer_refused(struct call *c, const char *problem, unsigned retry_after_s)
{
	char detail[DETAIL_MAX];

	if (strcmp(problem, "too_many_requests") != 0) {
		call_problem(c, problem, NULL);
		return;
	}
	(void)snprintf(detail, sizeof(detail),
	    "Numbers are asked for slowly, or WhatsApp bans. Try again in %u seconds.",
	    retry_after_s);
	call_retry_later(c, problem, detail, retry_after_s);
}

static void
answer(struct call *c)
{
	const struct numbers *ns = c->state;

	if (ns->problem != NULL)
		answer_refused(c, ns->problem, ns->retry_after_s);
	else
		answer_known(c);
}

/* -- what is known -- */

static void
learn(struct numbers *ns, const char *phone, bool present, int64_t at_ms, const char *business)
{
	for (size_t i = 0; i < ns->n; i++) {
		struct asked *a = &ns->asked[i];

		if (strcmp(a->phone, phone) != 0)
			continue;
		a->known = true;
		a->present = present;
		a->checked_at_ms = at_ms;
		(void)snprintf(a->business, sizeof(a->business), "%s", business);
	}
}

/* Columns of NUMBER_KNOWN and NUMBER_KEEP. */
static void
learn_rows(struct numbers *ns, const PGresult *r)
{
	for (int i = 0; i < PQntuples(r); i++)
		learn(ns, PQgetvalue(r, i, 0), PQgetvalue(r, i, 1)[0] == 't',
		    strtoll(PQgetvalue(r, i, 2), NULL, 10), PQgetvalue(r, i, 3));
}

static void
on_kept(struct call *c, const PGresult *r)
{
	learn_rows(c->state, r);
	answer(c);
}

static void
keep(struct call *c, const struct link_checked *checked)
{
	struct number_rows rows;

	number_rows_init(&rows, checked);
	if (rows.n == 0)
		answer(c);
	else
		call_query(c, SQL_NUMBER_KEEP, rows.params, NUMBER_ROWS_PARAMS, NULL, on_kept);
	number_rows_done(&rows);
}

/* -- asking -- */

static void
on_checked(void *arg, const struct link_checked *checked)
{
	struct call *c = arg;
	struct numbers *ns = c->state;
	struct outlet *o = outlets_find(c->env->outlets, c->request->number_check->outlet_id);

	ns->check = NULL;
	if (checked->result != LINK_CHECK_DONE) {
		ns->retry_after_s = o != NULL ? outlet_check_wait_s(o) : 0;
		ns->problem = ns->retry_after_s > 0 ? "too_many_requests" : "whatsapp_refused";
	}
	keep(c, checked);
}

static bool
is_first(const struct numbers *ns, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(ns->asked[k].phone, ns->asked[i].phone) == 0)
			return false;
	return true;
}

static void
ask(struct call *c, const char *const *phones, size_t n)
{
	struct numbers *ns = c->state;
	struct outlet *o = call_outlet(c, c->request->number_check->outlet_id);
	unsigned retry_after_s;
	const char *problem;

	if (o == NULL)
		return;
	problem = outlet_check_numbers(o, phones, n, on_checked, c, &ns->check, &retry_after_s);
	if (problem != NULL)
		answer_refused(c, problem, retry_after_s);
	else
		log_info("number.check", LOG_STR("outlet", outlet_id(o)),
		    LOG_STR("who", c->who.name), LOG_INT("numbers", (int64_t)n));
}

static void
on_known(struct call *c, const PGresult *r)
{
	struct numbers *ns = c->state;
	const char *phones[NUMBERS_MAX];
	size_t n = 0;

	learn_rows(ns, r);
	for (size_t i = 0; i < ns->n; i++)
		if (ns->asked[i].phone[0] != '\0' && !ns->asked[i].known && is_first(ns, i))
			phones[n++] = ns->asked[i].phone;
	if (n == 0)
		answer(c);
	else
		ask(c, phones, n);
}

static bool
check_fields(struct call *c, const Ipc__NumberCheck *q)
{
	if (q->n_numbers < 1 || q->n_numbers > NUMBERS_MAX) {
		call_invalid(c, "numbers", "out_of_range", "1 to 200 numbers.");
		return false;
	}
	for (size_t i = 0; i < q->n_numbers; i++)
		if (strlen(q->numbers[i]) > INPUT_MAX) {
			call_invalid(c, "numbers", "length", "A number has at most 64 bytes.");
			return false;
		}
	return true;
}

void
api_number_check(struct call *c)
{
	const Ipc__NumberCheck *q = c->request->number_check;
	struct numbers *ns;

	if (call_outlet(c, q->outlet_id) == NULL || !check_fields(c, q))
		return;
	ns = xcalloc(1, sizeof(*ns) + q->n_numbers * sizeof(ns->asked[0]));
	ns->n = q->n_numbers;
	array_init(&ns->phones, ARRAY_TEXT);
	c->state = ns;
	c->free_state = numbers_free;
	for (size_t i = 0; i < ns->n; i++) {
		if (phone_normalise(q->numbers[i], PHONE_COUNTRY_DEFAULT, ns->asked[i].phone) < 0)
			ns->asked[i].phone[0] = '\0';
		else if (is_first(ns, i))
			array_text(&ns->phones, ns->asked[i].phone);
	}
	{
		const struct db_param phones = array_param(&ns->phones);

		call_query(c, SQL_NUMBER_KNOWN, &phones, 1, NULL, on_known);
	}
}

/* -- what is too old -- */

static void
on_purged(void *arg, enum db_error error, const PGresult *result)
{
	(void)arg;
	(void)result;
	if (error != DB_OK)
		log_debug("number_checks.purge", LOG_STR("why", db_error_text(error)));
}

void
number_checks_purge(struct db *db)
{
	(void)db_query(db, SQL_NUMBER_PURGE, NULL, 0, on_purged, NULL);
}
