/* SPDX-License-Identifier: GPL-3.0-or-later */
/* signal_store: the signal vectors through it, and what it does with bundles, changed identities
 * and keys that nobody held. */
#include "tests/unit/link/memory_keydb.h"

#include "common/wa/signal_crypto.h"
#include "tests/unit/wa/vectors.h"
#include "waconnd/signal/signal_store.h"

struct side {
	signal_context *context;
	struct event_base *base;
	struct memory_keydb db;
	struct key_cache *keys;
	struct credentials own;
	struct signal_store *store;
	struct key_hold *hold;
};

static void
on_failed(void *arg, const char *what)
{
	(void)arg;
	fail_msg("%s", what);
}

static void
no_guard(void *arg)
{
	(void)arg;
}

static void
begin(struct side *s)
{
	const struct key_cache_owner owner = {s, on_failed, no_guard, no_guard};

	memset(s, 0, sizeof(*s));
	assert_int_equal(wa_signal_context_new(&s->context), 0);
	s->base = event_base_new();
	memory_keydb_init(&s->db, s->base);
	s->keys = key_cache_new(&s->db.keydb, 1 << 20, &owner);
	assert_int_equal(credentials_generate(&s->own), 0);
	s->store = signal_store_new(s->context, s->keys, &s->own);
}

static void
end(struct side *s)
{
	key_hold_free(&s->hold);
	signal_store_free(&s->store);
	key_cache_free(&s->keys);
	memory_keydb_done(&s->db);
	credentials_done(&s->own);
	event_base_free(s->base);
	wa_signal_context_free(&s->context);
}

/* Session and identity of the device, one pre-key and one sender key. */
static void
hold(struct side *s, const struct jid *device, const char *prekey, const char *group)
{
	char name[SIGNAL_NAME_MAX], sender_key[SIGNAL_GROUP_NAME_MAX] = "none";
	struct key_name names[4];
	bool ready;

	signal_device_name(s->store, device, name);
	if (group != NULL)
		signal_group_name(s->store, group, device, sender_key);
	names[0] = (struct key_name){KEY_SESSION, name};
	names[1] = (struct key_name){KEY_IDENTITY, name};
	names[2] = (struct key_name){KEY_PREKEY, prekey};
	names[3] = (struct key_name){KEY_SENDER_KEY, sender_key};
	key_hold_free(&s->hold);
	s->hold = key_cache_hold(s->keys, names, 4, no_guard, NULL, &ready);
	memory_keydb_run(&s->db);
}

static void
read_pair(const json_t *v, const char *path, struct curve_pair *ret)
{
	char at[64];

	(void)snprintf(at, sizeof(at), "%s.private", path);
	vector_fixed(v, at, ret->priv, CURVE_KEY_LEN);
	(void)snprintf(at, sizeof(at), "%s.public", path);
	vector_fixed(v, at, ret->pub, CURVE_KEY_LEN);
}

/* Bob of the vectors, with his pre-key on disk. */
static void
begin_bob(struct side *s)
{
	const json_t *v = vector("signal-session");
	struct buf record = BUF_INIT(256);
	struct curve_pair prekey;

	begin(s);
	read_pair(v, "inputs.bob.identity", &s->own.identity);
	read_pair(v, "inputs.bob.signed_pre_key", &s->own.signed_prekey);
	read_pair(v, "inputs.bob.pre_key", &prekey);
	s->own.registration_id = (uint32_t)vector_int(v, "inputs.bob.registration_id");
	s->own.signed_prekey_id = (uint32_t)vector_int(v, "inputs.bob.signed_pre_key.id");
	vector_fixed(v, "inputs.bob.signed_pre_key.signature", s->own.signed_prekey_sig,
	    CURVE_SIGNATURE_LEN);
	buf_add(&record, "\x08\x4d\x12\x21\x05", 5); /* PreKeyRecordStructure: id 77 */
	buf_add(&record, prekey.pub, sizeof(prekey.pub));
	buf_add(&record, "\x1a\x20", 2);
	buf_add(&record, prekey.priv, sizeof(prekey.priv));
	memory_put(&s->db.keydb, KEY_PREKEY, "00000077", record.data, record.len);
	buf_done(&record);
}

