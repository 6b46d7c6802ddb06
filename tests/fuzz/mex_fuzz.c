/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any answer or notification in GraphQL: what it says of the account is within its limits, or
 * nothing. */
#include "tests/fuzz/fuzz.h"
#include "waconnd/link/mex.h"

static void
check_word(const char word[LINK_WORD_MAX])
{
	must(memchr(word, '\0', LINK_WORD_MAX) != NULL);
	for (size_t i = 0; word[i] != '\0'; i++)
		must(word[i] > ' ' && word[i] < 0x7f && word[i] != '"');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const int64_t now_s = 1760000000;
	struct link_account said;

	if (mex_read(data, size, now_s, now_s * 1000, &said) < 0)
		return 0;
	must(said.has_timelock || said.has_cap);
	if (said.has_timelock) {
		must(said.timelock.active == (said.timelock.until_ms != 0));
		must(!said.timelock.active || said.timelock.until_ms > now_s * 1000);
		check_word(said.timelock.type);
	}
	if (said.has_cap) {
		must(said.cap.quota >= -1 && said.cap.used >= 0);
		must(said.cap.until_ms == 0 || said.cap.until_ms > now_s * 1000);
		check_word(said.cap.status);
	}
	return 0;
}
