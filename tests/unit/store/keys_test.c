/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The keydb: reads what is committed and what is not yet, never an older value than was put, and no
 * row that was swapped. */
#include "tests/unit/store/store_world.h"

struct got {
	bool done;
	int err;
	size_t n;
	struct {
		bool there;
		char text[32];
	} v[8];
};

static void
on_got(void *arg, int err, const struct key_value *values, size_t n)
{
	struct got *g = arg;

	assert_false(g->done);
	g->done = true;
	g->err = err;
	g->n = n;
	for (size_t i = 0; i < n; i++) {
		g->v[i].there = values[i].value != NULL;
		if (g->v[i].there) {
			memcpy(g->v[i].text, values[i].value, values[i].len);
			g->v[i].text[values[i].len] = '\0';
		}
	}
}

/* What the session of `name` is: its text, "-" when there is none, "error". */
static const char *
session(struct world *w, struct keydb *k, const char *name)
{
	static struct got g;
	const struct key_name asked = {KEY_SESSION, name};

	g = (struct got){0};
	k->ops->get(k, &asked, 1, on_got, &g);
	assert_false(g.done);
	world_until(w, &g.done);
	if (g.err < 0)
		return "error";
	assert_int_equal(g.n, 1);
	return g.v[0].there ? g.v[0].text : "-";
}

static void
put(struct keydb *k, const char *name, const char *value)
{
	k->ops->put(k, KEY_SESSION, name, value, strlen(value));
}

static int
fresh(void **state)
{
	struct world *w = *state;

	(void)world_sql(w, "TRUNCATE outlets CASCADE");
	(void)world_sql(w, "INSERT INTO outlets (id, name, whatsapp_number) VALUES ('o1', 'One', "
			   "'628111'), ('o2', 'Two', '628222')");
	return 0;
}

static void
test_overlay(void **state)
{
	struct world *w = *state;
	struct keydb *k = store_keys_new(&w->store, "o1"), *other = store_keys_new(&w->store, "o2");

	assert_string_equal(session(w, k, "a"), "-");
	put(k, "a", "one");
	assert_string_equal(session(w, k, "a"), "one");
	assert_string_equal(session(w, other, "a"), "-");
	assert_int_equal(world_commit(w), 0);
	assert_string_equal(session(w, k, "a"), "one");
	put(k, "a", "two");
	put(k, "empty", "");
	assert_string_equal(session(w, k, "a"), "two");
	assert_string_equal(session(w, k, "empty"), "");
	k->ops->del(k, KEY_SESSION, "a");
	assert_string_equal(session(w, k, "a"), "-");
	assert_int_equal(world_commit(w), 0);
	assert_string_equal(session(w, k, "a"), "-");
	assert_string_equal(session(w, k, "empty"), "");
	put(k, "b", "bee");
	k->ops->wipe(k);
	assert_string_equal(session(w, k, "b"), "-");
	assert_string_equal(session(w, k, "empty"), "-");
	put(k, "b", "again");
	assert_string_equal(session(w, k, "b"), "again");
	assert_int_equal(world_commit(w), 0);
	assert_string_equal(session(w, k, "b"), "again");
	store_keys_free(&k);
	store_keys_free(&other);
	assert_null(k);
}

/* While the transaction with it is under way, a value is read from it: the test's own lock holds
 * the transaction back. */
