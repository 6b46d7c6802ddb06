/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Plain arithmetic: it asks nobody and closes nothing. */
#include "waconnd/store/lease.h"

bool
lease_holds(struct lease *l, int64_t now_ms)
{
	if (now_ms >= l->until_ms)
		l->over = true;
	return !l->over;
}

bool
lease_granted(struct lease *l, int64_t asked_ms, int64_t now_ms)
{
	if (!lease_holds(l, now_ms))
		return false;
	if (asked_ms + LEASE_OWN_MS > l->until_ms)
		l->until_ms = asked_ms + LEASE_OWN_MS;
	return true;
}

void
lease_begin(struct lease *l, int64_t asked_ms)
{
	l->until_ms = asked_ms + LEASE_OWN_MS;
	l->over = false;
}
