/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * password: argon2id, in its encoded form ("$argon2id$…"). Both functions take tens of milliseconds
 * and 64 MiB: run them in a worker.
 */
#ifndef API_PASSWORD_H
#define API_PASSWORD_H

#include <stdbool.h>

#define PASSWORD_MIN 8
#define PASSWORD_MAX 256
#define PASSWORD_HASH_LEN 128

#define PASSWORD_RULE "8 to 256 bytes."
bool password_acceptable(const char *password); /* NULL is not */
/* -1 when the hash could not be made (memory). */
int password_hash(const char *password, char ret_hash[PASSWORD_HASH_LEN])
    __attribute__((warn_unused_result));
bool password_matches(const char *hash, const char *password);
/* A valid hash that no password is known to match, so that an unknown name takes as long as a known
 * one. */
const char *password_nobody(void);

#endif
