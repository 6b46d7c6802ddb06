/* SPDX-License-Identifier: GPL-3.0-or-later */
/* account: the rule that says when no chats may be started, row by row; what is stored comes back;
 * what outsiders see. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "waconnd/account.h"

#define NOW 1790000000000
#define MINUTE 60000

static struct account
with(bool lock, int64_t lock_until, int64_t quota, int64_t used, int64_t cap_until)
{
	const struct link_account said = {
	    .has_timelock = true,
	    .has_cap = true,
	    .timelock = {lock, lock_until, "DEFAULT"},
	    .cap = {quota > 0 && used >= quota, quota, used, cap_until, "NONE"},
	};
	struct account a;

	account_load(&a, NULL);
	account_take(&a, &said, NOW);
	return a;
}

static void
test_rule(void **state)
{
	static const struct {
		bool lock;
		int64_t lock_until, quota, used, cap_until;
		unsigned started;
		int64_t at;
		enum restriction_kind kind;
		int64_t until, ends;
	} rows[] = {
	    /* nothing */
	    {false, 0, -1, 0, 0, 0, NOW, RESTRICTION_NONE, 0, 0},
	    {false, NOW + MINUTE, -1, 0, 0, 0, NOW, RESTRICTION_NONE, 0, 0},
	    /* a lock, until WhatsApp has had its say about the end */
	    {true, NOW + MINUTE, -1, 0, 0, 0, NOW, RESTRICTION_TIMELOCK, NOW + MINUTE,
		NOW + MINUTE + ACCOUNT_GRACE_MS},
	    {true, NOW + MINUTE, -1, 0, 0, 0, NOW + MINUTE, RESTRICTION_TIMELOCK, NOW + MINUTE,
		NOW + MINUTE + ACCOUNT_GRACE_MS},
	    {true, NOW + MINUTE, -1, 0, 0, 0, NOW + MINUTE + ACCOUNT_GRACE_MS, RESTRICTION_NONE, 0,
		0},
	    {true, 0, -1, 0, 0, 0, NOW + 1000 * MINUTE, RESTRICTION_TIMELOCK, 0, 0},
	    /* the quota */
	    {false, 0, 10, 9, NOW + MINUTE, 0, NOW, RESTRICTION_NONE, 0, 0},
	    {false, 0, 10, 10, NOW + MINUTE, 0, NOW, RESTRICTION_CAP, NOW + MINUTE,
		NOW + MINUTE + ACCOUNT_GRACE_MS},
	    {false, 0, 10, 10, NOW + MINUTE, 0, NOW + 2 * MINUTE, RESTRICTION_NONE, 0, 0},
	    {false, 0, 10, 10, 0, 0, NOW + 2 * MINUTE, RESTRICTION_CAP, 0, 0},
	    {false, 0, 0, 5, 0, 3, NOW, RESTRICTION_NONE, 0, 0},
	    /* chats that were started since it was told */
	    {false, 0, 10, 7, 0, 2, NOW, RESTRICTION_NONE, 0, 0},
	    {false, 0, 10, 7, 0, 3, NOW, RESTRICTION_CAP, 0, 0},
	    {false, 0, -1, 0, 0, 1000, NOW, RESTRICTION_NONE, 0, 0},
	    /* both: the lock is what is said */
	    {true, NOW + MINUTE, 10, 10, 0, 0, NOW, RESTRICTION_TIMELOCK, NOW + MINUTE,
		NOW + MINUTE + ACCOUNT_GRACE_MS},
	    {true, NOW + MINUTE, 10, 10, 0, 0, NOW + 2 * MINUTE, RESTRICTION_CAP, 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct account a = with(rows[i].lock, rows[i].lock_until, rows[i].quota,
		    rows[i].used, rows[i].cap_until);
		struct restriction r;

		for (unsigned n = 0; n < rows[i].started; n++)
			account_chat_started(&a);
		r = account_restriction(&a, rows[i].at);
		if (r.kind != rows[i].kind || r.until_ms != rows[i].until ||
		    account_ends_ms(&a, rows[i].at) != rows[i].ends)
			fail_msg("row %zu: %d until %lld", i, (int)r.kind, (long long)r.until_ms);
	}
}

/* What was never said restricts nothing, and the one part says nothing of the other. */
static void
test_parts(void **state)
{
	const struct link_account lock = {
	    .has_timelock = true, .timelock = {true, NOW + MINUTE, "X"}};
	const struct link_account cap = {.has_cap = true, .cap = {false, 5, 5, 0, "NONE"}};
	struct account a;

	(void)state;
	account_load(&a, NULL);
	account_chat_started(&a);
	assert_int_equal(account_restriction(&a, NOW).kind, RESTRICTION_NONE);
	account_take(&a, &lock, NOW);
	account_take(&a, &cap, NOW + 1);
	assert_int_equal(a.timelock_at_ms, NOW);
	assert_int_equal(a.cap_at_ms, NOW + 1);
	assert_int_equal(account_restriction(&a, NOW).kind, RESTRICTION_TIMELOCK);
	/* A count that WhatsApp gives replaces ours. */
	a = with(false, 0, 10, 8, 0);
	account_chat_started(&a);
	account_chat_started(&a);
	account_chat_started(&a);
	assert_int_equal(account_restriction(&a, NOW).kind, RESTRICTION_CAP);
	assert_int_equal(account_restriction(&a, NOW).used, 10);
	account_chat_settled(&a, true);
	account_chat_settled(&a, true);
	account_chat_settled(&a, true);
	account_take(
	    &a, &(struct link_account){.has_cap = true, .cap = {false, 10, 9, 0, "NONE"}}, NOW);
	assert_int_equal(account_restriction(&a, NOW).kind, RESTRICTION_NONE);
}

