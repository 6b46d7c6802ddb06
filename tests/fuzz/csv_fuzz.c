/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a table: rows within their limits, and the same ones however the bytes come. */
#include "common/people.h"
#include "tests/fuzz/fuzz.h"

struct seen {
	size_t people, bad, bytes;
};

static bool
on_person(void *arg, const struct person *p)
{
	struct seen *s = arg;

	s->people++;
	must(strlen(p->phone) >= PHONE_DIGITS_MIN);
	must(p->name == NULL || strlen(p->name) <= PEOPLE_PERSON_MAX);
	must(p->n_tags <= PEOPLE_TAGS_MAX && p->n_vars <= CSV_FIELDS_MAX);
	for (size_t i = 0; i < p->n_vars; i++) {
		must(strlen(p->var_names[i]) <= PEOPLE_NAME_MAX);
		must(strlen(p->var_values[i]) <= PEOPLE_VALUE_MAX);
		s->bytes += strlen(p->var_values[i]);
	}
	return true;
}

static bool
on_bad(void *arg, unsigned line, const char *code, const char *value)
{
	struct seen *s = arg;

	must(line > 0 && code[0] != '\0' && value != NULL);
	s->bad++;
	return true;
}

static struct seen
read_all(const uint8_t *data, size_t size, size_t piece)
{
	static const struct people_ops ops = {on_person, on_bad};
	struct seen s = {0};
	struct people p;

	people_init(&p, &ops, &s);
	for (size_t at = 0; at < size; at += piece)
		people_feed(&p, (const char *)data + at, size - at < piece ? size - at : piece);
	people_end(&p);
	people_done(&p);
	return s;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct seen whole = read_all(data, size, size + 1), parts = read_all(data, size, 3);

	must(whole.people == parts.people && whole.bad == parts.bad && whole.bytes == parts.bytes);
	return 0;
}
