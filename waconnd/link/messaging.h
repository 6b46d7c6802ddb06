/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * messaging: the message side of one link, and what its parts share.
 *
 * Parts: send.c (messages out), usync.c (who has which devices), bundle.c (keys to begin sessions),
 * receive.c and inbound.c (messages in), receipt.c, resend.c (devices that ask again), notice.c
 * (notifications), phone_ask.c (what our own phone has), transfer.c (files), number_check.c (who is
 * on WhatsApp), device_cache.c, lid.c, peer.c. Whatever waits, waits in one list of its part and
 * has a limit. What a part changed in the keys is committed before anything that depends on it is
 * written (DESIGN section 5).
 */
#ifndef LINK_MESSAGING_H
#define LINK_MESSAGING_H

#include "waconnd/link/device_cache.h"
#include "waconnd/link/link_internal.h"
#include "waconnd/link/stanza_id.h"
#include "waconnd/signal/key_cache.h"
#include "waconnd/signal/signal_store.h"

struct usync;
struct bundles;
struct sends;
struct receiver;
struct receipts;
struct resends;
struct notices;
struct token_issues;
struct transfers;
struct history_fetches;
struct phone_asks;
struct number_checks;

struct messaging {
	struct link *link;
	struct key_cache *keys;
	struct signal_store *signal;
	struct device_cache *devices;
	struct usync *usync;
	struct bundles *bundles;
	struct sends *sends;
	struct receiver *receiver;
	struct receipts *receipts;
	struct resends *resends;
	struct notices *notices;
	struct token_issues *issues;
	struct transfers *transfers;
	struct history_fetches *histories;
	struct phone_asks *asks;
	struct number_checks *checks;
	struct event *idle; /* gives memory back */
};

/* Our own address: the LID when we have one. With our device. */
const struct jid *messaging_own(const struct messaging *m);
/* Is it one of our own devices, or ourselves, under either address? */
bool messaging_is_own_user(const struct messaging *m, const struct jid *jid);
#define ACCOUNT_SALT "nct_salt" /* KEY_ACCOUNT */
/* How our own account calls itself; the commit is the caller's. */
void messaging_own_name(struct messaging *m, const char *name);
/* Something is in memory again: after a while without a call, give it back. */
void messaging_touch(struct messaging *m);

/* How an <enc> is written; NULL: without the attribute. */
struct enc_attrs {
	bool wrap;	       /* inside <to jid> */
	const char *mediatype; /* of what is in it */
	const char *count;     /* of a resend */
};
/* Encrypts `padded` for a device whose keys are held, and adds <enc> to `parent`. Nothing is added
 * on failure. */
enum signal_result messaging_encrypt(struct messaging *m, const struct jid *device,
    const struct buf *padded, const struct enc_attrs *attrs, struct node *parent, bool *ret_prekey);
/* The Message or, for our own devices, Message{deviceSentMessage}, with padding. ret_padded: to be
 * wiped with buf_done_secret in either case. -1: there is no such Message. */
int messaging_plaintext(const struct wa_content *content, const struct jid *destination,
    struct buf *ret_padded) __attribute__((warn_unused_result));
/* <device-identity>: who reads a pkmsg of ours checks it. */
void messaging_add_identity(struct messaging *m, struct node *stanza);
/* The names of session and identity of a device, for key_cache_hold: two of ret_names, kept in
 * *ret_text. */
struct device_names {
	char text[SIGNAL_NAME_MAX];
};
size_t messaging_device_names(const struct messaging *m, const struct jid *device,
    struct device_names *ret_text, struct key_name ret_names[2]);
/* The same, where they lie from before the LID was known (signal_move_device). */
size_t messaging_old_names(
    const struct jid *device, struct device_names *ret_text, struct key_name ret_names[2]);
/* What was known of this device's identity was another: a security event, and a new phone needs a
 * token of ours again. */
void messaging_identity_changed(struct messaging *m, const struct jid *device);

#endif
