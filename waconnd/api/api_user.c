/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Users: list, get, add, edit, remove, which is the SUPERADMIN's business; one of them has to
 * remain. A new password is hashed in a worker and kept as that hash alone.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/auth.h"
#include "waconnd/api/idempotency.h"
#include "waconnd/api/password.h"
#include "waconnd/api/request.h"

#define NAME_MAX_BYTES 64
#define NAME_RULE "1 to 64 bytes, no control characters."
#define ROLE_RULE "SUPERADMIN, ADMIN or USER."
#define ERRORS_MAX 5

struct user_change {	/* a call's state: of add and edit */
	enum role role; /* ROLE_NONE: stays */
	char id[32];
	char *password; /* borrowed from the request; NULL: stays */
	char hash[PASSWORD_HASH_LEN];
	bool hashed;
	void (*next)(struct call *c);
};

static void
change_free(void *state)
{
	OPENSSL_cleanse(state, sizeof(struct user_change));
	free(state);
}

static struct user_change *
change_new(struct call *c)
{
	c->state = xcalloc(1, sizeof(struct user_change));
	c->free_state = change_free;
	return c->state;
}

static void
on_listed(struct call *c, const PGresult *result)
{
	call_reply_page(c, result, "users");
}

void
api_user_list(struct call *c)
{
	const Ipc__List *q = c->request->user_list;
	unsigned limit = call_limit(c, q);
	char limit_text[16];

	if (limit == 0)
		return;
	(void)snprintf(limit_text, sizeof(limit_text), "%u", limit);
	{
		const struct db_param params[] = {
		    DB_TEXT(q->cursor), DB_TEXT(limit_text), DB_TEXT(q->q)};

		call_query(c, SQL_USER_LIST, params, 3, NULL, on_listed);
	}
}

static void
on_got(struct call *c, const PGresult *result)
{
	call_reply_row(c, result, "user", 200);
}

void
api_user_get(struct call *c)
{
	const struct db_param id = DB_TEXT(c->request->user_get->id);

	call_query(c, SQL_USER_GET, &id, 1, NULL, on_got);
}

/* -- passwords -- */

static void
hash_password(void *arg)
{
	struct call *c = arg;
	struct user_change *u = c->state;

	u->hashed = password_hash(u->password, u->hash) == 0;
}

static void
on_hashed(void *arg, int cancelled)
{
	struct call *c = arg;
	const struct user_change *u = c->state;

	OPENSSL_cleanse(u->password, strlen(u->password));
	if (cancelled || !u->hashed)
		call_problem(c, cancelled ? "stopping" : "overloaded", NULL);
	else
		u->next(c);
}

/* Goes on with `next` once the password, if there is one, is hashed. */
static void
hash_then(struct call *c, void (*next)(struct call *c))
{
	struct user_change *u = c->state;

	u->next = next;
	if (u->password == NULL)
		next(c);
	else if (worker_run(c->env->worker, hash_password, on_hashed, c) < 0)
		call_problem(c, "overloaded", NULL);
}

/* -- add -- */

static void
on_added(struct call *c, const PGresult *result)
{
	call_reply_kept(c, result, 201);
}

static void
add_row(struct call *c)
{
	const Ipc__UserAdd *q = c->request->user_add;
	struct user_change *u = c->state;
	struct idempotency key;

	rng_id("user_", u->id, sizeof(u->id));
	idempotency_params(c, &key);
	{
		const struct db_param params[] = {DB_TEXT(u->id), DB_TEXT(q->name),
		    DB_TEXT(u->hash), DB_TEXT(role_name(u->role)),
		    DB_TEXT(u->role == ROLE_USER ? q->outlet_id : NULL), key.user, key.key,
		    key.hash};
		const struct db_step step = {SQL_USER_ADD, params, 8};

		call_change(c, "user_add", &step, 1, "already_exists", on_added);
	}
}

static void
add(struct call *c)
{
	hash_then(c, add_row);
}

static size_t
check_add(struct call *c, struct user_change *u, struct problem_field *errors)
{
	const Ipc__UserAdd *q = c->request->user_add;
	size_t n = 0;

	if (q->name == NULL || !request_is_name(q->name, NAME_MAX_BYTES))
		errors[n++] = (struct problem_field){"username", "invalid", NAME_RULE};
	if (q->role == NULL || role_parse(q->role, &u->role) < 0)
		errors[n++] = (struct problem_field){"role", "invalid", ROLE_RULE};
	if (u->role == ROLE_USER && outlets_find(c->env->outlets, q->outlet_id) == NULL)
		errors[n++] = (struct problem_field){"outletId",
		    q->outlet_id == NULL ? "required" : "not_found",
		    "A USER belongs to one outlet: give its id."};
	if (u->role > ROLE_USER && q->outlet_id != NULL)
		errors[n++] = (struct problem_field){
		    "outletId", "not_allowed", "Only a USER belongs to an outlet."};
	if (!password_acceptable(q->password))
		errors[n++] = (struct problem_field){"password", "length", PASSWORD_RULE};
	return n;
}

