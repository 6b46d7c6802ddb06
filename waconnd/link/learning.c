/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Notes items and applies them. Pairs go first, since chats may be named by numbers whose LIDs come
 * later in the same history.
 */
#include "waconnd/link/learning.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/link/lid.h"
#include "waconnd/link/peer.h"
#include "wa.pb-c.h"

#define SLICE 64

struct noted {
	STAILQ_ENTRY(noted) entry;
	struct jid pn, lid; /* of a user; one may be none */
	bool is_chat, has_expiration;
	uint32_t expiration;
	int64_t token_t, issued_t;
	size_t token_len;
	uint8_t token[];
};
STAILQ_HEAD(noteds, noted);

struct learning {
	struct messaging *m;
	struct noteds pairs, chats;
	size_t n, dropped;
	struct noteds *list; /* the one that the slice is from */
	size_t slice;	     /* items at its head that are being worked on */
	struct key_hold *map_hold, *hold;
	struct event *begin;
	void (*cb)(void *arg);
	void *arg;
};

static void next_slice(struct learning *l);

static void
on_begin(evutil_socket_t fd, short what, void *arg)
{
	struct learning *l = arg;
	struct link *link = l->m->link;

	(void)fd;
	(void)what;
	link_enter(link);
	next_slice(l);
	link_exit(link);
}

struct learning *
learning_new(struct messaging *m)
{
	struct learning *l = xcalloc(1, sizeof(*l));

	l->m = m;
	STAILQ_INIT(&l->pairs);
	STAILQ_INIT(&l->chats);
	l->begin = event_new(link_base(m->link), -1, 0, on_begin, l);
	if (l->begin == NULL)
		abort();
	return l;
}

static void
drop_first(struct learning *l, struct noteds *list)
{
	struct noted *i = STAILQ_FIRST(list);

	STAILQ_REMOVE_HEAD(list, entry);
	l->n--;
	OPENSSL_cleanse(i->token, i->token_len);
	free(i);
}

void
learning_free(struct learning **lp)
{
	struct learning *l = *lp;

	if (l == NULL)
		return;
	key_cache_forget(l->m->keys, l);
	key_hold_free(&l->map_hold);
	key_hold_free(&l->hold);
	while (!STAILQ_EMPTY(&l->pairs))
		drop_first(l, &l->pairs);
	while (!STAILQ_EMPTY(&l->chats))
		drop_first(l, &l->chats);
	event_free(l->begin);
	free(l);
	*lp = NULL;
}

/* -- noting --------------------------------------------------------------------------- */

static void
take_address(const struct jid *jid, struct jid *pn, struct jid *lid)
{
	if (!stanza_id_is_plain(jid->user))
		return;
	if (jid->server == JID_SERVER_PN)
		*pn = jid_without_device(jid);
	else if (jid->server == JID_SERVER_LID)
		*lid = jid_without_device(jid);
}

static void
note(struct learning *l, const struct history_item *item)
{
	const bool is_chat = item->what == HISTORY_CHAT;
	struct jid pn = {0}, lid = {0};
	struct noted *i;

	take_address(&item->pn, &pn, &lid);
	take_address(&item->lid, &pn, &lid);
	take_address(&item->jid, &pn, &lid);
	if (is_chat ? jid_is_none(&pn) && jid_is_none(&lid) : jid_is_none(&pn) || jid_is_none(&lid))
		return;
	if (l->n >= LEARNING_ITEMS_MAX) {
		l->dropped++;
		return;
	}
	i = xcalloc(1, sizeof(*i) + item->token_len);
	i->pn = pn;
	i->lid = lid;
	i->is_chat = is_chat;
	i->has_expiration = item->has_expiration;
	i->expiration = item->expiration;
	i->token_t = item->token_t;
	i->issued_t = item->issued_t;
	i->token_len = item->token_len;
	memcpy(i->token, item->token, item->token_len);
	if (is_chat)
		STAILQ_INSERT_TAIL(&l->chats, i, entry);
	else
		STAILQ_INSERT_TAIL(&l->pairs, i, entry);
	l->n++;
}

void
learning_add(struct learning *l, const struct history_item *item)
{
	if (item->what == HISTORY_NAME && messaging_is_own_user(l->m, &item->jid))
		messaging_own_name(l->m, item->name);
	if (item->what == HISTORY_SALT && item->token_len > 0)
		key_cache_put(l->m->keys, KEY_ACCOUNT, ACCOUNT_SALT, item->token, item->token_len);
	if (item->what == HISTORY_CHAT || item->what == HISTORY_PAIR)
		note(l, item);
}

static void
on_item(void *arg, const struct history_item *item)
{
	learning_add(arg, item);
}

int
learning_add_history(struct learning *l, const void *data, size_t len)
{
	struct history *h = history_new(on_item, l);
	int r = history_push(h, data, len);

	if (r == 0)
		r = history_end(h);
	history_free(&h);
	return r;
}

