/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any request for a message once more, with its keys: read within limits, or refused. */
#include "tests/fuzz/fuzz.h"
#include "waconnd/link/bundle.h"
#include "waconnd/link/resend.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct node *receipt = NULL;
	struct resend_request q;
	struct signal_bundle bundle;

	if (node_decode(data, size, &receipt) != NODE_OK)
		return 0;
	if (resend_read(receipt, &q) == 0) {
		must(stanza_id_is_plain(q.id) && stanza_id_is_plain(q.device.user));
		must(q.times >= 1 && q.times <= 100);
		if (bundle_read(receipt, &bundle) == 0)
			must(bundle.signed_prekey_id <= SIGNAL_PREKEY_ID_MAX);
	}
	node_free(&receipt);
	return 0;
}
