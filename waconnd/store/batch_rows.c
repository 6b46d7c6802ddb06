/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The rows of a batch: keys, moves of messages, what came in, sessions. Says which row replaces
 * which, and which must not share a transaction. Sends nothing.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/xalloc.h"
#include "waconnd/store/batch_private.h"

/* -- keys ----------------------------------------------------------------------------- */

static char *
key_ident(const char *outlet, enum key_kind kind, const char *name)
{
	return xasprintf("k/%s/%d/%s", outlet, (int)kind, name);
}

char *
batch_key_aad(const char *outlet, enum key_kind kind, const char *name)
{
	return xasprintf("%s/%d/%s", outlet, (int)kind, name);
}

void
batch_key_put(struct batch *b, const char *outlet, enum key_kind kind, const char *name,
    const void *value, size_t len)
{
	char *ident = key_ident(outlet, kind, name), *aad = batch_key_aad(outlet, kind, name);
	const char *const s[BATCH_STRINGS] = {name};
	const int64_t i[BATCH_INTS] = {kind};
	struct buf sealed = BUF_INIT(len + SEAL_OVERHEAD);

	batch_replace(b, ident);
	seal_close(b->seal, aad, value, len, &sealed);
	batch_add(b, BATCH_PUT, ident, outlet, s, i, sealed.data, sealed.len);
	buf_done(&sealed);
	free(aad);
}

void
batch_key_del(struct batch *b, const char *outlet, enum key_kind kind, const char *name)
{
	char *ident = key_ident(outlet, kind, name);
	const char *const s[BATCH_STRINGS] = {name};
	const int64_t i[BATCH_INTS] = {kind};

	batch_replace(b, ident);
	batch_add(b, BATCH_DEL, ident, outlet, s, i, NULL, 0);
}

static void
drop_keys(struct batch *b, enum batch_kind kind, const char *outlet)
{
	struct batch_row *row, *next;

	for (row = TAILQ_FIRST(&batch_filling(b)->rows[kind]); row != NULL; row = next) {
		next = TAILQ_NEXT(row, entry);
		if (strcmp(row->outlet, outlet) == 0)
			batch_remove(b, row);
	}
}

void
batch_key_wipe(struct batch *b, const char *outlet)
{
	char *ident = xasprintf("w/%s", outlet);

	drop_keys(b, BATCH_PUT, outlet);
	drop_keys(b, BATCH_DEL, outlet);
	batch_replace(b, ident);
	batch_add(b, BATCH_WIPE, ident, outlet, NULL, NULL, NULL, 0);
}

void
batch_key_keep(struct batch *b, const char *outlet, const char *own_jid, const char *own_lid,
    const char *session_name, int64_t linked_ms)
{
	const char *const s[BATCH_STRINGS] = {own_jid, own_lid, session_name};
	const int64_t i[BATCH_INTS] = {linked_ms};
	char *ident = xasprintf("k/%s", outlet);

	batch_replace(b, ident);
	batch_add(b, BATCH_KEEP, ident, outlet, s, i, NULL, 0);
	/* It comes after the puts of its transaction; what is put from now on is of another link.
	 */
	batch_close_group(b);
}

static bool
concerns(const struct batch_group *g, enum batch_kind kind, const char *outlet)
{
	const struct batch_row *row;

	TAILQ_FOREACH(row, &g->rows[kind], entry)
	{
		if (strcmp(row->outlet, outlet) == 0)
			return true;
	}
	return false;
}

int
batch_key_find(const struct batch *b, const char *outlet, enum key_kind kind, const char *name,
    const void **ret_sealed, size_t *ret_len)
{
	char *ident = key_ident(outlet, kind, name);
	const struct batch_group *g;
	int found = 0;

	TAILQ_FOREACH_REVERSE(g, &b->groups, batch_groups, entry)
	{
		const struct batch_row *row = batch_group_find(g, ident);

		if (concerns(g, BATCH_KEEP, outlet)) {
			found = -1;
		} else if (row != NULL && row->kind == BATCH_PUT) {
			*ret_sealed = row->bytes;
			*ret_len = row->len;
			found = 1;
		} else if (row != NULL || concerns(g, BATCH_WIPE, outlet)) {
			found = -1;
		}
		if (found != 0)
			break;
	}
	free(ident);
	return found;
}

