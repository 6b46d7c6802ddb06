/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * store: the daemon's PostgreSQL side put together: schema, data key, connections, batch, lease.
 */
#ifndef STORE_STORE_H
#define STORE_STORE_H

#include <event2/event.h>
#include <stdint.h>

#include "waconnd/keydb.h"
#include "waconnd/store/batch.h"
#include "waconnd/store/db.h"
#include "waconnd/store/key_read.h"
#include "waconnd/store/seal.h"

struct store {
	struct event_base *base;
	struct db *db;
	struct batch *batch;
	struct key_reads *reads;
	struct seal *seal;
	char *instance;	  /* our name in instances */
	char boot[33];	  /* this start, among those that bear the name */
	int64_t epoch;	  /* of our lease */
	int64_t life;	  /* unlike that of any other daemon's start */
	int64_t asked_ms; /* clock_lease_ms: when the lease was asked for */
};

/*
 * At start-up, blocking: connect, take the advisory lock, run schema.sql, read or make the data
 * key, take a new epoch and a lease of lease_ms (another start of the same name is fenced off by
 * it, and told), then open the asynchronous side. Messages left in SENDING by a stop stay
 * as they are: their outlet's engine sends them again under the same wa_id. -1 with a sentence in
 * err.
 */
int store_open(struct event_base *base, const char *dsn, const char *instance,
    const uint8_t master[SEAL_KEY_LEN], struct store *ret, char *err, size_t err_size)
    __attribute__((warn_unused_result));
void store_close(struct store *s);

/* The keydb of one outlet; free with store_keys_free. Names and outlet are copied. */
struct keydb *store_keys_new(struct store *s, const char *outlet);
void store_keys_free(struct keydb **k);

#endif
