/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link_internal: how the parts of a link work together. Not for anyone above.
 *
 * Parts: link.c (life, phases), link_ws.c (socket), link_iq.c (queries), link_pair.c, link_login.c
 * (after success: pre-keys, active, presence), link_alive.c (pings, silence), link_reason.c (tables
 * of section 8), link_dispatch.c (tag → handler); send.c, usync.c, bundle.c, receive.c, receipt.c,
 * retry.c (messages).
 */
#ifndef LINK_LINK_INTERNAL_H
#define LINK_LINK_INTERNAL_H

#include "common/wa/node.h"
#include "waconnd/link/credentials.h"
#include "waconnd/link/link.h"
#include "waconnd/link/link_net.h"

struct media_net;
struct transfers;
struct messaging; /* the message side's state of one link: messaging.h */

/* -- what the connection offers to the message side (implemented in link*.c) -- */
/* Takes the node, encodes, seals and queues it; frees it. Dropped silently when the link is ending.
 */
void link_write(struct link *l, struct node *take_node);
/* A query: sets a fresh id, awaits the answer for 60 s. On answer: `answer` (type result or error),
 * else NULL (ended, deadline). Never called after the link's end has been reported. Takes the node.
 */
typedef void (*link_iq_cb)(void *arg, const struct node *answer);
void link_iq(struct link *l, struct node *take_iq, link_iq_cb cb, void *arg);
/* The <error code> of an answer; 0 for a result. */
unsigned link_iq_error(const struct node *answer);
void link_ack(
    struct link *l, const struct node *stanza); /* the plain ack of a stanza, by its class */
struct event_base *link_base(struct link *l);
struct keydb *link_keys(struct link *l);
struct credentials *link_credentials(struct link *l);
void link_save_credentials(struct link *l); /* puts them into the batch; commit is the caller's */
const struct link_ops *link_callbacks(struct link *l, void **ret_arg);
const char *link_outlet(const struct link *l);
struct signal_context *link_signal_context(struct link *l);
struct messaging *link_messaging(struct link *l);
struct media_net *link_media_net(struct link *l);
void link_named(struct link *l); /* the credentials have another push name: it is said */
int64_t link_server_now(const struct link *l);		  /* unix seconds by the server's clock */
void link_account_refused(struct link *l, unsigned code); /* an ack's error: 463, 475 */
/* Around whatever comes in from a timer or the database and may call link_ops: a link that is freed
 * by its own callback lives until link_exit. Nothing of the link or its messaging may be touched
 * after that. */
void link_enter(struct link *l);
void link_exit(struct link *l);
void link_fail(struct link *l, enum link_end end,
    const char *detail); /* the one door out: ends the link at the end of this turn */

/* -- what the message side offers to the connection (messaging.h, implemented by it) -- */
struct messaging *messaging_new(struct link *l);
void messaging_free(
    struct messaging **m); /* pending sends become UNCERTAIN through link_ops.sent first */
void messaging_open(struct messaging *m); /* after <success> */
/* More waits for the database than is good: no more should be read; held: nothing is being read,
 * and enough of it must be done before it goes on. */
bool messaging_behind(const struct messaging *m, bool held);
/* Stanza handlers, called from the dispatch table. They see to the ack or receipt themselves. */
void messaging_message(struct messaging *m, const struct node *stanza);
void messaging_receipt(struct messaging *m, const struct node *stanza);
void messaging_message_ack(
    struct messaging *m, const struct node *stanza); /* <ack class="message"> */
void messaging_devices(struct messaging *m,
    const struct node *notification); /* type=devices: applied; the caller acks */
void messaging_identity(
    struct messaging *m, const struct node *notification); /* type=encrypt with <identity/> */
void messaging_privacy_token(struct messaging *m, const struct node *notification);
void messaging_own_devices(struct messaging *m); /* type=account_sync with <devices> */
void messaging_group(struct messaging *m, const struct node *notification); /* type=w:gp2 */
void messaging_send(struct messaging *m, const char *id, const char *phone,
    const struct wa_content *content, void *send_arg);
void messaging_retry_content(
    struct messaging *m, uint64_t token, const char *phone, const struct wa_content *content);
void messaging_media_retry(struct messaging *m, const struct node *notification);
struct transfers *messaging_transfers(struct messaging *m);
bool messaging_check_numbers(
    struct messaging *m, const char *const *phones, size_t n, void *check_arg);
/* Pre-keys: generate `count` from credentials.next_prekey_id, put them, and add their <key>
 * children to `list`. */
void messaging_make_prekeys(struct messaging *m, unsigned count, struct node *list);
/* The current signed pre-key is about to be replaced in the credentials: keep it beside them. */
void messaging_retire_signed_prekey(struct messaging *m);

#endif
