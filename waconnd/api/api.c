/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The table of operations and the way every request takes through it: identify, check the role,
 * call the handler. Decides nothing about any one operation.
 */
#include "waconnd/api/api.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/auth.h"
#include "waconnd/api/blast_draft.h"
#include "waconnd/api/forward.h"
#include "waconnd/api/idempotency.h"
#include "waconnd/api/request.h"
#include "waconnd/api/throttle.h"

struct api_op {
	enum role role; /* the least that may; ROLE_NONE: anybody, without a token */
	void (*handler)(struct call *c);
	enum scope scope; /* that a token with scopes needs */
};

#define OP(name) [IPC__REQUEST__OP_##name]
/* clang-format off */
static void api_may(struct call *c);

static const struct api_op ops[] = {
	/* operation              who may          handler                  what a token with scopes needs */
	OP(LOGIN)             = {ROLE_NONE,       api_login, SCOPE_ANY},
	OP(HEALTH)            = {ROLE_NONE,       api_health, SCOPE_ANY},
	OP(METRICS)           = {ROLE_NONE,       api_metrics, SCOPE_ANY},
	OP(LOGOUT)            = {ROLE_USER,       api_logout, SCOPE_ANY},
	OP(MAY)               = {ROLE_USER,       api_may, SCOPE_ANY},
	OP(ME)                = {ROLE_USER,       api_me, SCOPE_ANY},
	OP(STATUS_LIST)       = {ROLE_USER,       api_status_list, SCOPE_STATUS_READ},
	OP(STATUS_GET)        = {ROLE_USER,       api_status_get, SCOPE_STATUS_READ},
	OP(OUTLET_LIST)       = {ROLE_USER,       api_outlet_list, SCOPE_OUTLETS_READ},
	OP(OUTLET_ADD)        = {ROLE_ADMIN,      api_outlet_add, SCOPE_OUTLETS_WRITE},
	OP(OUTLET_GET)        = {ROLE_USER,       api_outlet_get, SCOPE_OUTLETS_READ},
	OP(OUTLET_EDIT)       = {ROLE_ADMIN,      api_outlet_edit, SCOPE_OUTLETS_WRITE},
	OP(OUTLET_REMOVE)     = {ROLE_ADMIN,      api_outlet_remove, SCOPE_OUTLETS_WRITE},
	OP(OUTLET_CONNECT)    = {ROLE_USER,       api_outlet_connect, SCOPE_OUTLETS_WRITE},
	OP(OUTLET_QR)         = {ROLE_USER,       api_outlet_qr, SCOPE_OUTLETS_WRITE},
	OP(OUTLET_PAIRING_CODE) = {ROLE_USER,     api_outlet_pairing_code, SCOPE_OUTLETS_WRITE},
	OP(OUTLET_PASSKEY)    = {ROLE_USER,       api_outlet_passkey, SCOPE_OUTLETS_WRITE},
	OP(OUTLET_PASSKEY_ANSWER) = {ROLE_USER,   api_outlet_passkey_answer, SCOPE_OUTLETS_WRITE},
	OP(OUTLET_PASSKEY_CONFIRM) = {ROLE_USER,  api_outlet_passkey_confirm, SCOPE_OUTLETS_WRITE},
	OP(OUTLET_DISCONNECT) = {ROLE_USER,       api_outlet_disconnect, SCOPE_OUTLETS_WRITE},
	OP(OUTLET_PAUSE)      = {ROLE_USER,       api_outlet_pause, SCOPE_OUTLETS_WRITE},
	OP(OUTLET_RESUME)     = {ROLE_USER,       api_outlet_resume, SCOPE_OUTLETS_WRITE},
	OP(OUTLET_LOGOUT)     = {ROLE_USER,       api_outlet_logout, SCOPE_OUTLETS_WRITE},
	OP(OUTLET_RESTORE_KEYS) = {ROLE_ADMIN,    api_outlet_restore_keys, SCOPE_OUTLETS_WRITE},
	OP(OUTLET_ACCOUNT)    = {ROLE_USER,       api_outlet_account, SCOPE_OUTLETS_READ},
	OP(NUMBER_CHECK)      = {ROLE_USER,       api_number_check, SCOPE_MESSAGES_WRITE},
	OP(MESSAGE_SEND)      = {ROLE_USER,       api_message_send, SCOPE_MESSAGES_WRITE},
	OP(MESSAGE_LIST)      = {ROLE_USER,       api_message_list, SCOPE_MESSAGES_READ},
	OP(MESSAGE_GET)       = {ROLE_USER,       api_message_get, SCOPE_MESSAGES_READ},
	OP(BLAST_PREVIEW)     = {ROLE_USER,       api_blast_preview, SCOPE_BLAST_READ},
	OP(BLAST_CREATE)      = {ROLE_USER,       api_blast_create, SCOPE_BLAST_WRITE},
	OP(BLAST_LIST)        = {ROLE_USER,       api_blast_list, SCOPE_BLAST_READ},
	OP(BLAST_GET)         = {ROLE_USER,       api_blast_get, SCOPE_BLAST_READ},
	OP(BLAST_RECIPIENTS)  = {ROLE_USER,       api_blast_recipients, SCOPE_BLAST_READ},
	OP(BLAST_PAUSE)       = {ROLE_USER,       api_blast_pause, SCOPE_BLAST_WRITE},
	OP(BLAST_RESUME)      = {ROLE_USER,       api_blast_resume, SCOPE_BLAST_WRITE},
	OP(BLAST_CANCEL)      = {ROLE_USER,       api_blast_cancel, SCOPE_BLAST_WRITE},
	OP(BLAST_RETRY)       = {ROLE_USER,       api_blast_retry, SCOPE_BLAST_WRITE},
	OP(BLAST_REPLIES)     = {ROLE_USER,       api_blast_replies, SCOPE_BLAST_READ},
	OP(BLAST_OUTLETS)     = {ROLE_USER,       api_blast_outlets, SCOPE_BLAST_READ},
	OP(BLAST_MOVE)        = {ROLE_ADMIN,      api_blast_move, SCOPE_BLAST_WRITE},
	OP(SUBSCRIBE)         = {ROLE_USER,       api_subscribe, SCOPE_EVENTS_READ},
	OP(UNSUBSCRIBE)       = {ROLE_NONE,       api_unsubscribe, SCOPE_ANY},
	OP(USER_ADD)          = {ROLE_SUPERADMIN, api_user_add, SCOPE_USERS_WRITE},
	OP(PASSWORD_CHANGE)   = {ROLE_USER,       api_password_change, SCOPE_NONE},
	OP(USER_GET)          = {ROLE_SUPERADMIN, api_user_get, SCOPE_USERS_READ},
	OP(USER_EDIT)         = {ROLE_SUPERADMIN, api_user_edit, SCOPE_USERS_WRITE},
	OP(USER_REMOVE)       = {ROLE_SUPERADMIN, api_user_remove, SCOPE_USERS_WRITE},
	OP(OUTLET_EVENTS)     = {ROLE_USER,       api_outlet_events, SCOPE_STATUS_READ},
	OP(SUMMARY)           = {ROLE_USER,       api_summary, SCOPE_STATUS_READ},
	OP(OPT_OUT_LIST)      = {ROLE_USER,       api_opt_out_list, SCOPE_OPT_OUTS_READ},
	OP(OPT_OUT_ADD)       = {ROLE_USER,       api_opt_out_add, SCOPE_OPT_OUTS_WRITE},
	OP(OPT_OUT_REMOVE)    = {ROLE_USER,       api_opt_out_remove, SCOPE_OPT_OUTS_WRITE},
	OP(CONTACT_LIST)      = {ROLE_USER,       api_contact_list, SCOPE_CONTACTS_READ},
	OP(CONTACT_ADD)       = {ROLE_USER,       api_contact_add, SCOPE_CONTACTS_WRITE},
	OP(CONTACT_IMPORT)    = {ROLE_USER,       api_contact_import, SCOPE_CONTACTS_WRITE},
	OP(CONTACT_REMOVE)    = {ROLE_USER,       api_contact_remove, SCOPE_CONTACTS_WRITE},
	OP(TEMPLATE_LIST)     = {ROLE_USER,       api_template_list, SCOPE_TEMPLATES_READ},
	OP(TEMPLATE_ADD)      = {ROLE_USER,       api_template_add, SCOPE_TEMPLATES_WRITE},
	OP(TEMPLATE_GET)      = {ROLE_USER,       api_template_get, SCOPE_TEMPLATES_READ},
	OP(TEMPLATE_EDIT)     = {ROLE_USER,       api_template_edit, SCOPE_TEMPLATES_WRITE},
	OP(TEMPLATE_REMOVE)   = {ROLE_USER,       api_template_remove, SCOPE_TEMPLATES_WRITE},
	OP(WEBHOOK_LIST)      = {ROLE_ADMIN,      api_webhook_list, SCOPE_WEBHOOKS_READ},
	OP(WEBHOOK_ADD)       = {ROLE_ADMIN,      api_webhook_add, SCOPE_WEBHOOKS_WRITE},
	OP(WEBHOOK_GET)       = {ROLE_ADMIN,      api_webhook_get, SCOPE_WEBHOOKS_READ},
	OP(WEBHOOK_EDIT)      = {ROLE_ADMIN,      api_webhook_edit, SCOPE_WEBHOOKS_WRITE},
	OP(WEBHOOK_REMOVE)    = {ROLE_ADMIN,      api_webhook_remove, SCOPE_WEBHOOKS_WRITE},
	OP(WEBHOOK_ROTATE)    = {ROLE_ADMIN,      api_webhook_rotate, SCOPE_WEBHOOKS_WRITE},
	OP(WEBHOOK_TEST)      = {ROLE_ADMIN,      api_webhook_test, SCOPE_WEBHOOKS_WRITE},
	OP(DELIVERY_LIST)     = {ROLE_ADMIN,      api_delivery_list, SCOPE_WEBHOOKS_READ},
	OP(DELIVERY_GET)      = {ROLE_ADMIN,      api_delivery_get, SCOPE_WEBHOOKS_READ},
	OP(DELIVERY_REDELIVER) = {ROLE_ADMIN,     api_delivery_redeliver, SCOPE_WEBHOOKS_WRITE},
	OP(SETTINGS_GET)      = {ROLE_ADMIN,      api_settings_get, SCOPE_SETTINGS_READ},
	OP(SETTINGS_EDIT)     = {ROLE_ADMIN,      api_settings_edit, SCOPE_SETTINGS_WRITE},
	OP(AUDIT_LIST)        = {ROLE_SUPERADMIN, api_audit_list, SCOPE_AUDIT_READ},
	OP(USER_LIST)         = {ROLE_SUPERADMIN, api_user_list, SCOPE_USERS_READ},
	OP(TOKEN_ADD)         = {ROLE_USER,       api_token_add, SCOPE_NONE},
	OP(TOKEN_LIST)        = {ROLE_USER,       api_token_list, SCOPE_TOKENS_READ},
	OP(TOKEN_REVOKE)      = {ROLE_USER,       api_token_revoke, SCOPE_NONE},
	OP(MEDIA_BEGIN)       = {ROLE_USER,       api_media_begin, SCOPE_MEDIA_WRITE},
	OP(MEDIA_CHUNK)       = {ROLE_USER,       api_media_chunk, SCOPE_MEDIA_WRITE},
	OP(MEDIA_END)         = {ROLE_USER,       api_media_end, SCOPE_MEDIA_WRITE},
	OP(MEDIA_ABORT)       = {ROLE_USER,       api_media_abort, SCOPE_MEDIA_WRITE},
	OP(MEDIA_GET)         = {ROLE_USER,       api_media_get, SCOPE_MEDIA_READ},
	OP(MEDIA_REMOVE)      = {ROLE_USER,       api_media_remove, SCOPE_MEDIA_WRITE},
	OP(MESSAGE_MEDIA)     = {ROLE_USER,       api_message_media, SCOPE_MESSAGES_READ},
	OP(MEDIA_READ)        = {ROLE_USER,       api_media_read, SCOPE_ANY},
};
/* clang-format on */
#undef OP

