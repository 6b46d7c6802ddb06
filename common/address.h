/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * address: ranges of IP addresses ("10.0.0.0/8", "::1"), whether one lies in them, and whether one
 * is of the public internet.
 */
#ifndef COMMON_ADDRESS_H
#define COMMON_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct address_range {
	int family;
	uint8_t bytes[16];
	unsigned bits;
};

int address_range_parse(const char *text, struct address_range *ret_range)
    __attribute__((warn_unused_result));
/* False for text that is no address. */
bool address_in_range(const char *address, const struct address_range *range);
bool address_valid(const char *address);
/* The same for what a name was resolved to. False for other families. */
bool address_socket_in_range(const struct sockaddr *address, const struct address_range *range);
/* Of the public internet: not private, loopback, link-local, shared (CGNAT), multicast, reserved or
 * for documentation, and none that stands for another address (IPv4-mapped, NAT64, 6to4, Teredo).
 */
bool address_is_public(const struct sockaddr *address);

#endif
