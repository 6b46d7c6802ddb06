/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Links that end: loss and return, what is final, keys that come back, locks, bans, refused
 * versions. */
#include "tests/unit/waconnd/outlet_world.h"

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

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    OUTLET_TEST(test_loss_and_return),
	    OUTLET_TEST(test_auto_reconnect_off),
	    OUTLET_TEST(test_terminal_ends),
	    OUTLET_TEST(test_keys_restored),
	    OUTLET_TEST(test_keys_kept_for_a_while),
	    OUTLET_TEST(test_unauthorized),
	    OUTLET_TEST(test_locked_twice),
	    OUTLET_TEST(test_locked_and_unlocked),
	    OUTLET_TEST(test_postponed),
	    OUTLET_TEST(test_ban),
	    OUTLET_TEST(test_outdated_for_good),
	    OUTLET_TEST(test_outdated),
	    OUTLET_TEST(test_outdated_later),
	    OUTLET_TEST(test_outdated_while_linking),
	};

	return cmocka_run_group_tests_name("outlet_loss", tests, world_setup_store, world_teardown);
}
