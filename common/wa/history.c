/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Inflates, and reads the protobuf byte by byte with a state for each of its two levels that
 * matter: a table says which fields are entered, which are kept; all others are counted away.
 */
#include "common/wa/history.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/wa/utf8.h"
#include "common/xalloc.h"

#define WINDOW 16384
#define FIELD_MAX HISTORY_TOKEN_MAX /* of what is kept as bytes */
#define VARINT_BITS 64

enum wire { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

enum level { LEVEL_TOP, LEVEL_CHAT, LEVEL_NAME, LEVEL_PAIR };

enum state { STATE_TAG, STATE_VALUE, STATE_LEN, STATE_SKIP, STATE_KEEP };

struct history {
	history_cb cb;
	void *arg;
	z_stream z;
	bool ended, failed;
	uint64_t inflated;

	enum state state;
	enum level level;
	uint64_t left; /* bytes of the entered message that are still to come */
	uint64_t varint;
	unsigned shift;
	const struct field *field; /* the one that is being read; NULL: it does not matter */
	uint64_t pending;	   /* bytes to pass over or to keep */
	size_t kept_len;
	uint8_t kept[FIELD_MAX + 1];
	struct history_item item;
};

/* -- fields --------------------------------------------------------------------------- */

typedef void (*take_number)(struct history_item *i, uint64_t v);
typedef void (*take_bytes)(struct history_item *i, const char *text, size_t len);

static void
take_jid(const char *text, struct jid *ret)
{
	struct jid jid;

	if (jid_parse(text, &jid) == 0)
		*ret = jid_without_device(&jid);
}

static void
chat_id(struct history_item *i, const char *text, size_t len)
{
	(void)len;
	take_jid(text, &i->jid);
}

static void
pn(struct history_item *i, const char *text, size_t len)
{
	(void)len;
	take_jid(text, &i->pn);
}

static void
lid(struct history_item *i, const char *text, size_t len)
{
	(void)len;
	take_jid(text, &i->lid);
}

static void
token(struct history_item *i, const char *text, size_t len)
{
	memcpy(i->token, text, len);
	i->token_len = len;
}

static void
name(struct history_item *i, const char *text, size_t len)
{
	char *clean = utf8_clean_copy(text);
	size_t n = strlen(clean);

	(void)len;
	for (n = n < HISTORY_NAME_MAX ? n : HISTORY_NAME_MAX - 1;
	     n > 0 && ((unsigned char)clean[n] & 0xc0) == 0x80; n--)
		;
	memset(i->name, 0, sizeof(i->name));
	memcpy(i->name, clean, n);
	free(clean);
}

static void
token_t(struct history_item *i, uint64_t v)
{
	i->token_t = v <= INT64_MAX ? (int64_t)v : 0;
}

static void
issued_t(struct history_item *i, uint64_t v)
{
	i->issued_t = v <= INT64_MAX ? (int64_t)v : 0;
}

static void
expiration(struct history_item *i, uint64_t v)
{
	i->has_expiration = v <= UINT32_MAX;
	i->expiration = i->has_expiration ? (uint32_t)v : 0;
}

static const struct field {
	enum level level;
	unsigned number;
	enum wire wire;
	bool enter;	 /* a message to be looked into: */
	enum level into; /* … and what it becomes: */
	enum history_what what;
	take_number number_fn;
	take_bytes bytes_fn;
} fields[] = {
    {LEVEL_TOP, 2, WIRE_BYTES, true, LEVEL_CHAT, HISTORY_CHAT, NULL, NULL},
    {LEVEL_TOP, 7, WIRE_BYTES, true, LEVEL_NAME, HISTORY_NAME, NULL, NULL},
    {LEVEL_TOP, 15, WIRE_BYTES, true, LEVEL_PAIR, HISTORY_PAIR, NULL, NULL},
    {LEVEL_TOP, 19, WIRE_BYTES, false, LEVEL_TOP, HISTORY_SALT, NULL, token},
    {LEVEL_CHAT, 1, WIRE_BYTES, false, LEVEL_TOP, HISTORY_CHAT, NULL, chat_id},
    {LEVEL_CHAT, 9, WIRE_VARINT, false, LEVEL_TOP, HISTORY_CHAT, expiration, NULL},
    {LEVEL_CHAT, 21, WIRE_BYTES, false, LEVEL_TOP, HISTORY_CHAT, NULL, token},
    {LEVEL_CHAT, 22, WIRE_VARINT, false, LEVEL_TOP, HISTORY_CHAT, token_t, NULL},
    {LEVEL_CHAT, 28, WIRE_VARINT, false, LEVEL_TOP, HISTORY_CHAT, issued_t, NULL},
    {LEVEL_CHAT, 39, WIRE_BYTES, false, LEVEL_TOP, HISTORY_CHAT, NULL, pn},
    {LEVEL_CHAT, 42, WIRE_BYTES, false, LEVEL_TOP, HISTORY_CHAT, NULL, lid},
    {LEVEL_NAME, 1, WIRE_BYTES, false, LEVEL_TOP, HISTORY_NAME, NULL, chat_id},
    {LEVEL_NAME, 2, WIRE_BYTES, false, LEVEL_TOP, HISTORY_NAME, NULL, name},
    {LEVEL_PAIR, 1, WIRE_BYTES, false, LEVEL_TOP, HISTORY_PAIR, NULL, pn},
    {LEVEL_PAIR, 2, WIRE_BYTES, false, LEVEL_TOP, HISTORY_PAIR, NULL, lid},
};

static const struct field *
field_of(enum level level, uint64_t number)
{
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].level == level && fields[i].number == number)
			return &fields[i];
	return NULL;
}

