/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From rows to statements: one step for each kind that has rows, its parameters arrays of one
 * length. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "waconnd/store/batch_group.h"

enum source { FROM_OUTLET, FROM_STRING, FROM_INT, FROM_BYTES };

struct column {
	enum array_type type;
	enum source source;
	unsigned at;
};

#define OUTLET                             \
	{                                  \
		ARRAY_TEXT, FROM_OUTLET, 0 \
	}
#define TEXT(n)                            \
	{                                  \
		ARRAY_TEXT, FROM_STRING, n \
	}
#define INT(n)                          \
	{                               \
		ARRAY_INT8, FROM_INT, n \
	}
#define SMALL(n)                        \
	{                               \
		ARRAY_INT2, FROM_INT, n \
	}
#define BOOL(n)                         \
	{                               \
		ARRAY_BOOL, FROM_INT, n \
	}
#define BYTES                              \
	{                                  \
		ARRAY_BYTEA, FROM_BYTES, 0 \
	}

/* What stands in a row of each kind, in the order of the statement's parameters (sql/batch.sql). */
static const struct writer {
	enum sql_id statement;
	bool sorted;
	size_t n;
	struct column columns[BATCH_COLUMNS];
} writers[BATCH_KIND_COUNT] = {
    [BATCH_WIPE] = {SQL_BATCH_KEY_WIPE, false, 1, {OUTLET}},
    [BATCH_DEL] = {SQL_BATCH_KEY_DEL, true, 3, {OUTLET, SMALL(0), TEXT(0)}},
    [BATCH_PUT] = {SQL_BATCH_KEY_PUT, true, 4, {OUTLET, SMALL(0), TEXT(0), BYTES}},
    [BATCH_KEEP] = {SQL_BATCH_KEY_KEEP, false, 5, {OUTLET, TEXT(0), TEXT(1), TEXT(2), INT(0)}},
    [BATCH_SENDING] = {SQL_BATCH_SENDING, false, 3, {INT(0), TEXT(0), TEXT(1)}},
    [BATCH_SENT] = {SQL_BATCH_SENT, false, 2, {INT(0), INT(1)}},
    [BATCH_FAILED] = {SQL_BATCH_FAILED, false, 2, {INT(0), TEXT(0)}},
    [BATCH_REQUEUE] = {SQL_BATCH_REQUEUE, false, 3, {INT(0), TEXT(0), INT(1)}},
    [BATCH_LOST] = {SQL_BATCH_LOST, false, 2, {INT(0), INT(1)}},
    [BATCH_DELIVERED] = {SQL_BATCH_DELIVERED, false, 3, {OUTLET, TEXT(0), INT(0)}},
    [BATCH_READ] = {SQL_BATCH_READ, false, 3, {OUTLET, TEXT(0), INT(0)}},
    [BATCH_RESENT] = {SQL_BATCH_RESENT, false, 7,
	{OUTLET, TEXT(0), TEXT(2), TEXT(3), TEXT(4), TEXT(5), BYTES}},
    [BATCH_INBOUND] = {SQL_BATCH_INBOUND, false, 10,
	{OUTLET, TEXT(0), TEXT(1), TEXT(2), TEXT(3), TEXT(4), BOOL(0), INT(1), TEXT(5), BYTES}},
    [BATCH_SESSION] = {SQL_BATCH_SESSION, false, 12,
	{OUTLET, TEXT(0), TEXT(1), TEXT(2), TEXT(3), INT(0), INT(1), INT(2), INT(3), INT(4),
	    TEXT(4), INT(5)}},
    [BATCH_ACCOUNT] = {SQL_BATCH_ACCOUNT, false, 4, {OUTLET, TEXT(0), TEXT(1), INT(0)}},
    [BATCH_EVENT] = {SQL_BATCH_EVENT, false, 5, {OUTLET, INT(0), TEXT(0), TEXT(1), TEXT(2)}},
};

static bool
is_wanted(const struct batch_row *row, const char *outlet)
{
	if (outlet == NULL)
		return true;
	return row->outlet == NULL ? outlet[0] == '\0' : strcmp(row->outlet, outlet) == 0;
}

static int
compare_rows(const void *a, const void *b)
{
	const struct batch_row *x = *(const struct batch_row *const *)a,
			       *y = *(const struct batch_row *const *)b;
	int c = strcmp(x->outlet, y->outlet);

	if (c == 0)
		c = x->i[0] < y->i[0] ? -1 : x->i[0] > y->i[0];
	return c != 0 ? c : strcmp(x->s[0], y->s[0]);
}

