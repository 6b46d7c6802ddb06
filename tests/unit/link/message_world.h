/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * message_world: links that consist of their message side only, and a server between them, all in
 * one loop. The functions of link_internal.h that the connection side offers are played here, so
 * whoever includes this links none of link*.o.
 *
 * The server routes messages and receipts by address, answers usync and bundle queries from what it
 * knows of the parties, and has knobs for what can go wrong. world_run goes on until nothing moves
 * any more.
 */
#ifndef TESTS_LINK_MESSAGE_WORLD_H
#define TESTS_LINK_MESSAGE_WORLD_H

#include "tests/unit/link/memory_keydb.h"

#include <event2/http.h>
#include <stdio.h>

#include "common/wa/signal_crypto.h"
#include "waconnd/link/media_net.h"
#include "waconnd/link/messaging.h"
#include "waconnd/link/usync.h"

#define PARTIES_MAX 8
#define EVENTS_MAX 512
#define SERVER_TIME 1790000000

enum seen_kind { SEEN_MESSAGE, SEEN_RECEIPT, SEEN_SENT };

struct seen { /* what came up through link_ops */
	enum seen_kind kind;
	char id[STANZA_ID_MAX], text[256], type[16], phone[32], chat[JID_TEXT_MAX];
	bool from_me;
	int result; /* of a send, or a receipt's kind */
	unsigned code;
};

struct stanza_item {
	TAILQ_ENTRY(stanza_item) entry;
	struct link *from;
	struct node *node;
	link_iq_cb cb; /* an iq */
	void *arg;
};
TAILQ_HEAD(stanza_items, stanza_item);

struct link { /* a party: one device of a user */
	struct world *w;
	struct memory_keydb db;
	struct credentials credentials;
	struct messaging *m;
	struct node *prekeys; /* what the server gives out */
	const struct node *next_prekey;
	struct seen seen[EVENTS_MAX];
	size_t n_seen;
	unsigned failures;		  /* link_fail */
	unsigned refusals[8], n_refusals; /* link_account_refused */
	bool offline;			  /* what it would get is lost */
	bool unlisted;			  /* the device list does not name it */
	bool no_key_index, bad_signature, no_bundle;
	bool gone; /* its number is not on WhatsApp */
};

struct world {
	struct event_base *base;
	signal_context *signal;
	struct link parties[PARTIES_MAX];
	size_t n_parties;
	struct stanza_items queue; /* written, not yet at the server */
	struct stanza_items log;   /* all that was written */
	struct link_ops ops;
	unsigned usyncs, contact_usyncs, bundles, other_iqs, asked_users, asked_bundles;
	unsigned iq_error;		/* the next iqs are answered with it */
	bool mute;			/* iqs get no answer: NULL */
	bool hide_lids;			/* device queries do not tell them */
	unsigned ack_error, ack_errors; /* code, for how many messages */
	const char *ack_phash;
	bool drop_acks, hold_messages;
	const char *retry_phone;
	const char *(*retry_phone_of)(const char *id); /* NULL: retry_phone */
	const char *retry_text;			       /* what ops.retry is answered with */
	struct media_net *media;		       /* NULL: no files */
	struct evhttp *media_http;
	char media_host[32];
};

/* -- the connection side -- */

static struct stanza_item *
world_item(struct link *l, struct stanza_items *list, struct node *node)
{
	struct stanza_item *i = xcalloc(1, sizeof(*i));

	i->from = l;
	i->node = node;
	TAILQ_INSERT_TAIL(list, i, entry);
	return i;
}

void
link_write(struct link *l, struct node *take_node)
{
	(void)world_item(l, &l->w->log, node_dup(take_node));
	(void)world_item(l, &l->w->queue, take_node);
}

void
link_iq(struct link *l, struct node *take_iq, link_iq_cb cb, void *arg)
{
	struct stanza_item *i;

	(void)world_item(l, &l->w->log, node_dup(take_iq));
	i = world_item(l, &l->w->queue, take_iq);
	i->cb = cb;
	i->arg = arg;
}

