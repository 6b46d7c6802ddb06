/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The queue in front of the connections: copies parameters, chooses a connection, keeps tickets and
 * deadlines, and delivers results from an event of its own, so that a callback never runs inside a
 * call or inside a connection's work.
 */
#include "waconnd/store/db.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/xalloc.h"
#include "waconnd/store/db_internal.h"

struct db {
	struct event *ev_deliver;
	struct event *ev_tick;
	struct db_connection **queries;
	unsigned n_queries;
	struct db_connection *batch, *urgent;
	char *name;
	char *notifies[DB_NOTIFIES_MAX]; /* come and not delivered */
	size_t n_notifies;
	void (*on_notify)(void *arg, const char *payload);
	void *on_notify_arg;
	struct db_jobs waiting, done;
	struct db_jobs patient; /* failed, for when the database is back */
	size_t n_waiting, waiting_bytes;
	uint64_t last_ticket;
	bool told_up, told_batch;
	void (*on_state)(void *arg, bool up);
	void *on_state_arg;
	void (*on_batch)(void *arg);
	void *on_batch_arg;
};

const char *
db_error_text(enum db_error error)
{
	static const char *const texts[] = {
	    [-DB_OK] = "done",
	    [-DB_E_DOWN] = "the database cannot be reached",
	    [-DB_E_LOST] = "the connection to the database broke",
	    [-DB_E_CONFLICT] = "it conflicts with what is stored",
	    [-DB_E_SQL] = "the database refused the statement",
	    [-DB_E_DEADLINE] = "the database did not answer in time",
	    [-DB_E_FULL] = "too many queries are waiting",
	};

	return texts[-(int)error];
}

/* -- jobs --------------------------------------------------------------------- */

static void
step_copy(struct db_job_step *to, const struct db_param *params, size_t n, size_t *bytes)
{
	to->n = (int)n;
	to->values = xcalloc(n + 1, sizeof(*to->values));
	to->lengths = xcalloc(n + 1, sizeof(*to->lengths));
	to->formats = xcalloc(n + 1, sizeof(*to->formats));
	for (size_t i = 0; i < n; i++) {
		const struct db_param *p = &params[i];

		if (p->bytes != NULL) {
			to->values[i] = xmemdup(p->bytes, p->len);
			to->lengths[i] = (int)p->len;
			to->formats[i] = 1;
			*bytes += p->len;
		} else if (p->text != NULL) {
			to->values[i] = xstrdup(p->text);
			*bytes += strlen(p->text);
		}
	}
}

static struct db_job *
job_new(struct db *db, const struct db_step *steps, size_t n, db_cb cb, void *arg)
{
	struct db_job *job = xcalloc(1, sizeof(*job));

	job->ticket = ++db->last_ticket;
	job->cb = cb;
	job->arg = arg;
	job->deadline_ms = clock_monotonic_ms() + DB_DEADLINE_MS;
	job->bytes = sizeof(*job);
	job->n_steps = n;
	job->steps = xcalloc(n, sizeof(*job->steps));
	for (size_t i = 0; i < n; i++) {
		job->steps[i].statement = steps[i].statement;
		step_copy(&job->steps[i], steps[i].params, steps[i].n, &job->bytes);
	}
	return job;
}

void
db_job_free(struct db_job *job)
{
	for (size_t i = 0; i < job->n_steps; i++) {
		struct db_job_step *s = &job->steps[i];

		for (int k = 0; k < s->n; k++) {
			char *value;

			/* libpq wants an array of const; the strings are ours. */
			memcpy(&value, &s->values[k], sizeof(value));
			free(value);
		}
		free(s->values);
		free(s->lengths);
		free(s->formats);
	}
	free(job->steps);
	PQclear(job->result);
	free(job);
}

void
db_job_done(struct db *db, struct db_job *take_job, enum db_error error, PGresult *take_result)
{
	take_job->error = error;
	take_job->result = take_result;
	TAILQ_INSERT_TAIL(&db->done, take_job, entry);
	event_active(db->ev_deliver, EV_TIMEOUT, 0);
}

