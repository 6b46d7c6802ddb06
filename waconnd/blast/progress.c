/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Events about blasts and messages. A blast that moves is read from the database at most twice a
 * second and goes out as one "blast" event when its JSON has changed; for a while after its last
 * message it is looked at now and then, for the receipts that trickle in.
 */
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/jsonw.h"
#include "common/xalloc.h"
#include "waconnd/blast/queue.h"

#define PROGRESS_MAX 256
#define LINGER_MS (10 * 60 * 1000)

struct progress { /* one blast that moves */
	LIST_ENTRY(progress) entry;
	struct blasts *b;
	char blast[QUEUE_ID_MAX];
	bool dirty;
	uint64_t ticket;
	char *last;	    /* JSON of the last event */
	int64_t touched_ms; /* monotonic */
};

static void
progress_free(struct progress *p)
{
	if (p->ticket != 0)
		db_forget(p->b->store->db, p->ticket);
	LIST_REMOVE(p, entry);
	p->b->n_progress--;
	free(p->last);
	free(p);
}

void
progress_done(struct blasts *b)
{
	while (!LIST_EMPTY(&b->progress))
		progress_free(LIST_FIRST(&b->progress));
}

void
progress_touch(struct blasts *b, const char *blast)
{
	struct progress *p;

	if (blast[0] == '\0')
		return;
	LIST_FOREACH(p, &b->progress, entry)
	if (strcmp(p->blast, blast) == 0)
		break;
	if (p == NULL) {
		if (b->n_progress >= PROGRESS_MAX)
			return;
		p = xcalloc(1, sizeof(*p));
		p->b = b;
		(void)snprintf(p->blast, sizeof(p->blast), "%s", blast);
		LIST_INSERT_HEAD(&b->progress, p, entry);
		b->n_progress++;
	}
	p->dirty = true;
	p->touched_ms = clock_monotonic_ms();
}

/* Who may see it: the one outlet that it is for, or administrators. */
static char *
only_outlet(const char *json)
{
	json_t *root = json_loads(json, 0, NULL);
	const json_t *outlets = json_object_get(root, "outlets");
	char *id = NULL;

	if (json_array_size(outlets) == 1 && json_is_string(json_array_get(outlets, 0)))
		id = xstrdup(json_string_value(json_array_get(outlets, 0)));
	json_decref(root);
	return id;
}

static void
on_blast(void *arg, enum db_error error, const PGresult *r)
{
	struct progress *p = arg;
	const char *json;
	char *outlet;

	p->ticket = 0;
	if (error != DB_OK || PQntuples(r) == 0 || PQgetisnull(r, 0, 0))
		return;
	json = PQgetvalue(r, 0, 0);
	if (p->last != NULL && strcmp(p->last, json) == 0)
		return;
	free(p->last);
	p->last = xstrdup(json);
	/* Still moving, if only by receipts. */
	p->touched_ms = clock_monotonic_ms();
	outlet = only_outlet(json);
	hub_publish(p->b->hub, "blast", outlet, json, strlen(json));
	free(outlet);
}

void
progress_flush(struct blasts *b)
{
	struct progress *p;

	if (!db_up(b->store->db))
		return;
	LIST_FOREACH(p, &b->progress, entry)
	{
		const struct db_param params[] = {DB_TEXT(p->blast), DB_TEXT(NULL)};

		if (!p->dirty || p->ticket != 0)
			continue;
		p->dirty = false;
		p->ticket = db_query(b->store->db, SQL_BLAST_GET, params, 2, on_blast, p);
	}
}

void
progress_sweep(struct blasts *b)
{
	const int64_t now = clock_monotonic_ms();
	struct progress *p, *next;

	for (p = LIST_FIRST(&b->progress); p != NULL; p = next) {
		next = LIST_NEXT(p, entry);
		if (now - p->touched_ms > LINGER_MS)
			progress_free(p);
		else
			p->dirty = true;
	}
}

/* A single message goes out as an event of its own; a blast's counts in its blast. */
void
progress_message(struct queue *q, const struct item *i, const char *status, const char *reason)
{
	struct buf data = BUF_INIT(1024);
	char id[32];
	struct jsonw j;

	if (i->blast[0] != '\0') {
		progress_touch(q->b, i->blast);
		return;
	}
	(void)snprintf(id, sizeof(id), "msg_%" PRId64, i->id);
	jsonw_init(&j, &data);
	jsonw_object(&j, NULL);
	jsonw_str(&j, "outletId", outlet_id(q->o));
	jsonw_str(&j, "messageId", id);
	jsonw_str(&j, "direction", "out");
	jsonw_str(&j, "peer", i->phone);
	jsonw_str(&j, "status", status);
	jsonw_str(&j, "reason", reason);
	jsonw_object_end(&j);
	if (buf_ok(&data))
		hub_publish(q->b->hub, "message", outlet_id(q->o), buf_str(&data), data.len);
	buf_done(&data);
}
