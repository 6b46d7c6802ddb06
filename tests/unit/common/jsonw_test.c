/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/cmocka_all.h"

#include <jansson.h>
#include <math.h>
#include <string.h>

#include "common/jsonw.h"

static void
test_document(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct jsonw j;

	(void)state;
	jsonw_init(&j, &b);
	jsonw_object(&j, NULL);
	jsonw_bool(&j, "yes", true);
	jsonw_int(&j, "n", -42);
	jsonw_real(&j, "half", 0.5);
	jsonw_real(&j, "nan", NAN);
	jsonw_array(&j, "list");
	jsonw_str(&j, NULL, "a");
	jsonw_object(&j, NULL);
	jsonw_object_end(&j);
	jsonw_str(&j, NULL, NULL);
	jsonw_array_end(&j);
	jsonw_time(&j, "at", 1761388200999);
	jsonw_time(&j, "never", 0);
	jsonw_raw(&j, "raw", "[1]", 3);
	jsonw_object_end(&j);
	assert_string_equal(buf_str(&b),
	    "{\"yes\":true,\"n\":-42,\"half\":0.5,\"nan\":null,\"list\":[\"a\",{},null],"
	    "\"at\":\"2025-10-25T10:30:00Z\",\"never\":null,\"raw\":[1]}");
	buf_done(&b);
}

/* Whatever the bytes, the result is valid JSON; valid UTF-8 comes back as it went in. */
static void
test_strings(void **state)
{
	static const struct {
		const char *in, *out;
	} cases[] = {
	    {"plain", "plain"},
	    {"q\" b\\ t\t n\n r\r c\x01 d\x7f", "q\" b\\ t\t n\n r\r c\x01 d\x7f"},
	    {"Halo Kak Budi 👋 – selesai", "Halo Kak Budi 👋 – selesai"},
	    {"\xff", "\xef\xbf\xbd"},
	    {"a\xc0\x80z", "a\xef\xbf\xbd\xef\xbf\xbdz"},	      /* overlong NUL */
	    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* lone surrogate */
	    {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	    {"cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf b = BUF_INIT(4096);
		struct jsonw j;
		json_error_t err;
		json_t *parsed;

		jsonw_init(&j, &b);
		jsonw_array(&j, NULL);
		jsonw_str(&j, NULL, cases[i].in);
		jsonw_array_end(&j);
		parsed = json_loads(buf_str(&b), 0, &err);
		if (parsed == NULL)
			fail_msg("case %zu: %s in %s", i, err.text, buf_str(&b));
		assert_string_equal(json_string_value(json_array_get(parsed, 0)), cases[i].out);
		json_decref(parsed);
		buf_done(&b);
	}
}

static void
test_overflow(void **state)
{
	struct buf b = BUF_INIT(8);
	struct jsonw j;

	(void)state;
	jsonw_init(&j, &b);
	jsonw_str(&j, NULL, "longer than eight bytes");
	assert_false(buf_ok(&b));
	assert_true(b.len <= 8);
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_document),
	    cmocka_unit_test(test_strings),
	    cmocka_unit_test(test_overflow),
	};

	return cmocka_run_group_tests_name("jsonw", tests, NULL, NULL);
}
