/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any history: in one piece and byte by byte the same comes of it. The input is the protobuf (it is
 * deflated here), or, if its first byte is odd, what follows as if it were deflated.
 */
#include <zlib.h>

#include "common/wa/history.h"
#include "tests/fuzz/fuzz.h"

#define PLAIN_MAX 65536

struct sum {
	size_t n, bytes;
};

static void
on_item(void *arg, const struct history_item *item)
{
	struct sum *sum = arg;

	must(item->token_len <= HISTORY_TOKEN_MAX);
	must(strlen(item->name) < HISTORY_NAME_MAX);
	must(item->jid.device == 0 && item->pn.device == 0 && item->lid.device == 0);
	sum->n++;
	sum->bytes += item->token_len + strlen(item->name) + strlen(item->jid.user);
}

static int
push(const uint8_t *data, size_t len, size_t piece, struct sum *ret)
{
	struct history *h = history_new(on_item, ret);
	int r = 0;

	for (size_t at = 0; r == 0 && at < len; at += piece)
		r = history_push(h, data + at, len - at < piece ? len - at : piece);
	if (r == 0)
		r = history_end(h);
	history_free(&h);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t deflated[PLAIN_MAX + 1024];
	uLongf len = sizeof(deflated);
	struct sum whole = {0}, pieces = {0};
	int r;

	if (size < 1 || size > PLAIN_MAX)
		return 0;
	if ((data[0] & 1) != 0) {
		(void)push(data + 1, size - 1, size, &whole);
		return 0;
	}
	must(compress2(deflated, &len, data + 1, size - 1, 1) == Z_OK);
	r = push(deflated, len, len, &whole);
	must(push(deflated, len, 1, &pieces) == r);
	must(whole.n == pieces.n && whole.bytes == pieces.bytes);
	return 0;
}
