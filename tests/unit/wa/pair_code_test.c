/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pair_code: both vectors with all that lies between, what people type, and both sides together. */
#include "common/wa/pair_code.h"

#include "common/rng.h"
#include "tests/unit/wa/vectors.h"

static struct curve_pair
pair_at(const json_t *v, const char *path)
{
	struct curve_pair pair;
	uint8_t priv[CURVE_KEY_LEN];

	vector_fixed(vector_at(v, path), "private", priv, sizeof(priv));
	assert_int_equal(curve_from_private(priv, &pair), 0);
	assert_bytes(pair.pub, sizeof(pair.pub), vector_str(vector_at(v, path), "public"));
	return pair;
}

static void
check_crockford(const json_t *v)
{
	const json_t *bytes = vector_at(v, "inputs.bytes"), *codes = vector_at(v, "outputs.codes");

	assert_int_equal(json_array_size(bytes), 4);
	assert_int_equal(json_array_size(codes), 4);
	for (size_t i = 0; i < 4; i++) {
		struct buf b = hex_bytes(json_string_value(json_array_get(bytes, i)));
		char code[PAIR_CODE_LEN + 1];

		assert_int_equal(b.len, PAIR_CODE_BYTES);
		pair_code_encode(b.data, code);
		assert_string_equal(code, json_string_value(json_array_get(codes, i)));
		buf_done(&b);
	}
}

/* One side's ephemeral key under the code: key, wrapped, and back. */
static void
check_wrap(const json_t *v, const char *code, const char *salt_at, const char *iv_at,
    const struct curve_pair *pair, const char *key_at, const char *wrapped_at)
{
	uint8_t salt[PAIR_CODE_SALT_LEN], iv[PAIR_CODE_IV_LEN], key[PAIR_CODE_KEY_LEN],
	    wrapped[PAIR_CODE_WRAPPED_LEN], pub[CURVE_KEY_LEN];

	vector_fixed(v, salt_at, salt, sizeof(salt));
	vector_fixed(v, iv_at, iv, sizeof(iv));
	pair_code_key(code, salt, key);
	assert_bytes(key, sizeof(key), vector_str(v, key_at));
	pair_code_wrap(key, salt, iv, pair->pub, wrapped);
	assert_bytes(wrapped, sizeof(wrapped), vector_str(v, wrapped_at));
	pair_code_unwrap(key, wrapped, pub);
	assert_memory_equal(pub, pair->pub, sizeof(pub));
}

static void
check_bundle(const json_t *v, const struct curve_pair *companion,
    const struct curve_pair *companion_identity, const struct curve_pair *phone,
    const struct curve_pair *phone_identity)
{
	uint8_t bundle[PAIR_CODE_BUNDLE_LEN], secret[ADV_SECRET_LEN], phone_secret[ADV_SECRET_LEN],
	    identity[CURVE_KEY_LEN], shared[CURVE_KEY_LEN];
	struct pair_code_random r;

	assert_int_equal(curve_agree(companion->priv, phone->pub, shared), 0);
	assert_bytes(shared, sizeof(shared), vector_str(v, "outputs.ephemeral_shared"));
	vector_fixed(v, "inputs.bundle_salt", r.salt, sizeof(r.salt));
	vector_fixed(v, "inputs.bundle_nonce", r.nonce, sizeof(r.nonce));
	vector_fixed(v, "inputs.adv_random", r.random, sizeof(r.random));
	assert_int_equal(pair_code_seal(companion, companion_identity, phone->pub,
			     phone_identity->pub, &r, bundle, secret),
	    0);
	assert_bytes(bundle, sizeof(bundle), vector_str(v, "outputs.wrapped_key_bundle"));
	assert_bytes(secret, sizeof(secret), vector_str(v, "outputs.adv_secret"));
	assert_int_equal(
	    pair_code_open(phone, phone_identity, companion->pub, bundle, identity, phone_secret),
	    0);
	assert_memory_equal(identity, companion_identity->pub, sizeof(identity));
	assert_memory_equal(phone_secret, secret, sizeof(secret));
}