/* -- messages -------------------------------------------------------------------------- */

/* Kinds are applied in a fixed order: a second move of one message is for the next transaction. */
static void
move(struct batch *b, enum batch_kind kind, int64_t id, const char *first, const char *second,
    int64_t at_ms)
{
	char *ident = xasprintf("m/%" PRId64, id);
	const char *const s[BATCH_STRINGS] = {first, second};
	const int64_t i[BATCH_INTS] = {id, at_ms};

	if (batch_group_find(batch_filling(b), ident) != NULL)
		batch_close_group(b);
	batch_add(b, kind, ident, NULL, s, i, NULL, 0);
}

void
batch_message_sending(struct batch *b, int64_t id, const char *wa_id, const char *text)
{
	move(b, BATCH_SENDING, id, wa_id, text, 0);
}

void
batch_message_sent(struct batch *b, int64_t id, int64_t at_ms)
{
	move(b, BATCH_SENT, id, NULL, NULL, at_ms);
}

void
batch_message_failed(struct batch *b, int64_t id, const char *reason)
{
	move(b, BATCH_FAILED, id, reason, NULL, 0);
}

void
batch_message_requeue(struct batch *b, int64_t id, const char *reason, int64_t wait_ms)
{
	move(b, BATCH_REQUEUE, id, reason, NULL, wait_ms);
}

void
batch_message_lost(struct batch *b, int64_t id, unsigned attempts)
{
	move(b, BATCH_LOST, id, NULL, NULL, attempts);
}

void
batch_message_receipt(
    struct batch *b, const char *outlet, const char *wa_id, bool read, int64_t at_ms)
{
	const char *const s[BATCH_STRINGS] = {wa_id};
	const int64_t i[BATCH_INTS] = {at_ms};

	batch_add(b, read ? BATCH_READ : BATCH_DELIVERED, NULL, outlet, s, i, NULL, 0);
}

void
batch_message_inbound(struct batch *b, const struct batch_inbound *m)
{
	const char *const s[BATCH_STRINGS] = {
	    m->peer, m->phone, m->wa_id, m->kind, m->text, m->content};
	const int64_t i[BATCH_INTS] = {m->from_me, m->at_ms};

	if (m->resent && !m->from_me)
		batch_add(b, BATCH_RESENT, NULL, m->outlet, s, i, m->sealed_media, m->sealed_len);
	batch_add(b, BATCH_INBOUND, NULL, m->outlet, s, i, m->sealed_media, m->sealed_len);
}

/* -- sessions -------------------------------------------------------------------------- */

void
batch_session_put(struct batch *b, const struct batch_session *s)
{
	char *ident = xasprintf("s/%s", s->outlet);
	const char *const strings[BATCH_STRINGS] = {
	    s->status, s->session_name, s->own_jid, s->own_lid, s->last_error};
	const int64_t ints[BATCH_INTS] = {s->connected_at_ms, s->last_seen_ms, s->next_retry_at_ms,
	    s->linked_at_ms, s->retry_count, s->qr_until_ms};

	batch_replace(b, ident);
	batch_add(b, BATCH_SESSION, ident, s->outlet, strings, ints, NULL, 0);
	if (s->from_status != NULL && strcmp(s->from_status, s->status) != 0) {
		const char *const event[BATCH_STRINGS] = {
		    s->from_status, s->status, s->reason != NULL ? s->reason : ""};
		const int64_t at[BATCH_INTS] = {clock_wall_ms()};

		batch_add(b, BATCH_EVENT, NULL, s->outlet, event, at, NULL, 0);
	}
}

void
batch_account_put(struct batch *b, const char *outlet, const char *account, const char *restriction,
    int64_t until_ms)
{
	char *ident = xasprintf("a/%s", outlet);
	const char *const s[BATCH_STRINGS] = {account, restriction};
	const int64_t i[BATCH_INTS] = {until_ms};

	batch_replace(b, ident);
	batch_add(b, BATCH_ACCOUNT, ident, outlet, s, i, NULL, 0);
}
