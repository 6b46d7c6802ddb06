/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * prekey_check: are the keys that the server has of us those that we can decrypt with? The hash in
 * the answer to a digest query against the keys on disk. Source: PROTOCOL section 7.
 *
 * The keys are read some at a time and beside the key cache: none of them is wanted afterwards.
 */
#ifndef LINK_PREKEY_CHECK_H
#define LINK_PREKEY_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wa/node.h"
#include "waconnd/keydb.h"
#include "waconnd/link/credentials.h"

#define PREKEY_CHECK_PERIOD_S (7 * 86400) /* hundreds of keys are read for it */
#define PREKEY_CHECK_KEYS_MAX 4096	  /* a longer list is not compared */

struct signal_context;
struct prekey_check;

/* `last_s` by the same clock; 0: never. A clock that was set back makes it due, too. */
bool prekey_check_due(int64_t last_s, int64_t now_s);

/* Called once, never from inside prekey_check_new; frees the check or has it freed. */
typedef void (*prekey_check_cb)(void *arg, bool same);

/* NULL when the answer has nothing to compare. `keys` and `own` outlive it, `answer` need not. */
struct prekey_check *prekey_check_new(struct keydb *keys, struct signal_context *context,
    const struct credentials *own, const struct node *answer, prekey_check_cb cb, void *arg);
void prekey_check_free(struct prekey_check **c);

#endif
