/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * record: what phones decrypted, what receipts came to them, what rules were broken; and those who
 * wait for more of it. What the server side calls is in sim.h.
 */
#ifndef SIM_RECORD_H
#define SIM_RECORD_H

#include "tests/sim/record_table.h"
#include "tests/sim/sim.h"

#define RECORD_MESSAGES_MAX 1000000
#define RECORD_RECEIPTS_MAX 1000000
#define RECORD_VIOLATIONS_MAX 10000
#define RECORD_TEXT_MAX 16384 /* bytes of a text that are kept */
#define RECORD_WAITERS_MAX 256

struct record_message {
	const char *id, *to, *from;			      /* phones are digits */
	const char *from_jid, *chat, *kind, *text, *enc_type; /* chat, text: may be NULL */
	const char *content;				      /* JSON; NULL: none */
	bool own;					      /* from a companion of the receiver */
	bool device_sent; /* the copy of what a companion sent to `chat` */
};
/*
 * One more, or one more time the same (id, receiver, sender): then only counted. False when that
 * has another text than before.
 */
bool record_message_add(struct record *r, const struct record_message *m);
/* A stanza came that the Signal layer had seen before. False: nothing is recorded under this id. */
bool record_message_repeat(struct record *r, const char *id, const char *to, const char *from);

enum record_kind { RECORD_MESSAGES, RECORD_RECEIPTS };

/* {messages|receipts: […], count: all that match, dropped?}; the first `limit` of them are written.
 * New reference. */
json_t *record_list(
    struct record *r, enum record_kind kind, const struct record_filter *filter, uint32_t limit);
/* {violations: […], dropped?}; phone NULL: all. New reference. */
json_t *record_violations(struct record *r, const char *phone);

struct record_waiter;
/*
 * Calls back once from the loop, when `count` match or `timeout_ms` are over; the waiter is gone
 * then. The filter and its strings are copied. NULL: too many wait already.
 */
struct record_waiter *record_wait(struct record *r, enum record_kind kind,
    const struct record_filter *filter, uint32_t count, uint32_t timeout_ms,
    void (*done)(void *arg), void *arg);
void record_wait_cancel(struct record_waiter **w); /* without a call */

#endif
