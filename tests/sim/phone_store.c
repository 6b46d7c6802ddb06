/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The in-memory store behind libsignal: sessions and identities of others in a tree, own keys from
 * phone_keys.c. Identities are trusted on first use, and changed ones accepted, as WhatsApp does.
 */
#include <openssl/crypto.h>
#include <search.h>
#include <session_pre_key.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "tests/sim/phone_internal.h"

/* A device that this phone has spoken to. */
struct peer {
	const char *name; /* Signal name: behind the struct, or borrowed in a search key */
	size_t name_len;
	int32_t device;
	bool has_identity;
	uint8_t identity[SIGNAL_KEY_LEN];
	uint8_t *session; /* NULL: none */
	size_t session_len;
};

static int
peer_compare(const void *a, const void *b)
{
	const struct peer *x = a, *y = b;

	if (x->device != y->device)
		return x->device < y->device ? -1 : 1;
	if (x->name_len != y->name_len)
		return x->name_len < y->name_len ? -1 : 1;
	return memcmp(x->name, y->name, x->name_len);
}

static struct peer *
peer_find(const struct phone *p, const signal_protocol_address *address)
{
	const struct peer key = {
	    .name = address->name, .name_len = address->name_len, .device = address->device_id};
	struct peer *const *at = tfind(&key, &p->peers, peer_compare);

	return at != NULL ? *at : NULL;
}

static struct peer *
peer_get(struct phone *p, const signal_protocol_address *address)
{
	struct peer *peer = peer_find(p, address);
	char *name;

	if (peer != NULL)
		return peer;
	peer = xcalloc(1, sizeof(*peer) + address->name_len);
	name = (char *)(peer + 1);
	memcpy(name, address->name, address->name_len);
	peer->name = name;
	peer->name_len = address->name_len;
	peer->device = address->device_id;
	if (tsearch(peer, &p->peers, peer_compare) == NULL)
		abort();
	return peer;
}

static void
session_drop(struct peer *peer)
{
	if (peer->session != NULL)
		OPENSSL_cleanse(peer->session, peer->session_len);
	free(peer->session);
	peer->session = NULL;
	peer->session_len = 0;
}

static void
peer_free(void *arg)
{
	session_drop(arg);
	free(arg);
}

void
phone_store_done(struct phone *p)
{
	tdestroy(p->peers, peer_free);
	p->peers = NULL;
}

void
phone_store_forget(struct phone *p, const struct jid *jid)
{
	char name[JID_USER_MAX + 5];
	signal_protocol_address address = {.name = name, .device_id = jid->device};
	struct peer *peer;

	jid_signal_name(jid, name, sizeof(name));
	address.name_len = strlen(name);
	peer = peer_find(p, &address);
	if (peer == NULL)
		return;
	tdelete(peer, &p->peers, peer_compare);
	peer_free(peer);
}

/* -- sessions ----------------------------------------------------------------------------- */

static int
session_load(signal_buffer **record, signal_buffer **user_record,
    const signal_protocol_address *address, void *arg)
{
	const struct peer *peer = peer_find(arg, address);

	(void)user_record;
	if (peer == NULL || peer->session == NULL)
		return 0;
	*record = signal_buffer_create(peer->session, peer->session_len);
	return *record != NULL ? 1 : SG_ERR_NOMEM;
}

static int
session_devices(signal_int_list **sessions, const char *name, size_t name_len, void *arg)
{
	(void)sessions, (void)name, (void)name_len, (void)arg;
	return SG_ERR_INVAL; /* nobody asks: one address at a time */
}

static int
session_store(const signal_protocol_address *address, uint8_t *record, size_t record_len,
    uint8_t *user_record, size_t user_record_len, void *arg)
{
	struct peer *peer = peer_get(arg, address);

	(void)user_record, (void)user_record_len;
	session_drop(peer);
	peer->session = xmemdup(record, record_len);
	peer->session_len = record_len;
	return SG_SUCCESS;
}

static int
session_contains(const signal_protocol_address *address, void *arg)
{
	const struct peer *peer = peer_find(arg, address);

	return peer != NULL && peer->session != NULL;
}

static int
session_delete(const signal_protocol_address *address, void *arg)
{
	struct peer *peer = peer_find(arg, address);

	if (peer == NULL || peer->session == NULL)
		return 0;
	session_drop(peer);
	return 1;
}

static int
session_delete_all(const char *name, size_t name_len, void *arg)
{
	(void)name, (void)name_len, (void)arg;
	return SG_ERR_INVAL;
}

/* -- own keys -------------------------------------------------------------------------------- */

static int
key_pair(struct phone *p, const struct curve_pair *pair, ec_key_pair **ret_pair)
{
	uint8_t pub[SIGNAL_KEY_LEN] = {SIGNAL_KEY_TYPE};
	ec_private_key *private_key = NULL;
	ec_public_key *public_key = NULL;
	int r;

	memcpy(pub + 1, pair->pub, CURVE_KEY_LEN);
	r = curve_decode_point(&public_key, pub, sizeof(pub), sim_signal(p->sim));
	if (r == 0)
		r = curve_decode_private_point(
		    &private_key, pair->priv, CURVE_KEY_LEN, sim_signal(p->sim));
	if (r == 0)
		r = ec_key_pair_create(ret_pair, public_key, private_key);
	SIGNAL_UNREF(public_key);
	SIGNAL_UNREF(private_key);
	return r;
}

