/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libsignal's stores over the key cache: every callback finds its key in memory or fails. Own keys
 * come from the credentials. It encrypts nothing itself.
 */
#include "waconnd/signal/signal_store.h"

#include <openssl/crypto.h>
#include <session_pre_key.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/signal/signal_internal.h"

#define RECORD_MAX 1024 /* bytes of a pre-key record */

/* -- names -- */

/* The rest of the world knows our devices by the LID, also where a stanza names the number. */
static struct jid
own_by_lid(const struct signal_store *s, const struct jid *device)
{
	struct jid jid = *device;

	if (!jid_is_none(&s->own->own_lid) && jid_same_user(device, &s->own->own)) {
		jid = s->own->own_lid;
		jid.device = device->device;
	}
	return jid;
}

void
signal_address_of(
    const struct signal_store *s, const struct jid *device, struct signal_address *ret)
{
	const struct jid known = own_by_lid(s, device);

	jid_signal_name(&known, ret->name, sizeof(ret->name));
	ret->address = (signal_protocol_address){
	    .name = ret->name, .name_len = strlen(ret->name), .device_id = known.device};
}

void
signal_old_name(const struct jid *device, char ret_name[SIGNAL_NAME_MAX])
{
	char name[JID_USER_MAX + 8];

	jid_signal_name(device, name, sizeof(name));
	(void)snprintf(ret_name, SIGNAL_NAME_MAX, "%s.%u", name, (unsigned)device->device);
}

void
signal_device_name(
    const struct signal_store *s, const struct jid *device, char ret_name[SIGNAL_NAME_MAX])
{
	const struct jid known = own_by_lid(s, device);

	signal_old_name(&known, ret_name);
}

void
signal_old_group_name(
    const char *group, const struct jid *device, char ret_name[SIGNAL_GROUP_NAME_MAX])
{
	char name[SIGNAL_NAME_MAX];

	signal_old_name(device, name);
	(void)snprintf(ret_name, SIGNAL_GROUP_NAME_MAX, "%s::%s", group, name);
}

void
signal_group_name(const struct signal_store *s, const char *group, const struct jid *device,
    char ret_name[SIGNAL_GROUP_NAME_MAX])
{
	const struct jid known = own_by_lid(s, device);

	signal_old_group_name(group, &known, ret_name);
}

void
signal_prekey_name(uint32_t id, char ret_name[SIGNAL_PREKEY_NAME_MAX])
{
	(void)snprintf(ret_name, SIGNAL_PREKEY_NAME_MAX, "%08u", (unsigned)id);
}

static void
name_of(const signal_protocol_address *address, char ret_name[SIGNAL_NAME_MAX])
{
	(void)snprintf(ret_name, SIGNAL_NAME_MAX, "%.*s.%d", (int)address->name_len, address->name,
	    (int)address->device_id);
}

static void
sender_key_name_of(
    const signal_protocol_sender_key_name *sender, char ret_name[SIGNAL_GROUP_NAME_MAX])
{
	char name[SIGNAL_NAME_MAX];

	name_of(&sender->sender, name);
	(void)snprintf(ret_name, SIGNAL_GROUP_NAME_MAX, "%.*s::%s", (int)sender->group_id_len,
	    sender->group_id, name);
}

/* -- what all stores do -- */

/* 1 and a copy, 0 when there is none, < 0 when nobody loaded it. */
static int
load(struct signal_store *s, enum key_kind kind, const char *name, signal_buffer **ret)
{
	const uint8_t *value;
	size_t len = 0;

	if (!key_cache_knows(s->keys, kind, name)) {
		log_error("signal.key_not_held", LOG_INT("kind", kind));
		return SG_ERR_UNKNOWN;
	}
	value = key_cache_find(s->keys, kind, name, &len);
	if (value == NULL)
		return 0;
	*ret = signal_buffer_create(value, len);
	return *ret != NULL ? 1 : SG_ERR_NOMEM;
}

static int
contains(struct signal_store *s, enum key_kind kind, const char *name)
{
	size_t len;

	return key_cache_find(s->keys, kind, name, &len) != NULL;
}

/* -- sessions -- */

static int
session_load(signal_buffer **record, signal_buffer **user_record,
    const signal_protocol_address *address, void *arg)
{
	char name[SIGNAL_NAME_MAX];

	(void)user_record;
	name_of(address, name);
	return load(arg, KEY_SESSION, name, record);
}

