/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Renews the lease, notices its end, comes back; takes and hands over outlets. What the hints say
 * is instance_hint.c's. It talks to no link.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/instance_internal.h"

#define TICK_JITTER_MS 300
#define HANDOVER_MAX 50	       /* outlets given away at once */
#define HANDOVER_BUSY_MS 30000 /* between two that are in the middle of a blast */

static void ask_scan(struct instance *i);

static void
arm(struct event *ev, int64_t ms)
{
	const struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	(void)evtimer_add(ev, &tv);
}

static void
forget(struct instance *i, uint64_t *ticket)
{
	if (*ticket != 0)
		db_forget(i->store->db, *ticket);
	*ticket = 0;
}

/* -- the lease -- */

bool
instance_holds(void *instance)
{
	struct instance *i = instance;

	return lease_holds(&i->lease, clock_lease_ms());
}

static void
watch_end(struct instance *i)
{
	const int64_t left = i->lease.until_ms - clock_lease_ms();

	arm(i->ev_over, left > 0 ? left : 0);
}

static void
lapse(struct instance *i, const char *why)
{
	if (i->lapsed || i->outlets == NULL)
		return;
	log_error("instance.lapsed", LOG_STR("instance", i->store->instance),
	    LOG_INT("epoch", i->store->epoch), LOG_STR("why", why));
	i->lease.over = true;
	i->lapsed = true;
	i->alone = false;
	forget(i, &i->scan_ticket);
	outlets_let_go(i->outlets);
}

static void
on_over(evutil_socket_t fd, short what, void *arg)
{
	struct instance *i = arg;

	(void)fd;
	(void)what;
	if (instance_holds(i))
		watch_end(i);
	else
		lapse(i, "the lease could not be renewed in time");
}

/* What is still on its way to the database comes before what is read there. */
static void
on_flushed(void *arg, int err)
{
	(void)err;
	ask_scan(arg);
}

static void
come_back(struct instance *i, int64_t asked_ms)
{
	lease_begin(&i->lease, asked_ms);
	if (!instance_holds(i))
		return;
	i->lapsed = false;
	i->gap_ms = clock_lease_ms();
	log_info("instance.back", LOG_STR("instance", i->store->instance),
	    LOG_INT("epoch", i->store->epoch));
	watch_end(i);
	batch_commit(i->store->batch, on_flushed, i);
}

/* -- ended by another -- */

static void
on_rejoined(void *arg, enum db_error error, const PGresult *r)
{
	struct instance *i = arg;

	i->rejoin_ticket = 0;
	if (error != DB_OK)
		return; /* the next renewal finds the same */
	if (PQntuples(r) == 0) {
		log_error("instance.replaced", LOG_STR("instance", i->store->instance),
		    LOG_STR("why",
			"another waconnd was started as this instance on the same database"));
		if (i->on_replaced != NULL)
			i->on_replaced(i->on_replaced_arg);
		return;
	}
	i->store->epoch = strtoll(PQgetvalue(r, 0, 0), NULL, 10);
	batch_rejoin(i->store->batch, i->store->epoch);
	come_back(i, i->rejoin_asked_ms);
}

static void
ended(struct instance *i)
{
	char lease[16];

	if (i->stopping)
		return;
	lapse(i, "another daemon ended it");
	forget(i, &i->renew_ticket);
	if (i->rejoin_ticket != 0)
		return;
	(void)snprintf(lease, sizeof(lease), "%d", LEASE_MS);
	{
		const struct db_param params[] = {
		    DB_TEXT(i->store->instance), DB_TEXT(i->store->boot), DB_TEXT(lease)};

		i->rejoin_asked_ms = clock_lease_ms();
		i->rejoin_ticket =
		    db_urgent(i->store->db, SQL_INSTANCE_REJOIN, params, 3, on_rejoined, i);
	}
}

static void
on_fenced(void *arg)
{
	ended(arg);
}

/* -- renewals -- */

/* No answer worth the name. Nobody else is there to take our outlets over: it counts as granted,
 * and the links stay up while the database is away. */
static void
not_renewed(struct instance *i, int64_t asked_ms)
{
	i->gap_ms = clock_lease_ms();
	if (i->alone && !i->lapsed && lease_granted(&i->lease, asked_ms, clock_lease_ms()))
		watch_end(i);
}

