/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Outlets over links that the test plays and a real PostgreSQL: taking up after a start, linking,
 * loss and return, the operator's commands, what status and history say, and the polite end.
 */
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
on_drained(void *arg)
{
	(void)arg;
	env.drained = true;
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
static const char *
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

static void
test_take_up(void **state)
{
	(void)state;
	assert_int_equal(outlets_count(env.os), 4);
	assert_string_equal(outlet_id(outlets_at(env.os, 3)), "o_new");
	assert_null(outlets_find(env.os, "o_none"));
	assert_int_equal(outlet_pace(get("o_conn"))->per_minute, 5);
	assert_string_equal(outlet_pace(get("o_conn"))->window, "08:00-20:00");
	bring_up("o_conn");
	assert_int_equal(fake_find("o_conn")->mode, LINK_LOGIN);
	assert_int_equal(fake.begun, 1);
	assert_string_equal(says("o_conn", "session", "status"), "CONNECTED");
	assert_string_equal(says("o_conn", "liveStatus", "latencyMs"), "84");
	assert_string_equal(says("o_conn", "liveStatus", "instance"), "host-a");
	assert_string_equal(says("o_pause", "liveStatus", "status"), "PAUSED");
	assert_string_equal(says("o_fail", "liveStatus", "status"), "FAILED");
	assert_string_equal(says("o_fail", "session", "lastError"), "replaced");
	settle();
	assert_string_equal(says("o_new", "session", "status"), "DISCONNECTED");
	assert_string_equal(
	    world_sql(env.w, "SELECT status FROM outlet_sessions WHERE outlet_id = 'o_new'"),
	    "DISCONNECTED");
	assert_string_equal(
	    world_sql(env.w, "SELECT string_agg(from_status || '>' || to_status, ' ' ORDER BY id) "
			     "FROM outlet_events WHERE outlet_id = 'o_conn'"),
	    "CONNECTED>CONNECTING CONNECTING>CONNECTED");
}

static const char element[] =
    "{\"outletId\":\"o_new\",\"outlet\":{\"name\":\"D\",\"whatsappNumber\":\"62814\",\"isActive\":"
    "true},"
    "\"session\":{\"status\":\"DISCONNECTED\",\"sessionName\":null,\"connectedAt\":null,"
    "\"lastSeen\":null,\"qrCode\":null,"
    "\"autoReconnect\":true,\"retryCount\":0,\"lastError\":null,\"nextRetryAt\":null},"
    "\"liveStatus\":{\"status\":\"DISCONNECTED\",\"qrCode\":null,\"name\":null,\"instance\":\"host-"
    "a\",\"latencyMs\":null,"
    "\"lastHeard\":null},\"restriction\":null,\"healthy\":false,"
    "\"unhealthyReasons\":[\"db_status\",\"live_status\",\"socket_closed\",\"no_user_id\"]}";

static void
test_element(void **state)
{
	size_t len;
	uint64_t v1, v2;

	(void)state;
	settle();
	assert_string_equal(outlet_status_json(get("o_new"), &len, &v1), element);
	assert_int_equal(len, strlen(element));
	(void)outlet_status_json(get("o_new"), &len, &v2);
	assert_int_equal(v1, v2);
}

static void
test_link_by_qr(void **state)
{
	const struct jid own = jid_make(JID_SERVER_PN, "62814", 7),
			 lid = jid_make(JID_SERVER_LID, "999", 7);
	struct outlet *o = get("o_new");
	const char *text;
	unsigned sequence;
	int64_t expires;
	struct link *l;

	(void)state;
	assert_null(outlet_connect(o));
	assert_null(outlet_connect(o)); /* twice is once */
	l = fake_find("o_new");
	assert_int_equal(l->mode, LINK_PAIR_QR);
	assert_string_equal(l->expect, "62814");
	assert_int_equal(outlet_qr(o, &text, &sequence, &expires), -1);
	l->ops->qr(l->arg, "SECRET-QR-1", 1, clock_wall_ms() + 60000);
	l->ops->qr(l->arg, "SECRET-QR-2", 2, clock_wall_ms() + 20000);
	assert_int_equal(outlet_qr(o, &text, &sequence, &expires), 0);
	assert_string_equal(text, "SECRET-QR-2");
	assert_int_equal(sequence, 2);
	assert_int_equal(env.qrs, 2);
	assert_string_equal(says("o_new", "liveStatus", "qrCode"), "Present");
	l->ops->paired(l->arg, &own, &lid, "Toko");
	assert_int_equal(outlet_qr(o, &text, &sequence, &expires), -1);
	fake_end(l, LINK_END_RESTART, 0);
	assert_int_equal(fake_find("o_new")->mode, LINK_LOGIN);
	bring_up("o_new");
	assert_string_equal(says("o_new", "session", "sessionName"), "Toko");
	assert_string_equal(outlet_connect(o), "already_connected");
	assert_false(env.secret_seen);
	assert_string_equal(
	    world_sql(env.w,
		"SELECT own_jid || ' ' || own_lid FROM outlet_sessions WHERE outlet_id = 'o_new'"),
	    "62814:7@s.whatsapp.net 12345:7@lid");
}

static void
test_nobody_scans(void **state)
{
	struct outlet *o = get("o_new");

	(void)state;
	assert_null(outlet_connect(o));
	for (unsigned round = 0; round < 3; round++) {
		struct link *l = fake_find("o_new");

		assert_non_null(l);
		l->ops->qr(l->arg, "SECRET-QR", 1, clock_wall_ms() + 60000);
		fake_end(l, LINK_END_QR_EXPIRED, 0);
	}
	assert_null(fake_find("o_new"));
	settle();
	assert_string_equal(says("o_new", "session", "status"), "DISCONNECTED");
	assert_string_equal(says("o_new", "session", "lastError"), "qr_expired");
}

static void
test_link_by_code(void **state)
{
	const struct jid own = jid_make(JID_SERVER_PN, "62814", 7),
			 lid = jid_make(JID_SERVER_LID, "999", 7);
	struct outlet *o = get("o_new");
	const char *text;
	unsigned sequence;
	int64_t expires;
	struct link *l;

	(void)state;
	assert_null(outlet_connect_code(o));
	assert_null(outlet_connect_code(o)); /* twice is once */
	l = fake_find("o_new");
	assert_int_equal(l->mode, LINK_PAIR_CODE);
	assert_string_equal(l->expect, "62814");
	assert_int_equal(outlet_pairing_code(o, &text, &expires), -1);
	l->ops->code(l->arg, "SECRET-1", clock_wall_ms() - 1);
	assert_int_equal(outlet_pairing_code(o, &text, &expires), -1); /* too old */
	l->ops->code(l->arg, "SECRET-2", clock_wall_ms() + 180000);
	assert_int_equal(outlet_pairing_code(o, &text, &expires), 0);
	assert_string_equal(text, "SECRET-2");
	assert_true(expires > clock_wall_ms());
	assert_int_equal(outlet_qr(o, &text, &sequence, &expires), -1);
	assert_int_equal(env.qrs, 2);
	assert_string_equal(says("o_new", "liveStatus", "status"), "CONNECTING");
	assert_string_equal(says("o_new", "liveStatus", "qrCode"), "");
	l->ops->paired(l->arg, &own, &lid, "Toko");
	assert_int_equal(outlet_pairing_code(o, &text, &expires), -1);
	fake_end(l, LINK_END_RESTART, 0);
	assert_int_equal(fake_find("o_new")->mode, LINK_LOGIN);
	bring_up("o_new");
	assert_string_equal(outlet_connect_code(o), "already_connected");
	assert_false(env.secret_seen);
}

static void
test_nobody_types(void **state)
{
	struct outlet *o = get("o_new");

	(void)state;
	assert_null(outlet_connect_code(o));
	for (unsigned round = 0; round < 3; round++) {
		struct link *l = fake_find("o_new");

		assert_non_null(l);
		assert_int_equal(l->mode, LINK_PAIR_CODE);
		l->ops->code(l->arg, "SECRET-1", clock_wall_ms() + 180000);
		fake_end(l, LINK_END_CODE_EXPIRED, 0);
	}
	assert_null(fake_find("o_new"));
	settle();
	assert_string_equal(says("o_new", "session", "status"), "DISCONNECTED");
	assert_string_equal(says("o_new", "session", "lastError"), "code_expired");
}

/* No code is asked for again by itself; by QR it may still be linked. */
static void
test_code_refused(void **state)
{
	struct outlet *o = get("o_new");

	(void)state;
	assert_null(outlet_connect_code(o));
	fake_end(fake_find("o_new"), LINK_END_CODE_THROTTLED, 0);
	assert_null(fake_find("o_new"));
	settle();
	assert_string_equal(says("o_new", "session", "status"), "FAILED");
	assert_string_equal(says("o_new", "session", "lastError"), "code_throttled");
	assert_null(outlet_connect(o));
	assert_int_equal(fake_find("o_new")->mode, LINK_PAIR_QR);
	settle();
	assert_string_equal(says("o_new", "session", "lastError"), "");
}

static bool
pairs_anew(void *arg)
{
	const struct link *l = fake_find("o_new");

	return l != NULL && l->mode == *(const enum link_mode *)arg;
}

/* From one way to the other and back, whether something is shown already or not. */
static void
test_other_way(void **state)
{
	enum link_mode by_code = LINK_PAIR_CODE, by_qr = LINK_PAIR_QR;
	struct outlet *o = get("o_new");
	const char *text;
	unsigned sequence;
	int64_t expires;
	struct link *l;

	(void)state;
	assert_null(outlet_connect(o));
	l = fake_find("o_new");
	l->ops->qr(l->arg, "SECRET-QR", 1, clock_wall_ms() + 60000);
	assert_null(outlet_connect_code(o));
	assert_string_equal(says("o_new", "liveStatus", "status"), "CONNECTING");
	assert_int_equal(outlet_qr(o, &text, &sequence, &expires), -1);
	until(pairs_anew, &by_code, "a link that pairs by code");
	assert_null(outlet_connect(o));	     /* no code yet */
	assert_null(outlet_connect_code(o)); /* … and another mind before the link has ended */
	until(pairs_anew, &by_code, "a link that pairs by code");
	l = fake_find("o_new");
	l->ops->code(l->arg, "SECRET-1", clock_wall_ms() + 180000);
	assert_null(outlet_connect(o));
	assert_int_equal(outlet_pairing_code(o, &text, &expires), -1);
	until(pairs_anew, &by_qr, "a link that pairs by QR");
	assert_null(outlet_disconnect(o));
	assert_false(env.secret_seen);
}

static bool
expects_new_number(void *arg)
{
	const struct link *l = fake_find(arg);

	return l != NULL && strcmp(l->expect, "62899") == 0;
}

/* The phone that is to link is another one now, whichever way it is linked. */
static void
test_number_changed(void **state)
{
	struct outlet *o = get("o_new");
	char id[] = "o_new";
	const char *text;
	unsigned sequence;
	int64_t expires;
	struct link *l;

	(void)state;
	assert_null(outlet_connect_code(o));
	l = fake_find(id);
	assert_string_equal(l->expect, "62814");
	l->ops->code(l->arg, "SECRET-1", clock_wall_ms() + 180000);
	outlets_changed(o, "New name", "62814", true, true, "{}");
	assert_ptr_equal(fake_find(id), l); /* nothing to begin anew for */
	outlets_changed(o, "D", "62899", true, true, "{}");
	assert_int_equal(outlet_pairing_code(o, &text, &expires), -1);
	assert_string_equal(says(id, "liveStatus", "status"), "CONNECTING");
	until(expects_new_number, id, "a link for the new number");
	assert_int_equal(fake_find(id)->mode, LINK_PAIR_CODE);
	assert_int_equal(outlet_qr(o, &text, &sequence, &expires), -1);
	assert_null(outlet_disconnect(o));
}

static void
test_loss_and_return(void **state)
{
	(void)state;
	bring_up("o_conn");
	fake_end(fake_find("o_conn"), LINK_END_SILENT, 0);
	assert_string_equal(says("o_conn", "liveStatus", "status"), "TIMEOUT");
	settle();
	assert_string_equal(says("o_conn", "session", "status"), "TIMEOUT");
	assert_string_equal(says("o_conn", "session", "lastError"), "silent");
	assert_string_equal(says("o_conn", "session", "retryCount"), "1");
	assert_string_not_equal(says("o_conn", "session", "nextRetryAt"), "");
	assert_null(outlet_link(get("o_conn")));
	bring_up("o_conn"); /* by itself, within two seconds */
	assert_string_equal(says("o_conn", "session", "lastError"), "");
	assert_string_equal(says("o_conn", "session", "retryCount"), "0");
}

static void
test_auto_reconnect_off(void **state)
{
	(void)state;
	bring_up("o_conn");
	outlets_changed(get("o_conn"), "A", "62811", true, false, "{}");
	assert_int_equal(outlet_unhealthy(get("o_conn")), OUTLET_BAD_AUTO_RECONNECT);
	assert_null(outlet_link(get("o_conn")));
	fake_end(fake_find("o_conn"), LINK_END_SILENT, 0);
	assert_string_equal(says("o_conn", "liveStatus", "status"), "DISCONNECTED");
	assert_null(fake_find("o_conn"));
}

static void
test_terminal_ends(void **state)
{
	(void)state;
	bring_up("o_conn");
	fake_end(fake_find("o_conn"), LINK_END_REPLACED, 0);
	settle();
	assert_string_equal(says("o_conn", "session", "status"), "FAILED");
	assert_string_equal(says("o_conn", "session", "lastError"), "replaced");
	assert_true(outlet_linked(get("o_conn")));
	assert_null(fake_find("o_conn"));
	assert_null(outlet_connect(get("o_conn")));
	bring_up("o_conn");
	fake_end(fake_find("o_conn"), LINK_END_LOGGED_OUT, 0);
	settle();
	assert_false(outlet_linked(get("o_conn")));
	assert_string_equal(
	    world_sql(env.w, "SELECT count(*) FROM keys WHERE outlet_id = 'o_conn'"), "0");
	assert_string_equal(says("o_conn", "session", "lastError"), "logged_out");
}

static void
restore(const char *id)
{
	char text[200], jid[64] = "", name[64] = "";
	long long linked = 0;

	(void)snprintf(text, sizeof(text),
	    "SELECT jid || ' ' || name || ' ' || to_ms(linked) FROM keys_restore('%s', '%s', %lld)",
	    id, env.w->store.instance, (long long)env.w->store.epoch);
	assert_int_equal(sscanf(world_sql(env.w, text), "%63s %63s %lld", jid, name, &linked), 3);
	outlet_restored(get(id), jid, "", name, linked);
}

static const char *
kept(const char *id)
{
	char text[160];

	(void)snprintf(text, sizeof(text), "SELECT count(*) FROM keys_restore('%s', '%s', %lld)",
	    id, env.w->store.instance, (long long)env.w->store.epoch);
	return world_sql(env.w, text);
}

/* What a logout on the phone took comes back, with what was written last; once. */
static void
test_keys_restored(void **state)
{
	struct batch *batch = env.w->store.batch;

	(void)state;
	assert_string_equal(outlet_may_restore(get("o_conn")), "already_linked");
	bring_up("o_conn");
	batch_key_put(batch, "o_conn", KEY_SESSION, "last", "x", 1);
	fake_end(fake_find("o_conn"), LINK_END_LOGGED_OUT, 0);
	/* Not taken along: it is of the link that follows. */
	batch_key_put(batch, "o_conn", KEY_SESSION, "next", "y", 1);
	settle();
	assert_false(outlet_linked(get("o_conn")));
	assert_string_equal(world_sql(env.w, "SELECT string_agg(name, ' ') FROM keys "
					     "WHERE outlet_id = 'o_conn'"),
	    "next");
	assert_null(outlet_may_restore(get("o_conn")));
	restore("o_conn");
	settle();
	assert_string_equal(world_sql(env.w, "SELECT string_agg(name, ' ' ORDER BY name) FROM keys "
					     "WHERE outlet_id = 'o_conn'"),
	    " last");
	assert_string_equal(world_sql(env.w, "SELECT count(*) FROM kept_links"), "0");
	assert_string_equal(world_sql(env.w, "SELECT count(*) FROM kept_keys"), "0");
	assert_string_equal(says("o_conn", "session", "status"), "DISCONNECTED");
	assert_string_equal(says("o_conn", "session", "lastError"), "");
	assert_true(outlet_linked(get("o_conn")));
	assert_null(outlet_connect(get("o_conn")));
	bring_up("o_conn");
	assert_int_equal(fake_find("o_conn")->mode, LINK_LOGIN);
}

/* For seven days, and not over a linking that is there. */
static void
test_keys_kept_for_a_while(void **state)
{
	(void)state;
	bring_up("o_conn");
	fake_end(fake_find("o_conn"), LINK_END_LOGGED_OUT, 0);
	settle();
	(void)world_sql(env.w, "UPDATE kept_links SET kept_at = now() - interval '7 days'");
	assert_string_equal(kept("o_conn"), "0");
	(void)world_sql(env.w, "UPDATE kept_links SET kept_at = now() - interval '6 days'");
	(void)world_sql(env.w, "UPDATE outlet_sessions SET linked_at = now() "
			       "WHERE outlet_id = 'o_conn'");
	assert_string_equal(kept("o_conn"), "0");
	(void)world_sql(env.w, "UPDATE outlet_sessions SET linked_at = NULL "
			       "WHERE outlet_id = 'o_conn'");
	/* A repeat of what took them takes nothing. */
	(void)world_sql(env.w, "SELECT keys_keep('{o_conn}', '{x}', '{y}', '{z}', '{1000}')");
	assert_string_equal(kept("o_conn"), "1");
}

/* Perhaps removed: one login tells; but not one that succeeds. */
static void
test_unauthorized(void **state)
{
	(void)state;
	bring_up("o_conn");
	for (int i = 0; i < 2; i++) {
		fake_end(fake_find("o_conn"), LINK_END_UNAUTHORIZED, 0);
		assert_string_equal(says("o_conn", "liveStatus", "status"), "CONNECTING");
		assert_true(outlet_linked(get("o_conn")));
		bring_up("o_conn");
	}
	get("o_conn")->restarts = 0;
	fake_end(fake_find("o_conn"), LINK_END_UNAUTHORIZED, 0);
	fake_end(fake_find("o_conn"), LINK_END_UNAUTHORIZED, 0);
	settle();
	assert_string_equal(says("o_conn", "session", "status"), "FAILED");
	assert_string_equal(says("o_conn", "session", "lastError"), "logged_out");
	assert_false(outlet_linked(get("o_conn")));
}

/* The first time the keys stay, whatever happens until the second. */
static void
test_locked_twice(void **state)
{
	(void)state;
	bring_up("o_conn");
	fake_end(fake_find("o_conn"), LINK_END_LOCKED, 0);
	settle();
	assert_string_equal(says("o_conn", "session", "status"), "FAILED");
	assert_string_equal(says("o_conn", "session", "lastError"), "account_locked");
	assert_true(outlet_linked(get("o_conn")));
	outlets_free(&env.os);
	start();
	assert_null(outlet_connect(get("o_conn")));
	fake_end(fake_find("o_conn"), LINK_END_SILENT, 0);
	assert_null(outlet_connect(get("o_conn")));
	fake_end(fake_find("o_conn"), LINK_END_LOCKED, 0);
	settle();
	assert_string_equal(says("o_conn", "session", "status"), "FAILED");
	assert_string_equal(says("o_conn", "session", "lastError"), "account_lost");
	assert_false(outlet_linked(get("o_conn")));
}

/* A login between: it begins anew. */
static void
test_locked_and_unlocked(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		bring_up("o_conn");
		fake_end(fake_find("o_conn"), LINK_END_LOCKED, 0);
		settle();
		assert_string_equal(says("o_conn", "session", "lastError"), "account_locked");
		assert_true(outlet_linked(get("o_conn")));
		assert_null(outlet_connect(get("o_conn")));
	}
}

