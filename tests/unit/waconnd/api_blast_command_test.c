/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Blasts that are there, through the API's socket: lists, commands, and who sees what. */
#include "tests/unit/waconnd/api_blast.h"

/* -- lists and commands -- */

static void
test_lists(void **state)
{
	Ipc__List m = IPC__LIST__INIT;
	struct request r;
	char id[64];

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		request_init(&r, 3, "081210000001", "081210000002", "081210000003");
		r.blast.name = (char[]){"Promo"};
		create(&r, "t-super", "202");
	}
	(void)snprintf(id, sizeof(id), "%s", api_text("blast.id"));
	until_sql(aw.w, "SELECT count(*) FROM blasts WHERE status = 'COMPLETED'", "3");
	m.has_limit = 1;
	m.limit = 2;
	list(IPC__REQUEST__OP_BLAST_LIST, &m, "t-super", "200");
	assert_int_equal(json_array_size(api_at("blasts")), 2);
	assert_string_equal(api_text("blasts.0.id"), id);
	m.cursor = xstrdup(api_text("nextCursor"));
	list(IPC__REQUEST__OP_BLAST_LIST, &m, "t-super", "200");
	assert_int_equal(json_array_size(api_at("blasts")), 1);
	assert_true(json_is_null(api_at("nextCursor")));
	free(m.cursor);
	m.cursor = NULL;
	m.status = (char[]){"RUNNING"};
	list(IPC__REQUEST__OP_BLAST_LIST, &m, "t-super", "200");
	assert_int_equal(json_array_size(api_at("blasts")), 0);
	m.status = (char[]){"LOST"};
	list(IPC__REQUEST__OP_BLAST_LIST, &m, "t-super", "422 validation_failed");
	m.id = id;
	list(IPC__REQUEST__OP_BLAST_RECIPIENTS, &m, "t-super", "422 validation_failed");
	m.status = (char[]){"SENT"};
	list(IPC__REQUEST__OP_BLAST_RECIPIENTS, &m, "t-super", "200");
	assert_int_equal(json_array_size(api_at("recipients")), 2);
	m.cursor = xstrdup(api_text("nextCursor"));
	list(IPC__REQUEST__OP_BLAST_RECIPIENTS, &m, "t-super", "200");
	assert_string_equal(api_text("recipients.0.phone"), "6281210000003");
	assert_true(json_is_null(api_at("nextCursor")));
	free(m.cursor);
	m.cursor = (char[]){"x"};
	list(IPC__REQUEST__OP_BLAST_RECIPIENTS, &m, "t-super", "422 validation_failed");
	m.cursor = NULL;
	m.q = (char[]){"0812-1000-0002"};
	list(IPC__REQUEST__OP_BLAST_RECIPIENTS, &m, "t-super", "200");
	assert_int_equal(json_array_size(api_at("recipients")), 1);
	m.q = (char[]){"Siti"};
	list(IPC__REQUEST__OP_BLAST_RECIPIENTS, &m, "t-super", "200");
	assert_int_equal(json_array_size(api_at("recipients")), 0);
}

