/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link_error: what <stream:error>, <failure> and a refused pairing code mean, by the tables of
 * PROTOCOL sections 6 and 8. Pure: a stanza or its code in, an end out.
 */
#ifndef LINK_LINK_ERROR_H
#define LINK_LINK_ERROR_H

#include <stdint.h>
#include <stdio.h>

#include "common/wa/node.h"
#include "waconnd/link/link.h"

#define LINK_ERROR_TEXT_MAX 160

struct link_error {
	enum link_end end;
	char detail[LINK_ERROR_TEXT_MAX];
	int64_t until_ms; /* wall clock; 0: not said */
};

void link_error_of_stream(const struct node *error, struct link_error *ret);
void link_error_of_failure(const struct node *failure, int64_t now_ms, struct link_error *ret);
/* The error of an answer to companion_hello or companion_finish; 0: there was no answer. */
void link_error_of_code(unsigned code, struct link_error *ret);

/* All rows as a Markdown table, for docs. */
void link_error_print(FILE *out);

#endif