static enum signal_result
decrypt_hex(struct side *s, const struct jid *from, const char *hex, const char *plain)
{
	struct buf cipher = hex_bytes(hex), out = BUF_INIT(4096);
	bool changed = true;
	const enum signal_result r =
	    signal_session_decrypt(s->store, from, true, cipher.data, cipher.len, &changed, &out);

	assert_false(changed);
	if (r == SIGNAL_OK)
		assert_bytes(out.data, out.len, plain);
	buf_done(&cipher);
	buf_done(&out);
	return r;
}

static void
test_session_vector(void **state)
{
	const json_t *v = vector("signal-session");
	const struct jid alice = jid_make(JID_SERVER_LID, "111111111111111", 0);
	const char *m1 = vector_str(v, "outputs.m1.ciphertext");
	const char *m2 = vector_str(v, "outputs.m2.ciphertext");
	struct buf cipher = hex_bytes(m1);
	uint32_t prekey = 0, signed_prekey = 9;
	struct side s;

	(void)state;
	begin_bob(&s);
	assert_int_equal(
	    signal_pkmsg_prekeys(s.store, cipher.data, cipher.len, &prekey, &signed_prekey),
	    SIGNAL_OK);
	assert_int_equal(prekey, 77);
	assert_int_equal(signed_prekey, 0);
	hold(&s, &alice, "00000077", NULL);
	/* The second first: order does not matter. */
	assert_int_equal(
	    decrypt_hex(&s, &alice, m2, vector_str(v, "outputs.m2.plaintext")), SIGNAL_OK);
	assert_null(key_cache_find(s.keys, KEY_PREKEY, "00000077", &(size_t){0}));
	assert_int_equal(
	    decrypt_hex(&s, &alice, m1, vector_str(v, "outputs.m1.plaintext")), SIGNAL_OK);
	assert_int_equal(decrypt_hex(&s, &alice, m1, NULL), SIGNAL_DUPLICATE);
	assert_int_equal(signal_session_registration(s.store, &alice), 1234);
	/* For somebody else the pre-key is gone. */
	const struct jid other = jid_make(JID_SERVER_LID, "333", 0);

	hold(&s, &other, "00000077", NULL);
	assert_int_equal(decrypt_hex(&s, &other, m1, NULL), SIGNAL_NO_PREKEY);
	assert_false(signal_has_session(s.store, &other));
	buf_done(&cipher);
	end(&s);
}

static void
test_session_without_prekey_vector(void **state)
{
	const json_t *v = vector("signal-session-no-prekey");
	const struct jid alice = jid_make(JID_SERVER_LID, "111111111111111", 0);
	struct side s;

	(void)state;
	begin_bob(&s);
	hold(&s, &alice, "00000077", NULL);
	assert_int_equal(decrypt_hex(&s, &alice, vector_str(v, "outputs.m1.ciphertext"),
			     vector_str(v, "outputs.m1.plaintext")),
	    SIGNAL_OK);
	assert_non_null(key_cache_find(s.keys, KEY_PREKEY, "00000077", &(size_t){0}));
	end(&s);
}

static void
test_sender_key_vector(void **state)
{
	static const char *const messages[][2] = {{"outputs.m1.ciphertext", "outputs.m1.plaintext"},
	    {"outputs.m2.ciphertext", "outputs.m2.plaintext"}};
	const json_t *v = vector("signal-sender-key");
	const char *group = vector_str(v, "inputs.group");
	const struct jid alice = jid_make(JID_SERVER_LID, "111111111111111", 0);
	struct buf skdm = vector_bytes(v, "outputs.skdm");
	struct side s;

	(void)state;
	begin(&s);
	hold(&s, &alice, "1", group);
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < 2; i++) {
			struct buf cipher = vector_bytes(v, messages[i][0]), out = BUF_INIT(4096);
			const enum signal_result r = signal_group_decrypt(
			    s.store, group, &alice, cipher.data, cipher.len, &out);

			assert_int_equal(r, round == 0 ? SIGNAL_NO_SESSION : SIGNAL_OK);
			if (r == SIGNAL_OK)
				assert_bytes(out.data, out.len, vector_str(v, messages[i][1]));
			buf_done(&cipher);
			buf_done(&out);
		}
		assert_int_equal(
		    signal_group_learn(s.store, group, &alice, skdm.data, skdm.len), SIGNAL_OK);
	}
	assert_int_equal(signal_group_learn(s.store, group, &alice, "x", 1), SIGNAL_INVALID);
	buf_done(&skdm);
	end(&s);
}

