/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * seal: AES-256-GCM over what is secret in the database, under a data key that is itself sealed
 * with the master key.
 *
 * A sealed value is version(1) || nonce(12) || ciphertext || tag(16); the row's identity (outlet,
 * kind, name) is the associated data, so rows cannot be swapped.
 */
#ifndef STORE_SEAL_H
#define STORE_SEAL_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

#define SEAL_KEY_LEN 32
#define SEAL_OVERHEAD 29

struct seal;

/* Reads 32 raw bytes; refuses a file that others than its owner can read. `err` gets what is wrong
 * and what to do. */
int seal_read_master(const char *path, uint8_t ret_key[SEAL_KEY_LEN], char *err, size_t err_size)
    __attribute__((warn_unused_result));
struct seal *seal_new(const uint8_t data_key[SEAL_KEY_LEN]);
void seal_free(struct seal **s);
void seal_close(struct seal *s, const char *aad, const void *plain, size_t len, struct buf *out);
int seal_open(const struct seal *s, const char *aad, const void *sealed, size_t len,
    struct buf *out) __attribute__((warn_unused_result));
/* The data key under the master key, for data_keys. */
void seal_wrap(
    const uint8_t master[SEAL_KEY_LEN], const uint8_t data_key[SEAL_KEY_LEN], struct buf *out);
int seal_unwrap(const uint8_t master[SEAL_KEY_LEN], const void *sealed, size_t len,
    uint8_t ret_data_key[SEAL_KEY_LEN]) __attribute__((warn_unused_result));

#endif
