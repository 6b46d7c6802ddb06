/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Templates: texts to use again. A USER sees those for all and its outlet's, and changes the
 * latter. */
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/idempotency.h"
#include "waconnd/api/request.h"

#define NAME_MAX_BYTES 100

static void
on_listed(struct call *c, const PGresult *result)
{
	call_reply_page(c, result, "templates");
}

void
api_template_list(struct call *c)
{
	const Ipc__List *q = c->request->template_list;
	const struct call_limit_text limit = call_limit_of(c, q);
	const struct db_param params[] = {
	    DB_TEXT(call_scope(c)), DB_TEXT(q->q), DB_TEXT(q->cursor), DB_TEXT(limit.text)};

	if (limit.text[0] != '\0' && call_cursor_is_key(c, q->cursor, "template_", false))
		call_query(c, SQL_TEMPLATE_LIST, params, 4, NULL, on_listed);
}

static void
get(struct call *c, const char *id, void (*next)(struct call *c, const PGresult *result))
{
	const struct db_param params[] = {DB_TEXT(id), DB_TEXT(call_scope(c))};

	call_query(c, SQL_TEMPLATE_GET, params, 2, NULL, next);
}

static void
on_got(struct call *c, const PGresult *result)
{
	call_reply_row(c, result, "template", 200);
}

void
api_template_get(struct call *c)
{
	get(c, c->request->template_get->id, on_got);
}

static size_t
check(const Ipc__TemplateFields *f, bool is_new, struct problem_field *errors)
{
	size_t n = 0;

	if (f->name != NULL ? !request_is_name(f->name, NAME_MAX_BYTES) : is_new)
		errors[n++] =
		    (struct problem_field){"name", f->name == NULL ? "required" : "invalid",
			"1 to 100 bytes, not blank, no control characters."};
	if (f->text != NULL ? request_is_blank(f->text) : is_new)
		errors[n++] =
		    (struct problem_field){"text", "required", "Give the text of the template."};
	if (f->text != NULL && request_length(f->text) > REQUEST_TEMPLATE_MAX)
		errors[n++] =
		    (struct problem_field){"text", "too_long", "At most 4096 characters."};
	return n;
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
	const Ipc__TemplateFields *f = c->request->template_add;
	const char *scope = call_scope(c);
	struct idempotency key;
	char id[32];

	rng_id("template_", id, sizeof(id));
	idempotency_params(c, &key);
	{
		const struct db_param params[] = {DB_TEXT(id),
		    DB_TEXT(scope != NULL ? scope : f->outlet_id), DB_TEXT(f->name),
		    DB_TEXT(f->text), key.user, key.key, key.hash};
		const struct db_step step = {SQL_TEMPLATE_ADD, params, 7};

		call_change(c, "template_add", &step, 1, "already_exists", on_added);
	}
}

void
api_template_add(struct call *c)
{
	const Ipc__TemplateFields *f = c->request->template_add;
	struct problem_field errors[3];
	size_t n = check(f, true, errors);

	if (n > 0)
		call_invalid_fields(c, errors, n);
	else if (f->outlet_id == NULL || call_outlet(c, f->outlet_id) != NULL)
		idempotency_begin(c, add);
}

/* -- edit, remove -- */

/* May this caller change it? Columns of TEMPLATE_GET: JSON, its outlet or "". */
static bool
may_change(struct call *c, const PGresult *r)
{
	if (PQntuples(r) != 1) {
		call_problem(c, "not_found", NULL);
		return false;
	}
	if (call_scope(c) != NULL && strcmp(call_scope(c), PQgetvalue(r, 0, 1)) != 0) {
		call_problem(c, "forbidden", "It is a template for all outlets.");
		return false;
	}
	return true;
}

static void
on_edited(struct call *c, const PGresult *result)
{
	call_reply_row(c, result, "template", 200);
}

static void
edit(struct call *c, const PGresult *result)
{
	const Ipc__TemplateFields *f = c->request->template_edit;
	const struct db_param params[] = {DB_TEXT(f->id), DB_TEXT(f->name), DB_TEXT(f->text)};
	const struct db_step step = {SQL_TEMPLATE_EDIT, params, 3};

	if (may_change(c, result))
		call_change(c, "template_edit", &step, 1, "already_exists", on_edited);
}

void
api_template_edit(struct call *c)
{
	const Ipc__TemplateFields *f = c->request->template_edit;
	struct problem_field errors[3];
	size_t n = check(f, false, errors);

	if (n > 0)
		call_invalid_fields(c, errors, n);
	else
		get(c, f->id, edit);
}

static void
on_removed(struct call *c, const PGresult *result)
{
	if (PQntuples(result) != 1)
		call_problem(c, "not_found", NULL);
	else
		call_reply_done(c);
}

static void
remove_row(struct call *c, const PGresult *result)
{
	const struct db_param id = DB_TEXT(c->request->template_remove->id);
	const struct db_step step = {SQL_TEMPLATE_REMOVE, &id, 1};

	if (may_change(c, result))
		call_change(c, "template_remove", &step, 1, NULL, on_removed);
}

void
api_template_remove(struct call *c)
{
	get(c, c->request->template_remove->id, remove_row);
}
