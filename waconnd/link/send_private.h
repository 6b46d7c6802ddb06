/* SPDX-License-Identifier: GPL-3.0-or-later */
/* send_private: one message on its way out, shared by send.c and send_out.c (its states) and
 * send_stanza.c (what is written). */
#ifndef LINK_SEND_PRIVATE_H
#define LINK_SEND_PRIVATE_H

#include <sys/queue.h>

#include "common/wa/plain.h"
#include "waconnd/link/peer.h"
#include "waconnd/link/send.h"

#define SEND_DEVICES_MAX (2 * USER_DEVICES_MAX)

enum send_state {
	SEND_NUMBER,  /* reads the LID of the number */
	SEND_LOOKUP,  /* asks for LID and devices where they are not known */
	SEND_KEYS,    /* reads sessions and what is known of the peer */
	SEND_BUNDLES, /* fetches keys where there is no session */
	SEND_ENCRYPT,
	SEND_COMMIT, /* waits until the new sessions are on disk */
	SEND_WRITE,
	SEND_ACK,   /* written: waits for the server's ack */
	SEND_ENDED, /* its result is reported in the next turn */
	SEND_STATES
};

struct send {
	TAILQ_ENTRY(send) entry;
	struct sends *sends;
	struct messaging *m;
	enum send_state state;
	char id[STANZA_ID_MAX];
	struct jid pn; /* whom it is for */
	struct wa_content *content;
	void *send_arg;

	struct jid chat;      /* the LID, or the PN where there is none; no device */
	unsigned lookups;     /* rounds of asking */
	unsigned asked;	      /* answers awaited */
	bool failed;	      /* one of them was none */
	bool mapped;	      /* chat is what we had noted for the number */
	bool remapped;	      /* … which led to nobody: the server is asked */
	bool again;	      /* sent once more after a refusal that says: stale devices */
	unsigned bundle_code; /* the error of the last bundle query */
	struct key_hold *number_hold, *hold;
	size_t n_devices, n_theirs; /* the peer's come first, then our own others */
	struct jid devices[SEND_DEVICES_MAX];
	size_t n_phashes;
	char phashes[2][PHASH_LEN + 1]; /* with and without the sending device */
	struct node *stanza;
	int64_t deadline_ms; /* SEND_ACK */

	enum link_sent result; /* SEND_ENDED */
	unsigned code;
};

TAILQ_HEAD(send_list, send);

struct sends {
	struct messaging *m;
	struct send_list all;
	struct send_list acks; /* SEND_ACK, by deadline */
	struct send_list ended;
	unsigned n;
	struct event *report; /* results go out in a turn of their own */
	struct event *timer;  /* of the first ack */
};

/* -- send.c -- */
/* The one place where the state changes. */
void send_enter(struct send *s, enum send_state state);
void send_finish(struct send *s, enum link_sent result, unsigned code);

/* -- send_out.c -- */
void send_step_encrypt(struct send *s);
void send_step_commit(struct send *s);
void send_step_write(struct send *s);
void send_step_ack(struct send *s);
void sends_on_timer(evutil_socket_t fd, short what, void *arg);

/* -- send_stanza.c -- */
/* The devices that get it, from the caches: the peer's, and our own others. False when a list is
 * missing there. */
bool send_choose_devices(struct send *s);
/* The address under which our own devices are known in this stanza. */
struct jid send_own(const struct send *s);
/* Encrypts for all of them. NULL when no device of the peer could be reached. */
struct node *send_stanza(struct send *s);

#endif