/* A long wait each time, which a restart does not shorten; then a person must see to it. */
static void
test_postponed(void **state)
{
	(void)state;
	bring_up("o_conn");
	for (int i = 0; i < 3; i++) {
		fake_end(fake_find("o_conn"), LINK_END_POSTPONED, 0);
		settle();
		assert_string_equal(says("o_conn", "liveStatus", "status"), "TIMEOUT");
		assert_string_equal(says("o_conn", "session", "lastError"), "login_postponed");
		assert_true(get("o_conn")->row.next_retry_at_ms > clock_wall_ms() + 29 * 60 * 1000);
		assert_null(outlet_connect(get("o_conn")));
	}
	fake_end(fake_find("o_conn"), LINK_END_POSTPONED, 0);
	settle();
	assert_string_equal(says("o_conn", "liveStatus", "status"), "FAILED");
	assert_string_equal(says("o_conn", "session", "lastError"), "rejected");
	assert_true(outlet_linked(get("o_conn")));
	assert_null(outlet_connect(get("o_conn")));
	fake_end(fake_find("o_conn"), LINK_END_RATE_LIMITED, 0);
	settle();
	outlets_free(&env.os);
	start();
	assert_int_equal(get("o_conn")->state, OUT_BACKOFF);
	assert_string_equal(says("o_conn", "session", "status"), "TIMEOUT");
	assert_null(fake_find("o_conn"));
}