unsigned
link_iq_error(const struct node *answer)
{
	int64_t code = 0;

	if (!node_get_is(answer, "type", "error"))
		return 0;
	return node_get_int(node_find(answer, "error"), "code", &code) == 0 ? (unsigned)code : 500;
}

void
link_ack(struct link *l, const struct node *stanza)
{
	struct node *ack = node_new("ack", "class", node_tag(stanza), "id", node_get(stanza, "id"),
	    "type", node_get(stanza, "type"), NULL);

	link_write(l, ack);
}

struct event_base *
link_base(struct link *l)
{
	return l->w->base;
}

struct keydb *
link_keys(struct link *l)
{
	return &l->db.keydb;
}

struct credentials *
link_credentials(struct link *l)
{
	return &l->credentials;
}

void
link_save_credentials(struct link *l)
{
	struct buf b = BUF_INIT(8192);

	credentials_pack(&l->credentials, &b);
	l->db.keydb.ops->put(&l->db.keydb, KEY_CREDENTIALS, "", b.data, b.len);
	buf_done_secret(&b);
}

const struct link_ops *
link_callbacks(struct link *l, void **ret_arg)
{
	*ret_arg = l;
	return &l->w->ops;
}

const char *
link_outlet(const struct link *l)
{
	(void)l;
	return "outlet_test";
}

struct signal_context *
link_signal_context(struct link *l)
{
	return l->w->signal;
}

struct messaging *
link_messaging(struct link *l)
{
	return l->m;
}

struct media_net *
link_media_net(struct link *l)
{
	return l->w->media;
}

void
link_named(struct link *l)
{
	(void)l;
}

int64_t
link_server_now(const struct link *l)
{
	(void)l;
	return SERVER_TIME;
}

void
link_account_refused(struct link *l, unsigned code)
{
	l->refusals[l->n_refusals++ % 8] = code;
}

void
link_enter(struct link *l)
{
	(void)l;
}

void
link_exit(struct link *l)
{
	(void)l;
}

void
link_fail(struct link *l, enum link_end end, const char *detail)
{
	(void)end;
	assert_non_null(detail);
	l->failures++;
}

/* -- what comes up -- */

static struct seen *
world_seen(struct link *l, enum seen_kind kind, const char *id)
{
	struct seen *s = &l->seen[l->n_seen++];

	assert_true(l->n_seen < EVENTS_MAX);
	memset(s, 0, sizeof(*s));
	s->kind = kind;
	(void)snprintf(s->id, sizeof(s->id), "%s", id);
	return s;
}

static void
world_on_message(void *arg, const struct link_message *m)
{
	struct seen *s = world_seen(arg, SEEN_MESSAGE, m->id);

	(void)snprintf(s->text, sizeof(s->text), "%s", m->text != NULL ? m->text : "");
	(void)snprintf(s->type, sizeof(s->type), "%s", m->kind);
	(void)snprintf(s->phone, sizeof(s->phone), "%s", m->phone != NULL ? m->phone : "");
	(void)jid_format(&m->chat, s->chat);
	s->from_me = m->from_me;
}

static void
world_on_receipt(void *arg, const char *id, enum link_receipt kind, int64_t t)
{
	assert_true(t > 0);
	world_seen(arg, SEEN_RECEIPT, id)->result = kind;
}

static void
world_on_sent(void *arg, void *send_arg, enum link_sent result, unsigned code)
{
	struct seen *s = world_seen(arg, SEEN_SENT, send_arg);

	s->result = result;
	s->code = code;
}

static void
world_on_retry(void *arg, uint64_t token, const char *id)
{
	struct link *l = arg;
	const struct wa_content content = {.kind = WA_CONTENT_TEXT, .text = l->w->retry_text};

	assert_non_null(id);
	messaging_retry_content(l->m, token,
	    l->w->retry_phone_of != NULL ? l->w->retry_phone_of(id) : l->w->retry_phone,
	    content.text != NULL ? &content : NULL);
}

