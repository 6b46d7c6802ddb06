/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * In this order: the rows come into blast_drafts (draft_read() for a table, one statement for
 * contacts), they are judged, counted, and the ones that no outlet knows are spread. Every
 * step is a statement of its own, so that nothing is held up for long.
 */
#include "waconnd/api/blast_draft.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/people.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/audience.h"
#include "waconnd/api/blast_plan.h"
#include "waconnd/blast/template.h"
#include "waconnd/store/array.h"

#define JUDGE_ROWS 20000
#define INVALID_SHOWN 1000
#define INVALID_MAX (1u << 20)
#define VALUE_MAX 64
#define VARS_MAX (1u << 18)
#define SAMPLE_MAX 65536

static void judge(struct call *c, size_t from);

bool
blast_draft_wanted(const Ipc__Blast *blast)
{
	return blast->from_contacts || blast->csv_media_id != NULL;
}

/* -- a table -- */

struct draft_reader {
	struct people people;
	struct blast_draft *draft;
	unsigned chunk;
	size_t rows; /* good ones */
	struct array positions, phones, vars;
	bool done;
};

static void
columns_init(struct draft_reader *r)
{
	array_init(&r->positions, ARRAY_INT8);
	array_init(&r->phones, ARRAY_TEXT);
	array_init(&r->vars, ARRAY_TEXT);
}

static void
columns_done(struct draft_reader *r)
{
	array_done(&r->positions);
	array_done(&r->phones);
	array_done(&r->vars);
}

static void
reader_free(struct draft_reader **r)
{
	if (*r == NULL)
		return;
	people_done(&(*r)->people);
	columns_done(*r);
	free(*r);
	*r = NULL;
}

static bool
on_person(void *arg, const struct person *p)
{
	struct draft_reader *r = arg;
	struct buf json = BUF_INIT(VARS_MAX);
	struct jsonw j;

	jsonw_init(&j, &json);
	jsonw_object(&j, NULL);
	if (p->name != NULL)
		jsonw_str(&j, "name", p->name);
	for (size_t i = 0; i < p->n_vars; i++)
		jsonw_str(&j, p->var_names[i], p->var_values[i]);
	jsonw_object_end(&j);
	array_int8(&r->positions, (int64_t)r->draft->end++);
	array_text(&r->phones, p->phone);
	array_text(
	    &r->vars, (p->name != NULL || p->n_vars > 0) && buf_ok(&json) ? buf_str(&json) : NULL);
	buf_done(&json);
	r->rows++;
	return ++r->draft->total <= AUDIENCE_MAX;
}

static bool
on_bad(void *arg, unsigned line, const char *code, const char *value)
{
	struct blast_draft *d = ((struct draft_reader *)arg)->draft;
	struct buf one = BUF_INIT(1024);
	struct jsonw j;

	d->total++;
	if (d->n_invalid++ < INVALID_SHOWN) {
		jsonw_init(&j, &one);
		jsonw_object(&j, NULL);
		jsonw_int(&j, "line", line);
		jsonw_strn(&j, "phone", value, strnlen(value, VALUE_MAX));
		jsonw_str(&j, "reason", code);
		jsonw_object_end(&j);
		if (d->invalid.len > 0)
			buf_add_u8(&d->invalid, ',');
		buf_add(&d->invalid, one.data, one.len);
	}
	buf_done(&one);
	return d->total <= AUDIENCE_MAX;
}

static void read_chunk(struct call *c);

/* Column of DRAFT_ADD: how many are new. */
static void
on_added(struct call *c, const PGresult *result)
{
	struct blast_plan *p = c->state;
	struct draft_reader *r = p->draft->reader;

	p->draft->duplicates += r->rows - strtoul(PQgetvalue(result, 0, 0), NULL, 10);
	columns_done(r);
	columns_init(r);
	r->rows = 0;
	if (!r->done) {
		read_chunk(c);
		return;
	}
	reader_free(&p->draft->reader);
	judge(c, 0);
}

static void
add_rows(struct call *c)
{
	struct blast_plan *p = c->state;
	struct draft_reader *r = p->draft->reader;
	const struct db_param params[] = {DB_TEXT(p->id), array_param(&r->positions),
	    array_param(&r->phones), array_param(&r->vars)};

	if (p->draft->total > AUDIENCE_MAX)
		call_invalid(
		    c, "audience.mediaId", "out_of_range", "A table of at most 200000 rows.");
	else
		call_query(c, SQL_DRAFT_ADD, params, 4, NULL, on_added);
}

