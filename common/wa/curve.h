/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * curve: X25519 and XEd25519 over raw 32-byte keys (no 0x05 prefix). Source: PROTOCOL section 9.
 *
 * Agreement is OpenSSL's, XEd25519 is libsignal-protocol-c's. Private keys are clamped.
 */
#ifndef COMMON_WA_CURVE_H
#define COMMON_WA_CURVE_H

#include <stddef.h>
#include <stdint.h>

#define CURVE_KEY_LEN 32
#define CURVE_SIGNATURE_LEN 64

struct curve_pair {
	uint8_t priv[CURVE_KEY_LEN];
	uint8_t pub[CURVE_KEY_LEN];
};

void curve_generate(struct curve_pair *ret_pair);
/* From a private key (clamped here). */
int curve_from_private(const uint8_t priv[CURVE_KEY_LEN], struct curve_pair *ret_pair)
    __attribute__((warn_unused_result));
/* -1 when the result is all zero or the key is refused. */
int curve_agree(const uint8_t priv[CURVE_KEY_LEN], const uint8_t pub[CURVE_KEY_LEN],
    uint8_t ret_shared[CURVE_KEY_LEN]) __attribute__((warn_unused_result));
int curve_sign(const uint8_t priv[CURVE_KEY_LEN], const void *msg, size_t len,
    uint8_t ret_sig[CURVE_SIGNATURE_LEN]) __attribute__((warn_unused_result));
/* 0 if the signature is valid, -1 otherwise (libsignal's 1/0/<0 ends here). */
int curve_verify(const uint8_t pub[CURVE_KEY_LEN], const void *msg, size_t len, const uint8_t *sig,
    size_t sig_len) __attribute__((warn_unused_result));
/* XEd25519 signature over 0x05||spk_pub, as signed pre-keys carry. */
int curve_sign_prekey(const uint8_t identity_priv[CURVE_KEY_LEN],
    const uint8_t spk_pub[CURVE_KEY_LEN], uint8_t ret_sig[CURVE_SIGNATURE_LEN])
    __attribute__((warn_unused_result));

#endif
