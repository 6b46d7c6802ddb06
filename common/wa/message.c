/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Tells what a Message is and takes the text out of it; writes plain texts. protobuf-c would follow
 * a hostile message's nesting until the stack is gone, so wrappers are bytes in wa.proto and a loop
 * with a limit unpacks them here.
 */
#include "common/wa/message.h"

#include <stdlib.h>
#include <string.h>

#include "common/wa/utf8.h"
#include "common/xalloc.h"
#include "wa.pb-c.h"

static const char *const kind_names[WA_MESSAGE_KIND_COUNT] = {
    [WA_MESSAGE_UNKNOWN] = "unknown",
    [WA_MESSAGE_TEXT] = "text",
    [WA_MESSAGE_IMAGE] = "image",
    [WA_MESSAGE_VIDEO] = "video",
    [WA_MESSAGE_AUDIO] = "audio",
    [WA_MESSAGE_DOCUMENT] = "document",
    [WA_MESSAGE_STICKER] = "sticker",
    [WA_MESSAGE_LOCATION] = "location",
    [WA_MESSAGE_CONTACT] = "contact",
    [WA_MESSAGE_REACTION] = "reaction",
    [WA_MESSAGE_POLL] = "poll",
    [WA_MESSAGE_PROTOCOL] = "protocol",
    [WA_MESSAGE_OTHER] = "other",
};

const char *
wa_message_kind_name(enum wa_message_kind kind)
{
	return (unsigned)kind < WA_MESSAGE_KIND_COUNT ? kind_names[kind]
						      : kind_names[WA_MESSAGE_UNKNOWN];
}

/* -- wrappers --------------------------------------------------------------------- */

/* The wrappers that carry nothing but a Message, in the order in which they are looked for. */
static const struct wrapper {
	size_t offset; /* of a Wa__FutureProofMessage * */
	bool view_once, ephemeral, edited;
} wrappers[] = {
    {offsetof(Wa__Message, bot_invoke_message), false, false, false},
    {offsetof(Wa__Message, ephemeral_message), false, true, false},
    {offsetof(Wa__Message, view_once_message), true, false, false},
    {offsetof(Wa__Message, view_once_message_v2), true, false, false},
    {offsetof(Wa__Message, view_once_message_v2_extension), true, false, false},
    {offsetof(Wa__Message, lottie_sticker_message), false, false, false},
    {offsetof(Wa__Message, document_with_caption_message), false, false, false},
    {offsetof(Wa__Message, edited_message), false, false, true},
};

static const Wa__FutureProofMessage *
wrapped_at(const Wa__Message *m, size_t offset)
{
	const Wa__FutureProofMessage *f;

	memcpy(&f, (const char *)m + offset, sizeof(f));
	return f;
}

static char *
copy_text(const char *text)
{
	return text != NULL && text[0] != '\0' ? utf8_clean_copy(text) : NULL;
}

static void
set_text(char **at, const char *text)
{
	free(*at);
	*at = copy_text(text);
}

/* The Message inside m, noted in ret; NULL when m is the innermost. */
static const ProtobufCBinaryData *
inner_of(const Wa__Message *m, struct wa_message *ret)
{
	const Wa__ProtocolMessage *p = m->protocol_message;

	if (m->device_sent_message != NULL && m->device_sent_message->has_message) {
		set_text(&ret->destination, m->device_sent_message->destination_jid);
		return &m->device_sent_message->message;
	}
	for (size_t i = 0; i < sizeof(wrappers) / sizeof(wrappers[0]); i++) {
		const Wa__FutureProofMessage *f = wrapped_at(m, wrappers[i].offset);

		if (f == NULL || !f->has_message)
			continue;
		ret->view_once |= wrappers[i].view_once;
		ret->ephemeral |= wrappers[i].ephemeral;
		ret->edited |= wrappers[i].edited;
		return &f->message;
	}
	if (p != NULL && p->type == WA_PROTOCOL_MESSAGE_EDIT && p->has_edited_message) {
		ret->edited = true;
		set_text(&ret->target_id, p->key != NULL ? p->key->id : NULL);
		return &p->edited_message;
	}
	return NULL;
}

/* -- kinds ------------------------------------------------------------------------ */

static bool
is_poll(const Wa__Message *m)
{
	return m->has_poll_creation_message || m->has_poll_creation_message_v2 ||
	       m->has_poll_creation_message_v3 || m->has_poll_update_message;
}

static bool
is_other(const Wa__Message *m)
{
	return m->has_call || m->has_template_message || m->has_group_invite_message ||
	       m->has_template_button_reply_message || m->has_product_message ||
	       m->has_list_message || m->has_order_message || m->has_list_response_message ||
	       m->has_buttons_message || m->has_buttons_response_message ||
	       m->has_interactive_message || m->has_interactive_response_message ||
	       m->has_keep_in_chat_message || m->has_enc_reaction_message ||
	       m->has_pin_in_chat_message || m->has_event_message ||
	       m->has_secret_encrypted_message || m->has_album_message;
}

static enum wa_message_kind
read_place_or_person(const Wa__Message *m, const char **ret_text)
{
	if (m->location_message != NULL) {
		*ret_text = m->location_message->name != NULL ? m->location_message->name
							      : m->location_message->address;
		return WA_MESSAGE_LOCATION;
	}
	if (m->has_live_location_message)
		return WA_MESSAGE_LOCATION;
	if (m->contact_message != NULL) {
		*ret_text = m->contact_message->display_name;
		return WA_MESSAGE_CONTACT;
	}
	if (m->contacts_array_message != NULL) {
		*ret_text = m->contacts_array_message->display_name;
		return WA_MESSAGE_CONTACT;
	}
	return WA_MESSAGE_UNKNOWN;
}

