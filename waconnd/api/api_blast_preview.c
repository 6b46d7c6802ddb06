/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The preview of a blast: the plan as a document. Changes nothing. */
#include "waconnd/api/api_internal.h"
#include "waconnd/api/blast_plan.h"

#define INVALID_MAX 10000 /* numbers named in the answer */
#define SAMPLES 3
#define SAMPLE_MAX 65536

static void
write_recipients(struct jsonw *j, const struct audience *a)
{
	jsonw_object(j, "recipients");
	jsonw_int(j, "total", (int64_t)a->blast->n_recipients);
	jsonw_int(j, "valid", (int64_t)audience_valid(a));
	jsonw_array(j, "invalid");
	for (size_t i = 0; i < a->n_invalid && i < INVALID_MAX; i++) {
		const char *phone = a->blast->recipients[a->invalid[i]]->phone;

		jsonw_object(j, NULL);
		jsonw_int(j, "line", (int64_t)a->invalid[i] + 1);
		jsonw_str(j, "phone", phone != NULL ? phone : "");
		jsonw_str(j, "reason", "invalid_number");
		jsonw_object_end(j);
	}
	jsonw_array_end(j);
	jsonw_int(j, "duplicates", (int64_t)a->duplicates);
	jsonw_int(j, "optedOut", (int64_t)a->opted_out);
	/* Only who asked for it learns of it. */
	if (a->blast->skip_same_message || a->blast->skip_blasted_within_days > 0)
		jsonw_int(j, "skipped", (int64_t)a->skipped);
	jsonw_object_end(j);
}

static void
write_outlets(struct jsonw *j, const struct blast_plan *p)
{
	jsonw_array(j, "outlets");
	for (size_t i = 0; i < p->n_outlets; i++) {
		const struct blast_outlet *o = &p->outlets[i];
		struct buf reasons = BUF_INIT(1024);

		outlet_unhealthy_json(o->unhealthy, &reasons);
		jsonw_object(j, NULL);
		jsonw_str(j, "outletId", o->id);
		jsonw_bool(j, "healthy", o->unhealthy == 0);
		jsonw_raw(j, "reasons", buf_str(&reasons), reasons.len);
		jsonw_int(j, "recipients", (int64_t)o->count);
		jsonw_object_end(j);
		buf_done(&reasons);
	}
	jsonw_array_end(j);
}

static void
write_samples(struct jsonw *j, const struct audience *a)
{
	size_t shown = 0;

	jsonw_array(j, "samples");
	for (size_t i = 0; i < a->n && shown < SAMPLES; i++) {
		struct buf text = BUF_INIT(SAMPLE_MAX);

		if (a->members[i].skip != NULL)
			continue;
		audience_render(a, i, &text);
		jsonw_str(j, NULL, buf_str(&text));
		buf_done(&text);
		shown++;
	}
	jsonw_array_end(j);
}

static void
on_planned(struct call *c, struct blast_plan *p)
{
	int64_t starts_ms, finishes_ms;
	struct buf out;
	struct jsonw j;

	blast_plan_estimate(c, p, &starts_ms, &finishes_ms);
	call_begin(&j, &out);
	write_recipients(&j, &p->audience);
	write_outlets(&j, p);
	write_samples(&j, &p->audience);
	if (p->message.n > 1)
		jsonw_int(&j, "messagesPerRecipient", (int64_t)p->message.n);
	jsonw_object(&j, "estimate");
	jsonw_time(&j, "startsAt", starts_ms);
	jsonw_time(&j, "finishesAt", finishes_ms);
	jsonw_object_end(&j);
	call_finish(c, &j, 200);
}

void
api_blast_preview(struct call *c)
{
	blast_plan_make(c, c->request->blast_preview, false, on_planned);
}
