/* SPDX-License-Identifier: GPL-3.0-or-later */
/* HTTP requests against a server on the loopback: whole answers, broken, slow and huge ones, places
 * that may not be asked, and calls that are given up. */
#include "tests/unit/cmocka_all.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/http_struct.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/address.h"
#include "common/http_client.h"

#define LIMIT_BYTES 4096
#define LIMIT_MS 20000

struct fixture {
	struct event_base *base;
	struct evhttp *server;
	struct evconnlistener *raw; /* answers with `text` and closes */
	uint16_t port, raw_port;
	const char *text;
	struct http_client *client;
	struct http_call *call;
	char seen[64]; /* a header that the server got */
	unsigned asked, answered;
	char failed[300];
	unsigned status;
	size_t len;
	char body[64];
	char posted[16];
	bool refused;
};

static void
on_request(struct evhttp_request *request, void *arg)
{
	struct fixture *f = arg;
	const char *path = evhttp_request_get_uri(request),
		   *header =
		       evhttp_find_header(evhttp_request_get_input_headers(request), "X-Test");
	struct evbuffer *body = evbuffer_new();
	int status = 200;

	f->asked++;
	(void)snprintf(f->seen, sizeof(f->seen), "%s", header != NULL ? header : "");
	if (strcmp(path, "/huge") == 0)
		for (int i = 0; i <= LIMIT_BYTES / 8; i++)
			evbuffer_add(body, "12345678", 8);
	else
		evbuffer_add_printf(body, "hello");
	if (strcmp(path, "/close") == 0)
		evhttp_add_header(
		    evhttp_request_get_output_headers(request), "Connection", "close");
	f->posted[evbuffer_copyout(
	    evhttp_request_get_input_buffer(request), f->posted, sizeof(f->posted) - 1)] = '\0';
	if (strcmp(path, "/gone") == 0)
		status = 404;
	if (strcmp(path, "/moved") == 0) {
		char to[64];

		status = 302;
		(void)snprintf(to, sizeof(to), "http://127.0.0.1:%u/hello", f->port);
		evhttp_add_header(evhttp_request_get_output_headers(request), "Location", to);
	}
	if (strcmp(path, "/never") != 0)
		evhttp_send_reply(request, status, NULL, body);
	else
		event_base_loopbreak(f->base);
	evbuffer_free(body);
}

static void
on_written(struct bufferevent *b, void *arg)
{
	(void)arg;
	bufferevent_free(b);
}

static void
on_raw(struct evconnlistener *l, evutil_socket_t fd, struct sockaddr *address, int len, void *arg)
{
	struct fixture *f = arg;
	struct bufferevent *b = bufferevent_socket_new(f->base, fd, BEV_OPT_CLOSE_ON_FREE);

	(void)l;
	(void)address;
	(void)len;
	bufferevent_setcb(b, NULL, on_written, NULL, NULL);
	bufferevent_enable(b, EV_WRITE);
	bufferevent_write(b, f->text, strlen(f->text));
}

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);
	struct evhttp_bound_socket *bound;

	assert_non_null(f);
	f->base = event_base_new();
	f->server = evhttp_new(f->base);
	evhttp_set_gencb(f->server, on_request, f);
	bound = evhttp_bind_socket_with_handle(f->server, "127.0.0.1", 0);
	assert_non_null(bound);
	assert_int_equal(
	    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&a, &len), 0);
	f->port = ntohs(a.sin_port);
	a.sin_port = 0;
	f->raw = evconnlistener_new_bind(
	    f->base, on_raw, f, LEV_OPT_CLOSE_ON_FREE, 4, (struct sockaddr *)&a, sizeof(a));
	assert_non_null(f->raw);
	assert_int_equal(
	    getsockname(evconnlistener_get_fd(f->raw), (struct sockaddr *)&a, &len), 0);
	f->raw_port = ntohs(a.sin_port);
	f->client = http_client_new(f->base, NULL);
	assert_non_null(f->client);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	http_client_free(&f->client);
	assert_null(f->client);
	evconnlistener_free(f->raw);
	evhttp_free(f->server);
	event_base_free(f->base);
	free(f);
	return 0;
}

