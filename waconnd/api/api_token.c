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
#include "waconnd/api/request.h"

#define NAME_MAX_BYTES 64
#define EXPIRES_MAX_S (100LL * 365 * 86400)

struct token_new { /* a call's state */
	char id[32];
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

	if (limit == 0)
		return;
	(void)snprintf(limit_text, sizeof(limit_text), "%u", limit);
	{
		const struct db_param params[] = {
		    DB_TEXT(own(c)), DB_TEXT(q->cursor), DB_TEXT(limit_text)};

		call_query(c, SQL_TOKEN_LIST, params, 3, NULL, on_listed);
	}
}

/* Columns of TOKEN_ADD: json, id. */
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
	call_audit(c, "token_add", t->id, NULL);
	call_begin(&j, &out);
	jsonw_str(&j, "token", t->text);
	jsonw_raw(&j, "apiToken", PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0));
	jsonw_object_end(&j);
	call_reply(c, 201, &out);
	buf_done_secret(&out);
}

static void
add(struct call *c, const char *user_id)
{
	const Ipc__TokenAdd *q = c->request->token_add;
	struct token_new *t = xcalloc(1, sizeof(*t));
	char expires[32];
	uint8_t hash[32];

	c->state = t;
	c->free_state = token_new_free;
	auth_make_token(t->text, hash);
	rng_id("token_", t->id, sizeof(t->id));
	(void)snprintf(expires, sizeof(expires), "%lld",
	    (long long)(clock_wall_ms() + q->expires_in_s * 1000));
	{
		const struct db_param params[] = {DB_TEXT(t->id), DB_TEXT(user_id),
		    DB_BYTES(hash, sizeof(hash)), DB_TEXT(q->name), DB_TEXT("false"),
		    DB_TEXT(q->expires_in_s > 0 ? expires : NULL)};

		call_query(c, SQL_TOKEN_ADD, params, 6, "conflict", on_added);
	}
}

static void
on_user(struct call *c, const PGresult *result)
{
	if (PQntuples(result) == 1)
		add(c, PQgetvalue(result, 0, 0));
	else
		call_invalid(c, "user", "not_found", "There is no user of this name.");
}

void
api_token_add(struct call *c)
{
	const Ipc__TokenAdd *q = c->request->token_add;
	struct db_param name;

	if (q->name == NULL || !request_is_name(q->name, NAME_MAX_BYTES)) {
		call_invalid(c, "name", "invalid", "1 to 64 bytes, no control characters.");
		return;
	}
	if (q->expires_in_s < 0 || q->expires_in_s > EXPIRES_MAX_S) {
		call_invalid(c, "expiresInSeconds", "out_of_range", "0 (never) to 100 years.");
		return;
	}
	if (c->who.user_id[0] != '\0' && (q->user == NULL || strcmp(q->user, c->who.name) == 0)) {
		add(c, c->who.user_id);
		return;
	}
	if (c->who.role != ROLE_SUPERADMIN) {
		call_problem(c, "forbidden", "You may make tokens for yourself only.");
		return;
	}
	if (q->user == NULL) {
		call_invalid(c, "user", "required", "Say whose token it is to be.");
		return;
	}
	name = DB_TEXT(q->user);
	call_query(c, SQL_USER_FIND, &name, 1, NULL, on_user);
}

static void
on_revoked(struct call *c, const PGresult *result)
{
	struct buf out;
	struct jsonw j;

	if (PQntuples(result) != 1) {
		call_problem(c, "not_found", NULL);
		return;
	}
	auth_forget(api_auth(c->api), c->request->token_revoke->id);
	call_audit(c, "token_revoke", c->request->token_revoke->id, NULL);
	call_begin(&j, &out);
	call_finish(c, &j, 200);
}

void
api_token_revoke(struct call *c)
{
	const struct db_param params[] = {DB_TEXT(c->request->token_revoke->id), DB_TEXT(own(c))};

	call_query(c, SQL_TOKEN_REVOKE, params, 2, NULL, on_revoked);
}
