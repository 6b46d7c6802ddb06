/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A blast at each of its outlets, through the API's socket: counters, parts that are paused and
 * resumed, outlets that fail or are restricted too often, and what waits at one and is given to
 * others: each recipient hears from one of them, once.
 */
#include "tests/unit/waconnd/api_blast.h"

static char id[64];    /* of the blast */
static unsigned first; /* of its sends */

/* A blast of n numbers over outlets that are named by `outlets` ("o1", "o1 o2"). */
static void
begin(const char *outlets, unsigned n, unsigned per_minute)
{
	Ipc__Recipient *all = xcalloc(n, sizeof(*all)),
		       **pointers = xcalloc(n, sizeof(Ipc__Recipient *));
	char(*phones)[16] = xcalloc(n, sizeof(*phones));
	struct request r;

	first = fake.n_sends;
	request_init(&r, 0);
	for (unsigned i = 0; i < n; i++) {
		(void)snprintf(phones[i], sizeof(phones[i]), "0812%08u", i);
		ipc__recipient__init(&all[i]);
		all[i].phone = phones[i];
		pointers[i] = &all[i];
	}
	r.blast.recipients = pointers;
	r.blast.n_recipients = n;
	if (strcmp(outlets, "o1") != 0)
		r.outlets[r.blast.n_outlets++] = o2;
	r.pace.has_per_minute = r.pace.has_jitter = 1;
	r.pace.per_minute = per_minute;
	r.blast.pace = &r.pace;
	create(&r, "t-admin", "202");
	(void)snprintf(id, sizeof(id), "%s", api_text("blast.id"));
	free(all);
	free(pointers);
	free(phones);
}

static void
command(Ipc__Request__OpCase op, char *outlet, const char *outcome)
{
	Ipc__Id m = IPC__ID__INIT;
	Ipc__Request q = IPC__REQUEST__INIT;

	m.id = id;
	m.outlet_id = outlet;
	q.op_case = op;
	q.blast_pause = &m;
	api_ask(&q, "t-admin");
	api_assert(outcome);
}
#define PAUSE(outlet, outcome) command(IPC__REQUEST__OP_BLAST_PAUSE, outlet, outcome)
#define RESUME(outlet, outcome) command(IPC__REQUEST__OP_BLAST_RESUME, outlet, outcome)

static void
move(char *from, char *to, const char *token, const char *outcome)
{
	char *targets[] = {to};
	Ipc__BlastMove m = IPC__BLAST_MOVE__INIT;
	API_REQUEST(q, BLAST_MOVE, blast_move, &m);

	m.id = id;
	m.from = from;
	m.to = targets;
	m.n_to = 1;
	api_ask(&q, token);
	api_assert(outcome);
}

static unsigned
sent_by(const char *outlet)
{
	unsigned n = 0;

	for (unsigned i = first; i < fake.n_sends; i++)
		n += strcmp(fake.sends[i].outlet, outlet) == 0;
	return n;
}

static void
assert_each_once(unsigned n)
{
	assert_int_equal(fake.n_sends - first, n);
	for (unsigned i = first; i < first + n; i++)
		for (unsigned k = i + 1; k < first + n; k++)
			assert_string_not_equal(fake.sends[i].phone, fake.sends[k].phone);
}

/* The counters of the parts are those of the messages, and add up to the blast's. */
static void
assert_counts_agree(void)
{
	assert_string_equal(
	    sql("SELECT count(*) FROM blast_outlets o WHERE concat_ws(' ', total, queued, sending, "
		"sent, failed, skipped, cancelled) <> (SELECT concat_ws(' ', count(*), count(*) "
		"FILTER (WHERE status = 'QUEUED'), count(*) FILTER (WHERE status = 'SENDING'), "
		"count(*) FILTER (WHERE status = 'SENT'), count(*) FILTER (WHERE status = "
		"'FAILED'), count(*) FILTER (WHERE status = 'SKIPPED'), count(*) FILTER (WHERE "
		"status = 'CANCELLED')) FROM messages m WHERE m.blast_id = o.blast_id AND "
		"m.outlet_id = o.outlet_id AND is_recipient)"),
	    "0");
	assert_string_equal(
	    sql("SELECT count(*) FROM blasts b WHERE concat_ws(' ', total, queued, sent, failed) "
		"<> (SELECT concat_ws(' ', sum(total), sum(queued), sum(sent), sum(failed)) FROM "
		"blast_outlets o WHERE o.blast_id = b.id)"),
	    "0");
}

