/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Strict reading of JSON bodies. Says what a value is, never what it means: that is the daemon's.
 */
#include "apigw/body.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/xalloc.h"

/* jansson recurses; the nesting is looked at first, without recursion. */
static int
check_depth(const char *p, size_t len)
{
	unsigned depth = 0;
	bool quoted = false;

	for (size_t i = 0; i < len; i++) {
		if (quoted && p[i] == '\\')
			i++;
		else if (p[i] == '"')
			quoted = !quoted;
		else if (!quoted && (p[i] == '{' || p[i] == '[') && ++depth > BODY_DEPTH_MAX)
			return -1;
		else if (!quoted && (p[i] == '}' || p[i] == ']') && depth > 0)
			depth--;
	}
	return 0;
}

int
body_parse(struct body *b, const void *bytes, size_t len)
{
	json_error_t error;

	if (len == 0 || check_depth(bytes, len) < 0)
		return -1;
	b->root = json_loadb(bytes, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	return b->root != NULL ? 0 : -1;
}

void
body_done(struct body *b)
{
	for (size_t i = 0; i < b->n_errors; i++)
		free((void *)(uintptr_t)b->errors[i].field);
	b->n_errors = 0;
	if (b->root != NULL)
		json_decref(b->root);
	b->root = NULL;
}

void
body_error(
    struct body *b, const char *prefix, const char *field, const char *code, const char *detail)
{
	char path[BODY_PATH_MAX];

	if (b->n_errors == BODY_ERRORS_MAX)
		return;
	(void)snprintf(path, sizeof(path), "%s%s%s", prefix,
	    *prefix != '\0' && *field != '\0' ? "." : "", field);
	b->errors[b->n_errors++] =
	    (struct problem_field){.field = xstrdup(path), .code = code, .detail = detail};
}

/* ---- times ---- */

static int
digits(const char **p, unsigned n, int *ret)
{
	int v = 0;

	while (n-- > 0) {
		if (**p < '0' || **p > '9')
			return -1;
		v = v * 10 + (*(*p)++ - '0');
	}
	*ret = v;
	return 0;
}

static int
literal(const char **p, const char *set)
{
	if (**p == '\0' || strchr(set, **p) == NULL)
		return -1;
	(*p)++;
	return 0;
}

static int
offset_of(const char **p, int *ret_minutes)
{
	int sign, hours, minutes;

	*ret_minutes = 0;
	if (literal(p, "Zz") == 0)
		return 0;
	sign = **p == '-' ? -1 : 1;
	if (literal(p, "+-") < 0 || digits(p, 2, &hours) < 0 || literal(p, ":") < 0 ||
	    digits(p, 2, &minutes) < 0 || hours > 23 || minutes > 59)
		return -1;
	*ret_minutes = sign * (hours * 60 + minutes);
	return 0;
}

int
body_time(const char *text, int64_t *ret_ms)
{
	const char *p = text;
	struct tm tm = {0}, check;
	int ms = 0, scale = 100, minutes;
	time_t t;

	if (digits(&p, 4, &tm.tm_year) < 0 || literal(&p, "-") < 0 ||
	    digits(&p, 2, &tm.tm_mon) < 0 || literal(&p, "-") < 0 ||
	    digits(&p, 2, &tm.tm_mday) < 0 || literal(&p, "Tt ") < 0 ||
	    digits(&p, 2, &tm.tm_hour) < 0 || literal(&p, ":") < 0 ||
	    digits(&p, 2, &tm.tm_min) < 0 || literal(&p, ":") < 0 || digits(&p, 2, &tm.tm_sec) < 0)
		return -1;
	if (*p == '.') {
		if (*++p < '0' || *p > '9')
			return -1;
		for (; *p >= '0' && *p <= '9'; p++, scale /= 10)
			ms += (*p - '0') * scale;
	}
	if (offset_of(&p, &minutes) < 0 || *p != '\0')
		return -1;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	check = tm;
	t = timegm(&check);
	if (check.tm_mon != tm.tm_mon || check.tm_mday != tm.tm_mday ||
	    check.tm_hour != tm.tm_hour || check.tm_min != tm.tm_min || check.tm_sec != tm.tm_sec)
		return -1; /* no such day or hour */
	*ret_ms = ((int64_t)t - (int64_t)minutes * 60) * 1000 + ms;
	return 0;
}

/* ---- fields: each gives NULL, or the code of what is wrong ---- */

struct slot {
	void *value;
	int *has; /* protobuf_c_boolean */
};

static const char *
read_string(const struct body_field *f, const json_t *v, const struct slot *s)
{
	size_t len = json_string_length(v);

	if (!json_is_string(v))
		return "wrong_type";
	if ((double)len < f->min)
		return "too_short";
	if ((double)len > f->max)
		return "too_long";
	*(char **)s->value = (char *)(uintptr_t)json_string_value(v);
	return NULL;
}

static const char *
read_bool(const struct body_field *f, const json_t *v, const struct slot *s)
{
	(void)f;
	if (!json_is_boolean(v))
		return "wrong_type";
	*(int *)s->value = json_is_true(v);
	*s->has = 1;
	return NULL;
}

static const char *
read_uint(const struct body_field *f, const json_t *v, const struct slot *s)
{
	if (!json_is_integer(v))
		return "wrong_type";
	if (json_integer_value(v) < (json_int_t)f->min ||
	    json_integer_value(v) > (json_int_t)f->max)
		return "out_of_range";
	*(uint32_t *)s->value = (uint32_t)json_integer_value(v);
	*s->has = 1;
	return NULL;
}

static const char *
read_real(const struct body_field *f, const json_t *v, const struct slot *s)
{
	if (!json_is_number(v))
		return "wrong_type";
	if (!(json_number_value(v) >= f->min && json_number_value(v) <= f->max))
		return "out_of_range";
	*(double *)s->value = json_number_value(v);
	*s->has = 1;
	return NULL;
}

static const char *
read_time(const struct body_field *f, const json_t *v, const struct slot *s)
{
	(void)f;
	if (!json_is_string(v))
		return "wrong_type";
	if (body_time(json_string_value(v), s->value) < 0)
		return "not_a_time";
	*s->has = 1;
	return NULL;
}

static const char *
read_any(const struct body_field *f, const json_t *v, const struct slot *s)
{
	(void)f;
	*(json_t **)s->value = (json_t *)(uintptr_t)v;
	return NULL;
}

static const struct {
	const char *(*read)(const struct body_field *f, const json_t *v, const struct slot *s);
	const char *expected;
} types[] = {
    [BODY_STRING] = {read_string,
	"A string is expected, neither empty where it must say something nor too long."},
    [BODY_BOOL] = {read_bool, "true or false is expected."},
    [BODY_UINT] = {read_uint, "A whole number within its range is expected."},
    [BODY_REAL] = {read_real, "A number within its range is expected."},
    [BODY_TIME] = {read_time, "A time such as 2025-10-25T10:30:00Z is expected (RFC 3339)."},
    [BODY_ANY] = {read_any, ""},
};

static void
check_unknown(
    struct body *b, const char *prefix, const json_t *object, const struct body_field *fields)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)(uintptr_t)object, key, value)
	{
		const struct body_field *f = fields;

		while (f->name != NULL && strcmp(f->name, key) != 0)
			f++;
		if (f->name == NULL)
			body_error(b, prefix, key, "unknown_field", "There is no such field here.");
	}
}

void
body_read(struct body *b, const char *prefix, const json_t *object, const struct body_field *fields,
    void *target)
{
	if (!json_is_object(object)) {
		body_error(b, prefix, "", "wrong_type", "An object is expected.");
		return;
	}
	check_unknown(b, prefix, object, fields);
	for (const struct body_field *f = fields; f->name != NULL; f++) {
		const json_t *v = json_object_get(object, f->name);
		struct slot slot = {
		    (char *)target + f->offset, (int *)(void *)((char *)target + f->has_offset)};
		const char *code;

		if (v == NULL || json_is_null(v)) {
			if (f->required)
				body_error(b, prefix, f->name, "required", "This field is needed.");
			continue;
		}
		code = types[f->type].read(f, v, &slot);
		if (code != NULL)
			body_error(b, prefix, f->name, code, types[f->type].expected);
	}
}
