/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The blast engine over links that the test plays and a real PostgreSQL: every recipient once,
 * whatever the link answers and however often it breaks; pacing, holds, opt-outs, pauses; single
 * messages; schedules and expiry.
 */
#include "tests/unit/waconnd/fake_link.h"

#include "waconnd/account.h"
#include "waconnd/blast/queue.h"

struct env {
	struct world *w;
	struct hub *hub;
	struct hub_sub *sub;
	struct outlets *os;
	struct blasts *blasts;
	struct worker *worker;
	bool loaded;
	unsigned blast_events, message_events;
	char last_blast[4096], last_message[512], last_blast_outlet[64];
};

static struct env env;

static void
on_event(void *arg, const struct hub_event *e)
{
	(void)arg;
	if (strcmp(e->kind, "blast") == 0) {
		env.blast_events++;
		(void)snprintf(env.last_blast, sizeof(env.last_blast), "%s", e->data);
		(void)snprintf(env.last_blast_outlet, sizeof(env.last_blast_outlet), "%s",
		    e->outlet != NULL ? e->outlet : "-");
	}
	if (strcmp(e->kind, "message") == 0) {
		env.message_events++;
		(void)snprintf(env.last_message, sizeof(env.last_message), "%s", e->data);
	}
}

static void
on_loaded(void *arg, int err)
{
	(void)arg;
	assert_int_equal(err, 0);
	env.loaded = true;
}

static struct outlet *
outlet(void)
{
	return outlets_find(env.os, "o1");
}

static bool
has_link(void *arg)
{
	(void)arg;
	return fake_find("o1") != NULL;
}

static bool
is_sendable(void *arg)
{
	(void)arg;
	return outlet_link(outlet()) != NULL;
}

static void
bring_up(void)
{
	until(has_link, NULL, "a link");
	fake_up(fake_find("o1"));
	until(is_sendable, NULL, "healthy");
}

static void
start(void)
{
	const struct outlets_env oe = {.base = env.w->base,
	    .store = &env.w->store,
	    .hub = env.hub,
	    .instance = "host-a",
	    .default_pace = {.per_minute = 0, .timezone = "Asia/Jakarta"}};

	env.loaded = false;
	env.worker = worker_new(env.w->base, 1, 16);
	env.os = outlets_new(&oe, on_loaded, NULL);
	world_until(env.w, &env.loaded);
	env.blasts = blasts_new(env.w->base, &env.w->store, env.hub, env.os, env.worker);
	bring_up();
}

static void
stop_engine(void)
{
	worker_free(&env.worker);
	blasts_free(&env.blasts);
	outlets_free(&env.os);
	assert_int_equal(world_commit(env.w), 0);
}

static int
fresh(void **state)
{
	memset(&env, 0, sizeof(env));
	env.w = *state;
	fake_reset(env.w->base);
	(void)world_sql(env.w, "TRUNCATE outlets, blasts, opt_outs, media CASCADE");
	(void)world_sql(
	    env.w, "INSERT INTO outlets (id, name, whatsapp_number) VALUES ('o1', 'A', '62811')");
	(void)world_sql(env.w,
	    "INSERT INTO outlet_sessions (outlet_id, status, own_jid, linked_at) VALUES "
	    "('o1', 'CONNECTED', '62811:7@s.whatsapp.net', now())");
	(void)world_sql(
	    env.w, "INSERT INTO keys (outlet_id, kind, name, value) VALUES ('o1', 1, '', '\\x00')");
	env.hub = hub_new(1);
	env.sub = hub_subscribe(env.hub, NULL, ~0u, NULL, on_event, NULL);
	start();
	return 0;
}

static int
stop(void **state)
{
	(void)state;
	stop_engine();
	hub_free(&env.hub);
	fake_reset(NULL);
	return 0;
}

