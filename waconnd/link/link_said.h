/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link_said: what kinds of stanzas a link sent last, for the log when the server calls one of them
 * malformed. Tags and types, no addresses and no contents.
 */
#ifndef LINK_LINK_SAID_H
#define LINK_LINK_SAID_H

#include "common/wa/node.h"

#define LINK_SAID_LAST 8
#define LINK_SAID_LINE 48
#define LINK_SAID_MAX (LINK_SAID_LAST * (LINK_SAID_LINE + 2))

struct link_said { /* zero: nothing yet */
	char lines[LINK_SAID_LAST][LINK_SAID_LINE];
	unsigned n; /* ever */
};

void link_said_note(struct link_said *s, const struct node *stanza);
/* The oldest first: "iq get w:p; message text to enc". */
void link_said_text(const struct link_said *s, char ret[LINK_SAID_MAX]);

#endif