static void
test_ban(void **state)
{
	(void)state;
	bring_up("o_conn");
	fake_end(fake_find("o_conn"), LINK_END_TEMP_BANNED, clock_wall_ms() + 3600000);
	settle();
	assert_string_equal(says("o_conn", "session", "status"), "FAILED");
	assert_string_not_equal(says("o_conn", "session", "nextRetryAt"), "");
	assert_true(outlet_linked(get("o_conn")));
	/* It survives a restart with its end. */
	outlets_free(&env.os);
	start();
	assert_int_equal(get("o_conn")->state, OUT_BANNED);
	assert_string_equal(says("o_conn", "session", "lastError"), "temporarily_banned");
	assert_null(fake_find("o_conn"));
}

/* -- the client version is refused -- */

static void
no_version(void *arg, uint32_t n)
{
	(void)arg;
	(void)n;
}

/* Nobody answers where it is looked up: the same version is tried once more. */
static void
with_version(void)
{
	const struct client_version_env ve = {.base = env.w->base,
	    .db = env.w->store.db,
	    .url = "http://127.0.0.1:1/",
	    .least = 1,
	    .changed = no_version};

	outlets_free(&env.os);
	env.version = client_version_new(&ve);
	assert_non_null(env.version);
	start();
}

static void
assert_outdated(const char *id, const char *status)
{
	settle();
	assert_string_equal(says(id, "session", "status"), status);
	assert_string_equal(says(id, "session", "lastError"), "client_outdated");
}