/* -- parties -- */

TEST_UNUSED static void
world_begin(struct world *w)
{
	memset(w, 0, sizeof(*w));
	w->base = event_base_new();
	assert_int_equal(wa_signal_context_new(&w->signal), 0);
	TAILQ_INIT(&w->queue);
	TAILQ_INIT(&w->log);
	w->ops = (struct link_ops){.message = world_on_message,
	    .receipt = world_on_receipt,
	    .sent = world_on_sent,
	    .retry = world_on_retry};
}

static void
world_clear(struct stanza_items *list)
{
	struct stanza_item *i;

	while ((i = TAILQ_FIRST(list)) != NULL) {
		TAILQ_REMOVE(list, i, entry);
		node_free(&i->node);
		free(i);
	}
}

TEST_UNUSED static void
world_forget_log(struct world *w)
{
	world_clear(&w->log);
}

TEST_UNUSED static void
world_end(struct world *w)
{
	for (size_t i = 0; i < w->n_parties; i++) {
		messaging_free(&w->parties[i].m);
		memory_keydb_done(&w->parties[i].db);
		credentials_done(&w->parties[i].credentials);
		node_free(&w->parties[i].prekeys);
	}
	world_clear(&w->queue);
	world_clear(&w->log);
	media_net_free(&w->media);
	if (w->media_http != NULL)
		evhttp_free(w->media_http);
	wa_signal_context_free(&w->signal);
	event_base_free(w->base);
}

TEST_UNUSED static struct link *
world_party(struct world *w, const char *phone, const char *lid, unsigned device)
{
	static const uint8_t account[] = {1, 2, 3};
	struct link *l = &w->parties[w->n_parties++];

	assert_true(w->n_parties <= PARTIES_MAX);
	l->w = w;
	memory_keydb_init(&l->db, w->base);
	assert_int_equal(credentials_generate(&l->credentials), 0);
	l->credentials.own = jid_make(JID_SERVER_PN, phone, device);
	l->credentials.own_lid = jid_make(JID_SERVER_LID, lid, device);
	l->credentials.paired = true;
	l->credentials.account = xmemdup(account, sizeof(account));
	l->credentials.account_len = sizeof(account);
	l->m = messaging_new(l);
	messaging_open(l->m);
	l->prekeys = node_new("list", NULL);
	messaging_make_prekeys(l->m, 20, l->prekeys);
	l->next_prekey = node_first(l->prekeys);
	key_cache_commit(l->m->keys, NULL, NULL);
	memory_keydb_run(&l->db);
	return l;
}

/* The process stops and starts again over what is on disk. */
TEST_UNUSED static void
world_restart(struct link *l)
{
	messaging_free(&l->m);
	memory_keydb_crash(&l->db);
	l->n_seen = 0;
	l->m = messaging_new(l);
	messaging_open(l->m);
}

static struct link *
world_find(struct world *w, const struct jid *jid)
{
	for (size_t i = 0; i < w->n_parties; i++)
		if (jid_equal(&w->parties[i].credentials.own, jid) ||
		    jid_equal(&w->parties[i].credentials.own_lid, jid))
			return &w->parties[i];
	return NULL;
}

static struct link *
world_find_user(struct world *w, const struct jid *user)
{
	for (size_t i = 0; i < w->n_parties; i++)
		if (jid_same_user(&w->parties[i].credentials.own, user) ||
		    jid_same_user(&w->parties[i].credentials.own_lid, user))
			return &w->parties[i];
	return NULL;
}

/* -- the server -- */

