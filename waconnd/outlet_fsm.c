/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows. Pure data and look-ups: this file starts nothing, writes nothing and knows no outlet.
 */
#include "waconnd/outlet_fsm.h"

#include <string.h>

static const struct {
	const char *name;
	enum outlet_status status;
	int has_link;
} states[OUT_STATES] = {
    [OUT_IDLE] = {"IDLE", OUTLET_DISCONNECTED, 0},
    [OUT_STARTING] = {"STARTING", OUTLET_CONNECTING, 0},
    [OUT_LINKING] = {"LINKING", OUTLET_CONNECTING, 1},
    [OUT_SCANNING] = {"SCANNING", OUTLET_CONNECTING, 1},
    [OUT_LINK_WAIT] = {"LINK_WAIT", OUTLET_TIMEOUT, 0},
    [OUT_RESTARTING] = {"RESTARTING", OUTLET_CONNECTING, 1},
    [OUT_CONNECTING] = {"CONNECTING", OUTLET_CONNECTING, 1},
    [OUT_OPEN] = {"OPEN", OUTLET_CONNECTED, 1},
    [OUT_ONLINE] = {"ONLINE", OUTLET_CONNECTED, 1},
    [OUT_BACKOFF] = {"BACKOFF", OUTLET_TIMEOUT, 0},
    [OUT_RETRYING] = {"RETRYING", OUTLET_TIMEOUT, 1},
    [OUT_BANNED] = {"BANNED", OUTLET_FAILED, 0},
    [OUT_FAILED] = {"FAILED", OUTLET_FAILED, 0},
    [OUT_PAUSED] = {"PAUSED", OUTLET_PAUSED, 0},
    [OUT_CLOSING] = {"CLOSING", OUTLET_DISCONNECTED, 1},
    [OUT_PAUSING] = {"PAUSING", OUTLET_PAUSED, 1},
    [OUT_REOPENING] = {"REOPENING", OUTLET_CONNECTING, 1},
    [OUT_RELINKING] = {"RELINKING", OUTLET_CONNECTING, 1},
    [OUT_LOGGING_OUT] = {"LOGGING_OUT", OUTLET_DISCONNECTED, 1},
    [OUT_DRAINING] = {"DRAINING", OUTLET_CONNECTING, 1},
    [OUT_ELSEWHERE] = {"ELSEWHERE", OUTLET_TIMEOUT, 0},
};

static const char *const events[OUTLET_EVENTS] = {
    [EV_START] = "start",
    [EV_CONNECT] = "connect",
    [EV_LINK] = "link",
    [EV_RELINK] = "link anew",
    [EV_DISCONNECT] = "disconnect",
    [EV_PAUSE] = "pause",
    [EV_RESUME] = "resume",
    [EV_RESUME_IDLE] = "resume (not linked)",
    [EV_LOGOUT] = "logout",
    [EV_RESTORED] = "keys restored",
    [EV_DRAIN] = "drain",
    [EV_QR] = "qr",
    [EV_CODE] = "code",
    [EV_PASSKEY] = "passkey",
    [EV_PAIRED] = "paired",
    [EV_OPENED] = "opened",
    [EV_READY] = "ready",
    [EV_TIMER] = "timer",
    [EV_END_ASKED] = "ended: asked",
    [EV_END_RESTART] = "ended: restart",
    [EV_END_RETRY] = "ended: retry",
    [EV_END_GIVE_UP] = "ended: give up",
    [EV_END_QR] = "ended: next round",
    [EV_END_LATER] = "ended: later",
    [EV_END_OUTDATED] = "ended: outdated",
    [EV_END_BANNED] = "ended: banned until",
    [EV_END_FATAL] = "ended: fatal",
    [EV_END_ERASED] = "ended: keys given up",
};

static const char *const actions[OUTLET_ACTIONS] = {
    [ACT_NONE] = "-",
    [ACT_LOGIN] = "login",
    [ACT_PAIR] = "pair",
    [ACT_CLOSE] = "close",
    [ACT_LOGOUT] = "logout",
    [ACT_ERASE] = "erase keys",
    [ACT_GIVE_UP] = "give keys up, kept for 7 days",
    [ACT_TURN] = "wait for its turn",
    [ACT_BACKOFF] = "back-off",
    [ACT_LATER] = "long wait",
    [ACT_VERSION] = "look the client version up",
    [ACT_BAN] = "wait for the ban's end",
    [ACT_STOPPED] = "stop waiting",
};

