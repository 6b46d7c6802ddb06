/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Configuration files against a table of known keys. libinih splits the lines; what it hands out is
 * checked here. It never applies a file half: the caller throws the target away when conf_read
 * reports errors.
 */
#include "common/conf.h"

#include <errno.h>
#include <ini.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define CONF_KEYS_MAX 64

struct conf_reader {
	const char *path;
	FILE *file;
	unsigned line; /* of what libinih is working on: one for each line it read */
	const struct conf_key *keys;
	void *target;
	struct buf *errors;
	unsigned seen[CONF_KEYS_MAX]; /* line of each key's first use */
	bool failed;
};

static void
complain(struct conf_reader *r, const char *what, const char *section, const char *name,
    const char *more)
{
	r->failed = true;
	buf_addf(r->errors, "%s:%u: %s: [%s] %s%s%s\n", r->path, r->line, what, section, name,
	    more != NULL ? ": " : "", more != NULL ? more : "");
}

static const struct conf_key *
find_key(const struct conf_reader *r, const char *section, const char *name)
{
	for (const struct conf_key *k = r->keys; k->section != NULL; k++) {
		if (strcmp(k->section, section) == 0 && strcmp(k->name, name) == 0)
			return k;
	}
	return NULL;
}

static int
on_value(void *arg, const char *section, const char *name, const char *value)
{
	struct conf_reader *r = arg;
	const struct conf_key *key = find_key(r, section, name);
	const char *err = NULL;
	size_t index;

	if (key == NULL) {
		complain(r, "unknown key", section, name, NULL);
		return 1;
	}
	index = (size_t)(key - r->keys);
	if (index < CONF_KEYS_MAX) {
		if (r->seen[index] != 0 && !key->repeats)
			complain(r, "given twice", section, name, NULL);
		r->seen[index] = r->line;
	}
	if (key->set(r->target, key, value, &err) < 0)
		complain(r, "bad value", section, name, err);
	return 1;
}

static char *
read_line(char *str, int num, void *stream)
{
	struct conf_reader *r = stream;

	r->line++;
	return fgets(str, num, r->file);
}

int
conf_read(const char *path, const struct conf_key *keys, void *target, struct buf *errors)
{
	struct conf_reader r = {.path = path, .keys = keys, .target = target, .errors = errors};
	int bad_line;

	r.file = fopen(path, "re");
	if (r.file == NULL) {
		buf_addf(errors, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	bad_line = ini_parse_stream(read_line, &r, on_value, &r);
	if (bad_line != 0) {
		r.failed = true;
		buf_addf(errors, "%s:%d: neither [section] nor key = value\n", path, bad_line);
	}
	fclose(r.file);
	return r.failed ? -1 : 0;
}

int
conf_set_string(void *target, const struct conf_key *key, const char *value, const char **err)
{
	char **field = (char **)((char *)target + key->offset);

	(void)err;
	free(*field);
	*field = xstrdup(value);
	return 0;
}

int
conf_set_bool(void *target, const struct conf_key *key, const char *value, const char **err)
{
	static const struct {
		const char *word;
		bool value;
	} words[] = {{"yes", true}, {"true", true}, {"on", true}, {"1", true}, {"no", false},
	    {"false", false}, {"off", false}, {"0", false}};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].word, value) == 0) {
			*(bool *)((char *)target + key->offset) = words[i].value;
			return 0;
		}
	}
	*err = "expected yes or no";
	return -1;
}

/* A whole decimal number from 0 to max; *ret_rest is what stands behind it. */
static int
parse_number(const char *value, unsigned long long max, unsigned long long *ret, char **ret_rest)
{
	if (value[0] < '0' || value[0] > '9')
		return -1;
	errno = 0;
	*ret = strtoull(value, ret_rest, 10);
	return errno != 0 || *ret > max ? -1 : 0;
}

int
conf_set_uint(void *target, const struct conf_key *key, const char *value, const char **err)
{
	unsigned long long number;
	char *rest;

	if (parse_number(value, UINT_MAX, &number, &rest) < 0 || *rest != '\0') {
		*err = "expected a whole number";
		return -1;
	}
	*(unsigned *)((char *)target + key->offset) = (unsigned)number;
	return 0;
}

int
conf_set_size(void *target, const struct conf_key *key, const char *value, const char **err)
{
	unsigned long long number;
	unsigned shift = 0;
	char *rest;

	if (parse_number(value, SIZE_MAX >> 30, &number, &rest) == 0) {
		if (*rest == 'k' || *rest == 'K')
			shift = 10;
		else if (*rest == 'M')
			shift = 20;
		else if (*rest == 'G')
			shift = 30;
		if (rest[shift > 0 ? 1 : 0] == '\0') {
			*(size_t *)((char *)target + key->offset) = (size_t)number << shift;
			return 0;
		}
	}
	*err = "expected a size such as 65536, 64k or 16M";
	return -1;
}

int
conf_set_ratio(void *target, const struct conf_key *key, const char *value, const char **err)
{
	char *rest;
	double number;

	errno = 0;
	number = strtod(value, &rest);
	if (errno != 0 || rest == value || *rest != '\0' || !(number >= 0 && number <= 1)) {
		*err = "expected a number from 0 to 1";
		return -1;
	}
	*(double *)((char *)target + key->offset) = number;
	return 0;
}