static void
world_usync_user(struct world *w, const struct node *asked, bool contact, struct node *list)
{
	struct jid jid = {0};
	struct node *user, *devices;
	struct link *any;
	const char *text = NULL;
	size_t len;

	w->asked_users++;
	if (contact) {
		text = (const char *)node_data(node_find(asked, "contact"), &len);
		assert_non_null(text);
		assert_true(text[0] == '+' && strstr(text, "@c.us") != NULL);
		jid = jid_make(JID_SERVER_PN, "", 0);
		memcpy(jid.user, text + 1, len - strlen("+@c.us"));
	} else {
		assert_int_equal(node_get_jid(asked, "jid", &jid), 0);
	}
	any = world_find_user(w, &jid);
	if (any == NULL || any->gone) {
		if (contact)
			node_text(node_child(node_child(list, "user", NULL), "contact", "type",
				      "out", NULL),
			    text);
		return;
	}
	user = node_child(list, "user", NULL);
	if (contact) {
		const struct jid lid = jid_without_device(&any->credentials.own_lid);

		node_set_jid(user, "jid", jid_is_none(&lid) ? &jid : &lid);
		node_set_jid(user, "pn_jid", &jid);
		node_text(node_child(user, "contact", "type", "in", NULL), text);
		return;
	}
	node_set_jid(user, "jid", &jid);
	devices = node_child(node_child(user, "devices", NULL), "device-list", NULL);
	for (size_t i = 0; i < w->n_parties; i++) {
		struct link *l = &w->parties[i];
		struct node *device;

		if (!jid_same_user(&l->credentials.own, &any->credentials.own) || l->unlisted)
			continue;
		device = node_child(devices, "device", NULL);
		node_set_int(device, "id", l->credentials.own.device);
		if (l->credentials.own.device != 0 && !l->no_key_index)
			node_set(device, "key-index", "1");
	}
	if (!w->hide_lids && !jid_is_none(&any->credentials.own_lid)) {
		const struct jid lid = jid_without_device(&any->credentials.own_lid);

		node_set_jid(node_child(user, "lid", NULL), "val", &lid);
	}
}

static struct node *
world_usync(struct world *w, const struct node *iq)
{
	const struct node *usync = node_find(iq, "usync");
	const bool contact = node_find(node_find(usync, "query"), "contact") != NULL;
	struct node *answer = node_new("iq", "type", "result", NULL);
	struct node *list = node_child(node_child(answer, "usync", NULL), "list", NULL);

	w->usyncs++;
	w->contact_usyncs += contact;
	for (const struct node *u = node_first(node_find(usync, "list")); u != NULL;
	     u = node_next(u))
		world_usync_user(w, u, contact, list);
	return answer;
}

static void
world_copy_bytes(const struct node *from, const char *tag, struct node *to)
{
	size_t len;
	const uint8_t *data = node_data(node_find(from, tag), &len);

	node_bytes(node_child(to, tag, NULL), data, len);
}

TEST_UNUSED static void
world_bundle(struct link *l, struct node *user)
{
	const struct credentials *c = &l->credentials;
	const uint8_t type = 5, id[3] = {0, 0, (uint8_t)c->signed_prekey_id};
	const uint8_t registration[4] = {
	    0, 0, (uint8_t)(c->registration_id >> 8), (uint8_t)c->registration_id};
	uint8_t signature[CURVE_SIGNATURE_LEN];
	struct node *skey, *key;

	memcpy(signature, c->signed_prekey_sig, sizeof(signature));
	signature[5] ^= l->bad_signature;
	node_bytes(node_child(user, "registration", NULL), registration, 4);
	node_bytes(node_child(user, "type", NULL), &type, 1);
	node_bytes(node_child(user, "identity", NULL), c->identity.pub, 32);
	if (l->next_prekey != NULL) {
		key = node_child(user, "key", NULL);
		world_copy_bytes(l->next_prekey, "id", key);
		world_copy_bytes(l->next_prekey, "value", key);
		l->next_prekey = node_next(l->next_prekey);
	}
	skey = node_child(user, "skey", NULL);
	node_bytes(node_child(skey, "id", NULL), id, 3);
	node_bytes(node_child(skey, "value", NULL), c->signed_prekey.pub, 32);
	node_bytes(node_child(skey, "signature", NULL), signature, sizeof(signature));
}

