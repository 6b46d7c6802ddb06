/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * spread: which outlet takes the next recipient, so that in the end all have as equal a number as
 * can be. Pure.
 */
#ifndef BLAST_SPREAD_H
#define BLAST_SPREAD_H

#include <stddef.h>

struct spread {
	size_t *counts; /* by outlet: what each has so far */
	size_t *order;	/* outlets by their count at the start */
	size_t n;
	size_t level;  /* every outlet of the current round has this many or one more */
	size_t active; /* outlets of `order` that the level has reached */
	size_t at;     /* the next of them */
};

/* n > 0; counts belong to the caller and are counted up. */
void spread_init(struct spread *s, size_t *counts, size_t n);
void spread_done(struct spread *s);
/* The outlet that takes one more. */
size_t spread_next(struct spread *s);

#endif
