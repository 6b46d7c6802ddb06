/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of operations and the way every request takes through it: identify, check the role,
 * call the handler. Decides nothing about any one operation.
 */
#include "waconnd/api/api.h"

#include <stdlib.h>

#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/auth.h"
#include "waconnd/api/idempotency.h"
#include "waconnd/api/request.h"
#include "waconnd/api/throttle.h"

struct api_op {
	enum role role; /* the least that may; ROLE_NONE: anybody, without a token */
	void (*handler)(struct call *c);
};

#define OP(name) [IPC__REQUEST__OP_##name]
/* clang-format off */
static const struct api_op ops[] = {
	/* operation              who may          handler */
	OP(LOGIN)             = {ROLE_NONE,       api_login},
	OP(HEALTH)            = {ROLE_NONE,       api_health},
	OP(LOGOUT)            = {ROLE_USER,       api_logout},
	OP(ME)                = {ROLE_USER,       api_me},
	OP(STATUS_LIST)       = {ROLE_USER,       api_status_list},
	OP(STATUS_GET)        = {ROLE_USER,       api_status_get},
	OP(OUTLET_LIST)       = {ROLE_USER,       api_outlet_list},
	OP(OUTLET_ADD)        = {ROLE_ADMIN,      api_outlet_add},
	OP(OUTLET_GET)        = {ROLE_USER,       api_outlet_get},
	OP(OUTLET_EDIT)       = {ROLE_ADMIN,      api_outlet_edit},
	OP(OUTLET_REMOVE)     = {ROLE_ADMIN,      api_outlet_remove},
	OP(OUTLET_CONNECT)    = {ROLE_USER,       api_outlet_connect},
	OP(OUTLET_QR)         = {ROLE_USER,       api_outlet_qr},
	OP(OUTLET_PAIRING_CODE) = {ROLE_USER,     api_outlet_pairing_code},
	OP(OUTLET_DISCONNECT) = {ROLE_USER,       api_outlet_disconnect},
	OP(OUTLET_PAUSE)      = {ROLE_USER,       api_outlet_pause},
	OP(OUTLET_RESUME)     = {ROLE_USER,       api_outlet_resume},
	OP(OUTLET_LOGOUT)     = {ROLE_USER,       api_outlet_logout},
	OP(MESSAGE_SEND)      = {ROLE_USER,       api_message_send},
	OP(MESSAGE_LIST)      = {ROLE_USER,       api_message_list},
	OP(MESSAGE_GET)       = {ROLE_USER,       api_message_get},
	OP(BLAST_PREVIEW)     = {ROLE_USER,       api_blast_preview},
	OP(BLAST_CREATE)      = {ROLE_USER,       api_blast_create},
	OP(BLAST_LIST)        = {ROLE_USER,       api_blast_list},
	OP(BLAST_GET)         = {ROLE_USER,       api_blast_get},
	OP(BLAST_RECIPIENTS)  = {ROLE_USER,       api_blast_recipients},
	OP(BLAST_PAUSE)       = {ROLE_USER,       api_blast_pause},
	OP(BLAST_RESUME)      = {ROLE_USER,       api_blast_resume},
	OP(BLAST_CANCEL)      = {ROLE_USER,       api_blast_cancel},
	OP(SUBSCRIBE)         = {ROLE_USER,       api_subscribe},
	OP(UNSUBSCRIBE)       = {ROLE_NONE,       api_unsubscribe},
	OP(USER_ADD)          = {ROLE_SUPERADMIN, api_user_add},
	OP(USER_LIST)         = {ROLE_SUPERADMIN, api_user_list},
	OP(TOKEN_ADD)         = {ROLE_USER,       api_token_add},
	OP(TOKEN_LIST)        = {ROLE_USER,       api_token_list},
	OP(TOKEN_REVOKE)      = {ROLE_USER,       api_token_revoke},
};
/* clang-format on */
#undef OP

