/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Key agreement by OpenSSL, for libsignal too, and XEd25519 by libsignal. It never stores a key:
 * what a call needs is built and wiped inside it. libsignal wants a context even for a signature:
 * each thread keeps one until it ends.
 */
#include "common/wa/curve.h"

#include <curve.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <signal_protocol.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/wa/signal_crypto.h"

#define DJB_TYPE 0x05

/* Its header does not declare it. */
int curve25519_donna(uint8_t *out, const uint8_t *secret, const uint8_t *point);

static pthread_once_t once = PTHREAD_ONCE_INIT;
static pthread_key_t context_key;
static _Thread_local signal_context *cached;

static void
context_free(void *p)
{
	signal_context *context = p;

	wa_signal_context_free(&context);
}

static void
key_create(void)
{
	if (pthread_key_create(&context_key, context_free) != 0)
		abort();
}

static signal_context *
context(void)
{
	if (cached == NULL) {
		if (pthread_once(&once, key_create) != 0 || wa_signal_context_new(&cached) != 0 ||
		    pthread_setspecific(context_key, cached) != 0) {
			fprintf(stderr, "no Signal context to be had\n");
			abort();
		}
	}
	return cached;
}

static void
clamp(uint8_t priv[CURVE_KEY_LEN])
{
	priv[0] &= 248;
	priv[31] &= 127;
	priv[31] |= 64;
}

int
curve_from_private(const uint8_t priv[CURVE_KEY_LEN], struct curve_pair *ret_pair)
{
	struct curve_pair pair;
	size_t n = sizeof(pair.pub);
	EVP_PKEY *key;
	int r = -1;

	memcpy(pair.priv, priv, sizeof(pair.priv));
	clamp(pair.priv);
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, pair.priv, sizeof(pair.priv));
	if (key != NULL && EVP_PKEY_get_raw_public_key(key, pair.pub, &n) == 1 &&
	    n == sizeof(pair.pub)) {
		*ret_pair = pair;
		r = 0;
	}
	EVP_PKEY_free(key);
	OPENSSL_cleanse(&pair, sizeof(pair));
	return r;
}

void
curve_generate(struct curve_pair *ret_pair)
{
	uint8_t priv[CURVE_KEY_LEN];

	rng_bytes(priv, sizeof(priv));
	if (curve_from_private(priv, ret_pair) != 0)
		abort();
	OPENSSL_cleanse(priv, sizeof(priv));
}

/* With a public key that is never looked at: computing the right one costs more than the agreement.
 */
static EVP_PKEY *
private_key(uint8_t priv[CURVE_KEY_LEN])
{
	uint8_t unused[CURVE_KEY_LEN] = {9};
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY, priv, CURVE_KEY_LEN),
	    OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, unused, CURVE_KEY_LEN),
	    OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "X25519", NULL);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || EVP_PKEY_fromdata_init(ctx) != 1 ||
	    EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	EVP_PKEY_CTX_free(ctx);
	return key;
}

int
curve_agree(const uint8_t priv[CURVE_KEY_LEN], const uint8_t pub[CURVE_KEY_LEN],
    uint8_t ret_shared[CURVE_KEY_LEN])
{
	uint8_t shared[CURVE_KEY_LEN];
	uint8_t clamped[CURVE_KEY_LEN];
	size_t n = sizeof(shared);
	EVP_PKEY *own, *peer;
	EVP_PKEY_CTX *ctx = NULL;
	int r = -1;

	memcpy(clamped, priv, sizeof(clamped));
	clamp(clamped);
	own = private_key(clamped);
	peer = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL, pub, CURVE_KEY_LEN);
	if (own != NULL && peer != NULL)
		ctx = EVP_PKEY_CTX_new(own, NULL);
	/* OpenSSL refuses a result of all zeros. */
	if (ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
	    EVP_PKEY_derive_set_peer_ex(ctx, peer, 0) == 1 &&
	    EVP_PKEY_derive(ctx, shared, &n) == 1 && n == sizeof(shared)) {
		memcpy(ret_shared, shared, sizeof(shared));
		r = 0;
	}
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(peer);
	EVP_PKEY_free(own);
	OPENSSL_cleanse(shared, sizeof(shared));
	OPENSSL_cleanse(clamped, sizeof(clamped));
	return r;
}

/*
 * libsignal's own agreement, which it calls through the dynamic linker: defined here, ours is
 * called instead, at a third of its time, and with keys of low order refused. Theirs takes secrets
 * as they are, OpenSSL clamps them: one that is not clamped would give another result, so it is
 * refused.
 */
int
curve25519_donna(uint8_t *out, const uint8_t *secret, const uint8_t *point)
{
	static const uint8_t base[CURVE_KEY_LEN] = {9};
	struct curve_pair pair;
	int r;

	if ((secret[0] & 7) != 0 || (secret[31] & 0xc0) != 0x40)
		return -1;
	if (memcmp(point, base, sizeof(base)) != 0)
		return curve_agree(secret, point, out);
	r = curve_from_private(secret, &pair);
	if (r == 0)
		memcpy(out, pair.pub, sizeof(pair.pub));
	OPENSSL_cleanse(&pair, sizeof(pair));
	return r;
}

int
curve_sign(const uint8_t priv[CURVE_KEY_LEN], const void *msg, size_t len,
    uint8_t ret_sig[CURVE_SIGNATURE_LEN])
{
	uint8_t clamped[CURVE_KEY_LEN];
	ec_private_key *key = NULL;
	signal_buffer *sig = NULL;
	int r = -1;

	memcpy(clamped, priv, sizeof(clamped));
	clamp(clamped);
	if (curve_decode_private_point(&key, clamped, sizeof(clamped), context()) == 0 &&
	    curve_calculate_signature(context(), &sig, key, msg, len) == 0 &&
	    signal_buffer_len(sig) == CURVE_SIGNATURE_LEN) {
		memcpy(ret_sig, signal_buffer_data(sig), CURVE_SIGNATURE_LEN);
		r = 0;
	}
	signal_buffer_free(sig);
	SIGNAL_UNREF(key);
	OPENSSL_cleanse(clamped, sizeof(clamped));
	return r;
}

int
curve_verify(const uint8_t pub[CURVE_KEY_LEN], const void *msg, size_t len, const uint8_t *sig,
    size_t sig_len)
{
	uint8_t typed[1 + CURVE_KEY_LEN] = {DJB_TYPE};
	ec_public_key *key = NULL;
	int r = -1;

	if (sig_len != CURVE_SIGNATURE_LEN)
		return -1;
	memcpy(typed + 1, pub, CURVE_KEY_LEN);
	/* 1 valid, 0 not valid, < 0 error. */
	if (curve_decode_point(&key, typed, sizeof(typed), context()) == 0 &&
	    curve_verify_signature(key, msg, len, sig, sig_len) == 1)
		r = 0;
	SIGNAL_UNREF(key);
	return r;
}

int
curve_sign_prekey(const uint8_t identity_priv[CURVE_KEY_LEN], const uint8_t spk_pub[CURVE_KEY_LEN],
    uint8_t ret_sig[CURVE_SIGNATURE_LEN])
{
	uint8_t typed[1 + CURVE_KEY_LEN] = {DJB_TYPE};

	memcpy(typed + 1, spk_pub, CURVE_KEY_LEN);
	return curve_sign(identity_priv, typed, sizeof(typed), ret_sig);
}
