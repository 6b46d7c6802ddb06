/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The preview of blasts through the API's socket: it says what would be, and keeps nothing. */
#include "tests/unit/waconnd/api_blast.h"

/* -- preview -- */

static void
test_preview(void **state)
{
	static char name[] = "Siti", kode[] = "kode", a1[] = "A1",
		    text[] = "Halo {{name|Kakak}} {{kode|-}} {{phone}}";
	Ipc__Variable var = IPC__VARIABLE__INIT;
	Ipc__Variable *vars[] = {&var};
	struct request r;

	(void)state;
	(void)sql("INSERT INTO opt_outs (phone, reason) VALUES ('6281210000003', 'STOP')");
	request_init(&r, 6, "0812-1000-0001", "+62 812 1000 0002", "0812 1000 0003", "not a number",
	    "62 0812 1000 0001", "1");
	var.name = kode;
	var.value = a1;
	r.blast.text = text;
	r.recipients[1].name = name;
	r.recipients[1].vars = vars;
	r.recipients[1].n_vars = 1;
	r.blast.has_all_outlets = r.blast.all_outlets = 1;
	preview(&r, "t-super", "200");
	assert_int_equal(json_object_size(aw.body), 6);
	assert_int_equal(json_object_size(api_at("recipients")), 5);
	assert_int_equal(api_int("recipients.total"), 6);
	assert_int_equal(api_int("recipients.valid"), 2);
	assert_int_equal(api_int("recipients.duplicates"), 1);
	assert_int_equal(api_int("recipients.optedOut"), 1);
	assert_int_equal(json_array_size(api_at("recipients.invalid")), 2);
	assert_string_equal(api_text("recipients.invalid.0.phone"), "not a number");
	assert_int_equal(api_int("recipients.invalid.0.line"), 4);
	assert_string_equal(api_text("recipients.invalid.1.reason"), "invalid_number");
	assert_int_equal(json_array_size(api_at("outlets")), 3);
	assert_int_equal(api_int("outlets.0.recipients"), 1);
	assert_int_equal(api_int("outlets.1.recipients"), 1);
	assert_true(json_is_false(api_at("outlets.2.healthy")));
	assert_string_equal(api_text("outlets.2.reasons.0"), "db_status");
	assert_int_equal(api_int("outlets.2.recipients"), 0);
	assert_int_equal(json_array_size(api_at("samples")), 2);
	assert_string_equal(api_text("samples.0"), "Halo Kakak - 6281210000001");
	assert_string_equal(api_text("samples.1"), "Halo Siti A1 6281210000002");
	assert_true(json_is_string(api_at("estimate.startsAt")) &&
		    json_is_string(api_at("estimate.finishesAt")));
	assert_nothing_kept();
}

static void
test_preview_without_a_healthy_outlet(void **state)
{
	struct request r;

	(void)state;
	request_init(&r, 2, "0812-1000-0001", "0812-1000-0002");
	r.outlets[0] = o3;
	preview(&r, "t-super", "200");
	assert_int_equal(api_int("recipients.valid"), 2);
	assert_int_equal(api_int("outlets.0.recipients"), 0);
	assert_true(json_is_null(api_at("estimate.startsAt")));
}

static int64_t
in_an_hour(void)
{
	return clock_wall_ms() + 3600 * 1000;
}

/* "code of outlet, code of outlet …" */
static const char *
warnings(void)
{
	static char all[512];
	size_t n = 0;

	all[0] = '\0';
	for (size_t i = 0; i < json_array_size(api_at("warnings")); i++) {
		char code[40], outlet[40];

		(void)snprintf(code, sizeof(code), "warnings.%zu.code", i);
		(void)snprintf(outlet, sizeof(outlet), "warnings.%zu.outletId", i);
		n += (size_t)snprintf(all + n, sizeof(all) - n, "%s%s%s%s", i > 0 ? ", " : "",
		    api_text(code), api_text(outlet)[0] != '\0' ? " of " : "", api_text(outlet));
	}
	return all;
}

