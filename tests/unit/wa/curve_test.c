/* SPDX-License-Identifier: GPL-3.0-or-later */
/* curve: the xed25519 vectors, RFC 7748, refused keys, and our own signatures. */
#include "common/wa/curve.h"

#include <curve.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal_protocol.h>

#include "common/wa/signal_crypto.h"

#include "tests/unit/wa/vectors.h"

static void
check_signature(
    const json_t *v, const uint8_t *pub, const struct buf *msg, const char *path, int expected)
{
	struct buf sig = vector_bytes(v, path);

	assert_int_equal(curve_verify(pub, msg->data, msg->len, sig.data, sig.len), expected);
	buf_done(&sig);
}

static void
check_own(const json_t *v, const struct buf *msg)
{
	uint8_t priv[CURVE_KEY_LEN], sig[CURVE_SIGNATURE_LEN];
	struct curve_pair pair;

	vector_fixed(v, "inputs.private", priv, sizeof(priv));
	assert_int_equal(curve_from_private(priv, &pair), 0);
	assert_bytes(pair.pub, sizeof(pair.pub), vector_str(v, "inputs.public"));
	assert_int_equal(curve_sign(pair.priv, msg->data, msg->len, sig), 0);
	assert_int_equal(curve_verify(pair.pub, msg->data, msg->len, sig, sizeof(sig)), 0);
	sig[5] ^= 4;
	assert_int_equal(curve_verify(pair.pub, msg->data, msg->len, sig, sizeof(sig)), -1);
}

static void
each_xed25519(const json_t *v, const char *name)
{
	const bool prekey = strcmp(name, "signed-prekey-signature") == 0;
	struct buf msg = vector_bytes(v, "inputs.message");
	uint8_t pub[CURVE_KEY_LEN];

	vector_fixed(v, prekey ? "inputs.identity_public" : "inputs.public", pub, sizeof(pub));
	if (prekey) {
		check_signature(v, pub, &msg, "outputs.signature", 0);
	} else {
		check_signature(v, pub, &msg, "outputs.signature_deterministic_js", 0);
		check_signature(v, pub, &msg, "outputs.signature_with_random", 0);
		check_signature(v, pub, &msg, "outputs.flipped_must_fail", -1);
		check_own(v, &msg);
		msg.data[0] ^= 1;
		check_signature(v, pub, &msg, "outputs.signature_with_random", -1);
	}
	buf_done(&msg);
}

/* libsignal's agreement is ours: the same results, and a point of low order refused, which its own
 * takes. */
static void
test_libsignal_agreement(void **state)
{
	int (*theirs)(uint8_t *, const uint8_t *, const uint8_t *) = NULL;
	void *symbol = dlsym(RTLD_NEXT, "curve25519_donna");
	static const uint8_t base[CURVE_KEY_LEN] = {9};
	uint8_t low[1 + CURVE_KEY_LEN] = {5}, *shared = NULL, want[CURVE_KEY_LEN];
	struct curve_pair a, b;
	ec_private_key *priv = NULL;
	ec_public_key *pub = NULL;
	signal_context *context = NULL;

	(void)state;
	assert_non_null(symbol);
	memcpy(&theirs, &symbol, sizeof(theirs));
	for (int i = 0; i < 200; i++) {
		uint8_t got[CURVE_KEY_LEN];

		curve_generate(&a);
		curve_generate(&b);
		assert_int_equal(theirs(want, a.priv, b.pub), 0);
		assert_int_equal(curve_agree(a.priv, b.pub, got), 0);
		assert_memory_equal(got, want, sizeof(want));
		assert_int_equal(theirs(want, a.priv, base), 0);
		assert_memory_equal(a.pub, want, sizeof(want));
	}
	assert_int_equal(wa_signal_context_new(&context), 0);
	assert_int_equal(curve_decode_private_point(&priv, a.priv, sizeof(a.priv), context), 0);
	assert_int_equal(curve_decode_point(&pub, low, sizeof(low), context), 0);
	assert_true(curve_calculate_agreement(&shared, pub, priv) < 0);
	SIGNAL_UNREF(pub);
	SIGNAL_UNREF(priv);
	wa_signal_context_free(&context);
}

static void
test_xed25519_vectors(void **state)
{
	(void)state;
	vectors_each("xed25519", 3, each_xed25519);
}

/* Section 6.1, Bob's side. */
static void
test_rfc7748(void **state)
{
	struct buf priv =
	    hex_bytes("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb");
	struct buf alice =
	    hex_bytes("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a");
	uint8_t shared[CURVE_KEY_LEN];
	struct curve_pair bob;

	(void)state;
	assert_int_equal(curve_from_private(priv.data, &bob), 0);
	assert_bytes(bob.pub, sizeof(bob.pub),
	    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f");
	assert_int_equal(curve_agree(priv.data, alice.data, shared), 0);
	assert_bytes(shared, sizeof(shared),
	    "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742");
	buf_done(&priv);
	buf_done(&alice);
}

static void
test_signed_prekey(void **state)
{
	struct curve_pair identity, spk;
	uint8_t sig[CURVE_SIGNATURE_LEN], typed[1 + CURVE_KEY_LEN] = {5};

	(void)state;
	curve_generate(&identity);
	curve_generate(&spk);
	memcpy(typed + 1, spk.pub, CURVE_KEY_LEN);
	assert_int_equal(curve_sign_prekey(identity.priv, spk.pub, sig), 0);
	assert_int_equal(curve_verify(identity.pub, typed, sizeof(typed), sig, sizeof(sig)), 0);
	assert_int_equal(curve_verify(identity.pub, spk.pub, CURVE_KEY_LEN, sig, sizeof(sig)), -1);
	assert_int_equal(
	    curve_verify(identity.pub, typed, sizeof(typed), sig, sizeof(sig) - 1), -1);
	assert_int_equal(curve_verify(spk.pub, typed, sizeof(typed), sig, sizeof(sig)), -1);
}

/* Points of small order: the result would be zero whatever the private key. */
static void
test_refused_keys(void **state)
{
	const uint8_t zero[CURVE_KEY_LEN] = {0}, one[CURVE_KEY_LEN] = {1};
	uint8_t shared[CURVE_KEY_LEN];
	struct curve_pair pair;

	(void)state;
	curve_generate(&pair);
	assert_int_equal(curve_agree(pair.priv, zero, shared), -1);
	assert_int_equal(curve_agree(pair.priv, one, shared), -1);
}

static void *
in_thread(void *arg)
{
	uint8_t sig[CURVE_SIGNATURE_LEN];
	const struct curve_pair *pair = arg;

	return curve_sign(pair->priv, "x", 1, sig) == 0 &&
		       curve_verify(pair->pub, "x", 1, sig, sizeof(sig)) == 0
		   ? arg
		   : NULL;
}

static void
test_threads(void **state)
{
	struct curve_pair pair;
	pthread_t t;
	void *result;

	(void)state;
	curve_generate(&pair);
	assert_int_equal(pthread_create(&t, NULL, in_thread, &pair), 0);
	assert_int_equal(pthread_join(t, &result), 0);
	assert_ptr_equal(result, &pair);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_xed25519_vectors),
	    cmocka_unit_test(test_libsignal_agreement),
	    cmocka_unit_test(test_rfc7748),
	    cmocka_unit_test(test_signed_prekey),
	    cmocka_unit_test(test_refused_keys),
	    cmocka_unit_test(test_threads),
	};

	return VECTORS_RUN(tests);
}
