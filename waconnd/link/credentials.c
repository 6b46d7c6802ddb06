/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Making, packing and unpacking a device's credentials. It trusts nothing that it reads back: what
 * does not fit in every detail is refused as a whole, so that no half-read identity ever reaches
 * the wire.
 */
#include "waconnd/link/credentials.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/xalloc.h"
#include "credentials.pb-c.h"

#define VERSION 1
#define REGISTRATION_MAX 16380u
#define PREKEY_ID_END (1u << 24)
#define ACCOUNT_MAX 4096u

int
credentials_generate(struct credentials *c)
{
	memset(c, 0, sizeof(*c));
	curve_generate(&c->noise);
	curve_generate(&c->identity);
	curve_generate(&c->signed_prekey);
	c->signed_prekey_id = 1;
	c->registration_id = rng_below(REGISTRATION_MAX) + 1;
	rng_bytes(c->adv_secret, sizeof(c->adv_secret));
	c->next_prekey_id = 1;
	if (curve_sign_prekey(c->identity.priv, c->signed_prekey.pub, c->signed_prekey_sig) < 0) {
		credentials_done(c);
		return -1;
	}
	return 0;
}

void
credentials_done(struct credentials *c)
{
	free(c->account);
	OPENSSL_cleanse(c, sizeof(*c));
}

/* -- signed pre-keys -- */

int
credentials_make_next(struct credentials *c)
{
	if (c->has_next_signed_prekey)
		return 0;
	curve_generate(&c->next_signed_prekey);
	if (curve_sign_prekey(
		c->identity.priv, c->next_signed_prekey.pub, c->next_signed_prekey_sig) < 0) {
		OPENSSL_cleanse(&c->next_signed_prekey, sizeof(c->next_signed_prekey));
		return -1;
	}
	c->has_next_signed_prekey = true;
	return 0;
}

uint32_t
credentials_next_signed_id(const struct credentials *c)
{
	return c->signed_prekey_id + 1 < PREKEY_ID_END ? c->signed_prekey_id + 1 : 1;
}

void
credentials_take_next(struct credentials *c)
{
	if (!c->has_next_signed_prekey)
		return;
	c->signed_prekey_id = credentials_next_signed_id(c);
	c->signed_prekey = c->next_signed_prekey;
	memcpy(c->signed_prekey_sig, c->next_signed_prekey_sig, sizeof(c->signed_prekey_sig));
	c->has_next_signed_prekey = false;
	OPENSSL_cleanse(&c->next_signed_prekey, sizeof(c->next_signed_prekey));
}

/* -- out -- */

static ProtobufCBinaryData
bytes_of(const void *data, size_t len)
{
	ProtobufCBinaryData b = {.len = len};

	/* protobuf-c's field is not const, but packing only reads it. */
	memcpy(&b.data, &data, sizeof(b.data));
	return b;
}

static char *
text_of(const char *text)
{
	char *t = NULL;

	if (text[0] != '\0')
		memcpy(&t, &text, sizeof(t));
	return t;
}

static void
pair_to(const struct curve_pair *pair, Waconn__StoredKeyPair *out)
{
	waconn__stored_key_pair__init(out);
	out->priv = bytes_of(pair->priv, sizeof(pair->priv));
	out->pub = bytes_of(pair->pub, sizeof(pair->pub));
}

void
credentials_pack(const struct credentials *c, struct buf *out)
{
	Waconn__StoredCredentials m = WACONN__STORED_CREDENTIALS__INIT;
	Waconn__StoredKeyPair noise, identity, signed_prekey, next;
	char own[JID_TEXT_MAX] = "", lid[JID_TEXT_MAX] = "";
	uint8_t *packed;
	size_t len;

	pair_to(&c->noise, &noise);
	pair_to(&c->identity, &identity);
	pair_to(&c->signed_prekey, &signed_prekey);
	if (!jid_is_none(&c->own))
		(void)jid_format(&c->own, own);
	if (!jid_is_none(&c->own_lid))
		(void)jid_format(&c->own_lid, lid);
	m.version = VERSION;
	m.noise = &noise;
	m.identity = &identity;
	m.signed_prekey = &signed_prekey;
	m.signed_prekey_id = c->signed_prekey_id;
	m.signed_prekey_sig = bytes_of(c->signed_prekey_sig, sizeof(c->signed_prekey_sig));
	if (c->has_next_signed_prekey) {
		pair_to(&c->next_signed_prekey, &next);
		m.next_signed_prekey = &next;
		m.has_next_signed_prekey_sig = true;
		m.next_signed_prekey_sig =
		    bytes_of(c->next_signed_prekey_sig, sizeof(c->next_signed_prekey_sig));
	}
	m.has_rotate_at = c->rotate_at > 0;
	m.rotate_at = c->rotate_at;
	m.has_prekeys_checked_at = c->prekeys_checked_at > 0;
	m.prekeys_checked_at = c->prekeys_checked_at;
	m.registration_id = c->registration_id;
	m.adv_secret = bytes_of(c->adv_secret, sizeof(c->adv_secret));
	m.next_prekey_id = c->next_prekey_id;
	m.has_prekeys_uploaded = m.prekeys_uploaded = c->prekeys_uploaded;
	m.own = text_of(own);
	m.own_lid = text_of(lid);
	m.has_account = c->account != NULL;
	m.account = bytes_of(c->account, c->account_len);
	m.platform = text_of(c->platform);
	m.push_name = text_of(c->push_name);
	m.has_routing = c->routing_len > 0;
	m.routing = bytes_of(c->routing, c->routing_len);

	len = waconn__stored_credentials__get_packed_size(&m);
	packed = xmalloc(len);
	(void)waconn__stored_credentials__pack(&m, packed);
	buf_add(out, packed, len);
	OPENSSL_cleanse(packed, len);
	free(packed);
}

