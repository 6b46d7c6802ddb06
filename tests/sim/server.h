/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * server: what the parts of the server side share; sim.h has what others may use.
 *
 *	sim.c             the whole: creation, derived keys, the tick, deferred deliveries to phones
 *	ws.c              sockets
 *	conn.c            one connection: handshake, frames in, its end; conn_out.c: what it sends
 *	pair.c, login.c   what follows the handshake; pair_code.c: pairing by code;
 *	                  pair_passkey.c: of an account that demands a passkey
 *	authenticator.c   those passkeys
 *	account.c         accounts; account_devices.c: their devices, and who is told of changes
 *	device.c          a companion: pre-keys, bundle
 *	outbox.c          what waits for a companion, and what it has not acknowledged
 *	stanza_*.c        stanzas that companions and phones send
 *	standing.c        what an account may do: chats, time lock, quota
 *	fault.c           armed faults
 *	id_map.c          the last so many stanza ids
 */
#ifndef SIM_SERVER_H
#define SIM_SERVER_H

#include <sys/queue.h>

#include "common/lws_loop.h"
#include "common/wa/adv.h"
#include "common/wa/client_payload.h"
#include "common/wa/frame.h"
#include "common/wa/noise.h"
#include "tests/sim/id_map.h"
#include "tests/sim/sim.h"

#define ACCOUNTS_MAX 1000000
#define COMPANIONS_MAX 4     /* beside the phone */
#define DEVICE_NUMBER_MAX 98 /* 99 is for hosted devices */
#define PREKEYS_MAX 10000
#define OUTBOX_MAX 20000
#define CONN_QUEUE_MAX (16u << 20) /* bytes waiting for a slow reader */
#define ACK_LIMIT_MS 20000
#define QUIET_LIMIT_MS 60000
#define PREKEYS_LOW 5
#define REFS 6
#define REF_MAX 48
#define DIGITS_MAX 15

/* -- devices ------------------------------------------------------------------------- */

struct prekey {
	uint32_t id;
	uint8_t pub[CURVE_KEY_LEN];
};

struct signed_prekey {
	uint32_t id;
	uint8_t pub[CURVE_KEY_LEN];
	uint8_t sig[CURVE_SIGNATURE_LEN];
};

/* Any key id that was ever published, with the beginning of its key. */
struct spent_prekey {
	uint32_t id;
	uint32_t print;
	bool in_stock;
};

/* A stanza for a companion, from when it is due until it is acknowledged. */
struct outgoing {
	TAILQ_ENTRY(outgoing) entry; /* of the device, in order */
	TAILQ_ENTRY(outgoing) watch; /* of the simulator, by when it was sent */
	struct device *device;
	struct node *node;
	int64_t sent_ms; /* monotonic; 0: not sent on this connection */
	bool watched;
};
TAILQ_HEAD(outgoing_list, outgoing);

/* A companion. The phone, number 0, is none of these. */
struct device {
	struct account *account;
	unsigned number;
	uint32_t key_index;
	uint8_t noise_pub[CURVE_KEY_LEN];
	uint8_t identity[CURVE_KEY_LEN];
	uint32_t registration_id;
	struct signed_prekey skey;
	uint8_t *adv; /* its device-identity, with the account's key */
	size_t adv_len;
	struct prekey *prekeys; /* in stock: first..count */
	size_t prekey_first, prekey_count, prekey_room;
	struct spent_prekey *spent; /* by id */
	size_t spent_count, spent_room;
	bool low_told;	   /* that pre-keys run low, since the last upload */
	bool greeted;	   /* has logged in before */
	bool active;	   /* no longer passive: gets its stanzas */
	struct conn *conn; /* logged in; NULL: away */
	struct outgoing_list outbox;
	unsigned outbox_count;
	struct id_map sent;  /* ids of its messages: whom to, and in which address space */
	struct id_map acked; /* what it acknowledged of late */
};

/* Who asked for an account's devices, and what it was told. */
struct watcher {
	struct account *account;
	unsigned device;
	unsigned version;
	int64_t told_ms;
};

