/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages packed and unpacked strictly, keys derived, the request sealed and opened. It asks
 * nobody and keeps nothing. */
#include "common/wa/passkey.h"

#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "wa.pb-c.h"

static const char info_handoff[] = "shortcake-passkey-handoff-v1";
static const char info_request[] = "Pairing Information Encryption Key";

/* -- helpers -- */

static ProtobufCBinaryData
bytes(const void *data, size_t len)
{
	/* protobuf-c has no const. */
	return (ProtobufCBinaryData){.len = len, .data = (uint8_t *)(uintptr_t)data};
}

static bool
is_key(protobuf_c_boolean has, const ProtobufCBinaryData *b)
{
	return has && b->len == CURVE_KEY_LEN;
}

static void
pack(const ProtobufCMessage *m, struct buf *out)
{
	const size_t len = protobuf_c_message_get_packed_size(m);
	uint8_t *data = xmalloc(len + 1);

	(void)protobuf_c_message_pack(m, data);
	buf_add(out, data, len);
	OPENSSL_cleanse(data, len);
	free(data);
}

/* -- the handoff -- */

void
passkey_handoff_key(const uint8_t adv_secret[ADV_SECRET_LEN], uint8_t ret_key[PASSKEY_KEY_LEN])
{
	hkdf_sha256(adv_secret, ADV_SECRET_LEN, NULL, 0, info_handoff, sizeof(info_handoff) - 1,
	    ret_key, PASSKEY_KEY_LEN);
}

void
passkey_proof(const uint8_t handoff_key[PASSKEY_KEY_LEN], const struct buf *prologue,
    uint8_t ret_proof[PASSKEY_PROOF_LEN])
{
	hmac_sha256(handoff_key, PASSKEY_KEY_LEN, prologue->data, prologue->len, ret_proof);
}

/* -- the prologue -- */

void
passkey_prologue_write(
    const struct passkey_companion *c, const uint8_t nonce[PASSKEY_NONCE_LEN], struct buf *out)
{
	struct passkey_companion copy = *c;
	Wa__CompanionEphemeralIdentity who = WA__COMPANION_EPHEMERAL_IDENTITY__INIT;
	Wa__CompanionCommitment commitment = WA__COMPANION_COMMITMENT__INIT;
	Wa__ProloguePayload m = WA__PROLOGUE_PAYLOAD__INIT;
	struct buf identity = BUF_INIT(PASSKEY_MESSAGE_MAX);
	uint8_t hash[32];

	who.has_public_key = who.has_device_type = 1;
	who.public_key = bytes(copy.pub, sizeof(copy.pub));
	who.device_type = copy.platform;
	who.ref = copy.ref;
	pack(&who.base, &identity);
	sha256_two(identity.data, identity.len, nonce, PASSKEY_NONCE_LEN, hash);
	commitment.has_hash = 1;
	commitment.hash = bytes(hash, sizeof(hash));
	m.has_companion_ephemeral_identity = 1;
	m.companion_ephemeral_identity = bytes(identity.data, identity.len);
	m.commitment = &commitment;
	pack(&m.base, out);
	buf_done(&identity);
}

static bool
is_prologue(const Wa__ProloguePayload *m)
{
	return m != NULL && m->has_companion_ephemeral_identity && m->commitment != NULL &&
	       m->commitment->has_hash && m->commitment->hash.len == 32;
}

static int
read_companion(const ProtobufCBinaryData *b, struct passkey_companion *ret)
{
	Wa__CompanionEphemeralIdentity *who =
	    wa__companion_ephemeral_identity__unpack(NULL, b->len, b->data);
	int r = -1;

	if (who == NULL)
		return -1;
	if (is_key(who->has_public_key, &who->public_key) && who->has_device_type &&
	    who->ref != NULL && who->ref[0] != '\0' && strlen(who->ref) <= PASSKEY_REF_MAX) {
		memset(ret, 0, sizeof(*ret));
		memcpy(ret->pub, who->public_key.data, sizeof(ret->pub));
		ret->platform = who->device_type;
		memcpy(ret->ref, who->ref, strlen(who->ref));
		r = 0;
	}
	wa__companion_ephemeral_identity__free_unpacked(who, NULL);
	return r;
}

int
passkey_prologue_read(const void *data, size_t len, struct passkey_companion *ret)
{
	Wa__ProloguePayload *m =
	    len <= PASSKEY_MESSAGE_MAX ? wa__prologue_payload__unpack(NULL, len, data) : NULL;
	int r = -1;

	if (is_prologue(m))
		r = read_companion(&m->companion_ephemeral_identity, ret);
	if (m != NULL)
		wa__prologue_payload__free_unpacked(m, NULL);
	return r;
}

bool
passkey_prologue_fits(const void *data, size_t len, const uint8_t nonce[PASSKEY_NONCE_LEN])
{
	Wa__ProloguePayload *m =
	    len <= PASSKEY_MESSAGE_MAX ? wa__prologue_payload__unpack(NULL, len, data) : NULL;
	uint8_t hash[32];
	bool fits = false;

	if (is_prologue(m)) {
		sha256_two(m->companion_ephemeral_identity.data,
		    m->companion_ephemeral_identity.len, nonce, PASSKEY_NONCE_LEN, hash);
		fits = CRYPTO_memcmp(hash, m->commitment->hash.data, sizeof(hash)) == 0;
	}
	if (m != NULL)
		wa__prologue_payload__free_unpacked(m, NULL);
	return fits;
}

/* -- the phone -- */

