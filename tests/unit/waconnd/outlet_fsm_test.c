/* SPDX-License-Identifier: GPL-3.0-or-later */
/* outlet_fsm: the table is whole and consistent, and the paths that matter lead where CONTRACT
 * section 5 says. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "waconnd/outlet_fsm.h"

/* Every pair is one row or one listed ignore, never both, never neither. */
static void
test_complete(void **state)
{
	unsigned bad = 0;

	(void)state;
	for (enum outlet_state s = 0; s < OUT_STATES; s++)
		for (enum outlet_event e = 0; e < OUTLET_EVENTS; e++) {
			int row = outlet_fsm_edge(s, e) != NULL,
			    ignored = outlet_fsm_ignores(s, e) != NULL;

			if (row + ignored != 1) {
				print_error("%s, %s: row %d, ignored %d\n",
				    outlet_fsm_state_name(s), outlet_fsm_event_name(e), row,
				    ignored);
				bad++;
			}
		}
	assert_int_equal(bad, 0);
}

static void
test_no_row_twice(void **state)
{
	size_t n;
	const struct outlet_edge *edges = outlet_fsm_edges(&n);

	(void)state;
	for (size_t i = 0; i < n; i++)
		assert_ptr_equal(outlet_fsm_edge(edges[i].from, edges[i].event), &edges[i]);
}

/* A link is begun where there is none, and a state with a link is left for one without only when it
 * has ended. */
static void
test_links(void **state)
{
	size_t n;
	const struct outlet_edge *edges = outlet_fsm_edges(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct outlet_edge *e = &edges[i];
		const int ended = e->event >= EV_END_ASKED;
		const int had = outlet_fsm_has_link(e->from) && !ended;
		const int begins = e->action == ACT_LOGIN || e->action == ACT_PAIR;

		assert_false(had && begins);
		assert_int_equal(outlet_fsm_has_link(e->to), had || begins);
		if (e->action == ACT_CLOSE || e->action == ACT_LOGOUT)
			assert_true(had);
	}
}

/* A state that waits was entered with a timer, and only such a state is. */
static void
test_timers(void **state)
{
	size_t n;
	const struct outlet_edge *edges = outlet_fsm_edges(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const struct outlet_edge *e = &edges[i];
		const int waits = e->to == OUT_STARTING || e->to == OUT_LINK_WAIT ||
				  e->to == OUT_BACKOFF || e->to == OUT_BANNED;
		const int timer = e->action == ACT_TURN || e->action == ACT_BACKOFF ||
				  e->action == ACT_LATER || e->action == ACT_BAN ||
				  e->action == ACT_VERSION;

		if (e->from != OUT_DRAINING)
			assert_int_equal(waits, timer);
	}
}

static void
test_reachable(void **state)
{
	int seen[OUT_STATES] = {
	    [OUT_IDLE] = 1, [OUT_PAUSED] = 1, [OUT_FAILED] = 1, [OUT_ELSEWHERE] = 1};
	int grown = 1;
	size_t n;
	const struct outlet_edge *edges = outlet_fsm_edges(&n);

	(void)state;
	while (grown) {
		grown = 0;
		for (size_t i = 0; i < n; i++)
			if (seen[edges[i].from] && !seen[edges[i].to])
				grown = seen[edges[i].to] = 1;
	}
	for (enum outlet_state s = 0; s < OUT_STATES; s++)
		assert_true(seen[s]);
}

