/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pages of docs/ that are printed from tables say what the tables say. With UPDATE=1 they are
 * written anew (make docs). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"
#include "waconnd/link/link_error.h"
#include "waconnd/outlet_fsm.h"

#define PAGE_MAX (1u << 20)

static void
print_states(FILE *out)
{
	(void)fputs("# The states of an outlet\n\n"
		    "Printed from the table in `waconnd/outlet_fsm.c` by `make docs`; `make check` "
		    "compares.\n\n"
		    "\"Shown as\" is the status that pages and REST give. An event that has no row "
		    "in a state changes "
		    "nothing there; the table of ignores in the same file says why for each.\n\n",
	    out);
	outlet_fsm_print(out);
}

static const char *
follows(const struct link_reason *r)
{
	static const char *const texts[] = {
	    [LINK_FOLLOW_NONE] = "-",
	    [LINK_FOLLOW_NOW] = "connects again at once",
	    [LINK_FOLLOW_BACKOFF] = "tries again, with back-off",
	    [LINK_FOLLOW_LATER] = "tries again, much later",
	    [LINK_FOLLOW_STOP] = "waits for a person",
	};

	return r->erase ? "gives its keys up, waits for a person" : texts[r->follow];
}

static const char *
shown_as(const struct link_reason *r)
{
	static const char *const texts[] = {
	    [LINK_FOLLOW_NONE] = "DISCONNECTED",
	    [LINK_FOLLOW_NOW] = "CONNECTING",
	    [LINK_FOLLOW_BACKOFF] = "TIMEOUT",
	    [LINK_FOLLOW_LATER] = "TIMEOUT",
	    [LINK_FOLLOW_STOP] = "FAILED",
	};

	/* It says when it ends: until then nothing is tried. */
	return r->end == LINK_END_TEMP_BANNED ? "FAILED" : texts[r->follow];
}

static void
print_errors(FILE *out)
{
	(void)fputs("# What ended a connection\n\n"
		    "Printed from the table in `waconnd/link/link_reason.c` by `make docs`; `make "
		    "check` compares.\n\n"
		    "`lastError.code` of a status, what it means, what waconn does by itself, and "
		    "what is left to a person. Keys that are given up can be brought back for "
		    "seven days.\n\n"
		    "| code | shown as | means | then | what to do |\n| --- | --- | --- | --- | "
		    "--- |\n",
	    out);
	for (int end = 0; end < LINK_END_COUNT; end++) {
		const struct link_reason *r = link_reason((enum link_end)end);

		(void)fprintf(out, "| `%s` | %s | %s | %s | %s |\n", r->code, shown_as(r),
		    r->message, follows(r), r->action);
	}
	(void)fputs("\n## What the server says\n\n"
		    "Printed from `waconnd/link/link_error.c`. \"In a row\" is without a login "
		    "between.\n\n",
	    out);
	link_error_print(out);
	(void)fputs(
	    "\n## In Indonesian\n\n| code | means | what to do |\n| --- | --- | --- |\n", out);
	for (int end = 0; end < LINK_END_COUNT; end++) {
		const struct link_reason *r = link_reason((enum link_end)end);

		(void)fprintf(out, "| `%s` | %s | %s |\n", r->code, r->message_id, r->action_id);
	}
}

static const struct {
	const char *name;
	void (*print)(FILE *out);
} pages[] = {
    {"docs/outlet-states.md", print_states},
    {"docs/last-errors.md", print_errors},
};

static void
write_page(const char *name, const char *text)
{
	FILE *out = fopen(name, "w");

	assert_non_null(out);
	assert_true(fputs(text, out) >= 0);
	assert_int_equal(fclose(out), 0);
}

/* Empty when it is not there. */
static char *
read_page(const char *name)
{
	char *text = calloc(1, PAGE_MAX);
	FILE *in = fopen(name, "r");

	assert_non_null(text);
	if (in != NULL) {
		assert_true(fread(text, 1, PAGE_MAX - 1, in) < PAGE_MAX - 1);
		assert_int_equal(fclose(in), 0);
	}
	return text;
}

static void
test_pages_are_current(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		char *want = NULL, *have;
		size_t len;
		FILE *out = open_memstream(&want, &len);

		assert_non_null(out);
		pages[i].print(out);
		assert_int_equal(fclose(out), 0);
		if (getenv("UPDATE") != NULL)
			write_page(pages[i].name, want);
		have = read_page(pages[i].name);
		if (strcmp(want, have) != 0)
			fail_msg("%s is not what the table says: make docs", pages[i].name);
		free(have);
		free(want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pages_are_current),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
