/* SPDX-License-Identifier: GPL-3.0-or-later */
/* utf8: text from strangers made fit for JSON and PostgreSQL. */
#ifndef COMMON_WA_UTF8_H
#define COMMON_WA_UTF8_H

/* A copy in which every byte that belongs to no valid sequence is U+FFFD; the caller frees it. */
char *utf8_clean_copy(const char *text) __attribute__((malloc, returns_nonnull));

#endif
