/* SPDX-License-Identifier: GPL-3.0-or-later */
/* key_cache: one copy of each key, held while in use, bounded, never evicted before it is on disk,
 * taken back on request. */
#include "tests/unit/link/memory_keydb.h"

#include <stdio.h>

#include "waconnd/signal/key_cache.h"

struct world {
	struct event_base *base;
	struct memory_keydb db;
	struct key_cache *keys;
	unsigned failed, depth;
};

static void
on_failed(void *arg, const char *what)
{
	struct world *w = arg;

	assert_non_null(what);
	w->failed++;
}

static void
on_enter(void *arg)
{
	((struct world *)arg)->depth++;
}

static void
on_leave(void *arg)
{
	((struct world *)arg)->depth--;
}

static void
begin(struct world *w, size_t max)
{
	const struct key_cache_owner owner = {w, on_failed, on_enter, on_leave};

	memset(w, 0, sizeof(*w));
	w->base = event_base_new();
	memory_keydb_init(&w->db, w->base);
	w->keys = key_cache_new(&w->db.keydb, max, &owner);
}

static void
end(struct world *w)
{
	assert_int_equal(w->depth, 0);
	key_cache_free(&w->keys);
	memory_keydb_done(&w->db);
	event_base_free(w->base);
}

static void
count(void *arg)
{
	(*(unsigned *)arg)++;
}

static struct key_hold *
hold_one(struct world *w, const char *name, unsigned *called, bool *ret_ready)
{
	const struct key_name key = {KEY_SESSION, name};

	return key_cache_hold(w->keys, &key, 1, count, called, ret_ready);
}

static void
expect(struct world *w, const char *name, const char *value)
{
	size_t len = 0;
	const uint8_t *got = key_cache_find(w->keys, KEY_SESSION, name, &len);

	if (value == NULL) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_int_equal(len, strlen(value));
	assert_memory_equal(got, value, len);
}

static void
store(struct world *w, const char *name, const char *value)
{
	w->db.keydb.ops->put(&w->db.keydb, KEY_SESSION, name, value, strlen(value));
}

static void
put(struct world *w, const char *name, const char *value)
{
	key_cache_put(w->keys, KEY_SESSION, name, value, strlen(value));
}

static void
test_two_holds_share_one_load(void **state)
{
	struct world w;
	struct key_hold *a, *b, *c;
	unsigned called = 0;
	bool ready;

	(void)state;
	begin(&w, 1 << 20);
	store(&w, "a", "one");
	a = hold_one(&w, "a", &called, &ready);
	assert_false(ready);
	b = hold_one(&w, "a", &called, &ready);
	assert_false(ready);
	assert_false(key_cache_knows(w.keys, KEY_SESSION, "a"));
	assert_int_equal(called, 0);
	memory_keydb_run(&w.db);
	assert_int_equal(called, 2);
	assert_int_equal(w.db.gets, 1);
	assert_int_equal(w.db.gotten, 1);
	assert_int_equal(key_cache_count(w.keys), 1);
	expect(&w, "a", "one");
	c = hold_one(&w, "a", &called, &ready);
	assert_true(ready);
	assert_int_equal(called, 2);
	key_hold_free(&a);
	key_hold_free(&b);
	key_hold_free(&c);
	end(&w);
}

static void
test_loads_answered_out_of_order(void **state)
{
	static const char *const names[] = {"a", "b", "c"};
	struct world w;
	struct key_hold *holds[3], *all;
	struct key_name keys[3];
	unsigned called[3] = {0}, all_called = 0;
	bool ready;

	(void)state;
	begin(&w, 1 << 20);
	w.db.hold_gets = true;
	for (size_t i = 0; i < 3; i++) {
		store(&w, names[i], names[i]);
		holds[i] = hold_one(&w, names[i], &called[i], &ready);
		assert_false(ready);
		keys[i] = (struct key_name){KEY_SESSION, names[i]};
	}
	all = key_cache_hold(w.keys, keys, 3, count, &all_called, &ready);
	assert_false(ready);
	w.db.hold_gets = false;
	w.db.reverse_gets = true;
	(void)memory_pump(&w.db);
	assert_int_equal(called[0] + called[1] + called[2], 1);
	assert_int_equal(called[2], 1);
	assert_int_equal(all_called, 0);
	memory_keydb_run(&w.db);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(called[i], 1);
		expect(&w, names[i], names[i]);
		key_hold_free(&holds[i]);
	}
	assert_int_equal(all_called, 1);
	key_hold_free(&all);
	end(&w);
}

