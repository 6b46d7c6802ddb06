/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * blast_plan: what a blast would do: checked fields, chosen outlets, recipients, and who of the
 * ones sends to which of the others. Preview shows it, create keeps it. It changes nothing.
 */
#ifndef API_BLAST_PLAN_H
#define API_BLAST_PLAN_H

#include "waconnd/api/audience.h"
#include "waconnd/api/blast_message.h"
#include "waconnd/api/blast_draft.h"
#include "waconnd/api/call.h"
#include "waconnd/blast/spread.h"

struct blast_outlet {
	char id[32];
	unsigned unhealthy; /* bits, when it was asked */
	size_t count;	    /* recipients that get the message through it */
	size_t first;	    /* of them, with whom it has no chat yet; where that was asked */
};

struct blast_plan { /* a call's state */
	const Ipc__Blast *blast;
	char id[32];	 /* of the blast to be */
	struct buf pace; /* JSON */
	struct blast_message message;
	struct blast_outlet *outlets; /* all that were asked for */
	size_t n_outlets;
	size_t *senders; /* the healthy ones of them, by id */
	size_t n_senders;
	struct audience audience;  /* empty where there is a draft */
	struct blast_draft *draft; /* NULL: the recipients are in the request */
	struct db *db;		   /* of the draft */
	void (*next)(struct call *c, struct blast_plan *p);
};

/*
 * Makes the plan and calls `next` with it, now or later; what is not valid is answered here.
 * needs_healthy: without a healthy outlet the answer is no_healthy_outlet.
 */
void blast_plan_make(struct call *c, const Ipc__Blast *blast, bool needs_healthy,
    void (*next)(struct call *c, struct blast_plan *p));
/* How many of those whom no outlet knows each sender takes (`more`), by its place in `senders`;
 * the caller frees it. There is a sender. */
struct spread_outlet *blast_plan_spread(
    const struct call *c, const struct blast_plan *p, size_t n_more);
/* Fills in `first` of the outlets and calls `next`: for what only a preview tells. */
void blast_plan_first_contacts(struct call *c, void (*next)(struct call *c, struct blast_plan *p));
/* How many get the message. */
size_t blast_plan_valid(const struct blast_plan *p);
/* [{"outletId": …, "reasons": […]}] of those that are not healthy. */
void blast_plan_rejected(const struct blast_plan *p, struct buf *out);
/* The same for one outlet of the plan, and the pace that it would keep. False: it gets nobody. */
bool blast_plan_outlet_estimate(const struct call *c, const struct blast_plan *p, size_t outlet,
    struct outlet_pace *ret_pace, int64_t *ret_starts_ms, int64_t *ret_finishes_ms);
/* When the first message would go and the last; 0: nobody knows. */
void blast_plan_estimate(const struct call *c, const struct blast_plan *p, int64_t *ret_starts_ms,
    int64_t *ret_finishes_ms);

#endif