static void
on_renewed(void *arg, enum db_error error, const PGresult *r)
{
	struct instance *i = arg;

	i->renew_ticket = 0;
	if (error != DB_OK) {
		not_renewed(i, i->renew_asked_ms);
		return;
	}
	if (PQntuples(r) == 0) {
		ended(i);
		return;
	}
	i->alone = strcmp(PQgetvalue(r, 0, 0), "0") == 0;
	if (i->lapsed) {
		come_back(i, i->renew_asked_ms);
	} else if (lease_granted(&i->lease, i->renew_asked_ms, clock_lease_ms())) {
		watch_end(i);
		ask_scan(i);
	} else {
		lapse(i, "the lease was renewed too late");
	}
}

static void
renew(struct instance *i)
{
	char epoch[24], lease[16];

	if (i->rejoin_ticket != 0)
		return;
	if (i->renew_ticket != 0) {
		not_renewed(i, clock_lease_ms());
		return;
	}
	(void)snprintf(epoch, sizeof(epoch), "%lld", (long long)i->store->epoch);
	(void)snprintf(lease, sizeof(lease), "%d", LEASE_MS);
	{
		const struct db_param params[] = {
		    DB_TEXT(i->store->instance), DB_TEXT(epoch), DB_TEXT(lease)};

		i->renew_asked_ms = clock_lease_ms();
		i->renew_ticket =
		    db_urgent(i->store->db, SQL_INSTANCE_RENEW, params, 3, on_renewed, i);
	}
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct instance *i = arg;

	(void)fd;
	(void)what;
	if (!instance_holds(i))
		lapse(i, "this daemon stood still for longer than its lease");
	renew(i);
	arm(i->ev_tick, LEASE_RENEW_MS - rng_below(TICK_JITTER_MS));
}

/* -- shares -- */

/* Idle ones first; one that is in the middle of a blast only now and then. */
static void
hand_over(struct instance *i, size_t excess)
{
	const int64_t now = clock_monotonic_ms();
	size_t n = excess / 4 + 1;

	if (n > HANDOVER_MAX)
		n = HANDOVER_MAX;
	for (size_t k = outlets_count(i->outlets); k-- > 0 && n > 0;) {
		struct outlet *o = outlets_at(i->outlets, k);

		if (outlet_may_move(o) && blasts_idle_at(i->blasts, o)) {
			outlet_hand_over(o);
			n--;
		}
	}
	if (n == 0 || now - i->busy_moved_ms < HANDOVER_BUSY_MS)
		return;
	for (size_t k = 0; k < outlets_count(i->outlets); k++) {
		if (outlet_may_move(outlets_at(i->outlets, k))) {
			i->busy_moved_ms = now;
			outlet_hand_over(outlets_at(i->outlets, k));
			return;
		}
	}
}

static void
on_scanned(void *arg, enum db_error error, const PGresult *r)
{
	struct instance *i = arg;
	size_t live, mine, share, taken;

	i->scan_ticket = 0;
	if (error != DB_OK || PQntuples(r) != 1)
		return;
	live = strtoul(PQgetvalue(r, 0, 0), NULL, 10);
	mine = strtoul(PQgetvalue(r, 0, 1), NULL, 10);
	share = strtoul(PQgetvalue(r, 0, 2), NULL, 10);
	taken = strtoul(PQgetvalue(r, 0, 3), NULL, 10);
	i->alone = live <= 1;
	if (!PQgetisnull(r, 0, 4) && PQgetlength(r, 0, 4) > 0)
		log_warn("instance.ended", LOG_STR("instances", PQgetvalue(r, 0, 4)));
	if (taken > 0)
		log_info("instance.taken", LOG_INT("outlets", (int64_t)taken),
		    LOG_INT("ours", (int64_t)mine), LOG_INT("daemons", (int64_t)live));
	if (taken > 0 || live > 1 || outlets_owned(i->outlets) < outlets_count(i->outlets))
		instance_refresh(i);
	if (live > 1 && mine > share)
		hand_over(i, mine - share);
}

