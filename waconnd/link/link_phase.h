/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link_phase: the life of a link as one table: phase, event, next phase, and how long a phase may
 * last.
 *
 * Pure data and look-ups. What is done on the way is in the parts; link.c alone assigns the phase.
 */
#ifndef LINK_LINK_PHASE_H
#define LINK_LINK_PHASE_H

#include <stddef.h>

#include "waconnd/link/link.h"

enum link_phase {
	LINK_LOADING,	 /* credentials on their way from the database */
	LINK_WAITING,	 /* for its turn to connect, and the server's address */
	LINK_CONNECTING, /* TCP, TLS, WebSocket */
	LINK_HANDSHAKE,	 /* Noise */
	LINK_PAIRING,	 /* QR codes or a pairing code are shown */
	LINK_PAIRED,	 /* answered pair-success: waiting for the server's 515 */
	LINK_REFUSING,	 /* another number than the outlet's: unlinking it again */
	LINK_LOGGING_IN, /* the login payload is sent */
	LINK_OPEN,	 /* <success>; pre-keys and backlog under way */
	LINK_READY,	 /* may send */
	LINK_LEAVING,	 /* logging out: remove-companion-device sent, then the keys wiped */
	LINK_ENDING,	 /* the reason is known; the socket is being closed */
	LINK_ENDED,
	LINK_PHASES
};

enum link_event {
	LINK_EV_LOADED,
	LINK_EV_DIALLED,
	LINK_EV_SOCKET,	     /* the WebSocket is up */
	LINK_EV_REGISTERING, /* handshake done with a registration payload */
	LINK_EV_LOGGING_IN,  /* … with a login payload */
	LINK_EV_PAIRED,
	LINK_EV_REFUSED, /* paired with the wrong number */
	LINK_EV_SUCCESS,
	LINK_EV_READY,
	LINK_EV_LEAVE,
	LINK_EV_FAIL, /* link_fail, for whatever reason */
	LINK_EV_GONE, /* the socket is closed */
	LINK_EVENTS
};

struct link_edge {
	enum link_phase from;
	enum link_event event;
	enum link_phase to;
	const char *why;
};

struct link_limit {
	enum link_phase phase;
	int ms;		   /* 0: no limit of its own */
	enum link_end end; /* what passing it means */
	const char *detail;
};

/* NULL: the event does nothing in that phase. */
const struct link_edge *link_phase_edge(enum link_phase from, enum link_event event);
const struct link_limit *link_phase_limit(enum link_phase phase);
const char *link_phase_name(enum link_phase phase);
const char *link_event_name(enum link_event event);
const struct link_edge *link_phase_edges(size_t *ret_n);
/* Did the connection end without a word on why? */
bool link_phase_is_cut(enum link_end end);
/*
 * What an end means in a phase: where the link was about to end anyway, the way it came about does
 * not matter (a socket that closes behind pair-success is the restart that was awaited).
 */
enum link_end link_phase_end(enum link_phase phase, enum link_end end);

#endif
