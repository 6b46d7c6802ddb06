/* SPDX-License-Identifier: GPL-3.0-or-later */
/* noise: the handshake vector from both ends byte for byte, every bad certificate, and what happens
 * out of order. */
#include "common/wa/noise.h"

#include "common/wa/noise_cert.h"
#include "tests/unit/wa/vectors.h"
#include "wa.pb-c.h"

#define NOW 1763942400
#define FAR 4102444800

struct keys {
	struct curve_pair client_ephemeral, client_static, server_ephemeral, server_static, root,
	    intermediate;
};

static struct curve_pair
pair_at(const json_t *v, const char *name)
{
	char path[64];
	uint8_t priv[CURVE_KEY_LEN];
	struct curve_pair pair;

	(void)snprintf(path, sizeof(path), "inputs.%s.private", name);
	vector_fixed(v, path, priv, sizeof(priv));
	assert_int_equal(curve_from_private(priv, &pair), 0);
	(void)snprintf(path, sizeof(path), "inputs.%s.public", name);
	assert_bytes(pair.pub, sizeof(pair.pub), vector_str(v, path));
	return pair;
}

static struct keys
keys_of(const json_t *v)
{
	return (struct keys){
	    .client_ephemeral = pair_at(v, "client_ephemeral"),
	    .client_static = pair_at(v, "client_static"),
	    .server_ephemeral = pair_at(v, "server_ephemeral"),
	    .server_static = pair_at(v, "server_static"),
	    .root = pair_at(v, "test_root"),
	    .intermediate = pair_at(v, "test_intermediate"),
	};
}

static void
check_agreements(const json_t *v, const struct keys *k)
{
	uint8_t shared[CURVE_KEY_LEN];

	assert_int_equal(curve_agree(k->client_ephemeral.priv, k->server_ephemeral.pub, shared), 0);
	assert_bytes(shared, sizeof(shared), vector_str(v, "outputs.dh_ee"));
	assert_int_equal(curve_agree(k->client_ephemeral.priv, k->server_static.pub, shared), 0);
	assert_bytes(shared, sizeof(shared), vector_str(v, "outputs.dh_es"));
	assert_int_equal(curve_agree(k->client_static.priv, k->server_ephemeral.pub, shared), 0);
	assert_bytes(shared, sizeof(shared), vector_str(v, "outputs.dh_se"));
}

/* Each frame of the list is what `from` seals and what `to` opens. */
static void
check_frames(const json_t *frames, struct noise *from, struct noise *to)
{
	const json_t *f;
	size_t i;

	assert_true(json_array_size(frames) > 0);
	json_array_foreach(frames, i, f)
	{
		struct buf plain = vector_bytes(f, "plaintext"), sealed = BUF_INIT(4096),
			   opened = BUF_INIT(4096);

		assert_int_equal(noise_seal(from, plain.data, plain.len, &sealed), NOISE_OK);
		assert_bytes(sealed.data, sealed.len, vector_str(f, "wire") + 6);
		assert_int_equal(noise_open(to, sealed.data, sealed.len, &opened), NOISE_OK);
		assert_bytes(opened.data, opened.len, vector_str(f, "plaintext"));
		buf_done(&plain);
		buf_done(&sealed);
		buf_done(&opened);
	}
}

static void
test_handshake_vector(void **state)
{
	const json_t *v = vector("noise-handshake");
	const struct keys k = keys_of(v);
	struct noise *client = noise_new_initiator(&k.client_static, &k.client_ephemeral);
	struct noise *server = noise_new_responder(&k.server_static, &k.server_ephemeral);
	struct buf chain = vector_bytes(v, "outputs.cert_chain"),
		   payload = vector_bytes(v, "inputs.client_payload");
	struct buf hello = BUF_INIT(4096), answer = BUF_INIT(4096), finish = BUF_INIT(4096),
		   got = BUF_INIT(4096);
	uint8_t client_static[CURVE_KEY_LEN];

	(void)state;
	check_agreements(v, &k);
	assert_int_equal(noise_client_hello(client, &hello), NOISE_OK);
	assert_bytes(hello.data, hello.len, vector_str(v, "outputs.client_hello_proto"));
	assert_int_equal(
	    noise_server_hello(server, hello.data, hello.len, chain.data, chain.len, &answer),
	    NOISE_OK);
	assert_bytes(answer.data, answer.len, vector_str(v, "outputs.server_hello_proto"));
	assert_false(noise_ready(client));
	assert_int_equal(noise_client_finish(client, answer.data, answer.len, k.root.pub, NOW,
			     payload.data, payload.len, &finish),
	    NOISE_OK);
	assert_bytes(finish.data, finish.len, vector_str(v, "outputs.client_finish_proto"));
	assert_int_equal(
	    noise_server_finish(server, finish.data, finish.len, client_static, &got), NOISE_OK);
	assert_memory_equal(client_static, k.client_static.pub, CURVE_KEY_LEN);
	assert_bytes(got.data, got.len, vector_str(v, "inputs.client_payload"));
	assert_true(noise_ready(client) && noise_ready(server));
	check_frames(vector_at(v, "outputs.c2s_frames"), client, server);
	check_frames(vector_at(v, "outputs.s2c_frames"), server, client);
	noise_free(&client);
	noise_free(&server);
	buf_done(&chain);
	buf_done(&payload);
	buf_done(&hello);
	buf_done(&answer);
	buf_done(&finish);
	buf_done(&got);
}

