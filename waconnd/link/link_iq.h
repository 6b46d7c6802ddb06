/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link_iq: the queries of a link that await an answer: one map by id, each with a deadline.
 *
 * An entry is in the map from when it is added until its answer, its deadline or the end of the
 * link takes it out; its callback is called exactly then. Times are monotonic milliseconds, given
 * by the caller.
 */
#ifndef LINK_LINK_IQ_H
#define LINK_LINK_IQ_H

#include <stdint.h>
#include <sys/queue.h>

#include "common/wa/node.h"

#define LINK_IQ_ID_MAX 32
#define LINK_IQS_MAX 256
#define LINK_IQ_MS 60000

struct link_iq_entry {
	TAILQ_ENTRY(link_iq_entry) entry;
	char id[LINK_IQ_ID_MAX];
	int64_t asked_ms, deadline_ms;
	void (*cb)(void *arg, const struct node *answer);
	void *arg;
};

struct link_iqs {
	TAILQ_HEAD(link_iq_list, link_iq_entry) waiting; /* by deadline */
	unsigned n;
	char prefix[16];
	unsigned counter;
};

#define LINK_IQ_RANDOM 4
void link_iqs_init(struct link_iqs *q);
/* What the ids of one connection begin with. */
void link_iqs_prefix(const uint8_t random[LINK_IQ_RANDOM], char ret_prefix[16]);
/* A fresh id, unique in this link. */
void link_iqs_id(struct link_iqs *q, char ret_id[LINK_IQ_ID_MAX]);
void link_iqs_add(struct link_iqs *q, const char *id, int64_t now_ms, int64_t ms,
    void (*cb)(void *arg, const struct node *answer), void *arg);
/* Takes the entry out that this answers and calls it. Returns how long it took, -1 when none awaits
 * it. */
int64_t link_iqs_answer(
    struct link_iqs *q, const char *id, const struct node *answer, int64_t now_ms);
/* Takes out and calls, with NULL, those whose deadline has passed. */
void link_iqs_expire(struct link_iqs *q, int64_t now_ms);
/* Takes out and calls all, with NULL, also those added meanwhile. */
void link_iqs_fail_all(struct link_iqs *q);
/* Takes all out without a call. */
void link_iqs_done(struct link_iqs *q);
/* The next deadline; -1 when nothing waits. */
int64_t link_iqs_next_ms(const struct link_iqs *q);

#endif
