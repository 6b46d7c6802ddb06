/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ETags are compared, ranges cut. Knows no file and answers nothing. */
#include "apigw/conditional.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static const char *
opaque(const char *etag)
{
	return strncmp(etag, "W/", 2) == 0 ? etag + 2 : etag;
}

static bool
list_has(const char *list, const char *etag)
{
	const char *wanted = opaque(etag);
	const size_t n = strlen(wanted);

	while (*(list += strspn(list, " \t,")) != '\0') {
		const char *end;

		if (*list == '*')
			return true;
		list = opaque(list);
		end = *list == '"' ? strchr(list + 1, '"') : NULL;
		if (end == NULL) /* what is no ETag matches nothing */
			return false;
		if ((size_t)(end + 1 - list) == n && strncmp(list, wanted, n) == 0)
			return true;
		list = end + 1;
	}
	return false;
}

/* A list may be spread over several fields. */
bool
conditional_known(const struct http_head *head, const char *etag)
{
	for (size_t i = 0; i < head->n_fields; i++) {
		if (strcasecmp(head->fields[i].name, "if-none-match") == 0 &&
		    list_has(head->fields[i].value, etag))
			return true;
	}
	return false;
}

static int
read_number(const char **p, uint64_t *ret)
{
	uint64_t n = 0;
	unsigned digits = 0;

	for (; isdigit((unsigned char)**p); (*p)++) {
		if (++digits > 18)
			return -1;
		n = n * 10 + (uint64_t)(**p - '0');
	}
	*ret = n;
	return digits > 0 ? 1 : 0;
}

int
conditional_range_parse(const char *header, uint64_t size, uint64_t *ret_from, uint64_t *ret_len)
{
	uint64_t first = 0, last = 0;
	int has_first, has_last;

	if (header == NULL || strncmp(header, "bytes=", 6) != 0)
		return 0;
	header += 6;
	has_first = read_number(&header, &first);
	if (has_first < 0 || *header++ != '-')
		return 0;
	has_last = read_number(&header, &last);
	if (has_last < 0 || *header != '\0' || (has_first == 0 && has_last == 0) ||
	    (has_first != 0 && has_last != 0 && last < first))
		return 0;
	if (has_first == 0) { /* the last so many */
		if (last == 0 || size == 0)
			return -1;
		first = last < size ? size - last : 0;
		last = size - 1;
	} else if (has_last == 0 || last >= size) {
		last = size - 1;
	}
	if (first >= size)
		return -1;
	*ret_from = first;
	*ret_len = last - first + 1;
	return 1;
}

int
conditional_range(const struct http_head *head, const char *etag, uint64_t size, uint64_t *ret_from,
    uint64_t *ret_len)
{
	const char *same = http_head_get(head, "if-range");

	if (strcmp(head->method, "GET") != 0 ||
	    (same != NULL && (etag == NULL || strcmp(same, etag) != 0)))
		return 0;
	return conditional_range_parse(http_head_get(head, "range"), size, ret_from, ret_len);
}
