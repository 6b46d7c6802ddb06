/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * outlet_fsm: what an outlet is doing and what follows from what: one table, pure. outlet.c steps
 * it and does the actions.
 *
 * Each state shows as one of the six statuses of CONTRACT section 5. The table's rows print as
 * docs/outlet-states (outlet_fsm_print).
 */
#ifndef WACONND_OUTLET_FSM_H
#define WACONND_OUTLET_FSM_H

#include <stddef.h>
#include <stdio.h>

#include "waconnd/outlet.h"

enum outlet_state {
	OUT_IDLE,	 /* no link, none tried */
	OUT_STARTING,	 /* linked; waits for its turn after the daemon's start */
	OUT_LINKING,	 /* pairing socket under way, no QR yet */
	OUT_SCANNING,	 /* a QR or a pairing code is shown */
	OUT_LINK_WAIT,	 /* pairing was cut off; again soon */
	OUT_RESTARTING,	 /* paired; the server closes, the login follows */
	OUT_CONNECTING,	 /* login under way */
	OUT_OPEN,	 /* logged in; backlog and pre-keys not through */
	OUT_ONLINE,	 /* may send */
	OUT_BACKOFF,	 /* waits before the next attempt */
	OUT_RETRYING,	 /* the next attempt is under way */
	OUT_BANNED,	 /* banned until a known time, then one attempt */
	OUT_FAILED,	 /* a person must act */
	OUT_PAUSED,	 /* taken out of service */
	OUT_CLOSING,	 /* disconnected by hand; the link is ending */
	OUT_PAUSING,	 /* paused; the link is ending */
	OUT_REOPENING,	 /* logs in as soon as the old link has ended */
	OUT_RELINKING,	 /* pairs as soon as the old link has ended */
	OUT_LOGGING_OUT, /* unlinking */
	OUT_DRAINING,	 /* the daemon stops or gives it away; the link is ending */
	OUT_ELSEWHERE,	 /* another daemon's, or nobody's; shown as its owner wrote it */
	OUT_STATES
};

enum outlet_event {
	EV_START,	/* the daemon has started and it is to be connected */
	EV_CONNECT,	/* operator, with credentials */
	EV_LINK,	/* operator, without credentials: pair */
	EV_RELINK,	/* operator, while it pairs: in another way, or another number */
	EV_DISCONNECT,	/* operator; or switched off */
	EV_PAUSE,	/* operator */
	EV_RESUME,	/* operator, with credentials */
	EV_RESUME_IDLE, /* operator, without */
	EV_LOGOUT,	/* operator */
	EV_RESTORED,	/* operator: its keys are back */
	EV_DRAIN,	/* SIGTERM */
	EV_QR,		/* link: a QR */
	EV_CODE,	/* link: a pairing code */
	EV_PASSKEY,	/* link: a passkey is asked for, or a step of that */
	EV_PAIRED,	/* link: paired and saved */
	EV_OPENED,	/* link: <success> */
	EV_READY,	/* link: may send */
	EV_TIMER,	/* the state's wait is over */
	EV_END_ASKED,	/* link ended because asked to */
	EV_END_RESTART, /* … 515 */
	EV_END_RETRY,	/* … silence, network or server: to be tried again */
	EV_END_GIVE_UP, /* … the same, but auto-reconnect is off, or nobody linked in all rounds */
	EV_END_QR,	/* … all codes shown, another round is left */
	EV_END_LATER,	/* … to be tried again, but not soon */
	EV_END_OUTDATED, /* … the client version was refused, and a newer one may be found */
	EV_END_BANNED,	 /* … banned until a known time */
	EV_END_FATAL,	 /* … a person must act; the keys stay */
	EV_END_ERASED,	 /* … a person must act; the keys are given up */
	OUTLET_EVENTS
};

enum outlet_action {
	ACT_NONE,
	ACT_LOGIN,   /* begin a link that logs in */
	ACT_PAIR,    /* begin a link that pairs */
	ACT_CLOSE,   /* end the link */
	ACT_LOGOUT,  /* unlink, then end it */
	ACT_ERASE,   /* the keys, for good */
	ACT_GIVE_UP, /* the keys, but they can be brought back for a while */
	ACT_TURN,    /* timer: this outlet's turn after the start */
	ACT_BACKOFF, /* timer: with back-off */
	ACT_LATER,   /* timer: long */
	ACT_VERSION, /* look today's client version up; timer: its limit */
	ACT_BAN,     /* timer: the ban's end */
	ACT_STOPPED, /* stop timers and attempts */
	OUTLET_ACTIONS
};

struct outlet_edge {
	enum outlet_state from;
	enum outlet_event event;
	enum outlet_state to;
	enum outlet_action action;
	const char
	    *why; /* into outlet_events where the link gave no reason of its own; and into docs */
};

/* The row of a pair; NULL when the event is ignored there (outlet_fsm_ignores says why). */
const struct outlet_edge *outlet_fsm_edge(enum outlet_state from, enum outlet_event event);
/* Why the event changes nothing in that state; NULL when it is not a listed ignore. */
const char *outlet_fsm_ignores(enum outlet_state from, enum outlet_event event);
enum outlet_status outlet_fsm_status(enum outlet_state state);
/* Does a link exist in this state? */
int outlet_fsm_has_link(enum outlet_state state);
const struct outlet_edge *outlet_fsm_edges(size_t *ret_n);
const char *outlet_fsm_state_name(enum outlet_state state);
const char *outlet_fsm_event_name(enum outlet_event event);
const char *outlet_fsm_action_name(enum outlet_action action);
/* All rows as a Markdown table, for docs. */
void outlet_fsm_print(FILE *out);

#endif
