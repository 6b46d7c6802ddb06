/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a phone writes: one message for all devices of the other account and, as a copy, for the
 * companions of its own; and once more for one device that could not read it (PROTOCOL sections 10
 * and 10.1).
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "common/wa/message.h"
#include "common/wa/plain.h"
#include "common/xalloc.h"
#include "tests/sim/media.h"
#include "tests/sim/phone_internal.h"

#define RESEND_COUNT_MAX 9 /* of one device; a tenth is dropped, as clients do */

/* -- one device ----------------------------------------------------------------------------- */

/* A session with the device, made from its bundle when there is none. */
int
phone_session_ensure(struct phone *p, const struct jid *device, bool fresh)
{
	struct peer_bundle bundle;
	struct node *user;
	uint32_t registration_id;
	int r;

	if (!fresh && phone_knows(p, device, &registration_id))
		return 0;
	user = account_bundle(p->sim, device);
	if (user == NULL || peer_bundle_read(user, &bundle) != 0)
		r = SG_ERR_INVALID_KEY;
	else
		r = phone_meet(p, device, &bundle);
	if (user != NULL)
		node_free(&user);
	return r;
}

/* An <enc> under `parent`. */
int
phone_enc_write(struct phone *p, const struct jid *device, const struct buf *plain,
    const char *mediatype, struct node *parent, struct node **ret_enc)
{
	struct buf padded = BUF_INIT(PHONE_STANZA_MAX), sealed = BUF_INIT(PHONE_STANZA_MAX);
	const char *type = NULL;
	int r;

	buf_add(&padded, plain->data, plain->len);
	plain_pad(&padded);
	r = phone_encrypt(p, device, &padded, &type, &sealed);
	if (r == 0) {
		*ret_enc =
		    node_child(parent, "enc", "v", "2", "type", type, "mediatype", mediatype, NULL);
		node_bytes(*ret_enc, sealed.data, sealed.len);
	}
	buf_done_secret(&padded);
	buf_done(&sealed);
	return r;
}

static bool
device_write(struct phone *p, const struct jid *device, const struct buf *plain,
    const char *mediatype, struct node *participants, struct node **ret_enc)
{
	struct node *to;
	int r = phone_session_ensure(p, device, false);

	if (r == 0) {
		to = node_child(participants, "to", NULL);
		node_set_jid(to, "jid", device);
		r = phone_enc_write(p, device, plain, mediatype, to, ret_enc);
	}
	if (r != 0) {
		char text[JID_TEXT_MAX];

		log_warn("phone.skipped", LOG_STR("device", jid_format(device, text)),
		    LOG_INT("error", r));
	}
	return r == 0;
}

/* -- remembering ------------------------------------------------------------------------------ */

static void
sent_drop(struct phone *p, struct phone_sent *m)
{
	STAILQ_REMOVE(&p->sent, m, phone_sent, entry);
	p->sent_count--;
	wa_content_free(&m->content);
	free(m);
}

static struct phone_sent *
sent_find(struct phone *p, const char *id)
{
	struct phone_sent *m;

	STAILQ_FOREACH(m, &p->sent, entry)
	if (strcmp(m->id, id) == 0)
		return m;
	return NULL;
}

static struct phone_sent *
sent_add(struct phone *p, struct account *to, const char *id, const struct wa_content *content)
{
	struct phone_sent *m = sent_find(p, id), *oldest = STAILQ_FIRST(&p->sent);
	size_t len = strlen(id) + 1;

	if (m != NULL)
		sent_drop(p, m);
	else if (p->sent_count == PHONE_SENT_MAX && oldest != NULL)
		sent_drop(p, oldest);
	m = xcalloc(1, sizeof(*m) + len);
	m->to = to;
	m->at = time(NULL);
	m->content = wa_content_copy(content);
	memcpy(m->id, id, len);
	STAILQ_INSERT_TAIL(&p->sent, m, entry);
	p->sent_count++;
	return m;
}

void
phone_send_done(struct phone *p)
{
	while (!STAILQ_EMPTY(&p->sent))
		sent_drop(p, STAILQ_FIRST(&p->sent));
}

/* The Message for devices of the receiver, or the copy for own ones. */
static void
plain_write(const struct phone_sent *m, bool copy, struct buf *out)
{
	const struct jid chat = account_lid(m->to, 0);
	struct buf inner = BUF_INIT(PHONE_STANZA_MAX);
	char text[JID_TEXT_MAX];

	if (wa_content_encode(m->content, copy ? &inner : out, NULL) != 0)
		abort(); /* phone_send has seen to that */
	if (copy)
		wa_message_write_device_sent(jid_format(&chat, text), inner.data, inner.len, out);
	buf_done_secret(&inner);
}