static void
list_parts(const char *token)
{
	Ipc__List m = IPC__LIST__INIT;

	m.id = id;
	list(IPC__REQUEST__OP_BLAST_OUTLETS, &m, token, "200");
}

/* -- parts -- */

static void
test_parts(void **state)
{
	Ipc__List m = IPC__LIST__INIT;

	(void)state;
	begin("o1 o2", 10, 0);
	until_sql(aw.w, "SELECT status FROM blasts", "COMPLETED");
	list_parts("t-admin");
	assert_int_equal(json_array_size(api_at("outlets")), 2);
	assert_string_equal(api_text("outlets.0.outletId"), "o1");
	assert_string_equal(api_text("outlets.0.name"), "Alpha");
	assert_int_equal(api_int("outlets.0.counts.sent"), 5);
	assert_int_equal(api_int("outlets.1.counts.total"), 5);
	assert_true(json_is_false(api_at("outlets.0.paused")));
	assert_counts_agree();
	list_parts("t-user"); /* of o1 */
	assert_int_equal(json_array_size(api_at("outlets")), 1);
	m.id = id;
	m.has_limit = 1;
	m.limit = 1;
	list(IPC__REQUEST__OP_BLAST_OUTLETS, &m, "t-admin", "200");
	assert_int_equal(json_array_size(api_at("outlets")), 1);
	assert_string_equal(api_text("nextCursor"), "o1");
	PAUSE(o1, "409 blast_finished");
	RESUME(o1, "409 blast_finished");
}

static void
test_one_part_paused(void **state)
{
	(void)state;
	begin("o1 o2", 20, 300);
	until_sql(aw.w, "SELECT (sent >= 2)::text FROM blasts", "true");
	PAUSE(o2, "200");
	assert_string_equal(api_text("blast.status"), "RUNNING");
	assert_string_equal(api_text("blast.pausedOutlets.0.outletId"), "o2");
	assert_string_equal(api_text("blast.pausedOutlets.0.reason"), "paused_by_user");
	PAUSE(o2, "409 blast_state");
	PAUSE(o3, "409 blast_state");
	until_sql(aw.w, "SELECT queued FROM blast_outlets WHERE outlet_id = 'o1'", "0");
	assert_true(sent_by("o2") < 10);
	RESUME(o1, "409 blast_state");
	RESUME(o2, "200");
	assert_int_equal(json_array_size(api_at("blast.pausedOutlets")), 0);
	until_sql(aw.w, "SELECT status FROM blasts", "COMPLETED");
	assert_each_once(20);
	assert_counts_agree();
}

static char failing[40]; /* the outlet whose sends fail */
static unsigned failing_code;

static bool
fails_at_one(const struct fake_send *s, enum link_sent *ret_result, unsigned *ret_code)
{
	if (strcmp(s->outlet, failing) == 0) {
		*ret_result = LINK_SENT_REJECTED;
		*ret_code = failing_code;
	}
	return true;
}

static void
set_limits(const char *json)
{
	(void)sql("DELETE FROM settings WHERE name = 'settings'");
	(void)world_sql(aw.w, json);
}

