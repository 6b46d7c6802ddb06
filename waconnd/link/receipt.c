/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads receipts and hands their ids up; acknowledges each exactly once. It never goes back: that
 * is the rows' matter. */
#include "waconnd/link/receipt.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/fault_point.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/link/phone_ask.h"
#include "waconnd/link/resend.h"

struct receipt { /* handed up, not yet on disk */
	TAILQ_ENTRY(receipt) entry;
	struct receipts *receipts;
	struct node *stanza;
};

struct receipts {
	struct messaging *m;
	TAILQ_HEAD(, receipt) commits;
	size_t n;
};

enum receipt_use { USE_NONE, USE_DELIVERED, USE_READ, USE_RETRY };

static const struct receipt_type {
	const char *name; /* NULL: without type */
	enum receipt_use use;
} types[] = {
    {NULL, USE_DELIVERED},
    {"inactive", USE_DELIVERED},
    {"read", USE_READ},
    {"played", USE_READ},
    {"retry", USE_RETRY},
};

struct receipts *
receipts_new(struct messaging *m)
{
	struct receipts *r = xcalloc(1, sizeof(*r));

	r->m = m;
	TAILQ_INIT(&r->commits);
	return r;
}

static void
receipt_free(struct receipt *p)
{
	struct receipts *r = p->receipts;

	TAILQ_REMOVE(&r->commits, p, entry);
	r->n--;
	key_cache_forget(r->m->keys, p);
	node_free(&p->stanza);
	free(p);
}

void
receipts_free(struct receipts **rp)
{
	struct receipts *r = *rp;
	struct receipt *p;

	if (r == NULL)
		return;
	while ((p = TAILQ_FIRST(&r->commits)) != NULL)
		receipt_free(p);
	free(r);
	*rp = NULL;
}

static enum receipt_use
use_of(const struct messaging *m, const struct node *stanza)
{
	const char *type = node_get(stanza, "type");
	struct jid from;

	if (node_get_jid(stanza, "from", &from) != 0)
		return USE_NONE;
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const char *name = types[i].name;

		if ((name == NULL) != (type == NULL) || (name != NULL && strcmp(name, type) != 0))
			continue;
		/* That another device of ours has it says nothing of the peer. */
		if (types[i].use != USE_RETRY &&
		    (messaging_is_own_user(m, &from) || !jid_is_user(&from)))
			return USE_NONE;
		return types[i].use;
	}
	return USE_NONE;
}

static void
hand_up(struct messaging *m, const char *id, enum link_receipt kind, int64_t t)
{
	const struct link_ops *ops;
	void *arg = NULL;

	if (!stanza_id_is_plain(id))
		return;
	ops = link_callbacks(m->link, &arg);
	if (ops->receipt != NULL)
		ops->receipt(arg, id, kind, t);
}

static void
hand_up_all(struct messaging *m, const struct node *stanza, enum link_receipt kind)
{
	const struct node *items = node_find(stanza, "list");
	size_t n = 1;
	int64_t t;

	if (node_get_int(stanza, "t", &t) != 0 || t <= 0)
		t = link_server_now(m->link);
	hand_up(m, node_get(stanza, "id"), kind, t);
	for (const struct node *c = node_first(items); c != NULL && n < RECEIPT_IDS_MAX;
	     c = node_next(c), n++)
		if (node_is(c, "item"))
			hand_up(m, node_get(c, "id"), kind, t);
}

static void
on_committed(void *arg)
{
	struct receipt *p = arg;

	FAULT_POINT("receipt.committed");
	link_ack(p->receipts->m->link, p->stanza);
	receipt_free(p);
}

void
receipts_take(struct receipts *r, const struct node *stanza)
{
	const enum receipt_use use = use_of(r->m, stanza);
	struct receipt *p;

	if (use == USE_RETRY) {
		if (!phone_asks_again(r->m->asks, stanza))
			resends_take(r->m->resends, stanza);
		return;
	}
	if (use == USE_NONE) {
		link_ack(r->m->link, stanza);
		return;
	}
	if (r->n >= RECEIPTS_MAX) {
		/* Not acknowledged: it comes again at the next login. */
		log_warn("receipt.overflow", LOG_STR("outlet", link_outlet(r->m->link)));
		return;
	}
	hand_up_all(r->m, stanza, use == USE_READ ? LINK_RECEIPT_READ : LINK_RECEIPT_DELIVERED);
	p = xcalloc(1, sizeof(*p));
	p->receipts = r;
	p->stanza = node_dup(stanza);
	TAILQ_INSERT_TAIL(&r->commits, p, entry);
	r->n++;
	FAULT_POINT("receipt.taken");
	key_cache_commit(r->m->keys, on_committed, p);
}

bool
receipts_behind(const struct receipts *r, bool held)
{
	return r->n >= (held ? RECEIPTS_ENOUGH / 2 : RECEIPTS_ENOUGH);
}
