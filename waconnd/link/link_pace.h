/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link_pace: a token bucket for connects over all links of a daemon, so that a network that comes
 * back is not met by all of them at once. Times are monotonic milliseconds, given by the caller.
 */
#ifndef LINK_LINK_PACE_H
#define LINK_LINK_PACE_H

#include <stdbool.h>
#include <stdint.h>

struct link_pace {
	double per_ms;
	double burst;
	double tokens;
	int64_t at_ms;
};

void link_pace_init(struct link_pace *p, unsigned per_second, int64_t now_ms);
/* Take one token, if there is one. */
bool link_pace_take(struct link_pace *p, int64_t now_ms);
/* How long until there is one: 0 now. */
int64_t link_pace_wait_ms(struct link_pace *p, int64_t now_ms);

#endif