/* clang-format off */
/* What every end of a login attempt leads to. */
#define ENDS(state)                                                                                                  \
	{state, EV_END_ASKED,   OUT_IDLE,       ACT_STOPPED, "closed"},                                              \
	{state, EV_END_RESTART, OUT_CONNECTING, ACT_LOGIN,   "the server asks for a new connection (515)"},           \
	{state, EV_END_RETRY,   OUT_BACKOFF,    ACT_BACKOFF, "network or server failed or went silent"},             \
	{state, EV_END_GIVE_UP, OUT_IDLE,       ACT_STOPPED, "link lost, auto-reconnect is off"},                    \
	{state, EV_END_LATER,   OUT_BACKOFF,    ACT_LATER,   "the server asks to stay away for a while"},            \
	{state, EV_END_OUTDATED, OUT_BACKOFF,   ACT_VERSION, "client version refused: once more with today's"},      \
	{state, EV_END_BANNED,  OUT_BANNED,     ACT_BAN,     "banned for a time: one attempt when it is over"},      \
	{state, EV_END_FATAL,   OUT_FAILED,     ACT_STOPPED, "will not come back by itself; keys kept"},             \
	{state, EV_END_ERASED,  OUT_FAILED,     ACT_GIVE_UP,   "logged out or banned: keys given up"}
/* What every end of a pairing attempt leads to. */
#define PAIR_ENDS(state)                                                                                             \
	{state, EV_END_ASKED,   OUT_IDLE,       ACT_STOPPED, "closed"},                                              \
	{state, EV_END_RESTART, OUT_LINKING,    ACT_PAIR,    "the server asks for a new connection (515)"},           \
	{state, EV_END_RETRY,   OUT_LINK_WAIT,  ACT_BACKOFF, "network or server failed before it was linked"},            \
	{state, EV_END_GIVE_UP, OUT_IDLE,       ACT_STOPPED, "nobody linked it in time"},                              \
	{state, EV_END_QR,      OUT_LINKING,    ACT_PAIR,    "codes used up: fresh ones from a new connection"},     \
	{state, EV_END_LATER,   OUT_IDLE,       ACT_STOPPED, "the server refuses to link for now"},                  \
	{state, EV_END_OUTDATED, OUT_LINK_WAIT, ACT_VERSION, "client version refused: once more with today's"},      \
	{state, EV_END_BANNED,  OUT_FAILED,     ACT_STOPPED, "banned while linking"},                                \
	{state, EV_END_FATAL,   OUT_FAILED,     ACT_STOPPED, "linking failed: a person must act"},                   \
	{state, EV_END_ERASED,  OUT_FAILED,     ACT_GIVE_UP,   "linking failed: keys given up"}
/* A link that was asked to end has ended, in whatever way. */
#define ENDED(state, to, action, why)                                                                                \
	{state, EV_END_ASKED,   to, action, why}, {state, EV_END_RESTART, to, action, why},                          \
	{state, EV_END_RETRY,   to, action, why}, {state, EV_END_GIVE_UP, to, action, why},                          \
	{state, EV_END_QR,      to, action, why}, {state, EV_END_LATER,   to, action, why},                          \
	{state, EV_END_OUTDATED, to, action, why}, {state, EV_END_BANNED, to, action, why}
/* The same where the reason would outlast what was asked for. */
#define ENDED_KEYS(state)                                                                                            \
	{state, EV_END_FATAL,   OUT_FAILED, ACT_STOPPED, "will not come back by itself; keys kept"},                 \
	{state, EV_END_ERASED,  OUT_FAILED, ACT_GIVE_UP,   "logged out or banned: keys given up"}
/* Operator and SIGTERM where a link exists. */
#define LINK_COMMANDS(state)                                                                                         \
	{state, EV_DISCONNECT,  OUT_CLOSING,    ACT_CLOSE,   "disconnected by hand"},                                \
	{state, EV_PAUSE,       OUT_PAUSING,    ACT_CLOSE,   "paused by hand"}
