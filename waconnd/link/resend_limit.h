/* SPDX-License-Identifier: GPL-3.0-or-later */
/* resend_limit: how often what may be sent again, by device and message, and by chat. Bounded;
 * times are given. */
#ifndef LINK_RESEND_LIMIT_H
#define LINK_RESEND_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wa/jid.h"

struct resend_limit;
struct resend_limit *resend_limit_new(void);
void resend_limit_free(struct resend_limit **l);
/* Counts this one; false: not any more, or not now. */
bool resend_limit_take(
    struct resend_limit *l, const struct jid *device, const char *id, int64_t now_ms);

#endif
