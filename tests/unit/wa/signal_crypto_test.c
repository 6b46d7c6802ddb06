/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * signal_crypto: the signal vectors decrypted by libsignal through the provider, one-to-one and
 * group, in and out of order, with the errors that PROTOCOL section 9 names; and a conversation of
 * our own.
 */
#include "common/wa/signal_crypto.h"

#include <group_cipher.h>
#include <group_session_builder.h>
#include <key_helper.h>
#include <protocol.h>
#include <sender_key.h>
#include <session_builder.h>
#include <session_cipher.h>
#include <session_pre_key.h>

#include "common/wa/curve.h"
#include "tests/unit/wa/vectors.h"

/* -- a store for one peer --------------------------------------------------------------- */

struct person {
	signal_context *context;
	signal_protocol_store_context *store;
	struct curve_pair identity;
	uint32_t registration_id;
	struct buf session, sender_key, prekey, signed_prekey;
	uint32_t prekey_id, signed_prekey_id;
	int removed;
};

static int
give(const struct buf *b, signal_buffer **ret)
{
	if (b->len == 0)
		return 0;
	*ret = signal_buffer_create(b->data, b->len);
	return 1;
}

static int
load_session(
    signal_buffer **record, signal_buffer **user, const signal_protocol_address *a, void *p)
{
	(void)user, (void)a;
	return give(&((struct person *)p)->session, record);
}

static int
sub_devices(signal_int_list **sessions, const char *name, size_t len, void *p)
{
	(void)sessions, (void)name, (void)len, (void)p;
	return 0;
}

static int
store_session(const signal_protocol_address *a, uint8_t *record, size_t len, uint8_t *user,
    size_t user_len, void *p)
{
	struct buf *b = &((struct person *)p)->session;

	(void)a, (void)user, (void)user_len;
	buf_reset(b);
	buf_add(b, record, len);
	return 0;
}

static int
contains_session(const signal_protocol_address *a, void *p)
{
	(void)a;
	return ((struct person *)p)->session.len > 0;
}

static int
delete_session(const signal_protocol_address *a, void *p)
{
	(void)a;
	buf_reset(&((struct person *)p)->session);
	return 1;
}

static int
delete_all(const char *name, size_t len, void *p)
{
	(void)name, (void)len, (void)p;
	return 0;
}

static int
load_prekey(signal_buffer **record, uint32_t id, void *p)
{
	struct person *me = p;

	return id == me->prekey_id && give(&me->prekey, record) == 1 ? SG_SUCCESS
								     : SG_ERR_INVALID_KEY_ID;
}

static int
store_prekey(uint32_t id, uint8_t *record, size_t len, void *p)
{
	(void)id, (void)record, (void)len, (void)p;
	return -1;
}

static int
contains_prekey(uint32_t id, void *p)
{
	return id == ((struct person *)p)->prekey_id;
}

static int
remove_prekey(uint32_t id, void *p)
{
	struct person *me = p;

	assert_int_equal(id, me->prekey_id);
	me->removed++;
	buf_reset(&me->prekey);
	return 0;
}

static int
load_signed(signal_buffer **record, uint32_t id, void *p)
{
	struct person *me = p;

	return id == me->signed_prekey_id && give(&me->signed_prekey, record) == 1
		   ? SG_SUCCESS
		   : SG_ERR_INVALID_KEY_ID;
}

static int
contains_signed(uint32_t id, void *p)
{
	return id == ((struct person *)p)->signed_prekey_id;
}

static int
remove_signed(uint32_t id, void *p)
{
	(void)id, (void)p;
	return -1;
}

static int
identity_pair(signal_buffer **pub, signal_buffer **priv, void *p)
{
	const struct person *me = p;
	uint8_t typed[1 + CURVE_KEY_LEN] = {5};

	memcpy(typed + 1, me->identity.pub, CURVE_KEY_LEN);
	*pub = signal_buffer_create(typed, sizeof(typed));
	*priv = signal_buffer_create(me->identity.priv, CURVE_KEY_LEN);
	return 0;
}

static int
registration(void *p, uint32_t *ret)
{
	*ret = ((struct person *)p)->registration_id;
	return 0;
}

static int
save_identity(const signal_protocol_address *a, uint8_t *key, size_t len, void *p)
{
	(void)a, (void)key, (void)p;
	assert_int_equal(len, 1 + CURVE_KEY_LEN);
	return 0;
}

static int
is_trusted(const signal_protocol_address *a, uint8_t *key, size_t len, void *p)
{
	(void)a, (void)key, (void)len, (void)p;
	return 1;
}

