/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Puts the parts together and listens. Holds no state about users: any number of gateways serve the
 * same daemon. */
#include "apigw/gateway.h"

#include <netdb.h>
#include <openssl/err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "apigw/call.h"
#include "apigw/answer_cache.h"
#include "apigw/events.h"
#include "apigw/gateway_metrics.h"
#include "common/log.h"
#include "common/problem.h"
#include "common/xalloc.h"

#define BACKLOG 512
#define FORM_MAX 16384

bool
gateway_trusts(const struct gateway *gw, const char *peer)
{
	if (*peer == '\0')
		return true;
	for (size_t i = 0; i < gw->conf.n_proxies; i++) {
		if (address_in_range(peer, &gw->conf.proxies[i]))
			return true;
	}
	return false;
}

/* ---- what the HTTP server asks ---- */

static void
on_request(void *arg, struct http_request *r)
{
	call_start(arg, r);
}

static void
on_refusal(void *arg, unsigned status, struct buf *ret_headers, struct buf *ret_body)
{
	static const struct {
		unsigned status;
		const char *code;
	} codes[] = {
	    {408, "request_timeout"},
	    {413, "payload_too_large"},
	    {431, "headers_too_large"},
	    {503, "overloaded"},
	    {0, "bad_request"},
	};
	struct gateway *gw = arg;
	char id[32];
	size_t i = 0;

	while (codes[i].status != 0 && codes[i].status != status)
		i++;
	rng_stock_id(&gw->ids, "req_", id, sizeof(id));
	buf_addf(ret_headers, "X-Request-Id: %s\r\nContent-Type: application/problem+json\r\n", id);
	buf_add_str(ret_headers, "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n");
	if (status == 503)
		buf_add_str(ret_headers, "Retry-After: 1\r\n");
	problem_write(ret_body, problem_find(codes[i].code), NULL, id, NULL, 0);
}

/* Proxies carry the connections of many; who is on this machine is no stranger. */
static bool
is_exempt(void *arg, const char *peer)
{
	return gateway_trusts(arg, peer) || strncmp(peer, "127.", 4) == 0 ||
	       strcmp(peer, "::1") == 0;
}

/* The form around a file comes on top of it. */
static size_t
stream_max(void *arg, const struct http_head *head)
{
	const struct gateway *gw = arg;
	char id[ROUTE_ID_MAX + 1], allow[64];
	const struct route *route;
	bool known;

	if (session_method_safe(head->method)) /* no such route takes a body */
		return 0;
	route = route_find(head->method, head->path, id, &known, allow, sizeof(allow));
	return route != NULL && route->body == ROUTE_FILE ? gw->conf.max_media + FORM_MAX : 0;
}

static const struct http_server_ops http_ops = {on_request, on_refusal, is_exempt, stream_max};

/* ---- building ---- */

static SSL_CTX *
load_tls(const struct gateway_conf *conf)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());

	if (ctx != NULL && SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	    SSL_CTX_use_certificate_chain_file(ctx, conf->tls_cert) == 1 &&
	    SSL_CTX_use_PrivateKey_file(ctx, conf->tls_key, SSL_FILETYPE_PEM) == 1 &&
	    SSL_CTX_check_private_key(ctx) == 1)
		return ctx;
	log_error("tls.unusable", LOG_STR("cert", conf->tls_cert),
	    LOG_STR("why", ERR_reason_error_string(ERR_peek_last_error())));
	SSL_CTX_free(ctx);
	return NULL;
}

int
gateway_check(const struct gateway_conf *conf)
{
	SSL_CTX *ctx;

	if (conf->tls_cert == NULL)
		return 0;
	ctx = load_tls(conf);
	if (ctx == NULL)
		return -1;
	SSL_CTX_free(ctx);
	return 0;
}

struct gateway *
gateway_new(struct event_base *base, struct gateway_conf *take_conf)
{
	struct gateway *gw = xcalloc(1, sizeof(*gw));
	struct http_limits limits = http_limits_default;

	gw->base = base;
	gw->conf = *take_conf;
	memset(take_conf, 0, sizeof(*take_conf));
	if (gw->conf.tls_cert != NULL && (gw->tls = load_tls(&gw->conf)) == NULL) {
		gateway_free(&gw);
		return NULL;
	}
	limits.body_max = gw->conf.max_body;
	gw->web = web_files_load(gw->conf.web_root);
	gw->ipc = ipc_client_new(base, (const char *const *)gw->conf.sockets, gw->conf.n_sockets);
	gw->events = events_new(base);
	gw->metrics = gateway_metrics_new(base);
	gw->answers = answer_cache_new();
	gw->http = http_server_new(base, &limits, &http_ops, gw);
	return gw;
}