static void
add_blast(const char *id, unsigned n, const char *status, const char *pace)
{
	char sql[700];

	(void)snprintf(sql, sizeof(sql),
	    "WITH b AS (INSERT INTO blasts (id, name, status, text, pace, outlets, created_by) "
	    "VALUES ('%s', 'B', '%s', 'Halo {{name|Kakak}} {{n}}', '%s', '{o1}', 'me')) SELECT 1",
	    id, status, pace);
	(void)world_sql(env.w, sql);
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO messages (outlet_id, blast_id, outgoing, phone, vars, status) "
	    "SELECT 'o1', '%s', true, '628' || (1000000 + n), json_build_object('n', n)::jsonb, "
	    "'QUEUED' FROM generate_series(1, %u) n",
	    id, n);
	(void)world_sql(env.w, sql);
	blasts_kick(env.blasts, NULL);
}

/* Every recipient was sent to under one id only, and no id went to two. */
static void
assert_one_id_each(void)
{
	for (unsigned i = 0; i < fake.n_sends; i++)
		for (unsigned k = i + 1; k < fake.n_sends; k++)
			assert_int_equal(strcmp(fake.sends[i].phone, fake.sends[k].phone) == 0,
			    strcmp(fake.sends[i].id, fake.sends[k].id) == 0);
}

static void
test_all_once(void **state)
{
	(void)state;
	add_blast("b1", 200, "RUNNING", "{}");
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_int_equal(fake.n_sends, 200);
	assert_true(fake.in_flight_max > 1 && fake.in_flight_max <= LINK_SENDS_MAX);
	assert_one_id_each();
	assert_string_equal(fake.sends[0].text, "Halo Kakak 1");
	assert_string_equal(fake.sends[199].text, "Halo Kakak 200");
	assert_string_equal(
	    world_sql(env.w, "SELECT concat_ws(' ', count(*), count(DISTINCT wa_id), min(text)) "
			     "FROM messages WHERE status = 'SENT'"),
	    "200 200 Halo Kakak 1");
}

static unsigned answers_left;

static bool
answer_some(const struct fake_send *s, enum link_sent *ret_result, unsigned *ret_code)
{
	(void)s;
	(void)ret_result;
	(void)ret_code;
	if (answers_left == 0)
		return false;
	answers_left--;
	return true;
}

static bool
answers_used_up(void *arg)
{
	(void)arg;
	return answers_left == 0 && fake.in_flight > 0;
}

/* -- files -- */

static void
add_media(const char *id, unsigned chunks)
{
	char sql[700];

	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO media (id, owner, complete, sha256, size, mime_type) VALUES ('%s', 'me', "
	    "true, '\\x00', %u, 'image/jpeg')",
	    id, (chunks - 1) * 262144 + 5);
	(void)world_sql(env.w, sql);
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO media_chunks SELECT '%s', n, CASE WHEN n = %u THEN '12345' ELSE "
	    "convert_to(repeat('x', 262144), 'UTF8') END FROM generate_series(0, %u) n",
	    id, chunks - 1, chunks - 1);
	(void)world_sql(env.w, sql);
}

/* Two messages each: a picture with the text, then a document. */
static void
add_file_blast(unsigned n)
{
	char sql[900];

	add_media("m1", 3);
	add_media("m2", 1);
	(void)world_sql(env.w,
	    "INSERT INTO blasts (id, name, status, text, outlets, created_by, parts) VALUES ('b1', "
	    "'B', 'RUNNING', 'Halo {{n}}', '{o1}', 'me', '[{\"kind\": \"image\", \"text\": true, "
	    "\"content\": {\"media\": {\"id\": \"m1\"}}}, {\"kind\": \"document\", \"content\": "
	    "{\"media\": {\"id\": \"m2\", \"fileName\": \"a.pdf\"}}}]')");
	(void)snprintf(sql, sizeof(sql),
	    "INSERT INTO messages (outlet_id, blast_id, outgoing, phone, vars, status, part, kind, "
	    "is_recipient) SELECT 'o1', 'b1', true, '628' || (1000000 + n), json_build_object('n', "
	    "n)::jsonb, 'QUEUED', p, CASE p WHEN 0 THEN 'image' ELSE 'document' END, p = 1 FROM "
	    "generate_series(1, %u) n, generate_series(0, 1) p ORDER BY n, p",
	    n);
	(void)world_sql(env.w, sql);
	blasts_kick(env.blasts, NULL);
}