int
learning_add_lids(struct learning *l, const void *data, size_t len)
{
	Wa__LIDMigrationMappingSyncPayload *p =
	    wa__lidmigration_mapping_sync_payload__unpack(NULL, len, data);

	if (p == NULL)
		return -1;
	for (size_t i = 0; i < p->n_pn_to_lid_mappings; i++) {
		const Wa__LIDMigrationMapping *m = p->pn_to_lid_mappings[i];
		struct history_item item = {.what = HISTORY_PAIR};
		char pn[24], lid[24];

		if (m->pn == 0 || (m->latest_lid == 0 && m->assigned_lid == 0))
			continue;
		(void)snprintf(pn, sizeof(pn), "%" PRIu64, m->pn);
		(void)snprintf(lid, sizeof(lid), "%" PRIu64,
		    m->latest_lid != 0 ? m->latest_lid : m->assigned_lid);
		item.pn = jid_make(JID_SERVER_PN, pn, 0);
		item.lid = jid_make(JID_SERVER_LID, lid, 0);
		learning_add(l, &item);
	}
	wa__lidmigration_mapping_sync_payload__free_unpacked(p, NULL);
	return 0;
}

/* -- applying ------------------------------------------------------------------------- */

/* A chat's token and times are kept when they are newer than what we have. */
static void
merge(const struct noted *i, struct peer *peer)
{
	if (i->token_t > peer->token_t && i->token_len > 0) {
		peer->token_t = i->token_t;
		peer->token_len = i->token_len;
		memcpy(peer->token, i->token, i->token_len);
	}
	if (i->issued_t > peer->issued_t)
		peer->issued_t = i->issued_t;
	if (i->has_expiration)
		peer->expiration = i->expiration;
}

static void
apply(struct learning *l, const struct noted *i)
{
	struct messaging *m = l->m;
	struct peer peer, before;

	lid_learn(m, &i->pn, &i->lid);
	if (jid_is_none(&i->lid))
		return; /* of somebody whose LID nobody told: it would not be found again */
	peer_learn_phone(m, &i->lid, &i->pn);
	if (!i->is_chat)
		return;
	peer_get(m, &i->lid, &peer);
	before = peer;
	merge(i, &peer);
	if (memcmp(&before, &peer, sizeof(peer)) != 0)
		peer_put(m, &i->lid, &peer);
	OPENSSL_cleanse(&peer, sizeof(peer));
	OPENSSL_cleanse(&before, sizeof(before));
}

static void
on_committed(void *arg)
{
	next_slice(arg);
}

static void
on_peers(void *arg)
{
	struct learning *l = arg;

	for (; l->slice > 0; l->slice--) {
		apply(l, STAILQ_FIRST(l->list));
		drop_first(l, l->list);
	}
	key_hold_free(&l->map_hold);
	key_hold_free(&l->hold);
	key_cache_commit(l->m->keys, on_committed, l);
}

static void
on_map(void *arg)
{
	struct learning *l = arg;
	struct key_name names[SLICE];
	struct noted *i = STAILQ_FIRST(l->list);
	size_t n = 0;
	bool ready;

	for (size_t k = 0; k < l->slice; k++, i = STAILQ_NEXT(i, entry)) {
		if (jid_is_none(&i->lid))
			(void)lid_find(l->m, &i->pn, &i->lid);
		if (!jid_is_none(&i->lid))
			names[n++] = (struct key_name){KEY_PEER, i->lid.user};
	}
	l->hold = key_cache_hold(l->m->keys, names, n, on_peers, l, &ready);
	if (ready)
		on_peers(l);
}

static void
finish(struct learning *l)
{
	void (*cb)(void *arg) = l->cb;

	if (l->dropped > 0)
		log_warn("learning.overflow", LOG_STR("outlet", link_outlet(l->m->link)),
		    LOG_INT("dropped", l->dropped));
	l->dropped = 0;
	l->cb = NULL;
	if (cb != NULL)
		cb(l->arg);
}

static void
next_slice(struct learning *l)
{
	struct key_name names[SLICE];
	struct noted *i;
	size_t n = 0;
	bool ready;

	l->list = STAILQ_EMPTY(&l->pairs) ? &l->chats : &l->pairs;
	if (STAILQ_EMPTY(l->list)) {
		finish(l);
		return;
	}
	l->slice = 0;
	STAILQ_FOREACH(i, l->list, entry)
	{
		if (l->slice == SLICE)
			break;
		l->slice++;
		if (!jid_is_none(&i->pn))
			names[n++] = (struct key_name){KEY_LID, i->pn.user};
	}
	l->map_hold = key_cache_hold(l->m->keys, names, n, on_map, l, &ready);
	if (ready)
		on_map(l);
}

void
learning_apply(struct learning *l, void (*cb)(void *arg), void *arg)
{
	l->cb = cb;
	l->arg = arg;
	event_active(l->begin, EV_TIMEOUT, 0);
}
