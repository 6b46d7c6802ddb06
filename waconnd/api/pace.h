/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pace: the `pace` of outlets and blasts as it comes by IPC: checked, and as the JSON that is
 * stored. */
#ifndef API_PACE_H
#define API_PACE_H

#include "common/buf.h"
#include "common/ipc.h"

/* {} for NULL. -1 when a field is not valid: *ret_field names it and *ret_detail says why. */
int pace_to_json(const Ipc__Pace *pace, struct buf *out, const char **ret_field,
    const char **ret_detail) __attribute__((warn_unused_result));

#endif
