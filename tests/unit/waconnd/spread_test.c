/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spreading recipients over outlets by what each may still send, whatever they have at the start,
 * in turns. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "waconnd/blast/spread.h"

#define OUTLETS_MAX 4
#define START 1000000
#define DAY 86400000LL

/* clang-format off */
struct side { size_t count; int64_t chats_left; unsigned per_minute, per_day; };

static const struct row {
	const char *what;
	size_t n, messages, more;
	struct side sides[OUTLETS_MAX];
	size_t after[OUTLETS_MAX];
} rows[] = {
	{"one", 1, 1, 3, {{0, -1, 20, 0}}, {3}},
	{"alike", 3, 1, 7, {{0, -1, 20, 0}, {0, -1, 20, 0}, {0, -1, 20, 0}}, {3, 2, 2}},
	{"one has some", 3, 1, 4, {{5, -1, 20, 0}, {0, -1, 20, 0}, {2, -1, 20, 0}}, {5, 3, 3}},
	{"until it joins in", 3, 1, 10, {{5, -1, 20, 0}, {0, -1, 20, 0}, {2, -1, 20, 0}}, {6, 6, 5}},
	{"nobody more", 2, 1, 0, {{100, -1, 20, 0}, {0, -1, 20, 0}}, {100, 0}},
	{"by pace", 2, 1, 100, {{0, -1, 20, 0}, {0, -1, 60, 0}}, {25, 75}},
	{"a cap, and the other goes on", 2, 1, 1000, {{0, -1, 60, 100}, {0, -1, 60, 0}}, {100, 900}},
	{"caps: days", 2, 1, 600, {{0, -1, 60, 100}, {0, -1, 60, 200}}, {200, 400}},
	{"a quota of chats", 2, 1, 100, {{0, 10, 60, 0}, {0, -1, 60, 0}}, {10, 90}},
	{"no chats at all", 2, 1, 100, {{0, 0, 60, 0}, {0, -1, 60, 0}}, {0, 100}},
	{"nobody may: alike all the same", 2, 1, 100, {{0, 0, 60, 0}, {0, 0, 60, 0}}, {50, 50}},
	{"more than a week: in proportion", 2, 1, 30000, {{0, -1, 60, 100}, {0, -1, 60, 200}}, {10000, 20000}},
	{"several messages each", 2, 2, 300, {{0, -1, 60, 100}, {0, -1, 60, 200}}, {100, 200}},
	{"what never opens gets nothing", 2, 1, 100, {{0, -1, 0, 0}, {0, -1, 60, 0}}, {0, 100}},
};
/* clang-format on */

/* per_day 0: as many as there are minutes for. */
static void
make(struct spread_outlet *o, const struct side *side)
{
	memset(o, 0, sizeof(*o));
	o->count = side->count;
	o->chats_left = side->chats_left;
	for (size_t day = 0; side->per_minute > 0 && day < SPREAD_DAYS; day++)
		o->stretches[o->n_stretches++] = (struct pacer_stretch){
		    .from_ms = START + (int64_t)day * DAY,
		    .n = side->per_day > 0 ? side->per_day : side->per_minute * 1440,
		    .interval_ms = 60000.0 / side->per_minute,
		};
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		struct spread_outlet outlets[OUTLETS_MAX];
		size_t had[OUTLETS_MAX];
		struct spread s;

		for (size_t k = 0; k < row->n; k++)
			make(&outlets[k], &row->sides[k]);
		spread_fill(outlets, row->n, row->more, row->messages, START);
		for (size_t k = 0; k < row->n; k++) {
			had[k] = row->sides[k].count;
			if (outlets[k].more + had[k] != row->after[k])
				fail_msg("%s: outlet %zu has %zu, not %zu", row->what, k,
				    outlets[k].more + had[k], row->after[k]);
		}
		spread_init(&s, outlets, row->n);
		for (size_t k = 0; k < row->more; k++)
			had[spread_next(&s)]++;
		spread_done(&s);
		for (size_t k = 0; k < row->n; k++)
			assert_int_equal(had[k], row->after[k]);
	}
}

/* In turns, not in blocks: the first outlet does not take all early recipients. */
static void
test_in_turns(void **state)
{
	static const struct side side = {0, -1, 20, 0};
	struct spread_outlet outlets[3];
	struct spread s;

	(void)state;
	for (size_t i = 0; i < 3; i++)
		make(&outlets[i], &side);
	spread_fill(outlets, 3, 300, 1, START);
	spread_init(&s, outlets, 3);
	for (size_t i = 0; i < 300; i++)
		assert_int_equal(spread_next(&s), i % 3);
	spread_done(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_in_turns),
	};

	return cmocka_run_group_tests_name("spread", tests, NULL, NULL);
}
