/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sim: the simulator's parts and how they work together (docs/simulator.md says what it does).
 *
 *	main.c       options, loop, signals
 *	ws.c         WebSocket server, WhatsApp frames
 *	conn.c       one connection: handshake, pairing or login, stanzas in and out, faults
 *	account.c    accounts and devices: identities, pre-keys, offline queues
 *	stanza_*.c   what the server does with each kind of stanza
 *	fault.c      armed faults
 *	phone*.c     the phones: device 0 of each account, a client inside the process with a Signal
 *side of its own record.c     what phones decrypted, receipts, violations control*.c   the HTTP
 *interface
 *
 * A phone is a client like any other, only without a socket: it hands stanzas to the server with
 *sim_submit() and gets its own through phone_deliver(). Everything is one thread.
 */
#ifndef SIM_SIM_H
#define SIM_SIM_H

#include <event2/event.h>
#include <jansson.h>
#include <signal/signal_protocol.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/wa/curve.h"
#include "common/wa/jid.h"
#include "common/wa/node.h"

#define SIM_DEVICES_MAX 8

struct sim;
struct account;
struct device;
struct phone;
struct record;
struct media;
struct wa_content;

/* -- sim.c / account.c / conn.c: the server (owner: server side) -- */
struct event_base *sim_base(struct sim *s);
signal_context *sim_signal(struct sim *s);
struct record *sim_record(struct sim *s);
uint64_t sim_seed(const struct sim *s);
/* Deterministic 32 bytes from the seed and a label ("phone/62812…/identity"). */
void sim_derive(const struct sim *s, const char *label, uint8_t ret[32]);
const char *sim_url(const struct sim *s);
struct media *sim_media(struct sim *s);		    /* made when it is first asked for */
const uint8_t *sim_noise_root(const struct sim *s); /* 32 bytes, public */
json_t *sim_stats(struct sim *s);		    /* new reference */

/* By digits; made when there is none yet and `create`. */
struct account *account_find(struct sim *s, const char *phone, bool create);
struct account *account_by_jid(
    struct sim *s, const struct jid *jid); /* PN or LID, any device; PN ones are made */
struct account *account_first(struct sim *s);
struct account *account_next(struct account *a);
const char *account_phone(const struct account *a); /* digits */
struct jid account_pn(const struct account *a, unsigned device);
struct jid account_lid(const struct account *a, unsigned device);
struct phone *account_device0(struct account *a); /* the simulated phone: never NULL */
const char *account_push_name(const struct account *a);
bool account_registered(const struct account *a);
void account_set_push_name(struct account *a, const char *name);
void account_set_business(struct account *a, const char *name); /* "": none */
const char *account_business(const struct account *a);
void account_set_registered(struct account *a, bool registered);
int account_set_lid(struct account *a, const char *lid)
    __attribute__((warn_unused_result)); /* -1: taken, or too late */
/* How questions about it (w:mex) are answered: as it is; with errors in JSON; with what is no JSON;
 * with an error; not at all. */
enum sim_mex { SIM_MEX_OK, SIM_MEX_ERRORS, SIM_MEX_BROKEN, SIM_MEX_REFUSED, SIM_MEX_SILENT };
void account_set_mex(struct account *a, enum sim_mex mex);
/* Whether companions are told of what the next two change. */
void account_set_quiet(struct account *a, bool quiet);
/* Does it demand a passkey to link a companion? UNREAD: and what it sends first cannot be read. */
enum sim_passkey { SIM_PASSKEY_NONE, SIM_PASSKEY_DEMANDED, SIM_PASSKEY_UNREAD };
void account_set_passkey(struct account *a, enum sim_passkey passkey);
enum sim_passkey account_passkey(const struct account *a);
const char *account_passkey_code(struct account *a); /* that the phone shows; NULL: none */
/* No new chats for so many seconds; 0 ends it. */
void account_set_timelock(struct account *a, uint32_t seconds, const char *type);
/* So many new chats in a cycle (-1: any number), of which these are used, that ends in so many
 * seconds. */
void account_set_quota(struct account *a, int64_t quota, uint32_t used, uint32_t seconds);
json_t *account_standing_json(const struct account *a); /* {timelock, quota}: new reference */
/* The account's signature key, which signs the identity of its companions: also the phone's Signal
 * identity. */
const struct curve_pair *account_key(const struct account *a);
/* The numbers of its devices, 0 included; returns how many. */
size_t account_devices(const struct account *a, unsigned ret_devices[SIM_DEVICES_MAX]);
json_t *account_device_json(const struct account *a,
    unsigned device); /* {device, jid, connected, prekeys, offline, loggedIn} */
int account_unlink(struct account *a, unsigned device)
    __attribute__((warn_unused_result)); /* -1: no such device */

/* Its companions are unlinked and its keys are others from now on; told: who knows its devices gets
 * a notification. */
void account_renew(struct account *a, bool told);

/* The pre-key bundle of any device as a <user jid="…"> node (a root: node_free it); takes a
 * one-time pre-key. NULL: no such device. */
struct node *account_bundle(struct sim *s, const struct jid *device);
/*
 * The server handles a stanza (message, receipt) as if `from` (a device's LID or PN address) had
 * sent it. Takes the node. Messages carry <participants> or one direct <enc>; they are routed, or
 * queued for devices that are away.
 */
