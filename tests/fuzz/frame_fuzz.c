/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A stream pushed whole and in pieces (the first byte says how long) gives the same frames, and the
 * intro likewise. */
#include "common/wa/frame.h"
#include "tests/fuzz/fuzz.h"

#define MAX_BODY 1000
#define OUT_MAX (8u << 20)

/* Everything that came out, with the final verdict. */
static int
run(const uint8_t *data, size_t size, size_t step, struct buf *out)
{
	struct frame_reader r;
	const uint8_t *body;
	size_t len;
	int intro = 0, got = 0;

	frame_reader_init(&r, MAX_BODY);
	for (size_t at = 0; at < size && got == 0; at += step) {
		frame_reader_push(&r, data + at, size - at < step ? size - at : step);
		if (intro == 0)
			intro = frame_reader_intro(&r, out);
		if (intro < 0)
			break;
		while (intro == 1 && (got = frame_reader_next(&r, &body, &len)) == 1)
			frame_write(out, body, len);
	}
	frame_reader_done(&r);
	return intro < 0 ? -2 : got;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = BUF_INIT(OUT_MAX), pieces = BUF_INIT(OUT_MAX);

	if (size < 2)
		return 0;
	must(run(data + 1, size - 1, size, &whole) ==
	     run(data + 1, size - 1, 1u + data[0], &pieces));
	must(whole.len == pieces.len);
	must(whole.len == 0 || memcmp(whole.data, pieces.data, whole.len) == 0);
	buf_done(&whole);
	buf_done(&pieces);
	return 0;
}
