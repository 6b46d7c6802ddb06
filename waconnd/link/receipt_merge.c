/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Groups by everything but the id. It knows no link and no message. */
#include "waconnd/link/receipt_merge.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/xalloc.h"

struct chat {
	STAILQ_ENTRY(chat) entry;
	struct node *receipts[RECEIPT_MERGE_IDS];
	size_t n;
};

struct receipt_merge {
	void (*write)(void *arg, struct node *take_receipt);
	void *arg;
	STAILQ_HEAD(, chat) chats; /* in the order of their first receipts */
	size_t n;
};

struct receipt_merge *
receipt_merge_new(void (*write)(void *arg, struct node *take_receipt), void *arg)
{
	struct receipt_merge *m = xcalloc(1, sizeof(*m));

	m->write = write;
	m->arg = arg;
	STAILQ_INIT(&m->chats);
	return m;
}

static struct chat *
take_first(struct receipt_merge *m)
{
	struct chat *c = STAILQ_FIRST(&m->chats);

	STAILQ_REMOVE_HEAD(&m->chats, entry);
	m->n--;
	return c;
}

static void
chat_free(struct chat *c)
{
	for (size_t i = 0; i < c->n; i++)
		node_free(&c->receipts[i]);
	free(c);
}

void
receipt_merge_free(struct receipt_merge **mp)
{
	struct receipt_merge *m = *mp;

	if (m == NULL)
		return;
	while (!STAILQ_EMPTY(&m->chats))
		chat_free(take_first(m));
	free(m);
	*mp = NULL;
}

static bool
is_same(const char *a, const char *b)
{
	return a == NULL ? b == NULL : b != NULL && strcmp(a, b) == 0;
}

static bool
belongs(const struct node *a, const struct node *b)
{
	static const char *const keys[] = {"to", "type", "participant", "recipient"};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (!is_same(node_get(a, keys[i]), node_get(b, keys[i])))
			return false;
	return true;
}

static void
merge(struct chat *c)
{
	struct node *list = node_child(c->receipts[0], "list", NULL);

	for (size_t i = 1; i < c->n; i++) {
		(void)node_child(list, "item", "id", node_get(c->receipts[i], "id"), NULL);
		node_free(&c->receipts[i]);
	}
	c->n = 1;
}

static void
write_all(struct receipt_merge *m, struct chat *c)
{
	if (c->n >= RECEIPT_MERGE_FROM)
		merge(c);
	for (size_t i = 0; i < c->n; i++) {
		m->write(m->arg, c->receipts[i]);
		c->receipts[i] = NULL;
	}
	c->n = 0;
}

void
receipt_merge_flush(struct receipt_merge *m)
{
	while (!STAILQ_EMPTY(&m->chats)) {
		struct chat *c = take_first(m);

		write_all(m, c);
		chat_free(c);
	}
}

static struct chat *
chat_of(struct receipt_merge *m, const struct node *receipt)
{
	struct chat *c;

	STAILQ_FOREACH(c, &m->chats, entry)
	{
		if (c->n == 0 || belongs(c->receipts[0], receipt))
			return c;
	}
	if (m->n >= RECEIPT_MERGE_CHATS)
		receipt_merge_flush(m);
	c = xcalloc(1, sizeof(*c));
	STAILQ_INSERT_TAIL(&m->chats, c, entry);
	m->n++;
	return c;
}

void
receipt_merge_add(struct receipt_merge *m, struct node *take_receipt)
{
	struct chat *c = chat_of(m, take_receipt);

	c->receipts[c->n++] = take_receipt;
	if (c->n == RECEIPT_MERGE_IDS)
		write_all(m, c);
}
