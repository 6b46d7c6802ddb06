/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * people: rows of a table (csv.h) as people with a telephone number, a name, tags and variables.
 * The first row names the columns, in English or Indonesian, if one of its cells is a word for a
 * number; if not, the column with a number is the number, the next one the name. Every other column
 * is a variable of its name, written as templates do ("Kode Promo" is kode_promo).
 */
#ifndef COMMON_PEOPLE_H
#define COMMON_PEOPLE_H

#include "common/csv.h"
#include "common/phone.h"

#define PEOPLE_TAGS_MAX 20
#define PEOPLE_NAME_MAX 64 /* bytes of a variable's name */
#define PEOPLE_VALUE_MAX 1024
#define PEOPLE_PERSON_MAX 200 /* bytes of a person's name */
#define PEOPLE_NONE SIZE_MAX

struct person { /* valid during the call */
	unsigned line;
	char phone[PHONE_DIGITS_MAX + 1];
	const char *name; /* NULL: none */
	const char *tags[PEOPLE_TAGS_MAX];
	size_t n_tags;
	const char *var_names[CSV_FIELDS_MAX], *var_values[CSV_FIELDS_MAX];
	size_t n_vars;
};

struct people_ops {
	/* false: no more. */
	bool (*person)(void *arg, const struct person *p);
	/* A row that is none: its line, a code, and what stood there (may be ""). */
	bool (*bad)(void *arg, unsigned line, const char *code, const char *value);
};

struct people {
	const struct people_ops *ops;
	void *arg;
	struct csv csv;
	bool known;    /* the columns are */
	bool hopeless; /* there is no column with numbers */
	size_t phone, name, tags;
	char *variables[CSV_FIELDS_MAX]; /* NULL: none */
	size_t n_columns;
	size_t rows;
};

void people_init(struct people *p, const struct people_ops *ops, void *arg);
void people_feed(struct people *p, const char *data, size_t len);
void people_end(struct people *p);
void people_done(struct people *p);

#endif
