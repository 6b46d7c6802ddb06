/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What is inside an inbound message: each <enc> decrypted in order, sender keys learned, the
 * message handed up. What is between our own devices only, or in groups, is not shown to anyone.
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/wa/plain.h"
#include "common/wa/utf8.h"
#include "waconnd/link/lid.h"
#include "waconnd/link/peer.h"
#include "waconnd/link/phone_ask.h"
#include "waconnd/link/receive_private.h"
#include "wa.pb-c.h"

#define PADDED_MAX (MESSAGE_BYTES_MAX + 256)

typedef enum signal_result (*decrypt_fn)(struct messaging *m, const struct inbound *in,
    const uint8_t *data, size_t len, struct buf *ret_plain);

static enum signal_result
decrypt_session(struct messaging *m, const struct inbound *in, bool pkmsg, const uint8_t *data,
    size_t len, struct buf *ret_plain)
{
	bool changed;
	enum signal_result r = signal_session_decrypt(
	    m->signal, &in->info.sender, pkmsg, data, len, &changed, ret_plain);

	if (changed)
		messaging_identity_changed(m, &in->info.sender);
	return r;
}

static enum signal_result
decrypt_msg(struct messaging *m, const struct inbound *in, const uint8_t *data, size_t len,
    struct buf *ret_plain)
{
	return decrypt_session(m, in, false, data, len, ret_plain);
}

static enum signal_result
decrypt_pkmsg(struct messaging *m, const struct inbound *in, const uint8_t *data, size_t len,
    struct buf *ret_plain)
{
	return decrypt_session(m, in, true, data, len, ret_plain);
}

static enum signal_result
decrypt_skmsg(struct messaging *m, const struct inbound *in, const uint8_t *data, size_t len,
    struct buf *ret_plain)
{
	char group[JID_TEXT_MAX];

	if (!in->info.is_group)
		return SIGNAL_INVALID;
	return signal_group_decrypt(
	    m->signal, jid_format(&in->info.chat, group), &in->info.sender, data, len, ret_plain);
}

static const struct enc_type {
	const char *name;
	decrypt_fn decrypt; /* NULL: refused */
	enum answer_refusal refusal;
} enc_types[] = {
    {"msg", decrypt_msg, 0},
    {"pkmsg", decrypt_pkmsg, 0},
    {"skmsg", decrypt_skmsg, 0},
    {"msmsg", NULL, REFUSE_NO_SECRET},
    {NULL, NULL, REFUSE_STANZA},
};

static const struct enc_type *
enc_type_of(const struct node *enc)
{
	const struct enc_type *t = enc_types;

	while (t->name != NULL && !node_get_is(enc, "type", t->name))
		t++;
	return t;
}

static void
worsen(struct inbound *in, enum receive_outcome outcome)
{
	if (outcome > in->outcome)
		in->outcome = outcome;
}

static void
refuse(struct inbound *in, enum answer_refusal code)
{
	in->refusal = code;
	worsen(in, RECEIVED_REFUSED);
}

/* -- what a Message holds -- */

/* Sender keys are learned for the group that they came in. */
static void
learn_sender_key(struct messaging *m, const struct inbound *in, const struct wa_message *message)
{
	Wa__Message *inner = wa__message__unpack(NULL, message->body.len, message->body.data);
	const Wa__SenderKeyDistributionMessage *key =
	    inner != NULL ? inner->sender_key_distribution_message : NULL;
	enum signal_result r = SIGNAL_OK;
	char group[JID_TEXT_MAX];

	(void)jid_format(&in->info.chat, group);
	if (key != NULL && key->has_axolotl_sender_key_distribution_message &&
	    key->group_id != NULL && in->info.is_group && strcmp(key->group_id, group) == 0)
		r = signal_group_learn(m->signal, group, &in->info.sender,
		    key->axolotl_sender_key_distribution_message.data,
		    key->axolotl_sender_key_distribution_message.len);
	if (r != SIGNAL_OK)
		log_info("receive.sender_key_refused", LOG_STR("outlet", link_outlet(m->link)),
		    LOG_STR("why", signal_result_name(r)));
	if (inner != NULL)
		wa__message__free_unpacked(inner, NULL);
}