static void
test_commands(void **state)
{
	struct request r;
	char id[64];

	(void)state;
	request_init(&r, 2, "081210000001", "081210000002");
	r.blast.has_schedule_at_ms = 1;
	r.blast.schedule_at_ms = clock_wall_ms() + 3600 * 1000;
	create(&r, "t-super", "202");
	(void)snprintf(id, sizeof(id), "%s", api_text("blast.id"));
	BY_ID(BLAST_RESUME, id, "t-super", "409 blast_state");
	BY_ID(BLAST_PAUSE, id, "t-super", "200");
	assert_string_equal(api_text("blast.status"), "PAUSED");
	assert_true(json_is_string(api_at("blast.pauseReason")));
	BY_ID(BLAST_PAUSE, id, "t-super", "409 blast_state");
	BY_ID(BLAST_RESUME, id, "t-super", "200");
	assert_string_equal(api_text("blast.status"), "SCHEDULED");
	BY_ID(BLAST_CANCEL, id, "t-super", "200");
	assert_string_equal(api_text("blast.status"), "CANCELLED");
	assert_int_equal(api_int("blast.counts.cancelled"), 2);
	assert_int_equal(api_int("blast.counts.queued"), 0);
	BY_ID(BLAST_CANCEL, id, "t-super", "409 blast_finished");
	BY_ID(BLAST_PAUSE, id, "t-super", "409 blast_finished");
	BY_ID(BLAST_RESUME, id, "t-super", "409 blast_finished");
	assert_int_equal(fake.n_sends, 0);
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
test_pause_holds_what_is_queued(void **state)
{
	struct request r;
	char id[64];

	(void)state;
	request_init(&r, 3, "081210000001", "081210000002", "081210000003");
	r.pace.has_per_minute = 1;
	r.pace.per_minute = 1;
	r.blast.pace = &r.pace;
	create(&r, "t-super", "202");
	(void)snprintf(id, sizeof(id), "%s", api_text("blast.id"));
	until_sql(aw.w, "SELECT sent FROM blasts", "1");
	BY_ID(BLAST_PAUSE, id, "t-super", "200");
	assert_int_equal(api_int("blast.counts.queued"), 2);
	BY_ID(BLAST_CANCEL, id, "t-super", "200");
	assert_int_equal(api_int("blast.counts.cancelled"), 2);
	assert_int_equal(api_int("blast.counts.sent"), 1);
	assert_int_equal(fake.n_sends, 1);
}

/* -- who sees what -- */

static void
test_scope(void **state)
{
	Ipc__List m = IPC__LIST__INIT;
	struct request r;
	char mine[64], theirs[64], shared[64];

	(void)state;
	fake.policy = answer_none;
	request_init(&r, 1, "081210000001");
	create(&r, "t-user", "202");
	(void)snprintf(mine, sizeof(mine), "%s", api_text("blast.id"));
	r.outlets[0] = o2;
	create(&r, "t-user", "404 not_found");
	preview(&r, "t-user", "404 not_found");
	create(&r, "t-admin", "202");
	(void)snprintf(theirs, sizeof(theirs), "%s", api_text("blast.id"));
	request_init(&r, 2, "081210000005", "081210000006");
	r.blast.has_all_outlets = r.blast.all_outlets = 1;
	create(&r, "t-admin", "202");
	assert_int_equal(json_array_size(api_at("blast.outlets")), 2);
	(void)snprintf(shared, sizeof(shared), "%s", api_text("blast.id"));
	preview(&r, "t-user", "200");
	assert_int_equal(json_array_size(api_at("outlets")), 1);
	list(IPC__REQUEST__OP_BLAST_LIST, &m, "t-user", "200");
	assert_int_equal(json_array_size(api_at("blasts")), 2);
	BY_ID(BLAST_GET, theirs, "t-user", "404 not_found");
	BY_ID(BLAST_CANCEL, theirs, "t-user", "404 not_found");
	m.id = theirs;
	list(IPC__REQUEST__OP_BLAST_RECIPIENTS, &m, "t-user", "404 not_found");
	BY_ID(BLAST_GET, shared, "t-user", "200");
	BY_ID(BLAST_CANCEL, shared, "t-user", "403 forbidden");
	m.id = shared;
	list(IPC__REQUEST__OP_BLAST_RECIPIENTS, &m, "t-user", "200");
	assert_int_equal(json_array_size(api_at("recipients")), 1);
	BY_ID(BLAST_PAUSE, mine, "t-user", "200");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_start, api_end)
	const struct CMUnitTest tests[] = {
	    TEST(test_lists),
	    TEST(test_commands),
	    TEST(test_pause_holds_what_is_queued),
	    TEST(test_scope),
	};

	return cmocka_run_group_tests_name(
	    "api_blast_command", tests, world_setup_store, world_teardown);
}
