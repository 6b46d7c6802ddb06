/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads columns that waconnd itself wrote, and yet takes nothing in them for granted. Sends
 * nothing. */
#include "waconnd/message_content.h"

#include <stdlib.h>
#include <string.h>

#include "common/jsonw.h"
#include "common/media_type.h"
#include "common/phone.h"
#include "common/xalloc.h"

#define FILE_BYTES_MAX (1u << 20)
#define VCARD_BYTES_MAX 8192

static const char *
string_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static uint32_t
number_of(const json_t *object, const char *key)
{
	const json_int_t n = json_integer_value(json_object_get(object, key));

	return n > 0 && n <= UINT32_MAX ? (uint32_t)n : 0;
}

/* -- the parts of the column -- */

static void
read_media(struct message_content *c)
{
	const json_t *media = json_object_get(c->root, "media");

	c->content.mimetype = string_of(media, "mimeType");
	c->content.file_name = string_of(media, "fileName");
	c->content.width = number_of(media, "width");
	c->content.height = number_of(media, "height");
	c->content.seconds = number_of(media, "seconds");
}

static void
read_location(struct message_content *c)
{
	const json_t *place = json_object_get(c->root, "location");

	c->content.location.latitude = json_number_value(json_object_get(place, "latitude"));
	c->content.location.longitude = json_number_value(json_object_get(place, "longitude"));
	c->content.location.name = string_of(place, "name");
	c->content.location.address = string_of(place, "address");
}

/* By RFC 6350, section 3.4. */
static void
add_escaped(struct buf *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n' || *text == '\r') {
			buf_add_str(out, "\\n");
			continue;
		}
		if (strchr("\\,;", *text) != NULL)
			buf_add_u8(out, '\\');
		buf_add_u8(out, (uint8_t)*text);
	}
}

static void
read_contact(struct message_content *c)
{
	const json_t *card = json_object_get(c->root, "contact");
	const char *name = string_of(card, "name"), *phone = string_of(card, "phone");
	struct buf vcard = BUF_INIT(VCARD_BYTES_MAX);

	if (name == NULL || phone == NULL)
		return;
	buf_add_str(&vcard, "BEGIN:VCARD\nVERSION:3.0\nN:;");
	add_escaped(&vcard, name);
	buf_add_str(&vcard, ";;;\nFN:");
	add_escaped(&vcard, name);
	buf_addf(&vcard, "\nTEL;type=CELL;type=VOICE;waid=%s:+%s\nEND:VCARD", phone, phone);
	if (buf_ok(&vcard))
		c->vcard = xstrdup(buf_str(&vcard));
	buf_done(&vcard);
	c->content.contact.name = name;
	c->content.contact.vcard = c->vcard;
}

static void
read_preview(struct message_content *c)
{
	const json_t *card = json_object_get(c->root, "preview");

	c->content.link.matched = string_of(card, "url");
	c->content.link.title = string_of(card, "title");
	c->content.link.description = string_of(card, "description");
}

static void
read_quoted(struct message_content *c)
{
	const json_t *quoted = json_object_get(c->root, "quoted");

	c->content.quoted.id = string_of(quoted, "waId");
	c->content.quoted.participant = string_of(quoted, "participant");
	c->content.quoted.text = string_of(quoted, "text");
}

int
message_content_read(
    const char *kind, const char *text, const char *json, struct message_content *ret)
{
	struct message_content c = {.content = {.kind = WA_CONTENT_TEXT}};

	if (kind == NULL || wa_content_kind_parse(kind, &c.content.kind) < 0)
		return -1;
	if (c.content.kind == WA_CONTENT_TEXT && (text == NULL || text[0] == '\0'))
		return -1;
	c.root = json != NULL ? json_loads(json, 0, NULL) : NULL;
	c.text = text != NULL ? xstrdup(text) : NULL;
	c.content.text = c.text;
	read_media(&c);
	read_location(&c);
	read_contact(&c);
	read_preview(&c);
	read_quoted(&c);
	*ret = c;
	return 0;
}

void
message_content_done(struct message_content *c)
{
	wa_content_free(&c->file);
	json_decref(c->root);
	free(c->text);
	free(c->vcard);
	memset(c, 0, sizeof(*c));
}

const char *
message_content_needs(const struct message_content *c)
{
	if (!wa_content_is_file(c->content.kind) || c->file != NULL)
		return NULL;
	return string_of(json_object_get(c->root, "media"), "id");
}

