/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attempts to log in: how many, from where, and who has to wait for whom. Times are played. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "waconnd/api/throttle.h"

#define MINUTE (60 * 1000LL)
#define START (1000 * MINUTE)

static int
setup(void **state)
{
	*state = throttle_new();
	return 0;
}

static int
teardown(void **state)
{
	struct throttle *t = *state;

	throttle_free(&t);
	return 0;
}

/* How many of n attempts at once are let through. */
static unsigned
at_once(struct throttle *t, unsigned n, const char *account, const char *address, int64_t now)
{
	unsigned passed = 0;

	for (unsigned i = 0; i < n; i++)
		passed += throttle_begin(t, account, address, now) == 0;
	return passed;
}

static void
test_parallel_attempts_are_counted_at_their_beginning(void **state)
{
	assert_int_equal(at_once(*state, 100, "ani", "192.0.2.1", START), 5);
	/* What was refused did not count: one more may come after the first wait. */
	assert_int_equal(at_once(*state, 100, "ani", "192.0.2.1", START + 5000), 1);
	assert_int_equal(throttle_begin(*state, "ani", "192.0.2.1", START + 5000), 10);
}

static void
test_success_takes_back(void **state)
{
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(throttle_begin(*state, "ani", "192.0.2.1", START + i), 0);
		throttle_succeeded(*state, "ani", "192.0.2.1", START + i);
	}
	assert_int_equal(at_once(*state, 10, "ani", "192.0.2.1", START + 200), 5);
}

static void
test_not_looked_at(void **state)
{
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(throttle_begin(*state, "ani", "192.0.2.1", START), 0);
		throttle_undo(*state, "ani", "192.0.2.1");
	}
}

static void
test_a_stranger_does_not_lock_out_the_owner(void **state)
{
	char address[32];

	assert_int_equal(throttle_begin(*state, "ani", "192.0.2.1", START), 0);
	throttle_succeeded(*state, "ani", "192.0.2.1", START);
	/* From one address, then from many. */
	(void)at_once(*state, 100, "ani", "198.51.100.1", START);
	for (unsigned i = 0; i < 100; i++) {
		(void)snprintf(address, sizeof(address), "203.0.113.%u", i);
		(void)throttle_begin(*state, "ani", address, START);
	}
	assert_true(throttle_begin(*state, "ani", "203.0.113.200", START) > 0);
	assert_int_equal(throttle_begin(*state, "ani", "192.0.2.1", START), 0);
}

static void
test_behind_one_proxy(void **state)
{
	char account[32];

	assert_int_equal(throttle_begin(*state, "ani", "10.0.0.1", START), 0);
	throttle_succeeded(*state, "ani", "10.0.0.1", START);
	for (unsigned i = 0; i < 1000; i++) {
		(void)snprintf(account, sizeof(account), "guess%u", i);
		(void)throttle_begin(*state, account, "10.0.0.1", START);
	}
	/* Who was there before is let past the others' count; who is new waits, but not long. */
	assert_int_equal(throttle_begin(*state, "ani", "10.0.0.1", START), 0);
	assert_in_range(throttle_begin(*state, "budi", "10.0.0.1", START), 1, 30);
	assert_int_equal(throttle_begin(*state, "budi", "10.0.0.1", START + 5 * MINUTE), 0);
	/* One mistake a minute for a day is forgiven as fast as it is made. */
	for (unsigned i = 0; i < 24 * 60; i++) {
		(void)snprintf(account, sizeof(account), "clumsy%u", i);
		assert_int_equal(
		    throttle_begin(*state, account, "10.0.0.1", START + (10 + i) * MINUTE), 0);
	}
}

static void
test_full(void **state)
{
	char account[32];

	(void)at_once(*state, 5, "ani", "192.0.2.1", START);
	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(account, sizeof(account), "a%u", i);
		(void)throttle_begin(*state, account, account, START + 1 + i);
	}
	assert_int_equal(throttle_begin(*state, "ani", "192.0.2.1", START + 6000), 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_parallel_attempts_are_counted_at_their_beginning),
	    TEST(test_success_takes_back),
	    TEST(test_not_looked_at),
	    TEST(test_a_stranger_does_not_lock_out_the_owner),
	    TEST(test_behind_one_proxy),
	    TEST(test_full),
	};

	return cmocka_run_group_tests_name("throttle", tests, NULL, NULL);
}
