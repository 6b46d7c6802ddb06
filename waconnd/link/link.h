/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link: one companion device's connection to WhatsApp: socket, Noise, login or pairing, keep-alive,
 * Signal sessions, messages and receipts.
 *
 * A link makes one connection attempt and lives until it ends, once, with a reason; the outlet
 * above it decides whether and when to make the next. It knows no blast, no IPC and no SQL: keys go
 * through keydb, events go up through link_ops. No callback comes from inside a call into the link,
 * and none after link_free.
 */
#ifndef LINK_LINK_H
#define LINK_LINK_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/wa/content.h"
#include "common/wa/jid.h"
#include "common/wa/plain.h"
#include "waconnd/keydb.h"

struct link;
struct link_net; /* what all links share: link_net.h */

/* Why a link ended. One table (link_reason.c) gives each its stable code, texts and what follows.
 */
enum link_end {
	LINK_END_ASKED,	       /* link_close */
	LINK_END_RESTART,      /* 515: connect again at once */
	LINK_END_UNAUTHORIZED, /* stream error 516, or 401 alone: removed, perhaps: a login tells */
	LINK_END_REFUSED,      /* name, TCP, TLS or WebSocket failed; detail says */
	LINK_END_UNTRUSTED,    /* TLS or Noise certificate did not verify */
	LINK_END_CLOSED,       /* the peer closed without a word */
	LINK_END_SILENT, /* nothing heard within the limit, or a deadline of the handshake or login
			    passed */
	LINK_END_PROTOCOL,	 /* what came could not be decrypted or parsed */
	LINK_END_MALFORMED,	 /* … the server says so of what we sent */
	LINK_END_MISSED_ACK,	 /* the server still waits for an acknowledgement */
	LINK_END_QR_EXPIRED,	 /* all refs shown, nobody scanned */
	LINK_END_CODE_EXPIRED,	 /* nobody typed the pairing code in time, or wrongly too often */
	LINK_END_CODE_REFUSED,	 /* no pairing code: 400, 500 and unknown answers */
	LINK_END_CODE_FORBIDDEN, /* … 403 */
	LINK_END_CODE_THROTTLED, /* … 429 */
	LINK_END_CODE_MISSING,	 /* … 452: this account links by QR only */
	LINK_END_PAIRING_FAILED, /* pair-success did not verify, or keys could not be saved */
	LINK_END_WRONG_NUMBER,	 /* the phone that scanned has another number: unlinked again */
	LINK_END_LOGGED_OUT,	 /* device removed, 401 */
	LINK_END_REPLACED,	 /* another connection with our keys */
	LINK_END_TEMP_BANNED,	 /* 402: `until` */
	LINK_END_LOCKED,	 /* 403 */
	LINK_END_LOST,		 /* … twice */
	LINK_END_OUTDATED,	 /* 405 */
	LINK_END_BANNED,	 /* 406 */
	LINK_END_REJECTED,	 /* 400, 409, 411 and other final failures: detail has the number */
	LINK_END_RATE_LIMITED,	 /* 429 */
	LINK_END_POSTPONED,	 /* 501 */
	LINK_END_UNAVAILABLE,	 /* 500, 503 and unknown stream errors */
	LINK_END_PASSKEY,	 /* this account asks for a passkey to link, and none was given */
	LINK_END_PASSKEY_REFUSED, /* … and the server did not take the one that was */
	LINK_END_STORAGE,	  /* keys could not be read or written */
	LINK_END_BAD_KEYS, /* the stored keys are none of a linked device, or do not fit together */
	LINK_END_COUNT
};

enum link_follow {
	LINK_FOLLOW_NONE,    /* asked for: stay down */
	LINK_FOLLOW_NOW,     /* connect again at once, no back-off the first time */
	LINK_FOLLOW_BACKOFF, /* TIMEOUT: again with back-off */
	LINK_FOLLOW_LATER,   /* TIMEOUT: again after `until`, or a long back-off (30 min) */
	LINK_FOLLOW_STOP     /* FAILED: a person must act */
};

