/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The daemon's API over its socket, with played links and a real PostgreSQL: three outlets (o1 and
 * o2 healthy, o3 never linked), one user of each role with the tokens "t-super", "t-admin" and
 * "t-user" (of o1), and a client that waits for each answer. Included by one .c each.
 */
#ifndef TESTS_WACONND_API_WORLD_H
#define TESTS_WACONND_API_WORLD_H

#include "tests/unit/waconnd/fake_link.h"

#include <jansson.h>
#include <pwd.h>
#include <signal.h>

#include "waconnd/api/api.h"

struct api_world {
	struct world *w;
	struct config config;
	struct hub *hub;
	struct outlets *os;
	struct blasts *blasts;
	struct worker *worker;
	struct api *api;
	struct ipc_client *client;
	char socket[64];
	bool loaded;

	bool answered;
	unsigned status;
	unsigned retry_after;
	char etag[128];
	json_t *body; /* of the last answer */
};

static struct api_world aw;
static const char *api_admin; /* the local administrator; NULL: who runs this */

static void
api_on_loaded(void *arg, int err)
{
	(void)arg;
	assert_int_equal(err, 0);
	aw.loaded = true;
}

UNUSED static bool
api_has_links(void *arg)
{
	(void)arg;
	return fake_find("o1") != NULL && fake_find("o2") != NULL;
}

UNUSED static bool
api_is_healthy(void *arg)
{
	(void)arg;
	return outlet_link(outlets_find(aw.os, "o1")) != NULL &&
	       outlet_link(outlets_find(aw.os, "o2")) != NULL;
}

static void
api_rows(struct world *w)
{
	/* What the test before asked and forgot may still run. */
	until_sql(w,
	    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND "
	    "state = 'active' AND pid <> pg_backend_pid() AND backend_type = 'client backend'",
	    "0");
	/* No TRUNCATE: it would deadlock with a reader that comes in between. */
	(void)world_sql(w, "DELETE FROM outlets; DELETE FROM blasts; DELETE FROM users; "
			   "DELETE FROM opt_outs; DELETE FROM idempotency_keys; "
			   "DELETE FROM number_checks");
	(void)world_sql(w,
	    "INSERT INTO outlets (id, name, whatsapp_number) VALUES ('o1', 'Alpha', '62811'), "
	    "('o2', 'Beta', '62822'), ('o3', 'Gamma', '62833')");
	(void)world_sql(w,
	    "INSERT INTO outlet_sessions (outlet_id, status, own_jid, linked_at) VALUES "
	    "('o1', 'CONNECTED', '62811:7@s.whatsapp.net', now()), "
	    "('o2', 'CONNECTED', '62822:7@s.whatsapp.net', now())");
	(void)world_sql(w, "INSERT INTO outlet_sessions (outlet_id) VALUES ('o3')");
	(void)world_sql(w,
	    "INSERT INTO keys (outlet_id, kind, name, value) VALUES ('o1', 1, '', '\\x00'), "
	    "('o2', 1, '', '\\x00')");
	(void)world_sql(w,
	    "INSERT INTO users (id, name, password_hash, role, outlet_id) VALUES "
	    "('u-super', 'sari', '-', 'SUPERADMIN', NULL), ('u-admin', 'ani', '-', 'ADMIN', NULL), "
	    "('u-user', 'umar', '-', 'USER', 'o1')");
	(void)world_sql(w, "INSERT INTO tokens (id, user_id, hash, name, is_session) "
			   "SELECT 'id-' || t, 'u-' || t, sha256(('t-' || t)::bytea), t, false "
			   "FROM unnest(ARRAY['super', 'admin', 'user']) t");
}

static void
api_configure(void)
{
	const struct passwd *pw = getpwuid(getuid());
	struct buf errors = BUF_INIT(4096);

	assert_non_null(pw);
	assert_int_equal(config_read("/dev/null", &aw.config, &errors), 0);
	(void)snprintf(aw.socket, sizeof(aw.socket), "/tmp/waconn-api-%d.sock", (int)getpid());
	free(aw.config.socket);
	aw.config.socket = xstrdup(aw.socket);
	free(aw.config.admin_users[0]);
	aw.config.admin_users[0] = xstrdup(api_admin != NULL ? api_admin : pw->pw_name);
	aw.config.pace = (struct outlet_pace){.timezone = "Asia/Jakarta"};
	buf_done(&errors);
}

