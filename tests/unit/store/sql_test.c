/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the statements answer: JSON shapes and pages, the queue's order, and the states that a blast
 * may go through. */
#include "tests/unit/store/store_world.h"

#include <jansson.h>

#include "waconnd/store/array.h"

struct asked {
	bool done;
	enum db_error error;
	int rows;
	char first[16384]; /* columns joined by '|', rows by ' ' */
	char second[64];
};

static void
on_answer(void *arg, enum db_error error, const PGresult *result)
{
	struct asked *a = arg;
	size_t at = 0;

	a->done = true;
	a->error = error;
	if (error != DB_OK)
		return;
	a->rows = PQntuples(result);
	for (int row = 0; row < a->rows; row++)
		at += (size_t)snprintf(a->first + at, sizeof(a->first) - at, "%s%s",
		    row > 0 ? " " : "", PQgetvalue(result, row, 0));
	if (a->rows > 0 && PQnfields(result) > 1)
		(void)snprintf(a->second, sizeof(a->second), "%s", PQgetvalue(result, 0, 1));
}

static struct asked answer;

/* The first column of all rows. Parameters: as many strings as the statement takes. */
static const char *
ask(struct world *w, enum sql_id statement, const char *const *values, size_t n)
{
	struct db_param params[16];

	for (size_t i = 0; i < n; i++)
		params[i] = DB_TEXT(values[i]);
	memset(&answer, 0, sizeof(answer));
	(void)db_query(w->store.db, statement, params, n, on_answer, &answer);
	world_until(w, &answer.done);
	return answer.error == DB_OK ? answer.first : db_error_text(answer.error);
}

#define ASK(w, statement, ...)                                \
	ask(w, statement, (const char *const[]){__VA_ARGS__}, \
	    sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

static int
fresh(void **state)
{
	struct world *w = *state;

	(void)world_sql(w, "TRUNCATE outlets, blasts, users, opt_outs, idempotency_keys CASCADE");
	(void)world_sql(w, "ALTER SEQUENCE messages_id_seq RESTART");
	(void)world_sql(w, "INSERT INTO outlets (id, name, whatsapp_number, created_at) VALUES "
			   "('o1', 'Beta', '628111', '2025-10-25 10:30:00.9+00'), ('o2', 'Alpha', "
			   "'628222', now()), ('o3', 'Alpha', '628333', now())");
	(void)world_sql(w,
	    "INSERT INTO blasts (id, name, status, text, outlets, created_by, created_at) VALUES "
	    "('b1', 'Promo', 'RUNNING', 'Halo', '{o1}', 'me', now() - interval '1 hour'), "
	    "('b2', 'Other', 'PAUSED', 'Hai', '{o1,o2}', 'me', now())");
	(void)world_sql(w,
	    "INSERT INTO messages (outlet_id, blast_id, outgoing, phone, status) "
	    "SELECT 'o1', 'b1', true, '62810' || n, 'QUEUED' FROM generate_series(1, 5) n");
	(void)world_sql(w,
	    "INSERT INTO messages (outlet_id, blast_id, outgoing, phone, status) VALUES "
	    "('o1', 'b2', true, '6282', 'QUEUED'), ('o2', 'b2', true, '6283', 'SENDING')");
	return 0;
}

static json_t *
parsed(const char *text)
{
	json_error_t err;
	json_t *j = json_loads(text, 0, &err);

	if (j == NULL)
		fail_msg("%s: %s", err.text, text);
	return j;
}

/* The keys of an object, in order, joined. */
static void
assert_keys(json_t *object, const char *expected)
{
	char keys[512] = "";
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value)
	{
		(void)snprintf(keys + strlen(keys), sizeof(keys) - strlen(keys), "%s%s",
		    keys[0] != '\0' ? " " : "", key);
	}
	assert_string_equal(keys, expected);
}

