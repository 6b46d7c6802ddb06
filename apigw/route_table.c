/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The rows and the search in them. Decides nothing about who may do what. */
#include "apigw/route_table.h"

#include <stdio.h>
#include <string.h>

#include "apigw/events.h"
#include "apigw/download.h"
#include "apigw/routes/routes.h"
#include "apigw/upload.h"

#define SHORT_MS 15000
#define LONG_MS 60000 /* blasts of many recipients, checks of many numbers */
#define HEALTH_MS 3000
#define FETCH_MS 180000 /* files from WhatsApp */

#define OP(name) IPC__REQUEST__OP_##name
#define NONE ROUTE_NO_BODY
#define JSON ROUTE_JSON
#define MAYBE ROUTE_JSON_OPTIONAL
#define LIST routes_build_list
#define ID routes_build_id

/* clang-format off */
/* What most are: for whoever shows a token, the daemon's answer passed on as it is. */
#define ASK(method, path, body, op, build, summary) \
	{method, path, body, false, OP(op), SHORT_MS, build, NULL, NULL, summary}
#define ASK_LONG(method, path, op, build, summary) \
	{method, path, JSON, false, OP(op), LONG_MS, build, NULL, NULL, summary}
#define HEALTH_ROUTE(path, op, build, run, summary) \
	{"GET", path, NONE, true, op, HEALTH_MS, build, NULL, run, summary}