static struct db_job *
waiting_pop(struct db *db)
{
	struct db_job *job = TAILQ_FIRST(&db->waiting);

	TAILQ_REMOVE(&db->waiting, job, entry);
	db->n_waiting--;
	db->waiting_bytes -= job->bytes;
	return job;
}

static void
waiting_push(struct db *db, struct db_job *job)
{
	TAILQ_INSERT_TAIL(&db->waiting, job, entry);
	db->n_waiting++;
	db->waiting_bytes += job->bytes;
}

/* -- patience ------------------------------------------------------------------ */

static bool
is_passing(enum db_error error)
{
	return error == DB_E_DOWN || error == DB_E_LOST || error == DB_E_DEADLINE ||
	       error == DB_E_FULL;
}

/* It is not over yet: true, and the job is kept. */
static bool
keep_patient(struct db *db, struct db_job *job)
{
	if (!job->patient || job->cb == NULL || !is_passing(job->error))
		return false;
	PQclear(job->result);
	job->result = NULL;
	TAILQ_INSERT_TAIL(&db->patient, job, entry);
	return true;
}

static void
ask_patient(struct db *db)
{
	struct db_job *job;

	while ((job = TAILQ_FIRST(&db->patient)) != NULL && db->n_waiting < DB_WAITING_MAX) {
		TAILQ_REMOVE(&db->patient, job, entry);
		job->deadline_ms = clock_monotonic_ms() + DB_DEADLINE_MS;
		waiting_push(db, job);
	}
}

/* -- connections ---------------------------------------------------------------- */

bool
db_up(const struct db *db)
{
	for (unsigned i = 0; i < db->n_queries; i++) {
		if (db_connection_ready(db->queries[i]))
			return true;
	}
	return false;
}

/* No connection, and not merely because one is being made again: waiting would be in vain. */
static bool
is_down(const struct db *db)
{
	for (unsigned i = 0; i < db->n_queries; i++) {
		if (db_connection_ready(db->queries[i]) || !db_connection_failing(db->queries[i]))
			return false;
	}
	return true;
}

static struct db_connection *
least_loaded(const struct db *db)
{
	struct db_connection *best = NULL;
	unsigned best_load = DB_PIPELINE_MAX;

	for (unsigned i = 0; i < db->n_queries; i++) {
		struct db_connection *c = db->queries[i];

		if (db_connection_ready(c) && db_connection_load(c) < best_load) {
			best = c;
			best_load = db_connection_load(c);
		}
	}
	return best;
}

static void
dispatch(struct db *db)
{
	struct db_connection *c;

	while (!TAILQ_EMPTY(&db->waiting) && (c = least_loaded(db)) != NULL)
		db_connection_send(c, waiting_pop(db));
	if (!TAILQ_EMPTY(&db->waiting) && is_down(db)) {
		while (!TAILQ_EMPTY(&db->waiting))
			db_job_done(db, waiting_pop(db), DB_E_DOWN, NULL);
	}
}

void
db_connection_changed(struct db *db)
{
	event_active(db->ev_deliver, EV_TIMEOUT, 0);
}

static void
tell_states(struct db *db)
{
	bool up = db_up(db), batch = db_connection_ready(db->batch);

	if (up != db->told_up) {
		db->told_up = up;
		if (up)
			ask_patient(db);
		if (db->on_state != NULL)
			db->on_state(db->on_state_arg, up);
	}
	if (batch != db->told_batch) {
		db->told_batch = batch;
		if (batch && db->on_batch != NULL)
			db->on_batch(db->on_batch_arg);
	}
}

/* Hints only: what is too much is lost, and "" says so. */
void
db_notified(struct db *db, const char *payload)
{
	if (db->n_notifies == DB_NOTIFIES_MAX) {
		free(db->notifies[DB_NOTIFIES_MAX - 1]);
		db->notifies[DB_NOTIFIES_MAX - 1] = xstrdup("");
		return;
	}
	db->notifies[db->n_notifies++] = xstrdup(payload);
	event_active(db->ev_deliver, EV_TIMEOUT, 0);
}

