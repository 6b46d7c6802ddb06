/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The group commit: gathers rows into groups, sends the oldest group as one transaction, decides
 * what an error means, and calls back. Groups are committed in the order in which they were filled.
 * Knows no SQL text (batch_steps.c), and not what the rows say (batch_rows.c).
 */
#include "waconnd/store/batch.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/store/batch_private.h"
#include "waconnd/store/db_internal.h"

#define GROUP_ROWS_MAX 500
#define GATHER_MS 3
#define RETRY_MS 250
#define FENCED_STATE "WF001" /* instance_fence in schema.sql */

static void
arm(struct event *ev, int64_t ms)
{
	const struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	event_add(ev, &tv);
}

struct batch_group *
batch_filling(struct batch *b)
{
	return TAILQ_LAST(&b->groups, batch_groups);
}

static void
open_group(struct batch *b)
{
	struct batch_group *g = batch_group_new();

	TAILQ_INSERT_TAIL(&b->groups, g, entry);
}

/* -- sending -------------------------------------------------------------------- */

static void on_written(void *arg, enum db_error error, const PGresult *result);

static bool
has_work(const struct batch_group *g)
{
	return g->n_rows > 0 || !TAILQ_EMPTY(&g->commits);
}

static void
send_first(struct batch *b)
{
	struct batch_steps *st = xcalloc(1, sizeof(*st));

	batch_steps_build(st, TAILQ_FIRST(&b->groups), b->parts != NULL ? b->parts[b->part] : NULL,
	    b->instance, b->epoch);
	b->flying = true;
	b->sent_us = clock_monotonic_us();
	db_batch_send(b->db, st->steps, st->n, on_written, b);
	batch_steps_done(st);
	free(st);
	FAULT_POINT("batch.sent");
}

/* Moves of messages bear no outlet (the part ""): where they are refused, nobody's are on disk, and
 * no outlet may send what they speak of. */
static bool
parts_refused(const struct batch *b, const char *outlet)
{
	for (size_t i = 0; i < b->n_parts; i++) {
		const char *part = b->parts[i];

		if (b->refused[i] &&
		    (outlet == NULL || part[0] == '\0' || strcmp(outlet, part) == 0))
			return true;
	}
	return false;
}

static void
forget_parts(struct batch *b)
{
	for (size_t i = 0; i < b->n_parts; i++)
		free(b->parts[i]);
	free(b->parts);
	free(b->refused);
	b->parts = NULL;
	b->refused = NULL;
	b->n_parts = b->part = 0;
}

static void
finish(struct batch *b, struct batch_group *g, bool refused)
{
	struct batch_commit *commit;

	TAILQ_REMOVE(&b->groups, g, entry);
	b->bytes -= g->bytes;
	while ((commit = TAILQ_FIRST(&g->commits)) != NULL) {
		TAILQ_REMOVE(&g->commits, commit, entry);
		commit->err = refused || parts_refused(b, commit->outlet) ? -1 : 0;
		TAILQ_INSERT_TAIL(&b->done, commit, entry);
	}
	batch_group_free(&g);
	if (TAILQ_EMPTY(&b->groups))
		open_group(b);
}

/* The first group is through, one way or the other: its callbacks are due. */
static void
finish_first(struct batch *b)
{
	finish(b, TAILQ_FIRST(&b->groups), b->fenced);
	forget_parts(b);
}

static void
call_back(struct batch *b)
{
	struct batch_commit *commit;
	size_t n = 0;

	/* What callbacks ask for is for later. */
	TAILQ_FOREACH(commit, &b->done, entry)
	n++;
	while (n-- > 0) {
		commit = TAILQ_FIRST(&b->done);
		TAILQ_REMOVE(&b->done, commit, entry);
		if (commit->cb != NULL) {
			LIST_REMOVE(commit, by_arg);
			commit->cb(commit->arg, commit->err);
		}
		free(commit->outlet);
		free(commit);
	}
}

static void
drop_all(struct batch *b)
{
	do {
		finish_first(b);
	} while (has_work(TAILQ_FIRST(&b->groups)));
}

static void
on_kick(evutil_socket_t fd, short what, void *arg)
{
	struct batch *b = arg;
	struct batch_group *first;

	(void)fd;
	(void)what;
	/* What was just refused waits, whoever adds more meanwhile. */
	while (!b->flying && !event_pending(b->ev_retry, EV_TIMEOUT, NULL) &&
	       has_work(first = TAILQ_FIRST(&b->groups))) {
		if (b->fenced) {
			drop_all(b);
			break;
		}
		if (first == batch_filling(b)) {
			if (!b->due)
				break;
			open_group(b);
			b->due = false;
			event_del(b->ev_gather);
		}
		if (first->n_rows == 0)
			finish_first(b);
		else if (db_batch_ready(b->db))
			send_first(b);
		else
			break;
	}
	call_back(b);
}

