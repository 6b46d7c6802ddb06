/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks UTF-8 by the table of RFC 3629. Never changes what is valid. */
#include "common/utf8.h"

#include <string.h>

size_t
utf8_sequence(const unsigned char *s, size_t left)
{
	uint32_t cp;
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf) {
		n = 2;
		cp = s[0] & 0x1f;
	} else if ((s[0] & 0xf0) == 0xe0) {
		n = 3;
		cp = s[0] & 0x0f;
	} else if (s[0] >= 0xf0 && s[0] <= 0xf4) {
		n = 4;
		cp = s[0] & 0x07;
	} else {
		return 0;
	}
	if (left < n)
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		cp = cp << 6 | (s[i] & 0x3f);
	}
	if ((n == 3 && (cp < 0x800 || (cp >= 0xd800 && cp <= 0xdfff))) ||
	    (n == 4 && (cp < 0x10000 || cp > 0x10ffff)))
		return 0;
	return n;
}

void
utf8_clean(const char *s, struct buf *out)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t len = strlen(s), i = 0, run = 0; /* run: start of what can be copied as it is */

	while (i < len) {
		size_t n = utf8_sequence(p + i, len - i);

		if (n > 0) {
			i += n;
			continue;
		}
		buf_add(out, p + run, i - run);
		buf_add_str(out, "\xef\xbf\xbd");
		run = ++i;
	}
	buf_add(out, p + run, len - run);
}
