/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * webhook_outcome: what an answer to a webhook means, and when to try again. Pure: chance is handed
 * in.
 */
#ifndef WACONND_WEBHOOK_OUTCOME_H
#define WACONND_WEBHOOK_OUTCOME_H

#include <stdint.h>

#include "common/http_client.h"

#define WEBHOOK_BACKOFF_MAX_MS (3600 * 1000)
#define WEBHOOK_HOLD_MAX_MS (24 * 3600 * (int64_t)1000)
#define WEBHOOK_WHY_MAX 200

struct webhook_outcome {
	const char *word;	   /* "ok", "again", "gone": as DELIVERY_FINISH takes it */
	int64_t delay_ms;	   /* until this one is tried again */
	int64_t hold_ms;	   /* so long the receiver wants nothing at all (Retry-After) */
	char why[WEBHOOK_WHY_MAX]; /* "": it was taken */
};

/* The nth attempt has failed (from 1): base, doubled each time up to an hour, of which up to a half
 * is left out by chance (in 0..UINT32_MAX). */
int64_t webhook_backoff_ms(unsigned attempt, unsigned base_ms, uint32_t chance);
void webhook_judge(const struct http_answer *answer, unsigned attempt, unsigned base_ms,
    uint32_t chance, struct webhook_outcome *ret);

#endif
