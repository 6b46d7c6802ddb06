/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The simulator as a whole, and its faults. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/control_internal.h"

#define NOISE_ROOT_LEN 32

void
control_state(struct control_call *c)
{
	static const char *const names[] = {NULL};
	char root[2 * NOISE_ROOT_LEN + 1];
	json_t *stats, *connections;

	if (!control_args_only(c, names))
		return;
	for (size_t i = 0; i < NOISE_ROOT_LEN; i++)
		snprintf(root + 2 * i, 3, "%02x", sim_noise_root(c->sim)[i]);
	stats = sim_stats(c->sim);
	connections = json_incref(json_object_get(stats, "connections"));
	json_object_del(stats, "connections");
	control_ok(c,
	    json_pack("{s:s, s:s, s:I, s:o*, s:o}", "noiseRoot", root, "url", sim_url(c->sim),
		"seed", (json_int_t)sim_seed(c->sim), "connections", connections, "stats", stats));
}

void
control_fault_arm(struct control_call *c)
{
	const char *error = "not a fault";
	unsigned id;

	if (fault_arm(c->sim, c->args, &id, &error) != 0)
		control_fail(c, HTTP_BADREQUEST, "%s", error);
	else
		control_ok(c, json_pack("{s:i}", "id", (int)id));
}

void
control_fault_list(struct control_call *c)
{
	static const char *const names[] = {NULL};

	if (control_args_only(c, names))
		control_ok(c, json_pack("{s:o}", "faults", fault_list(c->sim)));
}

void
control_fault_forget(struct control_call *c)
{
	static const char *const names[] = {NULL};
	unsigned long id;
	char *end;

	if (!control_args_only(c, names))
		return;
	errno = 0;
	id = strtoul(c->segment, &end, 10);
	if (c->segment[0] < '0' || c->segment[0] > '9' || *end != '\0' || errno != 0 || id == 0 ||
	    id > UINT32_MAX || !fault_forget(c->sim, (unsigned)id))
		control_fail(c, HTTP_NOTFOUND, "no such fault");
	else
		control_ok(c, json_object());
}

void
control_fault_forget_all(struct control_call *c)
{
	static const char *const names[] = {NULL};

	if (!control_args_only(c, names))
		return;
	(void)fault_forget(c->sim, 0); /* none armed is fine */
	control_ok(c, json_object());
}
