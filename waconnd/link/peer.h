/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * peer: what we keep of a person that we write with, under the LID (KEY_PEER): the telephone
 * number, the chat's timer, and the token by which the server knows that they trust us. Source:
 * PROTOCOL section 10 "tctoken".
 */
#ifndef LINK_PEER_H
#define LINK_PEER_H

#include "waconnd/link/messaging.h"

#define PEER_PHONE_MAX 24
#define PEER_TOKEN_MAX 256

struct peer {
	char phone[PEER_PHONE_MAX]; /* digits, "" not known */
	int64_t token_t;	    /* unix seconds; 0: none */
	int64_t issued_t;	    /* when we last gave them a token of ours; 0: never */
	uint32_t expiration; /* seconds after which the chat's messages disappear; 0: never */
	size_t token_len;
	uint8_t token[PEER_TOKEN_MAX];
};

/* The KEY_PEER of the LID is held. Zero when nothing is known. */
void peer_get(struct messaging *m, const struct jid *lid, struct peer *ret);
void peer_put(struct messaging *m, const struct jid *lid, const struct peer *peer);
/* The number of a LID was seen: kept when it is news. */
void peer_learn_phone(struct messaging *m, const struct jid *lid, const struct jid *pn);
/* Tokens live for four buckets of seven days. */
bool peer_token_valid(const struct peer *peer, int64_t now);
/* Is it time to give them a token of ours again: never done, or in an older bucket? */
bool peer_issue_due(const struct peer *peer, int64_t now);

/* What is written to this chat: where its messages disappear, so does this one. Borrows from
 * `content`; where the chat is a LID its KEY_PEER is held. */
struct wa_content peer_timed(
    struct messaging *m, const struct jid *chat, const struct wa_content *content);

int peer_unpack(const uint8_t *data, size_t len, struct peer *ret)
    __attribute__((warn_unused_result));

#endif
