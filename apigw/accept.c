/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of names with qualities. Parameters other than q are passed over. */
#include "apigw/accept.h"

#include <string.h>
#include <strings.h>

#define QUALITY_MAX 1000

/* How closely the entry names it: 3 exactly, 2 by its major type, 1 as anything, 0 not. */
static unsigned
closeness(const char *entry, size_t len, const char *name)
{
	const char *slash = strchr(name, '/');
	size_t major = slash != NULL ? (size_t)(slash - name) + 1 : 0;

	if (len == strlen(name) && strncasecmp(entry, name, len) == 0)
		return 3;
	if (major > 0 && len == major + 1 && entry[major] == '*' &&
	    strncasecmp(entry, name, major) == 0)
		return 2;
	if (slash != NULL)
		return len == 3 && strncmp(entry, "*/*", 3) == 0;
	return len == 1 && entry[0] == '*';
}

/* "0.5" in thousandths; what is no quality counts as 1. */
static unsigned
parse_quality(const char *p)
{
	unsigned q = 0, scale = QUALITY_MAX / 10;

	if (*p != '0')
		return QUALITY_MAX;
	if (*++p != '.')
		return 0;
	for (p++; *p >= '0' && *p <= '9'; p++, scale /= 10)
		q += (unsigned)(*p - '0') * scale;
	return q;
}

/* The q among the parameters that follow an entry. */
static unsigned
entry_quality(const char *p, const char *end)
{
	while (p < end) {
		p += strspn(p, "; \t");
		if (end - p > 2 && (*p == 'q' || *p == 'Q') && p[1] == '=')
			return parse_quality(p + 2);
		p += strcspn(p, ";,");
	}
	return QUALITY_MAX;
}

unsigned
accept_quality(const char *header, const char *name, size_t *ret_place)
{
	unsigned best = 0, quality = 0;
	size_t place = 0;

	if (ret_place != NULL)
		*ret_place = 0;
	if (header == NULL)
		return QUALITY_MAX;
	for (const char *p = header; *p != '\0'; p += *p == ',', place++) {
		const char *end;
		unsigned close;
		size_t len;

		p += strspn(p, " \t");
		end = p + strcspn(p, ",");
		len = strcspn(p, ",; \t");
		close = closeness(p, len, name);
		if (close > best) {
			best = close;
			quality = entry_quality(p + len, end);
			if (ret_place != NULL)
				*ret_place = place;
		}
		p = end;
	}
	return quality;
}