static void
test_files_are_uploaded_once(void **state)
{
	(void)state;
	add_file_blast(40);
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_int_equal(fake.uploads, 2);
	assert_int_equal(fake.n_sends, 80);
	assert_string_equal(
	    world_sql(env.w, "SELECT concat_ws(' ', total, sent, queued) FROM blasts"), "40 40 0");
	assert_string_equal(world_sql(env.w, "SELECT count(*) FROM media_uploads"), "2");
	/* In order to each, with the text once. */
	for (unsigned i = 0; i < fake.n_sends; i++) {
		unsigned before = 0;

		for (unsigned k = 0; k < i; k++)
			before += strcmp(fake.sends[i].phone, fake.sends[k].phone) == 0;
		assert_int_equal(
		    fake.sends[i].kind, before == 0 ? WA_CONTENT_IMAGE : WA_CONTENT_DOCUMENT);
		assert_int_equal(strncmp(fake.sends[i].text, "Halo ", 5) == 0, before == 0);
		assert_true(before < 2);
	}
	/* A second blast finds what is there, even after a restart. */
	stop_engine();
	start();
	(void)world_sql(env.w, "UPDATE messages SET status = 'QUEUED', wa_id = NULL; UPDATE blasts "
			       "SET status = 'RUNNING'");
	blasts_kick(env.blasts, NULL);
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_int_equal(fake.uploads, 2);
}

static bool
refuse_pictures(const struct fake_send *s, enum link_sent *ret_result, unsigned *ret_code)
{
	*ret_result = s->kind == WA_CONTENT_IMAGE ? LINK_SENT_REJECTED : LINK_SENT_OK;
	*ret_code = 400;
	return true;
}

/* What follows a message that failed is not sent alone. */
static void
test_a_part_fails(void **state)
{
	(void)state;
	fake.policy = refuse_pictures;
	add_file_blast(5);
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_int_equal(fake.n_sends, 5);
	assert_string_equal(
	    world_sql(env.w, "SELECT concat_ws(' ', total, failed, sent) FROM blasts"), "5 5 0");
	assert_string_equal(
	    world_sql(env.w, "SELECT count(*) FROM messages WHERE reason = 'rejected_400'"), "10");
}

static void
test_a_file_is_refused(void **state)
{
	(void)state;
	fake.upload_result = LINK_MEDIA_TOO_LARGE;
	add_file_blast(5);
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_int_equal(fake.n_sends, 0);
	assert_string_equal(
	    world_sql(env.w, "SELECT concat_ws(' ', count(*), min(reason)) FROM messages WHERE "
			     "status = 'FAILED' AND is_recipient"),
	    "5 media_too_large");
}

static void
test_a_crash_between_parts(void **state)
{
	(void)state;
	fake.policy = answer_some;
	answers_left = 7;
	add_file_blast(10);
	until(answers_used_up, NULL, "7 answers");
	stop_engine();
	answers_left = 1000;
	start();
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_string_equal(
	    world_sql(env.w, "SELECT concat_ws(' ', count(*), count(DISTINCT wa_id)) FROM messages "
			     "WHERE status = 'SENT'"),
	    "20 20");
	for (unsigned i = 0; i < fake.n_sends; i++)
		for (unsigned k = i + 1; k < fake.n_sends; k++)
			assert_int_equal(strcmp(fake.sends[i].phone, fake.sends[k].phone) == 0 &&
					     fake.sends[i].kind == fake.sends[k].kind,
			    strcmp(fake.sends[i].id, fake.sends[k].id) == 0);
}

static bool
blast_completed_event(void *arg)
{
	(void)arg;
	return strstr(env.last_blast, "COMPLETED") != NULL;
}

