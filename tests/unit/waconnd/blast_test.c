/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The blast engine: every recipient once, whatever the link answers and however often it breaks;
 * pacing, opt-outs, pauses; schedules and expiry.
 */
#include "tests/unit/waconnd/blast_world.h"

static void
test_all_once(void **state)
{
	(void)state;
	add_blast("b1", 200, "RUNNING", "{}");
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_int_equal(fake.n_sends, 200);
	assert_true(fake.in_flight_max > 1 && fake.in_flight_max <= LINK_SENDS_MAX);
	assert_one_id_each();
	assert_string_equal(fake.sends[0].text, "Halo Kakak 1");
	assert_string_equal(fake.sends[199].text, "Halo Kakak 200");
	assert_string_equal(
	    world_sql(env.w, "SELECT concat_ws(' ', count(*), count(DISTINCT wa_id), min(text)) "
			     "FROM messages WHERE status = 'SENT'"),
	    "200 200 Halo Kakak 1");
}

static bool
blast_completed_event(void *arg)
{
	(void)arg;
	return strstr(env.last_blast, "COMPLETED") != NULL;
}

static void
test_events(void **state)
{
	(void)state;
	add_blast("b1", 3, "RUNNING", "{}");
	until(blast_completed_event, NULL, "an event that says COMPLETED");
	assert_string_equal(env.last_blast_outlet, "o1");
	assert_true(env.blast_events <= 3);
	assert_int_equal(env.message_events, 0);
}

static void
test_link_breaks(void **state)
{
	(void)state;
	fake.policy = answer_some;
	answers_left = 50;
	add_blast("b1", 150, "RUNNING", "{}");
	until(answers_used_up, NULL, "50 answers");
	fake_end(fake_find("o1"), LINK_END_RESTART, 0);
	answers_left = 1000;
	bring_up();
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_true(fake.n_sends > 150);
	assert_one_id_each();
	assert_string_equal(
	    world_sql(env.w, "SELECT count(*) FROM messages WHERE status = 'SENT'"), "150");
}

/* A crash with messages in flight: the next start sends them again, under their ids, and before
 * anything new. */
static void
test_crash(void **state)
{
	unsigned first;

	(void)state;
	fake.policy = answer_some;
	answers_left = 10;
	add_blast("b1", 100, "RUNNING", "{}");
	until(answers_used_up, NULL, "10 answers");
	until_sql(
	    env.w, "SELECT (count(*) > 0)::text FROM messages WHERE status = 'SENDING'", "true");
	stop_engine();
	first = fake.n_sends;
	answers_left = 1000;
	start();
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_true(fake.n_sends > first);
	assert_one_id_each();
	assert_string_equal(
	    world_sql(env.w, "SELECT count(*) FROM messages WHERE status = 'SENT'"), "100");
}

static bool
answer_by_phone(const struct fake_send *s, enum link_sent *ret_result, unsigned *ret_code)
{
	if (strcmp(s->phone, "6281000002") == 0)
		*ret_result = LINK_SENT_NO_DEVICE;
	if (strcmp(s->phone, "6281000004") == 0) {
		*ret_result = LINK_SENT_REJECTED;
		*ret_code = 400;
	}
	if (strcmp(s->phone, "6281000005") == 0)
		*ret_result = LINK_SENT_FAILED;
	return true;
}

static void
test_failures(void **state)
{
	(void)state;
	(void)world_sql(
	    env.w, "INSERT INTO opt_outs (phone, reason) VALUES ('6281000003', 'STOP')");
	fake.policy = answer_by_phone;
	add_blast("b1", 6, "RUNNING", "{}");
	until_sql(env.w,
	    "SELECT string_agg(status || coalesce(':' || reason, ''), ' ' ORDER BY id) FROM "
	    "messages",
	    "SENT FAILED:not_on_whatsapp SKIPPED:opted_out FAILED:rejected_400 QUEUED:send_failed "
	    "SENT");
	/* It comes again when its time has come, three times in all. */
	for (unsigned i = 0; i < 2; i++) {
		(void)world_sql(
		    env.w, "UPDATE messages SET not_before = now() WHERE status = 'QUEUED'");
		blasts_kick(env.blasts, NULL);
		until_sql(env.w,
		    i == 0 ? "SELECT attempts FROM messages WHERE phone = '6281000005' AND status "
			     "= 'QUEUED'"
			   : "SELECT attempts FROM messages WHERE phone = '6281000005' AND status "
			     "= 'FAILED'",
		    i == 0 ? "2" : "3");
	}
	assert_string_equal(world_sql(env.w, "SELECT status FROM blasts"), "COMPLETED");
	assert_one_id_each();
}

static bool
three_sent(void *arg)
{
	(void)arg;
	return fake.n_sends >= 3;
}

static void
test_rate(void **state)
{
	const int64_t begun = clock_monotonic_ms();

	(void)state;
	add_blast("b1", 5, "RUNNING", "{\"perMinute\": 120, \"jitter\": 0}");
	until(three_sent, NULL, "three sends");
	assert_true(clock_monotonic_ms() - begun >= 950);
	assert_int_equal(fake.n_sends, 3);
}

/* A turn that comes while something else wakes the queue does not leave it asleep: here no sweep
 * would wake it. */