void
api_user_add(struct call *c)
{
	struct user_change *u = change_new(c);
	struct problem_field errors[ERRORS_MAX];
	size_t n = check_add(c, u, errors);

	u->password = c->request->user_add->password;
	if (n > 0)
		call_invalid_fields(c, errors, n);
	else
		idempotency_begin(c, add);
}

/* -- edit -- */

static void
on_edited(struct call *c, const PGresult *result)
{
	if (PQntuples(result) == 1 && PQgetisnull(result, 0, 0)) {
		call_problem(c, "last_superadmin", NULL);
		return;
	}
	/* Role and outlet are remembered with tokens. */
	auth_forget(api_auth(c->api), NULL);
	call_reply_row(c, result, "user", 200);
}

static void
edit_row(struct call *c)
{
	const Ipc__UserEdit *q = c->request->user_edit;
	const struct user_change *u = c->state;
	const bool own = c->who.is_session && strcmp(c->who.user_id, q->id) == 0;
	const struct db_param edit[] = {DB_TEXT(q->id), DB_TEXT(q->name),
	    DB_TEXT(u->role != ROLE_NONE ? role_name(u->role) : NULL), DB_TEXT(q->outlet_id),
	    DB_TEXT(u->password != NULL ? u->hash : NULL)};
	const struct db_param others[] = {DB_TEXT(q->id), DB_TEXT(own ? c->who.token_id : NULL)};
	const struct db_step steps[] = {
	    {SQL_USER_EDIT, edit, 5}, {SQL_TOKEN_END_OTHERS, others, 2}};

	call_change(
	    c, "user_edit", steps, u->password != NULL ? 2 : 1, "already_exists", on_edited);
}

static size_t
check_edit(struct call *c, struct user_change *u, enum role before, struct problem_field *errors)
{
	const Ipc__UserEdit *q = c->request->user_edit;
	enum role role = before;
	size_t n = 0;

	if (q->name != NULL && !request_is_name(q->name, NAME_MAX_BYTES))
		errors[n++] = (struct problem_field){"username", "invalid", NAME_RULE};
	if (q->role != NULL && role_parse(q->role, &u->role) < 0)
		errors[n++] = (struct problem_field){"role", "invalid", ROLE_RULE};
	else if (q->role != NULL)
		role = u->role;
	if (role == ROLE_USER && (q->outlet_id != NULL || before != ROLE_USER) &&
	    outlets_find(c->env->outlets, q->outlet_id) == NULL)
		errors[n++] = (struct problem_field){"outletId",
		    q->outlet_id == NULL ? "required" : "not_found",
		    "A USER belongs to one outlet: give its id."};
	if (role != ROLE_USER && q->outlet_id != NULL)
		errors[n++] = (struct problem_field){
		    "outletId", "not_allowed", "Only a USER belongs to an outlet."};
	if (q->password != NULL && !password_acceptable(q->password))
		errors[n++] = (struct problem_field){"password", "length", PASSWORD_RULE};
	return n;
}

/* Columns of USER_GET: json, name, role, outlet, password_hash. */
static void
on_found(struct call *c, const PGresult *result)
{
	struct user_change *u = c->state;
	struct problem_field errors[ERRORS_MAX];
	enum role before;
	size_t n;

	if (PQntuples(result) != 1 || role_parse(PQgetvalue(result, 0, 2), &before) < 0) {
		call_problem(c, "not_found", NULL);
		return;
	}
	n = check_edit(c, u, before, errors);
	u->password = c->request->user_edit->password;
	if (n > 0)
		call_invalid_fields(c, errors, n);
	else
		hash_then(c, edit_row);
}

void
api_user_edit(struct call *c)
{
	const struct db_param id = DB_TEXT(c->request->user_edit->id);

	(void)change_new(c);
	call_query(c, SQL_USER_GET, &id, 1, NULL, on_found);
}

/* -- remove -- */

static void
on_removed(struct call *c, const PGresult *result)
{
	if (PQntuples(result) != 1) {
		call_problem(c, "not_found", NULL);
	} else if (PQgetisnull(result, 0, 0)) {
		call_problem(c, "last_superadmin", NULL);
	} else {
		auth_forget(api_auth(c->api), NULL);
		call_reply_done(c);
	}
}

void
api_user_remove(struct call *c)
{
	const struct db_param id = DB_TEXT(c->request->user_remove->id);
	const struct db_step step = {SQL_USER_REMOVE, &id, 1};

	call_change(c, "user_remove", &step, 1, NULL, on_removed);
}
