/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * array: one-dimensional PostgreSQL arrays in binary form, as parameters for unnest().
 *
 *	struct array a;
 *	array_init(&a, ARRAY_TEXT);
 *	array_text(&a, "one");
 *	params[0] = array_param(&a);   // valid until the next change
 *	…
 *	array_done(&a);
 */
#ifndef STORE_ARRAY_H
#define STORE_ARRAY_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "waconnd/store/db.h"

#define ARRAY_BYTES_MAX (64u << 20)

enum array_type {
	ARRAY_BOOL = 16,
	ARRAY_BYTEA = 17,
	ARRAY_INT8 = 20,
	ARRAY_INT2 = 21,
	ARRAY_TEXT = 25
}; /* pg_type's oids */

struct array {
	struct buf buf;
	enum array_type type;
	uint32_t n;
	bool has_null;
};

void array_init(struct array *a, enum array_type type);
void array_done(struct array *a);
/* NULL is SQL's NULL. Bytes that are not UTF-8 become U+FFFD, which PostgreSQL would refuse. */
void array_text(struct array *a, const char *s);
void array_bytes(struct array *a, const void *data, size_t len);
void array_int8(struct array *a, int64_t v);
void array_int2(struct array *a, int16_t v);
void array_bool(struct array *a, bool v);
struct db_param array_param(struct array *a);

#endif
