/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Any bytes as a picture: refused, or measured, with a small thumbnail that is a picture itself. */
#include "common/image.h"

#include <sys/mman.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

static enum image_error
read_bytes(const uint8_t *data, size_t size, struct image *ret)
{
	const int fd = memfd_create("image", MFD_CLOEXEC);
	enum image_error r;

	must(fd >= 0 && write(fd, data, size) == (ssize_t)size);
	r = image_read(fd, ret);
	(void)close(fd);
	return r;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct image i, t;

	if (read_bytes(data, size, &i) != IMAGE_OK)
		return 0;
	must(i.width > 0 && i.height > 0 && i.width <= IMAGE_SIDE_MAX);
	must(i.thumbnail_len <= IMAGE_THUMBNAIL_MAX);
	if (i.thumbnail != NULL) {
		must(read_bytes(i.thumbnail, i.thumbnail_len, &t) == IMAGE_OK);
		must(t.width <= IMAGE_THUMBNAIL_SIDE && t.height <= IMAGE_THUMBNAIL_SIDE);
		image_done(&t);
	}
	image_done(&i);
	return 0;
}