static const struct {
	const char *what;
	enum outlet_event events[8]; /* ends with OUTLET_EVENTS */
	enum outlet_state from, to;
	enum outlet_status shown;
} paths[] = {
    {"link by QR",
	{EV_LINK, EV_QR, EV_QR, EV_PAIRED, EV_END_RESTART, EV_OPENED, EV_READY, OUTLET_EVENTS},
	OUT_IDLE, OUT_ONLINE, OUTLET_CONNECTED},
    {"waiting for a scan", {EV_LINK, EV_QR, OUTLET_EVENTS}, OUT_IDLE, OUT_SCANNING,
	OUTLET_CONNECTING},
    {"nobody scans", {EV_LINK, EV_QR, EV_END_QR, EV_QR, EV_END_GIVE_UP, OUTLET_EVENTS}, OUT_IDLE,
	OUT_IDLE, OUTLET_DISCONNECTED},
    {"restart of the daemon", {EV_START, EV_TIMER, EV_OPENED, EV_READY, OUTLET_EVENTS}, OUT_IDLE,
	OUT_ONLINE, OUTLET_CONNECTED},
    {"silence and back",
	{EV_END_RETRY, EV_TIMER, EV_END_RETRY, EV_TIMER, EV_OPENED, EV_READY, OUTLET_EVENTS},
	OUT_ONLINE, OUT_ONLINE, OUTLET_CONNECTED},
    {"silence shows", {EV_END_RETRY, EV_TIMER, OUTLET_EVENTS}, OUT_ONLINE, OUT_RETRYING,
	OUTLET_TIMEOUT},
    {"auto-reconnect off", {EV_END_GIVE_UP, OUTLET_EVENTS}, OUT_ONLINE, OUT_IDLE,
	OUTLET_DISCONNECTED},
    {"515 later", {EV_END_RESTART, EV_OPENED, OUTLET_EVENTS}, OUT_ONLINE, OUT_OPEN,
	OUTLET_CONNECTED},
    {"logged out on the phone", {EV_END_ERASED, EV_TIMER, OUTLET_EVENTS}, OUT_ONLINE, OUT_FAILED,
	OUTLET_FAILED},
    {"replaced never comes back by itself", {EV_END_FATAL, EV_TIMER, EV_START, OUTLET_EVENTS},
	OUT_ONLINE, OUT_FAILED, OUTLET_FAILED},
    {"banned for a time", {EV_END_BANNED, OUTLET_EVENTS}, OUT_CONNECTING, OUT_BANNED,
	OUTLET_FAILED},
    {"after the ban", {EV_END_BANNED, EV_TIMER, EV_OPENED, OUTLET_EVENTS}, OUT_CONNECTING, OUT_OPEN,
	OUTLET_CONNECTED},
    {"paused", {EV_PAUSE, EV_END_ASKED, EV_CONNECT, EV_TIMER, OUTLET_EVENTS}, OUT_ONLINE,
	OUT_PAUSED, OUTLET_PAUSED},
    {"resumed", {EV_PAUSE, EV_END_ASKED, EV_RESUME, EV_OPENED, OUTLET_EVENTS}, OUT_ONLINE, OUT_OPEN,
	OUTLET_CONNECTED},
    {"disconnected shows at once", {EV_DISCONNECT, OUTLET_EVENTS}, OUT_ONLINE, OUT_CLOSING,
	OUTLET_DISCONNECTED},
    {"disconnected and connected at once",
	{EV_DISCONNECT, EV_CONNECT, EV_END_ASKED, EV_TIMER, EV_OPENED, OUTLET_EVENTS}, OUT_ONLINE,
	OUT_OPEN, OUTLET_CONNECTED},
    {"logout", {EV_LOGOUT, EV_END_ERASED, OUTLET_EVENTS}, OUT_ONLINE, OUT_IDLE,
	OUTLET_DISCONNECTED},
    {"stop of the daemon", {EV_DRAIN, EV_END_ASKED, OUTLET_EVENTS}, OUT_ONLINE, OUT_STARTING,
	OUTLET_CONNECTING},
};

static void
test_paths(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		enum outlet_state s = paths[i].from;

		for (const enum outlet_event *e = paths[i].events; *e != OUTLET_EVENTS; e++) {
			const struct outlet_edge *edge = outlet_fsm_edge(s, *e);

			s = edge != NULL ? edge->to : s;
		}
		if (s != paths[i].to)
			print_error("%s: ends in %s\n", paths[i].what, outlet_fsm_state_name(s));
		assert_int_equal(s, paths[i].to);
		assert_string_equal(
		    outlet_status_name(outlet_fsm_status(s)), outlet_status_name(paths[i].shown));
	}
}

static void
test_print(void **state)
{
	char *text = NULL;
	size_t len = 0, n, lines = 0;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	assert_non_null(f);
	outlet_fsm_print(f);
	(void)fclose(f);
	(void)outlet_fsm_edges(&n);
	for (const char *p = text; (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_equal(lines, n + 2);
	assert_non_null(strstr(text, "| ONLINE | CONNECTED | ended: keys given up | FAILED | "
				     "give keys up, kept for 7 days |"));
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_complete),
	    cmocka_unit_test(test_no_row_twice),
	    cmocka_unit_test(test_links),
	    cmocka_unit_test(test_timers),
	    cmocka_unit_test(test_reachable),
	    cmocka_unit_test(test_paths),
	    cmocka_unit_test(test_print),
	};

	return cmocka_run_group_tests_name("outlet_fsm", tests, NULL, NULL);
}
