/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The group commit: what it writes, in which order, that it is all or nothing, fenced, sent again,
 * and one outlet's alone. */
#include "tests/unit/store/store_world.h"

#include "waconnd/store/db_internal.h"

static int
fresh(void **state)
{
	struct world *w = *state;

	(void)world_sql(w, "TRUNCATE outlets, blasts CASCADE");
	(void)world_sql(w, "ALTER SEQUENCE messages_id_seq RESTART");
	(void)world_sql(w, "INSERT INTO outlets (id, name, whatsapp_number) VALUES ('o1', 'One', "
			   "'628111'), ('o2', 'Two', '628222')");
	(void)world_sql(w, "INSERT INTO blasts (id, name, status, text, outlets, created_by) "
			   "VALUES ('b1', 'B', 'RUNNING', 't', '{o1}', 'me')");
	(void)world_sql(w,
	    "INSERT INTO messages (outlet_id, blast_id, outgoing, phone, status) "
	    "SELECT 'o1', 'b1', true, '6281' || n, 'QUEUED' FROM generate_series(1, 4) n");
	assert_int_equal(world_commit(w), 0);
	return 0;
}

/* "total queued sending sent delivered read failed skipped cancelled status" */
static const char *
counters(struct world *w)
{
	return world_sql(w, "SELECT concat_ws(' ', total, queued, sending, sent, delivered, read, "
			    "failed, skipped, cancelled, status) "
			    "FROM blasts WHERE id = 'b1'");
}

/* What is counted is what is there. */
static void
assert_counted(struct world *w, const char *expected)
{
	assert_string_equal(counters(w), expected);
	assert_string_equal(
	    world_sql(w, "SELECT count(*) FROM blasts b WHERE (total, queued, sending, sent, "
			 "delivered, read, failed, skipped, cancelled) <> "
			 "(SELECT count(*), count(*) FILTER (WHERE status = 'QUEUED'), count(*) "
			 "FILTER (WHERE status = 'SENDING'), "
			 "count(*) FILTER (WHERE status = 'SENT'), count(*) FILTER (WHERE status = "
			 "'DELIVERED'), "
			 "count(*) FILTER (WHERE status = 'READ'), count(*) FILTER (WHERE status = "
			 "'FAILED'), "
			 "count(*) FILTER (WHERE status = 'SKIPPED'), count(*) FILTER (WHERE "
			 "status = 'CANCELLED') "
			 "FROM messages m WHERE m.blast_id = b.id)"),
	    "0");
}

static void
test_keys(void **state)
{
	struct world *w = *state;
	struct batch *b = w->store.batch;

	batch_key_put(b, "o1", KEY_SESSION, "a.0", "one", 3);
	batch_key_put(b, "o1", KEY_SESSION, "a.0", "two", 3);
	batch_key_put(b, "o1", KEY_SESSION, "b.0", "bee", 3);
	batch_key_put(b, "o2", KEY_SESSION, "a.0", "other", 5);
	assert_int_equal(world_commit(w), 0);
	assert_string_equal(
	    world_sql(w, "SELECT string_agg(outlet_id || '/' || kind || '/' || name, ' ' ORDER BY "
			 "1) FROM (SELECT * FROM keys ORDER BY outlet_id, name) k"),
	    "o1/2/a.0 o1/2/b.0 o2/2/a.0");
	assert_string_equal(
	    world_sql(w, "SELECT count(*) FROM keys WHERE value::text LIKE '%6f6e65%' OR "
			 "position('two' IN encode(value, 'escape')) > 0"),
	    "0");
	/* put, deleted, put again; and deleted after a put */
	batch_key_put(b, "o1", KEY_SESSION, "c.0", "x", 1);
	batch_key_del(b, "o1", KEY_SESSION, "c.0");
	batch_key_del(b, "o1", KEY_SESSION, "a.0");
	batch_key_put(b, "o1", KEY_SESSION, "a.0", "", 0);
	batch_key_del(b, "o1", KEY_SESSION, "b.0");
	assert_int_equal(world_commit(w), 0);
	assert_string_equal(
	    world_sql(w, "SELECT string_agg(name, ' ') FROM keys WHERE outlet_id = 'o1'"), "a.0");
	/* a wipe takes what was before it, not what comes after */
	batch_key_put(b, "o1", KEY_LID, "gone", "x", 1);
	batch_key_wipe(b, "o1");
	batch_key_put(b, "o1", KEY_CREDENTIALS, "", "x", 1);
	assert_int_equal(world_commit(w), 0);
	assert_string_equal(
	    world_sql(w, "SELECT string_agg(outlet_id || kind, ' ' ORDER BY outlet_id) FROM keys"),
	    "o11 o22");
}

