/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any text with choices: what is chosen is no longer than the text, and the same at each time. */
#include "common/spintax.h"
#include "common/xalloc.h"
#include "tests/fuzz/fuzz.h"

#include <stdlib.h>

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = xmalloc(size + 1);
	struct buf a = BUF_INIT(1u << 20), b = BUF_INIT(1u << 20);

	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	(void)spintax_check(text);
	spintax_choose(text, "6281234567890", &a);
	spintax_choose(text, "6281234567890", &b);
	must(buf_ok(&a) && a.len <= strlen(text));
	must(strcmp(buf_str(&a), buf_str(&b)) == 0);
	buf_done(&a);
	buf_done(&b);
	free(text);
	return 0;
}