static struct node *
world_bundles(struct world *w, const struct node *iq)
{
	struct node *answer = node_new("iq", "type", "result", NULL);
	struct node *list = node_child(answer, "list", NULL);

	w->bundles++;
	for (const struct node *u = node_first(node_find(iq, "key")); u != NULL; u = node_next(u)) {
		struct node *user = node_child(list, "user", NULL);
		struct link *l;
		struct jid jid;

		w->asked_bundles++;
		assert_int_equal(node_get_jid(u, "jid", &jid), 0);
		node_set_jid(user, "jid", &jid);
		l = world_find(w, &jid);
		if (l == NULL || l->no_bundle)
			(void)node_child(user, "error", "code", "404", NULL);
		else
			world_bundle(l, user);
	}
	return answer;
}

static void
world_answer_iq(struct world *w, struct stanza_item *i)
{
	struct node *answer = NULL;

	if (!w->mute && w->iq_error != 0) {
		char code[16];

		(void)snprintf(code, sizeof(code), "%u", w->iq_error);
		answer = node_new("iq", "type", "error", NULL);
		(void)node_child(answer, "error", "code", code, NULL);
	} else if (!w->mute && node_get_is(i->node, "xmlns", "usync")) {
		answer = world_usync(w, i->node);
	} else if (!w->mute && node_get_is(i->node, "xmlns", "encrypt")) {
		answer = world_bundles(w, i->node);
	} else if (!w->mute && node_get_is(i->node, "xmlns", "w:m")) {
		answer = node_new("iq", "type", "result", NULL);
		(void)node_child(node_child(answer, "media_conn", "auth", "x", NULL), "host",
		    "hostname", w->media_host, NULL);
	} else if (!w->mute) {
		w->other_iqs++;
		answer = node_new("iq", "type", "result", NULL);
	}
	i->cb(i->arg, answer);
	node_free(&answer);
}

static struct node *
world_inbound(
    struct link *from, const struct node *message, const struct node *enc, struct link *to)
{
	struct node *out = node_new(
	    "message", "id", node_get(message, "id"), "type", "text", "notify", "Somebody", NULL);
	const struct jid own = jid_without_device(&from->credentials.own);
	struct node *copy;
	const uint8_t *data;
	struct jid jid;
	size_t len;

	node_set_jid(out, "from", &from->credentials.own_lid);
	node_set_int(out, "t", SERVER_TIME);
	if (jid_same_user(&from->credentials.own, &to->credentials.own)) {
		assert_int_equal(node_get_jid(message, "to", &jid), 0);
		node_set_jid(out, "recipient", &jid);
		if (node_get_jid(message, "peer_recipient_pn", &jid) == 0)
			node_set_jid(out, "peer_recipient_pn", &jid);
	} else {
		node_set_jid(out, "sender_pn", &own);
	}
	copy = node_child(out, "enc", "v", node_get(enc, "v"), "type", node_get(enc, "type"),
	    "count", node_get(enc, "count"), NULL);
	data = node_data(enc, &len);
	node_bytes(copy, data, len);
	return out;
}

static void
world_deliver(struct world *w, struct link *from, const struct node *message,
    const struct node *enc, const struct jid *to)
{
	struct link *l = world_find(w, to);
	struct node *in;

	if (l == NULL || l->offline)
		return;
	in = world_inbound(from, message, enc, l);
	messaging_message(l->m, in);
	node_free(&in);
}

static void
world_route_message(struct world *w, struct link *from, const struct node *message)
{
	const struct node *participants = node_find(message, "participants");
	struct node *ack = node_new(
	    "ack", "class", "message", "id", node_get(message, "id"), "phash", w->ack_phash, NULL);
	bool refused = false;
	struct jid to;

	if (w->ack_errors > 0) {
		w->ack_errors--;
		refused = true;
		node_set_int(ack, "error", w->ack_error);
	}
	for (const struct node *p = node_first(participants); p != NULL && !refused;
	     p = node_next(p)) {
		assert_int_equal(node_get_jid(p, "jid", &to), 0);
		world_deliver(w, from, message, node_find(p, "enc"), &to);
	}
	if (participants == NULL && node_get_jid(message, "to", &to) == 0 && !refused)
		world_deliver(w, from, message, node_find(message, "enc"), &to);
	if (!w->drop_acks)
		messaging_message_ack(from->m, ack);
	node_free(&ack);
}

