/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * outlet_internal: how the parts of outlet work together. Not for anyone above.
 *
 * Parts: outlet_table.c (all outlets: add, remove, ticks, drain), outlet_owner.c (whose they are),
 * outlet_handover.c (giving them to others), outlet.c (steps, actions, commands), outlet_link.c
 * (what a link says), outlet_content.c (messages), outlet_told.c (telling of them),
 * outlet_session.c (the row in the database),
 * outlet_passkey.c (what WhatsApp may ask before it links), outlet_account.c (restrictions),
 * outlet_numbers.c (checks of numbers), outlet_status.c (health and JSON), outlet_pace.c,
 * outlet_fsm.c.
 */
#ifndef WACONND_OUTLET_INTERNAL_H
#define WACONND_OUTLET_INTERNAL_H

#include <sys/queue.h>

#include "waconnd/account.h"
#include "waconnd/outlet_fsm.h"

#define SESSION_NAME_MAX 128

struct session_row { /* outlet_sessions */
	enum outlet_status status;
	char session_name[SESSION_NAME_MAX];
	char own_jid[JID_TEXT_MAX], own_lid[JID_TEXT_MAX];
	int64_t connected_at_ms, last_seen_ms, next_retry_at_ms, linked_at_ms;
	int64_t qr_until_ms; /* 0: no QR is shown */
	unsigned retry_count;
	char *last_error; /* JSON, owned; NULL: none */
};
void session_row_copy(
    struct session_row *to, const struct session_row *from); /* to: valid or zero */
void session_row_done(struct session_row *row);
/* Would people see the same? */
bool session_row_shows(const struct session_row *a, const struct session_row *b);

enum outlet_handover { /* to another daemon */
	OUTLET_KEPT,
	OUTLET_SETTLING,   /* what is in flight is answered */
	OUTLET_CLOSING,	   /* the link ends */
	OUTLET_COMMITTING, /* all of it is being committed */
	OUTLET_COMMITTED,
	OUTLET_RELEASING /* its row is being given free */
};

struct session_commit;
struct content_query;
struct telling;

struct outlet_passkey { /* asked for while the outlet is being linked */
	bool asked;
	enum link_passkey_step step;
	char *options; /* as secret as a QR */
	char code[16]; /* "": none to compare */
	int64_t expires_ms;
};

struct outlet {
	struct outlets *os;
	char *id, *name, *number;
	bool is_active, auto_reconnect;
	struct outlet_pace pace;
	char *pace_json; /* what of it is the outlet's own; NULL: nothing */

	enum outlet_state state; /* assigned in outlet_step and in outlet_owner.c only */
	char *owner;		 /* NULL: nobody, or not known */
	bool owner_lives;
	enum outlet_handover handover;
	unsigned handover_ms;	      /* how long it has been settling */
	int64_t moved_ms, changed_ms; /* monotonic: when ownership and configuration changed here */
	uint64_t round;		      /* of reading, in which its row was there */
	bool linked;
	struct session_row row;	      /* as it shall be */
	struct session_row committed; /* as the database has it */
	LIST_HEAD(, session_commit) commits;
	bool unsaved;	    /* a write was refused: once more at the next tick */
	int64_t written_ms; /* monotonic: when the row was last put, or that answered */

	struct keydb *keys; /* made with the first link */
	struct link *link;
	struct event *timer;   /* the state's wait */
	int64_t opened_ms;     /* monotonic: when this link logged in; 0: not */
	int64_t until_ms;      /* wall: when the ban of the last end is over */
	unsigned attempts;     /* failed in a row */
	unsigned rounds;       /* of pairing since the operator asked */
	unsigned restarts;     /* 515 in a row */
	enum link_end counted; /* the last end that is counted, since the last login */
	unsigned same_ends;    /* how often in a row */
	bool outdated;	       /* the client version was refused, and looked up since */
	bool looking_up;       /* waits for that */
	int64_t last_heard_ms; /* wall; of links that are gone */

	enum link_mode way; /* of linking: LINK_PAIR_QR or LINK_PAIR_CODE */
	char *qr_text;	    /* secret: never logged */
	unsigned qr_sequence;
	int64_t qr_expires_ms;
	char *code_text; /* secret as well */
	int64_t code_expires_ms;
	struct outlet_passkey passkey;

	struct account account;
	int64_t account_at_ms;		/* another's: when its row was written */
	struct restriction restriction; /* as it was last shown */
	struct event *account_timer;	/* its end */

	LIST_HEAD(, outlet_check) checks;
	int64_t checks_not_before_ms; /* monotonic */
	unsigned check_backoffs;      /* in a row */

	LIST_HEAD(, content_query) contents;
	unsigned n_contents;
	LIST_HEAD(, telling) tellings;
	unsigned n_tellings;
	void *queue;

	struct buf json;
	bool json_old;
	uint64_t version;
};

struct grave { /* what dies in its own callback, freed at the end of the turn */
	SLIST_ENTRY(grave) entry;
	struct link *link;
	struct keydb *keys;
};