/* WhatsApp may not have counted yet what is on its way when it tells. */
static void
test_flying(void **state)
{
	const struct link_account cap = {.has_cap = true, .cap = {false, 10, 7, 0, "NONE"}};
	struct account a = with(false, 0, 10, 7, 0);

	(void)state;
	account_chat_started(&a);
	account_chat_started(&a);
	account_chat_started(&a);
	account_chat_settled(&a, true);
	account_take(&a, &cap, NOW);
	assert_int_equal(a.chats_since, 2);
	account_chat_started(&a);
	assert_int_equal(account_restriction(&a, NOW).kind, RESTRICTION_CAP);
	/* One came to nothing: nobody was written to. */
	account_chat_settled(&a, false);
	assert_int_equal(account_restriction(&a, NOW).kind, RESTRICTION_NONE);
	account_chat_settled(&a, true);
	account_chat_settled(&a, true);
	account_chat_settled(&a, true); /* one too many */
	account_take(&a, &cap, NOW);
	assert_int_equal(a.chats_since, 0);
}

static void
assert_json(const struct account *a, int64_t at, const char *expected)
{
	const struct restriction r = account_restriction(a, at);
	struct buf out = BUF_INIT(4096);
	struct jsonw j;

	jsonw_init(&j, &out);
	jsonw_object(&j, NULL);
	restriction_json(&r, &j, "restriction");
	account_json(a, &j);
	jsonw_object_end(&j);
	assert_string_equal(buf_str(&out), expected);
	buf_done(&out);
}

static void
test_json(void **state)
{
	struct account a;

	(void)state;
	account_load(&a, NULL);
	assert_json(&a, NOW, "{\"restriction\":null,\"timelock\":null,\"newChats\":null}");
	a = with(true, NOW + MINUTE, -1, 0, 0);
	assert_json(&a, NOW,
	    "{\"restriction\":{\"kind\":\"reachout_timelock\",\"until\":\"2026-09-21T14:14:20Z\","
	    "\"used\":null,\"quota\":null},"
	    "\"timelock\":{\"active\":true,\"until\":\"2026-09-21T14:14:20Z\",\"type\":\"DEFAULT\","
	    "\"checkedAt\":\"2026-09-21T14:13:20Z\"},"
	    "\"newChats\":{\"quota\":null,\"used\":0,\"status\":\"NONE\",\"resetsAt\":null,"
	    "\"checkedAt\":\"2026-09-21T14:13:20Z\"}}");
	a = with(false, 0, 3, 2, 0);
	account_chat_started(&a);
	assert_json(&a, NOW,
	    "{\"restriction\":{\"kind\":\"new_chat_cap\",\"until\":null,\"used\":3,\"quota\":3},"
	    "\"timelock\":{\"active\":false,\"until\":null,\"type\":\"DEFAULT\","
	    "\"checkedAt\":\"2026-09-21T14:13:20Z\"},"
	    "\"newChats\":{\"quota\":3,\"used\":3,\"status\":\"NONE\",\"resetsAt\":null,"
	    "\"checkedAt\":\"2026-09-21T14:13:20Z\"}}");
}

static void
test_stored(void **state)
{
	static const char *const odd[] = {"", "{", "[]", "{\"timelock\":7,\"newChats\":[]}",
	    "{\"timelock\":{\"active\":\"yes\"},\"newChats\":{\"quota\":\"1\",\"used\":null}}"};
	struct account a = with(true, NOW + MINUTE, 10, 7, NOW + 9 * MINUTE), b;
	struct buf out = BUF_INIT(4096);

	(void)state;
	account_chat_started(&a);
	account_store(&a, &out);
	account_load(&b, buf_str(&out));
	assert_int_equal(b.timelock_at_ms, NOW);
	assert_true(b.timelock.active);
	assert_int_equal(b.timelock.until_ms, NOW + MINUTE);
	assert_string_equal(b.timelock.type, "DEFAULT");
	assert_int_equal(b.cap_at_ms, NOW);
	assert_int_equal(b.cap.quota, 10);
	assert_int_equal(b.cap.used, 8); /* with the one started since */
	assert_int_equal(b.cap.until_ms, NOW + 9 * MINUTE);
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		account_load(&b, odd[i]);
		assert_int_equal(account_restriction(&b, NOW).kind, RESTRICTION_NONE);
	}
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rule),
	    cmocka_unit_test(test_parts),
	    cmocka_unit_test(test_flying),
	    cmocka_unit_test(test_json),
	    cmocka_unit_test(test_stored),
	};

	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