static int
session_sub_devices(signal_int_list **sessions, const char *name, size_t len, void *arg)
{
	(void)name;
	(void)len;
	(void)arg;
	*sessions = signal_int_list_alloc();
	return *sessions != NULL ? 0 : SG_ERR_NOMEM;
}

static int
session_store(const signal_protocol_address *address, uint8_t *record, size_t len,
    uint8_t *user_record, size_t user_len, void *arg)
{
	struct signal_store *s = arg;
	char name[SIGNAL_NAME_MAX];

	(void)user_record;
	(void)user_len;
	name_of(address, name);
	key_cache_put(s->keys, KEY_SESSION, name, record, len);
	return 0;
}

static int
session_contains(const signal_protocol_address *address, void *arg)
{
	char name[SIGNAL_NAME_MAX];

	name_of(address, name);
	return contains(arg, KEY_SESSION, name);
}

static int
session_delete(const signal_protocol_address *address, void *arg)
{
	struct signal_store *s = arg;
	char name[SIGNAL_NAME_MAX];
	const int had = session_contains(address, arg);

	name_of(address, name);
	key_cache_del(s->keys, KEY_SESSION, name);
	return had;
}

static int
session_delete_all(const char *name, size_t len, void *arg)
{
	(void)name;
	(void)len;
	(void)arg;
	return SG_ERR_UNKNOWN; /* never asked for: libsignal has no list of our devices */
}

/* -- pre-keys -- */

static int
prekey_load(signal_buffer **record, uint32_t id, void *arg)
{
	char name[SIGNAL_PREKEY_NAME_MAX];
	int r;

	/* No key has this number, so none is held for it; but a stranger may name it. */
	if (id == 0)
		return SG_ERR_INVALID_KEY_ID;
	signal_prekey_name(id, name);
	r = load(arg, KEY_PREKEY, name, record);
	return r == 1 ? SG_SUCCESS : r == 0 ? SG_ERR_INVALID_KEY_ID : r;
}

static int
prekey_store(uint32_t id, uint8_t *record, size_t len, void *arg)
{
	struct signal_store *s = arg;
	char name[SIGNAL_PREKEY_NAME_MAX];

	signal_prekey_name(id, name);
	key_cache_put(s->keys, KEY_PREKEY, name, record, len);
	return 0;
}

static int
prekey_contains(uint32_t id, void *arg)
{
	char name[SIGNAL_PREKEY_NAME_MAX];

	signal_prekey_name(id, name);
	return contains(arg, KEY_PREKEY, name);
}

static int
prekey_remove(uint32_t id, void *arg)
{
	struct signal_store *s = arg;
	char name[SIGNAL_PREKEY_NAME_MAX];

	signal_prekey_name(id, name);
	key_cache_del(s->keys, KEY_PREKEY, name);
	return 0;
}

static int
key_pair_of(struct signal_store *s, const struct curve_pair *pair, ec_key_pair **ret)
{
	ec_public_key *pub = signal_point(s, pair->pub);
	ec_private_key *priv = NULL;
	int r = SG_ERR_INVALID_KEY;

	if (pub != NULL)
		r = curve_decode_private_point(&priv, pair->priv, sizeof(pair->priv), s->context);
	if (r == 0)
		r = ec_key_pair_create(ret, pub, priv);
	SIGNAL_UNREF(pub);
	SIGNAL_UNREF(priv);
	return r;
}

static bool
is_next(const struct credentials *c, uint32_t id)
{
	return c->has_next_signed_prekey && id == credentials_next_signed_id(c);
}

static int
signed_prekey_record(struct signal_store *s, const struct curve_pair *raw, uint32_t id,
    const uint8_t signature[CURVE_SIGNATURE_LEN], signal_buffer **record)
{
	session_signed_pre_key *key = NULL;
	ec_key_pair *pair = NULL;
	int r = key_pair_of(s, raw, &pair);

	if (r == 0)
		r = session_signed_pre_key_create(
		    &key, id, (uint64_t)clock_wall_ms(), pair, signature, CURVE_SIGNATURE_LEN);
	if (r == 0)
		r = session_signed_pre_key_serialize(record, key);
	SIGNAL_UNREF(key);
	SIGNAL_UNREF(pair);
	return r;
}