struct outlets {
	struct outlets_env env;
	char *instance;
	struct outlet **by_name, **by_id;
	size_t n, cap;
	uint64_t version;
	bool loading, draining;
	bool again; /* rows are to be read once more */
	uint64_t load_ticket, check_ticket, release_ticket;
	int64_t check_ms, load_ms; /* monotonic: when the running question was asked */
	int64_t removed_ms;	   /* monotonic: when an outlet was last removed here */
	uint64_t round;
	unsigned turn; /* of those that start */
	struct event *tick, *undertaker, *drain_timer, *handover_timer;
	SLIST_HEAD(, grave) graves;
	void (*loaded)(void *arg, int err);
	void *loaded_arg;
	void (*drained)(void *arg);
	void *drained_arg;
	void (*on_ready)(void *arg, struct outlet *o);
	void *on_ready_arg;
	void (*on_sent)(
	    void *arg, struct outlet *o, void *send_arg, enum link_sent result, unsigned code);
	void *on_sent_arg;
	void (*on_uploaded)(void *arg, struct outlet *o, void *upload_arg,
	    enum link_media_result result, const struct wa_media_ref *ref, const char *detail);
	void *on_uploaded_arg;
	void (*on_downloaded)(void *arg, struct outlet *o, void *download_arg,
	    enum link_media_result result, const char *direct_path, const char *detail);
	void *on_downloaded_arg;
	void (*on_removed)(void *arg, struct outlet *o);
	void *on_removed_arg;
	struct metric *link_ends, *received;
	bool (*is_idle)(void *arg, struct outlet *o);
	void *is_idle_arg;
	void (*on_released)(void *arg);
	void *on_released_arg;
	void (*on_refreshed)(void *arg);
	void *on_refreshed_arg;
	void (*on_restriction)(void *arg, struct outlet *o);
	void *on_restriction_arg;
};

/* -- outlet_table.c -- */
struct outlet *outlet_new(struct outlets *os, const char *id, const char *name, const char *number);
void outlet_free(struct outlet **o);
void outlets_bury(struct outlets *os, struct link *link, struct keydb *keys);
void outlets_check_drained(struct outlets *os);
void outlet_set_pace(struct outlet *o, const char *json);
void outlets_append(struct outlets *os, struct outlet *o);
void outlets_sort(struct outlets *os);

/* -- outlet_owner.c -- */
void outlets_load(struct outlets *os);		/* the first time */
void outlet_let_go(struct outlet *o);		/* at once; it is another's, or nobody's */
bool outlets_may_act(const struct outlets *os); /* our lease holds */

/* -- outlet_handover.c -- */
void outlet_handover_tick(evutil_socket_t fd, short what, void *arg);

/* -- outlet.c -- */
/* reason NULL: the row's own. The event may be ignored: then nothing is changed or written, and
 * false is returned. */
bool outlet_step(struct outlet *o, enum outlet_event event, const char *reason);
void outlet_timer_fired(evutil_socket_t fd, short what, void *arg);
void outlet_check_ready(struct outlet *o);
void outlet_version_known(struct outlet *o);	/* looked up: who waits for it goes on */
void outlet_wait(struct outlet *o, int64_t ms); /* start the state's timer */

/* -- outlet_link.c -- */
void outlet_link_begin(struct outlet *o, enum link_mode mode);
void outlet_link_drop(struct outlet *o); /* at once, without callbacks */
/* The end that the row's lastError is of; LINK_END_ASKED for none. */
enum link_end outlet_stored_end(const struct outlet *o);
void outlet_forget_codes(struct outlet *o); /* QR, pairing code and passkey */
void outlet_own(struct outlet *o, const struct jid *own, const struct jid *lid);

/* -- outlet_passkey.c -- */
void outlet_passkey_heard(void *arg, const struct link_passkey *p);
void outlet_passkey_forget(struct outlet *o);

/* -- outlet_content.c -- */
/* One received joins the write batch. */
const char *outlet_kind(const struct link_message *m); /* more exact: "voice", "gif" … */
void outlet_received(struct outlet *o, const struct link_message *m, const char *peer);
void outlet_retry(struct outlet *o, uint64_t token, const char *id); /* as link_ops.retry */
void outlet_forget_contents(struct outlet *o); /* what is looked up for the link */

/* -- outlet_told.c -- */
/* One received, to subscribers. */
void outlet_tell(struct outlet *o, const struct link_message *m, const char *peer);
void outlet_forget_tellings(struct outlet *o);

/* -- outlet_session.c -- */
/* Put the row into the batch; from: the status before, for the history, NULL for none. */
void outlet_session_write(struct outlet *o, const enum outlet_status *from, const char *reason);
void outlet_session_forget(struct outlet *o);
void outlet_session_error(
    struct outlet *o, const struct link_reason *reason, int64_t until_ms); /* NULL: none */
void outlets_check_sessions(struct outlets *os); /* compare all with the database */

/* -- outlet_account.c, outlet_numbers.c -- */
/* json NULL: nothing is known. at_ms: when that was written. true: another restriction. */
bool outlet_account_load(struct outlet *o, const char *json, int64_t at_ms);
void outlet_account_forget(struct outlet *o);
void outlet_account_timer(evutil_socket_t fd, short what, void *arg);
void outlet_account_heard(void *arg, const struct link_account *said);
void outlet_numbers_heard(void *arg, void *check_arg, const struct link_checked *checked);
void outlet_numbers_ready(struct outlet *o);
void outlet_numbers_drop(struct outlet *o);

/* -- outlet_status.c -- */
void outlet_changed(struct outlet *o); /* what status shows is to be rendered anew */
void outlet_publish(struct outlet *o); /* the same, and as an event */
int64_t outlet_heard_ms(const struct outlet *o);

#endif
