/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tokens to principals, with a small cache of fixed size (direct-mapped by the token's hash). Never
 * stores or logs a token's text.
 */
#include "waconnd/api/auth.h"

#include <openssl/crypto.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/rng.h"
#include "common/wa/kdf.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"

#define TOKEN_PREFIX "wac_"
#define TOKEN_RANDOM 30 /* characters of 62: 178 bits */
#define CACHE_SIZE 4096
#define FRESH_MS 5000		  /* how long an answer of the database is believed */
#define STALE_MS (10 * 60 * 1000) /* … while the database is away */

struct cached {
	uint8_t hash[32];
	struct principal who;
	int64_t at_ms;	    /* monotonic; 0: unused */
	int64_t expires_ms; /* wall; 0: never */
};

struct admin {
	uid_t uid;
	char name[65];
};

struct auth {
	struct cached cache[CACHE_SIZE];
	struct admin admins[CONFIG_ADMINS_MAX];
	size_t n_admins;
	uint64_t changes; /* of what is to be forgotten */
	void (*forgotten)(void *arg);
	void *forgotten_arg;
};

struct identify { /* a call's state while the database is asked */
	struct auth *auth;
	uint8_t hash[32];
	uint64_t changes; /* when it was asked */
	void (*next)(struct call *c);
};

struct auth *
auth_new(const struct config *config)
{
	struct auth *a = xcalloc(1, sizeof(*a));

	for (size_t i = 0; i < config->n_admin_users; i++) {
		const struct passwd *pw = getpwnam(config->admin_users[i]);

		if (pw == NULL) {
			log_warn("auth.no_such_user", LOG_STR("user", config->admin_users[i]));
			continue;
		}
		a->admins[a->n_admins].uid = pw->pw_uid;
		(void)snprintf(a->admins[a->n_admins].name, sizeof(a->admins[0].name),
		    "local:%.50s", config->admin_users[i]);
		a->n_admins++;
	}
	return a;
}

void
auth_free(struct auth **a)
{
	free(*a);
	*a = NULL;
}

static struct cached *
slot(struct auth *a, const uint8_t hash[32])
{
	return &a->cache[((size_t)hash[0] << 8 | hash[1]) % CACHE_SIZE];
}

void
auth_forget(struct auth *a, const char *token_id)
{
	a->changes++;
	for (size_t i = 0; i < CACHE_SIZE; i++) {
		if (token_id == NULL || strcmp(a->cache[i].who.token_id, token_id) == 0)
			a->cache[i].at_ms = 0;
	}
	if (a->forgotten != NULL)
		a->forgotten(a->forgotten_arg);
}

void
auth_doubt(struct auth *a)
{
	const int64_t now = clock_monotonic_ms();

	a->changes++;
	for (size_t i = 0; i < CACHE_SIZE; i++) {
		struct cached *e = &a->cache[i];

		if (e->at_ms != 0 && now - e->at_ms < FRESH_MS)
			e->at_ms = now > FRESH_MS ? now - FRESH_MS : 1;
	}
	if (a->forgotten != NULL)
		a->forgotten(a->forgotten_arg);
}

void
auth_on_forget(struct auth *a, void (*cb)(void *arg), void *arg)
{
	a->forgotten = cb;
	a->forgotten_arg = arg;
}

void
auth_make_token(char ret_text[AUTH_TOKEN_MAX], uint8_t ret_hash[32])
{
	static const char alphabet[] =
	    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	size_t n = strlen(TOKEN_PREFIX);

	memcpy(ret_text, TOKEN_PREFIX, n);
	for (size_t i = 0; i < TOKEN_RANDOM; i++)
		ret_text[n++] = alphabet[rng_below(sizeof(alphabet) - 1)];
	ret_text[n] = '\0';
	sha256(ret_text, n, ret_hash);
}

static void
copy_field(char *out, size_t size, const PGresult *result, int column)
{
	(void)snprintf(out, size, "%s", PQgetvalue(result, 0, column));
}

/* A token for one outlet acts as a USER of it, whoever it belongs to. */
static int
confine(struct principal *who, const char *outlet)
{
	if (outlet[0] == '\0')
		return 0;
	if (who->role == ROLE_USER && strcmp(who->outlet_id, outlet) != 0)
		return -1;
	who->role = ROLE_USER;
	(void)snprintf(who->outlet_id, sizeof(who->outlet_id), "%s", outlet);
	if (who->scopes == SCOPES_ALL)
		who->scopes = ~(UINT64_C(1) << SCOPE_NONE);
	return 0;
}

static void
on_token(struct call *c, const PGresult *result)
{
	struct identify *id = c->state;
	void (*next)(struct call * c) = id->next;
	struct cached *e = slot(id->auth, id->hash);
	struct principal who = {.scopes = SCOPES_ALL};

	if (PQntuples(result) != 1 || role_parse(PQgetvalue(result, 0, 2), &who.role) < 0) {
		call_problem(
		    c, "unauthenticated", "The token is not known, has expired or was revoked.");
		return;
	}
	copy_field(who.user_id, sizeof(who.user_id), result, 0);
	copy_field(who.name, sizeof(who.name), result, 1);
	copy_field(who.outlet_id, sizeof(who.outlet_id), result, 3);
	copy_field(who.token_id, sizeof(who.token_id), result, 4);
	who.is_session = PQgetvalue(result, 0, 5)[0] == 't';
	if (!PQgetisnull(result, 0, 7))
		who.scopes = scope_mask(PQgetvalue(result, 0, 7));
	if (confine(&who, PQgetvalue(result, 0, 8)) < 0) {
		call_problem(c, "unauthenticated", "The token is for an outlet of others.");
		return;
	}
	/* What was revoked while the question was under way is not remembered. */
	if (id->changes == id->auth->changes) {
		memcpy(e->hash, id->hash, sizeof(e->hash));
		e->who = who;
		e->at_ms = clock_monotonic_ms();
		e->expires_ms = strtoll(PQgetvalue(result, 0, 6), NULL, 10);
	}
	c->who = who;
	free(c->state);
	c->state = NULL;
	next(c);
}

/* What is remembered, if it may still be believed. */
static const struct cached *
remembered(struct auth *a, const uint8_t hash[32], bool database_up)
{
	const struct cached *e = slot(a, hash);
	int64_t age = clock_monotonic_ms() - e->at_ms;

	if (e->at_ms == 0 || CRYPTO_memcmp(e->hash, hash, sizeof(e->hash)) != 0)
		return NULL;
	if (e->expires_ms != 0 && clock_wall_ms() >= e->expires_ms)
		return NULL;
	return age < (database_up ? FRESH_MS : STALE_MS) ? e : NULL;
}

static void
identify_token(struct auth *a, struct call *c, const char *token, void (*next)(struct call *c))
{
	const struct cached *e;
	struct identify *id;
	uint8_t hash[32];

	if (strlen(token) > AUTH_TOKEN_MAX) {
		call_problem(c, "unauthenticated", NULL);
		return;
	}
	sha256(token, strlen(token), hash);
	e = remembered(a, hash, db_up(c->env->store->db));
	if (e != NULL) {
		c->who = e->who;
		next(c);
		return;
	}
	id = xcalloc(1, sizeof(*id));
	id->auth = a;
	id->changes = a->changes;
	id->next = next;
	memcpy(id->hash, hash, sizeof(hash));
	c->state = id;
	{
		const struct db_param params[] = {DB_BYTES(id->hash, sizeof(id->hash)),
		    DB_TEXT(AUTH_IDLE_MS_TEXT), DB_TEXT(AUTH_LOGIN_MAX_MS_TEXT)};

		call_query(c, SQL_TOKEN_VERIFY, params, 3, NULL, on_token);
	}
}

static const struct admin *
local_admin(const struct auth *a, const struct call *c)
{
	const struct ipc_peer *peer = api_peer(c->api, c->peer);

	if (peer == NULL || c->request->remote != NULL)
		return NULL;
	for (size_t i = 0; i < a->n_admins; i++) {
		if (a->admins[i].uid == ipc_peer_identity(peer)->uid)
			return &a->admins[i];
	}
	return NULL;
}

void
auth_identify(struct auth *a, struct call *c, void (*next)(struct call *c))
{
	const struct admin *admin;

	if (c->request->token != NULL) {
		identify_token(a, c, c->request->token, next);
		return;
	}
	admin = local_admin(a, c);
	if (admin == NULL) {
		call_problem(c, "unauthenticated", NULL);
		return;
	}
	c->who.role = ROLE_SUPERADMIN;
	c->who.scopes = SCOPES_ALL;
	(void)snprintf(c->who.name, sizeof(c->who.name), "%s", admin->name);
	next(c);
}