static int
store_sender(const signal_protocol_sender_key_name *n, uint8_t *record, size_t len, uint8_t *user,
    size_t user_len, void *p)
{
	struct buf *b = &((struct person *)p)->sender_key;

	(void)n, (void)user, (void)user_len;
	buf_reset(b);
	buf_add(b, record, len);
	return 0;
}

static int
load_sender(
    signal_buffer **record, signal_buffer **user, const signal_protocol_sender_key_name *n, void *p)
{
	(void)user, (void)n;
	return give(&((struct person *)p)->sender_key, record);
}

static void
person_init(struct person *p, const struct curve_pair *identity, uint32_t registration_id)
{
	*p = (struct person){.identity = *identity, .registration_id = registration_id};
	struct buf *bufs[] = {&p->session, &p->sender_key, &p->prekey, &p->signed_prekey};
	const signal_protocol_session_store sessions = {.load_session_func = load_session,
	    .get_sub_device_sessions_func = sub_devices,
	    .store_session_func = store_session,
	    .contains_session_func = contains_session,
	    .delete_session_func = delete_session,
	    .delete_all_sessions_func = delete_all,
	    .user_data = p};
	const signal_protocol_pre_key_store prekeys = {.load_pre_key = load_prekey,
	    .store_pre_key = store_prekey,
	    .contains_pre_key = contains_prekey,
	    .remove_pre_key = remove_prekey,
	    .user_data = p};
	const signal_protocol_signed_pre_key_store signeds = {.load_signed_pre_key = load_signed,
	    .store_signed_pre_key = store_prekey,
	    .contains_signed_pre_key = contains_signed,
	    .remove_signed_pre_key = remove_signed,
	    .user_data = p};
	const signal_protocol_identity_key_store identities = {
	    .get_identity_key_pair = identity_pair,
	    .get_local_registration_id = registration,
	    .save_identity = save_identity,
	    .is_trusted_identity = is_trusted,
	    .user_data = p};
	const signal_protocol_sender_key_store senders = {
	    .store_sender_key = store_sender, .load_sender_key = load_sender, .user_data = p};

	for (size_t i = 0; i < sizeof(bufs) / sizeof(bufs[0]); i++)
		buf_init(bufs[i], 1u << 20);
	assert_int_equal(wa_signal_context_new(&p->context), 0);
	assert_int_equal(signal_protocol_store_context_create(&p->store, p->context), 0);
	assert_int_equal(signal_protocol_store_context_set_session_store(p->store, &sessions), 0);
	assert_int_equal(signal_protocol_store_context_set_pre_key_store(p->store, &prekeys), 0);
	assert_int_equal(
	    signal_protocol_store_context_set_signed_pre_key_store(p->store, &signeds), 0);
	assert_int_equal(
	    signal_protocol_store_context_set_identity_key_store(p->store, &identities), 0);
	assert_int_equal(signal_protocol_store_context_set_sender_key_store(p->store, &senders), 0);
}

static void
person_done(struct person *p)
{
	signal_protocol_store_context_destroy(p->store);
	wa_signal_context_free(&p->context);
	assert_null(p->context);
	buf_done(&p->session);
	buf_done(&p->sender_key);
	buf_done(&p->prekey);
	buf_done(&p->signed_prekey);
}

static ec_public_key *
public_key(struct person *p, const uint8_t pub[CURVE_KEY_LEN])
{
	uint8_t typed[1 + CURVE_KEY_LEN] = {5};
	ec_public_key *key;

	memcpy(typed + 1, pub, CURVE_KEY_LEN);
	assert_int_equal(curve_decode_point(&key, typed, sizeof(typed), p->context), 0);
	return key;
}

static ec_key_pair *
key_pair(struct person *p, const struct curve_pair *pair)
{
	ec_public_key *pub = public_key(p, pair->pub);
	ec_private_key *priv;
	ec_key_pair *both;

	assert_int_equal(
	    curve_decode_private_point(&priv, pair->priv, CURVE_KEY_LEN, p->context), 0);
	assert_int_equal(ec_key_pair_create(&both, pub, priv), 0);
	SIGNAL_UNREF(pub);
	SIGNAL_UNREF(priv);
	return both;
}

static void
keep(struct buf *to, signal_buffer *from)
{
	buf_reset(to);
	buf_add(to, signal_buffer_data(from), signal_buffer_len(from));
	signal_buffer_bzero_free(from);
}

