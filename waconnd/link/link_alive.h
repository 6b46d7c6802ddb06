/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link_alive: when to ping, and when a connection is dead. A connection is dead when nothing at all
 * was heard for LINK_SILENCE_MS after the first send that is still unanswered (of those that get an
 * answer: messages and queries). The longest wait for a ping and the longest silence together stay
 * below 40 s, the limit within which a cut link must show. Source: PROTOCOL section 7, keepalive.
 *
 * Times are monotonic milliseconds, given by the caller.
 */
#ifndef LINK_LINK_ALIVE_H
#define LINK_LINK_ALIVE_H

#include <stdbool.h>
#include <stdint.h>

#define LINK_PING_MIN_MS 20000
#define LINK_PING_MAX_MS 24000
#define LINK_SILENCE_MS 12000
#define LINK_LATE_MS 2000 /* a check that comes so late says that we slept, not the peer */

struct link_alive {
	int64_t unanswered_ms; /* the first send since the last byte; 0: none */
	int64_t ping_ms;       /* the next ping */
};

enum link_alive_verdict { LINK_ALIVE_WAIT, LINK_ALIVE_PING, LINK_ALIVE_DEAD };

void link_alive_init(struct link_alive *a, int64_t now_ms);
void link_alive_note_heard(struct link_alive *a);
void link_alive_note_sent(struct link_alive *a, int64_t now_ms);
/* What to do now, when the check was due at due_ms. After PING the next one is set. */
enum link_alive_verdict link_alive_check(struct link_alive *a, int64_t due_ms, int64_t now_ms);
int64_t link_alive_due_ms(const struct link_alive *a);

#endif