static void
test_put_while_loading_wins(void **state)
{
	struct world w;
	struct key_hold *h;
	unsigned called = 0;
	bool ready;

	(void)state;
	begin(&w, 1 << 20);
	store(&w, "a", "old");
	h = hold_one(&w, "a", &called, &ready);
	put(&w, "a", "new");
	memory_keydb_run(&w.db);
	assert_int_equal(called, 1);
	expect(&w, "a", "new");
	key_hold_free(&h);
	end(&w);
}

static void
test_absent_is_known(void **state)
{
	struct world w;
	struct key_hold *h;
	unsigned called = 0;
	bool ready;

	(void)state;
	begin(&w, 1 << 20);
	h = hold_one(&w, "none", &called, &ready);
	memory_keydb_run(&w.db);
	assert_true(key_cache_knows(w.keys, KEY_SESSION, "none"));
	expect(&w, "none", NULL);
	key_hold_free(&h);
	/* An empty value is one. */
	put(&w, "empty", "");
	expect(&w, "empty", "");
	end(&w);
}

static void
test_commit_calls_back_when_on_disk(void **state)
{
	struct world w;
	unsigned called = 0;

	(void)state;
	begin(&w, 1 << 20);
	w.db.hold_commits = true;
	put(&w, "a", "one");
	assert_int_equal(w.db.puts, 0);
	key_cache_commit(w.keys, count, &called);
	assert_int_equal(w.db.puts, 1);
	memory_keydb_run(&w.db);
	assert_int_equal(called, 0);
	w.db.hold_commits = false;
	memory_keydb_run(&w.db);
	assert_int_equal(called, 1);
	assert_memory_equal(memory_disk(&w.db, KEY_SESSION, "a")->data, "one", 3);
	/* Nothing new: nothing is written again. */
	key_cache_commit(w.keys, count, &called);
	memory_keydb_run(&w.db);
	assert_int_equal(called, 2);
	assert_int_equal(w.db.puts, 1);
	end(&w);
}

/* The bound holds for all that is clean and not held; nothing else goes. */
static void
test_evicts_only_what_is_safe(void **state)
{
	struct world w;
	struct key_hold *held, *h;
	char name[16], value[512];
	unsigned called = 0;
	bool ready;

	(void)state;
	begin(&w, 4096);
	memset(value, 'x', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	store(&w, "held", value);
	held = hold_one(&w, "held", &called, &ready);
	memory_keydb_run(&w.db);
	w.db.hold_commits = true;
	for (unsigned i = 0; i < 50; i++) {
		(void)snprintf(name, sizeof(name), "d%u", i);
		put(&w, name, value);
	}
	key_cache_commit(w.keys, NULL, NULL);
	for (unsigned i = 0; i < 50; i++) {
		(void)snprintf(name, sizeof(name), "c%u", i);
		h = hold_one(&w, name, &called, &ready);
		memory_keydb_run(&w.db);
		key_hold_free(&h);
	}
	for (unsigned i = 0; i < 50; i++) {
		(void)snprintf(name, sizeof(name), "d%u", i);
		expect(&w, name, value);
	}
	expect(&w, "held", value);
	w.db.hold_commits = false;
	memory_keydb_run(&w.db);
	assert_true(key_cache_bytes(w.keys) <= 4096);
	expect(&w, "held", value);
	key_hold_free(&held);
	key_cache_trim(w.keys, 0);
	assert_int_equal(key_cache_count(w.keys), 0);
	assert_int_equal(key_cache_bytes(w.keys), 0);
	/* What was evicted is read again. */
	h = hold_one(&w, "d7", &called, &ready);
	assert_false(ready);
	memory_keydb_run(&w.db);
	expect(&w, "d7", value);
	key_hold_free(&h);
	end(&w);
}

/* A key that changed again while its commit was under way waits for the next one. */
static void
test_changed_again_while_committing(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 1);
	put(&w, "a", "one");
	key_cache_commit(w.keys, NULL, NULL);
	put(&w, "a", "two");
	memory_keydb_run(&w.db);
	expect(&w, "a", "two");
	assert_memory_equal(memory_disk(&w.db, KEY_SESSION, "a")->data, "one", 3);
	key_cache_commit(w.keys, NULL, NULL);
	memory_keydb_run(&w.db);
	assert_memory_equal(memory_disk(&w.db, KEY_SESSION, "a")->data, "two", 3);
	assert_int_equal(key_cache_count(w.keys), 0);
	end(&w);
}

