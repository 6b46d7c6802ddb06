/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Blasts that are made through the API's socket: what is refused and keeps nothing, how recipients
 * are spread, the one transaction, Idempotency-Key.
 */
#include "tests/unit/waconnd/api_blast.h"

#define MANY 25000

/* -- what is refused -- */

static void
no_text(struct request *r)
{
	r->blast.text = NULL;
}

static void
blank_text(struct request *r)
{
	static char blank[] = " \n\t";

	r->blast.text = blank;
}

static void
long_text(struct request *r)
{
	static char text[3 * 4097 + 1];

	for (size_t i = 0; i < 4097; i++)
		memcpy(text + 3 * i, "\xe2\x98\x95", 3);
	r->blast.text = text;
}

static void
open_choice(struct request *r)
{
	static char text[] = "{Halo|Hai {{name}}";

	r->blast.text = text;
}

static void
open_choice_of_variant(struct request *r)
{
	static char text[] = "{Halo|Hai", *variants[] = {text};

	r->blast.variants = variants;
	r->blast.n_variants = 1;
}

static void
no_outlets(struct request *r)
{
	r->blast.n_outlets = 0;
}

static void
no_numbers(struct request *r)
{
	r->blast.n_recipients = 0;
}

static void
wild_pace(struct request *r)
{
	static char window[] = "always";

	r->pace.window = window;
	r->blast.pace = &r->pace;
}

static void
past(struct request *r)
{
	r->blast.has_schedule_at_ms = 1;
	r->blast.schedule_at_ms = clock_wall_ms() - 3600 * 1000;
}

static void
over_before_it_begins(struct request *r)
{
	r->blast.has_schedule_at_ms = r->blast.has_expires_at_ms = 1;
	r->blast.schedule_at_ms = clock_wall_ms() + 3600 * 1000;
	r->blast.expires_at_ms = r->blast.schedule_at_ms - 1;
}

static void
unknown_outlet(struct request *r)
{
	r->outlets[r->blast.n_outlets++] = absent;
}

static void
sick_outlet(struct request *r)
{
	r->outlets[0] = o3;
}

static void
bad_numbers(struct request *r)
{
	static char bad[] = "12", worse[] = "nobody";

	r->recipients[0].phone = bad;
	r->recipients[1].phone = worse;
}

static void
no_phones(struct request *r)
{
	r->recipients[0].phone = r->recipients[1].phone = NULL;
}

/* clang-format off */
static const struct refusal {
	void (*spoil)(struct request *r);
	const char *outcome, *field;
} refusals[] = {
	{no_text, "422 validation_failed", "message.text"},
	{blank_text, "422 validation_failed", "message.text"},
	{long_text, "422 validation_failed", "message.text"},
	{open_choice, "422 validation_failed", "message.text"},
	{open_choice_of_variant, "422 validation_failed", "message.variants"},
	{no_outlets, "422 validation_failed", "outlets"},
	{no_numbers, "422 validation_failed", "audience.numbers"},
	{wild_pace, "422 validation_failed", "pace.window"},
	{past, "422 validation_failed", "scheduleAt"},
	{over_before_it_begins, "422 validation_failed", "expiresAt"},
	{unknown_outlet, "404 not_found", NULL},
	{sick_outlet, "409 no_healthy_outlet", NULL},
	{bad_numbers, "422 no_valid_recipient", NULL},
	{no_phones, "422 no_valid_recipient", NULL},
};
/* clang-format on */

static void
test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		struct request r;

		request_init(&r, 2, "0812-1000-0001", "0812-1000-0002");
		(void)snprintf(r.key, sizeof(r.key), "key");
		refusals[i].spoil(&r);
		create(&r, "t-super", refusals[i].outcome);
		if (refusals[i].field != NULL)
			assert_string_equal(api_text("errors.0.field"), refusals[i].field);
	}
	assert_nothing_kept();
}

static void
test_several_errors_at_once(void **state)
{
	struct request r;

	(void)state;
	request_init(&r, 0);
	r.blast.n_outlets = 0;
	r.blast.text = NULL;
	create(&r, "t-super", "422 validation_failed");
	assert_int_equal(json_array_size(api_at("errors")), 3);
}

/* -- create -- */

