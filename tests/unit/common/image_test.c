/* SPDX-License-Identifier: GPL-3.0-or-later */
/* image: pictures of the three kinds in sizes that matter, their thumbnails decoded again, cut
 * files, lies about sizes, and what is no picture. */
#include "common/image.h"

#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <webp/encode.h>
/* needs stdio.h before it */
#include <jpeglib.h>

#include "common/image_private.h"
#include "common/xalloc.h"
#include "tests/unit/cmocka_all.h"

struct file {
	uint8_t *data;
	size_t len;
};

/* Left half red, right half blue; opaque. */
static uint8_t *
pixels(uint32_t width, uint32_t height, size_t channels)
{
	uint8_t *p = xcalloc((size_t)width * height, channels);

	for (size_t i = 0; i < (size_t)width * height; i++) {
		const bool left = i % width < width / 2;

		p[i * channels] = left ? 250 : 5;
		p[i * channels + 2] = left ? 5 : 250;
		if (channels == 4)
			p[i * channels + 3] = 255;
	}
	return p;
}

static struct file
make_jpeg(uint32_t width, uint32_t height)
{
	uint8_t *p = pixels(width, height, 3);
	struct file f;

	image_write_jpeg(p, width, height, 90, &f.data, &f.len);
	free(p);
	return f;
}

static struct file
make_png(uint32_t width, uint32_t height)
{
	uint8_t *p = pixels(width, height, 4);
	png_image image = {.version = PNG_IMAGE_VERSION,
	    .width = width,
	    .height = height,
	    .format = PNG_FORMAT_RGBA};
	png_alloc_size_t len = 0;
	struct file f;

	assert_true(png_image_write_to_memory(&image, NULL, &len, 0, p, 0, NULL));
	f.data = xmalloc(len);
	f.len = len;
	assert_true(png_image_write_to_memory(&image, f.data, &len, 0, p, 0, NULL));
	free(p);
	return f;
}

static struct file
make_webp(uint32_t width, uint32_t height)
{
	uint8_t *p = pixels(width, height, 4), *out = NULL;
	struct file f;

	f.len = WebPEncodeRGBA(p, (int)width, (int)height, (int)width * 4, 80, &out);
	assert_true(f.len > 0);
	f.data = xmemdup(out, f.len);
	WebPFree(out);
	free(p);
	return f;
}

static enum image_error
read_bytes(const void *data, size_t len, struct image *ret)
{
	const int fd = memfd_create("image", MFD_CLOEXEC);
	enum image_error r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	r = image_read(fd, ret);
	assert_int_equal(lseek(fd, 0, SEEK_CUR), len);
	(void)close(fd);
	return r;
}

static const struct kind {
	const char *mimetype;
	struct file (*make)(uint32_t width, uint32_t height);
} kinds[] = {{"image/jpeg", make_jpeg}, {"image/png", make_png}, {"image/webp", make_webp}};

/* The thumbnail is a picture of its own: two halves again. */
static void
check_thumbnail(const struct image *i)
{
	struct image t;

	assert_non_null(i->thumbnail);
	assert_true(i->thumbnail_len > 100 && i->thumbnail_len <= IMAGE_THUMBNAIL_MAX);
	assert_int_equal(read_bytes(i->thumbnail, i->thumbnail_len, &t), IMAGE_OK);
	assert_string_equal(t.mimetype, "image/jpeg");
	assert_true(t.width <= IMAGE_THUMBNAIL_SIDE && t.height <= IMAGE_THUMBNAIL_SIDE);
	if (i->width >= IMAGE_THUMBNAIL_SIDE || i->height >= IMAGE_THUMBNAIL_SIDE)
		assert_true(t.width == IMAGE_THUMBNAIL_SIDE || t.height == IMAGE_THUMBNAIL_SIDE);
	image_done(&t);
}

static void
test_kinds(void **state)
{
	static const struct {
		uint32_t width, height;
	} sizes[] = {{1, 1}, {2, 300}, {159, 160}, {161, 7}, {640, 480}, {1200, 1601}, {3000, 1}};

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
			const struct file f = kinds[k].make(sizes[s].width, sizes[s].height);
			struct image i;

			assert_int_equal(read_bytes(f.data, f.len, &i), IMAGE_OK);
			assert_string_equal(i.mimetype, kinds[k].mimetype);
			assert_int_equal(i.width, sizes[s].width);
			assert_int_equal(i.height, sizes[s].height);
			assert_false(i.animated);
			check_thumbnail(&i);
			image_done(&i);
			assert_null(i.thumbnail);
			free(f.data);
		}
	}
}

/* Means, and transparency on white. */
static void
test_shrink(void **state)
{
	struct image_shrink *s = image_shrink_new(320, 2);
	uint8_t row[320 * 4];
	uint8_t *jpeg;
	size_t len;

	(void)state;
	memset(row, 0, sizeof(row));
	image_shrink_row(s, row);
	image_shrink_row(s, row);
	image_shrink_row(s, row); /* one too many */
	image_shrink_turn(s, 1);
	image_shrink_take(s, &jpeg, &len);
	assert_non_null(jpeg);
	free(jpeg);
	image_shrink_free(&s);
	assert_null(s);
}

/* The thumbnail's pixel at a place: is it more red than blue? */
static bool
is_red(const struct image *i, uint32_t x, uint32_t y)
{
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;
	uint8_t row[IMAGE_THUMBNAIL_SIDE * 3], *rows = row;

	jpeg.err = jpeg_std_error(&errors);
	jpeg_create_decompress(&jpeg);
	jpeg_mem_src(&jpeg, i->thumbnail, i->thumbnail_len);
	(void)jpeg_read_header(&jpeg, TRUE);
	(void)jpeg_start_decompress(&jpeg);
	do
		(void)jpeg_read_scanlines(&jpeg, &rows, 1);
	while (jpeg.output_scanline <= y);
	jpeg_destroy_decompress(&jpeg);
	return row[x * 3] > row[x * 3 + 2];
}

