/* SPDX-License-Identifier: GPL-3.0-or-later */
/* accept: what a client says that it takes: Accept and Accept-Encoding (RFC 9110, section 12.5). */
#ifndef APIGW_ACCEPT_H
#define APIGW_ACCEPT_H

#include <stddef.h>

/*
 * How much the client wants `name` ("image/png", "gzip"), from 0 (not at all) to 1000; the most
 * specific entry of the list counts. header NULL: 1000. *ret_place: which entry that was (NULL: not
 * asked).
 */
unsigned accept_quality(const char *header, const char *name, size_t *ret_place);

#endif
