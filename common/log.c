/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Structured events to stderr. A line is built in memory and written with one write(2), so lines of
 * two programs on one terminal do not mix. Never fails its caller.
 */
#include "common/log.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/jsonw.h"
#include "common/phone.h"

#define LOG_LINE_MAX 8192

static struct {
	const char *program;
	enum log_level level;
	enum log_format format;
	bool journal; /* stderr is the journal's */
} state = {"-", LOG_LEVEL_INFO, LOG_FORMAT_TEXT, false};

static const struct {
	const char *name;
	int priority; /* syslog's, as the journal reads it */
} levels[] = {
    [LOG_LEVEL_DEBUG] = {"debug", 7},
    [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_WARN] = {"warn", 4},
    [LOG_LEVEL_ERROR] = {"error", 3},
};

void
log_init(const char *program, enum log_level level, enum log_format format)
{
	state.program = program;
	state.journal = getenv("JOURNAL_STREAM") != NULL;
	log_set(level, format);
}

void
log_set(enum log_level level, enum log_format format)
{
	state.level = level;
	state.format = format;
}

int
log_level_parse(const char *name, enum log_level *ret_level)
{
	for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		if (strcmp(levels[i].name, name) == 0) {
			*ret_level = (enum log_level)i;
			return 0;
		}
	}
	return -1;
}

int
log_format_parse(const char *name, enum log_format *ret_format)
{
	if (strcmp(name, "text") == 0)
		*ret_format = LOG_FORMAT_TEXT;
	else if (strcmp(name, "json") == 0)
		*ret_format = LOG_FORMAT_JSON;
	else
		return -1;
	return 0;
}

bool
log_enabled(enum log_level level)
{
	return level >= state.level;
}

/* A field's value as text; strings are returned as they are. */
static const char *
value_text(const struct log_field *f, char *scratch, size_t size)
{
	switch (f->kind) {
	case LOG_KIND_INT:
		(void)snprintf(scratch, size, "%" PRId64, f->v.i);
		return scratch;
	case LOG_KIND_REAL:
		(void)snprintf(scratch, size, "%.6g", f->v.d);
		return scratch;
	case LOG_KIND_PHONE:
		phone_shorten(f->v.s != NULL ? f->v.s : "-", scratch, size);
		return scratch;
	default:
		return f->v.s != NULL ? f->v.s : "-";
	}
}

static bool
needs_quotes(const char *s)
{
	if (*s == '\0')
		return true;
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s <= ' ' || *s == '"' || *s == '=' || *s == 0x7f)
			return true;
	}
	return false;
}

static void
write_text(
    struct buf *line, enum log_level level, const char *event, const struct log_field *fields)
{
	char scratch[64];
	struct jsonw j;

	if (state.journal)
		buf_addf(line, "<%d>", levels[level].priority);
	buf_addf(line, "%s %s", levels[level].name, event);
	for (const struct log_field *f = fields; f->kind != LOG_KIND_END; f++) {
		const char *value = value_text(f, scratch, sizeof(scratch));

		buf_addf(line, " %s=", f->key);
		if (needs_quotes(value)) {
			jsonw_init(&j, line);
			jsonw_str(&j, NULL, value);
		} else {
			buf_add_str(line, value);
		}
	}
}

static void
write_json(
    struct buf *line, enum log_level level, const char *event, const struct log_field *fields)
{
	char scratch[64];
	struct jsonw j;

	jsonw_init(&j, line);
	jsonw_object(&j, NULL);
	jsonw_time(&j, "time", clock_wall_ms());
	jsonw_str(&j, "level", levels[level].name);
	jsonw_str(&j, "program", state.program);
	jsonw_str(&j, "event", event);
	for (const struct log_field *f = fields; f->kind != LOG_KIND_END; f++) {
		if (f->kind == LOG_KIND_INT)
			jsonw_int(&j, f->key, f->v.i);
		else if (f->kind == LOG_KIND_REAL)
			jsonw_real(&j, f->key, f->v.d);
		else
			jsonw_str(&j, f->key, value_text(f, scratch, sizeof(scratch)));
	}
	jsonw_object_end(&j);
}

void
log_write(enum log_level level, const char *event, const struct log_field *fields)
{
	struct buf line = BUF_INIT(LOG_LINE_MAX);

	if (state.format == LOG_FORMAT_JSON)
		write_json(&line, level, event, fields);
	else
		write_text(&line, level, event, fields);
	line.max++; /* the newline fits even a full line */
	line.overflow = false;
	buf_add_u8(&line, '\n');
	if (write(STDERR_FILENO, line.data, line.len) < 0) {
		/* There is nobody left to tell. */
	}
	buf_done(&line);
}