/* Our own words on another device: to whom, says the message itself. */
static struct jid
chat_of(struct messaging *m, const struct inbound_info *info, const struct wa_message *message)
{
	struct jid chat, lid;

	if (!info->from_me || message->destination == NULL ||
	    jid_parse(message->destination, &chat) != 0 || !jid_is_user(&chat) ||
	    !stanza_id_is_plain(chat.user))
		return info->chat;
	chat = jid_without_device(&chat);
	return lid_find(m, &chat, &lid) ? lid : chat;
}

void
receive_set_timer(struct messaging *m, const struct inbound_info *info, uint32_t seconds)
{
	struct peer peer;

	if (info->is_group || info->is_peer || info->chat.server != JID_SERVER_LID ||
	    !key_cache_knows(m->keys, KEY_PEER, info->chat.user))
		return;
	peer_get(m, &info->chat, &peer);
	if (peer.expiration != seconds) {
		peer.expiration = seconds;
		peer_put(m, &info->chat, &peer);
	}
	OPENSSL_cleanse(&peer, sizeof(peer));
}

/* As it is stored and shown; NULL: nothing to show. */
static const char *
kind_of(const struct wa_message *message)
{
	if (message->kind == WA_MESSAGE_PROTOCOL)
		return message->protocol_type == WA_PROTOCOL_REVOKE ? "revoke" : NULL;
	if (message->kind == WA_MESSAGE_UNKNOWN)
		return NULL;
	return message->edited ? "edit" : wa_message_kind_name(message->kind);
}

static void
deliver(struct messaging *m, const struct inbound_info *info, const struct wa_message *message,
    const char *kind, bool resent)
{
	const struct link_ops *ops;
	struct link_message out = {.from_me = info->from_me,
	    .id = info->id,
	    .timestamp = info->t != 0 ? info->t : link_server_now(m->link),
	    .kind = kind,
	    .text = message->text,
	    .resent = resent};
	struct wa_content *content = NULL;
	struct peer peer = {0};
	char *push_name = NULL;
	void *arg = NULL;

	out.chat = chat_of(m, info, message);
	if (jid_same_user(&out.chat, &info->chat_pair.lid) && !jid_is_none(&info->chat_pair.pn))
		out.phone = info->chat_pair.pn.user;
	if (out.phone == NULL && out.chat.server == JID_SERVER_LID) {
		peer_get(m, &out.chat, &peer);
		out.phone = peer.phone[0] != '\0' ? peer.phone : NULL;
	}
	if (out.chat.server == JID_SERVER_PN)
		out.phone = out.chat.user;
	if (info->push_name != NULL)
		push_name = utf8_clean_copy(info->push_name);
	out.push_name = push_name;
	if (wa_content_decode(message->body.data, message->body.len, &content) == 0)
		out.content = content;
	if (content != NULL && content->expiration > 0)
		receive_set_timer(m, info, content->expiration);
	ops = link_callbacks(m->link, &arg);
	if (ops->message != NULL)
		ops->message(arg, &out);
	wa_content_free(&content);
	free(push_name);
}

static void
take_message(struct messaging *m, struct inbound *in, const struct wa_message *message)
{
	if (message->has_sender_key)
		learn_sender_key(m, in, message);
	if (message->kind == WA_MESSAGE_PROTOCOL)
		receive_protocol(m, in, message);
	if (in->info.is_group || in->info.is_peer || kind_of(message) == NULL)
		return;
	deliver(m, &in->info, message, kind_of(message), false);
}

/* Only what is to be shown: keys and housekeeping are for those whom it was encrypted for. */
int
receive_resent(
    struct messaging *m, const struct inbound_info *info, const uint8_t *data, size_t len)
{
	struct wa_message message;

	if (wa_message_read(data, len, &message) != 0)
		return -1;
	if (kind_of(&message) != NULL)
		deliver(m, info, &message, kind_of(&message), true);
	wa_message_done(&message);
	return 0;
}

static void
take_plain(struct messaging *m, struct inbound *in, const struct node *enc, const struct buf *plain)
{
	struct wa_message message;
	size_t len = plain->len;

	/* Version 3 is another client's and has no padding. */
	if ((!node_get_is(enc, "v", "3") && plain_unpad(plain->data, plain->len, &len) != 0) ||
	    wa_message_read(plain->data, len, &message) != 0) {
		refuse(in, REFUSE_PROTOBUF);
		return;
	}
	worsen(in, RECEIVED);
	take_message(m, in, &message);
	wa_message_done(&message);
}

