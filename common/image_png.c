/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * PNG by libpng, row by row; only an interlaced one is held as a whole, if it is not too large for
 * that.
 */
#include <png.h>
#include <stdlib.h>

#include "common/image_private.h"
#include "common/xalloc.h"

#define CHUNK_MAX (8u << 20) /* of what is not pixels */

struct reader {
	png_structp png;
	png_infop info;
	FILE *file;
	struct image *image;
	struct image_shrink *shrink;
	uint8_t *pixels; /* one row, or all of them */
	png_bytepp rows;
};

static void
on_error(png_structp png, png_const_charp text)
{
	(void)text;
	png_longjmp(png, 1);
}

static void
on_warning(png_structp png, png_const_charp text)
{
	(void)png;
	(void)text;
}

/* Anything to eight bits of RGBA. */
static void
set_transforms(struct reader *r)
{
	png_set_expand(r->png);
	png_set_strip_16(r->png);
	png_set_gray_to_rgb(r->png);
	png_set_add_alpha(r->png, 255, PNG_FILLER_AFTER);
}

static void
read_by_rows(struct reader *r)
{
	r->pixels = xmalloc((size_t)r->image->width * 4);
	for (uint32_t y = 0; y < r->image->height; y++) {
		png_read_row(r->png, r->pixels, NULL);
		image_shrink_row(r->shrink, r->pixels);
	}
}

static void
read_whole(struct reader *r)
{
	const size_t stride = (size_t)r->image->width * 4;

	r->pixels = xcalloc(r->image->height, stride);
	r->rows = xcalloc(r->image->height, sizeof(*r->rows));
	for (uint32_t y = 0; y < r->image->height; y++)
		r->rows[y] = r->pixels + y * stride;
	png_read_image(r->png, r->rows);
	for (uint32_t y = 0; y < r->image->height; y++)
		image_shrink_row(r->shrink, r->rows[y]);
}

static void
decode(struct reader *r)
{
	const bool interlaced = png_set_interlace_handling(r->png) > 1;

	if (interlaced && (uint64_t)r->image->width * r->image->height * 4 > IMAGE_MEMORY_MAX)
		return;
	set_transforms(r);
	png_read_update_info(r->png, r->info);
	r->shrink = image_shrink_new(r->image->width, r->image->height);
	if (interlaced)
		read_whole(r);
	else
		read_by_rows(r);
	image_shrink_turn(r->shrink, 1);
	image_shrink_take(r->shrink, &r->image->thumbnail, &r->image->thumbnail_len);
}

/* Whatever fails in the library comes back here. */
static enum image_error
guarded(struct reader *r)
{
	if (setjmp(png_jmpbuf(r->png)) != 0)
		return IMAGE_BROKEN;
	png_init_io(r->png, r->file);
	png_set_user_limits(r->png, 0x7fffffff, 0x7fffffff);
	png_set_chunk_malloc_max(r->png, CHUNK_MAX);
	png_set_crc_action(r->png, PNG_CRC_DEFAULT, PNG_CRC_WARN_DISCARD);
	png_read_info(r->png, r->info);
	if (!image_fits(
		png_get_image_width(r->png, r->info), png_get_image_height(r->png, r->info)))
		return IMAGE_TOO_LARGE;
	r->image->width = png_get_image_width(r->png, r->info);
	r->image->height = png_get_image_height(r->png, r->info);
	decode(r);
	return IMAGE_OK;
}

enum image_error
image_read_png(FILE *file, struct image *ret)
{
	struct reader *r = xcalloc(1, sizeof(*r));
	enum image_error result;

	r->image = ret;
	r->file = file;
	r->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, on_error, on_warning);
	r->info = r->png != NULL ? png_create_info_struct(r->png) : NULL;
	if (r->info == NULL)
		abort();
	result = guarded(r);
	png_destroy_read_struct(&r->png, &r->info, NULL);
	image_shrink_free(&r->shrink);
	free(r->pixels);
	free(r->rows);
	free(r);
	return result;
}