static void
test_messages(void **state)
{
	struct world *w = *state;
	struct batch *b = w->store.batch;

	assert_counted(w, "4 4 0 0 0 0 0 0 0 RUNNING");
	batch_message_sending(b, 1, "W1", "Halo \xff!");
	batch_message_sending(b, 2, "W2", "Halo 2");
	batch_message_sending(b, 3, "W3", "Halo 3");
	assert_int_equal(world_commit(w), 0);
	assert_counted(w, "4 1 3 0 0 0 0 0 0 RUNNING");
	assert_string_equal(world_sql(w, "SELECT concat_ws(' ', wa_id, text, attempts, sending_at "
					 "IS NOT NULL) FROM messages WHERE id = 1"),
	    "W1 Halo \xef\xbf\xbd! 1 t");

	/* it waits by the database's clock, whatever ours says */
	batch_message_requeue(b, 2, "retry", 60000);
	assert_int_equal(world_commit(w), 0);
	assert_string_equal(
	    world_sql(w, "SELECT not_before > now() + interval '30 seconds' AND not_before <= "
			 "now() + interval '1 minute' FROM messages WHERE id = 2"),
	    "t");
	batch_message_sending(b, 2, "W2", NULL);

	/* several moves of one message in one go: in order, whatever the grouping */
	batch_message_requeue(b, 3, "retry", 60000);
	batch_message_sending(b, 3, "OTHER", NULL);
	batch_message_sent(b, 3, 1700000001000);
	batch_message_sent(b, 1, 1700000002000);
	batch_message_receipt(b, "o1", "W1", false, 1700000003000);
	batch_message_receipt(b, "o1", "W1", false, 1700000004000);
	batch_message_receipt(b, "o1", "W2", true, 1700000005000); /* before its ack */
	assert_int_equal(world_commit(w), 0);
	assert_counted(w, "4 1 0 1 1 1 0 0 0 RUNNING");
	assert_string_equal(world_sql(w, "SELECT concat_ws(' ', wa_id, attempts, text, "
					 "to_ms(sent_at)) FROM messages WHERE id = 3"),
	    "W3 2 Halo 3 1700000001000");
	assert_string_equal(world_sql(w, "SELECT concat_ws(' ', status, to_ms(sent_at), "
					 "to_ms(delivered_at)) FROM messages WHERE id = 1"),
	    "DELIVERED 1700000002000 1700000003000");

	/* forward only: late acks, receipts and failures change nothing */
	batch_message_sent(b, 1, 1);
	batch_message_failed(b, 2, "late");
	batch_message_receipt(b, "o1", "W2", false, 5);
	batch_message_receipt(b, "o2", "W3", true, 5); /* another outlet's */
	batch_message_receipt(b, "o1", "unknown", true, 5);
	batch_message_requeue(b, 3, "late", 0);
	assert_int_equal(world_commit(w), 0);
	assert_counted(w, "4 1 0 1 1 1 0 0 0 RUNNING");

	/* the last one leaves the queue: the blast is complete, and receipts still count */
	batch_message_failed(b, 4, "not_on_whatsapp");
	assert_int_equal(world_commit(w), 0);
	assert_counted(w, "4 0 0 1 1 1 1 0 0 COMPLETED");
	assert_string_equal(world_sql(w, "SELECT finished_at IS NOT NULL FROM blasts"), "t");
	assert_string_equal(
	    world_sql(w, "SELECT reason FROM messages WHERE id = 4"), "not_on_whatsapp");
	batch_message_receipt(b, "o1", "W3", false, 1700000006000);
	assert_int_equal(world_commit(w), 0);
	assert_counted(w, "4 0 0 0 2 1 1 0 0 COMPLETED");
}

