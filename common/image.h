/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * image: what a picture file is, how large, and a thumbnail of it: JPEG, PNG and WebP.
 *
 * Files come from strangers: dimensions are checked before anything is decoded, the memory of a
 * decoder is bounded, and what it calls broken is never shown. It blocks: for a worker thread.
 */
#ifndef COMMON_IMAGE_H
#define COMMON_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_SIDE_MAX 30000
#define IMAGE_PIXELS_MAX (100u << 20)
#define IMAGE_FILE_MAX (64u << 20)	/* bytes */
#define IMAGE_THUMBNAIL_SIDE 160	/* the longer one, at most */
#define IMAGE_THUMBNAIL_MAX (10u << 10) /* bytes */

enum image_error {
	IMAGE_OK,
	IMAGE_UNKNOWN,	 /* none of the three kinds */
	IMAGE_BROKEN,	 /* one of them, but it cannot be decoded */
	IMAGE_TOO_LARGE, /* sides, pixels or bytes */
	IMAGE_IO	 /* the file cannot be read */
};

struct image {
	const char *mimetype;	/* "image/jpeg", "image/png", "image/webp"; constant */
	uint32_t width, height; /* as it is shown */
	bool animated;
	uint8_t *thumbnail; /* a JPEG; NULL: of an animation, or where making one took too much */
	size_t thumbnail_len;
};

/* From the file's beginning, whatever its offset, which is left alone. *ret only when IMAGE_OK:
 * then image_done. */
enum image_error image_read(int fd, struct image *ret) __attribute__((warn_unused_result));
void image_done(struct image *image);

#endif
