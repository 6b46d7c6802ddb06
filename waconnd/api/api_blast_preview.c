/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The preview of a blast: the plan as a document. Changes nothing. */
#include "waconnd/api/api_internal.h"
#include "waconnd/api/blast_plan.h"
#include "waconnd/blast/pacer.h"

#define INVALID_MAX 10000 /* numbers named in the answer */
#define SAMPLES DRAFT_SAMPLES
#define SAMPLE_MAX 65536
#define FIRST_CONTACTS_MANY 100

struct counts { /* of a plan's recipients */
	size_t total, duplicates, opted_out, skipped;
};

static struct counts
count(const struct blast_plan *p)
{
	const struct audience *a = &p->audience;
	const struct blast_draft *d = p->draft;

	if (d != NULL)
		return (struct counts){d->total, d->duplicates, d->opted_out, d->skipped};
	return (struct counts){a->blast->n_recipients, a->duplicates, a->opted_out, a->skipped};
}

static void
write_invalid(struct jsonw *j, const struct audience *a)
{
	for (size_t i = 0; i < a->n_invalid && i < INVALID_MAX; i++) {
		const char *phone = a->blast->recipients[a->invalid[i]]->phone;

		jsonw_object(j, NULL);
		jsonw_int(j, "line", (int64_t)a->invalid[i] + 1);
		jsonw_str(j, "phone", phone != NULL ? phone : "");
		jsonw_str(j, "reason", "invalid_number");
		jsonw_object_end(j);
	}
}

static void
write_recipients(struct jsonw *j, const struct blast_plan *p)
{
	const struct counts n = count(p);

	jsonw_object(j, "recipients");
	jsonw_int(j, "total", (int64_t)n.total);
	jsonw_int(j, "valid", (int64_t)blast_plan_valid(p));
	jsonw_array(j, "invalid");
	if (p->draft == NULL)
		write_invalid(j, &p->audience);
	else if (p->draft->invalid.len > 0)
		jsonw_raw(j, NULL, buf_str(&p->draft->invalid), p->draft->invalid.len);
	jsonw_array_end(j);
	jsonw_int(j, "duplicates", (int64_t)n.duplicates);
	jsonw_int(j, "optedOut", (int64_t)n.opted_out);
	/* Only who asked for it learns of it. */
	if (p->blast->skip_same_message || p->blast->skip_blasted_within_days > 0 ||
	    p->blast->skip_not_on_whatsapp)
		jsonw_int(j, "skipped", (int64_t)n.skipped);
	jsonw_object_end(j);
}

/* Past ten years nobody knows: null. */
static void
write_times(struct jsonw *j, int64_t starts_ms, int64_t finishes_ms)
{
	jsonw_time(j, "startsAt", starts_ms != PACER_NEVER ? starts_ms : 0);
	jsonw_time(j, "finishesAt", finishes_ms != PACER_NEVER ? finishes_ms : 0);
}

static void
write_outlets(const struct call *c, struct jsonw *j, const struct blast_plan *p)
{
	jsonw_array(j, "outlets");
	for (size_t i = 0; i < p->n_outlets; i++) {
		const struct blast_outlet *o = &p->outlets[i];
		struct buf reasons = BUF_INIT(1024);
		int64_t starts_ms = 0, finishes_ms = 0;
		struct outlet_pace pace;

		(void)blast_plan_outlet_estimate(c, p, i, &pace, &starts_ms, &finishes_ms);
		outlet_unhealthy_json(o->unhealthy, &reasons);
		jsonw_object(j, NULL);
		jsonw_str(j, "outletId", o->id);
		jsonw_bool(j, "healthy", o->unhealthy == 0);
		jsonw_raw(j, "reasons", buf_str(&reasons), reasons.len);
		jsonw_int(j, "recipients", (int64_t)o->count);
		jsonw_int(j, "firstContacts", (int64_t)o->first);
		write_times(j, starts_ms, finishes_ms);
		jsonw_object_end(j);
		buf_done(&reasons);
	}
	jsonw_array_end(j);
}

