/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Keys in memory, by kind and name, each on exactly one list: clean (in order of use, evicted from
 * its end), dirty (changed, not yet in the batch) or waiting (in the batch, not yet on disk). It
 * knows nothing of what the values mean.
 */
#include "waconnd/signal/key_cache.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/xalloc.h"

#define BUCKETS 128
#define FNV_OFFSET 2166136261u
#define FNV_PRIME 16777619u

enum key_state {
	KEY_UNKNOWN, /* the disk was not asked */
	KEY_LOADING,
	KEY_LOADED /* value NULL: there is none */
};

enum key_list { LIST_CLEAN, LIST_DIRTY, LIST_WAITING };

struct key {
	LIST_ENTRY(key) in_bucket;
	TAILQ_ENTRY(key) in_list;
	enum key_kind kind;
	enum key_state state;
	enum key_list list;
	unsigned holds;
	uint64_t commit; /* waiting: the commit that writes it */
	uint8_t *value;
	size_t len;
	char name[];
};
TAILQ_HEAD(keys_head, key);

struct key_hold {
	TAILQ_ENTRY(key_hold) entry; /* while it waits */
	struct key_cache *cache;
	bool waits;
	key_cache_cb cb;
	void *arg;
	size_t n;
	struct key *keys[];
};

struct load { /* a question to the disk */
	TAILQ_ENTRY(load) entry;
	struct key_cache *cache;
};

struct commit {
	TAILQ_ENTRY(commit) entry;
	struct key_cache *cache;
	uint64_t number;
	key_cache_cb cb; /* NULL: forgotten */
	void *arg;
};

struct undo { /* a key as it was at key_cache_begin */
	SLIST_ENTRY(undo) entry;
	struct key *key;
	enum key_state state;
	bool was_clean;
	uint8_t *value;
	size_t len;
};

struct key_cache {
	struct keydb *db;
	size_t max_bytes, bytes, count;
	LIST_HEAD(, key) buckets[BUCKETS];
	struct keys_head lists[3];
	TAILQ_HEAD(, key_hold) waiting;
	TAILQ_HEAD(, load) loads;
	TAILQ_HEAD(, commit) commits;
	uint64_t commit_number;
	bool undoing, failed;
	SLIST_HEAD(, undo) undos;
	struct key_cache_owner owner;
};

static unsigned
bucket_of(enum key_kind kind, const char *name)
{
	uint32_t h = (FNV_OFFSET ^ (uint32_t)kind) * FNV_PRIME;

	for (; *name != '\0'; name++)
		h = (h ^ (uint8_t)*name) * FNV_PRIME;
	return h % BUCKETS;
}

static struct key *
lookup(const struct key_cache *c, enum key_kind kind, const char *name)
{
	struct key *k;

	LIST_FOREACH(k, &c->buckets[bucket_of(kind, name)], in_bucket)
	if (k->kind == kind && strcmp(k->name, name) == 0)
		return k;
	return NULL;
}

static void
wipe(uint8_t *value, size_t len)
{
	if (value != NULL)
		OPENSSL_cleanse(value, len);
	free(value);
}

static size_t
size_of(const struct key *k)
{
	return sizeof(*k) + strlen(k->name) + k->len;
}

static void
move_to(struct key_cache *c, struct key *k, enum key_list list)
{
	TAILQ_REMOVE(&c->lists[k->list], k, in_list);
	k->list = list;
	TAILQ_INSERT_TAIL(&c->lists[list], k, in_list);
}

static struct key *
key_new(struct key_cache *c, enum key_kind kind, const char *name)
{
	const size_t len = strlen(name);
	struct key *k = xcalloc(1, sizeof(*k) + len + 1);

	memcpy(k->name, name, len);
	k->kind = kind;
	LIST_INSERT_HEAD(&c->buckets[bucket_of(kind, name)], k, in_bucket);
	TAILQ_INSERT_TAIL(&c->lists[LIST_CLEAN], k, in_list);
	c->bytes += size_of(k);
	c->count++;
	return k;
}

