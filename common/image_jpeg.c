/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * JPEG by libjpeg-turbo. Decoding is scaled down by the library itself, so a large picture costs
 * little; a progressive one needs room for all its coefficients and may have scans without end:
 * both are bounded.
 */
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* needs stdio.h before it */
#include <jpeglib.h>
/* needs jpeglib.h before it */
#include <jerror.h>

#include "common/image_private.h"
#include "common/xalloc.h"

#define SCANS_MAX 64

struct reader {
	struct jpeg_decompress_struct jpeg;
	struct jpeg_error_mgr errors;
	struct jpeg_progress_mgr progress;
	jmp_buf failed;
	struct image *image;
	struct image_shrink *shrink;
	uint8_t *row;
	unsigned orientation;
	bool too_much;
};

static struct reader *
reader_of(j_common_ptr jpeg)
{
	return jpeg->client_data;
}

static void
on_error(j_common_ptr jpeg)
{
	struct reader *r = reader_of(jpeg);
	const int code = r->errors.msg_code;

	r->too_much |= code == JERR_OUT_OF_MEMORY || code == JERR_NO_BACKING_STORE;
	longjmp(r->failed, 1);
}

/* Cameras write much that is worth a warning; but a picture that ends early is not shown as if it
 * were whole. */
static void
on_message(j_common_ptr jpeg, int level)
{
	const int code = jpeg->err->msg_code;

	if (level < 0 && (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER))
		on_error(jpeg);
}

static void
on_progress(j_common_ptr jpeg)
{
	struct reader *r = reader_of(jpeg);

	if (r->jpeg.input_scan_number > SCANS_MAX) {
		r->too_much = true;
		longjmp(r->failed, 1);
	}
}

static void
read_header(struct reader *r, FILE *file)
{
	struct jpeg_decompress_struct *jpeg = &r->jpeg;

	jpeg->err = jpeg_std_error(&r->errors);
	r->errors.error_exit = on_error;
	r->errors.emit_message = on_message;
	jpeg->client_data = r;
	jpeg_create_decompress(jpeg);
	jpeg->mem->max_memory_to_use = IMAGE_MEMORY_MAX;
	r->progress.progress_monitor = on_progress;
	jpeg->progress = &r->progress;
	jpeg_stdio_src(jpeg, file);
	jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xffff);
	(void)jpeg_read_header(jpeg, TRUE);
}

static void
shrink_rows(struct reader *r)
{
	struct jpeg_decompress_struct *jpeg = &r->jpeg;
	const uint32_t width = jpeg->output_width;

	r->row = xmalloc((size_t)width * 4);
	while (jpeg->output_scanline < jpeg->output_height) {
		(void)jpeg_read_scanlines(jpeg, &r->row, 1);
		image_shrink_row(r->shrink, r->row);
	}
}

/* As far down as it goes without becoming smaller than the thumbnail. */
static unsigned
scale_of(const struct image *image)
{
	const uint32_t longer = image->width > image->height ? image->width : image->height;
	unsigned scale = 1;

	while (scale < 8 && longer / (2 * scale) >= 2 * IMAGE_THUMBNAIL_SIDE)
		scale *= 2;
	return scale;
}

static void
decode(struct reader *r)
{
	struct jpeg_decompress_struct *jpeg = &r->jpeg;

	jpeg->scale_num = 1;
	jpeg->scale_denom = scale_of(r->image);
	/* Opaque RGBA, whatever the file has; CMYK is not converted and fails here. */
	jpeg->out_color_space = JCS_EXT_RGBA;
	jpeg->dct_method = JDCT_IFAST;
	(void)jpeg_start_decompress(jpeg);
	r->shrink = image_shrink_new(jpeg->output_width, jpeg->output_height);
	shrink_rows(r);
	(void)jpeg_finish_decompress(jpeg);
	image_shrink_turn(r->shrink, r->orientation);
	image_shrink_take(r->shrink, &r->image->thumbnail, &r->image->thumbnail_len);
}

static unsigned
orientation_of(const struct jpeg_decompress_struct *jpeg)
{
	unsigned orientation = 1;

	for (const struct jpeg_marker_struct *m = jpeg->marker_list; m != NULL && orientation == 1;
	     m = m->next)
		orientation = image_exif_orientation(m->data, m->data_length);
	return orientation;
}

/* Whatever fails in the library comes back here. */
static enum image_error
guarded(struct reader *r, FILE *file)
{
	if (setjmp(r->failed) != 0)
		return r->too_much && r->image->width > 0 ? IMAGE_OK : IMAGE_BROKEN;
	read_header(r, file);
	if (!image_fits(r->jpeg.image_width, r->jpeg.image_height))
		return IMAGE_TOO_LARGE;
	r->orientation = orientation_of(&r->jpeg);
	r->image->width = r->orientation < 5 ? r->jpeg.image_width : r->jpeg.image_height;
	r->image->height = r->orientation < 5 ? r->jpeg.image_height : r->jpeg.image_width;
	if (r->jpeg.jpeg_color_space != JCS_CMYK && r->jpeg.jpeg_color_space != JCS_YCCK)
		decode(r);
	return IMAGE_OK;
}

enum image_error
image_read_jpeg(FILE *file, struct image *ret)
{
	struct reader *r = xcalloc(1, sizeof(*r));
	enum image_error result;

	r->image = ret;
	result = guarded(r, file);
	jpeg_destroy_decompress(&r->jpeg);
	image_shrink_free(&r->shrink);
	free(r->row);
	free(r);
	return result;
}

/* -- writing -------------------------------------------------------------------------- */

void
image_write_jpeg(const uint8_t *rgb, uint32_t width, uint32_t height, int quality, uint8_t **ret,
    size_t *ret_len)
{
	struct jpeg_compress_struct jpeg;
	struct jpeg_error_mgr errors;
	unsigned char *out = NULL;
	unsigned long len = 0;
	uint8_t *row = xmalloc((size_t)width * 3);

	/* Nothing here comes from outside: an error ends the program, as libjpeg does by itself. */
	jpeg.err = jpeg_std_error(&errors);
	jpeg_create_compress(&jpeg);
	jpeg_mem_dest(&jpeg, &out, &len);
	jpeg.image_width = width;
	jpeg.image_height = height;
	jpeg.input_components = 3;
	jpeg.in_color_space = JCS_RGB;
	jpeg_set_defaults(&jpeg);
	jpeg_set_quality(&jpeg, quality, TRUE);
	jpeg.optimize_coding = TRUE;
	jpeg_start_compress(&jpeg, TRUE);
	for (uint32_t y = 0; y < height; y++) {
		memcpy(row, rgb + (size_t)y * width * 3, (size_t)width * 3);
		(void)jpeg_write_scanlines(&jpeg, &row, 1);
	}
	jpeg_finish_compress(&jpeg);
	jpeg_destroy_compress(&jpeg);
	free(row);
	*ret = out;
	*ret_len = len;
}