/* -- in -- */

static bool
take_bytes(const ProtobufCBinaryData *b, uint8_t *ret, size_t len)
{
	if (b->len != len)
		return false;
	memcpy(ret, b->data, len);
	return true;
}

/* The public half must belong to the private one, or every signature and every session would be
 * wrong. */
static bool
take_pair(const Waconn__StoredKeyPair *stored, struct curve_pair *ret)
{
	struct curve_pair derived;
	bool same;

	if (!take_bytes(&stored->priv, ret->priv, sizeof(ret->priv)) ||
	    !take_bytes(&stored->pub, ret->pub, sizeof(ret->pub)) ||
	    curve_from_private(ret->priv, &derived) < 0)
		return false;
	same = CRYPTO_memcmp(derived.pub, ret->pub, sizeof(ret->pub)) == 0 &&
	       CRYPTO_memcmp(derived.priv, ret->priv, sizeof(ret->priv)) == 0;
	OPENSSL_cleanse(&derived, sizeof(derived));
	return same;
}

static bool
take_text(const char *text, char *ret, size_t size)
{
	const size_t len = text != NULL ? strlen(text) : 0;

	if (len >= size)
		return false;
	if (len > 0)
		memcpy(ret, text, len);
	ret[len] = '\0';
	return true;
}

static bool
take_paired(const Waconn__StoredCredentials *m, struct credentials *ret)
{
	if (m->own == NULL && m->own_lid == NULL && !m->has_account)
		return true;
	if (m->own == NULL || jid_parse(m->own, &ret->own) < 0 || !jid_is_user(&ret->own) ||
	    !m->has_account || m->account.len == 0 || m->account.len > ACCOUNT_MAX)
		return false;
	/* Some accounts learn their LID at the first login only. */
	if (m->own_lid != NULL && jid_parse(m->own_lid, &ret->own_lid) < 0)
		return false;
	ret->account = xmemdup(m->account.data, m->account.len);
	ret->account_len = m->account.len;
	ret->paired = true;
	return true;
}

static bool
take_next(const Waconn__StoredCredentials *m, struct credentials *ret)
{
	if (m->next_signed_prekey == NULL)
		return true;
	ret->has_next_signed_prekey = true;
	return take_pair(m->next_signed_prekey, &ret->next_signed_prekey) &&
	       take_bytes(&m->next_signed_prekey_sig, ret->next_signed_prekey_sig,
		   sizeof(ret->next_signed_prekey_sig));
}

static bool
take_all(const Waconn__StoredCredentials *m, struct credentials *ret)
{
	if (m->version != VERSION || m->signed_prekey_id == 0 ||
	    m->signed_prekey_id >= PREKEY_ID_END || m->registration_id == 0 ||
	    m->registration_id > REGISTRATION_MAX || m->next_prekey_id == 0 ||
	    m->next_prekey_id > PREKEY_ID_END || m->routing.len > sizeof(ret->routing))
		return false;
	ret->signed_prekey_id = m->signed_prekey_id;
	ret->registration_id = m->registration_id;
	ret->next_prekey_id = m->next_prekey_id;
	ret->rotate_at = m->has_rotate_at && m->rotate_at > 0 ? m->rotate_at : 0;
	if (m->has_prekeys_checked_at && m->prekeys_checked_at > 0)
		ret->prekeys_checked_at = m->prekeys_checked_at;
	ret->prekeys_uploaded = m->has_prekeys_uploaded && m->prekeys_uploaded;
	if (m->has_routing && m->routing.len > 0) {
		memcpy(ret->routing, m->routing.data, m->routing.len);
		ret->routing_len = m->routing.len;
	}
	return take_pair(m->noise, &ret->noise) && take_pair(m->identity, &ret->identity) &&
	       take_pair(m->signed_prekey, &ret->signed_prekey) &&
	       take_bytes(
		   &m->signed_prekey_sig, ret->signed_prekey_sig, sizeof(ret->signed_prekey_sig)) &&
	       take_bytes(&m->adv_secret, ret->adv_secret, sizeof(ret->adv_secret)) &&
	       take_text(m->platform, ret->platform, sizeof(ret->platform)) &&
	       take_text(m->push_name, ret->push_name, sizeof(ret->push_name)) &&
	       take_next(m, ret) && take_paired(m, ret);
}

static void
wipe_pair(Waconn__StoredKeyPair *pair)
{
	if (pair != NULL && pair->priv.data != NULL)
		OPENSSL_cleanse(pair->priv.data, pair->priv.len);
}

int
credentials_unpack(const void *data, size_t len, struct credentials *ret)
{
	struct credentials c = {0};
	Waconn__StoredCredentials *m = waconn__stored_credentials__unpack(NULL, len, data);
	bool ok;

	if (m == NULL)
		return -1;
	ok = take_all(m, &c);
	wipe_pair(m->noise);
	wipe_pair(m->identity);
	wipe_pair(m->signed_prekey);
	wipe_pair(m->next_signed_prekey);
	OPENSSL_cleanse(m->adv_secret.data, m->adv_secret.len);
	waconn__stored_credentials__free_unpacked(m, NULL);
	if (!ok) {
		credentials_done(&c);
		return -1;
	}
	*ret = c;
	OPENSSL_cleanse(&c, sizeof(c));
	return 0;
}
