/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine of one byte at a time. Knows nothing of what the columns mean. */
#include "common/csv.h"

#include <string.h>

#include "common/utf8.h"

static const char delimiters[] = ",;\t|";

void
csv_init(struct csv *c, csv_cb cb, void *arg)
{
	memset(c, 0, sizeof(*c));
	c->cb = cb;
	c->arg = arg;
	c->line = 1;
	buf_init(&c->row, CSV_ROW_MAX + CSV_FIELDS_MAX + 1);
	buf_init(&c->head, CSV_ROW_MAX);
}

void
csv_done(struct csv *c)
{
	buf_done(&c->row);
	buf_done(&c->head);
}

static bool
is_utf8(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;
	size_t left = strlen(text), n;

	for (; left > 0; s += n, left -= n) {
		n = utf8_sequence(s, left);
		if (n == 0)
			return false;
	}
	return true;
}

static const char *
trim(char *text)
{
	size_t len;

	text += strspn(text, " \t\r\n");
	len = strlen(text);
	while (len > 0 && strchr(" \t\r\n", text[len - 1]) != NULL)
		text[--len] = '\0';
	return text;
}

static void
end_row(struct csv *c)
{
	const char *fields[CSV_FIELDS_MAX] = {0};
	struct csv_row row = {.line = c->row_line, .fields = fields, .n = c->n};
	bool blank = true;

	buf_add_u8(&c->row, '\0');
	if (!buf_ok(&c->row))
		c->problem = "row_too_long";
	for (size_t i = 0; c->problem == NULL && i < c->n; i++) {
		fields[i] = trim((char *)c->row.data + c->starts[i]);
		blank = blank && fields[i][0] == '\0';
		if (!is_utf8(fields[i]))
			c->problem = "not_utf8";
	}
	if (c->problem != NULL) {
		row.n = 0;
		row.problem = c->problem;
		blank = false;
	}
	if (!blank && !c->cb(c->arg, &row))
		c->ended = true;
	buf_reset(&c->row);
	c->n = 0;
	c->begun = c->field_begun = c->quoted = c->was_quote = false;
	c->problem = NULL;
}

static void
begin_field(struct csv *c)
{
	if (!c->begun) {
		c->begun = true;
		c->row_line = c->line;
	}
	if (c->n == CSV_FIELDS_MAX) {
		c->problem = "too_many_fields";
		return;
	}
	c->starts[c->n++] = c->row.len;
}

static void
add(struct csv *c, char b)
{
	c->field_begun = c->field_begun || (b != ' ' && b != '\t');
	if (b == '\0')
		c->problem = "not_utf8";
	else if (buf_ok(&c->row))
		buf_add_u8(&c->row, (unsigned char)b);
}

static void
take_plain(struct csv *c, char b)
{
	if (b == c->delimiter) {
		buf_add_u8(&c->row, '\0');
		c->field_begun = c->was_quote = false;
		begin_field(c);
	} else if (b == '"' && c->was_quote) { /* doubled inside quotes */
		c->quoted = true;
		c->was_quote = false;
		add(c, b);
	} else if (b == '"' && !c->field_begun) {
		c->quoted = c->field_begun = true;
	} else {
		c->was_quote = false;
		add(c, b);
	}
}

static void
take(struct csv *c, char b)
{
	const bool after_cr = c->was_cr;

	c->was_cr = b == '\r';
	if (b == '\n' && after_cr && !c->quoted)
		return; /* the end of CRLF, of which CR was the end of line */
	if (b == '\n' || (b == '\r' && !c->quoted))
		c->line += 1;
	if (c->quoted) {
		if (b == '"') {
			c->quoted = false;
			c->was_quote = true;
		} else {
			add(c, b);
		}
		return;
	}
	if (b == '\n' || b == '\r') {
		if (c->begun)
			end_row(c);
		return;
	}
	if (!c->begun)
		begin_field(c);
	take_plain(c, b);
}

/* The delimiter that stands most often outside quotes in the first line. */
static char
find_delimiter(const struct buf *head)
{
	size_t counts[sizeof(delimiters)] = {0}, best = 0;
	bool quoted = false;

	for (size_t i = 0; i < head->len; i++) {
		const char *d = strchr(delimiters, head->data[i]);

		if (head->data[i] == '"')
			quoted = !quoted;
		else if (!quoted && head->data[i] != '\0' && d != NULL)
			counts[d - delimiters]++;
	}
	for (size_t i = 1; i < sizeof(delimiters) - 1; i++)
		if (counts[i] > counts[best])
			best = i;
	return delimiters[best];
}

static void
know_delimiter(struct csv *c)
{
	c->delimiter = find_delimiter(&c->head);
	for (size_t i = 0; i < c->head.len && !c->ended; i++)
		take(c, (char)c->head.data[i]);
	buf_done(&c->head);
}

/* Until its first line is whole, or is long enough to judge by. */
static void
take_head(struct csv *c, char b)
{
	static const unsigned char mark[] = {0xef, 0xbb, 0xbf};

	if (c->bom < sizeof(mark) && (unsigned char)b == mark[c->bom] && c->head.len == c->bom) {
		buf_add_u8(&c->head, (unsigned char)b);
		if (++c->bom == sizeof(mark))
			buf_reset(&c->head);
		return;
	}
	c->bom = sizeof(mark);
	buf_add_u8(&c->head, (unsigned char)b);
	if (b == '\n' || b == '\r' || c->head.len >= CSV_ROW_MAX / 2)
		know_delimiter(c);
}

void
csv_feed(struct csv *c, const char *data, size_t len)
{
	for (size_t i = 0; i < len && !c->ended; i++) {
		if (c->delimiter == 0)
			take_head(c, data[i]);
		else
			take(c, data[i]);
	}
}

void
csv_end(struct csv *c)
{
	if (c->delimiter == 0)
		know_delimiter(c);
	if (c->ended || !c->begun)
		return;
	if (c->quoted)
		c->problem = "open_quote";
	end_row(c);
}

void
csv_add(struct buf *out, const char *text)
{
	if (text == NULL)
		return;
	if (text[strcspn(text, ",\";\t\r\n")] == '\0' &&
	    (text[0] == '\0' || strchr("=+-@", text[0]) == NULL)) {
		buf_add_str(out, text);
		return;
	}
	buf_add_u8(out, '"');
	if (text[0] != '\0' && strchr("=+-@", text[0]) != NULL)
		buf_add_u8(out, '\'');
	for (; *text != '\0'; text++) {
		if (*text == '"')
			buf_add_u8(out, '"');
		buf_add_u8(out, (unsigned char)*text);
	}
	buf_add_u8(out, '"');
}