/* The current one and the one that is to follow lie in the credentials, older ones beside them. */
static int
signed_prekey_load(signal_buffer **record, uint32_t id, void *arg)
{
	struct signal_store *s = arg;
	const struct credentials *c = s->own;
	char name[SIGNAL_PREKEY_NAME_MAX];
	int r;

	if (id == 0)
		return SG_ERR_INVALID_KEY_ID;
	if (id == c->signed_prekey_id)
		return signed_prekey_record(s, &c->signed_prekey, id, c->signed_prekey_sig, record);
	if (is_next(c, id))
		return signed_prekey_record(
		    s, &c->next_signed_prekey, id, c->next_signed_prekey_sig, record);
	signal_prekey_name(id, name);
	r = load(s, KEY_SIGNED_PREKEY, name, record);
	return r == 1 ? SG_SUCCESS : r == 0 ? SG_ERR_INVALID_KEY_ID : r;
}

static int
signed_prekey_store(uint32_t id, uint8_t *record, size_t len, void *arg)
{
	struct signal_store *s = arg;
	char name[SIGNAL_PREKEY_NAME_MAX];

	signal_prekey_name(id, name);
	key_cache_put(s->keys, KEY_SIGNED_PREKEY, name, record, len);
	return 0;
}

static int
signed_prekey_contains(uint32_t id, void *arg)
{
	struct signal_store *s = arg;
	char name[SIGNAL_PREKEY_NAME_MAX];

	signal_prekey_name(id, name);
	return signal_signed_prekey_is_own(s, id) || contains(s, KEY_SIGNED_PREKEY, name);
}

static int
signed_prekey_remove(uint32_t id, void *arg)
{
	struct signal_store *s = arg;
	char name[SIGNAL_PREKEY_NAME_MAX];

	signal_prekey_name(id, name);
	key_cache_del(s->keys, KEY_SIGNED_PREKEY, name);
	return 0;
}

/* -- identities -- */

static int
identity_own(signal_buffer **public_data, signal_buffer **private_data, void *arg)
{
	const struct signal_store *s = arg;
	uint8_t pub[SERIALIZED_KEY_LEN] = {KEY_TYPE_DJB};

	memcpy(pub + 1, s->own->identity.pub, CURVE_KEY_LEN);
	*public_data = signal_buffer_create(pub, sizeof(pub));
	*private_data = signal_buffer_create(s->own->identity.priv, CURVE_KEY_LEN);
	return *public_data != NULL && *private_data != NULL ? 0 : SG_ERR_NOMEM;
}

static int
identity_registration(void *arg, uint32_t *id)
{
	const struct signal_store *s = arg;

	*id = s->own->registration_id;
	return 0;
}

static int
identity_save(const signal_protocol_address *address, uint8_t *key, size_t len, void *arg)
{
	struct signal_store *s = arg;
	char name[SIGNAL_NAME_MAX];
	const uint8_t *kept;
	size_t kept_len = 0;

	name_of(address, name);
	kept = key_cache_find(s->keys, KEY_IDENTITY, name, &kept_len);
	if (key == NULL)
		key_cache_del(s->keys, KEY_IDENTITY, name);
	else if (kept == NULL || kept_len != len || CRYPTO_memcmp(kept, key, len) != 0)
		key_cache_put(s->keys, KEY_IDENTITY, name, key, len);
	return 0;
}

/* Trusted on first use. */
static int
identity_trusted(const signal_protocol_address *address, uint8_t *key, size_t len, void *arg)
{
	struct signal_store *s = arg;
	char name[SIGNAL_NAME_MAX];
	const uint8_t *kept;
	size_t kept_len = 0;

	name_of(address, name);
	if (!key_cache_knows(s->keys, KEY_IDENTITY, name))
		return SG_ERR_UNKNOWN;
	kept = key_cache_find(s->keys, KEY_IDENTITY, name, &kept_len);
	return kept == NULL || (kept_len == len && CRYPTO_memcmp(kept, key, len) == 0);
}

/* -- sender keys -- */

static int
sender_key_store(const signal_protocol_sender_key_name *sender, uint8_t *record, size_t len,
    uint8_t *user_record, size_t user_len, void *arg)
{
	struct signal_store *s = arg;
	char name[SIGNAL_GROUP_NAME_MAX];

	(void)user_record;
	(void)user_len;
	sender_key_name_of(sender, name);
	key_cache_put(s->keys, KEY_SENDER_KEY, name, record, len);
	return 0;
}

static int
sender_key_load(signal_buffer **record, signal_buffer **user_record,
    const signal_protocol_sender_key_name *sender, void *arg)
{
	char name[SIGNAL_GROUP_NAME_MAX];

	(void)user_record;
	sender_key_name_of(sender, name);
	return load(arg, KEY_SENDER_KEY, name, record);
}

/* -- life -- */

