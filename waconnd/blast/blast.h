/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * blast: the engine that works each outlet's queue: claims QUEUED messages, paces them, sends them through the outlet's link and
 * records what became of them (DESIGN section 6). Messages outside any blast go through the same queue, first and unpaced by
 * blasts' windows.
 *
 * It sleeps until the next due time; blast_kick is a hint, a sweep every 5 s is the truth.
 */
#ifndef BLAST_BLAST_H
#define BLAST_BLAST_H

#include "waconnd/outlet.h"

struct blasts;

struct blasts *blasts_new(struct event_base *base, struct store *store, struct hub *hub, struct outlets *outlets);
void blasts_free(struct blasts **b);
/* Stop claiming (SIGTERM). What is in flight finishes. */
void blasts_stop(struct blasts *b);
bool blasts_idle(const struct blasts *b); /* nothing in flight */
/* New work for this outlet (NULL: any). */
void blasts_kick(struct blasts *b, struct outlet *o);

#endif