static struct signal_bundle
bundle_of(const struct side *s)
{
	struct signal_bundle b = {
	    .registration_id = s->own.registration_id, .signed_prekey_id = s->own.signed_prekey_id};

	memcpy(b.identity, s->own.identity.pub, CURVE_KEY_LEN);
	memcpy(b.signed_prekey, s->own.signed_prekey.pub, CURVE_KEY_LEN);
	memcpy(b.signature, s->own.signed_prekey_sig, CURVE_SIGNATURE_LEN);
	return b;
}

static void
test_bundle_with_bad_signature(void **state)
{
	const struct jid bob = jid_make(JID_SERVER_LID, "222", 3);
	struct side s, other;
	bool changed;

	(void)state;
	begin(&s);
	begin(&other);
	hold(&s, &bob, "1", NULL);
	for (size_t at = 0; at < CURVE_SIGNATURE_LEN; at += 9) {
		struct signal_bundle b = bundle_of(&other);

		b.signature[at] ^= 1;
		assert_int_equal(signal_begin_session(s.store, &bob, &b, &changed), SIGNAL_INVALID);
		assert_false(changed);
		assert_false(signal_has_session(s.store, &bob));
		assert_null(key_cache_find(s.keys, KEY_IDENTITY, "222_1.3", &(size_t){0}));
	}
	end(&other);
	end(&s);
}

/* The bundle's identity is another than before: accepted, said, and the new one kept. A refused
 * bundle changes nothing. */
static void
test_changed_identity(void **state)
{
	const struct jid bob = jid_make(JID_SERVER_LID, "222", 0);
	struct side s, first, second;
	struct signal_bundle b;
	const uint8_t *kept;
	bool changed;
	size_t len;

	(void)state;
	begin(&s);
	begin(&first);
	begin(&second);
	hold(&s, &bob, "1", NULL);
	b = bundle_of(&first);
	assert_int_equal(signal_begin_session(s.store, &bob, &b, &changed), SIGNAL_OK);
	assert_false(changed);
	b = bundle_of(&second);
	b.signature[0] ^= 1;
	assert_int_equal(signal_begin_session(s.store, &bob, &b, &changed), SIGNAL_INVALID);
	kept = key_cache_find(s.keys, KEY_IDENTITY, "222_1.0", &len);
	assert_memory_equal(kept + 1, first.own.identity.pub, CURVE_KEY_LEN);
	assert_true(signal_has_session(s.store, &bob));
	b = bundle_of(&second);
	assert_int_equal(signal_begin_session(s.store, &bob, &b, &changed), SIGNAL_OK);
	assert_true(changed);
	kept = key_cache_find(s.keys, KEY_IDENTITY, "222_1.0", &len);
	assert_int_equal(len, 33);
	assert_memory_equal(kept + 1, second.own.identity.pub, CURVE_KEY_LEN);
	end(&second);
	end(&first);
	end(&s);
}

static void
test_keys_that_nobody_holds(void **state)
{
	const struct jid bob = jid_make(JID_SERVER_LID, "222", 0);
	struct buf padded = BUF_INIT(64), out = BUF_INIT(4096);
	struct side s, other;
	struct signal_bundle b;
	bool flag;

	(void)state;
	begin(&s);
	begin(&other);
	b = bundle_of(&other);
	buf_add_str(&padded, "text");
	assert_int_equal(signal_begin_session(s.store, &bob, &b, &flag), SIGNAL_FAULT);
	assert_int_equal(
	    signal_session_encrypt(s.store, &bob, &padded, &flag, &out), SIGNAL_NO_SESSION);
	assert_int_equal(out.len, 0);
	buf_done(&padded);
	end(&other);
	end(&s);
}

