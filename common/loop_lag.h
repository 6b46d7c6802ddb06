/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * loop_lag: how late the event loop is. A timer that should come twice a second tells how much of
 * that time one callback held the loop for itself.
 */
#ifndef COMMON_LOOP_LAG_H
#define COMMON_LOOP_LAG_H

#include <event2/event.h>

#include "common/metrics.h"

struct loop_lag;

/* Observed in seconds. lag: outlives it. */
struct loop_lag *loop_lag_new(struct event_base *base, struct metric *lag);
void loop_lag_free(struct loop_lag **l);

#endif