static void
kick(struct batch *b)
{
	event_active(b->ev_kick, EV_TIMEOUT, 0);
}

static void
on_gathered(evutil_socket_t fd, short what, void *arg)
{
	struct batch *b = arg;

	(void)fd;
	(void)what;
	b->due = true;
	kick(b);
}

static void
on_ready(void *arg)
{
	struct batch *b = arg;

	event_del(b->ev_retry);
	kick(b);
}

/* -- what an error means ------------------------------------------------------------ */

static const char *
state_of(const PGresult *result)
{
	const char *state = result != NULL ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;

	return state != NULL ? state : "";
}

/* The same again may work: the connection, resources, a deadlock, a server that only reads at the
 * moment; a statement that the server has forgotten (26), or whose tables were changed under it
 * (0A), which is then prepared anew. */
static bool
is_passing(enum db_error error, const char *state)
{
	static const char *const prefixes[] = {
	    "40", "53", "55", "57", "25", "58", "26000", "0A000"};

	if (error == DB_E_DOWN || error == DB_E_LOST || error == DB_E_DEADLINE ||
	    error == DB_E_FULL)
		return true;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (strncmp(state, prefixes[i], strlen(prefixes[i])) == 0)
			return true;
	}
	return false;
}

static void
next_part(struct batch *b)
{
	if (++b->part < b->n_parts)
		send_first(b);
	else
		finish_first(b);
}

/* SQL will never take this group as it is: find out whose rows it will not take. */
static void
split_first(struct batch *b, const char *state)
{
	if (b->parts == NULL) {
		b->parts = batch_group_outlets(TAILQ_FIRST(&b->groups), &b->n_parts);
		b->refused = xcalloc(b->n_parts + 1, sizeof(*b->refused));
		b->part = 0;
		if (b->n_parts > 1) {
			send_first(b);
			return;
		}
	}
	log_error(
	    "batch.refused", LOG_STR("outlet", b->parts[b->part]), LOG_STR("sqlstate", state));
	b->refused[b->part] = true;
	next_part(b);
}

static void
observe(const struct batch *b)
{
	metric_observe(b->commit_seconds, NULL, (double)(clock_monotonic_us() - b->sent_us) / 1e6);
	metric_observe(b->commit_rows, NULL, (double)TAILQ_FIRST(&b->groups)->n_rows);
}

static void
on_written(void *arg, enum db_error error, const PGresult *result)
{
	struct batch *b = arg;
	const char *state = state_of(result);

	FAULT_POINT("batch.answered");
	b->flying = false;
	if (error == DB_OK)
		observe(b);
	if (b->outdated) {
		b->outdated = false;
		finish(b, TAILQ_FIRST(&b->groups), error != DB_OK || b->parts != NULL);
		forget_parts(b);
	} else if (error == DB_OK && b->parts != NULL) {
		next_part(b);
	} else if (error == DB_OK) {
		finish_first(b);
	} else if (strcmp(state, FENCED_STATE) == 0) {
		log_error(
		    "batch.fenced", LOG_STR("instance", b->instance), LOG_INT("epoch", b->epoch));
		b->fenced = true;
		drop_all(b);
		if (b->on_fenced != NULL)
			b->on_fenced(b->on_fenced_arg);
	} else if (is_passing(error, state)) {
		arm(b->ev_retry, RETRY_MS);
		return;
	} else {
		split_first(b, state);
	}
	kick(b);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	struct batch *b = arg;

	(void)fd;
	(void)what;
	/* Not ready: the connection's return kicks. */
	kick(b);
}

/* -- adding -------------------------------------------------------------------------- */

/* A group that is full, or that holds a move of the same message already, is closed. */
void
batch_close_group(struct batch *b)
{
	b->due = false;
	open_group(b);
	kick(b);
}

void
batch_add(struct batch *b, enum batch_kind kind, char *take_ident, const char *outlet,
    const char *const s[BATCH_STRINGS], const int64_t i[BATCH_INTS], const void *bytes, size_t len)
{
	struct batch_row *row;

	if (b->fenced) {
		free(take_ident);
		return;
	}
	if (batch_filling(b)->n_rows >= GROUP_ROWS_MAX)
		batch_close_group(b);
	row = batch_group_add(batch_filling(b), kind, take_ident, outlet, s, i, bytes, len);
	b->bytes += row->size;
	if (!b->due && !event_pending(b->ev_gather, EV_TIMEOUT, NULL))
		arm(b->ev_gather, GATHER_MS);
}

void
batch_remove(struct batch *b, struct batch_row *row)
{
	b->bytes -= row->size;
	batch_group_remove(batch_filling(b), row);
}

