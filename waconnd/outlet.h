/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * outlet: a branch's WhatsApp number: the state machine of CONTRACT section 5 over its links, and
 * the table of all outlets.
 *
 * Every transition is one row of the table in outlet_fsm.c; it writes outlet_sessions and
 * outlet_events through the batch and goes out as one "status" event through the hub.
 */
#ifndef WACONND_OUTLET_H
#define WACONND_OUTLET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/jsonw.h"
#include "common/metrics.h"
#include "waconnd/client_version.h"
#include "waconnd/hub.h"
#include "waconnd/link/link.h"
#include "waconnd/link/link_net.h"
#include "waconnd/store/store.h"

enum outlet_status {
	OUTLET_CONNECTED,
	OUTLET_CONNECTING,
	OUTLET_DISCONNECTED,
	OUTLET_PAUSED,
	OUTLET_FAILED,
	OUTLET_TIMEOUT
};
const char *outlet_status_name(enum outlet_status status);

enum outlet_unhealthy { /* bits */
	OUTLET_BAD_DB_STATUS = 1,
	OUTLET_BAD_LIVE_STATUS = 2,
	OUTLET_BAD_SOCKET = 4,
	OUTLET_BAD_USER_ID = 8,
	OUTLET_BAD_AUTO_RECONNECT = 16
};

struct outlet;
struct outlets;

struct outlet_check;
/* Once for each check; `checked` lives during the call. */
typedef void (*outlet_check_cb)(void *arg, const struct link_checked *checked);

struct outlet_pace {	     /* resolved: blast over outlet over configured default */
	unsigned per_minute; /* 0: no limit */
	double jitter;	     /* 0..1 */
	unsigned daily_cap;  /* 0: none */
	char window[16];     /* "08:00-20:00", "": always */
	char timezone[64];
	/* Warm-up: on the day of linking so many, and each day so many times more, up to
	 * daily_cap. 0: none. */
	unsigned warm_start;
	double warm_growth;
	int64_t linked_at_ms;
};

struct outlets_env {
	struct event_base *base;
	struct store *store;
	struct hub *hub;
	struct link_net *net;
	struct client_version *version; /* NULL: it is given, and nothing newer can be found */
	const char *instance;
	struct outlet_pace default_pace;
	struct metrics *metrics; /* NULL: nothing is counted */
	unsigned connect_rate;	 /* a second, of those that connect by themselves; 0: 50 */
	/* Does our lease hold? Where it does not, nothing may be claimed or sent. NULL: always. */
	bool (*may_act)(void *arg);
	void *may_act_arg;
};

/* Loads all outlets from the database (asynchronously; `loaded` is called once), takes this
 * daemon's share of those that nobody has, and reconnects what was CONNECTED, CONNECTING with
 * credentials, or TIMEOUT, paced. */
struct outlets *outlets_new(
    const struct outlets_env *env, void (*loaded)(void *arg, int err), void *arg);
void outlets_free(struct outlets **os);
/* SIGTERM: stop claiming, close the links politely; `done` when all are down and committed, within
 * 10 s. */
void outlets_drain(struct outlets *os, void (*done)(void *arg), void *arg);

/* -- several daemons on one database (DESIGN section 7) -- */
/* Read all rows anew: what others changed, who owns what, and what owners wrote. on_refreshed is
 * called at the end of each. */
void outlets_refresh(struct outlets *os);
void outlets_on_refreshed(struct outlets *os, void (*cb)(void *arg), void *arg);
/* Our lease is over: every link is dropped at once, without a word, and no outlet is ours. */
void outlets_let_go(struct outlets *os);
size_t outlets_owned(const struct outlets *os);
/* Another daemon's, or nobody's: it does what is to be done. */
bool outlet_elsewhere(const struct outlet *o);
bool outlet_owner_lives(const struct outlet *o); /* that of another daemon's outlet */
/* Give it to another daemon: what is in flight is finished, the link closed, the row set free, and
 * then on_released called. is_idle answers whether nothing of it is in flight. */
bool outlet_may_move(const struct outlet *o); /* false: it is in the middle of something */
void outlet_hand_over(struct outlet *o);
void outlets_on_idle(struct outlets *os, bool (*is_idle)(void *arg, struct outlet *o), void *arg);
void outlets_on_released(struct outlets *os, void (*cb)(void *arg), void *arg);

struct outlet *outlets_find(struct outlets *os, const char *id); /* NULL: none */
size_t outlets_count(const struct outlets *os);
struct outlet *outlets_at(struct outlets *os, size_t i); /* in order of name, then id */
/* After the row was inserted, changed or deleted in the database: bring memory in line. remove ends
 * the link first. */
struct outlet *outlets_added(struct outlets *os, const char *id, const char *name,
    const char *number, bool is_active, bool auto_reconnect, const char *pace_json);
void outlets_changed(struct outlet *o, const char *name, const char *number, bool is_active,
    bool auto_reconnect, const char *pace_json);
void outlets_removed(struct outlets *os, const char *id);
/* The configured pace has changed: what outlets do not say themselves follows it. */
void outlets_set_default_pace(struct outlets *os, const struct outlet_pace *pace);

const char *outlet_id(const struct outlet *o);
const char *outlet_name(const struct outlet *o);
const char *outlet_number(const struct outlet *o);
enum outlet_status outlet_live_status(const struct outlet *o);
bool outlet_linked(const struct outlet *o);		    /* has paired credentials */
unsigned outlet_unhealthy(const struct outlet *o);	    /* 0: healthy */
void outlet_unhealthy_json(unsigned bits, struct buf *out); /* ["db_status", …] */
struct outlet_pace outlet_pace(const struct outlet *o);
/* One element of CONTRACT section 5, ready JSON; kept until the next change, version grows with
 * each. */
