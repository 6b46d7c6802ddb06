/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The engine over all queues: hands hints and answers to the queue they concern, and every five
 * seconds asks the database what is really there: schedules that are due, blasts that have expired,
 * outlets with work. It sends nothing itself.
 */
#include "waconnd/blast/blast.h"

#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/blast/queue.h"

#define SWEEP_S 5
#define FLUSH_US 500000

static void
on_ready(void *arg, struct outlet *o)
{
	queue_kick(queue_of(arg, o));
}

static void
on_sent(void *arg, struct outlet *o, void *send_arg, enum link_sent result, unsigned code)
{
	(void)arg;
	(void)o;
	queue_sent(send_arg, result, code);
}

static void
on_restriction(void *arg, struct outlet *o)
{
	struct blasts *b = arg;

	if (!b->stopped)
		queue_restriction(queue_of(b, o));
}

static void
on_removed(void *arg, struct outlet *o)
{
	struct blasts *b = arg;
	struct queue *q = outlet_queue(o);

	queue_free(&q);
	attachments_drop(b->attachments, o);
}

static void
on_uploaded(void *arg, struct outlet *o, void *upload_arg, enum link_media_result result,
    const struct wa_media_ref *ref, const char *detail)
{
	(void)arg;
	(void)o;
	attachments_uploaded(upload_arg, result, ref, detail);
}

static void
on_attachment(void *arg, struct outlet *o)
{
	queue_opened(queue_of(arg, o));
}

void
blasts_kick(struct blasts *b, struct outlet *o)
{
	struct queue *q;

	if (b->stopped)
		return;
	if (o != NULL) {
		queue_kick(queue_of(b, o));
		return;
	}
	for (size_t i = 0; i < outlets_count(b->outlets); i++)
		if (outlet_link(outlets_at(b->outlets, i)) != NULL)
			queue_kick(queue_of(b, outlets_at(b->outlets, i)));
	LIST_FOREACH(q, &b->queues, entry)
	if (outlet_link(q->o) == NULL)
		queue_drop_waiting(q, false);
}

void
blasts_added(struct blasts *b, struct outlet *o)
{
	struct queue *q;

	if (b->stopped || outlet_link(o) == NULL)
		return;
	q = queue_of(b, o);
	q->dry_until_ms = 0;
	q->want_claim = true;
	queue_work(q);
}

void
blasts_moving(struct blasts *b, struct outlet *o, bool moving)
{
	queue_moving(queue_of(b, o), moving);
}

void
blasts_in_hand(struct blasts *b, struct outlet *o, struct buf *out)
{
	queue_ids_in_hand(queue_of(b, o), out);
}

enum blast_hold
blasts_hold(const struct outlet *o, int64_t now_ms, int64_t *ret_until_ms, const char **ret_reason)
{
	static const char *const reasons[] = {
	    [BLAST_HOLD_NONE] = NULL,
	    [BLAST_HOLD_REACHOUT] = "rejected_463",
	    [BLAST_HOLD_CAPPED] = "rejected_475",
	    [BLAST_HOLD_RATE] = "rate_limited",
	};
	const struct queue *q = outlet_queue(o);
	const bool held = q != NULL && q->held_until_ms > now_ms;
	const enum blast_hold hold = held ? q->hold : BLAST_HOLD_NONE;

	*ret_until_ms = held ? q->held_until_ms : 0;
	*ret_reason = reasons[hold];
	return hold;
}

void
blasts_changed(struct blasts *b, const char *blast)
{
	progress_touch(b, blast);
}

/* As it stands; of another daemon's outlet only its pace is known. */
static const struct pacer *
pacer_of(const struct outlet *o, int64_t *from_ms)
{
	static const struct pacer fresh;
	const struct queue *q = outlet_queue(o);

	if (q != NULL && q->held_until_ms > *from_ms)
		*from_ms = q->held_until_ms;
	return q != NULL && q->history_known ? &q->pacer : &fresh;
}

void
blasts_estimate(const struct outlet *o, const struct outlet_pace *pace, int64_t from_ms, uint64_t n,
    int64_t *ret_starts_ms, int64_t *ret_finishes_ms)
{
	const struct pacer *p = pacer_of(o, &from_ms);

	*ret_starts_ms = pacer_next(p, pace, from_ms);
	*ret_finishes_ms = pacer_estimate(p, pace, from_ms, n);
}

