/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A Message as a content: message.c takes the wrappers off, one reader for each kind borrows from
 * the unpacked protobuf, and the copy at the end is what is handed out. What a message quotes is
 * looked into one level deep.
 */
#include <stdlib.h>
#include <string.h>

#include "common/wa/content_private.h"
#include "common/wa/message.h"
#include "common/wa/utf8.h"
#include "wa.pb-c.h"

struct reading {
	struct wa_content c;
	const Wa__ContextInfo *context;
	struct buf cards; /* several vCards put together */
};

static struct wa_bytes
bytes_of(protobuf_c_boolean has, ProtobufCBinaryData data, size_t max)
{
	if (!has || data.len > max)
		return (struct wa_bytes){0};
	return (struct wa_bytes){data.data, data.len};
}

/* -1, and nothing set: not of that length. */
static int
copy_exact(protobuf_c_boolean has, ProtobufCBinaryData data, uint8_t *to, size_t len)
{
	if (!has || data.len != len)
		return -1;
	memcpy(to, data.data, len);
	return 0;
}

/* The fields have the same names in every message of a file. */
#define READ_MEDIA(r, m)                                                                      \
	do {                                                                                  \
		struct wa_media_ref *ref = &(r)->c.media;                                     \
		bool whole = (m)->direct_path != NULL && (m)->direct_path[0] == '/';          \
                                                                                              \
		whole &= copy_exact((m)->has_media_key, (m)->media_key, ref->media_key,       \
			     WA_MEDIA_KEY_LEN) == 0;                                          \
		whole &= copy_exact((m)->has_file_sha256, (m)->file_sha256, ref->file_sha256, \
			     WA_MEDIA_HASH_LEN) == 0;                                         \
		whole &= copy_exact((m)->has_file_enc_sha256, (m)->file_enc_sha256,           \
			     ref->file_enc_sha256, WA_MEDIA_HASH_LEN) == 0;                   \
		ref->url = (m)->url;                                                          \
		ref->direct_path = (m)->direct_path;                                          \
		ref->length = (m)->file_length;                                               \
		ref->key_time = (m)->media_key_timestamp;                                     \
		if (!whole)                                                                   \
			*ref = (struct wa_media_ref){0};                                      \
		(r)->c.mimetype = (m)->mimetype;                                              \
		(r)->context = (m)->context_info;                                             \
	} while (0)

/* -- the kinds: false, when it is none of it ------------------------------------------- */

static bool
read_text(struct reading *r, const Wa__Message *m)
{
	const Wa__ExtendedTextMessage *e = m->extended_text_message;

	r->c.kind = WA_CONTENT_TEXT;
	if (m->conversation != NULL) {
		r->c.text = m->conversation;
		return true;
	}
	if (e == NULL)
		return false;
	r->c.text = e->text;
	r->c.link.matched = e->matched_text;
	r->c.link.title = e->title;
	r->c.link.description = e->description;
	r->c.thumbnail =
	    bytes_of(e->has_jpeg_thumbnail, e->jpeg_thumbnail, WA_CONTENT_THUMBNAIL_MAX);
	r->context = e->context_info;
	return true;
}

static bool
read_image(struct reading *r, const Wa__Message *m)
{
	const Wa__ImageMessage *i = m->image_message;

	if (i == NULL)
		return false;
	r->c.kind = WA_CONTENT_IMAGE;
	READ_MEDIA(r, i);
	r->c.text = i->caption;
	r->c.width = i->width;
	r->c.height = i->height;
	r->c.view_once = i->view_once;
	r->c.thumbnail =
	    bytes_of(i->has_jpeg_thumbnail, i->jpeg_thumbnail, WA_CONTENT_THUMBNAIL_MAX);
	return true;
}

/* Also the round ones. */
static bool
read_video(struct reading *r, const Wa__Message *m)
{
	const Wa__VideoMessage *v = m->video_message != NULL ? m->video_message : m->ptv_message;

	if (v == NULL)
		return false;
	r->c.kind = v->gif_playback ? WA_CONTENT_GIF : WA_CONTENT_VIDEO;
	READ_MEDIA(r, v);
	r->c.text = v->caption;
	r->c.seconds = v->seconds;
	r->c.width = v->width;
	r->c.height = v->height;
	r->c.view_once = v->view_once;
	r->c.thumbnail =
	    bytes_of(v->has_jpeg_thumbnail, v->jpeg_thumbnail, WA_CONTENT_THUMBNAIL_MAX);
	return true;
}

static bool
read_audio(struct reading *r, const Wa__Message *m)
{
	const Wa__AudioMessage *a = m->audio_message;

	if (a == NULL)
		return false;
	r->c.kind = a->ptt ? WA_CONTENT_VOICE : WA_CONTENT_AUDIO;
	READ_MEDIA(r, a);
	r->c.seconds = a->seconds;
	r->c.waveform = bytes_of(a->has_waveform, a->waveform, WA_CONTENT_WAVEFORM_MAX);
	return true;
}