static void
test_events(void **state)
{
	(void)state;
	add_blast("b1", 3, "RUNNING", "{}");
	until(blast_completed_event, NULL, "an event that says COMPLETED");
	assert_string_equal(env.last_blast_outlet, "o1");
	assert_true(env.blast_events <= 3);
	assert_int_equal(env.message_events, 0);
}

static void
test_link_breaks(void **state)
{
	(void)state;
	fake.policy = answer_some;
	answers_left = 50;
	add_blast("b1", 150, "RUNNING", "{}");
	until(answers_used_up, NULL, "50 answers");
	fake_end(fake_find("o1"), LINK_END_RESTART, 0);
	answers_left = 1000;
	bring_up();
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_true(fake.n_sends > 150);
	assert_one_id_each();
	assert_string_equal(
	    world_sql(env.w, "SELECT count(*) FROM messages WHERE status = 'SENT'"), "150");
}

/* A crash with messages in flight: the next start sends them again, under their ids, and before
 * anything new. */
static void
test_crash(void **state)
{
	unsigned first;

	(void)state;
	fake.policy = answer_some;
	answers_left = 10;
	add_blast("b1", 100, "RUNNING", "{}");
	until(answers_used_up, NULL, "10 answers");
	until_sql(
	    env.w, "SELECT (count(*) > 0)::text FROM messages WHERE status = 'SENDING'", "true");
	stop_engine();
	first = fake.n_sends;
	answers_left = 1000;
	start();
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_true(fake.n_sends > first);
	assert_one_id_each();
	assert_string_equal(
	    world_sql(env.w, "SELECT count(*) FROM messages WHERE status = 'SENT'"), "100");
}

static bool
answer_by_phone(const struct fake_send *s, enum link_sent *ret_result, unsigned *ret_code)
{
	if (strcmp(s->phone, "6281000002") == 0)
		*ret_result = LINK_SENT_NO_DEVICE;
	if (strcmp(s->phone, "6281000004") == 0) {
		*ret_result = LINK_SENT_REJECTED;
		*ret_code = 400;
	}
	if (strcmp(s->phone, "6281000005") == 0)
		*ret_result = LINK_SENT_FAILED;
	return true;
}

static void
test_failures(void **state)
{
	(void)state;
	(void)world_sql(
	    env.w, "INSERT INTO opt_outs (phone, reason) VALUES ('6281000003', 'STOP')");
	fake.policy = answer_by_phone;
	add_blast("b1", 6, "RUNNING", "{}");
	until_sql(env.w,
	    "SELECT string_agg(status || coalesce(':' || reason, ''), ' ' ORDER BY id) FROM "
	    "messages",
	    "SENT FAILED:not_on_whatsapp SKIPPED:opted_out FAILED:rejected_400 QUEUED:send_failed "
	    "SENT");
	/* It comes again when its time has come, three times in all. */
	for (unsigned i = 0; i < 2; i++) {
		(void)world_sql(
		    env.w, "UPDATE messages SET not_before = now() WHERE status = 'QUEUED'");
		blasts_kick(env.blasts, NULL);
		until_sql(env.w,
		    i == 0 ? "SELECT attempts FROM messages WHERE phone = '6281000005' AND status "
			     "= 'QUEUED'"
			   : "SELECT attempts FROM messages WHERE phone = '6281000005' AND status "
			     "= 'FAILED'",
		    i == 0 ? "2" : "3");
	}
	assert_string_equal(world_sql(env.w, "SELECT status FROM blasts"), "COMPLETED");
	assert_one_id_each();
}

static unsigned reject_code;

static bool
answer_rejected(const struct fake_send *s, enum link_sent *ret_result, unsigned *ret_code)
{
	if (strncmp(s->phone, "628", 3) == 0) {
		*ret_result = LINK_SENT_REJECTED;
		*ret_code = reject_code;
	}
	return true;
}

