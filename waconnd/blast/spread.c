/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The level is found by halving; whoever reached it in its last millisecond gives back what is too
 * much. */
#include "waconnd/blast/spread.h"

#include <stdlib.h>

#include "common/xalloc.h"

#define HORIZON_MS (SPREAD_DAYS * 86400000LL)

/* -- how many -- */

/* Messages that leave until t_ms. */
static uint64_t
room(const struct spread_outlet *o, int64_t t_ms)
{
	uint64_t n = 0;

	for (size_t i = 0; i < o->n_stretches && o->stretches[i].from_ms <= t_ms; i++) {
		const struct pacer_stretch *s = &o->stretches[i];
		const uint64_t k = (uint64_t)((double)(t_ms - s->from_ms) / s->interval_ms) + 1;

		n += k < s->n ? k : s->n;
	}
	return n;
}

/* Recipients that it has when the level is t_ms. */
static size_t
filled(const struct spread_outlet *o, size_t messages, int64_t t_ms)
{
	const size_t n = (size_t)room(o, t_ms) / messages;

	if (n <= o->count)
		return o->count;
	return o->chats_left >= 0 && n - o->count > (uint64_t)o->chats_left
		   ? o->count + (size_t)o->chats_left
		   : n;
}

static size_t
filled_all(const struct spread_outlet *outlets, size_t n, size_t messages, int64_t t_ms)
{
	size_t sum = 0;

	for (size_t i = 0; i < n; i++)
		sum += filled(&outlets[i], messages, t_ms);
	return sum;
}

/* The first millisecond at which they hold so many; all of the horizon when it is not enough. */
static int64_t
level(const struct spread_outlet *outlets, size_t n, size_t messages, size_t total, int64_t from_ms)
{
	int64_t low = from_ms, high = from_ms + HORIZON_MS;

	while (low < high) {
		const int64_t middle = low + (high - low) / 2;

		if (filled_all(outlets, n, messages, middle) >= total)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

/* What a week does not hold: in its proportion. */
static void
deal(struct spread_outlet *outlets, size_t n, size_t rest, int64_t until_ms)
{
	uint64_t sum = 0;
	size_t dealt = 0;

	for (size_t i = 0; i < n; i++)
		sum += room(&outlets[i], until_ms);
	for (size_t i = 0; i < n; i++) {
		const size_t share = sum > 0 ? rest * room(&outlets[i], until_ms) / sum : rest / n;

		outlets[i].more += share;
		dealt += share;
	}
	for (size_t i = 0; dealt < rest; i++, dealt++)
		outlets[i].more++;
}

void
spread_fill(
    struct spread_outlet *outlets, size_t n, size_t n_more, size_t messages, int64_t from_ms)
{
	size_t total = n_more, sum = 0;
	int64_t t_ms;

	for (size_t i = 0; i < n; i++)
		total += outlets[i].count;
	t_ms = level(outlets, n, messages, total, from_ms);
	for (size_t i = 0; i < n; i++) {
		outlets[i].more = filled(&outlets[i], messages, t_ms) - outlets[i].count;
		sum += outlets[i].more;
	}
	for (size_t i = n; i-- > 0 && sum > n_more;) {
		struct spread_outlet *o = &outlets[i];

		if (o->more > filled(o, messages, t_ms - 1) - o->count) {
			o->more--;
			sum--;
		}
	}
	if (sum < n_more)
		deal(outlets, n, n_more - sum, t_ms);
}

/* -- in which order -- */

void
spread_init(struct spread *s, struct spread_outlet *outlets, size_t n)
{
	*s = (struct spread){.outlets = outlets, .n = n};
	s->turns = xcalloc(n, sizeof(*s->turns));
	for (size_t i = 0; i < n; i++)
		s->turns[i] = i;
}

void
spread_done(struct spread *s)
{
	free(s->turns);
	s->turns = NULL;
}

/* The next round is of those who take more. */
static void
begin_round(struct spread *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->outlets[s->turns[i]].more > 0)
			s->turns[n++] = s->turns[i];
	s->n = n;
	s->at = 0;
}

size_t
spread_next(struct spread *s)
{
	size_t i;

	do {
		if (s->at == s->n)
			begin_round(s);
		i = s->turns[s->at++];
	} while (s->outlets[i].more == 0);
	s->outlets[i].more--;
	return i;
}