static void
test_taken_back(void **state)
{
	struct world w;
	struct key_hold *h;
	unsigned called = 0;
	bool ready;

	(void)state;
	begin(&w, 1 << 20);
	store(&w, "a", "one");
	h = hold_one(&w, "a", &called, &ready);
	memory_keydb_run(&w.db);
	key_cache_begin(w.keys);
	put(&w, "a", "two");
	put(&w, "a", "three");
	put(&w, "b", "new");
	key_cache_del(w.keys, KEY_SESSION, "a");
	expect(&w, "a", NULL);
	key_cache_end(w.keys, false);
	expect(&w, "a", "one");
	expect(&w, "b", NULL);
	assert_false(key_cache_knows(w.keys, KEY_SESSION, "b"));
	key_cache_commit(w.keys, NULL, NULL);
	memory_keydb_run(&w.db);
	assert_int_equal(w.db.puts, 1); /* the one of store() */
	key_cache_begin(w.keys);
	put(&w, "a", "two");
	key_cache_end(w.keys, true);
	expect(&w, "a", "two");
	key_hold_free(&h);
	end(&w);
}

/* A key that was looked for before it was made is found afterwards. */
static void
test_written_past_the_cache(void **state)
{
	struct world w;
	struct key_hold *h;
	unsigned called = 0;
	bool ready;

	(void)state;
	begin(&w, 1 << 20);
	h = hold_one(&w, "a", &called, &ready);
	memory_keydb_run(&w.db);
	expect(&w, "a", NULL);
	key_cache_write(w.keys, KEY_SESSION, "a", "made", 4);
	key_cache_write(w.keys, KEY_SESSION, "b", "made", 4);
	expect(&w, "a", "made");
	assert_int_equal(key_cache_count(w.keys), 1);
	assert_int_equal(w.db.puts, 2);
	key_hold_free(&h);
	end(&w);
}

static void
test_failures_are_reported_once(void **state)
{
	struct world w;
	struct key_hold *h;
	unsigned called = 0;
	bool ready;

	(void)state;
	begin(&w, 1 << 20);
	w.db.fail_gets = w.db.fail_commits = true;
	h = hold_one(&w, "a", &called, &ready);
	put(&w, "b", "x");
	key_cache_commit(w.keys, count, &called);
	key_cache_commit(w.keys, count, &called);
	memory_keydb_run(&w.db);
	assert_int_equal(w.failed, 1);
	assert_int_equal(called, 0);
	key_hold_free(&h);
	end(&w);
}

static void
test_freed_while_waiting(void **state)
{
	struct world w;
	struct key_hold *h;
	unsigned called = 0;
	bool ready;

	(void)state;
	begin(&w, 1 << 20);
	h = hold_one(&w, "a", &called, &ready);
	key_hold_free(&h);
	put(&w, "b", "x");
	key_cache_commit(w.keys, count, &called);
	key_cache_forget(w.keys, &called);
	memory_keydb_run(&w.db);
	assert_int_equal(called, 0);
	h = hold_one(&w, "c", &called, &ready);
	key_cache_commit(w.keys, count, &called);
	key_hold_free(&h);
	end(&w); /* with a load and a commit under way */
	assert_int_equal(called, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_two_holds_share_one_load),
	    cmocka_unit_test(test_loads_answered_out_of_order),
	    cmocka_unit_test(test_put_while_loading_wins),
	    cmocka_unit_test(test_absent_is_known),
	    cmocka_unit_test(test_commit_calls_back_when_on_disk),
	    cmocka_unit_test(test_evicts_only_what_is_safe),
	    cmocka_unit_test(test_changed_again_while_committing),
	    cmocka_unit_test(test_taken_back),
	    cmocka_unit_test(test_written_past_the_cache),
	    cmocka_unit_test(test_failures_are_reported_once),
	    cmocka_unit_test(test_freed_while_waiting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
