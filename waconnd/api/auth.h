/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * auth: from a token, or from the socket's peer, to who is asking.
 *
 * Tokens are random and kept only as SHA-256. What the database said of a token is remembered for a
 * few seconds, and for as long as the database is away, so that the status page goes on answering;
 * a revocation here takes effect at once.
 *
 * A peer without a token is a local administrator if the kernel says that it runs as one of
 * admin_users (waconnctl). The gateway may run as such a user, too, so it marks what it forwards: a
 * request with `remote` needs a token. A gateway that leaves the mark out can therefore act as
 * SUPERADMIN exactly if it runs as an administrator, who could connect by himself: run it as a user
 * of its own.
 */
#ifndef API_AUTH_H
#define API_AUTH_H

#include "waconnd/api/call.h"

#define AUTH_TOKEN_MAX 128 /* bytes of a token's text */
/* A login ends when it was not used for so long, and after so long in any case. */
#define AUTH_IDLE_MS (12 * 3600 * 1000LL)
#define AUTH_IDLE_MS_TEXT "43200000"
#define AUTH_LOGIN_MAX_MS (30 * 86400 * 1000LL)
#define AUTH_LOGIN_MAX_MS_TEXT "2592000000"

struct auth;

/* Looks up the users of admin_users once: the loop asks no name service later. */
struct auth *auth_new(const struct config *config);
void auth_free(struct auth **a);

/* Sets c->who and calls next, now or later; or answers the call with 401 or 503. */
void auth_identify(struct auth *a, struct call *c, void (*next)(struct call *c));
/* Forget a token (logout, revocation). NULL: all of them. */
void auth_forget(struct auth *a, const char *token_id);
/* Some may have been revoked unheard: each is asked for again before it is believed, unless the
 * database is away. */
void auth_doubt(struct auth *a);
/* What is called each time when one is forgotten or doubted. */
void auth_on_forget(struct auth *a, void (*cb)(void *arg), void *arg);
/* A new token: its text (to be shown once), and its hash for the database. */
void auth_make_token(char ret_text[AUTH_TOKEN_MAX], uint8_t ret_hash[32]);

#endif
