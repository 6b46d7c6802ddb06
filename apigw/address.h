/* SPDX-License-Identifier: GPL-3.0-or-later */
/* address: ranges of IP addresses ("10.0.0.0/8", "::1") and whether one lies in them. */
#ifndef APIGW_ADDRESS_H
#define APIGW_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>

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

#endif