UNUSED static int
api_start(void **state)
{
	struct outlets_env oe = {.instance = "host-a"};
	const char *paths[] = {aw.socket}, *err = NULL;
	struct api_env env;

	(void)signal(SIGPIPE, SIG_IGN);
	memset(&aw, 0, sizeof(aw));
	aw.w = *state;
	fake_reset(aw.w->base);
	api_rows(aw.w);
	api_configure();
	aw.hub = hub_new(1);
	oe.base = aw.w->base;
	oe.store = &aw.w->store;
	oe.hub = aw.hub;
	oe.default_pace = aw.config.pace;
	aw.os = outlets_new(&oe, api_on_loaded, NULL);
	world_until(aw.w, &aw.loaded);
	aw.worker = worker_new(aw.w->base, 1, 16);
	aw.blasts = blasts_new(aw.w->base, &aw.w->store, aw.hub, aw.os, aw.worker);
	env = (struct api_env){
	    aw.w->base, &aw.config, &aw.w->store, aw.hub, aw.os, aw.blasts, aw.worker};
	if (api_new(&env, &aw.api, &err) < 0)
		fail_msg("api_new: %s", err);
	aw.client = ipc_client_new(aw.w->base, paths, 1);
	until(api_has_links, NULL, "links");
	fake_up(fake_find("o1"));
	fake_up(fake_find("o2"));
	/* Until the rows say so, too: those of the way there come first. */
	assert_int_equal(world_commit(aw.w), 0);
	until(api_is_healthy, NULL, "healthy");
	return 0;
}

UNUSED static int
api_end(void **state)
{
	(void)state;
	json_decref(aw.body);
	ipc_client_free(&aw.client);
	worker_free(&aw.worker);
	api_free(&aw.api);
	blasts_free(&aw.blasts);
	outlets_free(&aw.os);
	assert_int_equal(world_commit(aw.w), 0);
	hub_free(&aw.hub);
	config_done(&aw.config);
	fake_reset(NULL);
	return 0;
}

/* -- asking -- */

static void
api_on_response(void *arg, enum ipc_failure failure, const Ipc__Response *r)
{
	(void)arg;
	assert_int_equal(failure, IPC_OK);
	aw.answered = true;
	aw.status = r->status;
	aw.retry_after = r->has_retry_after_s ? r->retry_after_s : 0;
	(void)snprintf(aw.etag, sizeof(aw.etag), "%s", r->etag != NULL ? r->etag : "");
	aw.body =
	    r->body.len > 0 ? json_loadb((const char *)r->body.data, r->body.len, 0, NULL) : NULL;
}

/* Sends it as the gateway does: with a token (NULL: none) and the mark of a forwarded request. */
UNUSED static void
api_ask(Ipc__Request *q, const char *token)
{
	static char remote[] = "192.0.2.1";
	enum ipc_failure failure = IPC_OK;

	q->token = token != NULL ? xstrdup(token) : NULL;
	if (q->remote == NULL)
		q->remote = remote;
	json_decref(aw.body);
	aw.body = NULL;
	aw.answered = false;
	assert_true(ipc_client_send(aw.client, q, WAIT_MS, api_on_response, NULL, &failure) != 0);
	free(q->token);
	q->token = NULL;
	world_until(aw.w, &aw.answered);
}

/* -- looking at the answer -- */

/* The value at "a.b.0.c", NULL when there is none. */
UNUSED static json_t *
api_at(const char *path)
{
	char copy[200], *rest = copy, *word;
	json_t *v = aw.body;

	(void)snprintf(copy, sizeof(copy), "%s", path);
	while (v != NULL && (word = strsep(&rest, ".")) != NULL)
		v = json_is_array(v) ? json_array_get(v, strtoul(word, NULL, 10))
				     : json_object_get(v, word);
	return v;
}

UNUSED static const char *
api_text(const char *path)
{
	const char *text = json_string_value(api_at(path));

	return text != NULL ? text : "";
}

UNUSED static int
api_int(const char *path)
{
	if (!json_is_integer(api_at(path)))
		fail_msg("%s is no number", path);
	return (int)json_integer_value(api_at(path));
}

/* "200", or "404 not_found". */
UNUSED static const char *
api_outcome(void)
{
	static char text[80];

	(void)snprintf(
	    text, sizeof(text), aw.status >= 400 ? "%u %s" : "%u", aw.status, api_text("code"));
	return text;
}

UNUSED static void
api_assert(const char *outcome)
{
	char *all;

	if (strcmp(api_outcome(), outcome) == 0)
		return;
	all = json_dumps(aw.body, 0);
	fail_msg("%s, not %s: %s", api_outcome(), outcome, all != NULL ? all : "-");
}

#define API_REQUEST(q, op, field, message)   \
	Ipc__Request q = IPC__REQUEST__INIT; \
	q.op_case = IPC__REQUEST__OP_##op;   \
	q.field = (message)

#endif
