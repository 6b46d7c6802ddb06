/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * resend_limit: how often what may be sent again, by device and message, and by chat; how often a
 * device gets a new session for that. Bounded; times are given.
 */
#ifndef LINK_RESEND_LIMIT_H
#define LINK_RESEND_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wa/curve.h"
#include "common/wa/jid.h"

struct resend_limit;
struct resend_limit *resend_limit_new(void);
void resend_limit_free(struct resend_limit **l);
/* Counts this one; false: not any more, or not now. */
bool resend_limit_take(
    struct resend_limit *l, const struct jid *device, const char *id, int64_t now_ms);

/* A session that is there may be begun anew: once an hour for a device. Counts this one. */
bool resend_limit_renew(struct resend_limit *l, const struct jid *device, int64_t now_ms);
/* The session in which a message was sent again: true when it is the one of the time before. */
bool resend_limit_same_session(struct resend_limit *l, const struct jid *device, const char *id,
    const uint8_t base_key[CURVE_KEY_LEN], int64_t now_ms);

#endif
