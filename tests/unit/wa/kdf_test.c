/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kdf: published test values (RFC 4231, RFC 5869, FIPS 180), media keys of the vectors, and GCM
 * that notices changes. */
#include "common/wa/kdf.h"

#include <pthread.h>

#include "tests/unit/wa/vectors.h"

static void
test_sha256(void **state)
{
	uint8_t d[32], e[32];

	(void)state;
	sha256("", 0, d);
	assert_bytes(d, 32, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	sha256("abc", 3, d);
	assert_bytes(d, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	sha256_two("a", 1, "bc", 2, e);
	assert_memory_equal(d, e, 32);
}

static void
test_hmac(void **state)
{
	uint8_t mac[32];

	(void)state;
	/* RFC 4231, case 2. */
	hmac_sha256("Jefe", 4, "what do ya want for nothing?", 28, mac);
	assert_bytes(mac, 32, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	/* An empty key is a key, not the one of the last call. */
	hmac_sha256(NULL, 0, "", 0, mac);
	assert_bytes(mac, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
	hmac_sha256("Jefe", 4, "", 0, mac);
	hmac_sha256("", 0, "", 0, mac);
	assert_bytes(mac, 32, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void
test_hkdf(void **state)
{
	struct buf ikm = hex_bytes("0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b");
	struct buf salt = hex_bytes("000102030405060708090a0b0c"),
		   info = hex_bytes("f0f1f2f3f4f5f6f7f8f9");
	uint8_t okm[42];

	(void)state;
	/* RFC 5869, cases 1 and 3. */
	hkdf_sha256(ikm.data, ikm.len, salt.data, salt.len, info.data, info.len, okm, sizeof(okm));
	assert_bytes(okm, sizeof(okm),
	    "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
	hkdf_sha256(ikm.data, ikm.len, NULL, 0, NULL, 0, okm, sizeof(okm));
	assert_bytes(okm, sizeof(okm),
	    "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
	buf_done(&ikm);
	buf_done(&salt);
	buf_done(&info);
}

static void
test_gcm(void **state)
{
	const uint8_t key[32] = {1}, iv[GCM_IV_LEN] = {2};
	uint8_t sealed[5 + GCM_TAG_LEN], plain[5], tag[GCM_TAG_LEN];

	(void)state;
	gcm_seal(key, iv, "aad", 3, "hello", 5, sealed);
	assert_int_equal(gcm_open(key, iv, "aad", 3, sealed, sizeof(sealed), plain), 0);
	assert_memory_equal(plain, "hello", 5);
	assert_int_equal(gcm_open(key, iv, "aae", 3, sealed, sizeof(sealed), plain), -1);
	assert_int_equal(gcm_open(key, iv, "aad", 3, sealed, GCM_TAG_LEN - 1, plain), -1);
	for (size_t i = 0; i < sizeof(sealed); i++) {
		sealed[i] ^= 1;
		assert_int_equal(gcm_open(key, iv, "aad", 3, sealed, sizeof(sealed), plain), -1);
		sealed[i] ^= 1;
	}
	gcm_seal(key, iv, NULL, 0, "", 0, tag);
	assert_int_equal(gcm_open(key, iv, NULL, 0, tag, sizeof(tag), plain), 0);
	/* NIST GCM, AES-256, all zeros, nothing to encrypt. */
	const uint8_t zero_key[32] = {0}, zero_iv[GCM_IV_LEN] = {0};

	gcm_seal(zero_key, zero_iv, NULL, 0, "", 0, tag);
	assert_bytes(tag, sizeof(tag), "530f8afbc74536b9a963b4f1c4cb738b");
}

/* Keys, and with them what a media retry seals: HKDF and GCM as WhatsApp uses them. */
static void
check_media_keys(const json_t *v)
{
	const char *info = vector_str(v, "inputs.info");
	uint8_t media_key[32], okm[112];

	vector_fixed(v, "inputs.media_key", media_key, sizeof(media_key));
	hkdf_sha256(media_key, sizeof(media_key), NULL, 0, info, strlen(info), okm, sizeof(okm));
	assert_bytes(okm, 16, vector_str(v, "outputs.iv"));
	assert_bytes(okm + 16, 32, vector_str(v, "outputs.cipher_key"));
	assert_bytes(okm + 48, 32, vector_str(v, "outputs.mac_key"));
	assert_bytes(okm + 80, 32, vector_str(v, "outputs.ref_key"));
}

static void
test_media_keys(void **state)
{
	const json_t *v;
	size_t i, n = 0;

	(void)state;
	json_array_foreach(json_object_get(vectors_root, "vectors"), i, v)
	{
		if (strncmp(vector_str(v, "name"), "media-keys-", 11) != 0)
			continue;
		check_media_keys(v);
		n++;
	}
	assert_int_equal(n, 9);
}

static void
test_media_retry(void **state)
{
	static const char info[] = "WhatsApp Media Retry Notification";
	const json_t *v = vector("media-retry-request");
	const char *id = vector_str(v, "inputs.message_id");
	struct buf plain = vector_bytes(v, "outputs.plaintext");
	uint8_t media_key[32], key[32], iv[GCM_IV_LEN], sealed[256];

	(void)state;
	vector_fixed(v, "inputs.media_key", media_key, sizeof(media_key));
	vector_fixed(v, "inputs.iv", iv, sizeof(iv));
	hkdf_sha256(media_key, sizeof(media_key), NULL, 0, info, strlen(info), key, sizeof(key));
	assert_bytes(key, sizeof(key), vector_str(v, "outputs.key"));
	assert_true(plain.len + GCM_TAG_LEN <= sizeof(sealed));
	gcm_seal(key, iv, id, strlen(id), plain.data, plain.len, sealed);
	assert_bytes(sealed, plain.len + GCM_TAG_LEN, vector_str(v, "outputs.enc_p"));
	buf_done(&plain);
}

static void
test_cstoken(void **state)
{
	const json_t *v = vector("cstoken");
	const char *lid = vector_str(v, "inputs.recipient_lid");
	struct buf salt = vector_bytes(v, "inputs.nct_salt");
	uint8_t mac[32];

	(void)state;
	hmac_sha256(salt.data, salt.len, lid, strlen(lid), mac);
	assert_bytes(mac, sizeof(mac), vector_str(v, "outputs.cstoken"));
	buf_done(&salt);
}

/* How both clients make it; the product sends none (send_test.c), as PROTOCOL section 10 has it. */
static void
test_reporting_token(void **state)
{
	const json_t *v = vector("reporting-token");
	struct buf secret = vector_bytes(v, "inputs.message_secret"),
		   content = vector_bytes(v, "outputs.hashed_content");
	static const char *const chats[] = {"inputs.own", "inputs.recipient"},
				 *const tokens[] = {
				     "outputs.token_whatsmeow_rule", "outputs.baileys_token"};
	uint8_t key[32], mac[32];
	char info[256];

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		(void)snprintf(info, sizeof(info), "%s%s%sReport Token",
		    vector_str(v, "inputs.message_id"), vector_str(v, chats[i]),
		    vector_str(v, "inputs.recipient"));
		hkdf_sha256(secret.data, secret.len, NULL, 0, info, strlen(info), key, sizeof(key));
		if (i == 0)
			assert_bytes(key, sizeof(key), vector_str(v, "outputs.whatsmeow_key"));
		hmac_sha256(key, sizeof(key), content.data, content.len, mac);
		assert_bytes(mac, 16, vector_str(v, tokens[i]));
	}
	buf_done(&secret);
	buf_done(&content);
}

static void *
in_thread(void *arg)
{
	sha256("abc", 3, arg);
	return NULL;
}

/* A thread has contexts of its own, and they go with it (LeakSanitizer watches). */
static void
test_threads(void **state)
{
	uint8_t d[32];
	pthread_t t;

	(void)state;
	assert_int_equal(pthread_create(&t, NULL, in_thread, d), 0);
	assert_int_equal(pthread_join(t, NULL), 0);
	assert_bytes(d, 32, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_sha256),
	    cmocka_unit_test(test_hmac),
	    cmocka_unit_test(test_hkdf),
	    cmocka_unit_test(test_gcm),
	    cmocka_unit_test(test_media_keys),
	    cmocka_unit_test(test_media_retry),
	    cmocka_unit_test(test_cstoken),
	    cmocka_unit_test(test_reporting_token),
	    cmocka_unit_test(test_threads),
	};

	return VECTORS_RUN(tests);
}
