/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * webhook: delivers what triggers have queued for webhooks (schema.sql), over HTTP.
 *
 * The queue is the database's: events are put in the transaction that they tell of, and each daemon
 * that is up claims what is due, so each is sent by one of them, in order within its outlet or
 * blast. A claim ends with its daemon, and what was on its way is sent again under the same id.
 * Here is only what is on its way now.
 */
#ifndef WACONND_WEBHOOK_H
#define WACONND_WEBHOOK_H

#include "common/metrics.h"
#include "waconnd/instance.h"
#include "waconnd/webhook_place.h"

struct webhook_config { /* [webhooks] */
	struct webhook_places places;
	char *tls_ca; /* PEM bundle to trust instead of the system's; NULL: the system's */
	unsigned retry_seconds; /* how long a delivery is tried again */
	unsigned backoff_ms;	/* before the first time */
};

struct webhooks;

struct webhooks_env { /* all outlive the webhooks */
	struct event_base *base;
	struct store *store;
	struct hub *hub;
	struct instance *instance;
	const struct webhook_config *config;
	struct metrics *metrics; /* NULL: none are kept */
};

/* NULL when libcurl does not start. */
struct webhooks *webhooks_new(const struct webhooks_env *env);
void webhooks_free(struct webhooks **w);
/* Something was queued that no event tells of: look now. Nothing for NULL. */
void webhooks_look(struct webhooks *w);
/* SIGTERM: no further claims; what is on its way may end. */
void webhooks_stop(struct webhooks *w);
bool webhooks_idle(const struct webhooks *w);
/* The associated data of a webhook's secrets. The caller frees it. */
char *webhook_aad(const char *id);

#endif
