/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ranges of IP addresses. Never resolves names. */
#include "common/address.h"

#include <arpa/inet.h>
#include <netinet/in.h>
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

static bool
lies_in(int family, const uint8_t bytes[16], const struct address_range *range)
{
	const unsigned whole = range->bits / 8, rest = range->bits % 8;

	if (family != range->family || memcmp(bytes, range->bytes, whole) != 0)
		return false;
	return rest == 0 || ((bytes[whole] ^ range->bytes[whole]) >> (8 - rest)) == 0;
}

bool
address_in_range(const char *address, const struct address_range *range)
{
	uint8_t bytes[16];
	int family;

	return parse(address, &family, bytes) == 0 && lies_in(family, bytes, range);
}

bool
address_valid(const char *address)
{
	uint8_t bytes[16];
	int family;

	return parse(address, &family, bytes) == 0;
}

static int
from_socket(const struct sockaddr *address, uint8_t ret_bytes[16])
{
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;

	if (address->sa_family == AF_INET) {
		memcpy(&v4, address, sizeof(v4));
		memcpy(ret_bytes, &v4.sin_addr, 4);
	} else if (address->sa_family == AF_INET6) {
		memcpy(&v6, address, sizeof(v6));
		memcpy(ret_bytes, &v6.sin6_addr, 16);
	} else {
		return -1;
	}
	return address->sa_family;
}

bool
address_socket_in_range(const struct sockaddr *address, const struct address_range *range)
{
	uint8_t bytes[16];
	const int family = from_socket(address, bytes);

	return family >= 0 && lies_in(family, bytes, range);
}

/* By the IANA registries of special-purpose addresses. Of IPv6 only 2000::/3 is given out. */
static const char *const not_public[] = {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8",
    "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24",
    "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4",
    "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20"};

bool
address_is_public(const struct sockaddr *address)
{
	struct address_range range;
	uint8_t bytes[16];
	const int family = from_socket(address, bytes);

	if (family < 0 || (family == AF_INET6 && bytes[0] >> 5 != 1))
		return false;
	for (size_t i = 0; i < sizeof(not_public) / sizeof(not_public[0]); i++)
		if (address_range_parse(not_public[i], &range) < 0 ||
		    lies_in(family, bytes, &range))
			return false;
	return true;
}
