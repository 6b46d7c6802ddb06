/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pair_world: what the tests of linking have in common, by whatever way: the server's offer, the
 * phone's signature, and how it ends. */
#ifndef TESTS_LINK_PAIR_WORLD_H
#define TESTS_LINK_PAIR_WORLD_H

#include "common/wa/adv.h"
#include "tests/unit/link/link_world.h"

/* <pair-device> with these references; NULL ends them. */
static UNUSED_FN void
pair_offer(struct fake_server *s, const char *const *refs)
{
	struct node *iq = node_new("iq", "type", "set", "id", "pd-1", "xmlns", "md", NULL), *pair;
	const struct jid server = jid_server_self();

	assert_true(s->payload.is_registration);
	node_set_jid(iq, "from", &server);
	pair = node_child(iq, "pair-device", NULL);
	for (; *refs != NULL; refs++)
		node_bytes(node_child(pair, "ref", NULL), *refs, strlen(*refs));
	fake_send(s, iq);
}

/* The phone `number` has signed this identity, with the secret that it was given. */
static UNUSED_FN void
pair_success(struct world *w, const char *number, const struct curve_pair *account,
    const uint8_t identity[CURVE_KEY_LEN], const uint8_t secret[ADV_SECRET_LEN],
    const char *platform)
{
	struct node *iq = node_new("iq", "type", "set", "id", "ps-1", NULL), *pair, *device;
	const struct jid server = jid_server_self(), own = jid_make(JID_SERVER_PN, number, 3),
			 lid = jid_make(JID_SERVER_LID, "99887766", 3);
	struct buf container = BUF_INIT(4096);

	assert_int_equal(adv_issue(account, identity, secret, 7, 1700000000, 4, &container), 0);
	node_set_jid(iq, "from", &server);
	pair = node_child(iq, "pair-success", NULL);
	node_bytes(node_child(pair, "device-identity", NULL), container.data, container.len);
	(void)node_child(pair, "platform", "name", platform, NULL);
	device = node_child(pair, "device", NULL);
	node_set_jid(device, "jid", &own);
	node_set_jid(device, "lid", &lid);
	fake_send(&w->server, iq);
	buf_done(&container);
}

/* What is on disk under this name. */
static UNUSED_FN const struct fake_key *
pair_saved(const struct world *w, enum key_kind kind, const char *name)
{
	static const struct fake_key none;
	const struct fake_key *key = fake_key_find(&w->keys, kind, name);

	assert_non_null(key);
	return key != NULL ? key : &none;
}

static UNUSED_FN void
pair_saved_credentials(const struct world *w, struct credentials *ret)
{
	const struct fake_key *key = pair_saved(w, KEY_CREDENTIALS, "");

	assert_int_equal(credentials_unpack(key->value, key->len, ret), 0);
}

static UNUSED_FN bool
pair_is_paired(struct world *w)
{
	return w->paired > 0 && world_got(w, "iq", "pair-device-sign") != NULL;
}

static UNUSED_FN bool
pair_is_freed(struct world *w)
{
	return w->link == NULL;
}

/* Paired, it ends to log in with the new keys. */
static UNUSED_FN void
pair_restarts(struct world *w)
{
	fake_send(&w->server, node_new("stream:error", "code", "515", NULL));
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_RESTART);
}

#endif
