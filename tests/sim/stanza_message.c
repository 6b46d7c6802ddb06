/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages: what a client may write, the acknowledgement, and to each device its own part of it.
 * Sources: PROTOCOL sections 10 and 13. Whatever the address space of the sender, receivers get
 * LIDs with the sender's number beside, as from today's servers.
 */
#include <stdarg.h>
#include <stdio.h>

#include "common/wa/plain.h"
#include "tests/sim/server.h"

#define TARGETS_MAX (2 * SIM_DEVICES_MAX)
#define SPACE_PN 1u /* in the value under a sent id, beside the account's address */
#define SIGNAL_VERSION 0x33

/* One <enc> and whom it is for. */
struct target {
	struct peer peer;
	struct jid jid;
	const struct node *enc;
};

struct message {
	struct sim *sim;
	const struct peer *from;
	struct conn *c; /* NULL: a phone wrote it */
	const struct node *stanza;
	const char *id;
	struct jid to;
	struct account *recipient;
	bool direct; /* one <enc> for one device */
	bool peer;   /* category=peer */
	struct target targets[TARGETS_MAX];
	size_t target_count;
	bool has_pkmsg;
	bool stale; /* a device is missing */
	unsigned error;
};

/* A rule is broken; the message gets this error, 0: it goes on. */
static void __attribute__((format(printf, 4, 5)))
wrong(struct message *m, unsigned error, const char *rule, const char *fmt, ...)
{
	char detail[200];
	va_list ap;

	if (m->error == 0)
		m->error = error;
	if (m->c == NULL)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	conn_violation(m->c, rule, "message %.60s: %s", m->id, detail);
}

/* -- reading -------------------------------------------------------------------------- */

static void
add_target(struct message *m, const struct jid *jid, const struct node *enc)
{
	struct target *t;

	if (m->target_count == TARGETS_MAX) {
		wrong(m, 400, "participants", "more than %d", TARGETS_MAX);
		return;
	}
	t = &m->targets[m->target_count++];
	*t = (struct target){account_peer(m->sim, jid), *jid, enc};
	m->has_pkmsg = m->has_pkmsg || node_get_is(enc, "type", "pkmsg");
}

static void
check_enc(struct message *m, const struct node *enc)
{
	size_t len;
	const uint8_t *data = node_data(enc, &len);

	if (enc == NULL || data == NULL || len == 0 || data[0] != SIGNAL_VERSION ||
	    !node_get_is(enc, "v", "2") ||
	    (!node_get_is(enc, "type", "pkmsg") && !node_get_is(enc, "type", "msg")))
		wrong(m, 400, "enc", "an enc that is no version 2 pkmsg or msg");
}

static void
read_participants(struct message *m, const struct node *participants)
{
	struct jid jid;

	for (const struct node *n = node_first(participants); n != NULL; n = node_next(n)) {
		if (!node_is(n, "to") || node_get_jid(n, "jid", &jid) != 0 || !jid_is_user(&jid)) {
			wrong(m, 400, "participants", "a child without an address");
			return;
		}
		check_enc(m, node_find(n, "enc"));
		add_target(m, &jid, node_find(n, "enc"));
	}
	if (m->target_count == 0)
		wrong(m, 400, "participants", "none");
}

static void
read_direct(struct message *m, const struct node *enc)
{
	m->direct = true;
	m->peer = node_get_is(m->stanza, "category", "peer");
	check_enc(m, enc);
	if (!m->peer && node_get(enc, "count") == NULL &&
	    !node_get_is(m->stanza, "device_fanout", "false"))
		wrong(m, 400, "direct_enc", "an enc outside participants, and nobody asked again");
	if (m->peer && m->c != NULL &&
	    ((!node_get_is(m->stanza, "push_priority", "high") &&
		 !node_get_is(m->stanza, "push_priority", "high_force")) ||
		!node_get_is(node_find(m->stanza, "meta"), "appdata", "default")))
		wrong(m, 0, "peer_priority", "a peer message without its priority and meta");
	if (m->peer && m->recipient != m->from->account)
		wrong(m, 400, "direct_enc", "a peer message to another account");
	if (m->peer && node_find(m->stanza, "tctoken") != NULL)
		wrong(m, 479, "peer_tctoken", "a tctoken on a peer message");
	add_target(m, &m->to, enc);
}