static void
check_pairing(const json_t *v)
{
	const struct curve_pair companion = pair_at(v, "inputs.companion_ephemeral"),
				companion_identity = pair_at(v, "inputs.companion_identity"),
				phone = pair_at(v, "inputs.phone_ephemeral"),
				phone_identity = pair_at(v, "inputs.phone_identity");
	uint8_t bytes[PAIR_CODE_BYTES];
	char code[PAIR_CODE_LEN + 1];

	vector_fixed(v, "inputs.code_bytes", bytes, sizeof(bytes));
	pair_code_encode(bytes, code);
	assert_string_equal(code, vector_str(v, "outputs.code"));
	check_wrap(v, code, "inputs.salt", "inputs.iv", &companion, "outputs.pbkdf2_key",
	    "outputs.wrapped_companion_ephemeral_pub");
	check_wrap(v, code, "inputs.phone_salt", "inputs.phone_iv", &phone,
	    "outputs.phone_pbkdf2_key", "outputs.wrapped_primary_ephemeral_pub");
	check_bundle(v, &companion, &companion_identity, &phone, &phone_identity);
}

static void
each_vector(const json_t *v, const char *name)
{
	if (strcmp(name, "crockford") == 0)
		check_crockford(v);
	else if (strcmp(name, "pairing-code") == 0)
		check_pairing(v);
	else
		fail_msg("an unknown vector %s", name);
}

static void
test_vectors(void **state)
{
	(void)state;
	vectors_each("pairing-code", 2, each_vector);
}

static void
test_text(void **state)
{
	static const struct {
		const char *text, *code; /* NULL: refused */
	} rows[] = {
	    {"152GVZQZ", "152GVZQZ"},
	    {"152G-VZQZ", "152GVZQZ"},
	    {"152g-vzqz", "152GVZQZ"},
	    {"", NULL},
	    {"-", NULL},
	    {"152G", NULL},
	    {"152GVZQ", NULL},
	    {"152GVZQZ1", NULL},
	    {"152G-VZQZ-", NULL},
	    {"152G--VZQZ", NULL},
	    {"1-52GVZQZ", NULL},
	    {"-152GVZQZ", NULL},
	    {"152GVZQ0", NULL},
	    {"152GVZQI", NULL},
	    {"152GVZQo", NULL},
	    {"152GVZQU", NULL},
	    {"152G VZQZ", NULL},
	    {"152GVZQ\xc3\x89", NULL},
	};
	char shown[PAIR_CODE_TEXT + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char code[PAIR_CODE_LEN + 1] = "untouch";

		if (rows[i].code == NULL) {
			assert_int_equal(pair_code_parse(rows[i].text, code), -1);
			assert_string_equal(code, "untouch");
		} else {
			assert_int_equal(pair_code_parse(rows[i].text, code), 0);
			assert_string_equal(code, rows[i].code);
		}
	}
	pair_code_show("152GVZQZ", shown);
	assert_string_equal(shown, "152G-VZQZ");
}

/* Whatever is changed on the way, the phone takes nothing. */
static void
test_spoilt(void **state)
{
	struct curve_pair companion, identity, phone, phone_identity, other;
	uint8_t bundle[PAIR_CODE_BUNDLE_LEN], secret[ADV_SECRET_LEN], got[CURVE_KEY_LEN];
	const uint8_t zero[CURVE_KEY_LEN] = {0};
	struct pair_code_random r;

	(void)state;
	curve_generate(&companion);
	curve_generate(&identity);
	curve_generate(&phone);
	curve_generate(&phone_identity);
	curve_generate(&other);
	rng_bytes(&r, sizeof(r));
	assert_int_equal(pair_code_seal(&companion, &identity, phone.pub, phone_identity.pub, &r,
			     bundle, secret),
	    0);
	for (size_t i = 0; i < sizeof(bundle); i++) {
		bundle[i] ^= 1;
		assert_int_equal(
		    pair_code_open(&phone, &phone_identity, companion.pub, bundle, got, secret),
		    -1);
		bundle[i] ^= 1;
	}
	assert_int_equal(
	    pair_code_open(&phone, &phone_identity, other.pub, bundle, got, secret), -1);
	assert_int_equal(pair_code_open(&phone, &other, companion.pub, bundle, got, secret), -1);
	assert_int_equal(
	    pair_code_open(&phone, &phone_identity, companion.pub, bundle, got, secret), 0);
	/* Keys of low order are refused. */
	assert_int_equal(
	    pair_code_seal(&companion, &identity, zero, phone_identity.pub, &r, bundle, secret),
	    -1);
	assert_int_equal(
	    pair_code_seal(&companion, &identity, phone.pub, zero, &r, bundle, secret), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_spoilt),
	};

	return VECTORS_RUN(tests);
}
