/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * idempotency: Idempotency-Key. The answer of a request that was accepted is kept for a day, in the
 * transaction that does its work; the same key with the same request answers it again, with another
 * request it is refused. A request that failed has kept nothing and may be repeated.
 */
#ifndef API_IDEMPOTENCY_H
#define API_IDEMPOTENCY_H

#include "waconnd/api/call.h"

struct idempotency { /* parameters of the statement that keeps the answer; NULL all three without a
			key */
	struct db_param user, key, hash;
	uint8_t digest[32];
};

/* Answers the call with the first's result, or goes on with `work`. */
void idempotency_begin(struct call *c, void (*work)(struct call *c));
/* `ret` must stay where it is while its parameters are used; they borrow from the call. */
void idempotency_params(const struct call *c, struct idempotency *ret);
/* The other request with this key was quicker: looks for its answer. False when the conflict is
 * another one. */
bool idempotency_conflicted(struct call *c, const PGresult *result);
/* Drops what is older than a day. */
void idempotency_purge(struct db *db);

#endif