struct api {
	struct api_env env;
	struct ipc_server *server;
	struct auth *auth;
	struct throttle *throttle;
	struct status_cache *status_cache;
	struct subscriptions *subscriptions;
	struct calls calls;
	struct event *hourly;
	bool stopping;
};

static const struct api_op *
find_op(const Ipc__Request *request)
{
	size_t i = request->op_case;

	return i < sizeof(ops) / sizeof(ops[0]) && ops[i].handler != NULL ? &ops[i] : NULL;
}

static void
dispatch(struct call *c)
{
	const struct api_op *op = find_op(c->request);

	if (op == NULL || c->who.role < op->role)
		call_problem(c, "forbidden", NULL);
	else
		op->handler(c);
}

static void
on_request(void *arg, struct ipc_peer *peer, const Ipc__Request *request)
{
	struct api *api = arg;
	const struct api_op *op = find_op(request);
	struct call *c = call_new(api, &api->env, ipc_peer_serial(peer), ipc_take_request(peer));

	if (op == NULL)
		call_problem(c, "not_implemented",
		    "This daemon does not know the operation: the gateway is newer.");
	else if (!request_is_text(&c->request->base))
		call_problem(c, "bad_request", "A text is not valid UTF-8.");
	else if (api->stopping)
		call_problem(c, "stopping", NULL);
	else if (op->role == ROLE_NONE)
		dispatch(c);
	else
		auth_identify(api->auth, c, dispatch);
}

static void
on_closed(void *arg, struct ipc_peer *peer)
{
	struct api *api = arg;

	subscriptions_drop_peer(api->subscriptions, ipc_peer_serial(peer));
}

static void
on_hourly(evutil_socket_t fd, short what, void *arg)
{
	struct api *api = arg;

	(void)fd;
	(void)what;
	idempotency_purge(api->env.store->db);
}

int
api_new(const struct api_env *env, struct api **ret_api, const char **err)
{
	static const struct ipc_server_ops server_ops = {on_request, on_closed};
	static const struct timeval hour = {.tv_sec = 3600};
	struct api *api = xcalloc(1, sizeof(*api));

	api->env = *env;
	LIST_INIT(&api->calls);
	api->hourly = event_new(env->base, -1, EV_PERSIST, on_hourly, api);
	if (api->hourly == NULL || event_add(api->hourly, &hour) < 0)
		abort();
	api->auth = auth_new(env->config);
	api->throttle = throttle_new();
	api->status_cache = status_cache_new();
	api->subscriptions = subscriptions_new(api, env->hub);
	if (ipc_server_new(env->base, env->config->socket, env->config->socket_group, &server_ops,
		api, &api->server, err) < 0) {
		api_free(&api);
		return -1;
	}
	*ret_api = api;
	return 0;
}

void
api_stop(struct api *api)
{
	api->stopping = true;
	ipc_server_stop_accepting(api->server);
}

void
api_free(struct api **ap)
{
	struct api *api = *ap;

	if (api == NULL)
		return;
	ipc_server_free(&api->server);
	while (!LIST_EMPTY(&api->calls))
		call_discard(LIST_FIRST(&api->calls));
	event_free(api->hourly);
	subscriptions_free(&api->subscriptions);
	status_cache_free(&api->status_cache);
	throttle_free(&api->throttle);
	auth_free(&api->auth);
	free(api);
	*ap = NULL;
}

struct ipc_peer *
api_peer(struct api *api, uint64_t serial)
{
	return ipc_server_peer(api->server, serial);
}

struct calls *
api_calls(struct api *api)
{
	return &api->calls;
}

struct auth *
api_auth(struct api *api)
{
	return api->auth;
}

struct throttle *
api_throttle(struct api *api)
{
	return api->throttle;
}

struct status_cache *
api_status_cache(struct api *api)
{
	return api->status_cache;
}

struct subscriptions *
api_subscriptions(struct api *api)
{
	return api->subscriptions;
}
