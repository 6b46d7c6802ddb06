/* SPDX-License-Identifier: GPL-3.0-or-later */
/* adv: the pairing-qr vectors, each way a container can be wrong, phone and companion together, and
 * QR texts. */
#include "common/wa/adv.h"

#include "tests/unit/wa/vectors.h"
#include "wa.pb-c.h"

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

/* The device signature is random: it is verified, and the rest compared with the example. */
static void
check_identity(
    const json_t *v, const struct buf *ours, const struct buf *theirs, const uint8_t *companion)
{
	Wa__ADVSignedDeviceIdentity *a =
	    wa__advsigned_device_identity__unpack(NULL, ours->len, ours->data);
	Wa__ADVSignedDeviceIdentity *b =
	    wa__advsigned_device_identity__unpack(NULL, theirs->len, theirs->data);
	struct buf message = vector_bytes(v, "outputs.device_signature_message");

	assert_non_null(a);
	assert_non_null(b);
	assert_int_equal(ours->len, theirs->len);
	assert_true(a->has_device_signature && b->has_device_signature);
	assert_int_equal(curve_verify(companion, message.data, message.len,
			     a->device_signature.data, a->device_signature.len),
	    0);
	assert_int_equal(curve_verify(companion, message.data, message.len,
			     b->device_signature.data, b->device_signature.len),
	    0);
	assert_int_equal(a->has_account_signature_key, b->has_account_signature_key);
	assert_int_equal(a->details.len, b->details.len);
	assert_memory_equal(a->details.data, b->details.data, a->details.len);
	assert_bytes(a->account_signature.data, a->account_signature.len,
	    vector_str(v, "outputs.account_signature"));
	wa__advsigned_device_identity__free_unpacked(a, NULL);
	wa__advsigned_device_identity__free_unpacked(b, NULL);
	buf_done(&message);
}

static const char *
reply_hex(const json_t *v)
{
	const json_t *sign = json_array_get(vector_at(v, "outputs.reply.content"), 0);
	const json_t *identity = json_array_get(vector_at(sign, "content"), 0);

	assert_string_equal(
	    vector_str(v, "outputs.key_index"), vector_str(identity, "attrs.key-index"));
	return vector_str(identity, "content.bytes");
}

static void
check_success(const json_t *v)
{
	struct buf container = vector_bytes(v, "inputs.container"), reply = hex_bytes(reply_hex(v));
	struct buf account = vector_bytes(v, "outputs.stored_account_with_key_example");
	const struct curve_pair companion = pair_at(v, "inputs.companion_identity");
	uint8_t secret[ADV_SECRET_LEN];
	struct adv_result r;

	vector_fixed(v, "inputs.adv_secret", secret, sizeof(secret));
	assert_int_equal(adv_accept(container.data, container.len, secret, &companion, &r), ADV_OK);
	assert_int_equal(r.key_index, strtoul(vector_str(v, "outputs.key_index"), NULL, 10));
	assert_bytes(r.account_key, CURVE_KEY_LEN, vector_str(v, "inputs.account.public"));
	check_identity(v, &r.reply, &reply, companion.pub);
	check_identity(v, &r.account, &account, companion.pub);
	adv_result_done(&r);
	/* The HMAC is the container's last field. */
	assert_bytes(container.data + container.len - 32 -
			 2 * (size_t)json_boolean_value(vector_at(v, "inputs.hosted_container")),
	    32, vector_str(v, "outputs.hmac"));
	container.data[container.len - 5] ^= 1;
	assert_int_equal(
	    adv_accept(container.data, container.len, secret, &companion, &r), ADV_E_HMAC);
	buf_done(&container);
	buf_done(&reply);
	buf_done(&account);
}

/* "pair-success-bad-hmac" is pair-success-e2ee with its last byte flipped. */
static void
check_bad_hmac(void)
{
	const json_t *v = vector("pair-success-e2ee");
	struct buf container = vector_bytes(v, "inputs.container");
	const struct curve_pair companion = pair_at(v, "inputs.companion_identity");
	uint8_t secret[ADV_SECRET_LEN];
	struct adv_result r;

	vector_fixed(v, "inputs.adv_secret", secret, sizeof(secret));
	container.data[container.len - 1] ^= 1;
	assert_int_equal(
	    adv_accept(container.data, container.len, secret, &companion, &r), ADV_E_HMAC);
	buf_done(&container);
}

static void
check_qr(const json_t *v, char client, const char *path)
{
	uint8_t noise[CURVE_KEY_LEN], identity[CURVE_KEY_LEN], secret[ADV_SECRET_LEN],
	    keys[3][CURVE_KEY_LEN];
	struct buf out = BUF_INIT(1024);
	char ref[64], small[8];
	const char *old;

	vector_fixed(v, "inputs.noise_public", noise, sizeof(noise));
	vector_fixed(v, "inputs.identity_public", identity, sizeof(identity));
	vector_fixed(v, "inputs.adv_secret", secret, sizeof(secret));
	adv_qr_text(vector_str(v, "inputs.ref"), noise, identity, secret, client, &out);
	assert_string_equal(buf_str(&out), vector_str(v, path));
	assert_int_equal(
	    adv_qr_parse(buf_str(&out), ref, sizeof(ref), keys[0], keys[1], keys[2]), 0);
	assert_string_equal(ref, vector_str(v, "inputs.ref"));
	assert_memory_equal(keys[0], noise, CURVE_KEY_LEN);
	assert_memory_equal(keys[1], identity, CURVE_KEY_LEN);
	assert_memory_equal(keys[2], secret, CURVE_KEY_LEN);
	assert_int_equal(
	    adv_qr_parse(buf_str(&out), small, sizeof(small), keys[0], keys[1], keys[2]), -1);
	/* The older form has neither URL nor client. */
	out.data[out.len - 2] = '\0';
	old = strchr(buf_str(&out), '#') + 1;
	memset(keys, 0, sizeof(keys));
	assert_int_equal(adv_qr_parse(old, ref, sizeof(ref), keys[0], keys[1], keys[2]), 0);
	assert_memory_equal(keys[2], secret, CURVE_KEY_LEN);
	/* The URL without client is neither. */
	assert_int_equal(
	    adv_qr_parse(buf_str(&out), ref, sizeof(ref), keys[0], keys[1], keys[2]), -1);
	buf_done(&out);
}

