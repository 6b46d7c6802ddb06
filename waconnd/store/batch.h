/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * batch: the daemon's group commit. Rows from all outlets gather here and go to PostgreSQL as one
 * transaction with array parameters: one fsync for many messages (SPIKE section 3).
 *
 * One commit is under way at a time; what is added meanwhile forms the next. A batch whose
 * connection broke is sent again unchanged when the database is back (every statement is
 * idempotent); callbacks wait until then. A batch that the fence refuses (another daemon owns the
 * outlets now) or that SQL rejects calls back with an error. The memory is bounded: past
 * BATCH_BYTES_MAX waiting, batch_full is true and nothing new may be started.
 */
#ifndef STORE_BATCH_H
#define STORE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/metrics.h"
#include "waconnd/keydb.h"
#include "waconnd/store/db.h"

#define BATCH_BYTES_MAX (32u << 20)

struct batch;
struct seal;

struct batch *batch_new(struct event_base *base, struct db *db, struct seal *seal);
void batch_free(struct batch **b);
/* Every transaction checks from now on that instances still has this epoch for us. */
void batch_set_fence(struct batch *b, const char *instance, int64_t epoch);
/* After a lease that was ended: everything added under the old epoch is refused, whether it is on
 * its way or not; what is added from now on belongs to the new one. */
void batch_rejoin(struct batch *b, int64_t epoch);
/* Called when the fence refuses: our lease was ended, or another start of this instance has taken
 * over. Nothing of ours is saved until batch_rejoin. */
void batch_on_fenced(struct batch *b, void (*cb)(void *arg), void *arg);
/* Counts its commits there. */
void batch_measure(struct batch *b, struct metrics *metrics);
bool batch_full(const struct batch *b);
/* cb(arg, 0) when all added so far is committed; cb(arg, <0) when it is refused. */
void batch_commit(struct batch *b, keydb_commit_cb cb, void *arg);
/* The same for the rows of one outlet: what becomes of others' does not matter. */
void batch_commit_outlet(struct batch *b, const char *outlet, keydb_commit_cb cb, void *arg);
void batch_forget(struct batch *b, void *arg);

/* Last state of a key wins within a batch. */
void batch_key_put(struct batch *b, const char *outlet, enum key_kind kind, const char *name,
    const void *value, size_t len);
void batch_key_del(struct batch *b, const char *outlet, enum key_kind kind, const char *name);
void batch_key_wipe(struct batch *b, const char *outlet);
/* Given up, as they are then: they can be brought back for a while (KEYS_RESTORE). linked_ms: when
 * they were made. NULLs for what is not known. */
void batch_key_keep(struct batch *b, const char *outlet, const char *own_jid, const char *own_lid,
    const char *session_name, int64_t linked_ms);
/* What was put or deleted and is not yet in the database: 1 and the sealed bytes (valid until the
 * loop's next turn), -1 for deleted, 0 for a key that the batch does not hold. */
int batch_key_find(const struct batch *b, const char *outlet, enum key_kind kind, const char *name,
    const void **ret_sealed, size_t *ret_len);
/* The associated data under which a key is sealed. */
char *batch_key_aad(const char *outlet, enum key_kind kind, const char *name);

/* Messages. `id` is messages.id. Each moves only forward (the statement checks the state it comes
 * from) and keeps the blast's counters. */
void batch_message_sending(struct batch *b, int64_t id, const char *wa_id, const char *text);
void batch_message_sent(struct batch *b, int64_t id, int64_t at_ms);
void batch_message_failed(struct batch *b, int64_t id, const char *reason);
/* Back to QUEUED (same wa_id), to be claimed when this time has passed. */
void batch_message_requeue(struct batch *b, int64_t id, const char *reason, int64_t wait_ms);
/* Still SENDING: this many times nobody answered. */
void batch_message_lost(struct batch *b, int64_t id, unsigned attempts);
/* By stanza id, as receipts name it; read: READ, else DELIVERED. */
void batch_message_receipt(
    struct batch *b, const char *outlet, const char *wa_id, bool read, int64_t at_ms);
/* An inbound message; a second one with the same outlet, peer and wa_id is dropped, unless the
 * first had nothing to show (kind "unavailable") and this one was resent: then it takes its place.
 */
struct batch_inbound {
	const char *outlet, *peer, *phone, *wa_id, *kind;
	const char *text;	  /* NULL: none */
	const char *content;	  /* JSON: what is not text; NULL: nothing */
	const void *sealed_media; /* NULL: no file */
	size_t sealed_len;
	bool from_me; /* written by the owner on another device */
	int64_t at_ms;
	bool resent; /* by the owner's phone */
};
void batch_message_inbound(struct batch *b, const struct batch_inbound *m);

/* The outlet's row in outlet_sessions as a whole, and a line of outlet_events when from != to (to
 * NULL: no event). Last wins. */
struct batch_session {
	const char *outlet;
	const char *status;
	const char *session_name;
	const char *own_jid, *own_lid;
	int64_t connected_at_ms, last_seen_ms, next_retry_at_ms, linked_at_ms; /* 0: NULL */
	int64_t qr_until_ms;
	unsigned retry_count;
	const char *last_error;	 /* JSON or NULL */
	const char *from_status; /* event: NULL for none */
	const char *reason;
};
void batch_session_put(struct batch *b, const struct batch_session *s);
/* The outlet's row in outlet_accounts. account: JSON; restriction NULL: none; until_ms 0: not
 * known. Last wins. */
void batch_account_put(struct batch *b, const char *outlet, const char *account,
    const char *restriction, int64_t until_ms);

#endif