static void
test_cancel(void **state)
{
	struct world *w = *state;

	batch_message_sending(w->store.batch, 1, "W1", "x");
	assert_int_equal(world_commit(w), 0);
	(void)world_sql(w, "UPDATE blasts SET status = 'CANCELLED' WHERE id = 'b1'");
	(void)world_sql(w,
	    "UPDATE messages SET status = 'CANCELLED' WHERE blast_id = 'b1' AND status = 'QUEUED'");
	batch_message_sending(w->store.batch, 2, "W2", "x");
	batch_message_sent(w->store.batch, 1, 1700000000000);
	assert_int_equal(world_commit(w), 0);
	/* The second was in hand when the blast was cancelled: it leaves, and its row says so. */
	assert_counted(w, "4 0 1 1 0 0 0 0 2 CANCELLED");
}

static void
test_inbound(void **state)
{
	struct world *w = *state;
	struct batch *b = w->store.batch;
	const int64_t at = 1700000000000;
	const struct batch_inbound rows[] = {
	    {"o1", "99@lid", "62899", "I1", "text", "hai", NULL, NULL, 0, false, at},
	    {"o1", "99@lid", NULL, "I2", "image", NULL, "{\"media\": {\"size\": 3}}", "\1\2", 2,
		false, at},
	    {"o1", "99@lid", "62899", "I3", "text", "mine", NULL, NULL, 0, true, at},
	    {"o1", "98@lid", "62898", "I1", "text", "another peer", NULL, NULL, 0, false, at},
	};

	for (int i = 0; i < 2; i++) {
		for (size_t k = 0; k < 3; k++)
			batch_message_inbound(b, &rows[k]);
		assert_int_equal(world_commit(w), 0);
	}
	batch_message_inbound(b, &rows[3]);
	assert_int_equal(world_commit(w), 0);
	assert_string_equal(
	    world_sql(w,
		"SELECT string_agg(concat_ws(',', wa_id, peer, status, outgoing, coalesce(text, "
		"'-')), ' ' ORDER BY id) FROM messages WHERE blast_id IS NULL"),
	    "I1,99@lid,RECEIVED,f,hai I2,99@lid,RECEIVED,f,- I3,99@lid,SENT,t,mine "
	    "I1,98@lid,RECEIVED,f,another peer");
	assert_string_equal(
	    world_sql(w, "SELECT concat_ws(' ', content->'media'->'size', encode(sealed_media, "
			 "'hex'), (SELECT count(*) FROM messages WHERE sealed_media IS NOT NULL)) "
			 "FROM messages WHERE wa_id = 'I2'"),
	    "3 0102 1");
}

/* What had nothing to show is written anew, under its own id; nothing else is. */
static void
test_resent(void **state)
{
	struct world *w = *state;
	struct batch *b = w->store.batch;
	const int64_t at = 1700000000000;
	const struct batch_inbound first[] = {
	    {"o1", "99@lid", "62899", "I1", "unavailable", NULL, NULL, NULL, 0, false, at, false},
	    {"o1", "98@lid", "62898", "I1", "unavailable", NULL, NULL, NULL, 0, false, at, false},
	    {"o1", "99@lid", "62899", "I2", "text", "hai", NULL, NULL, 0, false, at, false},
	};
	const struct batch_inbound resent[] = {
	    {"o1", "99@lid", NULL, "I1", "image", "see", "{}", "\1\2", 2, false, at + 1, true},
	    {"o1", "99@lid", NULL, "I2", "text", "another", NULL, NULL, 0, false, at, true},
	    {"o1", "99@lid", "62899", "I3", "text", "new", NULL, NULL, 0, false, at, true},
	    {"o1", "99@lid", "62899", "I4", "text", "mine", NULL, NULL, 0, true, at, true},
	};

	for (size_t k = 0; k < 3; k++)
		batch_message_inbound(b, &first[k]);
	assert_int_equal(world_commit(w), 0);
	(void)world_sql(w, "CREATE TEMP TABLE was AS SELECT id, wa_id, peer FROM messages");
	for (int i = 0; i < 2; i++) {
		for (size_t k = 0; k < 4; k++)
			batch_message_inbound(b, &resent[k]);
		assert_int_equal(world_commit(w), 0);
	}
	assert_string_equal(
	    world_sql(w,
		"SELECT string_agg(concat_ws(',', wa_id, peer, phone, kind, coalesce(text, '-'), "
		"length(sealed_media)), ' ' ORDER BY id) FROM messages WHERE blast_id IS NULL"),
	    "I1,99@lid,62899,image,see,2 I1,98@lid,62898,unavailable,- I2,99@lid,62899,text,hai "
	    "I3,99@lid,62899,text,new I4,99@lid,62899,text,mine");
	assert_string_equal(
	    world_sql(w, "SELECT count(*) FROM was JOIN messages USING (id, wa_id, peer)"), "3");
}

