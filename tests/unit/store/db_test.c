/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Queries, errors among neighbours in a pipeline, transactions, tickets, and a connection that is
 * lost and comes back. */
#include "tests/unit/store/store_world.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "waconnd/store/array.h"
#include "waconnd/store/db_hosts.h"

struct asked {
	bool done;
	enum db_error error;
	int rows;
	char value[64];
};

static void
on_answer(void *arg, enum db_error error, const PGresult *result)
{
	struct asked *a = arg;

	assert_false(a->done);
	a->done = true;
	a->error = error;
	a->rows = result != NULL ? PQntuples(result) : -1;
	if (a->rows > 0)
		(void)snprintf(a->value, sizeof(a->value), "%s", PQgetvalue(result, 0, 0));
}

static void
put(struct world *w, const char *name, const char *value, struct asked *a)
{
	const struct db_param params[] = {DB_TEXT(name), DB_TEXT(value)};

	(void)db_query(w->store.db, SQL_SETTING_PUT, params, 2, on_answer, a);
	assert_false(a->done);
}

static void
get(struct world *w, const char *name, struct asked *a)
{
	const struct db_param param = DB_TEXT(name);

	(void)db_query(w->store.db, SQL_SETTING_GET, &param, 1, on_answer, a);
}

static void
test_query(void **state)
{
	struct world *w = *state;
	struct asked a = {0}, b = {0}, none = {0};

	put(w, "colour", "blue 💙", &a);
	world_until(w, &a.done);
	assert_int_equal(a.error, DB_OK);
	get(w, "colour", &b);
	get(w, "nothing", &none);
	world_until(w, &b.done);
	world_until(w, &none.done);
	assert_string_equal(b.value, "blue 💙");
	assert_int_equal(none.error, DB_OK);
	assert_int_equal(none.rows, 0);
}

/* Many at once on few connections; some of them wrong. Each gets its own answer. */
static void
test_isolation(void **state)
{
	enum { N = 300 };
	struct world *w = *state;
	struct asked *a = calloc(N, sizeof(*a));

	assert_non_null(a);
	for (size_t i = 0; i < N; i++) {
		const struct db_param bad = DB_TEXT("not a number"),
				      key[] = {DB_TEXT("x"), DB_TEXT("y"), DB_TEXT("hash"),
					  DB_TEXT("1")};

		if (i % 3 == 0)
			(void)db_query(w->store.db, SQL_DATABASE_PING, NULL, 0, on_answer, &a[i]);
		else if (i % 3 == 1)
			(void)db_query(
			    w->store.db, SQL_USER_FIND, &bad, i % 2 == 1 ? 1 : 0, on_answer, &a[i]);
		else
			(void)db_query(w->store.db, SQL_TOKEN_LOGIN, key, 4, on_answer,
			    &a[i]); /* no such user */
	}
	for (size_t i = 0; i < N; i++) {
		world_until(w, &a[i].done);
		if (i % 3 == 0) {
			assert_int_equal(a[i].error, DB_OK);
			assert_string_equal(a[i].value, "1");
		} else if (i % 3 == 1) {
			assert_int_equal(
			    a[i].error, i % 2 == 1 ? DB_OK : DB_E_SQL); /* a parameter is missing */
		} else {
			assert_int_equal(a[i].error, DB_E_CONFLICT);
		}
	}
	free(a);
}

static void
test_transaction(void **state)
{
	struct world *w = *state;
	const struct db_param one[] = {DB_TEXT("t1"), DB_TEXT("1")},
			      two[] = {DB_TEXT("t2"), DB_TEXT(NULL)}, three = DB_TEXT("t1");
	const struct db_step good[] = {
	    {SQL_SETTING_PUT, one, 2}, {SQL_SETTING_GET, &three, 1}, {SQL_SETTING_PUT, one, 2}};
	const struct db_step bad[] = {
	    {SQL_SETTING_PUT, one, 2}, {SQL_SETTING_PUT, two, 2}, {SQL_SETTING_GET, &three, 1}};
	struct asked a = {0}, b = {0}, c = {0};

	/* NULL in a NOT NULL column: 23502. */
	(void)db_transaction(w->store.db, bad, 3, on_answer, &a);
	world_until(w, &a.done);
	assert_int_equal(a.error, DB_E_CONFLICT);
	assert_string_equal(
	    world_sql(w, "SELECT count(*) FROM settings WHERE name LIKE 't_'"), "0");
	(void)db_transaction(w->store.db, good, 3, on_answer, &b);
	get(w, "t1", &c);
	world_until(w, &b.done);
	world_until(w, &c.done);
	assert_int_equal(b.error, DB_OK);
	assert_string_equal(b.value, "1");
	assert_string_equal(
	    world_sql(w, "SELECT count(*) FROM settings WHERE name LIKE 't_'"), "1");
}

