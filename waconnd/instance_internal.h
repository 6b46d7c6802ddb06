/* SPDX-License-Identifier: GPL-3.0-or-later */
/* instance_internal: what instance.c and instance_hint.c share. Not for anyone above. */
#ifndef WACONND_INSTANCE_INTERNAL_H
#define WACONND_INSTANCE_INTERNAL_H

#include <string.h>

#include "waconnd/instance.h"
#include "waconnd/store/lease.h"

#define LISTENERS_MAX 4

struct instance {
	struct event_base *base;
	struct store *store;
	struct hub *hub;
	struct outlets *outlets; /* NULL until instance_run */
	struct blasts *blasts;
	struct lease lease;
	bool alone, stopping;
	bool lapsed; /* the lease is over, and all that it means has been done */
	struct event *ev_tick, *ev_over;
	uint64_t renew_ticket, rejoin_ticket, scan_ticket, leave_ticket;
	int64_t renew_asked_ms, rejoin_asked_ms; /* clock_lease_ms, as gap_ms */
	int64_t gap_ms;				 /* when a renewal last failed */
	int64_t busy_moved_ms;			 /* monotonic */
	void (*on_replaced)(void *arg);
	void *on_replaced_arg;
	void (*left)(void *arg);
	void *left_arg;

	/* -- hints -- */
	struct hub_sub *sub;
	struct event *ev_hint, *ev_refresh;
	unsigned hints; /* to be sent */
	int64_t hinted_ms, refreshed_ms, refresh_cost_ms;
	struct {
		void (*cb)(void *arg, unsigned hints);
		void *arg;
	} listeners[LISTENERS_MAX];
	size_t n_listeners;
};

/* -- instance.c -- */
void instance_look(struct instance *i); /* renew and scan now */

/* -- instance_hint.c -- */
void instance_hint_init(struct instance *i);
void instance_hint_run(struct instance *i); /* the outlets are there */
void instance_hint_done(struct instance *i);

#endif