static void
person_prekeys(struct person *p, uint32_t id, const struct curve_pair *pair, uint32_t signed_id,
    const struct curve_pair *signed_pair, const uint8_t sig[CURVE_SIGNATURE_LEN])
{
	ec_key_pair *keys = key_pair(p, pair), *signed_keys = key_pair(p, signed_pair);
	session_pre_key *prekey;
	session_signed_pre_key *signed_prekey;
	signal_buffer *b;

	p->prekey_id = id;
	p->signed_prekey_id = signed_id;
	assert_int_equal(session_pre_key_create(&prekey, id, keys), 0);
	assert_int_equal(session_pre_key_serialize(&b, prekey), 0);
	keep(&p->prekey, b);
	assert_int_equal(session_signed_pre_key_create(
			     &signed_prekey, signed_id, 0, signed_keys, sig, CURVE_SIGNATURE_LEN),
	    0);
	assert_int_equal(session_signed_pre_key_serialize(&b, signed_prekey), 0);
	keep(&p->signed_prekey, b);
	SIGNAL_UNREF(prekey);
	SIGNAL_UNREF(signed_prekey);
	SIGNAL_UNREF(keys);
	SIGNAL_UNREF(signed_keys);
}

/* -- reading the vectors ------------------------------------------------------------------ */

static struct curve_pair
pair_at(const json_t *v, const char *path)
{
	const json_t *at = vector_at(v, path);
	uint8_t priv[CURVE_KEY_LEN];
	struct curve_pair pair;

	vector_fixed(at, "private", priv, sizeof(priv));
	assert_int_equal(curve_from_private(priv, &pair), 0);
	assert_bytes(pair.pub, CURVE_KEY_LEN, vector_str(at, "public"));
	return pair;
}

static void
bob_init(struct person *bob)
{
	const json_t *v = vector("signal-session");
	const struct curve_pair identity = pair_at(v, "inputs.bob.identity");
	const struct curve_pair prekey = pair_at(v, "inputs.bob.pre_key");
	const struct curve_pair spk = pair_at(v, "inputs.bob.signed_pre_key");
	uint8_t sig[CURVE_SIGNATURE_LEN];

	vector_fixed(v, "inputs.bob.signed_pre_key.signature", sig, sizeof(sig));
	person_init(bob, &identity, (uint32_t)vector_int(v, "inputs.bob.registration_id"));
	person_prekeys(bob, (uint32_t)vector_int(v, "inputs.bob.pre_key.id"), &prekey,
	    (uint32_t)vector_int(v, "inputs.bob.signed_pre_key.id"), &spk, sig);
}

static const signal_protocol_address alice_address = {
    .name = "111111111111111_1", .name_len = sizeof("111111111111111_1") - 1, .device_id = 0};
static const signal_protocol_address bob_address = {
    .name = "222222222222222_1", .name_len = sizeof("222222222222222_1") - 1, .device_id = 3};

static int
decrypt_prekey_message(struct person *p, const signal_protocol_address *from,
    const struct buf *sealed, struct buf *out)
{
	session_cipher *cipher;
	pre_key_signal_message *m;
	signal_buffer *plain = NULL;
	int r;

	assert_int_equal(session_cipher_create(&cipher, p->store, from, p->context), 0);
	assert_int_equal(
	    pre_key_signal_message_deserialize(&m, sealed->data, sealed->len, p->context), 0);
	r = session_cipher_decrypt_pre_key_signal_message(cipher, m, NULL, &plain);
	if (r == 0)
		keep(out, plain);
	SIGNAL_UNREF(m);
	session_cipher_free(cipher);
	return r;
}

static void
check_message(struct person *bob, const json_t *m, int expected)
{
	struct buf sealed = vector_bytes(m, "ciphertext"), out = BUF_INIT(4096);

	assert_string_equal(vector_str(m, "type"), "pkmsg");
	assert_int_equal(decrypt_prekey_message(bob, &alice_address, &sealed, &out), expected);
	if (expected == 0)
		assert_bytes(out.data, out.len, vector_str(m, "plaintext"));
	buf_done(&sealed);
	buf_done(&out);
}

static void
test_session(void **state)
{
	const json_t *v = vector("signal-session");
	static const char *const orders[][2] = {
	    {"outputs.m1", "outputs.m2"}, {"outputs.m2", "outputs.m1"}};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct person bob;

		bob_init(&bob);
		check_message(&bob, vector_at(v, orders[i][0]), 0);
		assert_int_equal(bob.removed, 1);
		check_message(&bob, vector_at(v, orders[i][1]), 0);
		check_message(&bob, vector_at(v, orders[i][1]), SG_ERR_DUPLICATE_MESSAGE);
		person_done(&bob);
	}
}