static void
test_create(void **state)
{
	struct request r;
	char id[64];

	(void)state;
	(void)sql("INSERT INTO opt_outs (phone, reason) VALUES ('6281210000003', 'STOP')");
	request_init(
	    &r, 5, "0812-1000-0001", "0812-1000-0002", "0812-1000-0003", "x", "62812 1000 0001");
	r.outlets[1] = o3;
	r.blast.n_outlets = 2;
	create(&r, "t-admin", "202");
	(void)snprintf(id, sizeof(id), "%s", api_text("blast.id"));
	assert_true(strncmp(id, "blast_", 6) == 0);
	assert_string_equal(api_text("blast.status"), "RUNNING");
	assert_string_equal(api_text("blast.createdBy"), "ani");
	assert_int_equal(api_int("blast.counts.total"), 3);
	assert_int_equal(api_int("blast.counts.queued"), 2);
	assert_int_equal(api_int("blast.counts.skipped"), 1);
	assert_int_equal(json_array_size(api_at("blast.outlets")), 1);
	assert_int_equal(json_array_size(api_at("rejectedOutlets")), 1);
	assert_string_equal(api_text("rejectedOutlets.0.outletId"), "o3");
	assert_string_equal(api_text("rejectedOutlets.0.reasons.1"), "live_status");
	/* The engine was told. */
	until_sql(aw.w,
	    "SELECT string_agg(phone || ' ' || status || coalesce(' ' || reason, ''), ', ' ORDER "
	    "BY id) FROM messages",
	    "6281210000001 SENT, 6281210000002 SENT, 6281210000003 SKIPPED opted_out");
	assert_string_equal(fake.sends[0].text, "Halo Kakak");
	BY_ID(BLAST_GET, id, "t-admin", "200");
	assert_string_equal(api_text("blast.status"), "COMPLETED");
	until_sql(aw.w,
	    "SELECT action || ' ' || (detail->>'recipients') FROM audit WHERE subject LIKE "
	    "'blast%'",
	    "blast_create 2");
}

static void
test_spread_and_last_outlet(void **state)
{
	struct request r;

	(void)state;
	/* Two numbers know o2; one was only ever queued there. */
	(void)sql("INSERT INTO blasts (id, name, status, text, outlets, created_by) VALUES ('old', "
		  "'x', 'COMPLETED', 'x', '{o2}', 'x')");
	(void)sql("INSERT INTO messages (outlet_id, blast_id, outgoing, phone, status, sending_at) "
		  "VALUES "
		  "('o2', 'old', true, '6281210000003', 'SENT', now()), ('o2', 'old', true, "
		  "'6281210000004', 'READ', now()), "
		  "('o2', 'old', true, '6281210000001', 'CANCELLED', NULL), ('o3', 'old', true, "
		  "'6281210000002', 'SENT', now())");
	request_init(&r, 6, "081210000001", "081210000002", "081210000003", "081210000004",
	    "081210000005", "081210000006");
	r.blast.has_all_outlets = r.blast.all_outlets = 1;
	create(&r, "t-super", "202");
	until_sql(aw.w,
	    "SELECT string_agg(outlet_id, ' ' ORDER BY id) FROM messages WHERE blast_id <> 'old'",
	    "o1 o2 o2 o2 o1 o1");
}

static void
test_skip_options(void **state)
{
	struct request r;

	(void)state;
	(void)sql("INSERT INTO blasts (id, name, status, text, outlets, created_by) VALUES "
		  "('same', 'x', 'COMPLETED', 'Halo {{name|Kakak}}', '{o1}', 'x'), ('other', 'x', "
		  "'COMPLETED', 'x', '{o1}', 'x')");
	(void)sql("INSERT INTO messages (outlet_id, blast_id, outgoing, phone, status, sending_at) "
		  "VALUES "
		  "('o1', 'same', true, '6281210000001', 'READ', now() - interval '9 days'), "
		  "('o1', 'same', true, '6281210000002', 'FAILED', now() - interval '9 days'), "
		  "('o1', 'other', true, '6281210000003', 'SENT', now() - interval '2 days')");
	request_init(&r, 4, "081210000001", "081210000002", "081210000003", "081210000004");
	preview(&r, "t-super", "200");
	assert_int_equal(api_int("recipients.valid"), 4);
	r.blast.has_skip_same_message = r.blast.skip_same_message = 1;
	preview(&r, "t-super", "200");
	assert_int_equal(api_int("recipients.valid"), 3);
	assert_int_equal(api_int("recipients.skipped"), 1);
	r.blast.has_skip_blasted_within_days = 1;
	r.blast.skip_blasted_within_days = 3;
	create(&r, "t-super", "202");
	assert_int_equal(api_int("blast.counts.queued"), 2);
	assert_string_equal(
	    sql("SELECT string_agg(phone || ' ' || reason, ', ' ORDER BY id) FROM messages "
		"WHERE status = 'SKIPPED'"),
	    "6281210000001 same_message, 6281210000003 blasted_recently");
}