/* Made when it is first asked for. */
struct account_key {
	bool made;
	struct curve_pair pair;
};

/* What the server lets an account do with people that it has no chat with. */
struct standing {
	int64_t lock_until; /* unix seconds; past: no lock */
	char lock_type[32];
	int64_t quota, used; /* quota -1: none */
	int64_t quota_ends;
	unsigned told; /* the capping status that companions know */
	enum sim_mex mex;
	bool quiet;  /* companions are not told of changes */
	void *chats; /* accounts that there is a chat with: tsearch(3) */
};

struct account {
	TAILQ_ENTRY(account) entry;
	struct sim *sim;
	char phone[DIGITS_MAX + 1];
	char lid[DIGITS_MAX + 1];
	char *push_name, *business; /* NULL: no business with a verified name */
	bool registered;
	uint32_t raw_id;     /* in what the phone signs */
	unsigned generation; /* how often the owner had a new phone */
	bool lid_used;	     /* somebody knows it: too late for another */
	struct account_key *key;
	struct phone *phone0;
	struct device *devices[COMPANIONS_MAX];
	unsigned device_count;
	unsigned last_number; /* numbers and key indexes are never given twice */
	unsigned version;     /* of the list of its devices */
	struct watcher *watchers;
	size_t watcher_count, watcher_room;
	struct standing standing;
	enum sim_passkey passkey;
};

/* A device of an account, phone or companion (device not NULL). */
struct peer {
	struct account *account;
	struct device *device;
};

/* -- connections --------------------------------------------------------------------- */

enum conn_state {
	CONN_INTRO,
	CONN_HELLO,
	CONN_FINISH,
	CONN_PAIRING, /* shows a QR */
	CONN_SIGNING, /* scanned: the companion must sign */
	CONN_ONLINE,
	CONN_ENDING
};

/* One WebSocket message. */
struct chunk {
	STAILQ_ENTRY(chunk) entry;
	int64_t due_ms;
	size_t len;
	uint8_t data[]; /* LWS_PRE bytes of room, then the message */
};

struct conn {
	TAILQ_ENTRY(conn) entry;
	struct sim *sim;
	struct lws *wsi;
	enum conn_state state;
	bool reset;  /* ends with a TCP reset */
	bool closed; /* the socket has been told to close */
	bool has_origin;
	struct noise *noise;
	struct frame_reader in;
	STAILQ_HEAD(, chunk) out;
	size_t out_bytes;
	struct buf split; /* frames that wait to be cut */
	bool splitting;
	int64_t delay_ms;
	int64_t last_due_ms;
	int64_t silent_until_ms; /* 0: speaks; INT64_MAX: silent for good */
	struct event *pace;	 /* the next message is due, silence ends, frames can be cut */
	struct event *deadline;	 /* of the state */
	struct client_payload payload;
	uint8_t noise_pub[CURVE_KEY_LEN];
	struct device *device; /* CONN_ONLINE */
	struct pairing *pairing;
	struct code_pairing *code;   /* it asked for a pairing code */
	struct key_pairing *passkey; /* it was asked for a passkey */
	struct id_map iqs;
	int64_t heard_ms;
	int64_t ping_ms;
	unsigned quick_pings;
	bool quiet_told;
	unsigned next_id; /* of our own iqs */
	char pinged[16];  /* the id of our ping; "": none awaits its answer */
	int64_t pinged_ms;
	int64_t clock_ms; /* its clock is ahead by so much */
	bool wrong_digest;
};
TAILQ_HEAD(conn_list, conn);

struct phone_delivery;