static void
test_outdated_for_good(void **state)
{
	(void)state;
	bring_up("o_conn");
	fake_end(fake_find("o_conn"), LINK_END_OUTDATED, 0);
	assert_outdated("o_conn", "FAILED");
	assert_true(outlet_linked(get("o_conn")));
	assert_null(fake_find("o_conn"));
}

static bool
is_refused_again(void *arg)
{
	struct link *l = fake_find(arg);

	if (l == NULL)
		return false;
	fake_end(l, LINK_END_OUTDATED, 0);
	return true;
}

static void
test_outdated(void **state)
{
	char id[] = "o_conn";

	(void)state;
	with_version();
	until(has_link, id, "a link");
	for (int by_hand = 0; by_hand < 2; by_hand++) {
		fake_end(fake_find(id), LINK_END_OUTDATED, 0);
		assert_null(fake_find(id));
		assert_outdated(id, "TIMEOUT");
		/* Once, by itself, as soon as the look-up is over. */
		until(is_refused_again, id, "another attempt");
		assert_null(fake_find(id));
		assert_outdated(id, "FAILED");
		assert_string_equal(says(id, "session", "nextRetryAt"), "");
		assert_true(outlet_linked(get(id)));
		assert_null(outlet_connect(get(id)));
		assert_non_null(fake_find(id));
	}
}

