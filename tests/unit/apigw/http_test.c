/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The HTTP server's limits: deadlines of every phase, connections, memory for bodies, the stop.
 * Server and clients share one loop; a client waits by turning it.
 */
#include "tests/unit/cmocka_all.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apigw/http.h"
#include "common/clock.h"
#include "common/log.h"

#define WAIT_MS 10000
#define NEVER_MS 60000
#define LARGE (8u << 20)
#define GET "GET /a HTTP/1.1\r\nHost: x\r\n\r\n"

struct world {
	struct event_base *base;
	struct http_server *server;
	struct sockaddr_in address;
	struct http_request *waiting; /* of /wait: not answered */
	unsigned n_requests, n_gone;
};

/* ---- the server ---- */

static void
on_gone(void *arg)
{
	struct world *w = arg;

	w->waiting = NULL;
	w->n_gone++;
}

static void
on_request(void *arg, struct http_request *r)
{
	struct buf none = BUF_INIT(1);
	struct world *w = arg;
	char *large;

	w->n_requests++;
	if (strcmp(r->head.path, "/wait") == 0) {
		r->gone = on_gone;
		r->gone_arg = w;
		w->waiting = r;
	} else if (strcmp(r->head.path, "/large") == 0) {
		large = calloc(1, LARGE);
		http_reply(r, 200, &none, large, LARGE);
		free(large);
	} else {
		http_reply(r, 200, &none, "ok", 2);
	}
}

static void
on_refusal(void *arg, unsigned status, struct buf *ret_headers, struct buf *ret_body)
{
	(void)arg;
	(void)status;
	(void)ret_headers;
	buf_add_str(ret_body, "refused");
}

static bool
is_exempt(void *arg, const char *peer)
{
	(void)arg;
	(void)peer;
	return false;
}

static struct http_limits
lenient(void)
{
	return (struct http_limits){
	    .head_ms = NEVER_MS,
	    .body_ms = NEVER_MS,
	    .idle_ms = NEVER_MS,
	    .write_ms = NEVER_MS,
	    .linger_ms = NEVER_MS,
	    .connections_max = 100,
	    .per_address_max = 100,
	    .body_max = 1u << 20,
	    .bodies_max = 10u << 20,
	};
}

static void
serve(struct world *w, const struct http_limits *limits)
{
	static const struct http_server_ops ops = {on_request, on_refusal, is_exempt};
	socklen_t len = sizeof(w->address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	memset(w, 0, sizeof(*w));
	w->base = event_base_new();
	w->server = http_server_new(w->base, limits, &ops, w);
	w->address.sin_family = AF_INET;
	w->address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(fd, (struct sockaddr *)&w->address, len), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&w->address, &len), 0);
	assert_int_equal(http_server_listen(w->server, fd, NULL), 0);
}

static void
end(struct world *w)
{
	http_server_free(&w->server);
	event_base_free(w->base);
}

/* ---- clients ---- */

static int
dial(struct world *w, const char *bytes)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(fd, (struct sockaddr *)&w->address, sizeof(w->address)), 0);
	if (*bytes != '\0')
		assert_int_equal(send(fd, bytes, strlen(bytes), MSG_NOSIGNAL), strlen(bytes));
	return fd;
}

static void
turn(struct world *w)
{
	(void)event_base_loop(w->base, EVLOOP_NONBLOCK);
}

/* What comes until `until` has come (NULL: until the other side closes). */
static char *
hear(struct world *w, int fd, const char *until)
{
	const int64_t last = clock_monotonic_ms() + WAIT_MS;
	struct buf b = BUF_INIT(2 * LARGE);
	char piece[65536];
	size_t len;

	while (until == NULL || strstr(buf_str(&b), until) == NULL) {
		ssize_t n;

		turn(w);
		n = recv(fd, piece, sizeof(piece), MSG_DONTWAIT);
		if (n == 0)
			break;
		if (n > 0)
			buf_add(&b, piece, (size_t)n);
		if (clock_monotonic_ms() > last)
			fail_msg("no answer in time; so far: %s", buf_str(&b));
	}
	return (char *)buf_take(&b, &len);
}

static void
expect(struct world *w, int fd, const char *until, const char *start)
{
	char *text = hear(w, fd, until);

	if (strncmp(text, start, strlen(start)) != 0 || (*start == '\0' && *text != '\0'))
		fail_msg("not \"%s\": %s", start, text);
	free(text);
}

static void
until_connections(struct world *w, unsigned n)
{
	const int64_t last = clock_monotonic_ms() + WAIT_MS;

	while (http_server_connections(w->server) != n && clock_monotonic_ms() < last)
		turn(w);
	assert_int_equal(http_server_connections(w->server), n);
}

/* ---- the tests ---- */

/* Each phase has an end of its own: what is said then, and that the connection closes. */
static void
deadlines(void **state)
{
	static const struct {
		size_t limit; /* which is short */
		const char *bytes, *start;
	} cases[] = {
	    {offsetof(struct http_limits, head_ms), "", ""},
	    {offsetof(struct http_limits, head_ms), "GET /a HTTP/1.1\r\nHost", "HTTP/1.1 408 "},
	    {offsetof(struct http_limits, body_ms),
		"POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf", "HTTP/1.1 408 "},
	    {offsetof(struct http_limits, body_ms),
		"POST /a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
		"HTTP/1.1 408 "},
	    {offsetof(struct http_limits, idle_ms), GET, "HTTP/1.1 200 "},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_limits limits = lenient();
		struct world w;
		int fd;

		*(unsigned *)(void *)((char *)&limits + cases[i].limit) = 20;
		limits.linger_ms = 20;
		serve(&w, &limits);
		fd = dial(&w, cases[i].bytes);
		expect(&w, fd, NULL, cases[i].start);
		until_connections(&w, 0);
		(void)close(fd);
		end(&w);
	}
}