void
passkey_phone_write(const struct passkey_phone *p, struct buf *out)
{
	Wa__PrimaryEphemeralIdentity m = WA__PRIMARY_EPHEMERAL_IDENTITY__INIT;

	m.has_public_key = m.has_nonce = 1;
	m.public_key = bytes(p->pub, sizeof(p->pub));
	m.nonce = bytes(p->nonce, sizeof(p->nonce));
	pack(&m.base, out);
}

int
passkey_phone_read(const void *data, size_t len, struct passkey_phone *ret)
{
	Wa__PrimaryEphemeralIdentity *m =
	    len <= PASSKEY_MESSAGE_MAX ? wa__primary_ephemeral_identity__unpack(NULL, len, data)
				       : NULL;
	int r = -1;

	if (m == NULL)
		return -1;
	if (is_key(m->has_public_key, &m->public_key) && m->has_nonce &&
	    m->nonce.len == PASSKEY_NONCE_LEN) {
		memcpy(ret->pub, m->public_key.data, sizeof(ret->pub));
		memcpy(ret->nonce, m->nonce.data, sizeof(ret->nonce));
		r = 0;
	}
	wa__primary_ephemeral_identity__free_unpacked(m, NULL);
	return r;
}

void
passkey_code(const uint8_t companion_nonce[PASSKEY_NONCE_LEN], const struct passkey_phone *p,
    char ret_code[PAIR_CODE_LEN + 1])
{
	uint8_t digest[32];

	sha256_two(companion_nonce, PASSKEY_NONCE_LEN, p->pub, sizeof(p->pub), digest);
	for (size_t i = 0; i < PAIR_CODE_BYTES; i++)
		digest[i] ^= p->nonce[i];
	pair_code_encode(digest, ret_code);
	OPENSSL_cleanse(digest, sizeof(digest));
}

/* -- the request -- */

int
passkey_request_key(const struct curve_pair *own, const uint8_t peer[CURVE_KEY_LEN],
    const struct passkey_companion *c, uint8_t ret_key[PASSKEY_KEY_LEN])
{
	uint8_t shared[CURVE_KEY_LEN];
	char salt[PASSKEY_REF_MAX + 64];
	int n;

	if (curve_agree(own->priv, peer, shared) < 0)
		return -1;
	n = snprintf(salt, sizeof(salt), "Companion Pairing %u with ref %s", c->platform, c->ref);
	hkdf_sha256(shared, sizeof(shared), salt, (size_t)n, info_request, sizeof(info_request) - 1,
	    ret_key, PASSKEY_KEY_LEN);
	OPENSSL_cleanse(shared, sizeof(shared));
	return 0;
}

void
passkey_request_seal(const uint8_t key[PASSKEY_KEY_LEN], const uint8_t iv[GCM_IV_LEN],
    const struct passkey_request *r, struct buf *out)
{
	Wa__PairingRequest m = WA__PAIRING_REQUEST__INIT;
	Wa__EncryptedPairingRequest sealed = WA__ENCRYPTED_PAIRING_REQUEST__INIT;
	struct buf plain = BUF_INIT(PASSKEY_MESSAGE_MAX);
	uint8_t *secret;

	m.has_companion_public_key = m.has_companion_identity_key = m.has_adv_secret = 1;
	m.companion_public_key = bytes(r->noise, sizeof(r->noise));
	m.companion_identity_key = bytes(r->identity, sizeof(r->identity));
	m.adv_secret = bytes(r->adv_secret, sizeof(r->adv_secret));
	pack(&m.base, &plain);
	secret = xmalloc(plain.len + GCM_TAG_LEN);
	gcm_seal(key, iv, NULL, 0, plain.data, plain.len, secret);
	sealed.has_encrypted_payload = sealed.has_iv = 1;
	sealed.encrypted_payload = bytes(secret, plain.len + GCM_TAG_LEN);
	sealed.iv = bytes(iv, GCM_IV_LEN);
	pack(&sealed.base, out);
	free(secret);
	buf_done_secret(&plain);
}

static int
read_request(const uint8_t *plain, size_t len, struct passkey_request *ret)
{
	Wa__PairingRequest *m = wa__pairing_request__unpack(NULL, len, plain);
	int r = -1;

	if (m == NULL)
		return -1;
	if (is_key(m->has_companion_public_key, &m->companion_public_key) &&
	    is_key(m->has_companion_identity_key, &m->companion_identity_key) &&
	    m->has_adv_secret && m->adv_secret.len == ADV_SECRET_LEN) {
		memcpy(ret->noise, m->companion_public_key.data, sizeof(ret->noise));
		memcpy(ret->identity, m->companion_identity_key.data, sizeof(ret->identity));
		memcpy(ret->adv_secret, m->adv_secret.data, sizeof(ret->adv_secret));
		r = 0;
	}
	wa__pairing_request__free_unpacked(m, NULL);
	return r;
}

int
passkey_request_open(
    const uint8_t key[PASSKEY_KEY_LEN], const void *data, size_t len, struct passkey_request *ret)
{
	Wa__EncryptedPairingRequest *m =
	    len <= PASSKEY_MESSAGE_MAX ? wa__encrypted_pairing_request__unpack(NULL, len, data)
				       : NULL;
	uint8_t plain[PASSKEY_MESSAGE_MAX];
	int r = -1;

	if (m == NULL)
		return -1;
	if (m->has_iv && m->iv.len == GCM_IV_LEN && m->has_encrypted_payload &&
	    gcm_open(key, m->iv.data, NULL, 0, m->encrypted_payload.data, m->encrypted_payload.len,
		plain) == 0)
		r = read_request(plain, m->encrypted_payload.len - GCM_TAG_LEN, ret);
	wa__encrypted_pairing_request__free_unpacked(m, NULL);
	OPENSSL_cleanse(plain, sizeof(plain));
	return r;
}
