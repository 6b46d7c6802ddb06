/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * xalloc: allocation that ends the program when memory is exhausted.
 *
 * Sizes from outside are bounded before they get here, and everything promised is already in the
 * database, so ending is the crash-safe answer.  Results are never NULL; freed with free().
 */
#ifndef COMMON_XALLOC_H
#define COMMON_XALLOC_H

#include <stddef.h>

void *xmalloc(size_t size) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *xreallocarray(void *p, size_t n, size_t size) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
char *xstrndup(const char *s, size_t n) __attribute__((malloc, returns_nonnull));
void *xmemdup(const void *p, size_t n) __attribute__((malloc, returns_nonnull));
char *xasprintf(const char *fmt, ...)
    __attribute__((format(printf, 1, 2), malloc, returns_nonnull));

/* libevent and jansson allocate that way, too: where they would answer NULL the program ends, not
 * at the next pointer. Before anything of theirs is made. */
void xalloc_for_libraries(void);

#endif