void
message_content_set_file(struct message_content *c, const struct wa_content *file)
{
	wa_content_free(&c->file);
	c->file = wa_content_copy(file);
	c->content.media = c->file->media;
	c->content.thumbnail = c->file->thumbnail;
	c->content.waveform = c->file->waveform;
	c->content.animated = c->file->animated;
	if (c->file->width > 0) {
		c->content.width = c->file->width;
		c->content.height = c->file->height;
	}
	if (c->file->seconds > 0)
		c->content.seconds = c->file->seconds;
}

/* -- one received, as the column -- */

static void
write_media(struct jsonw *j, const struct wa_content *c)
{
	jsonw_object(j, "media");
	jsonw_str(j, "mimeType", media_type_known(c->mimetype));
	jsonw_int(j, "size", (int64_t)c->media.length);
	if (c->file_name != NULL)
		jsonw_str(j, "fileName", c->file_name);
	if (c->width > 0 && c->height > 0) {
		jsonw_int(j, "width", c->width);
		jsonw_int(j, "height", c->height);
	}
	if (c->seconds > 0)
		jsonw_int(j, "seconds", c->seconds);
	jsonw_object_end(j);
}

static void
write_location(struct jsonw *j, const struct wa_content *c)
{
	jsonw_object(j, "location");
	jsonw_real(j, "latitude", c->location.latitude);
	jsonw_real(j, "longitude", c->location.longitude);
	if (c->location.name != NULL)
		jsonw_str(j, "name", c->location.name);
	if (c->location.address != NULL)
		jsonw_str(j, "address", c->location.address);
	jsonw_object_end(j);
}

/* The number that WhatsApp's own cards name. */
static void
write_contact(struct jsonw *j, const struct wa_content *c)
{
	const char *waid = c->contact.vcard != NULL ? strstr(c->contact.vcard, "waid=") : NULL;
	size_t n = waid != NULL ? strspn(waid + 5, "0123456789") : 0;

	jsonw_object(j, "contact");
	jsonw_str(j, "name", c->contact.name);
	if (n >= PHONE_DIGITS_MIN && n <= PHONE_DIGITS_MAX)
		jsonw_strn(j, "phone", waid + 5, n);
	jsonw_object_end(j);
}

static void
write_text_parts(struct jsonw *j, const struct wa_content *c)
{
	if (c->link.title != NULL) {
		jsonw_object(j, "preview");
		jsonw_str(j, "title", c->link.title);
		jsonw_str(j, "description", c->link.description);
		jsonw_str(j, "url", c->link.matched);
		jsonw_object_end(j);
	}
	if (c->quoted.id != NULL) {
		jsonw_object(j, "quoted");
		jsonw_str(j, "waId", c->quoted.id);
		jsonw_str(j, "participant", c->quoted.participant);
		jsonw_str(j, "text", c->quoted.text);
		jsonw_object_end(j);
	}
}

bool
message_content_write(const struct wa_content *c, struct buf *out)
{
	const size_t before = out->len;
	struct jsonw j;

	jsonw_init(&j, out);
	jsonw_object(&j, NULL);
	if (wa_content_is_file(c->kind))
		write_media(&j, c);
	if (c->kind == WA_CONTENT_LOCATION)
		write_location(&j, c);
	if (c->kind == WA_CONTENT_CONTACT)
		write_contact(&j, c);
	write_text_parts(&j, c);
	jsonw_object_end(&j);
	return out->len - before > sizeof("{}") - 1;
}

/* -- sealed files -- */

bool
message_content_seal(
    struct seal *s, const char *aad, const struct wa_content *file, struct buf *out)
{
	struct buf plain = BUF_INIT(FILE_BYTES_MAX);
	const bool encoded = wa_content_has_media(file) &&
			     wa_content_encode(file, &plain, NULL) == 0 && buf_ok(&plain);

	if (encoded)
		seal_close(s, aad, plain.data, plain.len, out);
	buf_done_secret(&plain);
	return encoded && buf_ok(out);
}

int
message_content_open(
    const struct seal *s, const char *aad, const void *sealed, size_t len, struct wa_content **ret)
{
	struct buf plain = BUF_INIT(FILE_BYTES_MAX);
	struct wa_content *file = NULL;
	int r = -1;

	if (seal_open(s, aad, sealed, len, &plain) == 0 &&
	    wa_content_decode(plain.data, plain.len, &file) == 0 && wa_content_has_media(file)) {
		*ret = file;
		file = NULL;
		r = 0;
	}
	wa_content_free(&file);
	buf_done_secret(&plain);
	return r;
}

char *
message_content_upload_aad(const char *outlet, const char *media, enum wa_media_type type)
{
	return xasprintf("upload/%s/%s/%d", outlet, media, (int)type);
}

char *
message_content_inbound_aad(const char *outlet, const char *peer, const char *wa_id)
{
	return xasprintf("inbound/%s/%s/%s", outlet, peer, wa_id);
}
