/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * audience: the recipients that a blast asks for, sorted into those that get it, those that are
 * skipped, and those that are no number or stand twice. Reads the request's recipients; knows no
 * outlet.
 */
#ifndef API_AUDIENCE_H
#define API_AUDIENCE_H

#include "common/ipc.h"
#include "common/phone.h"

#define AUDIENCE_MAX 200000
#define AUDIENCE_NO_OUTLET SIZE_MAX

struct audience_member {
	size_t index; /* in the request */
	char phone[PHONE_DIGITS_MAX + 1];
	const char *skip; /* why it gets nothing (a constant); NULL: it gets the message */
	size_t outlet;	  /* which of the blast's outlets sends to it; AUDIENCE_NO_OUTLET: not known
			     yet */
};

struct audience {
	const Ipc__Blast *blast;	 /* borrowed */
	struct audience_member *members; /* each number once, in the request's order */
	size_t n;
	size_t *invalid; /* indices in the request */
	size_t n_invalid;
	size_t duplicates, opted_out, skipped; /* skipped: for other reasons */
};

void audience_read(struct audience *a, const Ipc__Blast *blast);
void audience_done(struct audience *a);
/* As the statement BLAST_AUDIENCE says it; an unknown reason is ignored. */
void audience_skip(struct audience *a, size_t member, const char *reason);
size_t audience_valid(const struct audience *a);
/* The variables of a member as a JSON object in `out`; false when there are none. */
bool audience_vars(const struct audience *a, size_t member, struct buf *out);
/* The blast's text as this member gets it. */
void audience_render(const struct audience *a, size_t member, struct buf *out);

#endif
