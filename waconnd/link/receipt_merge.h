/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * receipt_merge: receipts for messages of a backlog, held until it is worked off and then written
 * chat by chat: many of one chat as one stanza with a list of ids. Source: PROTOCOL section 13.
 *
 * What is held when the link ends is lost: the server repeats those messages at the next login.
 */
#ifndef LINK_RECEIPT_MERGE_H
#define LINK_RECEIPT_MERGE_H

#include <stddef.h>

#include "common/wa/node.h"

#define RECEIPT_MERGE_IDS 256 /* of one stanza */
#define RECEIPT_MERGE_FROM 16 /* fewer of a chat go out one by one */
#define RECEIPT_MERGE_CHATS 64

struct receipt_merge;

struct receipt_merge *receipt_merge_new(
    void (*write)(void *arg, struct node *take_receipt), void *arg);
void receipt_merge_free(struct receipt_merge **m); /* writes nothing */
/* A receipt without children, all of whose attributes but the id say where it belongs. */
void receipt_merge_add(struct receipt_merge *m, struct node *take_receipt);
void receipt_merge_flush(struct receipt_merge *m);

#endif