static void
never(void *arg, enum db_error error, const PGresult *result)
{
	(void)arg;
	(void)error;
	(void)result;
	fail_msg("a forgotten query called back");
}

static void
test_forget(void **state)
{
	struct world *w = *state;
	struct asked a[40] = {0};

	for (size_t i = 0; i < 40; i++)
		db_forget(
		    w->store.db, db_query(w->store.db, SQL_DATABASE_PING, NULL, 0, never, NULL));
	for (size_t i = 0; i < 40; i++)
		(void)db_query(w->store.db, SQL_DATABASE_PING, NULL, 0, on_answer, &a[i]);
	for (size_t i = 0; i < 40; i++)
		world_until(w, &a[i].done);
}

struct states {
	bool down, up;
};

static void
on_state(void *arg, bool up)
{
	struct states *s = arg;

	if (!up)
		s->down = true;
	else
		s->up = s->down;
}

static void
test_reconnect(void **state)
{
	struct world *w = *state;
	struct asked before = {0}, while_away = {0}, after = {0};
	struct states seen = {0};

	(void)db_query(w->store.db, SQL_DATABASE_PING, NULL, 0, on_answer, &before);
	world_until(w, &before.done);
	assert_true(db_up(w->store.db));
	db_on_state(w->store.db, on_state, &seen);
	assert_true(world_cut(w) >= 1);
	world_until(w, &seen.down);
	/* Asked while no connection is there: waits for the next. */
	(void)db_query(w->store.db, SQL_DATABASE_PING, NULL, 0, on_answer, &while_away);
	world_until(w, &seen.up);
	world_until(w, &while_away.done);
	assert_int_equal(while_away.error, DB_OK);
	(void)db_query(w->store.db, SQL_DATABASE_PING, NULL, 0, on_answer, &after);
	world_until(w, &after.done);
	assert_int_equal(after.error, DB_OK);
	db_on_state(w->store.db, NULL, NULL);
}

/* What is under way when the connection goes is LOST, not silent: the test's own transaction holds
 * it back meanwhile. */
static void
test_lost(void **state)
{
	struct world *w = *state;
	struct asked a = {0}, b = {0};

	put(w, "held", "1", &a);
	world_until(w, &a.done);
	(void)world_sql(w, "BEGIN");
	(void)world_sql(w, "UPDATE settings SET value = '2' WHERE name = 'held'");
	put(w, "held", "3", &b);
	do {
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		/* Within a transaction the statistics are kept as first seen. */
		(void)world_sql(w, "SELECT pg_stat_clear_snapshot()");
	} while (strcmp(world_sql(w, "SELECT count(*) FROM pg_stat_activity WHERE datname = "
				     "current_database() AND wait_event_type = 'Lock'"),
		     "1") != 0);
	assert_true(world_cut(w) >= 1);
	world_until(w, &b.done);
	assert_int_equal(b.error, DB_E_LOST);
	(void)world_sql(w, "ROLLBACK");
}

/* A read outlives its connection, and a database that is not there; forgotten, it says nothing. */
static void
test_read(void **state)
{
	struct world *w = *state;
	struct db *away = db_new(w->base, "host=/nonexistent dbname=x", 2);
	const struct db_param name = DB_TEXT("read");
	struct asked put_it = {0}, a = {0}, refused = {0};

	do { /* another may still find out that its connection was cut */
		memset(&put_it, 0, sizeof(put_it));
		put(w, "read", "it", &put_it);
		world_until(w, &put_it.done);
	} while (put_it.error == DB_E_LOST);
	assert_int_equal(put_it.error, DB_OK);
	(void)world_sql(w, "BEGIN");
	(void)world_sql(w, "LOCK TABLE settings IN ACCESS EXCLUSIVE MODE");
	(void)db_read(w->store.db, SQL_SETTING_GET, &name, 1, on_answer, &a);
	db_forget(w->store.db, db_read(w->store.db, SQL_SETTING_GET, &name, 1, never, NULL));
	do {
		event_base_loop(w->base, EVLOOP_NONBLOCK);
		(void)world_sql(w, "SELECT pg_stat_clear_snapshot()");
	} while (strcmp(world_sql(w, "SELECT count(*) FROM pg_stat_activity WHERE datname = "
				     "current_database() AND wait_event_type = 'Lock'"),
		     "0") == 0);
	assert_true(world_cut(w) >= 1);
	(void)world_sql(w, "COMMIT");
	world_until(w, &a.done);
	assert_int_equal(a.error, DB_OK);
	assert_string_equal(a.value, "it");

	(void)db_read(away, SQL_DATABASE_PING, NULL, 0, never, NULL);
	(void)db_query(away, SQL_DATABASE_PING, NULL, 0, on_answer, &refused);
	world_until(w, &refused.done);
	assert_int_equal(refused.error, DB_E_DOWN);
	db_forget(away, db_read(away, SQL_DATABASE_PING, NULL, 0, never, NULL));
	db_free(&away);
}

