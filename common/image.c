/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which kind of picture a file is, by its first bytes alone, and the making of thumbnails. The
 * decoders are in image_jpeg.c, image_png.c and image_webp.c. */
#include "common/image.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/image_private.h"
#include "common/xalloc.h"

bool
image_fits(uint64_t width, uint64_t height)
{
	return width > 0 && height > 0 && width <= IMAGE_SIDE_MAX && height <= IMAGE_SIDE_MAX &&
	       width * height <= IMAGE_PIXELS_MAX;
}

/* -- thumbnails ---------------------------------------------------------------------- */

struct image_shrink {
	uint32_t in_width, in_height, width, height;
	uint32_t row;	 /* of the input, the next */
	uint32_t out;	 /* of the output, under way */
	uint32_t *sums;	 /* red, green, blue and how many, for each pixel of it */
	uint8_t *pixels; /* RGB */
};

static uint32_t
scaled(uint32_t side, uint32_t longer)
{
	const uint64_t n =
	    longer <= IMAGE_THUMBNAIL_SIDE ? side : (uint64_t)side * IMAGE_THUMBNAIL_SIDE / longer;

	return n > 0 ? (uint32_t)n : 1;
}

struct image_shrink *
image_shrink_new(uint32_t width, uint32_t height)
{
	struct image_shrink *s = xcalloc(1, sizeof(*s));
	const uint32_t longer = width > height ? width : height;

	s->in_width = width;
	s->in_height = height;
	s->width = scaled(width, longer);
	s->height = scaled(height, longer);
	s->sums = xcalloc(s->width, 4 * sizeof(*s->sums));
	s->pixels = xcalloc((size_t)s->width * s->height, 3);
	return s;
}

void
image_shrink_free(struct image_shrink **sp)
{
	struct image_shrink *s = *sp;

	if (s == NULL)
		return;
	free(s->sums);
	free(s->pixels);
	free(s);
	*sp = NULL;
}

static void
flush(struct image_shrink *s)
{
	uint8_t *to = s->pixels + (size_t)s->out * s->width * 3;

	for (uint32_t x = 0; x < s->width; x++) {
		const uint32_t *sum = s->sums + (size_t)x * 4;

		for (size_t i = 0; i < 3; i++)
			to[x * 3 + i] = (uint8_t)(sum[3] > 0 ? sum[i] / sum[3] : 255);
	}
	memset(s->sums, 0, (size_t)s->width * 4 * sizeof(*s->sums));
}

void
image_shrink_row(struct image_shrink *s, const uint8_t *rgba)
{
	const uint32_t out = (uint32_t)((uint64_t)s->row * s->height / s->in_height);

	if (s->row >= s->in_height)
		return;
	if (out != s->out) {
		flush(s);
		s->out = out;
	}
	for (uint32_t x = 0; x < s->in_width; x++, rgba += 4) {
		uint32_t *sum = s->sums + (size_t)((uint64_t)x * s->width / s->in_width) * 4;
		const uint32_t alpha = rgba[3];

		for (size_t i = 0; i < 3; i++)
			sum[i] += (rgba[i] * alpha + 255 * (255 - alpha)) / 255;
		sum[3]++;
	}
	s->row++;
}

/* Where an output pixel comes from. */
static size_t
source_of(const struct image_shrink *s, unsigned orientation, uint32_t x, uint32_t y)
{
	const uint32_t right = s->width - 1, bottom = s->height - 1;
	const struct {
		uint32_t x, y;
	} from[] = {{x, y}, {right - x, y}, {right - x, bottom - y}, {x, bottom - y}, {y, x},
	    {y, bottom - x}, {right - y, bottom - x}, {right - y, x}};

	return ((size_t)from[orientation - 1].y * s->width + from[orientation - 1].x) * 3;
}

void
image_shrink_turn(struct image_shrink *s, unsigned orientation)
{
	const uint32_t width = orientation >= 5 ? s->height : s->width;
	const uint32_t height = orientation >= 5 ? s->width : s->height;
	uint8_t *turned;

	flush(s);
	if (orientation == 1)
		return;
	turned = xcalloc((size_t)width * height, 3);
	for (uint32_t y = 0; y < height; y++)
		for (uint32_t x = 0; x < width; x++)
			memcpy(turned + ((size_t)y * width + x) * 3,
			    s->pixels + source_of(s, orientation, x, y), 3);
	free(s->pixels);
	s->pixels = turned;
	s->width = width;
	s->height = height;
}

void
image_shrink_take(struct image_shrink *s, uint8_t **ret, size_t *ret_len)
{
	static const int qualities[] = {70, 50, 30, 15};

	*ret = NULL;
	*ret_len = 0;
	for (size_t i = 0; *ret == NULL && i < sizeof(qualities) / sizeof(qualities[0]); i++) {
		image_write_jpeg(s->pixels, s->width, s->height, qualities[i], ret, ret_len);
		if (*ret_len > IMAGE_THUMBNAIL_MAX) {
			free(*ret);
			*ret = NULL;
			*ret_len = 0;
		}
	}
}

/* -- kinds --------------------------------------------------------------------------- */

static const struct kind {
	const char *mimetype;
	const char *begin;
	size_t len;
	const char *more; /* at 8 */
	enum image_error (*read)(FILE *file, struct image *ret);
} kinds[] = {
    {"image/jpeg", "\xff\xd8\xff", 3, "", image_read_jpeg},
    {"image/png", "\x89PNG\r\n\x1a\n", 8, "", image_read_png},
    {"image/webp", "RIFF", 4, "WEBP", image_read_webp},
};

static const struct kind *
kind_of(const uint8_t head[12])
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (memcmp(head, kinds[i].begin, kinds[i].len) == 0 &&
		    memcmp(head + 8, kinds[i].more, strlen(kinds[i].more)) == 0)
			return &kinds[i];
	return NULL;
}

/* The same file under an offset of its own. */
static FILE *
reopen(int fd)
{
	char path[64];
	int again;
	FILE *file;

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	again = open(path, O_RDONLY | O_CLOEXEC);
	if (again < 0)
		return NULL;
	file = fdopen(again, "rb");
	if (file == NULL)
		(void)close(again);
	return file;
}

enum image_error
image_read(int fd, struct image *ret)
{
	const struct kind *kind;
	struct image image = {0};
	uint8_t head[12] = {0};
	enum image_error r;
	struct stat st;
	FILE *file;

	if (fstat(fd, &st) < 0 || pread(fd, head, sizeof(head), 0) < 0)
		return IMAGE_IO;
	kind = kind_of(head);
	if (kind == NULL)
		return IMAGE_UNKNOWN;
	if (st.st_size > IMAGE_FILE_MAX)
		return IMAGE_TOO_LARGE;
	file = reopen(fd);
	if (file == NULL)
		return IMAGE_IO;
	r = kind->read(file, &image);
	(void)fclose(file);
	if (r != IMAGE_OK) {
		image_done(&image);
		return r;
	}
	image.mimetype = kind->mimetype;
	*ret = image;
	return IMAGE_OK;
}

void
image_done(struct image *image)
{
	free(image->thumbnail);
	*image = (struct image){0};
}
