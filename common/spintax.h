/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spintax: texts with choices, {Halo|Hai|Selamat {pagi|siang}}: each key gets one of them, always
 * the same one.
 *
 * A group is a pair of braces with a bar at its own level; options may be empty, and hold groups.
 * {{variables}} with their defaults are copied as they stand, and so are braces without a bar. A
 * backslash before a brace or a bar makes it an ordinary character, two of them there are one.
 */
#ifndef COMMON_SPINTAX_H
#define COMMON_SPINTAX_H

#include "common/buf.h"

#define SPINTAX_DEPTH_MAX 5
#define SPINTAX_OPTIONS_MAX 100 /* of one group */

/* What is wrong with the text, for people; NULL: nothing. */
const char *spintax_check(const char *text);
/* The text as `key` gets it. Never fails: what check would refuse stands as it is. */
void spintax_choose(const char *text, const char *key, struct buf *out);

#endif
