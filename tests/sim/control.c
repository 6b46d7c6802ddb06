/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The control interface: HTTP and JSON on a loopback address, for tests and the demo alone. A table
 * says which call goes where; what a call means is in control_*.c.
 */
#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/keyvalq_struct.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "tests/sim/control_internal.h"

#define HEADERS_MAX 16384
#define IDLE_S 600 /* longer than anybody may wait for an answer */

static const struct route {
	enum evhttp_cmd_type method;
	const char *path; /* "*" is one segment, any but empty */
	void (*handle)(struct control_call *c);
} routes[] = {
    {EVHTTP_REQ_GET, "/", control_state},
    {EVHTTP_REQ_POST, "/scan", control_scan},
    {EVHTTP_REQ_POST, "/code", control_code},
    {EVHTTP_REQ_POST, "/passkey", control_passkey},
    {EVHTTP_REQ_POST, "/phones", control_phone_set},
    {EVHTTP_REQ_GET, "/phones", control_phone_list},
    {EVHTTP_REQ_GET, "/phones/*", control_phone_get},
    {EVHTTP_REQ_POST, "/phones/*/unlink", control_phone_unlink},
    {EVHTTP_REQ_POST, "/phones/*/send", control_phone_send},
    {EVHTTP_REQ_POST, "/phones/*/message", control_phone_message},
    {EVHTTP_REQ_POST, "/phones/*/group", control_phone_group},
    {EVHTTP_REQ_POST, "/phones/*/bare", control_phone_bare},
    {EVHTTP_REQ_POST, "/phones/*/keep", control_phone_keep},
    {EVHTTP_REQ_POST, "/phones/*/reinstall", control_phone_reinstall},
    {EVHTTP_REQ_GET, "/media", control_media},
    {EVHTTP_REQ_POST, "/media/faults", control_media_fault},
    {EVHTTP_REQ_GET, "/media/*", control_media_file},
    {EVHTTP_REQ_GET, "/messages", control_messages},
    {EVHTTP_REQ_GET, "/receipts", control_receipts},
    {EVHTTP_REQ_GET, "/violations", control_violations},
    {EVHTTP_REQ_POST, "/faults", control_fault_arm},
    {EVHTTP_REQ_GET, "/faults", control_fault_list},
    {EVHTTP_REQ_DELETE, "/faults", control_fault_forget_all},
    {EVHTTP_REQ_DELETE, "/faults/*", control_fault_forget},
};

/* -- answers ---------------------------------------------------------------------------- */

static void
text_free(const void *data, size_t len, void *text)
{
	(void)data, (void)len;
	free(text);
}

static void
reply(struct evhttp_request *request, int status, json_t *take_json)
{
	char *text = json_dumps(take_json, JSON_COMPACT);
	struct evbuffer *body = evbuffer_new();

	json_decref(take_json);
	if (text == NULL || body == NULL ||
	    evbuffer_add_reference(body, text, strlen(text), text_free, text) != 0)
		abort();
	evhttp_add_header(
	    evhttp_request_get_output_headers(request), "Content-Type", "application/json");
	evhttp_send_reply(request, status, NULL, body);
	evbuffer_free(body);
}

void
control_answer(struct evhttp_request *request, json_t *take_json)
{
	reply(request, HTTP_OK, take_json);
}

void
control_answer_error(struct evhttp_request *request, int status, const char *error)
{
	reply(request, status, json_pack("{s:s}", "error", error));
}

void
control_ok(struct control_call *c, json_t *take_json)
{
	reply(c->request, HTTP_OK, take_json);
}

void
control_fail(struct control_call *c, int status, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	control_answer_error(c->request, status, text);
}

/* -- requests ----------------------------------------------------------------------------- */

/* Whether the path is the pattern; what stands for "*" goes to ret_segment (the caller frees it).
 */
static bool
path_match(const char *pattern, const char *path, char **ret_segment)
{
	const char *star = strchr(pattern, '*');
	size_t before = star != NULL ? (size_t)(star - pattern) : 0, len;

	*ret_segment = NULL;
	if (star == NULL)
		return strcmp(pattern, path) == 0;
	if (strncmp(pattern, path, before) != 0)
		return false;
	len = strcspn(path + before, "/");
	if (len == 0 || strcmp(path + before + len, star + 1) != 0)
		return false;
	*ret_segment = xstrndup(path + before, len);
	return true;
}

/* The query as an object of strings; NULL: not one, or a field twice. */
static json_t *
query_read(const char *query)
{
	struct evkeyvalq fields;
	const struct evkeyval *kv;
	json_t *object;

	if (query == NULL || query[0] == '\0')
		return json_object();
	if (evhttp_parse_query_str(query, &fields) != 0)
		return NULL;
	object = json_object();
	for (kv = fields.tqh_first; kv != NULL && object != NULL; kv = kv->next.tqe_next)
		if (json_object_get(object, kv->key) != NULL ||
		    json_object_set_new(object, kv->key, json_string(kv->value)) != 0) {
			json_decref(object);
			object = NULL;
		}
	evhttp_clear_headers(&fields);
	return object;
}

