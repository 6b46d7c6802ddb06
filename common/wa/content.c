/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of kinds, and contents in one block: the struct, then its bytes, then its strings. What
 * goes over the wire is in content_encode.c and content_decode.c.
 */
#include "common/wa/content.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/wa/content_private.h"
#include "common/xalloc.h"

static const struct kind {
	const char *name, *mediatype, *mimetype;
	bool is_file;
	enum wa_media_type media;
} kinds[WA_CONTENT_KIND_COUNT] = {
    [WA_CONTENT_TEXT] = {.name = "text"},
    [WA_CONTENT_IMAGE] = {"image", "image", "image/jpeg", true, WA_MEDIA_IMAGE},
    [WA_CONTENT_VIDEO] = {"video", "video", "video/mp4", true, WA_MEDIA_VIDEO},
    [WA_CONTENT_GIF] = {"gif", "gif", "video/mp4", true, WA_MEDIA_VIDEO},
    [WA_CONTENT_AUDIO] = {"audio", "audio", "audio/mpeg", true, WA_MEDIA_AUDIO},
    [WA_CONTENT_VOICE] = {"voice", "ptt", "audio/ogg; codecs=opus", true, WA_MEDIA_AUDIO},
    [WA_CONTENT_DOCUMENT] = {"document", "document", "application/octet-stream", true,
	WA_MEDIA_DOCUMENT},
    [WA_CONTENT_STICKER] = {"sticker", "sticker", "image/webp", true, WA_MEDIA_IMAGE},
    /* Neither of the known clients sends a mediatype with a place. */
    [WA_CONTENT_LOCATION] = {.name = "location"},
    [WA_CONTENT_CONTACT] = {.name = "contact", .mediatype = "vcard"},
};

static const struct kind *
kind_of(enum wa_content_kind kind)
{
	return &kinds[(unsigned)kind < WA_CONTENT_KIND_COUNT ? kind : WA_CONTENT_TEXT];
}

const char *
wa_content_kind_name(enum wa_content_kind kind)
{
	return kind_of(kind)->name;
}

int
wa_content_kind_parse(const char *name, enum wa_content_kind *ret)
{
	for (unsigned i = 0; i < WA_CONTENT_KIND_COUNT; i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			*ret = i;
			return 0;
		}
	}
	return -1;
}

bool
wa_content_is_file(enum wa_content_kind kind)
{
	return kind_of(kind)->is_file;
}

enum wa_media_type
wa_content_media_type(enum wa_content_kind kind)
{
	return kind_of(kind)->media;
}

const char *
wa_content_mimetype(enum wa_content_kind kind)
{
	return kind_of(kind)->mimetype;
}

bool
wa_content_has_media(const struct wa_content *c)
{
	return wa_content_is_file(c->kind) && c->media.direct_path != NULL &&
	       c->media.direct_path[0] == '/';
}

const char *
wa_content_mediatype(const struct wa_content *c)
{
	if (c->kind == WA_CONTENT_TEXT)
		return c->link.title != NULL ? "url" : NULL;
	return kind_of(c->kind)->mediatype;
}

const char *
wa_content_type(const struct wa_content *c)
{
	return c->kind == WA_CONTENT_TEXT || c->kind == WA_CONTENT_LOCATION ? "text" : "media";
}

/* -- blocks ----------------------------------------------------------------------- */

static const size_t strings[WA_CONTENT_STRINGS] = {
    offsetof(struct wa_content, text),
    offsetof(struct wa_content, link.matched),
    offsetof(struct wa_content, link.title),
    offsetof(struct wa_content, link.description),
    offsetof(struct wa_content, media.url),
    offsetof(struct wa_content, media.direct_path),
    offsetof(struct wa_content, mimetype),
    offsetof(struct wa_content, file_name),
    offsetof(struct wa_content, location.name),
    offsetof(struct wa_content, location.address),
    offsetof(struct wa_content, contact.name),
    offsetof(struct wa_content, contact.vcard),
    offsetof(struct wa_content, quoted.id),
    offsetof(struct wa_content, quoted.participant),
    offsetof(struct wa_content, quoted.text),
};

static const size_t binaries[] = {
    offsetof(struct wa_content, thumbnail),
    offsetof(struct wa_content, waveform),
};

const char **
wa_content_string(struct wa_content *c, size_t i)
{
	return (const char **)(void *)((char *)c + strings[i]);
}

static struct wa_bytes *
binary(struct wa_content *c, size_t i)
{
	return (struct wa_bytes *)(void *)((char *)c + binaries[i]);
}

#define BINARIES (sizeof(binaries) / sizeof(binaries[0]))

static size_t
block_size(struct wa_content *c)
{
	size_t size = sizeof(*c);

	for (size_t i = 0; i < BINARIES; i++)
		size += binary(c, i)->len;
	for (size_t i = 0; i < WA_CONTENT_STRINGS; i++) {
		const char *s = *wa_content_string(c, i);

		size += s != NULL ? strlen(s) + 1 : 0;
	}
	return size;
}

struct wa_content *
wa_content_copy(const struct wa_content *content)
{
	struct wa_content from = *content, *to;
	const size_t size = block_size(&from);
	char *at;

	to = xcalloc(1, size);
	*to = from;
	to->block = size;
	at = (char *)(to + 1);
	for (size_t i = 0; i < BINARIES; i++) {
		struct wa_bytes *b = binary(to, i);

		if (b->len > 0)
			memcpy(at, b->data, b->len);
		b->data = (const uint8_t *)at;
		at += b->len;
	}
	for (size_t i = 0; i < WA_CONTENT_STRINGS; i++) {
		const char **s = wa_content_string(to, i);
		const size_t len = *s != NULL ? strlen(*s) + 1 : 0;

		if (len == 0)
			continue;
		memcpy(at, *s, len);
		*s = at;
		at += len;
	}
	return to;
}

void
wa_content_free(struct wa_content **content)
{
	if (*content == NULL)
		return;
	OPENSSL_cleanse(*content, (*content)->block);
	free(*content);
	*content = NULL;
}
