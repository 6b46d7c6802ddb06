/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers and accounts through the API's socket: what is known is not asked for again, what
 * WhatsApp refuses in the middle, who may ask through which outlet; the account's document.
 */
#include "tests/unit/waconnd/api_world.h"

static char o1[] = "o1", o3[] = "o3";

static void
ask(const char *outlet, size_t n, char **numbers, const char *token, const char *outcome)
{
	Ipc__NumberCheck m = IPC__NUMBER_CHECK__INIT;
	API_REQUEST(q, NUMBER_CHECK, number_check, &m);

	m.outlet_id = (char *)(uintptr_t)outlet;
	m.numbers = numbers;
	m.n_numbers = n;
	api_ask(&q, token);
	api_assert(outcome);
}

/* Even numbers are there, odd ones are not. */
static void
answer_all(void)
{
	for (size_t i = 0; i < fake.n_checked; i++) {
		const char *phone = fake.checked[i].phone;

		fake.checked[i].state = (phone[strlen(phone) - 1] - '0') % 2 == 0
					    ? LINK_NUMBER_PRESENT
					    : LINK_NUMBER_ABSENT;
	}
	fake_check_answer(LINK_CHECK_DONE, 0, 0);
}

static void
assert_number(size_t i, const char *phone, const char *on, bool checked)
{
	char path[64];
	json_t *v;

	(void)snprintf(path, sizeof(path), "numbers.%zu.phone", i);
	assert_string_equal(api_text(path), phone);
	(void)snprintf(path, sizeof(path), "numbers.%zu.onWhatsapp", i);
	v = api_at(path);
	assert_string_equal(json_is_true(v) ? "yes" : json_is_false(v) ? "no" : "null", on);
	(void)snprintf(path, sizeof(path), "numbers.%zu.checkedAt", i);
	assert_int_equal(json_is_string(api_at(path)), checked);
}

static void
test_check(void **state)
{
	static char a[] = "0812-0000-0002", b[] = "+62 812 0000 0003", c[] = "not a number",
		    d[] = "6281200000002", e[] = "081200000004";
	char *numbers[] = {a, b, c, d, e};

	(void)state;
	fake.on_check = answer_all;
	ask("o1", 4, numbers, "t-user", "200");
	assert_int_equal(json_array_size(api_at("numbers")), 4);
	assert_string_equal(api_text("numbers.0.input"), a);
	assert_number(0, "6281200000002", "yes", true);
	assert_number(1, "6281200000003", "no", true);
	assert_number(2, "", "no", false);
	assert_number(3, "6281200000002", "yes", true); /* asked for once, said twice */
	assert_int_equal(fake.n_checks, 1);
	assert_int_equal(fake.n_checked, 2);
	/* Known now; only the new one is asked for. */
	ask("o1", 5, numbers, "t-admin", "200");
	assert_number(4, "6281200000004", "yes", true);
	assert_int_equal(fake.n_checks, 2);
	assert_int_equal(fake.n_checked, 1);
	/* All known: no outlet needs to be healthy for that. */
	ask("o3", 5, numbers, "t-admin", "200");
	assert_number(1, "6281200000003", "no", true);
	/* Too old. */
	(void)world_sql(aw.w,
	    "UPDATE number_checks SET checked_at = now() - interval '8 days' WHERE "
	    "phone = '6281200000003'");
	ask("o3", 5, numbers, "t-admin", "409 outlet_not_healthy");
	ask("o1", 5, numbers, "t-admin", "200");
	assert_int_equal(fake.n_checks, 3);
}

static void
answer_half_then_429(void)
{
	fake.checked[0].state = LINK_NUMBER_PRESENT;
	fake_check_answer(LINK_CHECK_REFUSED, 429, 0);
}

static void
answer_nothing(void)
{
	fake_check_answer(LINK_CHECK_UNHEARD, 0, 0);
}

static void
answer_some(void)
{
	fake.checked[0].state = LINK_NUMBER_PRESENT;
	fake_check_answer(LINK_CHECK_DONE, 0, 0);
}

