/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * record_table: rows of short strings in order of arrival, found by id, receiver or sender.
 *
 * A row is one allocation and never moves or goes before the table does. Rows with the same indexed
 * value are a chain in order of arrival, so a query walks the shortest chain that its filters name.
 */
#ifndef SIM_RECORD_TABLE_H
#define SIM_RECORD_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum record_field {
	/* indexed */
	RECORD_ID,
	RECORD_TO,
	RECORD_FROM,
	/* not indexed */
	RECORD_KIND, /* what it is: a message's kind, a receipt's type */
	RECORD_FROM_JID,
	RECORD_CHAT,
	RECORD_TEXT,
	RECORD_ENC_TYPE,
	RECORD_CONTENT, /* JSON */
	RECORD_FIELD_COUNT
};
#define RECORD_INDEXED 3

#define RECORD_NO_ROW UINT32_MAX

struct record_row {
	uint32_t number; /* its place in the table */
	uint32_t count;	 /* how often it came */
	int64_t at;	 /* wall time of the first, ms */
	bool own;	 /* from a companion of the receiver itself */
	bool device_sent;
	uint32_t next[RECORD_INDEXED];	       /* in the chain, RECORD_NO_ROW at its end */
	const char *field[RECORD_FIELD_COUNT]; /* NULL: none */
};

/* What a query wants; NULL: any. */
struct record_filter {
	const char *match[RECORD_INDEXED];
	uint32_t after; /* rows with a number below this are passed over */
	bool own_only, others_only;
};

struct record_table;

struct record_table *record_table_new(uint32_t rows_max);
void record_table_free(struct record_table **t);
/* Copies the strings. NULL when the table is full (counted). */
struct record_row *record_table_add(
    struct record_table *t, const char *const field[RECORD_FIELD_COUNT]);
uint32_t record_table_count(const struct record_table *t);
uint64_t record_table_dropped(const struct record_table *t);

bool record_filter_match(const struct record_filter *f, const struct record_row *row);

/* Walks matching rows in order of arrival: start with a zeroed cursor, until NULL. The filter must
 * stay. */
struct record_cursor {
	bool started;
	int index; /* the chain's, -1: all rows */
	uint32_t at;
};
struct record_row *record_table_next(
    const struct record_table *t, const struct record_filter *f, struct record_cursor *c);

#endif
