/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * key_reads: sealed keys from the table. What all outlets ask for in one turn of the loop goes to
 * the database as one question: a group of recipients costs one, not two for each.
 */
#ifndef STORE_KEY_READ_H
#define STORE_KEY_READ_H

#include <event2/event.h>

#include "waconnd/keydb.h"
#include "waconnd/store/db.h"

#define KEY_READ_MAX 1024 /* keys of one question: an answer stays within a few MiB */

struct key_read_ops {
	/* The key that was asked for at this position is there; sealed NULL: it cannot be read. */
	void (*found)(void *arg, size_t position, const void *sealed, size_t len);
	/* After all that was found; last. */
	void (*done)(void *arg, enum db_error error);
};

struct key_reads;
struct key_read; /* one that waits for its answer */

struct key_reads *key_reads_new(struct event_base *base, struct db *db);
/* Nobody is called any more. */
void key_reads_free(struct key_reads **r);
/* 0 < n <= KEY_READ_MAX. Everything is copied but ops; nothing is called from inside. The result is
 * valid until done was called or it was forgotten. Waits as long as the database is away. */
struct key_read *key_reads_add(struct key_reads *r, const char *outlet,
    const struct key_name *names, size_t n, const struct key_read_ops *ops, void *arg);
void key_read_forget(struct key_read *k);

#endif
