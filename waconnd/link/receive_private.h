/* SPDX-License-Identifier: GPL-3.0-or-later */
/* receive_private: one inbound message, shared by receive.c (its way), receive_message.c (what is
 * in it) and receive_protocol.c (what is under the surface). */
#ifndef LINK_RECEIVE_PRIVATE_H
#define LINK_RECEIVE_PRIVATE_H

#include <sys/queue.h>

#include "common/wa/message.h"
#include "waconnd/link/answer.h"
#include "waconnd/link/inbound.h"
#include "waconnd/link/learning.h"
#include "waconnd/link/receive.h"

#define RECEIVE_ENCS_MAX 4 /* of one stanza */

enum receive_outcome {	  /* the later, the stronger */
	RECEIVED_NOTHING, /* plain ack */
	RECEIVED,	  /* receipt */
	RECEIVED_REFUSED, /* ack with `refusal` */
	RECEIVED_BROKEN	  /* could not be decrypted: ask for it again */
};

struct inbound {
	TAILQ_ENTRY(inbound) entry;
	struct receiver *receiver;
	struct node *stanza;
	size_t bytes;
	struct inbound_info info;
	struct key_hold *map_hold, *hold;
	enum receive_outcome outcome;
	enum answer_refusal refusal;
	bool history;
	struct learning *learning; /* NULL, or it must be on disk before the answers leave */
	bool committed;
	enum receive_ask {
		ASK_NOT,
		ASK_NOW,
		ASK_IN_A_WHILE
	} ask;		    /* our own phone, once all is on disk */
	bool no_sender_key; /* all that is wrong: it is asked for with our keys at once */
	unsigned retries;   /* how often it was asked for before, by the stanza */
	struct node *answers[3];
	size_t n_answers;
};

/* Decrypts and delivers all that is in it; keys are held. Sets the outcome. */
void receive_contents(struct messaging *m, struct inbound *in);
/* A protocol message, in the Message's innermost level. */
void receive_protocol(struct messaging *m, struct inbound *in, const struct wa_message *message);
/* Messages of its chat, if that is one of two people, disappear after so many seconds; 0: never. */
void receive_set_timer(struct messaging *m, const struct inbound_info *info, uint32_t seconds);
/* A Message that came another way than in its own stanza: shown as if it had. -1: it is none. */
int receive_resent(struct messaging *m, const struct inbound_info *info, const uint8_t *data,
    size_t len) __attribute__((warn_unused_result));
/* The pre-keys that its parts name, for key_cache_hold: at most 2 * RECEIVE_ENCS_MAX. */
struct prekey_name {
	char text[SIGNAL_PREKEY_NAME_MAX];
};
size_t receive_prekeys(struct messaging *m, const struct inbound *in, struct prekey_name *ret_text,
    struct key_name *ret_names);

#endif