static void
world_route_receipt(struct world *w, struct link *from, const struct node *receipt)
{
	struct node *out = node_dup(receipt);
	struct link *l = NULL;
	struct jid to;

	if (node_get_jid(receipt, "to", &to) == 0)
		l = world_find(w, &to);
	node_set_jid(out, "from", &from->credentials.own_lid);
	if (l != NULL && !l->offline)
		messaging_receipt(l->m, out);
	node_free(&out);
}

/* One stanza; false: none is waiting. */
static bool
world_serve(struct world *w)
{
	struct stanza_item *i;

	TAILQ_FOREACH(i, &w->queue, entry)
	if (!w->hold_messages || !node_is(i->node, "message"))
		break;
	if (i == NULL)
		return false;
	TAILQ_REMOVE(&w->queue, i, entry);
	if (i->cb != NULL)
		world_answer_iq(w, i);
	else if (node_is(i->node, "message"))
		world_route_message(w, i->from, i->node);
	else if (node_is(i->node, "receipt"))
		world_route_receipt(w, i->from, i->node);
	node_free(&i->node);
	free(i);
	return true;
}

TEST_UNUSED static void
world_run(struct world *w)
{
	do {
		for (size_t i = 0; i < w->n_parties; i++)
			event_active(w->parties[i].db.pump, EV_TIMEOUT, 0);
		(void)event_base_loop(w->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
	} while (world_serve(w));
}

/* -- what is looked for afterwards -- */

/* The nth (from 0) stanza with this tag that `l` wrote and, if given, attribute. */
TEST_UNUSED static const struct node *
world_written(const struct link *l, const char *tag, const char *key, const char *value, size_t n)
{
	const struct stanza_item *i;

	TAILQ_FOREACH(i, &l->w->log, entry)
	if (i->from == l && node_is(i->node, tag) &&
	    (key == NULL || node_get_is(i->node, key, value)) && n-- == 0)
		return i->node;
	return NULL;
}

TEST_UNUSED static const struct seen *
world_saw(const struct link *l, enum seen_kind kind, const char *id)
{
	for (size_t i = 0; i < l->n_seen; i++)
		if (l->seen[i].kind == kind && strcmp(l->seen[i].id, id) == 0)
			return &l->seen[i];
	return NULL;
}

/* The same; the test fails when there is none. */
TEST_UNUSED static const struct seen *
world_see(const struct link *l, enum seen_kind kind, const char *id)
{
	static const struct seen none;
	const struct seen *s = world_saw(l, kind, id);

	assert_non_null(s);
	return s != NULL ? s : &none;
}

TEST_UNUSED static size_t
world_count(const struct link *l, enum seen_kind kind)
{
	size_t n = 0;

	for (size_t i = 0; i < l->n_seen; i++)
		n += l->seen[i].kind == kind;
	return n;
}

/* The id doubles as the send's argument. */
TEST_UNUSED static void
world_send(struct link *l, const char *id, const char *phone, const char *text)
{
	char *arg;

	memcpy(&arg, &id, sizeof(arg));
	messaging_send(
	    l->m, id, phone, &(struct wa_content){.kind = WA_CONTENT_TEXT, .text = text}, arg);
}

TEST_UNUSED static void
world_expect_sent(const struct link *l, const char *id, enum link_sent result, unsigned code)
{
	const struct seen *s = world_see(l, SEEN_SENT, id);

	assert_int_equal(s->result, result);
	assert_int_equal(s->code, code);
}

TEST_UNUSED static void
world_expect_message(const struct link *l, const char *id, const char *text)
{
	const struct seen *s = world_see(l, SEEN_MESSAGE, id);

	assert_string_equal(s->text, text);
}

#endif
