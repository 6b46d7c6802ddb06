/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables: columns stand under each other whatever the letters, and nothing reaches the terminal's
 * control. */
#include "tests/unit/cmocka_all.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "waconnd/waconnctl/table.h"

static void
aligned(void **state)
{
	static const char *const headings[] = {"ID", "NAME", "STATE", NULL};
	static const char expected[] = "ID  NAME         STATE\n"
				       "o1  Toko Müller  up\n"
				       "o2  店铺         -\n"
				       "o3  -            a much longer one\n";
	static const char *const cells[] = {
	    "o1", "Toko Müller", "up", "o2", "店铺", "", "o3", NULL, "a much longer one"};
	struct table *t = table_new(headings);
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++)
		table_cell(t, cells[i]);
	table_print(t, out);
	assert_int_equal(fclose(out), 0);
	assert_string_equal(text, expected);
	free(text);
	table_free(&t);
	assert_null(t);
	table_free(&t);
}

static void
nothing_acts(void **state)
{
	static const struct {
		const char *text, *clean;
	} cases[] = {
	    {"plain", "plain"},
	    {"\033[2Jgone", "?[2Jgone"},
	    {"a\nb\tc\r", "a?b?c?"},
	    {"del\x7f", "del?"},
	    {"c1\xc2\x9b"
	     "31m",
		"c1?31m"},
	    {"rtl\xe2\x80\xae"
	     "x",
		"rtl?x"},
	    {"bom\xef\xbb\xbf", "bom?"},
	    {"bad\xff\xc3", "bad??"},
	    {"ok é 店 😀", "ok é 店 😀"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = BUF_INIT(1024);

		table_clean(cases[i].text, &out);
		assert_string_equal(buf_str(&out), cases[i].clean);
		buf_done(&out);
	}
}

static void
widths(void **state)
{
	(void)state;
	assert_int_equal(table_width(""), 0);
	assert_int_equal(table_width("abc"), 3);
	assert_int_equal(table_width("é"), 1);
	assert_int_equal(table_width("e\xcc\x81"), 1);
	assert_int_equal(table_width("店铺"), 4);
	assert_int_equal(table_width("\xff"), 1);
}

static int
setup(void **state)
{
	(void)state;
	return setlocale(LC_CTYPE, "C.UTF-8") != NULL ? 0 : -1;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(aligned),
	    cmocka_unit_test(nothing_acts),
	    cmocka_unit_test(widths),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
