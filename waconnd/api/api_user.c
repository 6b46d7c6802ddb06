/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Users: list, add. A new password is hashed in a worker and kept as that hash alone. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/password.h"
#include "waconnd/api/request.h"

#define NAME_MAX_BYTES 64

struct user_new { /* a call's state */
	enum role role;
	char id[32];
	char hash[PASSWORD_HASH_LEN];
	bool hashed;
};

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
		const struct db_param params[] = {DB_TEXT(q->cursor), DB_TEXT(limit_text)};

		call_query(c, SQL_USER_LIST, params, 2, NULL, on_listed);
	}
}

/* Columns of USER_ADD: json, id. */
static void
on_added(struct call *c, const PGresult *result)
{
	if (PQntuples(result) == 1)
		call_audit(c, "user_add", PQgetvalue(result, 0, 1), NULL);
	call_reply_row(c, result, "user", 201);
}

static void
hash_password(void *arg)
{
	struct call *c = arg;
	struct user_new *u = c->state;

	u->hashed = password_hash(c->request->user_add->password, u->hash) == 0;
}

static void
on_hashed(void *arg, int cancelled)
{
	struct call *c = arg;
	const Ipc__UserAdd *q = c->request->user_add;
	struct user_new *u = c->state;

	OPENSSL_cleanse(q->password, strlen(q->password));
	if (cancelled || !u->hashed) {
		call_problem(c, cancelled ? "stopping" : "overloaded", NULL);
		return;
	}
	rng_id("user_", u->id, sizeof(u->id));
	{
		const struct db_param params[] = {DB_TEXT(u->id), DB_TEXT(q->name),
		    DB_TEXT(u->hash), DB_TEXT(role_name(u->role)),
		    DB_TEXT(u->role == ROLE_USER ? q->outlet_id : NULL)};

		call_query(c, SQL_USER_ADD, params, 5, "already_exists", on_added);
	}
}

static size_t
check(struct call *c, struct user_new *u, struct problem_field *errors)
{
	const Ipc__UserAdd *q = c->request->user_add;
	size_t n = 0;

	if (q->name == NULL || !request_is_name(q->name, NAME_MAX_BYTES))
		errors[n++] = (struct problem_field){
		    "name", "invalid", "1 to 64 bytes, no control characters."};
	if (q->role == NULL || role_parse(q->role, &u->role) < 0)
		errors[n++] =
		    (struct problem_field){"role", "invalid", "SUPERADMIN, ADMIN or USER."};
	if (u->role == ROLE_USER && outlets_find(c->env->outlets, q->outlet_id) == NULL)
		errors[n++] = (struct problem_field){"outletId",
		    q->outlet_id == NULL ? "required" : "not_found",
		    "A USER belongs to one outlet: give its id."};
	if (u->role > ROLE_USER && q->outlet_id != NULL)
		errors[n++] = (struct problem_field){
		    "outletId", "not_allowed", "Only a USER belongs to an outlet."};
	if (q->password == NULL || strlen(q->password) < PASSWORD_MIN ||
	    strlen(q->password) > PASSWORD_MAX)
		errors[n++] = (struct problem_field){"password", "length", "8 to 256 bytes."};
	return n;
}

static void
user_new_free(void *state)
{
	OPENSSL_cleanse(state, sizeof(struct user_new));
	free(state);
}

void
api_user_add(struct call *c)
{
	struct user_new *u = xcalloc(1, sizeof(*u));
	struct problem_field errors[5];
	size_t n;

	c->state = u;
	c->free_state = user_new_free;
	n = check(c, u, errors);
	if (n > 0)
		call_invalid_fields(c, errors, n);
	else if (worker_run(c->env->worker, hash_password, on_hashed, c) < 0)
		call_problem(c, "overloaded", NULL);
}
