/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "common/buf.h"

/* At every length of what is there already: formatted texts are whole, whether they fit or not. */
static void
formatted(void **state)
{
	(void)state;
	for (size_t before = 0; before < 200; before++) {
		struct buf b = BUF_INIT(4096);

		for (size_t i = 0; i < before; i++)
			buf_add_u8(&b, 'x');
		buf_addf(&b, "<%d|%s>", -7, "0123456789");
		assert_true(buf_ok(&b));
		assert_int_equal(b.len, before + 15);
		assert_string_equal(buf_str(&b) + before, "<-7|0123456789>");
		buf_done(&b);
	}
}

/* What passes the maximum leaves no part of it behind. */
static void
too_long(void **state)
{
	for (size_t max = 0; max < 100; max++) {
		struct buf b = BUF_INIT(max);

		(void)state;
		buf_addf(
		    &b, "%.*s", (int)(max / 2), "................................................");
		buf_addf(&b, "%0*d", (int)max + 1, 1);
		assert_false(buf_ok(&b));
		assert_int_equal(b.len, max / 2 < 48 ? max / 2 : 48);
		assert_int_equal(strlen(buf_str(&b)), b.len);
		buf_done(&b);
	}
}

static void
expected(void **state)
{
	struct buf b = BUF_INIT(1000);

	(void)state;
	buf_add_str(&b, "a");
	buf_expect(&b, 2000); /* more than it may ever hold: no fault yet */
	assert_true(buf_ok(&b));
	buf_expect(&b, 900);
	assert_true(b.cap > 900);
	assert_string_equal(buf_str(&b), "a");
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(formatted),
	    cmocka_unit_test(too_long),
	    cmocka_unit_test(expected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
