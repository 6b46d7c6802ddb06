/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Renders a text in one pass from left to right. It allocates nothing but what `out` grows by, and
 * never fails: what is no variable is text. */
#include "waconnd/blast/template.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "common/spintax.h"

struct variable {
	char name[TEMPLATE_NAME_MAX + 1];
	const char *fallback; /* NULL: none */
	size_t fallback_len;
	size_t len; /* of the whole, with its braces */
};

static bool
is_name_char(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

static const char *
skip_spaces(const char *s)
{
	return s + strspn(s, " ");
}

/* People write "{{ name | friend }}" as well: spaces around either part do not count. */
static void
set_fallback(struct variable *v, const char *from, const char *end)
{
	from = skip_spaces(from);
	while (end > from && end[-1] == ' ')
		end--;
	v->fallback = from;
	v->fallback_len = end > from ? (size_t)(end - from) : 0;
}

/* text starts with "{{". */
static bool
parse_variable(const char *text, struct variable *v)
{
	const char *name = skip_spaces(text + 2), *end = name, *close;

	while (is_name_char(*end))
		end++;
	if (end == name || (size_t)(end - name) > TEMPLATE_NAME_MAX)
		return false;
	memcpy(v->name, name, (size_t)(end - name));
	v->name[end - name] = '\0';
	v->fallback = NULL;
	v->fallback_len = 0;
	close = skip_spaces(end);
	if (*close == '|') {
		const char *bar = close;

		close = strstr(bar, "}}");
		if (close == NULL)
			return false;
		set_fallback(v, bar + 1, close);
	}
	v->len = (size_t)(close - text) + 2;
	return strncmp(close, "}}", 2) == 0;
}

void
template_render(const char *text, template_lookup lookup, void *arg, struct buf *out)
{
	struct variable v;
	const char *brace, *value;

	while ((brace = strstr(text, "{{")) != NULL) {
		buf_add(out, text, (size_t)(brace - text));
		text = brace;
		if (!parse_variable(brace, &v)) {
			/* One brace only: "{{{name}}" has a variable behind its first. */
			buf_add(out, text++, 1);
			continue;
		}
		value = lookup(arg, v.name);
		if (value != NULL && value[0] != '\0')
			buf_add_str(out, value);
		else if (v.fallback != NULL)
			buf_add(out, v.fallback, v.fallback_len);
		text += v.len;
	}
	buf_add_str(out, text);
}

const char *
template_vars_lookup(void *vars, const char *name)
{
	struct template_vars *tv = vars;
	const json_t *value = tv->vars != NULL ? json_object_get(tv->vars, name) : NULL;

	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_integer(value)) {
		(void)snprintf(tv->number, sizeof(tv->number), "%" JSON_INTEGER_FORMAT,
		    json_integer_value(value));
		return tv->number;
	}
	if (json_is_real(value)) {
		(void)snprintf(tv->number, sizeof(tv->number), "%.10g", json_real_value(value));
		return tv->number;
	}
	return strcmp(name, "phone") == 0 ? tv->phone : NULL;
}

void
template_render_for(struct template_vars *vars, const char *text, struct buf *out)
{
	struct buf chosen = BUF_INIT(strlen(text) + 1);

	spintax_choose(text, vars->phone, &chosen);
	template_render(buf_str(&chosen), template_vars_lookup, vars, out);
	buf_done(&chosen);
}
