/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any frame: decoded or refused; what was decoded, encoded and decoded again, encodes to the same
 * bytes. */
#include "common/wa/node.h"
#include "tests/fuzz/fuzz.h"

#define OUT_MAX (64u << 20)

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf first = BUF_INIT(OUT_MAX), second = BUF_INIT(OUT_MAX), text = BUF_INIT(OUT_MAX);
	struct node *n = NULL, *again = NULL, *copy;

	if (node_decode(data, size, &n) != NODE_OK) {
		must(n == NULL);
		return 0;
	}
	node_print(n, &text);
	copy = node_dup(n);
	node_encode(copy, &first);
	must(node_decode(first.data, first.len, &again) == NODE_OK);
	node_encode(again, &second);
	must(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
	node_free(&n);
	node_free(&copy);
	node_free(&again);
	buf_done(&first);
	buf_done(&second);
	buf_done(&text);
	return 0;
}