/* Tables that changed under a prepared statement cost a connection, not an answer. */
static void
test_changed_tables(void **state)
{
	struct world *w = *state;
	const struct db_param name = DB_TEXT("changed");
	struct asked a = {0}, b = {0};

	for (int i = 0; i < 8; i++) { /* on each connection */
		struct asked each = {0};

		get(w, "changed", &each);
		world_until(w, &each.done);
	}
	(void)world_sql(w, "ALTER TABLE settings ALTER COLUMN value TYPE varchar");
	get(w, "changed", &a);
	(void)db_read(w->store.db, SQL_SETTING_GET, &name, 1, on_answer, &b);
	world_until(w, &a.done);
	world_until(w, &b.done);
	(void)world_sql(w, "ALTER TABLE settings ALTER COLUMN value TYPE text");
	assert_true(a.error == DB_OK || a.error == DB_E_LOST);
	assert_int_equal(b.error, DB_OK);
}

static void
test_down(void **state)
{
	struct world *w = *state;
	struct db *db = db_new(w->base, "host=/nonexistent dbname=x", 2);
	struct asked a = {0}, b = {0};

	(void)db_query(db, SQL_DATABASE_PING, NULL, 0, on_answer, &a);
	assert_false(a.done);
	world_until(w, &a.done);
	assert_int_equal(a.error, DB_E_DOWN);
	(void)db_query(db, SQL_DATABASE_PING, NULL, 0, on_answer, &b);
	assert_false(b.done);
	world_until(w, &b.done);
	assert_int_equal(b.error, DB_E_DOWN);
	assert_false(db_up(db));
	db_free(&db);
	assert_null(db);
}

static void
test_full(void **state)
{
	enum { MANY = 10200 };
	struct world *w = *state;
	struct asked *a = calloc(MANY, sizeof(*a));
	size_t full = 0;

	assert_non_null(a);
	for (size_t i = 0; i < MANY; i++)
		(void)db_query(w->store.db, SQL_DATABASE_PING, NULL, 0, on_answer, &a[i]);
	for (size_t i = 0; i < MANY; i++) {
		world_until(w, &a[i].done);
		full += a[i].error == DB_E_FULL;
		assert_true(a[i].error == DB_E_FULL || a[i].error == DB_OK);
	}
	assert_in_range(full, 100, 200);
	free(a);
}

static void
test_arrays(void **state)
{
	struct world *w = *state;
	struct array id, outlet, phone, vars, status, reason, variant;
	struct asked a = {0};

	(void)world_sql(
	    w, "INSERT INTO outlets (id, name, whatsapp_number) VALUES ('o1', 'One', '628111')");
	(void)world_sql(w, "INSERT INTO blasts (id, name, status, text, outlets, created_by) "
			   "VALUES ('b1', 'B', 'RUNNING', 't', '{o1}', 'me')");
	array_init(&outlet, ARRAY_TEXT);
	array_init(&phone, ARRAY_TEXT);
	array_init(&vars, ARRAY_TEXT);
	array_init(&status, ARRAY_TEXT);
	array_init(&reason, ARRAY_TEXT);
	array_init(&variant, ARRAY_TEXT);
	array_init(&id, ARRAY_INT8);
	for (int i = 0; i < 3; i++) {
		array_text(&outlet, "o1");
		array_text(&phone, i == 1 ? "62\xff"
					    "8"
					  : "6281\"{,}\\");
		array_text(&vars, i == 0 ? "{\"a\":\"b\"}" : NULL);
		array_text(&status, "QUEUED");
		array_text(&reason, NULL);
		array_text(&variant, i == 2 ? "1" : NULL);
	}
	{
		const struct db_param params[] = {DB_TEXT("b1"), array_param(&outlet),
		    array_param(&phone), array_param(&vars), array_param(&status),
		    array_param(&reason), array_param(&variant)};

		(void)db_query(w->store.db, SQL_BLAST_RECIPIENTS_ADD, params, 7, on_answer, &a);
	}
	world_until(w, &a.done);
	assert_int_equal(a.error, DB_OK);
	assert_string_equal(world_sql(w, "SELECT string_agg(phone, '|' ORDER BY id) FROM messages"),
	    "6281\"{,}\\|62\xef\xbf\xbd"
	    "8|6281\"{,}\\");
	assert_string_equal(
	    world_sql(w, "SELECT vars->>'a' FROM messages WHERE vars IS NOT NULL"), "b");
	assert_string_equal(world_sql(w, "SELECT queued FROM blasts"), "3");
	a = (struct asked){0};
	{
		const struct db_param params[] = {array_param(&id), DB_TEXT("x")};

		(void)db_query(
		    w->store.db, SQL_MESSAGE_SKIP, params, 2, on_answer, &a); /* an empty array */
	}
	world_until(w, &a.done);
	assert_int_equal(a.error, DB_OK);
	array_done(&outlet);
	array_done(&phone);
	array_done(&vars);
	array_done(&status);
	array_done(&reason);
	array_done(&variant);
	array_done(&id);
}

