/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "common/rng.h"

#define IDS 2000

static void
check(const char *id)
{
	assert_int_equal(strncmp(id, "req_", 4), 0);
	assert_int_equal(strlen(id), 24);
	assert_int_equal(strspn(id + 4, "0123456789abcdefghijklmnopqrstuvwxyz"), 20);
}

/* Ids are of their form and differ, over many fillings of the stock. */
static void
ids(void **state)
{
	static char all[IDS][32];
	struct rng_stock stock = {.left = 0};

	(void)state;
	for (size_t i = 0; i < IDS; i++) {
		if (i % 2 == 0)
			rng_stock_id(&stock, "req_", all[i], sizeof(all[i]));
		else
			rng_id("req_", all[i], sizeof(all[i]));
		check(all[i]);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(all[i], all[k]);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(ids)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
