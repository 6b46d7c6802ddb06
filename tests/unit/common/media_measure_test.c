/* SPDX-License-Identifier: GPL-3.0-or-later */
/* media_measure: sizes and lengths from headers, whole, cut, and in pieces of any size. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "common/media_measure.h"

#define BYTES(s) (const uint8_t *)(s), sizeof(s) - 1

static const struct picture {
	const char *name;
	const uint8_t *bytes;
	size_t len;
	uint32_t width, height;
} pictures[] = {
    {"png", BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\x40\0\0\0\xf0"), 320, 240},
    {"webp, lossy", BYTES("RIFF....WEBPVP8 ....\0\0\0\x9d\x01\x2a\x40\x41\xf0\x80"), 320, 240},
    {"webp, lossless", BYTES("RIFF....WEBPVP8L....\x2f\x3f\xc1\x3b\0....."), 320, 240},
    {"webp, extended", BYTES("RIFF....WEBPVP8X....\0\0\0\0\x3f\x01\0\xef\0\0"), 320, 240},
    {"jpeg", BYTES("\xff\xd8\xff\xe0\0\x04JF\xff\xff\xc4\0\x03x\xff\xc2\0\x11\x08\0\xf0\x01\x40"),
	320, 240},
    {"jpeg, on its side",
	BYTES("\xff\xd8\xff\xe1\0\x22"
	      "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
	      "\xff\xc0\0\x11\x08\0\xf0\x01\x40"),
	240, 320},
    {"nothing", BYTES("%PDF-1.7"), 0, 0},
    {"no sides", BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\0\0\0\0\0"), 0, 0},
    {"too large", BYTES("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\xff\xff\xff\xff\0\0\0\1"), 0, 0},
    {"jpeg without a frame", BYTES("\xff\xd8\xff\xda\0\x04xxxxxxxxxxxxxxx"), 0, 0},
    {"jpeg, a segment of no length", BYTES("\xff\xd8\xff\xe0\0\0xxxxxxxxxxxxx"), 0, 0},
};

static void
test_pictures(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(pictures) / sizeof(pictures[0]); i++) {
		const struct picture *p = &pictures[i];
		struct media_measure m = {0};

		media_measure_add(&m, p->bytes, p->len);
		if (m.width != p->width || m.height != p->height)
			fail_msg("%s: %u x %u", p->name, m.width, m.height);
		assert_int_equal(media_measure_seconds(&m), 0);
		/* Cut anywhere it is not known, or the same. */
		for (size_t n = 0; n < p->len; n++) {
			uint8_t *cut = malloc(n + 1);

			assert_non_null(cut);
			memcpy(cut, p->bytes, n);
			m = (struct media_measure){0};
			media_measure_add(&m, cut, n);
			assert_true(m.width == 0 || m.width == p->width);
			free(cut);
		}
	}
}

/* A page with this granule position and payload, appended. */
static size_t
page(uint8_t *to, uint64_t granule, uint32_t serial, const char *payload, size_t len)
{
	memset(to, 0, MEDIA_OGG_HEADER + 1);
	memcpy(to, "OggS", 4);
	for (int i = 0; i < 8; i++)
		to[6 + i] = (uint8_t)(granule >> 8 * i);
	for (int i = 0; i < 4; i++)
		to[14 + i] = (uint8_t)(serial >> 8 * i);
	to[26] = 1;
	to[27] = (uint8_t)len;
	memcpy(to + 28, payload, len);
	return 28 + len;
}

#define OPUS "OpusHead\1\1\x38\1\x80\xbb\0\0\0\0\0"
#define VORBIS "\1vorbis\0\0\0\0\2\x44\xac\0\0............\0"

static size_t
sound(uint8_t *to, const char *head, size_t head_len, uint64_t granule)
{
	size_t n = page(to, 0, 7, head, head_len);

	n += page(to + n, 48000, 7, "some sound with OggS in it, which is no page", 44);
	n += page(to + n, granule, 7, "more", 4);
	n += page(to + n, 99 * 48000, 8, "another stream", 14);
	return n + page(to + n, UINT64_MAX, 7, "on which nothing ends", 21);
}

static uint32_t
measure(const uint8_t *bytes, size_t len, size_t first, size_t piece)
{
	struct media_measure m = {0};

	media_measure_add(&m, bytes, first);
	for (size_t at = first; at < len; at += piece)
		media_measure_add(&m, bytes + at, len - at < piece ? len - at : piece);
	return media_measure_seconds(&m);
}

static void
test_sounds(void **state)
{
	uint8_t bytes[1024];
	size_t n = sound(bytes, OPUS, sizeof(OPUS) - 1, 12 * 48000 + 312);

	(void)state;
	assert_int_equal(measure(bytes, n, n, 1), 12);
	/* In pieces of any size, once the head was whole. */
	for (size_t piece = 1; piece < 100; piece++)
		assert_int_equal(measure(bytes, n, 64, piece), 12);
	n = sound(bytes, VORBIS, sizeof(VORBIS) - 1, 44100 * 3);
	assert_int_equal(measure(bytes, n, n, 1), 3);
	/* Less than a second is one; what no sound lasts is not told. */
	n = sound(bytes, OPUS, sizeof(OPUS) - 1, 700);
	assert_int_equal(measure(bytes, n, n, 1), 1);
	n = sound(bytes, OPUS, sizeof(OPUS) - 1, INT64_MAX);
	assert_int_equal(measure(bytes, n, n, 1), 0);
	n = sound(bytes, OPUS, sizeof(OPUS) - 1, 312);
	assert_int_equal(measure(bytes, n, n, 1), 0);
	n = sound(bytes, "Speex   1.1.12 and so on....", 28, 48000);
	assert_int_equal(measure(bytes, n, n, 1), 0);
	/* A head that is cut tells nothing. */
	n = sound(bytes, OPUS, sizeof(OPUS) - 1, 48000);
	for (size_t first = 0; first < 28 + sizeof(OPUS) - 2; first++)
		assert_int_equal(measure(bytes, n, first, 7), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pictures),
	    cmocka_unit_test(test_sounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