static void
test_shapes(void **state)
{
	struct world *w = *state;
	json_t *j = parsed(ASK(w, SQL_OUTLET_GET, "o1", "75"));

	assert_keys(
	    j, "id name whatsappNumber isActive autoReconnect pace createdAt dailyCapToday");
	assert_string_equal(
	    json_string_value(json_object_get(j, "createdAt")), "2025-10-25T10:30:00Z");
	json_decref(j);
	j = parsed(ASK(w, SQL_BLAST_GET, "b1", NULL));
	assert_keys(j,
	    "id name status message outlets pace counts replies ratePerMinute etaSeconds "
	    "createdBy createdAt scheduleAt "
	    "expiresAt startedAt finishedAt pauseReason pausedOutlets restrictions");
	assert_keys(json_object_get(j, "counts"),
	    "total queued sending sent delivered read failed skipped cancelled");
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(j, "counts"), "queued")), 5);
	assert_true(json_is_null(json_object_get(j, "etaSeconds")));
	json_decref(j);
	(void)world_sql(
	    w, "UPDATE messages SET status = 'SENT', sent_at = now() WHERE id IN (1, 2)");
	j = parsed(ASK(w, SQL_BLAST_GET, "b1", NULL));
	assert_int_equal(json_integer_value(json_object_get(j, "ratePerMinute")), 2);
	assert_int_equal(json_integer_value(json_object_get(j, "etaSeconds")), 90);
	json_decref(j);
	j = parsed(ASK(w, SQL_MESSAGE_GET, "1", NULL));
	assert_keys(j, "id outletId blastId direction peer kind text status reason times");
	assert_string_equal(json_string_value(json_object_get(j, "id")), "msg_1");
	assert_string_equal(json_string_value(json_object_get(j, "direction")), "out");
	assert_keys(
	    json_object_get(j, "times"), "queuedAt sendingAt sentAt deliveredAt readAt failedAt");
	json_decref(j);
	j = parsed(ASK(w, SQL_BLAST_RECIPIENTS, "b1", NULL, "SENT", NULL, NULL, "10", NULL, NULL));
	assert_int_equal(json_array_size(j), 2);
	assert_keys(json_array_get(j, 0), "phone outletId messageId status reason times");
	json_decref(j);
	/* What is another's is not there. */
	assert_string_equal(ASK(w, SQL_BLAST_GET, "b1", "o2"), "");
	assert_string_equal(ASK(w, SQL_MESSAGE_GET, "1", "o2"), "");
}

/* All pages of `limit`, as the ids in them; the cursor of each leads to the next. */
static void
test_pages(void **state)
{
	struct world *w = *state;
	char cursor[256] = "", seen[256] = "";
	int pages = 0;

	do {
		json_t *page = parsed(
		    ASK(w, SQL_OUTLET_LIST, NULL, NULL, cursor[0] != '\0' ? cursor : NULL, "2"));

		for (size_t i = 0; i < json_array_size(page); i++) {
			json_t *id = json_object_get(json_array_get(page, i), "id");

			(void)snprintf(seen + strlen(seen), sizeof(seen) - strlen(seen), "%s ",
			    json_string_value(id));
		}
		json_decref(page);
		(void)snprintf(cursor, sizeof(cursor), "%s", answer.second);
		pages++;
	} while (cursor[0] != '\0');
	assert_string_equal(seen, "o2 o3 o1 ");
	assert_int_equal(pages, 2);
	assert_string_equal(ASK(w, SQL_OUTLET_LIST, NULL, "zzz", NULL, "2"), "[]");
	(void)ASK(w, SQL_OUTLET_LIST, NULL, "ALPHA", NULL, "2");
	assert_string_equal(answer.second, "");
	(void)ASK(w, SQL_BLAST_RECIPIENTS, "b1", NULL, NULL, NULL, NULL, "2", NULL, NULL);
	assert_string_equal(answer.second, "2");
	(void)ASK(w, SQL_BLAST_RECIPIENTS, "b1", NULL, NULL, NULL, "4", "2", NULL, NULL);
	assert_non_null(strstr(answer.first, "msg_5"));
	assert_null(strstr(answer.first, "msg_4"));
	assert_string_equal(answer.second, "");
	(void)ASK(w, SQL_MESSAGE_LIST, "o1", NULL, NULL, NULL, "5");
	assert_string_equal(answer.second, "2");
	(void)ASK(w, SQL_BLAST_LIST, NULL, NULL, NULL, NULL, "1");
	(void)snprintf(cursor, sizeof(cursor), "%s", answer.second);
	assert_non_null(strstr(cursor, ".b2"));
	assert_non_null(strstr(ASK(w, SQL_BLAST_LIST, NULL, NULL, NULL, cursor, "1"), "\"b1\""));
	assert_null(strstr(ASK(w, SQL_BLAST_LIST, "o2", NULL, NULL, NULL, "10"), "\"b1\""));
}

