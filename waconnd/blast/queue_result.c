/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What becomes of a message once the link has answered: one handler for each answer. A message
 * whose fate is not known stays in SENDING and goes again under its id; nothing here sends.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/fault_point.h"
#include "common/log.h"
#include "waconnd/blast/queue.h"

#define RETRY_MS 30000

enum {
	CODE_REACHOUT = 463, /* may not write to this person first */
	CODE_CAPPED = 475,   /* the quota of new chats is used up */
	CODE_TOO_FAST = 429
};

static void
failed(struct item *i, const char *reason)
{
	struct queue *q = i->q;

	batch_message_failed(q->b->store->batch, i->id, reason);
	q->b->looks = QUEUE_LOOKS;
	log_info("message.failed", LOG_STR("outlet", outlet_id(q->o)), LOG_INT("message", i->id),
	    LOG_PHONE("to", i->phone), LOG_STR("reason", reason));
	progress_message(q, i, "FAILED", reason);
	queue_settle(i);
}

static void
requeue(struct item *i, const char *reason, int64_t wait_ms)
{
	batch_message_requeue(i->q->b->store->batch, i->id, reason, wait_ms);
	progress_message(i->q, i, "QUEUED", reason);
	queue_settle(i);
}

static void
on_ok(struct item *i, unsigned code)
{
	struct queue *q = i->q;

	(void)code;
	q->refused_in_a_row = 0;
	batch_message_sent(q->b->store->batch, i->id, clock_wall_ms());
	FAULT_POINT("queue.sent");
	log_debug("message.sent", LOG_STR("outlet", outlet_id(q->o)), LOG_INT("message", i->id),
	    LOG_PHONE("to", i->phone));
	progress_message(q, i, "SENT", NULL);
	if (i->more)
		q->want_claim = true; /* its next may go once this one's row says so */
	queue_settle(i);
}

static void
on_no_device(struct item *i, unsigned code)
{
	(void)code;
	failed(i, "not_on_whatsapp");
}

/* Too fast: held first, so that it comes again only when the hold is over. */
static void
too_fast(struct item *i)
{
	struct queue *q = i->q;

	queue_hold(q, BLAST_HOLD_RATE);
	requeue(i, "rate_limited", q->held_until_ms - clock_wall_ms());
}

/* It was on its way when the restriction became known: it waits like the others. */
static bool
waits_for_account(const struct item *i, unsigned code)
{
	return (code == CODE_REACHOUT || code == CODE_CAPPED) && i->blast[0] != '\0' &&
	       !i->has_chat && i->attempts + 1 < QUEUE_TRIES_MAX &&
	       !outlet_may_start_chats(i->q->o);
}

static void
on_rejected(struct item *i, unsigned code)
{
	struct queue *q = i->q;
	char reason[32];

	if (code == CODE_TOO_FAST) {
		too_fast(i);
		return;
	}
	if (waits_for_account(i, code)) {
		requeue(i, "restricted", 0);
		return;
	}
	(void)snprintf(reason, sizeof(reason), "rejected_%u", code);
	failed(i, reason);
	if (!i->has_chat && !outlet_may_start_chats(q->o))
		return; /* as was to be expected; those that follow wait */
	if (code == CODE_CAPPED)
		queue_hold(q, BLAST_HOLD_CAPPED);
	else if (code == CODE_REACHOUT && ++q->refused_in_a_row >= 2)
		queue_hold(q, BLAST_HOLD_REACHOUT);
}

static void
on_uncertain(struct item *i, unsigned code)
{
	(void)code;
	if (i->attempts + 1 >= QUEUE_LOST_MAX) {
		failed(i, "outlet_lost");
		return;
	}
	/* Its first time was counted when it was let go. */
	if (i->repeat)
		batch_message_lost(i->q->b->store->batch, i->id, i->attempts + 1);
	/* The row says SENDING: the next claim brings it again under the same id. */
	i->q->want_claim = true;
	queue_settle(i);
}

static void
on_failed(struct item *i, unsigned code)
{
	char reason[32];

	if (code == CODE_TOO_FAST) {
		too_fast(i);
		return;
	}
	(void)snprintf(reason, sizeof(reason), code != 0 ? "send_failed_%u" : "send_failed", code);
	if (i->attempts + 1 >= QUEUE_TRIES_MAX)
		failed(i, reason);
	else
		requeue(i, reason, (int64_t)RETRY_MS << i->attempts);
}

static void (*const answers[])(struct item *i, unsigned code) = {
    [LINK_SENT_OK] = on_ok,
    [LINK_SENT_NO_DEVICE] = on_no_device,
    [LINK_SENT_REJECTED] = on_rejected,
    [LINK_SENT_UNCERTAIN] = on_uncertain,
    [LINK_SENT_FAILED] = on_failed,
};

static void
count(struct metric *results, enum link_sent result, unsigned code)
{
	static const char *const names[] = {
	    [LINK_SENT_OK] = "sent",
	    [LINK_SENT_NO_DEVICE] = "not_on_whatsapp",
	    [LINK_SENT_REJECTED] = "rejected",
	    [LINK_SENT_UNCERTAIN] = "uncertain",
	    [LINK_SENT_FAILED] = "failed",
	};
	char name[32];

	(void)snprintf(name, sizeof(name), code != 0 ? "%s_%u" : "%s", names[result], code);
	metric_add(results, name, 1);
}

void
queue_sent(struct item *i, enum link_sent result, unsigned code)
{
	count(i->q->b->results, result, code);
	item_chat_settled(i, result == LINK_SENT_OK || result == LINK_SENT_UNCERTAIN);
	answers[result](i, code);
}
