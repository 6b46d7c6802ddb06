/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any file: a picture's size is one that pictures have, a sound's length does not depend on the
 * pieces in which it comes. */
#include "common/image.h"
#include "common/media_measure.h"
#include "tests/fuzz/fuzz.h"

#define HEAD 64

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t first = size < HEAD ? size : HEAD;
	struct media_measure whole = {0}, head = {0}, pieces = {0};

	media_measure_add(&whole, data, size);
	must((whole.width == 0) == (whole.height == 0));
	must(whole.width <= IMAGE_SIDE_MAX && whole.height <= IMAGE_SIDE_MAX);
	must(media_measure_seconds(&whole) <= MEDIA_SECONDS_MAX);
	media_measure_add(&head, data, first);
	media_measure_add(&head, data + first, size - first);
	media_measure_add(&pieces, data, first);
	for (size_t at = first; at < size; at++)
		media_measure_add(&pieces, data + at, 1);
	must(media_measure_seconds(&head) == media_measure_seconds(&pieces));
	return 0;
}
