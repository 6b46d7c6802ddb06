/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bundle: read, or refused with nothing touched. */
#include "tests/fuzz/fuzz.h"
#include "waconnd/link/bundle.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct node *user = NULL;
	struct signal_bundle bundle, before;

	if (node_decode(data, size, &user) != NODE_OK)
		return 0;
	memset(&bundle, 0xa5, sizeof(bundle));
	before = bundle;
	if (bundle_read(user, &bundle) == 0)
		must(bundle.signed_prekey_id <= SIGNAL_PREKEY_ID_MAX &&
		     (!bundle.has_prekey || bundle.prekey_id <= SIGNAL_PREKEY_ID_MAX));
	else
		must(memcmp(&bundle, &before, sizeof(bundle)) == 0);
	node_free(&user);
	return 0;
}
