/* SPDX-License-Identifier: GPL-3.0-or-later */
/* login, logout, me, health. A login's password is checked in a worker; a wrong name takes as long
 * as a wrong password. */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/auth.h"
#include "waconnd/api/password.h"
#include "waconnd/api/throttle.h"

struct login { /* a call's state */
	char hash[PASSWORD_HASH_LEN];
	bool known;
	bool matches;
	char token[AUTH_TOKEN_MAX];
	int64_t expires_ms;
};

static void
login_free(void *state)
{
	OPENSSL_cleanse(state, sizeof(struct login));
	free(state);
}

static const char *
remote(const struct call *c)
{
	return c->request->remote != NULL ? c->request->remote : "";
}

/* The user as CONTRACT's `user`. */
static void
write_user(struct jsonw *j, const struct principal *who)
{
	jsonw_object(j, "user");
	jsonw_str(j, "id", who->user_id[0] != '\0' ? who->user_id : NULL);
	jsonw_str(j, "username", who->name);
	jsonw_str(j, "role", role_name(who->role));
	jsonw_str(j, "outletId", who->outlet_id[0] != '\0' ? who->outlet_id : NULL);
	jsonw_object_end(j);
}

static void
on_session_stored(struct call *c, const PGresult *result)
{
	struct login *l = c->state;
	Ipc__Response response = IPC__RESPONSE__INIT;
	struct buf out;
	struct jsonw j;

	(void)result;
	call_audit(c, "login", c->who.user_id, NULL);
	call_begin(&j, &out);
	jsonw_str(&j, "token", l->token);
	jsonw_time(&j, "expiresAt", l->expires_ms);
	write_user(&j, &c->who);
	jsonw_object_end(&j);
	response.has_status = 1;
	response.status = 200;
	response.has_body = 1;
	response.body.data = out.data;
	response.body.len = out.len;
	response.session_token = l->token;
	response.has_session_expires_ms = 1;
	/* The cookie may be older than the login is good for: it is the token that counts. */
	response.session_expires_ms = clock_wall_ms() + AUTH_LOGIN_MAX_MS;
	call_response(c, &response);
	buf_done_secret(&out);
}

static void
store_session(struct call *c)
{
	struct login *l = c->state;
	uint8_t hash[32];
	char id[32], expires[32];

	auth_make_token(l->token, hash);
	rng_id("token_", id, sizeof(id));
	l->expires_ms = clock_wall_ms() + AUTH_IDLE_MS;
	(void)snprintf(expires, sizeof(expires), "%lld", (long long)l->expires_ms);
	{
		const struct db_param params[] = {DB_TEXT(id), DB_TEXT(c->who.user_id),
		    DB_BYTES(hash, sizeof(hash)), DB_TEXT(expires)};

		call_query(c, SQL_TOKEN_LOGIN, params, 4, "internal", on_session_stored);
	}
}

static void
check_password(void *arg)
{
	struct call *c = arg;
	struct login *l = c->state;

	l->matches =
	    password_matches(l->known ? l->hash : password_nobody(), c->request->login->password);
}

static void
on_checked(void *arg, int cancelled)
{
	struct call *c = arg;
	struct login *l = c->state;

	OPENSSL_cleanse(c->request->login->password, strlen(c->request->login->password));
	if (cancelled) {
		throttle_undo(api_throttle(c->api), c->request->login->username, remote(c));
		call_problem(c, "stopping", NULL);
	} else if (!l->known || !l->matches) {
		log_warn("login.failed", LOG_STR("remote", remote(c)),
		    LOG_STR("requestId", c->request->request_id));
		call_problem(c, "login_failed", NULL);
	} else {
		throttle_succeeded(api_throttle(c->api), c->request->login->username, remote(c),
		    clock_monotonic_ms());
		store_session(c);
	}
}

