/* SPDX-License-Identifier: GPL-3.0-or-later */
/* image_private: between image.c (which kind, thumbnails) and the decoders. */
#ifndef COMMON_IMAGE_PRIVATE_H
#define COMMON_IMAGE_PRIVATE_H

#include <stdio.h>

#include "common/image.h"

#define IMAGE_MEMORY_MAX (64u << 20) /* of one decoder */

/* Makes a picture smaller while its rows come in, each output pixel the mean of those it covers. */
struct image_shrink;
/* width, height: of what is fed, which may be smaller than the picture itself. */
struct image_shrink *image_shrink_new(uint32_t width, uint32_t height);
void image_shrink_free(struct image_shrink **s);
/* width pixels of RGBA; what is transparent lies on white. */
void image_shrink_row(struct image_shrink *s, const uint8_t *rgba);
/* As Exif says it: 1 is upright, from 5 on width and height are exchanged. */
void image_shrink_turn(struct image_shrink *s, unsigned orientation);
unsigned image_exif_orientation(const uint8_t *app1, size_t len);
/* The JPEG, once all rows are in; *ret NULL: it cannot be made small enough. */
void image_shrink_take(struct image_shrink *s, uint8_t **ret, size_t *ret_len);

/* A JPEG of RGB pixels (image_jpeg.c). */
void image_write_jpeg(const uint8_t *rgb, uint32_t width, uint32_t height, int quality,
    uint8_t **ret, size_t *ret_len);

/* false: sides or pixels are beyond the limits, or zero. */
bool image_fits(uint64_t width, uint64_t height);

/* Each fills in all but the mimetype. `file` is at its beginning. */
enum image_error image_read_jpeg(FILE *file, struct image *ret);
enum image_error image_read_png(FILE *file, struct image *ret);
enum image_error image_read_webp(FILE *file, struct image *ret);

#endif
