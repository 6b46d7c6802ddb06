/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Contacts of an outlet: list, add, remove, and import, which the gateway does in portions. A
 * number is one contact of an outlet: adding it again replaces what was there, importing it adds to
 * it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/phone.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/idempotency.h"
#include "waconnd/api/request.h"
#include "waconnd/store/array.h"

#define NAME_MAX_BYTES 200
#define TAGS_MAX 20
#define TAG_MAX_BYTES 64
#define VARS_MAX 64
#define VALUE_MAX_BYTES 1024
#define IMPORT_MAX 2000 /* of one portion */
#define REMOVE_MAX 10000
#define SEARCH_MAX 32
#define JSON_MAX (1u << 18)

static void
on_listed(struct call *c, const PGresult *result)
{
	call_reply_page(c, result, "contacts");
}

void
api_contact_list(struct call *c)
{
	const Ipc__List *q = c->request->contact_list;
	const struct outlet *o = call_outlet(c, q->id);
	struct call_limit_text limit;
	char digits[SEARCH_MAX] = "";

	if (o == NULL)
		return;
	limit = call_limit_of(c, q);
	if (limit.text[0] == '\0' || !call_cursor_is_number(c, q->cursor))
		return;
	if (q->q != NULL)
		request_digits(q->q, digits, sizeof(digits));
	{
		const struct db_param params[] = {DB_TEXT(outlet_id(o)), DB_TEXT(q->q),
		    DB_TEXT(q->tag), DB_TEXT(q->cursor), DB_TEXT(limit.text),
		    DB_TEXT(digits[0] != '\0' ? digits : NULL)};

		call_query(c, SQL_CONTACT_LIST, params, 6, NULL, on_listed);
	}
}

/* -- one contact's fields -- */

static size_t
check(const Ipc__Contact *k, char phone[PHONE_DIGITS_MAX + 1], struct problem_field *errors)
{
	size_t n = 0;
	bool bad_tag = k->n_tags > TAGS_MAX, bad_var = k->n_vars > VARS_MAX;

	if (k->phone == NULL || phone_normalise(k->phone, PHONE_COUNTRY_DEFAULT, phone) < 0)
		errors[n++] = (struct problem_field){"phone",
		    k->phone == NULL ? "required" : "invalid_number",
		    "A telephone number such as 0812… or +62 812…"};
	if (k->name != NULL && strlen(k->name) > NAME_MAX_BYTES)
		errors[n++] = (struct problem_field){"name", "too_long", "At most 200 bytes."};
	for (size_t i = 0; i < k->n_tags; i++)
		bad_tag = bad_tag || !request_is_name(k->tags[i], TAG_MAX_BYTES);
	for (size_t i = 0; i < k->n_vars; i++)
		bad_var = bad_var || k->vars[i]->name == NULL || k->vars[i]->value == NULL ||
			  !request_is_name(k->vars[i]->name, TAG_MAX_BYTES) ||
			  strlen(k->vars[i]->value) > VALUE_MAX_BYTES;
	if (bad_tag)
		errors[n++] = (struct problem_field){
		    "tags", "invalid", "At most 20 of 1 to 64 bytes, no control characters."};
	if (bad_var)
		errors[n++] = (struct problem_field){"vars", "invalid",
		    "At most 64, names of 1 to 64 bytes, values of at most 1024."};
	return n;
}

static void
vars_json(const Ipc__Contact *k, struct buf *out)
{
	struct jsonw j;

	buf_reset(out);
	jsonw_init(&j, out);
	jsonw_object(&j, NULL);
	for (size_t i = 0; i < k->n_vars; i++)
		jsonw_str(&j, k->vars[i]->name, k->vars[i]->value);
	jsonw_object_end(&j);
}

static void
tags_json(const Ipc__Contact *k, struct buf *out)
{
	struct jsonw j;

	buf_reset(out);
	jsonw_init(&j, out);
	jsonw_array(&j, NULL);
	for (size_t i = 0; i < k->n_tags; i++)
		jsonw_str(&j, NULL, k->tags[i]);
	jsonw_array_end(&j);
}

/* -- add -- */

static void
on_added(struct call *c, const PGresult *result)
{
	call_reply_kept(c, result, 201);
}

static void
add(struct call *c)
{
	const Ipc__Contact *k = c->request->contact_add->contacts[0];
	struct buf vars = BUF_INIT(JSON_MAX);
	char phone[PHONE_DIGITS_MAX + 1] = "";
	struct idempotency key;
	struct array tags;

	if (phone_normalise(k->phone, PHONE_COUNTRY_DEFAULT, phone) < 0) {
		call_problem(c, "internal", NULL);
		return;
	}
	array_init(&tags, ARRAY_TEXT);
	for (size_t i = 0; i < k->n_tags; i++)
		array_text(&tags, k->tags[i]);
	vars_json(k, &vars);
	idempotency_params(c, &key);
	{
		const struct db_param params[] = {DB_TEXT(c->request->contact_add->outlet_id),
		    DB_TEXT(phone), DB_TEXT(k->name), array_param(&tags), DB_TEXT(buf_str(&vars)),
		    key.user, key.key, key.hash};

		const struct db_step step = {SQL_CONTACT_ADD, params, 8};

		call_change(c, "contact_add", &step, 1, NULL, on_added);
	}
	array_done(&tags);
	buf_done(&vars);
}

