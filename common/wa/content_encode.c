/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A content as a Message: one writer for each kind, chosen from a table. A plain text is a
 * conversation; as soon as it has a card, answers something or disappears, it needs the longer
 * form.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"
#include "common/wa/content.h"
#include "common/wa/message.h"
#include "common/xalloc.h"
#include "wa.pb-c.h"

/* protobuf-c has no const in its structs, and does not write to what it packs. */
static char *
lent(const char *s)
{
	return (char *)(uintptr_t)s;
}

static ProtobufCBinaryData
lent_bytes(const uint8_t *data, size_t len)
{
	return (ProtobufCBinaryData){len, (uint8_t *)(uintptr_t)data};
}

#define SET(m, field, value)                     \
	do {                                     \
		(m)->has_##field = (value) != 0; \
		(m)->field = (value);            \
	} while (0)
#define SET_BYTES(m, field, bytes, n)                          \
	do {                                                   \
		(m)->has_##field = (n) > 0;                    \
		(m)->field = lent_bytes((bytes), (size_t)(n)); \
	} while (0)
#define SET_CONTEXT(m, context) ((m)->context_info = (context)->used ? &(context)->info : NULL)

/* What every file message says of its file, under the same names. */
#define SET_MEDIA(m, c)                                                                           \
	do {                                                                                      \
		(m)->url = lent((c)->media.url);                                                  \
		(m)->direct_path = lent((c)->media.direct_path);                                  \
		(m)->mimetype =                                                                   \
		    lent((c)->mimetype != NULL ? (c)->mimetype : wa_content_mimetype((c)->kind)); \
		SET_BYTES(m, file_sha256, (c)->media.file_sha256, WA_MEDIA_HASH_LEN);             \
		SET_BYTES(m, file_enc_sha256, (c)->media.file_enc_sha256, WA_MEDIA_HASH_LEN);     \
		SET_BYTES(m, media_key, (c)->media.media_key, WA_MEDIA_KEY_LEN);                  \
		(m)->has_file_length = 1;                                                         \
		(m)->file_length = (c)->media.length;                                             \
		SET(m, media_key_timestamp, (c)->media.key_time);                                 \
	} while (0)

struct context {
	Wa__ContextInfo info;
	struct buf quoted;
	bool used;
};

static void
context_init(struct context *x, const struct wa_content *c)
{
	*x =
	    (struct context){.info = WA__CONTEXT_INFO__INIT, .quoted = BUF_INIT(MESSAGE_BYTES_MAX)};
	x->used = c->quoted.id != NULL || c->expiration != 0;
	SET(&x->info, expiration, c->expiration);
	if (c->quoted.id == NULL)
		return;
	x->info.stanza_id = lent(c->quoted.id);
	x->info.participant = lent(c->quoted.participant);
	wa_message_write_text(c->quoted.text != NULL ? c->quoted.text : "", &x->quoted);
	SET_BYTES(&x->info, quoted_message, x->quoted.data, x->quoted.len);
}

static void
pack(const Wa__Message *m, struct buf *out)
{
	const size_t len = wa__message__get_packed_size(m);
	uint8_t *bytes = xmalloc(len);

	(void)wa__message__pack(m, bytes);
	buf_add(out, bytes, len);
	free(bytes);
}

/* -- the kinds ---------------------------------------------------------------------- */

static void
write_text(const struct wa_content *c, struct context *x, struct buf *out)
{
	Wa__Message m = WA__MESSAGE__INIT;
	Wa__ExtendedTextMessage e = WA__EXTENDED_TEXT_MESSAGE__INIT;

	if (!x->used && c->link.matched == NULL) {
		wa_message_write_text(c->text, out);
		return;
	}
	e.text = lent(c->text);
	SET_CONTEXT(&e, x);
	if (c->link.matched != NULL) {
		e.matched_text = lent(c->link.matched);
		e.title = lent(c->link.title);
		e.description = lent(c->link.description);
		SET_BYTES(&e, jpeg_thumbnail, c->thumbnail.data, c->thumbnail.len);
	}
	m.extended_text_message = &e;
	pack(&m, out);
}

