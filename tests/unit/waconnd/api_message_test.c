/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Single messages through the API's socket, and what is answered while the database is away. */
#include "tests/unit/waconnd/api_blast.h"

/* -- single messages -- */

static void
send_message(char *outlet, char *to, char *text, char *key, const char *token, const char *outcome)
{
	Ipc__MessageSend m = IPC__MESSAGE_SEND__INIT;
	API_REQUEST(q, MESSAGE_SEND, message_send, &m);

	m.outlet_id = outlet;
	m.to = to;
	m.text = text;
	q.idempotency_key = key;
	api_ask(&q, token);
	api_assert(outcome);
}

static void
test_message(void **state)
{
	static char to[] = "0812-1000-0001", text[] = "Halo {{name}} \xe2\x98\x95", bad[] = "me",
		    nothing[] = "", blank[] = " ";
	static char key[] = "k", other[] = "Hai";
	Ipc__List m = IPC__LIST__INIT;
	char id[64];

	(void)state;
	send_message(o1, to, text, key, "t-user", "202");
	(void)snprintf(id, sizeof(id), "%s", api_text("message.id"));
	assert_string_equal(api_text("message.status"), "QUEUED");
	send_message(o1, to, text, key, "t-user", "202");
	assert_string_equal(api_text("message.id"), id);
	send_message(o1, to, other, key, "t-user", "422 idempotency_mismatch");
	until_sql(aw.w, "SELECT string_agg(status, ' ') FROM messages", "SENT");
	assert_string_equal(fake.sends[0].text, text);
	assert_string_equal(fake.sends[0].phone, "6281210000001");
	BY_ID(MESSAGE_GET, id, "t-user", "200");
	assert_string_equal(api_text("message.peer"), "6281210000001");
	assert_string_equal(api_text("message.direction"), "out");
	assert_true(json_is_string(api_at("message.times.sentAt")));
	send_message(o1, bad, nothing, NULL, "t-user", "422 validation_failed");
	assert_int_equal(json_array_size(api_at("errors")), 2);
	send_message(o1, to, blank, NULL, "t-user", "202");
	send_message(o2, to, text, NULL, "t-user", "404 not_found");
	send_message(o3, to, text, NULL, "t-admin", "409 outlet_not_healthy");
	(void)sql("INSERT INTO messages (outlet_id, outgoing, phone, text, status) VALUES ('o2', "
		  "true, '62899', 'x', 'SENT')");
	(void)snprintf(id, sizeof(id), "msg_%s", sql("SELECT max(id) FROM messages"));
	BY_ID(MESSAGE_GET, id, "t-user", "404 not_found");
	BY_ID(MESSAGE_GET, id, "t-admin", "200");
	BY_ID(MESSAGE_GET, "msg_", "t-admin", "404 not_found");
	BY_ID(MESSAGE_GET, "msg_99999999999999999999", "t-admin", "404 not_found");
	m.id = o1;
	m.q = (char[]){"08121000"};
	list(IPC__REQUEST__OP_MESSAGE_LIST, &m, "t-user", "200");
	assert_int_equal(json_array_size(api_at("messages")), 2);
}

/* -- the database is away -- */

static bool
database_is_down(void *arg)
{
	(void)arg;
	return !db_up(aw.w->store.db);
}

static bool
database_is_up(void *arg)
{
	(void)arg;
	return db_up(aw.w->store.db);
}

static void
test_database_away(void **state)
{
	Ipc__StatusList statuses = IPC__STATUS_LIST__INIT;
	Ipc__List m = IPC__LIST__INIT;
	API_REQUEST(status, STATUS_LIST, status_list, &statuses);
	struct request r;
	char sentence[160];

	(void)state;
	api_ask(&status, "t-super");
	assert_null(api_at("databaseStale"));
	(void)snprintf(
	    sentence, sizeof(sentence), "ALTER DATABASE %s ALLOW_CONNECTIONS false", aw.w->name);
	world_admin(aw.w, sentence);
	assert_true(world_cut(aw.w) > 0);
	until(database_is_down, NULL, "the database away");
	api_ask(&status, "t-super");
	api_assert("200");
	assert_true(json_is_true(api_at("databaseStale")));
	assert_int_equal(api_int("count"), 3);
	list(IPC__REQUEST__OP_BLAST_LIST, &m, "t-super", "503 database_unavailable");
	request_init(&r, 1, "081210000001");
	create(&r, "t-super", "503 database_unavailable");
	assert_true(aw.retry_after > 0);
	BY_ID(OUTLET_PAUSE, "o1", "t-super", "503 database_unavailable");
	(void)snprintf(
	    sentence, sizeof(sentence), "ALTER DATABASE %s ALLOW_CONNECTIONS true", aw.w->name);
	world_admin(aw.w, sentence);
	until(database_is_up, NULL, "the database back");
	list(IPC__REQUEST__OP_BLAST_LIST, &m, "t-super", "200");
	create(&r, "t-super", "202");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_start, api_end)
	const struct CMUnitTest tests[] = {
	    TEST(test_message),
	    TEST(test_database_away),
	};

	return cmocka_run_group_tests_name("api_message", tests, world_setup_store, world_teardown);
}
