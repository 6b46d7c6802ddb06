/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads the attributes. What they claim is the server's word; nothing is decrypted here. */
#include "waconnd/link/inbound.h"

#include <string.h>

#include "waconnd/link/stanza_id.h"

static bool
is_named(const struct jid *jid)
{
	return stanza_id_is_plain(jid->user);
}

/* The first of the attributes that is an address of that kind, without device. */
static void
read_alternative(
    const struct node *stanza, const char *const keys[2], enum jid_server server, struct jid *ret)
{
	struct jid jid;

	for (size_t i = 0; i < 2 && jid_is_none(ret); i++)
		if (node_get_jid(stanza, keys[i], &jid) == 0 && jid.server == server &&
		    is_named(&jid))
			*ret = jid_without_device(&jid);
}

/* What the attributes tell of the user's other address. */
static void
read_pair(const struct node *stanza, const struct jid *user, const char *const pn_keys[2],
    const char *const lid_keys[2], struct inbound_pair *ret)
{
	struct inbound_pair pair = {0};

	if (user->server == JID_SERVER_PN) {
		pair.pn = jid_without_device(user);
		read_alternative(stanza, lid_keys, JID_SERVER_LID, &pair.lid);
	} else if (user->server == JID_SERVER_LID) {
		pair.lid = jid_without_device(user);
		read_alternative(stanza, pn_keys, JID_SERVER_PN, &pair.pn);
	}
	*ret = pair;
}

/* The same device under the LID. */
static void
prefer_lid(struct jid *jid, const struct jid *lid)
{
	const uint16_t device = jid->device;

	if (jid->server != JID_SERVER_PN || jid_is_none(lid))
		return;
	*jid = *lid;
	jid->device = device;
}

static bool
is_broadcast(const struct jid *jid)
{
	return jid->server == JID_SERVER_GROUP || jid->server == JID_SERVER_BROADCAST;
}

static int
read_people(const struct node *stanza, const struct jid *own, const struct jid *own_lid,
    struct inbound_info *in)
{
	struct jid from, recipient;

	if (node_get_jid(stanza, "from", &from) != 0 || !is_named(&from))
		return -1;
	in->is_group = is_broadcast(&from);
	in->chat = jid_without_device(&from);
	in->sender = from;
	if (in->is_group && node_get_jid(stanza, "participant", &in->sender) != 0)
		return -1;
	if (!jid_is_user(&in->sender) || !is_named(&in->sender))
		return -1;
	in->from_me = jid_same_user(&in->sender, own) || jid_same_user(&in->sender, own_lid);
	if (in->from_me && !in->is_group && node_get_jid(stanza, "recipient", &recipient) == 0 &&
	    is_named(&recipient))
		in->chat = jid_without_device(&recipient);
	return 0;
}

/* A hosted device writes for its user. */
static void
normalise_chat(struct jid *chat)
{
	if (chat->server == JID_SERVER_HOSTED)
		chat->server = JID_SERVER_PN;
	if (chat->server == JID_SERVER_HOSTED_LID)
		chat->server = JID_SERVER_LID;
}

int
inbound_read(const struct node *stanza, const struct jid *own, const struct jid *own_lid,
    struct inbound_info *ret)
{
	static const char *const sender_pn[] = {"sender_pn", "participant_pn"};
	static const char *const sender_lid[] = {"sender_lid", "participant_lid"};
	static const char *const chat_pn[] = {"recipient_pn", "peer_recipient_pn"};
	static const char *const chat_lid[] = {"recipient_lid", "peer_recipient_lid"};
	struct inbound_info in = {.id = node_get(stanza, "id")};

	if (!stanza_id_is_plain(in.id) || read_people(stanza, own, own_lid, &in) != 0)
		return -1;
	if (node_get_int(stanza, "t", &in.t) != 0 || in.t < 0)
		in.t = 0;
	in.push_name = node_get(stanza, "notify");
	in.is_peer = in.from_me && node_get_is(stanza, "category", "peer");
	read_pair(stanza, &in.sender, sender_pn, sender_lid, &in.sender_pair);
	if (in.from_me && jid_is_none(&in.sender_pair.lid) && in.sender.server == JID_SERVER_PN)
		in.sender_pair.lid = jid_without_device(own_lid);
	/* Nobody tells us our own number; but its sessions may be under it. */
	if (in.from_me && jid_is_none(&in.sender_pair.pn) && in.sender.server == JID_SERVER_LID)
		in.sender_pair.pn = jid_without_device(own);
	normalise_chat(&in.chat);
	if (in.from_me && !in.is_group)
		read_pair(stanza, &in.chat, chat_pn, chat_lid, &in.chat_pair);
	else if (!in.is_group)
		in.chat_pair = in.sender_pair;
	prefer_lid(&in.sender, &in.sender_pair.lid);
	prefer_lid(&in.chat, &in.chat_pair.lid);
	*ret = in;
	return 0;
}