static void
write_image(const struct wa_content *c, struct context *x, struct buf *out)
{
	Wa__Message m = WA__MESSAGE__INIT;
	Wa__ImageMessage i = WA__IMAGE_MESSAGE__INIT;

	SET_MEDIA(&i, c);
	SET_CONTEXT(&i, x);
	i.caption = lent(c->text);
	SET(&i, width, c->width);
	SET(&i, height, c->height);
	SET_BYTES(&i, jpeg_thumbnail, c->thumbnail.data, c->thumbnail.len);
	m.image_message = &i;
	pack(&m, out);
}

static void
write_video(const struct wa_content *c, struct context *x, struct buf *out)
{
	Wa__Message m = WA__MESSAGE__INIT;
	Wa__VideoMessage v = WA__VIDEO_MESSAGE__INIT;

	SET_MEDIA(&v, c);
	SET_CONTEXT(&v, x);
	v.caption = lent(c->text);
	SET(&v, seconds, c->seconds);
	SET(&v, width, c->width);
	SET(&v, height, c->height);
	SET(&v, gif_playback, c->kind == WA_CONTENT_GIF);
	SET_BYTES(&v, jpeg_thumbnail, c->thumbnail.data, c->thumbnail.len);
	m.video_message = &v;
	pack(&m, out);
}

static void
write_audio(const struct wa_content *c, struct context *x, struct buf *out)
{
	Wa__Message m = WA__MESSAGE__INIT;
	Wa__AudioMessage a = WA__AUDIO_MESSAGE__INIT;

	SET_MEDIA(&a, c);
	SET_CONTEXT(&a, x);
	SET(&a, seconds, c->seconds);
	SET(&a, ptt, c->kind == WA_CONTENT_VOICE);
	SET_BYTES(&a, waveform, c->waveform.data, c->waveform.len);
	m.audio_message = &a;
	pack(&m, out);
}

/* Official clients show a document's caption only from inside this wrapper. */
static void
write_document(const struct wa_content *c, struct context *x, struct buf *out)
{
	Wa__Message m = WA__MESSAGE__INIT, outer = WA__MESSAGE__INIT;
	Wa__DocumentMessage d = WA__DOCUMENT_MESSAGE__INIT;
	Wa__FutureProofMessage wrapper = WA__FUTURE_PROOF_MESSAGE__INIT;
	struct buf inner = BUF_INIT(MESSAGE_BYTES_MAX);

	SET_MEDIA(&d, c);
	SET_CONTEXT(&d, x);
	d.title = d.file_name = lent(c->file_name);
	d.caption = lent(c->text);
	SET(&d, page_count, c->pages);
	SET_BYTES(&d, jpeg_thumbnail, c->thumbnail.data, c->thumbnail.len);
	m.document_message = &d;
	if (c->text == NULL) {
		pack(&m, out);
		return;
	}
	pack(&m, &inner);
	SET_BYTES(&wrapper, message, inner.data, inner.len);
	outer.document_with_caption_message = &wrapper;
	pack(&outer, out);
	buf_done_secret(&inner);
}

static void
write_sticker(const struct wa_content *c, struct context *x, struct buf *out)
{
	Wa__Message m = WA__MESSAGE__INIT;
	Wa__StickerMessage s = WA__STICKER_MESSAGE__INIT;

	SET_MEDIA(&s, c);
	SET_CONTEXT(&s, x);
	SET(&s, width, c->width);
	SET(&s, height, c->height);
	SET(&s, is_animated, c->animated);
	m.sticker_message = &s;
	pack(&m, out);
}

static void
write_location(const struct wa_content *c, struct context *x, struct buf *out)
{
	Wa__Message m = WA__MESSAGE__INIT;
	Wa__LocationMessage l = WA__LOCATION_MESSAGE__INIT;

	SET_CONTEXT(&l, x);
	l.has_degrees_latitude = l.has_degrees_longitude = 1;
	l.degrees_latitude = c->location.latitude;
	l.degrees_longitude = c->location.longitude;
	l.name = lent(c->location.name);
	l.address = lent(c->location.address);
	SET_BYTES(&l, jpeg_thumbnail, c->thumbnail.data, c->thumbnail.len);
	m.location_message = &l;
	pack(&m, out);
}

