/* SPDX-License-Identifier: GPL-3.0-or-later */
/* /healthz is about this process alone; /readyz asks the daemon, which asks its database. */
#include "apigw/routes/routes.h"
#include "common/jsonw.h"
#include "common/version.h"

#define BODY_MAX 1024

void
health_live(struct call *c)
{
	struct buf body = BUF_INIT(BODY_MAX);
	struct jsonw j;

	jsonw_init(&j, &body);
	jsonw_object(&j, NULL);
	jsonw_bool(&j, "success", true);
	jsonw_str(&j, "version", WACONN_VERSION);
	jsonw_bool(&j, "daemon", ipc_client_up(c->gw->ipc));
	jsonw_object_end(&j);
	call_reply(c, 200, "application/json", NULL, body.data, body.len);
	buf_done(&body);
}

void
health_ready(struct call *c)
{
	Ipc__Health *m = call_alloc(c, sizeof(*m));

	ipc__health__init(m);
	m->has_deep = 1;
	m->deep = 1;
	c->request.health = m;
}
