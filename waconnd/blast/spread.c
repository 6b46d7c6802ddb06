/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fills outlets like vessels: the emptiest first, in turns, and a fuller one joins in when the
 * level has reached it. Each step costs the same, however many outlets there are.
 */
#include "waconnd/blast/spread.h"

#include <stdlib.h>

#include "common/xalloc.h"

static int
compare(const void *a, const void *b, void *arg)
{
	const size_t *counts = arg;
	const size_t x = *(const size_t *)a, y = *(const size_t *)b;

	if (counts[x] != counts[y])
		return counts[x] < counts[y] ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* Who has exactly the level takes part. */
static void
join(struct spread *s)
{
	while (s->active < s->n && s->counts[s->order[s->active]] <= s->level)
		s->active++;
}

void
spread_init(struct spread *s, size_t *counts, size_t n)
{
	*s = (struct spread){.counts = counts, .n = n};
	s->order = xcalloc(n, sizeof(*s->order));
	for (size_t i = 0; i < n; i++)
		s->order[i] = i;
	qsort_r(s->order, n, sizeof(*s->order), compare, counts);
	s->level = counts[s->order[0]];
	join(s);
}

void
spread_done(struct spread *s)
{
	free(s->order);
	s->order = NULL;
}

size_t
spread_next(struct spread *s)
{
	size_t i;

	if (s->at == s->active) {
		s->at = 0;
		s->level++;
		join(s);
	}
	i = s->order[s->at++];
	s->counts[i]++;
	return i;
}
