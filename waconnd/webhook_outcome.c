/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic and words. Looks at no body. */
#include "waconnd/webhook_outcome.h"

#include <stdio.h>
#include <string.h>

#define GONE 410
#define TOO_MANY 429
#define UNAVAILABLE 503

int64_t
webhook_backoff_ms(unsigned attempt, unsigned base_ms, uint32_t chance)
{
	int64_t ms = base_ms;

	while (attempt-- > 1 && ms < WEBHOOK_BACKOFF_MAX_MS)
		ms *= 2;
	if (ms > WEBHOOK_BACKOFF_MAX_MS)
		ms = WEBHOOK_BACKOFF_MAX_MS;
	return ms - (int64_t)((uint64_t)(ms / 2) * chance / UINT32_MAX);
}

static void
say(const struct http_answer *a, char why[WEBHOOK_WHY_MAX])
{
	if (a->failed != NULL)
		(void)snprintf(why, WEBHOOK_WHY_MAX, "%s", a->failed);
	else if (a->location != NULL)
		(void)snprintf(why, WEBHOOK_WHY_MAX,
		    "status %u: redirects are not followed, give the URL that it leads to",
		    a->status);
	else
		(void)snprintf(why, WEBHOOK_WHY_MAX, "status %u", a->status);
}

void
webhook_judge(const struct http_answer *a, unsigned attempt, unsigned base_ms, uint32_t chance,
    struct webhook_outcome *ret)
{
	*ret = (struct webhook_outcome){.word = "ok"};
	if (a->failed == NULL && a->status >= 200 && a->status < 300)
		return;
	say(a, ret->why);
	ret->word = a->failed == NULL && a->status == GONE ? "gone" : "again";
	ret->delay_ms = webhook_backoff_ms(attempt, base_ms, chance);
	if (a->failed != NULL || (a->status != TOO_MANY && a->status != UNAVAILABLE))
		return;
	ret->hold_ms = (int64_t)a->retry_after_s * 1000;
	if (ret->hold_ms > WEBHOOK_HOLD_MAX_MS)
		ret->hold_ms = WEBHOOK_HOLD_MAX_MS;
	if (ret->delay_ms < ret->hold_ms)
		ret->delay_ms = ret->hold_ms;
}
