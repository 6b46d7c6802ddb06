/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests as bytes: malformed, too long, in pieces, several at once, cut off. */
#include "tests/unit/apigw/gateway_world.h"

static void
ready(void **state)
{
	(void)state;
	await_daemon();
}

static void
raw_probes(void **state)
{
	(void)state;
	EXPECT("GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ", "Connection: close",
	    "\"code\":\"bad_request\"", "\"requestId\":\"req_");
	EXPECT("GET / HTTP/1.1\nHost: a\n\n", "HTTP/1.1 400 ");
	EXPECT("POST /api/blasts HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n\r\n0x3\r\n",
	    "HTTP/1.1 400 ");
	EXPECT("POST /api/blasts HTTP/1.1\r\n" H "Content-Length: 65537\r\n\r\n", "HTTP/1.1 413 ",
	    "payload_too_large");
	EXPECT("POST /api/blasts HTTP/1.1\r\n" H "Content-Length: 18446744073709551621\r\n\r\n",
	    "HTTP/1.1 400 ");
}

static void
large_head(void **state)
{
	struct buf b = BUF_INIT(100000);

	(void)state;
	buf_add_str(&b, "GET / HTTP/1.1\r\n" H "X: ");
	for (int i = 0; i < HTTP_HEAD_MAX; i++)
		buf_add_str(&b, "a");
	EXPECT(buf_str(&b), "HTTP/1.1 431 ", "headers_too_large");
	buf_done(&b);
}

static void
large_chunked(void **state)
{
	struct buf b = BUF_INIT(1u << 20);

	(void)state;
	buf_add_str(
	    &b, "POST /api/blasts HTTP/1.1\r\n" H AUTH "Transfer-Encoding: chunked\r\n\r\n");
	for (int i = 0; i < 70; i++)
		buf_addf(&b, "400\r\n%01024d\r\n", 0);
	EXPECT(buf_str(&b), "HTTP/1.1 413 ");
	buf_done(&b);
}

static void
pipelined(void **state)
{
	char *text =
	    talk("GET /healthz HTTP/1.1\r\n" H "\r\nGET /api/auth/me HTTP/1.1\r\n" H AUTH "\r\n"
		 "POST /api/auth/login HTTP/1.1\r\n" H
		 "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
		 "5\r\n{\"a\":\r\n2\r\n1}\r\n0\r\n\r\nGET /nope HTTP/1.1\r\n" H CLOSE "\r\n");
	const char *p = text;
	static const char *const statuses[] = {
	    "HTTP/1.1 200 ", "HTTP/1.1 200 ", "HTTP/1.1 422 ", "HTTP/1.1 404 "};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		has(p, statuses[i]);
		p = strstr(p, statuses[i]) + 1;
	}
	free(text);
}

static void
byte_by_byte(void **state)
{
	static const char text[] = "POST /api/auth/login HTTP/1.1\r\n" H CLOSE
				   "Content-Type: application/json\r\nContent-Length: 34\r\n\r\n"
				   "{\"username\":\"ana\",\"password\":\"pw\"}";
	struct buf b = BUF_INIT(ANSWER_MAX);
	int fd = dial();

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++)
		assert_int_equal(send(fd, text + i, 1, MSG_NOSIGNAL), 1);
	hear(fd, &b, NULL);
	has(buf_str(&b), "HTTP/1.1 200 ");
	has(buf_str(&b),
	    "Set-Cookie: waconn_session=session1; Path=/; HttpOnly; SameSite=Strict; Max-Age=3");
	buf_done(&b);
	(void)close(fd);
}

/* Who has said all may still listen: each request is answered, then the connection ends. */
static void
half_closed(void **state)
{
	struct buf b = BUF_INIT(ANSWER_MAX);
	int fd = dial();
	const char *second;

	(void)state;
	say(fd, "GET /api/auth/me HTTP/1.1\r\n" H AUTH "\r\nGET /healthz HTTP/1.1\r\n" H
		"\r\nGET /cut");
	assert_int_equal(shutdown(fd, SHUT_WR), 0);
	hear(fd, &b, NULL);
	has(buf_str(&b), "HTTP/1.1 200 ");
	has(buf_str(&b), "\"token\":\"secret1\"");
	second = strstr(buf_str(&b) + 1, "HTTP/1.1 200 ");
	assert_non_null(second);
	assert_null(strstr(second + 1, "HTTP/1.1 "));
	buf_done(&b);
	(void)close(fd);
}

static void
dated(void **state)
{
	(void)state;
	EXPECT("GET /healthz HTTP/1.1\r\n" H CLOSE "\r\n", "\r\nDate: ", " GMT\r\n");
}

static void
continues(void **state)
{
	struct buf b = BUF_INIT(ANSWER_MAX);
	int fd = dial();

	(void)state;
	say(fd,
	    "POST /api/auth/login HTTP/1.1\r\n" H CLOSE
	    "Expect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n");
	hear(fd, &b, "100 Continue\r\n\r\n");
	say(fd, "{}");
	hear(fd, &b, NULL);
	has(buf_str(&b), "HTTP/1.1 422 ");
	buf_done(&b);
	(void)close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ready),
	    cmocka_unit_test(raw_probes),
	    cmocka_unit_test(large_head),
	    cmocka_unit_test(large_chunked),
	    cmocka_unit_test(pipelined),
	    cmocka_unit_test(byte_by_byte),
	    cmocka_unit_test(continues),
	    cmocka_unit_test(half_closed),
	    cmocka_unit_test(dated),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
