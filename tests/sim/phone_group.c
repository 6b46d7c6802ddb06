/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a phone writes in groups: a sender key of its own for each, given to companions of one
 * member, and messages under it; once more, with the key, for one that asks again. Nothing that is
 * written in groups is read here. Source: PROTOCOL section 16.
 */
#include <group_cipher.h>
#include <group_session_builder.h>
#include <openssl/crypto.h>
#include <protocol.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "common/wa/plain.h"
#include "common/xalloc.h"
#include "tests/sim/phone_internal.h"
#include "wa.pb-c.h"

#define GROUPS_MAX 64
#define SENT_MAX 64
#define TEXT_MAX 4096

struct phone_group { /* one that it writes in */
	STAILQ_ENTRY(phone_group) entry;
	uint8_t *record; /* the sender key; NULL: not made */
	size_t len;
	char jid[JID_TEXT_MAX];
};

struct phone_group_sent {
	STAILQ_ENTRY(phone_group_sent) entry;
	char group[JID_TEXT_MAX];
	char *text;
	char id[];
};

/* -- what is kept --------------------------------------------------------------------------- */

static void
group_free(struct phone *p, struct phone_group *g)
{
	STAILQ_REMOVE(&p->groups, g, phone_group, entry);
	p->group_count--;
	if (g->record != NULL)
		OPENSSL_cleanse(g->record, g->len);
	free(g->record);
	free(g);
}

static struct phone_group *
group_get(struct phone *p, const char *jid)
{
	struct phone_group *g;

	STAILQ_FOREACH(g, &p->groups, entry)
	if (strcmp(g->jid, jid) == 0)
		return g;
	if (p->group_count == GROUPS_MAX)
		group_free(p, STAILQ_FIRST(&p->groups));
	g = xcalloc(1, sizeof(*g));
	(void)snprintf(g->jid, sizeof(g->jid), "%s", jid);
	STAILQ_INSERT_TAIL(&p->groups, g, entry);
	p->group_count++;
	return g;
}

static void
sent_free(struct phone *p, struct phone_group_sent *m)
{
	STAILQ_REMOVE(&p->group_sent, m, phone_group_sent, entry);
	p->group_sent_count--;
	free(m->text);
	free(m);
}

static struct phone_group_sent *
sent_find(struct phone *p, const char *id)
{
	struct phone_group_sent *m;

	STAILQ_FOREACH(m, &p->group_sent, entry)
	if (strcmp(m->id, id) == 0)
		return m;
	return NULL;
}

static void
sent_add(struct phone *p, const char *group, const char *id, const char *text)
{
	const size_t len = strlen(id) + 1;
	struct phone_group_sent *m = sent_find(p, id);

	if (m != NULL)
		sent_free(p, m);
	else if (p->group_sent_count == SENT_MAX)
		sent_free(p, STAILQ_FIRST(&p->group_sent));
	m = xcalloc(1, sizeof(*m) + len);
	(void)snprintf(m->group, sizeof(m->group), "%s", group);
	m->text = xstrdup(text);
	memcpy(m->id, id, len);
	STAILQ_INSERT_TAIL(&p->group_sent, m, entry);
	p->group_sent_count++;
}

void
phone_group_done(struct phone *p)
{
	while (!STAILQ_EMPTY(&p->groups))
		group_free(p, STAILQ_FIRST(&p->groups));
	while (!STAILQ_EMPTY(&p->group_sent))
		sent_free(p, STAILQ_FIRST(&p->group_sent));
}

/* -- the sender key ------------------------------------------------------------------------- */

static int
key_store(const signal_protocol_sender_key_name *name, uint8_t *record, size_t len,
    uint8_t *user_record, size_t user_len, void *user)
{
	struct phone_group *g = user;

	(void)name, (void)user_record, (void)user_len;
	free(g->record);
	g->record = xmemdup(record, len);
	g->len = len;
	return 0;
}

static int
key_load(signal_buffer **record, signal_buffer **user_record,
    const signal_protocol_sender_key_name *name, void *user)
{
	const struct phone_group *g = user;

	(void)name, (void)user_record;
	if (g->record == NULL)
		return 0;
	*record = signal_buffer_create(g->record, g->len);
	return *record != NULL ? 1 : SG_ERR_NOMEM;
}

