/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How the account stands, over a real socket against a played server: asked once the link is ready,
 * which waits for no answer; told by notifications; asked again when there is a reason. */
#include "tests/unit/link/link_world.h"

#include "waconnd/link/link_private.h"

#define FREE                                                                        \
	"{\"data\":{\"xwa2_fetch_account_reachout_timelock\":{\"is_active\":false," \
	"\"time_enforcement_ends\":\"0\"}}}"
#define LOCKED "{\"data\":{\"xwa2_fetch_account_reachout_timelock\":{\"is_active\":true}}}"
#define CAP "{\"data\":{\"xwa2_message_capping_info\":{\"total_quota\":9,\"used_quota\":3}}}"

static bool
is_told_twice(struct world *w)
{
	return w->accounts >= 2;
}

static unsigned
questions(const struct world *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_got; i++)
		n += node_get_is(w->got[i], "xmlns", "w:mex");
	return n;
}

static bool
is_asked(struct world *w)
{
	return questions(w) >= 2;
}

static bool
is_asked_again(struct world *w)
{
	return questions(w) >= 4;
}

static int64_t
next_ms(struct world *w)
{
	struct timeval at, now;

	if (!event_pending(w->link->standing.timer, EV_TIMEOUT, &at))
		return -1;
	evutil_gettimeofday(&now, NULL);
	return (at.tv_sec - now.tv_sec) * 1000LL + (at.tv_usec - now.tv_usec) / 1000;
}

static void
begin(struct world *w, const char *lock, const char *cap)
{
	w->give_login = true;
	w->prekey_count = 700;
	w->mex[0] = lock;
	w->mex[1] = cap;
	world_begin_login(w);
	world_run(w, world_is_ready);
}

static void
test_asked_when_ready(void **state)
{
	struct world *w = *state;

	begin(w, FREE, CAP);
	world_run(w, is_told_twice);
	assert_int_equal(questions(w), 2);
	/* Again in some hours. */
	assert_in_range(next_ms(w), 3 * 3600 * 1000 - 1000, 5 * 3600 * 1000);
}

static void
test_nobody_waits_for_it(void **state)
{
	struct world *w = *state;

	begin(w, NULL, NULL);
	world_run(w, is_asked);
	assert_int_equal(w->accounts, 0);
	assert_true(link_is_ready(w->link));
	assert_int_equal(next_ms(w), -1);
}

static bool
is_planned(struct world *w)
{
	return next_ms(w) > 0;
}

static void
on_look(evutil_socket_t fd, short what, void *arg)
{
	struct world *w = arg;

	(void)fd;
	(void)what;
	if (is_planned(w))
		(void)event_base_loopexit(w->base, NULL);
}

/* No callback tells that an answer said nothing. */
static void
test_what_is_no_answer(void **state)
{
	const struct timeval often = {0, 1000};
	struct world *w = *state;
	struct event *look = event_new(w->base, -1, EV_PERSIST, on_look, w);

	assert_int_equal(event_add(look, &often), 0);
	begin(w, "{\"errors\":[{}]}", "{\"data\":{");
	world_run(w, is_planned);
	event_free(look);
	assert_int_equal(w->accounts, 0);
	assert_true(link_is_ready(w->link));
}

static void
test_a_lock_is_asked_about_at_its_end(void **state)
{
	struct world *w = *state;

	begin(w, LOCKED, CAP);
	world_run(w, is_told_twice);
	/* An end that was not told is a minute away. */
	assert_in_range(next_ms(w), 50000, 60500);
}

static struct node *
notice(const char *json)
{
	struct node *n =
	    node_new("notification", "type", "mex", "id", "n1", "from", "s.whatsapp.net", NULL);

	node_text(
	    node_child(n, "update", "op_name", "NotificationUserReachoutTimelockUpdate", NULL),
	    json);
	return n;
}

static bool
is_acked(struct world *w)
{
	return world_got(w, "ack", NULL) != NULL;
}

static void
test_notification(void **state)
{
	struct world *w = *state;
	struct node *n;

	begin(w, FREE, CAP);
	world_run(w, is_told_twice);
	w->accounts = 0;
	/* One that waited is acknowledged, and not believed. */
	n = notice("{\"data\":{\"xwa2_notify_account_reachout_timelock\":{\"is_active\":true}}}");
	node_set(n, "offline", "1");
	fake_send(&w->server, n);
	fake_send(&w->server, notice("{]"));
	world_run(w, is_acked);
	assert_int_equal(w->accounts, 0);
	fake_send(&w->server,
	    notice("{\"data\":{\"xwa2_notify_account_reachout_timelock\":{\"is_active\":true,"
		   "\"enforcement_type\":\"WEB_COMPANION_ONLY\"}}}"));
	w->accounts = 1;
	world_run(w, is_told_twice);
	assert_true(w->said.has_timelock && w->said.timelock.active);
	assert_string_equal(w->said.timelock.type, "WEB_COMPANION_ONLY");
	assert_in_range(next_ms(w), 50000, 60500);
}

static void
test_refusals(void **state)
{
	static const unsigned other[] = {400, 421, 429, 479};
	struct world *w = *state;

	begin(w, FREE, CAP);
	world_run(w, is_told_twice);
	for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
		link_account_refused(w->link, other[i]);
	assert_true(next_ms(w) > 3600 * 1000);
	/* Not in step with every refusal. */
	link_account_refused(w->link, 463);
	link_account_refused(w->link, 463);
	assert_in_range(next_ms(w), 1000, 5500);
	event_active(w->link->standing.timer, EV_TIMEOUT, 0);
	link_account_refused(w->link, 475);
	world_run(w, is_asked_again);
	assert_int_equal(questions(w), 4);
}

static void
test_nothing_after_the_end(void **state)
{
	struct world *w = *state;

	begin(w, NULL, NULL);
	world_run(w, is_asked);
	link_close(w->link);
	world_run(w, world_is_ended);
	assert_int_equal(next_ms(w), -1);
	link_account_ask(w->link);
	assert_int_equal(next_ms(w), -1);
	assert_int_equal(w->accounts, 0);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_asked_when_ready),
	    TEST(test_nobody_waits_for_it),
	    TEST(test_what_is_no_answer),
	    TEST(test_a_lock_is_asked_about_at_its_end),
	    TEST(test_notification),
	    TEST(test_refusals),
	    TEST(test_nothing_after_the_end),
	};

	return cmocka_run_group_tests_name("link_account", tests, NULL, NULL);
}
