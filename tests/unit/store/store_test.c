/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Start-up: the schema again and again, two at once, the wrong master key, a newer database, no
 * database. */
#include "tests/unit/store/store_world.h"

#include <pthread.h>

static void
test_again(void **state)
{
	struct world *w = *state;

	for (int i = 1; i <= 3; i++) {
		world_open(w);
		assert_int_equal(w->store.epoch, i);
		assert_string_equal(w->store.instance, "test");
		store_close(&w->store);
	}
	assert_string_equal(
	    world_sql(w, "SELECT count(*) || ' ' || max(version) FROM schema_version"), "1 1");
	assert_string_equal(world_sql(w, "SELECT count(*) FROM data_keys"), "1");
}

/* What was sealed before a restart can be read after it. */
struct got {
	bool done, there;
};

static void
on_got(void *arg, int err, const struct key_value *values, size_t n)
{
	struct got *g = arg;

	g->done = true;
	g->there =
	    err == 0 && n == 1 && values[0].len == 5 && memcmp(values[0].value, "hello", 5) == 0;
}

static void
test_restart(void **state)
{
	struct world *w = *state;
	const struct key_name name = {KEY_CREDENTIALS, ""};
	struct got g = {0};
	struct keydb *k;

	world_open(w);
	(void)world_sql(
	    w, "INSERT INTO outlets (id, name, whatsapp_number) VALUES ('o1', 'One', '628111')");
	k = store_keys_new(&w->store, "o1");
	k->ops->put(k, KEY_CREDENTIALS, "", "hello", 5);
	assert_int_equal(world_commit(w), 0);
	store_keys_free(&k);
	store_close(&w->store);
	world_open(w);
	k = store_keys_new(&w->store, "o1");
	k->ops->get(k, &name, 1, on_got, &g);
	world_until(w, &g.done);
	assert_true(g.there);
	store_keys_free(&k);
	store_close(&w->store);
}

struct starter {
	pthread_t thread;
	const struct world *w;
	char name[24];
	int rc;
	char err[300];
};

static void *
start_one(void *arg)
{
	struct starter *s = arg;
	struct event_base *base = event_base_new();
	struct store store;

	s->rc = store_open(base, s->w->dsn, s->name, world_master, &store, s->err, sizeof(s->err));
	if (s->rc == 0)
		store_close(&store);
	event_base_free(base);
	return NULL;
}

/* On an empty database, all at once: each gets in, with one schema and one data key. */
static void
test_at_once(void **state)
{
	enum { N = 4 };
	struct world *w = *state;
	struct starter s[N] = {0};

	(void)world_sql(w, "DROP SCHEMA public CASCADE");
	(void)world_sql(w, "CREATE SCHEMA public");
	for (int i = 0; i < N; i++) {
		s[i].w = w;
		(void)snprintf(s[i].name, sizeof(s[i].name), "host-%d", i / 2);
		assert_int_equal(pthread_create(&s[i].thread, NULL, start_one, &s[i]), 0);
	}
	for (int i = 0; i < N; i++) {
		assert_int_equal(pthread_join(s[i].thread, NULL), 0);
		if (s[i].rc < 0)
			fail_msg("%s", s[i].err);
	}
	assert_string_equal(
	    world_sql(w, "SELECT string_agg(name || epoch, ' ' ORDER BY name) FROM instances"),
	    "host-02 host-12");
	assert_string_equal(world_sql(w, "SELECT count(*) FROM data_keys"), "1");
}

static void
refused(struct world *w, const char *dsn, const uint8_t *master, const char *why)
{
	char err[300] = "";

	assert_int_equal(store_open(w->base, dsn, "test", master, &w->store, err, sizeof(err)), -1);
	if (strstr(err, why) == NULL)
		fail_msg("\"%s\" does not say \"%s\"", err, why);
	assert_null(strchr(err, '\n'));
}

static void
test_refused(void **state)
{
	struct world *w = *state;
	static const uint8_t wrong[SEAL_KEY_LEN] = "not the one that it was made wi";
	char epoch[24];

	world_open(w);
	store_close(&w->store);
	(void)snprintf(epoch, sizeof(epoch), "%s",
	    world_sql(w, "SELECT epoch FROM instances WHERE name = 'test'"));
	refused(w, w->dsn, wrong, "master key");
	(void)world_sql(w, "INSERT INTO schema_version (version) VALUES (999)");
	refused(w, w->dsn, world_master, "newer version");
	(void)world_sql(w, "DELETE FROM schema_version WHERE version = 999");
	refused(w, "host=/nonexistent", world_master, "database: ");
	/* A start that fails takes no epoch from the one that runs. */
	assert_string_equal(world_sql(w, "SELECT epoch FROM instances WHERE name = 'test'"), epoch);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_again),
	    cmocka_unit_test(test_restart),
	    cmocka_unit_test(test_at_once),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
