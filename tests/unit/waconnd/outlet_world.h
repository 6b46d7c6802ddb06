/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Outlets over links that the test plays and a real PostgreSQL: one that is connected, one paused,
 * one failed and one new, taken up before each test.
 */
#ifndef TESTS_WACONND_OUTLET_WORLD_H
#define TESTS_WACONND_OUTLET_WORLD_H

#include "tests/unit/waconnd/fake_link.h"

#include <jansson.h>

#include "waconnd/outlet_internal.h"

struct env {
	struct world *w;
	struct hub *hub;
	struct hub_sub *sub;
	struct outlets *os;
	struct client_version *version;
	bool loaded, drained;
	unsigned statuses, qrs, messages;
	bool secret_seen;
	char last_message[512];
};

static struct env env;

static void
on_event(void *arg, const struct hub_event *e)
{
	(void)arg;
	env.statuses += strcmp(e->kind, "status") == 0;
	env.qrs += strcmp(e->kind, "qr") == 0;
	if (strcmp(e->kind, "message") == 0) {
		env.messages++;
		(void)snprintf(env.last_message, sizeof(env.last_message), "%s", e->data);
	}
	if (strstr(e->data, "SECRET-") != NULL)
		env.secret_seen = true;
}

static void
on_loaded(void *arg, int err)
{
	(void)arg;
	assert_int_equal(err, 0);
	env.loaded = true;
}

static void
start(void)
{
	const struct outlets_env oe = {.base = env.w->base,
	    .store = &env.w->store,
	    .hub = env.hub,
	    .version = env.version,
	    .instance = "host-a",
	    .default_pace = {.per_minute = 20,
		.jitter = 0.5,
		.daily_cap = 1000,
		.window = "08:00-20:00",
		.timezone = "Asia/Jakarta"}};

	env.loaded = false;
	env.os = outlets_new(&oe, on_loaded, NULL);
	world_until(env.w, &env.loaded);
}

static int
fresh(void **state)
{
	memset(&env, 0, sizeof(env));
	env.w = *state;
	fake_reset(env.w->base);
	(void)world_sql(env.w, "TRUNCATE outlets, blasts CASCADE");
	(void)world_sql(env.w, "INSERT INTO outlets (id, name, whatsapp_number, pace) VALUES "
			       "('o_conn', 'A', '62811', '{\"perMinute\": 5, \"window\": "
			       "\"nonsense\"}'), ('o_pause', 'B', '62812', '{}'), "
			       "('o_fail', 'C', '62813', '{}'), ('o_new', 'D', '62814', '{}')");
	(void)world_sql(env.w,
	    "INSERT INTO outlet_sessions (outlet_id, status, own_jid, session_name, linked_at, "
	    "last_error) VALUES "
	    "('o_conn', 'CONNECTED', '62811:7@s.whatsapp.net', 'Budi', now(), NULL), "
	    "('o_pause', 'PAUSED', '62812:7@s.whatsapp.net', NULL, now(), NULL), "
	    "('o_fail', 'FAILED', NULL, NULL, now(), '{\"code\": \"replaced\"}'), "
	    "('o_new', 'CONNECTING', NULL, NULL, NULL, NULL)");
	(void)world_sql(env.w, "INSERT INTO keys (outlet_id, kind, name, value) SELECT id, 1, '', "
			       "'\\x00' FROM outlets WHERE id <> 'o_new'");
	env.hub = hub_new(1);
	env.sub = hub_subscribe(env.hub, NULL, ~0u, NULL, on_event, NULL);
	start();
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	outlets_free(&env.os);
	client_version_free(&env.version);
	hub_free(&env.hub);
	assert_int_equal(world_commit(env.w),
	    0); /* nothing is under way when the next test empties the tables */
	assert_int_equal(fake.begun, fake.freed);
	fake_reset(NULL);
	return 0;
}

static struct outlet *
get(const char *id)
{
	struct outlet *o = outlets_find(env.os, id);

	assert_non_null(o);
	return o;
}

/* A text of the status by path such as "session.status"; "" for null. */
static inline const char *
says(const char *id, const char *object, const char *key)
{
	static char text[256];
	json_t *root = json_loads(outlet_status_json(get(id), NULL, NULL), 0, NULL);
	const json_t *in = object != NULL ? json_object_get(root, object) : root,
		     *value = json_object_get(in, key);

	assert_non_null(root);
	assert_non_null(value);
	(void)snprintf(
	    text, sizeof(text), "%s", json_is_string(value) ? json_string_value(value) : "");
	if (json_is_integer(value))
		(void)snprintf(text, sizeof(text), "%lld", (long long)json_integer_value(value));
	if (json_is_object(value))
		(void)snprintf(
		    text, sizeof(text), "%s", json_string_value(json_object_get(value, "code")));
	json_decref(root);
	return text;
}

static bool
is_healthy(void *arg)
{
	return outlet_unhealthy(get(arg)) == 0;
}

static bool
has_link(void *arg)
{
	return fake_find(arg) != NULL;
}

static void
bring_up(const char *id)
{
	char name[32];

	(void)snprintf(name, sizeof(name), "%s", id);
	until(has_link, name, "a link");
	fake_up(fake_find(id));
	until(is_healthy, name, "healthy");
}

static void
settle(void)
{
	assert_int_equal(world_commit(env.w), 0);
}

#define OUTLET_TEST(f) cmocka_unit_test_setup_teardown(f, fresh, stop)

#endif
