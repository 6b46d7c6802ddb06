/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * media_measure: how large a picture is, and how long a sound, from headers alone, while the file
 * comes in: JPEG, PNG and WebP; Ogg with Opus or Vorbis. Nothing is decoded. Pure functions over
 * bytes from outside.
 */
#ifndef COMMON_MEDIA_MEASURE_H
#define COMMON_MEDIA_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEDIA_OGG_HEADER 27 /* bytes of a page's, without its segments' lengths */
#define MEDIA_SECONDS_MAX (7 * 86400)

struct media_measure {		/* begins as zeros */
	uint32_t width, height; /* as the picture is shown; 0: not known */
	bool begun;
	uint32_t rate;	  /* of the sound's samples; 0: none that can be measured */
	uint32_t skip;	  /* samples before it begins */
	uint32_t serial;  /* of its stream */
	uint64_t samples; /* at the end of the last page seen */
	uint8_t tail[MEDIA_OGG_HEADER - 1]; /* what came last: a page's header may be cut */
	size_t tail_len;
};

/* The file's bytes in their order. The first call has its headers, as far as they are understood:
 * 64 KiB will do. */
void media_measure_add(struct media_measure *m, const uint8_t *bytes, size_t len);
/* Of the sound, all of whose file has come; 0: not known. */
uint32_t media_measure_seconds(const struct media_measure *m);

#endif
