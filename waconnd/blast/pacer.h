/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pacer: when may this outlet send its next message? A token bucket with jitter, a window of the
 * day in a time zone, a daily cap, a warm-up. Pure: time and random numbers are handed in. Time
 * zones come from the tz database (zone.h); an unknown one counts as UTC.
 *
 * The bucket holds one token: after each message the next waits one interval (60 s / perMinute),
 * made longer or shorter at random by up to the jitter's share. A window whose end is before its
 * begin goes over midnight. In the warm-up the cap is that of the day, counted from the day of
 * linking in the same time zone, until it is above the daily cap.
 */
#ifndef BLAST_PACER_H
#define BLAST_PACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "waconnd/outlet.h"

#define PACER_NEVER INT64_MAX

struct pacer {
	int64_t next_ms; /* wall clock: not before */
	int64_t day;	 /* local day number that sent_today counts */
	unsigned sent_today;
	int64_t quarter; /* of an hour, since 1970, in which `day` was looked up for `timezone` */
	char timezone[sizeof(((struct outlet_pace *)0)->timezone)];
};

/* Bounds of a pace. */
#define PACER_PER_MINUTE_MAX 6000
#define PACER_DAILY_CAP_MAX 1000000
#define PACER_GROWTH_MIN 1.1 /* a warm-up ends */
#define PACER_GROWTH_MAX 10.0

/* -1 when it is not "HH:MM-HH:MM" ("" is valid: always). */
int pacer_window_parse(const char *window, unsigned *ret_from_min, unsigned *ret_until_min)
    __attribute__((warn_unused_result));
/* A name of the tz database ("Asia/Jakarta", "UTC"). */
bool pacer_timezone_known(const char *name);
/* Take up what was sent before a restart: so many today, the last one at last_ms (0: none). */
void pacer_restore(struct pacer *p, const struct outlet_pace *pace, int64_t now_ms,
    unsigned sent_today, int64_t last_ms);
/* The earliest time >= now_ms at which the next may go. */
int64_t pacer_next(const struct pacer *p, const struct outlet_pace *pace, int64_t now_ms);
/* Would it have to wait for its window or the next day, not just for its turn? */
bool pacer_closed(const struct pacer *p, const struct outlet_pace *pace, int64_t now_ms);
/* One was sent at now_ms; random in [0,1). */
void pacer_sent(struct pacer *p, const struct outlet_pace *pace, int64_t now_ms, double random);
/* How many may go on the day of `ms`; 0: no cap. */
unsigned pacer_cap(const struct outlet_pace *pace, int64_t ms);
/* When n more would be through, for estimates; PACER_NEVER past ten years. */
int64_t pacer_estimate(
    const struct pacer *p, const struct outlet_pace *pace, int64_t now_ms, uint64_t n);

/* So many leave from from_ms on, one each interval. */
struct pacer_stretch {
	int64_t from_ms;
	uint64_t n;
	double interval_ms; /* > 0 */
};
/* When messages may leave from from_ms on and before until_ms, whoever else's turn it is; no limit
 * counts as the highest one. Answers how many stretches there are, at most max. */
size_t pacer_stretches(const struct pacer *p, const struct outlet_pace *pace, int64_t from_ms,
    int64_t until_ms, struct pacer_stretch *ret, size_t max);

#endif
