/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * log: structured events to stderr, as text or as JSON lines.
 *
 * A line is a level, an event name (noun.verb) and key=value fields.  Text lines carry the
 * journal's priority prefix (<3> …) when stderr is the journal.  Keys, tokens, QR texts, passwords
 * and message texts are never logged; phone numbers go through LOG_PHONE, which shortens them
 * (62812…745).
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

enum log_kind { LOG_KIND_END, LOG_KIND_STR, LOG_KIND_INT, LOG_KIND_REAL, LOG_KIND_PHONE };

struct log_field {
	const char *key;
	enum log_kind kind;
	union {
		const char *s; /* NULL is printed as "-" */
		int64_t i;
		double d;
	} v;
};

#define LOG_STR(k, value) ((struct log_field){.key = (k), .kind = LOG_KIND_STR, .v.s = (value)})
#define LOG_INT(k, value) ((struct log_field){.key = (k), .kind = LOG_KIND_INT, .v.i = (value)})
#define LOG_REAL(k, value) ((struct log_field){.key = (k), .kind = LOG_KIND_REAL, .v.d = (value)})
#define LOG_PHONE(k, value) ((struct log_field){.key = (k), .kind = LOG_KIND_PHONE, .v.s = (value)})

void log_init(const char *program, enum log_level level, enum log_format format);
void log_set(enum log_level level, enum log_format format);
/* -1 for an unknown name. */
int log_level_parse(const char *name, enum log_level *ret_level);
int log_format_parse(const char *name, enum log_format *ret_format);
bool log_enabled(enum log_level level);
void log_write(enum log_level level, const char *event, const struct log_field *fields);

/* log_info("outlet.connected", LOG_STR("outlet", id), LOG_INT("ms", ms)); at least one field */
#define log_at(level, event, ...)                                                              \
	do {                                                                                   \
		if (log_enabled(level))                                                        \
			log_write(level, event, (const struct log_field[]){__VA_ARGS__, {0}}); \
	} while (0)
#define log_debug(event, ...) log_at(LOG_LEVEL_DEBUG, event, __VA_ARGS__)
#define log_info(event, ...) log_at(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_warn(event, ...) log_at(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define log_error(event, ...) log_at(LOG_LEVEL_ERROR, event, __VA_ARGS__)

#endif
