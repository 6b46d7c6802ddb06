/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where tokens are found, which origins are ours, and what addresses a range holds. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "common/address.h"
#include "apigw/session_cookie.h"

static void
head_of(const char *lines, struct http_head *ret)
{
	struct buf b = BUF_INIT(10000);

	buf_addf(&b, "POST / HTTP/1.1\r\nHost: shop.example:3000\r\n%s\r\n", lines);
	assert_int_equal(http_head_parse((char *)b.data, b.len, ret), 0);
	buf_done(&b);
}

static void
credentials(void **state)
{
	static const struct {
		const char *lines;
		enum credential kind;
		const char *token;
	} rows[] = {
	    {"", CREDENTIAL_NONE, ""},
	    {"Authorization: Bearer abc\r\n", CREDENTIAL_TOKEN, "abc"},
	    {"Authorization: bearer  abc\r\n", CREDENTIAL_TOKEN, "abc"},
	    {"Authorization: Basic abc\r\nCookie: waconn_session=x\r\n", CREDENTIAL_NONE, ""},
	    {"Authorization: Bearer\r\n", CREDENTIAL_NONE, ""},
	    {"Authorization: Bearer a b\r\n", CREDENTIAL_NONE, ""},
	    {"X-Api-Key: k1\r\nCookie: waconn_session=x\r\n", CREDENTIAL_TOKEN, "k1"},
	    {"Authorization: Bearer abc\r\nX-Api-Key: k1\r\n", CREDENTIAL_TOKEN, "abc"},
	    {"Cookie: a=b; waconn_session=tok; c=d\r\n", CREDENTIAL_COOKIE, "tok"},
	    {"Cookie: xwaconn_session=tok\r\n", CREDENTIAL_NONE, ""},
	    {"Cookie: waconn_session=\r\n", CREDENTIAL_NONE, ""},
	    {"Cookie: waconn_session=a\"b\r\n", CREDENTIAL_NONE, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char token[SESSION_TOKEN_MAX + 1] = "";
		struct http_head h;

		head_of(rows[i].lines, &h);
		assert_int_equal(session_credential(&h, token), rows[i].kind);
		assert_string_equal(token, rows[i].token);
		http_head_done(&h);
	}
}

static void
origins(void **state)
{
	static const struct {
		const char *lines;
		bool https, same;
	} rows[] = {
	    {"Origin: http://shop.example:3000\r\n", false, true},
	    {"Origin: HTTP://Shop.Example:3000\r\n", false, true},
	    {"Origin: https://shop.example:3000\r\n", false, false},
	    {"Origin: https://shop.example:3000\r\n", true, true},
	    {"Origin: http://shop.example\r\n", false, false},
	    {"Origin: http://shop.example:3000.evil.example\r\n", false, false},
	    {"Origin: null\r\n", false, false},
	    {"Referer: http://shop.example:3000/x\r\n", false, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_head h;

		head_of(rows[i].lines, &h);
		assert_int_equal(session_same_origin(&h, rows[i].https), rows[i].same);
		http_head_done(&h);
	}
}

static void
cookies(void **state)
{
	struct buf b = BUF_INIT(1000);

	(void)state;
	session_cookie_set(&b, "tok", 60, true);
	assert_string_equal(buf_str(&b), "Set-Cookie: waconn_session=tok; Path=/; HttpOnly; "
					 "SameSite=Strict; Max-Age=60; Secure\r\n");
	buf_reset(&b);
	session_cookie_clear(&b, false);
	assert_string_equal(buf_str(&b),
	    "Set-Cookie: waconn_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0\r\n");
	buf_done(&b);
}

static void
ranges(void **state)
{
	static const struct {
		const char *range, *address;
		int in; /* -1: no range */
	} rows[] = {
	    {"10.0.0.0/8", "10.255.1.2", 1},
	    {"10.0.0.0/8", "11.0.0.1", 0},
	    {"10.0.0.128/25", "10.0.0.127", 0},
	    {"10.0.0.128/25", "10.0.0.200", 1},
	    {"127.0.0.1", "127.0.0.1", 1},
	    {"127.0.0.1", "127.0.0.2", 0},
	    {"0.0.0.0/0", "9.9.9.9", 1},
	    {"0.0.0.0/0", "::1", 0},
	    {"fd00::/8", "fd12::1", 1},
	    {"::1", "::1", 1},
	    {"10.0.0.0/33", "", -1},
	    {"10.0.0.0/", "", -1},
	    {"10.0.0.0/+8", "", -1},
	    {"host", "", -1},
	    {"10.0.0.0/8", "nonsense", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct address_range r;

		assert_int_equal(address_range_parse(rows[i].range, &r), rows[i].in < 0 ? -1 : 0);
		if (rows[i].in >= 0)
			assert_int_equal(address_in_range(rows[i].address, &r), rows[i].in);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(credentials),
	    cmocka_unit_test(origins),
	    cmocka_unit_test(cookies),
	    cmocka_unit_test(ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
