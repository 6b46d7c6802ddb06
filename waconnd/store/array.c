/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes array_send's format: dimensions, has-null, element oid, length, lower bound, then each
 * element behind its length.
 */
#include "waconnd/store/array.h"

#include <arpa/inet.h>
#include <string.h>

#include "common/utf8.h"

#define HEADER 20
#define NULL_LENGTH UINT32_MAX

void
array_init(struct array *a, enum array_type type)
{
	static const uint8_t header[HEADER];

	buf_init(&a->buf, ARRAY_BYTES_MAX);
	buf_add(&a->buf, header, sizeof(header));
	a->type = type;
	a->n = 0;
	a->has_null = false;
}

void
array_done(struct array *a)
{
	buf_done(&a->buf);
}

static void
add(struct array *a, const void *data, size_t len)
{
	buf_add_u32be(&a->buf, (uint32_t)len);
	buf_add(&a->buf, data, len);
	a->n++;
}

void
array_text(struct array *a, const char *s)
{
	size_t start = a->buf.len;

	a->n++;
	if (s == NULL) {
		buf_add_u32be(&a->buf, NULL_LENGTH);
		a->has_null = true;
		return;
	}
	buf_add_u32be(&a->buf, 0);
	utf8_clean(s, &a->buf);
	if (buf_ok(&a->buf)) {
		uint32_t len = htonl((uint32_t)(a->buf.len - start - sizeof(len)));

		memcpy(a->buf.data + start, &len, sizeof(len));
	}
}

void
array_bytes(struct array *a, const void *data, size_t len)
{
	add(a, data, len);
}

void
array_int8(struct array *a, int64_t v)
{
	uint64_t u = (uint64_t)v;

	buf_add_u32be(&a->buf, sizeof(u));
	buf_add_u32be(&a->buf, (uint32_t)(u >> 32));
	buf_add_u32be(&a->buf, (uint32_t)u);
	a->n++;
}

void
array_int2(struct array *a, int16_t v)
{
	buf_add_u32be(&a->buf, sizeof(v));
	buf_add_u16be(&a->buf, (uint16_t)v);
	a->n++;
}

void
array_bool(struct array *a, bool v)
{
	uint8_t byte = v;

	add(a, &byte, 1);
}

struct db_param
array_param(struct array *a)
{
	const uint32_t header[HEADER / 4] = {
	    htonl(a->n > 0), htonl(a->has_null), htonl((uint32_t)a->type), htonl(a->n), htonl(1)};

	/* No dimension: nothing behind the first three fields. */
	memcpy(a->buf.data, header, sizeof(header));
	return DB_BYTES(a->buf.data, a->n > 0 ? a->buf.len : HEADER - 8);
}