struct api {
	struct api_env env;
	struct ipc_server *server;
	struct auth *auth;
	struct forward *forward;
	struct throttle *throttle;
	struct status_cache *status_cache;
	struct subscriptions *subscriptions;
	struct api_metrics *metrics;
	struct uploads *uploads;
	struct downloads *downloads;
	struct calls calls;
	struct event *hourly; /* the first time soon after the start */
	bool stopping;
};

static const struct api_op *
op_at(size_t i)
{
	return i < sizeof(ops) / sizeof(ops[0]) && ops[i].handler != NULL ? &ops[i] : NULL;
}

static const struct api_op *
find_op(const Ipc__Request *request)
{
	return op_at(request->op_case);
}

static void
refuse_scope(struct call *c, enum scope scope)
{
	char detail[96];

	if (scope == SCOPE_NONE)
		call_problem(
		    c, "scope_missing", "A token with scopes or an outlet cannot do this.");
	else {
		(void)snprintf(
		    detail, sizeof(detail), "The token lacks the scope %s.", scope_name(scope));
		call_problem(c, "scope_missing", detail);
	}
}

/* May the caller ask for this at all? False: answered. */
static bool
may(struct call *c, const struct api_op *op)
{
	if (op == NULL || c->who.role < op->role)
		call_problem(c, "forbidden", NULL);
	else if (op->role != ROLE_NONE && !scope_allows(c->who.scopes, op->scope))
		refuse_scope(c, op->scope);
	else
		return true;
	return false;
}

