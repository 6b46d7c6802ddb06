/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * db: PostgreSQL for the event loop: asynchronous connections in pipeline mode, prepared statements
 * by name.
 *
 * Statements live in store/sql/NOUN.sql, each behind a line "-- name: NOUN_VERB" and comments on
 * locks and the index it uses; they are embedded at build time (build/gen/sql.h has an enum value
 * SQL_NOUN_VERB for each) and prepared once a connection. A lost connection fails what was under
 * way with DB_E_LOST and is made again with back-off. Nothing here knows what the statements mean.
 */
#ifndef STORE_DB_H
#define STORE_DB_H

#include <event2/event.h>
#include <libpq-fe.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sql.h"

enum db_error {
	DB_OK = 0,
	DB_E_DOWN = -1,	    /* no connection: nothing was sent */
	DB_E_LOST = -2,	    /* broke while waiting: done or not, nobody knows */
	DB_E_CONFLICT = -3, /* unique, foreign key, check, serialisation or the fence:
			       PQresultErrorField has the constraint */
	DB_E_SQL = -4,	    /* any other error of the statement */
	DB_E_DEADLINE = -5,
	DB_E_FULL = -6 /* too many waiting */
};
const char *db_error_text(enum db_error error);

struct db;

/* Text parameters; NULL is SQL's NULL. Binary ones (bytea) by db_param_bytes. Copied by db_query.
 */
struct db_param {
	const char *text;
	const void *bytes;
	size_t len; /* of bytes */
};
#define DB_TEXT(s) ((struct db_param){.text = (s)})
#define DB_BYTES(p, n) ((struct db_param){.bytes = (p), .len = (n)})

/* `result` is valid during the call, NULL unless DB_OK or DB_E_CONFLICT. */
typedef void (*db_cb)(void *arg, enum db_error error, const PGresult *result);

/* Connects in the background to `dsn` with n query connections and one for write batches. */
struct db *db_new(struct event_base *base, const char *dsn, unsigned connections);
void db_free(struct db **db); /* callbacks of what is under way do not come */
/* Before the loop runs: what the server shows of our sessions ("waconnd@NAME"). */
void db_set_name(struct db *db, const char *name);
bool db_up(const struct db *db);
void db_on_state(struct db *db, void (*cb)(void *arg, bool up), void *arg);
/* One statement on any query connection. Returns a ticket for db_forget; the callback never comes
 * from inside the call. */
uint64_t db_query(struct db *db, enum sql_id statement, const struct db_param *params, size_t n,
    db_cb cb, void *arg);
/* A read that waits for the database, however long it is away: DB_OK, or an error of the statement.
 * The caller bounds how many there are. */
uint64_t db_read(struct db *db, enum sql_id statement, const struct db_param *params, size_t n,
    db_cb cb, void *arg);
/* The statements in one transaction, each with its parameters; cb once, with the last result that
 * has rows or DB_OK. All or nothing. */
struct db_step {
	enum sql_id statement;
	const struct db_param *params;
	size_t n;
};
uint64_t db_transaction(struct db *db, const struct db_step *steps, size_t n, db_cb cb, void *arg);
/* The same as db_query on a connection that nothing slow stands before (leases, hints, what other
 * daemons ask); it fails at once when that one is not there. */
uint64_t db_urgent(struct db *db, enum sql_id statement, const struct db_param *params, size_t n,
    db_cb cb, void *arg);
/* That connection listens, too: the payloads of NOTIFY waconn come here, and "" when it was made
 * anew: what was said meanwhile is lost. Delivered by the loop. */
void db_on_notify(struct db *db, void (*cb)(void *arg, const char *payload), void *arg);
/* The callback of this ticket will not come; the statement may still be done. */
void db_forget(struct db *db, uint64_t ticket);

#endif
