/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables as they come: what is a row, what is none, and what the columns are. Each is fed whole and
 * byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "common/people.h"

static struct buf said;

static bool
on_row(void *arg, const struct csv_row *row)
{
	(void)arg;
	buf_addf(&said, "%u:", row->line);
	for (size_t i = 0; i < row->n; i++)
		buf_addf(&said, "[%s]", row->fields[i]);
	if (row->n == 0)
		buf_add_str(&said, row->problem);
	buf_add_str(&said, " ");
	return true;
}

static void
read_rows(const char *text, size_t len, size_t piece)
{
	struct csv c;

	buf_init(&said, 1 << 20);
	csv_init(&c, on_row, NULL);
	for (size_t at = 0; at < len; at += piece)
		csv_feed(&c, text + at, len - at < piece ? len - at : piece);
	csv_end(&c);
	csv_done(&c);
}

static void
test_rows(void **state)
{
	static const struct {
		const char *text, *rows;
	} all[] = {
	    {"", ""},
	    {"a,b\nc,d\n", "1:[a][b] 2:[c][d] "},
	    {"a,b\r\nc,d", "1:[a][b] 2:[c][d] "},
	    {"a,b\rc,d\r", "1:[a][b] 2:[c][d] "},
	    {"\xef\xbb\xbf"
	     "a;b\n1,5;2\n",
		"1:[a][b] 2:[1,5][2] "},
	    {"a\tb\n", "1:[a][b] "},
	    {"a|b\n", "1:[a][b] "},
	    {"only\n", "1:[only] "},
	    {"\n\na\n\n , \nb\n", "3:[a] 6:[b] "}, /* blank lines are no rows, but count */
	    {"\"a,\"\"b\"\"\nc\",d\ne,f\n", "1:[a,\"b\"\nc][d] 3:[e][f] "},
	    {" \"a\" , b \n", "1:[a][b] "},
	    {"a\"b,c\n", "1:[a\"b][c] "},
	    {"a,\"b\n", "1:open_quote "},
	    {"a,\"\"\n", "1:[a][] "},
	    {"a,\xff\nb,c\n", "1:not_utf8 2:[b][c] "},
	    {"\xef\xbb,a\n", "1:not_utf8 "},
	    {"a,b\n,,\nc,\n", "1:[a][b] 3:[c][] "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		for (size_t piece = 1; piece <= 64; piece *= 8) {
			read_rows(all[i].text, strlen(all[i].text), piece);
			assert_string_equal(buf_str(&said), all[i].rows);
			buf_done(&said);
		}
	}
}

static void
test_limits(void **state)
{
	char *text = malloc(2 * CSV_ROW_MAX + 64);
	size_t n = 0;

	(void)state;
	assert_non_null(text);
	memcpy(text, "a,b\n", 4);
	memset(text + 4, 'x', CSV_ROW_MAX + 100);
	memcpy(text + CSV_ROW_MAX + 104, "\nc,d\n", 5);
	read_rows(text, CSV_ROW_MAX + 109, 4096);
	assert_string_equal(buf_str(&said), "1:[a][b] 2:row_too_long 3:[c][d] ");
	buf_done(&said);
	for (size_t i = 0; i < CSV_FIELDS_MAX + 1; i++)
		n += (size_t)snprintf(text + n, 8, "%zu,", i);
	memcpy(text + n, "\nc,d\n", 5);
	read_rows(text, n + 5, 7);
	assert_string_equal(buf_str(&said), "1:too_many_fields 2:[c][d] ");
	buf_done(&said);
	free(text);
}

/* -- people -- */

static bool
on_person(void *arg, const struct person *p)
{
	(void)arg;
	buf_addf(&said, "%u:%s", p->line, p->phone);
	if (p->name != NULL)
		buf_addf(&said, "/%s", p->name);
	for (size_t i = 0; i < p->n_tags; i++)
		buf_addf(&said, "#%s", p->tags[i]);
	for (size_t i = 0; i < p->n_vars; i++)
		buf_addf(&said, " %s=%s", p->var_names[i], p->var_values[i]);
	buf_add_str(&said, "; ");
	return true;
}

static bool
on_bad(void *arg, unsigned line, const char *code, const char *value)
{
	(void)arg;
	buf_addf(&said, "%u!%s(%s); ", line, code, value);
	return true;
}

static void
test_people(void **state)
{
	static const struct people_ops ops = {on_person, on_bad};
	static const struct {
		const char *text, *people;
	} all[] = {
	    {"Nama,No. HP,Kode Promo\nBudi,0812-3456-7890,A1\n,+62 813 1111 2222,\n",
		"2:6281234567890/Budi kode_promo=A1; 3:6281311112222; "},
	    {"phone;name;tags\n081234567890;Siti;\"vip, medan\"\n",
		"2:6281234567890/Siti#vip#medan; "},
	    {"081234567890,Budi,x\n081234567891\n",
		"1:6281234567890/Budi column3=x; 2:6281234567891; "},
	    {"081234567890\n\nnobody\n", "1:6281234567890; 3!invalid_number(nobody); "},
	    {"name,city\nBudi,Medan\n", "1!no_phone_column(name); "},
	    {"phone,name\n,Budi\n", "2!invalid_number(); "},
	    {"phone,x\n081234567890,\"open\n", "2!open_quote(); "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct people p;

		buf_init(&said, 1 << 20);
		people_init(&p, &ops, NULL);
		people_feed(&p, all[i].text, strlen(all[i].text));
		people_end(&p);
		people_done(&p);
		assert_string_equal(buf_str(&said), all[i].people);
		buf_done(&said);
	}
}

static void
test_writing(void **state)
{
	static const char *const all[][2] = {
	    {NULL, ""},
	    {"", ""},
	    {"plain", "plain"},
	    {"a,b", "\"a,b\""},
	    {"say \"x\"", "\"say \"\"x\"\"\""},
	    {"two\nlines", "\"two\nlines\""},
	    {"=1+1", "\"'=1+1\""},
	    {"628123", "628123"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		struct buf out = BUF_INIT(1024);

		csv_add(&out, all[i][0]);
		assert_string_equal(buf_str(&out), all[i][1]);
		buf_done(&out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_people),
	    cmocka_unit_test(test_writing),
	};

	return cmocka_run_group_tests_name("csv", tests, NULL, NULL);
}
