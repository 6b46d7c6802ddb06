/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base64url: bytes as text in the alphabet of URLs, without padding (RFC 4648 section 5). */
#ifndef COMMON_BASE64URL_H
#define COMMON_BASE64URL_H

#include "common/buf.h"

/* Appends the text. */
void base64url_add(struct buf *out, const void *data, size_t len);
/* Appends the bytes. -1 when it is no such text, or another text would give the same bytes; what
 * is longer than `out` takes makes out->overflow, as ever. */
int base64url_decode(const char *text, struct buf *out) __attribute__((warn_unused_result));

#endif
