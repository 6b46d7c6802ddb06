/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The blast engine while WhatsApp restricts: refusals that hold an outlet's blasts, locks and
 * quotas of new chats, too many at a time.
 */
#include "tests/unit/waconnd/blast_world.h"

static unsigned reject_code;

static bool
answer_rejected(const struct fake_send *s, enum link_sent *ret_result, unsigned *ret_code)
{
	if (strncmp(s->phone, "628", 3) == 0) {
		*ret_result = LINK_SENT_REJECTED;
		*ret_code = reject_code;
	}
	return true;
}

static void
test_refusals_hold_the_blasts(void **state)
{
	struct queue *q;

	(void)state;
	fake.policy = answer_rejected;
	reject_code = 463;
	/* A rate, so that refusals are heard before all are gone. */
	add_blast("b1", 20, "RUNNING", "{\"perMinute\": 600, \"jitter\": 0}");
	until_sql(env.w, "SELECT count(*) FROM messages WHERE reason = 'rejected_463'", "2");
	q = outlet_queue(outlet());
	assert_true(q->held_until_ms > clock_wall_ms() + 3500 * 1000);
	/* A single message goes on; the blast does not. */
	(void)world_sql(env.w, "INSERT INTO messages (outlet_id, outgoing, phone, text, status) "
			       "VALUES ('o1', true, '447700', 'Hi {{name}}', 'QUEUED')");
	blasts_kick(env.blasts, outlet());
	until_sql(env.w, "SELECT status FROM messages WHERE phone = '447700'", "SENT");
	assert_string_equal(fake.sends[fake.n_sends - 1].text,
	    "Hi {{name}}"); /* what a person wrote is not rendered */
	assert_int_equal(fake.n_sends, 3);
	assert_non_null(strstr(
	    env.last_message, "\"direction\":\"out\",\"peer\":\"447700\",\"status\":\"SENT\""));
	/* The hold outlives a restart. */
	stop_engine();
	start();
	until_sql(env.w, "SELECT 'x'", "x");
	(void)world_sql(
	    env.w, "UPDATE messages SET status = 'QUEUED', wa_id = NULL WHERE phone = '447700'");
	blasts_kick(env.blasts, outlet());
	until_sql(env.w, "SELECT status FROM messages WHERE phone = '447700'", "SENT");
	assert_int_equal(fake.n_sends, 4);
	assert_string_equal(
	    world_sql(env.w, "SELECT count(*) FROM messages WHERE status = 'QUEUED'"), "18");
}

/* -- while chats may not be started -- */

static int64_t
in_s(int s)
{
	return clock_wall_ms() + s * 1000LL;
}

static void
test_lock_holds_first_contacts(void **state)
{
	(void)state;
	fake_timelock(fake_find("o1"), true, in_s(600));
	/* 2 wrote to us, 4 got something of ours. */
	(void)world_sql(env.w,
	    "INSERT INTO messages (outlet_id, outgoing, phone, peer, wa_id, status) VALUES ('o1', "
	    "false, '6281000002', '1@lid', 'I', 'RECEIVED'), ('o1', true, '6281000004', NULL, 'O', "
	    "'DELIVERED')");
	add_blast("b1", 6, "RUNNING", "{}");
	until_sql(env.w, "SELECT sent FROM blasts", "2");
	assert_string_equal(
	    world_sql(env.w, "SELECT string_agg(phone, ' ' ORDER BY phone) FROM messages WHERE "
			     "blast_id = 'b1' AND status = 'SENT'"),
	    "6281000002 6281000004");
	assert_string_equal(world_sql(env.w, "SELECT queued FROM blasts"), "4");
	assert_string_equal(
	    world_sql(env.w, "SELECT json_array_length(blast_json(b)->'restrictions') || "
			     "(blast_json(b)->'restrictions'->0->>'kind') FROM blasts b"),
	    "1reachout_timelock");
	/* A single message goes. */
	(void)world_sql(env.w, "INSERT INTO messages (outlet_id, outgoing, phone, text, status) "
			       "VALUES ('o1', true, '447700', 'Hi', 'QUEUED')");
	blasts_added(env.blasts, outlet());
	until_sql(env.w, "SELECT status FROM messages WHERE phone = '447700'", "SENT");
	assert_int_equal(fake.n_sends, 3);
	/* It ends, and all goes on by itself. */
	fake_timelock(fake_find("o1"), false, 0);
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_int_equal(fake.n_sends, 7);
	assert_one_id_each();
	assert_string_equal(
	    world_sql(env.w, "SELECT count(*) FROM messages WHERE status = 'FAILED'"), "0");
}

/* Nobody says that it is over: its time is. */
static void
test_lock_ends_by_itself(void **state)
{
	(void)state;
	fake_timelock(fake_find("o1"), true, clock_wall_ms() - ACCOUNT_GRACE_MS + 300);
	add_blast("b1", 2, "RUNNING", "{}");
	assert_int_equal(fake.n_sends, 0);
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_int_equal(fake.n_sends, 2);
}

/* What waits in hand when the lock comes does not go. */
static void
test_lock_in_between(void **state)
{
	(void)state;
	add_blast("b1", 3, "RUNNING", "{\"perMinute\": 300, \"jitter\": 0}");
	until_sql(env.w, "SELECT sent FROM blasts", "1");
	fake_timelock(fake_find("o1"), true, in_s(600));
	blasts_kick(env.blasts, NULL);
	until_sql(env.w, "SELECT restriction FROM outlet_accounts", "reachout_timelock");
	assert_int_equal(fake.n_sends, 1);
	/* It outlives a restart. */
	stop_engine();
	start();
	assert_false(outlet_may_start_chats(outlet()));
	(void)world_sql(env.w, "INSERT INTO messages (outlet_id, outgoing, phone, text, status) "
			       "VALUES ('o1', true, '447700', 'Hi', 'QUEUED')");
	blasts_kick(env.blasts, outlet());
	until_sql(env.w, "SELECT status FROM messages WHERE phone = '447700'", "SENT");
	assert_int_equal(fake.n_sends, 2);
}

