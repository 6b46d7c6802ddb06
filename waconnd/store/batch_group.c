/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows gathered for one transaction, found again by what identifies them. Knows nothing of
 * connections. */
#include "waconnd/store/batch_group.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

struct batch_group *
batch_group_new(void)
{
	struct batch_group *g = xcalloc(1, sizeof(*g));

	for (size_t k = 0; k < BATCH_KIND_COUNT; k++)
		TAILQ_INIT(&g->rows[k]);
	TAILQ_INIT(&g->commits);
	return g;
}

static void
row_free(struct batch_row *row)
{
	free(row->ident);
	free(row->outlet);
	for (size_t k = 0; k < BATCH_STRINGS; k++)
		free(row->s[k]);
	free(row->bytes);
	free(row);
}

void
batch_group_free(struct batch_group **gp)
{
	struct batch_group *g = *gp;
	struct batch_row *row;
	struct batch_commit *commit;

	if (g == NULL)
		return;
	for (size_t k = 0; k < BATCH_KIND_COUNT; k++) {
		while ((row = TAILQ_FIRST(&g->rows[k])) != NULL) {
			TAILQ_REMOVE(&g->rows[k], row, entry);
			row_free(row);
		}
	}
	while ((commit = TAILQ_FIRST(&g->commits)) != NULL) {
		TAILQ_REMOVE(&g->commits, commit, entry);
		free(commit->outlet);
		free(commit);
	}
	free(g);
	*gp = NULL;
}

/* FNV-1a */
static size_t
bucket(const char *ident)
{
	uint32_t h = 2166136261u;

	for (; *ident != '\0'; ident++)
		h = (h ^ (unsigned char)*ident) * 16777619u;
	return h % BATCH_BUCKETS;
}

struct batch_row *
batch_group_find(const struct batch_group *g, const char *ident)
{
	struct batch_row *row = g->buckets[bucket(ident)];

	while (row != NULL && strcmp(row->ident, ident) != 0)
		row = row->same_bucket;
	return row;
}

void
batch_group_remove(struct batch_group *g, struct batch_row *row)
{
	struct batch_row **at;

	if (row->ident != NULL) {
		for (at = &g->buckets[bucket(row->ident)]; *at != row; at = &(*at)->same_bucket)
			;
		*at = row->same_bucket;
	}
	TAILQ_REMOVE(&g->rows[row->kind], row, entry);
	g->n_rows--;
	g->bytes -= row->size;
	row_free(row);
}

static char *
copy(const char *s, size_t *size)
{
	if (s == NULL)
		return NULL;
	*size += strlen(s) + 1;
	return xstrdup(s);
}

struct batch_row *
batch_group_add(struct batch_group *g, enum batch_kind kind, char *take_ident, const char *outlet,
    const char *const s[BATCH_STRINGS], const int64_t i[BATCH_INTS], const void *bytes, size_t len)
{
	struct batch_row *row = xcalloc(1, sizeof(*row));

	row->kind = kind;
	row->size = sizeof(*row) + len;
	row->ident = take_ident;
	row->outlet = copy(outlet, &row->size);
	for (size_t k = 0; s != NULL && k < BATCH_STRINGS; k++)
		row->s[k] = copy(s[k], &row->size);
	if (i != NULL)
		memcpy(row->i, i, sizeof(row->i));
	if (bytes != NULL)
		row->bytes = xmemdup(bytes, len);
	row->len = len;
	if (take_ident != NULL) {
		struct batch_row **head = &g->buckets[bucket(take_ident)];

		row->same_bucket = *head;
		*head = row;
	}
	TAILQ_INSERT_TAIL(&g->rows[kind], row, entry);
	g->n_rows++;
	g->bytes += row->size;
	return row;
}

static int
compare_names(const void *a, const void *b)
{
	const char *const *x = a, *const *y = b;

	return strcmp(*x, *y);
}

char **
batch_group_outlets(const struct batch_group *g, size_t *ret_n)
{
	char **names = xcalloc(g->n_rows + 1, sizeof(*names));
	size_t n = 0, kept = 0;
	bool others = false;
	struct batch_row *row;

	for (size_t k = 0; k < BATCH_KIND_COUNT; k++) {
		TAILQ_FOREACH(row, &g->rows[k], entry)
		{
			if (row->outlet == NULL)
				others = true;
			else
				names[n++] = row->outlet;
		}
	}
	qsort(names, n, sizeof(*names), compare_names);
	for (size_t k = 0; k < n; k++) {
		if (k == 0 || strcmp(names[k], names[k - 1]) != 0)
			names[kept++] = names[k];
	}
	for (size_t k = 0; k < kept; k++)
		names[k] = xstrdup(names[k]);
	if (others)
		names[kept++] = xstrdup("");
	*ret_n = kept;
	return names;
}
