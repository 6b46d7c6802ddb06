/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spread: how many recipients each outlet takes, by what it may still send, so that all are through
 * at about the same time; and in which order they take them. Pure.
 *
 * Outlets are filled like vessels to one level, which is a time: each takes what its pace, window
 * and caps let it send until then, and those who may start a few chats only take no more than
 * these. What is more than a week's work is dealt out in the proportion of that week.
 */
#ifndef BLAST_SPREAD_H
#define BLAST_SPREAD_H

#include <stddef.h>
#include <stdint.h>

#include "waconnd/blast/pacer.h"

#define SPREAD_DAYS 7
#define SPREAD_STRETCHES 32 /* three a day, and some */

struct spread_outlet {
	size_t count;	    /* what it has already */
	int64_t chats_left; /* at most so many more; -1: no bound is known */
	struct pacer_stretch stretches[SPREAD_STRETCHES];
	size_t n_stretches;
	size_t more; /* what it takes; spread_next counts it down */
};

/* Sets `more` of n > 0 outlets; their sum is n_more. Each recipient takes `messages` turns; the
 * stretches begin at from_ms and cover SPREAD_DAYS. */
void spread_fill(
    struct spread_outlet *outlets, size_t n, size_t n_more, size_t messages, int64_t from_ms);

struct spread { /* the order: in turns, not in blocks */
	struct spread_outlet *outlets;
	size_t *turns;
	size_t n, at;
};

void spread_init(struct spread *s, struct spread_outlet *outlets, size_t n);
void spread_done(struct spread *s);
/* The outlet that takes the next one; as often as there is `more`. */
size_t spread_next(struct spread *s);

#endif
