/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The outlet's account: what the link heard of it is kept and stored, and whatever changes in its
 * restriction goes out with the status and to the blast engine. The rule is account.c's.
 */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "waconnd/outlet_internal.h"

#define ACCOUNT_JSON_MAX 4096
#define WAIT_MAX_MS (24 * 3600 * 1000LL)

/* Of another daemon's outlet its owner keeps it. */
static void
store(struct outlet *o)
{
	struct buf json = BUF_INIT(ACCOUNT_JSON_MAX);

	account_store(&o->account, &json);
	if (o->state != OUT_ELSEWHERE && buf_ok(&json))
		batch_account_put(o->os->env.store->batch, o->id, buf_str(&json),
		    restriction_name(o->restriction.kind), o->restriction.until_ms);
	buf_done(&json);
}

/* A long wait is one in steps: the clock may be set. */
static void
wait_for_end(struct outlet *o, int64_t now)
{
	const int64_t ends = account_ends_ms(&o->account, now);
	const int64_t left = ends - now < WAIT_MAX_MS ? ends - now : WAIT_MAX_MS;
	const struct timeval tv = {
	    .tv_sec = (time_t)(left / 1000), .tv_usec = (suseconds_t)(left % 1000 * 1000)};

	if (ends == 0)
		(void)evtimer_del(o->account_timer);
	else
		(void)evtimer_add(o->account_timer, &tv);
}

/* Compare what was shown with what is. */
static void
review(struct outlet *o)
{
	const int64_t now = clock_wall_ms();
	const struct restriction r = account_restriction(&o->account, now);
	const bool same = restriction_equal(&r, &o->restriction);

	wait_for_end(o, now);
	if (same)
		return;
	log_info("outlet.restriction", LOG_STR("outlet", o->id),
	    LOG_STR("from", restriction_name(o->restriction.kind)),
	    LOG_STR("to", restriction_name(r.kind)), LOG_INT("used", r.used),
	    LOG_INT("quota", r.quota),
	    LOG_INT("seconds", r.until_ms > 0 ? (r.until_ms - now) / 1000 : 0));
	o->restriction = r;
	store(o);
	outlet_publish(o);
	if (o->os->on_restriction != NULL)
		o->os->on_restriction(o->os->on_restriction_arg, o);
}

void
outlet_account_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	review(arg);
}

void
outlet_account_heard(void *arg, const struct link_account *said)
{
	struct outlet *o = arg;

	account_take(&o->account, said, clock_wall_ms());
	store(o);
	review(o);
}

bool
outlet_account_load(struct outlet *o, const char *json, int64_t at_ms)
{
	const int64_t now = clock_wall_ms();
	const struct restriction was = o->restriction;

	account_load(&o->account, json);
	o->account_at_ms = at_ms;
	o->restriction = account_restriction(&o->account, now);
	wait_for_end(o, now);
	return !restriction_equal(&was, &o->restriction);
}

/* Another number is another account. */
void
outlet_account_forget(struct outlet *o)
{
	(void)outlet_account_load(o, NULL, 0);
	store(o);
}

/* -- what others ask -- */

bool
outlet_may_start_chats(const struct outlet *o)
{
	return account_restriction(&o->account, clock_wall_ms()).kind == RESTRICTION_NONE;
}

int64_t
outlet_chats_left(const struct outlet *o)
{
	return account_chats_left(&o->account, clock_wall_ms());
}

/* The engine is at work on its queue: what follows comes in a turn of its own. */
void
outlet_chat_started(struct outlet *o)
{
	account_chat_started(&o->account);
	if (outlet_may_start_chats(o))
		return;
	if (o->link != NULL)
		link_account_ask(o->link);
	event_active(o->account_timer, EV_TIMEOUT, 0);
}

void
outlet_chat_settled(struct outlet *o, bool written)
{
	account_chat_settled(&o->account, written);
}

void
outlet_account_json(const struct outlet *o, struct jsonw *j)
{
	jsonw_str(j, "outletId", o->id);
	restriction_json(&o->restriction, j, "restriction");
	account_json(&o->account, j);
}

void
outlets_on_restriction(struct outlets *os, void (*cb)(void *arg, struct outlet *o), void *arg)
{
	os->on_restriction = cb;
	os->on_restriction_arg = arg;
}
