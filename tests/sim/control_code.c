/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A person types a pairing code: answered when the phone knows whether it was right. */
#include <stdlib.h>

#include "common/xalloc.h"
#include "tests/sim/control_internal.h"

#define CODE_MAX 16
#define NAME_MAX_BYTES 128
#define PLATFORM_MAX 32

/* A call that waits. The simulator has its address until it is answered there. */
struct control_typed {
	LIST_ENTRY(control_typed) entry;
	struct evhttp_request *request; /* NULL: answered, since the control interface ended */
};

static void
on_done(void *arg, const char *error, const struct jid *jid, const struct jid *lid)
{
	struct control_typed *t = arg;
	char jid_text[JID_TEXT_MAX], lid_text[JID_TEXT_MAX];

	if (t->request != NULL) {
		LIST_REMOVE(t, entry);
		if (error != NULL)
			control_answer_error(t->request, 409, error);
		else if (jid == NULL)
			control_answer(t->request, json_pack("{s:b}", "passkey", 1));
		else
			control_answer(t->request,
			    json_pack("{s:s, s:s, s:i}", "jid", jid_format(jid, jid_text), "lid",
				jid_format(lid, lid_text), "device", (int)jid->device));
	}
	free(t);
}

static void
type(struct control_call *c, struct sim_code *typed)
{
	struct control_typed *t = xcalloc(1, sizeof(*t));
	const char *error;
	int r;

	t->request = c->request;
	LIST_INSERT_HEAD(&c->control->typed, t, entry);
	typed->done = on_done;
	typed->arg = t;
	r = sim_code_type(c->sim, typed, &error);
	if (r == 0)
		return;
	LIST_REMOVE(t, entry);
	free(t);
	if (r == -1)
		control_fail(c, HTTP_NOTFOUND, "no connection has a code for this phone");
	else
		control_fail(c, 409, "%s", error);
}

void
control_code(struct control_call *c)
{
	static const char *const names[] = {"phone", "code", "pushName", "platform", "fault", NULL};
	static const char *const faults[] = {"hmac", "signature", NULL};
	char phone[PHONE_DIGITS_MAX + 1];
	struct sim_code typed = {.phone = phone};
	int fault;

	if (!control_args_only(c, names) || !control_args_phone(c, "phone", true, phone) ||
	    !control_args_text(c, "code", true, CODE_MAX, &typed.code) ||
	    !control_args_text(c, "pushName", false, NAME_MAX_BYTES, &typed.push_name) ||
	    !control_args_text(c, "platform", false, PLATFORM_MAX, &typed.platform) ||
	    !control_args_word(c, "fault", faults, &fault))
		return;
	typed.fault = fault >= 0 ? faults[fault] : NULL;
	type(c, &typed);
}

void
control_code_end(struct control *control)
{
	struct control_typed *t;

	while ((t = LIST_FIRST(&control->typed)) != NULL) {
		LIST_REMOVE(t, entry);
		control_answer_error(t->request, HTTP_SERVUNAVAIL, "the simulator ends");
		t->request = NULL;
	}
}
