/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inbound: who wrote an inbound message, where, and when: the attributes of its stanza. Source:
 * PROTOCOL section 13. Pure. */
#ifndef LINK_INBOUND_H
#define LINK_INBOUND_H

#include "common/wa/node.h"

struct inbound_pair { /* a PN and a LID of one user; server none: not told */
	struct jid pn, lid;
};

struct inbound_info { /* strings belong to the stanza */
	const char *id;
	const char *push_name; /* NULL: none */
	int64_t t;	       /* unix seconds; 0: not told */
	struct jid chat;       /* no device */
	struct jid sender;     /* the device that wrote it */
	bool from_me;	       /* another device of ours */
	bool is_group;	       /* or a broadcast: not between two people */
	bool is_peer;	       /* between our own devices, nothing to show */
	struct inbound_pair sender_pair, chat_pair;
};

/* own: our addresses; own_lid may be none. LIDs replace PNs where attributes tell them. -1: not an
 * address or id that could be answered. */
int inbound_read(const struct node *stanza, const struct jid *own, const struct jid *own_lid,
    struct inbound_info *ret) __attribute__((warn_unused_result));

#endif