/* A fresh pre-key serves a stranger's first message. */
static void
test_own_prekey(void **state)
{
	const struct jid bob = jid_make(JID_SERVER_LID, "222", 0),
			 alice = jid_make(JID_SERVER_LID, "111", 0);
	struct buf record, padded = BUF_INIT(64), cipher = BUF_INIT(4096), plain = BUF_INIT(4096);
	struct side a, b;
	struct signal_bundle bundle;
	bool prekey, changed;

	(void)state;
	begin(&a);
	begin(&b);
	bundle = bundle_of(&b);
	bundle.has_prekey = true;
	bundle.prekey_id = 5;
	signal_prekey_make(b.store, 5, bundle.prekey, &record);
	memory_put(&b.db.keydb, KEY_PREKEY, "00000005", record.data, record.len);
	buf_done_secret(&record);
	hold(&a, &bob, "1", NULL);
	hold(&b, &alice, "00000005", NULL);
	assert_int_equal(signal_begin_session(a.store, &bob, &bundle, &changed), SIGNAL_OK);
	buf_add_str(&padded, "text");
	assert_int_equal(
	    signal_session_encrypt(a.store, &bob, &padded, &prekey, &cipher), SIGNAL_OK);
	assert_true(prekey);
	/* The wrong kind is refused without harm. */
	assert_int_equal(signal_session_decrypt(
			     b.store, &alice, false, cipher.data, cipher.len, &changed, &plain),
	    SIGNAL_INVALID);
	assert_int_equal(signal_session_decrypt(
			     b.store, &alice, true, cipher.data, cipher.len, &changed, &plain),
	    SIGNAL_OK);
	assert_string_equal(buf_str(&plain), "text");
	buf_done(&padded);
	buf_done(&cipher);
	buf_done(&plain);
	end(&b);
	end(&a);
}

/* The number that no key has: the message is refused like any that names a key that is gone. */
static void
test_prekey_zero(void **state)
{
	const struct jid bob = jid_make(JID_SERVER_LID, "222", 0),
			 alice = jid_make(JID_SERVER_LID, "111", 0);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		struct buf padded = BUF_INIT(64), cipher = BUF_INIT(4096), plain = BUF_INIT(4096);
		struct side a, b;
		struct signal_bundle bundle;
		bool prekey, changed;

		begin(&a);
		begin(&b);
		bundle = bundle_of(&b);
		if (i == 0) {
			bundle.signed_prekey_id = 0;
		} else {
			bundle.has_prekey = true;
			memcpy(bundle.prekey, b.own.signed_prekey.pub, CURVE_KEY_LEN);
		}
		hold(&a, &bob, "1", NULL);
		hold(&b, &alice, "1", NULL);
		assert_int_equal(signal_begin_session(a.store, &bob, &bundle, &changed), SIGNAL_OK);
		buf_add_str(&padded, "text");
		assert_int_equal(
		    signal_session_encrypt(a.store, &bob, &padded, &prekey, &cipher), SIGNAL_OK);
		assert_int_equal(signal_session_decrypt(b.store, &alice, true, cipher.data,
				     cipher.len, &changed, &plain),
		    SIGNAL_NO_PREKEY);
		assert_false(signal_has_session(b.store, &alice));
		buf_done(&padded);
		buf_done(&cipher);
		buf_done(&plain);
		end(&b);
		end(&a);
	}
}

/* -- rotation of the signed pre-key -- */

/* The first message of a stranger who fetched this bundle. */
static enum signal_result
from_stranger(
    struct side *b, unsigned number, const struct signal_bundle *bundle, uint32_t *ret_held)
{
	const struct jid bob = jid_make(JID_SERVER_LID, "222", 0);
	struct buf padded = BUF_INIT(64), cipher = BUF_INIT(4096), plain = BUF_INIT(4096);
	char user[16], device[SIGNAL_NAME_MAX], signed_name[SIGNAL_PREKEY_NAME_MAX];
	struct key_name names[3];
	uint32_t prekey_id = 0;
	enum signal_result r;
	struct jid alice;
	bool flag, ready;
	struct side a;