/* It stops at o2, goes on at o1, and then stops for want of outlets. */
static void
test_a_part_that_fails(void **state)
{
	(void)state;
	set_limits("INSERT INTO settings (name, value) VALUES ('settings', '{\"autoPause\": "
		   "{\"failurePercent\": 50, \"minimum\": 3}}')");
	fake.policy = fails_at_one;
	(void)snprintf(failing, sizeof(failing), "o2");
	failing_code = 400;
	begin("o1 o2", 30, 300);
	until_sql(aw.w, "SELECT pause_reason FROM blast_outlets WHERE outlet_id = 'o2'",
	    "too_many_failures");
	assert_true(sent_by("o2") < 15);
	until_sql(aw.w, "SELECT sent FROM blast_outlets WHERE outlet_id = 'o1'", "15");
	until_sql(
	    aw.w, "SELECT status || ' ' || pause_reason FROM blasts", "PAUSED outlets_paused");
	list_parts("t-admin");
	assert_true(json_is_true(api_at("outlets.1.paused")));
	assert_string_equal(api_text("outlets.1.pauseReason"), "too_many_failures");
	assert_true(json_is_string(api_at("outlets.1.pausedAt")));
	/* Whoever resumes it has looked: what failed before does not count again. */
	fake.policy = NULL;
	RESUME(NULL, "200");
	assert_string_equal(api_text("blast.status"), "RUNNING");
	until_sql(aw.w, "SELECT status FROM blasts", "COMPLETED");
	assert_each_once(30);
	assert_counts_agree();
	/* Those that failed go again, and fail no more. */
	BY_ID(BLAST_RETRY, id, "t-admin", "200");
	until_sql(aw.w, "SELECT status || ' ' || sent FROM blasts", "COMPLETED 30");
	assert_counts_agree();
}

/* Each fails a little, and none so much that it stops by itself: the whole does. */
static void
test_all_parts_fail(void **state)
{
	(void)state;
	set_limits("INSERT INTO settings (name, value) VALUES ('settings', '{\"autoPause\": "
		   "{\"failurePercent\": 50, \"minimum\": 4}}')");
	(void)sql("INSERT INTO blasts (id, name, status, text, outlets, created_by) VALUES ('b', "
		  "'x', 'PAUSED', 'x', '{o1,o2}', 'x')");
	(void)sql("INSERT INTO messages (outlet_id, blast_id, outgoing, phone, status, failed_at) "
		  "SELECT 'o' || o, 'b', true, '628120' || o || n, CASE WHEN n < 3 THEN 'FAILED' "
		  "ELSE 'QUEUED' END, now() FROM generate_series(1, 2) o, generate_series(1, 9) n");
	/* In one transaction: the engine looks, too. */
	assert_string_equal(
	    sql("UPDATE blasts SET status = 'RUNNING'; SELECT concat_ws(' ', blast, outlet, why) "
		"FROM blasts_pause_failing()"),
	    "b too_many_failures");
	/* With one that does well the other goes on until it stops alone. */
	(void)sql("UPDATE messages SET status = 'SENT' WHERE status = 'FAILED' AND outlet_id = "
		  "'o1'");
	assert_string_equal(
	    sql("UPDATE blasts SET status = 'RUNNING'; UPDATE messages SET status = 'FAILED' WHERE "
		"phone IN ('62812023', '62812024'); SELECT concat_ws(' ', blast, outlet, why) FROM "
		"blasts_pause_failing()"),
	    "b o2 too_many_failures");
}

/* An outlet alone stops its blast as a whole. */
static void
test_the_only_part_fails(void **state)
{
	(void)state;
	set_limits("INSERT INTO settings (name, value) VALUES ('settings', '{\"autoPause\": "
		   "{\"failurePercent\": 50, \"minimum\": 3}}')");
	fake.policy = fails_at_one;
	(void)snprintf(failing, sizeof(failing), "o1");
	failing_code = 400;
	begin("o1", 20, 300);
	until_sql(
	    aw.w, "SELECT status || ' ' || pause_reason FROM blasts", "PAUSED too_many_failures");
	assert_string_equal(
	    sql("SELECT count(*) FROM blast_outlets WHERE paused_at IS NOT NULL"), "0");
}

