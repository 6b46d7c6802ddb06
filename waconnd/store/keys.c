/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The keydb of one outlet over the database and the batch: what is not yet committed is read from
 * the batch, the rest from the table keys. A value that cannot be unsealed is an error for the
 * whole request, never an absent key.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/store/store.h"

#define VALUE_MAX (1u << 20)

struct get { /* one request under way */
	TAILQ_ENTRY(get) entry;
	struct keys *keys;
	struct key_read *read; /* NULL: nothing to ask the database */
	struct event *ev;      /* then this answers */
	keydb_get_cb cb;
	void *arg;
	size_t n;
	struct key_value *values; /* names are ours */
	struct buf *plain;
	size_t *asked; /* which of them the database was asked, in order */
	size_t n_asked;
	int err;
};
TAILQ_HEAD(gets, get);

struct keys {
	struct keydb keydb; /* first */
	struct store *store;
	char *outlet;
	struct gets gets;
};

static struct keys *
of(struct keydb *k)
{
	return (struct keys *)(void *)k;
}

static void
get_free(struct get *g)
{
	for (size_t i = 0; i < g->n; i++) {
		char *name;

		memcpy(&name, &g->values[i].name, sizeof(name));
		free(name);
		buf_done_secret(&g->plain[i]);
	}
	if (g->ev != NULL)
		event_free(g->ev);
	free(g->values);
	free(g->plain);
	free(g->asked);
	free(g);
}

static void
unseal(struct get *g, size_t i, const void *sealed, size_t len)
{
	struct key_value *v = &g->values[i];
	char *aad = batch_key_aad(g->keys->outlet, v->kind, v->name);

	if (seal_open(g->keys->store->seal, aad, sealed, len, &g->plain[i]) < 0) {
		log_error("keys.corrupt", LOG_STR("outlet", g->keys->outlet),
		    LOG_INT("kind", v->kind), LOG_STR("name", v->name));
		g->err = -1;
	} else {
		/* An empty value is not an absent one. */
		v->value = g->plain[i].data != NULL ? g->plain[i].data : (const uint8_t *)"";
		v->len = g->plain[i].len;
	}
	free(aad);
}

/* Out of the list first: the callback may free the keydb. */
static void
answer(struct get *g)
{
	TAILQ_REMOVE(&g->keys->gets, g, entry);
	if (g->cb != NULL)
		g->cb(g->arg, g->err, g->err == 0 ? g->values : NULL, g->err == 0 ? g->n : 0);
	get_free(g);
}

static void
on_nothing_asked(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	answer(arg);
}

static void
on_found(void *arg, size_t position, const void *sealed, size_t len)
{
	struct get *g = arg;

	if (sealed == NULL || position >= g->n_asked)
		g->err = -1;
	else
		unseal(g, g->asked[position], sealed, len);
}

static void
on_done(void *arg, enum db_error error)
{
	struct get *g = arg;

	g->read = NULL;
	if (error != DB_OK) {
		log_warn("keys.unread", LOG_STR("outlet", g->keys->outlet),
		    LOG_STR("why", db_error_text(error)));
		g->err = -1;
	}
	answer(g);
}

static void
ask(struct get *g)
{
	static const struct key_read_ops read_ops = {on_found, on_done};
	struct key_name *names = xcalloc(g->n_asked, sizeof(*names));

	for (size_t i = 0; i < g->n_asked; i++) {
		const struct key_value *v = &g->values[g->asked[i]];

		names[i] = (struct key_name){v->kind, v->name};
	}
	g->read =
	    key_reads_add(g->keys->store->reads, g->keys->outlet, names, g->n_asked, &read_ops, g);
	free(names);
}

static void
keys_get(struct keydb *k, const struct key_name *names, size_t n, keydb_get_cb cb, void *arg)
{
	struct keys *keys = of(k);
	struct get *g = xcalloc(1, sizeof(*g));

	TAILQ_INSERT_TAIL(&keys->gets, g, entry);
	g->keys = keys;
	g->cb = cb;
	g->arg = arg;
	g->n = n;
	g->values = xcalloc(n + 1, sizeof(*g->values));
	g->plain = xcalloc(n + 1, sizeof(*g->plain));
	g->asked = xcalloc(n + 1, sizeof(*g->asked));
	for (size_t i = 0; i < n; i++) {
		const void *sealed = NULL;
		size_t len = 0;
		int found;

		buf_init(&g->plain[i], VALUE_MAX);
		g->values[i].kind = names[i].kind;
		g->values[i].name = xstrdup(names[i].name);
		found = batch_key_find(
		    keys->store->batch, keys->outlet, names[i].kind, names[i].name, &sealed, &len);
		if (found > 0)
			unseal(g, i, sealed, len);
		else if (found == 0)
			g->asked[g->n_asked++] = i;
	}
	if (g->n_asked > 0) {
		ask(g);
		return;
	}
	g->ev = event_new(keys->store->base, -1, 0, on_nothing_asked, g);
	if (g->ev == NULL)
		abort();
	event_active(g->ev, EV_TIMEOUT, 0);
}

static void
keys_put(struct keydb *k, enum key_kind kind, const char *name, const void *value, size_t len)
{
	batch_key_put(of(k)->store->batch, of(k)->outlet, kind, name, value, len);
}

static void
keys_del(struct keydb *k, enum key_kind kind, const char *name)
{
	batch_key_del(of(k)->store->batch, of(k)->outlet, kind, name);
}

static void
keys_wipe(struct keydb *k)
{
	batch_key_wipe(of(k)->store->batch, of(k)->outlet);
}

static void
keys_commit(struct keydb *k, keydb_commit_cb cb, void *arg)
{
	batch_commit_outlet(of(k)->store->batch, of(k)->outlet, cb, arg);
}

static bool
keys_full(struct keydb *k)
{
	return batch_full(of(k)->store->batch);
}

static void
get_forget(struct get *g)
{
	if (g->read != NULL)
		key_read_forget(g->read);
	TAILQ_REMOVE(&g->keys->gets, g, entry);
	get_free(g);
}

static void
keys_forget(struct keydb *k, void *arg)
{
	struct get *g;

	TAILQ_FOREACH(g, &of(k)->gets, entry)
	{
		if (g->arg == arg)
			g->cb = NULL;
	}
	batch_forget(of(k)->store->batch, arg);
}

static const struct keydb_ops ops = {
    .get = keys_get,
    .put = keys_put,
    .del = keys_del,
    .wipe = keys_wipe,
    .commit = keys_commit,
    .full = keys_full,
    .forget = keys_forget,
};

struct keydb *
store_keys_new(struct store *s, const char *outlet)
{
	struct keys *keys = xcalloc(1, sizeof(*keys));

	keys->keydb.ops = &ops;
	keys->store = s;
	keys->outlet = xstrdup(outlet);
	TAILQ_INIT(&keys->gets);
	return &keys->keydb;
}

void
store_keys_free(struct keydb **kp)
{
	struct keys *keys;
	struct get *g;

	if (*kp == NULL)
		return;
	keys = of(*kp);
	while ((g = TAILQ_FIRST(&keys->gets)) != NULL)
		get_forget(g);
	free(keys->outlet);
	free(keys);
	*kp = NULL;
}
