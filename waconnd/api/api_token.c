/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * API tokens: list, add, revoke. Everybody has their own; those of others are the SUPERADMIN's
 * business. A token's text stands in the answer that makes it and nowhere else.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/auth.h"
#include "waconnd/api/idempotency.h"
#include "waconnd/api/request.h"
#include "waconnd/store/array.h"

#define NAME_MAX_BYTES 64
#define EXPIRES_MAX_S (100LL * 365 * 86400)
#define ERRORS_MAX 5

struct token_new { /* a call's state */
	char id[32];
	char user_id[32];
	char text[AUTH_TOKEN_MAX];
};

static void
token_new_free(void *state)
{
	OPENSSL_cleanse(state, sizeof(struct token_new));
	free(state);
}

/* Whose tokens the caller may see and revoke: its user's id, or NULL for all. */
static const char *
own(const struct call *c)
{
	return c->who.role == ROLE_SUPERADMIN ? NULL : c->who.user_id;
}

static void
on_listed(struct call *c, const PGresult *result)
{
	call_reply_page(c, result, "tokens");
}

void
api_token_list(struct call *c)
{
	const Ipc__List *q = c->request->token_list;
	unsigned limit = call_limit(c, q);
	char limit_text[16];

	if (limit == 0 || !call_cursor_is_key(c, q->cursor, "token_", true))
		return;
	(void)snprintf(limit_text, sizeof(limit_text), "%u", limit);
	{
		const struct db_param params[] = {
		    DB_TEXT(own(c)), DB_TEXT(q->cursor), DB_TEXT(limit_text)};

		call_query(c, SQL_TOKEN_LIST, params, 3, NULL, on_listed);
	}
}

/* Answers with the token's text, which what is kept under an Idempotency-Key is without. */
static void
on_added(struct call *c, const PGresult *result)
{
	const struct token_new *t = c->state;
	struct buf out;
	struct jsonw j;

	if (PQntuples(result) != 1) {
		call_problem(c, "internal", NULL);
		return;
	}
	call_begin(&j, &out);
	jsonw_str(&j, "token", t->text);
	jsonw_raw(&j, "apiToken", PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0));
	jsonw_object_end(&j);
	call_reply(c, 201, &out);
	buf_done_secret(&out);
}

static void
insert(struct call *c)
{
	const Ipc__TokenAdd *q = c->request->token_add;
	struct token_new *t = c->state;
	struct array scopes;
	struct idempotency key;
	char expires[32];
	uint8_t hash[32];

	auth_make_token(t->text, hash);
	rng_id("token_", t->id, sizeof(t->id));
	(void)snprintf(expires, sizeof(expires), "%lld",
	    (long long)(q->has_expires_at_ms ? q->expires_at_ms
					     : clock_wall_ms() + q->expires_in_s * 1000));
	array_init(&scopes, ARRAY_TEXT);
	for (size_t i = 0; i < q->n_scopes; i++)
		array_text(&scopes, q->scopes[i]);
	idempotency_params(c, &key);
	{
		const struct db_param params[] = {DB_TEXT(t->id), DB_TEXT(t->user_id),
		    DB_BYTES(hash, sizeof(hash)), DB_TEXT(q->name),
		    DB_TEXT(q->expires_in_s > 0 || q->has_expires_at_ms ? expires : NULL),
		    q->n_scopes > 0 ? array_param(&scopes) : DB_TEXT(NULL), DB_TEXT(q->outlet_id),
		    key.user, key.key, key.hash};
		const struct db_step step = {SQL_TOKEN_ADD, params, 10};

		call_change(c, "token_add", &step, 1, "conflict", on_added);
	}
	array_done(&scopes);
}

/* Columns of USER_FIND: id, name, role, outlet, password_hash. */
static void
on_user(struct call *c, const PGresult *result)
{
	const Ipc__TokenAdd *q = c->request->token_add;
	struct token_new *t = c->state;

	if (PQntuples(result) != 1) {
		call_invalid(c, "user", "not_found", "There is no user of this name.");
		return;
	}
	if (q->outlet_id != NULL && PQgetvalue(result, 0, 3)[0] != '\0' &&
	    strcmp(PQgetvalue(result, 0, 3), q->outlet_id) != 0) {
		call_invalid(c, "outletId", "not_allowed", "The user belongs to another outlet.");
		return;
	}
	(void)snprintf(t->user_id, sizeof(t->user_id), "%s", PQgetvalue(result, 0, 0));
	idempotency_begin(c, insert);
}

static size_t
check(struct call *c, struct problem_field *errors)
{
	const Ipc__TokenAdd *q = c->request->token_add;
	size_t n = 0;
	enum scope scope;

	if (q->name == NULL || !request_is_name(q->name, NAME_MAX_BYTES))
		errors[n++] = (struct problem_field){
		    "name", "invalid", "1 to 64 bytes, no control characters."};
	if (q->expires_in_s < 0 || q->expires_in_s > EXPIRES_MAX_S)
		errors[n++] = (struct problem_field){
		    "expiresInSeconds", "out_of_range", "0 (never) to 100 years."};
	if (q->has_expires_at_ms && q->expires_at_ms <= clock_wall_ms())
		errors[n++] = (struct problem_field){"expiresAt", "out_of_range", "It is past."};
	for (size_t i = 0; i < q->n_scopes; i++) {
		if (scope_parse(q->scopes[i], &scope) == 0)
			continue;
		errors[n++] = (struct problem_field){"scopes", "unknown",
		    "Words such as status:read or blast:write; docs/http.md lists them."};
		break;
	}
	if (q->outlet_id != NULL &&
	    (outlets_find(c->env->outlets, q->outlet_id) == NULL ||
		(call_scope(c) != NULL && strcmp(call_scope(c), q->outlet_id) != 0)))
		errors[n++] =
		    (struct problem_field){"outletId", "not_found", "There is no such outlet."};
	return n;
}

void
api_token_add(struct call *c)
{
	const Ipc__TokenAdd *q = c->request->token_add;
	struct problem_field errors[ERRORS_MAX];
	size_t n = check(c, errors);
	struct db_param name;

	if (n > 0) {
		call_invalid_fields(c, errors, n);
		return;
	}
	if (q->user == NULL && c->who.user_id[0] == '\0') {
		call_invalid(c, "user", "required", "Say whose token it is to be.");
		return;
	}
	if (q->user != NULL && c->who.role != ROLE_SUPERADMIN &&
	    strcmp(q->user, c->who.name) != 0) {
		call_problem(c, "forbidden", "You may make tokens for yourself only.");
		return;
	}
	c->state = xcalloc(1, sizeof(struct token_new));
	c->free_state = token_new_free;
	name = DB_TEXT(q->user != NULL ? q->user : c->who.name);
	call_query(c, SQL_USER_FIND, &name, 1, NULL, on_user);
}

static void
on_revoked(struct call *c, const PGresult *result)
{
	if (PQntuples(result) != 1) {
		call_problem(c, "not_found", NULL);
		return;
	}
	auth_forget(api_auth(c->api), c->request->token_revoke->id);
	call_reply_done(c);
}

void
api_token_revoke(struct call *c)
{
	const struct db_param params[] = {DB_TEXT(c->request->token_revoke->id), DB_TEXT(own(c))};
	const struct db_step step = {SQL_TOKEN_REVOKE, params, 2};

	call_change(c, "token_revoke", &step, 1, NULL, on_revoked);
}
