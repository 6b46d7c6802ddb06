/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fields of a control call, from a JSON body or a query: each is checked for kind and size, and
 * what is wrong is said by name.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/control_internal.h"

bool
control_args_only(struct control_call *c, const char *const names[])
{
	const char *key;
	json_t *value;

	json_object_foreach(c->args, key, value)
	{
		size_t i = 0;

		while (names[i] != NULL && strcmp(names[i], key) != 0)
			i++;
		if (names[i] == NULL) {
			control_fail(c, HTTP_BADREQUEST, "unknown field %s", key);
			return false;
		}
	}
	return true;
}

bool
control_args_text(
    struct control_call *c, const char *name, bool required, size_t max, const char **ret)
{
	const json_t *v = json_object_get(c->args, name);

	*ret = NULL;
	if (v == NULL && !required)
		return true;
	if (v == NULL)
		control_fail(c, HTTP_BADREQUEST, "%s is missing", name);
	else if (!json_is_string(v))
		control_fail(c, HTTP_BADREQUEST, "%s is no string", name);
	else if (json_string_length(v) == 0 || json_string_length(v) > max)
		control_fail(c, HTTP_BADREQUEST, "%s is empty or longer than %zu bytes", name, max);
	else {
		*ret = json_string_value(v);
		return true;
	}
	return false;
}

static bool
phone_read(struct control_call *c, const char *name, const char *text, char *ret)
{
	if (phone_normalise(text, PHONE_COUNTRY_DEFAULT, ret) == 0)
		return true;
	control_fail(c, HTTP_BADREQUEST, "%s is no telephone number", name);
	return false;
}

bool
control_args_phone(
    struct control_call *c, const char *name, bool required, char ret[PHONE_DIGITS_MAX + 1])
{
	const char *text;

	ret[0] = '\0';
	return control_args_text(c, name, required, 64, &text) &&
	       (text == NULL || phone_read(c, name, text, ret));
}

bool
control_args_segment_phone(struct control_call *c, char ret[PHONE_DIGITS_MAX + 1])
{
	return phone_read(c, "the phone in the path", c->segment, ret);
}

/* A number, or in a query its digits; -1: neither. */
static json_int_t
number_of(const struct control_call *c, const json_t *v)
{
	const char *text = json_string_value(v);
	char *end;
	long long n;

	if (json_is_integer(v))
		return json_integer_value(v);
	if (!c->from_query || text == NULL || text[0] < '0' || text[0] > '9')
		return -1;
	errno = 0;
	n = strtoll(text, &end, 10);
	return errno == 0 && *end == '\0' ? n : -1;
}

bool
control_args_number(
    struct control_call *c, const char *name, uint32_t max, uint32_t *ret, bool *ret_present)
{
	const json_t *v = json_object_get(c->args, name);
	json_int_t n;

	if (ret_present != NULL)
		*ret_present = v != NULL;
	if (v == NULL)
		return true;
	n = number_of(c, v);
	if (n < 0 || n > (json_int_t)max) {
		control_fail(c, HTTP_BADREQUEST, "%s is no number from 0 to %u", name, max);
		return false;
	}
	*ret = (uint32_t)n;
	return true;
}

bool
control_args_bool(struct control_call *c, const char *name, bool *ret, bool *ret_present)
{
	const json_t *v = json_object_get(c->args, name);

	*ret_present = v != NULL;
	if (v == NULL)
		return true;
	if (!json_is_boolean(v)) {
		control_fail(c, HTTP_BADREQUEST, "%s is neither true nor false", name);
		return false;
	}
	*ret = json_is_true(v);
	return true;
}

bool
control_args_word(struct control_call *c, const char *name, const char *const words[], int *ret)
{
	const char *text;

	*ret = -1;
	if (!control_args_text(c, name, false, 32, &text))
		return false;
	if (text == NULL)
		return true;
	for (int i = 0; words[i] != NULL; i++)
		if (strcmp(words[i], text) == 0) {
			*ret = i;
			return true;
		}
	control_fail(c, HTTP_BADREQUEST, "%s cannot be that", name);
	return false;
}
