/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a content: refused, or read; what was read and can be written is read again as the
 * same. */
#include "common/wa/content.h"

#include "common/wa/message.h"
#include "tests/fuzz/fuzz.h"

static void
same(const char *a, const char *b)
{
	must((a == NULL) == (b == NULL));
	must(a == NULL || strcmp(a, b) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct wa_content *c, *copy, *again;
	struct buf b = BUF_INIT(4 * MESSAGE_BYTES_MAX);

	if (wa_content_decode(data, size, &c) != 0)
		return 0;
	copy = wa_content_copy(c);
	same(copy->text, c->text);
	must(!wa_content_has_media(c) || c->media.direct_path[0] == '/');
	(void)wa_content_mediatype(c);
	if (wa_content_encode(copy, &b, NULL) == 0 && b.len <= MESSAGE_BYTES_MAX) {
		must(wa_content_decode(b.data, b.len, &again) == 0);
		must(again->kind == c->kind);
		same(again->text, c->text);
		same(again->quoted.id, c->quoted.id);
		must(again->expiration == c->expiration);
		wa_content_free(&again);
	}
	wa_content_free(&copy);
	wa_content_free(&c);
	buf_done(&b);
	return 0;
}
