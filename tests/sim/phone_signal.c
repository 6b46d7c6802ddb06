/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Encrypting and decrypting for a phone. The store and the cipher are opened for each operation and
 * closed behind it: next to the curve work that costs nothing, and an idle phone keeps neither.
 */
#include <protocol.h>
#include <session_builder.h>
#include <session_cipher.h>
#include <session_pre_key.h>
#include <string.h>

#include "tests/sim/phone_internal.h"

/* libsignal keeps pointers into this one while the objects live. */
struct op {
	signal_context *context;
	signal_protocol_store_context *store;
	session_cipher *cipher;
	char name[JID_USER_MAX + 5];
	signal_protocol_address address;
};

static int
op_open(struct op *o, struct phone *p, const struct jid *peer)
{
	*o = (struct op){.context = sim_signal(p->sim)};
	jid_signal_name(peer, o->name, sizeof(o->name));
	o->address = (signal_protocol_address){
	    .name = o->name, .name_len = strlen(o->name), .device_id = peer->device};
	o->store = phone_store_open(p);
	if (o->store == NULL)
		return SG_ERR_NOMEM;
	return session_cipher_create(&o->cipher, o->store, &o->address, o->context);
}

static void
op_close(struct op *o)
{
	session_cipher_free(o->cipher);
	if (o->store != NULL)
		signal_protocol_store_context_destroy(o->store);
}

static int
public_key(signal_context *context, const uint8_t pub[CURVE_KEY_LEN], ec_public_key **ret_key)
{
	uint8_t typed[SIGNAL_KEY_LEN] = {SIGNAL_KEY_TYPE};

	memcpy(typed + 1, pub, CURVE_KEY_LEN);
	return curve_decode_point(ret_key, typed, sizeof(typed), context);
}

/* -- writing to somebody ---------------------------------------------------------------- */

static int
bundle_make(
    signal_context *context, const struct peer_bundle *b, int device, session_pre_key_bundle **ret)
{
	ec_public_key *one = NULL, *two = NULL, *identity = NULL;
	int r = public_key(context, b->identity, &identity);

	if (r == 0)
		r = public_key(context, b->signed_key, &two);
	if (r == 0 && b->has_prekey)
		r = public_key(context, b->prekey, &one);
	if (r == 0)
		r = session_pre_key_bundle_create(ret, b->registration_id, device, b->prekey_id,
		    one, b->signed_id, two, b->signature, sizeof(b->signature), identity);
	SIGNAL_UNREF(one);
	SIGNAL_UNREF(two);
	SIGNAL_UNREF(identity);
	return r;
}

int
phone_meet(struct phone *p, const struct jid *peer, const struct peer_bundle *bundle)
{
	session_pre_key_bundle *made = NULL;
	session_builder *builder = NULL;
	struct op o;
	int r = op_open(&o, p, peer);

	if (r == 0)
		r = bundle_make(o.context, bundle, peer->device, &made);
	if (r == 0)
		r = session_builder_create(&builder, o.store, &o.address, o.context);
	if (r == 0)
		r = session_builder_process_pre_key_bundle(builder, made);
	session_builder_free(builder);
	SIGNAL_UNREF(made);
	op_close(&o);
	return r;
}

bool
phone_knows(struct phone *p, const struct jid *peer, uint32_t *ret_registration_id)
{
	struct op o;
	bool known = false;

	*ret_registration_id = 0;
	if (op_open(&o, p, peer) == 0) {
		known = signal_protocol_session_contains_session(o.store, &o.address) == 1;
		if (known &&
		    session_cipher_get_remote_registration_id(o.cipher, ret_registration_id) != 0)
			*ret_registration_id = 0;
	}
	op_close(&o);
	return known;
}

int
phone_encrypt(struct phone *p, const struct jid *to, const struct buf *padded,
    const char **ret_type, struct buf *out)
{
	ciphertext_message *m = NULL;
	struct op o;
	int r = op_open(&o, p, to);

	if (r == 0)
		r = session_cipher_encrypt(o.cipher, padded->data, padded->len, &m);
	if (r == 0) {
		signal_buffer *bytes = ciphertext_message_get_serialized(m);

		*ret_type =
		    ciphertext_message_get_type(m) == CIPHERTEXT_PREKEY_TYPE ? "pkmsg" : "msg";
		buf_add(out, signal_buffer_data(bytes), signal_buffer_len(bytes));
	}
	SIGNAL_UNREF(m);
	op_close(&o);
	return r;
}

/* -- reading ------------------------------------------------------------------------------- */

static int
identity_of(const pre_key_signal_message *m, uint8_t ret_identity[CURVE_KEY_LEN])
{
	signal_buffer *b = NULL;
	int r = ec_public_key_serialize(&b, pre_key_signal_message_get_identity_key(m));

	if (r != 0)
		return r;
	if (signal_buffer_len(b) == SIGNAL_KEY_LEN)
		memcpy(ret_identity, signal_buffer_data(b) + 1, CURVE_KEY_LEN);
	else
		r = SG_ERR_INVALID_KEY;
	signal_buffer_free(b);
	return r;
}

static int
decrypt_prekey(struct op *o, const uint8_t *data, size_t len, uint8_t ret_identity[CURVE_KEY_LEN],
    signal_buffer **ret_plain)
{
	pre_key_signal_message *m = NULL;
	int r = pre_key_signal_message_deserialize(&m, data, len, o->context);

	if (r == 0)
		r = identity_of(m, ret_identity);
	if (r == 0)
		r = session_cipher_decrypt_pre_key_signal_message(o->cipher, m, NULL, ret_plain);
	SIGNAL_UNREF(m);
	return r;
}

static int
decrypt_plain(struct op *o, const uint8_t *data, size_t len, signal_buffer **ret_plain)
{
	signal_message *m = NULL;
	int r = signal_message_deserialize(&m, data, len, o->context);

	if (r == 0)
		r = session_cipher_decrypt_signal_message(o->cipher, m, NULL, ret_plain);
	SIGNAL_UNREF(m);
	return r;
}

int
phone_decrypt(struct phone *p, const struct jid *from, bool prekey, const uint8_t *data, size_t len,
    uint8_t ret_identity[CURVE_KEY_LEN], struct buf *out)
{
	signal_buffer *plain = NULL;
	struct op o;
	int r = op_open(&o, p, from);

	if (r == 0)
		r = prekey ? decrypt_prekey(&o, data, len, ret_identity, &plain)
			   : decrypt_plain(&o, data, len, &plain);
	if (r == 0) {
		buf_add(out, signal_buffer_data(plain), signal_buffer_len(plain));
		signal_buffer_bzero_free(plain);
	}
	op_close(&o);
	return r;
}