static void
test_session_without_prekey(void **state)
{
	struct person bob;

	(void)state;
	bob_init(&bob);
	check_message(&bob, vector_at(vector("signal-session-no-prekey"), "outputs.m1"), 0);
	assert_int_equal(bob.removed, 0);
	person_done(&bob);
}

static void
test_prekey_gone(void **state)
{
	struct person bob;

	(void)state;
	bob_init(&bob);
	buf_reset(&bob.prekey);
	check_message(
	    &bob, vector_at(vector("signal-session"), "outputs.m1"), SG_ERR_INVALID_KEY_ID);
	person_done(&bob);
}

static void
test_kinds(void **state)
{
	const json_t *v = vector("signal-ciphertext-kinds");
	struct buf pk = vector_bytes(vector("signal-session"), "outputs.m1.ciphertext");
	signal_message *wrong = NULL;
	struct person bob;

	(void)state;
	bob_init(&bob);
	assert_bytes(pk.data, 1, vector_str(v, "outputs.pkmsg_first_byte"));
	assert_int_equal(signal_message_deserialize(&wrong, pk.data, pk.len, bob.context),
	    SG_ERR_INVALID_PROTO_BUF);
	person_done(&bob);
	buf_done(&pk);
}

/* -- groups --------------------------------------------------------------------------------- */

static const signal_protocol_sender_key_name sender_name = {.group_id = "120363023456789012@g.us",
    .group_id_len = sizeof("120363023456789012@g.us") - 1,
    .sender = {
	.name = "111111111111111_1", .name_len = sizeof("111111111111111_1") - 1, .device_id = 0}};

static void
check_group_message(struct person *bob, const json_t *m, int expected)
{
	struct buf sealed = vector_bytes(m, "ciphertext");
	sender_key_message *message;
	signal_buffer *plain = NULL;
	group_cipher *cipher;

	assert_int_equal(group_cipher_create(&cipher, bob->store, &sender_name, bob->context), 0);
	assert_int_equal(
	    sender_key_message_deserialize(&message, sealed.data, sealed.len, bob->context), 0);
	assert_int_equal(group_cipher_decrypt(cipher, message, NULL, &plain), expected);
	if (expected == 0) {
		assert_bytes(signal_buffer_data(plain), signal_buffer_len(plain),
		    vector_str(m, "plaintext"));
		signal_buffer_free(plain);
	}
	SIGNAL_UNREF(message);
	group_cipher_free(cipher);
	buf_done(&sealed);
}

static void
test_sender_key(void **state)
{
	const json_t *v = vector("signal-sender-key");
	struct buf skdm = vector_bytes(v, "outputs.skdm");
	sender_key_distribution_message *m;
	group_session_builder *builder;
	struct person bob;

	(void)state;
	assert_string_equal(sender_name.group_id, vector_str(v, "inputs.group"));
	assert_string_equal(sender_name.sender.name, vector_str(v, "inputs.sender.name"));
	bob_init(&bob);
	check_group_message(&bob, vector_at(v, "outputs.m1"), SG_ERR_NO_SESSION);
	assert_int_equal(
	    sender_key_distribution_message_deserialize(&m, skdm.data, skdm.len, bob.context), 0);
	assert_int_equal(group_session_builder_create(&builder, bob.store, bob.context), 0);
	assert_int_equal(group_session_builder_process_session(builder, &sender_name, m), 0);
	check_group_message(&bob, vector_at(v, "outputs.m2"), 0);
	check_group_message(&bob, vector_at(v, "outputs.m1"), 0);
	check_group_message(&bob, vector_at(v, "outputs.m1"), SG_ERR_DUPLICATE_MESSAGE);
	SIGNAL_UNREF(m);
	group_session_builder_free(builder);
	person_done(&bob);
	buf_done(&skdm);
}

/* -- both ends ours --------------------------------------------------------------------------- */

static void
meet(struct person *alice, struct person *bob, const struct curve_pair *prekey,
    const struct curve_pair *spk, const uint8_t sig[CURVE_SIGNATURE_LEN], int expected)
{
	ec_public_key *one = public_key(alice, prekey->pub), *two = public_key(alice, spk->pub);
	ec_public_key *identity = public_key(alice, bob->identity.pub);
	session_pre_key_bundle *bundle;
	session_builder *builder;

	assert_int_equal(
	    session_pre_key_bundle_create(&bundle, bob->registration_id, 3, bob->prekey_id, one,
		bob->signed_prekey_id, two, sig, CURVE_SIGNATURE_LEN, identity),
	    0);
	assert_int_equal(
	    session_builder_create(&builder, alice->store, &bob_address, alice->context), 0);
	assert_int_equal(session_builder_process_pre_key_bundle(builder, bundle), expected);
	session_builder_free(builder);
	SIGNAL_UNREF(bundle);
	SIGNAL_UNREF(one);
	SIGNAL_UNREF(two);
	SIGNAL_UNREF(identity);
}

