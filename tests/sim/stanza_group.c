/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Messages in groups, from phones to companions of members; and what the server hands out that no
 * client wrote: a message without its content. Who is a member of what is not kept: a phone says
 * whom it writes to. Sources: PROTOCOL sections 13 and 16.
 */
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "tests/sim/server.h"

static struct node *
stanza_for(const struct peer *from, const struct node *stanza, const struct jid *group)
{
	const struct jid sender = account_lid(from->account, 0), pn = account_pn(from->account, 0);
	struct node *n =
	    node_new("message", "id", node_get(stanza, "id"), "type", node_get(stanza, "type"),
		"notify", account_push_name(from->account), "addressing_mode", "lid", NULL);

	node_set_jid(n, "from", group);
	node_set_jid(n, "participant", &sender);
	node_set_jid(n, "participant_pn", &pn);
	node_set_int(n, "t", sim_now());
	return n;
}

static void
deliver(struct sim *s, const struct jid *device, struct node *take_stanza)
{
	const struct peer to = account_peer(s, device);

	if (to.device != NULL)
		outbox_put(to.device, take_stanza);
	else
		node_free(&take_stanza);
}

void
group_message_in(struct sim *s, const struct peer *from, const struct node *stanza)
{
	const struct node *sealed = node_find(stanza, "enc");
	struct jid group, device;

	if (from->device != NULL || node_get_jid(stanza, "to", &group) != 0)
		return;
	if (node_get_jid(stanza, "participant", &device) == 0) { /* asked for again */
		struct node *n = stanza_for(from, stanza, &group);

		node_graft(n, sealed);
		deliver(s, &device, n);
		return;
	}
	for (const struct node *to = node_first(node_find(stanza, "participants")); to != NULL;
	     to = node_next(to)) {
		struct node *n = stanza_for(from, stanza, &group);

		if (node_find(to, "enc") != NULL)
			node_graft(n, node_find(to, "enc"));
		node_graft(n, sealed);
		if (node_get_jid(to, "jid", &device) == 0)
			deliver(s, &device, n);
		else
			node_free(&n);
	}
}

/* -- without content ---------------------------------------------------------------------- */

static void
add_unavailable(struct node *n, const char *type)
{
	(void)node_child(n, "unavailable", "type", type, NULL);
}

static void
add_secret(struct node *n, const char *type)
{
	static const uint8_t bytes[] = {0x0a, 0x0c, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};

	(void)type;
	node_bytes(node_child(n, "enc", "v", "2", "type", "msmsg", NULL), bytes, sizeof(bytes));
}

static void
add_nothing(struct node *n, const char *type)
{
	(void)n;
	(void)type;
}

static const struct {
	const char *what, *type;
	void (*add)(struct node *n, const char *type);
} bare[] = {
    {"unavailable", NULL, add_unavailable},
    {"view_once", "view_once", add_unavailable},
    {"bot", "bot_unavailable_fanout", add_unavailable},
    {"hosted", "hosted_unavailable_fanout", add_unavailable},
    {"msmsg", NULL, add_secret},
    {"empty", NULL, add_nothing},
};

int
sim_send_bare(struct sim *s, struct account *from, struct account *to, const char *id,
    const char *what, const struct jid *group)
{
	const struct jid sender = account_lid(from, 0), pn = account_pn(from, 0);
	const struct peer writer = {from, NULL};
	size_t i = 0;

	(void)s;
	while (i < sizeof(bare) / sizeof(bare[0]) && strcmp(bare[i].what, what) != 0)
		i++;
	if (i == sizeof(bare) / sizeof(bare[0]) || to->device_count == 0)
		return -1;
	for (unsigned d = 0; d < to->device_count; d++) {
		struct node *base = node_new("message", "id", id, "type", "text", NULL), *n;

		if (group != NULL) {
			n = stanza_for(&writer, base, group);
		} else {
			n = node_new("message", "id", id, "type", "text", "addressing_mode", "lid",
			    "notify", account_push_name(from), NULL);
			node_set_jid(n, "from", &sender);
			node_set_jid(n, "sender_pn", &pn);
			node_set_int(n, "t", sim_now());
		}
		node_free(&base);
		bare[i].add(n, bare[i].type);
		outbox_put(to->devices[d], n);
	}
	return 0;
}
