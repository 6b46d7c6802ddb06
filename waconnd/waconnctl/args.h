/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * args: a command line as its words and options. Options may stand anywhere; "--" ends them;
 * "--name VALUE" and "--name=VALUE" are the same.
 */
#ifndef WACONNCTL_ARGS_H
#define WACONNCTL_ARGS_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

enum arg {
	ARG_SOCKET,
	ARG_JSON,
	ARG_HELP,
	ARG_VERSION,
	ARG_ROLE,
	ARG_OUTLET,
	ARG_PASSWORD_STDIN,
	ARG_USER,
	ARG_EXPIRES,
	ARG_NAME,
	ARG_NUMBER,
	ARG_ALL,
	ARG_TEXT,
	ARG_TO,
	ARG_FILE,
	ARG_PER_MINUTE,
	ARG_RECIPIENTS,
	ARG_CODE,
	ARG_SHOW,
	ARG_CONFIRM,
	ARG_SCOPE,
	ARG_QUERY,
	ARG_SINCE,
	ARG_MEDIA,
	ARG_SEPARATE,
	ARGS
};

#define ARG_BIT(a) (1u << (a))
#define ARGS_GLOBAL \
	(ARG_BIT(ARG_SOCKET) | ARG_BIT(ARG_JSON) | ARG_BIT(ARG_HELP) | ARG_BIT(ARG_VERSION))

struct args {
	const char **words; /* borrowed from argv, as are all values */
	size_t n_words;
	struct {
		enum arg arg;
		const char *value; /* NULL: takes none */
	} * options;
	size_t n_options;
};

/* Reads argv (without the program's name). -1: `err` says what is wrong; there is nothing to free.
 */
int args_parse(int argc, const char *const *argv, struct args *ret_args, struct buf *err)
    __attribute__((warn_unused_result));
void args_done(struct args *args);
bool args_has(const struct args *args, enum arg arg);
/* The value that was given last; NULL: not given. */
const char *args_value(const struct args *args, enum arg arg);
/* Walks through the values of one option: start with *at = 0; NULL at the end. */
const char *args_next(const struct args *args, enum arg arg, size_t *at);
/* The bits of all options that were given. */
unsigned args_given(const struct args *args);
/* "--name". */
const char *args_name(enum arg arg);

/* "90d", "12h", "30m", "45s", "2w" or a number of seconds. -1: it is none, or over 100 years. */
int args_duration(const char *text, long long *ret_seconds) __attribute__((warn_unused_result));
/* A whole decimal number up to max. */
int args_number(const char *text, unsigned long max, unsigned long *ret)
    __attribute__((warn_unused_result));

#endif