static void
test_sessions(void **state)
{
	struct world *w = *state;
	struct batch_session s = {.outlet = "o1",
	    .status = "CONNECTING",
	    .from_status = "DISCONNECTED",
	    .reason = "asked"};

	batch_session_put(w->store.batch, &s);
	s.status = "CONNECTED";
	s.from_status = "CONNECTING";
	s.reason = "logged in";
	s.session_name = "iPhone";
	s.connected_at_ms = 1700000000123;
	s.retry_count = 7;
	s.last_error = "{\"code\":\"x\"}";
	batch_session_put(w->store.batch, &s);
	s.from_status = NULL;
	s.last_seen_ms = 1700000001000;
	batch_session_put(w->store.batch, &s);
	assert_int_equal(world_commit(w), 0);
	assert_string_equal(
	    world_sql(w, "SELECT concat_ws(' ', status, session_name, to_ms(connected_at), "
			 "to_ms(last_seen), next_retry_at IS NULL, retry_count, "
			 "last_error->>'code') FROM outlet_sessions WHERE outlet_id = 'o1'"),
	    "CONNECTED iPhone 1700000000123 1700000001000 t 7 x");
	assert_string_equal(world_sql(w, "SELECT string_agg(from_status || '>' || to_status || ':' "
					 "|| reason, ' ' ORDER BY id) FROM outlet_events"),
	    "DISCONNECTED>CONNECTING:asked CONNECTING>CONNECTED:logged in");
}

/* More rows than one transaction takes; callbacks in the order of the commits; nothing called back
 * before it is on disk. */
struct ordered {
	struct world *w;
	int *sequence;
	int at;
	long rows;
};

static void
on_ordered(void *arg, int err)
{
	struct ordered *o = arg;

	assert_int_equal(err, 0);
	o->at = ++*o->sequence;
	assert_true(strtol(world_sql(o->w, "SELECT count(*) FROM keys"), NULL, 10) >= o->rows);
}

static void
test_order(void **state)
{
	struct world *w = *state;
	int sequence = 0;
	struct ordered first = {w, &sequence, 0, 700}, second = {w, &sequence, 0, 1500};
	char name[16];

	for (int i = 0; i < 1500; i++) {
		(void)snprintf(name, sizeof(name), "%08d", i);
		batch_key_put(w->store.batch, "o1", KEY_PREKEY, name, "value", 5);
		if (i == 699)
			batch_commit_outlet(w->store.batch, "o1", on_ordered, &first);
	}
	batch_commit_outlet(w->store.batch, "o1", on_ordered, &second);
	assert_int_equal(world_commit(w), 0);
	assert_int_equal(first.at, 1);
	assert_int_equal(second.at, 2);
}

/* Rows without a commit go by themselves. */
static void
test_gather(void **state)
{
	struct world *w = *state;
	int64_t until = clock_monotonic_ms() + WAIT_MS;

	batch_message_receipt(w->store.batch, "o1", "none", true, 1);
	batch_key_put(w->store.batch, "o1", KEY_LID, "1", "2", 1);
	while (strcmp(world_sql(w, "SELECT count(*) FROM keys"), "1") != 0 &&
	       clock_monotonic_ms() < until)
		event_base_loop(w->base, EVLOOP_ONCE);
	assert_string_equal(world_sql(w, "SELECT count(*) FROM keys"), "1");
}

static void
never(void *arg, int err)
{
	(void)arg;
	(void)err;
	fail_msg("a forgotten commit called back");
}

