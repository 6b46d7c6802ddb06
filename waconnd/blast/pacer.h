/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pacer: when may this outlet send its next message? A token bucket with jitter, a window of the day in a time zone, a daily cap.
 * Pure: time and random numbers are handed in.
 */
#ifndef BLAST_PACER_H
#define BLAST_PACER_H

#include <stdbool.h>
#include <stdint.h>

#include "waconnd/outlet.h"

struct pacer {
	int64_t next_ms;    /* wall clock: not before */
	int64_t day;        /* local day number that sent_today counts */
	unsigned sent_today;
};

/* -1 when "HH:MM-HH:MM" (or "") or the time zone is not valid. */
int pacer_window_parse(const char *window, unsigned *ret_from_min, unsigned *ret_until_min) __attribute__((warn_unused_result));
/* A name of the tz database ("Asia/Jakarta", "UTC"). */
bool pacer_timezone_known(const char *name);
/* The earliest time >= now_ms at which the next may go. */
int64_t pacer_next(const struct pacer *p, const struct outlet_pace *pace, int64_t now_ms);
/* One was sent at now_ms; random in [0,1). */
void pacer_sent(struct pacer *p, const struct outlet_pace *pace, int64_t now_ms, double random);
/* When n more would be through, for estimates. */
int64_t pacer_estimate(const struct pacer *p, const struct outlet_pace *pace, int64_t now_ms, uint64_t n);

#endif
