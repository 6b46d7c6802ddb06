/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What WhatsApp restricts an account in, and checks of numbers. */
#include "tests/unit/waconnd/outlet_world.h"

/* -- the account ------------------------------------------------------------------------ */

static struct outlet *restricted;

static void
on_restriction(void *arg, struct outlet *o)
{
	(void)arg;
	restricted = o;
}

static void
assert_shown(const char *restriction)
{
	const char *json = outlet_status_json(get("o_conn"), NULL, NULL);
	char expected[256];

	(void)snprintf(expected, sizeof(expected), "\"restriction\":%s,", restriction);
	if (strstr(json, expected) == NULL)
		fail_msg("%s in %s", expected, json);
}

static void
test_restriction(void **state)
{
	const int64_t end = 1893456000000; /* 2030 */
	unsigned events;

	(void)state;
	restricted = NULL;
	outlets_on_restriction(env.os, on_restriction, NULL);
	bring_up("o_conn");
	settle();
	events = env.statuses;
	/* What changes nothing makes no event. */
	fake_timelock(fake_find("o_conn"), false, 0);
	assert_shown("null");
	assert_int_equal(env.statuses, events);
	assert_null(restricted);
	assert_true(outlet_may_start_chats(get("o_conn")));
	fake_timelock(fake_find("o_conn"), true, end);
	assert_shown(
	    "{\"kind\":\"reachout_timelock\",\"until\":\"2030-01-01T00:00:00Z\",\"used\":null,"
	    "\"quota\":null}");
	assert_int_equal(env.statuses, events + 1);
	assert_ptr_equal(restricted, get("o_conn"));
	assert_false(outlet_may_start_chats(get("o_conn")));
	assert_int_equal(outlet_unhealthy(get("o_conn")), 0);
	/* Still so after a restart, and gone with the number. */
	settle();
	assert_string_equal(
	    world_sql(env.w, "SELECT restriction || ' ' || (account->'timelock'->>'active') FROM "
			     "outlet_accounts WHERE outlet_id = 'o_conn'"),
	    "reachout_timelock true");
	outlets_free(&env.os);
	start();
	assert_shown(
	    "{\"kind\":\"reachout_timelock\",\"until\":\"2030-01-01T00:00:00Z\",\"used\":null,"
	    "\"quota\":null}");
	outlets_changed(get("o_conn"), "A", "628999", true, true, NULL);
	assert_shown("null");
	settle();
	assert_string_equal(
	    world_sql(env.w, "SELECT account::text || coalesce(restriction, '-') FROM "
			     "outlet_accounts WHERE outlet_id = 'o_conn'"),
	    "{}-");
}

static void
test_quota(void **state)
{
	(void)state;
	bring_up("o_conn");
	settle();
	outlet_chat_started(get("o_conn")); /* nothing is known: nothing is counted */
	outlet_chat_settled(get("o_conn"), true);
	fake_cap(fake_find("o_conn"), 3, 1, 0);
	outlet_chat_started(get("o_conn"));
	assert_shown("null");
	assert_int_equal(fake.account_asks, 0);
	outlet_chat_started(get("o_conn"));
	assert_false(outlet_may_start_chats(get("o_conn")));
	assert_int_equal(fake.account_asks, 1);
	assert_shown("null"); /* in a turn of its own */
	settle();
	assert_shown("{\"kind\":\"new_chat_cap\",\"until\":null,\"used\":3,\"quota\":3}");
}

/* -- numbers ---------------------------------------------------------------------------- */

static struct link_checked heard;
static unsigned n_heard;

static void
on_checked(void *arg, const struct link_checked *checked)
{
	assert_ptr_equal(arg, &heard);
	heard = *checked;
	n_heard++;
}

static const char *
check(struct outlet_check **ret_check, unsigned *ret_retry_s)
{
	static const char *const phones[] = {"62811111111", "62822222222"};

	*ret_check = NULL;
	return outlet_check_numbers(
	    get("o_conn"), phones, 2, on_checked, &heard, ret_check, ret_retry_s);
}