static void
test_forget(void **state)
{
	struct world *w = *state;
	int mine;

	batch_key_put(w->store.batch, "o1", KEY_LID, "1", "2", 1);
	batch_commit(w->store.batch, never, &mine);
	batch_forget(w->store.batch, &mine);
	assert_int_equal(world_commit(w), 0);
	assert_string_equal(world_sql(w, "SELECT count(*) FROM keys"), "1");
}

/* The connection breaks while the transaction waits for a lock of ours: it is sent again as a
 * whole, and takes effect once. */
static void
test_resend(void **state)
{
	struct world *w = *state;
	struct world_committed c = {0};

	(void)world_sql(w, "BEGIN");
	(void)world_sql(w, "SELECT 1 FROM messages WHERE id = 1 FOR UPDATE");
	batch_key_put(w->store.batch, "o1", KEY_LID, "1", "2", 1);
	batch_message_sending(w->store.batch, 1, "W1", "x");
	batch_commit(w->store.batch, world_on_committed, &c);
	do {
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		(void)world_sql(w, "SELECT pg_stat_clear_snapshot()");
	} while (strcmp(world_sql(w, "SELECT count(*) FROM pg_stat_activity WHERE datname = "
				     "current_database() AND wait_event_type = 'Lock'"),
		     "1") != 0);
	assert_true(world_cut(w) >= 1);
	(void)world_sql(w, "COMMIT");
	world_until(w, &c.done);
	assert_int_equal(c.err, 0);
	assert_counted(w, "4 3 1 0 0 0 0 0 0 RUNNING");
	assert_string_equal(world_sql(w, "SELECT attempts FROM messages WHERE id = 1"), "1");
	assert_string_equal(world_sql(w, "SELECT count(*) FROM keys"), "1");
}

/* What is committed twice (the answer was lost) is as committed once. */
static void
test_idempotent(void **state)
{
	struct world *w = *state;
	struct batch_session s = {
	    .outlet = "o1", .status = "CONNECTED", .from_status = "CONNECTING", .reason = "r"};

	for (int i = 0; i < 2; i++) {
		batch_key_put(w->store.batch, "o1", KEY_LID, "1", "2", 1);
		batch_message_sending(w->store.batch, 1, "W1", "x");
		batch_message_failed(w->store.batch, 2, "r");
		batch_session_put(w->store.batch, &s);
		assert_int_equal(world_commit(w), 0);
	}
	assert_counted(w, "4 2 1 0 0 0 1 0 0 RUNNING");
	assert_string_equal(world_sql(w, "SELECT wa_id FROM messages WHERE id = 1"), "W1");
}

/* A row that SQL refuses fails its own outlet, and only that; what was in the same transaction
 * otherwise is kept. */
static void
test_poison(void **state)
{
	struct world *w = *state;
	struct world_committed gone = {0}, good = {0};

	batch_key_put(w->store.batch, "deleted", KEY_LID, "1", "2", 1);
	batch_key_put(w->store.batch, "o2", KEY_LID, "1", "2", 1);
	batch_message_sending(w->store.batch, 1, "W1", "x");
	batch_commit_outlet(w->store.batch, "deleted", world_on_committed, &gone);
	batch_commit_outlet(w->store.batch, "o2", world_on_committed, &good);
	world_until(w, &gone.done);
	world_until(w, &good.done);
	assert_true(gone.err < 0);
	assert_int_equal(good.err, 0);
	assert_string_equal(world_sql(w, "SELECT string_agg(outlet_id, ' ') FROM keys"), "o2");
	assert_counted(w, "4 3 1 0 0 0 0 0 0 RUNNING");
	assert_int_equal(world_commit(w), 0);
}

/* What the server refuses for now is asked again at intervals, however much is added meanwhile; and
 * is written when it may be. */