void
api_contact_add(struct call *c)
{
	const Ipc__Contacts *q = c->request->contact_add;
	char phone[PHONE_DIGITS_MAX + 1];
	struct problem_field errors[4];
	size_t n;

	if (call_outlet(c, q->outlet_id) == NULL)
		return;
	if (q->n_contacts != 1) {
		call_invalid(c, "phone", "required", "Give one contact.");
		return;
	}
	n = check(q->contacts[0], phone, errors);
	if (n > 0)
		call_invalid_fields(c, errors, n);
	else
		idempotency_begin(c, add);
}

/* -- import -- */

/* Columns of CONTACT_IMPORT: new ones, changed ones. */
static void
on_imported(struct call *c, const PGresult *r)
{
	char detail[96];
	struct buf out;
	struct jsonw j;

	(void)snprintf(detail, sizeof(detail), "{\"added\": %s, \"updated\": %s}",
	    PQgetvalue(r, 0, 0), PQgetvalue(r, 0, 1));
	call_audit(c, "contact_import", c->request->contact_import->outlet_id, detail);
	call_begin(&j, &out);
	jsonw_int(&j, "added", strtoll(PQgetvalue(r, 0, 0), NULL, 10));
	jsonw_int(&j, "updated", strtoll(PQgetvalue(r, 0, 1), NULL, 10));
	call_finish(c, &j, 200);
}

enum { COLUMN_PHONE, COLUMN_NAME, COLUMN_TAGS, COLUMN_VARS, COLUMNS };

static void
add_row(struct array columns[COLUMNS], const Ipc__Contact *k, const char *phone, struct buf *json)
{
	array_text(&columns[COLUMN_PHONE], phone);
	array_text(&columns[COLUMN_NAME], k->name);
	tags_json(k, json);
	array_text(&columns[COLUMN_TAGS], buf_str(json));
	vars_json(k, json);
	array_text(&columns[COLUMN_VARS], buf_str(json));
}

void
api_contact_import(struct call *c)
{
	const Ipc__Contacts *q = c->request->contact_import;
	struct buf json = BUF_INIT(JSON_MAX);
	struct array columns[COLUMNS];
	struct db_param params[COLUMNS + 1];
	struct problem_field errors[4];
	size_t n_errors = 0;

	if (call_outlet(c, q->outlet_id) == NULL)
		return;
	if (q->n_contacts > IMPORT_MAX) {
		call_invalid(c, "contacts", "out_of_range", "At most 2000 at once.");
		return;
	}
	for (size_t i = 0; i < COLUMNS; i++)
		array_init(&columns[i], ARRAY_TEXT);
	for (size_t i = 0; i < q->n_contacts && n_errors == 0; i++) {
		char phone[PHONE_DIGITS_MAX + 1] = "";

		n_errors = check(q->contacts[i], phone, errors);
		add_row(columns, q->contacts[i], phone, &json);
	}
	params[0] = DB_TEXT(q->outlet_id);
	for (size_t i = 0; i < COLUMNS; i++)
		params[i + 1] = array_param(&columns[i]);
	if (n_errors > 0)
		call_invalid_fields(c, errors, n_errors);
	else
		call_query(c, SQL_CONTACT_IMPORT, params, COLUMNS + 1, NULL, on_imported);
	for (size_t i = 0; i < COLUMNS; i++)
		array_done(&columns[i]);
	buf_done(&json);
}

/* -- remove -- */

static void
on_removed(struct call *c, const PGresult *result)
{
	const Ipc__Contacts *q = c->request->contact_remove;
	const long long n = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
	char detail[64];
	struct buf out;
	struct jsonw j;

	if (n == 0) {
		call_problem(c, "not_found", NULL);
		return;
	}
	(void)snprintf(detail, sizeof(detail), "{\"removed\": %lld}", n);
	if (q->n_contacts > 1)
		call_audit(c, "contact_remove", q->outlet_id, detail);
	call_begin(&j, &out);
	jsonw_int(&j, "removed", n);
	call_finish(c, &j, 200);
}

void
api_contact_remove(struct call *c)
{
	const Ipc__Contacts *q = c->request->contact_remove;
	char phone[PHONE_DIGITS_MAX + 1];
	struct array phones;
	bool valid = q->n_contacts > 0 && q->n_contacts <= REMOVE_MAX;

	if (call_outlet(c, q->outlet_id) == NULL)
		return;
	array_init(&phones, ARRAY_TEXT);
	for (size_t i = 0; i < q->n_contacts && valid; i++) {
		const char *text = q->contacts[i]->phone;

		valid = text != NULL && phone_normalise(text, PHONE_COUNTRY_DEFAULT, phone) == 0;
		if (valid)
			array_text(&phones, phone);
	}
	if (valid) {
		const struct db_param params[] = {DB_TEXT(q->outlet_id), array_param(&phones)};

		const struct db_step step = {SQL_CONTACT_REMOVE, params, 2};

		/* One stands in the audit log as it was (by its trigger), many as their count. */
		if (q->n_contacts == 1)
			call_change(c, "contact_remove", &step, 1, NULL, on_removed);
		else
			call_transaction(c, &step, 1, NULL, on_removed);
	} else {
		call_invalid(c, "phone", q->n_contacts == 0 ? "required" : "invalid_number",
		    "1 to 10000 telephone numbers such as 0812… or +62 812…");
	}
	array_done(&phones);
}
