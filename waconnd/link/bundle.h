/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bundle: fetches the keys with which sessions begin. Source: PROTOCOL section 9 "Bundle fetch".
 *
 * Those who ask in the same turn share a query, and each device is asked for once in it: its
 * one-time pre-key serves one session only.
 */
#ifndef LINK_BUNDLE_H
#define LINK_BUNDLE_H

#include "waconnd/link/messaging.h"

#define BUNDLE_DEVICES_MAX 50 /* asked at once, and of one asker */

/* -- queries and answers (pure) -- */
struct node *bundle_query(const struct jid *devices, size_t n);
/* <registration> and the keys of a <user>, also where <keys> wraps them; and of a retry receipt.
 * -1: incomplete. */
int bundle_read(const struct node *user, struct signal_bundle *ret)
    __attribute__((warn_unused_result));

/* -- asking -- */
/* heard: an answer came. code: its error, 0 none. Which devices have a session now, the asker sees
 * for itself. */
typedef void (*bundle_cb)(void *arg, bool heard, unsigned code);

struct bundles *bundles_new(struct messaging *m);
void bundles_free(struct bundles **b);
/*
 * n <= BUNDLE_DEVICES_MAX devices whose keys the asker holds until cb, which comes later, exactly
 * once. fresh: begin a new session also where there is one by then.
 */
void bundles_ask(
    struct bundles *b, const struct jid *devices, size_t n, bool fresh, bundle_cb cb, void *arg);
/* A bundle that came by another way (retry receipt). False when it is refused. */
bool bundle_begin(
    struct messaging *m, const struct jid *device, const struct signal_bundle *bundle);

#endif
