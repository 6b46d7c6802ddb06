/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link_private: the inside of struct link, for the link*.c files. The message side sees
 * link_internal.h only.
 *
 * Whoever enters a link from outside (libwebsockets, a timer, the database) does so between
 * link_enter and link_exit, so that a link which is freed by its own callback lives until the call
 * is over.
 */
#ifndef LINK_LINK_PRIVATE_H
#define LINK_LINK_PRIVATE_H

#include <sys/queue.h>

#include "common/wa/frame.h"
#include "common/wa/noise.h"
#include "waconnd/link/link_alive.h"
#include "waconnd/link/link_internal.h"
#include "waconnd/link/link_iq.h"
#include "waconnd/link/link_net_private.h"
#include "waconnd/link/link_phase.h"
#include "waconnd/link/link_said.h"

#define LINK_DETAIL_MAX 160

struct link_frame;
struct link_pair;
struct link_code;
struct link_key_request;
struct link_commit;
struct link_refused;

/* The socket and what waits to be written to it. */
struct link_ws {
	struct lws *wsi; /* NULL: there is none (any more) */
	bool up;	 /* the upgrade was answered */
	bool closing;	 /* close it when the queue is empty */
	bool goodbye;	 /* the closing handshake has begun */
	bool asked;	 /* for the socket to be writable */
	bool held;	 /* it is not read at the moment: link_flow.c */
	int distrust;	 /* OpenSSL\'s X509_V_ERR_… of the certificate; X509_V_OK (0): none */
	STAILQ_HEAD(, link_frame) queue;
	size_t queued_bytes;
	size_t queued;
	unsigned unreadable; /* stanzas that were dropped */
	struct frame_reader reader;
};

/* What follows <success>, and the pre-keys. link_login.c, link_prekeys.c, link_offline.c. */
struct link_login {
	unsigned step;
	bool present;	  /* presence is said, as far as there was a name */
	unsigned uploads; /* attempts of the batch under way */
	bool uploading;
	void (*uploaded)(struct link *l);
	struct node *upload; /* the batch under way, to be sent again if it fails */
	struct event *again; /* waits between attempts */
	struct prekey_check *check;
	bool announced;	     /* a backlog there is */
	bool draining;	     /* waiting for it */
	bool offline_done;   /* all of it is in */
	unsigned batch_left; /* of the batch asked for */
	unsigned quiet;	     /* how often nothing came in time */
	struct event *drain;
};

/* How the account stands: link_account.c. */
struct link_standing {
	struct event *timer; /* the next question */
	unsigned asking;     /* answers awaited */
	bool again;	     /* and once more after them */
	int64_t asked_ms;    /* monotonic; 0: never */
	bool locked, capped;
	int64_t lock_until_ms, cap_until_ms; /* wall; 0: no time to ask at */
};

struct link {
	struct link_net *net;
	const struct link_ops *ops;
	void *arg;
	enum link_mode mode;
	char *outlet;
	char *expect_phone; /* NULL: any */
	char *device_name;
	struct keydb *keys;
	struct credentials credentials; /* zero while loading */

	enum link_phase phase;
	unsigned busy;	    /* calls that are inside */
	bool freed;	    /* … and free it when they are out */
	bool torn_down;	    /* nothing is left but the socket */
	bool reported;	    /* the end */
	struct event *turn; /* what must not happen inside the call that caused it */
	struct event *deadline;
	enum link_end end;
	char detail[LINK_DETAIL_MAX];
	int64_t until_ms;

	struct link_dial dial;
	struct link_ws ws;
	struct noise *noise;
	struct link_iqs iqs;
	struct event *iq_timer;
	struct link_alive alive;
	struct event *alive_timer;
	struct event *rotate_timer; /* when the signed pre-key may be due */
	int64_t alive_armed_ms;	    /* monotonic; 0: not armed */
	int64_t heard_ms;	    /* wall clock */
	int64_t asked_ms;	    /* when the query whose round trip counts as latency was sent */
	struct event *flow_timer;
	int64_t held_ms; /* monotonic: since when reading is stopped */
	int latency_ms;
	int64_t clock_offset_s; /* the server's minus ours */
	struct link_pair *pair; /* while pairing, in either way */
	struct link_code *code; /* … by code */
	struct link_key_request
	    *passkey; /* … of an account that demands one; NULL: not, or not yet */
	struct link_login login;
	struct link_said said;
	struct messaging *messaging;
	struct link_standing standing;
	bool leave_wiped;
	bool routing_used; /* the connect went with stored routing info */
	LIST_HEAD(, link_commit) commits;
	STAILQ_HEAD(, link_refused) refused;
};

/* -- link.c -- */
void link_enter(struct link *l);
void link_exit(struct link *l);
/* false: nothing to do for it in this phase. */
bool link_step(struct link *l, enum link_event event);
void link_set_deadline(struct link *l, int ms); /* of the phase; 0: none */
void link_fail_until(struct link *l, enum link_end end, const char *detail, int64_t until_ms);
/* What came too late is answered in the next turn. */
enum link_refusal { LINK_REFUSED_SEND, LINK_REFUSED_UPLOAD, LINK_REFUSED_DOWNLOAD };
void link_refuse(struct link *l, enum link_refusal what, void *arg);
bool link_alive_phase(const struct link *l); /* handshake done and not ending: stanzas may pass */
/* The socket is closed or could not be opened; `end` says what it means unless the end is known
 * already. */
