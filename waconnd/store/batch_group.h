/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * batch_group: the rows of one transaction of the batch, by kind, and the steps of SQL that write
 * them.
 *
 * A table (batch_group.c) says for each kind which statement takes it and what stands in its
 * arrays.
 */
#ifndef STORE_BATCH_GROUP_H
#define STORE_BATCH_GROUP_H

#include <sys/queue.h>

#include "waconnd/store/array.h"
#include "waconnd/store/batch.h"

/* In the order in which they are applied. */
enum batch_kind {
	BATCH_WIPE,
	BATCH_DEL,
	BATCH_PUT,
	BATCH_KEEP,
	BATCH_SENDING,
	BATCH_SENT,
	BATCH_FAILED,
	BATCH_REQUEUE,
	BATCH_LOST,
	BATCH_DELIVERED,
	BATCH_READ,
	BATCH_RESENT,
	BATCH_INBOUND,
	BATCH_SESSION,
	BATCH_ACCOUNT,
	BATCH_EVENT,
	BATCH_KIND_COUNT
};

#define BATCH_STRINGS 6
#define BATCH_INTS 6

struct batch_row {
	TAILQ_ENTRY(batch_row) entry;
	struct batch_row *same_bucket;
	enum batch_kind kind;
	char *ident;  /* unique in its group, or NULL */
	char *outlet; /* NULL: a message by id */
	char *s[BATCH_STRINGS];
	int64_t i[BATCH_INTS];
	uint8_t *bytes;
	size_t len;
	size_t size; /* what it counts against BATCH_BYTES_MAX */
};
TAILQ_HEAD(batch_rows, batch_row);

struct batch_commit {
	TAILQ_ENTRY(batch_commit) entry;
	LIST_ENTRY(batch_commit) by_arg; /* among those that are not forgotten */
	char *outlet;			 /* whose rows it asks for; NULL: all */
	keydb_commit_cb cb;		 /* NULL: forgotten */
	void *arg;
	int err;
};
TAILQ_HEAD(batch_commits, batch_commit);

#define BATCH_BUCKETS 512

struct batch_group {
	TAILQ_ENTRY(batch_group) entry;
	struct batch_rows rows[BATCH_KIND_COUNT];
	struct batch_row *buckets[BATCH_BUCKETS];
	size_t n_rows;
	size_t bytes;
	struct batch_commits commits;
};
TAILQ_HEAD(batch_groups, batch_group);

struct batch_group *batch_group_new(void);
void batch_group_free(struct batch_group **g);
/* Takes its size into account; `take_ident` may be NULL. Strings are copied, bytes too. */
struct batch_row *batch_group_add(struct batch_group *g, enum batch_kind kind, char *take_ident,
    const char *outlet, const char *const s[BATCH_STRINGS], const int64_t i[BATCH_INTS],
    const void *bytes, size_t len);
struct batch_row *batch_group_find(const struct batch_group *g, const char *ident);
void batch_group_remove(struct batch_group *g, struct batch_row *row);
/* The outlets that have rows, each once, "" for messages by id last; the caller frees them and the
 * list. */
char **batch_group_outlets(const struct batch_group *g, size_t *ret_n);

/* -- steps ------------------------------------------------------------------------ */
#define BATCH_COLUMNS 12
#define BATCH_STEPS (BATCH_KIND_COUNT + 2)

struct batch_steps {
	struct db_step steps[BATCH_STEPS];
	struct db_param params[BATCH_STEPS][BATCH_COLUMNS];
	struct array arrays[BATCH_STEPS][BATCH_COLUMNS];
	size_t n_arrays[BATCH_STEPS];
	size_t n;
	char epoch[24];
};

/* outlet NULL: all rows; "": messages by id; else that outlet's. instance NULL: no fence. */
void batch_steps_build(struct batch_steps *st, const struct batch_group *g, const char *outlet,
    const char *instance, int64_t epoch);
void batch_steps_done(struct batch_steps *st);

#endif
