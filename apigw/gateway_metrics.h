/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gateway_metrics: what the gateway counts of itself, in names that begin with apigw_. The
 * daemon's own follow in the same document (routes/metrics.c).
 */
#ifndef APIGW_GATEWAY_METRICS_H
#define APIGW_GATEWAY_METRICS_H

#include <event2/event.h>

#include "apigw/call.h"

struct gateway_metrics;

struct gateway_metrics *gateway_metrics_new(struct event_base *base);
void gateway_metrics_free(struct gateway_metrics **m);
/* The call is about to be replied to. */
void gateway_metrics_replied(const struct call *c, unsigned status);
/* All of them as text. */
void gateway_metrics_write(struct gateway *gw, struct buf *out);

#endif