static void
take_enc(struct messaging *m, struct inbound *in, const struct node *enc)
{
	const struct enc_type *type = enc_type_of(enc);
	struct buf plain = BUF_INIT(PADDED_MAX);
	enum signal_result r = SIGNAL_INVALID;
	const uint8_t *data;
	size_t len = 0;
	int64_t count;

	if (node_get_int(enc, "count", &count) == 0 && count > in->retries && count < 100)
		in->retries = (unsigned)count;
	if (type->decrypt == NULL) {
		refuse(in, type->refusal);
		return;
	}
	data = node_data(enc, &len);
	if (data != NULL)
		r = type->decrypt(m, in, data, len, &plain);
	if (r == SIGNAL_OK && buf_ok(&plain)) {
		take_plain(m, in, enc, &plain);
	} else if (r == SIGNAL_OK) {
		refuse(in, REFUSE_PROTOBUF);
	} else if (r == SIGNAL_DUPLICATE) {
		worsen(in, RECEIVED);
	} else {
		log_info("receive.undecrypted", LOG_STR("outlet", link_outlet(m->link)),
		    LOG_STR("id", in->info.id), LOG_STR("type", type->name),
		    LOG_STR("why", signal_result_name(r)));
		in->no_sender_key = in->outcome == RECEIVED_NOTHING && r == SIGNAL_NO_SESSION &&
				    type->decrypt == decrypt_skmsg;
		worsen(in, RECEIVED_BROKEN);
	}
	buf_done_secret(&plain);
}

static void
learn_pair(struct messaging *m, const struct inbound_pair *pair)
{
	lid_learn(m, &pair->pn, &pair->lid);
	peer_learn_phone(m, &pair->lid, &pair->pn);
}

/* What our own other devices call themselves is what we are called. */
static void
learn_own_name(struct messaging *m, const struct inbound *in)
{
	char *name;

	if (!in->info.from_me || in->info.push_name == NULL)
		return;
	name = utf8_clean_copy(in->info.push_name);
	messaging_own_name(m, name);
	free(name);
}

/* What clients do not ask for, or would not be given. */
static bool
is_for_the_phone_only(const struct node *unavailable)
{
	static const char *const types[] = {
	    "bot_unavailable_fanout", "hosted_unavailable_fanout", "view_once_unavailable_fanout"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (node_get_is(unavailable, "type", types[i]))
			return true;
	return false;
}

/* Our phone has it: a line that says so, until perhaps the phone shows us more. */
static void
take_unavailable(struct messaging *m, struct inbound *in)
{
	deliver(m, &in->info, &(struct wa_message){0}, "unavailable", false);
	if (!in->info.from_me && !is_for_the_phone_only(node_find(in->stanza, "unavailable")))
		in->ask = ASK_NOW;
}

void
receive_contents(struct messaging *m, struct inbound *in)
{
	size_t n = 0;

	learn_pair(m, &in->info.sender_pair);
	learn_pair(m, &in->info.chat_pair);
	learn_own_name(m, in);
	for (const struct node *c = node_first(in->stanza); c != NULL; c = node_next(c))
		if (node_is(c, "enc") && n++ < RECEIVE_ENCS_MAX)
			take_enc(m, in, c);
	if (n == 0 && node_find(in->stanza, "unavailable") == NULL)
		refuse(in, REFUSE_STANZA);
	else if (n == 0 && !in->info.is_group && !in->info.is_peer)
		take_unavailable(m, in);
	if (in->outcome == RECEIVED)
		phone_asks_came(m->asks, &in->info);
}

size_t
receive_prekeys(struct messaging *m, const struct inbound *in, struct prekey_name *ret_text,
    struct key_name *ret_names)
{
	size_t n = 0, encs = 0;

	for (const struct node *c = node_first(in->stanza); c != NULL; c = node_next(c)) {
		uint32_t ids[2] = {0};
		const uint8_t *data;
		size_t len = 0;

		if (!node_is(c, "enc") || encs++ >= RECEIVE_ENCS_MAX)
			continue;
		data = node_data(c, &len);
		if (!node_get_is(c, "type", "pkmsg") || data == NULL ||
		    signal_pkmsg_prekeys(m->signal, data, len, &ids[0], &ids[1]) != SIGNAL_OK)
			continue;
		for (size_t i = 0; i < 2; i++) {
			if (ids[i] == 0)
				continue;
			signal_prekey_name(ids[i], ret_text[n].text);
			ret_names[n] = (struct key_name){
			    i == 0 ? KEY_PREKEY : KEY_SIGNED_PREKEY, ret_text[n].text};
			n++;
		}
	}
	return n;
}
