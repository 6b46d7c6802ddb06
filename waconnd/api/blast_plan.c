/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From a request to a plan, in this order: fields, outlets, numbers, what the database knows of the
 * numbers, and the spread over the outlets: a recipient stays with the outlet that wrote to it
 * last, the rest is spread by what each outlet may still send.
 */
#include "waconnd/api/blast_plan.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/pace.h"
#include "waconnd/api/request.h"
#include "waconnd/blast/pacer.h"
#include "waconnd/blast/spread.h"
#include "waconnd/store/array.h"

#define NAME_MAX_BYTES 200
#define OUTLETS_MAX 1000
#define TAGS_MAX 20
#define DAYS_MAX 3650
#define PAST_MS (5 * 60 * 1000) /* how late a schedule may come: clocks differ */
#define FIELDS_MAX 16

static void
plan_free(void *state)
{
	struct blast_plan *p = state;

	audience_done(&p->audience);
	blast_message_done(&p->message);
	blast_draft_free(&p->draft, p->db, p->id);
	buf_done(&p->pace);
	free(p->outlets);
	free(p->senders);
	free(p);
}

/* -- fields -- */

struct errors {
	struct problem_field list[FIELDS_MAX];
	size_t n;
};

static void
wrong(struct errors *e, bool is_wrong, const char *field, const char *code, const char *detail)
{
	if (is_wrong && e->n < FIELDS_MAX)
		e->list[e->n++] = (struct problem_field){field, code, detail};
}

static void
check_times(const Ipc__Blast *b, int64_t now, struct errors *e)
{
	const int64_t start = b->schedule_at_ms > now ? b->schedule_at_ms : now;

	wrong(e, b->has_schedule_at_ms && b->schedule_at_ms < now - PAST_MS, "scheduleAt",
	    "out_of_range", "It is past.");
	wrong(e, b->has_expires_at_ms && b->expires_at_ms <= start, "expiresAt", "out_of_range",
	    "It must be later than now and than scheduleAt.");
}

static void
check_fields(struct blast_plan *p, struct errors *e)
{
	const Ipc__Blast *b = p->blast;
	const char *field, *detail;
	const bool bad_pace = pace_to_json(b->pace, &p->pace, &field, &detail) < 0;

	wrong(e, b->name != NULL && b->name[0] != '\0' && !request_is_name(b->name, NAME_MAX_BYTES),
	    "name", "invalid", "At most 200 bytes, no control characters.");
	e->n += blast_message_check(b, e->list + e->n, FIELDS_MAX - e->n);
	wrong(e, !blast_draft_wanted(b) && (b->n_recipients == 0 || b->n_recipients > AUDIENCE_MAX),
	    "audience.numbers", "out_of_range", "1 to 200000 numbers.");
	wrong(e, (b->n_recipients > 0) + (b->from_contacts != 0) + (b->csv_media_id != NULL) > 1,
	    "audience", "not_allowed", "One kind of audience.");
	wrong(e, b->n_contact_tags > TAGS_MAX, "audience.tags", "out_of_range", "At most 20 tags.");
	wrong(e, !b->all_outlets && (b->n_outlets == 0 || b->n_outlets > OUTLETS_MAX), "outlets",
	    "out_of_range", "\"all\" or 1 to 1000 outlet ids.");
	wrong(e, b->skip_blasted_within_days > DAYS_MAX, "skip.blastedWithinDays", "out_of_range",
	    "0 to 3650 days.");
	if (bad_pace)
		wrong(e, true, field, "out_of_range", detail);
	check_times(b, clock_wall_ms(), e);
}

/* -- outlets -- */

static void
add_outlet(struct blast_plan *p, const struct outlet *o)
{
	struct blast_outlet *to;

	for (size_t i = 0; i < p->n_outlets; i++)
		if (strcmp(p->outlets[i].id, outlet_id(o)) == 0)
			return;
	to = &p->outlets[p->n_outlets++];
	memcpy(to->id, outlet_id(o), strnlen(outlet_id(o), sizeof(to->id) - 1));
	to->unhealthy = outlet_unhealthy(o);
}