/* Column of MEDIA_READ: bytes as PostgreSQL writes them. No row: it was the last one. */
static void
on_chunk(struct call *c, const PGresult *result)
{
	struct blast_plan *p = c->state;
	struct draft_reader *r = p->draft->reader;
	unsigned char *bytes;
	size_t len = 0;

	if (PQntuples(result) == 1 && !PQgetisnull(result, 0, 0)) {
		bytes = PQunescapeBytea((const unsigned char *)PQgetvalue(result, 0, 0), &len);
		people_feed(&r->people, (const char *)bytes, bytes != NULL ? len : 0);
		PQfreemem(bytes);
	}
	r->chunk++;
	if (len < IPC_MEDIA_CHUNK) {
		r->done = true;
		people_end(&r->people);
	}
	add_rows(c);
}

static void
read_chunk(struct call *c)
{
	const struct blast_plan *p = c->state;
	char chunk[16], length[16];

	(void)snprintf(chunk, sizeof(chunk), "%u", p->draft->reader->chunk);
	(void)snprintf(length, sizeof(length), "%u", (unsigned)IPC_MEDIA_CHUNK);
	{
		const struct db_param params[] = {DB_TEXT(p->blast->csv_media_id),
		    DB_TEXT(media_scope(c)), DB_TEXT(chunk), DB_TEXT("0"), DB_TEXT(length)};

		call_query(c, SQL_MEDIA_READ, params, 5, NULL, on_chunk);
	}
}

static void
on_media(struct call *c, const PGresult *result)
{
	static const struct people_ops ops = {on_person, on_bad};
	struct blast_plan *p = c->state;
	struct draft_reader *r;

	if (PQntuples(result) != 1) {
		call_invalid(
		    c, "audience.mediaId", "not_found", "There is no such file; upload it first.");
		return;
	}
	r = xcalloc(1, sizeof(*r));
	r->draft = p->draft;
	people_init(&r->people, &ops, r);
	columns_init(r);
	p->draft->reader = r;
	read_chunk(c);
}

/* -- contacts -- */

/* Columns of DRAFT_CONTACTS: how many, how many of them are new. */
static void
on_contacts(struct call *c, const PGresult *result)
{
	struct blast_draft *d = ((struct blast_plan *)c->state)->draft;

	d->total = strtoul(PQgetvalue(result, 0, 0), NULL, 10);
	d->duplicates = d->total - strtoul(PQgetvalue(result, 0, 1), NULL, 10);
	d->end = d->total + 1;
	judge(c, 0);
}

/* Those of the outlets that can send; of all that were asked for where none can. */
static void
add_contacts(struct call *c, const struct blast_plan *p)
{
	struct array outlets, tags;

	array_init(&outlets, ARRAY_TEXT);
	array_init(&tags, ARRAY_TEXT);
	for (size_t i = 0; i < p->n_outlets; i++)
		if (p->outlets[i].unhealthy == 0 || p->n_senders == 0)
			array_text(&outlets, p->outlets[i].id);
	for (size_t i = 0; i < p->blast->n_contact_tags; i++)
		array_text(&tags, p->blast->contact_tags[i]);
	{
		const struct db_param params[] = {
		    DB_TEXT(p->id), array_param(&outlets), array_param(&tags)};

		call_query(c, SQL_DRAFT_CONTACTS, params, 3, NULL, on_contacts);
	}
	array_done(&outlets);
	array_done(&tags);
}

/* -- samples -- */

static const char *
text_of(const Ipc__Blast *b, const PGresult *r, int row)
{
	const size_t variant = strtoul(PQgetvalue(r, row, 2), NULL, 10);

	return PQgetisnull(r, row, 2) || variant >= b->n_variants ? blast_message_text(b)
								  : b->variants[variant];
}

/* Columns of DRAFT_SAMPLES: phone, vars, variant. */
static void
on_samples(struct call *c, const PGresult *r)
{
	struct blast_plan *p = c->state;

	for (int i = 0; i < PQntuples(r); i++) {
		struct template_vars vars = {.phone = PQgetvalue(r, i, 0)};
		struct buf text = BUF_INIT(SAMPLE_MAX);
		struct jsonw j;
		json_t *root =
		    PQgetisnull(r, i, 1) ? NULL : json_loads(PQgetvalue(r, i, 1), 0, NULL);

		vars.vars = root;
		template_render_for(&vars, text_of(p->blast, r, i), &text);
		if (p->draft->samples.len > 0)
			buf_add_u8(&p->draft->samples, ',');
		jsonw_init(&j, &p->draft->samples);
		jsonw_str(&j, NULL, buf_str(&text));
		buf_done(&text);
		json_decref(root);
	}
	p->next(c, p);
}

