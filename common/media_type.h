/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * media_type: what a file is, by its first bytes: what its sender calls it counts only where bytes
 * cannot tell (Office files are archives of one form, old ones of another). Pure functions over
 * bytes from outside.
 */
#ifndef COMMON_MEDIA_TYPE_H
#define COMMON_MEDIA_TYPE_H

#include <stdbool.h>
#include <stddef.h>

#define MEDIA_TYPE_HEAD 4096 /* bytes of a file that tell what it is */

/* The type of a file that begins with these bytes; never NULL. file_name may be NULL. */
const char *media_type_detect(const void *head, size_t len, const char *file_name);
/* As what WhatsApp shows a file of this type: "image", "video", "audio", "sticker" or "document".
 */
const char *media_type_kind(const char *type);
/* May a file of this type be sent as this kind? Everything may go as a document. */
bool media_type_may_be(const char *type, const char *kind);
/* Is it one of the types that media_type_detect answers, by its name without parameters? Then this
 * is its constant spelling; else "application/octet-stream". */
const char *media_type_known(const char *type);

#endif