static void
key_free(struct key_cache *c, struct key *k)
{
	c->bytes -= size_of(k);
	c->count--;
	LIST_REMOVE(k, in_bucket);
	TAILQ_REMOVE(&c->lists[k->list], k, in_list);
	wipe(k->value, k->len);
	free(k);
}

static struct key *
key_at(struct key_cache *c, enum key_kind kind, const char *name)
{
	struct key *k = lookup(c, kind, name);

	return k != NULL ? k : key_new(c, kind, name);
}

/* value NULL: absent. */
static void
set_value(struct key_cache *c, struct key *k, const void *value, size_t len)
{
	uint8_t *copy = NULL;

	if (value != NULL) {
		copy = xmalloc(len + 1); /* an empty value is not an absent one */
		memcpy(copy, value, len);
	} else {
		len = 0;
	}
	wipe(k->value, k->len);
	c->bytes = c->bytes - k->len + len;
	k->value = copy;
	k->len = len;
	k->state = KEY_LOADED;
}

struct key_cache *
key_cache_new(struct keydb *db, size_t max_bytes, const struct key_cache_owner *owner)
{
	struct key_cache *c = xcalloc(1, sizeof(*c));

	c->db = db;
	c->max_bytes = max_bytes;
	c->owner = *owner;
	for (size_t i = 0; i < sizeof(c->lists) / sizeof(c->lists[0]); i++)
		TAILQ_INIT(&c->lists[i]);
	TAILQ_INIT(&c->waiting);
	TAILQ_INIT(&c->loads);
	TAILQ_INIT(&c->commits);
	SLIST_INIT(&c->undos);
	return c;
}

void
key_cache_free(struct key_cache **cp)
{
	struct key_cache *c = *cp;
	struct load *l;
	struct commit *m;
	struct key *k;

	if (c == NULL)
		return;
	while ((l = TAILQ_FIRST(&c->loads)) != NULL) {
		TAILQ_REMOVE(&c->loads, l, entry);
		c->db->ops->forget(c->db, l);
		free(l);
	}
	while ((m = TAILQ_FIRST(&c->commits)) != NULL) {
		TAILQ_REMOVE(&c->commits, m, entry);
		c->db->ops->forget(c->db, m);
		free(m);
	}
	for (size_t i = 0; i < sizeof(c->lists) / sizeof(c->lists[0]); i++)
		while ((k = TAILQ_FIRST(&c->lists[i])) != NULL)
			key_free(c, k);
	free(c);
	*cp = NULL;
}

static void
fail(struct key_cache *c, const char *what)
{
	if (c->failed)
		return;
	c->failed = true;
	c->owner.failed(c->owner.arg, what);
}

void
key_cache_trim(struct key_cache *c, size_t max_bytes)
{
	struct key *k, *next;

	for (k = TAILQ_FIRST(&c->lists[LIST_CLEAN]); k != NULL && c->bytes > max_bytes; k = next) {
		next = TAILQ_NEXT(k, in_list);
		if (k->holds == 0 && k->state != KEY_LOADING)
			key_free(c, k);
	}
}

/* -- loading -- */

static bool
hold_ready(const struct key_hold *h)
{
	for (size_t i = 0; i < h->n; i++)
		if (h->keys[i]->state != KEY_LOADED)
			return false;
	return true;
}

/* A callback may make and free holds: begin again after each. */
static void
wake_holds(struct key_cache *c)
{
	struct key_hold *h;

again:
	TAILQ_FOREACH(h, &c->waiting, entry)
	{
		if (!hold_ready(h))
			continue;
		TAILQ_REMOVE(&c->waiting, h, entry);
		h->waits = false;
		h->cb(h->arg);
		goto again;
	}
}

static void
loaded(struct key_cache *c, int err, const struct key_value *values, size_t n)
{
	if (err != 0) {
		fail(c, "keys could not be read");
		return;
	}
	for (size_t i = 0; i < n; i++) {
		struct key *k = lookup(c, values[i].kind, values[i].name);

		/* What was put meanwhile is newer. */
		if (k != NULL && k->state == KEY_LOADING)
			set_value(c, k, values[i].value, values[i].len);
	}
	wake_holds(c);
}

