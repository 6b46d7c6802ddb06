/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Queries about keys: how many pre-keys, new ones, and the bundles of others. PROTOCOL sections
 * 7, 9. */
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/server.h"

#define ID_LEN 3
#define SHA1_LEN 20
#define FETCH_MAX 1000 /* users in one query */

/* -- reading keys --------------------------------------------------------------------- */

static int
read_bytes(const struct node *parent, const char *tag, uint8_t *ret, size_t want)
{
	size_t len;
	const uint8_t *data = node_data(node_find(parent, tag), &len);

	if (data == NULL || len != want)
		return -1;
	memcpy(ret, data, want);
	return 0;
}

static int
read_id(const struct node *key, uint32_t *ret_id)
{
	uint8_t b[ID_LEN];

	if (read_bytes(key, "id", b, sizeof(b)) != 0)
		return -1;
	*ret_id = (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
	return 0;
}

static int
read_prekey(const struct node *key, struct prekey *ret)
{
	return read_id(key, &ret->id) != 0 ? -1 : read_bytes(key, "value", ret->pub, CURVE_KEY_LEN);
}

/* With a signature by the identity over 0x05 and the key. */
static int
read_skey(const struct node *skey, const struct device *d, struct signed_prekey *ret)
{
	uint8_t text[1 + CURVE_KEY_LEN] = {0x05};

	if (read_id(skey, &ret->id) != 0 ||
	    read_bytes(skey, "value", ret->pub, CURVE_KEY_LEN) != 0 ||
	    read_bytes(skey, "signature", ret->sig, CURVE_SIGNATURE_LEN) != 0)
		return -1;
	memcpy(text + 1, ret->pub, CURVE_KEY_LEN);
	return curve_verify(d->identity, text, sizeof(text), ret->sig, CURVE_SIGNATURE_LEN);
}

/* -- count and digest ----------------------------------------------------------------- */

void
iq_prekey_count(struct conn *c, const struct node *iq, const struct node *child)
{
	struct node *n = iq_result(iq);

	(void)child;
	node_set_int(node_child(n, "count", NULL), "value", (int64_t)device_prekeys(c->device));
	conn_send(c, n);
}

static void
digest_hash(const struct device *d, uint8_t ret_hash[SHA1_LEN])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (ctx == NULL || EVP_DigestInit_ex(ctx, EVP_sha1(), NULL) != 1 ||
	    EVP_DigestUpdate(ctx, d->identity, CURVE_KEY_LEN) != 1 ||
	    EVP_DigestUpdate(ctx, d->skey.pub, CURVE_KEY_LEN) != 1 ||
	    EVP_DigestUpdate(ctx, d->skey.sig, CURVE_SIGNATURE_LEN) != 1)
		abort();
	for (size_t i = d->prekey_first; i < d->prekey_count; i++)
		if (EVP_DigestUpdate(ctx, d->prekeys[i].pub, CURVE_KEY_LEN) != 1)
			abort();
	if (EVP_DigestFinal_ex(ctx, ret_hash, NULL) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
}

void
iq_prekey_digest(struct conn *c, const struct node *iq, const struct node *child)
{
	const struct device *d = c->device;
	struct node *n, *digest, *list;
	const uint8_t type = 0x05;
	uint8_t hash[SHA1_LEN], registration[4];

	(void)child;
	if (device_prekeys(d) == 0) {
		iq_error(c, iq, 404, NULL);
		return;
	}
	for (unsigned i = 0; i < sizeof(registration); i++)
		registration[i] = (uint8_t)(d->registration_id >> (24 - 8 * i));
	n = iq_result(iq);
	digest = node_child(n, "digest", NULL);
	node_bytes(node_child(digest, "registration", NULL), registration, sizeof(registration));
	node_bytes(node_child(digest, "type", NULL), &type, 1);
	node_bytes(node_child(digest, "identity", NULL), d->identity, CURVE_KEY_LEN);
	device_skey(d, digest);
	list = node_child(digest, "list", NULL);
	for (size_t i = d->prekey_first; i < d->prekey_count; i++) {
		const uint32_t id = d->prekeys[i].id;
		const uint8_t b[ID_LEN] = {(uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};

		node_bytes(node_child(list, "id", NULL), b, sizeof(b));
	}
	digest_hash(d, hash);
	hash[0] ^= c->wrong_digest;
	node_bytes(node_child(digest, "hash", NULL), hash, sizeof(hash));
	conn_send(c, n);
}

/* -- uploads -------------------------------------------------------------------------- */

static const char *
check_upload(const struct device *d, const struct node *iq, struct signed_prekey *ret_skey)
{
	uint8_t registration[4], type, identity[CURVE_KEY_LEN];
	struct prekey k;
	const struct node *key;

	if (read_bytes(iq, "registration", registration, sizeof(registration)) != 0)
		return "no registration of four bytes";
	if (read_bytes(iq, "type", &type, 1) != 0 || type != 0x05)
		return "type is not 05";
	if (read_bytes(iq, "identity", identity, sizeof(identity)) != 0 ||
	    memcmp(identity, d->identity, sizeof(identity)) != 0)
		return "not the identity that was paired";
	if (read_skey(node_find(iq, "skey"), d, ret_skey) != 0)
		return "skey malformed or badly signed";
	for (key = node_first(node_find(iq, "list")); key != NULL; key = node_next(key))
		if (!node_is(key, "key") || read_prekey(key, &k) != 0)
			return "a malformed key";
	return NULL;
}

void
iq_prekey_upload(struct conn *c, const struct node *iq, const struct node *child)
{
	struct device *d = c->device;
	struct signed_prekey skey;
	struct prekey k;
	const char *wrong = check_upload(d, iq, &skey);

	if (wrong != NULL) {
		conn_violation(c, "prekey_upload", "%s", wrong);
		iq_error(c, iq, 406, NULL);
		return;
	}
	d->skey = skey;
	for (const struct node *key = node_first(child); key != NULL; key = node_next(key))
		if (read_prekey(key, &k) == 0)
			device_add_prekey(d, k.id, k.pub);
	d->low_told = false;
	c->sim->stats.uploads++;
	conn_send(c, iq_result(iq));
}

void
iq_prekey_rotate(struct conn *c, const struct node *iq, const struct node *child)
{
	struct signed_prekey skey;

	if (read_skey(node_find(child, "skey"), c->device, &skey) != 0) {
		conn_violation(c, "prekey_rotate", "skey malformed or badly signed");
		iq_error(c, iq, 406, NULL);
		return;
	}
	c->device->skey = skey;
	c->sim->stats.rotations++;
	conn_send(c, iq_result(iq));
}

/* -- bundles of others ---------------------------------------------------------------- */

static void
add_bundle(struct sim *s, struct node *list, const struct jid *jid)
{
	struct node *bundle = account_bundle(s, jid);
	struct node *user;

	if (bundle != NULL) {
		node_graft(list, bundle);
		node_free(&bundle);
		return;
	}
	user = node_child(list, "user", NULL);
	node_set_jid(user, "jid", jid);
	(void)node_child(user, "error", "code", "404", "text", "item-not-found", NULL);
}

void
iq_prekey_fetch(struct conn *c, const struct node *iq, const struct node *child)
{
	struct node *n = iq_result(iq);
	struct node *list = node_child(n, "list", NULL);
	struct jid jid;
	unsigned count = 0;

	for (const struct node *u = node_first(child); u != NULL; u = node_next(u)) {
		if (!node_is(u, "user") || node_get_jid(u, "jid", &jid) != 0 ||
		    !jid_is_user(&jid) || ++count > FETCH_MAX) {
			conn_violation(c, "prekey_fetch", "no or too many users with a jid");
			node_free(&n);
			iq_error(c, iq, 400, NULL);
			return;
		}
		add_bundle(c->sim, list, &jid);
	}
	conn_send(c, n);
}
