/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Outlets: their rows (list, add, get, edit, remove) and the operator's commands (connect, qr,
 * pairing code, disconnect, pause, resume, logout). A row is changed in the database first, then in
 * memory.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/phone.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/auth.h"
#include "waconnd/api/idempotency.h"
#include "waconnd/api/pace.h"
#include "waconnd/api/request.h"
#include "waconnd/blast/pacer.h"

#define NAME_MAX_BYTES 100
#define STATUS_JSON_MAX 64

struct outlet_change { /* a call's state: the checked fields of add and edit */
	char id[32];
	char number[PHONE_DIGITS_MAX + 1];
	struct buf pace;
};

static void
change_free(void *state)
{
	struct outlet_change *ch = state;

	buf_done(&ch->pace);
	free(ch);
}

static void
on_listed(struct call *c, const PGresult *result)
{
	call_reply_page(c, result, "outlets");
}

void
api_outlet_list(struct call *c)
{
	const Ipc__List *q = c->request->outlet_list;
	unsigned limit = call_limit(c, q);
	char limit_text[16];

	if (limit == 0 || !call_cursor_is_key(c, q->cursor, "outlet_", false))
		return;
	(void)snprintf(limit_text, sizeof(limit_text), "%u", limit);
	{
		const struct db_param params[] = {
		    DB_TEXT(call_scope(c)), DB_TEXT(q->q), DB_TEXT(q->cursor), DB_TEXT(limit_text)};

		call_query(c, SQL_OUTLET_LIST, params, 4, NULL, on_listed);
	}
}

static void
on_got(struct call *c, const PGresult *result)
{
	call_reply_row(c, result, "outlet", 200);
}

void
api_outlet_get(struct call *c)
{
	struct outlet *o = call_outlet(c, c->request->outlet_get->id);
	struct outlet_pace pace;
	char cap[16];

	if (o == NULL)
		return;
	pace = outlet_pace(o);
	(void)snprintf(cap, sizeof(cap), "%u", pacer_cap(&pace, clock_wall_ms()));
	{
		const struct db_param params[] = {
		    DB_TEXT(outlet_id(o)), DB_TEXT(pace.warm_start > 0 ? cap : NULL)};

		call_query(c, SQL_OUTLET_GET, params, 2, NULL, on_got);
	}
}

/* Checks the fields of add and edit; answers the call and returns NULL when one is not valid. */
static struct outlet_change *
check_fields(struct call *c, const Ipc__OutletFields *f)
{
	struct outlet_change *ch = xcalloc(1, sizeof(*ch));
	const char *field, *detail;

	buf_init(&ch->pace, 4096);
	c->state = ch;
	c->free_state = change_free;
	if (f->name != NULL && !request_is_name(f->name, NAME_MAX_BYTES)) {
		call_invalid(
		    c, "name", "invalid", "1 to 100 bytes, not blank, without control characters");
		return NULL;
	}
	if (f->whatsapp_number != NULL &&
	    phone_normalise(f->whatsapp_number, PHONE_COUNTRY_DEFAULT, ch->number) < 0) {
		call_invalid(c, "whatsappNumber", "invalid_number",
		    "A telephone number such as 0812… or +62 812…");
		return NULL;
	}
	if (pace_to_json(f->pace, &ch->pace, &field, &detail) < 0) {
		call_invalid(c, field, "out_of_range", detail);
		return NULL;
	}
	return ch;
}

/* Columns of the statements that add and edit: json (the whole answer when added), id, name,
 * number, is_active, auto_reconnect, pace. */
static void
on_added(struct call *c, const PGresult *r)
{
	if (PQntuples(r) == 1) {
		(void)outlets_added(c->env->outlets, PQgetvalue(r, 0, 1), PQgetvalue(r, 0, 2),
		    PQgetvalue(r, 0, 3), PQgetvalue(r, 0, 4)[0] == 't',
		    PQgetvalue(r, 0, 5)[0] == 't', PQgetvalue(r, 0, 6));
	}
	call_reply_kept(c, r, 201);
}

static const char *
flag(protobuf_c_boolean has, protobuf_c_boolean value)
{
	if (!has)
		return NULL;
	return value ? "true" : "false";
}

