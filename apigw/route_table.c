/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows and the search in them. Decides nothing about who may do what. */
#include "apigw/route_table.h"

#include <stdio.h>
#include <string.h>

#include "apigw/events.h"
#include "apigw/routes/routes.h"

#define SHORT_MS 15000
#define LONG_MS 60000 /* blasts of many recipients */

#define OP(name) IPC__REQUEST__OP_##name
#define NONE ROUTE_NO_BODY
#define JSON ROUTE_JSON

#define GET_LIST(p, op, s)                                                                \
	{                                                                                 \
		"GET", p, NONE, false, OP(op), SHORT_MS, routes_build_list, NULL, NULL, s \
	}
#define WITH_ID(m, p, op, s)                                                        \
	{                                                                           \
		m, p, NONE, false, OP(op), SHORT_MS, routes_build_id, NULL, NULL, s \
	}
#define WITH_BODY(m, p, op, ms, build, s)                           \
	{                                                           \
		m, p, JSON, false, OP(op), ms, build, NULL, NULL, s \
	}

/* A literal path stands before the pattern that would match it, too. */
static const struct route routes[] = {
    {"GET",	    "/healthz", NONE, true, 0, 0, NULL, NULL, health_live, "This process is alive"},
    {"GET",	    "/readyz", NONE, true, OP(HEALTH), 3000, health_ready, NULL, NULL,
	"The daemon and its database answer"},

    {"POST",	     "/api/auth/login", JSON, true, OP(LOGIN), SHORT_MS, auth_login, auth_login_answer,
	NULL, "Log in"},
    {"POST",	     "/api/auth/logout", NONE, false, OP(LOGOUT), SHORT_MS, routes_build_empty,
	auth_logout_answer, NULL, "Log out"},
    {"GET", "/api/auth/me", NONE, false, OP(ME), SHORT_MS, routes_build_empty, NULL, NULL,
	"Who is logged in"},

    {"GET",	    "/api/outlets/status", NONE, false, OP(STATUS_LIST), SHORT_MS, outlets_status, NULL,
	NULL, "The status of all outlets"},
    WITH_ID("GET", "/api/outlets/{id}/status", STATUS_GET, "The status of one outlet"),
    GET_LIST("/api/outlets", OUTLET_LIST, "List outlets"),
    WITH_BODY("POST", "/api/outlets", OUTLET_ADD, SHORT_MS, outlets_add, "Create an outlet"),
    WITH_ID("GET", "/api/outlets/{id}", OUTLET_GET, "One outlet"),
    WITH_BODY(
	"PATCH", "/api/outlets/{id}", OUTLET_EDIT, SHORT_MS, outlets_edit, "Change an outlet"),
    WITH_ID("DELETE", "/api/outlets/{id}", OUTLET_REMOVE, "Delete an outlet"),
    WITH_BODY("POST", "/api/outlets/{id}/connect", OUTLET_CONNECT, SHORT_MS, outlets_connect,
	"Connect or link"),
    {"GET","/api/outlets/{id}/qr", NONE, false, OP(OUTLET_QR), SHORT_MS, outlets_qr,
	outlets_qr_answer, NULL, "The QR code to scan"},
    WITH_ID("POST", "/api/outlets/{id}/disconnect", OUTLET_DISCONNECT, "Disconnect"),
    WITH_ID("POST", "/api/outlets/{id}/pause", OUTLET_PAUSE, "Take out of service"),
    WITH_ID("POST", "/api/outlets/{id}/resume", OUTLET_RESUME, "Back into service"),
    WITH_ID("POST", "/api/outlets/{id}/logout", OUTLET_LOGOUT, "Unlink the device"),
    WITH_BODY("POST", "/api/outlets/{id}/messages", MESSAGE_SEND, SHORT_MS, messages_send,
	"Send one message"),
    GET_LIST("/api/outlets/{id}/messages", MESSAGE_LIST, "Messages of an outlet"),
    WITH_ID("GET", "/api/messages/{id}", MESSAGE_GET, "One message"),

    WITH_BODY("POST", "/api/blasts/preview", BLAST_PREVIEW, LONG_MS, blasts_build,
	"What a blast would do"),
    WITH_BODY(
	"POST", "/api/blasts", BLAST_CREATE, LONG_MS, blasts_build, "Start or schedule a blast"),
    GET_LIST("/api/blasts", BLAST_LIST, "List blasts"),
    WITH_ID("GET", "/api/blasts/{id}", BLAST_GET, "One blast with its counters"),
    GET_LIST("/api/blasts/{id}/recipients", BLAST_RECIPIENTS, "A blast's recipients"),
    WITH_ID("POST", "/api/blasts/{id}/pause", BLAST_PAUSE, "Pause a blast"),
    WITH_ID("POST", "/api/blasts/{id}/resume", BLAST_RESUME, "Resume a blast"),
    WITH_ID("POST", "/api/blasts/{id}/cancel", BLAST_CANCEL, "Cancel a blast"),

    GET_LIST("/api/users", USER_LIST, "List users"),
    WITH_BODY("POST", "/api/users", USER_ADD, SHORT_MS, users_add, "Create a user"),
    GET_LIST("/api/tokens", TOKEN_LIST, "List API tokens"),
    WITH_BODY("POST", "/api/tokens", TOKEN_ADD, SHORT_MS, tokens_add, "Create an API token"),
    WITH_ID("DELETE", "/api/tokens/{id}", TOKEN_REVOKE, "Revoke an API token"),

    {"GET",	    "/api/events", NONE, false, OP(SUBSCRIBE), SHORT_MS, NULL, NULL, events_run,
	"Server-sent events"},
    {0       },
};

const struct route *
route_table(void)
{
	return routes;
}

static bool
is_id_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-';
}

static bool
path_matches(const char *pattern, const char *path, char id[ROUTE_ID_MAX + 1])
{
	size_t n = 0;

	for (; *pattern != '\0'; pattern++) {
		if (*pattern != '{') {
			if (*path++ != *pattern)
				return false;
			continue;
		}
		while (is_id_char(path[n]) && n <= ROUTE_ID_MAX)
			n++;
		if (n == 0 || n > ROUTE_ID_MAX)
			return false;
		memcpy(id, path, n);
		id[n] = '\0';
		path += n;
		pattern = strchr(pattern, '}');
	}
	return *path == '\0';
}

const struct route *
route_find(const char *method, const char *path, char ret_id[ROUTE_ID_MAX + 1], bool *ret_known,
    char *ret_allow, size_t allow_size)
{
	const char *as = strcmp(method, "HEAD") == 0 ? "GET" : method;
	const char *matched = NULL; /* only the first pattern that fits the path counts */
	size_t n = 0;

	*ret_allow = '\0';
	ret_id[0] = '\0';
	for (const struct route *r = routes; r->method != NULL; r++) {
		if (matched != NULL ? strcmp(matched, r->path) != 0
				    : !path_matches(r->path, path, ret_id))
			continue;
		matched = r->path;
		if (strcmp(r->method, as) == 0)
			return r;
		if (n < allow_size)
			n += (size_t)snprintf(ret_allow + n, allow_size - n, "%s%s%s",
			    n > 0 ? ", " : "", r->method,
			    strcmp(r->method, "GET") == 0 ? ", HEAD" : "");
	}
	*ret_known = matched != NULL;
	return NULL;
}
