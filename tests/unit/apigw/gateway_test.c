/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the gateway makes of whole requests: credentials, bodies, answers of the daemon, pages. */
#include "tests/unit/apigw/gateway_world.h"

static void
ready(void **state)
{
	(void)state;
	await_daemon();
}

#define POST_LOGIN(type, length, body)                                    \
	"POST /api/auth/login HTTP/1.1\r\n" H CLOSE "Content-Type: " type \
	"\r\nContent-Length: " length "\r\n\r\n" body

static void
bodies(void **state)
{
	(void)state;
	EXPECT(POST_LOGIN("text/plain", "2", "{}"), "HTTP/1.1 415 ", "unsupported_media_type");
	EXPECT(POST_LOGIN("application/json", "1", "{"), "HTTP/1.1 400 ", "invalid_json");
	EXPECT(POST_LOGIN("application/json", "0", ""), "HTTP/1.1 400 ", "invalid_json");
	EXPECT("POST /api/outlets/o/connect HTTP/1.1\r\n" H CLOSE AUTH "\r\n", "HTTP/1.1 200 ",
	    "\"method\":\"qr\"");
	EXPECT("POST /api/outlets/o/connect HTTP/1.1\r\n" H CLOSE AUTH
	       "Content-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"method\":\"code\"}",
	    "HTTP/1.1 200 ", "\"method\":\"code\"");
	EXPECT("POST /api/outlets/o/connect HTTP/1.1\r\n" H CLOSE AUTH
	       "Content-Type: application/json\r\nContent-Length: 17\r\n\r\n{\"method\":\"wire\"}",
	    "HTTP/1.1 422 ", "\"field\":\"method\"");
	EXPECT(POST_LOGIN("application/json; charset=utf-8", "15", "{\"username\":12}"),
	    "HTTP/1.1 422 ", "\"errors\":[{\"field\":\"username\",\"code\":\"wrong_type\"",
	    "{\"field\":\"password\",\"code\":\"required\"");
	EXPECT(POST_LOGIN("application/json", "33", "{\"username\":\"ana\",\"password\":\"x\"}"),
	    "HTTP/1.1 401 ", "WWW-Authenticate: Bearer", "login_failed");
}

static void
credentials(void **state)
{
	(void)state;
	EXPECT("GET /api/auth/me HTTP/1.1\r\n" H CLOSE "\r\n", "HTTP/1.1 401 ",
	    "WWW-Authenticate: Bearer", "\"code\":\"unauthenticated\"");
	EXPECT("GET /api/auth/me?token=secret1 HTTP/1.1\r\n" H CLOSE "\r\n", "HTTP/1.1 401 ");
	EXPECT("GET /api/auth/me HTTP/1.1\r\n" H CLOSE AUTH "\r\n", "HTTP/1.1 200 ",
	    "\"token\":\"secret1\"", "Cache-Control: private, no-cache", "ETag: \"");
	EXPECT("GET /api/auth/me HTTP/1.1\r\n" H CLOSE "X-Api-Key: k\r\n\r\n", "\"token\":\"k\"");
	EXPECT("GET /api/auth/me HTTP/1.1\r\n" H CLOSE "Cookie: waconn_session=c\r\n\r\n",
	    "\"token\":\"c\"");
	EXPECT("POST /api/auth/logout HTTP/1.1\r\n" H CLOSE "Cookie: waconn_session=c\r\n\r\n",
	    "HTTP/1.1 403 ", "origin_mismatch");
	EXPECT("POST /api/auth/logout HTTP/1.1\r\n" H CLOSE
	       "Cookie: waconn_session=c\r\nOrigin: http://evil.test\r\n\r\n",
	    "HTTP/1.1 403 ");
	EXPECT("POST /api/auth/logout HTTP/1.1\r\n" H CLOSE
	       "Cookie: waconn_session=c\r\nOrigin: http://gw.test\r\n\r\n",
	    "HTTP/1.1 200 ",
	    "Set-Cookie: waconn_session=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0\r\n");
	EXPECT("POST /api/auth/logout HTTP/1.1\r\n" H CLOSE
	       "X-Forwarded-Proto: https\r\nCookie: waconn_session=c\r\nOrigin: "
	       "https://gw.test\r\n\r\n",
	    "HTTP/1.1 200 ", "; Secure\r\n");
}