static void
warn(struct jsonw *j, const char *code, const char *outlet, const char *detail)
{
	jsonw_object(j, NULL);
	jsonw_str(j, "code", code);
	jsonw_str(j, "outletId", outlet);
	jsonw_str(j, "detail", detail);
	jsonw_object_end(j);
}

/* -- what a person may want to think about before it leaves -- */

static void
warn_of_outlet(const struct call *c, struct jsonw *j, const struct blast_plan *p, size_t i)
{
	const struct blast_outlet *o = &p->outlets[i];
	const struct outlet *live = outlets_find(c->env->outlets, o->id);
	const int64_t left = live != NULL ? outlet_chats_left(live) : -1;
	int64_t starts_ms, finishes_ms;
	struct outlet_pace pace;
	unsigned cap;

	if (o->unhealthy != 0)
		warn(j, "outlet_unhealthy", o->id, "It cannot send now and is left out.");
	if (blast_plan_outlet_estimate(c, p, i, &pace, &starts_ms, &finishes_ms) &&
	    (cap = pacer_cap(&pace, starts_ms)) > 0 && o->count * p->message.n > cap)
		warn(j, "over_daily_cap", o->id,
		    cap != pace.daily_cap
			? "It gets more than its warm-up allows on one day and takes several days."
			: "It gets more than its daily cap and takes several days.");
	if (o->first > 0 && live != NULL && !outlet_may_start_chats(live))
		warn(j, "outlet_restricted", o->id,
		    "WhatsApp lets it start no chats now: those of its recipients with whom it "
		    "has no chat wait.");
	else if (left >= 0 && o->first > (uint64_t)left)
		warn(j, "over_new_chat_quota", o->id,
		    "It has more first contacts than its quota of new chats allows: the rest "
		    "waits until the quota begins anew.");
}

static void
write_warnings(const struct call *c, struct jsonw *j, const struct blast_plan *p)
{
	size_t first = 0;

	jsonw_array(j, "warnings");
	for (size_t i = 0; i < p->n_outlets; i++) {
		warn_of_outlet(c, j, p, i);
		first += p->outlets[i].first;
	}
	if (first > FIRST_CONTACTS_MANY)
		warn(j, "many_first_contacts", NULL,
		    "Many of them have no chat with the outlet yet: WhatsApp restricts who starts "
		    "many chats.");
	jsonw_array_end(j);
}

static void
write_samples(struct jsonw *j, const struct audience *a)
{
	size_t shown = 0;

	for (size_t i = 0; i < a->n && shown < SAMPLES; i++) {
		struct buf text = BUF_INIT(SAMPLE_MAX);

		if (a->members[i].skip != NULL)
			continue;
		audience_render(a, i, &text);
		jsonw_str(j, NULL, buf_str(&text));
		buf_done(&text);
		shown++;
	}
}

static void
answer(struct call *c, struct blast_plan *p)
{
	int64_t starts_ms, finishes_ms;
	struct buf out;
	struct jsonw j;

	blast_plan_estimate(c, p, &starts_ms, &finishes_ms);
	call_begin(&j, &out);
	write_recipients(&j, p);
	write_outlets(c, &j, p);
	write_warnings(c, &j, p);
	jsonw_array(&j, "samples");
	if (p->draft == NULL)
		write_samples(&j, &p->audience);
	else if (p->draft->samples.len > 0)
		jsonw_raw(&j, NULL, buf_str(&p->draft->samples), p->draft->samples.len);
	jsonw_array_end(&j);
	if (p->message.n > 1)
		jsonw_int(&j, "messagesPerRecipient", (int64_t)p->message.n);
	jsonw_object(&j, "estimate");
	write_times(&j, starts_ms, finishes_ms);
	jsonw_object_end(&j);
	call_finish(c, &j, 200);
}

static void
on_planned(struct call *c, struct blast_plan *p)
{
	(void)p;
	blast_plan_first_contacts(c, answer);
}

void
api_blast_preview(struct call *c)
{
	blast_plan_make(c, c->request->blast_preview, false, on_planned);
}
