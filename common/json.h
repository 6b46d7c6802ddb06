/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * json: an append-only JSON writer over a buf.
 *
 * Commas are put by the writer; nesting is at most JSON_DEPTH_MAX.  Keys are trusted constants;
 * string values are escaped, and bytes that are not UTF-8 become U+FFFD.  Reading JSON is
 * jansson's work, not this module's.
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "common/buf.h"

#define JSON_DEPTH_MAX 16

struct json {
	struct buf *out;
	unsigned depth;
	bool comma[JSON_DEPTH_MAX + 1];
};

void json_init(struct json *j, struct buf *out);
/* `key` is NULL inside an array and at the top. */
void json_object(struct json *j, const char *key);
void json_object_end(struct json *j);
void json_array(struct json *j, const char *key);
void json_array_end(struct json *j);
void json_str(struct json *j, const char *key, const char *value); /* NULL value: null */
void json_strn(struct json *j, const char *key, const char *value, size_t len);
void json_int(struct json *j, const char *key, int64_t value);
void json_real(struct json *j, const char *key, double value);
void json_bool(struct json *j, const char *key, bool value);
void json_null(struct json *j, const char *key);
/* RFC 3339 UTC from milliseconds since the epoch, "2025-10-25T10:30:00Z"; 0 gives null. */
void json_time(struct json *j, const char *key, int64_t ms);
/* Bytes that are JSON already. */
void json_raw(struct json *j, const char *key, const char *value, size_t len);

#endif
