/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A few places, the one unused for longest is given up first. */
#include "apigw/answer_cache.h"

#include <stdlib.h>
#include <string.h>

#include "apigw/zip.h"
#include "common/xalloc.h"

struct answer_cache {
	struct answer *places[ANSWER_CACHE_MAX]; /* the latest used first */
};

struct answer_cache *
answer_cache_new(void)
{
	return xcalloc(1, sizeof(struct answer_cache));
}

void
answer_release(struct answer **a)
{
	struct answer *answer = *a;

	*a = NULL;
	if (answer == NULL || --answer->holders > 0)
		return;
	free(answer->query);
	free(answer->etag);
	buf_done(&answer->zipped);
	free(answer);
}

void
answer_cache_free(struct answer_cache **ac)
{
	if (*ac == NULL)
		return;
	for (size_t i = 0; i < ANSWER_CACHE_MAX; i++)
		answer_release(&(*ac)->places[i]);
	free(*ac);
	*ac = NULL;
}

/* The place of the query, or the last one; what is there comes to the front. */
static struct answer **
to_front(struct answer_cache *ac, const char *query)
{
	struct answer *found;
	size_t i = 0;

	while (i < ANSWER_CACHE_MAX - 1 &&
	       (ac->places[i] == NULL || strcmp(ac->places[i]->query, query) != 0))
		i++;
	found = ac->places[i];
	memmove(&ac->places[1], &ac->places[0], i * sizeof(ac->places[0]));
	ac->places[0] = found;
	return &ac->places[0];
}

struct answer *
answer_cache_get(struct answer_cache *ac, const char *query)
{
	const char *wanted = query != NULL ? query : "";

	for (size_t i = 0; i < ANSWER_CACHE_MAX; i++) {
		struct answer *a = ac->places[i];

		if (a != NULL && strcmp(a->query, wanted) == 0) {
			(void)to_front(ac, wanted);
			a->holders++;
			return a;
		}
	}
	return NULL;
}

void
answer_cache_put(
    struct answer_cache *ac, const char *query, const char *etag, const void *body, size_t len)
{
	struct answer **place, *a;

	if (len < ANSWER_BYTES_MIN || len > ANSWER_BYTES_MAX)
		return;
	place = to_front(ac, query != NULL ? query : "");
	answer_release(place);
	a = *place = xmalloc(sizeof(*a) + len);
	a->holders = 1;
	a->query = xstrdup(query != NULL ? query : "");
	a->etag = xstrdup(etag);
	a->len = len;
	buf_init(&a->zipped, ANSWER_BYTES_MAX);
	memcpy(a->body, body, len);
}

const struct buf *
answer_zipped(struct answer *a)
{
	if (a->zipped.len == 0 && zip(a->body, a->len, &a->zipped) < 0) {
		buf_reset(&a->zipped);
		return NULL;
	}
	return &a->zipped;
}
