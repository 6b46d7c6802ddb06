/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Works one outlet's queue: lets go what may go now, sleeps until the next may, asks for more when
 * its hands are empty. What the link answers is queue_result.c's, what the database answers
 * queue_claim.c's.
 */
#include "waconnd/blast/queue.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "common/rng.h"
#include "common/wa/plain.h"
#include "common/xalloc.h"

#define KEEP_MS 1000 /* an item whose turn is that near stays in hand */
#define HOLD_MS (3600 * 1000LL)
#define HOLD_MAX_MS (24 * HOLD_MS)
#define CLOCK_STEP_MS 1000 /* the wall clock was set, not just kept right */
#define RANDOM_STEPS (1u << 30)

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct queue *q = arg;

	(void)fd;
	(void)what;
	q->want_claim = true;
	queue_work(q);
}

struct queue *
queue_of(struct blasts *b, struct outlet *o)
{
	struct queue *q = outlet_queue(o);

	if (q != NULL)
		return q;
	q = xcalloc(1, sizeof(*q));
	q->b = b;
	q->o = o;
	q->want_claim = true;
	q->clock_ahead_ms = clock_wall_ms() - clock_lease_ms();
	q->restricted = !outlet_may_start_chats(o);
	TAILQ_INIT(&q->items);
	q->timer = evtimer_new(b->base, on_timer, q);
	LIST_INSERT_HEAD(&b->queues, q, entry);
	outlet_set_queue(o, q);
	return q;
}

void
queue_free(struct queue **qp)
{
	struct queue *q = *qp;
	struct item *i;

	if (q == NULL)
		return;
	while ((i = TAILQ_FIRST(&q->items)) != NULL)
		item_free(i);
	if (q->claim_ticket != 0)
		db_forget(q->b->store->db, q->claim_ticket);
	if (q->history_ticket != 0)
		db_forget(q->b->store->db, q->history_ticket);
	queue_checks_done(q);
	event_free(q->timer);
	LIST_REMOVE(q, entry);
	outlet_set_queue(q->o, NULL);
	free(q);
	*qp = NULL;
}

void
queue_drop_waiting(struct queue *q, bool blasts_only)
{
	struct item *i, *next;

	for (i = TAILQ_FIRST(&q->items); i != NULL; i = next) {
		next = TAILQ_NEXT(i, entry);
		if (i->state == ITEM_WAITING && (!blasts_only || i->blast[0] != '\0'))
			item_free(i);
	}
}

static void
on_settled(void *arg, int err)
{
	struct item *i = arg;
	struct queue *q = i->q;

	FAULT_POINT("queue.settled");
	if (err < 0)
		log_error(
		    "queue.unsaved", LOG_STR("outlet", outlet_id(q->o)), LOG_INT("error", err));
	item_free(i);
	/* What was not saved would come again at once; the sweep is soon enough. */
	if (err == 0)
		queue_work(q);
}

void
queue_settle(struct item *i)
{
	struct queue *q = i->q;

	if (i->state == ITEM_FLYING)
		q->flying--;
	i->state = ITEM_SETTLING;
	q->settling++;
	batch_commit(q->b->store->batch, on_settled, i);
}

static const char *const hold_names[] = {
    [BLAST_HOLD_NONE] = "none",
    [BLAST_HOLD_REACHOUT] = "two new chats refused in a row (463)",
    [BLAST_HOLD_CAPPED] = "new chats used up (475)",
    [BLAST_HOLD_RATE] = "rate limited (429)",
};

static void
on_counted(void *arg, enum db_error error, const PGresult *r)
{
	(void)arg;
	(void)r;
	if (error != DB_OK)
		log_warn("queue.restriction", LOG_STR("error", db_error_text(error)));
}

/* Blasts that it has messages of count how often (blasts_pause_failing). */
static void
count_restriction(struct queue *q)
{
	const struct db_param outlet = DB_TEXT(outlet_id(q->o));

	(void)db_query(q->b->store->db, SQL_BLAST_OUTLET_RESTRICTED, &outlet, 1, on_counted, NULL);
	q->b->looks = QUEUE_LOOKS;
}

void
queue_hold(struct queue *q, enum blast_hold hold)
{
	const int64_t now = clock_wall_ms();
	int64_t ms = HOLD_MS;

	if (q->held_until_ms > now)
		return;
	if (now - q->held_until_ms > HOLD_MAX_MS)
		q->holds = 0;
	for (unsigned n = 0; n < q->holds && ms < HOLD_MAX_MS; n++)
		ms *= 2;
	q->holds++;
	q->refused_in_a_row = 0;
	q->hold = hold;
	q->held_until_ms = now + (ms < HOLD_MAX_MS ? ms : HOLD_MAX_MS);
	log_warn("queue.held", LOG_STR("outlet", outlet_id(q->o)),
	    LOG_STR("reason", hold_names[hold]),
	    LOG_INT("seconds", (q->held_until_ms - now) / 1000));
	count_restriction(q);
	queue_drop_waiting(q, true);
}