static void
test_refused_for_now(void **state)
{
	struct world *w = *state;
	struct world_committed first = {0}, second = {0};
	const int64_t begin = clock_monotonic_ms();
	int64_t tries;

	(void)world_sql(w,
	    "CREATE SEQUENCE tries; CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql "
	    "AS $$ BEGIN PERFORM nextval('tries'); RAISE EXCEPTION 'no space' USING ERRCODE = "
	    "'53100'; END $$; CREATE TRIGGER full_disk BEFORE INSERT ON keys FOR EACH STATEMENT "
	    "EXECUTE FUNCTION full_disk()");
	batch_key_put(w->store.batch, "o1", KEY_LID, "1", "2", 1);
	batch_commit(w->store.batch, world_on_committed, &first);
	do {
		batch_key_put(w->store.batch, "o2", KEY_LID, "1", "2", 1);
		batch_commit(w->store.batch, world_on_committed, &second);
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		tries = strtoll(world_sql(w, "SELECT last_value FROM tries"), NULL, 10);
	} while (clock_monotonic_ms() < begin + 1000 || tries < 2);
	assert_true(tries <= 1 + (clock_monotonic_ms() - begin) / 200);
	assert_false(first.done);
	(void)world_sql(w,
	    "DROP TRIGGER full_disk ON keys; DROP FUNCTION full_disk(); DROP SEQUENCE "
	    "tries");
	world_until(w, &first.done);
	assert_int_equal(first.err, 0);
	assert_int_equal(world_commit(w), 0);
	assert_string_equal(world_sql(w, "SELECT string_agg(outlet_id, ' ') FROM keys"), "o1 o2");
}

/* Moves of messages belong to no outlet: where SQL refuses them (here two get one stanza id),
 * nobody may send, though the keys are on disk. */
static void
test_poisoned_moves(void **state)
{
	struct world *w = *state;
	struct world_committed o1 = {0}, o2 = {0};

	batch_key_put(w->store.batch, "o1", KEY_LID, "1", "2", 1);
	batch_key_put(w->store.batch, "o2", KEY_LID, "1", "2", 1);
	batch_message_sending(w->store.batch, 1, "SAME", "x");
	batch_message_sending(w->store.batch, 2, "SAME", "x");
	batch_commit_outlet(w->store.batch, "o1", world_on_committed, &o1);
	batch_commit_outlet(w->store.batch, "o2", world_on_committed, &o2);
	world_until(w, &o1.done);
	world_until(w, &o2.done);
	assert_true(o1.err < 0);
	assert_true(o2.err < 0);
	assert_string_equal(
	    world_sql(w, "SELECT count(*) FROM messages WHERE status = 'SENDING'"), "0");
	assert_int_equal(world_commit(w), 0);
}

/* All or nothing for one outlet: its session cannot be written, so its key is not either. */
static void
test_atomic(void **state)
{
	struct world *w = *state;
	struct batch_session s = {.outlet = "o1", .status = "NONSENSE"};

	batch_key_put(w->store.batch, "o1", KEY_LID, "1", "2", 1);
	batch_session_put(w->store.batch, &s);
	assert_true(world_commit(w) < 0);
	assert_string_equal(world_sql(w, "SELECT count(*) FROM keys"), "0");
}

static void
test_full(void **state)
{
	struct world *w = *state;
	char *big = calloc(1, 1 << 20);
	char name[16];

	assert_non_null(big);
	for (int i = 0; i < 32; i++) {
		assert_false(batch_full(w->store.batch));
		(void)snprintf(name, sizeof(name), "%d", i);
		batch_key_put(w->store.batch, "o1", KEY_PEER, name, big, 1 << 20);
	}
	assert_true(batch_full(w->store.batch));
	assert_int_equal(world_commit(w), 0);
	assert_false(batch_full(w->store.batch));
	free(big);
}

/* An outlet that belongs to another daemon, and what is written for the others meanwhile. */
static void
test_fenced_outlet(void **state)
{
	struct world *w = *state;
	struct world_committed one = {0}, two = {0};

	(void)world_sql(w, "UPDATE outlets SET owner = 'other' WHERE id = 'o1'");
	batch_key_put(w->store.batch, "o1", KEY_LID, "1", "2", 1);
	batch_key_put(w->store.batch, "o2", KEY_LID, "1", "2", 1);
	batch_commit_outlet(w->store.batch, "o1", world_on_committed, &one);
	batch_commit_outlet(w->store.batch, "o2", world_on_committed, &two);
	(void)world_commit(w);
	assert_true(one.done && one.err < 0);
	assert_true(two.done && two.err == 0);
	assert_string_equal(
	    world_sql(w, "SELECT string_agg(outlet_id, ' ' ORDER BY outlet_id) FROM keys"), "o2");
	(void)world_sql(w, "UPDATE outlets SET owner = 'test' WHERE id = 'o1'");
}