struct sim {
	struct event_base *base;
	struct lws_loop *loop;
	struct ws *ws;
	signal_context *signal;
	struct record *record;
	struct media *media; /* sim_media() */
	uint64_t seed;
	char *url;
	struct curve_pair root, server;
	struct buf cert;
	TAILQ_HEAD(, account) accounts;
	size_t account_count;
	void *by_phone, *by_lid; /* tsearch(3) */
	struct conn_list conns;
	size_t conn_count;
	struct outgoing_list watched; /* sent and not acknowledged, oldest first */
	struct event *tick;
	struct event *deliver;
	STAILQ_HEAD(, phone_delivery) deliveries;
	STAILQ_HEAD(, fault) faults;
	unsigned last_fault;
	unsigned last_ref;
	unsigned last_passkey;
	unsigned last_notification;
	struct {
		uint64_t connects, logins, pairings, messages, receipts, retries;
		uint64_t pings, pongs, uploads, rotations; /* theirs, answers to ours, pre-keys */
		uint64_t resumed; /* of the connects: TLS sessions that went on */
	} stats;
};

/* -- sim.c -- */
/* Noise keys and certificate, no sockets yet. -1: no memory or descriptors. */
int sim_new(struct event_base *base, uint64_t seed, struct sim **ret_sim)
    __attribute__((warn_unused_result));
/* -1 and a sentence on stderr. cert NULL: ws, else wss. */
int sim_listen(struct sim *s, const char *host, uint16_t port, const char *cert, const char *key)
    __attribute__((warn_unused_result));
void sim_run(struct sim *s);
void sim_free(struct sim **s);
/* To the phone of this account, at the loop's next turn: a phone may answer at once. Takes the
 * node. */
void sim_deliver_phone(struct account *a, struct node *take_stanza);
/* What a companion did wrong; a NULL, 0 when it is not known yet which one. */
void violation(struct sim *s, const struct account *a, unsigned device, const char *rule,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));
int64_t sim_now(void); /* unix seconds */
/* A copy of a node and what is in it, as a child. */
void node_graft(struct node *parent, const struct node *child);

/* -- account.c -- */
struct device *account_device(const struct account *a, unsigned number); /* companions only */
/* The device that this address names; account NULL: nobody. device NULL with number 0: the phone.
 */
struct peer account_peer(struct sim *s, const struct jid *jid);
bool peer_exists(const struct peer *p, const struct jid *jid);
unsigned peer_number(const struct peer *p);
bool peer_equal(const struct peer *a, const struct peer *b);
/* In the address space of `server`: JID_SERVER_PN or JID_SERVER_LID. */
struct jid account_jid(const struct account *a, unsigned device, enum jid_server server);
/* A number for the next device and its key index; 0: no room. */
unsigned account_next_number(struct account *a);
/* Takes the device; tells the account's other devices. */
void account_link(struct account *a, struct device *take_device);
/* `who` was told the list of `a`'s devices now. */
void account_told(struct account *a, const struct peer *who);
/* `who` should know all of `a`'s devices: was told of this very list a while ago. */
bool account_should_know(const struct account *a, const struct peer *who);
void account_free_all(struct sim *s);

/* -- standing.c -- */
void standing_init(struct account *a);
void standing_done(struct account *a);
/* 0, or the error of a message to this account: 463, 475. */
unsigned standing_refuses(const struct account *a, const struct account *to);
/* A message went from one to the other. */
void standing_chat(struct account *from, struct account *to, bool by_companion);

/* -- device.c -- */
struct device *device_new(struct account *a, unsigned number, const struct client_payload *p,
    const uint8_t noise_pub[CURVE_KEY_LEN]);
void device_free(struct device **d);
size_t device_prekeys(const struct device *d);
/* A key that was uploaded: into the stock, or a rule is broken. */
void device_add_prekey(struct device *d, uint32_t id, const uint8_t pub[CURVE_KEY_LEN]);
/* A key that went out otherwise (in a retry receipt): it must not be uploaded. */
void device_spend_prekey(struct device *d, uint32_t id, const uint8_t pub[CURVE_KEY_LEN]);
/* Children of its <user> node; takes a one-time key. */
void device_bundle(struct device *d, struct node *user);
void device_skey(const struct device *d, struct node *parent);

