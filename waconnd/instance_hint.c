/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How daemons wake each other: NOTIFY with bits, gathered and at most five a second, since each one
 * serialises commits; and what is done about those of others. They are hints: whatever is lost is
 * found by the sweeps.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/instance_internal.h"

#define GATHER_MS 5
#define SPACE_MS 200	   /* between two of ours */
#define REFRESH_MIN_MS 200 /* between two readings of all rows, and ten times what one took */
#define REFRESH_COSTS 10
#define ALL_HINTS (~0u)

static void
arm(struct event *ev, int64_t ms)
{
	const struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	if (!evtimer_pending(ev, NULL))
		(void)evtimer_add(ev, &tv);
}

/* -- ours -- */

static void
on_hint_timer(evutil_socket_t fd, short what, void *arg)
{
	struct instance *i = arg;
	char *payload;

	(void)fd;
	(void)what;
	if (i->hints == 0)
		return;
	payload = xasprintf("%s %u", i->store->boot, i->hints);
	{
		const struct db_param param = DB_TEXT(payload);

		i->hints = 0;
		i->hinted_ms = clock_monotonic_ms();
		(void)db_urgent(i->store->db, SQL_INSTANCE_HINT, &param, 1, NULL, NULL);
	}
	free(payload);
}

void
instance_hint(struct instance *i, unsigned hints)
{
	const int64_t next = i->hinted_ms + SPACE_MS - clock_monotonic_ms();

	if (i->alone)
		return;
	i->hints |= hints;
	arm(i->ev_hint, next > GATHER_MS ? next : GATHER_MS);
}

/* Of our own outlets: others show them by their rows. */
static void
on_status(void *arg, const struct hub_event *event)
{
	struct instance *i = arg;
	const struct outlet *o;

	if (i->alone || i->outlets == NULL || event->outlet == NULL)
		return;
	o = outlets_find(i->outlets, event->outlet);
	if (o != NULL && !outlet_elsewhere(o))
		instance_hint(i, HINT_ROWS);
}

/* -- reading rows -- */

static void
on_refresh_timer(evutil_socket_t fd, short what, void *arg)
{
	struct instance *i = arg;

	(void)fd;
	(void)what;
	i->refreshed_ms = clock_monotonic_ms();
	outlets_refresh(i->outlets);
}

void
instance_refresh(struct instance *i)
{
	int64_t space = i->refresh_cost_ms * REFRESH_COSTS;
	int64_t wait;

	if (space < REFRESH_MIN_MS)
		space = REFRESH_MIN_MS;
	wait = i->refreshed_ms + space - clock_monotonic_ms();
	arm(i->ev_refresh, wait > 0 ? wait : 0);
}

static void
tell(struct instance *i, unsigned hints)
{
	for (size_t n = 0; n < i->n_listeners; n++)
		i->listeners[n].cb(i->listeners[n].arg, hints);
}

static void
on_refreshed(void *arg)
{
	struct instance *i = arg;

	if (i->refreshed_ms > 0)
		i->refresh_cost_ms = clock_monotonic_ms() - i->refreshed_ms;
	tell(i, HINT_READ);
}

/* -- others' -- */

static void
act_on(struct instance *i, unsigned hints)
{
	if (i->outlets == NULL || i->stopping)
		return;
	if ((hints & HINT_SCAN) != 0)
		instance_look(i);
	if ((hints & HINT_ROWS) != 0)
		instance_refresh(i);
	if ((hints & HINT_BLASTS) != 0)
		blasts_kick(i->blasts, NULL);
	else if ((hints & HINT_WORK) != 0)
		blasts_look(i->blasts);
	tell(i, hints & ~(unsigned)HINT_READ);
}

/* "BOOT BITS", or "" when some may have been lost. */
static void
on_notify(void *arg, const char *payload)
{
	struct instance *i = arg;
	const char *bits = strchr(payload, ' ');

	if (payload[0] == '\0')
		act_on(i, ALL_HINTS);
	else if (bits != NULL && strncmp(payload, i->store->boot, (size_t)(bits - payload)) != 0)
		act_on(i, (unsigned)strtoul(bits + 1, NULL, 10));
}

void
instance_on_hint(struct instance *i, void (*cb)(void *arg, unsigned hints), void *arg)
{
	if (i->n_listeners == LISTENERS_MAX)
		abort();
	i->listeners[i->n_listeners].cb = cb;
	i->listeners[i->n_listeners++].arg = arg;
}

void
instance_forget(struct instance *i, void *arg)
{
	size_t kept = 0;

	for (size_t n = 0; n < i->n_listeners; n++)
		if (i->listeners[n].arg != arg)
			i->listeners[kept++] = i->listeners[n];
	i->n_listeners = kept;
}

void
instance_hint_run(struct instance *i)
{
	outlets_on_refreshed(i->outlets, on_refreshed, i);
}

void
instance_hint_init(struct instance *i)
{
	i->ev_hint = evtimer_new(i->base, on_hint_timer, i);
	i->ev_refresh = evtimer_new(i->base, on_refresh_timer, i);
	i->sub = hub_subscribe(i->hub, NULL, hub_kind_mask("status"), NULL, on_status, i);
	db_on_notify(i->store->db, on_notify, i);
}

void
instance_hint_done(struct instance *i)
{
	if (i->outlets != NULL)
		outlets_on_refreshed(i->outlets, NULL, NULL);
	db_on_notify(i->store->db, NULL, NULL);
	hub_unsubscribe(i->hub, &i->sub);
	event_free(i->ev_hint);
	event_free(i->ev_refresh);
}
