/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * message: what a decrypted Message is and says, and the few that we write. Sources: PROTOCOL
 * sections 11 and 13.
 *
 * Bytes here are those of the protobuf, without Signal padding (plain.h). Wrappers (device-sent,
 * ephemeral, view once, edited …) are taken off level by level, at most MESSAGE_DEPTH_MAX of them.
 */
#ifndef COMMON_WA_MESSAGE_H
#define COMMON_WA_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

#define MESSAGE_DEPTH_MAX 8
#define MESSAGE_BYTES_MAX (1u << 20) /* of a Message that we read or write */

enum wa_message_kind {
	WA_MESSAGE_UNKNOWN, /* nothing that we know, e.g. only a sender key or context info */
	WA_MESSAGE_TEXT,
	WA_MESSAGE_IMAGE,
	WA_MESSAGE_VIDEO,
	WA_MESSAGE_AUDIO, /* also voice notes */
	WA_MESSAGE_DOCUMENT,
	WA_MESSAGE_STICKER,
	WA_MESSAGE_LOCATION, /* also live */
	WA_MESSAGE_CONTACT,  /* one or several */
	WA_MESSAGE_REACTION, /* text: the emoji, "" when it was taken back */
	WA_MESSAGE_POLL,
	WA_MESSAGE_PROTOCOL, /* housekeeping: protocol_type says which */
	WA_MESSAGE_OTHER, /* a kind with content that has no name here: buttons, lists, orders … */
	WA_MESSAGE_KIND_COUNT
};

/* "unknown", "text", "image" … as the API and the database spell it. */
const char *wa_message_kind_name(enum wa_message_kind kind);

/* ProtocolMessage.type */
enum wa_protocol_type {
	WA_PROTOCOL_REVOKE = 0,
	WA_PROTOCOL_EPHEMERAL_SETTING = 3,
	WA_PROTOCOL_HISTORY_SYNC_NOTIFICATION = 5,
	WA_PROTOCOL_APP_STATE_SYNC_KEY_SHARE = 6,
	WA_PROTOCOL_APP_STATE_SYNC_KEY_REQUEST = 7,
	WA_PROTOCOL_SECURITY_NOTIFICATION_SETTING_SYNC = 9,
	WA_PROTOCOL_MESSAGE_EDIT = 14,
	WA_PROTOCOL_PEER_DATA_OPERATION_REQUEST = 16,
	WA_PROTOCOL_PEER_DATA_OPERATION_RESPONSE = 17,
	WA_PROTOCOL_LID_MIGRATION_MAPPING_SYNC = 22
};

struct wa_message {
	enum wa_message_kind kind;
	char *text; /* text, caption, place, contact's name or emoji: valid UTF-8; NULL when there
		       is none */
	char *destination; /* the chat, when it was wrapped as sent by another own device; else NULL
			    */
	bool view_once;
	bool ephemeral;
	bool edited;		/* an edit of target_id; kind and text are the new ones */
	uint32_t protocol_type; /* WA_MESSAGE_PROTOCOL: enum wa_protocol_type */
	char *target_id; /* the message that a reaction, revocation or edit means; else NULL */
	bool has_sender_key;
	struct buf body; /* the innermost Message, for wa__message__unpack */
};

/* -1: no Message, or wrapped too deep. *ret is set only on success; free with wa_message_done. */
int wa_message_read(const void *data, size_t len, struct wa_message *ret)
    __attribute__((warn_unused_result));
void wa_message_done(struct wa_message *m);

/* The short of it: kind and text (NULL if none; the caller frees it). -1 as above. */
int wa_message_text(const void *data, size_t len, enum wa_message_kind *ret_kind, char **ret_text)
    __attribute__((warn_unused_result));

/* Message{conversation}, added to out. */
void wa_message_write_text(const char *text, struct buf *out);
/* Message{deviceSentMessage{destinationJID, message}}: what our other devices get of a message to
 * `destination`. */
void wa_message_write_device_sent(
    const char *destination, const void *message, size_t len, struct buf *out);

#endif