static void
add_cell(struct array *a, const struct column *col, const struct batch_row *row)
{
	if (col->source == FROM_OUTLET)
		array_text(a, row->outlet);
	else if (col->source == FROM_STRING)
		array_text(a, row->s[col->at]);
	else if (col->source == FROM_BYTES)
		array_bytes(a, row->bytes, row->len);
	else if (col->type == ARRAY_INT2)
		array_int2(a, (int16_t)row->i[col->at]);
	else if (col->type == ARRAY_BOOL)
		array_bool(a, row->i[col->at] != 0);
	else
		array_int8(a, row->i[col->at]);
}

/* Closes the step whose arrays were filled. */
static void
add_step(struct batch_steps *st, enum sql_id statement, size_t n)
{
	for (size_t k = 0; k < n; k++)
		st->params[st->n][k] = array_param(&st->arrays[st->n][k]);
	st->n_arrays[st->n] = n;
	st->steps[st->n] = (struct db_step){statement, st->params[st->n], n};
	st->n++;
}

static void
add_kind(
    struct batch_steps *st, const struct batch_group *g, enum batch_kind kind, const char *outlet)
{
	const struct writer *w = &writers[kind];
	struct batch_row **rows, *row;
	size_t n = 0;

	if (TAILQ_EMPTY(&g->rows[kind]))
		return;
	rows = xcalloc(g->n_rows, sizeof(struct batch_row *));
	TAILQ_FOREACH(row, &g->rows[kind], entry)
	{
		if (is_wanted(row, outlet))
			rows[n++] = row;
	}
	if (w->sorted)
		qsort(rows, n, sizeof(struct batch_row *), compare_rows);
	for (size_t k = 0; n > 0 && k < w->n; k++) {
		struct array *a = &st->arrays[st->n][k];

		array_init(a, w->columns[k].type);
		for (size_t r = 0; r < n; r++)
			add_cell(a, &w->columns[k], rows[r]);
	}
	if (n > 0)
		add_step(st, w->statement, w->n);
	free(rows);
}

/* Which outlets the transaction writes; "" stands for messages by id. */
static void
add_outlets(struct array *a, const struct batch_group *g, const char *outlet)
{
	char **all = NULL;
	size_t n = 0;

	array_init(a, ARRAY_TEXT);
	if (outlet == NULL)
		all = batch_group_outlets(g, &n);
	else if (outlet[0] != '\0')
		array_text(a, outlet);
	for (size_t i = 0; i < n; i++) {
		if (all[i][0] != '\0')
			array_text(a, all[i]);
		free(all[i]);
	}
	free(all);
}

static void
add_fence(struct batch_steps *st, const struct batch_group *g, const char *outlet,
    const char *instance, int64_t epoch)
{
	struct array *outlets = &st->arrays[st->n][0];

	if (instance == NULL)
		return;
	(void)snprintf(st->epoch, sizeof(st->epoch), "%lld", (long long)epoch);
	add_outlets(outlets, g, outlet);
	st->n_arrays[st->n] = 1;
	st->params[st->n][0] = DB_TEXT(instance);
	st->params[st->n][1] = DB_TEXT(st->epoch);
	st->params[st->n][2] = array_param(outlets);
	st->steps[st->n] = (struct db_step){SQL_BATCH_FENCE, st->params[st->n], 3};
	st->n++;
}

/* The blasts whose counters will move, before their messages. */
static void
add_lock(struct batch_steps *st, const struct batch_group *g, const char *outlet)
{
	struct array *a = st->arrays[st->n];
	struct batch_row *row;

	array_init(&a[0], ARRAY_INT8);
	array_init(&a[1], ARRAY_TEXT);
	array_init(&a[2], ARRAY_TEXT);
	for (size_t kind = BATCH_SENDING; kind <= BATCH_READ; kind++) {
		TAILQ_FOREACH(row, &g->rows[kind], entry)
		{
			if (!is_wanted(row, outlet))
				continue;
			if (row->outlet == NULL) {
				array_int8(&a[0], row->i[0]);
			} else {
				array_text(&a[1], row->outlet);
				array_text(&a[2], row->s[0]);
			}
		}
	}
	if (a[0].n + a[1].n > 0) {
		add_step(st, SQL_BATCH_LOCK, 3);
	} else {
		for (size_t k = 0; k < 3; k++)
			array_done(&a[k]);
	}
}

void
batch_steps_build(struct batch_steps *st, const struct batch_group *g, const char *outlet,
    const char *instance, int64_t epoch)
{
	memset(st, 0, sizeof(*st));
	add_fence(st, g, outlet, instance, epoch);
	add_lock(st, g, outlet);
	for (int kind = 0; kind < BATCH_KIND_COUNT; kind++)
		add_kind(st, g, (enum batch_kind)kind, outlet);
}

void
batch_steps_done(struct batch_steps *st)
{
	for (size_t i = 0; i < st->n; i++) {
		for (size_t k = 0; k < st->n_arrays[i]; k++)
			array_done(&st->arrays[i][k]);
	}
}
