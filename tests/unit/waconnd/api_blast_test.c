/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Blasts and single messages through the API's socket: what is refused and keeps nothing, preview,
 * how recipients are spread, the one transaction, Idempotency-Key, lists, commands, and who sees
 * what.
 */
#include "tests/unit/waconnd/api_world.h"

#define MANY 25000

static char o1[] = "o1", o2[] = "o2", o3[] = "o3", absent[] = "absent";

/* -- requests -- */

struct request { /* a blast that is valid as it stands: two numbers over o1 */
	Ipc__Blast blast;
	char *outlets[4];
	Ipc__Recipient recipients[8];
	Ipc__Recipient *list[8];
	Ipc__Pace pace;
	char key[64];
};

static void
request_init(struct request *r, size_t n_recipients, ...)
{
	static char text[] = "Halo {{name|Kakak}}";
	va_list phones;

	memset(r, 0, sizeof(*r));
	ipc__blast__init(&r->blast);
	ipc__pace__init(&r->pace);
	r->blast.text = text;
	r->blast.outlets = r->outlets;
	r->outlets[0] = o1;
	r->blast.n_outlets = 1;
	r->blast.recipients = r->list;
	r->blast.n_recipients = n_recipients;
	va_start(phones, n_recipients);
	for (size_t i = 0; i < n_recipients; i++) {
		ipc__recipient__init(&r->recipients[i]);
		r->recipients[i].phone = va_arg(phones, char *);
		r->list[i] = &r->recipients[i];
	}
	va_end(phones);
}

static void
ask(struct request *r, Ipc__Request__OpCase op, const char *token, const char *outcome)
{
	Ipc__Request q = IPC__REQUEST__INIT;

	q.op_case = op;
	q.blast_create = &r->blast;
	q.idempotency_key = r->key[0] != '\0' ? r->key : NULL;
	api_ask(&q, token);
	api_assert(outcome);
}

static void
create(struct request *r, const char *token, const char *outcome)
{
	ask(r, IPC__REQUEST__OP_BLAST_CREATE, token, outcome);
}

static void
preview(struct request *r, const char *token, const char *outcome)
{
	ask(r, IPC__REQUEST__OP_BLAST_PREVIEW, token, outcome);
}

static void
by_id(Ipc__Request__OpCase op, const char *id, const char *token, const char *outcome)
{
	Ipc__Id m = IPC__ID__INIT;
	Ipc__Request q = IPC__REQUEST__INIT;

	m.id = xstrdup(id);
	q.op_case = op;
	q.blast_get = &m;
	api_ask(&q, token);
	free(m.id);
	api_assert(outcome);
}
#define BY_ID(op, id, token, outcome) by_id(IPC__REQUEST__OP_##op, id, token, outcome)

static void
list(Ipc__Request__OpCase op, Ipc__List *m, const char *token, const char *outcome)
{
	Ipc__Request q = IPC__REQUEST__INIT;

	q.op_case = op;
	q.blast_list = m;
	api_ask(&q, token);
	api_assert(outcome);
}

static const char *
sql(const char *text)
{
	return world_sql(aw.w, text);
}

static void
assert_nothing_kept(void)
{
	assert_string_equal(
	    sql("SELECT (SELECT count(*) FROM blasts) + (SELECT count(*) FROM messages) + "
		"(SELECT count(*) FROM idempotency_keys)"),
	    "0");
}

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
	    "o1 o1 o2 o2 o1 o2");
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
	    TEST(test_refused),
	    TEST(test_several_errors_at_once),
	    TEST(test_preview),
	    TEST(test_preview_without_a_healthy_outlet),
	    TEST(test_estimate),
	    TEST(test_create),
	    TEST(test_spread_and_last_outlet),
	    TEST(test_skip_options),
	    TEST(test_many),
	    TEST(test_schedule),
	    TEST(test_idempotency),
	    TEST(test_idempotency_at_once),
	    TEST(test_lists),
	    TEST(test_commands),
	    TEST(test_pause_holds_what_is_queued),
	    TEST(test_scope),
	    TEST(test_message),
	    TEST(test_database_away),
	};

	return cmocka_run_group_tests_name("api_blast", tests, world_setup_store, world_teardown);
}