static void
each_pairing(const json_t *v, const char *name)
{
	if (strcmp(name, "qr-text") == 0) {
		check_qr(v, '1', "outputs.chrome");
		check_qr(v, '8', "outputs.desktop_windows");
	} else if (strcmp(name, "pair-success-bad-hmac") == 0) {
		check_bad_hmac();
	} else {
		check_success(v);
	}
}

static void
test_vectors(void **state)
{
	(void)state;
	vectors_each("pairing-qr", 4, each_pairing);
}

#define KEY "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

static const char *const bad_texts[] = {
    "",
    ",,,",
    "ref",
    "ref," KEY "," KEY,
    "," KEY "," KEY "," KEY,
    "ref," KEY "," KEY "," KEY ",1", /* the old form has no client */
    "ref," KEY "," KEY "," KEY "x",
    "ref," KEY "," KEY ",AAAA",
    "ref," KEY "," KEY ",AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", /* 33 bytes */
    "ref," KEY "," KEY ",AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAB=", /* bits behind the end */
    "ref," KEY "," KEY ",AAAAAAAAAAAAAAAAAAAA!AAAAAAAAAAAAAAAAAAAAAA=",
    "https://wa.me/settings/linked_devices#ref," KEY "," KEY "," KEY,
    "https://wa.me/settings/linked_devices#ref," KEY "," KEY "," KEY ",",
    "https://wa.me/settings/linked_devices#ref," KEY "," KEY "," KEY ",12",
};

static void
test_bad_qr(void **state)
{
	uint8_t keys[3][CURVE_KEY_LEN];
	char ref[64];

	(void)state;
	assert_int_equal(
	    adv_qr_parse("ref," KEY "," KEY "," KEY, ref, sizeof(ref), keys[0], keys[1], keys[2]),
	    0);
	for (size_t i = 0; i < sizeof(bad_texts) / sizeof(bad_texts[0]); i++)
		if (adv_qr_parse(bad_texts[i], ref, sizeof(ref), keys[0], keys[1], keys[2]) != -1)
			fail_msg("taken for a QR text: %s", bad_texts[i]);
}

static void
test_issue_and_accept(void **state)
{
	const uint8_t secret[ADV_SECRET_LEN] = {1}, wrong[ADV_SECRET_LEN] = {2};
	struct curve_pair account, companion, stranger;
	struct buf c = BUF_INIT(4096);
	struct adv_result r;

	(void)state;
	curve_generate(&account);
	curve_generate(&companion);
	curve_generate(&stranger);
	assert_int_equal(adv_issue(&account, companion.pub, secret, 77, 1763942400, 5, &c), 0);
	assert_int_equal(adv_accept(c.data, c.len, wrong, &companion, &r), ADV_E_HMAC);
	/* Signed for another identity. */
	assert_int_equal(adv_accept(c.data, c.len, secret, &stranger, &r), ADV_E_SIGNATURE);
	assert_int_equal(adv_accept(c.data, c.len, secret, &companion, &r), ADV_OK);
	assert_int_equal(r.key_index, 5);
	assert_memory_equal(r.account_key, account.pub, CURVE_KEY_LEN);
	adv_result_done(&r);
	assert_int_equal(adv_accept("", 0, secret, &companion, &r), ADV_E_PROTOBUF);
	assert_int_equal(adv_accept("\xff", 1, secret, &companion, &r), ADV_E_PROTOBUF);
	assert_int_equal(adv_accept(c.data, c.len - 1, secret, &companion, &r), ADV_E_PROTOBUF);
	buf_done(&c);
	assert_string_equal(adv_error_text(ADV_E_HMAC), "hmac-mismatch");
	assert_string_equal(adv_error_text(ADV_E_SIGNATURE), "signature-mismatch");
	assert_string_equal(adv_error_text(ADV_E_PROTOBUF), "internal-error");
}

/* A MAC that is right as far as it goes. */
static void
test_short_mac(void **state)
{
	const uint8_t secret[ADV_SECRET_LEN] = {1};
	struct curve_pair account, companion;
	Wa__ADVSignedDeviceIdentityHMAC *c;
	struct buf b = BUF_INIT(4096);
	struct adv_result r;

	(void)state;
	curve_generate(&account);
	curve_generate(&companion);
	assert_int_equal(adv_issue(&account, companion.pub, secret, 1, 2, 3, &b), 0);
	c = wa__advsigned_device_identity_hmac__unpack(NULL, b.len, b.data);
	assert_non_null(c);
	for (size_t len = 0; len <= 32; len++) {
		uint8_t bytes[1024];
		size_t n;

		c->hmac.len = len;
		n = wa__advsigned_device_identity_hmac__pack(c, bytes);
		assert_int_equal(
		    adv_accept(bytes, n, secret, &companion, &r), len < 32 ? ADV_E_HMAC : ADV_OK);
	}
	adv_result_done(&r);
	wa__advsigned_device_identity_hmac__free_unpacked(c, NULL);
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_vectors),
	    cmocka_unit_test(test_bad_qr),
	    cmocka_unit_test(test_issue_and_accept),
	    cmocka_unit_test(test_short_mac),
	};

	return VECTORS_RUN(tests);
}
