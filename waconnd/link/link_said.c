/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A ring of lines. It sends nothing and logs nothing. */
#include "waconnd/link/link_said.h"

#include <stdio.h>
#include <string.h>

void
link_said_note(struct link_said *s, const struct node *stanza)
{
	static const char *const keys[] = {"type", "xmlns", "class"};
	char *line = s->lines[s->n++ % LINK_SAID_LAST];
	const struct node *child = node_first(stanza);
	const char *value;
	size_t len;

	(void)snprintf(line, LINK_SAID_LINE, "%s", node_tag(stanza));
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		len = strlen(line);
		value = node_get(stanza, keys[i]);
		if (value != NULL)
			(void)snprintf(line + len, LINK_SAID_LINE - len, " %s", value);
	}
	len = strlen(line);
	if (child != NULL)
		(void)snprintf(line + len, LINK_SAID_LINE - len, " %s", node_tag(child));
}

void
link_said_text(const struct link_said *s, char ret[LINK_SAID_MAX])
{
	const unsigned first = s->n > LINK_SAID_LAST ? s->n - LINK_SAID_LAST : 0;
	size_t len = 0;

	ret[0] = '\0';
	for (unsigned i = first; i < s->n; i++) {
		len = strlen(ret);
		(void)snprintf(ret + len, LINK_SAID_MAX - len, "%s%s", i > first ? "; " : "",
		    s->lines[i % LINK_SAID_LAST]);
	}
}
