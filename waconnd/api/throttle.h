/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * throttle: failed logins, counted by account and address together (so that a stranger elsewhere
 * cannot lock the owner out) and by address alone. Bounded: when the table is full, the oldest
 * entry goes.
 */
#ifndef API_THROTTLE_H
#define API_THROTTLE_H

#include <stdint.h>

struct throttle;

struct throttle *throttle_new(void);
void throttle_free(struct throttle **t);
/* Seconds to wait before this account may try from this address; 0: go on. now_ms: monotonic. */
unsigned throttle_wait(
    const struct throttle *t, const char *account, const char *address, int64_t now_ms);
void throttle_failed(struct throttle *t, const char *account, const char *address, int64_t now_ms);
void throttle_succeeded(struct throttle *t, const char *account, const char *address);

#endif
