/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * answer: what is written back for an inbound message: receipts, refusals, and asking for it again.
 * Source: PROTOCOL section 13.
 */
#ifndef LINK_ANSWER_H
#define LINK_ANSWER_H

#include "waconnd/link/messaging.h"

enum answer_refusal { /* client -> server */
	REFUSE_PARSING = 487,
	REFUSE_STANZA = 488,
	REFUSE_PROTOBUF = 491,
	REFUSE_NO_SECRET = 495
};

/* type NULL: a plain receipt. */
struct node *answer_receipt(const struct node *stanza, const char *type);
struct node *answer_refuse(const struct node *stanza, enum answer_refusal code);
/* count from 1; with_keys: a fresh pre-key goes along, which is put and must be committed before
 * this is written. */
struct node *answer_retry(
    struct messaging *m, const struct node *stanza, unsigned count, bool with_keys);
/* History arrived. */
struct node *answer_history(const struct messaging *m, const char *id);

#endif
