/* SPDX-License-Identifier: GPL-3.0-or-later */
/* docs/outlet-states.md says what the table says. With UPDATE=1 the page is written anew (make
 * docs). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"
#include "waconnd/outlet_fsm.h"

#define PAGE "docs/outlet-states.md"
#define PAGE_MAX (1u << 20)

static const char head[] =
    "# The states of an outlet\n"
    "\n"
    "Printed from the table in `waconnd/outlet_fsm.c` by `make docs`; `make check` compares.\n"
    "\n"
    "\"Shown as\" is the status that pages and REST give. An event that has no row in a state "
    "changes\n"
    "nothing there; the table of ignores in the same file says why for each.\n"
    "\n";

static char *
expected(void)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	(void)fputs(head, out);
	outlet_fsm_print(out);
	assert_int_equal(fclose(out), 0);
	return text;
}

static char *
page(void)
{
	char *text = calloc(1, PAGE_MAX);
	FILE *in = fopen(PAGE, "r");

	assert_non_null(text);
	if (in != NULL) {
		(void)fread(text, 1, PAGE_MAX - 1, in);
		(void)fclose(in);
	}
	return text;
}

static void
test_page_is_current(void **state)
{
	char *want = expected();
	char *have;

	(void)state;
	if (getenv("UPDATE") != NULL) {
		FILE *out = fopen(PAGE, "w");

		assert_non_null(out);
		(void)fputs(want, out);
		assert_int_equal(fclose(out), 0);
	}
	have = page();
	if (strcmp(want, have) != 0)
		fail_msg("%s is not what the table says: make docs", PAGE);
	free(have);
	free(want);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_page_is_current),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
