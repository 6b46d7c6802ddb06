/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Changing one's own password: the old one is asked for, and guessing it is throttled as a login
 * is. All other logins of the user end with it; API tokens stay.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/auth.h"
#include "waconnd/api/password.h"
#include "waconnd/api/throttle.h"

struct password_new { /* a call's state */
	char old_hash[PASSWORD_HASH_LEN];
	char hash[PASSWORD_HASH_LEN];
	bool matches, hashed;
};

static void
state_free(void *state)
{
	OPENSSL_cleanse(state, sizeof(struct password_new));
	free(state);
}

static const char *
remote(const struct call *c)
{
	return c->request->remote != NULL ? c->request->remote : "";
}

static void
on_changed(struct call *c, const PGresult *result)
{
	if (PQntuples(result) != 1) {
		call_problem(c, "not_found", NULL);
		return;
	}
	/* What ended is not believed a moment longer. */
	auth_forget(api_auth(c->api), NULL);
	call_reply_done(c);
}

static void
hash(void *arg)
{
	struct call *c = arg;
	struct password_new *p = c->state;

	p->matches = password_matches(p->old_hash, c->request->password_change->current);
	if (p->matches)
		p->hashed = password_hash(c->request->password_change->password, p->hash) == 0;
}

static void
store(struct call *c)
{
	const struct password_new *p = c->state;
	const struct db_param change[] = {DB_TEXT(c->who.user_id), DB_TEXT(p->hash)};
	const struct db_param others[] = {
	    DB_TEXT(c->who.user_id), DB_TEXT(c->who.is_session ? c->who.token_id : NULL)};
	const struct db_step steps[] = {
	    {SQL_USER_PASSWORD, change, 2}, {SQL_TOKEN_END_OTHERS, others, 2}};

	call_change(c, "password_change", steps, 2, NULL, on_changed);
}

static void
on_hashed(void *arg, int cancelled)
{
	struct call *c = arg;
	const Ipc__PasswordChange *q = c->request->password_change;
	const struct password_new *p = c->state;

	OPENSSL_cleanse(q->current, strlen(q->current));
	OPENSSL_cleanse(q->password, strlen(q->password));
	if (cancelled) {
		throttle_undo(api_throttle(c->api), c->who.name, remote(c));
		call_problem(c, "stopping", NULL);
		return;
	}
	if (!p->matches) {
		log_warn("password.refused", LOG_STR("who", c->who.name),
		    LOG_STR("requestId", c->request->request_id));
		call_invalid(c, "currentPassword", "wrong", "This is not your password.");
		return;
	}
	throttle_succeeded(api_throttle(c->api), c->who.name, remote(c), clock_monotonic_ms());
	if (p->hashed)
		store(c);
	else
		call_problem(c, "overloaded", NULL);
}

/* Columns of USER_GET: json, name, role, outlet, password_hash. */
static void
on_found(struct call *c, const PGresult *result)
{
	struct password_new *p = c->state;
	unsigned wait_s;

	if (PQntuples(result) != 1) {
		call_problem(c, "not_found", NULL);
		return;
	}
	wait_s = throttle_begin(api_throttle(c->api), c->who.name, remote(c), clock_monotonic_ms());
	if (wait_s > 0) {
		api_answer_throttled(c, wait_s);
		return;
	}
	(void)snprintf(p->old_hash, sizeof(p->old_hash), "%s", PQgetvalue(result, 0, 4));
	if (worker_run(c->env->worker, hash, on_hashed, c) < 0) {
		throttle_undo(api_throttle(c->api), c->who.name, remote(c));
		call_problem(c, "overloaded", NULL);
	}
}

void
api_password_change(struct call *c)
{
	const Ipc__PasswordChange *q = c->request->password_change;
	const struct db_param id = DB_TEXT(c->who.user_id);
	struct problem_field errors[2];
	size_t n = 0;

	if (c->who.user_id[0] == '\0') {
		call_problem(c, "forbidden", "A local administrator has no password here.");
		return;
	}
	if (q->current == NULL || q->current[0] == '\0' || strlen(q->current) > PASSWORD_MAX)
		errors[n++] = (struct problem_field){
		    "currentPassword", "required", "Give your present password."};
	if (!password_acceptable(q->password))
		errors[n++] = (struct problem_field){"newPassword", "length", PASSWORD_RULE};
	if (n > 0) {
		call_invalid_fields(c, errors, n);
		return;
	}
	c->state = xcalloc(1, sizeof(struct password_new));
	c->free_state = state_free;
	call_query(c, SQL_USER_GET, &id, 1, NULL, on_found);
}
