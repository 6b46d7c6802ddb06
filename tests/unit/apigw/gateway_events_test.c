/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Streams of events, clients that go away, and a daemon that dies and comes back. */
#include "tests/unit/apigw/gateway_world.h"

static void
ready(void **state)
{
	(void)state;
	await_daemon();
}

static void
events(void **state)
{
	struct buf b = BUF_INIT(ANSWER_MAX);
	int fd = dial();

	(void)state;
	EXPECT("GET /api/events HTTP/1.1\r\n" H CLOSE "Authorization: Bearer bad\r\n\r\n",
	    "HTTP/1.1 401 ");
	EXPECT("GET /api/events?kinds=status,nonsense HTTP/1.1\r\n" H CLOSE AUTH "\r\n",
	    "HTTP/1.1 422 ", "\"field\":\"kinds\"");
	say(fd, "GET /api/events?kinds=status,qr HTTP/1.1\r\n" H AUTH "Last-Event-ID: 41\r\n\r\n");
	hear(fd, &b, "}\n\n");
	has(buf_str(&b), "Content-Type: text/event-stream");
	has(buf_str(&b), "X-Accel-Buffering: no");
	has(buf_str(&b), "retry: 2000\n\n");
	has(buf_str(&b), "id: 7\nevent: status\ndata: {\"last\":\"41\",\"kinds\":2}\n\n");
	(void)close(fd);
	buf_done(&b);
}

/* Of the stream above, whose reader has gone. */
static void
reader_gone(void **state)
{
	(void)state;
	await_count("\"unsubscribed\":1}");
}

static void
slow_reader(void **state)
{
	struct buf b = BUF_INIT(ANSWER_MAX);
	int fd = dial();

	(void)state;
	say(fd, "GET /api/events HTTP/1.1\r\n" H AUTH "\r\n");
	hear(fd, &b, "}\n\n");
	EXPECT("POST /api/outlets/o/pause HTTP/1.1\r\n" H AUTH CLOSE "\r\n", "HTTP/1.1 202 ");
	await_count("\"unsubscribed\":2}");
	(void)close(fd);
	buf_done(&b);
}

static void
client_gone(void **state)
{
	int fd = dial();

	(void)state;
	say(fd, "GET /api/outlets/x HTTP/1.1\r\n" H AUTH "\r\n");
	await_count("\"hung\":1,");
	(void)close(fd);
	EXPECT("GET /api/auth/me HTTP/1.1\r\n" H AUTH CLOSE "\r\n", "HTTP/1.1 200 ");
}

static void
daemon_dies(void **state)
{
	struct buf b = BUF_INIT(ANSWER_MAX);
	int fd = dial();

	(void)state;
	say(fd, "GET /api/events HTTP/1.1\r\n" H AUTH "\r\n");
	hear(fd, &b, "}\n\n");
	EXPECT("DELETE /api/outlets/o HTTP/1.1\r\n" H AUTH CLOSE "\r\n", "HTTP/1.1 503 ",
	    "Retry-After: 1\r\n", "daemon_unavailable", "\"retryable\":true",
	    "look whether the change was made");
	hear(fd, &b, NULL);
	has(buf_str(&b), "\n\n: the daemon's connection broke");
	EXPECT("GET /api/auth/me HTTP/1.1\r\n" H AUTH CLOSE "\r\n", "HTTP/1.1 503 ",
	    "daemon_unavailable");
	EXPECT("GET /healthz HTTP/1.1\r\n" H CLOSE "\r\n", "HTTP/1.1 200 ", "\"success\":true");
	EXPECT("GET /readyz HTTP/1.1\r\n" H CLOSE "\r\n", "HTTP/1.1 503 ");
	await_daemon();
	EXPECT("GET /readyz HTTP/1.1\r\n" H CLOSE "\r\n", "HTTP/1.1 200 ");
	(void)close(fd);
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(ready),
	    cmocka_unit_test(events),
	    cmocka_unit_test(reader_gone),
	    cmocka_unit_test(slow_reader),
	    cmocka_unit_test(client_gone),
	    cmocka_unit_test(daemon_dies),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
