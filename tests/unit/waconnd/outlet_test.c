/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Outlets from their start to their end: taking up, what status and history say, the operator's
 * commands, messages, adding, removing and draining.
 */
#include "tests/unit/waconnd/outlet_world.h"

static void
test_take_up(void **state)
{
	(void)state;
	assert_int_equal(outlets_count(env.os), 4);
	assert_string_equal(outlet_id(outlets_at(env.os, 3)), "o_new");
	assert_null(outlets_find(env.os, "o_none"));
	assert_int_equal(outlet_pace(get("o_conn")).per_minute, 5);
	assert_string_equal(outlet_pace(get("o_conn")).window, "08:00-20:00");
	bring_up("o_conn");
	assert_int_equal(fake_find("o_conn")->mode, LINK_LOGIN);
	assert_int_equal(fake.begun, 1);
	assert_string_equal(says("o_conn", "session", "status"), "CONNECTED");
	assert_string_equal(says("o_conn", "liveStatus", "latencyMs"), "84");
	assert_string_equal(says("o_conn", "liveStatus", "instance"), "host-a");
	assert_string_equal(says("o_pause", "liveStatus", "status"), "PAUSED");
	assert_string_equal(says("o_fail", "liveStatus", "status"), "FAILED");
	assert_string_equal(says("o_fail", "session", "lastError"), "replaced");
	settle();
	assert_string_equal(says("o_new", "session", "status"), "DISCONNECTED");
	assert_string_equal(
	    world_sql(env.w, "SELECT status FROM outlet_sessions WHERE outlet_id = 'o_new'"),
	    "DISCONNECTED");
	assert_string_equal(
	    world_sql(env.w, "SELECT string_agg(from_status || '>' || to_status, ' ' ORDER BY id) "
			     "FROM outlet_events WHERE outlet_id = 'o_conn'"),
	    "CONNECTED>CONNECTING CONNECTING>CONNECTED");
}

static const char element[] =
    "{\"outletId\":\"o_new\",\"outlet\":{\"name\":\"D\",\"whatsappNumber\":\"62814\",\"isActive\":"
    "true},"
    "\"session\":{\"status\":\"DISCONNECTED\",\"sessionName\":null,\"connectedAt\":null,"
    "\"lastSeen\":null,\"qrCode\":null,"
    "\"autoReconnect\":true,\"retryCount\":0,\"lastError\":null,\"nextRetryAt\":null},"
    "\"liveStatus\":{\"status\":\"DISCONNECTED\",\"qrCode\":null,\"name\":null,\"instance\":\"host-"
    "a\",\"latencyMs\":null,"
    "\"lastHeard\":null},\"restriction\":null,\"healthy\":false,"
    "\"unhealthyReasons\":[\"db_status\",\"live_status\",\"socket_closed\",\"no_user_id\"]}";

static void
test_element(void **state)
{
	size_t len;
	uint64_t v1, v2;

	(void)state;
	settle();
	assert_string_equal(outlet_status_json(get("o_new"), &len, &v1), element);
	assert_int_equal(len, strlen(element));
	(void)outlet_status_json(get("o_new"), &len, &v2);
	assert_int_equal(v1, v2);
}

static void
test_commands(void **state)
{
	struct outlet *o = get("o_conn");
	char name[] = "o_conn";

	(void)state;
	bring_up(name);
	assert_string_equal(outlet_resume(o), "not_paused");
	assert_null(outlet_pause(o));
	assert_string_equal(says(name, "liveStatus", "status"), "PAUSED");
	assert_string_equal(outlet_connect(o), "outlet_paused");
	assert_string_equal(outlet_pause(o), "outlet_paused");
	assert_null(outlet_resume(o)); /* before the old link has ended */
	bring_up(name);
	assert_null(outlet_disconnect(o));
	assert_string_equal(says(name, "liveStatus", "status"), "DISCONNECTED");
	assert_null(outlet_connect(o));
	bring_up(name);
	assert_null(outlet_logout(o));
	assert_string_equal(outlet_connect(o), "outlet_busy");
	until_sql(env.w, "SELECT count(*) FROM keys WHERE outlet_id = 'o_conn'", "0");
	assert_string_equal(outlet_logout(o), "outlet_not_linked");
	assert_string_equal(says(name, "liveStatus", "status"), "DISCONNECTED");
	assert_string_equal(says(name, "session", "lastError"), "");
	outlets_changed(o, "A", "62811", false, true, "{}");
	assert_string_equal(outlet_connect(o), "outlet_inactive");
	/* Paused ones stay so until resumed. */
	assert_null(outlet_resume(get("o_pause")));
	bring_up("o_pause");
}

static bool
is_corrected(void *arg)
{
	(void)arg;
	return strcmp(says("o_conn", "session", "status"), "CONNECTED") == 0;
}

static bool
shows_failed(void *arg)
{
	(void)arg;
	return strcmp(says("o_conn", "session", "status"), "FAILED") == 0;
}

