/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text as an address: its own text form reads back as the same. */
#include "common/wa/jid.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size);
	char out[JID_TEXT_MAX], name[JID_USER_MAX + 5];
	struct jid jid, again;

	if (jid_parse(text, &jid) == 0) {
		must(jid_parse(jid_format(&jid, out), &again) == 0);
		must(jid_equal(&jid, &again));
		jid_signal_name(&jid, name, sizeof(name));
	}
	free(text);
	return 0;
}
