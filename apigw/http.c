/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server: listeners, who may connect, and what those who answer call. What happens on a
 * connection is http_conn.c's and http_input.c's.
 */
#include "apigw/http.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "apigw/http_conn.h"
#include "common/clock.h"
#include "common/log.h"
#include "common/xalloc.h"

#define ACCEPT_PAUSE_MS 100
#define SWEEP_MS 100

const struct http_limits http_limits_default = {
    .head_ms = 10000,
    .body_ms = 30000,
    .idle_ms = 30000,
    .write_ms = 30000,
    .linger_ms = 2000,
    .connections_max = HTTP_CONNECTIONS_MAX,
    .per_address_max = HTTP_PER_ADDRESS_MAX,
    .body_max = 16u << 20,
    .bodies_max = HTTP_BODIES_MAX,
};

/* clang-format off */
static const struct {
	unsigned status;
	const char *reason;
} reasons[] = {
	{200, "OK"},
	{201, "Created"},
	{202, "Accepted"},
	{204, "No Content"},
	{206, "Partial Content"},
	{302, "Found"},
	{304, "Not Modified"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{406, "Not Acceptable"},
	{408, "Request Timeout"},
	{409, "Conflict"},
	{410, "Gone"},
	{413, "Content Too Large"},
	{415, "Unsupported Media Type"},
	{416, "Range Not Satisfiable"},
	{422, "Unprocessable Content"},
	{429, "Too Many Requests"},
	{431, "Request Header Fields Too Large"},
	{500, "Internal Server Error"},
	{501, "Not Implemented"},
	{502, "Bad Gateway"},
	{503, "Service Unavailable"},
	{504, "Gateway Timeout"},
	{0, "Status"},
};
/* clang-format on */

const char *
http_reason(unsigned status)
{
	size_t i = 0;

	while (reasons[i].status != 0 && reasons[i].status != status)
		i++;
	return reasons[i].reason;
}

/* ---- accepting ---- */

static void
peer_name(const struct sockaddr *sa, char out[INET6_ADDRSTRLEN])
{
	const struct sockaddr_in *in4 = (const struct sockaddr_in *)(const void *)sa;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)sa;

	out[0] = '\0';
	if (sa->sa_family == AF_INET)
		inet_ntop(AF_INET, &in4->sin_addr, out, INET6_ADDRSTRLEN);
	else if (sa->sa_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr))
		inet_ntop(AF_INET, &in6->sin6_addr.s6_addr[12], out, INET6_ADDRSTRLEN);
	else if (sa->sa_family == AF_INET6)
		inet_ntop(AF_INET6, &in6->sin6_addr, out, INET6_ADDRSTRLEN);
}

static unsigned
count_peer(const struct http_server *s, const char *peer)
{
	const struct http_conn *c;
	unsigned n = 0;

	TAILQ_FOREACH(c, &s->conns, entry)
	n += c->counted && strcmp(c->peer, peer) == 0;
	return n;
}

/* Who has waited longest without a whole request gives way: slow writers cannot shut others out. */
static bool
drop_waiting(struct http_server *s)
{
	struct http_conn *c;

	TAILQ_FOREACH(c, &s->conns, entry)
	{
		if (c->phase == PHASE_IDLE || c->phase == PHASE_HEAD || c->phase == PHASE_LINGER) {
			http_conn_close(c);
			return true;
		}
	}
	return false;
}

static bool
make_room(struct http_server *s)
{
	return s->n_conns < s->limits.connections_max || drop_waiting(s);
}

static struct bufferevent *
conn_bufferevent(const struct http_listener *l, evutil_socket_t fd)
{
	const int options = BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS;
	SSL *ssl;

	if (!l->tls)
		return bufferevent_socket_new(l->server->base, fd, options);
	ssl = SSL_new(l->server->ctx);
	if (ssl == NULL)
		return NULL;
	return bufferevent_openssl_socket_new(
	    l->server->base, fd, ssl, BUFFEREVENT_SSL_ACCEPTING, options);
}

static void
on_accept(
    struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *sa, int len, void *arg)
{
	struct http_listener *l = arg;
	struct http_server *s = l->server;
	char peer[INET6_ADDRSTRLEN];
	struct bufferevent *bev;
	bool counted;

	(void)listener;
	(void)len;
	peer_name(sa, peer);
	counted = peer[0] != '\0' && !s->ops->exempt(s->arg, peer);
	if ((counted && count_peer(s, peer) >= s->limits.per_address_max) || !make_room(s) ||
	    (bev = conn_bufferevent(l, fd)) == NULL) {
		log_debug("http.refused", LOG_STR("peer", peer));
		close(fd);
		return;
	}
	http_conn_new(s, bev, peer, counted, l->tls);
	if (!event_pending(s->sweep, EV_TIMEOUT, NULL))
		event_add(s->sweep, &(struct timeval){.tv_usec = SWEEP_MS * 1000});
}

static void
set_accepting(struct http_server *s, bool on)
{
	for (size_t i = 0; i < s->n_listeners; i++) {
		if (on)
			evconnlistener_enable(s->listeners[i].listener);
		else
			evconnlistener_disable(s->listeners[i].listener);
	}
}

static void
on_accept_again(evutil_socket_t fd, short what, void *arg)
{
	struct http_server *s = arg;

	(void)fd;
	(void)what;
	if (!s->stopping)
		set_accepting(s, true);
}

/* Out of descriptors: accept() would fail in a busy loop. One that waits gives its own for the next
 * try. */
