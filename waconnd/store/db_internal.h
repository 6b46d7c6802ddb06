/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * db_internal: what db.c (queue, tickets, delivery) and db_connection.c (one connection) share, and
 * the batch's own door.
 */
#ifndef STORE_DB_INTERNAL_H
#define STORE_DB_INTERNAL_H

#include <sys/queue.h>

#include "waconnd/store/db.h"

#define DB_PIPELINE_MAX 16		 /* statements under way on one query connection */
#define DB_LOAD_BYTES (64u << 10)	 /* of parameters that count as one more statement */
#define DB_WAITING_MAX 10000		 /* statements that wait for a connection */
#define DB_WAITING_BYTES_MAX (64u << 20) /* … and their parameters */
#define DB_DEADLINE_MS 30000
#define DB_URGENT_DEADLINE_MS 8000
#define DB_NOTIFIES_MAX 256
#define DB_STATEMENT_TIMEOUT_MS "25000" /* the server gives up before we do */
#define DB_CONNECT_MS 10000
#define DB_CONNECT_HOST_MS 4000 /* where there are others to try */
#define DB_BACKOFF_MIN_MS 100
#define DB_BACKOFF_MAX_MS 5000

struct db_connection;

struct db_job_step {
	enum sql_id statement;
	int n;
	const char **values;
	int *lengths;
	int *formats;
};

/* One query or transaction: waiting, then under way on a connection, then done. Always in exactly
 * one list. */
struct db_job {
	TAILQ_ENTRY(db_job) entry;
	uint64_t ticket;
	db_cb cb; /* NULL: forgotten */
	void *arg;
	bool sees_errors;    /* the callback gets the result of any error */
	bool patient;	     /* asked again until the database answers */
	int64_t deadline_ms; /* monotonic */
	size_t bytes;
	size_t n_steps;
	struct db_job_step *steps;
	enum db_error error;
	PGresult *result;
};
TAILQ_HEAD(db_jobs, db_job);

/* -- db_connection.c -- */
enum db_role { DB_QUERY, DB_BATCH, DB_URGENT };
struct db_connection *db_connection_new(
    struct db *db, struct event_base *base, const char *dsn, enum db_role role);
void db_connection_free(struct db_connection **c);
bool db_connection_ready(const struct db_connection *c);
bool db_connection_failing(const struct db_connection *c);  /* its last attempt to connect failed */
unsigned db_connection_load(const struct db_connection *c); /* statements under way, big
							      ones more than once */
void db_connection_send(struct db_connection *c, struct db_job *take_job);
void db_connection_check_deadline(struct db_connection *c, int64_t now_ms);
struct db_job *db_connection_find(struct db_connection *c, uint64_t ticket);

/* -- db.c, called by connections; nothing of the user's runs inside -- */
void db_job_done(
    struct db *db, struct db_job *take_job, enum db_error error, PGresult *take_result);
void db_job_free(struct db_job *job);
void db_notified(struct db *db, const char *payload);
const char *db_name(const struct db *db);
void db_connection_changed(struct db *db); /* one came up, went down, or has room again */

/* -- the batch's connection -- */
bool db_batch_ready(const struct db *db);
void db_batch_on_ready(struct db *db, void (*cb)(void *arg), void *arg);
/* One transaction; the result comes with any error. Not ready: DB_E_LOST. */
void db_batch_send(struct db *db, const struct db_step *steps, size_t n, db_cb cb, void *arg);

#endif
