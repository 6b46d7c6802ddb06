/* SPDX-License-Identifier: GPL-3.0-or-later */
/* JSON bodies: what is refused, which fields are named, and times. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "apigw/body.h"

struct target {
	char *name;
	int flag, has_flag, has_count, has_ratio, has_when;
	uint32_t count;
	double ratio;
	int64_t when;
	json_t *any;
};

#define AT(f) offsetof(struct target, f)

static const struct body_field fields[] = {
    {"name", BODY_STRING, true, 1, 5, AT(name), 0},
    {"flag", BODY_BOOL, false, 0, 0, AT(flag), AT(has_flag)},
    {"count", BODY_UINT, false, 1, 10, AT(count), AT(has_count)},
    {"ratio", BODY_REAL, false, 0, 1, AT(ratio), AT(has_ratio)},
    {"when", BODY_TIME, false, 0, 0, AT(when), AT(has_when)},
    {"any", BODY_ANY, false, 0, 0, AT(any), 0},
    {0},
};

static void
not_json(void **state)
{
	static const char *const bad[] = {"", "{", "{}x", "{\"a\":1,\"a\":2}", "\xff",
	    "{\"a\":\"\xc3\"}", "{'a':1}", "[1,]", "NaN", "{\"a\":\"\\u0000\"}",
	    "[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct body b = {0};

		if (body_parse(&b, bad[i], strlen(bad[i])) == 0)
			fail_msg("taken: %s", bad[i]);
		body_done(&b);
	}
}

static void
named(void **state)
{
	static const struct {
		const char *text, *field, *code;
	} rows[] = {
	    {"{}", "p.name", "required"},
	    {"{\"name\":null}", "p.name", "required"},
	    {"{\"name\":\"\"}", "p.name", "too_short"},
	    {"{\"name\":\"123456\"}", "p.name", "too_long"},
	    {"{\"name\":5}", "p.name", "wrong_type"},
	    {"{\"name\":\"a\",\"flag\":1}", "p.flag", "wrong_type"},
	    {"{\"name\":\"a\",\"count\":0}", "p.count", "out_of_range"},
	    {"{\"name\":\"a\",\"count\":11}", "p.count", "out_of_range"},
	    {"{\"name\":\"a\",\"count\":-1}", "p.count", "out_of_range"},
	    {"{\"name\":\"a\",\"count\":1.0}", "p.count", "wrong_type"},
	    {"{\"name\":\"a\",\"ratio\":1.5}", "p.ratio", "out_of_range"},
	    {"{\"name\":\"a\",\"ratio\":\"1\"}", "p.ratio", "wrong_type"},
	    {"{\"name\":\"a\",\"when\":\"yesterday\"}", "p.when", "not_a_time"},
	    {"{\"name\":\"a\",\"other\":1}", "p.other", "unknown_field"},
	    {"[]", "p", "wrong_type"},
	    {"7", "p", "wrong_type"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct body b = {0};
		struct target t = {0};

		assert_int_equal(body_parse(&b, rows[i].text, strlen(rows[i].text)), 0);
		body_read(&b, "p", b.root, fields, &t);
		assert_int_equal(b.n_errors, 1);
		assert_string_equal(b.errors[0].field, rows[i].field);
		assert_string_equal(b.errors[0].code, rows[i].code);
		body_done(&b);
	}
}

static void
good(void **state)
{
	static const char text[] = "{\"name\":\"abc\",\"flag\":false,\"count\":10,\"ratio\":1,"
				   "\"when\":\"2025-10-25T10:30:00Z\",\"any\":[1]}";
	struct body b = {0};
	struct target t = {.flag = 1};

	(void)state;
	assert_int_equal(body_parse(&b, text, strlen(text)), 0);
	body_read(&b, "", b.root, fields, &t);
	assert_int_equal(b.n_errors, 0);
	assert_string_equal(t.name, "abc");
	assert_true(t.has_flag && !t.flag);
	assert_int_equal(t.count, 10);
	assert_true(t.has_ratio && t.ratio > 0.99);
	assert_int_equal(t.when, 1761388200000);
	assert_int_equal(json_array_size(t.any), 1);
	body_done(&b);
}

static void
errors_are_bounded(void **state)
{
	struct body b = {0};

	(void)state;
	for (int i = 0; i < 3 * BODY_ERRORS_MAX; i++)
		body_error(&b, "a", "b", "c", "d");
	assert_int_equal(b.n_errors, BODY_ERRORS_MAX);
	body_done(&b);
}

static void
times(void **state)
{
	static const struct {
		const char *text;
		int64_t ms; /* -1: refused */
	} rows[] = {
	    {"1970-01-01T00:00:01Z", 1000},
	    {"1970-01-01T07:00:01+07:00", 1000},
	    {"1969-12-31T23:30:00-00:30", 0},
	    {"1970-01-01t00:00:00.25z", 250},
	    {"1970-01-01T00:00:00.123456Z", 123},
	    {"2024-02-29T00:00:00Z", 1709164800000},
	    {"2023-02-29T00:00:00Z", -1},
	    {"2025-13-01T00:00:00Z", -1},
	    {"2025-10-25T24:00:00Z", -1},
	    {"2025-10-25T10:30:00", -1},
	    {"2025-10-25", -1},
	    {"2025-10-25T10:30:00Zx", -1},
	    {"2025-10-25T10:30:00+0700", -1},
	    {"2025-10-25T10:30:00.Z", -1},
	    {"", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t ms = -1;

		assert_int_equal(body_time(rows[i].text, &ms), rows[i].ms < 0 ? -1 : 0);
		assert_int_equal(ms, rows[i].ms);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(not_json),
	    cmocka_unit_test(named),
	    cmocka_unit_test(good),
	    cmocka_unit_test(errors_are_bounded),
	    cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
