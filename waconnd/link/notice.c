/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Notifications of a changed identity and of tokens: changed identities lose their sessions, so
 * that the next message begins a new one; tokens are kept when they are newer.
 */
#include "waconnd/link/notice.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/link/lid.h"
#include "waconnd/link/peer.h"

struct token { /* waits for what is known of its giver */
	TAILQ_ENTRY(token) entry;
	struct notices *notices;
	struct jid pn, lid;
	int64_t t;
	size_t len;
	struct key_hold *map_hold, *hold;
	uint8_t bytes[PEER_TOKEN_MAX];
};

struct identity { /* somebody's is another: waits for the LID of the number */
	TAILQ_ENTRY(identity) entry;
	struct notices *notices;
	struct jid pn, lid;
	struct key_hold *hold;
};

struct notices {
	struct messaging *m;
	TAILQ_HEAD(, token) tokens;
	TAILQ_HEAD(, identity) identities;
	size_t n, n_identities;
};

struct notices *
notices_new(struct messaging *m)
{
	struct notices *n = xcalloc(1, sizeof(*n));

	n->m = m;
	TAILQ_INIT(&n->tokens);
	TAILQ_INIT(&n->identities);
	return n;
}

static void
token_free(struct token *t)
{
	TAILQ_REMOVE(&t->notices->tokens, t, entry);
	t->notices->n--;
	key_hold_free(&t->map_hold);
	key_hold_free(&t->hold);
	OPENSSL_cleanse(t->bytes, sizeof(t->bytes));
	free(t);
}

static void
identity_free(struct identity *i)
{
	TAILQ_REMOVE(&i->notices->identities, i, entry);
	i->notices->n_identities--;
	key_hold_free(&i->hold);
	free(i);
}

void
notices_free(struct notices **np)
{
	struct notices *n = *np;
	struct identity *i;
	struct token *t;

	if (n == NULL)
		return;
	while ((t = TAILQ_FIRST(&n->tokens)) != NULL)
		token_free(t);
	while ((i = TAILQ_FIRST(&n->identities)) != NULL)
		identity_free(i);
	free(n);
	*np = NULL;
}

static void
commit(struct messaging *m)
{
	key_cache_commit(m->keys, NULL, NULL);
}

int
notice_read_user(
    const struct node *notification, const char *lid_key, struct jid *ret_pn, struct jid *ret_lid)
{
	struct jid from, pn = {0}, lid = {0};

	if (node_get_jid(notification, "from", &from) != 0 || !stanza_id_is_plain(from.user))
		return -1;
	if (from.server == JID_SERVER_PN)
		pn = jid_without_device(&from);
	else if (from.server == JID_SERVER_LID)
		lid = jid_without_device(&from);
	else
		return -1;
	if (jid_is_none(&lid) && node_get_jid(notification, lid_key, &from) == 0 &&
	    from.server == JID_SERVER_LID && stanza_id_is_plain(from.user))
		lid = jid_without_device(&from);
	*ret_pn = pn;
	*ret_lid = lid;
	return 0;
}

/* -- identity -- */

struct found_name {
	SLIST_ENTRY(found_name) entry;
	char name[];
};
SLIST_HEAD(found_names, found_name);

static void
collect(void *arg, const char *name)
{
	struct found_names *names = arg;
	const size_t len = strlen(name);
	struct found_name *f = xcalloc(1, sizeof(*f) + len + 1);

	memcpy(f->name, name, len);
	SLIST_INSERT_HEAD(names, f, entry);
}

/* Of a user: the phone, what is in memory, and what the device list names. Devices that were linked
 * to the old identity are gone with it. */
static void
drop_user(struct messaging *m, const struct jid *user)
{
	const struct device_list *list = device_cache_find(m->devices, user, clock_monotonic_ms());
	struct found_names names = SLIST_HEAD_INITIALIZER(names);
	char name[JID_USER_MAX + 8], prefix[SIGNAL_NAME_MAX];
	struct found_name *f;

	jid_signal_name(user, name, sizeof(name));
	(void)snprintf(prefix, sizeof(prefix), "%s.", name);
	key_cache_each(m->keys, KEY_SESSION, prefix, collect, &names);
	while ((f = SLIST_FIRST(&names)) != NULL) {
		SLIST_REMOVE_HEAD(&names, entry);
		key_cache_del(m->keys, KEY_SESSION, f->name);
		key_cache_del(m->keys, KEY_IDENTITY, f->name);
		free(f);
	}
	for (size_t i = 0; list != NULL && i < list->n; i++) {
		const struct jid device = device_address(user, list->ids[i]);

		signal_drop_device(m->signal, &device);
	}
	signal_drop_device(m->signal, user);
	device_cache_drop(m->devices, user);
}

