/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * blast_message: what a blast says to each recipient: a text or one of several, and files, in one
 * message or several. Checks the request, and writes what the blast's row keeps of it. Knows no
 * recipient but by its number.
 */
#ifndef API_BLAST_MESSAGE_H
#define API_BLAST_MESSAGE_H

#include "waconnd/api/call.h"

#define BLAST_MEDIA_MAX 10
#define BLAST_VARIANTS_MAX 20

struct blast_message {
	struct buf parts, more; /* JSON for the row; empty: a text alone */
	size_t n;		/* messages to each recipient */
};

/* What is wrong with the fields; answers how many errors were added to `list`, at most `max`. */
size_t blast_message_check(const Ipc__Blast *b, struct problem_field *list, size_t max);
/* With the rows of BLAST_MEDIA (NULL: the blast has no files). -1: the call is answered. */
int blast_message_make(struct call *c, const Ipc__Blast *b, const PGresult *media,
    struct blast_message *ret) __attribute__((warn_unused_result));
void blast_message_done(struct blast_message *m);
/* The blast's text where no variant is meant; "" when it has none. */
const char *blast_message_text(const Ipc__Blast *b);
/* Which variant this number gets, always the same one; -1: there are none. */
int blast_message_variant(const Ipc__Blast *b, const char *phone);
/* The text before it is rendered, as this number gets it. */
const char *blast_message_text_for(const Ipc__Blast *b, const char *phone);

#endif