/* What the gateway asks before it tells what is wrong with a request: who may not do a thing, or
 * not see it, hears that first. */
static void
api_may(struct call *c)
{
	static const char outlet[] = "outlet_";
	const Ipc__May *q = c->request->may;
	const bool is_outlet = q->id != NULL && strncmp(q->id, outlet, strlen(outlet)) == 0;

	if (!may(c, op_at(q->op)))
		return;
	if (!is_outlet || call_outlet(c, q->id) != NULL)
		call_reply_done(c);
}

void
api_do(struct call *c)
{
	const struct api_op *op = find_op(c->request);

	if (!may(c, op))
		return;
	if (c->from != NULL)
		op->handler(c); /* whoever forwards does not do so again */
	else
		forward_dispatch(c->api->forward, c, op->handler);
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
		api_do(c);
	else
		auth_identify(api->auth, c, api_do);
}

static void
on_closed(void *arg, struct ipc_peer *peer)
{
	struct api *api = arg;

	subscriptions_drop_peer(api->subscriptions, ipc_peer_serial(peer));
	uploads_drop_peer(api->uploads, ipc_peer_serial(peer));
}

static void
on_hourly(evutil_socket_t fd, short what, void *arg)
{
	static const struct timeval hour = {.tv_sec = 3600};
	struct api *api = arg;

	(void)fd;
	(void)what;
	(void)event_add(api->hourly, &hour);
	idempotency_purge(api->env.store->db);
	uploads_sweep(api->uploads);
	downloads_sweep(api->downloads);
	settings_audit_purge(api->env.store->db);
	outlet_keys_purge(api->env.store->db);
	blast_draft_sweep(api->env.store->db);
	number_checks_purge(api->env.store->db);
}

