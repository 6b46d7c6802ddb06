/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * batch_private: the batch as batch.c (groups and their commits) and batch_rows.c (what the rows
 * say) both know it.
 */
#ifndef STORE_BATCH_PRIVATE_H
#define STORE_BATCH_PRIVATE_H

#include "waconnd/store/batch.h"
#include "waconnd/store/batch_group.h"
#include "waconnd/store/seal.h"

#define BATCH_COMMIT_BUCKETS 1024

struct batch {
	struct event_base *base;
	struct db *db;
	struct seal *seal;
	char *instance;
	int64_t epoch;
	struct event *ev_kick, *ev_gather, *ev_retry;
	struct batch_groups groups; /* oldest first; the last one is being filled */
	size_t bytes;
	bool due;    /* the group being filled may go */
	bool flying; /* the first group is on its way */
	bool fenced;
	bool outdated; /* what flies was sent under an epoch that is over */
	void (*on_fenced)(void *arg);
	void *on_fenced_arg;
	char **parts;  /* the first group failed as a whole: outlet by outlet */
	bool *refused; /* … which of them */
	size_t n_parts, part;
	struct batch_commits done; /* to be called back */
	/* Of groups and done, by their arg: thousands end and forget at once. */
	LIST_HEAD(, batch_commit) by_arg[BATCH_COMMIT_BUCKETS];
	int64_t sent_us; /* the first group, monotonic */
	struct metric *commit_seconds, *commit_rows;
};

/* The group that is being filled; there always is one. */
struct batch_group *batch_filling(struct batch *b);
/* It is full, or holds a move of the same message already: what follows is for the next. */
void batch_close_group(struct batch *b);
void batch_add(struct batch *b, enum batch_kind kind, char *take_ident, const char *outlet,
    const char *const s[BATCH_STRINGS], const int64_t i[BATCH_INTS], const void *bytes, size_t len);
/* A row of the group that is being filled. */
void batch_remove(struct batch *b, struct batch_row *row);
/* The row of this identity in the group being filled gives way to the one that follows. */
void batch_replace(struct batch *b, const char *ident);

#endif