/* What was added under an epoch that is over is refused, on its way or not; the new epoch begins
 * with what follows. */
static void
test_rejoin(void **state)
{
	struct world *w = *state;
	struct world_committed flying = {0}, waiting = {0};

	batch_key_put(w->store.batch, "o1", KEY_LID, "1", "2", 1);
	batch_commit(w->store.batch, world_on_committed, &flying);
	(void)world_sql(w, "UPDATE instances SET epoch = epoch + 1");
	(void)event_base_loop(w->base, EVLOOP_ONCE);
	batch_key_put(w->store.batch, "o1", KEY_LID, "2", "2", 1);
	batch_commit(w->store.batch, world_on_committed, &waiting);
	batch_rejoin(w->store.batch, w->store.epoch + 1);
	(void)world_sql(w, "UPDATE outlets SET owner_epoch = owner_epoch + 1");
	batch_key_put(w->store.batch, "o1", KEY_LID, "3", "2", 1);
	assert_int_equal(world_commit(w), 0);
	assert_true(flying.done && flying.err < 0);
	assert_true(waiting.done && waiting.err < 0);
	assert_string_equal(
	    world_sql(w, "SELECT string_agg(name, ' ' ORDER BY name) FROM keys"), "3");
	(void)world_sql(w, "UPDATE instances SET epoch = epoch - 1");
	(void)world_sql(w, "UPDATE outlets SET owner_epoch = owner_epoch - 1");
	batch_rejoin(w->store.batch, w->store.epoch);
}

/* Another start of ours has the outlets: nothing is written any more, and everybody is told. Last
 * test: it is for good. */
static void
test_fence(void **state)
{
	struct world *w = *state;
	struct world_committed c = {0};

	(void)world_sql(w, "UPDATE instances SET epoch = epoch + 1");
	batch_key_put(w->store.batch, "o1", KEY_LID, "1", "2", 1);
	batch_message_sending(w->store.batch, 1, "W1", "x");
	batch_commit_outlet(w->store.batch, "o2", world_on_committed, &c);
	assert_true(world_commit(w) < 0);
	assert_true(c.done);
	assert_true(c.err < 0);
	assert_string_equal(world_sql(w, "SELECT count(*) FROM keys"), "0");
	assert_counted(w, "4 4 0 0 0 0 0 0 0 RUNNING");
	batch_key_put(w->store.batch, "o1", KEY_LID, "1", "2", 1);
	assert_true(world_commit(w) < 0);
	assert_string_equal(world_sql(w, "SELECT count(*) FROM keys"), "0");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_keys, fresh),
	    cmocka_unit_test_setup(test_messages, fresh),
	    cmocka_unit_test_setup(test_cancel, fresh),
	    cmocka_unit_test_setup(test_inbound, fresh),
	    cmocka_unit_test_setup(test_resent, fresh),
	    cmocka_unit_test_setup(test_sessions, fresh),
	    cmocka_unit_test_setup(test_order, fresh),
	    cmocka_unit_test_setup(test_gather, fresh),
	    cmocka_unit_test_setup(test_forget, fresh),
	    cmocka_unit_test_setup(test_resend, fresh),
	    cmocka_unit_test_setup(test_idempotent, fresh),
	    cmocka_unit_test_setup(test_poison, fresh),
	    cmocka_unit_test_setup(test_refused_for_now, fresh),
	    cmocka_unit_test_setup(test_poisoned_moves, fresh),
	    cmocka_unit_test_setup(test_atomic, fresh),
	    cmocka_unit_test_setup(test_full, fresh),
	    cmocka_unit_test_setup(test_fenced_outlet, fresh),
	    cmocka_unit_test_setup(test_rejoin, fresh),
	    cmocka_unit_test_setup(test_fence, fresh),
	};

	return cmocka_run_group_tests(tests, world_setup_store, world_teardown);
}