/* -- protobuf ------------------------------------------------------------------------- */

static void
emit(struct history *h, enum history_what what)
{
	h->item.what = what;
	h->cb(h->arg, &h->item);
	OPENSSL_cleanse(&h->item, sizeof(h->item));
}

/* A field is over; perhaps the message that it was in is, too. */
static void
next_field(struct history *h)
{
	static const enum history_what whats[] = {
	    [LEVEL_CHAT] = HISTORY_CHAT, [LEVEL_NAME] = HISTORY_NAME, [LEVEL_PAIR] = HISTORY_PAIR};

	h->state = STATE_TAG;
	h->varint = 0;
	h->shift = 0;
	h->field = NULL;
	if (h->level == LEVEL_TOP || h->left > 0)
		return;
	emit(h, whats[h->level]);
	h->level = LEVEL_TOP;
}

static void
kept(struct history *h)
{
	h->kept[h->kept_len] = '\0';
	h->field->bytes_fn(&h->item, (const char *)h->kept, h->kept_len);
	OPENSSL_cleanse(h->kept, sizeof(h->kept));
	if (h->level == LEVEL_TOP)
		emit(h, h->field->what);
	next_field(h);
}

static int
begin_bytes(struct history *h, uint64_t len)
{
	const struct field *f = h->field;

	if (h->level != LEVEL_TOP && len > h->left)
		return -1;
	h->pending = len;
	if (f != NULL && f->enter) {
		h->level = f->into;
		h->left = len;
		next_field(h);
	} else if (f != NULL && len <= FIELD_MAX) {
		h->kept_len = 0;
		h->state = STATE_KEEP;
		if (len == 0)
			kept(h);
	} else if (len == 0) {
		next_field(h);
	} else {
		h->state = STATE_SKIP;
	}
	return 0;
}

static int
begin_field(struct history *h, uint64_t tag)
{
	const unsigned wire = (unsigned)(tag & 7);

	if (tag >> 3 == 0 || tag >> 3 >= 1u << 29)
		return -1;
	h->field = field_of(h->level, tag >> 3);
	if (h->field != NULL && h->field->wire != wire)
		h->field = NULL;
	h->varint = 0;
	h->shift = 0;
	if (wire == WIRE_VARINT)
		h->state = STATE_VALUE;
	else if (wire == WIRE_BYTES)
		h->state = STATE_LEN;
	else if (wire == WIRE_FIXED64 || wire == WIRE_FIXED32)
		return begin_bytes(h, wire == WIRE_FIXED64 ? 8 : 4);
	else
		return -1;
	return 0;
}

