/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * plain: what surrounds a Signal plaintext and names it: padding, participant hash, message ids.
 * Sources: PROTOCOL sections 7 (unified session), 9 (padding), 10 (message id, phash).
 */
#ifndef COMMON_WA_PLAIN_H
#define COMMON_WA_PLAIN_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/wa/jid.h"

/* Append `pad` (1..16) bytes of that value. plain_pad chooses it at random. */
void plain_pad(struct buf *b);
void plain_pad_with(struct buf *b, uint8_t pad);
/* -1 when the padding is not one. */
int plain_unpad(const uint8_t *data, size_t len, size_t *ret_len)
    __attribute__((warn_unused_result));

#define PHASH_LEN 10 /* "2:" and 8 base64 characters */
void plain_phash(const struct jid *devices, size_t n, char ret_phash[PHASH_LEN + 1]);

#define MESSAGE_ID_LEN 22 /* "3EB0" and 18 upper-case hex digits */
/* own_user: the user part of our own JID; random: 16 bytes, NULL for fresh ones. */
void plain_message_id(int64_t unix_time, const char *own_user, const uint8_t random[16],
    char ret_id[MESSAGE_ID_LEN + 1]);

/* The id of <unified_session>, decimal. server_ms: server time in milliseconds. */
void plain_unified_session_id(int64_t server_ms, char *out, size_t size);

#endif
