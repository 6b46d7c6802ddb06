/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * lease: until when this daemon may use its outlets' keys. Pure: times are handed in, of a clock
 * that never stops and cannot be set (clock_lease_ms).
 *
 * It counts from when the renewal was asked, not from its answer: what the database granted later
 * lasts at least as long. An answer that says nothing (no database) prolongs it only for a daemon
 * that is alone, since nobody else can take its outlets over. Once over, it is over until a renewal
 * has been granted and the owner has said that it knows (lease_begin).
 */
#ifndef STORE_LEASE_H
#define STORE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#define LEASE_RENEW_MS 3000
#define LEASE_MS 12000	   /* as the database counts it */
#define LEASE_OWN_MS 10000 /* as we do: our sockets are closed before another may open his */

struct lease {
	int64_t until_ms;
	bool over; /* noticed, not begun anew */
};

/* A renewal that was asked at asked_ms was granted, or counts as granted. False: it is over. */
bool lease_granted(struct lease *l, int64_t asked_ms, int64_t now_ms);
/* Past its end nothing may leave. */
bool lease_holds(struct lease *l, int64_t now_ms);
/* Everything of the lease before is put away: this one counts from asked_ms. */
void lease_begin(struct lease *l, int64_t asked_ms);

#endif
