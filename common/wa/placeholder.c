/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes the request and reads the answer. Neither looks into the message that comes back: that is
 * done where messages are read. What is not asked for here (histories, stickers, link previews) is
 * passed over.
 */
#include "common/wa/placeholder.h"

#include <stdlib.h>

#include "common/wa/message.h"
#include "common/xalloc.h"
#include "wa.pb-c.h"

#define TYPE_PLACEHOLDER_RESEND 4 /* PeerDataOperationRequestType */

void
placeholder_write_request(const char *chat, bool from_me, const char *id, struct buf *out)
{
	Wa__MessageKey key = WA__MESSAGE_KEY__INIT;
	Wa__PlaceholderMessageResendRequest one = WA__PLACEHOLDER_MESSAGE_RESEND_REQUEST__INIT;
	Wa__PlaceholderMessageResendRequest *all[] = {&one};
	Wa__PeerDataOperationRequestMessage request = WA__PEER_DATA_OPERATION_REQUEST_MESSAGE__INIT;
	Wa__ProtocolMessage protocol = WA__PROTOCOL_MESSAGE__INIT;
	Wa__Message m = WA__MESSAGE__INIT;
	uint8_t *bytes;
	size_t len;

	key.remote_jid = xstrdup(chat);
	key.has_from_me = 1;
	key.from_me = from_me;
	key.id = xstrdup(id);
	one.message_key = &key;
	request.has_peer_data_operation_request_type = 1;
	request.peer_data_operation_request_type = TYPE_PLACEHOLDER_RESEND;
	request.n_placeholder_message_resend_request = 1;
	request.placeholder_message_resend_request = all;
	protocol.has_type = 1;
	protocol.type = WA_PROTOCOL_PEER_DATA_OPERATION_REQUEST;
	protocol.peer_data_operation_request_message = &request;
	m.protocol_message = &protocol;
	len = wa__message__get_packed_size(&m);
	bytes = xmalloc(len);
	(void)wa__message__pack(&m, bytes);
	buf_add(out, bytes, len);
	free(bytes);
	free(key.remote_jid);
	free(key.id);
}

static void
read_result(const ProtobufCBinaryData *bytes,
    void (*each)(void *arg, const struct placeholder_result *result), void *arg)
{
	Wa__WebMessageInfo *info = wa__web_message_info__unpack(NULL, bytes->len, bytes->data);
	struct placeholder_result r = {0};

	if (info == NULL)
		return;
	if (info->key != NULL && info->key->id != NULL && info->has_message) {
		r.id = info->key->id;
		r.chat = info->key->remote_jid;
		r.push_name = info->push_name;
		if (info->has_message_timestamp && info->message_timestamp <= INT32_MAX)
			r.timestamp = (int64_t)info->message_timestamp;
		r.message = info->message.data;
		r.len = info->message.len;
		each(arg, &r);
	}
	wa__web_message_info__free_unpacked(info, NULL);
}

int
placeholder_read_answer(const void *data, size_t len,
    void (*each)(void *arg, const struct placeholder_result *result), void *arg)
{
	Wa__PeerDataOperationRequestResponseMessage *answer =
	    wa__peer_data_operation_request_response_message__unpack(NULL, len, data);

	if (answer == NULL)
		return -1;
	for (size_t i = 0; i < answer->n_peer_data_operation_result && i < PLACEHOLDER_RESULTS_MAX;
	     i++) {
		const Wa__PlaceholderMessageResendResponse *r =
		    answer->peer_data_operation_result[i]->placeholder_message_resend_response;

		if (r != NULL && r->has_web_message_info_bytes)
			read_result(&r->web_message_info_bytes, each, arg);
	}
	wa__peer_data_operation_request_response_message__free_unpacked(answer, NULL);
	return 0;
}