/* What WhatsApp said of numbers within seven days. */
static void
test_skip_absent(void **state)
{
	struct request r;

	(void)state;
	(void)sql("INSERT INTO number_checks (phone, on_whatsapp, checked_at) VALUES "
		  "('6281210000001', false, now()), ('6281210000002', true, now()), "
		  "('6281210000003', false, now() - interval '8 days')");
	request_init(&r, 4, "081210000001", "081210000002", "081210000003", "081210000004");
	preview(&r, "t-super", "200");
	assert_int_equal(api_int("recipients.valid"), 4);
	r.blast.has_skip_not_on_whatsapp = r.blast.skip_not_on_whatsapp = 1;
	preview(&r, "t-super", "200");
	assert_int_equal(api_int("recipients.valid"), 3);
	assert_int_equal(api_int("recipients.skipped"), 1);
	create(&r, "t-super", "202");
	assert_int_equal(api_int("blast.counts.skipped"), 1);
	assert_string_equal(
	    sql("SELECT phone || ' ' || reason FROM messages WHERE status = 'SKIPPED'"),
	    "6281210000001 not_on_whatsapp");
	assert_string_equal(sql("SELECT check_numbers::text FROM blasts"), "true");
	/* Contacts, too. */
	(void)sql("INSERT INTO contacts (outlet_id, phone) VALUES ('o1', '6281210000001'), ('o1', "
		  "'6281210000002')");
	r.blast.n_recipients = 0;
	r.blast.has_from_contacts = r.blast.from_contacts = 1;
	preview(&r, "t-super", "200");
	assert_int_equal(api_int("recipients.valid"), 1);
	assert_int_equal(api_int("recipients.skipped"), 1);
}

/* What the preview shows is sent, and kept as it was sent. */
static void
test_choices(void **state)
{
	char shown[3][64];
	struct request r;

	(void)state;
	request_init(&r, 3, "081210000001", "081210000002", "081210000003");
	r.blast.text = (char[]){"{a|b|c}{1|2|3} {{name|Kakak}}"};
	preview(&r, "t-super", "200");
	for (size_t i = 0; i < 3; i++) {
		char path[16];

		(void)snprintf(path, sizeof(path), "samples.%zu", i);
		(void)snprintf(shown[i], sizeof(shown[i]), "%s", api_text(path));
		assert_true(
		    strchr("abc", shown[i][0]) != NULL && strchr("123", shown[i][1]) != NULL);
	}
	create(&r, "t-super", "202");
	assert_string_equal(api_text("blast.message.text"), r.blast.text);
	until_sql(aw.w, "SELECT status FROM blasts", "COMPLETED");
	for (size_t i = 0; i < 3; i++)
		assert_string_equal(fake.sends[i].text, shown[i]);
	assert_string_equal(sql("SELECT text FROM messages ORDER BY id LIMIT 1"), shown[0]);
}

/* More than one statement's worth: all of them or nothing. */
static void
test_many(void **state)
{
	Ipc__Recipient *all = xcalloc(MANY, sizeof(*all)),
		       **pointers = xcalloc(MANY, sizeof(Ipc__Recipient *));
	char(*phones)[16] = xcalloc(MANY, sizeof(*phones));
	static char name[] = "\"quoted\" \\ Ünï";
	struct request r;

	(void)state;
	request_init(&r, 0);
	for (size_t i = 0; i < MANY; i++) {
		(void)snprintf(phones[i], sizeof(phones[i]), "0812%08zu", i);
		ipc__recipient__init(&all[i]);
		all[i].phone = phones[i];
		all[i].name = name;
		pointers[i] = &all[i];
	}
	r.blast.recipients = pointers;
	r.blast.n_recipients = MANY;
	r.outlets[1] = o2;
	r.blast.n_outlets = 2;
	r.blast.has_schedule_at_ms = 1;
	r.blast.schedule_at_ms = clock_wall_ms() + 3600 * 1000;
	create(&r, "t-super", "202");
	assert_string_equal(api_text("blast.status"), "SCHEDULED");
	assert_int_equal(api_int("blast.counts.queued"), MANY);
	assert_string_equal(sql("SELECT count(*) || ' ' || count(DISTINCT phone) || ' ' || "
				"min(vars->>'name') FROM messages"),
	    "25000 25000 \"quoted\" \\ Ünï");
	assert_string_equal(sql("SELECT string_agg(n::text, ' ') FROM (SELECT count(*) n FROM "
				"messages GROUP BY outlet_id) t"),
	    "12500 12500");
	/* In the request's order. */
	assert_string_equal(sql("SELECT count(*) FROM (SELECT phone, lag(phone) OVER (ORDER BY id) "
				"AS before FROM messages) t "
				"WHERE phone <= before"),
	    "0");
	BY_ID(BLAST_CANCEL, sql("SELECT id FROM blasts"), "t-super", "200");
	assert_int_equal(api_int("blast.counts.cancelled"), MANY);
	free(all);
	free(pointers);
	free(phones);
}