static int
set_stores(struct signal_store *s)
{
	const signal_protocol_session_store sessions = {.load_session_func = session_load,
	    .get_sub_device_sessions_func = session_sub_devices,
	    .store_session_func = session_store,
	    .contains_session_func = session_contains,
	    .delete_session_func = session_delete,
	    .delete_all_sessions_func = session_delete_all,
	    .user_data = s};
	const signal_protocol_pre_key_store prekeys = {.load_pre_key = prekey_load,
	    .store_pre_key = prekey_store,
	    .contains_pre_key = prekey_contains,
	    .remove_pre_key = prekey_remove,
	    .user_data = s};
	const signal_protocol_signed_pre_key_store signed_prekeys = {
	    .load_signed_pre_key = signed_prekey_load,
	    .store_signed_pre_key = signed_prekey_store,
	    .contains_signed_pre_key = signed_prekey_contains,
	    .remove_signed_pre_key = signed_prekey_remove,
	    .user_data = s};
	const signal_protocol_identity_key_store identities = {
	    .get_identity_key_pair = identity_own,
	    .get_local_registration_id = identity_registration,
	    .save_identity = identity_save,
	    .is_trusted_identity = identity_trusted,
	    .user_data = s};
	const signal_protocol_sender_key_store sender_keys = {.store_sender_key = sender_key_store,
	    .load_sender_key = sender_key_load,
	    .user_data = s};

	if (signal_protocol_store_context_set_session_store(s->stores, &sessions) != 0 ||
	    signal_protocol_store_context_set_pre_key_store(s->stores, &prekeys) != 0 ||
	    signal_protocol_store_context_set_signed_pre_key_store(s->stores, &signed_prekeys) !=
		0 ||
	    signal_protocol_store_context_set_identity_key_store(s->stores, &identities) != 0)
		return -1;
	return signal_protocol_store_context_set_sender_key_store(s->stores, &sender_keys);
}

struct signal_store *
signal_store_new(signal_context *context, struct key_cache *keys, const struct credentials *own)
{
	struct signal_store *s = xcalloc(1, sizeof(*s));

	s->context = context;
	s->keys = keys;
	s->own = own;
	/* Both fail for want of memory only. */
	if (signal_protocol_store_context_create(&s->stores, context) != 0 || set_stores(s) != 0)
		abort();
	return s;
}

void
signal_store_free(struct signal_store **s)
{
	if (*s == NULL)
		return;
	signal_protocol_store_context_destroy((*s)->stores);
	free(*s);
	*s = NULL;
}

/* -- own pre-keys -- */

bool
signal_signed_prekey_is_own(const struct signal_store *s, uint32_t id)
{
	return id == s->own->signed_prekey_id || is_next(s->own, id);
}

void
signal_signed_prekey_retire(struct signal_store *s)
{
	const struct credentials *c = s->own;
	const uint32_t id = c->signed_prekey_id;
	char name[SIGNAL_PREKEY_NAME_MAX];
	signal_buffer *record = NULL;

	/* Our own key: it fails for want of memory only. */
	if (signed_prekey_record(s, &c->signed_prekey, id, c->signed_prekey_sig, &record) != 0)
		abort();
	signal_prekey_name(id, name);
	key_cache_put(s->keys, KEY_SIGNED_PREKEY, name, signal_buffer_data(record),
	    signal_buffer_len(record));
	signal_buffer_bzero_free(record);
	if (id <= SIGNAL_SIGNED_PREKEYS_KEPT)
		return;
	signal_prekey_name(id - SIGNAL_SIGNED_PREKEYS_KEPT, name);
	key_cache_del(s->keys, KEY_SIGNED_PREKEY, name);
}

void
signal_prekey_make(
    struct signal_store *s, uint32_t id, uint8_t ret_pub[CURVE_KEY_LEN], struct buf *ret_record)
{
	session_pre_key *key = NULL;
	signal_buffer *record = NULL;
	ec_key_pair *pair = NULL;
	struct curve_pair raw;

	curve_generate(&raw);
	if (key_pair_of(s, &raw, &pair) != 0 || session_pre_key_create(&key, id, pair) != 0 ||
	    session_pre_key_serialize(&record, key) != 0)
		abort();
	memcpy(ret_pub, raw.pub, CURVE_KEY_LEN);
	buf_init(ret_record, RECORD_MAX);
	signal_add_buffer(record, ret_record);
	signal_buffer_bzero_free(record);
	SIGNAL_UNREF(key);
	SIGNAL_UNREF(pair);
	OPENSSL_cleanse(&raw, sizeof(raw));
}