static const struct bad_cert {
	const char *name;
	enum noise_error error;
} bad_certs[] = {
    {"bad_intermediate_signature", NOISE_E_CERT},
    {"bad_leaf_signature", NOISE_E_CERT},
    {"leaf_key_not_server_static", NOISE_E_CERT},
    {"expired_leaf", NOISE_E_CERT_DATE},
    {"wrong_leaf_issuer_serial", NOISE_E_CERT},
};

/* Run through a whole handshake, so that it is the connection that fails. */
static int
handshake_with(const struct keys *k, const struct buf *chain, int64_t now)
{
	struct noise *client = noise_new_initiator(&k->client_static, NULL);
	struct noise *server = noise_new_responder(&k->server_static, NULL);
	struct buf hello = BUF_INIT(4096), answer = BUF_INIT(4096), finish = BUF_INIT(4096);
	int r;

	assert_int_equal(noise_client_hello(client, &hello), NOISE_OK);
	assert_int_equal(
	    noise_server_hello(server, hello.data, hello.len, chain->data, chain->len, &answer),
	    NOISE_OK);
	r = noise_client_finish(client, answer.data, answer.len, k->root.pub, now, "", 0, &finish);
	assert_int_equal(noise_ready(client), r == NOISE_OK);
	assert_int_equal(finish.len > 0, r == NOISE_OK);
	noise_free(&client);
	noise_free(&server);
	buf_done(&hello);
	buf_done(&answer);
	buf_done(&finish);
	return r;
}

static void
test_bad_certificates(void **state)
{
	const json_t *v = vector("noise-cert-negative");
	const struct keys k = keys_of(vector("noise-handshake"));

	(void)state;
	assert_bytes(k.root.pub, CURVE_KEY_LEN, vector_str(v, "inputs.root_public"));
	for (size_t i = 0; i < sizeof(bad_certs) / sizeof(bad_certs[0]); i++) {
		struct buf chain = vector_bytes(vector_at(v, "outputs"), bad_certs[i].name);

		assert_int_equal(handshake_with(&k, &chain, NOW), bad_certs[i].error);
		buf_done(&chain);
	}
}

static void
test_made_certificates(void **state)
{
	const struct keys k = keys_of(vector("noise-handshake"));
	struct buf chain = BUF_INIT(4096);

	(void)state;
	assert_int_equal(
	    noise_cert_make(&k.root, &k.intermediate, k.server_static.pub, NOW, FAR, &chain), 0);
	assert_int_equal(handshake_with(&k, &chain, NOW), NOISE_OK);
	assert_int_equal(handshake_with(&k, &chain, FAR), NOISE_OK);
	assert_int_equal(handshake_with(&k, &chain, NOW - 1), NOISE_E_CERT_DATE);
	assert_int_equal(handshake_with(&k, &chain, FAR + 1), NOISE_E_CERT_DATE);
	/* Signed by a stranger's root. */
	assert_int_equal(
	    noise_cert_check(chain.data, chain.len, noise_root_whatsapp, k.server_static.pub, NOW),
	    NOISE_E_CERT);
	/* Every byte matters. */
	for (size_t i = 0; i < chain.len; i++) {
		chain.data[i] ^= 1;
		assert_int_not_equal(
		    noise_cert_check(chain.data, chain.len, k.root.pub, k.server_static.pub, NOW),
		    NOISE_OK);
		chain.data[i] ^= 1;
	}
	buf_done(&chain);
}

