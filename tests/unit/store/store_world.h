/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What tests of the store stand on: a database of their own in a real PostgreSQL (the cluster of
 * WACONN_TEST_DSN, which is in keyword form, else a private one from tests/postgres.sh), an event
 * loop that runs until something is true, and plain SQL beside the code under test. Included by one
 * .c each, run from the top of the tree.
 */
#ifndef TESTS_STORE_WORLD_H
#define TESTS_STORE_WORLD_H

#include "tests/unit/cmocka_all.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "waconnd/store/store.h"

#define WAIT_MS 20000
#define UNUSED __attribute__((unused))

struct world {
	struct event_base *base;
	char cluster[64]; /* "": another's */
	char admin_dsn[300];
	char name[64];
	char dsn[400];
	PGconn *sql; /* the test's own connection */
	PGresult *last;
	struct store store;
};

static const uint8_t world_master[SEAL_KEY_LEN] = "0123456789abcdef0123456789abcde";

/* Runs one statement; the first column of the first row ("" when there is none), valid until the
 * next call. */
UNUSED static const char *
world_sql(struct world *w, const char *sql)
{
	PQclear(w->last);
	w->last = PQexec(w->sql, sql);
	if (PQresultStatus(w->last) != PGRES_TUPLES_OK &&
	    PQresultStatus(w->last) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(w->sql));
	return PQntuples(w->last) > 0 ? PQgetvalue(w->last, 0, 0) : "";
}

UNUSED static void
world_cluster(struct world *w)
{
	const char *dsn = getenv("WACONN_TEST_DSN");
	char command[200];
	FILE *p;

	if (dsn != NULL) {
		(void)snprintf(w->admin_dsn, sizeof(w->admin_dsn), "%s", dsn);
		return;
	}
	(void)snprintf(w->cluster, sizeof(w->cluster), "/tmp/waconn-test-XXXXXX");
	assert_non_null(mkdtemp(w->cluster));
	(void)snprintf(
	    command, sizeof(command), "FAST=1 tests/postgres.sh start %s 2>/dev/null", w->cluster);
	p = popen(command, "r");
	assert_non_null(p);
	assert_non_null(fgets(w->admin_dsn, sizeof(w->admin_dsn), p));
	assert_int_equal(pclose(p), 0);
	w->admin_dsn[strcspn(w->admin_dsn, "\n")] = '\0';
}

UNUSED static void
world_admin(struct world *w, const char *sql)
{
	PGconn *c = PQconnectdb(w->admin_dsn);
	PGresult *r = PQexec(c, sql);

	if (PQresultStatus(r) != PGRES_COMMAND_OK)
		fail_msg("%s: %s", sql, PQerrorMessage(c));
	PQclear(r);
	PQfinish(c);
}

static void
world_no_notice(void *arg, const PGresult *result)
{
	(void)arg;
	(void)result;
}

/* An empty database. */
UNUSED static int
world_setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));
	char sql[128];

	log_init(
	    "test", getenv("VERBOSE") != NULL ? LOG_LEVEL_DEBUG : LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	assert_non_null(w);
	world_cluster(w);
	(void)snprintf(w->name, sizeof(w->name), "waconn_test_%d", (int)getpid());
	(void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s", w->name);
	world_admin(w, sql);
	(void)snprintf(w->dsn, sizeof(w->dsn), "%s dbname=%s", w->admin_dsn, w->name);
	w->sql = PQconnectdb(w->dsn);
	assert_int_equal(PQstatus(w->sql), CONNECTION_OK);
	PQsetNoticeReceiver(w->sql, world_no_notice, NULL);
	w->base = event_base_new();
	*state = w;
	return 0;
}

UNUSED static void
world_open(struct world *w)
{
	char err[400] = "", sql[300];

	if (store_open(w->base, w->dsn, "test", world_master, &w->store, err, sizeof(err)) < 0)
		fail_msg("store_open: %s", err);
	/* Whatever outlets a test puts in are this daemon's. */
	(void)snprintf(sql, sizeof(sql),
	    "ALTER TABLE outlets ALTER owner SET DEFAULT 'test', ALTER owner_epoch SET DEFAULT "
	    "%lld; "
	    "UPDATE outlets SET owner = DEFAULT, owner_epoch = DEFAULT",
	    (long long)w->store.epoch);
	(void)world_sql(w, sql);
}

UNUSED static int
world_setup_store(void **state)
{
	(void)world_setup(state);
	world_open(*state);
	return 0;
}

UNUSED static int
world_teardown(void **state)
{
	struct world *w = *state;
	char command[200];

	if (w->store.db != NULL)
		store_close(&w->store);
	event_base_free(w->base);
	PQclear(w->last);
	PQfinish(w->sql);
	(void)snprintf(command, sizeof(command), "DROP DATABASE %s WITH (FORCE)", w->name);
	world_admin(w, command);
	if (w->cluster[0] != '\0') {
		(void)snprintf(command, sizeof(command),
		    "tests/postgres.sh stop %s 2>/dev/null && rm -rf %s", w->cluster, w->cluster);
		assert_int_equal(pclose(popen(command, "r")), 0);
	}
	free(w);
	return 0;
}

static void
world_on_timeout(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	*(bool *)arg = true;
}

/* Turns the loop until *done, and fails after WAIT_MS. */
UNUSED static void
world_until(struct world *w, const bool *done)
{
	bool late = false;
	struct event *ev = event_new(w->base, -1, 0, world_on_timeout, &late);
	const struct timeval tv = {WAIT_MS / 1000, 0};

	event_add(ev, &tv);
	while (!*done && !late)
		event_base_loop(w->base, EVLOOP_ONCE);
	event_free(ev);
	if (!*done)
		fail_msg("it did not happen within %d ms", WAIT_MS);
}

/* Ends the server's side of all of the store's connections. */
UNUSED static int
world_cut(struct world *w)
{
	return (int)strtol(
	    world_sql(w, "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
			 "WHERE datname = current_database() AND pid <> pg_backend_pid() "
			 "AND backend_type = 'client backend'"),
	    NULL, 10);
}

struct world_committed {
	bool done;
	int err;
};

UNUSED static void
world_on_committed(void *arg, int err)
{
	struct world_committed *c = arg;

	c->done = true;
	c->err = err;
}

/* A commit of everything that is waited for: its error. */
UNUSED static int
world_commit(struct world *w)
{
	struct world_committed c = {0};

	batch_commit(w->store.batch, world_on_committed, &c);
	assert_false(c.done);
	world_until(w, &c.done);
	return c.err;
}

#endif
