/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * api: the daemon's side of ipc.proto: who is asking, may they, and the answer as JSON.
 *
 * Every request becomes a call (call.h), is authenticated by its token or by the socket's peer,
 * checked against the one table of operations (api.c) and handed to its handler. The gateway is
 * assumed hostile: values are checked here again.
 */
#ifndef API_API_H
#define API_API_H

#include <event2/event.h>

#include "common/ipc.h"
#include "common/worker.h"
#include "waconnd/blast/blast.h"
#include "waconnd/config.h"
#include "waconnd/hub.h"
#include "waconnd/outlet.h"
#include "waconnd/store/store.h"

struct api;

struct instance;

struct api_env { /* all outlive the api */
	struct event_base *base;
	const struct config *config;
	struct store *store;
	struct hub *hub;
	struct outlets *outlets;
	struct blasts *blasts;
	struct worker *worker;
	struct metrics *metrics;   /* NULL: none are kept */
	struct instance *instance; /* NULL: no other daemons */
	struct webhooks *webhooks; /* NULL: nothing is delivered */
};

/* Opens the socket of the configuration. -1 with a sentence in *err. */
int api_new(const struct api_env *env, struct api **ret_api, const char **err)
    __attribute__((warn_unused_result));
/* SIGTERM: no new connections; requests from now on are refused as "stopping". */
void api_stop(struct api *api);
/* After the worker: a call that waits for a job is answered by the job's end. */
void api_free(struct api **api);

#endif
