/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * answer_cache: the last few large documents that the daemon wrote, by query and ETag, so that they
 * need not cross the socket again while nothing has changed.
 *
 * It decides nothing: each request still asks the daemon, which says by its 304 that whoever asks
 * would get these very bytes. An answer is counted by who holds it; a replaced one goes with its
 * last holder.
 */
#ifndef APIGW_ANSWER_CACHE_H
#define APIGW_ANSWER_CACHE_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

#define ANSWER_CACHE_MAX 4
#define ANSWER_BYTES_MIN 1024 /* less is quicker sent than looked up */
#define ANSWER_BYTES_MAX (4u << 20)

struct answer_cache;

struct answer {
	unsigned holders;
	char *query, *etag;
	struct buf zipped; /* when it was wanted so */
	size_t len;
	uint8_t body[];
};

struct answer_cache *answer_cache_new(void);
void answer_cache_free(struct answer_cache **ac);
/* The last answer to this query (NULL: the empty one), held for the caller; NULL when there is
 * none. */
struct answer *answer_cache_get(struct answer_cache *ac, const char *query);
/* Copies; what is too small or too large is not kept. */
void answer_cache_put(
    struct answer_cache *ac, const char *query, const char *etag, const void *body, size_t len);
/* Compressed, once for all who hold it; NULL: it cannot be. */
const struct buf *answer_zipped(struct answer *a);
void answer_release(struct answer **a);

#endif
