/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What several nouns share: operations without fields, with an id, or with a list's parameters; the
 * pace of sending. */
#include "apigw/routes/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_MAX 1000
#define CURSOR_MAX 512
#define WORD_MAX 64
#define SEARCH_MAX 200
#define VARIABLES_MAX 50
#define VARIABLE_MAX_BYTES 1024
#define NUMBER_SIZE 64

void
routes_build_empty(struct call *c)
{
	Ipc__Empty *m = call_alloc(c, sizeof(*m));

	ipc__empty__init(m);
	c->request.me = m; /* the members of the operation's union share their place */
}

void
routes_build_id(struct call *c)
{
	Ipc__Id *m = call_alloc(c, sizeof(*m));

	ipc__id__init(m);
	m->id = c->id;
	c->request.outlet_get = m;
}

void
routes_read_number(struct call *c, const char *name, uint32_t min, uint32_t max,
    protobuf_c_boolean *ret_has, uint32_t *ret)
{
	const char *text = call_query(c, name, WORD_MAX);
	unsigned long n;
	char *end;

	if (text == NULL)
		return;
	n = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || n < min || n > max) {
		body_error(&c->body, "", name, "out_of_range",
		    "A whole number within its range is expected.");
		return;
	}
	*ret_has = 1;
	*ret = (uint32_t)n;
}

void
routes_read_limit(struct call *c, protobuf_c_boolean *ret_has, uint32_t *ret_limit)
{
	routes_read_number(c, "limit", 1, LIMIT_MAX, ret_has, ret_limit);
}

void
routes_build_list(struct call *c)
{
	Ipc__List *m = call_alloc(c, sizeof(*m));

	ipc__list__init(m);
	m->id = c->id[0] != '\0' ? c->id : NULL;
	routes_read_limit(c, &m->has_limit, &m->limit);
	m->cursor = call_query(c, "cursor", CURSOR_MAX);
	m->status = call_query(c, "status", WORD_MAX);
	m->q = call_query(c, "q", SEARCH_MAX);
	c->request.outlet_list = m;
}

#define AT(field) offsetof(Ipc__Pace, field), offsetof(Ipc__Pace, has_##field)

struct pace_body {
	Ipc__Pace pace; /* the first: its fields are at the same offsets here */
	json_t *warm_up;
};

static const struct body_field pace_fields[] = {
    {"perMinute", BODY_UINT, false, 0, 100000, AT(per_minute)},
    {"jitter", BODY_REAL, false, 0, 1, AT(jitter)},
    {"dailyCap", BODY_UINT, false, 0, 10000000, AT(daily_cap)},
    {"window", BODY_STRING, false, 0, 16, offsetof(Ipc__Pace, window), 0},
    {"timezone", BODY_STRING, false, 0, 64, offsetof(Ipc__Pace, timezone), 0},
    {"warmUp", BODY_ANY, false, 0, 0, offsetof(struct pace_body, warm_up), 0},
    {0},
};

static const struct body_field warm_up_fields[] = {
    {"start", BODY_UINT, true, 1, 1000000, AT(warm_up_start)},
    {"growth", BODY_REAL, true, 1.1, 10, AT(warm_up_growth)},
    {0},
};

void
routes_read_pace(struct call *c, const json_t *object, bool of_outlet, Ipc__Pace **ret_pace)
{
	struct pace_body *body;

	if (object == NULL)
		return;
	body = call_alloc(c, sizeof(*body));
	ipc__pace__init(&body->pace);
	body_read(&c->body, "pace", object, pace_fields, body);
	if (body->warm_up != NULL && of_outlet)
		body_read(&c->body, "pace.warmUp", body->warm_up, warm_up_fields, &body->pace);
	else if (body->warm_up != NULL)
		body_error(&c->body, "pace", "warmUp", "unknown_field",
		    "Outlets have a warm-up; their blasts keep to it.");
	*ret_pace = &body->pace;
}

char **
routes_read_strings(struct call *c, const char *field, const json_t *list, size_t n_max,
    size_t bytes_max, size_t *ret_n)
{
	const size_t n = json_array_size(list);
	char **all;

	*ret_n = 0;
	if (list == NULL)
		return NULL;
	if (!json_is_array(list) || n > n_max) {
		body_error(&c->body, "", field, json_is_array(list) ? "out_of_range" : "wrong_type",
		    "A list of strings is expected, not too long.");
		return NULL;
	}
	all = call_alloc(c, (n + 1) * sizeof(*all));
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_array_get(list, i);

		if (!json_is_string(one) || json_string_length(one) == 0 ||
		    json_string_length(one) > bytes_max) {
			body_error(&c->body, "", field, "wrong_type",
			    "Each is a string, neither empty nor too long.");
			return NULL;
		}
		all[(*ret_n)++] = (char *)(uintptr_t)json_string_value(one);
	}
	return all;
}

/* Numbers and booleans are taken, too: spreadsheets make them. */
static const char *
variable_text(struct call *c, const json_t *v)
{
	char *text;

	if (json_is_string(v))
		return json_string_length(v) <= VARIABLE_MAX_BYTES ? json_string_value(v) : NULL;
	if (json_is_boolean(v))
		return json_is_true(v) ? "true" : "false";
	if (!json_is_number(v))
		return NULL;
	text = call_alloc(c, NUMBER_SIZE);
	if (json_is_integer(v))
		(void)snprintf(text, NUMBER_SIZE, "%lld", (long long)json_integer_value(v));
	else
		(void)snprintf(text, NUMBER_SIZE, "%.15g", json_real_value(v));
	return text;
}

Ipc__Variable **
routes_read_vars(struct call *c, const char *prefix, const json_t *vars, size_t *ret_n)
{
	Ipc__Variable **all;
	const char *key;
	json_t *value;

	*ret_n = 0;
	if (!json_is_object(vars) || json_object_size(vars) > VARIABLES_MAX) {
		body_error(&c->body, prefix, "vars",
		    json_is_object(vars) ? "out_of_range" : "wrong_type",
		    "An object of at most 50 variables is expected.");
		return NULL;
	}
	all = call_alloc(c, (json_object_size(vars) + 1) * sizeof(*all));
	json_object_foreach((json_t *)(uintptr_t)vars, key, value)
	{
		Ipc__Variable *var = call_alloc(c, sizeof(*var));

		ipc__variable__init(var);
		if (json_is_null(value))
			continue;
		var->name = (char *)(uintptr_t)key;
		var->value = (char *)(uintptr_t)variable_text(c, value);
		if (var->value == NULL || strlen(key) > WORD_MAX)
			body_error(&c->body, prefix, "vars", "wrong_type",
			    "Variables are texts of at most 1024 bytes.");
		else
			all[(*ret_n)++] = var;
	}
	return all;
}