static void
test_refusals_hold_the_blasts(void **state)
{
	struct queue *q;

	(void)state;
	fake.policy = answer_rejected;
	reject_code = 463;
	/* A rate, so that refusals are heard before all are gone. */
	add_blast("b1", 20, "RUNNING", "{\"perMinute\": 600, \"jitter\": 0}");
	until_sql(env.w, "SELECT count(*) FROM messages WHERE reason = 'rejected_463'", "2");
	q = outlet_queue(outlet());
	assert_true(q->held_until_ms > clock_wall_ms() + 3500 * 1000);
	/* A single message goes on; the blast does not. */
	(void)world_sql(env.w, "INSERT INTO messages (outlet_id, outgoing, phone, text, status) "
			       "VALUES ('o1', true, '447700', 'Hi {{name}}', 'QUEUED')");
	blasts_kick(env.blasts, outlet());
	until_sql(env.w, "SELECT status FROM messages WHERE phone = '447700'", "SENT");
	assert_string_equal(fake.sends[fake.n_sends - 1].text,
	    "Hi {{name}}"); /* what a person wrote is not rendered */
	assert_int_equal(fake.n_sends, 3);
	assert_non_null(strstr(
	    env.last_message, "\"direction\":\"out\",\"peer\":\"447700\",\"status\":\"SENT\""));
	/* The hold outlives a restart. */
	stop_engine();
	start();
	until_sql(env.w, "SELECT 'x'", "x");
	(void)world_sql(
	    env.w, "UPDATE messages SET status = 'QUEUED', wa_id = NULL WHERE phone = '447700'");
	blasts_kick(env.blasts, outlet());
	until_sql(env.w, "SELECT status FROM messages WHERE phone = '447700'", "SENT");
	assert_int_equal(fake.n_sends, 4);
	assert_string_equal(
	    world_sql(env.w, "SELECT count(*) FROM messages WHERE status = 'QUEUED'"), "18");
}

/* -- while chats may not be started -- */

static int64_t
in_s(int s)
{
	return clock_wall_ms() + s * 1000LL;
}

static void
test_lock_holds_first_contacts(void **state)
{
	(void)state;
	fake_timelock(fake_find("o1"), true, in_s(600));
	/* 2 wrote to us, 4 got something of ours. */
	(void)world_sql(env.w,
	    "INSERT INTO messages (outlet_id, outgoing, phone, peer, wa_id, status) VALUES ('o1', "
	    "false, '6281000002', '1@lid', 'I', 'RECEIVED'), ('o1', true, '6281000004', NULL, 'O', "
	    "'DELIVERED')");
	add_blast("b1", 6, "RUNNING", "{}");
	until_sql(env.w, "SELECT sent FROM blasts", "2");
	assert_string_equal(
	    world_sql(env.w, "SELECT string_agg(phone, ' ' ORDER BY phone) FROM messages WHERE "
			     "blast_id = 'b1' AND status = 'SENT'"),
	    "6281000002 6281000004");
	assert_string_equal(world_sql(env.w, "SELECT queued FROM blasts"), "4");
	assert_string_equal(
	    world_sql(env.w, "SELECT json_array_length(blast_json(b)->'restrictions') || "
			     "(blast_json(b)->'restrictions'->0->>'kind') FROM blasts b"),
	    "1reachout_timelock");
	/* A single message goes. */
	(void)world_sql(env.w, "INSERT INTO messages (outlet_id, outgoing, phone, text, status) "
			       "VALUES ('o1', true, '447700', 'Hi', 'QUEUED')");
	blasts_added(env.blasts, outlet());
	until_sql(env.w, "SELECT status FROM messages WHERE phone = '447700'", "SENT");
	assert_int_equal(fake.n_sends, 3);
	/* It ends, and all goes on by itself. */
	fake_timelock(fake_find("o1"), false, 0);
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_int_equal(fake.n_sends, 7);
	assert_one_id_each();
	assert_string_equal(
	    world_sql(env.w, "SELECT count(*) FROM messages WHERE status = 'FAILED'"), "0");
}