#define NO_LINK_COMMANDS(state)                                                                                      \
	{state, EV_DISCONNECT,  OUT_IDLE,       ACT_STOPPED, "disconnected by hand"},                                \
	{state, EV_PAUSE,       OUT_PAUSED,     ACT_STOPPED, "paused by hand"},                                      \
	{state, EV_LOGOUT,      OUT_IDLE,       ACT_ERASE,   "logged out by hand while offline: keys erased here, remove the device on the phone"}

static const struct outlet_edge edges[] = {
	/* from         event           to              action       why */
	{OUT_IDLE,      EV_START,       OUT_STARTING,   ACT_TURN,    "daemon started"},
	{OUT_IDLE,      EV_CONNECT,     OUT_CONNECTING, ACT_LOGIN,   "connected by hand"},
	{OUT_IDLE,      EV_LINK,        OUT_LINKING,    ACT_PAIR,    "linking by hand"},
	{OUT_IDLE,      EV_PAUSE,       OUT_PAUSED,     ACT_NONE,    "paused by hand"},
	{OUT_IDLE,      EV_LOGOUT,      OUT_IDLE,       ACT_ERASE,   "logged out by hand while offline: keys erased here, remove the device on the phone"},

	{OUT_IDLE,      EV_RESTORED,    OUT_IDLE,       ACT_NONE,    "keys restored by hand"},

	{OUT_STARTING,  EV_TIMER,       OUT_CONNECTING, ACT_LOGIN,   "its turn"},
	{OUT_STARTING,  EV_CONNECT,     OUT_CONNECTING, ACT_LOGIN,   "connected by hand"},
	NO_LINK_COMMANDS(OUT_STARTING),

	{OUT_LINKING,   EV_QR,          OUT_SCANNING,   ACT_NONE,    "a QR code is shown"},
	{OUT_LINKING,   EV_CODE,        OUT_SCANNING,   ACT_NONE,    "a pairing code is shown"},
	{OUT_LINKING,   EV_PASSKEY,     OUT_SCANNING,   ACT_NONE,    "WhatsApp asks for a passkey"},
	{OUT_LINKING,   EV_RELINK,      OUT_RELINKING,  ACT_CLOSE,   "linking anew by hand: in another way, or another number"},
	{OUT_LINKING,   EV_PAIRED,      OUT_RESTARTING, ACT_NONE,    "linked by the phone"},
	LINK_COMMANDS(OUT_LINKING),
	{OUT_LINKING,   EV_LOGOUT,      OUT_CLOSING,    ACT_CLOSE,   "linking stopped by hand"},
	{OUT_LINKING,   EV_DRAIN,       OUT_CLOSING,    ACT_CLOSE,   "daemon stopped"},
	PAIR_ENDS(OUT_LINKING),

	{OUT_SCANNING,  EV_QR,          OUT_SCANNING,   ACT_NONE,    "the next QR code"},
	{OUT_SCANNING,  EV_CODE,        OUT_SCANNING,   ACT_NONE,    "the next pairing code"},
	{OUT_SCANNING,  EV_PASSKEY,     OUT_SCANNING,   ACT_NONE,    "WhatsApp asks for a passkey, or goes on with it"},
	{OUT_SCANNING,  EV_RELINK,      OUT_RELINKING,  ACT_CLOSE,   "linking anew by hand: in another way, or another number"},
	{OUT_SCANNING,  EV_PAIRED,      OUT_RESTARTING, ACT_NONE,    "linked by the phone"},
	LINK_COMMANDS(OUT_SCANNING),
	{OUT_SCANNING,  EV_LOGOUT,      OUT_CLOSING,    ACT_CLOSE,   "linking stopped by hand"},
	{OUT_SCANNING,  EV_DRAIN,       OUT_CLOSING,    ACT_CLOSE,   "daemon stopped"},
	PAIR_ENDS(OUT_SCANNING),

	{OUT_LINK_WAIT, EV_TIMER,       OUT_LINKING,    ACT_PAIR,    "try to link again"},
	{OUT_LINK_WAIT, EV_LINK,        OUT_LINKING,    ACT_PAIR,    "linking by hand"},
	NO_LINK_COMMANDS(OUT_LINK_WAIT),
	{OUT_LINK_WAIT, EV_DRAIN,       OUT_IDLE,       ACT_STOPPED, "daemon stopped"},

	LINK_COMMANDS(OUT_RESTARTING),
	{OUT_RESTARTING, EV_LOGOUT,     OUT_LOGGING_OUT, ACT_CLOSE,  "logged out by hand"},
	{OUT_RESTARTING, EV_DRAIN,      OUT_DRAINING,   ACT_CLOSE,   "daemon stopped"},
	{OUT_RESTARTING, EV_END_ASKED,  OUT_IDLE,       ACT_STOPPED, "closed"},
	{OUT_RESTARTING, EV_END_RESTART, OUT_CONNECTING, ACT_LOGIN,  "515 after pairing: log in with the new keys"},
	{OUT_RESTARTING, EV_END_RETRY,  OUT_CONNECTING, ACT_LOGIN,   "closed after pairing: log in with the new keys"},
	{OUT_RESTARTING, EV_END_GIVE_UP, OUT_CONNECTING, ACT_LOGIN,  "closed after pairing: log in with the new keys"},
	{OUT_RESTARTING, EV_END_QR,     OUT_CONNECTING, ACT_LOGIN,   "closed after pairing: log in with the new keys"},
	{OUT_RESTARTING, EV_END_LATER,  OUT_BACKOFF,    ACT_LATER,   "the server asks to stay away for a while"},
	{OUT_RESTARTING, EV_END_OUTDATED, OUT_BACKOFF,  ACT_VERSION, "client version refused: once more with today's"},
	{OUT_RESTARTING, EV_END_BANNED, OUT_BANNED,     ACT_BAN,     "banned for a time: one attempt when it is over"},
	ENDED_KEYS(OUT_RESTARTING),

	{OUT_CONNECTING, EV_OPENED,     OUT_OPEN,       ACT_NONE,    "logged in"},
	LINK_COMMANDS(OUT_CONNECTING),
	{OUT_CONNECTING, EV_LOGOUT,     OUT_LOGGING_OUT, ACT_CLOSE,  "logged out by hand"},
	{OUT_CONNECTING, EV_DRAIN,      OUT_DRAINING,   ACT_CLOSE,   "daemon stopped"},
	ENDS(OUT_CONNECTING),

	{OUT_OPEN,      EV_READY,       OUT_ONLINE,     ACT_NONE,    "ready to send"},
	LINK_COMMANDS(OUT_OPEN),
	{OUT_OPEN,      EV_LOGOUT,      OUT_LOGGING_OUT, ACT_LOGOUT, "logged out by hand"},
	{OUT_OPEN,      EV_DRAIN,       OUT_DRAINING,   ACT_CLOSE,   "daemon stopped"},
	ENDS(OUT_OPEN),

	LINK_COMMANDS(OUT_ONLINE),
	{OUT_ONLINE,    EV_LOGOUT,      OUT_LOGGING_OUT, ACT_LOGOUT, "logged out by hand"},
	{OUT_ONLINE,    EV_DRAIN,       OUT_DRAINING,   ACT_CLOSE,   "daemon stopped"},
	ENDS(OUT_ONLINE),

	{OUT_BACKOFF,   EV_TIMER,       OUT_RETRYING,   ACT_LOGIN,   "try again"},
	{OUT_BACKOFF,   EV_CONNECT,     OUT_CONNECTING, ACT_LOGIN,   "connected by hand"},
	NO_LINK_COMMANDS(OUT_BACKOFF),

	{OUT_RETRYING,  EV_OPENED,      OUT_OPEN,       ACT_NONE,    "logged in"},
	{OUT_RETRYING,  EV_CONNECT,     OUT_CONNECTING, ACT_NONE,    "connected by hand: the attempt under way goes on"},
	LINK_COMMANDS(OUT_RETRYING),
	{OUT_RETRYING,  EV_LOGOUT,      OUT_LOGGING_OUT, ACT_CLOSE,  "logged out by hand"},
	{OUT_RETRYING,  EV_DRAIN,       OUT_DRAINING,   ACT_CLOSE,   "daemon stopped"},
	ENDS(OUT_RETRYING),

	{OUT_BANNED,    EV_TIMER,       OUT_CONNECTING, ACT_LOGIN,   "the ban is over: one attempt"},
	{OUT_BANNED,    EV_CONNECT,     OUT_CONNECTING, ACT_LOGIN,   "connected by hand"},
	NO_LINK_COMMANDS(OUT_BANNED),

	{OUT_FAILED,    EV_CONNECT,     OUT_CONNECTING, ACT_LOGIN,   "connected by hand"},
	{OUT_FAILED,    EV_LINK,        OUT_LINKING,    ACT_PAIR,    "linking by hand"},
	NO_LINK_COMMANDS(OUT_FAILED),
	{OUT_FAILED,    EV_RESTORED,    OUT_IDLE,       ACT_NONE,    "keys restored by hand"},

	{OUT_PAUSED,    EV_RESTORED,    OUT_PAUSED,     ACT_NONE,    "keys restored by hand"},
	{OUT_PAUSED,    EV_RESUME,      OUT_CONNECTING, ACT_LOGIN,   "resumed by hand"},
	{OUT_PAUSED,    EV_RESUME_IDLE, OUT_IDLE,       ACT_NONE,    "resumed by hand"},
	{OUT_PAUSED,    EV_LOGOUT,      OUT_IDLE,       ACT_ERASE,   "logged out by hand while offline: keys erased here, remove the device on the phone"},

	{OUT_CLOSING,   EV_CONNECT,     OUT_REOPENING,  ACT_NONE,    "connected by hand"},
	{OUT_CLOSING,   EV_LINK,        OUT_RELINKING,  ACT_NONE,    "linking by hand"},
	{OUT_CLOSING,   EV_PAUSE,       OUT_PAUSING,    ACT_NONE,    "paused by hand"},
	{OUT_CLOSING,   EV_LOGOUT,      OUT_LOGGING_OUT, ACT_NONE,   "logged out by hand"},
	ENDED(OUT_CLOSING, OUT_IDLE, ACT_STOPPED, "closed"),
	ENDED_KEYS(OUT_CLOSING),

	{OUT_PAUSING,   EV_RESUME,      OUT_REOPENING,  ACT_NONE,    "resumed by hand"},
	{OUT_PAUSING,   EV_RESUME_IDLE, OUT_CLOSING,    ACT_NONE,    "resumed by hand"},
	{OUT_PAUSING,   EV_LOGOUT,      OUT_LOGGING_OUT, ACT_NONE,   "logged out by hand"},
	ENDED(OUT_PAUSING, OUT_PAUSED, ACT_STOPPED, "closed"),
	{OUT_PAUSING,   EV_END_FATAL,   OUT_PAUSED,     ACT_STOPPED, "closed"},
	{OUT_PAUSING,   EV_END_ERASED,  OUT_PAUSED,     ACT_GIVE_UP,   "logged out or banned: keys given up"},

	{OUT_REOPENING, EV_DISCONNECT,  OUT_CLOSING,    ACT_NONE,    "disconnected by hand"},
	{OUT_REOPENING, EV_PAUSE,       OUT_PAUSING,    ACT_NONE,    "paused by hand"},
	{OUT_REOPENING, EV_LOGOUT,      OUT_LOGGING_OUT, ACT_NONE,   "logged out by hand"},
	{OUT_REOPENING, EV_DRAIN,       OUT_DRAINING,   ACT_NONE,    "daemon stopped"},
	ENDED(OUT_REOPENING, OUT_CONNECTING, ACT_LOGIN, "the old link has ended"),
	ENDED_KEYS(OUT_REOPENING),

	{OUT_RELINKING, EV_DISCONNECT,  OUT_CLOSING,    ACT_NONE,    "disconnected by hand"},
	{OUT_RELINKING, EV_PAUSE,       OUT_PAUSING,    ACT_NONE,    "paused by hand"},
	{OUT_RELINKING, EV_LOGOUT,      OUT_CLOSING,    ACT_NONE,    "linking stopped by hand"},
	{OUT_RELINKING, EV_DRAIN,       OUT_CLOSING,    ACT_NONE,    "daemon stopped"},
	ENDED(OUT_RELINKING, OUT_LINKING, ACT_PAIR, "the old link has ended"),
	ENDED_KEYS(OUT_RELINKING),

	{OUT_LOGGING_OUT, EV_END_ERASED, OUT_IDLE,      ACT_ERASE,   "logged out by hand"},
	{OUT_LOGGING_OUT, EV_END_FATAL, OUT_IDLE,       ACT_ERASE,   "logged out by hand"},
	ENDED(OUT_LOGGING_OUT, OUT_IDLE, ACT_ERASE, "logged out by hand, without the server's answer: remove the device on the phone"),

	ENDED(OUT_DRAINING, OUT_STARTING, ACT_STOPPED, "daemon stopped"),
	ENDED_KEYS(OUT_DRAINING),
};

