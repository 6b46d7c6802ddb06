/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pair_code: the keys of linking by a code that a person types into the phone, for both sides.
 * Source: PROTOCOL section 6.
 *
 * Pure: random bytes come from the caller. Deriving a key takes a tenth of a second: not in the
 * loop.
 */
#ifndef COMMON_WA_PAIR_CODE_H
#define COMMON_WA_PAIR_CODE_H

#include <stdint.h>

#include "common/wa/adv.h"
#include "common/wa/curve.h"
#include "common/wa/kdf.h"

#define PAIR_CODE_BYTES 5
#define PAIR_CODE_LEN 8	 /* characters that count */
#define PAIR_CODE_TEXT 9 /* with the dash, as people see it */
#define PAIR_CODE_KEY_LEN 32
#define PAIR_CODE_SALT_LEN 32
#define PAIR_CODE_IV_LEN 16
#define PAIR_CODE_WRAPPED_LEN (PAIR_CODE_SALT_LEN + PAIR_CODE_IV_LEN + CURVE_KEY_LEN)
#define PAIR_CODE_RANDOM_LEN 32
#define PAIR_CODE_BUNDLE_PLAIN (2 * CURVE_KEY_LEN + PAIR_CODE_RANDOM_LEN)
#define PAIR_CODE_BUNDLE_LEN \
	(PAIR_CODE_SALT_LEN + GCM_IV_LEN + PAIR_CODE_BUNDLE_PLAIN + GCM_TAG_LEN)

/* The eight characters of five bytes. */
void pair_code_encode(const uint8_t bytes[PAIR_CODE_BYTES], char ret_code[PAIR_CODE_LEN + 1]);
/* "ABCD-EFGH" of "ABCDEFGH". */
void pair_code_show(const char code[PAIR_CODE_LEN + 1], char ret_text[PAIR_CODE_TEXT + 1]);
/* As a person types it: with or without the dash, in either case. -1 when it is no code. */
int pair_code_parse(const char *text, char ret_code[PAIR_CODE_LEN + 1])
    __attribute__((warn_unused_result));

/* The key of a code under a salt. Slow, on purpose. */
void pair_code_key(const char code[PAIR_CODE_LEN + 1], const uint8_t salt[PAIR_CODE_SALT_LEN],
    uint8_t ret_key[PAIR_CODE_KEY_LEN]);
/* A public key under the code's key: salt, iv, and the key enciphered. */
void pair_code_wrap(const uint8_t key[PAIR_CODE_KEY_LEN], const uint8_t salt[PAIR_CODE_SALT_LEN],
    const uint8_t iv[PAIR_CODE_IV_LEN], const uint8_t pub[CURVE_KEY_LEN],
    uint8_t ret_wrapped[PAIR_CODE_WRAPPED_LEN]);
/* The key must be that of the code and the salt in front of `wrapped`; another one gives nonsense.
 */
void pair_code_unwrap(const uint8_t key[PAIR_CODE_KEY_LEN],
    const uint8_t wrapped[PAIR_CODE_WRAPPED_LEN], uint8_t ret_pub[CURVE_KEY_LEN]);

struct pair_code_random { /* fresh for each bundle */
	uint8_t salt[PAIR_CODE_SALT_LEN];
	uint8_t nonce[GCM_IV_LEN];
	uint8_t random[PAIR_CODE_RANDOM_LEN];
};

/* The companion's side: the bundle for the phone, and the secret that both have then. -1 when a
 * key of the phone is refused. */
int pair_code_seal(const struct curve_pair *ephemeral, const struct curve_pair *identity,
    const uint8_t phone_ephemeral[CURVE_KEY_LEN], const uint8_t phone_identity[CURVE_KEY_LEN],
    const struct pair_code_random *r, uint8_t ret_bundle[PAIR_CODE_BUNDLE_LEN],
    uint8_t ret_secret[ADV_SECRET_LEN]) __attribute__((warn_unused_result));
/* The phone's side (the simulator). -1 when it was sealed under another key: the code was wrong. */
int pair_code_open(const struct curve_pair *ephemeral, const struct curve_pair *identity,
    const uint8_t companion_ephemeral[CURVE_KEY_LEN], const uint8_t bundle[PAIR_CODE_BUNDLE_LEN],
    uint8_t ret_companion_identity[CURVE_KEY_LEN], uint8_t ret_secret[ADV_SECRET_LEN])
    __attribute__((warn_unused_result));

#endif