static void
test_refused(void **state)
{
	static char a[] = "081200000002", b[] = "081200000003";
	char *numbers[] = {a, b};

	(void)state;
	fake.on_check = answer_nothing;
	ask("o1", 2, numbers, "t-user", "502 whatsapp_refused");
	fake.on_check = answer_half_then_429;
	ask("o1", 2, numbers, "t-user", "429 too_many_requests");
	assert_in_range(aw.retry_after, 59, 60);
	/* What was learnt is not lost; the rest has to wait. */
	ask("o1", 1, numbers, "t-user", "200");
	assert_number(0, "6281200000002", "yes", true);
	assert_int_equal(fake.n_checks, 2);
	ask("o1", 2, numbers, "t-user", "429 too_many_requests");
	assert_in_range(aw.retry_after, 55, 60);
	assert_int_equal(fake.n_checks, 2);
	/* Another outlet may still ask. What is not answered is not known, and asked for again. */
	fake.on_check = answer_some;
	{
		static char n1[] = "081200000008", n2[] = "081200000009";
		char *others[] = {n1, n2};

		ask("o2", 2, others, "t-admin", "200");
		assert_number(0, "6281200000008", "yes", true);
		assert_number(1, "6281200000009", "null", false);
		ask("o2", 2, others, "t-admin", "200");
		assert_int_equal(fake.n_checked, 1);
	}
	fake.refuse_checks = true;
	ask("o2", 2, numbers, "t-admin", "429 too_many_requests");
	assert_true(aw.retry_after > 0);
}

static void
test_not_valid(void **state)
{
	static char long_one[70], ok[] = "0812345678";
	char *many[201], *one[] = {long_one};

	(void)state;
	memset(long_one, '1', sizeof(long_one) - 1);
	for (size_t i = 0; i < 201; i++)
		many[i] = ok;
	ask("o1", 0, NULL, "t-user", "422 validation_failed");
	ask("o1", 201, many, "t-user", "422 validation_failed");
	ask("o1", 1, one, "t-user", "422 validation_failed");
	ask("o2", 1, many, "t-user", "404 not_found");
	ask("absent", 1, many, "t-admin", "404 not_found");
	ask(NULL, 1, many, "t-admin", "404 not_found");
	fake.on_check = answer_all;
	ask("o1", 200, many, "t-user", "200");
	assert_int_equal(fake.n_checked, 1);
}

/* The daemon ends while WhatsApp is being asked: nothing is left behind. */
static void
test_stopped_meanwhile(void **state)
{
	static char a[] = "081200000002";
	char *numbers[] = {a};
	Ipc__NumberCheck m = IPC__NUMBER_CHECK__INIT;
	API_REQUEST(q, NUMBER_CHECK, number_check, &m);
	enum ipc_failure failure = IPC_OK;
	static char token[] = "t-admin";

	(void)state;
	m.outlet_id = o1;
	m.numbers = numbers;
	m.n_numbers = 1;
	q.token = token;
	assert_true(ipc_client_send(aw.client, &q, WAIT_MS, api_on_response, NULL, &failure) != 0);
	while (fake.checker == NULL)
		(void)event_base_loop(aw.w->base, EVLOOP_ONCE);
}

static void
ask_account(const char *outlet, const char *token, const char *outcome)
{
	Ipc__Id id = IPC__ID__INIT;
	API_REQUEST(q, OUTLET_ACCOUNT, outlet_account, &id);

	id.id = (char *)(uintptr_t)outlet;
	api_ask(&q, token);
	api_assert(outcome);
}

static void
test_account(void **state)
{
	(void)state;
	ask_account(o3, "t-admin", "200");
	assert_string_equal(api_text("account.outletId"), "o3");
	assert_true(json_is_null(api_at("account.restriction")));
	assert_true(json_is_null(api_at("account.timelock")));
	assert_true(json_is_null(api_at("account.newChats")));
	assert_true(json_is_null(api_at("account.hold")));
	ask_account(o3, "t-user", "404 not_found");
	fake_timelock(fake_find("o1"), true, clock_wall_ms() + 600000);
	fake_cap(fake_find("o1"), 20, 5, 0);
	ask_account(o1, "t-user", "200");
	assert_string_equal(api_text("account.restriction.kind"), "reachout_timelock");
	assert_string_equal(api_text("account.timelock.type"), "DEFAULT");
	assert_true(json_is_true(api_at("account.timelock.active")));
	assert_int_equal(api_int("account.newChats.quota"), 20);
	assert_int_equal(api_int("account.newChats.used"), 5);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_start, api_end)
	const struct CMUnitTest tests[] = {
	    TEST(test_check),
	    TEST(test_refused),
	    TEST(test_not_valid),
	    TEST(test_stopped_meanwhile),
	    TEST(test_account),
	};

	return cmocka_run_group_tests_name("api_number", tests, world_setup_store, world_teardown);
}