static json_t *
body_read(struct evbuffer *body, char *ret_error, size_t error_size)
{
	size_t len = evbuffer_get_length(body);
	const char *text = len > 0 ? (const char *)evbuffer_pullup(body, -1) : NULL;
	json_error_t error;
	json_t *object;

	if (len == 0)
		return json_object();
	object = json_loadb(text != NULL ? text : "", len, JSON_REJECT_DUPLICATES, &error);
	if (object == NULL)
		snprintf(ret_error, error_size, "the body is no JSON: %s (line %d)", error.text,
		    error.line);
	else if (!json_is_object(object)) {
		snprintf(ret_error, error_size, "the body is no JSON object");
		json_decref(object);
		object = NULL;
	}
	return object;
}

static void
call_run(struct control_call *c, const struct route *route, const struct evhttp_uri *uri)
{
	char error[256] = "the query cannot be read, or names a field twice";

	c->from_query = route->method != EVHTTP_REQ_POST;
	c->args = c->from_query ? query_read(evhttp_uri_get_query(uri))
				: body_read(evhttp_request_get_input_buffer(c->request), error,
				      sizeof(error));
	if (c->args == NULL)
		control_fail(c, HTTP_BADREQUEST, "%s", error);
	else
		route->handle(c);
	json_decref(c->args);
}

/* The route of the request; NULL when there is none, then *ret_known says whether the path is one.
 */
static const struct route *
route_find(struct control_call *c, const char *path, bool *ret_known)
{
	*ret_known = false;
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++) {
		if (!path_match(routes[i].path, path, &c->segment))
			continue;
		*ret_known = true;
		if (routes[i].method == evhttp_request_get_command(c->request))
			return &routes[i];
		free(c->segment);
		c->segment = NULL;
	}
	return NULL;
}

static void
on_request(struct evhttp_request *request, void *arg)
{
	struct control *control = arg;
	struct control_call c = {.control = control, .sim = control->sim, .request = request};
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = evhttp_uri_get_path(uri);
	const struct route *route;
	bool known;

	route = route_find(&c, path != NULL && path[0] != '\0' ? path : "/", &known);
	if (route != NULL)
		call_run(&c, route, uri);
	else if (known)
		control_fail(&c, HTTP_BADMETHOD, "not with this method");
	else
		control_fail(&c, HTTP_NOTFOUND, "no such path");
	free(c.segment);
}

/* -- life ------------------------------------------------------------------------------------ */

static bool
is_loopback(const char *host)
{
	struct in6_addr six;
	struct in_addr four;

	if (inet_pton(AF_INET, host, &four) == 1)
		return ntohl(four.s_addr) >> 24 == 127;
	return inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static int
bound_port(struct evhttp_bound_socket *socket, uint16_t *ret_port)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	if (getsockname(evhttp_bound_socket_get_fd(socket), (struct sockaddr *)&ss, &len) != 0)
		return -1;
	*ret_port = ntohs(ss.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&ss)->sin6_port
						   : ((struct sockaddr_in *)&ss)->sin_port);
	return 0;
}

int
control_new(struct sim *s, const char *host, uint16_t port, struct control **ret_control,
    uint16_t *ret_port)
{
	struct control *control = xcalloc(1, sizeof(*control));
	struct evhttp_bound_socket *socket = NULL;

	control->sim = s;
	LIST_INIT(&control->pending);
	LIST_INIT(&control->typed);
	control->http = evhttp_new(sim_base(s));
	if (control->http != NULL && is_loopback(host))
		socket = evhttp_bind_socket_with_handle(control->http, host, port);
	if (socket == NULL || bound_port(socket, ret_port) != 0) {
		log_error("control.listen", LOG_STR("host", host), LOG_INT("port", port));
		control_free(&control);
		return -1;
	}
	evhttp_set_allowed_methods(
	    control->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST | EVHTTP_REQ_DELETE);
	evhttp_set_max_body_size(control->http, CONTROL_BODY_MAX);
	evhttp_set_max_headers_size(control->http, HEADERS_MAX);
	evhttp_set_timeout(control->http, IDLE_S);
	evhttp_set_gencb(control->http, on_request, control);
	*ret_control = control;
	return 0;
}

void
control_free(struct control **c)
{
	if (*c == NULL)
		return;
	control_pending_end(*c);
	control_code_end(*c);
	if ((*c)->http != NULL)
		evhttp_free((*c)->http);
	free(*c);
	*c = NULL;
}
