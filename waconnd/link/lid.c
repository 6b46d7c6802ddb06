/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads and writes the pairs in the key cache. A pair that is known already is not written again.
 */
#include "waconnd/link/lid.h"

#include <string.h>

#include "common/log.h"

bool
lid_find(struct messaging *m, const struct jid *pn, struct jid *ret_lid)
{
	size_t len = 0;
	const uint8_t *lid = key_cache_find(m->keys, KEY_LID, pn->user, &len);

	if (pn->server != JID_SERVER_PN || lid == NULL || len == 0 || len > JID_USER_MAX)
		return false;
	*ret_lid = (struct jid){.server = JID_SERVER_LID, .device = pn->device};
	memcpy(ret_lid->user, lid, len);
	return true;
}

void
lid_learn(struct messaging *m, const struct jid *pn, const struct jid *lid)
{
	struct jid known;

	if (pn->server != JID_SERVER_PN || lid->server != JID_SERVER_LID || pn->user[0] == '\0' ||
	    lid->user[0] == '\0')
		return;
	if (lid_find(m, pn, &known)) {
		if (strcmp(known.user, lid->user) == 0)
			return;
		log_info("lid.changed", LOG_STR("outlet", link_outlet(m->link)),
		    LOG_PHONE("phone", pn->user));
	}
	key_cache_put(m->keys, KEY_LID, pn->user, lid->user, strlen(lid->user));
}
