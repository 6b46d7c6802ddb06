/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libwebsockets' own log lines, in ours. It writes one for each failed connection, so that a dead
 * network would fill the journal: a few in a minute are kept and the rest counted.
 */
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "waconnd/link/link_net_private.h"

#define LINES_PER_MINUTE 10
#define WINDOW_MS 60000
#define LINE_MAX_LEN 300

/* libwebsockets has one emitter for the process and passes no argument to it. */
static struct {
	int64_t since_ms;
	unsigned lines;
	unsigned dropped;
} window;

static bool
may_write(void)
{
	const int64_t now = clock_monotonic_ms();

	if (window.since_ms == 0 || now - window.since_ms >= WINDOW_MS) {
		if (window.dropped > 0)
			log_warn("lws.dropped", LOG_INT("lines", window.dropped));
		window.since_ms = now;
		window.lines = window.dropped = 0;
	}
	if (window.lines >= LINES_PER_MINUTE) {
		window.dropped++;
		return false;
	}
	window.lines++;
	return true;
}

static void
emit(int level, const char *line)
{
	char text[LINE_MAX_LEN];
	size_t n = strcspn(line, "\n");

	if (!may_write())
		return;
	if (n >= sizeof(text))
		n = sizeof(text) - 1;
	memcpy(text, line, n);
	text[n] = '\0';
	/* What matters ends a link, which says so itself; these lines only help to find out why. */
	if (level == LLL_ERR)
		log_info("lws.error", LOG_STR("text", text));
	else
		log_debug("lws.warning", LOG_STR("text", text));
}

void
link_net_log_begin(void)
{
	lws_set_log_level(LLL_ERR | LLL_WARN, emit);
}