/* The row of this identity in the group being filled gives way to the one that follows. */
void
batch_replace(struct batch *b, const char *ident)
{
	struct batch_row *row = batch_group_find(batch_filling(b), ident);

	if (row != NULL)
		batch_remove(b, row);
}

/* Addresses of what is allocated differ above their lowest bits. */
static size_t
commit_bucket(const void *arg)
{
	return (uintptr_t)arg / 16 * 2654435761u / 64 % BATCH_COMMIT_BUCKETS;
}

static void
commit(struct batch *b, const char *outlet, keydb_commit_cb cb, void *arg)
{
	struct batch_commit *c = xcalloc(1, sizeof(*c));

	c->outlet = outlet != NULL ? xstrdup(outlet) : NULL;
	c->cb = cb;
	c->arg = arg;
	TAILQ_INSERT_TAIL(&batch_filling(b)->commits, c, entry);
	if (cb != NULL)
		LIST_INSERT_HEAD(&b->by_arg[commit_bucket(arg)], c, by_arg);
	b->due = true;
	kick(b);
}

void
batch_commit(struct batch *b, keydb_commit_cb cb, void *arg)
{
	commit(b, NULL, cb, arg);
}

void
batch_commit_outlet(struct batch *b, const char *outlet, keydb_commit_cb cb, void *arg)
{
	commit(b, outlet, cb, arg);
}

void
batch_forget(struct batch *b, void *arg)
{
	struct batch_commit *c, *next;

	for (c = LIST_FIRST(&b->by_arg[commit_bucket(arg)]); c != NULL; c = next) {
		next = LIST_NEXT(c, by_arg);
		if (c->arg != arg)
			continue;
		LIST_REMOVE(c, by_arg);
		c->cb = NULL;
	}
}

/* -- birth and end --------------------------------------------------------------------- */

struct batch *
batch_new(struct event_base *base, struct db *db, struct seal *seal)
{
	struct batch *b = xcalloc(1, sizeof(*b));

	b->base = base;
	b->db = db;
	b->seal = seal;
	b->ev_kick = event_new(base, -1, 0, on_kick, b);
	b->ev_gather = event_new(base, -1, 0, on_gathered, b);
	b->ev_retry = event_new(base, -1, 0, on_retry, b);
	if (b->ev_kick == NULL || b->ev_gather == NULL || b->ev_retry == NULL)
		abort();
	TAILQ_INIT(&b->groups);
	TAILQ_INIT(&b->done);
	open_group(b);
	db_batch_on_ready(db, on_ready, b);
	return b;
}

void
batch_free(struct batch **bp)
{
	struct batch *b = *bp;
	struct batch_group *g;
	struct batch_commit *c;

	if (b == NULL)
		return;
	db_batch_on_ready(b->db, NULL, NULL);
	while ((g = TAILQ_FIRST(&b->groups)) != NULL) {
		TAILQ_REMOVE(&b->groups, g, entry);
		batch_group_free(&g);
	}
	while ((c = TAILQ_FIRST(&b->done)) != NULL) {
		TAILQ_REMOVE(&b->done, c, entry);
		free(c->outlet);
		free(c);
	}
	forget_parts(b);
	event_free(b->ev_kick);
	event_free(b->ev_gather);
	event_free(b->ev_retry);
	free(b->instance);
	free(b);
	*bp = NULL;
}

void
batch_set_fence(struct batch *b, const char *instance, int64_t epoch)
{
	free(b->instance);
	b->instance = xstrdup(instance);
	b->epoch = epoch;
}

void
batch_rejoin(struct batch *b, int64_t epoch)
{
	struct batch_group *g, *next;

	event_del(b->ev_gather);
	event_del(b->ev_retry);
	b->outdated = b->flying;
	g = TAILQ_FIRST(&b->groups);
	if (b->flying)
		g = TAILQ_NEXT(g, entry);
	else
		forget_parts(b);
	for (; g != NULL; g = next) {
		next = TAILQ_NEXT(g, entry);
		finish(b, g, true);
	}
	/* What flies must not be filled further. */
	if (b->flying)
		open_group(b);
	b->due = false;
	b->fenced = false;
	b->epoch = epoch;
	kick(b);
}

void
batch_on_fenced(struct batch *b, void (*cb)(void *arg), void *arg)
{
	b->on_fenced = cb;
	b->on_fenced_arg = arg;
}

void
batch_measure(struct batch *b, struct metrics *metrics)
{
	static const double rows[] = {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000};

	b->commit_seconds = metrics_seconds(
	    metrics, "waconn_commit_seconds", "From sending a write batch to its commit.", NULL);
	b->commit_rows = metrics_histogram(metrics, "waconn_commit_rows",
	    "Rows of a write batch: how much one fsync carries.", NULL, rows,
	    sizeof(rows) / sizeof(rows[0]));
}

bool
batch_full(const struct batch *b)
{
	return b->bytes >= BATCH_BYTES_MAX;
}
