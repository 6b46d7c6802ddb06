/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * How the account stands: whether it may start chats. Asked for once the link is ready, every few
 * hours, when a restriction should be over, and after an ack that says it is restricted; told by
 * the server in between. Nothing waits for it, and what is not answered is not known. Source:
 * PROTOCOL section 15.
 */
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/rng.h"
#include "waconnd/link/link_private.h"
#include "waconnd/link/mex.h"

#define EVERY_MS (4 * 3600 * 1000LL)
#define RESTRICTED_MS (30 * 60 * 1000LL) /* while there is a restriction */
#define SOON_MS 1000			 /* after a refusal: others are on their way */
#define APART_MS 5000			 /* from one asking to the next */

enum { ACK_REACHOUT = 463, ACK_CAPPED = 475 };

/* A quarter more or less, so that the outlets of a daemon do not ask in step. */
static int64_t
about(int64_t ms)
{
	return ms - ms / 4 + rng_below((uint32_t)(ms / 2));
}

static void
arm(struct link *l, int64_t ms)
{
	const struct timeval tv = {
	    .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	if (event_add(l->standing.timer, &tv) < 0)
		abort();
}

static int64_t
soon_ms(const struct link *l)
{
	const int64_t left = l->standing.asked_ms + APART_MS - clock_monotonic_ms();

	return left > SOON_MS ? left : SOON_MS;
}

static int64_t
sooner(int64_t ms, int64_t until_ms)
{
	const int64_t left = until_ms - clock_wall_ms();

	return until_ms > 0 && left < ms ? (left > 0 ? left : 0) : ms;
}

static void
schedule(struct link *l)
{
	const struct link_standing *s = &l->standing;
	int64_t ms = about(s->locked || s->capped ? RESTRICTED_MS : EVERY_MS);

	ms = sooner(ms, s->lock_until_ms);
	ms = sooner(ms, s->cap_until_ms);
	if (s->again || ms < soon_ms(l))
		ms = soon_ms(l);
	l->standing.again = false;
	arm(l, ms);
}

/* -- what was said -- */

static void
take(struct link *l, const uint8_t *json, size_t len)
{
	struct link_standing *s = &l->standing;
	struct link_account said;

	if (mex_read(json, len, link_server_now(l), clock_wall_ms(), &said) < 0) {
		log_debug("link.account_unknown", LOG_STR("outlet", l->outlet));
		return;
	}
	if (said.has_timelock) {
		s->locked = said.timelock.active;
		s->lock_until_ms = said.timelock.until_ms;
	}
	if (said.has_cap) {
		s->capped = said.cap.capped;
		s->cap_until_ms = said.cap.capped ? said.cap.until_ms : 0;
	}
	if (l->ops->account != NULL)
		l->ops->account(l->arg, &said);
}

static void
on_answer(void *arg, const struct node *answer)
{
	struct link *l = arg;
	size_t len = 0;
	const uint8_t *json;

	l->standing.asking--;
	if (l->phase != LINK_READY || l->freed)
		return;
	if (link_iq_error(answer) != 0)
		log_debug("link.account_unknown", LOG_STR("outlet", l->outlet),
		    LOG_INT("error", link_iq_error(answer)));
	json = node_data(node_find(answer, "result"), &len);
	if (json != NULL)
		take(l, json, len);
	if (l->standing.asking == 0 && l->phase == LINK_READY && !l->freed)
		schedule(l);
}

void
link_account_notice(struct link *l, const struct node *notification)
{
	/* One that waited for us may be long out of date; the question after `ready` tells. */
	if (node_get(notification, "offline") != NULL || l->phase != LINK_READY)
		return;
	for (const struct node *n = node_first(notification); n != NULL && !l->freed;
	     n = node_next(n)) {
		size_t len = 0;
		const uint8_t *json = node_data(n, &len);

		if (node_is(n, "update") && json != NULL)
			take(l, json, len);
	}
	if (l->standing.asking == 0 && l->phase == LINK_READY && !l->freed)
		schedule(l);
}

/* -- asking -- */

static void
ask(struct link *l)
{
	struct link_standing *s = &l->standing;

	s->asked_ms = clock_monotonic_ms();
	/* Whatever is answered: each end is asked about once. */
	s->lock_until_ms = s->cap_until_ms = 0;
	s->asking = MEX_QUERIES;
	for (unsigned q = 0; q < MEX_QUERIES; q++)
		link_iq(l, mex_query((enum mex_query)q), on_answer, l);
}

void
link_account_begin(struct link *l)
{
	if (l->phase == LINK_READY && !l->freed)
		ask(l);
}

void
link_account_end(struct link *l)
{
	(void)event_del(l->standing.timer);
}

void
link_account_timer(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;

	(void)fd;
	(void)what;
	link_enter(l);
	if (l->phase == LINK_READY && l->standing.asking == 0)
		ask(l);
	link_exit(l);
}

void
link_account_ask(struct link *l)
{
	if (l->phase != LINK_READY)
		return;
	l->standing.again = true;
	if (l->standing.asking == 0)
		schedule(l);
}

void
link_account_refused(struct link *l, unsigned code)
{
	if (code == ACK_REACHOUT || code == ACK_CAPPED)
		link_account_ask(l);
}
