/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * scope: what an API token may be used for, as words such as "blast:write". A token without any may
 * all that its user may; a scope never allows more than the user's role.
 */
#ifndef API_SCOPE_H
#define API_SCOPE_H

#include <stdint.h>

enum scope {
	SCOPE_NONE, /* for tokens without scopes only */
	SCOPE_ANY,  /* for every token */
	SCOPE_STATUS_READ,
	SCOPE_OUTLETS_READ,
	SCOPE_OUTLETS_WRITE,
	SCOPE_MESSAGES_READ,
	SCOPE_MESSAGES_WRITE,
	SCOPE_CONTACTS_READ,
	SCOPE_CONTACTS_WRITE,
	SCOPE_OPT_OUTS_READ,
	SCOPE_OPT_OUTS_WRITE,
	SCOPE_TEMPLATES_READ,
	SCOPE_TEMPLATES_WRITE,
	SCOPE_MEDIA_READ,
	SCOPE_MEDIA_WRITE,
	SCOPE_BLAST_READ,
	SCOPE_BLAST_WRITE,
	SCOPE_EVENTS_READ,
	SCOPE_WEBHOOKS_READ,
	SCOPE_WEBHOOKS_WRITE,
	SCOPE_METRICS_READ,
	SCOPE_SETTINGS_READ,
	SCOPE_SETTINGS_WRITE,
	SCOPE_USERS_READ,
	SCOPE_USERS_WRITE,
	SCOPE_TOKENS_READ,
	SCOPE_AUDIT_READ,
	SCOPES
};

#define SCOPES_ALL UINT64_MAX /* a login's, or a token's without scopes */

const char *scope_name(enum scope scope);
/* -1: there is no such word. */
int scope_parse(const char *name, enum scope *ret_scope) __attribute__((warn_unused_result));
/* Bits of "a,b,c"; words that are not known any more allow nothing. */
uint64_t scope_mask(const char *words);
/* May a token with these scopes be used for it? */
int scope_allows(uint64_t mask, enum scope scope);

#endif
