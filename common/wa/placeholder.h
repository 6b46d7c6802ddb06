/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * placeholder: what a companion and its own phone say to each other of messages that the companion
 * did not get or could not read. Sources: PROTOCOL sections 11 (peerDataOperation) and 13.
 */
#ifndef COMMON_WA_PLACEHOLDER_H
#define COMMON_WA_PLACEHOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

#define PLACEHOLDER_RESULTS_MAX 16 /* read of one answer; more are not looked at */

/* The Message that asks for one, added to out. chat: its JID. */
void placeholder_write_request(const char *chat, bool from_me, const char *id, struct buf *out);

struct placeholder_result { /* valid during the call */
	const char *id;
	const char *chat;	/* its JID; NULL: not told */
	const char *push_name;	/* not checked for UTF-8; NULL: not told */
	int64_t timestamp;	/* unix seconds; 0: not told */
	const uint8_t *message; /* a Message */
	size_t len;
};

/* A PeerDataOperationRequestResponseMessage: `each` for every message that it brings. -1: it is
 * none; what is broken in it alone is passed over. */
int placeholder_read_answer(const void *data, size_t len,
    void (*each)(void *arg, const struct placeholder_result *result), void *arg)
    __attribute__((warn_unused_result));

#endif
