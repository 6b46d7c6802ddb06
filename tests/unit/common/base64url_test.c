/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base64url: RFC 4648's examples without padding, all lengths there and back, what is refused. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "common/base64url.h"

static void
test_known(void **state)
{
	static const struct {
		const char *plain, *text;
	} rows[] = {{"", ""}, {"f", "Zg"}, {"fo", "Zm8"}, {"foo", "Zm9v"}, {"foob", "Zm9vYg"},
	    {"fooba", "Zm9vYmE"}, {"foobar", "Zm9vYmFy"}, {"\xfb\xff\xbf", "-_-_"}};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf text = BUF_INIT(64), plain = BUF_INIT(64);

		base64url_add(&text, rows[i].plain, strlen(rows[i].plain));
		assert_string_equal(buf_str(&text), rows[i].text);
		assert_int_equal(base64url_decode(rows[i].text, &plain), 0);
		assert_string_equal(buf_str(&plain), rows[i].plain);
		buf_done(&text);
		buf_done(&plain);
	}
}

static void
test_there_and_back(void **state)
{
	uint8_t bytes[67];

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 151 + 7);
	for (size_t len = 0; len <= sizeof(bytes); len++) {
		struct buf text = BUF_INIT(256), plain = BUF_INIT(256);

		base64url_add(&text, bytes, len);
		assert_int_equal(base64url_decode(buf_str(&text), &plain), 0);
		assert_int_equal(plain.len, len);
		assert_memory_equal(buf_str(&plain), bytes, len);
		buf_done(&text);
		buf_done(&plain);
	}
}

static void
test_refused(void **state)
{
	static const char *const rows[] = {
	    "A", "Zg==", "Zh", "Zm9", "Zm 9v", "Zm+v", "Zm/v", "Zm9v\n", "Zm9vA"};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf plain = BUF_INIT(64);

		assert_int_equal(base64url_decode(rows[i], &plain), -1);
		buf_done(&plain);
	}
}

static void
test_too_long(void **state)
{
	struct buf plain = BUF_INIT(2);

	(void)state;
	assert_int_equal(base64url_decode("Zm9v", &plain), 0);
	assert_false(buf_ok(&plain));
	buf_done(&plain);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_known),
	    cmocka_unit_test(test_there_and_back),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