static void
test_a_part_that_is_restricted(void **state)
{
	(void)state;
	set_limits("INSERT INTO settings (name, value) VALUES ('settings', '{\"autoPause\": "
		   "{\"failurePercent\": 0, \"minimum\": 3, \"restrictions\": 1}}')");
	fake.policy = fails_at_one;
	(void)snprintf(failing, sizeof(failing), "o2");
	failing_code = 429;
	begin("o1 o2", 12, 300);
	until_sql(
	    aw.w, "SELECT pause_reason FROM blast_outlets WHERE outlet_id = 'o2'", "restricted");
	until_sql(aw.w, "SELECT sent FROM blast_outlets WHERE outlet_id = 'o1'", "6");
	assert_int_equal(sent_by("o2"), 1);
	/* What WhatsApp says of the account by itself counts, too, once for each time. */
	(void)sql("UPDATE blast_outlets SET paused_at = NULL, restrictions = 0; UPDATE blasts SET "
		  "status = 'RUNNING'; UPDATE settings SET value = '{\"autoPause\": "
		  "{\"restrictions\": 3}}'");
	fake_timelock(fake_find("o2"), true, clock_wall_ms() + 600000);
	fake_timelock(fake_find("o2"), true, clock_wall_ms() + 700000);
	until_sql(aw.w, "SELECT restrictions FROM blast_outlets WHERE outlet_id = 'o2'", "1");
	assert_string_equal(
	    sql("SELECT restrictions FROM blast_outlets WHERE outlet_id = 'o1'"), "0");
}

/* -- moving -- */

static void
test_move(void **state)
{
	(void)state;
	begin("o1", 30, 60);
	until_sql(aw.w, "SELECT sent FROM blasts", "1");
	PAUSE(NULL, "200");
	move(o1, o2, "t-admin", "200");
	assert_int_equal(api_int("moved"), 29);
	assert_int_equal(json_array_size(api_at("rejectedOutlets")), 0);
	assert_string_equal(api_text("blast.outlets.1"), "o2");
	assert_int_equal(api_int("blast.counts.queued"), 29);
	assert_counts_agree();
	move(o1, o2, "t-admin", "409 nothing_to_move");
	until_sql(
	    aw.w, "SELECT detail->>'recipients' FROM audit WHERE action = 'blast_move'", "29");
	(void)sql("UPDATE blasts SET pace = '{\"perMinute\": 0}'");
	RESUME(NULL, "200");
	until_sql(aw.w, "SELECT status FROM blasts", "COMPLETED");
	assert_int_equal(sent_by("o1"), 1);
	assert_each_once(30);
	assert_counts_agree();
	move(o1, o2, "t-admin", "409 blast_finished");
}

static bool
o1_hangs(const struct fake_send *s, enum link_sent *ret_result, unsigned *ret_code)
{
	(void)ret_result;
	(void)ret_code;
	return strcmp(s->outlet, "o1") != 0;
}

static bool
o1_is_full(void *arg)
{
	(void)arg;
	return fake.in_flight == LINK_SENDS_MAX;
}

/* Sending goes on: what was let go stays, also what nobody has written down yet. */
static void
test_move_while_sending(void **state)
{
	(void)state;
	fake.policy = o1_hangs;
	begin("o1", 300, 0);
	until(o1_is_full, NULL, "as many in flight as may be");
	move(o1, o2, "t-admin", "200");
	assert_int_equal(api_int("moved"), 300 - LINK_SENDS_MAX);
	until_sql(aw.w, "SELECT sent FROM blasts", "236");
	assert_int_equal(sent_by("o1"), LINK_SENDS_MAX);
	fake.policy = NULL;
	for (unsigned i = 0; i < fake.n_sends; i++)
		if (fake.sends[i].link != NULL)
			fake_answer(fake.sends[i].link, &fake.sends[i]);
	until_sql(aw.w, "SELECT status FROM blasts", "COMPLETED");
	assert_each_once(300);
	assert_counts_agree();
}

