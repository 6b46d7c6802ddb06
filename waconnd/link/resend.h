/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resend: a device could not decrypt a message of ours and asks for it again: it gets it once more,
 * alone, under the same id. Source: PROTOCOL section 10.1.
 *
 * Bursts of these have led to locked accounts: what is beyond the limits of a chat is acknowledged
 * and dropped. A crowd waits its turn; what finds no room is not acknowledged, so that it comes
 * again at the next login.
 */
#ifndef LINK_RESEND_H
#define LINK_RESEND_H

#include "waconnd/link/messaging.h"

#define RESENDS_MAX 64		  /* under way */
#define RESENDS_WAITING_MAX 1024  /* … and behind them */
#define RESEND_TIMES_MAX 9	  /* of one message to one device */
#define RESEND_BURST 20		  /* to one chat … */
#define RESEND_PER_MINUTE 10	  /* … and then */
#define RESEND_REMEMBERED_MAX 256 /* devices and chats whose counts are kept */

/* -- requests (pure) -- */
struct resend_request {
	const char *id; /* in the stanza */
	struct jid device;
	unsigned times;	       /* how often it has asked for this one: 1..100 */
	uint32_t registration; /* 0: not told */
};
/* -1: no <receipt type="retry"> of somebody. */
int resend_read(const struct node *stanza, struct resend_request *ret)
    __attribute__((warn_unused_result));

/* -- answering them -- */
struct resends *resends_new(struct messaging *m);
void resends_free(struct resends **r);
/* <receipt type="retry">. It is acknowledged when it is handled. */
void resends_take(struct resends *r, const struct node *stanza);
/* What was asked for by ops.retry, copied, and the number that it was for; content NULL: not known
 * any more. */
void resends_content(
    struct resends *r, uint64_t token, const char *phone, const struct wa_content *content);

#endif