static void
choose_all(struct call *c, struct blast_plan *p)
{
	const char *scope = call_scope(c);
	size_t n = outlets_count(c->env->outlets);

	p->outlets = xcalloc(n + 1, sizeof(*p->outlets));
	for (size_t i = 0; i < n; i++) {
		const struct outlet *o = outlets_at(c->env->outlets, i);

		if (scope == NULL || strcmp(scope, outlet_id(o)) == 0)
			add_outlet(p, o);
	}
}

static int
compare_senders(const void *a, const void *b, void *arg)
{
	const struct blast_outlet *outlets = arg;

	return strcmp(outlets[*(const size_t *)a].id, outlets[*(const size_t *)b].id);
}

/* -1: answered. */
static int
choose_outlets(struct call *c, struct blast_plan *p)
{
	const Ipc__Blast *b = p->blast;

	if (b->all_outlets) {
		choose_all(c, p);
	} else {
		p->outlets = xcalloc(b->n_outlets, sizeof(*p->outlets));
		for (size_t i = 0; i < b->n_outlets; i++) {
			const struct outlet *o = call_outlet(c, b->outlets[i]);

			if (o == NULL)
				return -1;
			add_outlet(p, o);
		}
	}
	p->senders = xcalloc(p->n_outlets + 1, sizeof(*p->senders));
	for (size_t i = 0; i < p->n_outlets; i++)
		if (p->outlets[i].unhealthy == 0)
			p->senders[p->n_senders++] = i;
	if (p->n_senders > 0)
		qsort_r(p->senders, p->n_senders, sizeof(*p->senders), compare_senders, p->outlets);
	return 0;
}

/* -- recipients -- */