/* -- sending ------------------------------------------------------------------------------------
 */

/* All devices of the account but this phone itself; how many can read it. */
static unsigned
account_write(
    struct phone *p, struct account *a, const struct phone_sent *m, struct node *participants)
{
	struct buf plain = BUF_INIT(PHONE_STANZA_MAX);
	unsigned devices[SIM_DEVICES_MAX], written = 0;
	size_t n = account_devices(a, devices);
	struct node *enc;

	plain_write(m, a == p->account, &plain);
	for (size_t i = 0; i < n; i++) {
		const struct jid device = account_lid(a, devices[i]);

		if (a != p->account || devices[i] != 0)
			written += device_write(p, &device, &plain,
			    wa_content_mediatype(m->content), participants, &enc);
	}
	buf_done_secret(&plain);
	return written;
}

/* Can be written, for whomever. */
static bool
is_whole(const struct wa_content *content)
{
	struct buf b = BUF_INIT(PHONE_STANZA_MAX / 2);
	const bool ok = wa_content_encode(content, &b, NULL) == 0 && buf_ok(&b);

	buf_done_secret(&b);
	return ok;
}

int
phone_send_text(struct phone *p, struct account *to, const char *id, const char *text, char *ret_id,
    size_t id_size)
{
	const struct wa_content content = {.kind = WA_CONTENT_TEXT, .text = text};

	return phone_send(p, to, id, &content, ret_id, id_size);
}

int
phone_send(struct phone *p, struct account *to, const char *id, const struct wa_content *content,
    char *ret_id, size_t id_size)
{
	const struct jid self = account_lid(p->account, 0), chat = account_lid(to, 0);
	const struct jid chat_pn = account_pn(to, 0);
	struct node *stanza, *participants;
	char made[MESSAGE_ID_LEN + 1];
	struct phone_sent *m;
	unsigned written;

	if (!is_whole(content))
		return -1;
	if (id == NULL) {
		plain_message_id(time(NULL), account_phone(p->account), NULL, made);
		id = made;
	}
	if (strlen(id) >= id_size)
		return -1;
	m = sent_add(p, to, id, content);
	if (wa_content_is_file(content->kind))
		media_note(sim_media(p->sim), m->id, content);
	stanza = node_new("message", "id", m->id, "type", wa_content_type(content), NULL);
	node_set_jid(stanza, "to", &chat);
	node_set_jid(stanza, "peer_recipient_pn", &chat_pn);
	participants = node_child(stanza, "participants", NULL);
	written = account_write(p, to, m, participants);
	if (written == 0) {
		node_free(&stanza);
		sent_drop(p, m);
		return -1;
	}
	if (to != p->account)
		account_write(p, p->account, m, participants);
	memcpy(ret_id, m->id, strlen(m->id) + 1);
	sim_submit(p->sim, &self, stanza);
	return 0;
}

/* -- any bytes ----------------------------------------------------------------------------------
 */

/* One byte in the middle is another. */
static void
spoil_enc(struct node *enc)
{
	size_t len = 0;
	const uint8_t *data = node_data(enc, &len);
	uint8_t *copy = xmemdup(data, len);

	copy[len - len / 4] ^= 0x55;
	node_bytes(enc, copy, len);
	free(copy);
}

bool
phone_peer_write(struct phone *p, unsigned device, const char *id, const struct buf *message)
{
	const struct jid self = account_lid(p->account, 0), to = account_lid(p->account, device);
	struct node *stanza =
			node_new("message", "id", id, "type", "text", "category", "peer", NULL),
		    *enc;

	node_set_jid(stanza, "to", &to);
	if (phone_session_ensure(p, &to, false) != 0 ||
	    phone_enc_write(p, &to, message, NULL, stanza, &enc) != 0) {
		node_free(&stanza);
		return false;
	}
	sim_submit(p->sim, &self, stanza);
	return true;
}

static bool
bytes_write(struct phone *p, struct account *to, const char *id, const struct buf *message,
    const struct wa_content *content, bool spoil)
{
	const struct jid self = account_lid(p->account, 0), chat = account_lid(to, 0);
	const char *type = content != NULL ? wa_content_type(content) : "text";
	const char *mediatype = content != NULL ? wa_content_mediatype(content) : NULL;
	struct node *stanza = node_new("message", "id", id, "type", type, NULL);
	struct node *participants = node_child(stanza, "participants", NULL);
	unsigned devices[SIM_DEVICES_MAX], written = 0;
	const size_t n = account_devices(to, devices);

	node_set_jid(stanza, "to", &chat);
	for (size_t i = 0; i < n; i++) {
		const struct jid device = account_lid(to, devices[i]);
		struct node *enc = NULL;

		if (to != p->account || devices[i] != 0)
			written += device_write(p, &device, message, mediatype, participants, &enc);
		if (spoil && enc != NULL)
			spoil_enc(enc);
	}
	if (written > 0)
		sim_submit(p->sim, &self, stanza);
	else
		node_free(&stanza);
	return written > 0;
}