static void
on_loaded(void *arg, int err, const struct key_value *values, size_t n)
{
	struct load *l = arg;
	struct key_cache *c = l->cache;
	const struct key_cache_owner owner = c->owner;

	TAILQ_REMOVE(&c->loads, l, entry);
	free(l);
	owner.enter(owner.arg);
	loaded(c, err, values, n);
	owner.exit(owner.arg);
}

static void
load(struct key_cache *c, struct key *const *keys, size_t n)
{
	struct key_name *names = xcalloc(n + 1, sizeof(*names));
	size_t asked = 0;
	struct load *l;

	for (size_t i = 0; i < n; i++) {
		if (keys[i]->state != KEY_UNKNOWN)
			continue;
		keys[i]->state = KEY_LOADING;
		names[asked++] = (struct key_name){keys[i]->kind, keys[i]->name};
	}
	if (asked > 0) {
		l = xcalloc(1, sizeof(*l));
		l->cache = c;
		TAILQ_INSERT_TAIL(&c->loads, l, entry);
		c->db->ops->get(c->db, names, asked, on_loaded, l);
	}
	free(names);
}

struct key_hold *
key_cache_hold(struct key_cache *c, const struct key_name *names, size_t n, key_cache_cb cb,
    void *arg, bool *ret_ready)
{
	struct key_hold *h = xcalloc(1, sizeof(*h) + n * sizeof(h->keys[0]));

	h->cache = c;
	h->cb = cb;
	h->arg = arg;
	h->n = n;
	for (size_t i = 0; i < n; i++) {
		h->keys[i] = key_at(c, names[i].kind, names[i].name);
		h->keys[i]->holds++;
	}
	load(c, h->keys, n);
	*ret_ready = hold_ready(h);
	if (!*ret_ready) {
		h->waits = true;
		TAILQ_INSERT_TAIL(&c->waiting, h, entry);
	}
	key_cache_trim(c, c->max_bytes);
	return h;
}

void
key_hold_free(struct key_hold **hp)
{
	struct key_hold *h = *hp;

	if (h == NULL)
		return;
	if (h->waits)
		TAILQ_REMOVE(&h->cache->waiting, h, entry);
	for (size_t i = 0; i < h->n; i++) {
		struct key *k = h->keys[i];

		k->holds--;
		if (k->list == LIST_CLEAN)
			move_to(h->cache, k, LIST_CLEAN);
	}
	free(h);
	*hp = NULL;
}

/* -- values -- */

bool
key_cache_knows(const struct key_cache *c, enum key_kind kind, const char *name)
{
	const struct key *k = lookup(c, kind, name);

	return k != NULL && k->state == KEY_LOADED;
}

const uint8_t *
key_cache_find(struct key_cache *c, enum key_kind kind, const char *name, size_t *ret_len)
{
	const struct key *k = lookup(c, kind, name);

	if (k == NULL || k->state != KEY_LOADED || k->value == NULL)
		return NULL;
	*ret_len = k->len;
	return k->value;
}

static bool
has_undo(const struct key_cache *c, const struct key *k)
{
	const struct undo *u;

	SLIST_FOREACH(u, &c->undos, entry)
	if (u->key == k)
		return true;
	return false;
}

/* The old value moves into the record; set_value makes the new one. */
static void
remember(struct key_cache *c, struct key *k)
{
	struct undo *u = xcalloc(1, sizeof(*u));

	u->key = k;
	u->state = k->state;
	u->was_clean = k->list == LIST_CLEAN;
	u->value = k->value;
	u->len = k->len;
	c->bytes -= k->len;
	k->value = NULL;
	k->len = 0;
	SLIST_INSERT_HEAD(&c->undos, u, entry);
}

static void
change(struct key_cache *c, enum key_kind kind, const char *name, const void *value, size_t len)
{
	struct key *k = key_at(c, kind, name);

	if (c->undoing && !has_undo(c, k))
		remember(c, k);
	set_value(c, k, value, len);
	move_to(c, k, LIST_DIRTY);
}

