/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A phone's own keys. All come from the seed, so that nothing but the ids of the one-time pre-keys
 * that are out there must be remembered; and bundles of others, as stanzas carry them.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "tests/sim/phone_internal.h"

#define REGISTRATION_MAX 16380
#define LABEL_MAX 96

static void
derive(const struct phone *p, const char *what, uint32_t number, uint8_t ret[32])
{
	char label[LABEL_MAX];

	if (p->generation == 0)
		snprintf(label, sizeof(label), "phone/%s/%s/%u", account_phone(p->account), what,
		    number);
	else
		snprintf(label, sizeof(label), "phone/%s/%s/%u/%u", account_phone(p->account), what,
		    number, p->generation);
	sim_derive(p->sim, label, ret);
}

static void
derive_pair(const struct phone *p, const char *what, uint32_t number, struct curve_pair *ret_pair)
{
	uint8_t priv[CURVE_KEY_LEN];

	derive(p, what, number, priv);
	if (curve_from_private(priv, ret_pair) != 0) {
		log_error("phone.keys", LOG_STR("reason", "no key from the seed"));
		abort();
	}
	OPENSSL_cleanse(priv, sizeof(priv));
}

uint32_t
phone_registration_id(const struct phone *p)
{
	uint8_t bytes[32];

	derive(p, "registration", 0, bytes);
	return 1 + ((uint32_t)bytes[0] << 8 | bytes[1]) % REGISTRATION_MAX;
}

struct phone_keys *
phone_keys(struct phone *p)
{
	if (p->keys != NULL)
		return p->keys;
	p->keys = xcalloc(1, sizeof(*p->keys));
	p->keys->next_prekey = 1;
	derive_pair(p, "signed", PHONE_SIGNED_ID, &p->keys->signed_prekey);
	if (curve_sign_prekey(account_key(p->account)->priv, p->keys->signed_prekey.pub,
		p->keys->signature) != 0) {
		log_error("phone.keys", LOG_STR("reason", "no signature"));
		abort();
	}
	return p->keys;
}

void
phone_keys_done(struct phone *p)
{
	if (p->keys == NULL)
		return;
	free(p->keys->prekeys);
	OPENSSL_cleanse(p->keys, sizeof(*p->keys));
	free(p->keys);
	p->keys = NULL;
}

/* -- one-time pre-keys ------------------------------------------------------------------ */

/* The oldest is forgotten when too many are out: who uses it then is asked again. */
static uint32_t
prekey_give(struct phone_keys *k)
{
	if (k->prekey_count == PHONE_PREKEYS_MAX)
		memmove(k->prekeys, k->prekeys + 1, --k->prekey_count * sizeof(*k->prekeys));
	if (k->prekey_count == k->prekey_room) {
		k->prekey_room = k->prekey_room == 0 ? 2 : k->prekey_room * 2;
		k->prekeys = xreallocarray(k->prekeys, k->prekey_room, sizeof(*k->prekeys));
	}
	k->prekeys[k->prekey_count++] = k->next_prekey;
	return k->next_prekey++;
}

static size_t
prekey_place(const struct phone_keys *k, uint32_t id)
{
	size_t i = 0;

	while (i < k->prekey_count && k->prekeys[i] != id)
		i++;
	return i;
}

int
phone_prekey(const struct phone *p, uint32_t id, struct curve_pair *ret_pair)
{
	if (p->keys == NULL || prekey_place(p->keys, id) == p->keys->prekey_count)
		return -1;
	derive_pair(p, "prekey", id, ret_pair);
	return 0;
}

void
phone_prekey_used(struct phone *p, uint32_t id)
{
	struct phone_keys *k = p->keys;
	size_t i;

	if (k == NULL || (i = prekey_place(k, id)) == k->prekey_count)
		return;
	k->prekey_count--;
	memmove(k->prekeys + i, k->prekeys + i + 1, (k->prekey_count - i) * sizeof(*k->prekeys));
}

/* -- bundles ------------------------------------------------------------------------------ */

static void
id_write(struct node *key, uint32_t id)
{
	const uint8_t bytes[3] = {(uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};

	node_bytes(node_child(key, "id", NULL), bytes, sizeof(bytes));
}

void
phone_keys_write(struct phone *p, struct node *to)
{
	const uint8_t type = SIGNAL_KEY_TYPE;
	struct phone_keys *k = phone_keys(p);
	struct node *key, *signed_key;
	struct curve_pair pair;
	uint32_t id = prekey_give(k);

	derive_pair(p, "prekey", id, &pair);
	node_bytes(node_child(to, "type", NULL), &type, 1);
	node_bytes(node_child(to, "identity", NULL), account_key(p->account)->pub, CURVE_KEY_LEN);
	key = node_child(to, "key", NULL);
	id_write(key, id);
	node_bytes(node_child(key, "value", NULL), pair.pub, CURVE_KEY_LEN);
	signed_key = node_child(to, "skey", NULL);
	id_write(signed_key, PHONE_SIGNED_ID);
	node_bytes(node_child(signed_key, "value", NULL), k->signed_prekey.pub, CURVE_KEY_LEN);
	node_bytes(node_child(signed_key, "signature", NULL), k->signature, sizeof(k->signature));
	OPENSSL_cleanse(&pair, sizeof(pair));
}

void
phone_bundle(struct phone *p, struct node *user)
{
	const uint32_t id = phone_registration_id(p);
	const uint8_t bytes[4] = {
	    (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};

	node_bytes(node_child(user, "registration", NULL), bytes, sizeof(bytes));
	phone_keys_write(p, user);
}

/* The child's bytes, exactly `len` of them. */
static int
read_bytes(const struct node *n, const char *tag, uint8_t *out, size_t len)
{
	size_t got;
	const uint8_t *data = node_data(node_find(n, tag), &got);

	if (data == NULL || got != len)
		return -1;
	memcpy(out, data, len);
	return 0;
}

static int
read_number(const struct node *n, const char *tag, size_t len, uint32_t *ret)
{
	uint8_t bytes[4];
	uint32_t v = 0;

	if (read_bytes(n, tag, bytes, len) != 0)
		return -1;
	for (size_t i = 0; i < len; i++)
		v = v << 8 | bytes[i];
	*ret = v;
	return 0;
}

static int
read_key(const struct node *key, uint32_t *ret_id, uint8_t ret_pub[CURVE_KEY_LEN])
{
	return read_number(key, "id", 3, ret_id) != 0 ||
		       read_bytes(key, "value", ret_pub, CURVE_KEY_LEN) != 0
		   ? -1
		   : 0;
}

int
peer_bundle_read(const struct node *n, struct peer_bundle *ret)
{
	const struct node *keys = node_find(n, "keys") != NULL ? node_find(n, "keys") : n;
	const struct node *prekey = node_find(keys, "key"), *signed_key = node_find(keys, "skey");
	struct peer_bundle b = {0};

	if (read_number(n, "registration", 4, &b.registration_id) != 0 ||
	    read_bytes(keys, "identity", b.identity, CURVE_KEY_LEN) != 0 ||
	    read_key(signed_key, &b.signed_id, b.signed_key) != 0 ||
	    read_bytes(signed_key, "signature", b.signature, CURVE_SIGNATURE_LEN) != 0)
		return -1;
	if (prekey != NULL && read_key(prekey, &b.prekey_id, b.prekey) != 0)
		return -1;
	b.has_prekey = prekey != NULL;
	*ret = b;
	return 0;
}
