/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * frame: WhatsApp's frames (24-bit length, body) out of a byte stream. Source: PROTOCOL section 1.
 *
 * The concatenated payload of all WebSocket messages is the stream; one message may hold several
 * frames or a part of one, even of a header.
 */
#ifndef COMMON_WA_FRAME_H
#define COMMON_WA_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

#define FRAME_MAX_DEFAULT (8u << 20)
#define FRAME_INTRO_LEN 4
extern const uint8_t frame_intro[FRAME_INTRO_LEN]; /* 57 41 06 03 */

struct frame_reader {
	struct buf pending;
	size_t start; /* of the unread part of pending */
	size_t max;   /* of one body */
};

void frame_reader_init(struct frame_reader *r, size_t max_body);
void frame_reader_done(struct frame_reader *r);
void frame_reader_push(struct frame_reader *r, const void *data, size_t len);
/* 1 with a body (valid until the next call), 0 when more is needed, -1 when a frame is over the
 * maximum. */
int frame_reader_next(struct frame_reader *r, const uint8_t **ret_body, size_t *ret_len)
    __attribute__((warn_unused_result));
/* Server side: take the intro (with or without an "ED" routing prefix) off the stream's start. 1
 * done, 0 more, -1 not one. */
int frame_reader_intro(struct frame_reader *r, struct buf *ret_routing)
    __attribute__((warn_unused_result));
/* Header and body added to out. */
void frame_write(struct buf *out, const void *body, size_t len);

#endif
