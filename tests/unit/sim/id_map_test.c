/* SPDX-License-Identifier: GPL-3.0-or-later */
/* id_map: values under ids and scopes, growth, and the oldest making room. */
#include "tests/sim/id_map.h"

#include <stdio.h>

#include "tests/unit/cmocka_all.h"

#define MAX 64

static void
put(struct id_map *m, unsigned n)
{
	char id[16];

	(void)snprintf(id, sizeof(id), "id%u", n);
	id_map_put(m, "message", id, n);
}

static const uintptr_t *
get(const struct id_map *m, unsigned n)
{
	char id[16];

	(void)snprintf(id, sizeof(id), "id%u", n);
	return id_map_get(m, "message", id);
}

static void
test_values(void **state)
{
	struct id_map m;

	(void)state;
	id_map_init(&m, MAX);
	assert_null(id_map_get(&m, "message", "a"));
	id_map_put(&m, "message", "a", 1);
	id_map_put(&m, "receipt", "a", 2);
	assert_int_equal(*id_map_get(&m, "message", "a"), 1);
	assert_int_equal(*id_map_get(&m, "receipt", "a"), 2);
	id_map_put(&m, "message", "a", 3);
	assert_int_equal(*id_map_get(&m, "message", "a"), 3);
	assert_int_equal(m.count, 2);
	assert_null(id_map_get(&m, "messagea", ""));
	id_map_done(&m);
	assert_null(id_map_get(&m, "message", "a"));
}

static void
test_oldest_makes_room(void **state)
{
	struct id_map m;

	(void)state;
	id_map_init(&m, MAX);
	for (unsigned i = 0; i < 10 * MAX + 7; i++) {
		put(&m, i);
		assert_true(m.room <= MAX);
		for (unsigned k = i < MAX ? 0 : i - MAX + 1; k <= i; k++) {
			assert_non_null(get(&m, k));
			assert_int_equal(*get(&m, k), k);
		}
		if (i >= MAX)
			assert_null(get(&m, i - MAX));
	}
	id_map_done(&m);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_oldest_makes_room),
	};

	return cmocka_run_group_tests_name("id_map", tests, NULL, NULL);
}