static const char *
claim(struct world *w, const char *limit, const char *without)
{
	return ASK(w, SQL_QUEUE_CLAIM, "o1", limit, without, "{}", "t", "test", "1", "t");
}

static void
test_claim(void **state)
{
	struct world *w = *state;

	assert_string_equal(claim(w, "3", "{}"), "1 2 3");
	assert_string_equal(claim(w, "10", "{1,3}"), "2 4 5"); /* 6 belongs to a paused blast */
	(void)ASK(w, SQL_MESSAGE_ADD, "o1", "62899", "text", "single", NULL, NULL, NULL, NULL);
	assert_string_equal(claim(w, "3", "{}"), "8 1 2"); /* single messages first */
	(void)world_sql(
	    w, "UPDATE messages SET not_before = now() + interval '1 hour' WHERE id IN (1, 8)");
	assert_string_equal(claim(w, "2", "{}"), "2 3");
	/* Its window is closed. */
	(void)ASK(w, SQL_QUEUE_CLAIM, "o1", "2", "{}", "{b1}", "t", "test", "1", "t");
	assert_int_equal(answer.rows, 0);
	/* The outlet is another's, or an earlier start's. */
	(void)ASK(w, SQL_QUEUE_CLAIM, "o1", "2", "{}", "{}", "t", "other", "1", "t");
	assert_int_equal(answer.rows, 0);
	(void)ASK(w, SQL_QUEUE_CLAIM, "o1", "2", "{}", "{}", "t", "test", "2", "t");
	assert_int_equal(answer.rows, 0);
	/* What a stop left in SENDING comes, whatever became of its blast. */
	(void)world_sql(w, "UPDATE messages SET status = 'SENDING', wa_id = 'W6' WHERE id = 6");
	assert_string_equal(claim(w, "10", "{}"), "2 3 4 5 6");
	(void)world_sql(w, "UPDATE blasts SET expires_at = now() WHERE id = 'b1'");
	assert_string_equal(claim(w, "10", "{}"), "6");
	assert_string_equal(ASK(w, SQL_MESSAGE_CONTENT, "o1", "W6"), "text");
}

/* While chats may not be started, those go with whom there is one: they wrote, or got something. */
static void
test_claim_of_chats(void **state)
{
	struct world *w = *state;

	(void)world_sql(w, "UPDATE messages SET phone = '62800' || id WHERE outlet_id = 'o1'");
	(void)world_sql(w,
	    "INSERT INTO messages (outlet_id, outgoing, phone, peer, wa_id, status) VALUES "
	    "('o1', false, '628002', '1@lid', 'I1', 'RECEIVED'), ('o1', true, '628004', NULL, "
	    "'O1', "
	    "'DELIVERED'), ('o1', true, '628005', NULL, 'O2', 'SENT'), ('o2', false, '628003', "
	    "'2@lid', 'I2', 'RECEIVED')");
	assert_string_equal(
	    ASK(w, SQL_QUEUE_CLAIM, "o1", "10", "{}", "{}", "t", "test", "1", "f"), "2 4");
	assert_string_equal(
	    ASK(w, SQL_QUEUE_CLAIM, "o1", "10", "{}", "{}", "f", "test", "1", "f"), "");
	/* A single message and what a stop left in SENDING are not held. */
	(void)ASK(w, SQL_MESSAGE_ADD, "o1", "62899", "text", "single", NULL, NULL, NULL, NULL);
	(void)world_sql(w, "UPDATE messages SET status = 'SENDING', wa_id = 'W3' WHERE id = 3");
	(void)ASK(w, SQL_QUEUE_CLAIM, "o1", "10", "{}", "{}", "f", "test", "1", "f");
	assert_int_equal(answer.rows, 2);
}

