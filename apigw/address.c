/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ranges of IP addresses. Never resolves names. */
#include "apigw/address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static int
parse(const char *text, int *ret_family, uint8_t bytes[16])
{
	if (inet_pton(AF_INET, text, bytes) == 1)
		*ret_family = AF_INET;
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		*ret_family = AF_INET6;
	else
		return -1;
	return 0;
}

int
address_range_parse(const char *text, struct address_range *ret_range)
{
	char address[INET6_ADDRSTRLEN];
	size_t len = strcspn(text, "/");
	struct address_range range = {0};
	unsigned long bits;
	char *end;

	if (len >= sizeof(address))
		return -1;
	memcpy(address, text, len);
	address[len] = '\0';
	if (parse(address, &range.family, range.bytes) < 0)
		return -1;
	range.bits = range.family == AF_INET ? 32 : 128;
	if (text[len] == '/') {
		bits = strtoul(text + len + 1, &end, 10);
		if (text[len + 1] < '0' || text[len + 1] > '9' || *end != '\0' || bits > range.bits)
			return -1;
		range.bits = (unsigned)bits;
	}
	*ret_range = range;
	return 0;
}

bool
address_in_range(const char *address, const struct address_range *range)
{
	uint8_t bytes[16];
	unsigned whole = range->bits / 8, rest = range->bits % 8;
	int family;

	if (parse(address, &family, bytes) < 0 || family != range->family)
		return false;
	if (memcmp(bytes, range->bytes, whole) != 0)
		return false;
	return rest == 0 || ((bytes[whole] ^ range->bytes[whole]) >> (8 - rest)) == 0;
}

bool
address_valid(const char *address)
{
	uint8_t bytes[16];
	int family;

	return parse(address, &family, bytes) == 0;
}
