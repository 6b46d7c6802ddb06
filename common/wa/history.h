/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * history: what a HistorySync says of people, read as a stream. Source: PROTOCOL sections 11
 * (fields) and 13.
 *
 * The bytes are zlib's, in pieces of any size. Only small fields are ever kept; messages, which are
 * nearly all of a history, are passed over. The size after inflation is limited.
 */
#ifndef COMMON_WA_HISTORY_H
#define COMMON_WA_HISTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wa/jid.h"

#define HISTORY_INFLATED_MAX (256u << 20)
#define HISTORY_TOKEN_MAX 256
#define HISTORY_NAME_MAX 128

enum history_what {
	HISTORY_CHAT, /* jid or pn or lid, and what is known of the chat */
	HISTORY_PAIR, /* pn and lid of one user */
	HISTORY_NAME, /* jid: how this user calls himself */
	HISTORY_SALT  /* token: the account's nctSalt */
};

struct history_item { /* addresses that are not told are none */
	enum history_what what;
	struct jid jid, pn, lid;
	size_t token_len;
	uint8_t token[HISTORY_TOKEN_MAX]; /* theirs, for us */
	int64_t token_t;		  /* unix seconds */
	int64_t issued_t;		  /* when we last gave them one */
	bool has_expiration;
	uint32_t expiration;	     /* seconds; 0: messages stay */
	char name[HISTORY_NAME_MAX]; /* valid UTF-8, cut */
};
typedef void (*history_cb)(void *arg, const struct history_item *item);

struct history;
struct history *history_new(history_cb cb, void *arg);
void history_free(struct history **h); /* wipes */
/* -1: it is broken, or too large; nothing more may be pushed. */
int history_push(struct history *h, const void *data, size_t len)
    __attribute__((warn_unused_result));
/* All has been pushed. -1: it ended too early. */
int history_end(struct history *h) __attribute__((warn_unused_result));

#endif
