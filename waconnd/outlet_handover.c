/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Giving an outlet to another daemon: no more is claimed, what is in flight is answered, the link
 * closes politely, everything is committed, and only then the row says that the outlet is nobody's.
 * Each step waits for the one before; whoever takes it finds nothing half done.
 */
#include <stdlib.h>

#include "common/log.h"
#include "waconnd/outlet_internal.h"
#include "waconnd/store/array.h"

#define TICK_MS 50
#define SENDS_MS 4000 /* how long messages in flight may take to be answered */
#define GROUP_MAX 100 /* outlets released by one statement */

static void
arm(struct outlets *os)
{
	const struct timeval tv = {.tv_usec = TICK_MS * 1000};

	(void)evtimer_add(os->handover_timer, &tv);
}

/* -- the row -- */

static void
on_released(void *arg, enum db_error error, const PGresult *result)
{
	struct outlets *os = arg;

	(void)result;
	os->release_ticket = 0;
	for (size_t i = 0; i < os->n; i++) {
		struct outlet *o = os->by_name[i];

		if (o->handover != OUTLET_RELEASING)
			continue;
		if (error == DB_OK) {
			log_info("outlet.released", LOG_STR("outlet", o->id));
			outlet_let_go(o);
		} else {
			o->handover = OUTLET_COMMITTED;
		}
	}
	if (error == DB_OK && os->on_released != NULL)
		os->on_released(os->on_released_arg);
}

static void
release(struct outlets *os)
{
	const struct store *store = os->env.store;
	char epoch[24];
	struct array ids;

	array_init(&ids, ARRAY_TEXT);
	for (size_t i = 0; i < os->n && ids.n < GROUP_MAX; i++) {
		struct outlet *o = os->by_name[i];

		if (o->handover != OUTLET_COMMITTED)
			continue;
		o->handover = OUTLET_RELEASING;
		array_text(&ids, o->id);
	}
	(void)snprintf(epoch, sizeof(epoch), "%lld", (long long)store->epoch);
	if (ids.n > 0) {
		const struct db_param params[] = {
		    array_param(&ids), DB_TEXT(store->instance), DB_TEXT(epoch)};

		os->release_ticket =
		    db_query(store->db, SQL_OUTLET_RELEASE, params, 3, on_released, os);
	}
	array_done(&ids);
}

/* -- the steps before -- */

static void
on_committed(void *arg, int err)
{
	struct outlet *o = arg;

	/* Refused: we own nothing any more, and are told so elsewhere. */
	o->handover = err < 0 ? OUTLET_CLOSING : OUTLET_COMMITTED;
}

/* True: not all is done. */
static bool
step(struct outlet *o)
{
	struct outlets *os = o->os;

	if (o->handover == OUTLET_SETTLING) {
		o->handover_ms += TICK_MS;
		if (os->is_idle != NULL && !os->is_idle(os->is_idle_arg, o) &&
		    o->handover_ms < SENDS_MS)
			return true;
		o->handover = OUTLET_CLOSING;
		(void)outlet_step(o, EV_DRAIN, NULL);
	}
	if (o->handover == OUTLET_CLOSING && o->link == NULL) {
		(void)evtimer_del(o->timer);
		o->handover = OUTLET_COMMITTING;
		batch_commit(os->env.store->batch, on_committed, o);
	}
	return o->handover != OUTLET_KEPT;
}

void
outlet_handover_tick(evutil_socket_t fd, short what, void *arg)
{
	struct outlets *os = arg;
	bool more = false, ready = false;

	(void)fd;
	(void)what;
	for (size_t i = 0; i < os->n; i++) {
		more = step(os->by_name[i]) || more;
		ready = ready || os->by_name[i]->handover == OUTLET_COMMITTED;
	}
	if (ready && os->release_ticket == 0)
		release(os);
	if (more)
		arm(os);
}

void
outlet_hand_over(struct outlet *o)
{
	struct outlets *os = o->os;

	if (o->state == OUT_ELSEWHERE || o->handover != OUTLET_KEPT || os->draining)
		return;
	log_info("outlet.handover", LOG_STR("outlet", o->id));
	o->handover = OUTLET_SETTLING;
	o->handover_ms = 0;
	/* The engine finds no link and drops what waits. */
	if (os->on_ready != NULL)
		os->on_ready(os->on_ready_arg, o);
	if (!evtimer_pending(os->handover_timer, NULL))
		arm(os);
}

bool
outlet_may_move(const struct outlet *o)
{
	static const bool stays[OUT_STATES] = {
	    [OUT_ELSEWHERE] = true,
	    [OUT_LINKING] = true,
	    [OUT_SCANNING] = true,
	    [OUT_LINK_WAIT] = true,
	    [OUT_RESTARTING] = true,
	    [OUT_RELINKING] = true,
	    [OUT_LOGGING_OUT] = true,
	    [OUT_DRAINING] = true,
	};

	return !stays[o->state] && o->handover == OUTLET_KEPT;
}