struct link_reason {
	enum link_end end;
	enum link_follow follow;
	bool erase;	  /* the keys are given up (logout, ban) */
	const char *code; /* stable: "logged_out", "temporarily_banned" … (CONTRACT section 5) */
	const char *message;	/* a sentence, English */
	const char *action;	/* what to do */
	const char *message_id; /* the same in Indonesian */
	const char *action_id;
	/* So many times in a row, without a login between, it is what it says; then it is `last`.
	 * 0: always what it says. */
	unsigned tries;
	enum link_end last;
};
const struct link_reason *link_reason(enum link_end end);

enum link_receipt { LINK_RECEIPT_DELIVERED, LINK_RECEIPT_READ };

/* The result of one send. */
enum link_sent {
	LINK_SENT_OK,	     /* the server's ack came */
	LINK_SENT_NO_DEVICE, /* not on WhatsApp */
	LINK_SENT_REJECTED,  /* ack with an error: `code` (463, 475, 479, 400 …) */
	LINK_SENT_UNCERTAIN, /* the link ended or the ack did not come: send again under the same id
			      */
	LINK_SENT_FAILED /* could not be encrypted or looked up: `code` is an IQ error or 0; nothing
			    left */
};

struct link_message {	   /* inbound; strings valid during the call */
	struct jid chat;   /* who it is with (LID when known) */
	const char *phone; /* the peer's digits, NULL when not known */
	bool from_me;	   /* written by the owner on another device */
	const char *id;
	int64_t timestamp; /* unix seconds */
	const char *kind;  /* "text", "image" … "unknown" */
	const char *text;  /* NULL when it has none */
	const char *push_name;
	const struct wa_content *content; /* all of it; NULL: a kind that is none (reaction …) */
	bool resent; /* by our own phone: takes the place of what said that it is "unavailable" */
};

/* How an upload or a download ended. */
enum link_media_result {
	LINK_MEDIA_OK,
	LINK_MEDIA_BUSY,	/* too many under way: nothing was tried; later */
	LINK_MEDIA_UNAVAILABLE, /* no connection, no host or no time; later */
	LINK_MEDIA_REFUSED,	/* the servers do not take it, or do not give it */
	LINK_MEDIA_TOO_LARGE,	/* for the servers, or for `max` of a download */
	LINK_MEDIA_GONE,	/* a download: neither the servers nor the phone have it any more */
	LINK_MEDIA_CORRUPT,	/* a download: not what the message promised */
	LINK_MEDIA_FILE,	/* the local file could not be read or written */
	LINK_MEDIA_RESULT_COUNT
};
/* "ok", "busy" … for logs. */
const char *link_media_result_name(enum link_media_result result);

/* A file that is to be downloaded. All of it is copied. */
struct link_media {
	enum wa_media_type type;
	struct wa_media_ref ref;
	/* The message that it came with: should the servers have forgotten it, the sender's phone
	 * is asked for it. id NULL: it is not. */
	const char *id;
	struct jid chat;
	bool from_me;
};

/* What WhatsApp says of the account's freedom to start chats. Times are wall clock. */
#define LINK_WORD_MAX 48
struct link_timelock { /* until it ends, people without a chat cannot be written to (463) */
	bool active;
	int64_t until_ms;	  /* of an active one */
	char type[LINK_WORD_MAX]; /* as WhatsApp calls it, "" when it did not say */
};
struct link_chat_cap { /* how many chats may be started in a cycle (475) */
	bool capped;
	int64_t quota; /* -1: none */
	int64_t used;
	int64_t until_ms;	    /* the cycle's end; 0: not said */
	char status[LINK_WORD_MAX]; /* NONE, FIRST_WARNING, SECOND_WARNING, CAPPED … */
};
struct link_account { /* a part that was not said stays unknown */
	bool has_timelock, has_cap;
	struct link_timelock timelock;
	struct link_chat_cap cap;
};

