/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * /metrics: the gateway's figures and the daemon's, in one document for Prometheus.
 *
 * Open to this machine itself, otherwise for an administrator's token. A proxy on this machine
 * forwards for strangers: whatever it marks as forwarded needs a token.
 */
#include <string.h>

#include "apigw/gateway_metrics.h"
#include "apigw/routes/routes.h"

#define TYPE "text/plain; version=0.0.4; charset=utf-8"
#define TEXT_MAX (8u << 20)

static bool
is_local(const struct call *c)
{
	const char *peer = c->http->peer;

	return http_head_get(&c->http->head, "x-forwarded-for") == NULL &&
	       http_head_get(&c->http->head, "forwarded") == NULL &&
	       (*peer == '\0' || strncmp(peer, "127.", 4) == 0 || strcmp(peer, "::1") == 0);
}

static void
reply(struct call *c, const Ipc__Response *daemon)
{
	struct buf out = BUF_INIT(TEXT_MAX);

	gateway_metrics_write(c->gw, &out);
	if (daemon != NULL)
		buf_add(&out, daemon->body.data, daemon->body.len);
	call_reply(c, 200, TYPE, NULL, out.data, out.len);
	buf_done(&out);
}

/* That the daemon does not answer is a figure, too (apigw_daemon_up); that the token is wrong is
 * not. */
static void
on_response(void *arg, enum ipc_failure failure, const Ipc__Response *response)
{
	struct call *c = arg;

	c->ipc_id = 0;
	if (failure != IPC_OK)
		reply(c, NULL);
	else if (response->status >= 400)
		call_pass(c, response);
	else
		reply(c, response);
}

void
metrics_run(struct call *c)
{
	enum credential kind = session_credential(&c->http->head, c->token);

	if (kind == CREDENTIAL_NONE && !is_local(c)) {
		call_problem(c, "unauthenticated", NULL);
		return;
	}
	c->request.token = kind != CREDENTIAL_NONE ? c->token : NULL;
	routes_build_empty(c);
	call_ask(c, on_response);
}
