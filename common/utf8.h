/* SPDX-License-Identifier: GPL-3.0-or-later */
/* utf8: what is UTF-8 and what is not. */
#ifndef COMMON_UTF8_H
#define COMMON_UTF8_H

#include <stddef.h>

#include "common/buf.h"

/* Length of the sequence at s (left > 0 bytes remain), 0 when it is none: overlong, surrogate, past
 * U+10FFFF, cut off. */
size_t utf8_sequence(const unsigned char *s, size_t left);
/* Appends the string; each byte that is not UTF-8 becomes U+FFFD. */
void utf8_clean(const char *s, struct buf *out);

#endif