const char *outlet_status_json(struct outlet *o, size_t *ret_len, uint64_t *ret_version);
uint64_t outlets_version(const struct outlets *os);

/* Operator's commands. 0, or the error's name from the error table ("outlet_paused",
 * "already_connected", …). */
const char *outlet_connect(struct outlet *o);
/* The same, but where it must be linked, by a code that is typed into the phone; outlet_connect
 * links by QR. What is under way in the other way is begun anew. */
const char *outlet_connect_code(struct outlet *o);
const char *outlet_disconnect(struct outlet *o);
const char *outlet_pause(struct outlet *o);
const char *outlet_resume(struct outlet *o);
const char *outlet_logout(struct outlet *o);
/* Keys that were given up are brought back in the database (KEYS_RESTORE), if outlet_may_restore
 * says NULL, and outlet_restored then takes note of what that answered. */
const char *outlet_may_restore(const struct outlet *o);
void outlet_restored(struct outlet *o, const char *own_jid, const char *own_lid,
    const char *session_name, int64_t linked_ms);
/* The QR to show; -1 when there is none. */
int outlet_qr(
    const struct outlet *o, const char **ret_text, unsigned *ret_sequence, int64_t *ret_expires_ms);

/* The pairing code to type ("ABCD-EFGH"); -1 when there is none. */
int outlet_pairing_code(const struct outlet *o, const char **ret_text, int64_t *ret_expires_ms);

/* -- the passkey: outlet_passkey.c -- */
/* What WhatsApp asks for before it links the outlet, valid until the next change; -1: nothing. */
int outlet_passkey(const struct outlet *o, struct link_passkey *ret);
/*
 * The assertion that answers the options, checked by the caller (link_passkey_answer); the codes
 * were compared and are the same. 0, or the error's name: "no_passkey", "passkey_step" when
 * something else is waited for now.
 */
const char *outlet_passkey_answer(
    struct outlet *o, const struct buf *credential, const struct buf *assertion);
const char *outlet_passkey_confirm(struct outlet *o);

/* -- the account: outlet_account.c -- */
/* May it write to people with whom it has no chat yet? */
bool outlet_may_start_chats(const struct outlet *o);
/* How many people more it may write to first, as far as WhatsApp has told; -1: not known. */
int64_t outlet_chats_left(const struct outlet *o);
/* It wrote to somebody for the first time. No callback comes from inside. */
void outlet_chat_started(struct outlet *o);
/* What became of it, once for each: written, or not. */
void outlet_chat_settled(struct outlet *o, bool written);
/* Restriction, time lock and quota (GET /outlets/{id}/account), inside an object. */
void outlet_account_json(const struct outlet *o, struct jsonw *j);
/* Called when a restriction has come, has changed or is over. */
void outlets_on_restriction(struct outlets *os, void (*cb)(void *arg, struct outlet *o), void *arg);

/* -- numbers: outlet_numbers.c -- */
/*
 * Ask WhatsApp which of at most LINK_CHECK_MAX numbers it has. NULL: asked, *ret_check lives until
 * the callback. Else the error's name; "too_many_requests": not again for *ret_retry_s.
 */
const char *outlet_check_numbers(struct outlet *o, const char *const *phones, size_t n,
    outlet_check_cb cb, void *arg, struct outlet_check **ret_check, unsigned *ret_retry_s);
/* Seconds for which WhatsApp wants no such question; 0: none. */
unsigned outlet_check_wait_s(const struct outlet *o);
void outlet_check_forget(struct outlet_check **c); /* no callback any more */

/* For the blast engine: called when an outlet may have become able to send. */
void outlets_on_ready(struct outlets *os, void (*cb)(void *arg, struct outlet *o), void *arg);
/* The link when healthy and ready, else NULL; `sent` results come to the engine through
 * outlets_on_sent. */
struct link *outlet_link(struct outlet *o);
void outlets_on_sent(struct outlets *os,
    void (*cb)(void *arg, struct outlet *o, void *send_arg, enum link_sent result, unsigned code),
    void *arg);
/* The link's answers to link_upload (for the engine) and link_download (for the API). */
void outlets_on_uploaded(struct outlets *os,
    void (*cb)(void *arg, struct outlet *o, void *upload_arg, enum link_media_result result,
	const struct wa_media_ref *ref, const char *detail),
    void *arg);
void outlets_on_downloaded(struct outlets *os,
    void (*cb)(void *arg, struct outlet *o, void *download_arg, enum link_media_result result,
	const char *direct_path, const char *detail),
    void *arg);
void *outlet_queue(const struct outlet *o); /* the engine's per-outlet state */
void outlet_set_queue(struct outlet *o, void *queue);
/* The outlet is about to be freed (removal, or the end of the table): the engine drops its queue.
 */
void outlets_on_removed(struct outlets *os, void (*cb)(void *arg, struct outlet *o), void *arg);
/* The user part of our own address, "" before the first login. */
void outlet_own_user(const struct outlet *o, char out[JID_USER_MAX + 1]);
/* What `json` ({"perMinute": …}, as stored) says replaces what *pace holds; fields that are absent
 * or not valid stay. */
void outlet_pace_overlay(struct outlet_pace *pace, const char *json);

#endif
