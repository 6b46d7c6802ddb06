/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * usync: asks the server which LID and which devices users have. Source: PROTOCOL sections 10
 * and 14.
 *
 * Those who ask while a query is under way, or in the same turn, share the next one. What the
 * answer says goes into the device cache and the LID map; who asked then looks there.
 */
#ifndef LINK_USYNC_H
#define LINK_USYNC_H

#include "waconnd/link/messaging.h"

#define USYNC_USERS_MAX 50 /* asked at once */

/* -- queries and answers (pure) -- */
struct usync_user {
	struct jid jid; /* as the server names the user */
	struct jid pn;	/* pn_jid, or none */
	struct jid lid; /* or none */
	bool has_devices;
	struct device_list devices; /* those that one can write to */
	bool has_contact, on_whatsapp;
	char contact[JID_TEXT_MAX];	  /* what was asked, "" if not repeated */
	char business[LINK_BUSINESS_MAX]; /* a business's verified name; "": none was said */
};
/* LID and devices of users. */
struct node *usync_devices_query(const struct jid *users, size_t n, const char *sid);
/* Are these numbers (PN addresses) on WhatsApp, and under which LID? */
struct node *usync_contact_query(const struct jid *users, size_t n, const char *sid);
/* The first <user> of an answer, or NULL; node_next gives further ones (skip other tags). */
const struct node *usync_users(const struct node *answer);
/* Is this the text of a contact ("+62…@c.us", or only digits) with these digits? */
bool usync_contact_is(const char *contact, const char *digits);
/* -1: not a <user> of somebody. */
int usync_read_user(const struct node *user, struct usync_user *ret)
    __attribute__((warn_unused_result));

/* -- asking -- */
enum usync_outcome {
	USYNC_FOUND,
	USYNC_ABSENT,  /* not on WhatsApp */
	USYNC_REFUSED, /* the server answered with an error */
	USYNC_UNHEARD  /* no answer */
};
/* address (USYNC_FOUND): the LID, or the PN where the server knows no LID. code (USYNC_REFUSED):
 * the error. */
typedef void (*usync_cb)(
    void *arg, enum usync_outcome outcome, const struct jid *address, unsigned code);

struct usync *usync_new(struct messaging *m);
void usync_free(struct usync **u);
/* user: PN or LID, without device. cb comes later, exactly once, unless freed before. */
void usync_ask(struct usync *u, const struct jid *user, usync_cb cb, void *arg);

#endif
