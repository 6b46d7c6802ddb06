/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Creating a blast: its row, its recipients and the answer under an Idempotency-Key are one
 * transaction, committed before the 202. The engine sends; nothing here does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/fault_point.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/blast_plan.h"
#include "waconnd/api/idempotency.h"
#include "waconnd/store/array.h"

#define CHUNK 10000 /* recipients of one statement */
#define VARS_MAX (1u << 20)
#define NAME_DEFAULT "Blast"
#define CHUNK_PARAMS 7

enum {
	COLUMN_OUTLET,
	COLUMN_PHONE,
	COLUMN_VARS,
	COLUMN_STATUS,
	COLUMN_REASON,
	COLUMN_VARIANT,
	COLUMNS
};

struct chunk {
	struct array columns[COLUMNS];
	struct db_param params[CHUNK_PARAMS];
};

static void
chunk_add(struct chunk *k, const struct blast_plan *p, size_t member)
{
	const struct audience_member *m = &p->audience.members[member];
	struct buf vars = BUF_INIT(VARS_MAX);
	const bool has_vars = audience_vars(&p->audience, member, &vars);

	array_text(&k->columns[COLUMN_OUTLET], p->outlets[m->outlet].id);
	array_text(&k->columns[COLUMN_PHONE], m->phone);
	array_text(&k->columns[COLUMN_VARS], has_vars && buf_ok(&vars) ? buf_str(&vars) : NULL);
	array_text(&k->columns[COLUMN_STATUS], m->skip == NULL ? "QUEUED" : "SKIPPED");
	array_text(&k->columns[COLUMN_REASON], m->skip);
	if (m->skip == NULL && blast_message_variant(p->blast, m->phone) >= 0) {
		char variant[16];

		(void)snprintf(
		    variant, sizeof(variant), "%d", blast_message_variant(p->blast, m->phone));
		array_text(&k->columns[COLUMN_VARIANT], variant);
	} else {
		array_text(&k->columns[COLUMN_VARIANT], NULL);
	}
	buf_done(&vars);
}

static void
chunk_make(struct chunk *k, const struct blast_plan *p, size_t from)
{
	for (size_t i = 0; i < COLUMNS; i++)
		array_init(&k->columns[i], ARRAY_TEXT);
	for (size_t i = from; i < p->audience.n && i < from + CHUNK; i++)
		chunk_add(k, p, i);
	k->params[0] = DB_TEXT(p->id);
	for (size_t i = 0; i < COLUMNS; i++)
		k->params[i + 1] = array_param(&k->columns[i]);
}

static void
chunk_done(struct chunk *k)
{
	for (size_t i = 0; i < COLUMNS; i++)
		array_done(&k->columns[i]);
}

static void
audit_created(const struct call *c, const struct blast_plan *p)
{
	char detail[96];

	(void)snprintf(detail, sizeof(detail), "{\"recipients\": %zu, \"outlets\": %zu}",
	    blast_plan_valid(p), p->n_senders);
	call_audit(c, "blast_create", p->id, detail);
}

static void
on_created(struct call *c, const PGresult *result)
{
	const struct blast_plan *p = c->state;

	if (p->draft != NULL)
		p->draft->ended = true;
	if (PQntuples(result) != 1) {
		call_problem(c, "internal", NULL);
		return;
	}
	FAULT_POINT("blast.accepted");
	audit_created(c, p);
	blasts_changed(c->env->blasts, p->id);
	for (size_t i = 0; i < p->n_senders; i++) {
		struct outlet *o = outlets_find(c->env->outlets, p->outlets[p->senders[i]].id);

		if (o != NULL)
			blasts_added(c->env->blasts, o);
	}
	call_reply_text(c, 202, PQgetvalue(result, 0, 0), (size_t)PQgetlength(result, 0, 0), NULL);
}

struct head { /* the parameters of the blast's own row */
	struct array outlets;
	char schedule[32], expires[32];
	struct db_param params[12];
};