/* A leaf that is valid under an intermediate that no longer is: the parts of two chains. */
static void
test_expired_intermediate(void **state)
{
	const struct keys k = keys_of(vector("noise-handshake"));
	struct buf old = BUF_INIT(4096), fresh = BUF_INIT(4096);
	Wa__CertChain *a, *b, mixed = WA__CERT_CHAIN__INIT;
	uint8_t bytes[512];
	size_t len;

	(void)state;
	assert_int_equal(
	    noise_cert_make(&k.root, &k.intermediate, k.server_static.pub, 0, NOW - 1, &old), 0);
	assert_int_equal(
	    noise_cert_make(&k.root, &k.intermediate, k.server_static.pub, 0, FAR, &fresh), 0);
	a = wa__cert_chain__unpack(NULL, old.len, old.data);
	b = wa__cert_chain__unpack(NULL, fresh.len, fresh.data);
	assert_non_null(a);
	assert_non_null(b);
	mixed.intermediate = a->intermediate;
	mixed.leaf = b->leaf;
	len = wa__cert_chain__pack(&mixed, bytes);
	assert_int_equal(
	    noise_cert_check(bytes, len, k.root.pub, k.server_static.pub, NOW), NOISE_E_CERT_DATE);
	assert_int_equal(
	    noise_cert_check(bytes, len, k.root.pub, k.server_static.pub, NOW - 1), NOISE_OK);
	wa__cert_chain__free_unpacked(a, NULL);
	wa__cert_chain__free_unpacked(b, NULL);
	buf_done(&old);
	buf_done(&fresh);
}

static void
test_chain_without_parts(void **state)
{
	const struct keys k = keys_of(vector("noise-handshake"));
	struct buf whole = BUF_INIT(4096);
	Wa__CertChain *c;

	(void)state;
	assert_int_equal(
	    noise_cert_make(&k.root, &k.intermediate, k.server_static.pub, NOW, FAR, &whole), 0);
	c = wa__cert_chain__unpack(NULL, whole.len, whole.data);
	assert_non_null(c);
	for (int part = 0; part < 4; part++) {
		Wa__CertChain copy = *c;
		Wa__NoiseCertificate leaf = *c->leaf;
		uint8_t bytes[512];
		size_t len;

		copy.leaf = &leaf;
		if (part == 0)
			copy.leaf = NULL;
		if (part == 1)
			copy.intermediate = NULL;
		if (part == 2)
			leaf.has_signature = 0;
		if (part == 3)
			leaf.has_details = 0;
		len = wa__cert_chain__pack(&copy, bytes);
		assert_int_equal(noise_cert_check(bytes, len, k.root.pub, k.server_static.pub, NOW),
		    NOISE_E_CERT);
	}
	wa__cert_chain__free_unpacked(c, NULL);
	buf_done(&whole);
	assert_int_equal(
	    noise_cert_check("", 0, k.root.pub, k.server_static.pub, NOW), NOISE_E_CERT);
	assert_int_equal(
	    noise_cert_check("\xff", 1, k.root.pub, k.server_static.pub, NOW), NOISE_E_CERT);
}

static void
test_order(void **state)
{
	struct curve_pair pair;
	struct noise *n;
	struct buf out = BUF_INIT(4096);
	uint8_t key[CURVE_KEY_LEN];

	(void)state;
	curve_generate(&pair);
	n = noise_new_initiator(&pair, NULL);
	assert_int_equal(noise_seal(n, "x", 1, &out), NOISE_E_STATE);
	assert_int_equal(noise_open(n, "x", 1, &out), NOISE_E_STATE);
	assert_int_equal(noise_client_hello(n, &out), NOISE_OK);
	assert_int_equal(noise_client_hello(n, &out), NOISE_E_STATE);
	noise_free(&n);
	n = noise_new_initiator(&pair, NULL);
	assert_int_equal(noise_client_finish(n, "", 0, key, NOW, "", 0, &out), NOISE_E_STATE);
	noise_free(&n);
	n = noise_new_responder(&pair, NULL);
	assert_int_equal(noise_server_finish(n, "", 0, key, &out), NOISE_E_STATE);
	noise_free(&n);
	noise_free(&n);
	buf_done(&out);
}

static const struct bad_hello {
	const char *hex;
	enum noise_error error;
} bad_hellos[] = {
    {"ff", NOISE_E_PROTOBUF}, {"", NOISE_E_PROTOBUF},
    {"1200", NOISE_E_PROTOBUF},	 /* clientHello without ephemeral */
    {"12030a01aa", NOISE_E_KEY}, /* one byte of a key */
    {"12220a200000000000000000000000000000000000000000000000000000000000000000",
	NOISE_E_KEY}, /* all-zero result */
};

static void
test_bad_client_hello(void **state)
{
	struct curve_pair pair;

	(void)state;
	curve_generate(&pair);
	for (size_t i = 0; i < sizeof(bad_hellos) / sizeof(bad_hellos[0]); i++) {
		struct noise *n = noise_new_responder(&pair, NULL);
		struct buf in = hex_bytes(bad_hellos[i].hex), out = BUF_INIT(4096);

		assert_int_equal(
		    noise_server_hello(n, in.data, in.len, "", 0, &out), bad_hellos[i].error);
		assert_int_equal(out.len, 0);
		noise_free(&n);
		buf_done(&in);
		buf_done(&out);
	}
}

