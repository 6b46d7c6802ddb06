/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers are brought to digits first, so that two spellings of one number are one recipient: the
 * first of them counts. What was said of the others is dropped with them.
 */
#include "waconnd/api/audience.h"

#include <stdlib.h>
#include <string.h>

#include "common/jsonw.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/api/blast_message.h"
#include "waconnd/blast/template.h"

/* A set of numbers of known size: open addressing; a random factor keeps chosen numbers from
 * meeting in one place. */
struct seen {
	uint64_t *slots; /* 0: empty; no number is 0 */
	size_t mask;
	uint64_t factor;
};

static void
seen_init(struct seen *s, size_t n)
{
	size_t size = 16;

	while (size < 2 * n)
		size *= 2;
	s->slots = xcalloc(size, sizeof(*s->slots));
	s->mask = size - 1;
	rng_bytes(&s->factor, sizeof(s->factor));
	s->factor |= 1;
}

/* Was it there before? */
static bool
seen_add(struct seen *s, uint64_t number)
{
	size_t i = (size_t)((number * s->factor) >> 20) & s->mask;

	while (s->slots[i] != 0 && s->slots[i] != number)
		i = (i + 1) & s->mask;
	if (s->slots[i] == number)
		return true;
	s->slots[i] = number;
	return false;
}

static void
take(struct audience *a, struct seen *seen, size_t index)
{
	struct audience_member *m = &a->members[a->n];
	const char *phone = a->blast->recipients[index]->phone;

	if (phone == NULL || phone_normalise(phone, PHONE_COUNTRY_DEFAULT, m->phone) < 0) {
		a->invalid[a->n_invalid++] = index;
		return;
	}
	if (seen_add(seen, strtoull(m->phone, NULL, 10))) {
		a->duplicates++;
		return;
	}
	m->index = index;
	m->outlet = AUDIENCE_NO_OUTLET;
	a->n++;
}

void
audience_read(struct audience *a, const Ipc__Blast *blast)
{
	struct seen seen;

	*a = (struct audience){.blast = blast};
	a->members = xcalloc(blast->n_recipients + 1, sizeof(*a->members));
	a->invalid = xcalloc(blast->n_recipients + 1, sizeof(*a->invalid));
	seen_init(&seen, blast->n_recipients);
	for (size_t i = 0; i < blast->n_recipients; i++)
		take(a, &seen, i);
	free(seen.slots);
}

void
audience_done(struct audience *a)
{
	free(a->members);
	free(a->invalid);
	a->members = NULL;
	a->invalid = NULL;
}

void
audience_skip(struct audience *a, size_t member, const char *reason)
{
	static const char *const reasons[] = {
	    "opted_out", "same_message", "blasted_recently", "not_on_whatsapp"};

	if (member >= a->n)
		return;
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (strcmp(reasons[i], reason) != 0)
			continue;
		a->members[member].skip = reasons[i];
		if (i == 0)
			a->opted_out++;
		else
			a->skipped++;
	}
}

size_t
audience_valid(const struct audience *a)
{
	return a->n - a->opted_out - a->skipped;
}

bool
audience_vars(const struct audience *a, size_t member, struct buf *out)
{
	const Ipc__Recipient *r = a->blast->recipients[a->members[member].index];
	struct jsonw j;

	if (r->name == NULL && r->n_vars == 0)
		return false;
	jsonw_init(&j, out);
	jsonw_object(&j, NULL);
	if (r->name != NULL)
		jsonw_str(&j, "name", r->name);
	/* Of one name given twice the last counts, here as in jsonb. */
	for (size_t i = 0; i < r->n_vars; i++)
		if (r->vars[i]->name != NULL && r->vars[i]->value != NULL)
			jsonw_str(&j, r->vars[i]->name, r->vars[i]->value);
	jsonw_object_end(&j);
	return true;
}

void
audience_render(const struct audience *a, size_t member, struct buf *out)
{
	struct buf json = BUF_INIT(1u << 20);
	struct template_vars vars = {.phone = a->members[member].phone};
	json_t *root = NULL;

	if (audience_vars(a, member, &json) && buf_ok(&json))
		root = json_loadb((const char *)json.data, json.len, 0, NULL);
	vars.vars = root;
	template_render_for(&vars, blast_message_text_for(a->blast, a->members[member].phone), out);
	json_decref(root);
	buf_done(&json);
}
