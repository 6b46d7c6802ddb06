/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text as a QR text: what is read is written the same again. Any bytes as a signed identity:
 * never accepted. */
#include "common/wa/adv.h"
#include "tests/fuzz/fuzz.h"

#define OUT_MAX 4096

static void
check_text(const char *text)
{
	uint8_t noise[CURVE_KEY_LEN], identity[CURVE_KEY_LEN], secret[ADV_SECRET_LEN];
	struct buf out = BUF_INIT(OUT_MAX);
	char ref[256];

	if (adv_qr_parse(text, ref, sizeof(ref), noise, identity, secret) == 0) {
		const size_t len = strlen(text);

		adv_qr_text(ref, noise, identity, secret, text[len - 1], &out);
		/* The older form is a part of the current one. */
		must(strcmp(buf_str(&out), text) == 0 || strstr(buf_str(&out), text) != NULL);
	}
	buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct curve_pair companion = {.priv = {8, [31] = 64}};
	static const uint8_t secret[ADV_SECRET_LEN] = {7};
	struct adv_result r;
	char *text = fuzz_text(data, size);

	check_text(text);
	must(adv_accept(data, size, secret, &companion, &r) != ADV_OK);
	free(text);
	return 0;
}