static void
test_database_differs(void **state)
{
	(void)state;
	bring_up("o_conn");
	settle();
	(void)world_sql(
	    env.w, "UPDATE outlet_sessions SET status = 'FAILED' WHERE outlet_id = 'o_conn'");
	get("o_conn")->written_ms = 0; /* as if written long ago */
	outlets_check_sessions(env.os);
	until(shows_failed, NULL, "shown as found");
	assert_string_equal(says("o_conn", "liveStatus", "status"), "CONNECTED");
	until(is_corrected, NULL, "corrected");
	assert_string_equal(
	    world_sql(env.w, "SELECT status FROM outlet_sessions WHERE outlet_id = 'o_conn'"),
	    "CONNECTED");
}

static void
test_messages(void **state)
{
	const struct link_message m = {
	    .chat = {.server = JID_SERVER_LID, .device = 3, .user = "777"},
	    .phone = "62899",
	    .id = "ABC",
	    .timestamp = 1795485600,
	    .kind = "text",
	    .text = "halo",
	    .push_name = "Ani"};
	struct link *l;

	(void)state;
	bring_up("o_conn");
	l = fake_find("o_conn");
	l->ops->message(l->arg, &m);
	l->ops->message(l->arg, &m);
	settle();
	assert_string_equal(
	    world_sql(
		env.w, "SELECT string_agg(peer || ' ' || phone || ' ' || text, ',') FROM messages"),
	    "777@lid 62899 halo");
	assert_string_equal(env.last_message,
	    "{\"outletId\":\"o_conn\",\"direction\":\"in\",\"peer\":\"62899\",\"name\":\"Ani\","
	    "\"kind\":\"text\","
	    "\"text\":\"halo\",\"at\":\"2026-11-24T02:00:00Z\"}");
	(void)world_sql(env.w,
	    "INSERT INTO messages (outlet_id, outgoing, phone, text, status, wa_id) VALUES "
	    "('o_conn', true, '62899', 'dulu', 'SENT', 'W1')");
	l->ops->receipt(l->arg, "W1", LINK_RECEIPT_DELIVERED, 1795485601);
	l->ops->receipt(l->arg, "W1", LINK_RECEIPT_READ, 1795485602);
	settle();
	assert_string_equal(
	    world_sql(env.w, "SELECT status FROM messages WHERE wa_id = 'W1'"), "READ");
}

static bool
was_answered(void *arg)
{
	return strcmp(fake.retry_text, arg) == 0;
}

static void
test_retry_text(void **state)
{
	struct link *l;

	(void)state;
	bring_up("o_conn");
	(void)world_sql(env.w,
	    "INSERT INTO messages (outlet_id, outgoing, phone, text, status, wa_id) VALUES "
	    "('o_conn', true, '62899', 'dulu', 'SENT', 'W1')");
	l = fake_find("o_conn");
	l->ops->retry(l->arg, 5, "W1");
	until(was_answered, (char[]){"5:62899:dulu"}, "the text");
	l->ops->retry(l->arg, 6, "W2");
	until(was_answered, (char[]){"6:-:-"}, "no text");
	/* Asked for, but the link is gone when it comes. */
	l->ops->retry(l->arg, 7, "W1");
	fake_end(l, LINK_END_SILENT, 0);
	settle();
	assert_string_equal(fake.retry_text, "6:-:-");
}

static void
test_add_and_remove(void **state)
{
	(void)state;
	bring_up("o_conn");
	(void)world_sql(env.w,
	    "INSERT INTO outlets (id, name, whatsapp_number) VALUES ('o_add', 'AA', '62877')");
	assert_non_null(
	    outlets_added(env.os, "o_add", "AA", "62877", true, true, "{\"perMinute\": 7}"));
	assert_string_equal(outlet_id(outlets_at(env.os, 1)), "o_add");
	assert_int_equal(outlet_pace(get("o_add")).per_minute, 7);
	assert_null(outlet_connect(get("o_add")));
	settle();
	(void)world_sql(env.w, "DELETE FROM outlets WHERE id IN ('o_add', 'o_conn')");
	outlets_removed(env.os, "o_add");
	outlets_removed(env.os, "o_conn");
	outlets_removed(env.os, "o_conn");
	assert_int_equal(outlets_count(env.os), 3);
	assert_null(fake_find("o_conn"));
}

static void
on_drained(void *arg)
{
	(void)arg;
	env.drained = true;
}

static void
test_drain(void **state)
{
	(void)state;
	bring_up("o_conn");
	assert_null(outlet_connect(get("o_new")));
	outlets_drain(env.os, on_drained, NULL);
	world_until(env.w, &env.drained);
	assert_string_equal(outlet_connect(get("o_new")), "stopping");
	assert_null(fake_find("o_conn"));
	assert_null(fake_find("o_new"));
	assert_string_equal(
	    world_sql(
		env.w, "SELECT string_agg(status, ' ' ORDER BY outlet_id) FROM outlet_sessions"),
	    "CONNECTING FAILED DISCONNECTED PAUSED");
	outlets_free(&env.os);
	start();
	bring_up("o_conn");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    OUTLET_TEST(test_take_up),
	    OUTLET_TEST(test_element),
	    OUTLET_TEST(test_commands),
	    OUTLET_TEST(test_database_differs),
	    OUTLET_TEST(test_messages),
	    OUTLET_TEST(test_retry_text),
	    OUTLET_TEST(test_add_and_remove),
	    OUTLET_TEST(test_drain),
	};

	return cmocka_run_group_tests_name("outlet", tests, world_setup_store, world_teardown);
}
