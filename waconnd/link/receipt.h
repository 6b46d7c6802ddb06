/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * receipt: what became of our messages: delivered, read, or to be sent again. Source: PROTOCOL
 * sections 10 and 10.1. The ack leaves when it is on disk.
 */
#ifndef LINK_RECEIPT_H
#define LINK_RECEIPT_H

#include "waconnd/link/messaging.h"

#define RECEIPTS_MAX 4096    /* waiting for their commit */
#define RECEIPTS_ENOUGH 512  /* reading stops */
#define RECEIPT_IDS_MAX 1024 /* in one stanza */

struct receipts *receipts_new(struct messaging *m);
void receipts_free(struct receipts **r);
void receipts_take(struct receipts *r, const struct node *stanza);

/* As receiver_behind. */
bool receipts_behind(const struct receipts *r, bool held);

#endif
