/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Replaces what is not UTF-8: overlong forms, surrogates, values over U+10FFFF, stray and missing
 * bytes. */
#include "common/wa/utf8.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/xalloc.h"

#define REPLACEMENT "\xef\xbf\xbd"
#define REPLACEMENT_LEN 3

/* What may follow a lead byte (Unicode table 3-7): the range of the second byte, and the whole
 * length. */
static const struct lead {
	uint8_t from, to;
	uint8_t second_from, second_to;
	uint8_t len;
} leads[] = {
    {0x01, 0x7f, 0, 0, 1},
    {0xc2, 0xdf, 0x80, 0xbf, 2},
    {0xe0, 0xe0, 0xa0, 0xbf, 3},
    {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3},
    {0xee, 0xef, 0x80, 0xbf, 3},
    {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4},
    {0xf4, 0xf4, 0x80, 0x8f, 4},
};

/* The length of the valid sequence at p, 0 when there is none. The NUL at the end stops every
 * sequence. */
static size_t
sequence(const uint8_t *p)
{
	for (size_t i = 0; i < sizeof(leads) / sizeof(leads[0]); i++) {
		const struct lead *l = &leads[i];

		if (p[0] < l->from || p[0] > l->to)
			continue;
		if (l->len > 1 && (p[1] < l->second_from || p[1] > l->second_to))
			return 0;
		for (size_t k = 2; k < l->len; k++)
			if ((p[k] & 0xc0) != 0x80)
				return 0;
		return l->len;
	}
	return 0;
}

char *
utf8_clean_copy(const char *text)
{
	const uint8_t *p = (const uint8_t *)text;
	char *out = xmalloc(strlen(text) * REPLACEMENT_LEN + 1);
	size_t at = 0;

	while (*p != '\0') {
		const size_t n = sequence(p);

		memcpy(
		    out + at, n > 0 ? (const char *)p : REPLACEMENT, n > 0 ? n : REPLACEMENT_LEN);
		at += n > 0 ? n : REPLACEMENT_LEN;
		p += n > 0 ? n : 1;
	}
	out[at] = '\0';
	return out;
}
