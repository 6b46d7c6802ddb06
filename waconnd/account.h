/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * account: what is known of an outlet's WhatsApp account, and whether it may start chats. Pure:
 * time is handed in. Source: PROTOCOL section 15.
 *
 * The rule: while a reach-out time lock is in force, or the quota of new chats is used up, nobody
 * may be written to with whom there is no chat yet. Chats that there are go on. What WhatsApp has
 * not said restricts nothing. A restriction ends by itself at its end.
 */
#ifndef WACONND_ACCOUNT_H
#define WACONND_ACCOUNT_H

#include "common/jsonw.h"
#include "waconnd/link/link.h"

/* An end is trusted so much later only: WhatsApp is asked at the end itself, and its answer
 * counts. */
#define ACCOUNT_GRACE_MS 5000

struct account {
	int64_t timelock_at_ms, cap_at_ms; /* when it was said, wall clock; 0: never */
	struct link_timelock timelock;
	struct link_chat_cap cap;
	int64_t chats_since;  /* started since the quota was told */
	int64_t chats_flying; /* of those started, without an answer: WhatsApp may not have
				 counted them yet */
};

enum restriction_kind { RESTRICTION_NONE, RESTRICTION_TIMELOCK, RESTRICTION_CAP };

struct restriction {
	enum restriction_kind kind;
	int64_t until_ms;    /* 0: not known */
	int64_t used, quota; /* of a cap; quota -1: not known */
};

/* "reachout_timelock", "new_chat_cap"; NULL for none. */
const char *restriction_name(enum restriction_kind kind);
bool restriction_equal(const struct restriction *a, const struct restriction *b);
/* An object of CONTRACT section 5, or null. */
void restriction_json(const struct restriction *r, struct jsonw *j, const char *key);

void account_take(struct account *a, const struct link_account *said, int64_t now_ms);
/* Somebody was written to for the first time. */
void account_chat_started(struct account *a);
/* And what became of that: written, or it came to nothing. */
void account_chat_settled(struct account *a, bool written);
struct restriction account_restriction(const struct account *a, int64_t now_ms);
/* How many chats more its quota allows, from what was told and counted since; -1: not known, or
 * there is none. */
int64_t account_chats_left(const struct account *a, int64_t now_ms);
/* When the restriction that there is now ends by itself; 0: not known, or there is none. */
int64_t account_ends_ms(const struct account *a, int64_t now_ms);

/* As outsiders see it: "timelock" and "newChats", each null when it was never said. Inside an
 * object. */
void account_json(const struct account *a, struct jsonw *j);
/* The same, for the database; and back. What is not valid there counts as never said. */
void account_store(const struct account *a, struct buf *out);
void account_load(struct account *a, const char *json);

#endif
