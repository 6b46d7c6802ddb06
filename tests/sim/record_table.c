/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rows in an array of pointers; one open-addressed hash table for each indexed field, whose slots
 * hold the ends of a chain of rows. Nothing is ever taken out, which keeps all of it simple.
 */
#include "tests/sim/record_table.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define SLOTS_FIRST 64
#define ROWS_FIRST 64

struct slot {
	uint32_t first, last; /* RECORD_NO_ROW: a free slot */
	uint32_t length;
	uint32_t hash;
};

struct index {
	struct slot *slots;
	uint32_t size; /* a power of two */
	uint32_t used;
};

struct record_table {
	struct record_row **rows;
	uint32_t count, room, max;
	uint64_t dropped;
	struct index index[RECORD_INDEXED];
};

/* FNV-1a: keys are made by tests, not by strangers. */
static uint32_t
hash_of(const char *key)
{
	uint32_t h = 2166136261u;

	for (const unsigned char *p = (const unsigned char *)key; *p != '\0'; p++)
		h = (h ^ *p) * 16777619u;
	return h;
}

static struct slot *
slots_new(uint32_t size)
{
	struct slot *slots = xcalloc(size, sizeof(*slots));

	for (uint32_t i = 0; i < size; i++)
		slots[i].first = RECORD_NO_ROW;
	return slots;
}

/* The slot of the key, or the free one where it belongs. */
static struct slot *
slot_find(const struct record_table *t, size_t which, const char *key, uint32_t hash)
{
	const struct index *x = &t->index[which];

	for (uint32_t i = hash;; i++) {
		struct slot *s = &x->slots[i & (x->size - 1)];

		if (s->first == RECORD_NO_ROW ||
		    (s->hash == hash && strcmp(t->rows[s->first]->field[which], key) == 0))
			return s;
	}
}

static void
index_grow(struct index *x)
{
	struct slot *old = x->slots;
	uint32_t old_size = x->size;

	x->size = old_size * 2;
	x->slots = slots_new(x->size);
	for (uint32_t i = 0; i < old_size; i++) {
		uint32_t at = old[i].hash;

		if (old[i].first == RECORD_NO_ROW)
			continue;
		while (x->slots[at & (x->size - 1)].first != RECORD_NO_ROW)
			at++;
		x->slots[at & (x->size - 1)] = old[i];
	}
	free(old);
}

static void
index_add(struct record_table *t, size_t which, struct record_row *row)
{
	struct index *x = &t->index[which];
	const char *key = row->field[which];
	uint32_t hash;
	struct slot *s;

	if (key == NULL)
		return;
	if (x->used * 2 >= x->size)
		index_grow(x);
	hash = hash_of(key);
	s = slot_find(t, which, key, hash);
	if (s->first == RECORD_NO_ROW) {
		*s = (struct slot){.first = row->number, .hash = hash};
		x->used++;
	} else
		t->rows[s->last]->next[which] = row->number;
	s->last = row->number;
	s->length++;
}

struct record_table *
record_table_new(uint32_t rows_max)
{
	struct record_table *t = xcalloc(1, sizeof(*t));

	t->max = rows_max < RECORD_NO_ROW ? rows_max : RECORD_NO_ROW - 1;
	t->room = ROWS_FIRST;
	t->rows = xcalloc(t->room, sizeof(struct record_row *));
	for (size_t i = 0; i < RECORD_INDEXED; i++) {
		t->index[i].size = SLOTS_FIRST;
		t->index[i].slots = slots_new(SLOTS_FIRST);
	}
	return t;
}

void
record_table_free(struct record_table **t)
{
	if (*t == NULL)
		return;
	for (uint32_t i = 0; i < (*t)->count; i++)
		free((*t)->rows[i]);
	for (size_t i = 0; i < RECORD_INDEXED; i++)
		free((*t)->index[i].slots);
	free((*t)->rows);
	free(*t);
	*t = NULL;
}

/* A row with its strings behind it. */
static struct record_row *
row_new(const char *const field[RECORD_FIELD_COUNT])
{
	size_t size = sizeof(struct record_row);
	struct record_row *row;
	char *at;

	for (size_t i = 0; i < RECORD_FIELD_COUNT; i++)
		size += field[i] != NULL ? strlen(field[i]) + 1 : 0;
	row = xmalloc(size);
	*row = (struct record_row){.count = 1};
	at = (char *)(row + 1);
	for (size_t i = 0; i < RECORD_FIELD_COUNT; i++) {
		size_t len;

		if (field[i] == NULL)
			continue;
		len = strlen(field[i]) + 1;
		memcpy(at, field[i], len);
		row->field[i] = at;
		at += len;
	}
	for (size_t i = 0; i < RECORD_INDEXED; i++)
		row->next[i] = RECORD_NO_ROW;
	return row;
}

struct record_row *
record_table_add(struct record_table *t, const char *const field[RECORD_FIELD_COUNT])
{
	struct record_row *row;

	if (t->count >= t->max) {
		t->dropped++;
		return NULL;
	}
	if (t->count == t->room) {
		t->room *= 2;
		t->rows = xreallocarray(t->rows, t->room, sizeof(struct record_row *));
	}
	row = row_new(field);
	row->number = t->count;
	t->rows[t->count++] = row;
	for (size_t i = 0; i < RECORD_INDEXED; i++)
		index_add(t, i, row);
	return row;
}

uint32_t
record_table_count(const struct record_table *t)
{
	return t->count;
}

uint64_t
record_table_dropped(const struct record_table *t)
{
	return t->dropped;
}

bool
record_filter_match(const struct record_filter *f, const struct record_row *row)
{
	if (row->number < f->after || (f->own_only && !row->own) || (f->others_only && row->own))
		return false;
	for (size_t i = 0; i < RECORD_INDEXED; i++)
		if (f->match[i] != NULL &&
		    (row->field[i] == NULL || strcmp(row->field[i], f->match[i]) != 0))
			return false;
	return true;
}

/* The shortest chain that the filter names, or all rows from `after` on. */
static void
cursor_start(const struct record_table *t, const struct record_filter *f, struct record_cursor *c)
{
	uint32_t shortest = t->count > f->after ? t->count - f->after : 0;

	*c = (struct record_cursor){.started = true, .index = -1, .at = f->after};
	for (size_t i = 0; i < RECORD_INDEXED; i++) {
		const struct slot *s;

		if (f->match[i] == NULL)
			continue;
		s = slot_find(t, i, f->match[i], hash_of(f->match[i]));
		if (s->first != RECORD_NO_ROW && s->length > shortest)
			continue;
		c->index = (int)i;
		c->at = s->first;
		shortest = s->length;
	}
}

struct record_row *
record_table_next(
    const struct record_table *t, const struct record_filter *f, struct record_cursor *c)
{
	if (!c->started)
		cursor_start(t, f, c);
	while (c->at < t->count) {
		struct record_row *row = t->rows[c->at];

		c->at = c->index < 0 ? c->at + 1 : row->next[c->index];
		if (record_filter_match(f, row))
			return row;
	}
	return NULL;
}