/* libsignal keeps pointers into this while its objects live. */
struct sender {
	signal_protocol_store_context *store;
	signal_protocol_sender_key_name name;
	char user[JID_USER_MAX + 5];
};

static int
sender_open(struct sender *s, struct phone *p, struct phone_group *g)
{
	signal_protocol_sender_key_store keys = {
	    .store_sender_key = key_store, .load_sender_key = key_load, .user_data = g};
	const struct jid self = account_lid(p->account, 0);
	int r = signal_protocol_store_context_create(&s->store, sim_signal(p->sim));

	if (r == 0)
		r = signal_protocol_store_context_set_sender_key_store(s->store, &keys);
	jid_signal_name(&self, s->user, sizeof(s->user));
	s->name = (signal_protocol_sender_key_name){.group_id = g->jid,
	    .group_id_len = strlen(g->jid),
	    .sender = {.name = s->user, .name_len = strlen(s->user), .device_id = 0}};
	return r;
}

/* The key as it is given to others, made when there is none. */
static int
key_give(struct phone *p, struct phone_group *g, struct buf *out)
{
	struct sender s = {0};
	group_session_builder *builder = NULL;
	sender_key_distribution_message *m = NULL;
	const signal_buffer *bytes;
	int r = sender_open(&s, p, g);

	if (r == 0)
		r = group_session_builder_create(&builder, s.store, sim_signal(p->sim));
	if (r == 0)
		r = group_session_builder_create_session(builder, &m, &s.name);
	if (r == 0) {
		bytes = ciphertext_message_get_serialized((ciphertext_message *)(void *)m);
		buf_add(out, signal_buffer_const_data(bytes), signal_buffer_len(bytes));
	}
	SIGNAL_UNREF(m);
	if (builder != NULL)
		group_session_builder_free(builder);
	signal_protocol_store_context_destroy(s.store);
	return r;
}

static int
key_seal(struct phone *p, struct phone_group *g, const struct buf *padded, struct buf *out)
{
	struct sender s = {0};
	group_cipher *cipher = NULL;
	ciphertext_message *m = NULL;
	const signal_buffer *bytes;
	int r = sender_open(&s, p, g);

	if (r == 0)
		r = group_cipher_create(&cipher, s.store, &s.name, sim_signal(p->sim));
	if (r == 0)
		r = group_cipher_encrypt(cipher, padded->data, padded->len, &m);
	if (r == 0) {
		bytes = ciphertext_message_get_serialized(m);
		buf_add(out, signal_buffer_const_data(bytes), signal_buffer_len(bytes));
	}
	SIGNAL_UNREF(m);
	if (cipher != NULL)
		group_cipher_free(cipher);
	signal_protocol_store_context_destroy(s.store);
	return r;
}

/* -- stanzas -------------------------------------------------------------------------------- */

/* A Message with the text, the key, or both; NULL leaves one out. */
static void
plain_write(const char *group, const char *text, const struct buf *key, struct buf *out)
{
	Wa__Message m = WA__MESSAGE__INIT;
	Wa__SenderKeyDistributionMessage given = WA__SENDER_KEY_DISTRIBUTION_MESSAGE__INIT;
	uint8_t *bytes;
	size_t len;

	/* protobuf-c has no const. */
	m.conversation = (char *)(uintptr_t)text;
	if (key != NULL) {
		given.group_id = (char *)(uintptr_t)group;
		given.has_axolotl_sender_key_distribution_message = 1;
		given.axolotl_sender_key_distribution_message.data = key->data;
		given.axolotl_sender_key_distribution_message.len = key->len;
		m.sender_key_distribution_message = &given;
	}
	len = wa__message__get_packed_size(&m);
	bytes = xmalloc(len + 1);
	(void)wa__message__pack(&m, bytes);
	buf_add(out, bytes, len);
	free(bytes);
}

