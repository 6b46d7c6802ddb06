/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zlib at its quickest level: the loop waits for it. */
#include "apigw/zip.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

#define GZIP_WINDOW (15 + 16) /* the largest one, with gzip's own head */
#define PIECE 16384

int
zip(const void *bytes, size_t len, struct buf *out)
{
	z_stream z = {0};
	uint8_t piece[PIECE];
	int r;

	if (len > UINT_MAX || deflateInit2(&z, Z_BEST_SPEED, Z_DEFLATED, GZIP_WINDOW, MAX_MEM_LEVEL,
				  Z_DEFAULT_STRATEGY) != Z_OK)
		return -1;
	z.next_in = (Bytef *)(uintptr_t)bytes;
	z.avail_in = (uInt)len;
	do {
		z.next_out = piece;
		z.avail_out = sizeof(piece);
		r = deflate(&z, Z_FINISH);
		buf_add(out, piece, sizeof(piece) - z.avail_out);
	} while (r == Z_OK && buf_ok(out));
	(void)deflateEnd(&z);
	return r == Z_STREAM_END && buf_ok(out) ? 0 : -1;
}