void
key_cache_put(
    struct key_cache *c, enum key_kind kind, const char *name, const void *value, size_t len)
{
	change(c, kind, name, value != NULL ? value : "", len);
}

void
key_cache_del(struct key_cache *c, enum key_kind kind, const char *name)
{
	change(c, kind, name, NULL, 0);
}

/* Who looked for it before it was made must not go on believing that there is none. */
void
key_cache_write(
    struct key_cache *c, enum key_kind kind, const char *name, const void *value, size_t len)
{
	struct key *k = lookup(c, kind, name);

	c->db->ops->put(c->db, kind, name, value, len);
	if (k != NULL)
		set_value(c, k, value, len);
}

void
key_cache_each(struct key_cache *c, enum key_kind kind, const char *prefix,
    void (*each)(void *arg, const char *name), void *arg)
{
	const size_t len = strlen(prefix);
	const struct key *k;

	for (size_t i = 0; i < BUCKETS; i++)
		LIST_FOREACH(k, &c->buckets[i], in_bucket)
	if (k->kind == kind && k->value != NULL && strncmp(k->name, prefix, len) == 0)
		each(arg, k->name);
}

void
key_cache_begin(struct key_cache *c)
{
	c->undoing = true;
}

/* A key that was dirty before stays dirty: writing its old value once more does no harm. */
static void
restore(struct key_cache *c, struct undo *u)
{
	struct key *k = u->key;

	wipe(k->value, k->len);
	c->bytes = c->bytes - k->len + u->len;
	k->value = u->value;
	k->len = u->len;
	k->state = u->state;
	u->value = NULL;
	if (u->was_clean)
		move_to(c, k, LIST_CLEAN);
}

void
key_cache_end(struct key_cache *c, bool keep)
{
	struct undo *u;

	while ((u = SLIST_FIRST(&c->undos)) != NULL) {
		SLIST_REMOVE_HEAD(&c->undos, entry);
		if (!keep)
			restore(c, u);
		wipe(u->value, u->value != NULL ? u->len : 0);
		free(u);
	}
	c->undoing = false;
}

/* -- committing -- */

static void
committed(struct key_cache *c, const struct commit *done, int err)
{
	struct keys_head *waiting = &c->lists[LIST_WAITING];
	struct key *k;

	if (err != 0) {
		fail(c, "keys could not be written");
		return;
	}
	while ((k = TAILQ_FIRST(waiting)) != NULL && k->commit <= done->number)
		move_to(c, k, LIST_CLEAN);
	key_cache_trim(c, c->max_bytes);
	if (done->cb != NULL && !c->failed)
		done->cb(done->arg);
}

static void
on_committed(void *arg, int err)
{
	struct commit *m = arg;
	struct key_cache *c = m->cache;
	const struct commit done = *m;
	const struct key_cache_owner owner = c->owner;

	TAILQ_REMOVE(&c->commits, m, entry);
	free(m);
	owner.enter(owner.arg);
	committed(c, &done, err);
	owner.exit(owner.arg);
}

void
key_cache_commit(struct key_cache *c, key_cache_cb cb, void *arg)
{
	struct commit *m = xcalloc(1, sizeof(*m));
	struct key *k;

	m->cache = c;
	m->number = ++c->commit_number;
	m->cb = cb;
	m->arg = arg;
	TAILQ_INSERT_TAIL(&c->commits, m, entry);
	while ((k = TAILQ_FIRST(&c->lists[LIST_DIRTY])) != NULL) {
		if (k->value != NULL)
			c->db->ops->put(c->db, k->kind, k->name, k->value, k->len);
		else
			c->db->ops->del(c->db, k->kind, k->name);
		k->commit = m->number;
		move_to(c, k, LIST_WAITING);
	}
	c->db->ops->commit(c->db, on_committed, m);
}

void
key_cache_forget(struct key_cache *c, void *arg)
{
	struct commit *m;

	TAILQ_FOREACH(m, &c->commits, entry)
	if (m->arg == arg)
		m->cb = NULL;
}

size_t
key_cache_bytes(const struct key_cache *c)
{
	return c->bytes;
}

size_t
key_cache_count(const struct key_cache *c)
{
	return c->count;
}
