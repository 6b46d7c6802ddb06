/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * adv: the device identity that a phone signs for a companion, and the QR text that asks for it.
 * Source: PROTOCOL section 5.
 *
 * What is signed is used exactly as received, never serialised again.
 */
#ifndef COMMON_WA_ADV_H
#define COMMON_WA_ADV_H

#include <stdint.h>

#include "common/buf.h"
#include "common/wa/curve.h"

#define ADV_SECRET_LEN 32

enum adv_error {
	ADV_OK = 0,
	ADV_E_PROTOBUF = -1, /* reply 500 internal-error */
	ADV_E_HMAC = -2,     /* reply 401 hmac-mismatch */
	ADV_E_SIGNATURE = -3 /* reply 401 signature-mismatch */
};
const char *adv_error_text(enum adv_error error); /* the text of the stanza's <error> */

struct adv_result {
	struct buf account; /* ADVSignedDeviceIdentity with accountSignatureKey and deviceSignature:
			       stored, sent as device-identity */
	struct buf reply;   /* the same without accountSignatureKey: the pair-device-sign answer */
	uint32_t key_index;
	uint8_t account_key[CURVE_KEY_LEN]; /* the primary device's identity */
};
void adv_result_done(struct adv_result *r);

/* The companion's side: check the phone's container and sign it. *ret is set only on success. */
int adv_accept(const void *container, size_t len, const uint8_t adv_secret[ADV_SECRET_LEN],
    const struct curve_pair *identity, struct adv_result *ret) __attribute__((warn_unused_result));

/* The phone's side (the simulator): a container for this companion, signed with the account's key.
 */
int adv_issue(const struct curve_pair *account, const uint8_t companion_identity[CURVE_KEY_LEN],
    const uint8_t adv_secret[ADV_SECRET_LEN], uint32_t raw_id, uint64_t timestamp,
    uint32_t key_index, struct buf *out) __attribute__((warn_unused_result));

/* QR text: https://wa.me/settings/linked_devices#REF,NOISE,IDENTITY,ADV,CLIENT; client is the
 * one-character type id. */
void adv_qr_text(const char *ref, const uint8_t noise_pub[CURVE_KEY_LEN],
    const uint8_t identity_pub[CURVE_KEY_LEN], const uint8_t adv_secret[ADV_SECRET_LEN],
    char client, struct buf *out);
/* Reads both the current and the older form (without URL and CLIENT); -1 when it is none. `ret_ref`
 * is NUL-terminated. */
int adv_qr_parse(const char *text, char *ret_ref, size_t ref_size, uint8_t ret_noise[CURVE_KEY_LEN],
    uint8_t ret_identity[CURVE_KEY_LEN], uint8_t ret_secret[ADV_SECRET_LEN])
    __attribute__((warn_unused_result));

#endif