int
api_new(const struct api_env *env, struct api **ret_api, const char **err)
{
	static const struct ipc_server_ops server_ops = {on_request, on_closed};
	static const struct timeval soon = {.tv_sec = 2};
	struct api *api = xcalloc(1, sizeof(*api));

	api->env = *env;
	LIST_INIT(&api->calls);
	api->hourly = evtimer_new(env->base, on_hourly, api);
	if (api->hourly == NULL || event_add(api->hourly, &soon) < 0)
		abort();
	api->metrics = api_metrics_new(env->metrics);
	api->auth = auth_new(env->config);
	api->forward = forward_new(api, &api->env);
	api->throttle = throttle_new();
	api->status_cache = status_cache_new();
	api->subscriptions = subscriptions_new(api, &api->env);
	auth_on_forget(api->auth, subscriptions_check, api->subscriptions);
	api->uploads = uploads_new(env->store->db, env->config);
	api->downloads = downloads_new(&api->env);
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
	auth_on_forget(api->auth, NULL, NULL);
	forward_free(&api->forward);
	while (!LIST_EMPTY(&api->calls))
		call_discard(LIST_FIRST(&api->calls));
	event_free(api->hourly);
	uploads_free(&api->uploads);
	downloads_free(&api->downloads);
	subscriptions_free(&api->subscriptions);
	status_cache_free(&api->status_cache);
	throttle_free(&api->throttle);
	auth_free(&api->auth);
	api_metrics_free(&api->metrics);
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

struct forward *
api_forward(struct api *api)
{
	return api->forward;
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

struct api_metrics *
api_metrics_of(struct api *api)
{
	return api->metrics;
}

struct uploads *
api_uploads(struct api *api)
{
	return api->uploads;
}

struct downloads *
api_downloads(struct api *api)
{
	return api->downloads;
}
