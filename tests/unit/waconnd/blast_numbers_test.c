/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The blast engine where a blast wants its numbers asked about before they are sent to: in
 * batches, nobody before the answer, and nobody else held up.
 */
#include "tests/unit/waconnd/blast_world.h"

#define ABSENT "6281000002"
#define SILENT "6281000003"

static int
fresh_numbers(void **state)
{
	(void)world_sql(*state, "DELETE FROM number_checks");
	return fresh(state);
}

static void
on_check(void)
{
	for (size_t i = 0; i < fake.n_checked; i++) {
		struct link_number *n = &fake.checked[i];

		if (strcmp(n->phone, SILENT) != 0)
			n->state = strcmp(n->phone, ABSENT) == 0 ? LINK_NUMBER_ABSENT
								 : LINK_NUMBER_PRESENT;
	}
	fake_check_answer(LINK_CHECK_DONE, 0, 0);
}

static void
too_fast(void)
{
	fake_check_answer(LINK_CHECK_REFUSED, 429, 600);
}

static void
nothing(void)
{
}

static void
add_careful(const char *id, unsigned n)
{
	add_blast(id, n, "PAUSED", "{}");
	(void)world_sql(env.w, "UPDATE blasts SET check_numbers = true, status = 'RUNNING' "
			       "WHERE status = 'PAUSED'");
	blasts_kick(env.blasts, NULL);
}

static unsigned
sends_to(const char *phone)
{
	unsigned n = 0;

	for (unsigned i = 0; i < fake.n_sends; i++)
		n += strcmp(fake.sends[i].phone, phone) == 0;
	return n;
}

static bool
was_asked(void *arg)
{
	(void)arg;
	return fake.n_checks > 0;
}

/* Who opted out and who wrote before is not asked about; who WhatsApp says nothing of is sent to.
 */
static void
test_asked_before(void **state)
{
	(void)state;
	fake.on_check = on_check;
	(void)world_sql(
	    env.w, "INSERT INTO opt_outs (phone, reason) VALUES ('6281000004', 'STOP')");
	(void)world_sql(env.w,
	    "INSERT INTO messages (outlet_id, outgoing, phone, peer, wa_id, text, status) "
	    "VALUES ('o1', false, '6281000005', '1@lid', 'I1', 'hi', 'RECEIVED')");
	add_careful("b1", 122);
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_int_equal(fake.n_checks, 3);
	assert_int_equal(fake.n_sends, 120);
	assert_one_id_each();
	assert_int_equal(sends_to(ABSENT), 0);
	assert_int_equal(sends_to(SILENT), 1);
	assert_string_equal(
	    world_sql(env.w, "SELECT string_agg(phone || ':' || reason, ' ' ORDER BY phone) FROM "
			     "messages WHERE status = 'SKIPPED'"),
	    ABSENT ":not_on_whatsapp 6281000004:opted_out");
	assert_string_equal(
	    world_sql(env.w, "SELECT count(*) || ' ' || count(*) FILTER (WHERE phone IN "
			     "('6281000003', '6281000004', '6281000005')) FROM number_checks"),
	    "119 0");
	/* What is known is not asked again. */
	add_careful("b2", 2);
	until_sql(env.w, "SELECT status FROM blasts WHERE id = 'b2'", "COMPLETED");
	assert_int_equal(fake.n_checks, 3);
	assert_int_equal(sends_to(ABSENT), 0);
}

static void
test_too_fast(void **state)
{
	struct queue *q;

	(void)state;
	fake.on_check = too_fast;
	add_careful("b1", 5);
	until(was_asked, NULL, "a question");
	add_blast("b2", 3, "RUNNING", "{}");
	until_sql(env.w, "SELECT status FROM blasts WHERE id = 'b2'", "COMPLETED");
	/* Woken as often as you like: nothing is asked, and nothing sent. */
	blasts_kick(env.blasts, NULL);
	add_blast("b3", 3, "RUNNING", "{}");
	until_sql(env.w, "SELECT status FROM blasts WHERE id = 'b3'", "COMPLETED");
	assert_int_equal(fake.n_checks, 1);
	assert_int_equal(fake.n_sends, 6);
	assert_string_equal(world_sql(env.w, "SELECT queued FROM blasts WHERE id = 'b1'"), "5");
	q = outlet_queue(outlet());
	assert_int_equal(q->n_closed, 1);
	assert_true(q->closed[0].until_ms > clock_wall_ms() + 590 * 1000);
}

/* A stop while WhatsApp thinks; then a link that breaks. */
static void
test_stopped_and_cut(void **state)
{
	(void)state;
	fake.on_check = nothing;
	add_careful("b1", 60);
	until(was_asked, NULL, "a question");
	stop_engine();
	fake.n_checks = 0;
	start();
	until(was_asked, NULL, "a question after the start");
	fake.n_checks = 0;
	fake_end(fake_find("o1"), LINK_END_RESTART, 0);
	bring_up();
	until(was_asked, NULL, "a question by the new link");
	assert_int_equal(fake.n_sends, 0);
	fake.on_check = on_check;
	on_check();
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_int_equal(fake.n_sends, 59);
	assert_one_id_each();
}

/* Two blasts that wait for answers: the second does not wait for its minute to be over. */
static void
test_two(void **state)
{
	(void)state;
	fake.on_check = on_check;
	add_careful("b1", 60);
	add_blast("b2", 70, "PAUSED", "{}");
	(void)world_sql(env.w, "UPDATE messages SET phone = '1' || phone WHERE blast_id = 'b2'");
	(void)world_sql(
	    env.w, "UPDATE blasts SET check_numbers = true, status = 'RUNNING' WHERE id = 'b2'");
	blasts_kick(env.blasts, NULL);
	until_sql(env.w, "SELECT string_agg(status, ' ') FROM blasts", "COMPLETED COMPLETED");
	assert_int_equal(fake.n_checks, 4);
	assert_int_equal(fake.n_sends, 129);
	assert_one_id_each();
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh_numbers, stop)
	const struct CMUnitTest tests[] = {
	    TEST(test_asked_before),
	    TEST(test_too_fast),
	    TEST(test_stopped_and_cut),
	    TEST(test_two),
	};

	return cmocka_run_group_tests_name(
	    "blast_numbers", tests, world_setup_store, world_teardown);
}