static void
on_answer(void *arg, const struct http_answer *a)
{
	struct fixture *f = arg;

	f->answered++;
	f->call = NULL;
	f->status = a->status;
	f->len = a->len;
	f->refused = a->refused;
	(void)snprintf(f->failed, sizeof(f->failed), "%s", a->failed != NULL ? a->failed : "");
	(void)snprintf(f->body, sizeof(f->body), "%s", a->body != NULL ? a->body : "");
	event_base_loopbreak(f->base);
}

static void
begin(struct fixture *f, uint16_t port, const char *path, unsigned timeout_ms)
{
	static const char *const headers[] = {"X-Test: yes", NULL};
	char url[128];
	struct http_get get = {
	    .url = url, .headers = headers, .max_bytes = LIMIT_BYTES, .timeout_ms = timeout_ms};

	(void)snprintf(
	    url, sizeof(url), port != 0 ? "http://127.0.0.1:%2$u%1$s" : "%1$s", path, port);
	f->answered = 0;
	f->call = http_client_get(f->client, &get, on_answer, f);
	assert_int_equal(f->answered, 0); /* never from inside */
}

static void
fetch(struct fixture *f, uint16_t port, const char *path)
{
	begin(f, port, path, LIMIT_MS);
	event_base_dispatch(f->base);
	assert_int_equal(f->answered, 1);
}

static void
test_answers(void **state)
{
	struct fixture *f = *state;

	fetch(f, f->port, "/hello");
	assert_string_equal(f->failed, "");
	assert_int_equal(f->status, 200);
	assert_string_equal(f->body, "hello");
	assert_int_equal(f->len, 5);
	assert_string_equal(f->seen, "yes");
	fetch(f, f->port, "/gone");
	assert_string_equal(f->failed, "");
	assert_int_equal(f->status, 404);
	/* Redirects are answers like any other. */
	f->asked = 0;
	fetch(f, f->port, "/moved");
	assert_int_equal(f->status, 302);
	assert_int_equal(f->asked, 1);
}

static void
test_too_large(void **state)
{
	struct fixture *f = *state;

	fetch(f, f->port, "/huge"); /* says so before */
	assert_string_equal(f->failed, "the answer is too large");
	assert_int_equal(f->status, 0);
	assert_int_equal(f->len, 0);
}

static void
test_broken(void **state)
{
	static const char *const texts[] = {
	    "",
	    "nonsense\r\n\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort",
	    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
	    "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		f->text = texts[i];
		if (texts[i][0] == '\0')
			f->text = "\r\n";
		fetch(f, f->raw_port, "/");
		assert_string_not_equal(f->failed, "");
		assert_int_equal(f->status, 0);
	}
}

/* Without a length: only the bytes that come tell. */
static void
test_too_large_unannounced(void **state)
{
	struct fixture *f = *state;
	char text[LIMIT_BYTES + 200];
	const char *head = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n";

	memset(text, 'x', sizeof(text));
	memcpy(text, head, strlen(head));
	text[sizeof(text) - 1] = '\0';
	f->text = text;
	fetch(f, f->raw_port, "/");
	assert_string_equal(f->failed, "the answer is too large");
}

static void
test_silence(void **state)
{
	struct fixture *f = *state;

	begin(f, f->port, "/never", 50);
	event_base_dispatch(f->base); /* until it is asked */
	assert_int_equal(f->asked, 1);
	event_base_dispatch(f->base);
	assert_int_equal(f->answered, 1);
	assert_string_not_equal(f->failed, "");
}

/* Certificates and TLS are for everywhere but the loopback; other protocols for nowhere. */
static void
test_places(void **state)
{
	static const char *const urls[] = {"http://127.0.0.1.example/", "http://10.0.0.1/",
	    "http://example.invalid/", "file:///etc/passwd", "ftp://127.0.0.1/", "127.0.0.1", "",
	    "http://127.0.0.1:99999/"};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++) {
		fetch(f, 0, urls[i]);
		assert_string_not_equal(f->failed, "");
		assert_int_equal(f->asked, 0);
	}
}

