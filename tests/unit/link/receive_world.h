/* SPDX-License-Identifier: GPL-3.0-or-later */
/* receive_world: Alice, who writes, and Bob, who gets it. */
#ifndef TESTS_LINK_RECEIVE_WORLD_H
#define TESTS_LINK_RECEIVE_WORLD_H

#include "tests/unit/link/message_world.h"

#include "waconnd/link/receive.h"
#include "waconnd/link/resend.h"

#define ALICE "6281100000001"
#define BOB "6281200000002"

struct pair {
	struct world w;
	struct link *alice, *bob;
};

/* Alice sends from device 3 and has no phone here; Bob has a companion, 5, besides none. */
static void
begin(struct pair *p)
{
	world_begin(&p->w);
	p->alice = world_party(&p->w, ALICE, "111000111", 3);
	p->bob = world_party(&p->w, BOB, "222000222", 5);
}

/* What Alice wrote for Bob, as the server delivers it; not delivered yet. */
TEST_UNUSED static struct node *
intercept(struct pair *p, const char *id, const char *text)
{
	const struct node *message;
	struct node *in;

	p->bob->offline = true;
	world_send(p->alice, id, BOB, text);
	world_run(&p->w);
	p->bob->offline = false;
	message = world_written(p->alice, "message", "id", id, 0);
	assert_non_null(message);
	in = world_inbound(p->alice, message,
	    node_find(node_first(node_find(message, "participants")), "enc"), p->bob);
	return in;
}

#endif