/* -1: nothing that can be answered. */
static int
read_message(struct message *m)
{
	const struct node *participants = node_find(m->stanza, "participants");
	const struct node *enc = node_find(m->stanza, "enc");

	m->id = node_get(m->stanza, "id");
	if (m->id == NULL || node_get_jid(m->stanza, "to", &m->to) != 0) {
		if (m->c != NULL)
			conn_violation(m->c, "message", "without id or to");
		return -1;
	}
	m->recipient = jid_is_user(&m->to) ? account_by_jid(m->sim, &m->to) : NULL;
	if (node_get(m->stanza, "type") == NULL)
		wrong(m, 400, "message", "without a type");
	if (m->recipient == NULL || !m->recipient->registered)
		m->error = 404;
	else if (participants != NULL && enc == NULL)
		read_participants(m, participants);
	else if (enc != NULL && (participants == NULL || node_get(enc, "count") != NULL))
		read_direct(m, enc); /* some clients have the device among participants, too */
	else
		wrong(m, 400, "message", "neither participants nor one enc");
	return 0;
}

/* -- rules ---------------------------------------------------------------------------- */

static void
check_addresses(struct message *m)
{
	for (size_t i = 0; i < m->target_count; i++) {
		const struct target *t = &m->targets[i];

		if (t->jid.server != m->to.server)
			wrong(m, 400, "mixed_addressing", "both numbers and LIDs");
		else if (t->peer.account != m->recipient && t->peer.account != m->from->account)
			wrong(m, 400, "participants", "somebody who is not of this chat");
		else if (peer_exists(&t->peer, &t->jid) && peer_equal(&t->peer, m->from))
			wrong(m, 0, "own_device", "the sending device is among the participants");
		for (size_t j = 0; j < i; j++)
			if (jid_equal(&m->targets[j].jid, &t->jid))
				wrong(m, 400, "participants", "the same device twice");
	}
}

static bool
has_target(const struct message *m, const struct peer *p)
{
	for (size_t i = 0; i < m->target_count; i++)
		if (peer_exists(&m->targets[i].peer, &m->targets[i].jid) &&
		    peer_equal(&m->targets[i].peer, p))
			return true;
	return false;
}

/* All devices but the sending one. */
static void
check_complete(struct message *m, struct account *a)
{
	unsigned numbers[SIM_DEVICES_MAX];
	const size_t n = account_devices(a, numbers);

	for (size_t i = 0; i < n; i++) {
		const struct peer p = {a, account_device(a, numbers[i])};

		if (peer_equal(&p, m->from) || has_target(m, &p))
			continue;
		m->stale = true;
		if (account_should_know(a, m->from))
			wrong(m, 0, "missing_device", "not for device %u of the %s", numbers[i],
			    a == m->from->account ? "sender" : "recipient");
	}
}

static void
check_identity(struct message *m)
{
	const bool there = node_find(m->stanza, "device-identity") != NULL;

	if (m->has_pkmsg && !there)
		wrong(m, 0, "device_identity", "a pkmsg without device-identity");
	else if (there && !m->has_pkmsg && !m->direct)
		wrong(m, 0, "device_identity", "device-identity and no pkmsg");
}

/* The same id again is a repeat, and for the same chat. */
static void
check_id(struct message *m)
{
	const uintptr_t chat = (uintptr_t)m->recipient;
	const uintptr_t *known = id_map_get(&m->from->device->sent, "message", m->id);

	if (known != NULL && (*known & ~(uintptr_t)SPACE_PN) != chat && !m->direct)
		wrong(m, 0, "message_id_reused", "used before in another chat");
	if (known == NULL)
		id_map_put(&m->from->device->sent, "message", m->id,
		    chat | (m->to.server == JID_SERVER_PN ? SPACE_PN : 0));
}

static void
check(struct message *m)
{
	if (m->error != 0 || m->c == NULL)
		return;
	m->error = standing_refuses(m->from->account, m->recipient);
	check_addresses(m);
	check_identity(m);
	check_id(m);
	if (m->direct)
		return;
	check_complete(m, m->recipient);
	if (m->recipient != m->from->account)
		check_complete(m, m->from->account);
}

enum jid_server
message_space(const struct device *d, const char *id)
{
	const uintptr_t *v = id_map_get(&d->sent, "message", id);

	return v != NULL && (*v & SPACE_PN) != 0 ? JID_SERVER_PN : JID_SERVER_LID;
}

/* -- to the devices ------------------------------------------------------------------- */

/* With whom it is. Asked for again by an own device, `to` is that device and the chat stands
 * beside. */
static struct account *
chat_of(const struct message *m)
{
	struct account *named = NULL;
	struct jid jid;

	if (m->direct && node_get_jid(m->stanza, "recipient", &jid) == 0)
		named = account_by_jid(m->sim, &jid);
	return named != NULL ? named : m->recipient;
}

