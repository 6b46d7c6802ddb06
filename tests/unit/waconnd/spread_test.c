/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Spreading recipients over outlets: as even as can be, whatever they have at the start, in turns.
 */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "waconnd/blast/spread.h"

#define OUTLETS_MAX 4

/* clang-format off */
static const struct row {
	size_t n, counts[OUTLETS_MAX], more, after[OUTLETS_MAX];
} rows[] = {
	{1, {0}, 3, {3}},
	{3, {0, 0, 0}, 7, {3, 2, 2}},
	{3, {5, 0, 2}, 4, {5, 3, 3}},
	{3, {5, 0, 2}, 8, {5, 5, 5}},
	{3, {5, 0, 2}, 10, {5, 6, 6}},
	{4, {1, 1, 1, 0}, 5, {2, 2, 2, 2}},
	{2, {100, 0}, 0, {100, 0}},
};
/* clang-format on */

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *row = &rows[i];
		size_t counts[OUTLETS_MAX];
		struct spread s;

		memcpy(counts, row->counts, sizeof(counts));
		spread_init(&s, counts, row->n);
		for (size_t k = 0; k < row->more; k++)
			assert_true(spread_next(&s) < row->n);
		spread_done(&s);
		for (size_t k = 0; k < row->n; k++)
			assert_int_equal(counts[k], row->after[k]);
	}
}

/* In turns, not in blocks: the first outlet does not take all early recipients. */
static void
test_in_turns(void **state)
{
	size_t counts[3] = {0, 0, 0};
	struct spread s;

	(void)state;
	spread_init(&s, counts, 3);
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
