/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Allocation that ends the program when memory is exhausted, with a line that says how much was
 * asked for.
 */
#include "common/xalloc.h"

#include <event2/event.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
checked(void *p, size_t size)
{
	if (p == NULL) {
		fprintf(stderr, "out of memory: %zu bytes\n", size);
		abort();
	}
	return p;
}

void *
xmalloc(size_t size)
{
	return checked(malloc(size > 0 ? size : 1), size);
}

void *
xcalloc(size_t n, size_t size)
{
	return checked(calloc(n > 0 ? n : 1, size > 0 ? size : 1), n);
}

void *
xreallocarray(void *p, size_t n, size_t size)
{
	return checked(reallocarray(p, n > 0 ? n : 1, size > 0 ? size : 1), n);
}

char *
xstrdup(const char *s)
{
	return checked(strdup(s), strlen(s));
}

char *
xstrndup(const char *s, size_t n)
{
	return checked(strndup(s, n), n);
}

void *
xmemdup(const void *p, size_t n)
{
	void *copy = xmalloc(n);

	if (n > 0)
		memcpy(copy, p, n);
	return copy;
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s = NULL;

	va_start(ap, fmt);
	if (vasprintf(&s, fmt, ap) < 0)
		s = NULL;
	va_end(ap);
	return checked(s, strlen(fmt));
}

static void *
resized(void *p, size_t size)
{
	return xreallocarray(p, size, 1);
}

void
xalloc_for_libraries(void)
{
	event_set_mem_functions(xmalloc, resized, free);
	json_set_alloc_funcs(xmalloc, free);
}
