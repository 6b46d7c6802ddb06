/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any notification of devices: what is read of it, and a list after it, keep to their limits. */
#include "tests/fuzz/fuzz.h"
#include "waconnd/link/notice.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct device_list list = {.n = 3, .ids = {{0, false}, {5, false}, {99, true}}}, after;
	struct node *notification = NULL;
	struct device_notice change;
	struct jid pn, lid;

	if (node_decode(data, size, &notification) != NODE_OK)
		return 0;
	if (notice_read_user(notification, "lid", &pn, &lid) == 0) {
		must(!jid_is_none(&pn) || !jid_is_none(&lid));
		for (const struct node *n = node_first(notification); n != NULL; n = node_next(n)) {
			if (device_notice_read(n, &change) != 0)
				continue;
			must(change.n <= USER_DEVICES_MAX);
			if (device_notice_apply(&change, &pn, &lid, &list, &after)) {
				must(after.n <= USER_DEVICES_MAX);
				list = after;
			}
		}
	}
	node_free(&notification);
	return 0;
}