static void
ask_scan(struct instance *i)
{
	char epoch[24];

	if (i->outlets == NULL || i->stopping || i->lapsed || i->scan_ticket != 0)
		return;
	(void)snprintf(epoch, sizeof(epoch), "%lld", (long long)i->store->epoch);
	{
		/* After a gap of our own the others may just be coming back, too. */
		const bool may_end = clock_lease_ms() - i->gap_ms > LEASE_MS;
		const struct db_param params[] = {
		    DB_TEXT(i->store->instance), DB_TEXT(epoch), DB_TEXT(may_end ? "t" : "f")};

		i->scan_ticket =
		    db_urgent(i->store->db, SQL_INSTANCE_SCAN, params, 3, on_scanned, i);
	}
}

void
instance_look(struct instance *i)
{
	if (!i->stopping)
		renew(i);
}

/* -- life -- */

static bool
is_idle(void *arg, struct outlet *o)
{
	const struct instance *i = arg;

	return blasts_idle_at(i->blasts, o);
}

static void
on_released(void *arg)
{
	instance_hint(arg, HINT_SCAN);
}

struct instance *
instance_new(struct event_base *base, struct store *store, struct hub *hub)
{
	struct instance *i = xcalloc(1, sizeof(*i));

	i->base = base;
	i->store = store;
	i->hub = hub;
	lease_begin(&i->lease, store->asked_ms);
	i->gap_ms = i->busy_moved_ms = -(int64_t)HANDOVER_BUSY_MS;
	i->ev_tick = evtimer_new(base, on_tick, i);
	i->ev_over = evtimer_new(base, on_over, i);
	arm(i->ev_tick, 0);
	watch_end(i);
	batch_on_fenced(store->batch, on_fenced, i);
	instance_hint_init(i);
	return i;
}

void
instance_run(struct instance *i, struct outlets *outlets, struct blasts *blasts)
{
	i->outlets = outlets;
	i->blasts = blasts;
	outlets_on_idle(outlets, is_idle, i);
	outlets_on_released(outlets, on_released, i);
	instance_hint_run(i);
	if (!instance_holds(i))
		lapse(i, "the lease was over before the outlets were there");
}

void
instance_free(struct instance **ip)
{
	struct instance *i = *ip;

	if (i == NULL)
		return;
	batch_on_fenced(i->store->batch, NULL, NULL);
	batch_forget(i->store->batch, i);
	forget(i, &i->renew_ticket);
	forget(i, &i->rejoin_ticket);
	forget(i, &i->scan_ticket);
	forget(i, &i->leave_ticket);
	instance_hint_done(i);
	event_free(i->ev_tick);
	event_free(i->ev_over);
	free(i);
	*ip = NULL;
}

void
instance_on_replaced(struct instance *i, void (*cb)(void *arg), void *arg)
{
	i->on_replaced = cb;
	i->on_replaced_arg = arg;
}

bool
instance_alone(const struct instance *i)
{
	return i->alone;
}

/* -- the end -- */

void
instance_stop(struct instance *i)
{
	i->stopping = true;
	forget(i, &i->scan_ticket);
}

static void
on_left(void *arg, enum db_error error, const PGresult *r)
{
	struct instance *i = arg;

	(void)r;
	i->leave_ticket = 0;
	if (error != DB_OK)
		log_warn("instance.leave", LOG_STR("error", db_error_text(error)));
	i->left(i->left_arg);
}

void
instance_leave(struct instance *i, void (*done)(void *arg), void *arg)
{
	char epoch[24], *payload = xasprintf("%s %u", i->store->boot, HINT_SCAN);

	i->left = done;
	i->left_arg = arg;
	(void)evtimer_del(i->ev_tick);
	(void)snprintf(epoch, sizeof(epoch), "%lld", (long long)i->store->epoch);
	{
		const struct db_param who[] = {DB_TEXT(i->store->instance), DB_TEXT(epoch)},
				      hint[] = {DB_TEXT(payload)};
		const struct db_step steps[] = {{SQL_INSTANCE_LEAVE_OUTLETS, who, 2},
		    {SQL_INSTANCE_LEAVE, who, 2}, {SQL_INSTANCE_HINT, hint, 1}};

		i->leave_ticket = db_transaction(i->store->db, steps, 3, on_left, i);
	}
	free(payload);
}
