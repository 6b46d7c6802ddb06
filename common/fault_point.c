/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ends the process where the environment says so. The count of passes is the one thing here that
 * outlives a call; a program without FAULT_POINTS has none of it. */
#include "common/fault_point.h"

#ifdef FAULT_POINTS
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void
fault_point(const char *name)
{
	static unsigned long passes;
	const char *wanted = getenv("WACONN_FAULT");
	const size_t len = strlen(name);

	if (wanted == NULL || strncmp(wanted, name, len) != 0 || wanted[len] != ':')
		return;
	if (++passes == strtoul(wanted + len + 1, NULL, 10))
		_exit(FAULT_POINT_STATUS);
}
#endif