/* One of four has a chat with o1: what it received, not what it never got. */
static void
test_first_contacts(void **state)
{
	struct request r;

	(void)state;
	(void)sql("INSERT INTO messages (outlet_id, outgoing, phone, peer, wa_id, status) VALUES "
		  "('o1', false, '6281210000001', '1@lid', 'I', 'RECEIVED'), ('o1', true, "
		  "'6281210000002', NULL, 'S', 'SENT'), ('o2', true, '6281210000003', NULL, 'D', "
		  "'DELIVERED')");
	request_init(&r, 4, "081210000001", "081210000002", "081210000003", "081210000004");
	preview(&r, "t-super", "200");
	assert_int_equal(api_int("outlets.0.firstContacts"), 3);
	assert_string_equal(warnings(), "");
	/* Its quota: as many as are left are fine, one less is told. */
	fake_cap(fake_find("o1"), 10, 7, in_an_hour());
	preview(&r, "t-super", "200");
	assert_string_equal(warnings(), "");
	fake_cap(fake_find("o1"), 10, 8, in_an_hour());
	preview(&r, "t-super", "200");
	assert_string_equal(warnings(), "over_new_chat_quota of o1");
	fake_cap(fake_find("o1"), 10, 10, in_an_hour());
	preview(&r, "t-super", "200");
	assert_string_equal(warnings(), "outlet_restricted of o1");
	fake_cap(fake_find("o1"), -1, 0, 0);
	fake_timelock(fake_find("o1"), true, in_an_hour());
	preview(&r, "t-super", "200");
	assert_string_equal(warnings(), "outlet_restricted of o1");
	/* Who has a chat is not held up. */
	r.blast.n_recipients = 1;
	preview(&r, "t-super", "200");
	assert_int_equal(api_int("outlets.0.firstContacts"), 0);
	assert_string_equal(warnings(), "");
	assert_string_equal(sql("SELECT count(*) FROM blasts"), "0");
}

/* Contacts are those of each outlet; who has no chat with it is a first contact for all that. */
static void
test_first_contacts_of_contacts(void **state)
{
	struct request r;

	(void)state;
	(void)sql("INSERT INTO contacts (outlet_id, phone) SELECT 'o1', '62812100' || n FROM "
		  "generate_series(10001, 10101) n UNION ALL SELECT 'o2', '62812200' || n FROM "
		  "generate_series(10001, 10004) n");
	(void)sql("INSERT INTO messages (outlet_id, outgoing, phone, peer, wa_id, status) VALUES "
		  "('o2', false, '6281220010001', '1@lid', 'I', 'RECEIVED')");
	request_init(&r, 0);
	r.blast.has_all_outlets = r.blast.all_outlets = 1;
	r.blast.has_from_contacts = r.blast.from_contacts = 1;
	fake_cap(fake_find("o2"), 4, 2, in_an_hour());
	preview(&r, "t-super", "200");
	assert_int_equal(api_int("recipients.valid"), 105);
	assert_int_equal(api_int("outlets.0.firstContacts"), 101);
	assert_int_equal(api_int("outlets.1.firstContacts"), 3);
	assert_string_equal(
	    warnings(), "over_new_chat_quota of o2, outlet_unhealthy of o3, many_first_contacts");
}

/* What each costs in time, and that a day does not do. */
static void
test_costs(void **state)
{
	struct request r;

	(void)state;
	request_init(&r, 4, "081210000001", "081210000002", "081210000003", "081210000004");
	r.outlets[1] = o2;
	r.blast.n_outlets = 2;
	r.pace.has_per_minute = r.pace.has_daily_cap = 1;
	r.pace.per_minute = 1;
	r.pace.daily_cap = 2;
	r.pace.timezone = (char[]){"UTC"};
	r.blast.pace = &r.pace;
	r.blast.has_schedule_at_ms = 1;
	r.blast.schedule_at_ms = 4102444800000; /* 2100-01-01 */
	preview(&r, "t-super", "200");
	assert_string_equal(warnings(), "");
	for (unsigned i = 0; i < 2; i++) {
		assert_string_equal(api_text(i == 0 ? "outlets.0.startsAt" : "outlets.1.startsAt"),
		    "2100-01-01T00:00:00Z");
		assert_string_equal(
		    api_text(i == 0 ? "outlets.0.finishesAt" : "outlets.1.finishesAt"),
		    "2100-01-01T00:01:00Z");
	}
	r.blast.n_outlets = 1;
	preview(&r, "t-super", "200");
	assert_string_equal(warnings(), "over_daily_cap of o1");
	assert_string_equal(api_text("outlets.0.finishesAt"), "2100-01-02T00:01:00Z");
}

/* At one a minute the second of two goes a minute after the first. */
static void
test_estimate(void **state)
{
	struct request r;

	(void)state;
	request_init(&r, 2, "0812-1000-0001", "0812-1000-0002");
	r.pace.has_per_minute = 1;
	r.pace.per_minute = 1;
	r.blast.pace = &r.pace;
	r.blast.has_schedule_at_ms = 1;
	r.blast.schedule_at_ms = 4102444800000; /* 2100-01-01 */
	preview(&r, "t-super", "200");
	assert_string_equal(api_text("estimate.startsAt"), "2100-01-01T00:00:00Z");
	assert_string_equal(api_text("estimate.finishesAt"), "2100-01-01T00:01:00Z");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_start, api_end)
	const struct CMUnitTest tests[] = {
	    TEST(test_preview),
	    TEST(test_preview_without_a_healthy_outlet),
	    TEST(test_first_contacts),
	    TEST(test_first_contacts_of_contacts),
	    TEST(test_costs),
	    TEST(test_estimate),
	};

	return cmocka_run_group_tests_name(
	    "api_blast_preview", tests, world_setup_store, world_teardown);
}
