/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The owner's browser is asked for the passkey: what a page would get. */
#include "tests/sim/authenticator.h"
#include "tests/sim/control_internal.h"

void
control_passkey(struct control_call *c)
{
	static const char *const names[] = {"phone", "options", "fault", NULL};
	static const char *const faults[] = {
	    "type", "challenge", "origin", "site", "unverified", "credential", "signature", NULL};
	const json_t *options = json_object_get(c->args, "options");
	char phone[PHONE_DIGITS_MAX + 1];
	json_t *assertion;
	int fault;

	if (!control_args_only(c, names) || !control_args_phone(c, "phone", true, phone) ||
	    !control_args_word(c, "fault", faults, &fault))
		return;
	assertion = authenticator_sign(c->sim, phone, options, fault >= 0 ? faults[fault] : NULL);
	if (assertion == NULL)
		control_fail(c, HTTP_BADREQUEST, "options is no request for a passkey");
	else
		control_ok(c, assertion);
}
