/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * blast: the engine that works each outlet's queue: claims QUEUED messages, paces them, sends them
 * through the outlet's link and records what became of them (DESIGN section 6). Messages outside
 * any blast go through the same queue, first and unpaced by blasts' windows.
 *
 * It sleeps until the next due time; blast_kick is a hint, a sweep every 5 s is the truth.
 */
#ifndef BLAST_BLAST_H
#define BLAST_BLAST_H

#include "common/worker.h"
#include "waconnd/blast/pacer.h"
#include "waconnd/outlet.h"

struct blasts;

/* Why all blasts of an outlet are held for a while. */
enum blast_hold { BLAST_HOLD_NONE, BLAST_HOLD_REACHOUT, BLAST_HOLD_CAPPED, BLAST_HOLD_RATE };

struct blasts *blasts_new(struct event_base *base, struct store *store, struct hub *hub,
    struct outlets *outlets, struct worker *worker);
void blasts_free(struct blasts **b);
/* Counts what becomes of messages there. */
void blasts_measure(struct blasts *b, struct metrics *metrics);
/* Stop claiming (SIGTERM). What is in flight finishes. */
void blasts_stop(struct blasts *b);
bool blasts_idle(const struct blasts *b);			     /* nothing in flight */
bool blasts_idle_at(const struct blasts *b, const struct outlet *o); /* … through this outlet */
/* There may be more to send through any outlet: look now, not at the next sweep. */
void blasts_look(struct blasts *b);
/* Something changed for this outlet (NULL: any), a pause or a cancellation perhaps: what waits is
 * asked for anew. */
void blasts_kick(struct blasts *b, struct outlet *o);
/* There is more to send through this outlet; what waits already stays. */
void blasts_added(struct blasts *b, struct outlet *o);
/* The blast was made or moved: subscribers are told. */
void blasts_changed(struct blasts *b, const char *blast);
/* Something queued of this outlet is about to be given to others, or that is through: meanwhile
 * nothing of it is taken into hand. */
void blasts_moving(struct blasts *b, struct outlet *o, bool moving);
/* The ids of what it has in hand: {1,2,…}. */
void blasts_in_hand(struct blasts *b, struct outlet *o, struct buf *out);
/* The hold on this outlet's blasts; it is named like the reason of recipients: "rejected_463" … */
enum blast_hold blasts_hold(
    const struct outlet *o, int64_t now_ms, int64_t *ret_until_ms, const char **ret_reason);
/* When n more messages of this outlet with this pace would begin and be through, from from_ms on;
 * PACER_NEVER past ten years. */
void blasts_estimate(const struct outlet *o, const struct outlet_pace *pace, int64_t from_ms,
    uint64_t n, int64_t *ret_starts_ms, int64_t *ret_finishes_ms);
/* The same as stretches, for the spread over outlets (pacer_stretches). */
size_t blasts_stretches(const struct outlet *o, const struct outlet_pace *pace, int64_t from_ms,
    int64_t until_ms, struct pacer_stretch *ret, size_t max);
/* When messages of this blast that wait for their window, for tomorrow's share or for the end of a
 * restriction go on: the earliest time, of the outlets that this daemon has; 0: none waits. */
int64_t blasts_wait_until(const struct blasts *b, const char *blast, int64_t now_ms);

#endif