static int
add_sealed(struct phone *p, struct phone_group *g, const char *text, struct node *stanza)
{
	struct buf plain = BUF_INIT(TEXT_MAX + 256), sealed = BUF_INIT(TEXT_MAX + 1024);
	int r;

	plain_write(g->jid, text, NULL, &plain);
	plain_pad(&plain);
	r = key_seal(p, g, &plain, &sealed);
	node_bytes(
	    node_child(stanza, "enc", "v", "2", "type", "skmsg", NULL), sealed.data, sealed.len);
	buf_done(&plain);
	buf_done(&sealed);
	return r;
}

/* Companions of the member, each with the key when it is given out. */
static unsigned
add_members(struct phone *p, struct phone_group *g, struct account *to, const struct buf *key,
    struct node *participants)
{
	unsigned devices[SIM_DEVICES_MAX], n = 0;
	struct buf plain = BUF_INIT(4096);
	struct node *enc;

	plain_write(g->jid, NULL, key, &plain);
	for (size_t i = account_devices(to, devices); i-- > 0;) {
		const struct jid device = account_lid(to, devices[i]);
		struct node *one;

		if (devices[i] == 0)
			continue;
		one = node_child(participants, "to", NULL);
		node_set_jid(one, "jid", &device);
		if (key == NULL || (phone_session_ensure(p, &device, false) == 0 &&
				       phone_enc_write(p, &device, &plain, NULL, one, &enc) == 0))
			n++;
	}
	buf_done(&plain);
	return n;
}

int
phone_send_group(struct phone *p, struct account *to, const struct jid *group, const char *id,
    const char *text, bool give_key, char *ret_id, size_t id_size)
{
	const struct jid self = account_lid(p->account, 0);
	struct buf key = BUF_INIT(1024);
	char made[MESSAGE_ID_LEN + 1], name[JID_TEXT_MAX];
	struct phone_group *g = group_get(p, jid_format(group, name));
	struct node *stanza;
	int r = -1;

	if (id == NULL) {
		plain_message_id(time(NULL), account_phone(p->account), NULL, made);
		id = made;
	}
	if (strlen(id) >= id_size || strlen(text) > TEXT_MAX || key_give(p, g, &key) != 0)
		goto out;
	stanza = node_new("message", "id", id, "type", "text", "addressing_mode", "lid", NULL);
	node_set_jid(stanza, "to", group);
	if (add_members(
		p, g, to, give_key ? &key : NULL, node_child(stanza, "participants", NULL)) == 0 ||
	    add_sealed(p, g, text, stanza) != 0) {
		node_free(&stanza);
		goto out;
	}
	sent_add(p, g->jid, id, text);
	memcpy(ret_id, id, strlen(id) + 1);
	sim_submit(p->sim, &self, stanza);
	r = 0;
out:
	buf_done_secret(&key);
	return r;
}

/* The text itself and the key, for this device alone. */
bool
phone_resend_group(struct phone *p, const struct node *receipt)
{
	const struct jid self = account_lid(p->account, 0);
	const char *id = node_get(receipt, "id");
	struct phone_group_sent *m = id != NULL ? sent_find(p, id) : NULL;
	struct buf plain = BUF_INIT(TEXT_MAX + 1024), key = BUF_INIT(1024);
	struct node *stanza, *enc;
	struct jid group, from;
	int64_t count;

	if (m == NULL || node_get_jid(receipt, "from", &from) != 0 ||
	    jid_parse(m->group, &group) != 0)
		return false;
	if (node_get_int(node_find(receipt, "retry"), "count", &count) != 0 || count < 1)
		count = 1;
	stanza = node_new("message", "id", m->id, "type", "text", NULL);
	node_set_jid(stanza, "to", &group);
	node_set_jid(stanza, "participant", &from);
	if (key_give(p, group_get(p, m->group), &key) == 0 &&
	    phone_session_renew(p, &from, receipt, count) == 0) {
		plain_write(m->group, m->text, &key, &plain);
		if (phone_enc_write(p, &from, &plain, NULL, stanza, &enc) == 0) {
			node_set_int(enc, "count", count);
			sim_submit(p->sim, &self, stanza);
			stanza = NULL;
		}
	}
	if (stanza != NULL)
		node_free(&stanza);
	buf_done(&plain);
	buf_done_secret(&key);
	return true;
}