/* Its server speaks no TLS: nothing is taken for an answer. */
static void
test_no_tls(void **state)
{
	struct fixture *f = *state;
	char url[64];

	(void)snprintf(url, sizeof(url), "https://127.0.0.1:%u/hello", f->port);
	fetch(f, 0, url);
	assert_string_not_equal(f->failed, "");
}

static void
test_given_up(void **state)
{
	struct fixture *f = *state;

	begin(f, f->port, "/never", LIMIT_MS);
	event_base_dispatch(f->base);
	assert_int_equal(f->asked, 1);
	http_client_cancel(f->client, &f->call);
	assert_null(f->call);
	/* One that is over, but not delivered. */
	begin(f, 0, "file:///etc/passwd", LIMIT_MS);
	http_client_cancel(f->client, &f->call);
	assert_int_equal(event_base_loop(f->base, EVLOOP_NONBLOCK), 0);
	assert_int_equal(f->answered, 0);
	/* What is under way ends with the client (teardown). */
	begin(f, f->port, "/never", LIMIT_MS);
	event_base_dispatch(f->base);
	assert_int_equal(f->asked, 2);
}

static void
test_many(void **state)
{
	struct fixture *f = *state;
	char url[64];
	const struct http_get get = {.url = url, .max_bytes = LIMIT_BYTES, .timeout_ms = LIMIT_MS};

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/hello", f->port);
	for (int i = 0; i < 40; i++)
		(void)http_client_get(f->client, &get, on_answer, f);
	while (f->answered < 40) {
		event_base_dispatch(f->base);
		assert_string_equal(f->failed, "");
	}
	assert_int_equal(f->asked, 40);
}

/* -- places that others have chosen -- */

struct gate {
	unsigned looks, allowed; /* how often it was asked, and how often it says yes */
};

static bool
may_connect(void *arg, const struct sockaddr *address)
{
	struct gate *g = arg;

	assert_false(address_is_public(address));
	return g->looks++ < g->allowed;
}

static void
post(struct fixture *f, struct gate *g, bool plain, const char *path)
{
	const struct http_guard guard = {may_connect, g, plain};
	char url[64];
	const struct http_request request = {.url = url,
	    .post_bytes = "news",
	    .post_len = 4,
	    .guard = &guard,
	    .cut = true,
	    .max_bytes = 3,
	    .timeout_ms = LIMIT_MS};

	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u%s", f->port, path);
	f->answered = f->refused = 0;
	(void)http_client_request(f->client, &request, on_answer, f);
	event_base_dispatch(f->base);
	assert_int_equal(f->answered, 1);
}

static void
test_guarded(void **state)
{
	struct fixture *f = *state;
	struct gate g = {.allowed = 1};

	/* Without TLS only where that is allowed; even to the loopback. */
	post(f, &g, false, "/close");
	assert_string_not_equal(f->failed, "");
	assert_int_equal(g.looks, 0);
	post(f, &g, true, "/close");
	assert_string_equal(f->failed, "");
	assert_string_equal(f->posted, "news");
	/* The name is the same and was right a moment ago: each connection is looked at anew. */
	post(f, &g, true, "/close");
	assert_int_equal(g.looks, 2);
	assert_true(f->refused);
	assert_int_equal(f->asked, 1);
}

static void
test_cut(void **state)
{
	struct fixture *f = *state;
	struct gate g = {.allowed = 9};

	post(f, &g, true, "/huge");
	assert_string_equal(f->failed, "");
	assert_int_equal(f->status, 200);
	assert_string_equal(f->body, "123");
	post(f, &g, true, "/gone");
	assert_int_equal(f->status, 404);
	assert_string_equal(f->body, "hel");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_answers),
	    TEST(test_too_large),
	    TEST(test_too_large_unannounced),
	    TEST(test_broken),
	    TEST(test_silence),
	    TEST(test_places),
	    TEST(test_no_tls),
	    TEST(test_given_up),
	    TEST(test_many),
	    TEST(test_guarded),
	    TEST(test_cut),
	};

	return cmocka_run_group_tests_name("http_client", tests, NULL, NULL);
}
