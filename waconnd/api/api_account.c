/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How an outlet's account stands with WhatsApp, as it was told last, and what holds its blasts.
 * Asks nobody. */
#include "common/clock.h"
#include "waconnd/api/api_internal.h"

static void
write_hold(struct jsonw *j, const struct outlet *o)
{
	int64_t until_ms;
	const char *reason;

	if (blasts_hold(o, clock_wall_ms(), &until_ms, &reason) == BLAST_HOLD_NONE) {
		jsonw_null(j, "hold");
		return;
	}
	jsonw_object(j, "hold");
	jsonw_str(j, "reason", reason);
	jsonw_time(j, "until", until_ms);
	jsonw_object_end(j);
}

void
api_outlet_account(struct call *c)
{
	struct outlet *o = call_outlet(c, c->request->outlet_account->id);
	struct buf out;
	struct jsonw j;

	if (o == NULL)
		return;
	call_begin(&j, &out);
	jsonw_object(&j, "account");
	outlet_account_json(o, &j);
	write_hold(&j, o);
	jsonw_object_end(&j);
	call_finish(c, &j, 200);
}
