/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * blast_draft: the recipients of a plan that come from an uploaded table or from contacts. They go
 * through the database, a portion at a time, and are counted, judged and spread there: the daemon's
 * memory does not grow with them. For blast_plan.c.
 */
#ifndef API_BLAST_DRAFT_H
#define API_BLAST_DRAFT_H

#include "waconnd/api/call.h"

#define DRAFT_KEEP_ROWS 10000 /* of one statement */
#define DRAFT_SAMPLES 3

struct blast_plan;

struct blast_draft {
	size_t total, n_invalid, duplicates, opted_out, skipped, valid;
	struct buf invalid; /* elements of the preview's JSON, as many as it shows */
	struct buf samples; /* elements of JSON */
	size_t judged;
	size_t end;	/* one past the last position */
	size_t *starts; /* by sender: with which number of those without an outlet it begins */
	bool ended;	/* the rows are gone */
	struct draft_reader *reader;
};

/* Are this blast's recipients elsewhere? */
bool blast_draft_wanted(const Ipc__Blast *blast);
/* Fills p->draft and the counts of p->outlets, then calls p->next; what is not valid is answered
 * here. */
void blast_draft_make(struct call *c, struct blast_plan *p);
/* Forgets the rows, unless they are gone with a transaction. */
void blast_draft_free(struct blast_draft **d, struct db *db, const char *blast);

/* Asks DRAFT_FIRST_CONTACTS; there are outlets that send. */
void blast_draft_first_contacts(
    struct call *c, const struct blast_plan *p, void (*next)(struct call *c, const PGresult *r));

/* The statements that make recipients of them, for a transaction: `ret_steps` takes
 * blast_draft_steps_max(). The parameters live in *ret_keep, which ends with draft_keep_free. */
struct draft_keep;
size_t blast_draft_steps_max(const struct blast_draft *d);
size_t blast_draft_steps(
    const struct blast_plan *p, struct db_step *ret_steps, struct draft_keep **ret_keep);
void draft_keep_free(struct draft_keep **keep);
/* What drafts a crash left. */
void blast_draft_sweep(struct db *db);

#endif
