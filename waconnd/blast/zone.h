/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * zone: the offset from UTC of a named time zone at a time, read from the system's tz database.
 *
 * The C library knows one zone at a time, chosen through the environment, which other threads read:
 * hence our own reader of TZif files (RFC 8536: transitions, then the POSIX rule of the footer).
 */
#ifndef BLAST_ZONE_H
#define BLAST_ZONE_H

#include <stddef.h>
#include <stdint.h>

#define ZONE_TRANSITIONS_MAX 512
#define ZONE_TYPES_MAX 64

struct zone_rule { /* Mm.w.d/time: the d-th day of the w-th week of month m, or a day of the year */
	char kind; /* 'M', 'J' (1..365, no leap days), '0' (0..365) */
	int month, week, day;
	int32_t at; /* seconds after local midnight, may be negative */
};

struct zone {
	size_t n;
	int64_t at[ZONE_TRANSITIONS_MAX];     /* unix seconds, ascending */
	int32_t offset[ZONE_TRANSITIONS_MAX]; /* seconds east of UTC from then on */
	int32_t first;			      /* before the first transition */
	int has_rule, has_dst;		      /* what holds after the last transition */
	int32_t std_offset, dst_offset;
	struct zone_rule dst_from, dst_until;
};

/* -1 when there is no such zone or its file is not valid. */
int zone_load(const char *name, struct zone *ret) __attribute__((warn_unused_result));
/* The bytes of a TZif file. */
int zone_parse(const uint8_t *data, size_t len, struct zone *ret)
    __attribute__((warn_unused_result));
int32_t zone_offset(const struct zone *z, int64_t unix_s);

#endif
