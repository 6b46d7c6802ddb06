/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * send: messages on their way out: address, devices, sessions, encryption, commit, write, ack.
 * Source: PROTOCOL section 10.
 */
#ifndef LINK_SEND_H
#define LINK_SEND_H

#include "waconnd/link/messaging.h"

struct sends *sends_new(struct messaging *m);
/* Those under way come back as UNCERTAIN first. */
void sends_free(struct sends **s);
/* The content is copied. */
void sends_add(struct sends *s, const char *id, const char *phone, const struct wa_content *content,
    void *send_arg);
/* <ack class="message">, also of stanzas that are not ours to know. */
void sends_ack(struct sends *s, const struct node *ack);

#endif
