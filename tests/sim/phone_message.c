/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages that come to a phone. Each ends in exactly one of three ways: it was read (recorded,
 * receipts sent), it had come before (counted, receipts sent again), or it is asked for once more
 * with a retry receipt (PROTOCOL section 10.1), as happens for as many as `retries` says on
 * purpose.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/wa/message.h"
#include "common/wa/plain.h"
#include "common/xalloc.h"
#include "tests/sim/media.h"
#include "tests/sim/phone_internal.h"
#include "tests/sim/record.h"

#define ERROR_ADV (SG_ERR_MINIMUM - 1) /* beside libsignal's errors: who wrote may not */

/* A message on its way in; everything is borrowed from the stanza. */
struct mail {
	const struct node *stanza, *enc;
	const char *id;
	struct jid from;	 /* as it came */
	struct jid sender;	 /* its LID: the Signal address */
	struct jid chat;	 /* of a companion's copy, as the stanza says */
	struct account *account; /* the sender's */
	bool own, peer, prekey;
};

static void
mail_violation(const struct phone *p, const struct mail *m, const char *rule, const char *what)
{
	record_violation(sim_record(p->sim), account_phone(m->account), m->from.device, rule,
	    "message %s to %s: %s", m->id, account_phone(p->account), what);
}

/* -- asking again --------------------------------------------------------------------------- */

static struct phone_awaited *
awaited_find(struct phone *p, const struct mail *m)
{
	struct phone_awaited *a;

	STAILQ_FOREACH(a, &p->awaited, entry)
	if (strcmp(a->id, m->id) == 0 && jid_equal(&a->from, &m->sender))
		return a;
	return NULL;
}

static void
awaited_drop(struct phone *p, struct phone_awaited *a)
{
	STAILQ_REMOVE(&p->awaited, a, phone_awaited, entry);
	p->awaited_count--;
	free(a);
}

static struct phone_awaited *
awaited_get(struct phone *p, const struct mail *m)
{
	struct phone_awaited *a = awaited_find(p, m);
	size_t len = strlen(m->id) + 1;

	if (a != NULL)
		return a;
	if (p->awaited_count == PHONE_AWAITED_MAX)
		awaited_drop(p, STAILQ_FIRST(&p->awaited));
	a = xcalloc(1, sizeof(*a) + len);
	a->from = m->sender;
	memcpy(a->id, m->id, len);
	STAILQ_INSERT_TAIL(&p->awaited, a, entry);
	p->awaited_count++;
	return a;
}

void
phone_message_done(struct phone *p)
{
	while (!STAILQ_EMPTY(&p->awaited))
		awaited_drop(p, STAILQ_FIRST(&p->awaited));
}

/* libsignal's errors as the retry receipt says them (PROTOCOL section 10.1). */
static int
retry_error(int signal_error)
{
	static const struct {
		int signal, retry;
	} errors[] = {
	    {SG_ERR_NO_SESSION, 1},
	    {SG_ERR_INVALID_KEY, 2},
	    {SG_ERR_INVALID_KEY_ID, 3},
	    {SG_ERR_INVALID_MESSAGE, 4},
	    {SG_ERR_VRF_SIG_VERIF_FAILED, 5},
	    {SG_ERR_INVALID_MAC, 7},
	    {SG_ERR_STALE_KEY_EXCHANGE, 8},
	};

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].signal == signal_error)
			return errors[i].retry;
	return 0;
}