static void
on_identity_map(void *arg)
{
	struct identity *i = arg;
	struct messaging *m = i->notices->m;
	struct jid known;

	if (jid_is_none(&i->lid) && lid_find(m, &i->pn, &known))
		i->lid = known;
	lid_learn(m, &i->pn, &i->lid);
	if (!jid_is_none(&i->pn))
		drop_user(m, &i->pn);
	if (!jid_is_none(&i->lid))
		drop_user(m, &i->lid);
	messaging_identity_changed(m, jid_is_none(&i->lid) ? &i->pn : &i->lid);
	commit(m);
	identity_free(i);
}

void
notices_identity(struct notices *n, const struct node *notification)
{
	struct messaging *m = n->m;
	struct identity identity = {.notices = n}, *i;
	struct key_name map;
	bool ready;

	/* Our own phone's identity is fixed by the pairing. */
	if (notice_read_user(notification, "lid", &identity.pn, &identity.lid) != 0 ||
	    messaging_is_own_user(m, &identity.pn) || messaging_is_own_user(m, &identity.lid))
		return;
	if (n->n_identities >= NOTICES_MAX) {
		log_warn("notice.overflow", LOG_STR("outlet", link_outlet(m->link)));
		return;
	}
	i = xmemdup(&identity, sizeof(identity));
	TAILQ_INSERT_TAIL(&n->identities, i, entry);
	n->n_identities++;
	map = (struct key_name){KEY_LID, i->pn.user};
	i->hold =
	    key_cache_hold(m->keys, &map, jid_is_none(&i->pn) ? 0 : 1, on_identity_map, i, &ready);
	if (ready)
		on_identity_map(i);
}

/* -- tokens -- */

static void
on_peer(void *arg)
{
	struct token *t = arg;
	struct messaging *m = t->notices->m;
	struct peer peer;

	lid_learn(m, &t->pn, &t->lid);
	peer_learn_phone(m, &t->lid, &t->pn);
	peer_get(m, &t->lid, &peer);
	if (t->t > peer.token_t) {
		peer.token_t = t->t;
		peer.token_len = t->len;
		memcpy(peer.token, t->bytes, t->len);
		peer_put(m, &t->lid, &peer);
	}
	OPENSSL_cleanse(&peer, sizeof(peer));
	commit(m);
	token_free(t);
}

static void
on_map(void *arg)
{
	struct token *t = arg;
	struct messaging *m = t->notices->m;
	struct key_name name;
	bool ready;

	if (jid_is_none(&t->lid) && !lid_find(m, &t->pn, &t->lid)) {
		token_free(t); /* of somebody that we never wrote with */
		return;
	}
	name = (struct key_name){KEY_PEER, t->lid.user};
	t->hold = key_cache_hold(m->keys, &name, 1, on_peer, t, &ready);
	if (ready)
		on_peer(t);
}

static void
take_token(struct notices *n, const struct token *token)
{
	struct token *t;
	struct key_name map;
	bool ready;

	if (n->n >= NOTICES_MAX) {
		log_warn("notice.overflow", LOG_STR("outlet", link_outlet(n->m->link)));
		return;
	}
	t = xmemdup(token, sizeof(*token));
	TAILQ_INSERT_TAIL(&n->tokens, t, entry);
	n->n++;
	map = (struct key_name){KEY_LID, t->pn.user};
	t->map_hold =
	    key_cache_hold(n->m->keys, &map, jid_is_none(&t->pn) ? 0 : 1, on_map, t, &ready);
	if (ready)
		on_map(t);
}

void
notices_privacy_token(struct notices *n, const struct node *notification)
{
	const struct node *tokens = node_find(notification, "tokens");
	struct token t = {.notices = n};

	/* The giver is `from`; the jid of a token is ours. */
	if (notice_read_user(notification, "sender_lid", &t.pn, &t.lid) != 0)
		return;
	for (const struct node *c = node_first(tokens); c != NULL; c = node_next(c)) {
		const uint8_t *bytes = node_data(c, &t.len);

		if (!node_is(c, "token") || !node_get_is(c, "type", "trusted_contact") ||
		    bytes == NULL || t.len == 0 || t.len > sizeof(t.bytes) ||
		    node_get_int(c, "t", &t.t) != 0 || t.t <= 0)
			continue;
		memcpy(t.bytes, bytes, t.len);
		take_token(n, &t);
	}
	OPENSSL_cleanse(&t, sizeof(t));
}