void sim_submit(struct sim *s, const struct jid *from, struct node *take_stanza);
/* A message without its content for the companions of `to`, as from the phone of `from`:
 * "view_once", "msmsg" … (docs/simulator.md). group NULL: between the two. -1: no such thing, or no
 * companion. */
int sim_send_bare(struct sim *s, struct account *from, struct account *to, const char *id,
    const char *what, const struct jid *group) __attribute__((warn_unused_result));
/* A phone scans. 0; 1: the companion is asked for a passkey first; -1 no connection shows this QR;
 * -2 refused (*ret_error). The device's addresses are those after pairing. */
int sim_scan(struct sim *s, const char *qr, const char *phone, const char *push_name,
    const char *platform, const char *fault, struct jid *ret_jid, struct jid *ret_lid,
    const char **ret_error) __attribute__((warn_unused_result));
/* A pairing code is typed into a phone. */
typedef void (*sim_code_cb)(
    void *arg, const char *error, const struct jid *jid, const struct jid *lid);
struct sim_code {
	const char *phone, *code;
	const char *push_name, *platform, *fault; /* NULL: none */
	/* Called once after sim_code_type gave 0: error NULL and the device's addresses (NULL:
	 * it is asked for a passkey first), or what was wrong. */
	sim_code_cb done;
	void *arg;
};
/* 0; -1 no connection has a code for this phone; -2 refused (*ret_error). */
int sim_code_type(struct sim *s, const struct sim_code *typed, const char **ret_error)
    __attribute__((warn_unused_result));
/* A fault by its JSON (docs/simulator.md). 0 and its id, or -1 and a sentence. */
int fault_arm(struct sim *s, const json_t *fault, unsigned *ret_id, const char **ret_error)
    __attribute__((warn_unused_result));
json_t *fault_list(struct sim *s);	       /* new reference: an array */
bool fault_forget(struct sim *s, unsigned id); /* 0: all */

/* -- phone*.c (owner: phones) -- */
struct phone *phone_new(struct sim *s, struct account *a);
void phone_free(struct phone **p);
/* The phone's own bundle into a <user> node: registration, type, identity, key, skey. */
void phone_bundle(struct phone *p, struct node *user);
/*
 * The server delivers a stanza to this device: <message from id t [recipient] [category]><enc
 * …/>[<device-identity/>]</message>, <receipt from id [type]>…, <ack …>. Borrowed. `recipient` is
 * the chat of a copy from an own companion. Receipts of companions are recorded here, not by the
 * server.
 */
void phone_deliver(struct phone *p, const struct node *stanza);
/* A companion was linked or removed, or its identity is new: what the phone kept of it is void. */
void phone_device_changed(struct phone *p, const struct jid *device);

enum phone_receipts { PHONE_RECEIPTS_NONE, PHONE_RECEIPTS_DELIVERED, PHONE_RECEIPTS_READ };
void phone_set_receipts(struct phone *p, enum phone_receipts receipts);
void phone_set_retries(struct phone *p, unsigned n);
json_t *phone_json(struct phone *p); /* {receipts, retries}: new reference */
/* Writes to all devices of `to`, and its own other ones. `id` NULL: a fresh one. -1 when it cannot
 * be encoded or encrypted. */
int phone_send(struct phone *p, struct account *to, const char *id,
    const struct wa_content *content, char *ret_id, size_t id_size)
    __attribute__((warn_unused_result));
/*
 * The same with any Message's bytes. PEER: to the companions of its own account (`to`), as
 * housekeeping. SPOILED: what they get cannot be decrypted. It can be asked for again when it is of
 * a kind that wa_content knows; LOST: it cannot.
 */
enum phone_bytes { PHONE_BYTES_WHOLE, PHONE_BYTES_PEER, PHONE_BYTES_SPOILED, PHONE_BYTES_LOST };
int phone_send_bytes(struct phone *p, struct account *to, const char *id, const struct buf *message,
    enum phone_bytes how, char *ret_id, size_t id_size) __attribute__((warn_unused_result));
/* It has this Message of `from`, which its companions may ask it for. */
void phone_keep(struct phone *p, struct account *from, const char *id, const struct buf *message);
/* It writes in a group, to companions of one member; give_key: with its sender key, else as to
 * those that have it. -1 when there are none, or it cannot be encrypted. */
int phone_send_group(struct phone *p, struct account *to, const struct jid *group, const char *id,
    const char *text, bool give_key, char *ret_id, size_t id_size)
    __attribute__((warn_unused_result));
/* The owner has a new phone: no companions, other keys, nothing of the old sessions. told: who
 * knows the account gets a notification. */
void phone_reinstall(struct phone *p, bool told);
int phone_send_text(struct phone *p, struct account *to, const char *id, const char *text,
    char *ret_id, size_t id_size) __attribute__((warn_unused_result));

/* -- record.c (owner: phones) -- */
struct record *record_new(struct event_base *base);
void record_free(struct record **r);
void record_receipt(struct record *r, const char *from_phone, const char *to_phone, const char *id,
    const char *type);
/* A companion broke a rule: a short stable name and what was seen. */
void record_violation(struct record *r, const char *phone, unsigned device, const char *rule,
    const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* -- control.c (owner: phones) -- */
struct control;
/* Listens on host:port (0: any). */
int control_new(struct sim *s, const char *host, uint16_t port, struct control **ret_control,
    uint16_t *ret_port) __attribute__((warn_unused_result));
void control_free(struct control **c);

#endif