/* -- outbox.c -- */
/* A stanza (with an id) that the device must acknowledge. Takes the node. */
void outbox_put(struct device *d, struct node *take_stanza);
/* A notification from the server or an account, with a fresh id: fill it, then outbox_put it. */
struct node *outbox_notification(struct sim *s, const struct jid *from, const char *type);
/* The device is logged in and active: all that waits for it, as offline stanzas. */
void outbox_backlog(struct device *d);
/* The connection is gone: what was not acknowledged waits again. */
void outbox_unsend(struct device *d);
void outbox_clear(struct device *d);
/* The oldest sent stanza of this tag and id, or NULL. */
struct outgoing *outbox_find(struct device *d, const char *tag, const char *id);
/* The one that this ack, which has a class and an id, is for: several receipts may have one id.
 * NULL as above. */
struct outgoing *outbox_find_acked(struct device *d, const struct node *ack);
/* Acknowledged. */
void outbox_done(struct outgoing *o);
bool outbox_was_done(const struct device *d, const char *tag, const char *id);
/* Records what is overdue. */
void outbox_tick(struct sim *s, int64_t now_ms);

/* -- ws.c -- */
int ws_new(struct sim *s, const char *host, uint16_t port, const char *cert, const char *key,
    struct ws **ret_ws, uint16_t *ret_port) __attribute__((warn_unused_result));
void ws_free(struct ws **ws); /* after the loop's context is gone */
/* With a close frame; calls conn_free before it returns. Not from inside a callback of ws.c. */
void ws_close(struct lws *wsi);

