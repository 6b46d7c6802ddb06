/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * forward: requests for an outlet that another daemon has. They go to its owner through a table of
 * the database and a hint, sealed, with who asks; the owner does them as if they had come to it,
 * and the answer comes back the same way. Whoever asks waits with a deadline. Also what the other
 * daemons are told after a request has changed something.
 *
 * While an outlet is between two daemons its requests wait for the next owner, for a while.
 */
#ifndef API_FORWARD_H
#define API_FORWARD_H

#include "waconnd/api/call.h"

struct forward;

struct forward *forward_new(struct api *api, const struct api_env *env);
void forward_free(struct forward **f);
/* Hands the call to its owner, or to `handler` where it is ours or nobody's business. */
void forward_dispatch(struct forward *f, struct call *c, void (*handler)(struct call *c));
/* The call is being answered: others are told what it changed; and a call of another daemon's gets
 * its answer on the way. */
void forward_answered(struct forward *f, const struct call *c, const Ipc__Response *response);

#endif
