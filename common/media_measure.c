/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sizes stand in a picture's first bytes, but for JPEG, where they stand behind segments of any
 * kind, one of which says how the picture is turned. Ogg tells in each page how many samples are
 * over at its end: the last page has the length.
 */
#include "common/media_measure.h"

#include <string.h>

#include "common/image_private.h"

#define OPUS_RATE 48000

static uint32_t
be16(const uint8_t *b)
{
	return (uint32_t)b[0] << 8 | b[1];
}

static uint32_t
be32(const uint8_t *b)
{
	return be16(b) << 16 | be16(b + 2);
}

static uint32_t
le16(const uint8_t *b)
{
	return (uint32_t)b[1] << 8 | b[0];
}

static uint32_t
le24(const uint8_t *b)
{
	return (uint32_t)b[2] << 16 | le16(b);
}

static uint32_t
le32(const uint8_t *b)
{
	return le16(b + 2) << 16 | le16(b);
}

static uint64_t
le64(const uint8_t *b)
{
	return (uint64_t)le32(b + 4) << 32 | le32(b);
}

static bool
starts(const uint8_t *b, size_t len, const char *with)
{
	return len >= strlen(with) && memcmp(b, with, strlen(with)) == 0;
}

/* -- pictures -- */

static void
set_size(struct media_measure *m, uint32_t width, uint32_t height)
{
	if (!image_fits(width, height))
		return;
	m->width = width;
	m->height = height;
}

static void
measure_png(struct media_measure *m, const uint8_t *b, size_t len)
{
	if (len >= 24 && memcmp(b + 12, "IHDR", 4) == 0)
		set_size(m, be32(b + 16), be32(b + 20));
}

static void
measure_webp(struct media_measure *m, const uint8_t *b, size_t len)
{
	if (len < 30 || memcmp(b + 8, "WEBP", 4) != 0)
		return;
	if (starts(b + 12, 4, "VP8X"))
		set_size(m, le24(b + 24) + 1, le24(b + 27) + 1);
	else if (starts(b + 12, 4, "VP8 ") && memcmp(b + 23, "\x9d\x01\x2a", 3) == 0)
		set_size(m, le16(b + 26) & 0x3fff, le16(b + 28) & 0x3fff);
	else if (starts(b + 12, 4, "VP8L") && b[20] == 0x2f)
		set_size(m, (le32(b + 21) & 0x3fff) + 1, (le32(b + 21) >> 14 & 0x3fff) + 1);
}

/* A frame header, of whatever process; not DHT, JPG and DAC, which are numbered among them. */
static bool
is_frame(uint8_t marker)
{
	return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 &&
	       marker != 0xcc;
}

static void
measure_jpeg(struct media_measure *m, const uint8_t *b, size_t len)
{
	unsigned orientation = 1;
	size_t at = 2, n;

	while (len - at >= 9 && b[at] == 0xff) {
		const uint8_t marker = b[at + 1];

		if (marker == 0xff) { /* filled up */
			at++;
			continue;
		}
		if (is_frame(marker)) {
			const uint32_t height = be16(b + at + 5), width = be16(b + at + 7);

			set_size(
			    m, orientation < 5 ? width : height, orientation < 5 ? height : width);
			return;
		}
		n = be16(b + at + 2);
		if (n < 2 || n + 2 > len - at)
			return;
		if (marker == 0xe1 && orientation == 1)
			orientation = image_exif_orientation(b + at + 4, n - 2);
		at += n + 2;
	}
}

/* -- sounds -- */

static void
begin_ogg(struct media_measure *m, const uint8_t *b, size_t len)
{
	size_t at;

	if (len < MEDIA_OGG_HEADER || b[4] != 0)
		return;
	m->serial = le32(b + 14);
	at = MEDIA_OGG_HEADER + (size_t)b[26];
	if (at > len || len - at < 19)
		return;
	if (starts(b + at, len - at, "OpusHead")) {
		m->rate = OPUS_RATE;
		m->skip = le16(b + at + 10);
	} else if (starts(b + at, len - at, "\x01vorbis")) {
		m->rate = le32(b + at + 12);
	}
}

/* A page of this sound on which something ends. */
static bool
take_page(struct media_measure *m, const uint8_t *b)
{
	if (memcmp(b, "OggS", 4) != 0 || b[4] != 0 || le32(b + 14) != m->serial ||
	    le64(b + 6) > INT64_MAX)
		return false;
	m->samples = le64(b + 6);
	return true;
}

/* The last one whose header is in these bytes. */
static void
take_last_page(struct media_measure *m, const uint8_t *bytes, size_t len)
{
	for (size_t at = len < MEDIA_OGG_HEADER ? 0 : len - MEDIA_OGG_HEADER + 1; at > 0; at--)
		if (take_page(m, bytes + at - 1))
			return;
}

static void
add_ogg(struct media_measure *m, const uint8_t *bytes, size_t len)
{
	uint8_t seam[2 * sizeof(m->tail)];
	const size_t begin = len < sizeof(m->tail) ? len : sizeof(m->tail);
	const size_t all = m->tail_len + begin;
	size_t kept = all;

	memcpy(seam, m->tail, m->tail_len);
	memcpy(seam + m->tail_len, bytes, begin);
	take_last_page(m, seam, all);
	take_last_page(m, bytes, len);
	if (len >= sizeof(m->tail)) {
		memcpy(m->tail, bytes + len - sizeof(m->tail), sizeof(m->tail));
		m->tail_len = sizeof(m->tail);
		return;
	}
	if (kept > sizeof(m->tail))
		kept = sizeof(m->tail);
	memcpy(m->tail, seam + all - kept, kept);
	m->tail_len = kept;
}

void
media_measure_add(struct media_measure *m, const uint8_t *bytes, size_t len)
{
	static const struct {
		const char *begin;
		void (*measure)(struct media_measure *m, const uint8_t *b, size_t len);
	} kinds[] = {
	    {"\xff\xd8\xff", measure_jpeg},
	    {"\x89PNG\r\n\x1a\n", measure_png},
	    {"RIFF", measure_webp},
	    {"OggS", begin_ogg},
	};

	for (size_t i = 0; !m->begun && i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (starts(bytes, len, kinds[i].begin))
			kinds[i].measure(m, bytes, len);
	m->begun = true;
	if (m->rate > 0)
		add_ogg(m, bytes, len);
}

uint32_t
media_measure_seconds(const struct media_measure *m)
{
	uint64_t seconds;

	if (m->rate == 0 || m->samples <= m->skip)
		return 0;
	seconds = (m->samples - m->skip + m->rate / 2) / m->rate;
	if (seconds > MEDIA_SECONDS_MAX)
		return 0;
	return seconds > 0 ? (uint32_t)seconds : 1;
}
