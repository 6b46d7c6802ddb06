/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Steps the state machine: takes an event, looks its row up, assigns the state, does the action and
 * writes what happened. Also the operator's commands, which are events with a check before. It does
 * not talk to a link beyond beginning and ending it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/outlet_internal.h"

#define BACKOFF_MIN_MS 1000
#define BACKOFF_MAX_MS (5 * 60 * 1000)
#define LATER_MS (30 * 60 * 1000)
#define CONNECT_RATE 50 /* outlets a second, at the daemon's start */
#define AFTER_BAN_MS 5000
#define VERSION_MS 60000       /* the look-up of the client version may take that long */
#define VERSION_SPREAD_MS 2000 /* who waited for it does not connect all at once */

/* Full jitter: anything up to the limit, which doubles with each failure. */
static int64_t
backoff_ms(unsigned attempts)
{
	uint32_t limit = BACKOFF_MAX_MS;

	if (attempts < 9)
		limit = 2 * BACKOFF_MIN_MS << attempts;
	if (limit > BACKOFF_MAX_MS)
		limit = BACKOFF_MAX_MS;
	return BACKOFF_MIN_MS + rng_below(limit - BACKOFF_MIN_MS + 1);
}

void
outlet_wait(struct outlet *o, int64_t ms)
{
	const struct timeval tv = {
	    .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	(void)evtimer_add(o->timer, &tv);
}

static void
retry_in(struct outlet *o, int64_t ms)
{
	o->row.next_retry_at_ms = clock_wall_ms() + ms;
	o->row.retry_count = o->attempts;
	outlet_wait(o, ms);
}

static void
act_none(struct outlet *o)
{
	(void)o;
}

static void
act_login(struct outlet *o)
{
	outlet_link_begin(o, LINK_LOGIN);
}

static void
act_pair(struct outlet *o)
{
	outlet_link_begin(o, o->way);
}

static void
act_close(struct outlet *o)
{
	link_close(o->link);
}

static void
act_logout(struct outlet *o)
{
	link_logout(o->link);
}

static void
act_stopped(struct outlet *o)
{
	o->attempts = o->rounds = o->restarts = 0;
	o->row.retry_count = 0;
}

static void
forget_link(struct outlet *o)
{
	o->linked = false;
	o->row.linked_at_ms = 0;
	o->row.own_jid[0] = o->row.own_lid[0] = o->row.session_name[0] = '\0';
}

static void
act_erase(struct outlet *o)
{
	act_stopped(o);
	batch_key_wipe(o->os->env.store->batch, o->id);
	forget_link(o);
}

static void
act_give_up(struct outlet *o)
{
	const struct session_row *r = &o->row;

	/* Without a linking there is nothing to come back to. */
	if (!o->linked) {
		act_erase(o);
		return;
	}
	act_stopped(o);
	batch_key_keep(o->os->env.store->batch, o->id, r->own_jid, r->own_lid, r->session_name,
	    r->linked_at_ms);
	forget_link(o);
}

static void
act_turn(struct outlet *o)
{
	const unsigned rate = o->os->env.connect_rate;

	outlet_wait(o, (int64_t)o->os->turn++ * 1000 / (rate > 0 ? rate : CONNECT_RATE));
}

static void
act_backoff(struct outlet *o)
{
	const int64_t ms = backoff_ms(o->attempts++);

	retry_in(o, ms);
}

static void
act_later(struct outlet *o)
{
	const int64_t left = o->until_ms - clock_wall_ms();

	o->attempts++;
	retry_in(
	    o, left > 0 ? left + rng_below(AFTER_BAN_MS) : LATER_MS + rng_below(LATER_MS / 10));
}

static void
act_version(struct outlet *o)
{
	o->outdated = o->looking_up = true;
	o->attempts++;
	retry_in(o, VERSION_MS);
	client_version_refresh(o->os->env.version);
}

void
outlet_version_known(struct outlet *o)
{
	if (!o->looking_up)
		return;
	o->looking_up = false;
	retry_in(o, rng_below(VERSION_SPREAD_MS));
	outlet_session_write(o, NULL, NULL);
	outlet_publish(o);
}

static void
act_ban(struct outlet *o)
{
	const int64_t left = o->until_ms - clock_wall_ms();

	act_stopped(o);
	retry_in(o, (left > 0 ? left : 0) + AFTER_BAN_MS);
}

static void (*const actions[OUTLET_ACTIONS])(struct outlet *o) = {
    [ACT_NONE] = act_none,
    [ACT_LOGIN] = act_login,
    [ACT_PAIR] = act_pair,
    [ACT_CLOSE] = act_close,
    [ACT_LOGOUT] = act_logout,
    [ACT_ERASE] = act_erase,
    [ACT_GIVE_UP] = act_give_up,
    [ACT_TURN] = act_turn,
    [ACT_BACKOFF] = act_backoff,
    [ACT_LATER] = act_later,
    [ACT_VERSION] = act_version,
    [ACT_BAN] = act_ban,
    [ACT_STOPPED] = act_stopped,
};

static bool
is_operator(enum outlet_event event)
{
	return event >= EV_CONNECT && event <= EV_RESTORED;
}

/* What the row shall say besides its status. */
static void
before_action(struct outlet *o, const struct outlet_edge *edge)
{
	(void)evtimer_del(o->timer);
	o->looking_up = false;
	o->row.next_retry_at_ms = 0;
	if (edge->to != OUT_SCANNING)
		outlet_forget_codes(o);
	if (is_operator(edge->event)) {
		o->attempts = o->rounds = o->restarts = 0;
		o->outdated = false;
		o->row.retry_count = 0;
		outlet_session_error(o, NULL, 0);
	}
	/* Either way the server took our version. */
	if (edge->event == EV_OPENED || edge->event == EV_QR || edge->event == EV_CODE ||
	    edge->event == EV_PASSKEY)
		o->outdated = false;
	if (edge->event == EV_OPENED) {
		o->same_ends = 0;
		o->row.connected_at_ms = clock_wall_ms();
		o->row.retry_count = 0;
		outlet_session_error(o, NULL, 0);
	}
}

bool
outlet_step(struct outlet *o, enum outlet_event event, const char *reason)
{
	const struct outlet_edge *edge = outlet_fsm_edge(o->state, event);
	const enum outlet_status from = o->row.status;
	char why[256];

	if (edge == NULL) {
		log_debug("outlet.ignored", LOG_STR("outlet", o->id),
		    LOG_STR("state", outlet_fsm_state_name(o->state)),
		    LOG_STR("event", outlet_fsm_event_name(event)));
		return false;
	}
	/* The text may be the link's, which the action ends. */
	(void)snprintf(why, sizeof(why), "%s", reason != NULL ? reason : edge->why);
	log_info("outlet.state", LOG_STR("outlet", o->id),
	    LOG_STR("from", outlet_fsm_state_name(o->state)),
	    LOG_STR("to", outlet_fsm_state_name(edge->to)),
	    LOG_STR("event", outlet_fsm_event_name(event)), LOG_STR("why", why));
	o->state = edge->to;
	before_action(o, edge);
	actions[edge->action](o);
	o->row.qr_until_ms = o->state == OUT_SCANNING ? o->qr_expires_ms : 0;
	o->row.status = outlet_fsm_status(o->state);
	outlet_session_write(o, o->row.status != from ? &from : NULL, why);
	outlet_publish(o);
	outlet_check_ready(o);
	outlets_check_drained(o->os);
	return true;
}

void
outlet_timer_fired(evutil_socket_t fd, short what, void *arg)
{
	struct outlet *o = arg;

	(void)fd;
	(void)what;
	if (!o->os->draining && o->handover == OUTLET_KEPT)
		(void)outlet_step(o, EV_TIMER, NULL);
}

void
outlet_check_ready(struct outlet *o)
{
	outlet_numbers_ready(o);
	if (o->os->on_ready != NULL && outlet_link(o) != NULL)
		o->os->on_ready(o->os->on_ready_arg, o);
}

/* -- commands -- */

static bool
is_paused(const struct outlet *o)
{
	return o->state == OUT_PAUSED || o->state == OUT_PAUSING;
}

static bool
is_busy(const struct outlet *o)
{
	return o->handover != OUTLET_KEPT || o->state == OUT_LOGGING_OUT ||
	       o->state == OUT_DRAINING;
}

/* The owner is asked (api/forward.c); who comes here found none. */
static bool
is_elsewhere(const struct outlet *o)
{
	return o->state == OUT_ELSEWHERE || !outlets_may_act(o->os);
}

static bool
is_pairing(const struct outlet *o)
{
	return o->state == OUT_LINKING || o->state == OUT_SCANNING;
}

static const char *
connect_by(struct outlet *o, enum link_mode way)
{
	bool other;

	if (is_elsewhere(o))
		return "owner_unavailable";
	if (o->os->draining)
		return "stopping";
	if (is_paused(o))
		return "outlet_paused";
	if (!o->is_active)
		return "outlet_inactive";
	if (o->state == OUT_OPEN || o->state == OUT_ONLINE)
		return "already_connected";
	if (is_busy(o))
		return "outlet_busy";
	/* What waits for a passkey goes on, whichever way it was begun in. */
	if (is_pairing(o) && o->passkey.asked)
		return NULL;
	other = is_pairing(o) && o->way != way;
	o->way = way;
	if (o->linked)
		(void)outlet_step(o, EV_CONNECT, NULL);
	else
		(void)outlet_step(o, other ? EV_RELINK : EV_LINK, NULL);
	return NULL;
}

const char *
outlet_connect(struct outlet *o)
{
	return connect_by(o, LINK_PAIR_QR);
}

const char *
outlet_connect_code(struct outlet *o)
{
	return connect_by(o, LINK_PAIR_CODE);
}

const char *
outlet_disconnect(struct outlet *o)
{
	if (is_elsewhere(o))
		return "owner_unavailable";
	if (is_busy(o))
		return "outlet_busy";
	(void)outlet_step(o, EV_DISCONNECT, NULL);
	return NULL;
}

const char *
outlet_pause(struct outlet *o)
{
	if (is_elsewhere(o))
		return "owner_unavailable";
	if (is_paused(o))
		return "outlet_paused";
	if (is_busy(o))
		return "outlet_busy";
	(void)outlet_step(o, EV_PAUSE, NULL);
	return NULL;
}

const char *
outlet_resume(struct outlet *o)
{
	if (is_elsewhere(o))
		return "owner_unavailable";
	if (!is_paused(o))
		return "not_paused";
	if (is_busy(o))
		return "outlet_busy";
	if (o->os->draining)
		return "stopping";
	(void)outlet_step(o, o->linked && o->is_active ? EV_RESUME : EV_RESUME_IDLE, NULL);
	return NULL;
}

const char *
outlet_logout(struct outlet *o)
{
	if (is_elsewhere(o))
		return "owner_unavailable";
	if (!o->linked)
		return "outlet_not_linked";
	if (is_busy(o))
		return "outlet_busy";
	(void)outlet_step(o, EV_LOGOUT, NULL);
	return NULL;
}

const char *
outlet_may_restore(const struct outlet *o)
{
	if (is_elsewhere(o))
		return "owner_unavailable";
	if (o->linked)
		return "already_linked";
	if (o->state != OUT_IDLE && o->state != OUT_FAILED && o->state != OUT_PAUSED)
		return "outlet_busy";
	return NULL;
}

void
outlet_restored(struct outlet *o, const char *own_jid, const char *own_lid,
    const char *session_name, int64_t linked_ms)
{
	struct session_row *r = &o->row;

	if (o->state == OUT_ELSEWHERE)
		return; /* handed over meanwhile: its owner reads them in the rows */
	o->linked = true;
	(void)snprintf(r->own_jid, sizeof(r->own_jid), "%s", own_jid);
	(void)snprintf(r->own_lid, sizeof(r->own_lid), "%s", own_lid);
	(void)snprintf(r->session_name, sizeof(r->session_name), "%s", session_name);
	r->linked_at_ms = linked_ms;
	(void)outlet_step(o, EV_RESTORED, NULL);
}
