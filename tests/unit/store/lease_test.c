/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Until when keys may be used: counted from the asking, over once and for all, begun anew. */
#include "tests/unit/cmocka_all.h"

#include "waconnd/store/lease.h"

static void
test_counts_from_the_asking(void **state)
{
	struct lease l;

	(void)state;
	lease_begin(&l, 1000);
	assert_true(lease_holds(&l, 1000 + LEASE_OWN_MS - 1));
	/* The answer came late: what counts is when it was asked. */
	assert_true(lease_granted(&l, 2000, 9000));
	assert_true(lease_holds(&l, 2000 + LEASE_OWN_MS - 1));
	assert_false(lease_holds(&l, 2000 + LEASE_OWN_MS));
}

static void
test_never_shorter(void **state)
{
	struct lease l;

	(void)state;
	lease_begin(&l, 5000);
	assert_true(lease_granted(&l, 4000, 6000));
	assert_true(lease_holds(&l, 5000 + LEASE_OWN_MS - 1));
}

/* What was granted to a daemon that stood still does not bring it back by itself. */
static void
test_over_stays_over(void **state)
{
	struct lease l;

	(void)state;
	lease_begin(&l, 0);
	assert_false(lease_granted(&l, LEASE_OWN_MS - 1, LEASE_OWN_MS + 50000));
	assert_false(lease_granted(&l, LEASE_OWN_MS + 50000, LEASE_OWN_MS + 50001));
	assert_false(lease_holds(&l, LEASE_OWN_MS + 50001));
	lease_begin(&l, LEASE_OWN_MS + 50000);
	assert_true(lease_holds(&l, LEASE_OWN_MS + 50001));
}

/* Ours is over before the database's lets another take our outlets. */
static void
test_margins(void **state)
{
	(void)state;
	assert_true(LEASE_OWN_MS < LEASE_MS);
	assert_true(3 * LEASE_RENEW_MS < LEASE_OWN_MS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_counts_from_the_asking),
	    cmocka_unit_test(test_never_shorter),
	    cmocka_unit_test(test_over_stays_over),
	    cmocka_unit_test(test_margins),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