size_t
blasts_stretches(const struct outlet *o, const struct outlet_pace *pace, int64_t from_ms,
    int64_t until_ms, struct pacer_stretch *ret, size_t max)
{
	const struct pacer *p = pacer_of(o, &from_ms);

	return pacer_stretches(p, pace, from_ms, until_ms, ret, max);
}

int64_t
blasts_wait_until(const struct blasts *b, const char *blast, int64_t now_ms)
{
	const struct queue *q;
	int64_t earliest = 0;

	LIST_FOREACH(q, &b->queues, entry)
	{
		for (size_t n = 0; n < q->n_closed; n++) {
			const struct queue_closed *c = &q->closed[n];

			if (strcmp(c->blast, blast) == 0 && c->until_ms > now_ms &&
			    (earliest == 0 || c->until_ms < earliest))
				earliest = c->until_ms;
		}
	}
	return earliest;
}

/* -- the sweep -- */

/* Answers id, status, json. */
static void
on_due(void *arg, enum db_error error, const PGresult *r)
{
	struct blasts *b = arg;

	b->due_ticket = 0;
	if (error != DB_OK || PQntuples(r) == 0)
		return;
	for (int i = 0; i < PQntuples(r); i++) {
		log_info("blast.due", LOG_STR("blast", PQgetvalue(r, i, 0)),
		    LOG_STR("status", PQgetvalue(r, i, 1)));
		progress_touch(b, PQgetvalue(r, i, 0));
	}
	blasts_kick(b, NULL);
}

static void
on_expired(void *arg, enum db_error error, const PGresult *r)
{
	struct blasts *b = arg;

	b->expire_ticket = 0;
	if (error == DB_E_SQL)
		log_error("blast.expire", LOG_STR("error", db_error_text(error)));
	for (int i = 0; error == DB_OK && i < PQntuples(r); i++) {
		log_info("blast.expired", LOG_STR("blast", PQgetvalue(r, i, 0)));
		progress_touch(b, PQgetvalue(r, i, 0));
	}
}

/* What waits in hand is let go of, too. Columns: blast, outlet or NULL, reason. */
static void
on_failing(void *arg, enum db_error error, const PGresult *r)
{
	struct blasts *b = arg;

	b->failing_ticket = 0;
	if (error != DB_OK || PQntuples(r) == 0)
		return;
	for (int i = 0; i < PQntuples(r); i++) {
		log_warn("blast.paused", LOG_STR("blast", PQgetvalue(r, i, 0)),
		    LOG_STR("outlet", PQgetisnull(r, i, 1) ? NULL : PQgetvalue(r, i, 1)),
		    LOG_STR("reason", PQgetvalue(r, i, 2)));
		progress_touch(b, PQgetvalue(r, i, 0));
	}
	blasts_kick(b, NULL);
}

static void
look_for_failing(struct blasts *b)
{
	if (b->failing_ticket == 0)
		b->failing_ticket =
		    db_query(b->store->db, SQL_BLAST_PAUSE_FAILING, NULL, 0, on_failing, b);
}

static void
on_outlets(void *arg, enum db_error error, const PGresult *r)
{
	struct blasts *b = arg;

	b->outlets_ticket = 0;
	if (error != DB_OK || b->stopped)
		return;
	for (int i = 0; i < PQntuples(r); i++) {
		struct outlet *o = outlets_find(b->outlets, PQgetvalue(r, i, 0));
		struct queue *q;

		if (o == NULL || outlet_link(o) == NULL)
			continue;
		q = queue_of(b, o);
		q->want_claim = true;
		queue_work(q);
	}
}

void
blasts_look(struct blasts *b)
{
	if (!b->stopped && b->outlets_ticket == 0)
		b->outlets_ticket =
		    db_query(b->store->db, SQL_QUEUE_OUTLETS, NULL, 0, on_outlets, b);
}

