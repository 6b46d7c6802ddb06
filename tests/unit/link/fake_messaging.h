/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The message side of a link, reduced to notes of what it was handed: in place of the real one, so
 * that the tests of the connection stand alone.
 */
#ifndef TESTS_LINK_FAKE_MESSAGING_H
#define TESTS_LINK_FAKE_MESSAGING_H

#include "common/xalloc.h"
#include "tests/unit/link/fake_keys.h"
#include "waconnd/link/link_internal.h"

static struct fake_messaging_notes {
	unsigned made, freed, opened;
	bool behind; /* reading should stop */
	unsigned messages, receipts, acks, devices, identities, tokens, groups, prekeys,
	    media_retries, checks;
	uint32_t retired; /* the signed pre-key that was kept last */
	void *pending;	  /* a send without an answer */
} notes;

struct messaging {
	struct link *link;
};

struct messaging *
messaging_new(struct link *l)
{
	struct messaging *m = xcalloc(1, sizeof(*m));

	m->link = l;
	notes.made++;
	return m;
}

void
messaging_free(struct messaging **m)
{
	void *arg;
	const struct link_ops *ops = link_callbacks((*m)->link, &arg);

	if (notes.pending != NULL)
		ops->sent(arg, notes.pending, LINK_SENT_UNCERTAIN, 0);
	notes.pending = NULL;
	notes.freed++;
	free(*m);
	*m = NULL;
}

void
messaging_open(struct messaging *m)
{
	(void)m;
	notes.opened++;
}

void
messaging_message(struct messaging *m, const struct node *stanza)
{
	link_ack(m->link, stanza);
	notes.messages++;
}

void
messaging_receipt(struct messaging *m, const struct node *stanza)
{
	link_ack(m->link, stanza);
	notes.receipts++;
}

void
messaging_message_ack(struct messaging *m, const struct node *stanza)
{
	(void)m;
	(void)stanza;
	notes.acks++;
}

void
messaging_devices(struct messaging *m, const struct node *notification)
{
	(void)m;
	(void)notification;
	notes.devices++;
}

void
messaging_identity(struct messaging *m, const struct node *notification)
{
	(void)m;
	(void)notification;
	notes.identities++;
}

bool
messaging_check_numbers(struct messaging *m, const char *const *phones, size_t n, void *check_arg)
{
	(void)m;
	(void)phones;
	(void)check_arg;
	notes.checks += (unsigned)n;
	return true;
}

void
messaging_privacy_token(struct messaging *m, const struct node *notification)
{
	(void)m;
	(void)notification;
	notes.tokens++;
}

bool
messaging_behind(const struct messaging *m, bool held)
{
	(void)m;
	(void)held;
	return notes.behind;
}

void
messaging_own_devices(struct messaging *m)
{
	(void)m;
	notes.devices++;
}

void
messaging_group(struct messaging *m, const struct node *notification)
{
	(void)m;
	(void)notification;
	notes.groups++;
}

void
messaging_send(struct messaging *m, const char *id, const char *phone,
    const struct wa_content *content, void *send_arg)
{
	(void)m;
	(void)id;
	(void)phone;
	(void)content;
	notes.pending = send_arg;
}

void
messaging_media_retry(struct messaging *m, const struct node *notification)
{
	(void)m;
	(void)notification;
	notes.media_retries++;
}

struct transfers *
messaging_transfers(struct messaging *m)
{
	(void)m;
	return NULL;
}

void
messaging_retry_content(
    struct messaging *m, uint64_t token, const char *phone, const struct wa_content *content)
{
	(void)phone;
	(void)m;
	(void)token;
	(void)content;
}

void
messaging_make_prekeys(struct messaging *m, unsigned count, struct node *list)
{
	struct credentials *c = link_credentials(m->link);

	for (unsigned i = 0; i < count; i++)
		node_set_int(node_child(list, "key", NULL), "n", c->next_prekey_id++);
	notes.prekeys += count;
}

void
messaging_retire_signed_prekey(struct messaging *m)
{
	notes.retired = link_credentials(m->link)->signed_prekey_id;
}

#endif
