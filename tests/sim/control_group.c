/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Phones write in groups; and messages that come without their content. */
#include <string.h>

#include "tests/sim/control_internal.h"

#define TEXT_MAX_BYTES 4096
#define WHAT_MAX 16

/* "120363…@g.us". */
static bool
group_read(struct control_call *c, const char *text, struct jid *ret)
{
	if (text == NULL ||
	    (jid_parse(text, ret) == 0 && ret->server == JID_SERVER_GROUP && ret->user[0] != '\0'))
		return true;
	control_fail(c, HTTP_BADREQUEST, "group is no group's address");
	return false;
}

void
control_phone_group(struct control_call *c)
{
	static const char *const names[] = {"group", "to", "text", "id", "key", NULL};
	char to[PHONE_DIGITS_MAX + 1], sent[CONTROL_ID_MAX + 1];
	const char *group, *text, *id;
	bool key = true, has;
	struct account *a;
	struct jid jid;

	if (!control_args_only(c, names) ||
	    !control_args_text(c, "group", true, JID_TEXT_MAX - 1, &group) ||
	    !control_args_phone(c, "to", true, to) ||
	    !control_args_text(c, "text", true, TEXT_MAX_BYTES, &text) ||
	    !control_args_text(c, "id", false, CONTROL_ID_MAX, &id) ||
	    !control_args_bool(c, "key", &key, &has) || !group_read(c, group, &jid) ||
	    (a = control_account(c, true)) == NULL)
		return;
	if (phone_send_group(account_device0(a), account_find(c->sim, to, true), &jid, id, text,
		key, sent, sizeof(sent)) == 0)
		control_ok(c, json_pack("{s:s}", "id", sent));
	else
		control_fail(c, 409, "no companion could be written to");
}

void
control_phone_bare(struct control_call *c)
{
	static const char *const names[] = {"to", "what", "id", "group", NULL};
	char to[PHONE_DIGITS_MAX + 1];
	const char *what, *id, *group;
	struct account *a;
	struct jid jid;

	if (!control_args_only(c, names) || !control_args_phone(c, "to", true, to) ||
	    !control_args_text(c, "what", true, WHAT_MAX, &what) ||
	    !control_args_text(c, "id", true, CONTROL_ID_MAX, &id) ||
	    !control_args_text(c, "group", false, JID_TEXT_MAX - 1, &group) ||
	    !group_read(c, group, &jid) || (a = control_account(c, true)) == NULL)
		return;
	if (sim_send_bare(c->sim, a, account_find(c->sim, to, true), id, what,
		group != NULL ? &jid : NULL) == 0)
		control_ok(c, json_pack("{s:s}", "id", id));
	else
		control_fail(c, 409, "there is no such thing, or nobody to get it");
}
