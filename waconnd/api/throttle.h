/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * throttle: attempts to log in, counted when they begin, so that many at once are no more than many
 * in turn; an attempt that succeeds is taken back. Three counts: the account from one address (a
 * stranger elsewhere does not lock the owner out), the address alone, and the account alone. The
 * two latter are shared with others: they are forgiven with time, their waits are short, and who
 * has logged in from there before is let past them, so that all users behind one proxy do not wait
 * for one who guesses. Bounded: when a table is full, its oldest entry goes.
 */
#ifndef API_THROTTLE_H
#define API_THROTTLE_H

#include <stdint.h>

struct throttle;

struct throttle *throttle_new(void);
void throttle_free(struct throttle **t);
/* Seconds to wait before this account may try from this address; 0: go on, it has been counted.
 * now_ms: monotonic. */
unsigned throttle_begin(
    struct throttle *t, const char *account, const char *address, int64_t now_ms);
/* It was the right password. */
void throttle_succeeded(
    struct throttle *t, const char *account, const char *address, int64_t now_ms);
/* It was not looked at: it does not count. */
void throttle_undo(struct throttle *t, const char *account, const char *address);

#endif
