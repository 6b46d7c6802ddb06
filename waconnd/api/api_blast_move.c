/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What waits at one outlet of a blast is given to others. The daemon that owns the outlet does it
 * (forward.c): it alone knows what is in hand. In portions, so that nobody else waits long; while
 * they go on, nothing more is taken into hand there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/blast_row.h"
#include "waconnd/store/array.h"

#define OUTLETS_MAX 1000
#define PORTION 2000
#define IDS_MAX (64 * 1024)
#define DETAIL_MAX 160

struct move { /* a call's state */
	struct blasts *blasts;
	struct outlets *outlets;
	char from[40];
	bool held; /* nothing is claimed there */
	long long n;
	struct array to; /* healthy ones */
	struct buf rejected;
};

/* The outlet may be gone by now, and its queue with it. */
static void
let_claim(struct move *m)
{
	struct outlet *o = outlets_find(m->outlets, m->from);

	if (m->held && o != NULL)
		blasts_moving(m->blasts, o, false);
	m->held = false;
}

static void
move_free(void *state)
{
	struct move *m = state;

	let_claim(m);
	array_done(&m->to);
	buf_done(&m->rejected);
	free(m);
}

/* -- the answer -- */

static void
answer(struct call *c, const PGresult *blast)
{
	struct move *m = c->state;
	struct buf out;
	struct jsonw j;

	if (PQntuples(blast) != 1) {
		call_problem(c, "not_found", NULL);
		return;
	}
	call_begin(&j, &out);
	jsonw_raw(&j, "blast", PQgetvalue(blast, 0, 0), (size_t)PQgetlength(blast, 0, 0));
	jsonw_int(&j, "moved", m->n);
	jsonw_raw(&j, "rejectedOutlets", buf_str(&m->rejected), m->rejected.len);
	call_finish(c, &j, 200);
}

static void
audit(const struct call *c, const struct move *m)
{
	const Ipc__BlastMove *q = c->request->blast_move;
	struct buf detail = BUF_INIT(IDS_MAX);
	struct jsonw j;

	jsonw_init(&j, &detail);
	jsonw_object(&j, NULL);
	jsonw_str(&j, "from", q->from);
	jsonw_array(&j, "to");
	for (size_t i = 0; i < q->n_to; i++)
		jsonw_str(&j, NULL, q->to[i]);
	jsonw_array_end(&j);
	jsonw_int(&j, "recipients", m->n);
	jsonw_object_end(&j);
	call_audit(c, "blast_move", q->id, buf_str(&detail));
	buf_done(&detail);
}

static void
finish(struct call *c)
{
	const Ipc__BlastMove *q = c->request->blast_move;
	struct move *m = c->state;

	let_claim(m);
	if (m->n == 0) {
		call_problem(c, "nothing_to_move", NULL);
		return;
	}
	audit(c, m);
	blasts_changed(c->env->blasts, q->id);
	for (size_t i = 0; i < q->n_to; i++) {
		struct outlet *o = outlets_find(c->env->outlets, q->to[i]);

		if (o != NULL)
			blasts_added(c->env->blasts, o);
	}
	blast_row_ask(c, q->id, answer);
}

/* -- portions -- */

static void move_portion(struct call *c);

/* Column of BLAST_MOVE: how many; -1: another daemon's by now. */
static void
on_portion(struct call *c, const PGresult *result)
{
	struct move *m = c->state;
	const long n = strtol(PQgetvalue(result, 0, 0), NULL, 10);

	if (n < 0) {
		call_problem(c, "owner_unavailable", NULL);
		return;
	}
	m->n += n;
	if (n == PORTION)
		move_portion(c);
	else
		finish(c);
}