static void
add(struct call *c)
{
	const Ipc__OutletFields *f = c->request->outlet_add;
	struct outlet_change *ch = c->state;
	struct idempotency key;
	char epoch[24];

	rng_id("outlet_", ch->id, sizeof(ch->id));
	(void)snprintf(epoch, sizeof(epoch), "%lld", (long long)c->env->store->epoch);
	idempotency_params(c, &key);
	{
		const struct db_param params[] = {DB_TEXT(ch->id), DB_TEXT(f->name),
		    DB_TEXT(ch->number), DB_TEXT(flag(f->has_is_active, f->is_active)),
		    DB_TEXT(flag(f->has_auto_reconnect, f->auto_reconnect)),
		    DB_TEXT(buf_str(&ch->pace)), DB_TEXT(c->env->store->instance), key.user,
		    key.key, key.hash, DB_TEXT(epoch)};
		const struct db_step step = {SQL_OUTLET_ADD, params, 11};

		call_change(c, "outlet_add", &step, 1, "already_exists", on_added);
	}
}

void
api_outlet_add(struct call *c)
{
	const Ipc__OutletFields *f = c->request->outlet_add;

	if (f->name == NULL || f->whatsapp_number == NULL) {
		call_invalid(c, f->name == NULL ? "name" : "whatsappNumber", "required",
		    "This field is required.");
		return;
	}
	if (check_fields(c, f) != NULL)
		idempotency_begin(c, add);
}

static void
on_edited(struct call *c, const PGresult *r)
{
	struct outlet *o =
	    PQntuples(r) == 1 ? outlets_find(c->env->outlets, PQgetvalue(r, 0, 1)) : NULL;

	if (o != NULL) {
		outlets_changed(o, PQgetvalue(r, 0, 2), PQgetvalue(r, 0, 3),
		    PQgetvalue(r, 0, 4)[0] == 't', PQgetvalue(r, 0, 5)[0] == 't',
		    PQgetvalue(r, 0, 6));
	}
	call_reply_row(c, r, "outlet", 200);
}

void
api_outlet_edit(struct call *c)
{
	const Ipc__OutletFields *f = c->request->outlet_edit;
	struct outlet *o = call_outlet(c, f->id);
	struct outlet_change *ch;

	if (o == NULL)
		return;
	ch = check_fields(c, f);
	if (ch == NULL)
		return;
	if (f->whatsapp_number != NULL && outlet_linked(o) &&
	    strcmp(ch->number, outlet_number(o)) != 0) {
		call_invalid(c, "whatsappNumber", "linked",
		    "The outlet is linked to this number. Log it out first.");
		return;
	}
	{
		const struct db_param params[] = {DB_TEXT(f->id), DB_TEXT(f->name),
		    DB_TEXT(f->whatsapp_number != NULL ? ch->number : NULL),
		    DB_TEXT(flag(f->has_is_active, f->is_active)),
		    DB_TEXT(flag(f->has_auto_reconnect, f->auto_reconnect)),
		    DB_TEXT(f->pace != NULL ? buf_str(&ch->pace) : NULL)};

		const struct db_step step = {SQL_OUTLET_EDIT, params, 6};

		call_change(c, "outlet_edit", &step, 1, "already_exists", on_edited);
	}
}

static void
on_removed(struct call *c, const PGresult *r)
{
	if (PQntuples(r) != 1) {
		call_problem(c, "not_found", NULL);
		return;
	}
	outlets_removed(c->env->outlets, c->request->outlet_remove->id);
	/* Its users and their tokens went with it. */
	auth_forget(api_auth(c->api), NULL);
	call_reply_done(c);
}

void
api_outlet_remove(struct call *c)
{
	struct outlet *o = call_outlet(c, c->request->outlet_remove->id);
	struct db_step step = {SQL_OUTLET_REMOVE, NULL, 1};
	struct db_param id;

	if (o == NULL)
		return;
	id = DB_TEXT(outlet_id(o));
	step.params = &id;
	call_change(c, "outlet_remove", &step, 1, NULL, on_removed);
}

/* -- commands ------------------------------------------------------------------- */

static void
status_json(const struct outlet *o, char out[STATUS_JSON_MAX])
{
	(void)snprintf(out, STATUS_JSON_MAX, "{\"status\": \"%s\"}",
	    outlet_status_name(outlet_live_status(o)));
}

