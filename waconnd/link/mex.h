/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * mex: the questions in GraphQL that a client asks about its account, and what answers and
 * notifications say. Pure. Source: PROTOCOL section 15.
 *
 * Ids of queries belong to a client's release and drift: what is refused, or is not JSON of the
 * form that is known, says nothing. That is no error, only not known.
 */
#ifndef LINK_MEX_H
#define LINK_MEX_H

#include "common/wa/node.h"
#include "waconnd/link/link.h"

#define MEX_JSON_MAX 65536
#define MEX_LOCK_S 60 /* of a time lock without an end that lies ahead */

enum mex_query { MEX_TIMELOCK, MEX_CHAT_CAP, MEX_QUERIES };

/* The <iq>, without its id. */
struct node *mex_query(enum mex_query query);
/*
 * Reads {"data": {…}} of an answer or a notification. now_s: unix seconds by the server's clock,
 * wall_ms: the same moment by ours. -1: it says nothing that is known; *ret is untouched then.
 */
int mex_read(const uint8_t *json, size_t len, int64_t now_s, int64_t wall_ms,
    struct link_account *ret) __attribute__((warn_unused_result));

#endif