/* A reply that nobody takes does not keep its memory. */
static void
reply_not_read(void **state)
{
	struct http_limits limits = lenient();
	struct world w;
	int fd;

	(void)state;
	limits.write_ms = 1;
	serve(&w, &limits);
	fd = dial(&w, "GET /large HTTP/1.1\r\nHost: x\r\n\r\n");
	until_connections(&w, 1);
	until_connections(&w, 0);
	(void)close(fd);
	end(&w);
}

/* Who says that it asks no more still hears the answers to all that it asked, in their order. */
static void
pipelined_then_closed(void **state)
{
	static const char *const cases[] = {
	    GET GET GET GET, GET "GET /large HTTP/1.1\r\nHost: x\r\n\r\n" GET GET};
	const struct http_limits limits = lenient();

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world w;
		size_t n = 0, len;
		char *text;
		int fd;

		serve(&w, &limits);
		fd = dial(&w, cases[i]);
		assert_int_equal(shutdown(fd, SHUT_WR), 0);
		text = hear(&w, fd, NULL);
		len = i == 0 ? 0 : LARGE;
		for (char *p = text; (p = strstr(p, "HTTP/1.1 200 ")) != NULL; n++) {
			p = strstr(p, "\r\n\r\n") + 4;
			p += n == 1 ? len : 0; /* zeros, which end a string */
		}
		assert_int_equal(n, 4);
		free(text);
		(void)close(fd);
		until_connections(&w, 0);
		end(&w);
	}
}

/* What a body may take is set aside when its head has come, and given back with it. */
static void
memory_of_bodies(void **state)
{
	static const char post[] = "POST /a HTTP/1.1\r\nHost: x\r\nContent-Length: 70000\r\n"
				   "Expect: 100-continue\r\n\r\n";
	struct http_limits limits = lenient();
	char *body = calloc(1, 70000);
	struct world w;
	int first, second;

	(void)state;
	limits.bodies_max = 100000;
	serve(&w, &limits);
	first = dial(&w, post);
	expect(&w, first, "\r\n\r\n", "HTTP/1.1 100 ");
	second = dial(&w, post);
	expect(&w, second, "refused", "HTTP/1.1 503 ");
	(void)close(second);
	(void)close(first);
	until_connections(&w, 0);
	second = dial(&w, post);
	expect(&w, second, "\r\n\r\n", "HTTP/1.1 100 ");
	assert_int_equal(send(second, body, 70000, MSG_NOSIGNAL), 70000);
	expect(&w, second, "ok", "HTTP/1.1 200 ");
	(void)close(second);
	free(body);
	end(&w);
}

/* The oldest that has nothing under way gives way. */
static void
full(void **state)
{
	struct http_limits limits = lenient();
	int busy, idle, third;
	struct world w;

	(void)state;
	limits.connections_max = 2;
	serve(&w, &limits);
	busy = dial(&w, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
	until_connections(&w, 1);
	while (w.waiting == NULL)
		turn(&w);
	idle = dial(&w, GET);
	expect(&w, idle, "ok", "HTTP/1.1 200 ");
	third = dial(&w, GET);
	expect(&w, third, "ok", "HTTP/1.1 200 ");
	expect(&w, idle, NULL, "");
	assert_non_null(w.waiting);
	(void)close(busy);
	(void)close(idle);
	(void)close(third);
	end(&w);
	assert_int_equal(w.n_gone, 1);
}

static void
per_address(void **state)
{
	struct http_limits limits = lenient();
	struct world w;
	int first, second;

	(void)state;
	limits.per_address_max = 1;
	serve(&w, &limits);
	first = dial(&w, GET);
	expect(&w, first, "ok", "HTTP/1.1 200 ");
	second = dial(&w, "");
	expect(&w, second, NULL, "");
	(void)close(first);
	(void)close(second);
	end(&w);
}

/* Who waits for an answer gets it, and no other request is taken. */
static void
stopped(void **state)
{
	struct http_limits limits = lenient();
	struct buf none = BUF_INIT(1);
	int busy, idle;
	struct world w;

	(void)state;
	limits.linger_ms = 20;
	serve(&w, &limits);
	idle = dial(&w, GET);
	expect(&w, idle, "ok", "HTTP/1.1 200 ");
	busy = dial(&w, "GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" GET);
	while (w.waiting == NULL)
		turn(&w);
	http_server_stop(w.server);
	expect(&w, idle, NULL, "");
	assert_int_equal(http_server_connections(w.server), 1);
	http_reply(w.waiting, 200, &none, "bye", 3);
	expect(&w, busy, NULL, "HTTP/1.1 200 ");
	until_connections(&w, 0);
	assert_int_equal(w.n_requests, 2);
	(void)close(busy);
	(void)close(idle);
	end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(deadlines),
	    cmocka_unit_test(reply_not_read),
	    cmocka_unit_test(pipelined_then_closed),
	    cmocka_unit_test(memory_of_bodies),
	    cmocka_unit_test(full),
	    cmocka_unit_test(per_address),
	    cmocka_unit_test(stopped),
	};

	log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