/* What was checked is known for seven days. */
static void
test_numbers(void **state)
{
	struct world *w = *state;

	(void)world_sql(w, "DELETE FROM number_checks");
	assert_string_equal(ASK(w, SQL_NUMBER_KNOWN, "{62811,62812}"), "");
	(void)ASK(w, SQL_NUMBER_KEEP, "{62811,62812}", "{t,f}", "{Kopi,NULL}");
	assert_int_equal(answer.rows, 2);
	(void)ASK(w, SQL_NUMBER_KEEP, "{62812}", "{t}", "{NULL}");
	assert_string_equal(
	    world_sql(w, "SELECT string_agg(phone || on_whatsapp, ' ' ORDER BY phone) FROM "
			 "number_checks"),
	    "62811true 62812true");
	(void)world_sql(w, "UPDATE number_checks SET checked_at = now() - interval '7 days' WHERE "
			   "phone = '62811'");
	assert_string_equal(ASK(w, SQL_NUMBER_KNOWN, "{62811,62812,62813}"), "62812");
	(void)ask(w, SQL_NUMBER_PURGE, NULL, 0);
	assert_string_equal(
	    world_sql(w, "SELECT string_agg(phone, ' ') FROM number_checks"), "62812");
}

/* Pause, resume and cancel by the table of states; the counters follow. */
static void
test_states(void **state)
{
	struct world *w = *state;

	assert_string_equal(ASK(w, SQL_BLAST_PAUSE, "b1", "o2", "by hand", NULL), "");
	assert_non_null(strstr(ASK(w, SQL_BLAST_PAUSE, "b1", "o1", "by hand", NULL), "\"PAUSED\""));
	assert_string_equal(ASK(w, SQL_BLAST_PAUSE, "b1", NULL, "again", NULL), "");
	assert_string_equal(claim(w, "10", "{}"), "");
	assert_non_null(strstr(ASK(w, SQL_BLAST_RESUME, "b1", NULL, NULL), "\"RUNNING\""));
	assert_string_equal(ASK(w, SQL_BLAST_RESUME, "b1", NULL, NULL), "");
	assert_string_equal(ASK(w, SQL_BLAST_RESUME, "b2", "o1", NULL), ""); /* not o1's alone */
	{
		const struct db_param who[] = {DB_TEXT("b2"), DB_TEXT(NULL)};
		const struct db_step steps[] = {
		    {SQL_BLAST_CANCEL, who, 2},
		    {SQL_BLAST_CANCEL_QUEUED, who, 1},
		    {SQL_BLAST_CANCELLED_GET, who, 2},
		};

		memset(&answer, 0, sizeof(answer));
		(void)db_transaction(w->store.db, steps, 3, on_answer, &answer);
		world_until(w, &answer.done);
	}
	assert_int_equal(answer.error, DB_OK);
	assert_non_null(strstr(answer.first, "\"CANCELLED\""));
	assert_string_equal(world_sql(w, "SELECT concat_ws(' ', total, queued, sending, cancelled) "
					 "FROM blasts WHERE id = 'b2'"),
	    "2 0 1 1");
	/* all settled while paused: resuming completes */
	(void)ASK(w, SQL_BLAST_PAUSE, "b1", NULL, "by hand", NULL);
	(void)world_sql(w, "UPDATE messages SET status = 'FAILED' WHERE blast_id = 'b1'");
	assert_non_null(strstr(ASK(w, SQL_BLAST_RESUME, "b1", NULL, NULL), "\"COMPLETED\""));
}

static void
test_schedules(void **state)
{
	struct world *w = *state;

	(void)world_sql(w, "UPDATE blasts SET status = 'SCHEDULED', schedule_at = now() - interval "
			   "'1 minute' WHERE id = 'b1'");
	(void)world_sql(w, "UPDATE blasts SET status = 'SCHEDULED', schedule_at = now() - interval "
			   "'2 hours' WHERE id = 'b2'");
	(void)ask(w, SQL_BLAST_START_DUE, NULL, 0);
	assert_int_equal(answer.rows, 2);
	assert_string_equal(
	    world_sql(w, "SELECT string_agg(concat_ws(',', id, status, pause_reason, started_at IS "
			 "NOT NULL), ' ' ORDER BY id) FROM blasts"),
	    "b1,RUNNING,t b2,PAUSED,schedule_missed,f");
	(void)ask(w, SQL_BLAST_START_DUE, NULL, 0);
	assert_int_equal(answer.rows, 0);
	(void)world_sql(w, "UPDATE blasts SET expires_at = now() WHERE id = 'b1'");
	(void)ask(w, SQL_BLAST_EXPIRE, NULL, 0);
	(void)ask(w, SQL_BLAST_EXPIRE_QUEUED, NULL, 0);
	assert_string_equal(
	    world_sql(
		w, "SELECT concat_ws(' ', status, queued, cancelled) FROM blasts WHERE id = 'b1'"),
	    "EXPIRED 0 5");
}

