/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * jsonw: an append-only JSON writer over a buf.
 *
 * Commas are put by the writer; nesting is at most JSON_DEPTH_MAX.  Keys are trusted constants;
 * string values are escaped, and bytes that are not UTF-8 become U+FFFD.  Reading JSON is
 * jansson's work, not this module's.
 */
#ifndef COMMON_JSONW_H
#define COMMON_JSONW_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/buf.h"

#define JSON_DEPTH_MAX 16

struct jsonw {
	struct buf *out;
	unsigned depth;
	bool comma[JSON_DEPTH_MAX + 1];
};

void jsonw_init(struct jsonw *j, struct buf *out);
/* `key` is NULL inside an array and at the top. */
void jsonw_object(struct jsonw *j, const char *key);
void jsonw_object_end(struct jsonw *j);
void jsonw_array(struct jsonw *j, const char *key);
void jsonw_array_end(struct jsonw *j);
void jsonw_str(struct jsonw *j, const char *key, const char *value); /* NULL value: null */
void jsonw_strn(struct jsonw *j, const char *key, const char *value, size_t len);
void jsonw_int(struct jsonw *j, const char *key, int64_t value);
void jsonw_real(struct jsonw *j, const char *key, double value);
void jsonw_bool(struct jsonw *j, const char *key, bool value);
void jsonw_null(struct jsonw *j, const char *key);
/* RFC 3339 UTC from milliseconds since the epoch, "2025-10-25T10:30:00Z"; 0 gives null. */
void jsonw_time(struct jsonw *j, const char *key, int64_t ms);
/* Bytes that are JSON already. */
void jsonw_raw(struct jsonw *j, const char *key, const char *value, size_t len);

#endif