/* What was accepted once may be refused, looked up and tried anew months later. */
static void
test_outdated_later(void **state)
{
	(void)state;
	with_version();
	for (int i = 0; i < 2; i++) {
		bring_up("o_conn");
		assert_string_equal(says("o_conn", "session", "lastError"), "");
		fake_end(fake_find("o_conn"), LINK_END_OUTDATED, 0);
		assert_outdated("o_conn", "TIMEOUT");
	}
	assert_null(outlet_pause(get("o_conn")));
	assert_false(get("o_conn")->looking_up);
}

static void
test_outdated_while_linking(void **state)
{
	char id[] = "o_new";

	(void)state;
	with_version();
	assert_null(outlet_connect(get(id)));
	fake_end(fake_find(id), LINK_END_OUTDATED, 0);
	assert_outdated(id, "TIMEOUT");
	until(is_refused_again, id, "another attempt");
	assert_outdated(id, "FAILED");
}

static void
test_commands(void **state)
{
	struct outlet *o = get("o_conn");
	char name[] = "o_conn";

	(void)state;
	bring_up(name);
	assert_string_equal(outlet_resume(o), "not_paused");
	assert_null(outlet_pause(o));
	assert_string_equal(says(name, "liveStatus", "status"), "PAUSED");
	assert_string_equal(outlet_connect(o), "outlet_paused");
	assert_string_equal(outlet_pause(o), "outlet_paused");
	assert_null(outlet_resume(o)); /* before the old link has ended */
	bring_up(name);
	assert_null(outlet_disconnect(o));
	assert_string_equal(says(name, "liveStatus", "status"), "DISCONNECTED");
	assert_null(outlet_connect(o));
	bring_up(name);
	assert_null(outlet_logout(o));
	assert_string_equal(outlet_connect(o), "outlet_busy");
	until_sql(env.w, "SELECT count(*) FROM keys WHERE outlet_id = 'o_conn'", "0");
	assert_string_equal(outlet_logout(o), "outlet_not_linked");
	assert_string_equal(says(name, "liveStatus", "status"), "DISCONNECTED");
	assert_string_equal(says(name, "session", "lastError"), "");
	outlets_changed(o, "A", "62811", false, true, "{}");
	assert_string_equal(outlet_connect(o), "outlet_inactive");
	/* Paused ones stay so until resumed. */
	assert_null(outlet_resume(get("o_pause")));
	bring_up("o_pause");
}