static void
test_outlets(void **state)
{
	struct world *w = *state;

	(void)ASK(w, SQL_OUTLET_ADD, "o4", "New", "628444", NULL, "false", "{\"perMinute\":5}",
	    "test", NULL, NULL, NULL, "1");
	assert_non_null(strstr(answer.first, "\"autoReconnect\" : false"));
	assert_string_equal(answer.second, "o4");
	(void)ASK(w, SQL_OUTLET_ADD, "o5", "Twice", "628444", NULL, NULL, NULL, "test", NULL, NULL,
	    NULL, "1");
	assert_int_equal(answer.error, DB_E_CONFLICT);
	(void)ASK(w, SQL_OUTLET_EDIT, "o4", "Newer", NULL, "false", NULL, NULL);
	assert_string_equal(world_sql(w, "SELECT concat_ws(' ', name, whatsapp_number, is_active, "
					 "auto_reconnect, pace) FROM outlets WHERE id = 'o4'"),
	    "Newer 628444 f f {\"perMinute\": 5}");
	assert_string_equal(ASK(w, SQL_OUTLET_LOAD, "test", "1"), "o2 o3 o1 o4");
	assert_string_equal(world_sql(w, "SELECT count(*) FROM outlets WHERE owner = 'test'"), "4");
	/* Its recipients go with it, and the counters know. */
	assert_string_equal(ASK(w, SQL_OUTLET_REMOVE, "o2"), "o2");
	assert_string_equal(ASK(w, SQL_OUTLET_REMOVE, "o2"), "");
	assert_string_equal(
	    world_sql(
		w, "SELECT concat_ws(' ', total, queued, sending) FROM blasts WHERE id = 'b2'"),
	    "1 1 0");
}

static void
test_users(void **state)
{
	struct world *w = *state;
	const uint8_t hash[32] = {1, 2, 3};
	struct db_param token[] = {DB_TEXT("t1"), DB_TEXT("u1"), DB_BYTES(hash, 32), DB_TEXT("ci"),
	    DB_TEXT(NULL), DB_TEXT(NULL), DB_TEXT(NULL), DB_TEXT(NULL), DB_TEXT(NULL),
	    DB_TEXT(NULL)};
	const struct db_param verify[] = {DB_BYTES(hash, 32), DB_TEXT("1000"), DB_TEXT("1000")};

	(void)ASK(w, SQL_USER_ADD, "u1", "budi", "$argon", "USER", "o1", NULL, NULL, NULL);
	assert_non_null(strstr(answer.first, "\"u1\""));
	assert_null(strstr(answer.first, "argon"));
	(void)ASK(w, SQL_USER_ADD, "u2", "budi", "$argon", "ADMIN", NULL, NULL, NULL, NULL);
	assert_int_equal(answer.error, DB_E_CONFLICT);
	/* a USER needs an outlet */
	(void)ASK(w, SQL_USER_ADD, "u3", "siti", "$argon", "USER", NULL, NULL, NULL, NULL);
	assert_int_equal(answer.error, DB_E_CONFLICT);
	assert_string_equal(ASK(w, SQL_USER_FIND, "budi"), "u1");
	memset(&answer, 0, sizeof(answer));
	(void)db_query(w->store.db, SQL_TOKEN_ADD, token, 10, on_answer, &answer);
	world_until(w, &answer.done);
	assert_int_equal(answer.error, DB_OK);
	memset(&answer, 0, sizeof(answer));
	(void)db_query(w->store.db, SQL_TOKEN_VERIFY, verify, 3, on_answer, &answer);
	world_until(w, &answer.done);
	assert_string_equal(answer.first, "u1");
	assert_string_equal(answer.second, "budi");
	assert_non_null(strstr(ASK(w, SQL_TOKEN_LIST, NULL, NULL, "10"), "\"t1\""));
	assert_string_equal(ASK(w, SQL_TOKEN_REVOKE, "t1", "another"), "");
	assert_string_equal(ASK(w, SQL_TOKEN_REVOKE, "t1", NULL), "t1");
	memset(&answer, 0, sizeof(answer));
	(void)db_query(w->store.db, SQL_TOKEN_VERIFY, verify, 3, on_answer, &answer);
	world_until(w, &answer.done);
	assert_int_equal(answer.rows, 0);
	(void)ASK(w, SQL_AUDIT_ADD, "budi", NULL, "login", NULL, "{\"a\":1}", NULL, NULL, NULL);
	assert_int_equal(answer.error, DB_OK);
	assert_non_null(strstr(
	    ASK(w, SQL_AUDIT_LIST, "bud", NULL, NULL, NULL, NULL, NULL, NULL, "10"), "budi"));
}