static void
on_user(struct call *c, const PGresult *result)
{
	struct login *l = c->state;

	if (PQntuples(result) == 1 && role_parse(PQgetvalue(result, 0, 2), &c->who.role) == 0) {
		l->known = true;
		(void)snprintf(
		    c->who.user_id, sizeof(c->who.user_id), "%s", PQgetvalue(result, 0, 0));
		(void)snprintf(c->who.name, sizeof(c->who.name), "%s", PQgetvalue(result, 0, 1));
		(void)snprintf(
		    c->who.outlet_id, sizeof(c->who.outlet_id), "%s", PQgetvalue(result, 0, 3));
		(void)snprintf(l->hash, sizeof(l->hash), "%s", PQgetvalue(result, 0, 4));
	}
	if (worker_run(c->env->worker, check_password, on_checked, c) < 0) {
		throttle_undo(api_throttle(c->api), c->request->login->username, remote(c));
		call_problem(c, "overloaded", NULL);
	}
}

void
api_answer_throttled(struct call *c, unsigned wait_s)
{
	Ipc__Response response = IPC__RESPONSE__INIT;
	const struct problem *p = problem_find("login_throttled");
	struct buf out = BUF_INIT(4096);

	problem_write(&out, p, NULL, c->request->request_id, NULL, 0);
	response.has_status = 1;
	response.status = p->status;
	response.has_body = 1;
	response.body.data = out.data;
	response.body.len = out.len;
	response.has_retry_after_s = 1;
	response.retry_after_s = wait_s;
	call_response(c, &response);
	buf_done(&out);
}

void
api_login(struct call *c)
{
	const Ipc__Login *login = c->request->login;
	struct db_param name;
	unsigned wait_s;

	if (login->username == NULL || login->username[0] == '\0') {
		call_invalid(c, "username", "required", "Give the user name.");
		return;
	}
	if (login->password == NULL || strlen(login->password) > PASSWORD_MAX) {
		call_invalid(c, "password", "required", "Give the password (at most 256 bytes).");
		return;
	}
	if (!db_up(c->env->store->db)) {
		call_problem(c, "database_unavailable", NULL);
		return;
	}
	wait_s =
	    throttle_begin(api_throttle(c->api), login->username, remote(c), clock_monotonic_ms());
	if (wait_s > 0) {
		api_answer_throttled(c, wait_s);
		return;
	}
	c->state = xcalloc(1, sizeof(struct login));
	c->free_state = login_free;
	name = DB_TEXT(login->username);
	call_query(c, SQL_USER_FIND, &name, 1, NULL, on_user);
}

static void
on_logged_out(struct call *c, const PGresult *result)
{
	struct buf out;
	struct jsonw j;

	if (result != NULL) /* its streams end, too */
		auth_forget(api_auth(c->api), c->who.token_id);
	call_begin(&j, &out);
	call_finish(c, &j, 200);
}

void
api_logout(struct call *c)
{
	const struct db_param id = DB_TEXT(c->who.token_id);

	/* Only a login's token ends here: an API token is revoked by name. */
	if (!c->who.is_session) {
		on_logged_out(c, NULL);
		return;
	}
	auth_forget(api_auth(c->api), c->who.token_id);
	call_query(c, SQL_TOKEN_END, &id, 1, NULL, on_logged_out);
}

void
api_me(struct call *c)
{
	struct buf out;
	struct jsonw j;

	call_begin(&j, &out);
	write_user(&j, &c->who);
	call_finish(c, &j, 200);
}

static void
write_health(struct call *c)
{
	struct buf out;
	struct jsonw j;

	call_begin(&j, &out);
	jsonw_str(&j, "status", "ok");
	jsonw_str(&j, "instance", c->env->config->instance);
	jsonw_bool(&j, "database", db_up(c->env->store->db));
	jsonw_int(&j, "outlets", (int64_t)outlets_count(c->env->outlets));
	call_finish(c, &j, 200);
}

static void
on_database_answered(struct call *c, const PGresult *result)
{
	(void)result;
	write_health(c);
}

void
api_health(struct call *c)
{
	if (c->request->health->deep)
		call_query(c, SQL_DATABASE_PING, NULL, 0, NULL, on_database_answered);
	else
		write_health(c);
}
