/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * http_parser: the grammar of RFC 9112, strictly. What two servers could read differently is
 * refused, so that no proxy before this one can be made to see other requests than it does. Pure
 * functions over bytes; nothing here waits or answers.
 */
#ifndef APIGW_HTTP_PARSER_H
#define APIGW_HTTP_PARSER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/buf.h"

#define HTTP_HEAD_MAX 16384 /* bytes of request line and fields */
#define HTTP_FIELDS_MAX 100
#define HTTP_TRAILER_MAX 4096 /* bytes of chunk extensions and trailer fields in one body */

struct http_field {
	const char *name;
	const char *value; /* without the white space around it */
};

struct http_head {
	char *bytes; /* what all strings here point into */
	const char *method;
	const char *path;  /* as sent, still percent-encoded */
	const char *query; /* as sent, without '?'; "" when there is none */
	const char *host;  /* "" when HTTP/1.0 names none */
	size_t n_fields;
	bool chunked;
	uint64_t length; /* of the body, when it is not chunked */
	bool keep_alive;
	bool old; /* HTTP/1.0: knows no chunks */
	bool expect_continue;
	struct http_field
	    fields[HTTP_FIELDS_MAX]; /* as many as there are; the others are not set */
};

/*
 * Looks for the end of the head in `bytes`, going on at *offset (0 at first). Returns the head's
 * length, 0 when it has not all come, -1 when it cannot become one (bare LF or CR, NUL).
 */
int http_head_scan(const char *bytes, size_t len, size_t *offset)
    __attribute__((warn_unused_result));
/* Parses a whole head. -1: refuse it (nothing to free). */
int http_head_parse(const char *bytes, size_t len, struct http_head *ret_head)
    __attribute__((warn_unused_result));
void http_head_done(struct http_head *head);
/* NULL when there is none. Names in any case. */
const char *http_head_get(const struct http_head *head, const char *name);

enum http_chunk_state {
	CHUNK_SIZE,
	CHUNK_EXT,
	CHUNK_SIZE_LF,
	CHUNK_DATA,
	CHUNK_DATA_CR,
	CHUNK_DATA_LF,
	CHUNK_TRAILER,
	CHUNK_DONE
};

struct http_chunks { /* zero to start */
	enum http_chunk_state state;
	unsigned digits;
	uint64_t left;	/* of this chunk */
	size_t extra;	/* bytes of extensions and trailers so far */
	char line[512]; /* of the trailer */
	size_t line_len;
};

/* Takes from `bytes` what belongs to the body and adds its data to `out`. Returns how many bytes
 * were taken; -1: refuse. */
ssize_t http_chunks_take(struct http_chunks *c, const char *bytes, size_t len, struct buf *out)
    __attribute__((warn_unused_result));

/* Percent-decodes into out ('+' is a space); -1 for bad escapes, NUL, or too long. */
int http_query_decode(const char *in, size_t len, char *out, size_t size)
    __attribute__((warn_unused_result));
/* The decoded value of a parameter: 1 found, 0 not there, -1 not decodable. */
int http_query_get(const char *query, const char *name, char *out, size_t size)
    __attribute__((warn_unused_result));

#endif