static bool
read_document(struct reading *r, const Wa__Message *m)
{
	const Wa__DocumentMessage *d = m->document_message;

	if (d == NULL)
		return false;
	r->c.kind = WA_CONTENT_DOCUMENT;
	READ_MEDIA(r, d);
	r->c.text = d->caption;
	r->c.file_name = d->file_name != NULL ? d->file_name : d->title;
	r->c.pages = d->page_count;
	r->c.thumbnail =
	    bytes_of(d->has_jpeg_thumbnail, d->jpeg_thumbnail, WA_CONTENT_THUMBNAIL_MAX);
	return true;
}

static bool
read_sticker(struct reading *r, const Wa__Message *m)
{
	const Wa__StickerMessage *s = m->sticker_message;

	if (s == NULL)
		return false;
	r->c.kind = WA_CONTENT_STICKER;
	READ_MEDIA(r, s);
	r->c.width = s->width;
	r->c.height = s->height;
	r->c.animated = s->is_animated;
	return true;
}

static bool
read_location(struct reading *r, const Wa__Message *m)
{
	const Wa__LocationMessage *l = m->location_message;

	if (l == NULL)
		return false;
	r->c.kind = WA_CONTENT_LOCATION;
	r->c.location.latitude = l->degrees_latitude;
	r->c.location.longitude = l->degrees_longitude;
	r->c.location.name = l->name;
	r->c.location.address = l->address;
	r->c.thumbnail =
	    bytes_of(l->has_jpeg_thumbnail, l->jpeg_thumbnail, WA_CONTENT_THUMBNAIL_MAX);
	r->context = l->context_info;
	return true;
}

static bool
read_contact(struct reading *r, const Wa__Message *m)
{
	const Wa__ContactMessage *card = m->contact_message;
	const Wa__ContactsArrayMessage *several = m->contacts_array_message;

	r->c.kind = WA_CONTENT_CONTACT;
	if (card != NULL) {
		r->c.contact.name = card->display_name;
		r->c.contact.vcard = card->vcard;
		r->context = card->context_info;
		return true;
	}
	if (several == NULL)
		return false;
	for (size_t i = 0; i < several->n_contacts; i++)
		if (several->contacts[i]->vcard != NULL)
			buf_addf(&r->cards, "%s%s", i > 0 ? "\n" : "", several->contacts[i]->vcard);
	r->c.contact.name = several->display_name;
	r->c.contact.vcard = buf_str(&r->cards);
	r->context = several->context_info;
	return true;
}

static bool (*const readers[])(struct reading *r, const Wa__Message *m) = {read_text, read_image,
    read_video, read_audio, read_document, read_sticker, read_location, read_contact};

/* -- all of it ------------------------------------------------------------------------ */

/* *ret_text is what the quoted one said: the caller frees it. */
static void
read_context(struct reading *r, char **ret_text)
{
	const Wa__ContextInfo *x = r->context;
	enum wa_message_kind kind;

	if (x == NULL)
		return;
	r->c.expiration = x->expiration;
	r->c.quoted.id = x->stanza_id;
	if (x->stanza_id == NULL)
		return;
	r->c.quoted.participant = x->participant;
	if (x->has_quoted_message &&
	    wa_message_text(x->quoted_message.data, x->quoted_message.len, &kind, ret_text) == 0)
		r->c.quoted.text = *ret_text;
}

/* Strangers write what they like: valid UTF-8 goes out, and nothing empty. */
static struct wa_content *
cleaned(struct wa_content *c)
{
	char *clean[WA_CONTENT_STRINGS] = {0};
	struct wa_content *copy;

	for (size_t i = 0; i < WA_CONTENT_STRINGS; i++) {
		const char **s = wa_content_string(c, i);

		if (*s != NULL && (*s)[0] != '\0')
			clean[i] = utf8_clean_copy(*s);
		*s = clean[i];
	}
	copy = wa_content_copy(c);
	for (size_t i = 0; i < WA_CONTENT_STRINGS; i++)
		free(clean[i]);
	return copy;
}

static int
read_innermost(const Wa__Message *m, struct wa_content **ret)
{
	struct reading r = {.cards = BUF_INIT(MESSAGE_BYTES_MAX)};
	char *quoted = NULL;
	bool found = false;

	for (size_t i = 0; !found && i < sizeof(readers) / sizeof(readers[0]); i++)
		found = readers[i](&r, m);
	if (found) {
		read_context(&r, &quoted);
		*ret = cleaned(&r.c);
	}
	free(quoted);
	buf_done(&r.cards);
	return found ? 0 : -1;
}

int
wa_content_decode(const void *data, size_t len, struct wa_content **ret)
{
	struct wa_message message;
	Wa__Message *m;
	int r = -1;

	if (wa_message_read(data, len, &message) != 0)
		return -1;
	m = wa__message__unpack(NULL, message.body.len, message.body.data);
	if (m != NULL && read_innermost(m, ret) == 0) {
		(*ret)->view_once |= message.view_once;
		r = 0;
	}
	if (m != NULL)
		wa__message__free_unpacked(m, NULL);
	wa_message_done(&message);
	return r;
}
