/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * template: {{name|default}} variables of a message text.
 *
 * {{name}} without a value and without a default renders as nothing; names are [A-Za-z0-9_]+,
 * "name" and "phone" are always known. An empty value counts as none. Braces that form no variable
 * stay as they are; values are never rendered again.
 */
#ifndef BLAST_TEMPLATE_H
#define BLAST_TEMPLATE_H

#include <jansson.h>

#include "common/buf.h"

#define TEMPLATE_NAME_MAX 64

/* NULL: no value. The text is used before the next call. */
typedef const char *(*template_lookup)(void *arg, const char *name);
void template_render(const char *text, template_lookup lookup, void *arg, struct buf *out);

/* What a recipient row gives: its variables (a JSON object of strings and numbers, NULL: none) and
 * its number. */
struct template_vars {
	const json_t *vars;
	const char *phone;
	char number[40]; /* a number's text */
};
const char *template_vars_lookup(void *vars, const char *name);
/* The text as this recipient gets it: first its choices (common/spintax.h), by its number, then its
 * variables. */
void template_render_for(struct template_vars *vars, const char *text, struct buf *out);

#endif
