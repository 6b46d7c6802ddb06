/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * signal_store: the Signal sessions of one link: encrypt for a device, decrypt from one, begin a
 * session from a bundle. Source: PROTOCOL section 9.
 *
 * libsignal reads and writes memory only: who calls holds the keys that signal_names gives
 * (key_cache_hold) and commits afterwards (key_cache_commit). A call that fails leaves all keys as
 * they were.
 */
#ifndef SIGNAL_SIGNAL_STORE_H
#define SIGNAL_SIGNAL_STORE_H

#include <signal_protocol.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/wa/curve.h"
#include "common/wa/jid.h"
#include "waconnd/link/credentials.h"
#include "waconnd/signal/key_cache.h"

#define SIGNAL_NAME_MAX (JID_USER_MAX + 16) /* "user_129.65535" with its NUL */
#define SIGNAL_GROUP_NAME_MAX (JID_TEXT_MAX + SIGNAL_NAME_MAX)
#define SIGNAL_PREKEY_NAME_MAX 16
#define SIGNAL_PREKEY_ID_MAX 0xffffffu

struct signal_store;

/* All three outlive it. */
struct signal_store *signal_store_new(
    signal_context *context, struct key_cache *keys, const struct credentials *own);
void signal_store_free(struct signal_store **s);

/* -- the names under which keys lie -- */
/* Our own devices are under our LID, whichever of our addresses is given. */
void signal_device_name(
    const struct signal_store *s, const struct jid *device, char ret_name[SIGNAL_NAME_MAX]);
void signal_group_name(const struct signal_store *s, const char *group, const struct jid *device,
    char ret_name[SIGNAL_GROUP_NAME_MAX]);
/* Of exactly this address: where keys lie that are from before the device's LID was known. */
void signal_old_name(const struct jid *device, char ret_name[SIGNAL_NAME_MAX]);
void signal_old_group_name(
    const char *group, const struct jid *device, char ret_name[SIGNAL_GROUP_NAME_MAX]);
void signal_prekey_name(uint32_t id, char ret_name[SIGNAL_PREKEY_NAME_MAX]);

/* -- sessions: hold KEY_SESSION and KEY_IDENTITY of the device -- */
bool signal_has_session(struct signal_store *s, const struct jid *device);
/* 0 when there is no session. */
uint32_t signal_session_registration(struct signal_store *s, const struct jid *device);
/* What tells one session from another with the same device: -1 when there is none. */
int signal_session_base_key(struct signal_store *s, const struct jid *device,
    uint8_t ret_key[CURVE_KEY_LEN]) __attribute__((warn_unused_result));
/* Session and identity, e.g. of a device that was removed. Need not be held. */
void signal_drop_device(struct signal_store *s, const struct jid *device);
/* What is kept of a device under one address (signal_old_name) moves to another where nothing is
 * kept; both held. */
void signal_move_device(struct signal_store *s, const struct jid *from, const struct jid *to);
/* The same of its sender key in a group. */
void signal_move_sender(
    struct signal_store *s, const char *group, const struct jid *from, const struct jid *to);

struct signal_bundle { /* keys as in stanzas, without 0x05 */
	uint32_t registration_id;
	uint8_t identity[CURVE_KEY_LEN];
	bool has_prekey;
	uint32_t prekey_id;
	uint8_t prekey[CURVE_KEY_LEN];
	uint32_t signed_prekey_id;
	uint8_t signed_prekey[CURVE_KEY_LEN];
	uint8_t signature[CURVE_SIGNATURE_LEN];
};

enum signal_result {
	SIGNAL_OK = 0,
	SIGNAL_DUPLICATE,  /* was decrypted before */
	SIGNAL_NO_SESSION, /* no session, or no sender key */
	SIGNAL_NO_PREKEY,  /* it names a pre-key that is gone */
	SIGNAL_INVALID,	   /* malformed, wrong MAC, or a bad signature */
	SIGNAL_FAULT	   /* a key that was not held, or libsignal at its end: a bug */
};
const char *signal_result_name(enum signal_result result);

/* Checks the signature of the signed pre-key. A changed identity is accepted, logged by the caller:
 * *ret_changed. */
enum signal_result signal_begin_session(struct signal_store *s, const struct jid *device,
    const struct signal_bundle *bundle, bool *ret_changed);
/* Not signal_encrypt: libsignal has one of its own, and would call ours. `padded` is added
 * encrypted to `out`; *ret_prekey: as a pkmsg, else as a msg. */
enum signal_result signal_session_encrypt(struct signal_store *s, const struct jid *device,
    const struct buf *padded, bool *ret_prekey, struct buf *out);

/* The pre-keys that a pkmsg names, to be held: KEY_PREKEY *ret_prekey (0: none), and
 * KEY_SIGNED_PREKEY *ret_signed (0: it is in the credentials). */
enum signal_result signal_pkmsg_prekeys(struct signal_store *s, const void *data, size_t len,
    uint32_t *ret_prekey, uint32_t *ret_signed);
/* The padded plaintext is added to ret_plain. */
enum signal_result signal_session_decrypt(struct signal_store *s, const struct jid *device,
    bool pkmsg, const void *data, size_t len, bool *ret_changed, struct buf *ret_plain);

/* -- groups: hold KEY_SENDER_KEY of group and device -- */
enum signal_result signal_group_learn(struct signal_store *s, const char *group,
    const struct jid *device, const void *skdm, size_t len);
enum signal_result signal_group_decrypt(struct signal_store *s, const char *group,
    const struct jid *device, const void *data, size_t len, struct buf *ret_plain);

/* -- own pre-keys -- */
#define SIGNAL_SIGNED_PREKEYS_KEPT 3 /* besides the current one: who fetched them may be slow */
/* Is its private half in the credentials? */
bool signal_signed_prekey_is_own(const struct signal_store *s, uint32_t id);
/* Before the current signed pre-key is replaced: it is put among the keys, and one that is too old
 * deleted. */
void signal_signed_prekey_retire(struct signal_store *s);
/* A fresh pre-key as it lies in the database. */
void signal_prekey_make(
    struct signal_store *s, uint32_t id, uint8_t ret_pub[CURVE_KEY_LEN], struct buf *ret_record);

#endif