/* Just as it begins: whoever of the two has a message sends it. */
static void
test_move_at_once(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		(void)sql("DELETE FROM blasts");
		begin("o1", 200, 0);
		move(o1, o2, "t-admin", "200");
		until_sql(aw.w, "SELECT status FROM blasts", "COMPLETED");
		assert_each_once(200);
		assert_int_equal(sent_by("o2"), strtol(sql("SELECT total FROM blast_outlets WHERE "
							   "outlet_id = 'o2'"),
						    NULL, 10));
		assert_counts_agree();
	}
}

/* Recipients of several messages go with all of them, or stay where they were begun. */
static void
test_move_parts(void **state)
{
	(void)state;
	begin("o1", 1, 1);
	until_sql(aw.w, "SELECT status FROM blasts", "COMPLETED");
	(void)sql("UPDATE blasts SET status = 'PAUSED', parts = '[{\"kind\": \"text\", \"text\": "
		  "true}, {\"kind\": \"text\"}]'; DELETE FROM messages");
	(void)sql(
	    "INSERT INTO messages (outlet_id, blast_id, outgoing, phone, text, status, part, "
	    "is_recipient, wa_id) SELECT 'o1', (SELECT id FROM blasts), true, '6281' || n, "
	    "'x', CASE WHEN n = 1 AND p = 0 THEN 'SENT' ELSE 'QUEUED' END, p, p = 1, CASE WHEN "
	    "n = 1 AND p = 0 THEN 'W' END FROM generate_series(1, 3) n, generate_series(0, 1) "
	    "p ORDER BY n, p");
	move(o1, o2, "t-admin", "200");
	assert_int_equal(api_int("moved"), 2);
	assert_string_equal(sql("SELECT string_agg(outlet_id, ' ' ORDER BY id) FROM messages"),
	    "o1 o1 o2 o2 o2 o2");
	assert_counts_agree();
}

/* One that was tried already, or whose outlet another daemon owns, is not moved. */
static void
test_not_moved(void **state)
{
	(void)state;
	begin("o1", 2, 1);
	until_sql(aw.w, "SELECT sent FROM blasts", "1");
	PAUSE(NULL, "200");
	move(o1, o2, "t-user", "403 forbidden");
	move(o1, o1, "t-admin", "422 validation_failed");
	move(o1, absent, "t-admin", "404 not_found");
	move(absent, o1, "t-admin", "404 not_found");
	move(o1, o3, "t-admin", "409 no_healthy_outlet");
	move(o2, o1, "t-admin", "409 nothing_to_move");
	(void)sql("UPDATE messages SET wa_id = 'W' WHERE status = 'QUEUED'");
	move(o1, o2, "t-admin", "409 nothing_to_move");
	assert_string_equal(sql("SELECT count(*) FROM blast_outlets"), "1");
	(void)sql("UPDATE messages SET wa_id = NULL WHERE status = 'QUEUED'");
	(void)sql("UPDATE outlets SET owner = 'another' WHERE id = 'o1'");
	move(o1, o2, "t-admin", "503 owner_unavailable");
	assert_string_equal(sql("SELECT count(*) FROM messages WHERE outlet_id = 'o2'"), "0");
	(void)snprintf(id, sizeof(id), "blast_absent");
	move(o1, o2, "t-admin", "404 not_found");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_start, api_end)
	const struct CMUnitTest tests[] = {
	    TEST(test_parts),
	    TEST(test_one_part_paused),
	    TEST(test_a_part_that_fails),
	    TEST(test_all_parts_fail),
	    TEST(test_the_only_part_fails),
	    TEST(test_a_part_that_is_restricted),
	    TEST(test_move),
	    TEST(test_move_while_sending),
	    TEST(test_move_at_once),
	    TEST(test_move_parts),
	    TEST(test_not_moved),
	};

	return cmocka_run_group_tests_name(
	    "api_blast_outlet", tests, world_setup_store, world_teardown);
}
