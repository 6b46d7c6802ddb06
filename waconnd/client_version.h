/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * client_version: which client version we say that we are ([whatsapp] version = auto).
 *
 * WhatsApp switches old versions off, account by account (PROTOCOL section 3). Today's stands in
 * what its web client loads; it is looked up once a day, kept in the table settings for all daemons
 * of a database and for the next start, and never taken to be lower than the one built in. While
 * nothing can be looked up, the last known one is used.
 */
#ifndef WACONND_CLIENT_VERSION_H
#define WACONND_CLIENT_VERSION_H

#include <event2/event.h>
#include <stddef.h>
#include <stdint.h>

#include "waconnd/store/db.h"

struct client_version;

struct client_version_env {
	struct event_base *base;
	struct db *db;
	const char *url;   /* where to look: client_version_place() */
	const char *ca;	   /* PEM bundle; NULL: the system's */
	uint32_t least;	   /* the N that is built in */
	int64_t period_ms; /* between two look-ups, about; 0: a day */
	/* Another one from now on. Not called for the built-in one that it begins with. */
	void (*changed)(void *arg, uint32_t n);
	void *arg;
};

/* Where to look when the server is `whatsapp_url`; NULL when that is not WhatsApp's own: then
 * nothing is asked of anyone. */
const char *client_version_place(const char *whatsapp_url);
/* "2.3000.N"; -1 for anything else. */
int client_version_read(const char *text, uint32_t *ret_n) __attribute__((warn_unused_result));
/* The N that a page of WhatsApp's names; -1 when it names none, or several, or what cannot be one.
 */
int client_version_find(const char *page, size_t len, uint32_t *ret_n)
    __attribute__((warn_unused_result));

/* Reads the kept one, then looks up when that is old. NULL when libcurl does not start. */
struct client_version *client_version_new(const struct client_version_env *env);
void client_version_free(struct client_version **v);
uint32_t client_version_now(const struct client_version *v);
/*
 * The server has refused the present one: look up at once, unless that was done a moment ago. The
 * listener is called from the loop when the answer, whatever it is, has been taken.
 */
void client_version_refresh(struct client_version *v);
void client_version_on_refreshed(struct client_version *v, void (*cb)(void *arg), void *arg);

#endif
