/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * hub: events of the daemon to whoever subscribed: status, qr, blast, message, webhook.
 *
 * The last HUB_RING events are kept so that a subscriber that comes back resumes after the id it
 * saw last; when that is gone it gets an event "reset" and reads everything anew. Ids are
 * "epoch-sequence". Delivery is filtered by role: USER sees its outlet's only.
 */
#ifndef WACONND_HUB_H
#define WACONND_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HUB_RING 4096

struct hub;
struct hub_event {
	char id[48];
	const char *kind;   /* "status", "qr", "blast", "message", "webhook" */
	const char *outlet; /* whose; NULL: only for ADMIN and SUPERADMIN */
	const char *data;   /* JSON on one line */
	size_t len;
};
typedef void (*hub_cb)(void *arg, const struct hub_event *event);
struct hub_sub;

struct hub *hub_new(int64_t epoch);
void hub_free(struct hub **h);
void hub_publish(struct hub *h, const char *kind, const char *outlet, const char *json, size_t len);
/* outlet NULL: everything. last_id NULL: only what comes. Events missed are delivered from inside
 * hub_subscribe. */
struct hub_sub *hub_subscribe(struct hub *h, const char *outlet, unsigned kinds_mask,
    const char *last_id, hub_cb cb, void *arg);
void hub_unsubscribe(struct hub *h, struct hub_sub **sub);
unsigned hub_kind_mask(const char *kind); /* 0 for an unknown one */

#endif