/* -- counts, and the spread -- */

static struct blast_outlet *
find_outlet(struct blast_plan *p, const char *id)
{
	for (size_t i = 0; i < p->n_outlets; i++)
		if (strcmp(p->outlets[i].id, id) == 0)
			return &p->outlets[i];
	return NULL;
}

/* Those that no outlet knows: a block for each sender. */
static void
spread(const struct call *c, struct blast_plan *p, size_t n_unknown)
{
	struct spread_outlet *all;
	size_t next = 1;

	if (p->n_senders == 0)
		return;
	all = blast_plan_spread(c, p, n_unknown);
	p->draft->starts = xcalloc(p->n_senders, sizeof(*p->draft->starts));
	for (size_t i = 0; i < p->n_senders; i++) {
		p->draft->starts[i] = next;
		next += all[i].more;
		p->outlets[p->senders[i]].count += all[i].more;
	}
	free(all);
}

/* Columns of DRAFT_COUNTS: outlet, reason, how many. */
static void
on_counts(struct call *c, const PGresult *r)
{
	struct blast_plan *p = c->state;
	struct blast_draft *d = p->draft;
	char limit[16], variants[16];
	size_t unknown = 0;

	for (int i = 0; i < PQntuples(r); i++) {
		const size_t n = strtoul(PQgetvalue(r, i, 2), NULL, 10);
		struct blast_outlet *o;

		if (!PQgetisnull(r, i, 1)) {
			if (strcmp(PQgetvalue(r, i, 1), "opted_out") == 0)
				d->opted_out += n;
			else
				d->skipped += n;
			continue;
		}
		d->valid += n;
		o = PQgetisnull(r, i, 0) ? NULL : find_outlet(p, PQgetvalue(r, i, 0));
		if (o != NULL)
			o->count += n;
		else
			unknown += n;
	}
	spread(c, p, unknown);
	(void)snprintf(limit, sizeof(limit), "%d", DRAFT_SAMPLES);
	(void)snprintf(variants, sizeof(variants), "%zu", p->blast->n_variants);
	{
		const struct db_param params[] = {
		    DB_TEXT(p->id), DB_TEXT(limit), DB_TEXT(variants)};

		call_query(c, SQL_DRAFT_SAMPLES, params, 3, NULL, on_samples);
	}
}

/* Where each sender but the first begins among those without an outlet. */
static void
senders_and_starts(const struct blast_plan *p, struct array *senders, struct array *starts)
{
	array_init(senders, ARRAY_TEXT);
	array_init(starts, ARRAY_INT8);
	for (size_t i = 0; i < p->n_senders; i++) {
		array_text(senders, p->outlets[p->senders[i]].id);
		if (i > 0)
			array_int8(starts, (int64_t)p->draft->starts[i]);
	}
}

void
blast_draft_first_contacts(
    struct call *c, const struct blast_plan *p, void (*next)(struct call *c, const PGresult *r))
{
	struct array senders, starts;

	senders_and_starts(p, &senders, &starts);
	{
		const struct db_param params[] = {
		    DB_TEXT(p->id), array_param(&senders), array_param(&starts)};

		call_query(c, SQL_DRAFT_FIRST_CONTACTS, params, 3, NULL, next);
	}
	array_done(&senders);
	array_done(&starts);
}

/* -- judging -- */

static void
on_judged(struct call *c, const PGresult *result)
{
	struct blast_plan *p = c->state;
	const struct db_param id = DB_TEXT(p->id);

	(void)result;
	p->draft->judged += JUDGE_ROWS;
	if (p->draft->judged < p->draft->end)
		judge(c, p->draft->judged);
	else
		call_query(c, SQL_DRAFT_COUNTS, &id, 1, NULL, on_counts);
}

