/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * content: what one message says to a person, apart from how it is wrapped and sent: text, a file
 * by reference, a place, a card, and what it answers. Sources: PROTOCOL sections 10 (type,
 * mediatype), 11 (protobufs) and 12 (references).
 *
 * Ownership: a content never owns what its members point to. One that a caller fills in borrows
 * the caller's strings for as long as the caller keeps it; whoever it is passed to copies what it
 * keeps. One that comes from wa_content_decode or wa_content_copy is a single block that holds its
 * strings too: wa_content_free wipes and frees all of it at once, and nothing of it is freed
 * otherwise. An absent string is NULL, absent bytes have len 0.
 */
#ifndef COMMON_WA_CONTENT_H
#define COMMON_WA_CONTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

#define WA_CONTENT_TEXT_MAX 65536      /* bytes of a text or caption */
#define WA_CONTENT_STRING_MAX 4096     /* bytes of any other string, but … */
#define WA_CONTENT_VCARD_MAX 65536     /* … this */
#define WA_CONTENT_THUMBNAIL_MAX 65536 /* bytes; larger ones are left out when read */
#define WA_CONTENT_WAVEFORM_MAX 256

enum wa_content_kind {
	WA_CONTENT_TEXT,
	WA_CONTENT_IMAGE,
	WA_CONTENT_VIDEO,
	WA_CONTENT_GIF, /* a video (mp4) that plays by itself, silently, again and again */
	WA_CONTENT_AUDIO,
	WA_CONTENT_VOICE, /* a voice note: ogg with opus */
	WA_CONTENT_DOCUMENT,
	WA_CONTENT_STICKER, /* webp */
	WA_CONTENT_LOCATION,
	WA_CONTENT_CONTACT,
	WA_CONTENT_KIND_COUNT
};

/* Which keys a file is encrypted with and under which name it is uploaded. */
enum wa_media_type {
	WA_MEDIA_IMAGE, /* and stickers */
	WA_MEDIA_VIDEO, /* and gifs */
	WA_MEDIA_AUDIO, /* and voice notes */
	WA_MEDIA_DOCUMENT,
	WA_MEDIA_HISTORY,
	WA_MEDIA_APP_STATE,
	WA_MEDIA_LINK_THUMBNAIL,
	WA_MEDIA_TYPE_COUNT
};

struct wa_bytes { /* borrowed */
	const uint8_t *data;
	size_t len;
};

#define WA_MEDIA_KEY_LEN 32
#define WA_MEDIA_HASH_LEN 32

/* Where a file lies on WhatsApp's servers and the key to it: secret. May be used in any number of
 * messages until the servers forget the file (weeks). */
struct wa_media_ref {
	const char *url;	 /* as the upload answered; never fetched */
	const char *direct_path; /* begins with '/' */
	uint8_t media_key[WA_MEDIA_KEY_LEN];
	uint8_t file_sha256[WA_MEDIA_HASH_LEN];	    /* of the plain file */
	uint8_t file_enc_sha256[WA_MEDIA_HASH_LEN]; /* of what was uploaded */
	uint64_t length;			    /* bytes of the plain file */
	int64_t key_time;			    /* unix seconds: when the key was made */
};

struct wa_content {
	enum wa_content_kind kind;

	/* The text, or the caption of an image, video, gif or document. */
	const char *text;

	/* TEXT: a link in it, shown as a card when there is a title. */
	struct {
		const char *matched; /* the link as it stands in the text; NULL: no card */
		const char *title, *description;
	} link;
	/* A small JPEG: of the link, the file or the place. */
	struct wa_bytes thumbnail;

	/* IMAGE … STICKER */
	struct wa_media_ref media;
	const char *mimetype;	  /* NULL: the usual one of the kind */
	const char *file_name;	  /* DOCUMENT */
	uint32_t width, height;	  /* pixels; 0: not known */
	uint32_t seconds;	  /* AUDIO, VOICE, VIDEO, GIF; 0: not known */
	uint32_t pages;		  /* DOCUMENT; 0: not known */
	struct wa_bytes waveform; /* VOICE: 64 values of 0..100 */
	bool animated;		  /* STICKER */
	bool view_once;		  /* IMAGE, VIDEO, AUDIO; only ever read */

	/* LOCATION: degrees, north and east. */
	struct {
		double latitude, longitude;
		const char *name, *address;
	} location;

	/* CONTACT: several cards come as one vcard text, one after the other. */
	struct {
		const char *name, *vcard;
	} contact;

	/* The message that this one answers; id NULL: none. */
	struct {
		const char *id;
		const char *participant; /* the JID of who wrote it; NULL: not known */
		const char *text;	 /* of it, as it is shown above the answer */
	} quoted;

	uint32_t expiration; /* seconds after which it disappears; 0: it stays */

	size_t block; /* bytes of a block of content.c's own; 0 in one that a caller fills in */
};

/* The Message, added to `ret_message`. -1, with nothing added: the content lacks what its kind
 * needs, or something in it is too long or not UTF-8; *ret_why (may be NULL) says what. */
int wa_content_encode(const struct wa_content *content, struct buf *ret_message,
    const char **ret_why) __attribute__((warn_unused_result));
/* Message bytes, wrapped or not. -1: no Message, or of another kind (reaction, poll, protocol …).
 * Strings come out as valid UTF-8. A file whose reference does not hold together is read with an
 * empty one: wa_content_has_media tells. */
int wa_content_decode(const void *data, size_t len, struct wa_content **ret)
    __attribute__((warn_unused_result));
struct wa_content *wa_content_copy(const struct wa_content *content);
void wa_content_free(struct wa_content **content); /* only of the two above */

/* "text", "image" … as the API and the database spell it. -1: there is no such kind. */
const char *wa_content_kind_name(enum wa_content_kind kind);
int wa_content_kind_parse(const char *name, enum wa_content_kind *ret)
    __attribute__((warn_unused_result));
/* A kind that comes with a file, and as what that file is uploaded. */
bool wa_content_is_file(enum wa_content_kind kind);
enum wa_media_type wa_content_media_type(enum wa_content_kind kind);
/* What the kind is when nothing is said: "image/jpeg" … NULL where there is no usual one. */
const char *wa_content_mimetype(enum wa_content_kind kind);
/* The file may be downloaded. */
bool wa_content_has_media(const struct wa_content *content);

/* The attributes of its stanza: type of <message>, mediatype of <enc> (NULL: none). */
const char *wa_content_type(const struct wa_content *content);
const char *wa_content_mediatype(const struct wa_content *content);

#endif