/* The batch and a cancellation go for the same blast, again and again: no deadlock, and the
 * counters are right. */
static void
test_contention(void **state)
{
	enum { ROUNDS = 30, N = 40 };
	struct world *w = *state;
	static struct asked cancelled[ROUNDS];

	for (int round = 0; round < ROUNDS; round++) {
		const struct db_param who[] = {DB_TEXT("c"), DB_TEXT(NULL)};
		const struct db_step steps[] = {
		    {SQL_BLAST_CANCEL, who, 2},
		    {SQL_BLAST_CANCEL_QUEUED, who, 1},
		    {SQL_BLAST_CANCELLED_GET, who, 2},
		};
		int64_t first;

		(void)world_sql(w, "DELETE FROM blasts WHERE id = 'c'");
		(void)world_sql(w, "INSERT INTO blasts (id, name, status, text, outlets, "
				   "created_by) VALUES ('c', 'C', 'RUNNING', 't', '{o1}', 'me')");
		(void)world_sql(w, "INSERT INTO messages (outlet_id, blast_id, outgoing, status) "
				   "SELECT 'o1', 'c', true, 'QUEUED' FROM generate_series(1, 40)");
		first = strtoll(
		    world_sql(w, "SELECT min(id) FROM messages WHERE blast_id = 'c'"), NULL, 10);
		for (int64_t i = N - 1; i >= 0; i--) {
			batch_message_sending(w->store.batch, first + i, NULL, "x");
			if (i == N / 2) {
				cancelled[round].done = false;
				(void)db_transaction(
				    w->store.db, steps, 3, on_answer, &cancelled[round]);
			}
			if (i % 5 == 0)
				event_base_loop(w->base, EVLOOP_NONBLOCK);
		}
		assert_int_equal(world_commit(w), 0);
		world_until(w, &cancelled[round].done);
		assert_int_equal(cancelled[round].error, DB_OK);
		assert_string_equal(
		    world_sql(w, "SELECT (sending + cancelled, queued, sending, cancelled) = "
				 "(SELECT 40, 0, count(*) FILTER (WHERE status = 'SENDING'), "
				 "count(*) FILTER (WHERE status = 'CANCELLED') FROM messages "
				 "WHERE blast_id = 'c') FROM blasts WHERE id = 'c'"),
		    "t");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_shapes, fresh),
	    cmocka_unit_test_setup(test_pages, fresh),
	    cmocka_unit_test_setup(test_claim, fresh),
	    cmocka_unit_test_setup(test_claim_of_chats, fresh),
	    cmocka_unit_test_setup(test_numbers, fresh),
	    cmocka_unit_test_setup(test_states, fresh),
	    cmocka_unit_test_setup(test_schedules, fresh),
	    cmocka_unit_test_setup(test_outlets, fresh),
	    cmocka_unit_test_setup(test_users, fresh),
	    cmocka_unit_test_setup(test_contention, fresh),
	};

	return cmocka_run_group_tests(tests, world_setup_store, world_teardown);
}
