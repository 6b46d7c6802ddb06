/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A keydb in memory: answers come from the loop, as the store's do, in the order of the calls. Made
 * to fail on demand.
 */
#ifndef TESTS_LINK_FAKE_KEYS_H
#define TESTS_LINK_FAKE_KEYS_H

#include <event2/event.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/xalloc.h"
#include "tests/unit/cmocka_all.h"
#include "waconnd/keydb.h"

#define UNUSED_FN __attribute__((unused))
#define FAKE_NAMES_MAX 16

struct fake_key {
	LIST_ENTRY(fake_key) entry;
	enum key_kind kind;
	char name[96];
	uint8_t *value;
	size_t len;
};

struct fake_call {
	TAILQ_ENTRY(fake_call) entry;
	struct key_name names[FAKE_NAMES_MAX];
	size_t n;
	keydb_get_cb get;
	keydb_commit_cb commit;
	void *arg;
};

struct fake_keys {
	struct keydb keydb; /* first */
	LIST_HEAD(, fake_key) keys;
	TAILQ_HEAD(, fake_call) calls;
	struct event *later;
	unsigned commits, wipes;
	int fail; /* what the next answers say */
};

static struct fake_key *
fake_key_find(const struct fake_keys *f, enum key_kind kind, const char *name)
{
	struct fake_key *k;

	LIST_FOREACH(k, &f->keys, entry)
	if (k->kind == kind && strcmp(k->name, name) == 0)
		return k;
	return NULL;
}

static void
fake_key_free(struct fake_key *k)
{
	LIST_REMOVE(k, entry);
	free(k->value);
	free(k);
}

static void
fake_del(struct keydb *db, enum key_kind kind, const char *name)
{
	struct fake_key *k = fake_key_find((struct fake_keys *)(void *)db, kind, name);

	if (k != NULL)
		fake_key_free(k);
}

static void
fake_put(struct keydb *db, enum key_kind kind, const char *name, const void *value, size_t len)
{
	struct fake_keys *f = (struct fake_keys *)(void *)db;
	struct fake_key *k = xcalloc(1, sizeof(*k));

	fake_del(db, kind, name);
	k->kind = kind;
	(void)snprintf(k->name, sizeof(k->name), "%s", name);
	k->value = xmemdup(value, len);
	k->len = len;
	LIST_INSERT_HEAD(&f->keys, k, entry);
}

static void
fake_wipe_all(struct fake_keys *f)
{
	while (!LIST_EMPTY(&f->keys))
		fake_key_free(LIST_FIRST(&f->keys));
}

static void
fake_wipe(struct keydb *db)
{
	struct fake_keys *f = (struct fake_keys *)(void *)db;

	fake_wipe_all(f);
	f->wipes++;
}

static void
fake_call_add(struct fake_keys *f, const struct fake_call *call)
{
	struct fake_call *c = xmemdup(call, sizeof(*call));

	TAILQ_INSERT_TAIL(&f->calls, c, entry);
	event_active(f->later, EV_TIMEOUT, 0);
}

static void
fake_get(struct keydb *db, const struct key_name *names, size_t n, keydb_get_cb cb, void *arg)
{
	struct fake_call c = {.n = n, .get = cb, .arg = arg};

	assert_true(n <= FAKE_NAMES_MAX);
	memcpy(c.names, names, n * sizeof(*names));
	fake_call_add((struct fake_keys *)(void *)db, &c);
}

static void
fake_commit(struct keydb *db, keydb_commit_cb cb, void *arg)
{
	const struct fake_call c = {.commit = cb, .arg = arg};

	fake_call_add((struct fake_keys *)(void *)db, &c);
}

static void
fake_forget(struct keydb *db, void *arg)
{
	struct fake_keys *f = (struct fake_keys *)(void *)db;
	struct fake_call *c;

	TAILQ_FOREACH(c, &f->calls, entry)
	if (c->arg == arg) {
		c->get = NULL;
		c->commit = NULL;
	}
}

static void
fake_answer_get(struct fake_keys *f, const struct fake_call *c)
{
	struct key_value values[FAKE_NAMES_MAX];

	for (size_t i = 0; i < c->n; i++) {
		const struct fake_key *k = fake_key_find(f, c->names[i].kind, c->names[i].name);

		values[i] = (struct key_value){c->names[i].kind, c->names[i].name,
		    k != NULL ? k->value : NULL, k != NULL ? k->len : 0};
	}
	c->get(c->arg, f->fail, f->fail < 0 ? NULL : values, f->fail < 0 ? 0 : c->n);
}

static void
fake_later_cb(evutil_socket_t fd, short what, void *arg)
{
	struct fake_keys *f = arg;
	struct fake_call *c = TAILQ_FIRST(&f->calls);

	(void)fd;
	(void)what;
	if (c == NULL)
		return;
	TAILQ_REMOVE(&f->calls, c, entry);
	if (!TAILQ_EMPTY(&f->calls))
		event_active(f->later, EV_TIMEOUT, 0);
	if (c->get != NULL)
		fake_answer_get(f, c);
	else if (c->commit != NULL) {
		f->commits++;
		c->commit(c->arg, f->fail);
	}
	free(c);
}

static bool
fake_full(struct keydb *k)
{
	(void)k;
	return false;
}

static const struct keydb_ops fake_keys_ops = {
    .get = fake_get,
    .put = fake_put,
    .del = fake_del,
    .wipe = fake_wipe,
    .commit = fake_commit,
    .full = fake_full,
    .forget = fake_forget,
};

UNUSED_FN static void
fake_keys_init(struct fake_keys *f, struct event_base *base)
{
	*f = (struct fake_keys){.keydb.ops = &fake_keys_ops};
	LIST_INIT(&f->keys);
	TAILQ_INIT(&f->calls);
	f->later = event_new(base, -1, 0, fake_later_cb, f);
	assert_non_null(f->later);
}

UNUSED_FN static void
fake_keys_done(struct fake_keys *f)
{
	struct fake_call *c;

	while ((c = TAILQ_FIRST(&f->calls)) != NULL) {
		TAILQ_REMOVE(&f->calls, c, entry);
		free(c);
	}
	fake_wipe_all(f);
	event_free(f->later);
}

#endif
