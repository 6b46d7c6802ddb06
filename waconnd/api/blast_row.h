/* SPDX-License-Identifier: GPL-3.0-or-later */
/* blast_row: a blast that there is, as far as the caller may see it, and why a command could not
 * move it. */
#ifndef API_BLAST_ROW_H
#define API_BLAST_ROW_H

#include "waconnd/api/call.h"

/* `next` gets what BLAST_GET answers: JSON, status, is it wholly the caller's. */
void blast_row_ask(
    struct call *c, const char *id, void (*next)(struct call *c, const PGresult *result));
/* Such a `next`, where a command found nothing to move: answers why. */
void blast_row_refuse(struct call *c, const PGresult *r);

#endif