static enum wa_message_kind
read_media(const Wa__Message *m, const char **ret_text)
{
	if (m->image_message != NULL) {
		*ret_text = m->image_message->caption;
		return WA_MESSAGE_IMAGE;
	}
	if (m->video_message != NULL) {
		*ret_text = m->video_message->caption;
		return WA_MESSAGE_VIDEO;
	}
	if (m->ptv_message != NULL)
		return WA_MESSAGE_VIDEO;
	if (m->audio_message != NULL)
		return WA_MESSAGE_AUDIO;
	if (m->document_message != NULL) {
		*ret_text = m->document_message->caption != NULL ? m->document_message->caption
								 : m->document_message->file_name;
		return WA_MESSAGE_DOCUMENT;
	}
	if (m->sticker_message != NULL)
		return WA_MESSAGE_STICKER;
	return WA_MESSAGE_UNKNOWN;
}

static void
read_reaction(const Wa__ReactionMessage *r, struct wa_message *ret)
{
	ret->kind = WA_MESSAGE_REACTION;
	ret->text = utf8_clean_copy(r->text != NULL ? r->text : "");
	set_text(&ret->target_id, r->key != NULL ? r->key->id : NULL);
}

static void
read_protocol(const Wa__ProtocolMessage *p, struct wa_message *ret)
{
	ret->kind = WA_MESSAGE_PROTOCOL;
	ret->protocol_type = p->type;
	if (p->key != NULL)
		set_text(&ret->target_id, p->key->id);
}

static void
read_innermost(const Wa__Message *m, struct wa_message *ret)
{
	const char *text = NULL;

	ret->kind = WA_MESSAGE_UNKNOWN;
	if (m->reaction_message != NULL) {
		read_reaction(m->reaction_message, ret);
		return;
	}
	if (m->conversation != NULL || m->extended_text_message != NULL) {
		ret->kind = WA_MESSAGE_TEXT;
		text = m->conversation != NULL ? m->conversation : m->extended_text_message->text;
	}
	if (ret->kind == WA_MESSAGE_UNKNOWN)
		ret->kind = read_media(m, &text);
	if (ret->kind == WA_MESSAGE_UNKNOWN)
		ret->kind = read_place_or_person(m, &text);
	if (ret->kind == WA_MESSAGE_UNKNOWN && is_poll(m))
		ret->kind = WA_MESSAGE_POLL;
	if (ret->kind == WA_MESSAGE_UNKNOWN && m->protocol_message != NULL)
		read_protocol(m->protocol_message, ret);
	if (ret->kind == WA_MESSAGE_UNKNOWN && is_other(m))
		ret->kind = WA_MESSAGE_OTHER;
	ret->text = copy_text(text);
}

/* -- reading ---------------------------------------------------------------------- */

void
wa_message_done(struct wa_message *m)
{
	free(m->text);
	free(m->destination);
	free(m->target_id);
	buf_done(&m->body);
	*m = (struct wa_message){0};
}

/* One level: 1 done, 0 go on with the new ret->body, -1 no Message. */
static int
read_level(struct wa_message *ret)
{
	Wa__Message *m = wa__message__unpack(NULL, ret->body.len, ret->body.data);
	const ProtobufCBinaryData *inner;

	if (m == NULL)
		return -1;
	ret->has_sender_key |= m->sender_key_distribution_message != NULL;
	inner = inner_of(m, ret);
	if (inner == NULL) {
		read_innermost(m, ret);
	} else {
		buf_reset(&ret->body);
		buf_add(&ret->body, inner->data, inner->len);
	}
	wa__message__free_unpacked(m, NULL);
	return inner == NULL ? 1 : 0;
}

int
wa_message_read(const void *data, size_t len, struct wa_message *ret)
{
	struct wa_message m = {0};
	int r = 0;

	if (len > MESSAGE_BYTES_MAX)
		return -1;
	buf_init(&m.body, MESSAGE_BYTES_MAX);
	buf_add(&m.body, data, len);
	for (unsigned depth = 0; r == 0 && depth <= MESSAGE_DEPTH_MAX; depth++)
		r = read_level(&m);
	if (r == 1) {
		*ret = m;
		return 0;
	}
	wa_message_done(&m);
	return -1;
}

int
wa_message_text(const void *data, size_t len, enum wa_message_kind *ret_kind, char **ret_text)
{
	struct wa_message m;

	if (wa_message_read(data, len, &m) != 0)
		return -1;
	*ret_kind = m.kind;
	*ret_text = m.text;
	m.text = NULL;
	wa_message_done(&m);
	return 0;
}

/* -- writing ---------------------------------------------------------------------- */

static void
add_message(const Wa__Message *m, struct buf *out)
{
	const size_t len = wa__message__get_packed_size(m);
	uint8_t *bytes = xmalloc(len);

	(void)wa__message__pack(m, bytes);
	buf_add(out, bytes, len);
	free(bytes);
}

void
wa_message_write_text(const char *text, struct buf *out)
{
	Wa__Message m = WA__MESSAGE__INIT;
	char *copy = xstrdup(text);

	m.conversation = copy;
	add_message(&m, out);
	free(copy);
}

void
wa_message_write_device_sent(
    const char *destination, const void *message, size_t len, struct buf *out)
{
	Wa__Message m = WA__MESSAGE__INIT;
	Wa__DeviceSentMessage sent = WA__DEVICE_SENT_MESSAGE__INIT;
	char *to = xstrdup(destination);
	uint8_t *inner = xmemdup(message, len);

	sent.destination_jid = to;
	sent.has_message = 1;
	sent.message = (ProtobufCBinaryData){len, inner};
	m.device_sent_message = &sent;
	add_message(&m, out);
	free(inner);
	free(to);
}
