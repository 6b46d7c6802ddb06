/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Attributes of any message stanza: what is taken from them can be named, stored and answered. */
#include "tests/fuzz/fuzz.h"
#include "waconnd/link/inbound.h"
#include "waconnd/link/stanza_id.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct jid own = jid_make(JID_SERVER_PN, "61", 3),
			 lid = jid_make(JID_SERVER_LID, "11", 3);
	struct inbound_info in;
	struct node *n = NULL;

	if (node_decode(data, size, &n) != NODE_OK)
		return 0;
	if (inbound_read(n, &own, &lid, &in) == 0) {
		must(stanza_id_is_plain(in.id) && stanza_id_is_plain(in.sender.user) &&
		     stanza_id_is_plain(in.chat.user));
		must(jid_is_user(&in.sender) && in.chat.device == 0 && in.t >= 0);
		must(!in.is_peer || in.from_me);
	}
	node_free(&n);
	return 0;
}
