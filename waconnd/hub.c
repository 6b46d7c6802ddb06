/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hub keeps the last HUB_RING events in a ring and hands each new one to the subscribers that
 * may see it. It never looks into an event's data and never blocks on a subscriber: queues towards
 * slow readers belong to the subscriber.
 */
#include "waconnd/hub.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/xalloc.h"

static const char *const kinds[] = {"status", "qr", "blast", "message", "webhook"};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

struct stored {
	uint64_t sequence;
	unsigned kind; /* index into kinds */
	char *outlet;
	char *data;
	size_t len;
};

struct hub_sub {
	LIST_ENTRY(hub_sub) entry;
	char *outlet; /* NULL: everything */
	unsigned mask;
	hub_cb cb;
	void *arg;
	bool dead; /* ended while events are being delivered */
};

struct hub {
	int64_t epoch;
	uint64_t last; /* sequence of the newest; 0: none yet */
	struct stored ring[HUB_RING];
	LIST_HEAD(, hub_sub) subs;
	unsigned delivering;
	bool sweep; /* there are dead ones */
};

struct hub *
hub_new(int64_t epoch)
{
	struct hub *h = xcalloc(1, sizeof(*h));

	h->epoch = epoch;
	LIST_INIT(&h->subs);
	return h;
}

static void
sub_free(struct hub_sub *s)
{
	LIST_REMOVE(s, entry);
	free(s->outlet);
	free(s);
}

static void
stored_clear(struct stored *e)
{
	free(e->outlet);
	free(e->data);
	memset(e, 0, sizeof(*e));
}

void
hub_free(struct hub **h)
{
	if (*h == NULL)
		return;
	while (!LIST_EMPTY(&(*h)->subs))
		sub_free(LIST_FIRST(&(*h)->subs));
	for (size_t i = 0; i < HUB_RING; i++)
		stored_clear(&(*h)->ring[i]);
	free(*h);
	*h = NULL;
}

unsigned
hub_kind_mask(const char *kind)
{
	for (unsigned i = 0; i < KINDS; i++)
		if (strcmp(kinds[i], kind) == 0)
			return 1u << i;
	return 0;
}

static void
deliver(struct hub *h, struct hub_sub *s, const struct stored *e)
{
	struct hub_event event = {
	    .kind = kinds[e->kind], .outlet = e->outlet, .data = e->data, .len = e->len};

	if (s->dead || (s->mask & 1u << e->kind) == 0)
		return;
	if (s->outlet != NULL && (e->outlet == NULL || strcmp(s->outlet, e->outlet) != 0))
		return;
	(void)snprintf(event.id, sizeof(event.id), "%" PRId64 "-%" PRIu64, h->epoch, e->sequence);
	s->cb(s->arg, &event);
}

static void
delivered(struct hub *h)
{
	struct hub_sub *s, *next;

	if (--h->delivering > 0 || !h->sweep)
		return;
	h->sweep = false;
	for (s = LIST_FIRST(&h->subs); s != NULL; s = next) {
		next = LIST_NEXT(s, entry);
		if (s->dead)
			sub_free(s);
	}
}

void
hub_publish(struct hub *h, const char *kind, const char *outlet, const char *json, size_t len)
{
	struct stored *e;
	struct hub_sub *s;
	unsigned k = 0;

	while (k < KINDS && strcmp(kinds[k], kind) != 0)
		k++;
	if (k == KINDS)
		return;
	e = &h->ring[++h->last % HUB_RING];
	stored_clear(e);
	e->sequence = h->last;
	e->kind = k;
	e->outlet = outlet != NULL ? xstrdup(outlet) : NULL;
	e->data = xstrndup(json, len);
	e->len = len;
	h->delivering++;
	LIST_FOREACH(s, &h->subs, entry)
	deliver(h, s, e);
	delivered(h);
}

/* "epoch-sequence" of this daemon's life; -1 when it is of another, or none at all. */
static int
parse_id(const struct hub *h, const char *id, uint64_t *ret_sequence)
{
	int64_t epoch;
	uint64_t sequence;
	int end = 0;

	if (sscanf(id, "%" SCNd64 "-%" SCNu64 "%n", &epoch, &sequence, &end) != 2 ||
	    id[end] != '\0')
		return -1;
	if (epoch != h->epoch || sequence > h->last)
		return -1;
	*ret_sequence = sequence;
	return 0;
}

static void
deliver_reset(struct hub *h, struct hub_sub *s)
{
	struct hub_event event = {.kind = "reset", .outlet = s->outlet, .data = "{}", .len = 2};

	(void)snprintf(event.id, sizeof(event.id), "%" PRId64 "-%" PRIu64, h->epoch, h->last);
	s->cb(s->arg, &event);
}

static void
deliver_missed(struct hub *h, struct hub_sub *s, const char *last_id)
{
	const uint64_t newest = h->last;
	uint64_t seen;

	if (parse_id(h, last_id, &seen) < 0 || newest - seen > HUB_RING) {
		deliver_reset(h, s);
		return;
	}
	for (uint64_t i = seen + 1; i <= newest; i++)
		deliver(h, s, &h->ring[i % HUB_RING]);
}

struct hub_sub *
hub_subscribe(struct hub *h, const char *outlet, unsigned kinds_mask, const char *last_id,
    hub_cb cb, void *arg)
{
	struct hub_sub *s = xcalloc(1, sizeof(*s));

	s->outlet = outlet != NULL ? xstrdup(outlet) : NULL;
	s->mask = kinds_mask;
	s->cb = cb;
	s->arg = arg;
	if (last_id != NULL) {
		h->delivering++;
		deliver_missed(h, s, last_id);
		delivered(h);
	}
	LIST_INSERT_HEAD(&h->subs, s, entry);
	return s;
}

void
hub_unsubscribe(struct hub *h, struct hub_sub **sub)
{
	struct hub_sub *s = *sub;

	if (s == NULL)
		return;
	*sub = NULL;
	if (h->delivering > 0) {
		s->dead = true;
		h->sweep = true;
	} else {
		sub_free(s);
	}
}
