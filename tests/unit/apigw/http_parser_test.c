/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests that must be refused, requests that must be read, and chunked bodies in pieces of every
 * size. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "apigw/http_parser.h"

#define H "Host: a\r\n"

struct sample {
	const char *why;
	const char *bytes;
	size_t len; /* 0: strlen */
};

static const struct sample refused[] = {
    {"two lengths", "POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 5\r\n\r\n", 0},
    {"the same length twice",
	"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nContent-Length: 3\r\n\r\n", 0},
    {"signed length", "POST / HTTP/1.1\r\n" H "Content-Length: +5\r\n\r\n", 0},
    {"negative length", "POST / HTTP/1.1\r\n" H "Content-Length: -1\r\n\r\n", 0},
    {"hex length", "POST / HTTP/1.1\r\n" H "Content-Length: 0x5\r\n\r\n", 0},
    {"length list", "POST / HTTP/1.1\r\n" H "Content-Length: 5, 5\r\n\r\n", 0},
    {"empty length", "POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", 0},
    {"length over 2^64", "POST / HTTP/1.1\r\n" H "Content-Length: 18446744073709551621\r\n\r\n", 0},
    {"space before colon", "POST / HTTP/1.1\r\n" H "Content-Length : 5\r\n\r\n", 0},
    {"length and coding",
	"POST / HTTP/1.1\r\n" H "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 0},
    {"identity", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: identity\r\n\r\n", 0},
    {"gzip, chunked", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n", 0},
    {"chunked twice",
	"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
	0},
    {"chunked, identity", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, identity\r\n\r\n",
	0},
    {"xchunked", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", 0},
    {"vertical tab in coding", "POST / HTTP/1.1\r\n" H "Transfer-Encoding: \vchunked\r\n\r\n", 0},
    {"coding on 1.0", "POST / HTTP/1.0\r\n" H "Transfer-Encoding: chunked\r\n\r\n", 0},
    {"folded coding", "POST / HTTP/1.1\r\n" H "Transfer-Encoding:\r\n chunked\r\n\r\n", 0},
    {"folded value", "GET / HTTP/1.1\r\n" H "X: a\r\n b\r\n\r\n", 0},
    {"space before the first field", "GET / HTTP/1.1\r\n " H "\r\n", 0},
    {"bare LF", "GET / HTTP/1.1\n" H "\r\n", 0},
    {"bare LF in fields", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 0},
    {"bare CR", "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n", 0},
    {"NUL in a value", "GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n",
	sizeof("GET / HTTP/1.1\r\n" H "X: a\0b\r\n\r\n") - 1},
    {"NUL in the target", "GET /\0 HTTP/1.1\r\n" H "\r\n",
	sizeof("GET /\0 HTTP/1.1\r\n" H "\r\n") - 1},
    {"control in a value", "GET / HTTP/1.1\r\n" H "X: a\001b\r\n\r\n", 0},
    {"no Host", "GET / HTTP/1.1\r\n\r\n", 0},
    {"empty Host on 1.0", "GET / HTTP/1.0\r\nHost:\r\n\r\n", 0},
    {"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 0},
    {"two Hosts", "GET / HTTP/1.1\r\n" H "Host: b\r\n\r\n", 0},
    {"Host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 0},
    {"Host with user", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 0},
    {"empty name", "GET / HTTP/1.1\r\n" H ": x\r\n\r\n", 0},
    {"no colon", "GET / HTTP/1.1\r\n" H "abc\r\n\r\n", 0},
    {"name with a space", "GET / HTTP/1.1\r\n" H "A B: x\r\n\r\n", 0},
    {"name with a bracket", "GET / HTTP/1.1\r\n" H "A(: x\r\n\r\n", 0},
    {"name in 8 bits", "GET / HTTP/1.1\r\n" H "\xc3\xa4: x\r\n\r\n", 0},
    {"space in the target", "GET /a b HTTP/1.1\r\n" H "\r\n", 0},
    {"8 bits in the target", "GET /\xc3\xa4 HTTP/1.1\r\n" H "\r\n", 0},
    {"fragment", "GET /#a HTTP/1.1\r\n" H "\r\n", 0},
    {"half an escape", "GET /%4 HTTP/1.1\r\n" H "\r\n", 0},
    {"absolute form", "GET http://a/ HTTP/1.1\r\n" H "\r\n", 0},
    {"authority form", "CONNECT a:80 HTTP/1.1\r\n" H "\r\n", 0},
    {"asterisk form", "OPTIONS * HTTP/1.1\r\n" H "\r\n", 0},
    {"no target", "GET HTTP/1.1\r\n" H "\r\n", 0},
    {"two spaces", "GET  / HTTP/1.1\r\n" H "\r\n", 0},
    {"tab between", "GET\t/ HTTP/1.1\r\n" H "\r\n", 0},
    {"trailing space", "GET / HTTP/1.1 \r\n" H "\r\n", 0},
    {"lower-case method", "get / HTTP/1.1\r\n" H "\r\n", 0},
    {"no method", " / HTTP/1.1\r\n" H "\r\n", 0},
    {"HTTP/2.0", "GET / HTTP/2.0\r\n" H "\r\n", 0},
    {"HTTP/1.2", "GET / HTTP/1.2\r\n" H "\r\n", 0},
    {"HTTP/0.9", "GET /\r\n\r\n", 0},
    {"HTTP/01.1", "GET / HTTP/01.1\r\n" H "\r\n", 0},
    {"lower-case version", "GET / http/1.1\r\n" H "\r\n", 0},
    {"empty line first", "\r\nGET / HTTP/1.1\r\n" H "\r\n", 0},
    {"two tokens",
	"GET / HTTP/1.1\r\n" H "Authorization: Bearer a\r\nAuthorization: Bearer b\r\n\r\n", 0},
    {"unknown expectation", "GET / HTTP/1.1\r\n" H "Expect: 200-ok\r\n\r\n", 0},
};

/* -1 refused, else the head's length */
static int
read_head(const char *bytes, size_t len, struct http_head *ret_head)
{
	size_t offset = 0;
	int n = http_head_scan(bytes, len, &offset);

	if (n <= 0)
		return n < 0 ? -1 : 0;
	return http_head_parse(bytes, (size_t)n, ret_head) < 0 ? -1 : n;
}

static void
refuses(void **state)
{
	struct http_head h;

	(void)state;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		const struct sample *s = &refused[i];

		if (read_head(s->bytes, s->len > 0 ? s->len : strlen(s->bytes), &h) != -1)
			fail_msg("taken: %s", s->why);
	}
}

static void
reads(void **state)
{
	static const char text[] =
	    "POST /api/x?limit=3&q=a%20b HTTP/1.1\r\nhost: [::1]:3000\r\nX-Empty:\r\n"
	    "Content-Length: \t12 \r\nExpect: 100-Continue\r\nX-Eight: \xc3\xa4\r\n\r\nrest";
	struct http_head h;

	(void)state;
	assert_int_equal(read_head(text, sizeof(text) - 1, &h), sizeof(text) - 5);
	assert_string_equal(h.method, "POST");
	assert_string_equal(h.path, "/api/x");
	assert_string_equal(h.query, "limit=3&q=a%20b");
	assert_string_equal(h.host, "[::1]:3000");
	assert_string_equal(http_head_get(&h, "x-empty"), "");
	assert_null(http_head_get(&h, "x-other"));
	assert_int_equal(h.length, 12);
	assert_true(h.keep_alive && h.expect_continue && !h.chunked);
	http_head_done(&h);
}

static void
keeps_alive(void **state)
{
	static const struct {
		const char *text;
		bool alive;
	} rows[] = {
	    {"GET / HTTP/1.1\r\n" H "\r\n", true},
	    {"GET / HTTP/1.1\r\n" H "Connection: foo, Close\r\n\r\n", false},
	    {"GET / HTTP/1.0\r\n" H "\r\n", false},
	    {"GET / HTTP/1.0\r\n\r\n", false},
	    {"GET / HTTP/1.0\r\n" H "Connection: keep-alive\r\n\r\n", true},
	    {"GET / HTTP/1.1\r\n" H "Connection: closed\r\n\r\n", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_head h;

		assert_true(read_head(rows[i].text, strlen(rows[i].text), &h) > 0);
		assert_int_equal(h.keep_alive, rows[i].alive);
		http_head_done(&h);
	}
}

static void
waits_for_all(void **state)
{
	static const char text[] = "GET / HTTP/1.1\r\n" H "\r\n";
	size_t offset = 0, n = sizeof(text) - 1;

	(void)state;
	for (size_t len = 0; len < n; len++)
		assert_int_equal(http_head_scan(text, len, &offset), 0);
	assert_int_equal(http_head_scan(text, n, &offset), n);
}

static void
limits_fields(void **state)
{
	struct buf b = BUF_INIT(100000);
	struct http_head h;

	(void)state;
	buf_add_str(&b, "GET / HTTP/1.1\r\n" H);
	for (int i = 0; i < HTTP_FIELDS_MAX; i++)
		buf_add_str(&b, "X: y\r\n");
	buf_add_str(&b, "\r\n");
	assert_int_equal(http_head_parse((char *)b.data, b.len, &h), -1);
	buf_done(&b);
}

static void
chunks_refused(void **state)
{
	static const char *const bad[] = {
	    "0x3\r\nabc\r\n0\r\n\r\n",
	    "+3\r\nabc\r\n0\r\n\r\n",
	    " 3\r\nabc\r\n0\r\n\r\n",
	    "-3\r\nabc\r\n",
	    "3 \r\nabc\r\n",
	    "\r\nabc",
	    "3\nabc\r\n",
	    "3\r\nabcd\r\n",
	    "3\r\nabc\n0\r\n\r\n",
	    "3\r\nabcX\n",
	    "123456789\r\n",
	    "ffffffffffffffff\r\n",
	    "3;a\nabc\r\n",
	    "0\r\nBad Name: x\r\n\r\n",
	    "0\r\n folded\r\n\r\n",
	    "0\r\nA: b\n\r\n",
	    "0\r\nA: b\rc\r\n\r\n",
	    "g\r\n",
	    "3\rXabc",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct http_chunks c = {0};
		struct buf out = BUF_INIT(100);

		if (http_chunks_take(&c, bad[i], strlen(bad[i]), &out) >= 0)
			fail_msg("taken: %s", bad[i]);
		buf_done(&out);
	}
}

static void
chunks_in_pieces(void **state)
{
	static const char text[] =
	    "5;ext=\"v\"\r\nhello\r\n00A\r\n 0123456\r\n\r\n0\r\nTrailer: x\r\n\r\nNEXT";
	const size_t body = sizeof(text) - 5;

	(void)state;
	for (size_t step = 1; step < sizeof(text); step++) {
		struct http_chunks c = {0};
		struct buf out = BUF_INIT(100);
		size_t at = 0;

		while (c.state != CHUNK_DONE) {
			size_t n = sizeof(text) - 1 - at < step ? sizeof(text) - 1 - at : step;
			ssize_t took = http_chunks_take(&c, text + at, n, &out);

			assert_true(took > 0);
			at += (size_t)took;
		}
		assert_int_equal(at, body);
		assert_int_equal(out.len, 15);
		assert_memory_equal(out.data, "hello 0123456\r\n", 15);
		buf_done(&out);
	}
}

static void
endless_trailer(void **state)
{
	struct http_chunks c = {0};
	struct buf out = BUF_INIT(100);
	bool refused_it = false;

	(void)state;
	assert_int_equal(http_chunks_take(&c, "0\r\n", 3, &out), 3);
	for (int i = 0; i < 10000 && !refused_it; i++)
		refused_it = http_chunks_take(&c, "A: b\r\n", 6, &out) < 0;
	assert_true(refused_it);
	buf_done(&out);
}

static void
queries(void **state)
{
	char v[8];

	(void)state;
	assert_int_equal(http_query_get("a=1&bb=x%2Fy+z&c", "bb", v, sizeof(v)), 1);
	assert_string_equal(v, "x/y z");
	assert_int_equal(http_query_get("abb=1", "bb", v, sizeof(v)), 0);
	assert_int_equal(http_query_get("a=1", "b", v, sizeof(v)), 0);
	assert_int_equal(http_query_get("a=%00", "a", v, sizeof(v)), -1);
	assert_int_equal(http_query_get("a=12345678", "a", v, sizeof(v)), -1);
	assert_int_equal(http_query_get("a=1234567", "a", v, sizeof(v)), 1);
	assert_int_equal(http_query_decode("%4", 2, v, sizeof(v)), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(refuses),
	    cmocka_unit_test(reads),
	    cmocka_unit_test(keeps_alive),
	    cmocka_unit_test(waits_for_all),
	    cmocka_unit_test(limits_fields),
	    cmocka_unit_test(chunks_refused),
	    cmocka_unit_test(chunks_in_pieces),
	    cmocka_unit_test(endless_trailer),
	    cmocka_unit_test(queries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