static bool
is_corrected(void *arg)
{
	(void)arg;
	return strcmp(says("o_conn", "session", "status"), "CONNECTED") == 0;
}

static bool
shows_failed(void *arg)
{
	(void)arg;
	return strcmp(says("o_conn", "session", "status"), "FAILED") == 0;
}

static void
test_database_differs(void **state)
{
	(void)state;
	bring_up("o_conn");
	settle();
	(void)world_sql(
	    env.w, "UPDATE outlet_sessions SET status = 'FAILED' WHERE outlet_id = 'o_conn'");
	get("o_conn")->written_ms = 0; /* as if written long ago */
	outlets_check_sessions(env.os);
	until(shows_failed, NULL, "shown as found");
	assert_string_equal(says("o_conn", "liveStatus", "status"), "CONNECTED");
	until(is_corrected, NULL, "corrected");
	assert_string_equal(
	    world_sql(env.w, "SELECT status FROM outlet_sessions WHERE outlet_id = 'o_conn'"),
	    "CONNECTED");
}

static void
test_messages(void **state)
{
	const struct link_message m = {
	    .chat = {.server = JID_SERVER_LID, .device = 3, .user = "777"},
	    .phone = "62899",
	    .id = "ABC",
	    .timestamp = 1795485600,
	    .kind = "text",
	    .text = "halo",
	    .push_name = "Ani"};
	struct link *l;

	(void)state;
	bring_up("o_conn");
	l = fake_find("o_conn");
	l->ops->message(l->arg, &m);
	l->ops->message(l->arg, &m);
	settle();
	assert_string_equal(
	    world_sql(
		env.w, "SELECT string_agg(peer || ' ' || phone || ' ' || text, ',') FROM messages"),
	    "777@lid 62899 halo");
	assert_string_equal(env.last_message,
	    "{\"outletId\":\"o_conn\",\"direction\":\"in\",\"peer\":\"62899\",\"name\":\"Ani\","
	    "\"kind\":\"text\","
	    "\"text\":\"halo\",\"at\":\"2026-11-24T02:00:00Z\"}");
	(void)world_sql(env.w,
	    "INSERT INTO messages (outlet_id, outgoing, phone, text, status, wa_id) VALUES "
	    "('o_conn', true, '62899', 'dulu', 'SENT', 'W1')");
	l->ops->receipt(l->arg, "W1", LINK_RECEIPT_DELIVERED, 1795485601);
	l->ops->receipt(l->arg, "W1", LINK_RECEIPT_READ, 1795485602);
	settle();
	assert_string_equal(
	    world_sql(env.w, "SELECT status FROM messages WHERE wa_id = 'W1'"), "READ");
}

static bool
was_answered(void *arg)
{
	return strcmp(fake.retry_text, arg) == 0;
}

static void
test_retry_text(void **state)
{
	struct link *l;

	(void)state;
	bring_up("o_conn");
	(void)world_sql(env.w,
	    "INSERT INTO messages (outlet_id, outgoing, phone, text, status, wa_id) VALUES "
	    "('o_conn', true, '62899', 'dulu', 'SENT', 'W1')");
	l = fake_find("o_conn");
	l->ops->retry(l->arg, 5, "W1");
	until(was_answered, (char[]){"5:62899:dulu"}, "the text");
	l->ops->retry(l->arg, 6, "W2");
	until(was_answered, (char[]){"6:-:-"}, "no text");
	/* Asked for, but the link is gone when it comes. */
	l->ops->retry(l->arg, 7, "W1");
	fake_end(l, LINK_END_SILENT, 0);
	settle();
	assert_string_equal(fake.retry_text, "6:-:-");
}

static void
test_add_and_remove(void **state)
{
	(void)state;
	bring_up("o_conn");
	(void)world_sql(env.w,
	    "INSERT INTO outlets (id, name, whatsapp_number) VALUES ('o_add', 'AA', '62877')");
	assert_non_null(
	    outlets_added(env.os, "o_add", "AA", "62877", true, true, "{\"perMinute\": 7}"));
	assert_string_equal(outlet_id(outlets_at(env.os, 1)), "o_add");
	assert_int_equal(outlet_pace(get("o_add"))->per_minute, 7);
	assert_null(outlet_connect(get("o_add")));
	settle();
	(void)world_sql(env.w, "DELETE FROM outlets WHERE id IN ('o_add', 'o_conn')");
	outlets_removed(env.os, "o_add");
	outlets_removed(env.os, "o_conn");
	outlets_removed(env.os, "o_conn");
	assert_int_equal(outlets_count(env.os), 3);
	assert_null(fake_find("o_conn"));
}

