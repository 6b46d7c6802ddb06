/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What a phone has and its companions may ask it for, since they did not get it or could not read
 * it (PROTOCOL sections 11 and 13, placeholder resend). It has what a test says.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/log.h"
#include "common/wa/plain.h"
#include "common/xalloc.h"
#include "tests/sim/phone_internal.h"
#include "tests/sim/record.h"
#include "wa.pb-c.h"

#define KEPT_MAX 64
#define TYPE_PLACEHOLDER_RESEND 4

struct phone_kept {
	STAILQ_ENTRY(phone_kept) entry;
	struct account *from;
	uint8_t *message;
	size_t len;
	char id[];
};

static void
kept_drop(struct phone *p, struct phone_kept *k)
{
	STAILQ_REMOVE(&p->kept, k, phone_kept, entry);
	p->kept_count--;
	free(k->message);
	free(k);
}

void
phone_kept_done(struct phone *p)
{
	while (!STAILQ_EMPTY(&p->kept))
		kept_drop(p, STAILQ_FIRST(&p->kept));
}

void
phone_keep(struct phone *p, struct account *from, const char *id, const struct buf *message)
{
	const size_t len = strlen(id) + 1;
	struct phone_kept *k = xcalloc(1, sizeof(*k) + len);

	if (p->kept_count == KEPT_MAX)
		kept_drop(p, STAILQ_FIRST(&p->kept));
	k->from = from;
	k->message = xmemdup(message->data, message->len);
	k->len = message->len;
	memcpy(k->id, id, len);
	STAILQ_INSERT_TAIL(&p->kept, k, entry);
	p->kept_count++;
}

static const struct phone_kept *
kept_find(struct phone *p, const Wa__MessageKey *key)
{
	const struct phone_kept *k;
	struct jid chat;

	if (jid_parse(key->remote_jid, &chat) != 0)
		return NULL;
	STAILQ_FOREACH(k, &p->kept, entry)
	if (strcmp(k->id, key->id) == 0 && k->from == account_by_jid(p->sim, &chat))
		return k;
	return NULL;
}

/* protobuf-c has no const. */
static char *
text(const char *s)
{
	return (char *)(uintptr_t)s;
}

/* A WebMessageInfo. */
static void
info_write(const struct phone_kept *k, struct buf *out)
{
	const struct jid chat = account_lid(k->from, 0);
	char jid[JID_TEXT_MAX];
	Wa__MessageKey key = WA__MESSAGE_KEY__INIT;
	Wa__WebMessageInfo info = WA__WEB_MESSAGE_INFO__INIT;
	uint8_t *bytes;
	size_t len;

	(void)jid_format(&chat, jid);
	key.remote_jid = jid;
	key.has_from_me = 1;
	key.id = text(k->id);
	info.key = &key;
	info.has_message = 1;
	info.message = (ProtobufCBinaryData){k->len, k->message};
	info.has_message_timestamp = 1;
	info.message_timestamp = (uint64_t)time(NULL);
	info.push_name = text(account_push_name(k->from));
	len = wa__web_message_info__get_packed_size(&info);
	bytes = xmalloc(len + 1);
	(void)wa__web_message_info__pack(&info, bytes);
	buf_add(out, bytes, len);
	free(bytes);
}

/* A Message. NULL: the phone does not have it. */
static void
answer_write(const char *request, const struct phone_kept *k, struct buf *out)
{
	struct buf info = BUF_INIT(PHONE_STANZA_MAX / 2), inner = BUF_INIT(PHONE_STANZA_MAX / 2);
	Wa__PlaceholderMessageResendResponse resend = WA__PLACEHOLDER_MESSAGE_RESEND_RESPONSE__INIT;
	Wa__PeerDataOperationResult result = WA__PEER_DATA_OPERATION_RESULT__INIT,
				    *all[] = {&result};
	Wa__PeerDataOperationRequestResponseMessage answer =
	    WA__PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE__INIT;
	Wa__ProtocolMessage protocol = WA__PROTOCOL_MESSAGE__INIT;
	Wa__Message m = WA__MESSAGE__INIT;
	uint8_t *bytes;
	size_t len;

	if (k != NULL) {
		info_write(k, &info);
		resend.has_web_message_info_bytes = 1;
		resend.web_message_info_bytes = (ProtobufCBinaryData){info.len, info.data};
	}
	result.placeholder_message_resend_response = &resend;
	answer.has_peer_data_operation_request_type = 1;
	answer.peer_data_operation_request_type = TYPE_PLACEHOLDER_RESEND;
	answer.stanza_id = text(request);
	answer.n_peer_data_operation_result = 1;
	answer.peer_data_operation_result = all;
	len = wa__peer_data_operation_request_response_message__get_packed_size(&answer);
	bytes = xmalloc(len + 1);
	(void)wa__peer_data_operation_request_response_message__pack(&answer, bytes);
	buf_add(&inner, bytes, len);
	free(bytes);
	protocol.has_type = 1;
	protocol.type = 17;
	protocol.has_peer_data_operation_request_response_message = 1;
	protocol.peer_data_operation_request_response_message =
	    (ProtobufCBinaryData){inner.len, inner.data};
	m.protocol_message = &protocol;
	len = wa__message__get_packed_size(&m);
	bytes = xmalloc(len + 1);
	(void)wa__message__pack(&m, bytes);
	buf_add(out, bytes, len);
	free(bytes);
	buf_done(&inner);
	buf_done(&info);
}

/* What is wrong with a request, or NULL. */
static const char *
request_wrong(const Wa__PeerDataOperationRequestMessage *r)
{
	const Wa__MessageKey *key;

	if (r->n_placeholder_message_resend_request != 1)
		return "not for one message";
	key = r->placeholder_message_resend_request[0]->message_key;
	if (key == NULL || key->id == NULL || key->remote_jid == NULL || !key->has_from_me)
		return "without the message's key";
	return NULL;
}

static const char *
answer_request(struct phone *p, const struct jid *companion, const char *id,
    const Wa__PeerDataOperationRequestMessage *r)
{
	const char *wrong = request_wrong(r);
	struct buf out = BUF_INIT(PHONE_STANZA_MAX);
	char answer_id[MESSAGE_ID_LEN + 1];

	if (wrong != NULL)
		return wrong;
	plain_message_id(time(NULL), account_phone(p->account), NULL, answer_id);
	answer_write(id, kept_find(p, r->placeholder_message_resend_request[0]->message_key), &out);
	phone_peer_write(p, companion->device, answer_id, &out);
	buf_done(&out);
	return NULL;
}

const char *
phone_kept_asked(
    struct phone *p, const struct jid *companion, const char *id, const struct wa_message *read)
{
	const char *wrong = NULL;
	Wa__Message *m = wa__message__unpack(NULL, read->body.len, read->body.data);
	const Wa__PeerDataOperationRequestMessage *r =
	    m != NULL && m->protocol_message != NULL
		? m->protocol_message->peer_data_operation_request_message
		: NULL;

	if (r != NULL && r->peer_data_operation_request_type == TYPE_PLACEHOLDER_RESEND)
		wrong = answer_request(p, companion, id, r);
	if (m != NULL)
		wa__message__free_unpacked(m, NULL);
	return wrong;
}
