/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The timer and what it observes. */
#include "common/loop_lag.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/xalloc.h"

#define TICK_MS 500

struct loop_lag {
	struct event *tick;
	struct metric *lag;
	int64_t due_us;
};

static void
arm(struct loop_lag *l)
{
	static const struct timeval after = {.tv_usec = TICK_MS * 1000};

	l->due_us = clock_monotonic_us() + TICK_MS * 1000;
	event_add(l->tick, &after);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct loop_lag *l = arg;
	int64_t late_us = clock_monotonic_us() - l->due_us;

	(void)fd;
	(void)what;
	metric_observe(l->lag, NULL, late_us > 0 ? (double)late_us / 1e6 : 0);
	arm(l);
}

struct loop_lag *
loop_lag_new(struct event_base *base, struct metric *lag)
{
	struct loop_lag *l = xcalloc(1, sizeof(*l));

	l->lag = lag;
	l->tick = evtimer_new(base, on_tick, l);
	if (l->tick == NULL)
		abort();
	arm(l);
	return l;
}

void
loop_lag_free(struct loop_lag **l)
{
	if (*l == NULL)
		return;
	event_free((*l)->tick);
	free(*l);
	*l = NULL;
}