	(void)snprintf(user, sizeof(user), "9%u", number);
	alice = jid_make(JID_SERVER_LID, user, 0);
	begin(&a);
	hold(&a, &bob, "1", NULL);
	assert_int_equal(signal_begin_session(a.store, &bob, bundle, &flag), SIGNAL_OK);
	buf_add_str(&padded, "text");
	assert_int_equal(signal_session_encrypt(a.store, &bob, &padded, &flag, &cipher), SIGNAL_OK);
	/* As the receiver does it. */
	assert_int_equal(
	    signal_pkmsg_prekeys(b->store, cipher.data, cipher.len, &prekey_id, ret_held),
	    SIGNAL_OK);
	signal_device_name(b->store, &alice, device);
	signal_prekey_name(*ret_held, signed_name);
	names[0] = (struct key_name){KEY_SESSION, device};
	names[1] = (struct key_name){KEY_IDENTITY, device};
	names[2] = (struct key_name){KEY_SIGNED_PREKEY, signed_name};
	key_hold_free(&b->hold);
	b->hold = key_cache_hold(b->keys, names, *ret_held != 0 ? 3 : 2, no_guard, NULL, &ready);
	memory_keydb_run(&b->db);
	r = signal_session_decrypt(b->store, &alice, true, cipher.data, cipher.len, &flag, &plain);
	if (r == SIGNAL_OK)
		assert_string_equal(buf_str(&plain), "text");
	buf_done(&padded);
	buf_done(&cipher);
	buf_done(&plain);
	end(&a);
	return r;
}

static void
rotate(struct side *b)
{
	assert_int_equal(credentials_make_next(&b->own), 0);
	signal_signed_prekey_retire(b->store);
	credentials_take_next(&b->own);
	key_cache_commit(b->keys, NULL, NULL);
	memory_keydb_run(&b->db);
}

/* Bundles of six generations: the last four are of use, whatever was in memory. */
static void
test_signed_prekeys_kept(void **state)
{
	struct signal_bundle bundles[6];
	uint32_t held;
	struct side b;

	(void)state;
	begin(&b);
	for (unsigned i = 0; i < 6; i++) {
		if (i > 0)
			rotate(&b);
		assert_int_equal(b.own.signed_prekey_id, i + 1);
		bundles[i] = bundle_of(&b);
	}
	key_cache_trim(b.keys, 0);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(
		    from_stranger(&b, i, &bundles[i], &held), i < 2 ? SIGNAL_NO_PREKEY : SIGNAL_OK);
		assert_int_equal(held, i < 5 ? i + 1 : 0);
	}
	assert_null(memory_disk(&b.db, KEY_SIGNED_PREKEY, "00000001")->data);
	assert_null(memory_disk(&b.db, KEY_SIGNED_PREKEY, "00000002")->data);
	assert_non_null(memory_disk(&b.db, KEY_SIGNED_PREKEY, "00000003")->data);
	assert_non_null(memory_disk(&b.db, KEY_SIGNED_PREKEY, "00000004")->data);
	end(&b);
}

/* The server has the next one and gave it out, but its answer was lost. */
static void
test_signed_prekey_to_come(void **state)
{
	struct signal_bundle bundle;
	uint32_t held = 9;
	struct side b;

	(void)state;
	begin(&b);
	assert_int_equal(credentials_make_next(&b.own), 0);
	bundle = bundle_of(&b);
	bundle.signed_prekey_id = 2;
	memcpy(bundle.signed_prekey, b.own.next_signed_prekey.pub, CURVE_KEY_LEN);
	memcpy(bundle.signature, b.own.next_signed_prekey_sig, CURVE_SIGNATURE_LEN);
	assert_int_equal(from_stranger(&b, 0, &bundle, &held), SIGNAL_OK);
	assert_int_equal(held, 0);
	end(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_session_vector),
	    cmocka_unit_test(test_session_without_prekey_vector),
	    cmocka_unit_test(test_sender_key_vector),
	    cmocka_unit_test(test_bundle_with_bad_signature),
	    cmocka_unit_test(test_changed_identity),
	    cmocka_unit_test(test_keys_that_nobody_holds),
	    cmocka_unit_test(test_own_prekey),
	    cmocka_unit_test(test_prekey_zero),
	    cmocka_unit_test(test_signed_prekeys_kept),
	    cmocka_unit_test(test_signed_prekey_to_come),
	};

	return VECTORS_RUN(tests);
}