void
gateway_free(struct gateway **gw)
{
	struct gateway *g = *gw;

	if (g == NULL)
		return;
	http_server_free(&g->http);
	events_free(&g->events);
	gateway_metrics_free(&g->metrics);
	answer_cache_free(&g->answers);
	if (g->ipc != NULL)
		ipc_client_free(&g->ipc);
	web_files_free(&g->web);
	SSL_CTX_free(g->tls);
	gateway_conf_done(&g->conf);
	free(g);
	*gw = NULL;
}

static bool
same_list(char *const *a, size_t n_a, char *const *b, size_t n_b)
{
	size_t i = 0;

	while (i < n_a && i < n_b && strcmp(a[i], b[i]) == 0)
		i++;
	return i == n_a && i == n_b;
}

static void
warn_of_fixed(const struct gateway_conf *old, const struct gateway_conf *fresh)
{
	if (!same_list(old->listen, old->n_listen, fresh->listen, fresh->n_listen) ||
	    (old->tls_cert == NULL) != (fresh->tls_cert == NULL))
		log_warn("apigw.needs_restart", LOG_STR("key", "[http] listen"));
	if (!same_list(old->sockets, old->n_sockets, fresh->sockets, fresh->n_sockets))
		log_warn("apigw.needs_restart", LOG_STR("key", "[daemon] socket"));
}

void
gateway_reload(struct gateway *gw, struct gateway_conf *take_conf)
{
	SSL_CTX *tls = take_conf->tls_cert != NULL ? load_tls(take_conf) : NULL;

	warn_of_fixed(&gw->conf, take_conf);
	if (tls != NULL && gw->tls != NULL) { /* connections that are open hold the old one */
		http_server_set_tls(gw->http, tls);
		SSL_CTX_free(gw->tls);
		gw->tls = tls;
	} else {
		SSL_CTX_free(tls);
	}
	gateway_conf_done(&gw->conf);
	gw->conf = *take_conf;
	memset(take_conf, 0, sizeof(*take_conf));
	http_server_set_body_max(gw->http, gw->conf.max_body);
	log_set(gw->conf.log_level, gw->conf.log_format);
	web_files_free(&gw->web);
	gw->web = web_files_load(gw->conf.web_root);
}

void
gateway_stop(struct gateway *gw)
{
	http_server_stop(gw->http);
}

/* ---- listening ---- */

static int
listen_unix(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct stat st;
	mode_t old;
	int fd, r;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -1;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	if (lstat(path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(path); /* left by one that was killed */
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	old = umask(0117);
	r = bind(fd, (struct sockaddr *)&addr, sizeof(addr));
	umask(old);
	if (r < 0 || listen(fd, BACKLOG) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int
listen_info(const struct addrinfo *ai)
{
	int fd = socket(ai->ai_family, ai->ai_socktype | SOCK_CLOEXEC, ai->ai_protocol), on = 1;

	if (fd < 0)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ai->ai_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	if (bind(fd, ai->ai_addr, ai->ai_addrlen) < 0 || listen(fd, BACKLOG) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

/* ADDRESS:PORT or [ADDRESS]:PORT; the address "*" means all of them. */
static int
listen_inet(const char *text)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
			    .ai_flags = AI_PASSIVE | AI_NUMERICSERV},
			*list;
	const char *colon = strrchr(text, ':');
	char *host = xstrndup(text, (size_t)(colon - text));
	const char *name = host;
	size_t len = strlen(host);
	int fd = -1;

	if (len >= 2 && host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		name++;
	}
	if (getaddrinfo(strcmp(name, "*") == 0 ? NULL : name, colon + 1, &hints, &list) == 0) {
		fd = listen_info(list);
		freeaddrinfo(list);
	}
	free(host);
	return fd;
}

int
gateway_listen_fd(struct gateway *gw, int take_fd)
{
	return http_server_listen(gw->http, take_fd, gw->tls);
}

int
gateway_listen(struct gateway *gw)
{
	int n = sd_listen_fds(1);

	for (int i = 0; i < n; i++) {
		if (gateway_listen_fd(gw, SD_LISTEN_FDS_START + i) < 0)
			return -1;
	}
	for (size_t i = 0; n <= 0 && i < gw->conf.n_listen; i++) {
		const char *text = gw->conf.listen[i];
		int fd = strncmp(text, "unix:", 5) == 0 ? listen_unix(text + 5) : listen_inet(text);

		if (fd < 0 || gateway_listen_fd(gw, fd) < 0) {
			log_error("http.cannot_listen", LOG_STR("address", text));
			return -1;
		}
		log_info("http.listening", LOG_STR("address", text));
	}
	return 0;
}
