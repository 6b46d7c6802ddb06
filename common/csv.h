/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * csv: tables as spreadsheets write them (RFC 4180 and its kin), from bytes as they come: comma,
 * semicolon, tab or bar between fields, quoted fields over several lines, LF, CR or CRLF, a byte
 * order mark. Rows go to a callback one by one; of a row too long, with too many fields or with an
 * open quote at the end it hears why, and the next one is read again. Memory: one row.
 */
#ifndef COMMON_CSV_H
#define COMMON_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

#define CSV_FIELDS_MAX 64
#define CSV_ROW_MAX 65536 /* bytes */

struct csv_row {
	unsigned line;	     /* where it begins, from 1 */
	const char **fields; /* trimmed, valid during the call */
	size_t n;	     /* 0: `problem` says why */
	const char
	    *problem; /* a code: "row_too_long", "too_many_fields", "open_quote", "not_utf8" */
};

/* false: no more rows. */
typedef bool (*csv_cb)(void *arg, const struct csv_row *row);

struct csv {
	csv_cb cb;
	void *arg;
	struct buf row; /* the fields so far, each with its NUL */
	size_t starts[CSV_FIELDS_MAX];
	size_t n; /* fields begun */
	unsigned line, row_line;
	char delimiter;	 /* 0: not known yet */
	struct buf head; /* the first line, kept until its delimiter is known */
	unsigned char bom;
	bool quoted, was_quote, was_cr, begun, field_begun, ended;
	const char *problem;
};

void csv_init(struct csv *c, csv_cb cb, void *arg);
void csv_feed(struct csv *c, const char *data, size_t len);
/* The last row may have no end of line. */
void csv_end(struct csv *c);
void csv_done(struct csv *c);

/* Appends a field, quoted where it must be; the caller puts commas and CRLF. What a spreadsheet
 * would take for a formula gets an apostrophe before it. NULL: empty. */
void csv_add(struct buf *out, const char *text);

#endif