/* Nobody says that it is over: its time is. */
static void
test_lock_ends_by_itself(void **state)
{
	(void)state;
	fake_timelock(fake_find("o1"), true, clock_wall_ms() - ACCOUNT_GRACE_MS + 300);
	add_blast("b1", 2, "RUNNING", "{}");
	assert_int_equal(fake.n_sends, 0);
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_int_equal(fake.n_sends, 2);
}

/* What waits in hand when the lock comes does not go. */
static void
test_lock_in_between(void **state)
{
	(void)state;
	add_blast("b1", 3, "RUNNING", "{\"perMinute\": 300, \"jitter\": 0}");
	until_sql(env.w, "SELECT sent FROM blasts", "1");
	fake_timelock(fake_find("o1"), true, in_s(600));
	blasts_kick(env.blasts, NULL);
	until_sql(env.w, "SELECT restriction FROM outlet_accounts", "reachout_timelock");
	assert_int_equal(fake.n_sends, 1);
	/* It outlives a restart. */
	stop_engine();
	start();
	assert_false(outlet_may_start_chats(outlet()));
	(void)world_sql(env.w, "INSERT INTO messages (outlet_id, outgoing, phone, text, status) "
			       "VALUES ('o1', true, '447700', 'Hi', 'QUEUED')");
	blasts_kick(env.blasts, outlet());
	until_sql(env.w, "SELECT status FROM messages WHERE phone = '447700'", "SENT");
	assert_int_equal(fake.n_sends, 2);
}

/* One that was on its way comes again when it is over; a hold that guessed is taken back. */
static void
test_refused_on_the_way(void **state)
{
	const char *reason;
	int64_t until_ms;

	(void)state;
	fake.policy = answer_rejected;
	reject_code = 463;
	add_blast("b1", 2, "RUNNING", "{}");
	until_sql(env.w, "SELECT count(*) FROM messages WHERE reason = 'rejected_463'", "2");
	assert_int_equal(
	    blasts_hold(outlet(), clock_wall_ms(), &until_ms, &reason), BLAST_HOLD_REACHOUT);
	assert_string_equal(reason, "rejected_463");
	assert_true(until_ms > in_s(3500));
	fake_timelock(fake_find("o1"), true, in_s(600));
	assert_int_equal(
	    blasts_hold(outlet(), clock_wall_ms(), &until_ms, &reason), BLAST_HOLD_NONE);
	/* Somebody with whom there is a chat is written to. */
	fake.policy = NULL;
	(void)world_sql(env.w,
	    "INSERT INTO messages (outlet_id, outgoing, phone, peer, wa_id, status) VALUES ('o1', "
	    "false, '6281000001', '1@lid', 'I', 'RECEIVED')");
	add_blast("b2", 1, "RUNNING", "{}");
	until_sql(env.w, "SELECT status FROM blasts WHERE id = 'b2'", "COMPLETED");
}

