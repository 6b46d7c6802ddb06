/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables of signatures, looked through from top to bottom. Reads no byte past the head, decodes
 * nothing. */
#include "common/media_type.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "common/utf8.h"

#define OTHER "application/octet-stream"
#define OOXML "application/vnd.openxmlformats-officedocument."
#define ODF "application/vnd.oasis.opendocument."

struct signature {
	size_t offset;
	const char *bytes;
	size_t len;
	size_t offset2; /* a second place that must hold, too; len2 0: none */
	const char *bytes2;
	size_t len2;
	const char *type;
};

#define AT(offset, bytes, type)                                  \
	{                                                        \
		offset, bytes, sizeof(bytes) - 1, 0, "", 0, type \
	}
#define BOTH(offset, bytes, offset2, bytes2, type)                                          \
	{                                                                                   \
		offset, bytes, sizeof(bytes) - 1, offset2, bytes2, sizeof(bytes2) - 1, type \
	}

/* clang-format off */
static const struct signature signatures[] = {
	AT(0, "\xff\xd8\xff", "image/jpeg"),
	AT(0, "\x89PNG\r\n\x1a\n", "image/png"),
	BOTH(0, "RIFF", 8, "WEBP", "image/webp"),
	AT(0, "GIF87a", "image/gif"),
	AT(0, "GIF89a", "image/gif"),
	AT(4, "ftypM4A ", "audio/mp4"),
	AT(4, "ftypM4B ", "audio/mp4"),
	AT(4, "ftyp3g", "video/3gpp"),
	AT(4, "ftypqt  ", "video/quicktime"),
	AT(4, "ftypheic", "image/heic"),
	AT(4, "ftypmif1", "image/heic"),
	AT(4, "ftypavif", "image/avif"),
	AT(4, "ftyp", "video/mp4"),
	AT(0, "\x1a\x45\xdf\xa3", "video/webm"),
	BOTH(0, "OggS", 28, "OpusHead", "audio/ogg; codecs=opus"),
	AT(0, "OggS", "audio/ogg"),
	AT(0, "#!AMR", "audio/amr"),
	AT(0, "ID3", "audio/mpeg"),
	AT(0, "\xff\xfb", "audio/mpeg"),
	AT(0, "\xff\xf3", "audio/mpeg"),
	AT(0, "\xff\xf2", "audio/mpeg"),
	AT(0, "\xff\xf1", "audio/aac"),
	AT(0, "\xff\xf9", "audio/aac"),
	BOTH(0, "RIFF", 8, "WAVE", "audio/wav"),
	BOTH(0, "RIFF", 8, "AVI ", "video/x-msvideo"),
	AT(0, "fLaC", "audio/flac"),
	AT(0, "%PDF-", "application/pdf"),
	BOTH(0, "PK\x03\x04", 30, "mimetype" ODF "text", ODF "text"),
	BOTH(0, "PK\x03\x04", 30, "mimetype" ODF "spreadsheet", ODF "spreadsheet"),
	BOTH(0, "PK\x03\x04", 30, "mimetype" ODF "presentation", ODF "presentation"),
	AT(0, "{\\rtf", "application/rtf"),
	AT(0, "\x1f\x8b", "application/gzip"),
	AT(0, "7z\xbc\xaf\x27\x1c", "application/x-7z-compressed"),
	AT(0, "Rar!\x1a\x07", "application/vnd.rar"),
	{0},
};

/* One form for many programs' files: the name says whose. The first row of a form is what it is
 * without one. */
static const struct {
	const char *bytes, *ending, *type;
} archives[] = {
	{"PK\x03\x04", ".docx", OOXML "wordprocessingml.document"},
	{"PK\x03\x04", ".xlsx", OOXML "spreadsheetml.sheet"},
	{"PK\x03\x04", ".pptx", OOXML "presentationml.presentation"},
	{"PK\x03\x04", "", "application/zip"},
	{"\xd0\xcf\x11\xe0", ".doc", "application/msword"},
	{"\xd0\xcf\x11\xe0", ".xls", "application/vnd.ms-excel"},
	{"\xd0\xcf\x11\xe0", ".ppt", "application/vnd.ms-powerpoint"},
	{NULL, NULL, NULL},
};