#define BIT(x) (1u << (x))
#define ALL_STATES (BIT(OUT_STATES) - 1)
#define NO_LINK (BIT(OUT_IDLE) | BIT(OUT_STARTING) | BIT(OUT_LINK_WAIT) | BIT(OUT_BACKOFF) | BIT(OUT_BANNED) | BIT(OUT_FAILED) | BIT(OUT_PAUSED) | BIT(OUT_ELSEWHERE))
#define PAIRING (BIT(OUT_LINKING) | BIT(OUT_SCANNING))
#define LOGIN (BIT(OUT_CONNECTING) | BIT(OUT_OPEN) | BIT(OUT_ONLINE) | BIT(OUT_RETRYING))
#define BUSY (PAIRING | LOGIN | BIT(OUT_RESTARTING))

static const struct {
	enum outlet_event event;
	unsigned in; /* bits of states */
	const char *why;
} ignores[] = {
	{EV_CONNECT,     BIT(OUT_ELSEWHERE),                       "another daemon's: it is asked"},
	{EV_LINK,        BIT(OUT_ELSEWHERE),                       "another daemon's: it is asked"},
	{EV_DISCONNECT,  BIT(OUT_ELSEWHERE),                       "another daemon's: it is asked"},
	{EV_PAUSE,       BIT(OUT_ELSEWHERE),                       "another daemon's: it is asked"},
	{EV_LOGOUT,      BIT(OUT_ELSEWHERE),                       "another daemon's: it is asked"},
	{EV_START,       ALL_STATES & ~BIT(OUT_IDLE),              "only at the daemon's start"},
	{EV_CONNECT,     BUSY & ~BIT(OUT_RETRYING),                "it is being done, or done"},
	{EV_CONNECT,     BIT(OUT_LINK_WAIT),                       "there are no credentials"},
	{EV_CONNECT,     BIT(OUT_PAUSED) | BIT(OUT_PAUSING),       "refused: paused"},
	{EV_CONNECT,     BIT(OUT_REOPENING) | BIT(OUT_RELINKING) | BIT(OUT_LOGGING_OUT) | BIT(OUT_DRAINING), "it is being done, or refused: busy"},
	{EV_LINK,        BUSY,                                     "it is being done, or done"},
	{EV_LINK,        BIT(OUT_STARTING) | BIT(OUT_BACKOFF) | BIT(OUT_BANNED), "it has credentials"},
	{EV_LINK,        BIT(OUT_PAUSED) | BIT(OUT_PAUSING),       "refused: paused"},
	{EV_LINK,        BIT(OUT_REOPENING) | BIT(OUT_RELINKING) | BIT(OUT_LOGGING_OUT) | BIT(OUT_DRAINING), "it is being done, or refused: busy"},
	{EV_RELINK,      ALL_STATES & ~PAIRING,                    "it does not pair"},
	{EV_DISCONNECT,  BIT(OUT_IDLE) | BIT(OUT_CLOSING),         "it is disconnected"},
	{EV_DISCONNECT,  BIT(OUT_PAUSED) | BIT(OUT_PAUSING),       "it is disconnected, and paused besides"},
	{EV_DISCONNECT,  BIT(OUT_LOGGING_OUT) | BIT(OUT_DRAINING), "its link is ending"},
	{EV_PAUSE,       BIT(OUT_PAUSED) | BIT(OUT_PAUSING),       "it is paused"},
	{EV_PAUSE,       BIT(OUT_LOGGING_OUT) | BIT(OUT_DRAINING), "refused: busy"},
	{EV_RESUME,      ALL_STATES & ~(BIT(OUT_PAUSED) | BIT(OUT_PAUSING)), "it is not paused"},
	{EV_RESUME_IDLE, ALL_STATES & ~(BIT(OUT_PAUSED) | BIT(OUT_PAUSING)), "it is not paused"},
	{EV_LOGOUT,      BIT(OUT_LOGGING_OUT) | BIT(OUT_DRAINING), "it is being done, or refused: busy"},
	{EV_RESTORED,    ALL_STATES & ~(BIT(OUT_IDLE) | BIT(OUT_FAILED) | BIT(OUT_PAUSED)), "refused: busy, or linked"},
	{EV_DRAIN,       NO_LINK & ~BIT(OUT_LINK_WAIT),            "no link to end; the row says what to do at the next start"},
	{EV_DRAIN,       BIT(OUT_CLOSING) | BIT(OUT_PAUSING) | BIT(OUT_LOGGING_OUT) | BIT(OUT_DRAINING), "its link is ending"},
	{EV_QR,          ALL_STATES & ~PAIRING,                    "late, or not a pairing link"},
	{EV_CODE,        ALL_STATES & ~PAIRING,                    "late, or not a pairing link"},
	{EV_PASSKEY,     ALL_STATES & ~PAIRING,                    "late, or not a pairing link"},
	{EV_PAIRED,      ALL_STATES & ~PAIRING,                    "late: the link is ending, its keys are saved"},
	{EV_OPENED,      ALL_STATES & ~(BIT(OUT_CONNECTING) | BIT(OUT_RETRYING)), "late, or said twice"},
	{EV_READY,       ALL_STATES & ~BIT(OUT_OPEN),              "late, or said twice"},
	{EV_TIMER,       ALL_STATES & ~(BIT(OUT_STARTING) | BIT(OUT_LINK_WAIT) | BIT(OUT_BACKOFF) | BIT(OUT_BANNED)), "its wait was given up"},
	{EV_END_ASKED,   NO_LINK,                                  "there is no link"},
	{EV_END_RESTART, NO_LINK,                                  "there is no link"},
	{EV_END_RETRY,   NO_LINK,                                  "there is no link"},
	{EV_END_GIVE_UP, NO_LINK,                                  "there is no link"},
	{EV_END_QR,      NO_LINK | LOGIN,                          "only pairing links show codes"},
	{EV_END_LATER,   NO_LINK,                                  "there is no link"},
	{EV_END_OUTDATED, NO_LINK,                                 "there is no link"},
	{EV_END_BANNED,  NO_LINK,                                  "there is no link"},
	{EV_END_FATAL,   NO_LINK,                                  "there is no link"},
	{EV_END_ERASED,  NO_LINK,                                  "there is no link"},
};
/* clang-format on */

