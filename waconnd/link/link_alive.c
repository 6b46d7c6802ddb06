/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pings and silence: the arithmetic first, then its place in a link. */
#include "waconnd/link/link_alive.h"

#include "common/clock.h"
#include "common/log.h"
#include "common/rng.h"
#include "waconnd/link/link_private.h"

static int64_t
next_ping(int64_t now_ms)
{
	return now_ms + LINK_PING_MIN_MS +
	       (int64_t)rng_below(LINK_PING_MAX_MS - LINK_PING_MIN_MS + 1);
}

void
link_alive_init(struct link_alive *a, int64_t now_ms)
{
	a->unanswered_ms = 0;
	a->ping_ms = next_ping(now_ms);
}

void
link_alive_note_heard(struct link_alive *a)
{
	a->unanswered_ms = 0;
}

void
link_alive_note_sent(struct link_alive *a, int64_t now_ms)
{
	if (a->unanswered_ms == 0)
		a->unanswered_ms = now_ms;
}

enum link_alive_verdict
link_alive_check(struct link_alive *a, int64_t due_ms, int64_t now_ms)
{
	if (a->unanswered_ms != 0 && now_ms - a->unanswered_ms >= LINK_SILENCE_MS) {
		/* We were held up: what came meanwhile is still unread. Look once more. */
		if (now_ms - due_ms < LINK_LATE_MS)
			return LINK_ALIVE_DEAD;
		a->unanswered_ms = now_ms - LINK_SILENCE_MS + LINK_LATE_MS;
	}
	if (now_ms >= a->ping_ms) {
		a->ping_ms = next_ping(now_ms);
		return LINK_ALIVE_PING;
	}
	return LINK_ALIVE_WAIT;
}

int64_t
link_alive_due_ms(const struct link_alive *a)
{
	const int64_t silent = a->unanswered_ms + LINK_SILENCE_MS;

	return a->unanswered_ms != 0 && silent < a->ping_ms ? silent : a->ping_ms;
}

/* -- in a link -- */

/* Earlier than it is armed for, or not at all: the timer is not moved at every stanza. */
static void
arm(struct link *l)
{
	const int64_t due = link_alive_due_ms(&l->alive);
	int64_t ms = due - clock_monotonic_ms();

	if (l->alive_armed_ms != 0 && l->alive_armed_ms <= due)
		return;
	if (ms < 0)
		ms = 0;
	const struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

	if (event_add(l->alive_timer, &tv) < 0)
		link_fail(l, LINK_END_STORAGE, "no timer can be set");
	l->alive_armed_ms = due;
}

static void
on_pong(void *arg, const struct node *answer)
{
	struct link *l = arg;

	/* No answer within a minute: something else was heard, or the link would be dead. */
	if (answer == NULL)
		log_debug("link.ping_unanswered", LOG_STR("outlet", l->outlet));
	else
		link_latency_answered(l);
}

static void
ping(struct link *l)
{
	const struct jid server = jid_server_self();
	struct node *iq = node_new("iq", "xmlns", "w:p", "type", "get", NULL);

	node_set_jid(iq, "to", &server);
	(void)node_child(iq, "ping", NULL);
	link_latency_asked(l);
	link_iq(l, iq, on_pong, l);
}

void
link_latency_asked(struct link *l)
{
	l->asked_ms = clock_monotonic_ms();
}

void
link_latency_answered(struct link *l)
{
	l->latency_ms = (int)(clock_monotonic_ms() - l->asked_ms);
}

void
link_alive_begin(struct link *l)
{
	link_alive_init(&l->alive, clock_monotonic_ms());
	l->alive_armed_ms = 0;
	arm(l);
}

void
link_alive_heard(struct link *l)
{
	l->heard_ms = clock_wall_ms();
	link_alive_note_heard(&l->alive);
}

void
link_alive_sent(struct link *l)
{
	if (!link_alive_phase(l) || l->alive.unanswered_ms != 0)
		return;
	link_alive_note_sent(&l->alive, clock_monotonic_ms());
	arm(l);
}

/*
 * While codes are shown, silence counts only where a ping has been answered before: before the
 * login a server need not answer any.
 */
static void
on_silence(struct link *l)
{
	if (l->phase == LINK_PAIRING && l->latency_ms < 0)
		link_alive_note_heard(&l->alive);
	else
		link_fail(l, LINK_END_SILENT, "nothing was heard within the limit");
}

void
link_alive_timer(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;
	const int64_t due = l->alive_armed_ms;

	(void)fd;
	(void)what;
	l->alive_armed_ms = 0;
	if (!link_alive_phase(l))
		return;
	link_enter(l);
	switch (link_alive_check(&l->alive, due, clock_monotonic_ms())) {
	case LINK_ALIVE_DEAD:
		on_silence(l);
		break;
	case LINK_ALIVE_PING:
		link_ws_trim(l);
		ping(l);
		break;
	case LINK_ALIVE_WAIT:
		break;
	}
	if (link_alive_phase(l))
		arm(l);
	link_exit(l);
}
