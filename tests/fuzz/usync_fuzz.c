/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any answer to a usync query: users are read within their limits or refused. */
#include "tests/fuzz/fuzz.h"
#include "waconnd/link/stanza_id.h"
#include "waconnd/link/usync.h"

static void
check(const struct usync_user *u)
{
	must(u->devices.n <= USER_DEVICES_MAX);
	must(u->has_devices || u->devices.n == 0);
	must(!jid_is_none(&u->jid) || u->has_contact);
	must(jid_is_none(&u->jid) || (jid_is_user(&u->jid) && u->jid.device == 0));
	must(jid_is_none(&u->lid) || u->lid.server == JID_SERVER_LID);
	must(jid_is_none(&u->pn) || u->pn.server == JID_SERVER_PN);
	must(memchr(u->contact, '\0', sizeof(u->contact)) != NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct node *answer = NULL;
	struct usync_user user;

	if (node_decode(data, size, &answer) != NODE_OK)
		return 0;
	for (const struct node *n = usync_users(answer); n != NULL; n = node_next(n))
		if (usync_read_user(n, &user) == 0)
			check(&user);
	/* A <user> that stands alone, too: it is found sooner. */
	if (usync_read_user(answer, &user) == 0)
		check(&user);
	node_free(&answer);
	return 0;
}
