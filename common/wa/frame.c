/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Cuts the byte stream of a connection into frames and writes frames. It never looks into a body,
 * and holds no more than one frame of the allowed size beside what one push brought.
 */
#include "common/wa/frame.h"

#include <string.h>

#define HEADER_LEN 3
#define ROUTING_PREFIX_LEN 4
#define ROUTING_MAX 4096
#define PUSH_SLACK (16u << 20) /* one WebSocket message may bring several frames */
#define KEEP_WHEN_EMPTY                                                          \
	4096 /* an idle connection does not hold the buffer of its largest frame \
	      */

const uint8_t frame_intro[FRAME_INTRO_LEN] = {0x57, 0x41, 0x06, 0x03};
static const uint8_t routing_prefix[ROUTING_PREFIX_LEN] = {0x45, 0x44, 0x00, 0x01};

void
frame_reader_init(struct frame_reader *r, size_t max_body)
{
	*r = (struct frame_reader){.max = max_body};
	buf_init(&r->pending, max_body + HEADER_LEN + PUSH_SLACK);
}

void
frame_reader_done(struct frame_reader *r)
{
	buf_done(&r->pending);
	r->start = 0;
}

static size_t
left(const struct frame_reader *r)
{
	return r->pending.len - r->start;
}

static uint32_t
u24(const uint8_t *p)
{
	return (uint32_t)p[0] << 16 | (uint32_t)p[1] << 8 | p[2];
}

void
frame_reader_push(struct frame_reader *r, const void *data, size_t len)
{
	buf_drop(&r->pending, r->start);
	r->start = 0;
	buf_add(&r->pending, data, len);
}

static void
release_if_empty(struct frame_reader *r)
{
	if (left(r) > 0)
		return;
	r->start = 0;
	if (r->pending.cap > KEEP_WHEN_EMPTY)
		buf_done(&r->pending);
	else
		buf_reset(&r->pending);
}

int
frame_reader_next(struct frame_reader *r, const uint8_t **ret_body, size_t *ret_len)
{
	const uint8_t *p;
	size_t body;

	if (!buf_ok(&r->pending))
		return -1;
	if (left(r) < HEADER_LEN) {
		release_if_empty(r);
		return 0;
	}
	p = r->pending.data + r->start;
	body = u24(p);
	if (body > r->max)
		return -1;
	if (left(r) - HEADER_LEN < body)
		return 0;
	r->start += HEADER_LEN + body;
	*ret_body = p + HEADER_LEN;
	*ret_len = body;
	return 1;
}

static bool
starts_like(const uint8_t *p, size_t len, const uint8_t *want, size_t want_len)
{
	return len == 0 || memcmp(p, want, len < want_len ? len : want_len) == 0;
}

int
frame_reader_intro(struct frame_reader *r, struct buf *ret_routing)
{
	const uint8_t *p = r->pending.data + r->start;
	const size_t prefix = ROUTING_PREFIX_LEN + HEADER_LEN;
	size_t n = left(r);
	size_t skip = 0;

	if (!buf_ok(&r->pending))
		return -1;
	if (n == 0)
		return 0;
	if (p[0] == routing_prefix[0]) {
		if (!starts_like(p, n, routing_prefix, ROUTING_PREFIX_LEN))
			return -1;
		if (n < prefix)
			return 0;
		skip = u24(p + ROUTING_PREFIX_LEN);
		if (skip > ROUTING_MAX)
			return -1;
		skip += prefix;
		if (n < skip)
			return 0;
	}
	if (!starts_like(p + skip, n - skip, frame_intro, FRAME_INTRO_LEN))
		return -1;
	if (n - skip < FRAME_INTRO_LEN)
		return 0;
	if (skip > 0)
		buf_add(ret_routing, p + prefix, skip - prefix);
	r->start += skip + FRAME_INTRO_LEN;
	return 1;
}

void
frame_write(struct buf *out, const void *body, size_t len)
{
	buf_add_u24be(out, (uint32_t)len);
	buf_add(out, body, len);
}