const struct outlet_edge *
outlet_fsm_edge(enum outlet_state from, enum outlet_event event)
{
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++)
		if (edges[i].from == from && edges[i].event == event)
			return &edges[i];
	return NULL;
}

const char *
outlet_fsm_ignores(enum outlet_state from, enum outlet_event event)
{
	for (size_t i = 0; i < sizeof(ignores) / sizeof(ignores[0]); i++)
		if (ignores[i].event == event && (ignores[i].in & BIT(from)) != 0)
			return ignores[i].why;
	return NULL;
}

const struct outlet_edge *
outlet_fsm_edges(size_t *ret_n)
{
	*ret_n = sizeof(edges) / sizeof(edges[0]);
	return edges;
}

enum outlet_status
outlet_fsm_status(enum outlet_state state)
{
	return states[state].status;
}

int
outlet_fsm_has_link(enum outlet_state state)
{
	return states[state].has_link;
}

const char *
outlet_fsm_state_name(enum outlet_state state)
{
	return states[state].name;
}

const char *
outlet_fsm_event_name(enum outlet_event event)
{
	return events[event];
}

const char *
outlet_fsm_action_name(enum outlet_action action)
{
	return actions[action];
}

const char *
outlet_status_name(enum outlet_status status)
{
	static const char *const names[] = {
	    [OUTLET_CONNECTED] = "CONNECTED",
	    [OUTLET_CONNECTING] = "CONNECTING",
	    [OUTLET_DISCONNECTED] = "DISCONNECTED",
	    [OUTLET_PAUSED] = "PAUSED",
	    [OUTLET_FAILED] = "FAILED",
	    [OUTLET_TIMEOUT] = "TIMEOUT",
	};

	return names[status];
}

void
outlet_fsm_print(FILE *out)
{
	(void)fprintf(out, "| from | shown as | event | to | action | why |\n| --- | --- | --- | "
			   "--- | --- | --- |\n");
	for (size_t i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		const struct outlet_edge *e = &edges[i];

		(void)fprintf(out, "| %s | %s | %s | %s | %s | %s |\n", states[e->from].name,
		    outlet_status_name(states[e->from].status), events[e->event],
		    states[e->to].name, actions[e->action], e->why);
	}
}