static int
prekey_load(signal_buffer **record, uint32_t id, void *arg)
{
	session_pre_key *prekey = NULL;
	ec_key_pair *keys = NULL;
	struct curve_pair pair;
	int r;

	if (phone_prekey(arg, id, &pair) != 0)
		return SG_ERR_INVALID_KEY_ID;
	r = key_pair(arg, &pair, &keys);
	if (r == 0)
		r = session_pre_key_create(&prekey, id, keys);
	if (r == 0)
		r = session_pre_key_serialize(record, prekey);
	SIGNAL_UNREF(prekey);
	SIGNAL_UNREF(keys);
	OPENSSL_cleanse(&pair, sizeof(pair));
	return r;
}

static int
prekey_store(uint32_t id, uint8_t *record, size_t len, void *arg)
{
	(void)id, (void)record, (void)len, (void)arg;
	return SG_ERR_INVAL; /* keys come from the seed */
}

static int
prekey_contains(uint32_t id, void *arg)
{
	struct curve_pair pair;
	const int found = phone_prekey(arg, id, &pair) == 0;

	OPENSSL_cleanse(&pair, sizeof(pair));
	return found;
}

static int
prekey_remove(uint32_t id, void *arg)
{
	phone_prekey_used(arg, id);
	return SG_SUCCESS;
}

static int
signed_load(signal_buffer **record, uint32_t id, void *arg)
{
	const struct phone_keys *k = phone_keys(arg);
	session_signed_pre_key *prekey = NULL;
	ec_key_pair *keys = NULL;
	int r;

	if (id != PHONE_SIGNED_ID)
		return SG_ERR_INVALID_KEY_ID;
	r = key_pair(arg, &k->signed_prekey, &keys);
	if (r == 0)
		r = session_signed_pre_key_create(
		    &prekey, id, 0, keys, k->signature, sizeof(k->signature));
	if (r == 0)
		r = session_signed_pre_key_serialize(record, prekey);
	SIGNAL_UNREF(prekey);
	SIGNAL_UNREF(keys);
	return r;
}

static int
signed_contains(uint32_t id, void *arg)
{
	(void)arg;
	return id == PHONE_SIGNED_ID;
}

static int
signed_remove(uint32_t id, void *arg)
{
	(void)id, (void)arg;
	return SG_ERR_INVAL;
}

/* -- identities ---------------------------------------------------------------------------------
 */

static int
identity_own(signal_buffer **public_data, signal_buffer **private_data, void *arg)
{
	const struct phone *p = arg;
	const struct curve_pair *pair = account_key(p->account);
	uint8_t pub[SIGNAL_KEY_LEN] = {SIGNAL_KEY_TYPE};

	memcpy(pub + 1, pair->pub, CURVE_KEY_LEN);
	*public_data = signal_buffer_create(pub, sizeof(pub));
	*private_data = signal_buffer_create(pair->priv, CURVE_KEY_LEN);
	return *public_data != NULL && *private_data != NULL ? SG_SUCCESS : SG_ERR_NOMEM;
}

static int
identity_registration(void *arg, uint32_t *ret_id)
{
	*ret_id = phone_registration_id(arg);
	return SG_SUCCESS;
}

static int
identity_save(const signal_protocol_address *address, uint8_t *key, size_t len, void *arg)
{
	struct peer *peer = peer_get(arg, address);

	if (key != NULL && len != SIGNAL_KEY_LEN)
		return SG_ERR_INVALID_KEY;
	peer->has_identity = key != NULL;
	if (key != NULL)
		memcpy(peer->identity, key, SIGNAL_KEY_LEN);
	return SG_SUCCESS;
}

static int
identity_trusted(const signal_protocol_address *address, uint8_t *key, size_t len, void *arg)
{
	(void)address, (void)key, (void)len, (void)arg;
	return 1;
}

/* -- opening -------------------------------------------------------------------------------------
 */

signal_protocol_store_context *
phone_store_open(struct phone *p)
{
	const signal_protocol_session_store sessions = {.load_session_func = session_load,
	    .get_sub_device_sessions_func = session_devices,
	    .store_session_func = session_store,
	    .contains_session_func = session_contains,
	    .delete_session_func = session_delete,
	    .delete_all_sessions_func = session_delete_all,
	    .user_data = p};
	const signal_protocol_pre_key_store prekeys = {.load_pre_key = prekey_load,
	    .store_pre_key = prekey_store,
	    .contains_pre_key = prekey_contains,
	    .remove_pre_key = prekey_remove,
	    .user_data = p};
	const signal_protocol_signed_pre_key_store signeds = {.load_signed_pre_key = signed_load,
	    .store_signed_pre_key = prekey_store,
	    .contains_signed_pre_key = signed_contains,
	    .remove_signed_pre_key = signed_remove,
	    .user_data = p};
	const signal_protocol_identity_key_store identities = {
	    .get_identity_key_pair = identity_own,
	    .get_local_registration_id = identity_registration,
	    .save_identity = identity_save,
	    .is_trusted_identity = identity_trusted,
	    .user_data = p};
	signal_protocol_store_context *store;

	if (signal_protocol_store_context_create(&store, sim_signal(p->sim)) != 0)
		return NULL;
	if (signal_protocol_store_context_set_session_store(store, &sessions) != 0 ||
	    signal_protocol_store_context_set_pre_key_store(store, &prekeys) != 0 ||
	    signal_protocol_store_context_set_signed_pre_key_store(store, &signeds) != 0 ||
	    signal_protocol_store_context_set_identity_key_store(store, &identities) != 0) {
		signal_protocol_store_context_destroy(store);
		return NULL;
	}
	return store;
}
