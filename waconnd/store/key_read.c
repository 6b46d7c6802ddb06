/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Questions gathered into rounds, and answers handed out by position. It unseals nothing. */
#include "waconnd/store/key_read.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "common/xalloc.h"
#include "waconnd/store/array.h"

struct key_read {
	TAILQ_ENTRY(key_read) entry;
	const struct key_read_ops *ops; /* NULL: forgotten */
	void *arg;
	size_t from; /* position of its first in the round */
};
TAILQ_HEAD(reads, key_read);

struct round { /* one question to the database */
	TAILQ_ENTRY(round) entry;
	struct key_reads *owner;
	struct reads reads;
	struct key_read **of; /* by position: whose it is */
	size_t n;
	uint64_t ticket;
};

struct key_reads {
	struct db *db;
	struct event *ask;
	struct reads reads; /* being gathered, in the order of the arrays */
	struct array outlets, kinds, names;
	struct key_read *of[KEY_READ_MAX];
	size_t n;
	TAILQ_HEAD(, round) rounds;
};

static void
reads_free(struct reads *reads)
{
	struct key_read *k;

	while ((k = TAILQ_FIRST(reads)) != NULL) {
		TAILQ_REMOVE(reads, k, entry);
		free(k);
	}
}

static void
round_free(struct round *t)
{
	TAILQ_REMOVE(&t->owner->rounds, t, entry);
	reads_free(&t->reads);
	free(t->of);
	free(t);
}

/* "\x…" as PostgreSQL writes bytea. */
static void
hand_out(const struct round *t, const PGresult *result, int row)
{
	const unsigned long long n = strtoull(PQgetvalue(result, row, 0), NULL, 10);
	const struct key_read *k = n >= 1 && n <= t->n ? t->of[n - 1] : NULL;
	unsigned char *sealed;
	size_t len = 0;

	if (k == NULL || k->ops == NULL)
		return;
	sealed = PQunescapeBytea((const unsigned char *)PQgetvalue(result, row, 1), &len);
	k->ops->found(k->arg, (size_t)n - 1 - k->from, sealed, len);
	PQfreemem(sealed);
}

static void
on_rows(void *arg, enum db_error error, const PGresult *result)
{
	struct round *t = arg;
	struct key_read *k;

	t->ticket = 0;
	for (int row = 0; error == DB_OK && row < PQntuples(result); row++)
		hand_out(t, result, row);
	/* A callback may forget others of the round, which therefore live until its end. */
	TAILQ_FOREACH(k, &t->reads, entry)
	{
		const struct key_read_ops *ops = k->ops;

		k->ops = NULL;
		if (ops != NULL)
			ops->done(k->arg, error);
	}
	round_free(t);
}

static void
arrays_init(struct key_reads *r)
{
	array_init(&r->outlets, ARRAY_TEXT);
	array_init(&r->kinds, ARRAY_INT2);
	array_init(&r->names, ARRAY_TEXT);
	r->n = 0;
}

static void
arrays_done(struct key_reads *r)
{
	array_done(&r->outlets);
	array_done(&r->kinds);
	array_done(&r->names);
}

static void
send_round(struct key_reads *r)
{
	struct round *t = xcalloc(1, sizeof(*t));
	const struct db_param params[] = {
	    array_param(&r->outlets), array_param(&r->kinds), array_param(&r->names)};

	t->owner = r;
	t->n = r->n;
	t->of = xmemdup(r->of, r->n * sizeof(struct key_read *));
	TAILQ_INIT(&t->reads);
	TAILQ_CONCAT(&t->reads, &r->reads, entry);
	TAILQ_INSERT_TAIL(&r->rounds, t, entry);
	t->ticket = db_read(r->db, SQL_KEY_GET, params, 3, on_rows, t);
	arrays_done(r);
	arrays_init(r);
}

static void
on_ask(evutil_socket_t fd, short what, void *arg)
{
	struct key_reads *r = arg;

	(void)fd;
	(void)what;
	if (r->n > 0)
		send_round(r);
}

struct key_read *
key_reads_add(struct key_reads *r, const char *outlet, const struct key_name *names, size_t n,
    const struct key_read_ops *ops, void *arg)
{
	struct key_read *k = xcalloc(1, sizeof(*k));

	if (n > KEY_READ_MAX)
		abort();
	if (r->n + n > KEY_READ_MAX)
		send_round(r);
	k->ops = ops;
	k->arg = arg;
	k->from = r->n;
	TAILQ_INSERT_TAIL(&r->reads, k, entry);
	for (size_t i = 0; i < n; i++) {
		array_text(&r->outlets, outlet);
		array_int2(&r->kinds, (int16_t)names[i].kind);
		array_text(&r->names, names[i].name);
		r->of[r->n++] = k;
	}
	event_active(r->ask, EV_TIMEOUT, 0);
	return k;
}

void
key_read_forget(struct key_read *k)
{
	k->ops = NULL;
}

struct key_reads *
key_reads_new(struct event_base *base, struct db *db)
{
	struct key_reads *r = xcalloc(1, sizeof(*r));

	r->db = db;
	r->ask = event_new(base, -1, 0, on_ask, r);
	if (r->ask == NULL)
		abort();
	TAILQ_INIT(&r->reads);
	TAILQ_INIT(&r->rounds);
	arrays_init(r);
	return r;
}

void
key_reads_free(struct key_reads **rp)
{
	struct key_reads *r = *rp;
	struct round *t;

	if (r == NULL)
		return;
	while ((t = TAILQ_FIRST(&r->rounds)) != NULL) {
		if (t->ticket != 0)
			db_forget(r->db, t->ticket);
		round_free(t);
	}
	reads_free(&r->reads);
	arrays_done(r);
	event_free(r->ask);
	free(r);
	*rp = NULL;
}