static int
varint_done(struct history *h)
{
	const uint64_t v = h->varint;

	if (h->state == STATE_TAG)
		return begin_field(h, v);
	if (h->state == STATE_LEN)
		return begin_bytes(h, v);
	if (h->field != NULL)
		h->field->number_fn(&h->item, v);
	next_field(h);
	return 0;
}

static int
varint_byte(struct history *h, uint8_t byte)
{
	if (h->shift >= VARINT_BITS || (h->shift == 63 && byte > 1))
		return -1;
	h->varint |= (uint64_t)(byte & 0x7f) << h->shift;
	h->shift += 7;
	return (byte & 0x80) != 0 ? 0 : varint_done(h);
}

/* Bytes of the entered message are counted before they are read. */
static int
count(struct history *h, uint64_t n)
{
	if (h->level == LEVEL_TOP)
		return 0;
	if (n > h->left)
		return -1;
	h->left -= n;
	return 0;
}

/* As much of `len` bytes as belongs to the field; 0: its end was reached before. */
static size_t
some_bytes(struct history *h, const uint8_t *data, size_t len)
{
	const size_t n = h->pending < len ? (size_t)h->pending : len;

	if (h->state == STATE_KEEP) {
		memcpy(h->kept + h->kept_len, data, n);
		h->kept_len += n;
	}
	h->pending -= n;
	return n;
}

static int
feed(struct history *h, const uint8_t *data, size_t len)
{
	while (len > 0) {
		size_t n = 1;

		if (h->state == STATE_SKIP || h->state == STATE_KEEP) {
			n = some_bytes(h, data, len);
			if (count(h, n) != 0)
				return -1;
			if (h->pending == 0 && h->state == STATE_KEEP)
				kept(h);
			else if (h->pending == 0)
				next_field(h);
		} else if (count(h, 1) != 0 || varint_byte(h, *data) != 0) {
			return -1;
		}
		data += n;
		len -= n;
	}
	return 0;
}

/* -- zlib ----------------------------------------------------------------------------- */

struct history *
history_new(history_cb cb, void *arg)
{
	struct history *h = xcalloc(1, sizeof(*h));

	h->cb = cb;
	h->arg = arg;
	if (inflateInit(&h->z) != Z_OK)
		abort(); /* for want of memory only */
	return h;
}

void
history_free(struct history **h)
{
	if (*h == NULL)
		return;
	(void)inflateEnd(&(*h)->z);
	OPENSSL_cleanse(*h, sizeof(**h));
	free(*h);
	*h = NULL;
}

static int
inflate_some(struct history *h)
{
	uint8_t window[WINDOW];
	size_t n;
	int r;

	h->z.next_out = window;
	h->z.avail_out = sizeof(window);
	r = inflate(&h->z, Z_NO_FLUSH);
	n = sizeof(window) - h->z.avail_out;
	if (r != Z_OK && r != Z_STREAM_END && r != Z_BUF_ERROR)
		return -1;
	h->ended = r == Z_STREAM_END;
	h->inflated += n;
	r = h->inflated > HISTORY_INFLATED_MAX || feed(h, window, n) != 0 ? -1 : 0;
	OPENSSL_cleanse(window, n);
	return r;
}

int
history_push(struct history *h, const void *data, size_t len)
{
	uint8_t *in = NULL;

	if (h->failed || len > UINT32_MAX)
		return -1;
	in = xmemdup(data, len); /* zlib's pointer is not const */
	h->z.next_in = in;
	h->z.avail_in = (unsigned)len;
	while (!h->failed && !h->ended) {
		const unsigned before = h->z.avail_in;

		if (inflate_some(h) != 0)
			h->failed = true;
		else if (h->z.avail_in == 0 && h->z.avail_out > 0)
			break;
		else if (h->z.avail_in == before && h->z.avail_out == WINDOW)
			h->failed = true; /* it does not move */
	}
	if (h->z.avail_in > 0)
		h->failed = true; /* bytes behind the end */
	h->z.next_in = NULL;
	h->z.avail_in = 0;
	free(in);
	return h->failed ? -1 : 0;
}

int
history_end(struct history *h)
{
	return !h->failed && h->ended && h->level == LEVEL_TOP && h->state == STATE_TAG &&
		       h->shift == 0
		   ? 0
		   : -1;
}