static void
identity(void **state)
{
	(void)state;
	EXPECT("GET /api/auth/me HTTP/1.1\r\n" H CLOSE AUTH
	       "X-Request-Id: client-id.1\r\nX-Forwarded-For: 6.6.6.6, 9.9.9.9, 10.1.1.1\r\n\r\n",
	    "X-Request-Id: client-id.1\r\n", "\"requestId\":\"client-id.1\"",
	    "\"remote\":\"9.9.9.9\"");
	EXPECT("GET /api/auth/me HTTP/1.1\r\n" H CLOSE AUTH
	       "X-Request-Id: a\"b c d e f\r\nX-Forwarded-For: junk\r\n\r\n",
	    "X-Request-Id: req_", "\"remote\":\"127.0.0.1\"");
}

static void
status_etag(void **state)
{
	(void)state;
	EXPECT("GET /api/outlets/status HTTP/1.1\r\n" H CLOSE AUTH "\r\n", "HTTP/1.1 200 ",
	    "ETag: \"v1\"\r\n", "{\"success\":true,\"count\":0}");
	EXPECT("GET /api/outlets/status HTTP/1.1\r\n" H CLOSE AUTH "If-None-Match: \"v1\"\r\n\r\n",
	    "HTTP/1.1 304 ", "ETag: \"v1\"\r\n");
	EXPECT("GET /api/outlets/status?limit=0&healthy=yes HTTP/1.1\r\n" H CLOSE AUTH "\r\n",
	    "HTTP/1.1 422 ", "\"field\":\"limit\"", "\"field\":\"healthy\"");
}

static void
qr(void **state)
{
	(void)state;
	EXPECT("GET /api/outlets/o/qr HTTP/1.1\r\n" H CLOSE AUTH "\r\n",
	    "Content-Type: application/json\r\n", "\"qr\":\"2@abc\"", "Cache-Control: no-store");
	EXPECT("GET /api/outlets/o/qr HTTP/1.1\r\n" H CLOSE AUTH "Accept: image/svg+xml\r\n\r\n",
	    "Content-Type: image/svg+xml\r\n", "<svg ");
	EXPECT("GET /api/outlets/o/qr?format=png HTTP/1.1\r\n" H CLOSE AUTH "\r\n",
	    "Content-Type: image/png\r\n", "\x89PNG");
	EXPECT("GET /api/outlets/o/qr?format=gif HTTP/1.1\r\n" H CLOSE AUTH "\r\n", "HTTP/1.1 422 ",
	    "\"field\":\"format\"");
	EXPECT("GET /api/outlets/o/qr HTTP/1.1\r\n" H CLOSE AUTH
	       "Accept: application/json;q=0.5, image/*;q=0.1, image/png\r\n\r\n",
	    "Content-Type: image/png\r\n");
	EXPECT("GET /api/outlets/o/qr HTTP/1.1\r\n" H CLOSE AUTH "Accept: text/html\r\n\r\n",
	    "HTTP/1.1 406 ", "not_acceptable");
	EXPECT("GET /api/outlets/none/qr HTTP/1.1\r\n" H CLOSE AUTH "Accept: image/png\r\n\r\n",
	    "HTTP/1.1 404 ", "no_qr", "application/problem+json");
}