static void
tell_notifies(struct db *db)
{
	char *told[DB_NOTIFIES_MAX];
	const size_t n = db->n_notifies;

	memcpy(told, db->notifies, n * sizeof(told[0]));
	db->n_notifies = 0;
	for (size_t i = 0; i < n; i++) {
		if (db->on_notify != NULL)
			db->on_notify(db->on_notify_arg, told[i]);
		free(told[i]);
	}
}

static void
on_deliver(evutil_socket_t fd, short what, void *arg)
{
	struct db *db = arg;
	struct db_job *job;
	size_t n = 0;

	(void)fd;
	(void)what;
	tell_states(db);
	dispatch(db);
	tell_notifies(db);
	/* What callbacks add is delivered in the next turn. */
	TAILQ_FOREACH(job, &db->done, entry)
	n++;
	while (n-- > 0) {
		bool shows;

		job = TAILQ_FIRST(&db->done);
		shows = job->error == DB_OK || job->error == DB_E_CONFLICT || job->sees_errors;
		TAILQ_REMOVE(&db->done, job, entry);
		if (keep_patient(db, job))
			continue;
		if (job->cb != NULL)
			job->cb(job->arg, job->error, shows ? job->result : NULL);
		db_job_free(job);
	}
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct db *db = arg;
	int64_t now = clock_monotonic_ms();

	(void)fd;
	(void)what;
	if (db_up(db)) {
		ask_patient(db);
		dispatch(db);
	}
	/* In order of arrival, so in order of deadline. */
	while (!TAILQ_EMPTY(&db->waiting) && TAILQ_FIRST(&db->waiting)->deadline_ms <= now)
		db_job_done(db, waiting_pop(db), DB_E_DEADLINE, NULL);
	for (unsigned i = 0; i < db->n_queries; i++)
		db_connection_check_deadline(db->queries[i], now);
	db_connection_check_deadline(db->batch, now);
	db_connection_check_deadline(db->urgent, now);
}

/* -- outside ---------------------------------------------------------------------- */

struct db *
db_new(struct event_base *base, const char *dsn, unsigned connections)
{
	struct db *db = xcalloc(1, sizeof(*db));
	const struct timeval second = {1, 0};

	TAILQ_INIT(&db->waiting);
	TAILQ_INIT(&db->patient);
	TAILQ_INIT(&db->done);
	db->ev_deliver = event_new(base, -1, 0, on_deliver, db);
	db->ev_tick = event_new(base, -1, EV_PERSIST, on_tick, db);
	if (db->ev_deliver == NULL || db->ev_tick == NULL)
		abort();
	event_add(db->ev_tick, &second);
	db->n_queries = connections;
	db->queries = xcalloc(connections, sizeof(struct db_connection *));
	for (unsigned i = 0; i < connections; i++)
		db->queries[i] = db_connection_new(db, base, dsn, DB_QUERY);
	db->batch = db_connection_new(db, base, dsn, DB_BATCH);
	db->urgent = db_connection_new(db, base, dsn, DB_URGENT);
	db->name = xstrdup("");
	return db;
}

static void
jobs_free(struct db_jobs *jobs)
{
	struct db_job *job;

	while ((job = TAILQ_FIRST(jobs)) != NULL) {
		TAILQ_REMOVE(jobs, job, entry);
		db_job_free(job);
	}
}

void
db_free(struct db **dbp)
{
	struct db *db = *dbp;

	if (db == NULL)
		return;
	for (unsigned i = 0; i < db->n_queries; i++)
		db_connection_free(&db->queries[i]);
	db_connection_free(&db->batch);
	db_connection_free(&db->urgent);
	while (db->n_notifies > 0)
		free(db->notifies[--db->n_notifies]);
	free(db->name);
	free(db->queries);
	jobs_free(&db->waiting);
	jobs_free(&db->patient);
	jobs_free(&db->done);
	event_free(db->ev_deliver);
	event_free(db->ev_tick);
	free(db);
	*dbp = NULL;
}

