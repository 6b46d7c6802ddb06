/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spintax: what is chosen from, what is text, what is refused; the same key always gets the same,
 * and all of it is got by somebody. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "common/spintax.h"

#define KEYS 400

static const struct {
	const char *text;
	const char *all[7]; /* what keys get, in any order */
} cases[] = {
    {"", {""}},
    {"Halo", {"Halo"}},
    {"{Halo|Hai} Kak", {"Halo Kak", "Hai Kak"}},
    {"{a|b}{c|d}", {"ac", "ad", "bc", "bd"}},
    {"{a|b {c|d}}!", {"a!", "b c!", "b d!"}},
    {"{|x}y", {"y", "xy"}},
    {"{a||b}", {"a", "", "b"}},
    /* variables */
    {"{Halo {{name|Kak}}|Hai}", {"Halo {{name|Kak}}", "Hai"}},
    {"{{name|Kakak}}", {"{{name|Kakak}}"}},
    {"{{ name | Kak }} {a|{{x}}}", {"{{ name | Kak }} a", "{{ name | Kak }} {{x}}"}},
    /* braces and bars that are text */
    {"a|b", {"a|b"}},
    {"{promo}", {"{promo}"}},
    {"{x {a|b}}", {"{x a}", "{x b}"}},
    {":-} {a|b", {":-} {a|b"}},
    {"{a|b {c|d {e", {"{a|b {c|d {e"}},
    {"{{{a|b}", {"{{a", "{{b"}},
    {"\\{a|b\\}", {"{a|b}"}},
    {"{a\\|b|c}", {"a|b", "c"}},
    {"{a\\}|b}", {"a}", "b"}},
    {"\\\\{a|b}", {"\\a", "\\b"}},
    {"\\\\\\{a|b", {"\\{a|b"}},
    {"C:\\x \\\\ _(\\)_ {a|b}", {"C:\\x \\\\ _(\\)_ a", "C:\\x \\\\ _(\\)_ b"}},
    {"\\", {"\\"}},
    /* five deep, and no deeper */
    {"{1|{2|{3|{4|{5|6}}}}}", {"1", "2", "3", "4", "5", "6"}},
};

static void
choose(const char *text, unsigned key, char *ret, size_t size)
{
	struct buf out = BUF_INIT(4096);
	char number[24];

	(void)snprintf(number, sizeof(number), "62812%08u", key);
	spintax_choose(text, number, &out);
	assert_true(buf_ok(&out));
	(void)snprintf(ret, size, "%s", buf_str(&out));
	buf_done(&out);
}

static void
test_choices(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		unsigned seen = 0, all = 0;
		char got[200], again[200];

		for (size_t k = 0; k < 7 && cases[i].all[k] != NULL; k++)
			all |= 1u << k;
		for (unsigned key = 0; key < KEYS; key++) {
			size_t k = 0;

			choose(cases[i].text, key, got, sizeof(got));
			choose(cases[i].text, key, again, sizeof(again));
			assert_string_equal(got, again);
			while (
			    k < 7 && cases[i].all[k] != NULL && strcmp(cases[i].all[k], got) != 0)
				k++;
			if (k == 7 || cases[i].all[k] == NULL)
				fail_msg("%s: %s", cases[i].text, got);
			seen |= 1u << k;
		}
		if (seen != all)
			fail_msg("%s: %x of %x", cases[i].text, seen, all);
	}
}

/* Another text is another choice for the same person. */
static void
test_spread(void **state)
{
	unsigned same = 0;
	char a[8], b[8];

	(void)state;
	for (unsigned key = 0; key < KEYS; key++) {
		choose("{a|b}", key, a, sizeof(a));
		choose("{a|b}.", key, b, sizeof(b));
		same += a[0] == b[0];
	}
	assert_true(same > KEYS / 4 && same < KEYS * 3 / 4);
}

static const char *
refusal_of_options(unsigned n)
{
	struct buf text = BUF_INIT(4096);
	const char *refusal;

	buf_add_str(&text, "{x");
	for (unsigned i = 1; i < n; i++)
		buf_add_str(&text, "|x");
	buf_add_str(&text, "}");
	refusal = spintax_check(buf_str(&text));
	buf_done(&text);
	return refusal;
}

static void
test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (strcmp(cases[i].text, ":-} {a|b") != 0 &&
		    strcmp(cases[i].text, "{a|b {c|d {e") != 0)
			assert_null(spintax_check(cases[i].text));
	assert_non_null(spintax_check(":-} {a|b"));
	assert_non_null(spintax_check("{a|{b|c}"));
	assert_non_null(spintax_check("{a|b {c|d {e"));
	assert_non_null(spintax_check("{1|{2|{3|{4|{5|{6|7}}}}}}"));
	assert_null(spintax_check("{ a bar | alone \\{ is } fine"));
	assert_null(spintax_check("{{{{{{{{ braces alone go as deep as they like }}}}}}}}"));
	assert_null(refusal_of_options(SPINTAX_OPTIONS_MAX));
	assert_non_null(refusal_of_options(SPINTAX_OPTIONS_MAX + 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_choices),
	    cmocka_unit_test(test_spread),
	    cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests_name("spintax", tests, NULL, NULL);
}
