/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A code as text and as a key, ephemeral keys wrapped with it, and the bundle that gives the phone
 * our identity and both sides a secret. It asks nobody and keeps nothing.
 */
#include "common/wa/pair_code.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ITERATIONS 131072
#define DASH_AT 4

static const char alphabet[] = "123456789ABCDEFGHJKLMNPQRSTVWXYZ"; /* no 0 I O U */
static const char info_bundle[] = "link_code_pairing_key_bundle_encryption_key";
static const char info_secret[] = "adv_secret";

/* -- text -- */

void
pair_code_encode(const uint8_t bytes[PAIR_CODE_BYTES], char ret_code[PAIR_CODE_LEN + 1])
{
	uint64_t bits = 0;

	for (size_t i = 0; i < PAIR_CODE_BYTES; i++)
		bits = bits << 8 | bytes[i];
	for (size_t i = 0; i < PAIR_CODE_LEN; i++)
		ret_code[i] = alphabet[bits >> (5 * (PAIR_CODE_LEN - 1 - i)) & 31];
	ret_code[PAIR_CODE_LEN] = '\0';
}

void
pair_code_show(const char code[PAIR_CODE_LEN + 1], char ret_text[PAIR_CODE_TEXT + 1])
{
	(void)snprintf(ret_text, PAIR_CODE_TEXT + 1, "%.4s-%.4s", code, code + DASH_AT);
}

int
pair_code_parse(const char *text, char ret_code[PAIR_CODE_LEN + 1])
{
	char code[PAIR_CODE_LEN + 1];
	size_t n = 0;

	for (const char *p = text; *p != '\0'; p++) {
		const char c = *p >= 'a' && *p <= 'z' ? (char)(*p - 'a' + 'A') : *p;

		if (c == '-' && n == DASH_AT && p == text + DASH_AT)
			continue;
		if (n == PAIR_CODE_LEN || strchr(alphabet, c) == NULL)
			return -1;
		code[n++] = c;
	}
	if (n != PAIR_CODE_LEN)
		return -1;
	code[n] = '\0';
	memcpy(ret_code, code, sizeof(code));
	OPENSSL_cleanse(code, sizeof(code));
	return 0;
}

/* -- keys -- */

/* As in kdf.c: a broken OpenSSL ends the program. */
static void
must(int r)
{
	if (r != 1) {
		fprintf(stderr, "OpenSSL refuses a basic operation\n");
		abort();
	}
}

void
pair_code_key(const char code[PAIR_CODE_LEN + 1], const uint8_t salt[PAIR_CODE_SALT_LEN],
    uint8_t ret_key[PAIR_CODE_KEY_LEN])
{
	must(PKCS5_PBKDF2_HMAC(code, PAIR_CODE_LEN, salt, PAIR_CODE_SALT_LEN, ITERATIONS,
	    EVP_sha256(), PAIR_CODE_KEY_LEN, ret_key));
}

/* AES-256-CTR is its own inverse. */
static void
cipher(const uint8_t key[PAIR_CODE_KEY_LEN], const uint8_t iv[PAIR_CODE_IV_LEN],
    const uint8_t in[CURVE_KEY_LEN], uint8_t out[CURVE_KEY_LEN])
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int len = 0;

	must(ctx != NULL);
	must(EVP_EncryptInit_ex2(ctx, EVP_aes_256_ctr(), key, iv, NULL));
	must(EVP_EncryptUpdate(ctx, out, &len, in, CURVE_KEY_LEN));
	must(len == CURVE_KEY_LEN);
	EVP_CIPHER_CTX_free(ctx);
}

void
pair_code_wrap(const uint8_t key[PAIR_CODE_KEY_LEN], const uint8_t salt[PAIR_CODE_SALT_LEN],
    const uint8_t iv[PAIR_CODE_IV_LEN], const uint8_t pub[CURVE_KEY_LEN],
    uint8_t ret_wrapped[PAIR_CODE_WRAPPED_LEN])
{
	memcpy(ret_wrapped, salt, PAIR_CODE_SALT_LEN);
	memcpy(ret_wrapped + PAIR_CODE_SALT_LEN, iv, PAIR_CODE_IV_LEN);
	cipher(key, iv, pub, ret_wrapped + PAIR_CODE_SALT_LEN + PAIR_CODE_IV_LEN);
}

void
pair_code_unwrap(const uint8_t key[PAIR_CODE_KEY_LEN], const uint8_t wrapped[PAIR_CODE_WRAPPED_LEN],
    uint8_t ret_pub[CURVE_KEY_LEN])
{
	cipher(key, wrapped + PAIR_CODE_SALT_LEN, wrapped + PAIR_CODE_SALT_LEN + PAIR_CODE_IV_LEN,
	    ret_pub);
}