/* Outlets that got nobody have no part in the blast. */
static void
head_make(struct head *h, const struct call *c, const struct blast_plan *p)
{
	const Ipc__Blast *b = p->blast;
	const bool scheduled = b->has_schedule_at_ms && b->schedule_at_ms > clock_wall_ms();

	array_init(&h->outlets, ARRAY_TEXT);
	for (size_t i = 0; i < p->n_outlets; i++)
		if (p->outlets[i].count > 0)
			array_text(&h->outlets, p->outlets[i].id);
	(void)snprintf(h->schedule, sizeof(h->schedule), "%lld", (long long)b->schedule_at_ms);
	(void)snprintf(h->expires, sizeof(h->expires), "%lld", (long long)b->expires_at_ms);
	h->params[0] = DB_TEXT(p->id);
	h->params[1] = DB_TEXT(b->name != NULL && b->name[0] != '\0' ? b->name : NAME_DEFAULT);
	h->params[2] = DB_TEXT(scheduled ? "SCHEDULED" : "RUNNING");
	h->params[3] = DB_TEXT(blast_message_text(b));
	h->params[4] = DB_TEXT(buf_str(&p->pace));
	h->params[5] = array_param(&h->outlets);
	h->params[6] = DB_TEXT(c->who.name);
	h->params[7] = DB_TEXT(b->has_schedule_at_ms ? h->schedule : NULL);
	h->params[8] = DB_TEXT(b->has_expires_at_ms ? h->expires : NULL);
	h->params[9] = DB_TEXT(p->message.parts.len > 0 ? buf_str(&p->message.parts) : NULL);
	h->params[10] = DB_TEXT(p->message.more.len > 0 ? buf_str(&p->message.more) : NULL);
	h->params[11] = DB_TEXT(b->skip_not_on_whatsapp ? "t" : "f");
}

static void
keep(struct call *c, struct blast_plan *p)
{
	const size_t n_chunks = (p->audience.n + CHUNK - 1) / CHUNK;
	struct chunk *chunks = xcalloc(n_chunks, sizeof(*chunks));
	struct db_step *steps =
	    xcalloc(n_chunks + 3 + (p->draft != NULL ? blast_draft_steps_max(p->draft) : 0),
		sizeof(*steps));
	struct draft_keep *draft = NULL;
	struct buf rejected = BUF_INIT(CALL_ANSWER_MAX);
	struct idempotency key;
	struct head head;
	size_t n = 0;

	idempotency_params(c, &key);
	head_make(&head, c, p);
	blast_plan_rejected(p, &rejected);
	{
		const struct db_param old[] = {key.user, key.key};
		const struct db_param created[] = {
		    DB_TEXT(p->id), DB_TEXT(buf_str(&rejected)), key.user, key.key, key.hash};

		steps[n++] = (struct db_step){SQL_IDEMPOTENCY_END, old, 2};
		steps[n++] = (struct db_step){SQL_BLAST_ADD, head.params, 12};
		for (size_t i = 0; i < n_chunks; i++) {
			chunk_make(&chunks[i], p, i * CHUNK);
			steps[n++] = (struct db_step){
			    SQL_BLAST_RECIPIENTS_ADD, chunks[i].params, CHUNK_PARAMS};
		}
		if (p->draft != NULL)
			n += blast_draft_steps(p, steps + n, &draft);
		steps[n++] = (struct db_step){SQL_BLAST_CREATED, created, 5};
		call_transaction(c, steps, n, NULL, on_created);
		FAULT_POINT("blast.asked");
	}
	for (size_t i = 0; i < n_chunks; i++)
		chunk_done(&chunks[i]);
	draft_keep_free(&draft);
	array_done(&head.outlets);
	buf_done(&rejected);
	free(chunks);
	free(steps);
}

static void
on_planned(struct call *c, struct blast_plan *p)
{
	if (blast_plan_valid(p) == 0)
		call_problem(c, "no_valid_recipient", NULL);
	else
		keep(c, p);
}

static void
create(struct call *c)
{
	blast_plan_make(c, c->request->blast_create, true, on_planned);
}

void
api_blast_create(struct call *c)
{
	idempotency_begin(c, create);
}
