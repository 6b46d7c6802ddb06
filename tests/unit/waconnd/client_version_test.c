/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The client version: what texts and pages may name one, looked up at a server of the test, kept in
 * a real PostgreSQL, and what follows from pages that are broken, huge or old.
 */
#include "tests/unit/store/store_world.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "waconnd/client_version.h"

#define LEAST 1000000u
#define HOUR_MS 3600000

static struct env {
	struct world *w;
	struct evhttp *server;
	char url[64];
	struct client_version *v;
	const char *page;
	int status;
	size_t padding;
	unsigned asked, changed, refreshed;
	bool was_asked, was_refreshed, saved;
	uint32_t told;
} env;

static void
on_request(struct evhttp_request *request, void *arg)
{
	struct evbuffer *body = evbuffer_new();
	struct evkeyvalq *in = evhttp_request_get_input_headers(request);

	(void)arg;
	assert_string_equal(evhttp_find_header(in, "sec-fetch-site"), "none");
	assert_non_null(strstr(evhttp_find_header(in, "User-Agent"), "Mozilla/5.0"));
	for (size_t i = 0; i < env.padding; i += 64)
		evbuffer_add_printf(body, "%064d", 0);
	evbuffer_add_printf(body, "%s", env.page);
	env.asked++;
	env.was_asked = true;
	evhttp_send_reply(request, env.status, NULL, body);
	evbuffer_free(body);
}

static void
on_changed(void *arg, uint32_t n)
{
	(void)arg;
	env.changed++;
	env.told = n;
}

static void
on_refreshed(void *arg)
{
	(void)arg;
	env.refreshed++;
	env.was_refreshed = true;
}

static void
make(int64_t period_ms)
{
	const struct client_version_env e = {.base = env.w->base,
	    .db = env.w->store.db,
	    .url = env.url,
	    .least = LEAST,
	    .period_ms = period_ms,
	    .changed = on_changed};

	env.v = client_version_new(&e);
	assert_non_null(env.v);
	client_version_on_refreshed(env.v, on_refreshed, NULL);
}

static void
refreshed(void)
{
	env.was_refreshed = false;
	world_until(env.w, &env.was_refreshed);
}

/* Made, and its first look-up over. */
static void
make_and_wait(int64_t period_ms)
{
	make(period_ms);
	refreshed();
}

static int
fresh(void **state)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);
	struct evhttp_bound_socket *bound;

	memset(&env, 0, sizeof(env));
	env.w = *state;
	env.status = 200;
	env.page = "self.x={\"client_revision\":1000007,\"y\":1}";
	(void)world_sql(env.w, "DELETE FROM settings");
	env.server = evhttp_new(env.w->base);
	evhttp_set_gencb(env.server, on_request, NULL);
	bound = evhttp_bind_socket_with_handle(env.server, "127.0.0.1", 0);
	assert_non_null(bound);
	assert_int_equal(
	    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&a, &len), 0);
	(void)snprintf(env.url, sizeof(env.url), "http://127.0.0.1:%u/sw.js", ntohs(a.sin_port));
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	client_version_free(&env.v);
	evhttp_free(env.server);
	return 0;
}

/* -- texts -- */

static void
test_place(void **state)
{
	(void)state;
	assert_string_equal(client_version_place("wss://web.whatsapp.com/ws/chat"),
	    "https://web.whatsapp.com/sw.js");
	assert_null(client_version_place("ws://127.0.0.1:4000/ws/chat"));
	assert_null(client_version_place("wss://localhost:4000/ws/chat"));
	assert_null(client_version_place("wss://web.whatsapp.com.example/ws/chat"));
	assert_null(client_version_place("nonsense"));
}

