/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A growable byte buffer with a maximum. It never shrinks but in buf_done, and never copies more
 * than it must: capacity doubles.
 */
#include "common/buf.h"

#include <openssl/crypto.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define BUF_FIRST 64

void
buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){.max = max};
}

void
buf_done(struct buf *b)
{
	free(b->data);
	buf_init(b, b->max);
}

void
buf_done_secret(struct buf *b)
{
	if (b->data != NULL)
		OPENSSL_cleanse(b->data, b->cap);
	buf_done(b);
}

void
buf_reset(struct buf *b)
{
	b->len = 0;
	b->overflow = false;
	if (b->data != NULL)
		b->data[0] = '\0';
}

bool
buf_ok(const struct buf *b)
{
	return !b->overflow;
}

/* Room for `more` bytes and the NUL behind them; false (and overflow set) when that passes the
 * maximum. */
static bool
reserve(struct buf *b, size_t more)
{
	size_t want;

	if (b->overflow || more > b->max || b->len > b->max - more) {
		b->overflow = true;
		return false;
	}
	want = b->len + more + 1;
	if (want > b->cap) {
		size_t cap = b->cap > 0 ? b->cap : BUF_FIRST;

		while (cap < want)
			cap *= 2;
		b->data = xreallocarray(b->data, cap, 1);
		b->cap = cap;
	}
	return true;
}

void
buf_expect(struct buf *b, size_t more)
{
	if (b->len <= b->max && more <= b->max - b->len)
		(void)reserve(b, more);
}

void
buf_add(struct buf *b, const void *data, size_t len)
{
	if (!reserve(b, len))
		return;
	if (len > 0)
		memcpy(b->data + b->len, data, len);
	b->len += len;
	b->data[b->len] = '\0';
}

void
buf_add_str(struct buf *b, const char *s)
{
	buf_add(b, s, strlen(s));
}

void
buf_add_u8(struct buf *b, uint8_t v)
{
	buf_add(b, &v, 1);
}

void
buf_add_u16be(struct buf *b, uint16_t v)
{
	const uint8_t bytes[] = {(uint8_t)(v >> 8), (uint8_t)v};

	buf_add(b, bytes, sizeof(bytes));
}

void
buf_add_u24be(struct buf *b, uint32_t v)
{
	const uint8_t bytes[] = {(uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

	buf_add(b, bytes, sizeof(bytes));
}

void
buf_add_u32be(struct buf *b, uint32_t v)
{
	const uint8_t bytes[] = {
	    (uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

	buf_add(b, bytes, sizeof(bytes));
}

void
buf_addf(struct buf *b, const char *fmt, ...)
{
	const size_t room = b->overflow ? 0 : b->cap - b->len;
	va_list ap;
	int need;

	/* Into what there is; only what does not fit is written a second time. */
	va_start(ap, fmt);
	need = vsnprintf(room > 0 ? (char *)b->data + b->len : NULL, room, fmt, ap);
	va_end(ap);
	if (need < 0 || !reserve(b, (size_t)need)) {
		if (room > 0)
			b->data[b->len] = '\0';
		return;
	}
	if ((size_t)need >= room) {
		va_start(ap, fmt);
		(void)vsnprintf((char *)b->data + b->len, (size_t)need + 1, fmt, ap);
		va_end(ap);
	}
	b->len += (size_t)need;
}

void
buf_drop(struct buf *b, size_t n)
{
	if (n == 0)
		return;
	b->len -= n;
	memmove(b->data, b->data + n, b->len + 1);
}

const char *
buf_str(const struct buf *b)
{
	return b->data != NULL ? (const char *)b->data : "";
}

uint8_t *
buf_take(struct buf *b, size_t *ret_len)
{
	uint8_t *data = b->data;

	if (data == NULL)
		data = xcalloc(1, 1);
	*ret_len = b->len;
	buf_init(b, b->max);
	return data;
}