/* -- several hosts -- */

static void
on_first_up(void *arg, bool up)
{
	*(bool *)arg = up;
}

/* A server that takes connections, as the kernel of one that hangs does, and says nothing. */
static int
silent(uint16_t *ret_port)
{
	struct sockaddr_in a = {.sin_family = AF_INET};
	socklen_t len = sizeof(a);
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, len), 0);
	assert_int_equal(listen(fd, 16), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &len), 0);
	*ret_port = ntohs(a.sin_port);
	return fd;
}

static void
assert_first(const struct db_hosts *h, unsigned turn, const char *host)
{
	PGconn *pg = db_hosts_connect(h, turn);

	assert_string_equal(PQhost(pg), host);
	assert_string_equal(PQdb(pg), "waconn");
	PQfinish(pg);
}

static void
test_hosts(void **state)
{
	uint16_t port;
	const int fd = silent(&port);
	char dsn[200];
	struct db_hosts *h;

	(void)state;
	(void)snprintf(dsn, sizeof(dsn),
	    "host=127.0.0.1,127.0.0.2,127.0.0.3 port=%d,%d,%d dbname=waconn", port, port, port);
	h = db_hosts_new(dsn);
	assert_int_equal(db_hosts_count(h), 3);
	assert_first(h, 0, "127.0.0.1");
	assert_first(h, 1, "127.0.0.2");
	assert_first(h, 2, "127.0.0.3");
	assert_first(h, 3, "127.0.0.1");
	db_hosts_free(&h);
	(void)snprintf(
	    dsn, sizeof(dsn), "postgresql:///waconn?host=127.0.0.1,127.0.0.2&port=%d", port);
	h = db_hosts_new(dsn);
	assert_int_equal(db_hosts_count(h), 2);
	assert_first(h, 1, "127.0.0.2");
	db_hosts_free(&h);
	(void)snprintf(dsn, sizeof(dsn), "host=127.0.0.1 port=%d dbname=waconn", port);
	h = db_hosts_new(dsn);
	assert_int_equal(db_hosts_count(h), 1);
	assert_first(h, 5, "127.0.0.1");
	db_hosts_free(&h);
	assert_null(h);
	(void)close(fd);
}

/* libpq would wait for the first one, for ever. */
static void
test_silent_host(void **state)
{
	struct world *w = *state;
	uint16_t port;
	const int fd = silent(&port);
	char dsn[800];
	bool up = false;
	struct db *db;

	(void)snprintf(dsn, sizeof(dsn), "%s host=127.0.0.1,%s port=%d,%s", w->dsn, PQhost(w->sql),
	    port, PQport(w->sql));
	db = db_new(w->base, dsn, 1);
	db_on_state(db, on_first_up, &up);
	world_until(w, &up);
	db_free(&db);
	(void)close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_query),
	    cmocka_unit_test(test_isolation),
	    cmocka_unit_test(test_transaction),
	    cmocka_unit_test(test_forget),
	    cmocka_unit_test(test_arrays),
	    cmocka_unit_test(test_full),
	    cmocka_unit_test(test_reconnect),
	    cmocka_unit_test(test_lost),
	    cmocka_unit_test(test_hosts),
	    cmocka_unit_test(test_silent_host),
	    cmocka_unit_test(test_read),
	    cmocka_unit_test(test_changed_tables),
	    cmocka_unit_test(test_down),
	};

	return cmocka_run_group_tests(tests, world_setup_store, world_teardown);
}
