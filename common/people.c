/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From columns to people. Keeps the columns' names and nothing of the rows. */
#include "common/people.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

static const char *const phone_words[] = {"phone", "phone_number", "phonenumber", "number", "nomor",
    "nomer", "telepon", "telpon", "telp", "tel", "hp", "no_hp", "nohp", "nomor_hp", "handphone",
    "ponsel", "whatsapp", "no_whatsapp", "nomor_whatsapp", "wa", "no_wa", "nomor_wa", "msisdn",
    "mobile", "mobile_number", "nomor_telepon", "no_telepon", "no_telp", "phone_no", NULL};
static const char *const name_words[] = {
    "name", "nama", "full_name", "fullname", "nama_lengkap", "customer", "pelanggan", NULL};
static const char *const tag_words[] = {"tag", "tags", "label", "labels", "grup", "group", NULL};

static bool
is_one_of(const char *word, const char *const *words)
{
	for (; *words != NULL; words++)
		if (strcmp(*words, word) == 0)
			return true;
	return false;
}

/* As templates write names: [a-z0-9_]. False: nothing is left. */
static bool
make_name(const char *text, char out[PEOPLE_NAME_MAX + 1])
{
	size_t n = 0;

	for (; *text != '\0' && n < PEOPLE_NAME_MAX; text++) {
		if (isalnum((unsigned char)*text))
			out[n++] = (char)tolower((unsigned char)*text);
		else if (n > 0 && out[n - 1] != '_')
			out[n++] = '_';
	}
	while (n > 0 && out[n - 1] == '_')
		n--;
	out[n] = '\0';
	return n > 0;
}

static bool
is_phone(const char *text)
{
	char digits[PHONE_DIGITS_MAX + 1];

	return phone_normalise(text, PHONE_COUNTRY_DEFAULT, digits) == 0;
}

/* The first row as names of columns. False: it has no word for a number. */
static bool
read_names(struct people *p, const struct csv_row *row)
{
	char name[PEOPLE_NAME_MAX + 1];

	for (size_t i = 0; i < row->n; i++) {
		if (!make_name(row->fields[i], name))
			continue;
		if (p->phone == PEOPLE_NONE && is_one_of(name, phone_words))
			p->phone = i;
		else if (p->name == PEOPLE_NONE && is_one_of(name, name_words))
			p->name = i;
		else if (p->tags == PEOPLE_NONE && is_one_of(name, tag_words))
			p->tags = i;
		else
			p->variables[i] = xstrdup(name);
	}
	p->n_columns = row->n;
	return p->phone != PEOPLE_NONE;
}

static void
forget_names(struct people *p)
{
	for (size_t i = 0; i < CSV_FIELDS_MAX; i++) {
		free(p->variables[i]);
		p->variables[i] = NULL;
	}
	p->phone = p->name = p->tags = PEOPLE_NONE;
}

/* No names: the number stands where one does. */
static void
guess(struct people *p, const struct csv_row *row)
{
	char name[32];

	forget_names(p);
	for (size_t i = 0; i < row->n && p->phone == PEOPLE_NONE; i++)
		if (is_phone(row->fields[i]))
			p->phone = i;
	for (size_t i = 0; i < row->n && p->phone != PEOPLE_NONE; i++) {
		if (i == p->phone)
			continue;
		if (p->name == PEOPLE_NONE) {
			p->name = i;
			continue;
		}
		(void)snprintf(name, sizeof(name), "column%zu", i + 1);
		p->variables[i] = xstrdup(name);
	}
}

static void
read_tags(struct person *one, char *list)
{
	char *rest = list, *word;

	while (one->n_tags < PEOPLE_TAGS_MAX && (word = strsep(&rest, ",;|")) != NULL) {
		size_t len;

		word += strspn(word, " ");
		len = strlen(word);
		while (len > 0 && word[len - 1] == ' ')
			word[--len] = '\0';
		if (len > 0 && len <= PEOPLE_NAME_MAX)
			one->tags[one->n_tags++] = word;
	}
}

static const char *
cell(const struct csv_row *row, size_t column)
{
	return column < row->n && row->fields[column][0] != '\0' ? row->fields[column] : NULL;
}

static bool
has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if (iscntrl((unsigned char)*text))
			return true;
	return false;
}

/* Its name, tags and variables. NULL, or a code of what is wrong and where. */
static const char *
read_person(const struct people *p, const struct csv_row *row, char *tags, struct person *one,
    const char **ret_value)
{
	one->name = cell(row, p->name);
	*ret_value = "";
	if (one->name != NULL && strlen(one->name) > PEOPLE_PERSON_MAX)
		return "value_too_long";
	if (tags != NULL)
		read_tags(one, tags);
	for (size_t i = 0; i < one->n_tags; i++)
		if (has_control(one->tags[i]))
			return "invalid_tag";
	for (size_t i = 0; i < row->n; i++) {
		const char *value = cell(row, i);

		if (value == NULL || p->variables[i] == NULL)
			continue;
		*ret_value = p->variables[i];
		if (strlen(value) > PEOPLE_VALUE_MAX)
			return "value_too_long";
		one->var_names[one->n_vars] = p->variables[i];
		one->var_values[one->n_vars++] = value;
	}
	return NULL;
}

static bool
take_row(struct people *p, const struct csv_row *row)
{
	struct person one = {.line = row->line};
	const char *phone = cell(row, p->phone), *tags = cell(row, p->tags), *code, *value;
	char *list;
	bool more;

	if (phone == NULL || phone_normalise(phone, PHONE_COUNTRY_DEFAULT, one.phone) < 0)
		return p->ops->bad(p->arg, row->line, "invalid_number", phone != NULL ? phone : "");
	list = tags != NULL ? xstrdup(tags) : NULL;
	code = read_person(p, row, list, &one, &value);
	more = code != NULL ? p->ops->bad(p->arg, row->line, code, value)
			    : p->ops->person(p->arg, &one);
	free(list);
	return more;
}

static bool
on_row(void *arg, const struct csv_row *row)
{
	struct people *p = arg;

	if (row->n == 0)
		return p->ops->bad(p->arg, row->line, row->problem, "");
	p->rows++;
	if (!p->known) {
		p->known = true;
		if (read_names(p, row))
			return true;
		guess(p, row);
		if (p->phone == PEOPLE_NONE) {
			p->hopeless = true;
			(void)p->ops->bad(p->arg, row->line, "no_phone_column", row->fields[0]);
			return false;
		}
	}
	return take_row(p, row);
}

void
people_init(struct people *p, const struct people_ops *ops, void *arg)
{
	memset(p, 0, sizeof(*p));
	p->ops = ops;
	p->arg = arg;
	p->phone = p->name = p->tags = PEOPLE_NONE;
	csv_init(&p->csv, on_row, p);
}

void
people_feed(struct people *p, const char *data, size_t len)
{
	csv_feed(&p->csv, data, len);
}

void
people_end(struct people *p)
{
	csv_end(&p->csv);
}

void
people_done(struct people *p)
{
	forget_names(p);
	csv_done(&p->csv);
}