/* A literal path stands before the pattern that would match it, too. Behind '?' the parameters that it takes. */
static const struct route routes[] = {
	HEALTH_ROUTE("/healthz", 0, NULL, health_live, "This process is alive"),
	HEALTH_ROUTE("/readyz", OP(HEALTH), health_ready, NULL, "The daemon and its database answer"),
	HEALTH_ROUTE("/api/openapi.json", 0, NULL, description_json, "This description"),
	HEALTH_ROUTE("/api/docs", 0, NULL, description_page, "This description, readable"),
	HEALTH_ROUTE("/metrics", OP(METRICS), NULL, metrics_run, "Figures for Prometheus"),

	{"POST", "/api/auth/login", JSON, true, OP(LOGIN), SHORT_MS, auth_login, auth_login_answer, NULL, "Log in"},
	{"POST", "/api/auth/logout", NONE, false, OP(LOGOUT), SHORT_MS, routes_build_empty, auth_logout_answer, NULL, "Log out"},
	ASK("GET",    "/api/auth/me",                 NONE,  ME,                routes_build_empty, "Who is logged in"),
	ASK("POST",   "/api/auth/password",           JSON,  PASSWORD_CHANGE,   auth_password,      "Change one's own password"),

	{"GET", "/api/outlets/status?limit&cursor&status&healthy&q", NONE, false, OP(STATUS_LIST), SHORT_MS, outlets_status, outlets_status_answer, NULL, "The status of all outlets"},
	ASK("GET",    "/api/outlets/{id}/status",     NONE,  STATUS_GET,        ID,                 "The status of one outlet"),
	ASK("GET",    "/api/outlets?limit&cursor&q",  NONE,  OUTLET_LIST,       LIST,               "List outlets"),
	ASK("POST",   "/api/outlets",                 JSON,  OUTLET_ADD,        outlets_add,        "Create an outlet"),
	ASK("GET",    "/api/outlets/{id}",            NONE,  OUTLET_GET,        ID,                 "One outlet"),
	ASK("PATCH",  "/api/outlets/{id}",            JSON,  OUTLET_EDIT,       outlets_edit,       "Change an outlet"),
	ASK("DELETE", "/api/outlets/{id}",            NONE,  OUTLET_REMOVE,     ID,                 "Delete an outlet"),
	ASK("POST",   "/api/outlets/{id}/connect",    MAYBE, OUTLET_CONNECT,    outlets_connect,    "Connect or link"),
	{"GET", "/api/outlets/{id}/qr?format&sequence", NONE, false, OP(OUTLET_QR), SHORT_MS, outlets_qr, outlets_qr_answer, NULL, "The QR code to scan"},
	ASK("GET",    "/api/outlets/{id}/pairing-code", NONE, OUTLET_PAIRING_CODE, ID,              "The pairing code to type into the phone"),
	ASK("GET",    "/api/outlets/{id}/passkey",    NONE,  OUTLET_PASSKEY,    ID,                 "What WhatsApp asks for before it links"),
	ASK("POST",   "/api/outlets/{id}/passkey",    JSON,  OUTLET_PASSKEY_ANSWER, outlets_passkey, "The passkey's answer to that"),
	ASK("POST",   "/api/outlets/{id}/passkey/confirm", NONE, OUTLET_PASSKEY_CONFIRM, ID,        "The phone shows the same code"),
	ASK("POST",   "/api/outlets/{id}/disconnect", NONE,  OUTLET_DISCONNECT, ID,                 "Disconnect"),
	ASK("POST",   "/api/outlets/{id}/pause",      NONE,  OUTLET_PAUSE,      ID,                 "Take out of service"),
	ASK("POST",   "/api/outlets/{id}/resume",     NONE,  OUTLET_RESUME,     ID,                 "Back into service"),
	ASK("POST",   "/api/outlets/{id}/logout",     NONE,  OUTLET_LOGOUT,     ID,                 "Unlink the device"),
	ASK("GET",    "/api/outlets/{id}/account",    NONE,  OUTLET_ACCOUNT,    ID,                 "Restrictions and the new-chat quota"),
	ASK("POST",   "/api/outlets/{id}/messages",   JSON,  MESSAGE_SEND,      messages_send,      "Send one message"),
	ASK("GET",    "/api/outlets/{id}/messages?limit&cursor&status&q", NONE,  MESSAGE_LIST,      LIST,               "Messages of an outlet"),
	{"GET", "/api/messages/{id}/media", NONE, false, OP(MESSAGE_MEDIA), FETCH_MS, NULL, NULL, download_run, "A received file's bytes"},
	ASK("GET",    "/api/messages/{id}",           NONE,  MESSAGE_GET,       ID,                 "One message"),
	ASK_LONG("POST", "/api/numbers/check",  NUMBER_CHECK,  numbers_check, "Which numbers are on WhatsApp"),

	{"POST", "/api/media", ROUTE_FILE, false, OP(MEDIA_BEGIN), SHORT_MS, NULL, NULL, upload_run, "Upload a file to send"},
	ASK("GET",    "/api/media/{id}",              NONE,  MEDIA_GET,         ID,                 "One file"),
	ASK("DELETE", "/api/media/{id}",              NONE,  MEDIA_REMOVE,      ID,                 "Delete a file"),
	{"GET", "/api/media/{id}/content", NONE, false, OP(MEDIA_GET), SHORT_MS, NULL, NULL, download_run, "A file's bytes"},
	{"GET", "/api/outlets/{id}/events?limit&cursor", NONE, false, OP(OUTLET_EVENTS), SHORT_MS, LIST, outlets_events_answer, NULL, "The history of a connection, with its uptime"},
	ASK("GET",    "/api/outlets/{id}/contacts?limit&cursor&q&tag", NONE,  CONTACT_LIST,      contacts_list,      "An outlet's contacts"),
	ASK("POST",   "/api/outlets/{id}/contacts",   JSON,  CONTACT_ADD,       contacts_add,       "Add or replace a contact"),
	ASK("DELETE", "/api/outlets/{id}/contacts?phone", MAYBE, CONTACT_REMOVE,    contacts_remove,    "Remove contacts by their numbers"),
	{"POST", "/api/outlets/{id}/contacts/import", ROUTE_FILE, false, OP(CONTACT_IMPORT), LONG_MS, NULL, NULL, contacts_import, "Import contacts from CSV"},
	ASK("GET",    "/api/summary?days",            NONE,  SUMMARY,           summary_get,        "The dashboard's figures"),
	ASK("GET",    "/api/opt-outs?limit&cursor&q", NONE,  OPT_OUT_LIST,      LIST,               "Numbers that no blast may reach"),
	ASK("POST",   "/api/opt-outs",                JSON,  OPT_OUT_ADD,       opt_outs_add,       "Add numbers that no blast may reach"),
	ASK("DELETE", "/api/opt-outs?phone",          MAYBE, OPT_OUT_REMOVE,    opt_outs_remove,    "Let blasts reach numbers again"),
	ASK("DELETE", "/api/opt-outs/{id}",           NONE,  OPT_OUT_REMOVE,    opt_outs_remove,    "Let blasts reach a number again"),
	ASK("GET",    "/api/templates?limit&cursor&q", NONE,  TEMPLATE_LIST,     LIST,               "List templates"),
	ASK("POST",   "/api/templates",               JSON,  TEMPLATE_ADD,      templates_add,      "Create a template"),
	ASK("GET",    "/api/templates/{id}",          NONE,  TEMPLATE_GET,      ID,                 "One template"),
	ASK("PATCH",  "/api/templates/{id}",          JSON,  TEMPLATE_EDIT,     templates_edit,     "Change a template"),
	ASK("DELETE", "/api/templates/{id}",          NONE,  TEMPLATE_REMOVE,   ID,                 "Delete a template"),
	ASK("GET",    "/api/webhooks?limit&cursor",   NONE,  WEBHOOK_LIST,      LIST,               "List webhooks"),
	ASK("POST",   "/api/webhooks",                JSON,  WEBHOOK_ADD,       webhooks_add,       "Create a webhook"),
	ASK("GET",    "/api/webhooks/{id}",           NONE,  WEBHOOK_GET,       ID,                 "One webhook"),
	ASK("PATCH",  "/api/webhooks/{id}",           JSON,  WEBHOOK_EDIT,      webhooks_edit,      "Change a webhook"),
	ASK("DELETE", "/api/webhooks/{id}",           NONE,  WEBHOOK_REMOVE,    ID,                 "Delete a webhook"),
	ASK("POST",   "/api/webhooks/{id}/rotate-secret", MAYBE, WEBHOOK_ROTATE, webhooks_rotate,   "Give a webhook another secret"),
	ASK("POST",   "/api/webhooks/{id}/test",      NONE,  WEBHOOK_TEST,      ID,                 "Send a webhook a test"),
	ASK("GET",    "/api/webhooks/{id}/deliveries?limit&cursor&status&type", NONE, DELIVERY_LIST,     webhooks_deliveries, "What became of a webhook's events"),
	ASK("GET",    "/api/deliveries/{id}",         NONE,  DELIVERY_GET,      ID,                 "One delivery, with what was sent"),
	ASK("POST",   "/api/deliveries/{id}/redeliver", NONE, DELIVERY_REDELIVER, ID,               "Deliver an event once more"),
	ASK("GET",    "/api/settings",                NONE,  SETTINGS_GET,      routes_build_empty, "Settings for the whole"),
	ASK("PATCH",  "/api/settings",                JSON,  SETTINGS_EDIT,     settings_edit,      "Change settings"),

	ASK_LONG("POST", "/api/blasts/preview", BLAST_PREVIEW, blasts_build, "What a blast would do"),
	ASK_LONG("POST", "/api/blasts",         BLAST_CREATE,  blasts_build, "Start or schedule a blast"),
	ASK("GET",    "/api/blasts?limit&cursor&status&q", NONE,  BLAST_LIST,        LIST,               "List blasts"),
	ASK("GET",    "/api/blasts/{id}",             NONE,  BLAST_GET,         ID,                 "One blast with its counters"),
	ASK("GET",    "/api/blasts/{id}/recipients?limit&cursor&status&q&outletId&reason", NONE,  BLAST_RECIPIENTS,  blasts_recipients,  "A blast's recipients"),
	{"GET", "/api/blasts/{id}/report.csv", NONE, false, OP(BLAST_RECIPIENTS), SHORT_MS, NULL, NULL, blasts_report, "A blast's recipients as a table"},
	ASK("GET",    "/api/blasts/{id}/replies?limit&cursor", NONE,  BLAST_REPLIES,     LIST,               "What people answered to a blast"),
	ASK("GET",    "/api/blasts/{id}/outlets?limit&cursor", NONE,  BLAST_OUTLETS,     LIST,               "How a blast goes at each of its outlets"),
	ASK("POST",   "/api/blasts/{id}/pause",       MAYBE, BLAST_PAUSE,       blasts_command,     "Pause a blast, or one outlet's part"),
	ASK("POST",   "/api/blasts/{id}/resume",      MAYBE, BLAST_RESUME,      blasts_command,     "Resume a blast, or one outlet's part"),
	ASK_LONG("POST", "/api/blasts/{id}/move", BLAST_MOVE, blasts_move, "Give what waits at an outlet to others"),
	ASK("POST",   "/api/blasts/{id}/cancel",      NONE,  BLAST_CANCEL,      ID,                 "Cancel a blast"),
	ASK("POST",   "/api/blasts/{id}/retry",       NONE,  BLAST_RETRY,       ID,                 "Send the failed ones again"),

	ASK("GET",    "/api/users?limit&cursor&q",    NONE,  USER_LIST,         LIST,               "List users"),
	ASK("POST",   "/api/users",                   JSON,  USER_ADD,          users_add,          "Create a user"),
	ASK("GET",    "/api/users/{id}",              NONE,  USER_GET,          ID,                 "One user"),
	ASK("PATCH",  "/api/users/{id}",              JSON,  USER_EDIT,         users_edit,         "Change a user"),
	ASK("DELETE", "/api/users/{id}",              NONE,  USER_REMOVE,       ID,                 "Delete a user"),
	ASK("GET",    "/api/tokens?limit&cursor",     NONE,  TOKEN_LIST,        LIST,               "List API tokens"),
	ASK("POST",   "/api/tokens",                  JSON,  TOKEN_ADD,         tokens_add,         "Create an API token"),
	ASK("DELETE", "/api/tokens/{id}",             NONE,  TOKEN_REVOKE,      ID,                 "Revoke an API token"),
	ASK("GET",    "/api/audit?limit&cursor&q&actor&action&subject&from&to", NONE,  AUDIT_LIST,        audit_list,         "Who changed what"),

	{"GET", "/api/events?kinds&lastEventId", NONE, false, OP(SUBSCRIBE), SHORT_MS, NULL, NULL, events_run, "Server-sent events"},
	{0},
};
/* clang-format on */

const struct route *
route_table(void)
{
	return routes;
}

size_t
route_count(void)
{
	return sizeof(routes) / sizeof(routes[0]) - 1;
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

	for (; *pattern != '\0' && *pattern != '?'; pattern++) {
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

static bool
same_path(const char *a, const char *b)
{
	const size_t n = strcspn(a, "?");

	return n == strcspn(b, "?") && strncmp(a, b, n) == 0;
}

bool
route_takes(const struct route *route, const char *name, size_t len)
{
	const char *p = strchr(route->path, '?');

	while (p != NULL) {
		const size_t n = strcspn(++p, "&");

		if (n == len && strncmp(p, name, len) == 0)
			return true;
		p = strchr(p, '&');
	}
	return false;
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
		if (matched != NULL ? !same_path(matched, r->path)
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