/* Others learn the sender's number, own devices the chat. */
static void
put_people(const struct message *m, const struct target *t, struct node *n)
{
	const struct account *sender = m->from->account;
	const struct account *chat = chat_of(m);
	const struct jid from = account_lid(sender, peer_number(m->from));
	const struct jid to = account_lid(t->peer.account, t->jid.device);
	const struct jid from_pn = account_pn(sender, 0);
	const struct jid recipient = account_lid(chat, 0), recipient_pn = account_pn(chat, 0);

	node_set_jid(n, "from", &from);
	node_set_jid(n, "to", &to);
	if (t->peer.account != sender) {
		node_set_jid(n, "sender_pn", &from_pn);
	} else if (!m->peer) {
		node_set_jid(n, "recipient", &recipient);
		node_set_jid(n, "peer_recipient_pn", &recipient_pn);
	}
}

static struct node *
stanza_for(const struct message *m, const struct target *t)
{
	const struct node *identity = node_find(m->stanza, "device-identity");
	const struct node *meta = node_find(m->stanza, "meta");
	struct node *n = node_new("message", "id", m->id, "type", node_get(m->stanza, "type"),
	    "edit", node_get(m->stanza, "edit"), "category", node_get(m->stanza, "category"),
	    "notify", account_push_name(m->from->account), "addressing_mode", "lid", NULL);
	int64_t at;

	put_people(m, t, n);
	/* What is sent again keeps its time. */
	if (!m->direct || node_get_int(m->stanza, "t", &at) != 0)
		at = sim_now();
	node_set_int(n, "t", at);
	node_graft(n, t->enc);
	if (identity != NULL && node_get_is(t->enc, "type", "pkmsg"))
		node_graft(n, identity);
	if (meta != NULL)
		node_graft(n, meta);
	return n;
}

static void
deliver(struct message *m)
{
	for (size_t i = 0; i < m->target_count; i++) {
		const struct target *t = &m->targets[i];

		/* A device that has gone since; the sending one gets nothing of its own. */
		if (!peer_exists(&t->peer, &t->jid) || peer_equal(&t->peer, m->from))
			continue;
		if (t->peer.device != NULL)
			outbox_put(t->peer.device, stanza_for(m, t));
		else
			sim_deliver_phone(t->peer.account, stanza_for(m, t));
	}
}

/* -- the acknowledgement -------------------------------------------------------------- */

/* Of all devices, the sending one too. */
static void
put_phash(const struct message *m, struct node *ack)
{
	struct jid jids[2 * SIM_DEVICES_MAX];
	unsigned numbers[SIM_DEVICES_MAX];
	char hash[PHASH_LEN + 1];
	size_t n = 0, k;
	const struct account *both[] = {m->recipient, m->from->account};

	for (size_t a = 0; a < (m->recipient == m->from->account ? 1u : 2u); a++) {
		k = account_devices(both[a], numbers);
		for (size_t i = 0; i < k; i++)
			jids[n++] = account_jid(both[a], numbers[i], m->to.server);
	}
	plain_phash(jids, n, hash);
	node_set(ack, "phash", hash);
}

static void
acknowledge(const struct message *m, unsigned error)
{
	struct node *ack = node_new("ack", "class", "message", "id", m->id, NULL);

	node_set_jid(ack, "from", &m->to);
	node_set_int(ack, "t", sim_now());
	if (error != 0)
		node_set_int(ack, "error", error);
	if (m->stale)
		put_phash(m, ack);
	if (m->c != NULL)
		conn_send(m->c, ack);
	else
		sim_deliver_phone(m->from->account, ack);
}

void
message_in(struct sim *s, const struct peer *from, struct conn *c, const struct node *stanza)
{
	struct message m = {.sim = s, .from = from, .c = c, .stanza = stanza};
	unsigned code = 0;
	enum fault_message fault;
	struct jid to;

	if (c == NULL && node_get_jid(stanza, "to", &to) == 0 && to.server == JID_SERVER_GROUP) {
		group_message_in(s, from, stanza);
		return;
	}
	if (read_message(&m) != 0)
		return;
	if (c != NULL)
		s->stats.messages++;
	fault = c != NULL ? fault_message(s, from, &code) : FAULT_NONE;
	check(&m);
	if (fault == FAULT_ACK_ERROR && m.error == 0)
		m.error = code;
	if (fault == FAULT_NONE || fault == FAULT_ACK_ERROR)
		acknowledge(&m, m.error);
	if (m.error != 0 || fault == FAULT_LOSE)
		return;
	standing_chat(m.from->account, m.recipient, c != NULL);
	deliver(&m);
}