/* Of one number that was checked. */
enum link_number_state { LINK_NUMBER_UNKNOWN, LINK_NUMBER_PRESENT, LINK_NUMBER_ABSENT };
#define LINK_NUMBER_DIGITS 24
#define LINK_BUSINESS_MAX 256 /* bytes of UTF-8 */
struct link_number {
	char phone[LINK_NUMBER_DIGITS];
	enum link_number_state state;
	char business[LINK_BUSINESS_MAX]; /* its verified name as a business; "": none */
};
enum link_check {
	LINK_CHECK_DONE,    /* what is UNKNOWN all the same was not answered */
	LINK_CHECK_REFUSED, /* `code`: an IQ error; 429: WhatsApp wants no such query for a while */
	LINK_CHECK_UNHEARD  /* no answer, or the link ended */
};
struct link_checked {
	enum link_check result;
	unsigned code;
	unsigned backoff_s;		   /* how long the server asks to wait; 0: it did not say */
	const struct link_number *numbers; /* what was known before it failed, too */
	size_t n;
};

/* Linking an account that demands a passkey. */
enum link_passkey_step {
	LINK_PASSKEY_ASKED,   /* a person must answer `options` */
	LINK_PASSKEY_SENT,    /* the server and the phone look at it */
	LINK_PASSKEY_CONFIRM, /* a person must compare `code` with what the phone shows */
	LINK_PASSKEY_FINISHING
};
struct link_passkey {
	enum link_passkey_step step;
	const char *options; /* JSON, as navigator.credentials.get takes it */
	const char *code;    /* "ABCD-EFGH"; NULL unless CONFIRM */
	int64_t expires_ms;  /* wall: when the step is given up */
};

struct link_ops {
	/* A QR text to show until expires_ms (wall clock); sequence counts from 1. */
	void (*qr)(void *arg, const char *text, unsigned sequence, int64_t expires_ms);
	/* A pairing code to type into the phone ("ABCD-EFGH") until expires_ms; it replaces the
	 * one before. */
	void (*code)(void *arg, const char *text, int64_t expires_ms);
	/* The account demands a passkey; each step of that. Codes are over then. */
	void (*passkey)(void *arg, const struct link_passkey *p);
	/* Paired and persisted; the link then ends with LINK_END_RESTART. */
	void (*paired)(void *arg, const struct jid *own, const struct jid *lid, const char *name);
	/* <success>: logged in. */
	void (*open)(void *arg, const struct jid *own, const struct jid *lid);
	/* Logged in, pre-keys in place, offline backlog in: may send. */
	void (*ready)(void *arg);
	void (*push_name)(void *arg, const char *name);
	/* Decrypted. Add rows to the current write batch in the call: the link commits, then sends
	 * the receipt. */
	void (*message)(void *arg, const struct link_message *m);
	/* For each id of a receipt; add rows to the batch in the call: the link commits, then acks.
	 * t: unix seconds. */
	void (*receipt)(void *arg, const char *id, enum link_receipt kind, int64_t t);
	/*
	 * A device could not decrypt message `id` and asks again: answer with what it said
	 * and to whom through link_retry_content, now or later.
	 */
	void (*retry)(void *arg, uint64_t token, const char *id);
	/* Exactly once for each link_send, unless the link ended before (then all of them as
	 * UNCERTAIN, before `ended`). */
	void (*sent)(void *arg, void *send_arg, enum link_sent result, unsigned code);
	/*
	 * Exactly once for each link_upload, unless the link ended before (then all of them as
	 * UNAVAILABLE, before `ended`). ref: valid during the call; NULL unless OK. detail: a short
	 * text without secrets, "" when there is nothing to say.
	 */
	void (*uploaded)(void *arg, void *upload_arg, enum link_media_result result,
	    const struct wa_media_ref *ref, const char *detail);
	/* The same for each link_download. direct_path: where the file lies now, when the phone put
	 * it there anew; NULL: as before. */
	void (*downloaded)(void *arg, void *download_arg, enum link_media_result result,
	    const char *direct_path, const char *detail);
	/* WhatsApp said something of the account: after `ready`, every few hours, when a send was
	 * refused for it, or by itself. */
	void (*account)(void *arg, const struct link_account *said);
	/* Exactly once for each link_check_numbers, as for `sent`. */
	void (*numbers)(void *arg, void *check_arg, const struct link_checked *checked);
	/* Once, last. detail: a short text without secrets. until_ms: when a ban ends, 0 unknown.
	 */
	void (*ended)(void *arg, enum link_end end, const char *detail, int64_t until_ms);
};

