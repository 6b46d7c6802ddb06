/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ids and users are ASCII in the field; anything else would only trouble the database and the logs.
 */
#include "waconnd/link/stanza_id.h"

#include <stddef.h>
#include <string.h>

bool
stanza_id_is_plain(const char *text)
{
	const size_t len = text != NULL ? strlen(text) : 0;

	for (size_t i = 0; i < len; i++)
		if (text[i] <= 0x20 || text[i] >= 0x7f)
			return false;
	return len > 0 && len < STANZA_ID_MAX;
}
