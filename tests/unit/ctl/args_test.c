/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command lines: what is a word, what an option, what is refused; durations and numbers. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "waconnd/waconnctl/args.h"

#define ARGV(...) ((const char *const[]){__VA_ARGS__})
#define PARSE(ret, err, ...) \
	args_parse((int)(sizeof(ARGV(__VA_ARGS__)) / sizeof(char *)), ARGV(__VA_ARGS__), ret, err)

static void
words_and_options(void **state)
{
	struct buf err = BUF_INIT(1024);
	struct args a;
	size_t at = 0;

	(void)state;
	assert_int_equal(PARSE(&a, &err, "-s/run/x", "blast", "--outlet=o1", "send", "--outlet",
			     "o2", "--text", "--all", "-", "--", "--json"),
	    0);
	assert_int_equal(a.n_words, 4);
	assert_string_equal(a.words[0], "blast");
	assert_string_equal(a.words[1], "send");
	assert_string_equal(a.words[2], "-");
	assert_string_equal(a.words[3], "--json");
	assert_string_equal(args_value(&a, ARG_SOCKET), "/run/x");
	assert_string_equal(args_value(&a, ARG_TEXT), "--all");
	assert_string_equal(args_value(&a, ARG_OUTLET), "o2");
	assert_string_equal(args_next(&a, ARG_OUTLET, &at), "o1");
	assert_string_equal(args_next(&a, ARG_OUTLET, &at), "o2");
	assert_null(args_next(&a, ARG_OUTLET, &at));
	assert_false(args_has(&a, ARG_JSON));
	assert_false(args_has(&a, ARG_ALL));
	assert_int_equal(
	    args_given(&a), ARG_BIT(ARG_SOCKET) | ARG_BIT(ARG_OUTLET) | ARG_BIT(ARG_TEXT));
	args_done(&a);
	buf_done(&err);
}

static void
refused(void **state)
{
	struct buf err = BUF_INIT(1024);
	struct args a;

	(void)state;
	assert_int_equal(PARSE(&a, &err, "status", "--nonsense"), -1);
	assert_string_equal(buf_str(&err), "there is no option --nonsense");
	buf_reset(&err);
	assert_int_equal(PARSE(&a, &err, "--name"), -1);
	assert_string_equal(buf_str(&err), "--name needs a value");
	buf_reset(&err);
	assert_int_equal(PARSE(&a, &err, "--json=yes"), -1);
	assert_string_equal(buf_str(&err), "--json takes no value");
	buf_reset(&err);
	assert_int_equal(PARSE(&a, &err, "-x"), -1);
	buf_done(&err);
}

static void
durations(void **state)
{
	static const struct {
		const char *text;
		long long seconds; /* -1: refused */
	} cases[] = {
	    {"90d", 90 * 86400},
	    {"12h", 12 * 3600},
	    {"30m", 1800},
	    {"45s", 45},
	    {"45", 45},
	    {"2w", 14 * 86400},
	    {"0d", -1},
	    {"", -1},
	    {"d", -1},
	    {"-1d", -1},
	    {"+1d", -1},
	    {" 1d", -1},
	    {"1.5d", -1},
	    {"90days", -1},
	    {"36501d", -1},
	    {"9223372036854775807w", -1},
	    {"99999999999999999999", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		long long seconds = -1;

		assert_int_equal(
		    args_duration(cases[i].text, &seconds), cases[i].seconds < 0 ? -1 : 0);
		assert_int_equal(seconds, cases[i].seconds);
	}
}

static void
numbers(void **state)
{
	unsigned long n = 7;

	(void)state;
	assert_int_equal(args_number("0", 10, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(args_number("10", 10, &n), 0);
	assert_int_equal(n, 10);
	assert_int_equal(args_number("11", 10, &n), -1);
	assert_int_equal(args_number("-1", 10, &n), -1);
	assert_int_equal(args_number("1x", 10, &n), -1);
	assert_int_equal(args_number("", 10, &n), -1);
	assert_int_equal(args_number("99999999999999999999", 10, &n), -1);
	assert_int_equal(n, 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words_and_options),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(durations),
	    cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