static void
test_drain(void **state)
{
	(void)state;
	bring_up("o_conn");
	assert_null(outlet_connect(get("o_new")));
	outlets_drain(env.os, on_drained, NULL);
	world_until(env.w, &env.drained);
	assert_string_equal(outlet_connect(get("o_new")), "stopping");
	assert_null(fake_find("o_conn"));
	assert_null(fake_find("o_new"));
	assert_string_equal(
	    world_sql(
		env.w, "SELECT string_agg(status, ' ' ORDER BY outlet_id) FROM outlet_sessions"),
	    "CONNECTING FAILED DISCONNECTED PAUSED");
	outlets_free(&env.os);
	start();
	bring_up("o_conn");
}

/* -- the account ------------------------------------------------------------------------ */

static struct outlet *restricted;

static void
on_restriction(void *arg, struct outlet *o)
{
	(void)arg;
	restricted = o;
}

static void
assert_shown(const char *restriction)
{
	const char *json = outlet_status_json(get("o_conn"), NULL, NULL);
	char expected[256];

	(void)snprintf(expected, sizeof(expected), "\"restriction\":%s,", restriction);
	if (strstr(json, expected) == NULL)
		fail_msg("%s in %s", expected, json);
}

static void
test_restriction(void **state)
{
	const int64_t end = 1893456000000; /* 2030 */
	unsigned events;

	(void)state;
	restricted = NULL;
	outlets_on_restriction(env.os, on_restriction, NULL);
	bring_up("o_conn");
	settle();
	events = env.statuses;
	/* What changes nothing makes no event. */
	fake_timelock(fake_find("o_conn"), false, 0);
	assert_shown("null");
	assert_int_equal(env.statuses, events);
	assert_null(restricted);
	assert_true(outlet_may_start_chats(get("o_conn")));
	fake_timelock(fake_find("o_conn"), true, end);
	assert_shown(
	    "{\"kind\":\"reachout_timelock\",\"until\":\"2030-01-01T00:00:00Z\",\"used\":null,"
	    "\"quota\":null}");
	assert_int_equal(env.statuses, events + 1);
	assert_ptr_equal(restricted, get("o_conn"));
	assert_false(outlet_may_start_chats(get("o_conn")));
	assert_int_equal(outlet_unhealthy(get("o_conn")), 0);
	/* Still so after a restart, and gone with the number. */
	settle();
	assert_string_equal(
	    world_sql(env.w, "SELECT restriction || ' ' || (account->'timelock'->>'active') FROM "
			     "outlet_accounts WHERE outlet_id = 'o_conn'"),
	    "reachout_timelock true");
	outlets_free(&env.os);
	start();
	assert_shown(
	    "{\"kind\":\"reachout_timelock\",\"until\":\"2030-01-01T00:00:00Z\",\"used\":null,"
	    "\"quota\":null}");
	outlets_changed(get("o_conn"), "A", "628999", true, true, NULL);
	assert_shown("null");
	settle();
	assert_string_equal(
	    world_sql(env.w, "SELECT account::text || coalesce(restriction, '-') FROM "
			     "outlet_accounts WHERE outlet_id = 'o_conn'"),
	    "{}-");
}

static void
test_quota(void **state)
{
	(void)state;
	bring_up("o_conn");
	settle();
	outlet_chat_started(get("o_conn")); /* nothing is known: nothing is counted */
	outlet_chat_settled(get("o_conn"), true);
	fake_cap(fake_find("o_conn"), 3, 1, 0);
	outlet_chat_started(get("o_conn"));
	assert_shown("null");
	assert_int_equal(fake.account_asks, 0);
	outlet_chat_started(get("o_conn"));
	assert_false(outlet_may_start_chats(get("o_conn")));
	assert_int_equal(fake.account_asks, 1);
	assert_shown("null"); /* in a turn of its own */
	settle();
	assert_shown("{\"kind\":\"new_chat_cap\",\"until\":null,\"used\":3,\"quota\":3}");
}

/* -- numbers ---------------------------------------------------------------------------- */

static struct link_checked heard;
static unsigned n_heard;

static void
on_checked(void *arg, const struct link_checked *checked)
{
	assert_ptr_equal(arg, &heard);
	heard = *checked;
	n_heard++;
}

static const char *
check(struct outlet_check **ret_check, unsigned *ret_retry_s)
{
	static const char *const phones[] = {"62811111111", "62822222222"};

	*ret_check = NULL;
	return outlet_check_numbers(
	    get("o_conn"), phones, 2, on_checked, &heard, ret_check, ret_retry_s);
}

