/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Lists of numbers and CSV, a line at a time. A quoted field ends on its line. */
#include "waconnd/waconnctl/recipients.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/xalloc.h"

#define GROWTH 256

struct reader {
	struct recipients *to;
	unsigned line;
	char delimiter;			       /* 0: not known yet */
	char *columns[RECIPIENTS_COLUMNS_MAX]; /* of a first line that names them */
	size_t n_columns;
	size_t phone, name; /* which columns they are */
};

static Ipc__Recipient *
append(struct recipients *r, struct buf *err)
{
	Ipc__Recipient *one;

	if (r->n == RECIPIENTS_MAX) {
		buf_addf(err, "more than %d numbers: send several blasts", RECIPIENTS_MAX);
		return NULL;
	}
	if (r->n % GROWTH == 0)
		r->list = xreallocarray(r->list, r->n + GROWTH, sizeof(Ipc__Recipient *));
	one = xcalloc(1, sizeof(*one));
	ipc__recipient__init(one);
	r->list[r->n++] = one;
	return one;
}

int
recipients_add(struct recipients *r, const char *phone, struct buf *err)
{
	Ipc__Recipient *one = append(r, err);

	if (one == NULL)
		return -1;
	one->phone = xstrdup(phone);
	return 0;
}

void
recipients_done(struct recipients *r)
{
	for (size_t i = 0; i < r->n; i++)
		ipc__recipient__free_unpacked(r->list[i], NULL);
	free(r->list);
	memset(r, 0, sizeof(*r));
}

/* ---- fields ---- */

static char
find_delimiter(const char *line)
{
	size_t at = strcspn(line, ";\t,");

	return line[at] != '\0' ? line[at] : ',';
}

static char *
trim(char *text)
{
	char *end;

	text += strspn(text, " \t");
	end = text + strlen(text);
	while (end > text && (end[-1] == ' ' || end[-1] == '\t'))
		*--end = '\0';
	return text;
}

/* Takes the quotes off the field at `p`, in place. Where it ends; NULL: it does not. */
static char *
unquote(char *p)
{
	char *out = p;

	for (p++; *p != '\0'; p++) {
		if (*p == '"' && *++p != '"') {
			*out = '\0';
			return p;
		}
		*out++ = *p;
	}
	return NULL;
}

/* Cuts the line in place. How many fields; -1: a quote is not closed, or there are too many. */
static int
split(char *line, char delimiter, char *fields[RECIPIENTS_COLUMNS_MAX])
{
	int n = 0;

	for (char *p = line;; p++) {
		char *end = p + strspn(p, " ");

		if (n == RECIPIENTS_COLUMNS_MAX)
			return -1;
		fields[n] = p;
		if (*end == '"') {
			fields[n] = end;
			end = unquote(end);
			if (end == NULL)
				return -1;
		}
		while (*end != '\0' && *end != delimiter)
			end++;
		n++;
		if (*end == '\0')
			return n;
		*end = '\0';
		p = end;
	}
}

/* ---- lines ---- */

static bool
is_one_of(const char *word, const char *const *words)
{
	while (*words != NULL && strcasecmp(*words, word) != 0)
		words++;
	return *words != NULL;
}

/* Does the first line name the columns? They are remembered then. */
static bool
take_header(struct reader *r, char *const *fields, size_t n)
{
	static const char *const phones[] = {
	    "phone", "number", "nomor", "no_hp", "whatsapp", "telepon", NULL};
	static const char *const names[] = {"name", "nama", NULL};
	size_t phone = n, name = n;

	for (size_t i = n; i-- > 0;) {
		if (is_one_of(fields[i], phones))
			phone = i;
		else if (is_one_of(fields[i], names))
			name = i;
	}
	if (phone == n)
		return false;
	for (size_t i = 0; i < n; i++)
		r->columns[i] = xstrdup(fields[i]);
	r->n_columns = n;
	r->phone = phone;
	r->name = name;
	return true;
}

static void
add_variable(Ipc__Recipient *one, const char *name, const char *value)
{
	Ipc__Variable *v = xcalloc(1, sizeof(*v));

	ipc__variable__init(v);
	v->name = xstrdup(name);
	v->value = xstrdup(value);
	one->vars = xreallocarray(one->vars, one->n_vars + 1, sizeof(Ipc__Variable *));
	one->vars[one->n_vars++] = v;
}

static int
take_row(struct reader *r, char *const *fields, size_t n, struct buf *err)
{
	Ipc__Recipient *one = append(r->to, err);

	if (one == NULL)
		return -1;
	one->phone = xstrdup(r->phone < n ? fields[r->phone] : "");
	if (r->name < n && fields[r->name][0] != '\0')
		one->name = xstrdup(fields[r->name]);
	for (size_t i = 0; i < n && i < r->n_columns; i++) {
		if (i != r->phone && i != r->name && r->columns[i][0] != '\0')
			add_variable(one, r->columns[i], fields[i]);
	}
	return 0;
}

static int
take_line(struct reader *r, char *line, struct buf *err)
{
	char *fields[RECIPIENTS_COLUMNS_MAX];
	bool first = r->delimiter == 0;
	int n;

	line[strcspn(line, "\r\n")] = '\0';
	if (r->line == 1 && strncmp(line, "\xef\xbb\xbf", 3) == 0)
		line += 3; /* a byte order mark, as spreadsheets write it */
	if (line[0] == '#' || line[strspn(line, " \t")] == '\0')
		return 0;
	if (first)
		r->delimiter = find_delimiter(line);
	n = split(line, r->delimiter, fields);
	if (n < 0) {
		buf_addf(err, "line %u: a quote is not closed, or there are over %d columns",
		    r->line, RECIPIENTS_COLUMNS_MAX);
		return -1;
	}
	for (int i = 0; i < n; i++)
		fields[i] = trim(fields[i]);
	if (first && take_header(r, fields, (size_t)n))
		return 0;
	return take_row(r, fields, (size_t)n, err);
}

int
recipients_read(struct recipients *to, FILE *in, struct buf *err)
{
	struct reader r = {.to = to, .phone = 0, .name = 1};
	size_t size = 0, bytes = 0;
	char *line = NULL;
	ssize_t len;
	int result = 0;

	while (result == 0 && (len = getline(&line, &size, in)) > 0) {
		r.line++;
		bytes += (size_t)len;
		if (bytes > RECIPIENTS_BYTES_MAX) {
			buf_addf(
			    err, "more than %u bytes: send several blasts", RECIPIENTS_BYTES_MAX);
			result = -1;
		} else if (strlen(line) != (size_t)len) {
			buf_addf(err, "line %u: this is no text", r.line);
			result = -1;
		} else {
			result = take_line(&r, line, err);
		}
	}
	if (result == 0 && ferror(in)) {
		buf_addf(err, "%s", strerror(errno));
		result = -1;
	}
	for (size_t i = 0; i < r.n_columns; i++)
		free(r.columns[i]);
	free(line);
	return result;
}