/* One flipped bit anywhere in ServerHello or ClientFinish ends the handshake. */
static void
test_flipped_bits(void **state)
{
	const json_t *v = vector("noise-handshake");
	const struct keys k = keys_of(v);
	struct buf answer = vector_bytes(v, "outputs.server_hello_proto"), out = BUF_INIT(4096);
	struct buf finish = vector_bytes(v, "outputs.client_finish_proto"),
		   chain = vector_bytes(v, "outputs.cert_chain");
	struct buf hello = vector_bytes(v, "outputs.client_hello_proto");

	(void)state;
	for (size_t i = 0; i < answer.len; i += 3) {
		struct noise *n = noise_new_initiator(&k.client_static, &k.client_ephemeral);

		assert_int_equal(noise_client_hello(n, &out), NOISE_OK);
		answer.data[i] ^= 0x10;
		assert_int_not_equal(
		    noise_client_finish(n, answer.data, answer.len, k.root.pub, NOW, "", 0, &out),
		    NOISE_OK);
		answer.data[i] ^= 0x10;
		noise_free(&n);
		buf_reset(&out);
	}
	for (size_t i = 0; i < finish.len; i++) {
		struct noise *n = noise_new_responder(&k.server_static, &k.server_ephemeral);
		uint8_t key[CURVE_KEY_LEN];

		assert_int_equal(
		    noise_server_hello(n, hello.data, hello.len, chain.data, chain.len, &out),
		    NOISE_OK);
		finish.data[i] ^= 0x10;
		assert_int_not_equal(
		    noise_server_finish(n, finish.data, finish.len, key, &out), NOISE_OK);
		finish.data[i] ^= 0x10;
		noise_free(&n);
		buf_reset(&out);
	}
	buf_done(&answer);
	buf_done(&finish);
	buf_done(&chain);
	buf_done(&hello);
	buf_done(&out);
}

static void
test_broken_frame_is_fatal(void **state)
{
	const struct keys k = keys_of(vector("noise-handshake"));
	struct noise *client = noise_new_initiator(&k.client_static, NULL);
	struct noise *server = noise_new_responder(&k.server_static, NULL);
	struct buf chain = BUF_INIT(4096), a = BUF_INIT(4096), b = BUF_INIT(4096),
		   c = BUF_INIT(4096), p = BUF_INIT(64);
	uint8_t key[CURVE_KEY_LEN];

	(void)state;
	assert_int_equal(
	    noise_cert_make(&k.root, &k.intermediate, k.server_static.pub, 0, FAR, &chain), 0);
	assert_int_equal(noise_client_hello(client, &a), NOISE_OK);
	assert_int_equal(
	    noise_server_hello(server, a.data, a.len, chain.data, chain.len, &b), NOISE_OK);
	assert_int_equal(
	    noise_client_finish(client, b.data, b.len, k.root.pub, NOW, "", 0, &c), NOISE_OK);
	assert_int_equal(noise_server_finish(server, c.data, c.len, key, &p), NOISE_OK);
	buf_reset(&a);
	assert_int_equal(noise_seal(client, "", 0, &a), NOISE_OK);
	assert_int_equal(a.len, 16);
	assert_int_equal(noise_open(server, a.data, a.len, &p), NOISE_OK);
	/* The same again: the counter has moved on. */
	assert_int_equal(noise_open(server, a.data, a.len, &p), NOISE_E_DECRYPT);
	assert_false(noise_ready(server));
	assert_int_equal(noise_open(server, a.data, a.len, &p), NOISE_E_STATE);
	assert_int_equal(noise_open(client, "", 0, &p), NOISE_E_DECRYPT);
	noise_free(&client);
	noise_free(&server);
	buf_done(&chain);
	buf_done(&a);
	buf_done(&b);
	buf_done(&c);
	buf_done(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_handshake_vector),
	    cmocka_unit_test(test_bad_certificates),
	    cmocka_unit_test(test_made_certificates),
	    cmocka_unit_test(test_expired_intermediate),
	    cmocka_unit_test(test_chain_without_parts),
	    cmocka_unit_test(test_order),
	    cmocka_unit_test(test_bad_client_hello),
	    cmocka_unit_test(test_flipped_bits),
	    cmocka_unit_test(test_broken_frame_is_fatal),
	};

	return VECTORS_RUN(tests);
}