static void
encrypt_to(struct person *p, const signal_protocol_address *to, int expected_type, struct buf *out)
{
	session_cipher *cipher;
	ciphertext_message *m;
	signal_buffer *bytes;

	assert_int_equal(session_cipher_create(&cipher, p->store, to, p->context), 0);
	assert_int_equal(session_cipher_encrypt(cipher, (const uint8_t *)"hello", 5, &m), 0);
	assert_int_equal(ciphertext_message_get_type(m), expected_type);
	bytes = ciphertext_message_get_serialized(m);
	buf_reset(out);
	buf_add(out, signal_buffer_data(bytes), signal_buffer_len(bytes));
	SIGNAL_UNREF(m);
	session_cipher_free(cipher);
}

static int
decrypt_message(struct person *p, const signal_protocol_address *from, const struct buf *sealed,
    struct buf *out)
{
	session_cipher *cipher;
	signal_message *m;
	signal_buffer *plain = NULL;
	int r;

	assert_int_equal(session_cipher_create(&cipher, p->store, from, p->context), 0);
	assert_int_equal(signal_message_deserialize(&m, sealed->data, sealed->len, p->context), 0);
	r = session_cipher_decrypt_signal_message(cipher, m, NULL, &plain);
	if (r == 0)
		keep(out, plain);
	SIGNAL_UNREF(m);
	session_cipher_free(cipher);
	return r;
}

static void
test_conversation(void **state)
{
	struct curve_pair identities[2], prekey, spk;
	uint8_t sig[CURVE_SIGNATURE_LEN];
	struct person alice, bob;
	struct buf sealed = BUF_INIT(4096), plain = BUF_INIT(4096);

	(void)state;
	curve_generate(&identities[0]);
	curve_generate(&identities[1]);
	curve_generate(&prekey);
	curve_generate(&spk);
	person_init(&alice, &identities[0], 11);
	person_init(&bob, &identities[1], 12);
	assert_int_equal(curve_sign_prekey(bob.identity.priv, spk.pub, sig), 0);
	person_prekeys(&bob, 5, &prekey, 1, &spk, sig);
	sig[3] ^= 1;
	meet(&alice, &bob, &prekey, &spk, sig, SG_ERR_INVALID_KEY);
	sig[3] ^= 1;
	meet(&alice, &bob, &prekey, &spk, sig, 0);
	encrypt_to(&alice, &bob_address, CIPHERTEXT_PREKEY_TYPE, &sealed);
	assert_int_equal(decrypt_prekey_message(&bob, &alice_address, &sealed, &plain), 0);
	assert_string_equal(buf_str(&plain), "hello");
	encrypt_to(&bob, &alice_address, CIPHERTEXT_SIGNAL_TYPE, &sealed);
	assert_int_equal(decrypt_message(&alice, &bob_address, &sealed, &plain), 0);
	/* Now answered: no longer a pre-key message, as the vector says. */
	assert_string_equal(
	    vector_str(vector("signal-ciphertext-kinds"), "outputs.c3_type_after_reply"), "msg");
	for (int i = 0; i < 50; i++) {
		encrypt_to(&alice, &bob_address, CIPHERTEXT_SIGNAL_TYPE, &sealed);
		assert_bytes(sealed.data, 1,
		    vector_str(vector("signal-ciphertext-kinds"), "outputs.msg_first_byte"));
		assert_int_equal(decrypt_message(&bob, &alice_address, &sealed, &plain), 0);
	}
	encrypt_to(&alice, &bob_address, CIPHERTEXT_SIGNAL_TYPE, &sealed);
	sealed.data[sealed.len - 1] ^= 1;
	assert_int_equal(
	    decrypt_message(&bob, &alice_address, &sealed, &plain), SG_ERR_INVALID_MESSAGE);
	person_done(&alice);
	person_done(&bob);
	buf_done(&sealed);
	buf_done(&plain);
}

static void
test_free_nothing(void **state)
{
	signal_context *none = NULL;

	(void)state;
	wa_signal_context_free(&none);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_session),
	    cmocka_unit_test(test_session_without_prekey),
	    cmocka_unit_test(test_prekey_gone),
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_sender_key),
	    cmocka_unit_test(test_conversation),
	    cmocka_unit_test(test_free_nothing),
	};

	return VECTORS_RUN(tests);
}
