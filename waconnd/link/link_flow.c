/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Flow control: a link stops reading its socket while what it read waits for the database, and goes
 * on when that is done. What is not read waits at the server, so that a flood that meets a slow or
 * absent database costs no memory here.
 */
#include "common/clock.h"
#include "common/log.h"
#include "waconnd/link/link_private.h"

#define CHECK_MS 50
#define HOLD_MAX_MS 60000 /* so long silence is ours, not the server's */

static void
arm(struct link *l)
{
	const struct timeval tv = {0, CHECK_MS * 1000};

	if (event_add(l->flow_timer, &tv) < 0)
		link_fail(l, LINK_END_STORAGE, "no timer can be set");
}

void
link_flow_check(struct link *l)
{
	if (l->ws.held || !l->ws.up || l->messaging == NULL || l->phase >= LINK_ENDING ||
	    !messaging_behind(l->messaging, false))
		return;
	log_debug("link.reading_stopped", LOG_STR("outlet", l->outlet));
	l->ws.held = true;
	l->held_ms = clock_monotonic_ms();
	(void)lws_rx_flow_control(l->ws.wsi, 0);
	arm(l);
}

static void
resume(struct link *l)
{
	l->ws.held = false;
	(void)lws_rx_flow_control(l->ws.wsi, 1);
	/* What libwebsockets kept of the last read comes with the next event of the socket. */
	(void)lws_callback_on_writable(l->ws.wsi);
}

void
link_flow_timer(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;

	(void)fd;
	(void)what;
	if (!l->ws.held || !l->ws.up)
		return;
	link_enter(l);
	if (l->messaging == NULL || l->phase >= LINK_ENDING) {
		; /* nothing is read any more */
	} else if (!messaging_behind(l->messaging, true)) {
		resume(l);
	} else {
		if (clock_monotonic_ms() - l->held_ms < HOLD_MAX_MS)
			link_alive_note_heard(&l->alive);
		arm(l);
	}
	link_exit(l);
}
