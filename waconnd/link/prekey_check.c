/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * SHA1 over our identity, the signed pre-key that the server names with its signature, and each
 * listed pre-key's public half, in the order of the list. A key that is listed and that we do not
 * have makes a difference, too: what is encrypted to it cannot be read.
 */
#include "waconnd/link/prekey_check.h"

#include <openssl/evp.h>
#include <session_pre_key.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "waconnd/signal/signal_store.h"

#define SHA1_LEN 20
#define ID_LEN 3
#define KEYS_AT_ONCE 64
#define SERIALIZED_KEY_LEN (1 + CURVE_KEY_LEN)

struct prekey_check {
	struct keydb *keys;
	signal_context *context;
	prekey_check_cb cb;
	void *arg;
	uint8_t told[SHA1_LEN];
	EVP_MD_CTX *sha1;
	uint32_t *ids;
	size_t n, at;
	char text[KEYS_AT_ONCE][SIGNAL_PREKEY_NAME_MAX];
	struct key_name names[KEYS_AT_ONCE];
};

bool
prekey_check_due(int64_t last_s, int64_t now_s)
{
	return last_s <= 0 || now_s < last_s || now_s - last_s >= PREKEY_CHECK_PERIOD_S;
}

/* -- the answer -- */

static const uint8_t *
bytes_of(const struct node *n, size_t want)
{
	size_t len;
	const uint8_t *data = node_data(n, &len);

	return data != NULL && len == want ? data : NULL;
}

/* 0: none. */
static uint32_t
id_of(const struct node *n)
{
	const uint8_t *b = bytes_of(n, ID_LEN);

	return b == NULL ? 0 : (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];
}

/* -1: malformed, empty or too long. */
static int
read_list(struct prekey_check *c, const struct node *list)
{
	for (const struct node *n = node_first(list); n != NULL; n = node_next(n)) {
		const uint32_t id = id_of(n);

		if (!node_is(n, "id") || id == 0 || c->n == PREKEY_CHECK_KEYS_MAX)
			return -1;
		if ((c->n & (c->n - 1)) == 0)
			c->ids = xreallocarray(c->ids, c->n > 0 ? 2 * c->n : 1, sizeof(*c->ids));
		c->ids[c->n++] = id;
	}
	return c->n > 0 ? 0 : -1;
}

/* -- the hash -- */

static void
add(struct prekey_check *c, const void *data, size_t len)
{
	if (EVP_DigestUpdate(c->sha1, data, len) != 1)
		abort();
}

static void
begin_hash(struct prekey_check *c, const struct credentials *own, uint32_t signed_id)
{
	const bool next = signed_id != own->signed_prekey_id;

	c->sha1 = EVP_MD_CTX_new();
	if (c->sha1 == NULL || EVP_DigestInit_ex(c->sha1, EVP_sha1(), NULL) != 1)
		abort();
	add(c, own->identity.pub, CURVE_KEY_LEN);
	add(c, next ? own->next_signed_prekey.pub : own->signed_prekey.pub, CURVE_KEY_LEN);
	add(c, next ? own->next_signed_prekey_sig : own->signed_prekey_sig, CURVE_SIGNATURE_LEN);
}

/* -1: it is no pre-key's record. */
static int
add_record(struct prekey_check *c, const struct key_value *v)
{
	session_pre_key *key = NULL;
	signal_buffer *pub = NULL;
	int r = -1;

	if (v->value == NULL ||
	    session_pre_key_deserialize(&key, v->value, v->len, c->context) != 0)
		return -1;
	if (ec_public_key_serialize(
		&pub, ec_key_pair_get_public(session_pre_key_get_key_pair(key))) != 0)
		abort();
	if (signal_buffer_len(pub) == SERIALIZED_KEY_LEN) {
		add(c, signal_buffer_data(pub) + 1, CURVE_KEY_LEN);
		r = 0;
	}
	signal_buffer_free(pub);
	SIGNAL_UNREF(key);
	return r;
}

static bool
is_told(struct prekey_check *c)
{
	uint8_t hash[SHA1_LEN];

	if (EVP_DigestFinal_ex(c->sha1, hash, NULL) != 1)
		abort();
	return memcmp(hash, c->told, sizeof(hash)) == 0;
}

/* -- the keys -- */

static void ask(struct prekey_check *c);

static void
on_keys(void *arg, int err, const struct key_value *values, size_t n)
{
	struct prekey_check *c = arg;
	bool same = true;

	/* The link learns of that by itself; about the server it says nothing. */
	if (err < 0) {
		c->cb(c->arg, true);
		return;
	}
	for (size_t i = 0; i < n && same; i++)
		same = add_record(c, &values[i]) == 0;
	c->at += n;
	if (!same || c->at == c->n)
		c->cb(c->arg, same && is_told(c));
	else
		ask(c);
}

static void
ask(struct prekey_check *c)
{
	size_t n = 0;

	for (; n < KEYS_AT_ONCE && c->at + n < c->n; n++) {
		signal_prekey_name(c->ids[c->at + n], c->text[n]);
		c->names[n] = (struct key_name){KEY_PREKEY, c->text[n]};
	}
	c->keys->ops->get(c->keys, c->names, n, on_keys, c);
}

/* -- life -- */

struct prekey_check *
prekey_check_new(struct keydb *keys, struct signal_context *context, const struct credentials *own,
    const struct node *answer, prekey_check_cb cb, void *arg)
{
	const struct node *digest = node_find(answer, "digest");
	const uint8_t *told = bytes_of(node_find(digest, "hash"), SHA1_LEN);
	struct prekey_check *c;

	if (told == NULL)
		return NULL;
	c = xcalloc(1, sizeof(*c));
	if (read_list(c, node_find(digest, "list")) < 0) {
		prekey_check_free(&c);
		return NULL;
	}
	c->keys = keys;
	c->context = context;
	c->cb = cb;
	c->arg = arg;
	memcpy(c->told, told, sizeof(c->told));
	begin_hash(c, own, id_of(node_find(node_find(digest, "skey"), "id")));
	ask(c);
	return c;
}

void
prekey_check_free(struct prekey_check **cp)
{
	struct prekey_check *c = *cp;

	if (c == NULL)
		return;
	if (c->keys != NULL)
		c->keys->ops->forget(c->keys, c);
	EVP_MD_CTX_free(c->sha1);
	free(c->ids);
	free(c);
	*cp = NULL;
}
