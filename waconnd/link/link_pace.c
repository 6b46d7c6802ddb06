/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plain arithmetic: it holds no clock and no queue. */
#include "waconnd/link/link_pace.h"

#include <math.h>

#define BURST_SECONDS 0.1 /* what may start at once after a rest */

void
link_pace_init(struct link_pace *p, unsigned per_second, int64_t now_ms)
{
	p->per_ms = per_second / 1000.0;
	p->burst = per_second * BURST_SECONDS;
	if (p->burst < 1.0)
		p->burst = 1.0;
	p->tokens = p->burst;
	p->at_ms = now_ms;
}

static void
refill(struct link_pace *p, int64_t now_ms)
{
	if (now_ms <= p->at_ms)
		return;
	p->tokens += (double)(now_ms - p->at_ms) * p->per_ms;
	if (p->tokens > p->burst)
		p->tokens = p->burst;
	p->at_ms = now_ms;
}

bool
link_pace_take(struct link_pace *p, int64_t now_ms)
{
	refill(p, now_ms);
	if (p->tokens < 1.0)
		return false;
	p->tokens -= 1.0;
	return true;
}

int64_t
link_pace_wait_ms(struct link_pace *p, int64_t now_ms)
{
	refill(p, now_ms);
	if (p->tokens >= 1.0)
		return 0;
	return (int64_t)ceil((1.0 - p->tokens) / p->per_ms);
}
