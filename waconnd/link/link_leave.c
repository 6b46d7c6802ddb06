/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Leaving for good: the device is removed from the account, then the keys are wiped, in this order,
 * so that no device without an owner stays linked while the server can still be told. Source:
 * PROTOCOL section 7, logout.
 */
#include "waconnd/link/link_private.h"

#define WIPE_MS 2000

void
link_remove_device(struct link *l, const struct jid *device, link_iq_cb cb)
{
	struct node *iq = node_new("iq", "type", "set", "xmlns", "md", NULL), *remove;
	const struct jid server = jid_server_self();

	node_set_jid(iq, "to", &server);
	remove = node_child(iq, "remove-companion-device", "reason", "user_initiated", NULL);
	node_set_jid(remove, "jid", device);
	link_iq(l, iq, cb, l);
}

static void
on_removed(void *arg, const struct node *answer)
{
	struct link *l = arg;

	(void)answer;
	/* Refused or not: the keys go. */
	if (l->phase == LINK_LEAVING && !l->leave_wiped)
		link_leave_wipe(l);
}

void
link_leave_begin(struct link *l)
{
	link_remove_device(l, &l->credentials.own, on_removed);
}

static void
on_wiped(struct link *l, int err)
{
	link_fail(l, LINK_END_LOGGED_OUT, err < 0 ? "the keys could not be wiped yet" : NULL);
}

void
link_leave_wipe(struct link *l)
{
	l->leave_wiped = true;
	link_set_deadline(l, WIPE_MS);
	l->keys->ops->wipe(l->keys);
	link_commit(l, on_wiped);
}
