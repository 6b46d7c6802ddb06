/*
 * template: {{name|default}} variables of a message text.
 *
 * {{name}} without a value and without a default renders as nothing; names are [A-Za-z0-9_]+, "name" and "phone" are always
 * known. Braces that form no variable stay as they are.
 */
#ifndef BLAST_TEMPLATE_H
#define BLAST_TEMPLATE_H

#include "common/buf.h"

typedef const char *(*template_lookup)(void *arg, const char *name);
void template_render(const char *text, template_lookup lookup, void *arg, struct buf *out);

#endif