void link_socket_gone(struct link *l, enum link_end end, const char *detail);

/* -- link_keys.c -- */
void link_keys_load(struct link *l); /* then LINK_EV_LOADED and the queue of connects */
void link_keys_forget(struct link *l);
/* All puts so far on disk, then fn(l, err). Not called any more once the link is freed. */
void link_commit(struct link *l, void (*fn)(struct link *l, int err));

/* -- link_ws.c -- */
void link_ws_init(struct link_ws *ws);
void link_ws_done(struct link *l); /* closes at once */
void link_ws_connect(struct link *l, const char *address);
void link_ws_write(
    struct link *l, const void *prefix, size_t prefix_len, const void *body, size_t len);
void link_ws_close(struct link *l); /* after what is queued; link_socket_gone follows */
void link_ws_trim(struct link *l);  /* give memory back while idle */

/* -- link_flow.c -- */
void link_flow_check(struct link *l); /* something was read: perhaps it is enough for now */
void link_flow_timer(evutil_socket_t fd, short what, void *arg);

/* -- link_handshake.c -- */
void link_handshake_begin(struct link *l);
void link_handshake_frame(struct link *l, const uint8_t *body, size_t len);

/* -- link_dispatch.c -- */
void link_dispatch(struct link *l, const struct node *stanza);

/* -- link_iq.c, link_alive.c -- */
void link_iq_timer(evutil_socket_t fd, short what, void *arg);
void link_iq_answer(struct link *l, const struct node *answer);
void link_iq_fail_all(struct link *l);
void link_alive_begin(struct link *l);
void link_alive_heard(struct link *l);
void link_alive_sent(struct link *l);
/* Around a query that the server answers by itself. */
void link_latency_asked(struct link *l);
void link_latency_answered(struct link *l);
void link_alive_timer(evutil_socket_t fd, short what, void *arg);

/* -- link_pair.c -- */
struct link_pair *link_pair_new(struct link *l);
void link_pair_free(struct link_pair **p);
void link_pair_device(struct link *l, const struct node *iq);
void link_pair_success(struct link *l, const struct node *iq);
void link_pair_refresh(struct link *l, const struct node *notification);
void link_pair_hold(struct link *l);	   /* no code is shown any more, nor expires */
bool link_pair_open(const struct link *l); /* still nobody has linked: codes may be shown */

/* -- link_pair_code.c: `code` is NULL but in LINK_PAIR_CODE -- */
struct link_code *link_code_new(struct link *l);
void link_code_free(struct link_code **c);
/* <pair-device> came: the connection takes a code now. */
void link_code_begin(struct link *l);
void link_code_notice(struct link *l, const struct node *notification);
void link_code_done(struct link *l); /* pair-success came, or a passkey is asked for */

/* -- link_passkey.c: `passkey` is NULL until one is asked for -- */
void link_passkey_free(struct link_key_request **k);
void link_passkey_expect(struct link *l); /* the phone says that one will be */
void link_passkey_request(struct link *l, const struct node *notification);
void link_passkey_continue(struct link *l, const struct node *notification);
void link_passkey_done(struct link *l);					 /* pair-success came */
enum link_end link_passkey_end(const struct link *l, enum link_end end); /* what it means then */

/* -- link_login.c and its parts -- */
void link_login_done(struct link *l);
void link_login_success(struct link *l, const struct node *success);
void link_login_failure(struct link *l, const struct node *failure);
void link_stream_error(struct link *l, const struct node *error);
void link_unified_session(struct link *l);
void link_prekeys_low(struct link *l, const struct node *notification);
/* Makes and uploads a batch, with repeats; `then` is called in any case unless the link ends first.
 */
void link_prekeys_upload(struct link *l, unsigned count, void (*then)(struct link *l));
void link_offline_preview(struct link *l, const struct node *preview);
void link_offline_done(struct link *l);
void link_offline_stanza(struct link *l); /* one of the backlog came */
void link_offline_wait(struct link *l);	  /* then link_ready */
void link_ready(struct link *l);
void link_login_next(struct link *l); /* the step under way is done */

/* -- link_rotate.c -- */
void link_rotate_begin(struct link *l); /* ready: from now on the signed pre-key is watched */
void link_rotate_timer(evutil_socket_t fd, short what, void *arg);

/* -- link_account.c -- */
void link_account_begin(struct link *l); /* ready */
void link_account_end(struct link *l);
void link_account_timer(evutil_socket_t fd, short what, void *arg);
void link_account_notice(struct link *l, const struct node *notification);

/* -- link_leave.c -- */
void link_remove_device(struct link *l, const struct jid *device, link_iq_cb cb); /* its arg is l */
void link_leave_begin(struct link *l);
void link_leave_wipe(struct link *l);

#endif
