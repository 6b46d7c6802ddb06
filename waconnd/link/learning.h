/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * learning: what comes of people in bulk, from the history of our own phone and from its list of
 * LIDs, and where it goes: LIDs (KEY_LID), numbers, tokens and timers of chats (KEY_PEER), our own
 * name, the account's salt. Source: PROTOCOL section 13 "History sync".
 *
 * First everything is noted, then it is applied a slice at a time: keys, changes, commit. A
 * learning that is dropped on the way does no harm: it comes again.
 */
#ifndef LINK_LEARNING_H
#define LINK_LEARNING_H

#include "common/wa/history.h"
#include "waconnd/link/messaging.h"

#define LEARNING_ITEMS_MAX 16384 /* of one; what is beyond is dropped and counted */

struct learning;
struct learning *learning_new(struct messaging *m);
void learning_free(struct learning **l);
void learning_add(struct learning *l, const struct history_item *item);
/* The bytes of a HistorySync as they came, deflated. -1: broken; what was read until then counts.
 */
int learning_add_history(struct learning *l, const void *data, size_t len)
    __attribute__((warn_unused_result));
/* A LIDMigrationMappingSyncPayload. -1: none. */
int learning_add_lids(struct learning *l, const void *data, size_t len)
    __attribute__((warn_unused_result));
/* cb when all is on disk, never from inside the call; then nothing is in it any more. */
void learning_apply(struct learning *l, void (*cb)(void *arg), void *arg);

#endif
