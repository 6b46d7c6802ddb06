/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Protocol messages: what devices tell each other under the surface of a chat. Anybody can write
 * one, so the account's housekeeping is taken from our own phone only. Source: PROTOCOL sections 11
 * and 13.
 */
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/link/history_fetch.h"
#include "waconnd/link/peer.h"
#include "waconnd/link/phone_ask.h"
#include "waconnd/link/receive_private.h"
#include "wa.pb-c.h"

#define APP_STATE_KEYS_MAX 64 /* of one share */
#define APP_STATE_ID_MAX 32

static struct learning *
learning_of(struct messaging *m, struct inbound *in)
{
	if (in->learning == NULL)
		in->learning = learning_new(m);
	return in->learning;
}

static bool
copy_exact(protobuf_c_boolean has, const ProtobufCBinaryData *data, uint8_t to[32])
{
	if (!has || data->len != 32)
		return false;
	memcpy(to, data->data, 32);
	return true;
}

/* It lies on the media hosts. */
static void
fetch_history(struct messaging *m, const Wa__HistorySyncNotification *h)
{
	struct wa_media_ref ref = {.direct_path = h->direct_path, .length = h->file_length};

	if (h->direct_path != NULL && copy_exact(h->has_media_key, &h->media_key, ref.media_key) &&
	    copy_exact(h->has_file_sha256, &h->file_sha256, ref.file_sha256) &&
	    copy_exact(h->has_file_enc_sha256, &h->file_enc_sha256, ref.file_enc_sha256))
		history_fetches_add(m->histories, &ref);
	OPENSSL_cleanse(&ref, sizeof(ref));
}

static void
take_history(struct messaging *m, struct inbound *in, const Wa__ProtocolMessage *p)
{
	const Wa__HistorySyncNotification *h = p->history_sync_notification;

	in->history = true;
	if (h != NULL && !h->has_initial_hist_bootstrap_inline_payload)
		fetch_history(m, h);
	if (h == NULL || !h->has_initial_hist_bootstrap_inline_payload)
		return;
	if (learning_add_history(learning_of(m, in), h->initial_hist_bootstrap_inline_payload.data,
		h->initial_hist_bootstrap_inline_payload.len) != 0)
		log_warn("receive.history_broken", LOG_STR("outlet", link_outlet(m->link)),
		    LOG_STR("id", in->info.id));
}

static void
keep_app_state_key(struct messaging *m, const Wa__AppStateSyncKey *key)
{
	char name[2 * APP_STATE_ID_MAX + 1] = "";
	const ProtobufCBinaryData *id;
	uint8_t *bytes;
	size_t len;

	if (key->key_id == NULL || !key->key_id->has_key_id || key->key_data == NULL)
		return;
	id = &key->key_id->key_id;
	if (id->len == 0 || id->len > APP_STATE_ID_MAX)
		return;
	for (size_t i = 0; i < id->len; i++)
		(void)snprintf(name + 2 * i, 3, "%02x", id->data[i]);
	len = wa__app_state_sync_key_data__get_packed_size(key->key_data);
	bytes = xmalloc(len + 1);
	(void)wa__app_state_sync_key_data__pack(key->key_data, bytes);
	key_cache_write(m->keys, KEY_APP_STATE, name, bytes, len);
	OPENSSL_cleanse(bytes, len);
	free(bytes);
}

static void
take_app_state_keys(struct messaging *m, struct inbound *in, const Wa__ProtocolMessage *p)
{
	const Wa__AppStateSyncKeyShare *share = p->app_state_sync_key_share;

	(void)in;
	for (size_t i = 0; share != NULL && i < share->n_keys && i < APP_STATE_KEYS_MAX; i++)
		keep_app_state_key(m, share->keys[i]);
}

static void
take_lids(struct messaging *m, struct inbound *in, const Wa__ProtocolMessage *p)
{
	const Wa__LIDMigrationMappingSyncMessage *s = p->lid_migration_mapping_sync_message;

	if (s == NULL || !s->has_encoded_mapping_payload)
		return;
	if (learning_add_lids(learning_of(m, in), s->encoded_mapping_payload.data,
		s->encoded_mapping_payload.len) != 0)
		log_warn("receive.lids_broken", LOG_STR("outlet", link_outlet(m->link)));
}

/* The chat's messages disappear from now on, or no more. */
static void
take_timer(struct messaging *m, struct inbound *in, const Wa__ProtocolMessage *p)
{
	receive_set_timer(m, &in->info, p->has_ephemeral_expiration ? p->ephemeral_expiration : 0);
}

/* -- what our phone gave us again -- */

struct resent {
	struct messaging *m;
	size_t taken;
};

static void
on_resent(void *arg, const struct placeholder_result *result)
{
	struct resent *r = arg;
	struct inbound_info info;

	if (!phone_asks_answered(r->m->asks, result, &info))
		return;
	if (result->timestamp > 0)
		info.t = result->timestamp;
	if (result->push_name != NULL && !info.from_me)
		info.push_name = result->push_name;
	if (receive_resent(r->m, &info, result->message, result->len) == 0)
		r->taken++;
}

static void
take_resent(struct messaging *m, struct inbound *in, const Wa__ProtocolMessage *p)
{
	const ProtobufCBinaryData *answer = &p->peer_data_operation_request_response_message;
	struct resent r = {.m = m};

	if (p->has_peer_data_operation_request_response_message &&
	    placeholder_read_answer(answer->data, answer->len, on_resent, &r) != 0)
		log_warn("receive.resent_broken", LOG_STR("outlet", link_outlet(m->link)),
		    LOG_STR("id", in->info.id));
	log_info("receive.resent", LOG_STR("outlet", link_outlet(m->link)),
	    LOG_INT("messages", r.taken));
}

static const struct {
	enum wa_protocol_type type;
	bool own_phone; /* from nobody else */
	void (*take)(struct messaging *m, struct inbound *in, const Wa__ProtocolMessage *p);
} takers[] = {
    {WA_PROTOCOL_HISTORY_SYNC_NOTIFICATION, true, take_history},
    {WA_PROTOCOL_APP_STATE_SYNC_KEY_SHARE, true, take_app_state_keys},
    {WA_PROTOCOL_LID_MIGRATION_MAPPING_SYNC, true, take_lids},
    {WA_PROTOCOL_PEER_DATA_OPERATION_RESPONSE, true, take_resent},
    {WA_PROTOCOL_EPHEMERAL_SETTING, false, take_timer},
};

void
receive_protocol(struct messaging *m, struct inbound *in, const struct wa_message *message)
{
	const bool own_phone = in->info.from_me && in->info.sender.device == 0;
	Wa__Message *inner;

	for (size_t i = 0; i < sizeof(takers) / sizeof(takers[0]); i++) {
		if ((uint32_t)takers[i].type != message->protocol_type)
			continue;
		if (takers[i].own_phone && !own_phone) {
			log_warn("security.housekeeping_refused",
			    LOG_STR("outlet", link_outlet(m->link)), LOG_STR("id", in->info.id));
			return;
		}
		inner = wa__message__unpack(NULL, message->body.len, message->body.data);
		if (inner != NULL && inner->protocol_message != NULL)
			takers[i].take(m, in, inner->protocol_message);
		if (inner != NULL)
			wa__message__free_unpacked(inner, NULL);
	}
}