/* -- conn.c -- */
struct conn *conn_new(struct sim *s, struct lws *wsi, bool has_origin);
void conn_free(struct conn **c);
void conn_receive(struct conn *c, const void *data, size_t len);
/* The message to write now, or NULL; the caller frees it. */
struct chunk *conn_take(struct conn *c);
bool conn_may_close(const struct conn *c); /* it ends, and all is written */
/* Takes the node. Dropped when the connection is ending. */
void conn_send(struct conn *c, struct node *take_node);
/* Ends once what waits is written; or with a reset, at once. The device is away from now on. */
void conn_end(struct conn *c, bool reset);
void conn_stream_error(struct conn *c, const char *code, const char *conflict); /* and ends */
void conn_ping(struct conn *c);
void conn_pong(struct conn *c, const struct node *iq); /* if it is the answer to that */
void conn_deadline(struct conn *c, unsigned seconds);
void conn_silence(struct conn *c, int64_t ms); /* 0: for ever */
void conn_delay(struct conn *c, int64_t ms);
void conn_split(struct conn *c);
void conn_garbage(struct conn *c);
void conn_tick(struct conn *c, int64_t now_ms);
/* Our own query to the client: a fresh id. */
struct node *conn_query(struct conn *c, const char *xmlns, char *ret_id, size_t id_size);
void conn_violation(struct conn *c, const char *rule, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* -- pair.c -- */
void pair_begin(struct conn *c);
/* An answer of the client to a query of ours. */
void pair_answer(struct conn *c, const struct node *iq);
void pair_done(struct conn *c);		 /* frees what it holds */
bool pair_offered(const struct conn *c); /* <pair-device> has been answered */
void pair_make_ref(struct sim *s, char ret_ref[REF_MAX]);
/* The phone links the companion with this secret: NULL, or why not. */
const char *pair_confirm(struct conn *c, struct account *a, const uint8_t secret[ADV_SECRET_LEN],
    const char *platform, const char *fault, struct jid *ret_jid, struct jid *ret_lid);

/* A notification to one that is no device yet, whose ack is awaited. */
struct node *pair_notice(struct conn *c, const struct jid *from, const char *type);
void pair_notice_acked(struct conn *c, const struct node *ack);

/* -- pair_passkey.c -- */
/* secret: what the phone scanned; NULL: a code was typed. */
void pair_passkey_begin(
    struct conn *c, struct account *a, const uint8_t *secret, const char *platform);
void pair_passkey_done(struct conn *c); /* frees what it holds */

/* -- pair_code.c -- */
bool pair_code_refresh(struct conn *c); /* the server retires the code; false: nothing is over */
void pair_code_done(struct conn *c);	/* frees what it holds */

/* -- login.c -- */
void login_begin(struct conn *c);
void login_active(struct device *d); /* <active/>, or not passive */

/* -- stanza.c -- */
void stanza_in(struct conn *c, const struct node *stanza);
/* -- stanza_iq.c -- */
void iq_in(struct conn *c, const struct node *iq);
/* An answer to a query: fill it and conn_send it. */
struct node *iq_result(const struct node *iq);
void iq_error(struct conn *c, const struct node *iq, unsigned code, const char *text);

typedef void (*iq_handler)(struct conn *c, const struct node *iq, const struct node *child);
/* -- stanza_encrypt.c, stanza_usync.c, stanza_account.c: rows of the table in stanza_iq.c -- */
void iq_prekey_count(struct conn *c, const struct node *iq, const struct node *child);
void iq_prekey_digest(struct conn *c, const struct node *iq, const struct node *child);
void iq_prekey_fetch(struct conn *c, const struct node *iq, const struct node *child);
void iq_prekey_upload(struct conn *c, const struct node *iq, const struct node *child);
void iq_prekey_rotate(struct conn *c, const struct node *iq, const struct node *child);
void iq_usync(struct conn *c, const struct node *iq, const struct node *child);
void iq_link_code(struct conn *c, const struct node *iq, const struct node *child);
void iq_passkey_options(struct conn *c, const struct node *iq, const struct node *child);
void iq_passkey_ref(struct conn *c, const struct node *iq, const struct node *child);
void iq_passkey_prologue(struct conn *c, const struct node *iq, const struct node *child);
void iq_passkey_nonce(struct conn *c, const struct node *iq, const struct node *child);
void iq_passkey_request(struct conn *c, const struct node *iq, const struct node *child);
void iq_remove_device(struct conn *c, const struct node *iq, const struct node *child);
void iq_tokens(struct conn *c, const struct node *iq, const struct node *child);
void iq_mex(struct conn *c, const struct node *iq, const struct node *child);
void iq_app_state(struct conn *c, const struct node *iq, const struct node *child);
void iq_privacy(struct conn *c, const struct node *iq, const struct node *child);
void iq_media(struct conn *c, const struct node *iq, const struct node *child);
void iq_props(struct conn *c, const struct node *iq, const struct node *child);
/* The signed list of key indexes (ADVSignedKeyIndexList) of an account. */
void key_index_list(struct account *a, int64_t t, struct buf *out);

/* -- stanza_message.c, stanza_receipt.c: c NULL when a phone sends -- */
void message_in(struct sim *s, const struct peer *from, struct conn *c, const struct node *stanza);
void group_message_in(struct sim *s, const struct peer *from, const struct node *stanza);
void receipt_in(struct sim *s, const struct peer *from, struct conn *c, const struct node *stanza);
void ack_in(struct conn *c, const struct node *ack);
/* The address space in which this device sent the message: receipts come back in it. */
enum jid_server message_space(const struct device *d, const char *id);

/* -- fault.c -- */
enum fault_accept { FAULT_ACCEPT, FAULT_CLOSE, FAULT_RESET, FAULT_HOLD };
/* At TCP accept; FAULT_HOLD: keep it open for *ret_ms (0: for ever) and answer nothing. */
enum fault_accept fault_accepting(struct sim *s, int64_t *ret_ms);
void fault_connected(struct conn *c); /* the WebSocket is open */
/* Before the answer to a login. True: the login has been answered by the fault. */
bool fault_login(struct conn *c);
enum fault_message { FAULT_NONE, FAULT_ACK_ERROR, FAULT_DROP_ACK, FAULT_LOSE };
enum fault_message fault_message(struct sim *s, const struct peer *from, unsigned *ret_error);
/* At companion_hello for this phone. True: it is refused with *ret_error. */
bool fault_code(struct sim *s, const char *phone, unsigned *ret_error);
/* A query of this namespace shall get an error. */
bool fault_query(struct conn *c, const char *xmlns, unsigned *ret_error);
void fault_free_all(struct sim *s);

#endif
