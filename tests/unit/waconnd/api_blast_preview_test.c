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
	    TEST(test_estimate),
	};

	return cmocka_run_group_tests_name(
	    "api_blast_preview", tests, world_setup_store, world_teardown);
}