static bool
one_flies(void *arg)
{
	(void)arg;
	return fake.in_flight == 1;
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
test_refused_when_known(void **state)
{
	struct fake_send *s = &fake.sends[0];

	(void)state;
	fake.policy = answer_none;
	add_blast("b1", 1, "RUNNING", "{}");
	until(one_flies, NULL, "one in flight");
	fake_timelock(fake_find("o1"), true, in_s(600));
	fake.policy = answer_rejected;
	reject_code = 463;
	fake_answer(s->link, s);
	until_sql(env.w, "SELECT status || ' ' || reason FROM messages", "QUEUED restricted");
	fake.policy = NULL;
	fake_timelock(fake_find("o1"), false, 0);
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_one_id_each();
	assert_int_equal(fake.n_sends, 2);
}

/* So many chats, and not one more, before WhatsApp has said so. */
static void
test_quota(void **state)
{
	(void)state;
	fake_cap(fake_find("o1"), 10, 7, in_s(600));
	add_blast("b1", 6, "RUNNING", "{}");
	until_sql(env.w, "SELECT sent FROM blasts", "3");
	until_sql(env.w,
	    "SELECT restriction || ' ' || (account->'newChats'->>'used') FROM "
	    "outlet_accounts",
	    "new_chat_cap 10");
	assert_true(fake.account_asks >= 1);
	assert_int_equal(fake.n_sends, 3);
	/* It counted otherwise: two more. */
	fake_cap(fake_find("o1"), 10, 8, in_s(600));
	until_sql(env.w, "SELECT sent FROM blasts", "5");
	fake_cap(fake_find("o1"), -1, 0, 0);
	until_sql(env.w, "SELECT status FROM blasts", "COMPLETED");
	assert_one_id_each();
}

static bool
is_held(void *arg)
{
	const char *reason;
	int64_t until_ms;

	(void)arg;
	return blasts_hold(outlet(), clock_wall_ms(), &until_ms, &reason) == BLAST_HOLD_CAPPED;
}

/* 475: all wait, until WhatsApp says that it is the quota. */
static void
test_capped(void **state)
{
	const char *reason;
	int64_t until_ms;

	(void)state;
	fake.policy = answer_rejected;
	reject_code = 475;
	add_blast("b1", 1, "RUNNING", "{}");
	until_sql(env.w, "SELECT reason FROM messages", "rejected_475");
	until(is_held, NULL, "a hold");
	/* It outlives a restart. */
	stop_engine();
	start();
	until(is_held, NULL, "a hold after the restart");
	fake_cap(fake_find("o1"), 10, 10, in_s(600));
	assert_int_equal(
	    blasts_hold(outlet(), clock_wall_ms(), &until_ms, &reason), BLAST_HOLD_NONE);
	assert_false(outlet_may_start_chats(outlet()));
}

static void
test_too_fast(void **state)
{
	(void)state;
	fake.policy = answer_rejected;
	reject_code = 429;
	add_blast("b1", 3, "RUNNING", "{\"perMinute\": 60, \"jitter\": 0}");
	until_sql(env.w,
	    "SELECT count(*) FROM messages WHERE status = 'QUEUED' AND reason = 'rate_limited' AND "
	    "not_before > now() + interval '50 minutes'",
	    "1");
	assert_int_equal(fake.n_sends, 1);
}

static bool
three_sent(void *arg)
{
	(void)arg;
	return fake.n_sends >= 3;
}

static void
test_rate(void **state)
{
	const int64_t begun = clock_monotonic_ms();

	(void)state;
	add_blast("b1", 5, "RUNNING", "{\"perMinute\": 120, \"jitter\": 0}");
	until(three_sent, NULL, "three sends");
	assert_true(clock_monotonic_ms() - begun >= 950);
	assert_int_equal(fake.n_sends, 3);
}

static void
test_closed_window_lets_others_pass(void **state)
{
	(void)state;
	/* A daily cap that is used up stands for any closing. */
	add_blast("b1", 5, "RUNNING", "{\"dailyCap\": 1}");
	until_sql(env.w, "SELECT sent FROM blasts WHERE id = 'b1'", "1");
	add_blast("b2", 5, "RUNNING", "{\"dailyCap\": 0}");
	until_sql(env.w, "SELECT status FROM blasts WHERE id = 'b2'", "COMPLETED");
	assert_string_equal(world_sql(env.w, "SELECT sent FROM blasts WHERE id = 'b1'"), "1");
}

static void
test_paused_and_cancelled(void **state)
{
	(void)state;
	add_blast("b1", 5, "PAUSED", "{}");
	add_blast("b2", 2, "RUNNING", "{}");
	until_sql(env.w, "SELECT status FROM blasts WHERE id = 'b2'", "COMPLETED");
	assert_int_equal(fake.n_sends, 2);
	(void)world_sql(env.w, "UPDATE blasts SET status = 'RUNNING' WHERE id = 'b1'");
	blasts_kick(env.blasts, NULL);
	until_sql(env.w, "SELECT status FROM blasts WHERE id = 'b1'", "COMPLETED");
}

static void
test_sweep(void **state)
{
	(void)state;
	add_blast("due", 1, "SCHEDULED", "{}");
	add_blast("missed", 1, "SCHEDULED", "{}");
	add_blast("gone", 1, "PAUSED", "{}");
	(void)world_sql(
	    env.w, "UPDATE blasts SET schedule_at = now() - interval '1 minute' WHERE id = 'due'");
	(void)world_sql(env.w,
	    "UPDATE blasts SET schedule_at = now() - interval '2 hours' WHERE id = 'missed'");
	(void)world_sql(
	    env.w, "UPDATE blasts SET expires_at = now() - interval '1 second' WHERE id = 'gone'");
	until_sql(env.w,
	    "SELECT string_agg(id || ':' || status || coalesce(':' || pause_reason, ''), ' ' ORDER "
	    "BY id) FROM blasts",
	    "due:COMPLETED gone:EXPIRED missed:PAUSED:schedule_missed");
	assert_string_equal(
	    world_sql(env.w, "SELECT status FROM messages WHERE blast_id = 'gone'"), "CANCELLED");
	assert_int_equal(fake.n_sends, 1);
}

static void
test_given_up(void **state)
{
	(void)state;
	add_blast("b1", 2, "PAUSED", "{}");
	(void)world_sql(env.w, "UPDATE messages SET status = 'SENDING', wa_id = 'W' || id, "
			       "attempts = CASE phone WHEN '6281000001' THEN 8 ELSE 1 END");
	blasts_kick(env.blasts, NULL);
	/* What was in flight is settled even though its blast is paused. */
	until_sql(env.w,
	    "SELECT string_agg(status || coalesce(':' || reason, ''), ' ' ORDER BY id) FROM "
	    "messages",
	    "FAILED:outlet_lost SENT");
	assert_int_equal(fake.n_sends, 1);
	assert_int_equal(fake.sends[0].id[0], 'W');
}

static bool
is_idle(void *arg)
{
	(void)arg;
	return blasts_idle(env.blasts);
}

static void
test_stop(void **state)
{
	(void)state;
	add_blast("b1", 300, "RUNNING", "{}");
	until_sql(env.w, "SELECT (sent > 0)::text FROM blasts", "true");
	blasts_stop(env.blasts);
	until(is_idle, NULL, "idle");
	assert_string_equal(
	    world_sql(env.w, "SELECT count(*) FROM messages WHERE status = 'SENDING'"), "0");
	assert_true(fake.n_sends < 300);
}

static void
test_outlet_removed_in_flight(void **state)
{
	(void)state;
	fake.policy = answer_some;
	answers_left = 0;
	add_blast("b1", 10, "RUNNING", "{}");
	until(answers_used_up, NULL, "sends without answers");
	assert_int_equal(world_commit(env.w), 0);
	(void)world_sql(env.w, "DELETE FROM outlets");
	outlets_removed(env.os, "o1");
	assert_int_equal(outlets_count(env.os), 0);
	assert_true(blasts_idle(env.blasts));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fresh, stop)
	const struct CMUnitTest tests[] = {
	    TEST(test_all_once),
	    TEST(test_events),
	    TEST(test_link_breaks),
	    TEST(test_crash),
	    TEST(test_files_are_uploaded_once),
	    TEST(test_a_part_fails),
	    TEST(test_a_file_is_refused),
	    TEST(test_a_crash_between_parts),
	    TEST(test_failures),
	    TEST(test_refusals_hold_the_blasts),
	    TEST(test_lock_holds_first_contacts),
	    TEST(test_lock_ends_by_itself),
	    TEST(test_lock_in_between),
	    TEST(test_refused_on_the_way),
	    TEST(test_refused_when_known),
	    TEST(test_quota),
	    TEST(test_capped),
	    TEST(test_too_fast),
	    TEST(test_rate),
	    TEST(test_closed_window_lets_others_pass),
	    TEST(test_paused_and_cancelled),
	    TEST(test_sweep),
	    TEST(test_given_up),
	    TEST(test_stop),
	    TEST(test_outlet_removed_in_flight),
	};

	return cmocka_run_group_tests_name("blast", tests, world_setup_store, world_teardown);
}
