/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * phone_internal: what the parts of a phone share.
 *
 *	phone.c          life, settings, what is delivered
 *	phone_message.c  messages that came: decrypt, record, receipts, asking again
 *	phone_send.c     messages that go out, and again when asked for
 *	phone_group.c    the same in groups
 *	phone_kept.c     what companions may ask it for
 *	phone_content.c  what they hold, as tests see it
 *	phone_signal.c   encrypting and decrypting
 *	phone_store.c    what libsignal keeps: sessions and identities of others
 *	phone_keys.c     own keys, the bundle that others fetch
 *	phone_adv.c      whether a companion may speak for its account
 *
 * There may be a hundred thousand phones, so whatever a phone has is made when it is first needed,
 *and its own private keys are derived from the seed each time instead of being kept.
 */
#ifndef SIM_PHONE_INTERNAL_H
#define SIM_PHONE_INTERNAL_H

#include <sys/queue.h>

#include "common/buf.h"
#include "common/wa/content.h"
#include "common/wa/message.h"
#include "tests/sim/sim.h"

#define PHONE_STANZA_MAX (1u << 20)
#define PHONE_PREKEYS_MAX 4096 /* one-time pre-keys given out and not yet used */
#define PHONE_SENT_MAX 256     /* sent messages that can be asked for again */
#define PHONE_RESENDS_MAX 32   /* of one message, over all devices */
#define PHONE_AWAITED_MAX 64   /* messages that were asked for again */
#define PHONE_ASK_MAX 5	       /* how often for one message */
#define PHONE_ASK_KEYS 2       /* from which time on with new keys */

/* Signal's serialised public keys have the type in front. */
#define SIGNAL_KEY_TYPE 0x05
#define SIGNAL_KEY_LEN (1 + CURVE_KEY_LEN)

struct phone_keys {
	struct curve_pair signed_prekey;
	uint8_t signature[CURVE_SIGNATURE_LEN];
	uint32_t next_prekey;
	uint32_t *prekeys; /* ids out there */
	size_t prekey_count, prekey_room;
};

/* A message that could not be read, or was not wanted, until it comes again. */
struct phone_awaited {
	STAILQ_ENTRY(phone_awaited) entry;
	struct jid from;
	unsigned asked;
	char id[];
};

struct phone_sent {
	STAILQ_ENTRY(phone_sent) entry;
	struct account *to;
	int64_t at; /* unix time */
	unsigned resends;
	struct wa_content *content;
	char id[];
};

struct phone {
	struct sim *sim;
	struct account *account;
	enum phone_receipts receipts;
	unsigned retries;
	unsigned generation;	 /* which of the owner's phones it is */
	struct phone_keys *keys; /* NULL until asked for */
	void *peers;		 /* tsearch(3) tree of phone_store.c */
	uint8_t (
	    *vouched)[32]; /* phone_adv.c: SIM_DEVICES_MAX digests of what its companions showed */
	STAILQ_HEAD(phone_awaited_list, phone_awaited) awaited;
	STAILQ_HEAD(phone_sent_list, phone_sent) sent;
	unsigned awaited_count, sent_count;
	STAILQ_HEAD(phone_group_list, phone_group) groups;
	STAILQ_HEAD(phone_group_sent_list, phone_group_sent) group_sent;
	unsigned group_count, group_sent_count;
	STAILQ_HEAD(phone_kept_list, phone_kept) kept;
	unsigned kept_count;
};

/* What one must know of a device to write to it first. */
struct peer_bundle {
	uint32_t registration_id;
	uint8_t identity[CURVE_KEY_LEN];
	bool has_prekey;
	uint32_t prekey_id, signed_id;
	uint8_t prekey[CURVE_KEY_LEN], signed_key[CURVE_KEY_LEN];
	uint8_t signature[CURVE_SIGNATURE_LEN];
};

/* -- phone.c -- */
/* Own address in the address space (PN or LID) of the other's. */
struct jid phone_self(const struct phone *p, const struct jid *other);
/* A receipt to `to`; `type` NULL: delivered; `chat` NULL: none. */
void phone_receipt(struct phone *p, const char *id, const struct jid *to, const char *type,
    const struct jid *chat);

