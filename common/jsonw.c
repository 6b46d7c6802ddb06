/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An append-only JSON writer. It trusts its caller about nesting (objects hold keys, arrays do not)
 * and nobody about strings: every value leaves it escaped and as valid UTF-8.
 */
#include "common/jsonw.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "common/utf8.h"

void
jsonw_init(struct jsonw *j, struct buf *out)
{
	*j = (struct jsonw){.out = out};
}

static void
escape(struct buf *out, unsigned char c)
{
	switch (c) {
	case '"':
		buf_add(out, "\\\"", 2);
		break;
	case '\\':
		buf_add(out, "\\\\", 2);
		break;
	case '\n':
		buf_add(out, "\\n", 2);
		break;
	case '\r':
		buf_add(out, "\\r", 2);
		break;
	case '\t':
		buf_add(out, "\\t", 2);
		break;
	default:
		buf_addf(out, "\\u%04x", c);
	}
}

static void
quoted(struct buf *out, const char *value, size_t len)
{
	const unsigned char *s = (const unsigned char *)value;
	size_t i = 0, run = 0; /* run: start of what can be copied as it is */

	buf_add_u8(out, '"');
	while (i < len) {
		size_t n = utf8_sequence(s + i, len - i);

		if (n == 1 && s[i] >= 0x20 && s[i] != '"' && s[i] != '\\' && s[i] != 0x7f) {
			i++;
			continue;
		}
		if (n > 1) {
			i += n;
			continue;
		}
		buf_add(out, s + run, i - run);
		if (n == 0)
			buf_add_str(out, "\xef\xbf\xbd");
		else
			escape(out, s[i]);
		run = ++i;
	}
	buf_add(out, s + run, i - run);
	buf_add_u8(out, '"');
}

/* The comma and the key before a value. */
static void
before(struct jsonw *j, const char *key)
{
	if (j->comma[j->depth])
		buf_add_u8(j->out, ',');
	j->comma[j->depth] = true;
	if (key != NULL) {
		quoted(j->out, key, strlen(key));
		buf_add_u8(j->out, ':');
	}
}

static void
open_nested(struct jsonw *j, const char *key, uint8_t bracket)
{
	before(j, key);
	buf_add_u8(j->out, bracket);
	if (j->depth == JSON_DEPTH_MAX)
		abort();
	j->comma[++j->depth] = false;
}

static void
close_nested(struct jsonw *j, uint8_t bracket)
{
	if (j->depth == 0)
		abort();
	j->depth--;
	buf_add_u8(j->out, bracket);
}

void
jsonw_object(struct jsonw *j, const char *key)
{
	open_nested(j, key, '{');
}

void
jsonw_object_end(struct jsonw *j)
{
	close_nested(j, '}');
}

void
jsonw_array(struct jsonw *j, const char *key)
{
	open_nested(j, key, '[');
}

void
jsonw_array_end(struct jsonw *j)
{
	close_nested(j, ']');
}

void
jsonw_strn(struct jsonw *j, const char *key, const char *value, size_t len)
{
	before(j, key);
	quoted(j->out, value, len);
}

void
jsonw_str(struct jsonw *j, const char *key, const char *value)
{
	if (value == NULL)
		jsonw_null(j, key);
	else
		jsonw_strn(j, key, value, strlen(value));
}

void
jsonw_int(struct jsonw *j, const char *key, int64_t value)
{
	before(j, key);
	buf_addf(j->out, "%lld", (long long)value);
}

void
jsonw_real(struct jsonw *j, const char *key, double value)
{
	if (!isfinite(value)) {
		jsonw_null(j, key);
		return;
	}
	before(j, key);
	buf_addf(j->out, "%.10g", value);
}

void
jsonw_bool(struct jsonw *j, const char *key, bool value)
{
	before(j, key);
	buf_add_str(j->out, value ? "true" : "false");
}

void
jsonw_null(struct jsonw *j, const char *key)
{
	before(j, key);
	buf_add(j->out, "null", 4);
}

void
jsonw_time(struct jsonw *j, const char *key, int64_t ms)
{
	time_t seconds = (time_t)(ms / 1000);
	struct tm tm;
	char text[40];

	if (ms == 0 || gmtime_r(&seconds, &tm) == NULL ||
	    strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
		jsonw_null(j, key);
		return;
	}
	jsonw_str(j, key, text);
}

void
jsonw_raw(struct jsonw *j, const char *key, const char *value, size_t len)
{
	before(j, key);
	buf_add(j->out, value, len);
}