static void
write_contact(const struct wa_content *c, struct context *x, struct buf *out)
{
	Wa__Message m = WA__MESSAGE__INIT;
	Wa__ContactMessage card = WA__CONTACT_MESSAGE__INIT;

	SET_CONTEXT(&card, x);
	card.display_name = lent(c->contact.name);
	card.vcard = lent(c->contact.vcard);
	m.contact_message = &card;
	pack(&m, out);
}

/* -- what a kind must have ------------------------------------------------------------ */

static const char *
lacks_text(const struct wa_content *c)
{
	return c->text == NULL ? "a text message has a text" : NULL;
}

static const char *
lacks_file(const struct wa_content *c)
{
	if (!wa_content_has_media(c) || c->media.url == NULL)
		return "the file has not been uploaded";
	return NULL;
}

static const char *
lacks_place(const struct wa_content *c)
{
	const double lat = c->location.latitude, lon = c->location.longitude;

	if (!isfinite(lat) || !isfinite(lon) || lat < -90 || lat > 90 || lon < -180 || lon > 180)
		return "latitude is between -90 and 90, longitude between -180 and 180";
	return NULL;
}

static const char *
lacks_card(const struct wa_content *c)
{
	if (c->contact.name == NULL || c->contact.vcard == NULL)
		return "a contact has a name and a vCard";
	return NULL;
}

static const struct kind {
	void (*write)(const struct wa_content *c, struct context *x, struct buf *out);
	const char *(*lacks)(const struct wa_content *c);
} kinds[WA_CONTENT_KIND_COUNT] = {
    [WA_CONTENT_TEXT] = {write_text, lacks_text},
    [WA_CONTENT_IMAGE] = {write_image, lacks_file},
    [WA_CONTENT_VIDEO] = {write_video, lacks_file},
    [WA_CONTENT_GIF] = {write_video, lacks_file},
    [WA_CONTENT_AUDIO] = {write_audio, lacks_file},
    [WA_CONTENT_VOICE] = {write_audio, lacks_file},
    [WA_CONTENT_DOCUMENT] = {write_document, lacks_file},
    [WA_CONTENT_STICKER] = {write_sticker, lacks_file},
    [WA_CONTENT_LOCATION] = {write_location, lacks_place},
    [WA_CONTENT_CONTACT] = {write_contact, lacks_card},
};

static bool
fits(const char *s, size_t max)
{
	const size_t len = s != NULL ? strnlen(s, max + 1) : 0;

	if (len > max)
		return false;
	for (size_t i = 0, step; i < len; i += step)
		if ((step = utf8_sequence((const unsigned char *)s + i, len - i)) == 0)
			return false;
	return true;
}

static const char *
refusal_of(const struct wa_content *c)
{
	const char *const shorts[] = {c->link.matched, c->link.title, c->link.description,
	    c->media.url, c->media.direct_path, c->mimetype, c->file_name, c->location.name,
	    c->location.address, c->contact.name, c->quoted.id, c->quoted.participant};

	if ((unsigned)c->kind >= WA_CONTENT_KIND_COUNT)
		return "there is no such kind of message";
	if (!fits(c->text, WA_CONTENT_TEXT_MAX) || !fits(c->quoted.text, WA_CONTENT_TEXT_MAX))
		return "a text is UTF-8 of at most 65536 bytes";
	if (!fits(c->contact.vcard, WA_CONTENT_VCARD_MAX))
		return "a vCard is UTF-8 of at most 65536 bytes";
	for (size_t i = 0; i < sizeof(shorts) / sizeof(shorts[0]); i++)
		if (!fits(shorts[i], WA_CONTENT_STRING_MAX))
			return "names, titles and addresses are UTF-8 of at most 4096 bytes";
	if (c->thumbnail.len > WA_CONTENT_THUMBNAIL_MAX)
		return "a thumbnail has at most 65536 bytes";
	if (c->waveform.len > WA_CONTENT_WAVEFORM_MAX)
		return "a waveform has at most 256 values";
	return kinds[c->kind].lacks(c);
}

int
wa_content_encode(const struct wa_content *c, struct buf *out, const char **ret_why)
{
	const char *why = refusal_of(c);
	struct context x;

	if (why != NULL) {
		if (ret_why != NULL)
			*ret_why = why;
		return -1;
	}
	context_init(&x, c);
	kinds[c->kind].write(c, &x, out);
	buf_done_secret(&x.quoted);
	return 0;
}
