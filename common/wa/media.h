/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * media: files as they lie on WhatsApp's servers: encrypted under a key of their own, with a MAC.
 * Source: PROTOCOL section 12.
 *
 * Files are read and written by descriptor, chunk by chunk: memory does not grow with them. These
 * functions block, so they belong in a worker thread; a flag stops them between two chunks.
 */
#ifndef COMMON_WA_MEDIA_H
#define COMMON_WA_MEDIA_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/wa/content.h"

#define WA_MEDIA_MAC_LEN 10   /* at the end of an encrypted file */
#define WA_MEDIA_TOKEN_LEN 43 /* base64url of a hash, without padding */
#define WA_MEDIA_RETRY_IV_LEN 12

/* "image", "md-msg-hist" …: its part of an upload's path and its mms-type. */
const char *wa_media_type_name(enum wa_media_type type);

struct wa_media_keys {
	uint8_t iv[16], cipher[32], mac[32];
};
void wa_media_keys(const uint8_t media_key[WA_MEDIA_KEY_LEN], enum wa_media_type type,
    struct wa_media_keys *ret); /* wipe it */

/* How long the encrypted file of a plain one is. */
uint64_t wa_media_enc_length(uint64_t plain_length);
void wa_media_token(
    const uint8_t file_enc_sha256[WA_MEDIA_HASH_LEN], char ret_token[WA_MEDIA_TOKEN_LEN + 1]);

enum wa_media_error {
	WA_MEDIA_OK = 0,
	WA_MEDIA_STOPPED = -1, /* the flag was set */
	WA_MEDIA_IO = -2,      /* errno says what */
	WA_MEDIA_TOO_LONG = -3,
	WA_MEDIA_CORRUPT = -4 /* too short, a hash or the MAC is another, or not padded */
};

/*
 * All of `plain`, from its beginning, encrypted into `body`. ref->media_key is given; the hashes
 * and the length are filled in. At most max bytes of plain. stop may be NULL.
 */
enum wa_media_error wa_media_encrypt(int plain, int body, enum wa_media_type type, uint64_t max,
    struct wa_media_ref *ref, const atomic_bool *stop) __attribute__((warn_unused_result));
/* Checks all of `body` before anything is written to `plain`; the plain file's hash, and its length
 * where ref says one, are checked as well. */
enum wa_media_error wa_media_decrypt(int body, int plain, enum wa_media_type type, uint64_t max,
    const struct wa_media_ref *ref, const atomic_bool *stop) __attribute__((warn_unused_result));

/* What asks a phone to upload a file anew: <enc_p> and <enc_iv> for the message `id`. */
void wa_media_retry_request(const uint8_t media_key[WA_MEDIA_KEY_LEN], const char *id,
    const uint8_t iv[WA_MEDIA_RETRY_IV_LEN], struct buf *ret_enc);
/* The phone's answer. */
enum wa_media_retry {
	WA_MEDIA_RETRY_ERROR = 0,
	WA_MEDIA_RETRY_FOUND = 1,
	WA_MEDIA_RETRY_NOT_FOUND = 2,
	WA_MEDIA_RETRY_DECRYPTION = 3
};
/* *ret_path (xmalloc'ed, NULL: none) begins with '/'. -1: not from who has the key, or not for that
 * message. */
int wa_media_retry_read(const uint8_t media_key[WA_MEDIA_KEY_LEN], const char *id,
    const uint8_t *iv, size_t iv_len, const uint8_t *enc, size_t len,
    enum wa_media_retry *ret_result, char **ret_path) __attribute__((warn_unused_result));
/* The phone's side of it, for the simulator. */
void wa_media_retry_write(const uint8_t media_key[WA_MEDIA_KEY_LEN], const char *id,
    const uint8_t iv[WA_MEDIA_RETRY_IV_LEN], enum wa_media_retry result, const char *path,
    struct buf *ret_enc);

#endif
