/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * WebP by libwebp, which wants the file in memory and scales while it decodes. Lossless pictures,
 * and what is transparent, are held whole by the library: beyond a size they get no thumbnail, and
 * animations never do.
 */
#include <stdlib.h>
#include <string.h>
#include <webp/decode.h>

#include "common/image_private.h"
#include "common/xalloc.h"

#define FILE_MAX (16u << 20)

static uint8_t *
read_all(FILE *file, size_t *ret_len)
{
	uint8_t *data = xmalloc(FILE_MAX + 1);

	*ret_len = fread(data, 1, FILE_MAX + 1, file);
	return data;
}

static void
shrink(const WebPDecBuffer *out, struct image *ret)
{
	struct image_shrink *s = image_shrink_new((uint32_t)out->width, (uint32_t)out->height);

	for (int y = 0; y < out->height; y++)
		image_shrink_row(s, out->u.RGBA.rgba + (size_t)y * (size_t)out->u.RGBA.stride);
	image_shrink_turn(s, 1);
	image_shrink_take(s, &ret->thumbnail, &ret->thumbnail_len);
	image_shrink_free(&s);
}

static enum image_error
decode(const uint8_t *data, size_t len, WebPDecoderConfig *config, struct image *ret)
{
	const uint32_t longer = ret->width > ret->height ? ret->width : ret->height;
	VP8StatusCode status;

	config->output.colorspace = MODE_RGBA;
	if (longer > 2 * IMAGE_THUMBNAIL_SIDE) {
		/* One of them may come out as 0, which means: as the other demands. */
		config->options.use_scaling = 1;
		config->options.scaled_width =
		    ret->width >= ret->height ? 2 * IMAGE_THUMBNAIL_SIDE : 0;
		config->options.scaled_height =
		    ret->width >= ret->height ? 0 : 2 * IMAGE_THUMBNAIL_SIDE;
	}
	status = WebPDecode(data, len, config);
	if (status == VP8_STATUS_OK)
		shrink(&config->output, ret);
	WebPFreeDecBuffer(&config->output);
	return status == VP8_STATUS_OK || status == VP8_STATUS_OUT_OF_MEMORY ? IMAGE_OK
									     : IMAGE_BROKEN;
}

static enum image_error
read_webp(const uint8_t *data, size_t len, struct image *ret)
{
	WebPDecoderConfig config;
	uint64_t pixels;

	if (len > FILE_MAX)
		return IMAGE_TOO_LARGE;
	if (!WebPInitDecoderConfig(&config) ||
	    WebPGetFeatures(data, len, &config.input) != VP8_STATUS_OK)
		return IMAGE_BROKEN;
	if (!image_fits((uint64_t)config.input.width, (uint64_t)config.input.height))
		return IMAGE_TOO_LARGE;
	ret->width = (uint32_t)config.input.width;
	ret->height = (uint32_t)config.input.height;
	ret->animated = config.input.has_animation != 0;
	pixels = (uint64_t)ret->width * ret->height;
	if (ret->animated || pixels * 4 > IMAGE_MEMORY_MAX)
		return IMAGE_OK;
	return decode(data, len, &config, ret);
}

enum image_error
image_read_webp(FILE *file, struct image *ret)
{
	size_t len;
	uint8_t *data = read_all(file, &len);
	const enum image_error r = read_webp(data, len, ret);

	free(data);
	return r;
}
