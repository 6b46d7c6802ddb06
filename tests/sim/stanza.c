/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which part handles which stanza of a client, and which of them a client may send before it is in.
 */
#include <string.h>

#include "tests/sim/server.h"

#define NAME_MAX_LEN 100

static void
message(struct conn *c, const struct node *stanza)
{
	const struct peer from = {c->device->account, c->device};

	message_in(c->sim, &from, c, stanza);
}

static void
receipt(struct conn *c, const struct node *stanza)
{
	const struct peer from = {c->device->account, c->device};

	receipt_in(c->sim, &from, c, stanza);
}

/* The push name that others see, unless the phone has one. */
static void
presence(struct conn *c, const struct node *stanza)
{
	const char *name = node_get(stanza, "name");

	if (c->device == NULL || name == NULL || strlen(name) > NAME_MAX_LEN)
		return;
	if (account_push_name(c->device->account)[0] == '\0')
		account_set_push_name(c->device->account, name);
}

static void
ack(struct conn *c, const struct node *stanza)
{
	if (c->state == CONN_ONLINE)
		ack_in(c, stanza);
	else
		pair_notice_acked(c, stanza);
}

static void
ignore(struct conn *c, const struct node *stanza)
{
	(void)c;
	(void)stanza;
}

static const struct stanza_kind {
	const char *tag;
	bool early; /* also before <success> */
	void (*handle)(struct conn *c, const struct node *stanza);
} kinds[] = {
    {"iq", true, iq_in},
    {"message", false, message},
    {"receipt", false, receipt},
    {"ack", true, ack},
    {"presence", true, presence},
    {"ib", true, ignore},
    {"chatstate", false, ignore},
    {"call", false, ignore},
    {"xmlstreamend", true, ignore},
};

void
stanza_in(struct conn *c, const struct node *stanza)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (!node_is(stanza, kinds[i].tag))
			continue;
		if (c->state == CONN_ONLINE || kinds[i].early)
			kinds[i].handle(c, stanza);
		else
			conn_violation(
			    c, "before_success", "a %s before the login", node_tag(stanza));
		return;
	}
	conn_violation(c, "unknown_stanza", "<%.40s>", node_tag(stanza));
}
