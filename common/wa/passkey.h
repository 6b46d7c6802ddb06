/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * passkey: the keys and messages of linking an account that demands a passkey, for both sides; the
 * passkey itself is webauthn.h. Source: PROTOCOL section 5.
 *
 * Pure: random bytes come from the caller.
 */
#ifndef COMMON_WA_PASSKEY_H
#define COMMON_WA_PASSKEY_H

#include "common/buf.h"
#include "common/wa/adv.h"
#include "common/wa/curve.h"
#include "common/wa/kdf.h"
#include "common/wa/pair_code.h"

#define PASSKEY_NONCE_LEN 32
#define PASSKEY_KEY_LEN 32
#define PASSKEY_PROOF_LEN 32
#define PASSKEY_REF_MAX 256	 /* bytes, without the end */
#define PASSKEY_MESSAGE_MAX 1024 /* each of the messages */

/* Who has the secret that the scanned code held proves that it is the same companion. */
void passkey_handoff_key(
    const uint8_t adv_secret[ADV_SECRET_LEN], uint8_t ret_key[PASSKEY_KEY_LEN]);
void passkey_proof(const uint8_t handoff_key[PASSKEY_KEY_LEN], const struct buf *prologue,
    uint8_t ret_proof[PASSKEY_PROOF_LEN]);

struct passkey_companion { /* what the companion says of itself for one linking */
	uint8_t pub[CURVE_KEY_LEN];
	uint32_t platform;
	char ref[PASSKEY_REF_MAX + 1];
};
/* ProloguePayload: that, and a commitment to a nonce which is told later. */
void passkey_prologue_write(
    const struct passkey_companion *c, const uint8_t nonce[PASSKEY_NONCE_LEN], struct buf *out);
int passkey_prologue_read(const void *data, size_t len, struct passkey_companion *ret)
    __attribute__((warn_unused_result));
/* Is this the nonce that the prologue committed to? */
bool passkey_prologue_fits(const void *data, size_t len, const uint8_t nonce[PASSKEY_NONCE_LEN]);

struct passkey_phone {
	uint8_t pub[CURVE_KEY_LEN];
	uint8_t nonce[PASSKEY_NONCE_LEN];
};
/* PrimaryEphemeralIdentity. */
void passkey_phone_write(const struct passkey_phone *p, struct buf *out);
int passkey_phone_read(const void *data, size_t len, struct passkey_phone *ret)
    __attribute__((warn_unused_result));

/* The code that both sides show; pair_code_show makes it a text. */
void passkey_code(const uint8_t companion_nonce[PASSKEY_NONCE_LEN], const struct passkey_phone *p,
    char ret_code[PAIR_CODE_LEN + 1]);

/* The key between both; `peer` is the other's public key. -1 when that is refused. */
int passkey_request_key(const struct curve_pair *own, const uint8_t peer[CURVE_KEY_LEN],
    const struct passkey_companion *c, uint8_t ret_key[PASSKEY_KEY_LEN])
    __attribute__((warn_unused_result));

struct passkey_request { /* what the phone needs to sign the companion's identity */
	uint8_t noise[CURVE_KEY_LEN], identity[CURVE_KEY_LEN];
	uint8_t adv_secret[ADV_SECRET_LEN];
};
/* EncryptedPairingRequest. */
void passkey_request_seal(const uint8_t key[PASSKEY_KEY_LEN], const uint8_t iv[GCM_IV_LEN],
    const struct passkey_request *r, struct buf *out);
int passkey_request_open(const uint8_t key[PASSKEY_KEY_LEN], const void *data, size_t len,
    struct passkey_request *ret) __attribute__((warn_unused_result));

#endif