static void
command(struct call *c, const char *id, const char *action, const char *(*run)(struct outlet *o))
{
	struct outlet *o = call_outlet(c, id);
	char before[STATUS_JSON_MAX], after[STATUS_JSON_MAX];
	const char *problem;
	struct buf out;
	struct jsonw j;
	const char *json;
	size_t len;

	if (o == NULL)
		return;
	if (!db_up(c->env->store->db)) {
		/* A command promises a state that survives a restart. */
		call_problem(c, "database_unavailable", NULL);
		return;
	}
	status_json(o, before);
	problem = run(o);
	if (problem != NULL) {
		call_problem(c, problem, NULL);
		return;
	}
	status_json(o, after);
	call_audit_change(c, action, outlet_id(o), before, after);
	json = outlet_status_json(o, &len, NULL);
	call_begin(&j, &out);
	jsonw_raw(&j, "status", json, len);
	call_finish(c, &j, 202);
}

/* A code is for the outlet's own phone; which number that is need not be said again. Answers the
 * call when another one is asked for. */
static bool
is_own_number(struct call *c, const Ipc__Connect *q)
{
	const struct outlet *o = call_outlet(c, q->id);
	char number[PHONE_DIGITS_MAX + 1];

	if (o == NULL)
		return false;
	if (q->phone_number == NULL)
		return true;
	if (phone_normalise(q->phone_number, PHONE_COUNTRY_DEFAULT, number) < 0) {
		call_invalid(c, "phoneNumber", "invalid_number",
		    "A telephone number such as 0812… or +62 812…");
		return false;
	}
	if (strcmp(number, outlet_number(o)) != 0) {
		call_invalid(c, "phoneNumber", "other_number",
		    "The outlet has another number; a code links its own phone only.");
		return false;
	}
	return true;
}

void
api_outlet_connect(struct call *c)
{
	const Ipc__Connect *q = c->request->outlet_connect;

	if (q->method == NULL || strcmp(q->method, "qr") == 0)
		command(c, q->id, "outlet_connect", outlet_connect);
	else if (strcmp(q->method, "code") != 0)
		call_invalid(c, "method", "unsupported", "Methods of linking: qr, code");
	else if (is_own_number(c, q))
		command(c, q->id, "outlet_connect", outlet_connect_code);
}

void
api_outlet_disconnect(struct call *c)
{
	command(c, c->request->outlet_disconnect->id, "outlet_disconnect", outlet_disconnect);
}

void
api_outlet_pause(struct call *c)
{
	command(c, c->request->outlet_pause->id, "outlet_pause", outlet_pause);
}

void
api_outlet_resume(struct call *c)
{
	command(c, c->request->outlet_resume->id, "outlet_resume", outlet_resume);
}

void
api_outlet_logout(struct call *c)
{
	command(c, c->request->outlet_logout->id, "outlet_logout", outlet_logout);
}

void
api_outlet_qr(struct call *c)
{
	struct outlet *o = call_outlet(c, c->request->outlet_qr->id);
	const char *text;
	unsigned sequence;
	int64_t expires_ms;
	struct buf out;
	struct jsonw j;

	if (o == NULL)
		return;
	if (outlet_qr(o, &text, &sequence, &expires_ms) < 0) {
		call_problem(c, "no_qr", NULL);
		return;
	}
	call_begin(&j, &out);
	jsonw_str(&j, "qr", text);
	jsonw_int(&j, "sequence", sequence);
	jsonw_time(&j, "expiresAt", expires_ms);
	call_finish(c, &j, 200);
}

void
api_outlet_pairing_code(struct call *c)
{
	struct outlet *o = call_outlet(c, c->request->outlet_pairing_code->id);
	const char *text;
	int64_t expires_ms;
	struct buf out;
	struct jsonw j;

	if (o == NULL)
		return;
	if (outlet_pairing_code(o, &text, &expires_ms) < 0) {
		call_problem(c, "no_code", NULL);
		return;
	}
	call_begin(&j, &out);
	jsonw_str(&j, "code", text);
	jsonw_time(&j, "expiresAt", expires_ms);
	call_finish(c, &j, 200);
}