int
phone_send_bytes(struct phone *p, struct account *to, const char *id, const struct buf *message,
    enum phone_bytes how, char *ret_id, size_t id_size)
{
	const bool peer = how == PHONE_BYTES_PEER;
	unsigned devices[SIM_DEVICES_MAX], written = 0;
	struct wa_content *content = NULL;
	char made[MESSAGE_ID_LEN + 1];

	if (id == NULL) {
		plain_message_id(time(NULL), account_phone(p->account), NULL, made);
		id = made;
	}
	if (strlen(id) >= id_size || message->len > PHONE_STANZA_MAX / 2)
		return -1;
	memcpy(ret_id, id, strlen(id) + 1);
	if (!peer && wa_content_decode(message->data, message->len, &content) == 0 &&
	    how != PHONE_BYTES_LOST)
		(void)sent_add(p, to, ret_id, content);
	if (!peer)
		written = bytes_write(p, to, ret_id, message, content, how != PHONE_BYTES_WHOLE);
	wa_content_free(&content);
	if (!peer)
		return written > 0 ? 0 : -1;
	for (size_t i = account_devices(p->account, devices); i-- > 0;)
		if (devices[i] != 0)
			written += phone_peer_write(p, devices[i], ret_id, message);
	return written > 0 ? 0 : -1;
}

/* -- sending again ---------------------------------------------------------------------------- */

/* A session that the asking device can follow: from the keys it sent, or a fresh bundle. */
int
phone_session_renew(
    struct phone *p, const struct jid *device, const struct node *receipt, int64_t count)
{
	struct peer_bundle bundle;
	uint32_t registration_id;

	if (node_find(receipt, "keys") != NULL && peer_bundle_read(receipt, &bundle) == 0)
		return phone_meet(p, device, &bundle);
	return phone_session_ensure(
	    p, device, count >= PHONE_ASK_KEYS || !phone_knows(p, device, &registration_id));
}

static void
resend_to(struct phone *p, const struct phone_sent *m, const struct jid *from,
    const struct jid *device, const struct node *receipt, int64_t count)
{
	const struct jid self = phone_self(p, from);
	struct buf plain = BUF_INIT(PHONE_STANZA_MAX);
	struct node *stanza = node_new("message", "id", m->id, "type", wa_content_type(m->content),
			"device_fanout", "false", NULL),
		    *enc;
	bool own = account_by_jid(p->sim, from) == p->account;
	struct jid chat;

	node_set_jid(stanza, "to", from);
	node_set_int(stanza, "t", m->at);
	if (node_get_jid(receipt, "recipient", &chat) == 0)
		node_set_jid(stanza, "recipient", &chat);
	plain_write(m, own, &plain);
	if (phone_session_renew(p, device, receipt, count) == 0 &&
	    phone_enc_write(p, device, &plain, wa_content_mediatype(m->content), stanza, &enc) ==
		0) {
		node_set_int(enc, "count", count);
		sim_submit(p->sim, &self, stanza);
	} else {
		log_warn("phone.resend", LOG_PHONE("phone", account_phone(p->account)),
		    LOG_STR("id", m->id), LOG_STR("reason", "no session"));
		node_free(&stanza);
	}
	buf_done_secret(&plain);
}

void
phone_resend(struct phone *p, const struct node *receipt)
{
	const char *id = node_get(receipt, "id");
	struct phone_sent *m = id != NULL ? sent_find(p, id) : NULL;
	struct account *a;
	struct jid from, device;
	int64_t count;

	if (m == NULL && phone_resend_group(p, receipt))
		return;
	if (m == NULL || node_get_jid(receipt, "from", &from) != 0 ||
	    (a = account_by_jid(p->sim, &from)) == NULL || (a != m->to && a != p->account))
		return;
	if (node_get_int(node_find(receipt, "retry"), "count", &count) != 0 || count < 1)
		count = 1;
	if (count > RESEND_COUNT_MAX || m->resends++ >= PHONE_RESENDS_MAX)
		return;
	device = account_lid(a, from.device);
	resend_to(p, m, &from, &device, receipt, count);
}