static void
test_in_flight(void **state)
{
	struct world *w = *state;
	struct keydb *k = store_keys_new(&w->store, "o1");
	struct world_committed c = {0};

	put(k, "a", "one");
	assert_int_equal(world_commit(w), 0);
	(void)world_sql(w, "BEGIN");
	(void)world_sql(w, "SELECT 1 FROM keys FOR UPDATE");
	put(k, "a", "two");
	k->ops->commit(k, world_on_committed, &c);
	do {
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		(void)world_sql(w, "SELECT pg_stat_clear_snapshot()");
	} while (strcmp(world_sql(w, "SELECT count(*) FROM pg_stat_activity WHERE datname = "
				     "current_database() AND wait_event_type = 'Lock'"),
		     "1") != 0);
	assert_string_equal(session(w, k, "a"), "two");
	put(k, "a", "three");
	assert_string_equal(session(w, k, "a"), "three");
	assert_false(c.done);
	(void)world_sql(w, "COMMIT");
	world_until(w, &c.done);
	assert_int_equal(c.err, 0);
	assert_string_equal(session(w, k, "a"), "three");
	assert_int_equal(world_commit(w), 0);
	assert_string_equal(session(w, k, "a"), "three");
	store_keys_free(&k);
}

/* Several at once: in the order asked, from batch and table together, twice the same too. */
static void
test_many(void **state)
{
	struct world *w = *state;
	struct keydb *k = store_keys_new(&w->store, "o1");
	const struct key_name names[] = {{KEY_SESSION, "x"}, {KEY_SESSION, "a"},
	    {KEY_IDENTITY, "a"}, {KEY_SESSION, "b"}, {KEY_SESSION, "a"}};
	struct got g = {0}, none = {0};

	put(k, "a", "A");
	assert_int_equal(world_commit(w), 0);
	put(k, "b", "B");
	k->ops->get(k, names, 5, on_got, &g);
	k->ops->get(k, NULL, 0, on_got, &none);
	world_until(w, &g.done);
	world_until(w, &none.done);
	assert_int_equal(g.err, 0);
	assert_int_equal(g.n, 5);
	assert_false(g.v[0].there);
	assert_string_equal(g.v[1].text, "A");
	assert_false(g.v[2].there);
	assert_string_equal(g.v[3].text, "B");
	assert_string_equal(g.v[4].text, "A");
	assert_int_equal(none.n, 0);
	assert_int_equal(none.err, 0);
	store_keys_free(&k);
}

/* A row that stands in another's place, or whose bytes were changed, is an error and not a key. */
static void
test_swapped(void **state)
{
	struct world *w = *state;
	struct keydb *k = store_keys_new(&w->store, "o1");

	put(k, "a", "A");
	put(k, "b", "B");
	put(k, "c", "C");
	assert_int_equal(world_commit(w), 0);
	(void)world_sql(w,
	    "UPDATE keys SET value = (SELECT value FROM keys WHERE name = 'a') WHERE name = 'b'");
	(void)world_sql(w, "UPDATE keys SET value = set_byte(value, 15, get_byte(value, 15) # 1) "
			   "WHERE name = 'c'");
	assert_string_equal(session(w, k, "a"), "A");
	assert_string_equal(session(w, k, "b"), "error");
	assert_string_equal(session(w, k, "c"), "error");
	store_keys_free(&k);
}

static void
never(void *arg, int err, const struct key_value *values, size_t n)
{
	(void)arg;
	(void)err;
	(void)values;
	(void)n;
	fail_msg("a forgotten request called back");
}

static void
never_committed(void *arg, int err)
{
	(void)arg;
	(void)err;
	fail_msg("a forgotten commit called back");
}

static void
test_forget(void **state)
{
	struct world *w = *state;
	struct keydb *k = store_keys_new(&w->store, "o1"), *kept = store_keys_new(&w->store, "o1");
	const struct key_name name = {KEY_SESSION, "a"}, absent = {KEY_SESSION, "absent"};
	int mine, freed;

	put(k, "a", "A");
	k->ops->commit(k, never_committed, &mine);
	k->ops->get(k, &name, 1, never, &mine);
	k->ops->get(k, &absent, 1, never, &mine);
	k->ops->forget(k, &mine);
	/* Freed with requests under way. */
	k->ops->get(k, &name, 1, never, &freed);
	k->ops->get(k, &absent, 1, never, &freed);
	store_keys_free(&k);
	assert_int_equal(world_commit(w), 0);
	assert_string_equal(session(w, kept, "a"), "A");
	store_keys_free(&kept);
}