static size_t
find_sender(const struct blast_plan *p, const char *id)
{
	size_t low = 0, high = p->n_senders;

	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const int order = strcmp(id, p->outlets[p->senders[middle]].id);

		if (order == 0)
			return p->senders[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return AUDIENCE_NO_OUTLET;
}

static int64_t
starts_at(const struct blast_plan *p)
{
	const int64_t now = clock_wall_ms();

	return p->blast->schedule_at_ms > now ? p->blast->schedule_at_ms : now;
}

struct spread_outlet *
blast_plan_spread(const struct call *c, const struct blast_plan *p, size_t n_more)
{
	struct spread_outlet *all = xcalloc(p->n_senders, sizeof(*all));
	const int64_t from_ms = starts_at(p), until_ms = from_ms + SPREAD_DAYS * 86400000LL;

	for (size_t i = 0; i < p->n_senders; i++) {
		const struct blast_outlet *to = &p->outlets[p->senders[i]];
		const struct outlet *o = outlets_find(c->env->outlets, to->id);
		struct outlet_pace pace;

		all[i].count = to->count;
		if (o == NULL)
			continue;
		pace = outlet_pace(o);
		outlet_pace_overlay(&pace, buf_str(&p->pace));
		all[i].chats_left = outlet_may_start_chats(o) ? outlet_chats_left(o) : 0;
		all[i].n_stretches = blasts_stretches(
		    o, &pace, from_ms, until_ms, all[i].stretches, SPREAD_STRETCHES);
	}
	spread_fill(all, p->n_senders, n_more, p->message.n, from_ms);
	return all;
}

/* Those who know an outlet first; what is skipped stands under some outlet and does not count. */
static void
assign(const struct call *c, struct blast_plan *p)
{
	struct audience *a = &p->audience;
	struct spread_outlet *all;
	struct spread s;
	size_t more = 0;

	if (p->n_senders == 0)
		return;
	for (size_t i = 0; i < a->n; i++) {
		if (a->members[i].skip != NULL)
			continue;
		if (a->members[i].outlet != AUDIENCE_NO_OUTLET)
			p->outlets[a->members[i].outlet].count++;
		else
			more++;
	}
	all = blast_plan_spread(c, p, more);
	for (size_t i = 0; i < p->n_senders; i++)
		p->outlets[p->senders[i]].count += all[i].more;
	spread_init(&s, all, p->n_senders);
	for (size_t i = 0; i < a->n; i++)
		if (a->members[i].outlet == AUDIENCE_NO_OUTLET)
			a->members[i].outlet =
			    p->senders[a->members[i].skip == NULL ? spread_next(&s) : 0];
	spread_done(&s);
	free(all);
}

/* Columns of BLAST_AUDIENCE: member, why skipped, outlet that reached it last. */
static void
on_known(struct call *c, const PGresult *r)
{
	struct blast_plan *p = c->state;

	for (int i = 0; i < PQntuples(r); i++) {
		const size_t member = strtoul(PQgetvalue(r, i, 0), NULL, 10);

		if (!PQgetisnull(r, i, 1))
			audience_skip(&p->audience, member, PQgetvalue(r, i, 1));
		if (!PQgetisnull(r, i, 2) && member < p->audience.n)
			p->audience.members[member].outlet = find_sender(p, PQgetvalue(r, i, 2));
	}
	assign(c, p);
	p->next(c, p);
}

static void
ask_database(struct call *c, struct blast_plan *p)
{
	const Ipc__Blast *b = p->blast;
	struct array phones, senders;
	char days[16];

	array_init(&phones, ARRAY_TEXT);
	array_init(&senders, ARRAY_TEXT);
	for (size_t i = 0; i < p->audience.n; i++)
		array_text(&phones, p->audience.members[i].phone);
	for (size_t i = 0; i < p->n_senders; i++)
		array_text(&senders, p->outlets[p->senders[i]].id);
	(void)snprintf(days, sizeof(days), "%u", b->skip_blasted_within_days);
	{
		const char *text = blast_message_text(b);
		const struct db_param params[] = {array_param(&phones), array_param(&senders),
		    DB_TEXT(b->skip_same_message && text[0] != '\0' ? text : NULL), DB_TEXT(days),
		    DB_TEXT(b->skip_not_on_whatsapp ? "t" : "f")};

		call_query(c, SQL_BLAST_AUDIENCE, params, 5, NULL, on_known);
	}
	array_done(&phones);
	array_done(&senders);
}

static void
take_message(struct call *c, const PGresult *media)
{
	struct blast_plan *p = c->state;

	if (blast_message_make(c, p->blast, media, &p->message) < 0)
		return;
	if (blast_draft_wanted(p->blast)) {
		blast_draft_make(c, p);
		return;
	}
	audience_read(&p->audience, p->blast);
	ask_database(c, p);
}

static void
look_up_media(struct call *c, const Ipc__Blast *b)
{
	struct array ids;

	if (b->n_media == 0) {
		take_message(c, NULL);
		return;
	}
	array_init(&ids, ARRAY_TEXT);
	for (size_t i = 0; i < b->n_media; i++)
		array_text(&ids, b->media[i]->id);
	{
		const struct db_param params[] = {array_param(&ids), DB_TEXT(media_scope(c))};

		call_query(c, SQL_BLAST_MEDIA, params, 2, NULL, take_message);
	}
	array_done(&ids);
}

void
blast_plan_make(struct call *c, const Ipc__Blast *blast, bool needs_healthy,
    void (*next)(struct call *c, struct blast_plan *p))
{
	struct blast_plan *p = xcalloc(1, sizeof(*p));
	struct errors errors = {.n = 0};

	p->blast = blast;
	p->next = next;
	buf_init(&p->pace, 4096);
	rng_id("blast_", p->id, sizeof(p->id));
	c->state = p;
	c->free_state = plan_free;
	check_fields(p, &errors);
	if (errors.n > 0) {
		call_invalid_fields(c, errors.list, errors.n);
		return;
	}
	if (choose_outlets(c, p) < 0)
		return;
	if (needs_healthy && p->n_senders == 0) {
		call_problem(c, "no_healthy_outlet", NULL);
		return;
	}
	look_up_media(c, blast);
}

size_t
blast_plan_valid(const struct blast_plan *p)
{
	return p->draft != NULL ? p->draft->valid : audience_valid(&p->audience);
}

/* Columns of BLAST_FIRST_CONTACTS: outlet, how many. */
static void
on_first_contacts(struct call *c, const PGresult *r)
{
	struct blast_plan *p = c->state;

	for (int i = 0; i < PQntuples(r); i++)
		for (size_t k = 0; k < p->n_outlets; k++)
			if (strcmp(p->outlets[k].id, PQgetvalue(r, i, 0)) == 0)
				p->outlets[k].first = strtoul(PQgetvalue(r, i, 1), NULL, 10);
	p->next(c, p);
}

void
blast_plan_first_contacts(struct call *c, void (*next)(struct call *c, struct blast_plan *p))
{
	struct blast_plan *p = c->state;
	const struct audience *a = &p->audience;
	struct array outlets, phones;

	p->next = next;
	if (p->n_senders == 0) {
		next(c, p);
		return;
	}
	if (p->draft != NULL) {
		blast_draft_first_contacts(c, p, on_first_contacts);
		return;
	}
	array_init(&outlets, ARRAY_TEXT);
	array_init(&phones, ARRAY_TEXT);
	for (size_t i = 0; i < a->n; i++) {
		if (a->members[i].skip != NULL)
			continue;
		array_text(&outlets, p->outlets[a->members[i].outlet].id);
		array_text(&phones, a->members[i].phone);
	}
	{
		const struct db_param params[] = {array_param(&outlets), array_param(&phones)};

		call_query(c, SQL_BLAST_FIRST_CONTACTS, params, 2, NULL, on_first_contacts);
	}
	array_done(&outlets);
	array_done(&phones);
}

/* -- what is told of it -- */

void
blast_plan_rejected(const struct blast_plan *p, struct buf *out)
{
	struct jsonw j;

	jsonw_init(&j, out);
	jsonw_array(&j, NULL);
	for (size_t i = 0; i < p->n_outlets; i++) {
		struct buf reasons = BUF_INIT(1024);

		if (p->outlets[i].unhealthy == 0)
			continue;
		outlet_unhealthy_json(p->outlets[i].unhealthy, &reasons);
		jsonw_object(&j, NULL);
		jsonw_str(&j, "outletId", p->outlets[i].id);
		jsonw_raw(&j, "reasons", buf_str(&reasons), reasons.len);
		jsonw_object_end(&j);
		buf_done(&reasons);
	}
	jsonw_array_end(&j);
}

bool
blast_plan_outlet_estimate(const struct call *c, const struct blast_plan *p, size_t outlet,
    struct outlet_pace *ret_pace, int64_t *ret_starts_ms, int64_t *ret_finishes_ms)
{
	const struct outlet *o = outlets_find(c->env->outlets, p->outlets[outlet].id);

	if (o == NULL || p->outlets[outlet].count == 0)
		return false;
	*ret_pace = outlet_pace(o);
	outlet_pace_overlay(ret_pace, buf_str(&p->pace));
	blasts_estimate(o, ret_pace, starts_at(p), p->outlets[outlet].count * p->message.n,
	    ret_starts_ms, ret_finishes_ms);
	return true;
}

void
blast_plan_estimate(const struct call *c, const struct blast_plan *p, int64_t *ret_starts_ms,
    int64_t *ret_finishes_ms)
{
	int64_t first = PACER_NEVER, last = 0;

	for (size_t i = 0; i < p->n_outlets; i++) {
		struct outlet_pace pace;
		int64_t starts, finishes;

		if (!blast_plan_outlet_estimate(c, p, i, &pace, &starts, &finishes))
			continue;
		first = starts < first ? starts : first;
		last = finishes > last ? finishes : last;
	}
	*ret_starts_ms = first != PACER_NEVER ? first : 0;
	*ret_finishes_ms = last != PACER_NEVER ? last : 0;
}
