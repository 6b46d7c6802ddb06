/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a ClientPayload, which a server reads from strangers. */
#include "common/wa/client_payload.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct client_payload c;

	if (client_payload_parse(data, size, &c) == 0)
		must(c.is_registration || c.registration_id == 0);
	return 0;
}