static struct node *
retry_receipt(struct phone *p, const struct mail *m, unsigned count, int error)
{
	const uint32_t id = phone_registration_id(p);
	const uint8_t bytes[4] = {
	    (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};
	struct node *n = node_new("receipt", "id", m->id, "type", "retry", NULL), *retry;

	node_set_jid(n, "to", &m->from);
	if (!jid_is_none(&m->chat))
		node_set_jid(n, "recipient", &m->chat);
	if (m->peer)
		node_set(n, "category", "peer");
	retry = node_child(n, "retry", "id", m->id, "t", node_get(m->stanza, "t"), "v", "1", NULL);
	node_set_int(retry, "count", count);
	if (error != 0)
		node_set_int(retry, "error", error);
	node_bytes(node_child(n, "registration", NULL), bytes, sizeof(bytes));
	if (count >= PHONE_ASK_KEYS)
		phone_keys_write(p, node_child(n, "keys", NULL));
	return n;
}

static void
ask_again(struct phone *p, const struct mail *m, int signal_error)
{
	const struct jid self = phone_self(p, &m->from);
	struct phone_awaited *a = awaited_get(p, m);
	unsigned count = ++a->asked;

	if (count > PHONE_ASK_MAX) {
		awaited_drop(p, a);
		mail_violation(p, m, "undecryptable", "still not to be read after all retries");
		return;
	}
	log_debug("phone.retry", LOG_PHONE("phone", account_phone(p->account)),
	    LOG_STR("id", m->id), LOG_INT("count", count), LOG_INT("error", signal_error));
	sim_submit(p->sim, &self, retry_receipt(p, m, count, retry_error(signal_error)));
}

/* -- reading ---------------------------------------------------------------------------------- */

static void
send_receipts(struct phone *p, const struct mail *m)
{
	if (p->receipts == PHONE_RECEIPTS_NONE)
		return;
	if (m->peer)
		phone_receipt(p, m->id, &m->from, "peer_msg", NULL);
	else if (m->own)
		phone_receipt(p, m->id, &m->from, "sender", &m->chat);
	else {
		phone_receipt(p, m->id, &m->from, NULL, NULL);
		if (p->receipts == PHONE_RECEIPTS_READ)
			phone_receipt(p, m->id, &m->from, "read", NULL);
	}
}

/* The number of the chat that a companion's copy names; NULL when it names none. */
static const char *
chat_of(struct phone *p, const struct mail *m, const struct wa_message *read)
{
	struct account *a;
	struct jid chat;

	if (read->destination == NULL) {
		if (m->own && !m->peer)
			mail_violation(p, m, "device_sent", "own copy without deviceSentMessage");
		return NULL;
	}
	if (!m->own) {
		mail_violation(p, m, "device_sent", "deviceSentMessage to somebody else");
		return NULL;
	}
	if (jid_parse(read->destination, &chat) != 0 ||
	    (a = account_by_jid(p->sim, &chat)) == NULL) {
		mail_violation(p, m, "device_sent", "destinationJID is nobody's");
		return NULL;
	}
	return account_phone(a);
}

/* What stanza and <enc> say of it must be what it is. */
static void
check_names(const struct phone *p, const struct mail *m, const struct wa_content *c)
{
	const char *mediatype = wa_content_mediatype(c), *told = node_get(m->enc, "mediatype");

	/* Clients differ on links with a card. */
	if (c->kind == WA_CONTENT_TEXT && (told == NULL || strcmp(told, "url") == 0))
		mediatype = told;
	if (!node_get_is(m->stanza, "type", wa_content_type(c)) ||
	    (told == NULL) != (mediatype == NULL) || (told != NULL && strcmp(told, mediatype) != 0))
		mail_violation(p, m, "mediatype", "type or mediatype is not what it holds");
}

/* JSON; NULL: of a kind without content. */
static char *
content_of(struct phone *p, const struct mail *m, const struct wa_message *read)
{
	struct wa_content *c;
	const char *wrong;
	char *json;

	if (wa_content_decode(read->body.data, read->body.len, &c) != 0)
		return NULL;
	json = phone_content_json(p, c, &wrong);
	if (wrong != NULL)
		mail_violation(p, m, "media", wrong);
	check_names(p, m, c);
	if (wa_content_is_file(c->kind))
		media_note(sim_media(p->sim), m->id, c);
	wa_content_free(&c);
	return json;
}

static void
mail_record(struct phone *p, const struct mail *m, const struct wa_message *read)
{
	char *content = content_of(p, m, read);
	char from_jid[JID_TEXT_MAX];
	const struct record_message row = {.id = m->id,
	    .to = account_phone(p->account),
	    .from = account_phone(m->account),
	    .from_jid = jid_format(&m->from, from_jid),
	    .chat = chat_of(p, m, read),
	    .kind = wa_message_kind_name(read->kind),
	    .text = read->text,
	    .enc_type = m->prekey ? "pkmsg" : "msg",
	    .content = content,
	    .own = m->own,
	    .device_sent = read->destination != NULL};

	if (!record_message_add(sim_record(p->sim), &row))
		mail_violation(p, m, "id_reused", "another text came under this id before");
	free(content);
}

static void
mail_housekeeping(struct phone *p, const struct mail *m, const struct wa_message *read)
{
	const char *wrong = phone_kept_asked(p, &m->from, m->id, read);

	if (wrong != NULL)
		mail_violation(p, m, "placeholder", wrong);
}

static void
mail_read(struct phone *p, const struct mail *m, const struct buf *plain)
{
	struct phone_awaited *awaited = awaited_find(p, m);
	struct wa_message read;
	size_t len;

	if (awaited != NULL)
		awaited_drop(p, awaited);
	if (plain_unpad(plain->data, plain->len, &len) != 0)
		mail_violation(p, m, "padding", "the plaintext's padding is wrong");
	else if (wa_message_read(plain->data, len, &read) != 0)
		mail_violation(p, m, "protobuf", "the plaintext is no Message");
	else {
		mail_record(p, m, &read);
		if (m->peer)
			mail_housekeeping(p, m, &read);
		wa_message_done(&read);
		send_receipts(p, m);
	}
}

/* Whether a companion that starts a session may do so. 0, or what to ask again with. */
static int
mail_check(struct phone *p, const struct mail *m, const uint8_t identity[CURVE_KEY_LEN])
{
	const char *wrong;

	if (!m->prekey || m->from.device == 0)
		return 0;
	wrong = phone_adv_check(account_device0(m->account), m->from.device, m->stanza, identity);
	if (wrong == NULL)
		return 0;
	mail_violation(p, m, "device_identity", wrong);
	return ERROR_ADV;
}

static void
mail_open(struct phone *p, const struct mail *m)
{
	uint8_t identity[CURVE_KEY_LEN] = {0};
	struct buf plain = BUF_INIT(MESSAGE_BYTES_MAX + 16);
	size_t len;
	const uint8_t *data = node_data(m->enc, &len);
	int r = data == NULL ? SG_ERR_INVALID_PROTO_BUF
			     : phone_decrypt(p, &m->sender, m->prekey, data, len, identity, &plain);

	if (r == SG_ERR_INVALID_PROTO_BUF)
		mail_violation(p, m, "ciphertext", "not what its type says");
	if (r == 0)
		r = mail_check(p, m, identity);
	if (r == 0)
		mail_read(p, m, &plain);
	else if (r == SG_ERR_DUPLICATE_MESSAGE) {
		record_message_repeat(sim_record(p->sim), m->id, account_phone(p->account),
		    account_phone(m->account));
		send_receipts(p, m);
	} else
		ask_again(p, m, r);
	buf_done_secret(&plain);
}

/* The one enc that is for this device; NULL when there is none that a phone reads. */
static const struct node *
enc_find(const struct node *stanza)
{
	for (const struct node *n = node_first(stanza); n != NULL; n = node_next(n))
		if (node_is(n, "enc") &&
		    (node_get_is(n, "type", "pkmsg") || node_get_is(n, "type", "msg")))
			return n;
	return NULL;
}

static int
mail_init(struct phone *p, const struct node *stanza, struct mail *ret)
{
	struct mail m = {.stanza = stanza, .enc = enc_find(stanza), .id = node_get(stanza, "id")};

	if (m.id == NULL || m.enc == NULL || node_get_jid(stanza, "from", &m.from) != 0 ||
	    (m.account = account_by_jid(p->sim, &m.from)) == NULL)
		return -1;
	m.sender = account_lid(m.account, m.from.device);
	m.own = m.account == p->account;
	m.peer = m.own && node_get_is(stanza, "category", "peer");
	m.prekey = node_get_is(m.enc, "type", "pkmsg");
	if (node_get_jid(stanza, "recipient", &m.chat) != 0)
		m.chat = (struct jid){0};
	*ret = m;
	return 0;
}

void
phone_message_in(struct phone *p, const struct node *stanza)
{
	struct mail m;

	if (mail_init(p, stanza, &m) != 0) {
		log_debug("phone.ignored", LOG_PHONE("phone", account_phone(p->account)),
		    LOG_STR("id", node_get(stanza, "id")));
		return;
	}
	if (!node_get_is(m.enc, "v", "2"))
		mail_violation(p, &m, "enc_version", "enc is not v=2");
	if (p->retries > 0 && !m.peer) {
		p->retries--;
		ask_again(p, &m, 0);
	} else
		mail_open(p, &m);
}