/* What WhatsApp's apps show otherwise than as a file. The first kind is what it is sent as where
 * nothing is said. */
static const struct {
	const char *type, *kind, *other;
} kinds[] = {
	{"image/jpeg", "image", NULL},
	{"image/png", "image", NULL},
	{"image/webp", "sticker", "image"},
	{"video/mp4", "video", "gif"},
	{"video/3gpp", "video", NULL},
	{"audio/aac", "audio", NULL},
	{"audio/amr", "audio", NULL},
	{"audio/mpeg", "audio", NULL},
	{"audio/mp4", "audio", NULL},
	{"audio/ogg", "audio", "voice"},
	{"audio/ogg; codecs=opus", "audio", "voice"},
	{NULL, NULL, NULL},
};
/* clang-format on */

static bool
holds(const uint8_t *head, size_t len, size_t offset, const char *bytes, size_t n)
{
	return len >= n && offset <= len - n && memcmp(head + offset, bytes, n) == 0;
}

static bool
ends_with(const char *name, const char *ending)
{
	const size_t n = strlen(ending), len = name != NULL ? strlen(name) : 0;

	return n == 0 || (len > n && strcasecmp(name + len - n, ending) == 0);
}

/* UTF-8 without control characters; the last character may be cut off by the head's end. */
static bool
is_text(const uint8_t *head, size_t len)
{
	size_t n;

	for (size_t i = 0; i < len; i += n) {
		n = utf8_sequence(head + i, len - i);
		if (n == 0)
			return len == MEDIA_TYPE_HEAD && len - i < 4 && head[i] >= 0xc2;
		if (head[i] == 0 || (head[i] < 0x20 && strchr("\t\r\n\f", head[i]) == NULL))
			return false;
	}
	return len > 0;
}

const char *
media_type_detect(const void *head, size_t len, const char *file_name)
{
	const uint8_t *h = head;

	if (len > MEDIA_TYPE_HEAD)
		len = MEDIA_TYPE_HEAD;
	for (const struct signature *s = signatures; s->type != NULL; s++)
		if (holds(h, len, s->offset, s->bytes, s->len) &&
		    holds(h, len, s->offset2, s->bytes2, s->len2))
			return s->type;
	for (size_t i = 0; archives[i].type != NULL; i++)
		if (holds(h, len, 0, archives[i].bytes, 4) &&
		    ends_with(file_name, archives[i].ending))
			return archives[i].type;
	if (!is_text(h, len))
		return OTHER;
	return ends_with(file_name, ".csv") ? "text/csv" : "text/plain";
}

const char *
media_type_kind(const char *type)
{
	for (size_t i = 0; kinds[i].type != NULL; i++)
		if (strcmp(kinds[i].type, type) == 0)
			return kinds[i].kind;
	return "document";
}

bool
media_type_may_be(const char *type, const char *kind)
{
	if (strcmp(kind, "document") == 0)
		return true;
	for (size_t i = 0; kinds[i].type != NULL; i++)
		if (strcmp(kinds[i].type, type) == 0)
			return strcmp(kinds[i].kind, kind) == 0 ||
			       (kinds[i].other != NULL && strcmp(kinds[i].other, kind) == 0);
	return false;
}

/* Up to the parameters; a type that stands in the table with other ones counts, too. */
static bool
same_type(const char *known, const char *type)
{
	const size_t n = strcspn(known, ";");

	return strcspn(type, "; ") == n && strncasecmp(known, type, n) == 0;
}

const char *
media_type_known(const char *type)
{
	if (type == NULL)
		return OTHER;
	for (const struct signature *s = signatures; s->type != NULL; s++)
		if (strcmp(s->type, type) == 0)
			return s->type;
	for (const struct signature *s = signatures; s->type != NULL; s++)
		if (same_type(s->type, type))
			return s->type;
	for (size_t i = 0; archives[i].type != NULL; i++)
		if (same_type(archives[i].type, type))
			return archives[i].type;
	if (same_type("text/csv", type))
		return "text/csv";
	return same_type("text/plain", type) ? "text/plain" : OTHER;
}