static void
move_portion(struct call *c)
{
	const Ipc__BlastMove *q = c->request->blast_move;
	const struct store *store = c->env->store;
	struct move *m = c->state;
	struct outlet *o = call_outlet(c, q->from);
	struct buf in_hand = BUF_INIT(IDS_MAX);
	char before[24], limit[16], epoch[24];

	if (o == NULL)
		return;
	if (!m->held)
		blasts_moving(c->env->blasts, o, true);
	m->held = true;
	blasts_in_hand(c->env->blasts, o, &in_hand);
	(void)snprintf(before, sizeof(before), "%lld", m->n);
	(void)snprintf(limit, sizeof(limit), "%d", PORTION);
	(void)snprintf(epoch, sizeof(epoch), "%lld", (long long)store->epoch);
	if (buf_ok(&in_hand)) {
		const struct db_param params[] = {DB_TEXT(q->id), DB_TEXT(q->from),
		    array_param(&m->to), DB_TEXT(buf_str(&in_hand)), DB_TEXT(before),
		    DB_TEXT(limit), DB_TEXT(store->instance), DB_TEXT(epoch)};

		call_query(c, SQL_BLAST_MOVE, params, 8, NULL, on_portion);
	} else {
		call_problem(c, "internal", NULL);
	}
	buf_done(&in_hand);
}

/* Columns of BLAST_GET: JSON, status, is it wholly the caller's. */
static void
on_blast(struct call *c, const PGresult *r)
{
	const char *status = PQntuples(r) == 1 ? PQgetvalue(r, 0, 1) : "";

	if (PQntuples(r) == 1 && PQgetvalue(r, 0, 2)[0] == 't' &&
	    (strcmp(status, "RUNNING") == 0 || strcmp(status, "PAUSED") == 0 ||
		strcmp(status, "SCHEDULED") == 0))
		move_portion(c);
	else
		blast_row_refuse(c, r);
}

/* -- the request -- */

static void
reject(struct jsonw *j, const struct outlet *o)
{
	struct buf reasons = BUF_INIT(1024);

	outlet_unhealthy_json(outlet_unhealthy(o), &reasons);
	jsonw_object(j, NULL);
	jsonw_str(j, "outletId", outlet_id(o));
	jsonw_raw(j, "reasons", buf_str(&reasons), reasons.len);
	jsonw_object_end(j);
	buf_done(&reasons);
}

static bool
is_again(const Ipc__BlastMove *q, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (strcmp(q->to[k], q->to[i]) == 0)
			return true;
	return false;
}

/* Those that can send take; -1: answered. */
static int
choose(struct call *c, struct move *m)
{
	const Ipc__BlastMove *q = c->request->blast_move;
	struct jsonw j;

	jsonw_init(&j, &m->rejected);
	jsonw_array(&j, NULL);
	for (size_t i = 0; i < q->n_to; i++) {
		const struct outlet *o = call_outlet(c, q->to[i]);

		if (o == NULL)
			return -1;
		if (outlet_unhealthy(o) != 0)
			reject(&j, o);
		else if (!is_again(q, i))
			array_text(&m->to, q->to[i]);
	}
	jsonw_array_end(&j);
	return 0;
}

static bool
fields_valid(struct call *c, const Ipc__BlastMove *q)
{
	const char *field = NULL, *detail = NULL;

	if (q->n_to == 0 || q->n_to > OUTLETS_MAX) {
		field = "to";
		detail = "1 to 1000 outlet ids.";
	}
	for (size_t i = 0; field == NULL && i < q->n_to; i++) {
		if (strcmp(q->to[i], q->from) != 0)
			continue;
		field = "to";
		detail = "Other outlets than the one that they come from.";
	}
	if (field != NULL)
		call_invalid(c, field, "out_of_range", detail);
	return field == NULL;
}

void
api_blast_move(struct call *c)
{
	const Ipc__BlastMove *q = c->request->blast_move;
	struct move *m;

	if (call_outlet(c, q->from) == NULL || !fields_valid(c, q))
		return;
	m = xcalloc(1, sizeof(*m));
	m->blasts = c->env->blasts;
	m->outlets = c->env->outlets;
	(void)snprintf(m->from, sizeof(m->from), "%s", q->from);
	array_init(&m->to, ARRAY_TEXT);
	buf_init(&m->rejected, CALL_ANSWER_MAX);
	c->state = m;
	c->free_state = move_free;
	if (choose(c, m) < 0)
		return;
	if (m->to.n == 0)
		call_problem(c, "no_healthy_outlet", NULL);
	else
		blast_row_ask(c, q->id, on_blast);
}