struct ender {
	struct keydb *victim;
	bool done;
};

static void
end_other(void *arg, int err, const struct key_value *values, size_t n)
{
	struct ender *e = arg;

	(void)values;
	(void)n;
	assert_int_equal(err, 0);
	store_keys_free(&e->victim);
	e->done = true;
}

/* Asked in one turn by several outlets: each has its own answer, an error of one is not another's,
 * and the answer to one may end another that waits for the same. */
static void
test_together(void **state)
{
	struct world *w = *state;
	struct keydb *one = store_keys_new(&w->store, "o1"), *two = store_keys_new(&w->store, "o2");
	struct ender e = {store_keys_new(&w->store, "o1"), false};
	const struct key_name a = {KEY_SESSION, "a"}, both[] = {{KEY_SESSION, "b"}, a};
	struct got g1 = {0}, g2 = {0}, bad = {0};

	put(one, "a", "A1");
	put(one, "bad", "bad");
	put(two, "a", "A2");
	assert_int_equal(world_commit(w), 0);
	(void)world_sql(w, "UPDATE keys SET value = set_byte(value, 15, get_byte(value, 15) # 1) "
			   "WHERE name = 'bad'");
	one->ops->get(one, &(struct key_name){KEY_SESSION, "bad"}, 1, on_got, &bad);
	one->ops->get(one, &a, 1, on_got, &g1);
	two->ops->get(two, &a, 1, end_other, &e);
	e.victim->ops->get(e.victim, &a, 1, never, NULL);
	two->ops->get(two, both, 2, on_got, &g2);
	world_until(w, &g2.done);
	assert_true(bad.done && g1.done && e.done);
	assert_int_equal(bad.err, -1);
	assert_string_equal(g1.v[0].text, "A1");
	assert_false(g2.v[0].there);
	assert_string_equal(g2.v[1].text, "A2");
	store_keys_free(&one);
	store_keys_free(&two);
}

/* More than one question holds goes in several, in any order. */
static void
test_beyond_one_question(void **state)
{
	struct world *w = *state;
	struct keydb *k = store_keys_new(&w->store, "o1");
	static char text[KEY_READ_MAX][8];
	static struct got got[KEY_READ_MAX];
	struct key_name absent[8];

	put(k, "a", "A");
	assert_int_equal(world_commit(w), 0);
	for (size_t i = 0; i < KEY_READ_MAX; i++) {
		got[i] = (struct got){0};
		(void)snprintf(text[i], sizeof(text[i]), "%zu", i);
	}
	for (size_t i = 0; i < KEY_READ_MAX / 4; i++) {
		for (size_t j = 0; j < 7; j++)
			absent[j] =
			    (struct key_name){KEY_SESSION, text[(7 * i + j) % KEY_READ_MAX]};
		absent[7] = (struct key_name){KEY_SESSION, "a"};
		k->ops->get(k, absent, 8, on_got, &got[i]);
	}
	for (size_t i = 0; i < KEY_READ_MAX / 4; i++) {
		if (!got[i].done)
			world_until(w, &got[i].done);
		assert_int_equal(got[i].err, 0);
		assert_false(got[i].v[6].there);
		assert_string_equal(got[i].v[7].text, "A");
	}
	store_keys_free(&k);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_overlay, fresh),
	    cmocka_unit_test_setup(test_in_flight, fresh),
	    cmocka_unit_test_setup(test_many, fresh),
	    cmocka_unit_test_setup(test_swapped, fresh),
	    cmocka_unit_test_setup(test_forget, fresh),
	    cmocka_unit_test_setup(test_together, fresh),
	    cmocka_unit_test_setup(test_beyond_one_question, fresh),
	};

	return cmocka_run_group_tests(tests, world_setup_store, world_teardown);
}