/* -- phone_message.c, phone_send.c -- */
void phone_message_in(struct phone *p, const struct node *stanza);
void phone_message_done(struct phone *p); /* frees */
void phone_resend(struct phone *p, const struct node *receipt);
void phone_send_done(struct phone *p); /* frees */
/* A session with the device, made from its bundle when there is none, or anew. */
int phone_session_ensure(struct phone *p, const struct jid *device, bool fresh)
    __attribute__((warn_unused_result));
/* … that a device which asks again can follow: from the keys it sent, or a fresh bundle. */
int phone_session_renew(struct phone *p, const struct jid *device, const struct node *receipt,
    int64_t count) __attribute__((warn_unused_result));
/* An <enc> under `parent`. */
int phone_enc_write(struct phone *p, const struct jid *device, const struct buf *plain,
    const char *mediatype, struct node *parent, struct node **ret_enc)
    __attribute__((warn_unused_result));

/* Housekeeping for one companion; false: it could not be written to. */
bool phone_peer_write(struct phone *p, unsigned device, const char *id, const struct buf *message);

/* -- phone_kept.c -- */
/* A companion's housekeeping under this stanza id: answered, if it asks for a message. What is
 * wrong with that, or NULL. */
const char *phone_kept_asked(
    struct phone *p, const struct jid *companion, const char *id, const struct wa_message *read);
void phone_kept_done(struct phone *p); /* frees */

/* -- phone_group.c -- */
/* false: it wrote no such thing in a group. */
bool phone_resend_group(struct phone *p, const struct node *receipt);
void phone_group_done(struct phone *p); /* frees */

/* -- phone_content.c -- */
/* JSON text, xmalloc'ed. *ret_wrong: what is wrong with its file, or NULL. */
char *phone_content_json(struct phone *p, const struct wa_content *c, const char **ret_wrong);

/* -- phone_signal.c: addresses are LIDs, errors libsignal's -- */
int phone_encrypt(struct phone *p, const struct jid *to, const struct buf *padded,
    const char **ret_type, struct buf *out) __attribute__((warn_unused_result));
/* pkmsg or msg. ret_identity: of the sender, from a pkmsg only. */
int phone_decrypt(struct phone *p, const struct jid *from, bool prekey, const uint8_t *data,
    size_t len, uint8_t ret_identity[CURVE_KEY_LEN], struct buf *out)
    __attribute__((warn_unused_result));
int phone_meet(struct phone *p, const struct jid *peer, const struct peer_bundle *bundle)
    __attribute__((warn_unused_result));
/* Whether there is a session, and with which registration of the peer (0: not known). */
bool phone_knows(struct phone *p, const struct jid *peer, uint32_t *ret_registration_id);

/* -- phone_store.c -- */
/* A store context over this phone; signal_protocol_store_context_destroy it. NULL: no memory. */
signal_protocol_store_context *phone_store_open(struct phone *p);
void phone_store_forget(struct phone *p, const struct jid *peer);
void phone_store_done(struct phone *p);

/* -- phone_keys.c -- */
struct phone_keys *phone_keys(struct phone *p);
uint32_t phone_registration_id(const struct phone *p);
#define PHONE_SIGNED_ID 1
/* The pre-key of an id that was given out and not used yet; -1: none. */
int phone_prekey(const struct phone *p, uint32_t id, struct curve_pair *ret_pair)
    __attribute__((warn_unused_result));
void phone_prekey_used(struct phone *p, uint32_t id);
void phone_keys_done(struct phone *p);
/* The children of a bundle: type, identity, a fresh one-time key, the signed one. */
void phone_keys_write(struct phone *p, struct node *to);
/* Reads a <user> (keys in it or in its <keys>) or a retry receipt. -1: not a bundle. */
int peer_bundle_read(const struct node *n, struct peer_bundle *ret)
    __attribute__((warn_unused_result));

/* -- phone_adv.c -- */
/* NULL, or what is wrong with the <device-identity> of a companion's pkmsg under this identity. */
const char *phone_adv_check(struct phone *of_account, unsigned device, const struct node *stanza,
    const uint8_t identity[CURVE_KEY_LEN]);

#endif