/* One that was on its way comes again when it is over; a hold that guessed is taken back. */
static void
test_refused_on_the_way(void **state)
{
	const char *reason;
	int64_t until_ms;

	(void)state;
	fake.policy = answer_rejected;
	reject_code = 463;
	add_blast("b1", 2, "RUNNING", "{}");
	until_sql(env.w, "SELECT count(*) FROM messages WHERE reason = 'rejected_463'", "2");
	assert_int_equal(
	    blasts_hold(outlet(), clock_wall_ms(), &until_ms, &reason), BLAST_HOLD_REACHOUT);
	assert_string_equal(reason, "rejected_463");
	assert_true(until_ms > in_s(3500));
	fake_timelock(fake_find("o1"), true, in_s(600));
	assert_int_equal(
	    blasts_hold(outlet(), clock_wall_ms(), &until_ms, &reason), BLAST_HOLD_NONE);
	/* Somebody with whom there is a chat is written to. */
	fake.policy = NULL;
	(void)world_sql(env.w,
	    "INSERT INTO messages (outlet_id, outgoing, phone, peer, wa_id, status) VALUES ('o1', "
	    "false, '6281000001', '1@lid', 'I', 'RECEIVED')");
	add_blast("b2", 1, "RUNNING", "{}");
	until_sql(env.w, "SELECT status FROM blasts WHERE id = 'b2'", "COMPLETED");
}

static bool
one_flies(void *arg)
{
	(void)arg;
	return fake.in_flight == 1;
}

static bool
answer_none(const struct fake_send *s, enum link_sent *ret_result, unsigned *ret_code)
{
	(void)s;
	(void)ret_result;
	(void)ret_code;
	return false;
}

static void
test_refused_when_known(void **state)
{
	struct fake_send *s = &fake.sends[0];

	(void)state;
	fake.policy = answer_none;
	add_blast("b1", 1, "RUNNING", "{}");
	until(one_flies, NULL, "one in flight");
	fake_timelock(fake_find("o1"), true, in_s(600));
	fake.policy = answer_rejected;
	reject_code = 463;
	fake_answer(s->link, s);
	until_sql(env.w, "SELECT status || ' ' || reason FROM messages", "QUEUED restricted");
	fake.policy = NULL;
	fake_timelock(fake_find("o1"), false, 0);
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_one_id_each();
	assert_int_equal(fake.n_sends, 2);
}

/* So many chats, and not one more, before WhatsApp has said so. */
static void
test_quota(void **state)
{
	(void)state;
	fake_cap(fake_find("o1"), 10, 7, in_s(600));
	add_blast("b1", 6, "RUNNING", "{}");
	until_sql(env.w, "SELECT sent FROM blasts", "3");
	until_sql(env.w,
	    "SELECT restriction || ' ' || (account->'newChats'->>'used') FROM "
	    "outlet_accounts",
	    "new_chat_cap 10");
	assert_true(fake.account_asks >= 1);
	assert_int_equal(fake.n_sends, 3);
	/* It counted otherwise: two more. */
	fake_cap(fake_find("o1"), 10, 8, in_s(600));
	until_sql(env.w, "SELECT sent FROM blasts", "5");
	fake_cap(fake_find("o1"), -1, 0, 0);
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_one_id_each();
}

static bool
is_held(void *arg)
{
	const char *reason;
	int64_t until_ms;

	(void)arg;
	return blasts_hold(outlet(), clock_wall_ms(), &until_ms, &reason) == BLAST_HOLD_CAPPED;
}

/* 475: all wait, until WhatsApp says that it is the quota. */
static void
test_capped(void **state)
{
	const char *reason;
	int64_t until_ms;

	(void)state;
	fake.policy = answer_rejected;
	reject_code = 475;
	add_blast("b1", 1, "RUNNING", "{}");
	until_sql(env.w, "SELECT reason FROM messages", "rejected_475");
	until(is_held, NULL, "a hold");
	/* It outlives a restart. */
	stop_engine();
	start();
	until(is_held, NULL, "a hold after the restart");
	fake_cap(fake_find("o1"), 10, 10, in_s(600));
	assert_int_equal(
	    blasts_hold(outlet(), clock_wall_ms(), &until_ms, &reason), BLAST_HOLD_NONE);
	assert_false(outlet_may_start_chats(outlet()));
}

static void
test_too_fast(void **state)
{
	(void)state;
	fake.policy = answer_rejected;
	reject_code = 429;
	add_blast("b1", 3, "RUNNING", "{\"perMinute\": 60, \"jitter\": 0}");
	until_sql(env.w,
	    "SELECT count(*) FROM messages WHERE status = 'QUEUED' AND reason = 'rate_limited' AND "
	    "not_before > now() + interval '50 minutes'",
	    "1");
	assert_int_equal(fake.n_sends, 1);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, stop)
	const struct CMUnitTest tests[] = {
	    TEST(test_refusals_hold_the_blasts),
	    TEST(test_lock_holds_first_contacts),
	    TEST(test_lock_ends_by_itself),
	    TEST(test_lock_in_between),
	    TEST(test_refused_on_the_way),
	    TEST(test_refused_when_known),
	    TEST(test_quota),
	    TEST(test_capped),
	    TEST(test_too_fast),
	};

	return cmocka_run_group_tests_name(
	    "blast_restriction", tests, world_setup_store, world_teardown);
}
