/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Widths are those of a terminal (wcwidth): the program runs in the C.UTF-8 locale for them. */
#include "waconnd/waconnctl/table.h"

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include "common/utf8.h"
#include "common/xalloc.h"

#define CELL_MAX 65536
#define GAP 2
/* What turns the writing direction or hides text. */
static const struct {
	uint32_t from, to;
} hidden[] = {
    {0x00, 0x1f},
    {0x7f, 0x9f},
    {0x200b, 0x200f},
    {0x2028, 0x202e},
    {0x2060, 0x206f},
    {0xfeff, 0xfeff},
};

struct table {
	const char *const *headings;
	size_t n_columns;
	char **cells;
	size_t n_cells;
};

struct table *
table_new(const char *const *headings)
{
	struct table *t = xcalloc(1, sizeof(*t));

	t->headings = headings;
	while (t->n_columns < TABLE_COLUMNS_MAX && headings[t->n_columns] != NULL)
		t->n_columns++;
	return t;
}

void
table_free(struct table **table)
{
	struct table *t = *table;

	if (t == NULL)
		return;
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i]);
	free(t->cells);
	free(t);
	*table = NULL;
}

static uint32_t
code_point(const unsigned char *s, size_t n)
{
	uint32_t cp = n == 1 ? s[0] : s[0] & (0xffu >> (n + 1));

	for (size_t i = 1; i < n; i++)
		cp = cp << 6 | (s[i] & 0x3f);
	return cp;
}

static bool
is_hidden(uint32_t cp)
{
	for (size_t i = 0; i < sizeof(hidden) / sizeof(hidden[0]); i++) {
		if (cp >= hidden[i].from && cp <= hidden[i].to)
			return true;
	}
	return false;
}

void
table_clean(const char *text, struct buf *out)
{
	const unsigned char *s = (const unsigned char *)text;

	for (size_t left = strlen(text), n; left > 0; s += n, left -= n) {
		n = utf8_sequence(s, left);
		if (n == 0 || is_hidden(code_point(s, n)))
			buf_add_u8(out, '?');
		else
			buf_add(out, s, n);
		n += n == 0;
	}
}

size_t
table_width(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t width = 0;

	for (size_t left = strlen(text), n; left > 0; s += n, left -= n) {
		int w;

		n = utf8_sequence(s, left);
		w = n == 0 ? 1 : wcwidth((wchar_t)code_point(s, n));
		width += w < 0 ? 1 : (size_t)w;
		n += n == 0;
	}
	return width;
}

void
table_cell(struct table *t, const char *text)
{
	struct buf b = BUF_INIT(CELL_MAX);
	size_t len;

	table_clean(text == NULL || *text == '\0' ? "-" : text, &b);
	t->cells = xreallocarray(t->cells, t->n_cells + 1, sizeof(*t->cells));
	t->cells[t->n_cells++] = (char *)buf_take(&b, &len);
}

static void
print_cell(const char *text, size_t width, bool last, FILE *out)
{
	(void)fputs(text, out);
	if (last)
		(void)fputc('\n', out);
	else
		(void)fprintf(out, "%*s", (int)(width - table_width(text) + GAP), "");
}

void
table_print(const struct table *t, FILE *out)
{
	size_t widths[TABLE_COLUMNS_MAX];

	for (size_t i = 0; i < t->n_columns; i++)
		widths[i] = table_width(t->headings[i]);
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t w = table_width(t->cells[i]);

		if (w > widths[i % t->n_columns])
			widths[i % t->n_columns] = w;
	}
	for (size_t i = 0; i < t->n_columns; i++)
		print_cell(t->headings[i], widths[i], i + 1 == t->n_columns, out);
	for (size_t i = 0; i < t->n_cells; i++) {
		size_t column = i % t->n_columns;

		print_cell(t->cells[i], widths[column], column + 1 == t->n_columns, out);
	}
}
