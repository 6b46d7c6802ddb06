/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a camera was held: the orientation in a JPEG's Exif block, which is a TIFF file of one byte
 * order or the other. Anything that is not just so counts as upright. */
#include <string.h>

#include "common/image_private.h"

#define EXIF_HEADER "Exif\0"
#define EXIF_HEADER_LEN 6
#define ORIENTATION_TAG 0x0112
#define TYPE_SHORT 3
#define ENTRY_LEN 12

struct tiff {
	const uint8_t *data;
	size_t len;
	bool little;
};

static uint32_t
number(const struct tiff *t, size_t at, size_t bytes)
{
	uint32_t v = 0;

	if (at > t->len || t->len - at < bytes)
		return 0;
	for (size_t i = 0; i < bytes; i++)
		v |= (uint32_t)t->data[at + i] << 8 * (t->little ? i : bytes - 1 - i);
	return v;
}

static unsigned
find_orientation(const struct tiff *t, size_t directory)
{
	const uint32_t n = number(t, directory, 2);

	for (uint32_t i = 0; i < n; i++) {
		const size_t entry = directory + 2 + (size_t)i * ENTRY_LEN;

		if (entry > t->len)
			break;
		if (number(t, entry, 2) == ORIENTATION_TAG && number(t, entry + 2, 2) == TYPE_SHORT)
			return number(t, entry + 8, 2);
	}
	return 1;
}

unsigned
image_exif_orientation(const uint8_t *app1, size_t len)
{
	struct tiff t;
	unsigned orientation;

	if (len < EXIF_HEADER_LEN + 8 || memcmp(app1, EXIF_HEADER, EXIF_HEADER_LEN) != 0)
		return 1;
	t = (struct tiff){app1 + EXIF_HEADER_LEN, len - EXIF_HEADER_LEN, app1[6] == 'I'};
	orientation = find_orientation(&t, number(&t, 4, 4));
	return orientation >= 1 && orientation <= 8 ? orientation : 1;
}
