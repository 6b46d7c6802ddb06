/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mex: the two questions, and every form of answer: as known, with what is missing or odd, and what
 * is no answer at all. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "waconnd/link/mex.h"

#define NOW 1790000000
#define WALL (NOW * 1000LL + 250) /* our clock, a quarter of a second ahead */

static void
test_queries(void **state)
{
	static const struct {
		enum mex_query query;
		const char *id, *variables;
	} cases[] = {
	    {MEX_TIMELOCK, "23983697327930364", "{\"variables\":{}}"},
	    {MEX_CHAT_CAP, "24503548349331633",
		"{\"variables\":{\"input\":{\"type\":\"INDIVIDUAL_NEW_CHAT_MSG\"}}}"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct node *iq = mex_query(cases[i].query);
		const struct node *q = node_find(iq, "query");
		size_t len;
		const uint8_t *data = node_data(q, &len);

		assert_true(node_get_is(iq, "type", "get"));
		assert_true(node_get_is(iq, "xmlns", "w:mex"));
		assert_true(node_get_is(q, "query_id", cases[i].id));
		assert_int_equal(len, strlen(cases[i].variables));
		assert_memory_equal(data, cases[i].variables, len);
		node_free(&iq);
	}
}

static int
read_text(const char *text, struct link_account *a)
{
	return mex_read((const uint8_t *)text, strlen(text), NOW, WALL, a);
}

#define LOCK(fields) "{\"data\":{\"xwa2_fetch_account_reachout_timelock\":{" fields "}}}"
#define LOCK_PUSH(fields) "{\"data\":{\"xwa2_notify_account_reachout_timelock\":{" fields "}}}"

static void
test_timelock(void **state)
{
	static const struct {
		const char *json;
		bool active;
		int64_t until_ms;
		const char *type;
	} cases[] = {
	    {LOCK("\"is_active\":false,\"time_enforcement_ends\":\"0\",\"enforcement_type\":"
		  "\"DEFAULT\""),
		false, 0, "DEFAULT"},
	    {LOCK(
		 "\"is_active\":true,\"time_enforcement_ends\":\"1790000600\",\"enforcement_type\":"
		 "\"RESTRICT_ALL_COMPANIONS\""),
		true, WALL + 600000, "RESTRICT_ALL_COMPANIONS"},
	    {LOCK("\"is_active\":true,\"time_enforcement_ends\":1790000600"), true, WALL + 600000,
		""},
	    {LOCK_PUSH("\"is_active\":true,\"time_enforcement_ends\":\"1790003600\""), true,
		WALL + 3600000, ""},
	    /* No end, none that can be read, or one that is past: a minute. */
	    {LOCK_PUSH("\"is_active\":true"), true, WALL + 60000, ""},
	    {LOCK("\"is_active\":true,\"time_enforcement_ends\":null"), true, WALL + 60000, ""},
	    {LOCK("\"is_active\":true,\"time_enforcement_ends\":\"0\""), true, WALL + 60000, ""},
	    {LOCK("\"is_active\":true,\"time_enforcement_ends\":\"soon\""), true, WALL + 60000, ""},
	    {LOCK("\"is_active\":true,\"time_enforcement_ends\":\"1789999999\""), true,
		WALL + 60000, ""},
	    {LOCK("\"is_active\":true,\"time_enforcement_ends\":9e99"), true, WALL + 60000, ""},
	    {LOCK("\"is_active\":true,\"time_enforcement_ends\":\"99999999999999999999\""), true,
		WALL + 60000, ""},
	    {LOCK("\"is_active\":true,\"time_enforcement_ends\":-5"), true, WALL + 60000, ""},
	    /* A name that is none of theirs is left out. */
	    {LOCK("\"is_active\":false,\"enforcement_type\":\"<b>\""), false, 0, ""},
	    {LOCK("\"is_active\":false,\"enforcement_type\":"
		  "\"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA\""),
		false, 0, ""},
	    {LOCK("\"is_active\":false,\"enforcement_type\":7"), false, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct link_account a;

		if (read_text(cases[i].json, &a) != 0)
			fail_msg("not read: %s", cases[i].json);
		assert_true(a.has_timelock);
		assert_false(a.has_cap);
		assert_int_equal(a.timelock.active, cases[i].active);
		assert_int_equal(a.timelock.until_ms, cases[i].until_ms);
		assert_string_equal(a.timelock.type, cases[i].type);
	}
}

#define CAP(fields) "{\"data\":{\"xwa2_message_capping_info\":{" fields "}}}"
#define CAP_PUSH(fields) \
	"{\"data\":{\"xwa2_notify_new_chat_messages_capping_info_update\":{" fields "}}}"

static void
test_cap(void **state)
{
	static const struct {
		const char *json;
		bool capped;
		int64_t quota, used, until_ms;
		const char *status;
	} cases[] = {
	    {CAP("\"total_quota\":-1,\"used_quota\":0,\"cycle_end_timestamp\":\"0\","
		 "\"capping_status\":\"NONE\""),
		false, -1, 0, 0, "NONE"},
	    {CAP("\"total_quota\":\"100\",\"used_quota\":\"42\",\"cycle_end_timestamp\":"
		 "\"1790086400\",\"capping_status\":\"FIRST_WARNING\""),
		false, 100, 42, WALL + 86400000, "FIRST_WARNING"},
	    {CAP("\"total_quota\":100,\"used_quota\":100"), true, 100, 100, 0, ""},
	    {CAP("\"total_quota\":100,\"used_quota\":120"), true, 100, 120, 0, ""},
	    {CAP_PUSH("\"capping_status\":\"CAPPED\",\"cycle_end_timestamp\":1790000060"), true, -1,
		0, WALL + 60000, "CAPPED"},
	    /* None that could be used up. */
	    {CAP("\"total_quota\":0,\"used_quota\":0,\"capping_status\":\"NONE\""), false, 0, 0, 0,
		"NONE"},
	    {CAP("\"total_quota\":50,\"used_quota\":-3"), false, 50, 0, 0, ""},
	    {CAP("\"total_quota\":50,\"cycle_end_timestamp\":1789999999"), false, 50, 0, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct link_account a;

		if (read_text(cases[i].json, &a) != 0)
			fail_msg("not read: %s", cases[i].json);
		assert_true(a.has_cap);
		assert_false(a.has_timelock);
		assert_int_equal(a.cap.capped, cases[i].capped);
		assert_int_equal(a.cap.quota, cases[i].quota);
		assert_int_equal(a.cap.used, cases[i].used);
		assert_int_equal(a.cap.until_ms, cases[i].until_ms);
		assert_string_equal(a.cap.status, cases[i].status);
	}
}

static void
test_unknown(void **state)
{
	static const char *const cases[] = {
	    "",
	    "{",
	    "null",
	    "[]",
	    "7",
	    "{\"data\":null}",
	    "{\"data\":[]}",
	    "{\"data\":{}}",
	    "{\"errors\":[{\"message\":\"no\",\"extensions\":{\"error_code\":400}}]}",
	    "{\"data\":{\"xwa2_fetch_account_reachout_timelock\":null},\"errors\":[{}]}",
	    "{\"data\":{\"something_else\":{\"is_active\":true}}}",
	    LOCK(""),
	    LOCK("\"is_active\":\"true\""),
	    LOCK("\"is_active\":1"),
	    LOCK("\"is_active\":true,"),
	    CAP(""),
	    CAP("\"used_quota\":3"),
	    CAP("\"total_quota\":\"many\",\"capping_status\":5"),
	    CAP("\"total_quota\":-2"),
	    "{\"data\":{\"xwa2_message_capping_info\":[1]}}",
	    "\xff\xfe{}",
	    LOCK("\"is_active\":true") "x",
	};
	const struct link_account before = {.cap = {.quota = 77}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct link_account a = before;

		if (read_text(cases[i], &a) != -1)
			fail_msg("read: %s", cases[i]);
		assert_memory_equal(&a, &before, sizeof(a));
	}
}

/* Every beginning of an answer, and one that is too long. */
static void
test_cut(void **state)
{
	static const char whole[] = LOCK("\"is_active\":true,\"time_enforcement_ends\":"
					 "\"1790000600\",\"enforcement_type\":\"X\"");
	static char room[MEX_JSON_MAX + 2];
	struct link_account a;

	(void)state;
	for (size_t n = 0; n + 1 < sizeof(whole); n++)
		assert_int_equal(mex_read((const uint8_t *)whole, n, NOW, WALL, &a), -1);
	assert_int_equal(mex_read(NULL, 0, NOW, WALL, &a), -1);
	memset(room, ' ', sizeof(room));
	memcpy(room, whole, sizeof(whole) - 1);
	assert_int_equal(mex_read((const uint8_t *)room, MEX_JSON_MAX, NOW, WALL, &a), 0);
	assert_int_equal(mex_read((const uint8_t *)room, MEX_JSON_MAX + 1, NOW, WALL, &a), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_queries),
	    cmocka_unit_test(test_timelock),
	    cmocka_unit_test(test_cap),
	    cmocka_unit_test(test_unknown),
	    cmocka_unit_test(test_cut),
	};

	return cmocka_run_group_tests_name("mex", tests, NULL, NULL);
}
