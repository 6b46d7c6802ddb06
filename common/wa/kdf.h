/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kdf: SHA-256, HMAC-SHA256, HKDF-SHA256 and AES-256-GCM with OpenSSL objects fetched once. */
#ifndef COMMON_WA_KDF_H
#define COMMON_WA_KDF_H

#include <stddef.h>
#include <stdint.h>

#define GCM_TAG_LEN 16
#define GCM_IV_LEN 12

void sha256(const void *data, size_t len, uint8_t ret_digest[32]);
/* Over two runs of bytes, so that mixHash needs no copy. */
void sha256_two(const void *a, size_t a_len, const void *b, size_t b_len, uint8_t ret_digest[32]);
void hmac_sha256(
    const void *key, size_t key_len, const void *data, size_t len, uint8_t ret_mac[32]);
/* RFC 5869; salt may be NULL with 0, ikm may be empty; len <= 255 * 32. */
void hkdf_sha256(const void *ikm, size_t ikm_len, const void *salt, size_t salt_len,
    const void *info, size_t info_len, uint8_t *ret_okm, size_t len);
/* ret: len + 16 bytes, ciphertext and tag. */
void gcm_seal(const uint8_t key[32], const uint8_t iv[GCM_IV_LEN], const void *aad, size_t aad_len,
    const void *plain, size_t len, uint8_t *ret);
/* ret: len - 16 bytes; -1 when the tag does not fit or len < 16. */
int gcm_open(const uint8_t key[32], const uint8_t iv[GCM_IV_LEN], const void *aad, size_t aad_len,
    const void *sealed, size_t len, uint8_t *ret) __attribute__((warn_unused_result));

#endif
