/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * conf: INI configuration files (parsed by libinih) against a table of known keys.
 *
 * An unknown section or key, a value that does not parse and a key given twice (unless it may
 * repeat) are errors, each reported as "file:line: what is wrong and what is expected".
 */
#ifndef COMMON_CONF_H
#define COMMON_CONF_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

struct conf_key {
	const char *section;
	const char *name;
	bool repeats;
	/* Sets the value in `target`; -1 with a reason in `err` (a static string) when it is not
	 * valid. */
	int (*set)(void *target, const struct conf_key *key, const char *value, const char **err);
	size_t offset; /* for the setters below: where in target the field is */
};

/* Ready setters. The field at `offset`: */
int conf_set_string(void *target, const struct conf_key *key, const char *value,
    const char **err); /* char * (freed and replaced) */
int conf_set_bool(
    void *target, const struct conf_key *key, const char *value, const char **err); /* bool */
int conf_set_uint(
    void *target, const struct conf_key *key, const char *value, const char **err); /* unsigned */
int conf_set_size(void *target, const struct conf_key *key, const char *value,
    const char **err); /* size_t: 16M, 64k, 100 */
int conf_set_ratio(void *target, const struct conf_key *key, const char *value,
    const char **err); /* double in [0, 1] */

/*
 * Read `path` into `target` by the table (which ends with a NULL section). Every problem is added
 * to `errors` as a line; -1 if there was any.
 */
int conf_read(const char *path, const struct conf_key *keys, void *target, struct buf *errors)
    __attribute__((warn_unused_result));

#endif