static void
on_accept_error(struct evconnlistener *listener, void *arg)
{
	struct http_listener *l = arg;

	(void)listener;
	log_warn("http.accept_failed", LOG_STR("why", strerror(errno)));
	(void)drop_waiting(l->server);
	set_accepting(l->server, false);
	evtimer_add(l->server->accept_again, &(struct timeval){.tv_usec = ACCEPT_PAUSE_MS * 1000});
}

/* ---- the server ---- */

/* Each one's end frees it alone. */
static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	const int64_t now = clock_monotonic_ms();
	struct http_server *s = arg;
	struct http_conn *c, *next;

	(void)fd;
	(void)what;
	for (c = TAILQ_FIRST(&s->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (c->deadline_ms != 0 && now >= c->deadline_ms)
			http_conn_overdue(c);
	}
	if (s->n_conns == 0)
		event_del(s->sweep);
}

struct http_server *
http_server_new(struct event_base *base, const struct http_limits *limits,
    const struct http_server_ops *ops, void *arg)
{
	struct http_server *s = xcalloc(1, sizeof(*s));

	s->base = base;
	s->limits = *limits;
	s->ops = ops;
	s->arg = arg;
	s->accept_again = evtimer_new(base, on_accept_again, s);
	s->sweep = event_new(base, -1, EV_PERSIST, on_sweep, s);
	TAILQ_INIT(&s->conns);
	return s;
}

int
http_server_listen(struct http_server *s, int take_fd, SSL_CTX *ctx)
{
	struct http_listener *l = &s->listeners[s->n_listeners];

	if (s->n_listeners == HTTP_LISTENERS_MAX || evutil_make_socket_nonblocking(take_fd) < 0) {
		close(take_fd);
		return -1;
	}
	l->server = s;
	l->tls = ctx != NULL;
	if (ctx != NULL)
		s->ctx = ctx;
	l->listener = evconnlistener_new(
	    s->base, on_accept, l, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, take_fd);
	if (l->listener == NULL) {
		close(take_fd);
		return -1;
	}
	evconnlistener_set_error_cb(l->listener, on_accept_error);
	s->n_listeners++;
	return 0;
}

void
http_server_set_body_max(struct http_server *s, size_t body_max)
{
	s->limits.body_max = body_max;
}

void
http_server_set_tls(struct http_server *s, SSL_CTX *ctx)
{
	s->ctx = ctx;
}

void
http_server_stop(struct http_server *s)
{
	struct http_conn *c, *next;

	s->stopping = true;
	set_accepting(s, false);
	for (c = TAILQ_FIRST(&s->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		c->close_after = true;
		if (c->phase == PHASE_IDLE || c->phase == PHASE_HEAD || c->phase == PHASE_STREAM ||
		    c->phase == PHASE_LINGER)
			http_conn_close(c);
	}
}

unsigned
http_server_connections(const struct http_server *s)
{
	return s->n_conns;
}

void
http_server_free(struct http_server **s)
{
	struct http_server *sv = *s;

	if (sv == NULL)
		return;
	for (size_t i = 0; i < sv->n_listeners; i++)
		evconnlistener_free(sv->listeners[i].listener);
	while (!TAILQ_EMPTY(&sv->conns))
		http_conn_close(TAILQ_FIRST(&sv->conns));
	event_free(sv->accept_again);
	event_free(sv->sweep);
	free(sv);
	*s = NULL;
}

/* ---- replies ---- */

void
http_reply(struct http_request *r, unsigned status, const struct buf *headers, const void *body,
    size_t len)
{
	http_conn_reply(http_conn_of(r), status, headers, body, len);
}

void
http_stream_begin(struct http_request *r, unsigned status, const struct buf *headers)
{
	struct http_conn *c = http_conn_of(r);

	c->close_after = true;
	http_conn_head(c, status, headers, false, 0);
	c->phase = PHASE_STREAM;
	bufferevent_trigger(c->bev, EV_READ, BEV_OPT_DEFER_CALLBACKS);
}

int
http_stream_write(struct http_request *r, const void *data, size_t len)
{
	struct http_conn *c = http_conn_of(r);

	if (evbuffer_get_length(bufferevent_get_output(c->bev)) + len > HTTP_STREAM_QUEUE_MAX) {
		log_info("http.slow_reader", LOG_STR("peer", c->peer));
		c->request.gone = NULL;
		http_conn_close(c);
		return -1;
	}
	bufferevent_write(c->bev, data, len);
	return 0;
}

void
http_stream_end(struct http_request *r)
{
	struct http_conn *c = http_conn_of(r);

	http_conn_finish(c);
	bufferevent_trigger(c->bev, EV_WRITE, BEV_OPT_DEFER_CALLBACKS);
}

bool
http_stream_begin_sized(
    struct http_request *r, unsigned status, const struct buf *headers, uint64_t len)
{
	struct http_conn *c = http_conn_of(r);

	http_conn_head(c, status, headers, true, len);
	if (c->no_body || len == 0) {
		http_conn_finish(c);
		return false;
	}
	c->phase = PHASE_STREAM;
	return true;
}

void
http_stream_abort(struct http_request *r)
{
	r->gone = NULL;
	http_conn_close(http_conn_of(r));
}

/* ---- streamed bodies ---- */

void
http_body_pause(struct http_request *r)
{
	http_conn_of(r)->paused = true;
}

void
http_body_resume(struct http_request *r)
{
	struct http_conn *c = http_conn_of(r);

	c->paused = false;
	bufferevent_trigger(c->bev, EV_READ, BEV_OPT_DEFER_CALLBACKS);
}
