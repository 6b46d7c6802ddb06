/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pictures are read back, module by module, and compared with the code they were drawn from. */
#include "tests/unit/cmocka_all.h"

#include <png.h>
#include <qrencode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "apigw/qr_image.h"
#include "common/xalloc.h"

#define TEXT                            \
	"2@abcdefghijklmnopqrstuvwxyz/" \
	"ABCDEFGHIJ=,c29tZSBrZXkgb2YgMzIgYnl0ZXMgaW4gYmFzZTY0,b3RoZXI=,dGhpcmQ="
#define SIDE_MAX 256

static void
compare(unsigned char dark[SIDE_MAX][SIDE_MAX], int side)
{
	QRcode *qr = QRcode_encodeString8bit(TEXT, 0, QR_ECLEVEL_L);

	assert_non_null(qr);
	assert_int_equal(side, qr->width + 2 * QR_QUIET_ZONE);
	for (int y = 0; y < side; y++) {
		for (int x = 0; x < side; x++) {
			int qx = x - QR_QUIET_ZONE, qy = y - QR_QUIET_ZONE;
			bool inside = qx >= 0 && qy >= 0 && qx < qr->width && qy < qr->width;

			assert_int_equal(dark[y][x], inside && (qr->data[qy * qr->width + qx] & 1));
		}
	}
	QRcode_free(qr);
}

static void
svg(void **state)
{
	static unsigned char dark[SIDE_MAX][SIDE_MAX];
	struct buf out = BUF_INIT(1u << 20);
	int side = 0, x, y, w, w2, used;
	const char *p;

	(void)state;
	assert_int_equal(qr_svg(TEXT, &out), 0);
	p = strstr(buf_str(&out), "viewBox=\"0 0 ");
	assert_non_null(p);
	side = (int)strtol(p + 13, NULL, 10);
	assert_in_range(side, 29, SIDE_MAX);
	p = strstr(p, " d=\"") + 4;
	while (*p == 'M') {
		assert_int_equal(sscanf(p, "M%d %dh%dv1h-%dz%n", &x, &y, &w, &w2, &used), 4);
		assert_int_equal(w, w2);
		assert_true(x >= 0 && y >= 0 && x + w <= side && y < side);
		memset(&dark[y][x], 1, (size_t)w);
		p += used;
	}
	assert_string_equal(p, "\"/></svg>\n");
	compare(dark, side);
	buf_done(&out);
}

static void
png(void **state)
{
	static unsigned char dark[SIDE_MAX][SIDE_MAX];
	struct buf out = BUF_INIT(1u << 20);
	png_image image = {.version = PNG_IMAGE_VERSION};
	unsigned char *pixels;
	int side;

	(void)state;
	assert_int_equal(qr_png(TEXT, &out), 0);
	assert_true(png_image_begin_read_from_memory(&image, out.data, out.len));
	assert_int_equal(image.width, image.height);
	assert_int_equal(image.width % QR_PNG_SCALE, 0);
	image.format = PNG_FORMAT_GRAY;
	pixels = xmalloc(PNG_IMAGE_SIZE(image));
	assert_true(png_image_finish_read(&image, NULL, pixels, 0, NULL));
	side = (int)image.width / QR_PNG_SCALE;
	for (int y = 0; y < (int)image.height; y++) {
		for (int x = 0; x < (int)image.width; x++) {
			unsigned char v = pixels[(size_t)y * image.width + (size_t)x];
			unsigned char *module = &dark[y / QR_PNG_SCALE][x / QR_PNG_SCALE];

			assert_true(v == 0 || v == 255);
			if (x % QR_PNG_SCALE == 0 && y % QR_PNG_SCALE == 0)
				*module = v == 0;
			assert_int_equal(*module, v == 0); /* a module has one colour */
		}
	}
	compare(dark, side);
	free(pixels);
	buf_done(&out);
}

static void
too_long(void **state)
{
	char text[QR_TEXT_MAX + 2];
	struct buf out = BUF_INIT(1u << 20);

	(void)state;
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_int_equal(qr_svg(text, &out), -1);
	assert_int_equal(qr_png("", &out), -1);
	assert_int_equal(out.len, 0);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(svg), cmocka_unit_test(png), cmocka_unit_test(too_long)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
