/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is written for one message: who gets it, the plaintexts, the stanza. Within a stanza all
 * addresses are LIDs, or all are PNs: the server refuses mixtures.
 */
#include <openssl/crypto.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/wa/kdf.h"
#include "waconnd/link/send_private.h"

struct jid
send_own(const struct send *s)
{
	const struct credentials *c = link_credentials(s->m->link);

	return s->chat.server == JID_SERVER_LID && !jid_is_none(&c->own_lid) ? c->own_lid : c->own;
}

/* Adds a user's devices; `except` (may be NULL) is left out. */
static void
add_devices(struct send *s, const struct jid *user, const struct device_list *list,
    const struct jid *except)
{
	for (size_t i = 0; i < list->n && s->n_devices < SEND_DEVICES_MAX; i++)
		if (except == NULL || list->ids[i].id != except->device)
			s->devices[s->n_devices++] = device_address(user, list->ids[i]);
}

/* The clients in the field disagree on whether our sending device counts: either is right. */
static void
make_phashes(struct send *s, const struct jid *own)
{
	struct jid all[SEND_DEVICES_MAX + 1];

	memcpy(all, s->devices, s->n_devices * sizeof(all[0]));
	all[s->n_devices] = *own;
	plain_phash(all, s->n_devices, s->phashes[0]);
	plain_phash(all, s->n_devices + 1, s->phashes[1]);
	s->n_phashes = 2;
}

bool
send_choose_devices(struct send *s)
{
	struct device_cache *cache = s->m->devices;
	const int64_t now = clock_monotonic_ms();
	const struct jid own = send_own(s), own_user = jid_without_device(&own);
	const struct device_list *list;

	s->n_devices = s->n_theirs = 0;
	if (!jid_same_user(&s->chat, &own)) {
		list = device_cache_find(cache, &s->chat, now);
		if (list == NULL)
			return false;
		add_devices(s, &s->chat, list, NULL);
		s->n_theirs = s->n_devices;
		if (s->n_devices == 0)
			return true;
	}
	list = device_cache_find(cache, messaging_own(s->m), now);
	if (list == NULL)
		return false;
	add_devices(s, &own_user, list, &own);
	make_phashes(s, &own);
	return true;
}

/* Without a token of theirs: what shows that we know them by our own account. */
static void
add_own_token(const struct send *s, struct node *stanza)
{
	char lid[JID_TEXT_MAX];
	uint8_t mac[32];
	size_t len = 0;
	const uint8_t *salt = key_cache_find(s->m->keys, KEY_ACCOUNT, ACCOUNT_SALT, &len);

	if (salt == NULL || len == 0)
		return;
	(void)jid_format(&s->chat, lid);
	hmac_sha256(salt, len, lid, strlen(lid), mac);
	node_bytes(node_child(stanza, "cstoken", NULL), mac, sizeof(mac));
}

static void
add_token(struct send *s, struct node *stanza)
{
	struct messaging *m = s->m;
	struct peer peer;

	if (s->chat.server != JID_SERVER_LID || messaging_is_own_user(m, &s->chat))
		return;
	peer_learn_phone(m, &s->chat, &s->pn);
	peer_get(m, &s->chat, &peer);
	if (peer_token_valid(&peer, link_server_now(m->link)))
		node_bytes(node_child(stanza, "tctoken", NULL), peer.token, peer.token_len);
	else
		add_own_token(s, stanza);
	OPENSSL_cleanse(&peer, sizeof(peer));
}

/* How many of the peer's devices it was encrypted for; to oneself, all count. */
static size_t
add_participants(struct send *s, struct node *stanza, bool *ret_any_prekey)
{
	struct messaging *m = s->m;
	const struct jid own = send_own(s);
	const bool to_self = jid_same_user(&s->chat, &own);
	struct node *participants = node_child(stanza, "participants", NULL);
	const struct enc_attrs attrs = {
	    .wrap = true, .mediatype = wa_content_mediatype(s->content)};
	const struct wa_content content = peer_timed(m, &s->chat, s->content);
	struct buf theirs, ours;
	size_t reached = 0;
	const bool written = messaging_plaintext(&content, NULL, &theirs) == 0;
	const bool copied = messaging_plaintext(&content, &s->chat, &ours) == 0;

	for (size_t i = 0; written && copied && i < s->n_devices; i++) {
		const struct jid *device = &s->devices[i];
		const bool is_own = i >= s->n_theirs;
		bool prekey = false;
		enum signal_result r = messaging_encrypt(
		    m, device, is_own ? &ours : &theirs, &attrs, participants, &prekey);

		if (r != SIGNAL_OK) {
			log_info("send.device_skipped", LOG_STR("outlet", link_outlet(m->link)),
			    LOG_PHONE("user", device->user), LOG_INT("device", device->device),
			    LOG_STR("why", signal_result_name(r)));
			continue;
		}
		*ret_any_prekey |= prekey;
		reached += !is_own || to_self;
	}
	buf_done_secret(&theirs);
	buf_done_secret(&ours);
	return reached;
}

struct node *
send_stanza(struct send *s)
{
	struct node *stanza =
	    node_new("message", "id", s->id, "type", wa_content_type(s->content), NULL);
	bool any_prekey = false;

	node_set_jid(stanza, "to", &s->chat);
	if (s->chat.server == JID_SERVER_LID)
		node_set_jid(stanza, "peer_recipient_pn", &s->pn);
	if (add_participants(s, stanza, &any_prekey) == 0) {
		node_free(&stanza);
		return NULL;
	}
	if (any_prekey)
		messaging_add_identity(s->m, stanza);
	add_token(s, stanza);
	return stanza;
}