static void
test_schedule(void **state)
{
	struct request r;

	(void)state;
	request_init(&r, 1, "081210000001");
	r.blast.has_schedule_at_ms = 1;
	r.blast.schedule_at_ms = clock_wall_ms() + 3600 * 1000;
	create(&r, "t-super", "202");
	assert_string_equal(api_text("blast.status"), "SCHEDULED");
	assert_true(json_is_null(api_at("blast.startedAt")));
	assert_int_equal(fake.n_sends, 0);
	(void)sql("UPDATE blasts SET schedule_at = now()");
	until_sql(aw.w, "SELECT status FROM blasts", "COMPLETED");
	assert_int_equal(fake.n_sends, 1);
}

/* -- Idempotency-Key -- */

static void
test_idempotency(void **state)
{
	struct request r;
	char *first, *again;

	(void)state;
	request_init(&r, 1, "081210000001");
	(void)snprintf(r.key, sizeof(r.key), "once");
	create(&r, "t-admin", "202");
	first = json_dumps(aw.body, JSON_SORT_KEYS);
	create(&r, "t-admin", "202");
	again = json_dumps(aw.body, JSON_SORT_KEYS);
	assert_string_equal(first, again);
	free(first);
	free(again);
	assert_string_equal(sql("SELECT count(*) FROM blasts"), "1");
	/* Another body; another user's key of the same name; a day later. */
	r.recipients[0].phone = (char[]){"081210000002"};
	create(&r, "t-admin", "422 idempotency_mismatch");
	create(&r, "t-super", "202");
	(void)sql("UPDATE idempotency_keys SET created_at = now() - interval '25 hours'");
	create(&r, "t-admin", "202");
	assert_string_equal(sql("SELECT count(*) FROM blasts"), "3");
	(void)snprintf(r.key, sizeof(r.key), "%s", "");
}

struct answer {
	unsigned status;
	char id[64];
};

static unsigned answers;

static void
on_answer(void *arg, enum ipc_failure failure, const Ipc__Response *response)
{
	struct answer *a = arg;
	json_t *body;

	assert_int_equal(failure, IPC_OK);
	a->status = response->status;
	body = json_loadb((const char *)response->body.data, response->body.len, 0, NULL);
	(void)snprintf(a->id, sizeof(a->id), "%s",
	    json_string_value(json_object_get(json_object_get(body, "blast"), "id")));
	json_decref(body);
	answers++;
}

static bool
all_answered(void *arg)
{
	return answers == *(const unsigned *)arg;
}

static void
test_idempotency_at_once(void **state)
{
	struct answer got[4];
	unsigned n = 4, accepted = 0;
	struct request r;
	enum ipc_failure failure;

	(void)state;
	answers = 0;
	request_init(&r, 1, "081210000001");
	for (unsigned i = 0; i < n; i++) {
		API_REQUEST(q, BLAST_CREATE, blast_create, &r.blast);

		q.token = (char[]){"t-admin"};
		q.remote = (char[]){"192.0.2.1"};
		q.idempotency_key = (char[]){"at-once"};
		assert_true(
		    ipc_client_send(aw.client, &q, WAIT_MS, on_answer, &got[i], &failure) != 0);
	}
	until(all_answered, &n, "all answers");
	for (unsigned i = 0; i < n; i++) {
		/* The first is under way, or has been answered. */
		if (got[i].status == 409)
			continue;
		assert_int_equal(got[i].status, 202);
		assert_string_equal(got[i].id, sql("SELECT id FROM blasts"));
		accepted++;
	}
	assert_true(accepted >= 1);
	assert_string_equal(sql("SELECT count(*) FROM blasts"), "1");
	assert_string_equal(sql("SELECT count(*) FROM messages"), "1");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_start, api_end)
	const struct CMUnitTest tests[] = {
	    TEST(test_refused),
	    TEST(test_several_errors_at_once),
	    TEST(test_create),
	    TEST(test_spread_and_last_outlet),
	    TEST(test_skip_options),
	    TEST(test_skip_absent),
	    TEST(test_choices),
	    TEST(test_many),
	    TEST(test_schedule),
	    TEST(test_idempotency),
	    TEST(test_idempotency_at_once),
	};

	return cmocka_run_group_tests_name("api_blast", tests, world_setup_store, world_teardown);
}