void
db_set_name(struct db *db, const char *name)
{
	free(db->name);
	db->name = xstrdup(name);
}

const char *
db_name(const struct db *db)
{
	return db->name;
}

void
db_on_notify(struct db *db, void (*cb)(void *arg, const char *payload), void *arg)
{
	db->on_notify = cb;
	db->on_notify_arg = arg;
}

void
db_on_state(struct db *db, void (*cb)(void *arg, bool up), void *arg)
{
	db->on_state = cb;
	db->on_state_arg = arg;
}

static uint64_t
ask(struct db *db, struct db_job *job)
{
	const uint64_t ticket = job->ticket;

	if (db->n_waiting >= DB_WAITING_MAX ||
	    db->waiting_bytes + job->bytes > DB_WAITING_BYTES_MAX) {
		db_job_done(db, job, DB_E_FULL, NULL);
		return ticket;
	}
	waiting_push(db, job);
	dispatch(db);
	return ticket;
}

uint64_t
db_transaction(struct db *db, const struct db_step *steps, size_t n, db_cb cb, void *arg)
{
	return ask(db, job_new(db, steps, n, cb, arg));
}

uint64_t
db_read(struct db *db, enum sql_id statement, const struct db_param *params, size_t n, db_cb cb,
    void *arg)
{
	const struct db_step step = {statement, params, n};
	struct db_job *job = job_new(db, &step, 1, cb, arg);

	job->patient = true;
	return ask(db, job);
}

uint64_t
db_query(struct db *db, enum sql_id statement, const struct db_param *params, size_t n, db_cb cb,
    void *arg)
{
	const struct db_step step = {statement, params, n};

	return db_transaction(db, &step, 1, cb, arg);
}

uint64_t
db_urgent(struct db *db, enum sql_id statement, const struct db_param *params, size_t n, db_cb cb,
    void *arg)
{
	const struct db_step step = {statement, params, n};
	struct db_job *job = job_new(db, &step, 1, cb, arg);
	const uint64_t ticket = job->ticket;

	job->deadline_ms = clock_monotonic_ms() + DB_URGENT_DEADLINE_MS;
	if (!db_connection_ready(db->urgent))
		db_job_done(db, job, DB_E_DOWN, NULL);
	else if (db_connection_load(db->urgent) >= DB_PIPELINE_MAX)
		db_job_done(db, job, DB_E_FULL, NULL);
	else
		db_connection_send(db->urgent, job);
	return ticket;
}

static struct db_job *
find(struct db_jobs *jobs, uint64_t ticket)
{
	struct db_job *job;

	TAILQ_FOREACH(job, jobs, entry)
	{
		if (job->ticket == ticket)
			return job;
	}
	return NULL;
}

void
db_forget(struct db *db, uint64_t ticket)
{
	struct db_job *job = find(&db->waiting, ticket);

	if (job == NULL)
		job = find(&db->done, ticket);
	if (job == NULL)
		job = find(&db->patient, ticket);
	for (unsigned i = 0; job == NULL && i < db->n_queries; i++)
		job = db_connection_find(db->queries[i], ticket);
	if (job == NULL)
		job = db_connection_find(db->urgent, ticket);
	if (job != NULL)
		job->cb = NULL;
}

bool
db_batch_ready(const struct db *db)
{
	return db_connection_ready(db->batch);
}

void
db_batch_on_ready(struct db *db, void (*cb)(void *arg), void *arg)
{
	db->on_batch = cb;
	db->on_batch_arg = arg;
}

void
db_batch_send(struct db *db, const struct db_step *steps, size_t n, db_cb cb, void *arg)
{
	struct db_job *job = job_new(db, steps, n, cb, arg);

	job->sees_errors = true;
	if (db_batch_ready(db))
		db_connection_send(db->batch, job);
	else
		db_job_done(db, job, DB_E_LOST, NULL);
}
