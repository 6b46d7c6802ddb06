/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a Message: read or refused; what was read can be read again from its innermost body.
 */
#include "common/wa/message.h"
#include "common/wa/plain.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wa_message m, inner;
	size_t len;

	if (plain_unpad(data, size, &len) == 0)
		must(len <= size);
	if (wa_message_read(data, size, &m) != 0)
		return 0;
	must(wa_message_read(m.body.data, m.body.len, &inner) == 0);
	must(inner.kind == m.kind);
	must((inner.text == NULL) == (m.text == NULL));
	must(inner.text == NULL || strcmp(inner.text, m.text) == 0);
	wa_message_done(&inner);
	wa_message_done(&m);
	return 0;
}