static void
on_running(void *arg, enum db_error error, const PGresult *r)
{
	struct blasts *b = arg;

	b->running_ticket = 0;
	for (int i = 0; error == DB_OK && i < PQntuples(r); i++)
		progress_touch(b, PQgetvalue(r, i, 0));
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	static const struct db_step expiry[] = {
	    {SQL_BLAST_EXPIRE, NULL, 0}, {SQL_BLAST_EXPIRE_QUEUED, NULL, 0}};
	struct blasts *b = arg;
	struct db *db = b->store->db;

	(void)fd;
	(void)what;
	if (b->stopped || !db_up(db))
		return;
	if (b->due_ticket == 0)
		b->due_ticket = db_query(db, SQL_BLAST_START_DUE, NULL, 0, on_due, b);
	if (b->expire_ticket == 0)
		b->expire_ticket = db_transaction(db, expiry, 2, on_expired, b);
	look_for_failing(b);
	blasts_look(b);
	if (b->running_ticket == 0)
		b->running_ticket = db_query(db, SQL_BLAST_RUNNING, NULL, 0, on_running, b);
	progress_sweep(b);
}

/* What its absence held up need not wait for the next sweep. */
static void
on_database(void *arg, bool up)
{
	if (up)
		on_sweep(-1, 0, arg);
}

static void
on_flush(evutil_socket_t fd, short what, void *arg)
{
	struct blasts *b = arg;

	(void)fd;
	(void)what;
	progress_flush(b);
	if (b->looks > 0 && !b->stopped && db_up(b->store->db)) {
		b->looks--;
		look_for_failing(b);
	}
}

/* -- life -- */

struct blasts *
blasts_new(struct event_base *base, struct store *store, struct hub *hub, struct outlets *outlets,
    struct worker *worker)
{
	struct blasts *b = xcalloc(1, sizeof(*b));
	const struct timeval sweep = {.tv_sec = SWEEP_S}, flush = {.tv_usec = FLUSH_US};

	b->base = base;
	b->store = store;
	b->hub = hub;
	b->outlets = outlets;
	LIST_INIT(&b->queues);
	LIST_INIT(&b->progress);
	b->sweep = event_new(base, -1, EV_PERSIST, on_sweep, b);
	b->flush = event_new(base, -1, EV_PERSIST, on_flush, b);
	(void)event_add(b->sweep, &sweep);
	(void)event_add(b->flush, &flush);
	b->attachments = attachments_new(store, worker, on_attachment, b);
	outlets_on_sent(outlets, on_sent, b);
	outlets_on_uploaded(outlets, on_uploaded, b);
	outlets_on_removed(outlets, on_removed, b);
	outlets_on_restriction(outlets, on_restriction, b);
	outlets_on_ready(outlets, on_ready, b);
	db_on_state(store->db, on_database, b);
	return b;
}

static void
forget(struct blasts *b, uint64_t ticket)
{
	if (ticket != 0)
		db_forget(b->store->db, ticket);
}

void
blasts_measure(struct blasts *b, struct metrics *metrics)
{
	b->results = metrics_counter(metrics, "waconn_sends_total",
	    "Attempts to send a message, by what WhatsApp said.", "result");
}

void
blasts_free(struct blasts **bp)
{
	struct blasts *b = *bp;

	if (b == NULL)
		return;
	db_on_state(b->store->db, NULL, NULL);
	outlets_on_ready(b->outlets, NULL, NULL);
	outlets_on_restriction(b->outlets, NULL, NULL);
	outlets_on_sent(b->outlets, NULL, NULL);
	outlets_on_uploaded(b->outlets, NULL, NULL);
	outlets_on_removed(b->outlets, NULL, NULL);
	while (!LIST_EMPTY(&b->queues)) {
		struct queue *q = LIST_FIRST(&b->queues);

		queue_free(&q);
	}
	attachments_free(&b->attachments);
	progress_done(b);
	forget(b, b->due_ticket);
	forget(b, b->expire_ticket);
	forget(b, b->failing_ticket);
	forget(b, b->outlets_ticket);
	forget(b, b->running_ticket);
	event_free(b->sweep);
	event_free(b->flush);
	free(b);
	*bp = NULL;
}

void
blasts_stop(struct blasts *b)
{
	struct queue *q;

	b->stopped = true;
	attachments_stop(b->attachments);
	LIST_FOREACH(q, &b->queues, entry)
	queue_drop_waiting(q, false);
}

bool
blasts_idle_at(const struct blasts *b, const struct outlet *o)
{
	const struct queue *q = outlet_queue(o);

	(void)b;
	return q == NULL || (q->flying == 0 && q->settling == 0);
}

bool
blasts_idle(const struct blasts *b)
{
	const struct queue *q;

	LIST_FOREACH(q, &b->queues, entry)
	if (q->flying > 0 || q->settling > 0)
		return false;
	return true;
}
