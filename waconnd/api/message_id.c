/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Looks at the text alone: whether there is such a row is the database's to say. */
#include "waconnd/api/message_id.h"

#include <stddef.h>
#include <string.h>

#define PREFIX "msg_"
#define DIGITS_MAX 18

const char *
message_id_number(const char *id)
{
	const size_t prefix = strlen(PREFIX);
	size_t digits;

	if (id == NULL || strncmp(id, PREFIX, prefix) != 0)
		return NULL;
	digits = strspn(id + prefix, "0123456789");
	return digits > 0 && digits <= DIGITS_MAX && id[prefix + digits] == '\0' ? id + prefix
										 : NULL;
}