static void
judge(struct call *c, size_t from)
{
	struct blast_plan *p = c->state;
	const Ipc__Blast *b = p->blast;
	const char *text = blast_message_text(b);
	char days[16], first[24], last[24];
	struct array senders;

	p->draft->judged = from;
	array_init(&senders, ARRAY_TEXT);
	for (size_t i = 0; i < p->n_senders; i++)
		array_text(&senders, p->outlets[p->senders[i]].id);
	(void)snprintf(days, sizeof(days), "%u", b->skip_blasted_within_days);
	(void)snprintf(first, sizeof(first), "%zu", from);
	(void)snprintf(last, sizeof(last), "%zu", from + JUDGE_ROWS);
	{
		const struct db_param params[] = {DB_TEXT(p->id), array_param(&senders),
		    DB_TEXT(b->skip_same_message && text[0] != '\0' ? text : NULL), DB_TEXT(days),
		    DB_TEXT(first), DB_TEXT(last), DB_TEXT(b->skip_not_on_whatsapp ? "t" : "f")};

		call_query(c, SQL_DRAFT_JUDGE, params, 7, NULL, on_judged);
	}
	array_done(&senders);
}

/* -- life -- */

void
blast_draft_make(struct call *c, struct blast_plan *p)
{
	const struct db_param params[] = {DB_TEXT(p->blast->csv_media_id), DB_TEXT(media_scope(c))};

	p->draft = xcalloc(1, sizeof(*p->draft));
	p->db = c->env->store->db;
	buf_init(&p->draft->invalid, INVALID_MAX);
	buf_init(&p->draft->samples, DRAFT_SAMPLES * 2 * SAMPLE_MAX);
	if (p->blast->from_contacts)
		add_contacts(c, p);
	else
		call_query(c, SQL_MEDIA_GET, params, 2, NULL, on_media);
}

static void
on_ended(void *arg, enum db_error error, const PGresult *result)
{
	(void)arg;
	(void)result;
	if (error != DB_OK)
		log_debug("draft.end", LOG_STR("why", db_error_text(error)));
}

void
blast_draft_free(struct blast_draft **dp, struct db *db, const char *blast)
{
	const struct db_param id = DB_TEXT(blast);
	struct blast_draft *d = *dp;

	if (d == NULL)
		return;
	if (!d->ended)
		(void)db_query(db, SQL_DRAFT_END, &id, 1, on_ended, NULL);
	reader_free(&d->reader);
	buf_done(&d->invalid);
	buf_done(&d->samples);
	free(d->starts);
	free(d);
	*dp = NULL;
}

void
blast_draft_sweep(struct db *db)
{
	(void)db_query(db, SQL_DRAFT_SWEEP, NULL, 0, on_ended, NULL);
}

/* -- becoming recipients -- */

struct draft_keep {
	struct array senders, starts;
	struct db_param id;
	char variants[16];
	struct {
		char from[24], until[24];
		struct db_param params[6];
	} portions[];
};

static size_t
n_portions(const struct blast_draft *d)
{
	return (d->end + DRAFT_KEEP_ROWS - 1) / DRAFT_KEEP_ROWS;
}

size_t
blast_draft_steps_max(const struct blast_draft *d)
{
	return n_portions(d) + 1;
}

size_t
blast_draft_steps(
    const struct blast_plan *p, struct db_step *ret_steps, struct draft_keep **ret_keep)
{
	const size_t n = n_portions(p->draft);
	struct draft_keep *k = xcalloc(1, sizeof(*k) + n * sizeof(k->portions[0]));

	senders_and_starts(p, &k->senders, &k->starts);
	k->id = DB_TEXT(p->id);
	(void)snprintf(k->variants, sizeof(k->variants), "%zu", p->blast->n_variants);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(
		    k->portions[i].from, sizeof(k->portions[i].from), "%zu", i * DRAFT_KEEP_ROWS);
		(void)snprintf(k->portions[i].until, sizeof(k->portions[i].until), "%zu",
		    (i + 1) * DRAFT_KEEP_ROWS);
		k->portions[i].params[0] = k->id;
		k->portions[i].params[1] = array_param(&k->senders);
		k->portions[i].params[2] = array_param(&k->starts);
		k->portions[i].params[3] = DB_TEXT(k->portions[i].from);
		k->portions[i].params[4] = DB_TEXT(k->portions[i].until);
		k->portions[i].params[5] = DB_TEXT(k->variants);
		ret_steps[i] = (struct db_step){SQL_DRAFT_KEEP, k->portions[i].params, 6};
	}
	ret_steps[n] = (struct db_step){SQL_DRAFT_END, &k->id, 1};
	*ret_keep = k;
	return n + 1;
}

void
draft_keep_free(struct draft_keep **keep)
{
	if (*keep == NULL)
		return;
	array_done(&(*keep)->senders);
	array_done(&(*keep)->starts);
	free(*keep);
	*keep = NULL;
}
