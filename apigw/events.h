/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * events: server-sent events. Each open stream is a subscription at the daemon; it ends when its
 * reader goes, is too slow, may hear them no more (the daemon says so), or the daemon's connection
 * breaks (the browser comes back by itself).
 */
#ifndef APIGW_EVENTS_H
#define APIGW_EVENTS_H

#include <event2/event.h>

struct call;
struct events;

#define EVENTS_HEARTBEAT_S 15

struct events *events_new(struct event_base *base);
/* After the HTTP server is freed: all streams are gone by then. */
void events_free(struct events **events);
/* GET /api/events */
void events_run(struct call *c);

#endif
