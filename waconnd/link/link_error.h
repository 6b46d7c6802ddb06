/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link_error: what <stream:error> and <failure> mean, by the tables of PROTOCOL section 8. Pure: a
 * stanza in, an end out.
 */
#ifndef LINK_LINK_ERROR_H
#define LINK_LINK_ERROR_H

#include <stdint.h>

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

#endif
