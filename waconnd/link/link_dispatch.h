/* SPDX-License-Identifier: GPL-3.0-or-later */
/* link_dispatch: the table that leads a stanza to its handler. */
#ifndef LINK_LINK_DISPATCH_H
#define LINK_LINK_DISPATCH_H

#include <stdbool.h>

#include "common/wa/node.h"
#include "waconnd/link/link_phase.h"

struct link_route {
	const char *tag; /* NULL: any */
	const char *key; /* an attribute that must have this value; NULL: none */
	const char *value;
	const char *child; /* a child that must be there; NULL: none */
	unsigned phases;   /* a bit each */
	bool ack; /* acknowledged by the dispatcher; else the handler sees to it, or nobody must */
	void (*handler)(struct link *l, const struct node *stanza);
};

/* The first row that fits; NULL when the stanza has no place in this phase. */
const struct link_route *link_dispatch_route(enum link_phase phase, const struct node *stanza);
/* For queries whose answer changes nothing. */
void link_dispatch_ignore(void *arg, const struct node *answer);

#endif
