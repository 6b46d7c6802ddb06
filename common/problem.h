/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * problem: the one table of errors that outsiders see: code, HTTP status, title, whether a repeat
 * may help. Both programs, waconnctl and the docs print from it (CONTRACT section 4, RFC 9457).
 */
#ifndef COMMON_PROBLEM_H
#define COMMON_PROBLEM_H

#include <stdbool.h>
#include <stddef.h>

#include "common/buf.h"

struct problem {
	const char *code; /* stable */
	unsigned status;
	bool retryable;
	const char *title;  /* the same for every occurrence */
	const char *detail; /* used where the caller has none */
};

struct problem_field { /* one entry of `errors` */
	const char *field;
	const char *code;
	const char *detail;
};

/* The row of a code; a code that is not in the table gives "internal". */
const struct problem *problem_find(const char *code);
/* All rows, for docs; the last has a NULL code. */
const struct problem *problem_table(void);
/* The document. detail NULL: the row's; request_id NULL: left out; fields NULL: none. */
void problem_write(struct buf *out, const struct problem *p, const char *detail,
    const char *request_id, const struct problem_field *fields, size_t n_fields);

#endif