enum link_mode {
	LINK_LOGIN, /* needs paired credentials */
	LINK_PAIR_QR,
	LINK_PAIR_CODE /* needs expect_phone: whose phone the code is for */
};

struct link_params {
	enum link_mode mode;
	const char *outlet;	  /* for logs */
	const char *expect_phone; /* pairing: digits the scanning phone must have; NULL: any */
	const char *device_name;  /* shown in the phone's list of linked devices */
	struct keydb *keys;	  /* outlives the link */
};

/* Loads the credentials (makes and saves them for pairing when there are none), then connects. */
struct link *link_new(
    struct link_net *net, const struct link_params *params, const struct link_ops *ops, void *arg);
/* Ends it with LINK_END_ASKED; pending sends come back UNCERTAIN. */
void link_close(struct link *l);
/* Sends remove-companion-device, wipes the keys, then ends with LINK_END_LOGGED_OUT (within 10 s).
 * Only when logged in. */
void link_logout(struct link *l);
/*
 * The assertion that answers the options, as webauthn_write makes it of a checked one; the step is
 * LINK_PASSKEY_SENT then, and given up at *ret_expires_ms. false: none is waited for.
 */
bool link_passkey_answer(struct link *l, const struct buf *credential, const struct buf *assertion,
    int64_t *ret_expires_ms);
/* The codes are the same: LINK_PASSKEY_FINISHING then. false: none is waited to be compared. */
bool link_passkey_confirm(struct link *l, int64_t *ret_expires_ms);
/* Closes without any further callback. */
void link_free(struct link **l);

/*
 * Send a message. `phone`: digits. `id`: stanza id (plain_message_id), the same on every repeat.
 * Only after `ready`. The content is copied; one that cannot be encoded comes back as FAILED. Looks
 * up LID and devices, fetches bundles, encrypts for all devices and own other devices, commits,
 * writes, awaits the ack. In a chat whose messages disappear its timer replaces
 * content->expiration. At most LINK_SENDS_MAX at once.
 */
#define LINK_SENDS_MAX 64
void link_send(struct link *l, const char *id, const char *phone, const struct wa_content *content,
    void *send_arg);
/* content is copied; NULL: not known any more. phone: digits of whom it was sent to; nobody else
 * gets it again. */
void link_retry_content(
    struct link *l, uint64_t token, const char *phone, const struct wa_content *content);

/*
 * Encrypt a file under a fresh key and upload it; the reference that comes back may be used in any
 * number of messages. take_fd: read from its beginning to its end, whatever its offset; the link
 * closes it (whoever needs it further keeps a dup). Only after `ready`. Encryption happens in a
 * worker thread into an unnamed temporary file: memory does not grow with the file. At most
 * LINK_TRANSFERS_MAX uploads and downloads at once.
 */
#define LINK_TRANSFERS_MAX 8
#define LINK_UPLOAD_MAX (2u << 30) /* bytes, the servers' own limits apart */
void link_upload(struct link *l, enum wa_media_type type, int take_fd, void *upload_arg);
/* Download, check and decrypt into take_fd, from its beginning; at most `max` bytes. The link
 * closes it (keep a dup). Unless OK comes, what is in the file means nothing. */
void link_download(
    struct link *l, const struct link_media *media, int take_fd, uint64_t max, void *download_arg);

/* Ask soon how the account stands; the answer comes through `account`. Nothing when not ready. */
void link_account_ask(struct link *l);
/*
 * Which of these numbers (digits) are on WhatsApp? Asked in batches with seconds between them.
 * false: not ready, or too many wait already; there is no callback then.
 */
#define LINK_CHECK_MAX 200   /* numbers at once */
#define LINK_CHECKS_MAX 1000 /* that wait */
bool link_check_numbers(struct link *l, const char *const *phones, size_t n, void *check_arg);

bool link_is_open(const struct link *l); /* socket open and logged in */
bool link_is_ready(const struct link *l);
int64_t link_last_heard_ms(const struct link *l); /* wall clock, of the last byte; 0 never */
int link_latency_ms(const struct link *l);	  /* of the last ping, -1 none */

#endif
