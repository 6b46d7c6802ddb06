/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A link and its database: the credentials loaded, made anew for pairing, saved; commits waited
 * for. Keys of sessions are the message side's.
 */
#include <stdlib.h>

#include "common/xalloc.h"
#include "waconnd/link/link_private.h"

struct link_commit { /* a commit asked for */
	LIST_ENTRY(link_commit) entry;
	struct link *link;
	void (*fn)(struct link *l, int err);
};

static void
on_committed(void *arg, int err)
{
	struct link_commit *c = arg;
	struct link *l = c->link;

	LIST_REMOVE(c, entry);
	link_enter(l);
	if (!l->freed && l->phase < LINK_ENDING)
		c->fn(l, err);
	link_exit(l);
	free(c);
}

void
link_commit(struct link *l, void (*fn)(struct link *l, int err))
{
	struct link_commit *c = xcalloc(1, sizeof(*c));

	c->link = l;
	c->fn = fn;
	LIST_INSERT_HEAD(&l->commits, c, entry);
	l->keys->ops->commit(l->keys, on_committed, c);
}

void
link_save_credentials(struct link *l)
{
	struct buf packed = BUF_INIT(CREDENTIALS_MAX);

	credentials_pack(&l->credentials, &packed);
	if (buf_ok(&packed))
		l->keys->ops->put(l->keys, KEY_CREDENTIALS, "", packed.data, packed.len);
	else
		link_fail(l, LINK_END_STORAGE, "the credentials are too large to be saved");
	buf_done_secret(&packed);
}

static void
go(struct link *l)
{
	if (!link_step(l, LINK_EV_LOADED))
		return;
	if (l->mode != LINK_LOGIN)
		l->pair = link_pair_new(l);
	if (l->mode == LINK_PAIR_CODE)
		l->code = link_code_new(l);
	link_dial_queue(l->net, &l->dial);
}

static void
on_new_saved(struct link *l, int err)
{
	if (err < 0)
		link_fail(l, LINK_END_STORAGE, "the new keys could not be saved");
	else
		go(l);
}

/* Pairing begins with keys that no phone has seen linked. */
static void
begin_anew(struct link *l)
{
	credentials_done(&l->credentials);
	l->keys->ops->wipe(l->keys);
	if (credentials_generate(&l->credentials) < 0) {
		link_fail(l, LINK_END_STORAGE, "no keys can be made");
		return;
	}
	link_save_credentials(l);
	link_commit(l, on_new_saved);
}

static void
take(struct link *l, const struct key_value *stored)
{
	const bool have = stored->value != NULL;

	if (have && credentials_unpack(stored->value, stored->len, &l->credentials) < 0)
		link_fail(l, LINK_END_BAD_KEYS, "the stored keys do not fit together");
	else if (l->mode == LINK_LOGIN && !l->credentials.paired)
		link_fail(l, LINK_END_BAD_KEYS, "there are no keys of a linked device");
	else if (l->mode != LINK_LOGIN && (!have || l->credentials.paired))
		begin_anew(l);
	else
		go(l);
}

static void
on_loaded(void *arg, int err, const struct key_value *values, size_t n)
{
	struct link *l = arg;

	/* Closed meanwhile. */
	if (l->phase != LINK_LOADING)
		return;
	link_enter(l);
	if (err < 0 || n != 1)
		link_fail(l, LINK_END_STORAGE, "the keys could not be read");
	else
		take(l, &values[0]);
	link_exit(l);
}

void
link_keys_forget(struct link *l)
{
	struct link_commit *c;

	l->keys->ops->forget(l->keys, l);
	while ((c = LIST_FIRST(&l->commits)) != NULL) {
		LIST_REMOVE(c, entry);
		l->keys->ops->forget(l->keys, c);
		free(c);
	}
}

void
link_keys_load(struct link *l)
{
	static const struct key_name name = {KEY_CREDENTIALS, ""};

	l->keys->ops->get(l->keys, &name, 1, on_loaded, l);
}
