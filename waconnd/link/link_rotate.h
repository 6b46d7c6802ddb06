/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link_rotate: when the signed pre-key is replaced: about every 27 days, by the server's clock.
 * Source: PROTOCOL section 7. Pure arithmetic; link_rotate.c also does it.
 */
#ifndef LINK_LINK_ROTATE_H
#define LINK_LINK_ROTATE_H

#include <stdint.h>

#define ROTATE_PERIOD_S (27 * 86400)
#define ROTATE_JITTER_S (2 * 86400) /* devices that were linked together do not rotate together */

/* When one that was made now is due. */
int64_t rotate_due(int64_t now_s);
/* How long to wait for what is due then; 0: it is due; -1: `due_s` is none that rotate_due gave by
 * any clock up to now. */
int64_t rotate_wait(int64_t due_s, int64_t now_s);

#endif
