/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Six bits a character. Strict: padding, blanks and bits that mean nothing are refused. */
#include "common/base64url.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void
base64url_add(struct buf *out, const void *data, size_t len)
{
	const uint8_t *bytes = data;
	uint32_t bits = 0;
	unsigned n = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | bytes[i];
		for (n += 8; n >= 6; n -= 6)
			buf_add_u8(out, (uint8_t)alphabet[bits >> (n - 6) & 63]);
	}
	if (n > 0)
		buf_add_u8(out, (uint8_t)alphabet[bits << (6 - n) & 63]);
}

int
base64url_decode(const char *text, struct buf *out)
{
	uint32_t bits = 0;
	unsigned n = 0;

	for (; *text != '\0'; text++) {
		const char *at = strchr(alphabet, *text);

		if (at == NULL)
			return -1;
		bits = bits << 6 | (uint32_t)(at - alphabet);
		n += 6;
		if (n >= 8) {
			n -= 8;
			buf_add_u8(out, (uint8_t)(bits >> n));
		}
	}
	return n < 6 && (bits & ((1u << n) - 1)) == 0 ? 0 : -1;
}