static void
test_rate_without_sweeps(void **state)
{
	(void)state;
	(void)event_del(env.blasts->sweep);
	add_blast("b1", 300, "RUNNING", "{\"perMinute\": 6000, \"jitter\": 0.5}");
	blasts_kick(env.blasts, NULL);
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_one_id_each();
}

static void
test_closed_window_lets_others_pass(void **state)
{
	(void)state;
	/* A daily cap that is used up stands for any closing. */
	add_blast("b1", 5, "RUNNING", "{\"dailyCap\": 1}");
	until_sql(env.w, "SELECT sent FROM blasts WHERE id = 'b1'", "1");
	add_blast("b2", 5, "RUNNING", "{\"dailyCap\": 0}");
	until_sql(env.w, "SELECT status FROM blasts WHERE id = 'b2'", "COMPLETED");
	assert_string_equal(world_sql(env.w, "SELECT sent FROM blasts WHERE id = 'b1'"), "1");
}

static void
test_paused_and_cancelled(void **state)
{
	(void)state;
	add_blast("b1", 5, "PAUSED", "{}");
	add_blast("b2", 2, "RUNNING", "{}");
	until_sql(env.w, "SELECT status FROM blasts WHERE id = 'b2'", "COMPLETED");
	assert_int_equal(fake.n_sends, 2);
	(void)world_sql(env.w, "UPDATE blasts SET status = 'RUNNING' WHERE id = 'b1'");
	blasts_kick(env.blasts, NULL);
	until_sql(env.w, "SELECT status FROM blasts WHERE id = 'b1'", "COMPLETED");
}

static void
test_sweep(void **state)
{
	(void)state;
	add_blast("due", 1, "SCHEDULED", "{}");
	add_blast("missed", 1, "SCHEDULED", "{}");
	add_blast("gone", 1, "PAUSED", "{}");
	(void)world_sql(
	    env.w, "UPDATE blasts SET schedule_at = now() - interval '1 minute' WHERE id = 'due'");
	(void)world_sql(env.w,
	    "UPDATE blasts SET schedule_at = now() - interval '2 hours' WHERE id = 'missed'");
	(void)world_sql(
	    env.w, "UPDATE blasts SET expires_at = now() - interval '1 second' WHERE id = 'gone'");
	until_sql(env.w,
	    "SELECT string_agg(id || ':' || status || coalesce(':' || pause_reason, ''), ' ' ORDER "
	    "BY id) FROM blasts",
	    "due:COMPLETED gone:EXPIRED missed:PAUSED:schedule_missed");
	assert_string_equal(
	    world_sql(env.w, "SELECT status FROM messages WHERE blast_id = 'gone'"), "CANCELLED");
	assert_int_equal(fake.n_sends, 1);
}

static void
test_given_up(void **state)
{
	(void)state;
	add_blast("b1", 2, "PAUSED", "{}");
	(void)world_sql(env.w, "UPDATE messages SET status = 'SENDING', wa_id = 'W' || id, "
			       "attempts = CASE phone WHEN '6281000001' THEN 8 ELSE 1 END");
	blasts_kick(env.blasts, NULL);
	/* What was in flight is settled even though its blast is paused. */
	until_sql(env.w,
	    "SELECT string_agg(status || coalesce(':' || reason, ''), ' ' ORDER BY id) FROM "
	    "messages",
	    "FAILED:outlet_lost SENT");
	assert_int_equal(fake.n_sends, 1);
	assert_int_equal(fake.sends[0].id[0], 'W');
}

static bool
is_idle(void *arg)
{
	(void)arg;
	return blasts_idle(env.blasts);
}

static void
test_stop(void **state)
{
	(void)state;
	add_blast("b1", 300, "RUNNING", "{}");
	until_sql(env.w, "SELECT (sent > 0)::text FROM blasts", "true");
	blasts_stop(env.blasts);
	until(is_idle, NULL, "idle");
	assert_string_equal(
	    world_sql(env.w, "SELECT count(*) FROM messages WHERE status = 'SENDING'"), "0");
	assert_true(fake.n_sends < 300);
}

static void
test_outlet_removed_in_flight(void **state)
{
	(void)state;
	fake.policy = answer_some;
	answers_left = 0;
	add_blast("b1", 10, "RUNNING", "{}");
	until(answers_used_up, NULL, "sends without answers");
	assert_int_equal(world_commit(env.w), 0);
	(void)world_sql(env.w, "DELETE FROM outlets");
	outlets_removed(env.os, "o1");
	assert_int_equal(outlets_count(env.os), 0);
	assert_true(blasts_idle(env.blasts));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, stop)
	const struct CMUnitTest tests[] = {
	    TEST(test_all_once),
	    TEST(test_events),
	    TEST(test_link_breaks),
	    TEST(test_crash),
	    TEST(test_failures),
	    TEST(test_rate),
	    TEST(test_rate_without_sweeps),
	    TEST(test_closed_window_lets_others_pass),
	    TEST(test_paused_and_cancelled),
	    TEST(test_sweep),
	    TEST(test_given_up),
	    TEST(test_stop),
	    TEST(test_outlet_removed_in_flight),
	};

	return cmocka_run_group_tests_name("blast", tests, world_setup_store, world_teardown);
}