static void
blast(void **state)
{
	static const char body[] =
	    "{\"outlets\":\"all\",\"audience\":{\"type\":\"numbers\",\"numbers\":[\"0812\",{"
	    "\"phone\":\"0813\",\"name\":\"Budi\","
	    "\"vars\":{\"kode\":7}}]},\"message\":{\"text\":\"Halo\"},\"pace\":{\"perMinute\":0},"
	    "\"scheduleAt\":\"1970-01-01T00:00:01Z\",\"expiresAt\":null}";
	static const char strange[] = "{\"outlets\":[\"o\"],\"audience\":{\"type\":\"everybody\","
				      "\"tags\":[]},\"message\":{\"text\":\"x\"}}";
	char request[1024];

	(void)state;
	(void)snprintf(request, sizeof(request),
	    "POST /api/blasts HTTP/1.1\r\n" H CLOSE AUTH
	    "Idempotency-Key: k9\r\nContent-Type: application/json\r\nContent-Length: "
	    "%zu\r\n\r\n%s",
	    strlen(body), body);
	EXPECT(request, "HTTP/1.1 202 ",
	    "{\"n\":2,\"phone\":\"0812\",\"name\":\"Budi\",\"var\":\"kode=7\",\"all\":1,\"pm\":0,"
	    "\"at\":1000,\"key\":\"k9\"}");
	(void)snprintf(request, sizeof(request),
	    "POST /api/blasts HTTP/1.1\r\n" H CLOSE AUTH
	    "Content-Type: application/json\r\nContent-Length: %zu\r\n\r\n%s",
	    strlen(strange), strange);
	EXPECT(request, "HTTP/1.1 422 ", "\"code\":\"unsupported_audience\"",
	    "\"field\":\"audience.type\"");
}

static void
pages(void **state)
{
	(void)state;
	EXPECT(
	    "GET / HTTP/1.1\r\n" H CLOSE "\r\n", "HTTP/1.1 302 ", "Location: /outlet-status\r\n");
	EXPECT("GET /blasts/b1 HTTP/1.1\r\n" H CLOSE "\r\n", "HTTP/1.1 200 ", "text/html",
	    "Content-Security-Policy: default-src 'none'", "X-Content-Type-Options: nosniff",
	    "Referrer-Policy: no-referrer", "<p>page</p>");
	EXPECT("GET /assets/a-1.js HTTP/1.1\r\n" H CLOSE "\r\n", "immutable",
	    "Vary: Accept-Encoding", "let a;");
	EXPECT("GET /assets/a-1.js HTTP/1.1\r\n" H CLOSE "Accept-Encoding: br, gzip\r\n\r\n",
	    "Content-Encoding: gzip", "ZIPPED");
	EXPECT("GET /assets/a-1.js HTTP/1.1\r\n" H CLOSE "Accept-Encoding: gzip;q=0\r\n\r\n",
	    "let a;");
	EXPECT("GET /assets/../../conf HTTP/1.1\r\n" H CLOSE "\r\n", "HTTP/1.1 404 ");
	EXPECT("GET /assets/%2e%2e/%2e%2e/conf HTTP/1.1\r\n" H CLOSE "\r\n", "HTTP/1.1 404 ");
	EXPECT("GET /nothing HTTP/1.1\r\n" H CLOSE "Accept: text/html, */*;q=0.1\r\n\r\n",
	    "HTTP/1.1 404 ", "text/html", "<p>page</p>");
	EXPECT("GET /nothing HTTP/1.1\r\n" H CLOSE "Accept: */*\r\n\r\n", "HTTP/1.1 404 ",
	    "application/problem+json");
	EXPECT("GET /api/nothing HTTP/1.1\r\n" H CLOSE "Accept: text/html\r\n\r\n", "HTTP/1.1 404 ",
	    "application/problem+json");
	EXPECT("POST /login HTTP/1.1\r\n" H CLOSE "\r\n", "HTTP/1.1 405 ", "Allow: GET, HEAD\r\n");
	EXPECT("DELETE /api/outlets HTTP/1.1\r\n" H CLOSE AUTH "\r\n", "HTTP/1.1 405 ",
	    "Allow: GET, HEAD, POST\r\n", "method_not_allowed");
	EXPECT("GET /api/nothing HTTP/1.1\r\n" H CLOSE AUTH "\r\n", "HTTP/1.1 404 ",
	    "\"code\":\"not_found\"");
}

static void
head_has_no_body(void **state)
{
	char *text = talk("HEAD /outlet-status HTTP/1.1\r\n" H CLOSE "\r\n");

	(void)state;
	has(text, "Content-Length: 11\r\n");
	assert_string_equal(text + strlen(text) - 4, "\r\n\r\n");
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ready),
	    cmocka_unit_test(bodies),
	    cmocka_unit_test(credentials),
	    cmocka_unit_test(identity),
	    cmocka_unit_test(status_etag),
	    cmocka_unit_test(qr),
	    cmocka_unit_test(blast),
	    cmocka_unit_test(pages),
	    cmocka_unit_test(head_has_no_body),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