static void
test_numbers(void **state)
{
	struct outlet_check *c;
	unsigned s;

	(void)state;
	n_heard = 0;
	assert_string_equal(check(&c, &s), "outlet_not_healthy");
	bring_up("o_conn");
	settle();
	assert_null(check(&c, &s));
	fake_check_answer(LINK_CHECK_DONE, 0, 0);
	assert_int_equal(n_heard, 1);
	assert_int_equal(heard.n, 2);
	/* Nobody wants it any more. */
	assert_null(check(&c, &s));
	outlet_check_forget(&c);
	assert_null(c);
	fake_check_answer(LINK_CHECK_DONE, 0, 0);
	assert_int_equal(n_heard, 1);
	fake.refuse_checks = true;
	assert_string_equal(check(&c, &s), "too_many_requests");
	assert_true(s > 0);
	fake.refuse_checks = false;
	/* The link ends; the outlet goes. */
	assert_null(check(&c, &s));
	fake_end(fake_find("o_conn"), LINK_END_RESTART, 0);
	assert_int_equal(n_heard, 2);
	assert_int_equal(heard.result, LINK_CHECK_UNHEARD);
	bring_up("o_conn");
	settle();
	assert_null(check(&c, &s));
	outlets_removed(env.os, "o_conn");
	assert_int_equal(n_heard, 3);
	assert_int_equal(heard.result, LINK_CHECK_UNHEARD);
}

/* Logged in, and not ready yet: they wait for it, and not for ever. */
static void
test_numbers_before_ready(void **state)
{
	const struct jid own = jid_make(JID_SERVER_PN, "62811", 7),
			 lid = jid_make(JID_SERVER_LID, "12345", 7);
	char id[] = "o_conn";
	struct outlet_check *c;
	struct link *l;
	unsigned s;

	(void)state;
	n_heard = 0;
	until(has_link, id, "a link");
	l = fake_find(id);
	l->open = true;
	l->ops->open(l->arg, &own, &lid);
	until(is_healthy, id, "healthy");
	assert_null(check(&c, &s));
	assert_int_equal(fake.n_checks, 0);
	for (unsigned i = 0; i < LINK_CHECKS_MAX / 2 - 1; i++)
		assert_null(check(&c, &s));
	assert_string_equal(check(&c, &s), "too_many_requests");
	fake_end(l, LINK_END_RESTART, 0);
	assert_int_equal(n_heard, LINK_CHECKS_MAX / 2);
	assert_int_equal(heard.result, LINK_CHECK_UNHEARD);

	until(has_link, id, "a link");
	l = fake_find(id);
	l->open = true;
	l->ops->open(l->arg, &own, &lid);
	until(is_healthy, id, "healthy");
	assert_null(check(&c, &s));
	l->ready = true;
	l->ops->ready(l->arg);
	assert_int_equal(fake.n_checks, 1);
	fake_check_answer(LINK_CHECK_DONE, 0, 0);
	assert_int_equal(n_heard, LINK_CHECKS_MAX / 2 + 1);
	assert_int_equal(heard.result, LINK_CHECK_DONE);
}

static void
test_numbers_too_fast(void **state)
{
	static const struct {
		unsigned backoff_s, wait_s;
	} steps[] = {{0, 60}, {0, 120}, {300, 300}, {0, 480}, {0, 960}, {0, 1920}, {0, 3600},
	    {0, 3600}, {86400, 3600}};
	struct outlet_check *c;
	unsigned s;

	(void)state;
	bring_up("o_conn");
	settle();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_null(check(&c, &s));
		fake_check_answer(LINK_CHECK_REFUSED, 429, steps[i].backoff_s);
		assert_in_range(
		    outlet_check_wait_s(get("o_conn")), steps[i].wait_s - 1, steps[i].wait_s);
		assert_string_equal(check(&c, &s), "too_many_requests");
		assert_in_range(s, steps[i].wait_s - 1, steps[i].wait_s);
		get("o_conn")->checks_not_before_ms = 0;
	}
	/* Another error is none of that; a success begins anew. */
	assert_null(check(&c, &s));
	fake_check_answer(LINK_CHECK_REFUSED, 500, 0);
	assert_int_equal(outlet_check_wait_s(get("o_conn")), 0);
	assert_null(check(&c, &s));
	fake_check_answer(LINK_CHECK_DONE, 0, 0);
	assert_null(check(&c, &s));
	fake_check_answer(LINK_CHECK_REFUSED, 429, 0);
	assert_in_range(outlet_check_wait_s(get("o_conn")), 59, 60);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, stop)
	const struct CMUnitTest tests[] = {
	    TEST(test_take_up),
	    TEST(test_element),
	    TEST(test_link_by_qr),
	    TEST(test_nobody_scans),
	    TEST(test_link_by_code),
	    TEST(test_nobody_types),
	    TEST(test_code_refused),
	    TEST(test_other_way),
	    TEST(test_number_changed),
	    TEST(test_loss_and_return),
	    TEST(test_auto_reconnect_off),
	    TEST(test_terminal_ends),
	    TEST(test_keys_restored),
	    TEST(test_keys_kept_for_a_while),
	    TEST(test_unauthorized),
	    TEST(test_locked_twice),
	    TEST(test_locked_and_unlocked),
	    TEST(test_postponed),
	    TEST(test_ban),
	    TEST(test_outdated_for_good),
	    TEST(test_outdated),
	    TEST(test_outdated_later),
	    TEST(test_outdated_while_linking),
	    TEST(test_commands),
	    TEST(test_database_differs),
	    TEST(test_messages),
	    TEST(test_retry_text),
	    TEST(test_add_and_remove),
	    TEST(test_drain),
	    TEST(test_restriction),
	    TEST(test_quota),
	    TEST(test_numbers),
	    TEST(test_numbers_before_ready),
	    TEST(test_numbers_too_fast),
	};

	return cmocka_run_group_tests_name("outlet", tests, world_setup_store, world_teardown);
}