/* What a hold for 463 or 475 guesses at, WhatsApp has now said: chats that there are go on. */
void
queue_restriction(struct queue *q)
{
	const bool guess = (q->hold == BLAST_HOLD_REACHOUT || q->hold == BLAST_HOLD_CAPPED) &&
			   q->held_until_ms > clock_wall_ms();
	const bool restricted = !outlet_may_start_chats(q->o);

	if (restricted && !q->restricted && !guess)
		count_restriction(q);
	q->restricted = restricted;
	if (guess && restricted) {
		log_info("queue.hold_over", LOG_STR("outlet", outlet_id(q->o)),
		    LOG_STR("reason", hold_names[q->hold]));
		q->held_until_ms = 0;
		q->hold = BLAST_HOLD_NONE;
		q->holds = 0;
	}
	q->refused_in_a_row = 0;
	queue_kick(q);
}

/* -- letting go -- */

static void
let_go(struct item *i, struct link *link, int64_t now)
{
	struct queue *q = i->q;
	char own[JID_USER_MAX + 1], id[MESSAGE_ID_LEN + 1];

	if (i->wa_id[0] == '\0') {
		outlet_own_user(q->o, own);
		plain_message_id(now / 1000, own, NULL, id);
		memcpy(i->wa_id, id, sizeof(id));
	}
	i->state = ITEM_FLYING;
	q->flying++;
	/* The link commits the batch before anything leaves. */
	batch_message_sending(q->b->store->batch, i->id, i->wa_id, i->content.text);
	if (i->blast[0] != '\0')
		progress_touch(q->b, i->blast);
	i->starts_chat = !i->has_chat && !i->repeat;
	if (i->starts_chat)
		outlet_chat_started(q->o);
	link_send(link, i->wa_id, i->phone, &i->content.content, i);
}

void
queue_note_closed(struct queue *q, const char *blast, int64_t until_ms)
{
	struct queue_closed *c;

	for (size_t n = 0; n < q->n_closed; n++) {
		if (strcmp(q->closed[n].blast, blast) == 0) {
			q->closed[n].until_ms = until_ms;
			q->want_claim = true;
			return;
		}
	}
	if (q->n_closed == QUEUE_CLOSED_MAX) {
		/* Asking further would go in circles; the sweep comes by. */
		q->want_claim = false;
		return;
	}
	c = &q->closed[q->n_closed++];
	memcpy(c->blast, blast, sizeof(c->blast));
	c->until_ms = until_ms;
	q->want_claim = true; /* another blast may go */
}

/* TURN_REFUSED: not while chats may not be started; it stays in the database. */
enum turn { TURN_NOW, TURN_SOON, TURN_CLOSED, TURN_REFUSED };

static enum turn
turn_of(struct queue *q, const struct item *i, int64_t now, int64_t *ret_at)
{
	if (i->blast[0] == '\0' || i->repeat)
		return TURN_NOW;
	if (q->held_until_ms > now) {
		*ret_at = q->held_until_ms;
		return TURN_CLOSED;
	}
	if (!i->has_chat && !outlet_may_start_chats(q->o))
		return TURN_REFUSED;
	*ret_at = pacer_next(&q->pacer, &i->pace, now);
	if (*ret_at <= now)
		return TURN_NOW;
	return pacer_closed(&q->pacer, &i->pace, now) ? TURN_CLOSED : TURN_SOON;
}

/* Its file is where WhatsApp finds it: true. Else it waits in hand, or, one of a blast, in the
 * database until the upload is through; or it is given up. */
static bool
has_file(struct item *i, int64_t now)
{
	struct queue *q = i->q;
	const char *media = message_content_needs(&i->content), *reason = NULL;
	const struct wa_content *file = NULL;
	enum attachment_state state;

	if (media == NULL)
		return true;
	state = attachments_get(q->b->attachments, q->o, media,
	    wa_content_media_type(i->content.content.kind), &file, &reason);
	if (state == ATTACHMENT_READY) {
		message_content_set_file(&i->content, file);
		i->uploading = false;
		return true;
	}
	if (state == ATTACHMENT_FAILED) {
		queue_give_up(i, reason);
	} else if (i->blast[0] != '\0' && !i->repeat) {
		queue_note_closed(q, i->blast, now + ATTACHMENT_RETRY_MS);
		item_free(i);
	} else {
		i->uploading = true;
	}
	return false;
}

static double
random_share(void)
{
	return rng_below(RANDOM_STEPS) / (double)RANDOM_STEPS;
}