static void
test_numbers(void **state)
{
	struct outlet_check *c;
	unsigned s;

	(void)state;
	n_heard = 0;
	assert_string_equal(check(&c, &s), "outlet_not_healthy");
	bring_up("o_conn");
	settle();
	assert_null(check(&c, &s));
	fake_check_answer(LINK_CHECK_DONE, 0, 0);
	assert_int_equal(n_heard, 1);
	assert_int_equal(heard.n, 2);
	/* Nobody wants it any more. */
	assert_null(check(&c, &s));
	outlet_check_forget(&c);
	assert_null(c);
	fake_check_answer(LINK_CHECK_DONE, 0, 0);
	assert_int_equal(n_heard, 1);
	fake.refuse_checks = true;
	assert_string_equal(check(&c, &s), "too_many_requests");
	assert_true(s > 0);
	fake.refuse_checks = false;
	/* The link ends; the outlet goes. */
	assert_null(check(&c, &s));
	fake_end(fake_find("o_conn"), LINK_END_RESTART, 0);
	assert_int_equal(n_heard, 2);
	assert_int_equal(heard.result, LINK_CHECK_UNHEARD);
	bring_up("o_conn");
	settle();
	assert_null(check(&c, &s));
	outlets_removed(env.os, "o_conn");
	assert_int_equal(n_heard, 3);
	assert_int_equal(heard.result, LINK_CHECK_UNHEARD);
}

/* Logged in, and not ready yet: they wait for it, and not for ever. */
static void
test_numbers_before_ready(void **state)
{
	const struct jid own = jid_make(JID_SERVER_PN, "62811", 7),
			 lid = jid_make(JID_SERVER_LID, "12345", 7);
	char id[] = "o_conn";
	struct outlet_check *c;
	struct link *l;
	unsigned s;

	(void)state;
	n_heard = 0;
	until(has_link, id, "a link");
	l = fake_find(id);
	l->open = true;
	l->ops->open(l->arg, &own, &lid);
	until(is_healthy, id, "healthy");
	assert_null(check(&c, &s));
	assert_int_equal(fake.n_checks, 0);
	for (unsigned i = 0; i < LINK_CHECKS_MAX / 2 - 1; i++)
		assert_null(check(&c, &s));
	assert_string_equal(check(&c, &s), "too_many_requests");
	fake_end(l, LINK_END_RESTART, 0);
	assert_int_equal(n_heard, LINK_CHECKS_MAX / 2);
	assert_int_equal(heard.result, LINK_CHECK_UNHEARD);

	until(has_link, id, "a link");
	l = fake_find(id);
	l->open = true;
	l->ops->open(l->arg, &own, &lid);
	until(is_healthy, id, "healthy");
	assert_null(check(&c, &s));
	l->ready = true;
	l->ops->ready(l->arg);
	assert_int_equal(fake.n_checks, 1);
	fake_check_answer(LINK_CHECK_DONE, 0, 0);
	assert_int_equal(n_heard, LINK_CHECKS_MAX / 2 + 1);
	assert_int_equal(heard.result, LINK_CHECK_DONE);
}

static void
test_numbers_too_fast(void **state)
{
	static const struct {
		unsigned backoff_s, wait_s;
	} steps[] = {{0, 60}, {0, 120}, {300, 300}, {0, 480}, {0, 960}, {0, 1920}, {0, 3600},
	    {0, 3600}, {86400, 3600}};
	struct outlet_check *c;
	unsigned s;

	(void)state;
	bring_up("o_conn");
	settle();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		assert_null(check(&c, &s));
		fake_check_answer(LINK_CHECK_REFUSED, 429, steps[i].backoff_s);
		assert_in_range(
		    outlet_check_wait_s(get("o_conn")), steps[i].wait_s - 1, steps[i].wait_s);
		assert_string_equal(check(&c, &s), "too_many_requests");
		assert_in_range(s, steps[i].wait_s - 1, steps[i].wait_s);
		get("o_conn")->checks_not_before_ms = 0;
	}
	/* Another error is none of that; a success begins anew. */
	assert_null(check(&c, &s));
	fake_check_answer(LINK_CHECK_REFUSED, 500, 0);
	assert_int_equal(outlet_check_wait_s(get("o_conn")), 0);
	assert_null(check(&c, &s));
	fake_check_answer(LINK_CHECK_DONE, 0, 0);
	assert_null(check(&c, &s));
	fake_check_answer(LINK_CHECK_REFUSED, 429, 0);
	assert_in_range(outlet_check_wait_s(get("o_conn")), 59, 60);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    OUTLET_TEST(test_restriction),
	    OUTLET_TEST(test_quota),
	    OUTLET_TEST(test_numbers),
	    OUTLET_TEST(test_numbers_before_ready),
	    OUTLET_TEST(test_numbers_too_fast),
	};

	return cmocka_run_group_tests_name(
	    "outlet_account", tests, world_setup_store, world_teardown);
}
