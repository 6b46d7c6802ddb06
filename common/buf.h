/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * buf: a growable byte buffer with a maximum.
 *
 * The maximum is given at birth; what would pass it sets `overflow` and is dropped, and stays
 * dropped, so that a writer checks once at the end (buf_ok).  Memory exhaustion ends the program
 * (xalloc.h).  A buf is embedded by value; buf_done frees its bytes.
 */
#ifndef COMMON_BUF_H
#define COMMON_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
	uint8_t *data; /* NUL-terminated behind `len` whenever it is not NULL */
	size_t len;
	size_t cap;
	size_t max; /* bytes */
	bool overflow;
};

#define BUF_INIT(maximum)        \
	{                        \
		.max = (maximum) \
	}

void buf_init(struct buf *b, size_t max);
void buf_done(struct buf *b);
/* Wipe, then free: for key material. */
void buf_done_secret(struct buf *b);
void buf_reset(struct buf *b);
bool buf_ok(const struct buf *b);
/* So many bytes more are about to come: memory for them at once. */
void buf_expect(struct buf *b, size_t more);
void buf_add(struct buf *b, const void *data, size_t len);
void buf_add_str(struct buf *b, const char *s);
void buf_add_u8(struct buf *b, uint8_t v);
void buf_add_u16be(struct buf *b, uint16_t v);
void buf_add_u24be(struct buf *b, uint32_t v);
void buf_add_u32be(struct buf *b, uint32_t v);
void buf_addf(struct buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Drop the first n bytes (n <= len). */
void buf_drop(struct buf *b, size_t n);
/* The content as a NUL-terminated string ("" when empty); valid until the next change. */
const char *buf_str(const struct buf *b);
/* Move the bytes out: the caller frees them; the buf is empty afterwards. */
uint8_t *buf_take(struct buf *b, size_t *ret_len);

#endif
