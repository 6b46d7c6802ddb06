/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETags that are known, ranges that count. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "apigw/conditional.h"

static void
parse(const char *method, const char *fields, struct http_head *ret_head)
{
	char text[1024];
	const int n =
	    snprintf(text, sizeof(text), "%s / HTTP/1.1\r\nHost: a\r\n%s\r\n", method, fields);

	assert_int_equal(http_head_parse(text, (size_t)n, ret_head), 0);
}

static void
known(void **state)
{
	static const struct {
		const char *list, *etag;
		bool known;
	} rows[] = {
	    {"\"a\"", "\"a\"", true},
	    {"W/\"a\"", "\"a\"", true},
	    {"\"a\"", "W/\"a\"", true},
	    {"\"b\", \"a\"", "\"a\"", true},
	    {"\"b\",,W/\"a\" ", "\"a\"", true},
	    {"*", "\"a\"", true},
	    {"\"aa\"", "\"a\"", false},
	    {"\"a", "\"a\"", false},
	    {"a", "\"a\"", false},
	    {"w/\"a\"", "\"a\"", false},
	    {"\"b,\"a\"", "\"a\"", false},
	    {"", "\"a\"", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_head head;
		char field[128];

		(void)snprintf(field, sizeof(field), "If-None-Match: %s\r\n", rows[i].list);
		parse("GET", field, &head);
		if (conditional_known(&head, rows[i].etag) != rows[i].known)
			fail_msg("%s of %s", rows[i].etag, rows[i].list);
		http_head_done(&head);
	}
}

static void
known_from_several_fields(void **state)
{
	struct http_head head;

	(void)state;
	parse("GET", "If-None-Match: \"b\"\r\nX: y\r\nif-none-match: W/\"a\"\r\n", &head);
	assert_true(conditional_known(&head, "\"a\""));
	assert_true(conditional_known(&head, "\"b\""));
	assert_false(conditional_known(&head, "\"c\""));
	http_head_done(&head);
}

static void
ranges(void **state)
{
	static const struct {
		const char *method, *fields, *etag;
		int r;
		uint64_t from, len;
	} rows[] = {
	    {"GET", "Range: bytes=0-9\r\n", "\"a\"", 1, 0, 10},
	    {"GET", "Range: bytes=-10\r\n", NULL, 1, 90, 10},
	    {"GET", "Range: bytes=90-\r\nIf-Range: \"a\"\r\n", "\"a\"", 1, 90, 10},
	    {"GET", "Range: bytes=90-\r\nIf-Range: \"b\"\r\n", "\"a\"", 0, 0, 0},
	    {"GET", "Range: bytes=90-\r\nIf-Range: W/\"a\"\r\n", "\"a\"", 0, 0, 0},
	    {"GET", "Range: bytes=90-\r\nIf-Range: \"a\"\r\n", NULL, 0, 0, 0},
	    {"GET", "Range: bytes=100-\r\n", "\"a\"", -1, 0, 0},
	    {"GET", "Range: bytes=0-1,3-4\r\n", "\"a\"", 0, 0, 0},
	    {"GET", "", "\"a\"", 0, 0, 0},
	    {"HEAD", "Range: bytes=0-9\r\n", "\"a\"", 0, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t from = 0, len = 0;
		struct http_head head;

		parse(rows[i].method, rows[i].fields, &head);
		assert_int_equal(
		    conditional_range(&head, rows[i].etag, 100, &from, &len), rows[i].r);
		assert_int_equal(from, rows[i].from);
		assert_int_equal(len, rows[i].len);
		http_head_done(&head);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(known),
	    cmocka_unit_test(known_from_several_fields), cmocka_unit_test(ranges)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