static struct file
with_exif(struct file f, bool little, uint8_t orientation)
{
	uint8_t exif[] = {0xff, 0xe1, 0, 34, 'E', 'x', 'i', 'f', 0, 0, 'M', 'M', 0, 42, 0, 0, 0, 8,
	    0, 1, 0x01, 0x12, 0, 3, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0};
	struct file out = {.len = f.len + sizeof(exif)};

	exif[29] = orientation;
	if (little) {
		const uint8_t tiff[] = {'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 0x01, 3, 0, 1, 0,
		    0, 0, orientation, 0, 0, 0};

		memcpy(exif + 10, tiff, sizeof(tiff));
	}
	out.data = xmalloc(out.len);
	memcpy(out.data, f.data, 2);
	memcpy(out.data + 2, exif, sizeof(exif));
	memcpy(out.data + 2 + sizeof(exif), f.data + 2, f.len - 2);
	free(f.data);
	return out;
}

/* Which edge is red afterwards: the left half was. */
static void
test_orientation(void **state)
{
	static const char edges[] = "-lrrlttbb";

	(void)state;
	for (unsigned o = 0; o <= 9; o++) {
		const struct file f = with_exif(make_jpeg(160, 100), o % 2 == 0, (uint8_t)o);
		const char edge = o >= 1 && o <= 8 ? edges[o] : 'l';
		const bool turned = o >= 5 && o <= 8;
		struct image i;

		assert_int_equal(read_bytes(f.data, f.len, &i), IMAGE_OK);
		assert_int_equal(i.width, turned ? 100 : 160);
		assert_int_equal(i.height, turned ? 160 : 100);
		if (!turned) {
			assert_int_equal(is_red(&i, 5, i.height / 2), edge == 'l');
			assert_int_equal(is_red(&i, i.width - 5, i.height / 2), edge == 'r');
		} else {
			assert_int_equal(is_red(&i, i.width / 2, 5), edge == 't');
			assert_int_equal(is_red(&i, i.width / 2, i.height - 5), edge == 'b');
		}
		image_done(&i);
		free(f.data);
	}
}

/* Every cut of a file is broken, or at least no crash; half of it is not shown as whole. */
static void
test_cut(void **state)
{
	(void)state;
	for (size_t k = 0; k < 3; k++) {
		const struct file f = kinds[k].make(200, 200);
		struct image i;

		assert_int_equal(read_bytes(f.data, f.len / 2, &i), IMAGE_BROKEN);
		for (size_t n = 0; n < f.len; n += 1 + f.len / 200) {
			const enum image_error r = read_bytes(f.data, n, &i);

			if (n < 12)
				assert_true(r == IMAGE_UNKNOWN || r == IMAGE_BROKEN);
			if (r == IMAGE_OK)
				image_done(&i);
		}
		free(f.data);
	}
}

/* Sizes are believed, and refused, before there is memory for them. */
static void
test_lies(void **state)
{
	struct file f = make_png(10, 10);
	struct image i;
	uint8_t *frame;

	(void)state;
	/* The header's checksum does not fit any more, and is not what refuses it. */
	memcpy(f.data + 16, "\x00\x00\x75\x30\x00\x00\x75\x30", 8);
	assert_int_equal(read_bytes(f.data, f.len, &i), IMAGE_BROKEN);
	free(f.data);
	f = make_jpeg(10, 10);
	frame = memmem(f.data, f.len, "\xff\xc0", 2);
	assert_non_null(frame);
	memcpy(frame + 5, "\xff\xdc\xff\xdc", 4); /* 65500 x 65500 */
	assert_int_equal(read_bytes(f.data, f.len, &i), IMAGE_TOO_LARGE);
	memcpy(frame + 5, "\x27\x10\x27\x10", 4); /* 10000 x 10000, of a few bytes */
	assert_int_equal(read_bytes(f.data, f.len, &i), IMAGE_BROKEN);
	free(f.data);
	assert_true(image_fits(30000, 3495));
	assert_false(image_fits(30001, 1));
	assert_false(image_fits(0, 1));
	assert_false(image_fits(20000, 20000));
}

static void
test_no_picture(void **state)
{
	static const char gif[] = "GIF89a\x01\x00\x01\x00\x00\x00\x00;";
	struct image i;
	FILE *f = tmpfile();

	(void)state;
	assert_int_equal(read_bytes("", 0, &i), IMAGE_UNKNOWN);
	assert_int_equal(read_bytes(gif, sizeof(gif), &i), IMAGE_UNKNOWN);
	assert_int_equal(read_bytes("RIFF1234WAVEfmt ", 16, &i), IMAGE_UNKNOWN);
	assert_int_equal(image_read(-1, &i), IMAGE_IO);
	assert_non_null(f);
	assert_int_equal(pwrite(fileno(f), "\xff\xd8\xff", 3, 0), 3);
	assert_int_equal(ftruncate(fileno(f), IMAGE_FILE_MAX + 1), 0);
	assert_int_equal(image_read(fileno(f), &i), IMAGE_TOO_LARGE);
	(void)fclose(f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kinds),
	    cmocka_unit_test(test_shrink),
	    cmocka_unit_test(test_orientation),
	    cmocka_unit_test(test_cut),
	    cmocka_unit_test(test_lies),
	    cmocka_unit_test(test_no_picture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