static void
test_read(void **state)
{
	static const struct {
		const char *text;
		uint32_t n; /* 0: refused */
	} rows[] = {
	    {"2.3000.1", 1},
	    {"2.3000.1045649367", 1045649367},
	    {"2.3000.4294967295", 4294967295},
	    {"2.3000.4294967296", 0},
	    {"2.3000.99999999999999999999999", 0},
	    {"2.3000.0", 0},
	    {"2.3000.01", 0},
	    {"2.3000.", 0},
	    {"2.3000.1 ", 0},
	    {"2.3000.1a", 0},
	    {"2.3000.-1", 0},
	    {"2.3001.1", 0},
	    {"", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t n = 0;
		const int r = client_version_read(rows[i].text, &n);

		assert_int_equal(r, rows[i].n == 0 ? -1 : 0);
		assert_int_equal(n, rows[i].n);
	}
}

static void
test_find(void **state)
{
	static const struct {
		const char *page;
		uint32_t n; /* 0: none */
	} rows[] = {
	    {"{\"client_revision\":1045649367,\"a\":1}", 1045649367},
	    {"{\"client_revision\": 1045649367}", 1045649367},
	    {"JSON.parse('{\\\"client_revision\\\":1045649367,\\\"b\\\":2}')", 1045649367},
	    {"{\"client_revision\":5,} {\"client_revision\":5}", 5},
	    {"{\"client_revision\":5,} {\"client_revision\":6}", 0},
	    {"{\"client_revision\":5,} {\"client_revision\":x}", 0},
	    {"{\"client_revision\":5", 0}, /* cut off: the number may be longer */
	    {"{\"client_revision\":", 0},
	    {"{\"client_revision", 0},
	    {"{\"client_revision\":\"5\",", 0},
	    {"{\"client_revision\":05,", 0},
	    {"{\"client_revision\":0,", 0},
	    {"{\"client_revision\":-5,", 0},
	    {"{\"client_revision\":5.5,", 0},
	    {"{\"client_revision\":4294967296,", 0},
	    {"{\\\"client_revision\":5,", 0}, /* quotes that do not match */
	    {"{\"client_revision\\\":5,", 0},
	    {"{\"client_revisions\":5,", 0},
	    {"{\"client_revision_of\":\"x\",\"client_revision\":7,", 7},
	    {"client_revision:5,", 0},
	    {"", 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint32_t n = 0;
		const int r = client_version_find(rows[i].page, strlen(rows[i].page), &n);

		assert_int_equal(r, rows[i].n == 0 ? -1 : 0);
		assert_int_equal(n, rows[i].n);
	}
}

/* -- looking up -- */

static const char *
kept(void)
{
	return world_sql(env.w, "SELECT value FROM settings WHERE name = 'client_version'");
}

static bool
is_kept(const char *text)
{
	const int64_t end = clock_monotonic_ms() + WAIT_MS;

	while (strcmp(kept(), text) != 0 && clock_monotonic_ms() < end)
		event_base_loop(env.w->base, EVLOOP_NONBLOCK);
	return strcmp(kept(), text) == 0;
}

static void
test_looked_up(void **state)
{
	(void)state;
	make(HOUR_MS);
	assert_int_equal(client_version_now(env.v), LEAST);
	refreshed();
	assert_int_equal(env.asked, 1);
	assert_int_equal(client_version_now(env.v), 1000007);
	assert_int_equal(env.told, 1000007);
	assert_int_equal(env.changed, 1);
	assert_true(is_kept("2.3000.1000007"));
}

/* Each leaves what is built in, and keeps nothing. */
static void
test_not_believed(void **state)
{
	static const struct {
		int status;
		const char *page;
		size_t padding;
	} rows[] = {
	    {404, "{\"client_revision\":1000007,}", 0},
	    {302, "{\"client_revision\":1000007,}", 0},
	    {500, "", 0},
	    {200, "", 0},
	    {200, "<html>no</html>", 0},
	    {200, "{\"client_revision\":2000000,}{\"client_revision\":2000001,}", 0},
	    {200, "{\"client_revision\":101000001,}", 0}, /* too far ahead */
	    {200, "{\"client_revision\":1000007,}", 9u << 20},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		env.status = rows[i].status;
		env.page = rows[i].page;
		env.padding = rows[i].padding;
		make_and_wait(HOUR_MS);
		assert_int_equal(client_version_now(env.v), LEAST);
		assert_int_equal(env.changed, 0);
		assert_string_equal(kept(), "");
		client_version_free(&env.v);
	}
}

static void
test_lower_than_built_in(void **state)
{
	(void)state;
	env.page = "{\"client_revision\":999999,}";
	make_and_wait(HOUR_MS);
	assert_int_equal(client_version_now(env.v), LEAST);
	assert_int_equal(env.changed, 0);
}

static void
test_nobody_there(void **state)
{
	(void)state;
	(void)snprintf(env.url, sizeof(env.url), "http://127.0.0.1:1/");
	make_and_wait(HOUR_MS);
	assert_int_equal(client_version_now(env.v), LEAST);
}

static bool
told(uint32_t n)
{
	const int64_t end = clock_monotonic_ms() + WAIT_MS;

	while (env.told != n && clock_monotonic_ms() < end)
		event_base_loop(env.w->base, EVLOOP_ONCE);
	return env.told == n;
}

static void
test_kept_is_used(void **state)
{
	(void)state;
	(void)world_sql(env.w,
	    "INSERT INTO settings (name, value) VALUES ('client_version', '2.3000.1000005')");
	make(HOUR_MS);
	assert_true(told(1000005));
	/* Fresh enough: nobody is asked. */
	assert_int_equal(world_commit(env.w), 0);
	assert_int_equal(env.asked, 0);
}

static void
test_kept_is_old(void **state)
{
	(void)state;
	(void)world_sql(env.w, "INSERT INTO settings (name, value, at) VALUES ('client_version', "
			       "'2.3000.1000005', now() - interval '2 hours')");
	env.status = 500;
	make_and_wait(HOUR_MS);
	assert_int_equal(env.asked, 1);
	assert_int_equal(client_version_now(env.v), 1000005); /* better than what is built in */
	client_version_free(&env.v);
	env.status = 200;
	make_and_wait(HOUR_MS);
	assert_int_equal(client_version_now(env.v), 1000007);
}

/* By another version of this program, or by hand. */
static void
test_kept_is_wrong(void **state)
{
	static const char *const values[] = {
	    "'2.3000.999999'", "'2.3000.4294967295'", "'nonsense'", "''"};
	char sql[160];

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		(void)snprintf(sql, sizeof(sql),
		    "INSERT INTO settings (name, value) VALUES ('client_version', %s) "
		    "ON CONFLICT (name) DO UPDATE SET value = excluded.value",
		    values[i]);
		(void)world_sql(env.w, sql);
		make_and_wait(HOUR_MS);
		assert_int_equal(client_version_now(env.v), 1000007);
		assert_true(is_kept("2.3000.1000007"));
		client_version_free(&env.v);
	}
}

/* The timer comes again: a period of some milliseconds, and a newer page. */
static void
test_again(void **state)
{
	(void)state;
	make_and_wait(40);
	assert_int_equal(client_version_now(env.v), 1000007);
	env.page = "{\"client_revision\":1000009,}";
	assert_true(told(1000009));
	assert_true(env.asked >= 2);
	refreshed(); /* and kept: nothing is under way when the next test begins */
	client_version_free(&env.v);
}

/* After a failure it comes again, too, and sooner. */
static void
test_again_after_failure(void **state)
{
	(void)state;
	env.status = 500;
	make_and_wait(400);
	env.status = 200;
	assert_true(told(1000007));
	refreshed();
	client_version_free(&env.v);
}

static void
test_refresh(void **state)
{
	(void)state;
	make_and_wait(HOUR_MS);
	assert_int_equal(env.asked, 1);
	/* It was looked up a moment ago: the answer is the same, and comes later. */
	env.refreshed = 0;
	client_version_refresh(env.v);
	client_version_refresh(env.v);
	assert_int_equal(env.refreshed, 0);
	refreshed();
	assert_int_equal(env.refreshed, 1);
	assert_int_equal(env.asked, 1);
	client_version_free(&env.v);
	/* While one is under way, that one counts. */
	(void)world_sql(env.w, "UPDATE settings SET at = at - interval '2 hours'");
	env.asked = env.refreshed = 0;
	make(HOUR_MS);
	client_version_refresh(env.v);
	client_version_refresh(env.v);
	env.was_asked = false;
	world_until(env.w, &env.was_asked);
	client_version_refresh(env.v);
	refreshed();
	assert_int_equal(env.refreshed, 1);
	assert_int_equal(env.asked, 1);
}

/* Freed while the database or the server has yet to answer. */
static void
test_freed(void **state)
{
	(void)state;
	make(HOUR_MS);
	client_version_free(&env.v);
	client_version_free(&env.v);
	make(HOUR_MS);
	world_until(env.w, &env.was_asked);
	client_version_free(&env.v);
	assert_int_equal(world_commit(env.w), 0);
	assert_int_equal(env.refreshed, 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, stop)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_place),
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_find),
	    TEST(test_looked_up),
	    TEST(test_not_believed),
	    TEST(test_lower_than_built_in),
	    TEST(test_nobody_there),
	    TEST(test_kept_is_used),
	    TEST(test_kept_is_old),
	    TEST(test_kept_is_wrong),
	    TEST(test_again),
	    TEST(test_again_after_failure),
	    TEST(test_refresh),
	    TEST(test_freed),
	};

	return cmocka_run_group_tests_name(
	    "client_version", tests, world_setup_store, world_teardown);
}
