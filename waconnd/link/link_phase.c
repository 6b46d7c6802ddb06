/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows of a link's life, and look-ups in them. It starts nothing and knows no link. */
#include "waconnd/link/link_phase.h"

static const char *const phases[LINK_PHASES] = {
    [LINK_LOADING] = "loading",
    [LINK_WAITING] = "waiting",
    [LINK_CONNECTING] = "connecting",
    [LINK_HANDSHAKE] = "handshake",
    [LINK_PAIRING] = "pairing",
    [LINK_PAIRED] = "paired",
    [LINK_REFUSING] = "refusing",
    [LINK_LOGGING_IN] = "logging in",
    [LINK_OPEN] = "open",
    [LINK_READY] = "ready",
    [LINK_LEAVING] = "leaving",
    [LINK_ENDING] = "ending",
    [LINK_ENDED] = "ended",
};

static const char *const events[LINK_EVENTS] = {
    [LINK_EV_LOADED] = "loaded",
    [LINK_EV_DIALLED] = "dialled",
    [LINK_EV_SOCKET] = "socket up",
    [LINK_EV_REGISTERING] = "registering",
    [LINK_EV_LOGGING_IN] = "logging in",
    [LINK_EV_PAIRED] = "paired",
    [LINK_EV_REFUSED] = "refused",
    [LINK_EV_SUCCESS] = "success",
    [LINK_EV_READY] = "ready",
    [LINK_EV_LEAVE] = "leave",
    [LINK_EV_FAIL] = "fail",
    [LINK_EV_GONE] = "gone",
};

/* clang-format off */
static const struct link_edge edges[] = {
	/* from            event                to               why */
	{LINK_LOADING,     LINK_EV_LOADED,      LINK_WAITING,    "the credentials are here"},
	{LINK_WAITING,     LINK_EV_DIALLED,     LINK_CONNECTING, "its turn to connect"},
	{LINK_CONNECTING,  LINK_EV_SOCKET,      LINK_HANDSHAKE,  "the WebSocket is up"},
	{LINK_HANDSHAKE,   LINK_EV_REGISTERING, LINK_PAIRING,    "not linked yet: registration payload sent"},
	{LINK_HANDSHAKE,   LINK_EV_LOGGING_IN,  LINK_LOGGING_IN, "login payload sent"},
	{LINK_PAIRING,     LINK_EV_PAIRED,      LINK_PAIRED,     "pair-success verified and saved"},
	{LINK_PAIRING,     LINK_EV_REFUSED,     LINK_REFUSING,   "the phone that scanned has another number"},
	{LINK_LOGGING_IN,  LINK_EV_SUCCESS,     LINK_OPEN,       "logged in"},
	{LINK_OPEN,        LINK_EV_READY,       LINK_READY,      "pre-keys in place, backlog in"},
	{LINK_OPEN,        LINK_EV_LEAVE,       LINK_LEAVING,    "logging out"},
	{LINK_READY,       LINK_EV_LEAVE,       LINK_LEAVING,    "logging out"},

	{LINK_LOADING,     LINK_EV_FAIL,        LINK_ENDING,     "no usable credentials, or closed"},
	{LINK_WAITING,     LINK_EV_FAIL,        LINK_ENDING,     "no address, or closed"},
	{LINK_CONNECTING,  LINK_EV_FAIL,        LINK_ENDING,     "could not connect"},
	{LINK_HANDSHAKE,   LINK_EV_FAIL,        LINK_ENDING,     "no handshake"},
	{LINK_PAIRING,     LINK_EV_FAIL,        LINK_ENDING,     "not paired"},
	{LINK_PAIRED,      LINK_EV_FAIL,        LINK_ENDING,     "paired: log in with the new keys"},
	{LINK_REFUSING,    LINK_EV_FAIL,        LINK_ENDING,     "unlinked again"},
	{LINK_LOGGING_IN,  LINK_EV_FAIL,        LINK_ENDING,     "not logged in"},
	{LINK_OPEN,        LINK_EV_FAIL,        LINK_ENDING,     "lost"},
	{LINK_READY,       LINK_EV_FAIL,        LINK_ENDING,     "lost"},
	{LINK_LEAVING,     LINK_EV_FAIL,        LINK_ENDING,     "logged out, keys wiped"},
	{LINK_ENDING,      LINK_EV_GONE,        LINK_ENDED,      "the socket is closed"},
};

static const struct link_limit limits[LINK_PHASES] = {
	{LINK_LOADING,    0,     LINK_END_STORAGE,     ""},
	{LINK_WAITING,    0,     LINK_END_REFUSED,     ""},
	{LINK_CONNECTING, 20000, LINK_END_SILENT,      "no connection within 20 s"},
	{LINK_HANDSHAKE,  20000, LINK_END_SILENT,      "no handshake within 20 s"},
	{LINK_PAIRING,    20000, LINK_END_SILENT,      "no code to show within 20 s"}, /* then the code's own */
	{LINK_PAIRED,     20000, LINK_END_RESTART,     "no restart asked for within 20 s"},
	{LINK_REFUSING,   3000,  LINK_END_WRONG_NUMBER, ""},
	{LINK_LOGGING_IN, 20000, LINK_END_SILENT,      "no answer to the login within 20 s"},
	{LINK_OPEN,       0,     LINK_END_SILENT,      ""},
	{LINK_READY,      0,     LINK_END_SILENT,      ""},
	{LINK_LEAVING,    6000,  LINK_END_LOGGED_OUT,  "no answer to the logout"}, /* 2 s more to wipe the keys */
	{LINK_ENDING,     1000,  LINK_END_CLOSED,      ""}, /* for the closing handshake */
	{LINK_ENDED,      0,     LINK_END_CLOSED,      ""},
};
/* clang-format on */

const struct link_edge *
link_phase_edge(enum link_phase from, enum link_event event)
{
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		if (edges[i].from == from && edges[i].event == event)
			return &edges[i];
	return NULL;
}

const struct link_limit *
link_phase_limit(enum link_phase phase)
{
	return &limits[phase];
}

const char *
link_phase_name(enum link_phase phase)
{
	return phases[phase];
}

const char *
link_event_name(enum link_event event)
{
	return events[event];
}

const struct link_edge *
link_phase_edges(size_t *ret_n)
{
	*ret_n = sizeof(edges) / sizeof(edges[0]);
	return edges;
}

bool
link_phase_is_cut(enum link_end end)
{
	return end == LINK_END_CLOSED || end == LINK_END_SILENT || end == LINK_END_PROTOCOL ||
	       end == LINK_END_UNAVAILABLE;
}

enum link_end
link_phase_end(enum link_phase phase, enum link_end end)
{
	if (phase == LINK_PAIRED && link_phase_is_cut(end))
		return LINK_END_RESTART;
	if (phase == LINK_REFUSING)
		return LINK_END_WRONG_NUMBER;
	if (phase == LINK_LEAVING)
		return LINK_END_LOGGED_OUT;
	return end;
}
