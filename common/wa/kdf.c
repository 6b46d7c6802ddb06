/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Hashes, HKDF and AES-GCM. Fetching OpenSSL objects costs more than most of what is computed with
 * them, so each thread keeps one set of contexts until it ends. Nothing here fails but a tag: a
 * broken OpenSSL ends the program.
 */
#include "common/wa/kdf.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define DIGEST_LEN 32

struct kdf_set {
	EVP_MD *sha;
	EVP_MD_CTX *sha_ctx;
	EVP_MAC *mac;
	EVP_MAC_CTX *mac_ctx;
	EVP_CIPHER *gcm;
	EVP_CIPHER_CTX *gcm_ctx;
};

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t set_key;
static _Thread_local struct kdf_set *cached;

static void
set_free(void *p)
{
	struct kdf_set *s = p;

	EVP_CIPHER_CTX_free(s->gcm_ctx);
	EVP_CIPHER_free(s->gcm);
	EVP_MAC_CTX_free(s->mac_ctx);
	EVP_MAC_free(s->mac);
	EVP_MD_CTX_free(s->sha_ctx);
	EVP_MD_free(s->sha);
	free(s);
}

static void
must(bool ok)
{
	if (!ok) {
		fprintf(stderr, "OpenSSL refuses a basic operation\n");
		abort();
	}
}

static void
key_create(void)
{
	must(pthread_key_create(&set_key, set_free) == 0);
}

static struct kdf_set *
set_new(void)
{
	struct kdf_set *s = xcalloc(1, sizeof(*s));
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
	    OSSL_PARAM_construct_end(),
	};

	s->sha = EVP_MD_fetch(NULL, "SHA256", NULL);
	s->sha_ctx = EVP_MD_CTX_new();
	s->mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	must(s->sha != NULL && s->sha_ctx != NULL && s->mac != NULL);
	s->mac_ctx = EVP_MAC_CTX_new(s->mac);
	must(s->mac_ctx != NULL && EVP_MAC_CTX_set_params(s->mac_ctx, params) == 1);
	s->gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
	s->gcm_ctx = EVP_CIPHER_CTX_new();
	must(s->gcm != NULL && s->gcm_ctx != NULL);
	must(pthread_once(&once, key_create) == 0);
	must(pthread_setspecific(set_key, s) == 0);
	return s;
}

static struct kdf_set *
set(void)
{
	if (cached == NULL)
		cached = set_new();
	return cached;
}

void
sha256_two(const void *a, size_t a_len, const void *b, size_t b_len, uint8_t ret_digest[32])
{
	struct kdf_set *s = set();

	must(EVP_DigestInit_ex(s->sha_ctx, s->sha, NULL) == 1);
	must(a_len == 0 || EVP_DigestUpdate(s->sha_ctx, a, a_len) == 1);
	must(b_len == 0 || EVP_DigestUpdate(s->sha_ctx, b, b_len) == 1);
	must(EVP_DigestFinal_ex(s->sha_ctx, ret_digest, NULL) == 1);
}

void
sha256(const void *data, size_t len, uint8_t ret_digest[32])
{
	sha256_two(data, len, NULL, 0, ret_digest);
}

static void
mac_start(struct kdf_set *s, const void *key, size_t key_len)
{
	/* A NULL key would mean "the key of last time". */
	must(EVP_MAC_init(s->mac_ctx, key_len > 0 ? key : "", key_len, NULL) == 1);
}

static void
mac_add(struct kdf_set *s, const void *data, size_t len)
{
	must(len == 0 || EVP_MAC_update(s->mac_ctx, data, len) == 1);
}

static void
mac_end(struct kdf_set *s, uint8_t ret_mac[DIGEST_LEN])
{
	size_t n;

	must(EVP_MAC_final(s->mac_ctx, ret_mac, &n, DIGEST_LEN) == 1);
}

void
hmac_sha256(const void *key, size_t key_len, const void *data, size_t len, uint8_t ret_mac[32])
{
	struct kdf_set *s = set();

	mac_start(s, key, key_len);
	mac_add(s, data, len);
	mac_end(s, ret_mac);
}

void
hkdf_sha256(const void *ikm, size_t ikm_len, const void *salt, size_t salt_len, const void *info,
    size_t info_len, uint8_t *ret_okm, size_t len)
{
	struct kdf_set *s = set();
	uint8_t prk[DIGEST_LEN];
	uint8_t block[DIGEST_LEN];
	size_t done = 0;

	must(len <= 255 * DIGEST_LEN);
	hmac_sha256(salt, salt_len, ikm, ikm_len, prk);
	for (uint8_t i = 1; done < len; i++) {
		const size_t n = len - done < DIGEST_LEN ? len - done : DIGEST_LEN;

		mac_start(s, prk, sizeof(prk));
		mac_add(s, block, i > 1 ? sizeof(block) : 0);
		mac_add(s, info, info_len);
		mac_add(s, &i, 1);
		mac_end(s, block);
		memcpy(ret_okm + done, block, n);
		done += n;
	}
	OPENSSL_cleanse(prk, sizeof(prk));
	OPENSSL_cleanse(block, sizeof(block));
}

void
gcm_seal(const uint8_t key[32], const uint8_t iv[GCM_IV_LEN], const void *aad, size_t aad_len,
    const void *plain, size_t len, uint8_t *ret)
{
	struct kdf_set *s = set();
	int n = 0;

	must(len <= INT_MAX && aad_len <= INT_MAX);
	must(EVP_EncryptInit_ex(s->gcm_ctx, s->gcm, NULL, key, iv) == 1);
	must(aad_len == 0 || EVP_EncryptUpdate(s->gcm_ctx, NULL, &n, aad, (int)aad_len) == 1);
	must(len == 0 || EVP_EncryptUpdate(s->gcm_ctx, ret, &n, plain, (int)len) == 1);
	must(EVP_EncryptFinal_ex(s->gcm_ctx, ret + len, &n) == 1);
	must(EVP_CIPHER_CTX_ctrl(s->gcm_ctx, EVP_CTRL_AEAD_GET_TAG, GCM_TAG_LEN, ret + len) == 1);
}

int
gcm_open(const uint8_t key[32], const uint8_t iv[GCM_IV_LEN], const void *aad, size_t aad_len,
    const void *sealed, size_t len, uint8_t *ret)
{
	struct kdf_set *s = set();
	const uint8_t *in = sealed;
	uint8_t tag[GCM_TAG_LEN];
	uint8_t none;
	int n = 0;

	if (len < GCM_TAG_LEN || len > INT_MAX || aad_len > INT_MAX)
		return -1;
	len -= GCM_TAG_LEN;
	memcpy(tag, in + len, sizeof(tag));
	must(EVP_DecryptInit_ex(s->gcm_ctx, s->gcm, NULL, key, iv) == 1);
	must(aad_len == 0 || EVP_DecryptUpdate(s->gcm_ctx, NULL, &n, aad, (int)aad_len) == 1);
	must(len == 0 || EVP_DecryptUpdate(s->gcm_ctx, ret, &n, in, (int)len) == 1);
	must(EVP_CIPHER_CTX_ctrl(s->gcm_ctx, EVP_CTRL_AEAD_SET_TAG, GCM_TAG_LEN, tag) == 1);
	if (EVP_DecryptFinal_ex(s->gcm_ctx, len > 0 ? ret + len : &none, &n) == 1)
		return 0;
	/* What was written is not authentic: nobody may read it. */
	OPENSSL_cleanse(ret, len);
	return -1;
}
