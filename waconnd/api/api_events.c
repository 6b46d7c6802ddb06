/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Subscriptions: the hub's events to the peers that asked, filtered by what their principal may
 * see. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"

#define SUBSCRIPTIONS_MAX 4096

struct subscription {
	LIST_ENTRY(subscription) entry;
	struct subscriptions *owner;
	struct hub_sub *sub;
	uint64_t peer; /* serial */
	uint64_t id;   /* the request's */
	bool starting; /* inside api_subscribe: must not be freed yet */
	bool ended;    /* … but is to be */
};

struct subscriptions {
	struct api *api;
	struct hub *hub;
	LIST_HEAD(, subscription) list;
	unsigned count;
};

struct subscriptions *
subscriptions_new(struct api *api, struct hub *hub)
{
	struct subscriptions *s = xcalloc(1, sizeof(*s));

	s->api = api;
	s->hub = hub;
	LIST_INIT(&s->list);
	return s;
}

static void
subscription_free(struct subscription *s)
{
	if (s->starting) {
		s->ended = true;
		return;
	}
	hub_unsubscribe(s->owner->hub, &s->sub);
	LIST_REMOVE(s, entry);
	s->owner->count--;
	free(s);
}

void
subscriptions_free(struct subscriptions **sp)
{
	struct subscription *s;

	if (*sp == NULL)
		return;
	while ((s = LIST_FIRST(&(*sp)->list)) != NULL)
		subscription_free(s);
	free(*sp);
	*sp = NULL;
}

void
subscriptions_drop_peer(struct subscriptions *all, uint64_t peer)
{
	struct subscription *s, *next;

	for (s = LIST_FIRST(&all->list); s != NULL; s = next) {
		next = LIST_NEXT(s, entry);
		if (s->peer == peer)
			subscription_free(s);
	}
}

/* May end with the peer dropped, and this subscription with it: nothing is touched afterwards. */
static void
on_hub_event(void *arg, const struct hub_event *event)
{
	const struct subscription *s = arg;
	struct ipc_peer *peer = api_peer(s->owner->api, s->peer);
	Ipc__Event e = IPC__EVENT__INIT;
	char id[sizeof(event->id)], kind[16];

	if (peer == NULL || s->ended)
		return;
	memcpy(id, event->id, sizeof(id));
	(void)snprintf(kind, sizeof(kind), "%s", event->kind);
	e.has_id = 1;
	e.id = s->id;
	e.event_id = id;
	e.kind = kind;
	e.has_data = 1;
	e.data.len = event->len;
	memcpy(&e.data.data, &event->data, sizeof(event->data));
	ipc_event(peer, &e);
}

static bool
parse_kinds(struct call *c, const Ipc__Subscribe *q, unsigned *ret_mask)
{
	unsigned mask = 0;

	for (size_t i = 0; i < q->n_kinds; i++) {
		unsigned bit = hub_kind_mask(q->kinds[i]);

		if (bit == 0) {
			call_invalid(
			    c, "kinds", "unknown", "Kinds of events: status, qr, blast, message.");
			return false;
		}
		mask |= bit;
	}
	*ret_mask = q->n_kinds > 0 ? mask : ~0u;
	return true;
}

void
api_subscribe(struct call *c)
{
	struct subscriptions *all = api_subscriptions(c->api);
	const Ipc__Subscribe *q = c->request->subscribe;
	struct hub *hub = c->env->hub;
	struct subscription *s;
	char *last_id, *outlet;
	unsigned mask;

	if (!parse_kinds(c, q, &mask))
		return;
	if (all->count >= SUBSCRIPTIONS_MAX || api_peer(c->api, c->peer) == NULL) {
		call_problem(c, "overloaded", NULL);
		return;
	}
	s = xcalloc(1, sizeof(*s));
	s->owner = all;
	s->peer = c->peer;
	s->id = c->request->id;
	/* The answer may already find the peer's queue full, and end it with all that it has. */
	s->starting = true;
	LIST_INSERT_HEAD(&all->list, s, entry);
	all->count++;
	last_id = q->last_event_id != NULL && q->last_event_id[0] != '\0'
		      ? xstrdup(q->last_event_id)
		      : NULL;
	outlet = call_scope(c) != NULL ? xstrdup(call_scope(c)) : NULL;
	/* The answer goes out first: events of an id come only after it. */
	call_reply_text(c, 200, "{\"success\":true}", strlen("{\"success\":true}"), NULL);
	s->sub = hub_subscribe(hub, outlet, mask, last_id, on_hub_event, s);
	s->starting = false;
	if (s->ended)
		subscription_free(s);
	free(last_id);
	free(outlet);
}

void
api_unsubscribe(struct call *c)
{
	struct subscription *s, *next;

	for (s = LIST_FIRST(&api_subscriptions(c->api)->list); s != NULL; s = next) {
		next = LIST_NEXT(s, entry);
		if (s->peer == c->peer && s->id == c->request->id)
			subscription_free(s);
	}
	/* No answer: the id was the subscription's, and its request has been answered. */
	call_discard(c);
}