/* When the next in hand has its turn; INT64_MAX: none waits for its turn. */
static int64_t
dispatch(struct queue *q, struct link *link, int64_t now)
{
	int64_t soon = INT64_MAX, at = now;
	struct item *i, *next;

	for (i = TAILQ_FIRST(&q->items); i != NULL && q->flying < LINK_SENDS_MAX; i = next) {
		enum turn turn;

		next = TAILQ_NEXT(i, entry);
		if (i->state != ITEM_WAITING || !has_file(i, now))
			continue;
		turn = turn_of(q, i, now, &at);
		if (turn == TURN_SOON) {
			soon = at < soon ? at : soon;
			continue;
		}
		if (turn == TURN_CLOSED && q->held_until_ms <= now)
			queue_note_closed(q, i->blast, at);
		if (turn == TURN_REFUSED)
			q->want_claim = true; /* others may go */
		if (turn == TURN_CLOSED || turn == TURN_REFUSED) {
			item_free(i);
			continue;
		}
		if (i->blast[0] != '\0' && !i->repeat)
			pacer_sent(
			    &q->pacer, &i->pace, now, i->pace.per_minute > 0 ? random_share() : 0);
		let_go(i, link, now);
	}
	return soon;
}

static void
sleep_until(struct queue *q, int64_t wake, int64_t now)
{
	const int64_t ms = wake > now ? wake - now : 0;
	const struct timeval tv = {
	    .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	if (wake == INT64_MAX)
		(void)evtimer_del(q->timer);
	else
		(void)evtimer_add(q->timer, &tv);
}

static int64_t
next_opening(const struct queue *q, int64_t now)
{
	int64_t wake = q->held_until_ms > now ? q->held_until_ms : INT64_MAX;

	for (size_t n = 0; n < q->n_closed; n++)
		if (q->closed[n].until_ms > now && q->closed[n].until_ms < wake)
			wake = q->closed[n].until_ms;
	return wake;
}

/* Those that wait for a file do not keep others from being sent, unless they become many. */
static bool
has_waiting(const struct queue *q)
{
	const struct item *i;
	unsigned uploading = 0;

	TAILQ_FOREACH(i, &q->items, entry)
	{
		if (i->state == ITEM_WAITING && !i->uploading)
			return true;
		uploading += i->state == ITEM_WAITING;
	}
	return uploading >= QUEUE_UPLOADING_MAX;
}

/* Somebody set the clock: turns and holds are times that pass, so they move with it. Windows and
 * days are the clock's own. */
static void
follow_clock(struct queue *q, int64_t now)
{
	const int64_t ahead = now - clock_lease_ms(), step = ahead - q->clock_ahead_ms;

	q->clock_ahead_ms = ahead;
	if (step > -CLOCK_STEP_MS && step < CLOCK_STEP_MS)
		return;
	q->pacer.next_ms += step;
	q->dry_until_ms += step;
	if (q->held_until_ms > 0)
		q->held_until_ms += step;
	if (q->turn_ms < INT64_MAX)
		q->turn_ms += step;
	q->n_closed = 0;
	q->want_claim = true;
}

void
queue_work(struct queue *q)
{
	const int64_t now = clock_wall_ms();
	struct link *link = outlet_link(q->o);
	int64_t soon, opening;

	follow_clock(q, now);

	if (link == NULL || q->b->stopped) {
		queue_drop_waiting(q, false);
		return;
	}
	if (batch_full(q->b->store->batch))
		return;
	if (!q->history_known) {
		queue_ask_history(q);
		return;
	}
	soon = dispatch(q, link, now);
	opening = next_opening(q, now);
	/* What waited long was dropped from hand; its turn is not forgotten with it, also when
	 * something else wakes the queue just before the timer would. */
	if (soon == INT64_MAX && q->turn_ms <= now)
		q->want_claim = true;
	if (soon != INT64_MAX || q->turn_ms <= now)
		q->turn_ms = soon;
	sleep_until(q, q->turn_ms < opening ? q->turn_ms : opening, now);
	if (soon != INT64_MAX) {
		/* More would only wait, too. What waits long is claimed again then: it may be
		 * paused or cancelled meanwhile. */
		q->want_claim = false;
		if (soon - now > KEEP_MS)
			queue_drop_waiting(q, true);
	}
	if (q->want_claim && q->claim_ticket == 0 && q->moving == 0 && !has_waiting(q) &&
	    q->flying < LINK_SENDS_MAX / 2 && q->settling < QUEUE_SETTLING_MAX)
		queue_claim(q);
}

void
queue_opened(struct queue *q)
{
	q->n_closed = 0;
	q->want_claim = true;
	queue_work(q);
}

/* What waits goes out of hand, also what is just being asked for. */
static void
empty_hands(struct queue *q)
{
	queue_drop_waiting(q, false);
	if (q->claim_ticket != 0) {
		db_forget(q->b->store->db, q->claim_ticket);
		q->claim_ticket = 0;
	}
}

void
queue_moving(struct queue *q, bool moving)
{
	if (moving) {
		q->moving++;
		empty_hands(q);
		return;
	}
	if (q->moving > 0)
		q->moving--;
	q->want_claim = true;
	queue_work(q);
}

void
queue_kick(struct queue *q)
{
	/* What waits is asked for anew: its blast may be paused or cancelled by now. */
	empty_hands(q);
	q->n_closed = 0;
	q->dry_until_ms = 0;
	q->want_claim = true;
	queue_work(q);
}