/* -- the bundle -- */

struct shared {
	uint8_t ephemeral[CURVE_KEY_LEN], identity[CURVE_KEY_LEN];
};

static void
bundle_key(const struct shared *s, const uint8_t salt[PAIR_CODE_SALT_LEN],
    uint8_t ret_key[PAIR_CODE_KEY_LEN])
{
	hkdf_sha256(s->ephemeral, sizeof(s->ephemeral), salt, PAIR_CODE_SALT_LEN, info_bundle,
	    sizeof(info_bundle) - 1, ret_key, PAIR_CODE_KEY_LEN);
}

static void
secret(const struct shared *s, const uint8_t random[PAIR_CODE_RANDOM_LEN],
    uint8_t ret_secret[ADV_SECRET_LEN])
{
	uint8_t ikm[2 * CURVE_KEY_LEN + PAIR_CODE_RANDOM_LEN];

	memcpy(ikm, s->ephemeral, CURVE_KEY_LEN);
	memcpy(ikm + CURVE_KEY_LEN, s->identity, CURVE_KEY_LEN);
	memcpy(ikm + 2 * CURVE_KEY_LEN, random, PAIR_CODE_RANDOM_LEN);
	hkdf_sha256(ikm, sizeof(ikm), NULL, 0, info_secret, sizeof(info_secret) - 1, ret_secret,
	    ADV_SECRET_LEN);
	OPENSSL_cleanse(ikm, sizeof(ikm));
}

int
pair_code_seal(const struct curve_pair *ephemeral, const struct curve_pair *identity,
    const uint8_t phone_ephemeral[CURVE_KEY_LEN], const uint8_t phone_identity[CURVE_KEY_LEN],
    const struct pair_code_random *r, uint8_t ret_bundle[PAIR_CODE_BUNDLE_LEN],
    uint8_t ret_secret[ADV_SECRET_LEN])
{
	uint8_t key[PAIR_CODE_KEY_LEN], plain[PAIR_CODE_BUNDLE_PLAIN];
	struct shared s;
	int ret = -1;

	if (curve_agree(ephemeral->priv, phone_ephemeral, s.ephemeral) < 0 ||
	    curve_agree(identity->priv, phone_identity, s.identity) < 0)
		goto out;
	bundle_key(&s, r->salt, key);
	memcpy(plain, identity->pub, CURVE_KEY_LEN);
	memcpy(plain + CURVE_KEY_LEN, phone_identity, CURVE_KEY_LEN);
	memcpy(plain + 2 * CURVE_KEY_LEN, r->random, PAIR_CODE_RANDOM_LEN);
	memcpy(ret_bundle, r->salt, PAIR_CODE_SALT_LEN);
	memcpy(ret_bundle + PAIR_CODE_SALT_LEN, r->nonce, GCM_IV_LEN);
	gcm_seal(key, r->nonce, NULL, 0, plain, sizeof(plain),
	    ret_bundle + PAIR_CODE_SALT_LEN + GCM_IV_LEN);
	secret(&s, r->random, ret_secret);
	ret = 0;
out:
	OPENSSL_cleanse(&s, sizeof(s));
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(plain, sizeof(plain));
	return ret;
}

int
pair_code_open(const struct curve_pair *ephemeral, const struct curve_pair *identity,
    const uint8_t companion_ephemeral[CURVE_KEY_LEN], const uint8_t bundle[PAIR_CODE_BUNDLE_LEN],
    uint8_t ret_companion_identity[CURVE_KEY_LEN], uint8_t ret_secret[ADV_SECRET_LEN])
{
	uint8_t key[PAIR_CODE_KEY_LEN], plain[PAIR_CODE_BUNDLE_PLAIN];
	struct shared s;
	int ret = -1;

	if (curve_agree(ephemeral->priv, companion_ephemeral, s.ephemeral) < 0)
		goto out;
	bundle_key(&s, bundle, key);
	if (gcm_open(key, bundle + PAIR_CODE_SALT_LEN, NULL, 0,
		bundle + PAIR_CODE_SALT_LEN + GCM_IV_LEN, sizeof(plain) + GCM_TAG_LEN, plain) < 0 ||
	    CRYPTO_memcmp(plain + CURVE_KEY_LEN, identity->pub, CURVE_KEY_LEN) != 0 ||
	    curve_agree(identity->priv, plain, s.identity) < 0)
		goto out;
	memcpy(ret_companion_identity, plain, CURVE_KEY_LEN);
	secret(&s, plain + 2 * CURVE_KEY_LEN, ret_secret);
	ret = 0;
out:
	OPENSSL_cleanse(&s, sizeof(s));
	OPENSSL_cleanse(key, sizeof(key));
	OPENSSL_cleanse(plain, sizeof(plain));
	return ret;
}
