/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sessions between us and a device: begun from a bundle, used to encrypt and decrypt. Each call is
 * a transaction on the key cache. A changed identity is accepted once: what was kept of the device
 * is dropped and the call repeated; if that fails too, the old session comes back, so that nobody
 * can destroy one by sending rubbish.
 */
#include <curve.h>
#include <protocol.h>
#include <session_builder.h>
#include <session_cipher.h>
#include <session_pre_key.h>
#include <session_record.h>
#include <session_state.h>
#include <string.h>

#include "common/log.h"
#include "waconnd/signal/signal_internal.h"

static const char *const result_names[] = {
    [SIGNAL_OK] = "ok",
    [SIGNAL_DUPLICATE] = "duplicate",
    [SIGNAL_NO_SESSION] = "no_session",
    [SIGNAL_NO_PREKEY] = "no_prekey",
    [SIGNAL_INVALID] = "invalid",
    [SIGNAL_FAULT] = "fault",
};

const char *
signal_result_name(enum signal_result result)
{
	return result_names[result];
}

enum signal_result
signal_result_of(int error)
{
	static const struct {
		int error;
		enum signal_result result;
	} table[] = {
	    {SG_SUCCESS, SIGNAL_OK},
	    {SG_ERR_DUPLICATE_MESSAGE, SIGNAL_DUPLICATE},
	    {SG_ERR_NO_SESSION, SIGNAL_NO_SESSION},
	    {SG_ERR_INVALID_KEY_ID, SIGNAL_NO_PREKEY},
	    {SG_ERR_UNKNOWN, SIGNAL_FAULT},
	    {SG_ERR_NOMEM, SIGNAL_FAULT},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (table[i].error == error)
			return table[i].result;
	return SIGNAL_INVALID;
}

void
signal_add_buffer(const signal_buffer *from, struct buf *to)
{
	buf_add(to, signal_buffer_const_data(from), signal_buffer_len(from));
}

ec_public_key *
signal_point(struct signal_store *s, const uint8_t raw[CURVE_KEY_LEN])
{
	uint8_t bytes[SERIALIZED_KEY_LEN] = {KEY_TYPE_DJB};
	ec_public_key *key = NULL;

	memcpy(bytes + 1, raw, CURVE_KEY_LEN);
	return curve_decode_point(&key, bytes, sizeof(bytes), s->context) == 0 ? key : NULL;
}

bool
signal_has_session(struct signal_store *s, const struct jid *device)
{
	char name[SIGNAL_NAME_MAX];
	size_t len;

	signal_device_name(s, device, name);
	return key_cache_find(s->keys, KEY_SESSION, name, &len) != NULL;
}

void
signal_drop_device(struct signal_store *s, const struct jid *device)
{
	char name[SIGNAL_NAME_MAX];

	signal_device_name(s, device, name);
	key_cache_del(s->keys, KEY_SESSION, name);
	key_cache_del(s->keys, KEY_IDENTITY, name);
}

static void
move_key(struct key_cache *keys, enum key_kind kind, const char *from, const char *to)
{
	size_t len = 0, other_len = 0;
	const uint8_t *value = key_cache_find(keys, kind, from, &len);

	if (value == NULL)
		return;
	if (key_cache_find(keys, kind, to, &other_len) == NULL)
		key_cache_put(keys, kind, to, value, len);
	key_cache_del(keys, kind, from);
}

void
signal_move_device(struct signal_store *s, const struct jid *from, const struct jid *to)
{
	char from_name[SIGNAL_NAME_MAX], to_name[SIGNAL_NAME_MAX];

	signal_old_name(from, from_name);
	signal_old_name(to, to_name);
	move_key(s->keys, KEY_SESSION, from_name, to_name);
	move_key(s->keys, KEY_IDENTITY, from_name, to_name);
}

void
signal_move_sender(
    struct signal_store *s, const char *group, const struct jid *from, const struct jid *to)
{
	char from_name[SIGNAL_GROUP_NAME_MAX], to_name[SIGNAL_GROUP_NAME_MAX];

	signal_old_group_name(group, from, from_name);
	signal_old_group_name(group, to, to_name);
	move_key(s->keys, KEY_SENDER_KEY, from_name, to_name);
}

uint32_t
signal_session_registration(struct signal_store *s, const struct jid *device)
{
	struct signal_address at;
	session_cipher *cipher = NULL;
	uint32_t id = 0;

	if (!signal_has_session(s, device))
		return 0;
	signal_address_of(s, device, &at);
	if (session_cipher_create(&cipher, s->stores, &at.address, s->context) != 0)
		return 0;
	if (session_cipher_get_remote_registration_id(cipher, &id) != 0)
		id = 0;
	session_cipher_free(cipher);
	return id;
}

int
signal_session_base_key(
    struct signal_store *s, const struct jid *device, uint8_t ret_key[CURVE_KEY_LEN])
{
	session_record *record = NULL;
	signal_buffer *bytes = NULL;
	char name[SIGNAL_NAME_MAX];
	size_t len = 0;
	const uint8_t *data;
	int r = -1;

	signal_device_name(s, device, name);
	data = key_cache_find(s->keys, KEY_SESSION, name, &len);
	if (data == NULL || session_record_deserialize(&record, data, len, s->context) != 0)
		return -1;
	if (ec_public_key_serialize(
		&bytes, session_state_get_alice_base_key(session_record_get_state(record))) == 0 &&
	    signal_buffer_len(bytes) == SERIALIZED_KEY_LEN) {
		memcpy(ret_key, signal_buffer_data(bytes) + 1, CURVE_KEY_LEN);
		r = 0;
	}
	signal_buffer_free(bytes);
	SIGNAL_UNREF(record);
	return r;
}

/* -- one attempt each -- */

struct attempt {
	struct signal_store *s;
	const struct jid *device;
	const signal_protocol_address *address;
	const struct signal_bundle *bundle;
	bool pkmsg;
	const uint8_t *data;
	size_t len;
	struct buf *out;
};

static int
try_bundle(const struct attempt *a)
{
	const struct signal_bundle *b = a->bundle;
	ec_public_key *identity = signal_point(a->s, b->identity);
	ec_public_key *signed_prekey = signal_point(a->s, b->signed_prekey);
	ec_public_key *prekey = b->has_prekey ? signal_point(a->s, b->prekey) : NULL;
	session_pre_key_bundle *bundle = NULL;
	session_builder *builder = NULL;
	int r = SG_ERR_INVALID_KEY;

	if (identity != NULL && signed_prekey != NULL && (!b->has_prekey || prekey != NULL))
		r = session_pre_key_bundle_create(&bundle, b->registration_id, a->device->device,
		    b->has_prekey ? b->prekey_id : 0, prekey, b->signed_prekey_id, signed_prekey,
		    b->signature, sizeof(b->signature), identity);
	if (r == 0)
		r = session_builder_create(&builder, a->s->stores, a->address, a->s->context);
	if (r == 0)
		r = session_builder_process_pre_key_bundle(builder, bundle);
	if (builder != NULL)
		session_builder_free(builder);
	SIGNAL_UNREF(bundle);
	SIGNAL_UNREF(prekey);
	SIGNAL_UNREF(signed_prekey);
	SIGNAL_UNREF(identity);
	return r;
}

static int
decrypt_pkmsg(const struct attempt *a, session_cipher *cipher, signal_buffer **plain)
{
	pre_key_signal_message *m = NULL;
	int r = pre_key_signal_message_deserialize(&m, a->data, a->len, a->s->context);

	if (r == 0)
		r = session_cipher_decrypt_pre_key_signal_message(cipher, m, NULL, plain);
	SIGNAL_UNREF(m);
	return r;
}

static int
decrypt_msg(const struct attempt *a, session_cipher *cipher, signal_buffer **plain)
{
	signal_message *m = NULL;
	int r = signal_message_deserialize(&m, a->data, a->len, a->s->context);

	if (r == 0)
		r = session_cipher_decrypt_signal_message(cipher, m, NULL, plain);
	SIGNAL_UNREF(m);
	return r;
}

static int
try_decrypt(const struct attempt *a)
{
	session_cipher *cipher = NULL;
	signal_buffer *plain = NULL;
	int r = session_cipher_create(&cipher, a->s->stores, a->address, a->s->context);

	if (r == 0)
		r = a->pkmsg ? decrypt_pkmsg(a, cipher, &plain) : decrypt_msg(a, cipher, &plain);
	if (r == 0)
		signal_add_buffer(plain, a->out);
	signal_buffer_bzero_free(plain);
	if (cipher != NULL)
		session_cipher_free(cipher);
	return r;
}

/* The attempt, and once more without what was kept of the device when its identity is another. */
static enum signal_result
run(const struct attempt *a, int (*attempt)(const struct attempt *a), bool *ret_changed)
{
	int r;

	*ret_changed = false;
	key_cache_begin(a->s->keys);
	r = attempt(a);
	if (r == SG_ERR_UNTRUSTED_IDENTITY) {
		signal_drop_device(a->s, a->device);
		r = attempt(a);
		*ret_changed = r == 0;
	}
	key_cache_end(a->s->keys, r == 0);
	return signal_result_of(r);
}

enum signal_result
signal_begin_session(struct signal_store *s, const struct jid *device,
    const struct signal_bundle *bundle, bool *ret_changed)
{
	struct signal_address at;
	struct attempt a = {.s = s, .device = device, .bundle = bundle};

	signal_address_of(s, device, &at);
	a.address = &at.address;
	return run(&a, try_bundle, ret_changed);
}

enum signal_result
signal_session_decrypt(struct signal_store *s, const struct jid *device, bool pkmsg,
    const void *data, size_t len, bool *ret_changed, struct buf *ret_plain)
{
	struct signal_address at;
	struct attempt a = {
	    .s = s, .device = device, .pkmsg = pkmsg, .data = data, .len = len, .out = ret_plain};

	signal_address_of(s, device, &at);
	a.address = &at.address;
	return run(&a, try_decrypt, ret_changed);
}

enum signal_result
signal_pkmsg_prekeys(struct signal_store *s, const void *data, size_t len, uint32_t *ret_prekey,
    uint32_t *ret_signed)
{
	pre_key_signal_message *m = NULL;
	uint32_t signed_id;

	if (pre_key_signal_message_deserialize(&m, data, len, s->context) != 0)
		return SIGNAL_INVALID;
	*ret_prekey =
	    pre_key_signal_message_has_pre_key_id(m) ? pre_key_signal_message_get_pre_key_id(m) : 0;
	signed_id = pre_key_signal_message_get_signed_pre_key_id(m);
	*ret_signed = signal_signed_prekey_is_own(s, signed_id) ? 0 : signed_id;
	SIGNAL_UNREF(m);
	return SIGNAL_OK;
}

enum signal_result
signal_session_encrypt(struct signal_store *s, const struct jid *device, const struct buf *padded,
    bool *ret_prekey, struct buf *out)
{
	struct signal_address at;
	session_cipher *cipher = NULL;
	ciphertext_message *m = NULL;
	int r;

	if (!signal_has_session(s, device))
		return SIGNAL_NO_SESSION;
	signal_address_of(s, device, &at);
	key_cache_begin(s->keys);
	r = session_cipher_create(&cipher, s->stores, &at.address, s->context);
	if (r == 0)
		r = session_cipher_encrypt(cipher, padded->data, padded->len, &m);
	key_cache_end(s->keys, r == 0);
	if (r == 0) {
		*ret_prekey = ciphertext_message_get_type(m) == CIPHERTEXT_PREKEY_TYPE;
		signal_add_buffer(ciphertext_message_get_serialized(m), out);
	}
	SIGNAL_UNREF(m);
	if (cipher != NULL)
		session_cipher_free(cipher);
	return signal_result_of(r);
}
