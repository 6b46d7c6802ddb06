/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * receive: inbound messages, in the order in which they came: keys, decryption, delivery, commit,
 * answer. Source: PROTOCOL section 13.
 */
#ifndef LINK_RECEIVE_H
#define LINK_RECEIVE_H

#include "waconnd/link/messaging.h"

#define RECEIVE_MAX 2048	      /* stanzas waiting */
#define RECEIVE_BYTES_MAX (16u << 20) /* of their ciphertexts */
#define RECEIVE_ENOUGH 128	      /* stanzas: reading stops */
#define RECEIVE_ENOUGH_BYTES (256u << 10)

struct receiver *receiver_new(struct messaging *m);
void receiver_free(struct receiver **r);
/* Beyond the limits a stanza is dropped without an answer: the server delivers it again at the next
 * login. */
void receiver_take(struct receiver *r, const struct node *stanza);

/* So much waits that no more should be read; held: half of that, once nothing is read. */
bool receiver_behind(const struct receiver *r, bool held);

#endif
