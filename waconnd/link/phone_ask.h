/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * phone_ask: messages that came without what they say, or that could not be read, are asked for
 * from our own phone, which has them. Each once, not too old, and few at a time. Source: PROTOCOL
 * section 13 "Placeholder", "Peer message to own phone".
 *
 * What was asked for and is not answered before the link ends is not asked for again.
 */
#ifndef LINK_PHONE_ASK_H
#define LINK_PHONE_ASK_H

#include "common/wa/placeholder.h"
#include "waconnd/link/inbound.h"
#include "waconnd/link/messaging.h"

#define PHONE_ASKS_MAX 64	    /* in PHONE_ASK_MEMORY_S */
#define PHONE_ASK_MEMORY_S 600	    /* so long an id is not asked for again */
#define PHONE_ASK_AGE_MAX_S 1209600 /* older messages are not asked for */
#define PHONE_ASK_DELAY_S 5	    /* so long who wrote it may send it again by himself */

struct phone_asks *phone_asks_new(struct messaging *m);
void phone_asks_free(struct phone_asks **a);

/* Its message is acknowledged. later: only if it does not come within PHONE_ASK_DELAY_S. The info
 * is copied. */
void phone_asks_want(struct phone_asks *a, const struct inbound_info *info, bool later);
/* It came after all. */
void phone_asks_came(struct phone_asks *a, const struct inbound_info *info);
/* What the phone answered: the message that it is about, once; false: nobody asked for it. ret's
 * strings are valid until the next call of a phone_asks function. */
bool phone_asks_answered(
    struct phone_asks *a, const struct placeholder_result *result, struct inbound_info *ret);
/* A retry receipt: true if it was the phone that could not read a request. It is acknowledged then,
 * and the request sent again, with limits. */
bool phone_asks_again(struct phone_asks *a, const struct node *receipt);

#endif
