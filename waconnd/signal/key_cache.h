/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * key_cache: the keys of one link that are in memory, over its keydb.
 *
 * libsignal's store callbacks are synchronous, the database is not: who needs keys holds them first
 * (key_cache_hold), and while the hold lives they stay in memory. There is one copy of each key.
 * Changes stay in memory until key_cache_commit puts them into the write batch; a key that is not
 * yet on disk is never evicted (DESIGN section 5).
 */
#ifndef SIGNAL_KEY_CACHE_H
#define SIGNAL_KEY_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "waconnd/keydb.h"

struct key_cache;
struct key_hold;

typedef void (*key_cache_cb)(void *arg);

/* What the cache asks of its owner. */
struct key_cache_owner {
	void *arg;
	/* Keys could not be read or written: what is in memory is ahead of the disk, so the link
	 * must end. Called at most once. */
	void (*failed)(void *arg, const char *what);
	/* Around every callback: the owner, and the cache with it, is freed at exit at the
	 * earliest. */
	void (*enter)(void *arg);
	void (*exit)(void *arg);
};

/* Evicts down to max_bytes; what is held or not yet on disk may exceed it. */
struct key_cache *key_cache_new(
    struct keydb *db, size_t max_bytes, const struct key_cache_owner *owner);
/* Wipes. No callback comes any more; holds must be gone. */
void key_cache_free(struct key_cache **c);

/*
 * Holds the named keys in memory. *ret_ready: they are there already, and cb will not be called;
 * else cb comes when they are, never from inside this call. Not at all after a failure.
 */
struct key_hold *key_cache_hold(struct key_cache *c, const struct key_name *names, size_t n,
    key_cache_cb cb, void *arg, bool *ret_ready);
void key_hold_free(struct key_hold **h);

/* Is the key in memory, or known to be absent? */
bool key_cache_knows(const struct key_cache *c, enum key_kind kind, const char *name);
/* The value, valid until the key changes or its hold ends; NULL if absent or not in memory. */
const uint8_t *key_cache_find(
    struct key_cache *c, enum key_kind kind, const char *name, size_t *ret_len);
void key_cache_put(
    struct key_cache *c, enum key_kind kind, const char *name, const void *value, size_t len);
void key_cache_del(struct key_cache *c, enum key_kind kind, const char *name);
/* Straight into the write batch, for keys that nobody is going to want soon: the commit is the
 * caller's. */
void key_cache_write(
    struct key_cache *c, enum key_kind kind, const char *name, const void *value, size_t len);
/* The names of that kind in memory with a value that begin with `prefix`. */
void key_cache_each(struct key_cache *c, enum key_kind kind, const char *prefix,
    void (*each)(void *arg, const char *name), void *arg);

/* Between begin and end changes can be taken back: keep false restores what was before. */
void key_cache_begin(struct key_cache *c);
void key_cache_end(struct key_cache *c, bool keep);

/* Everything changed so far, and what others added to the batch in this turn, in one commit; cb
 * when it is on disk. */
void key_cache_commit(struct key_cache *c, key_cache_cb cb, void *arg);
/* No cb of a commit with this arg comes any more; what it commits stays. */
void key_cache_forget(struct key_cache *c, void *arg);

void key_cache_trim(struct key_cache *c, size_t max_bytes);
size_t key_cache_bytes(const struct key_cache *c);
size_t key_cache_count(const struct key_cache *c);

#endif
