/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * table: rows of texts in aligned columns, for a person at a terminal. What would move the cursor
 * or change the terminal is shown as "?": names come from phones and from other people.
 */
#ifndef WACONNCTL_TABLE_H
#define WACONNCTL_TABLE_H

#include <stdio.h>

#include "common/buf.h"

#define TABLE_COLUMNS_MAX 12

struct table;

/* Headings end with NULL. */
struct table *table_new(const char *const *headings);
void table_free(struct table **table);
/* The next cell, row by row. NULL and "": "-". */
void table_cell(struct table *table, const char *text);
void table_print(const struct table *table, FILE *out);

/* Appends the text without anything that a terminal would act on. */
void table_clean(const char *text, struct buf *out);
/* Columns that it takes on a terminal. */
size_t table_width(const char *text);

#endif
