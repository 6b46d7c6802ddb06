/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Connections. A connection is in one phase at a time, each with its deadline; callbacks of
 * bufferevents are deferred, so nothing is freed under its caller. Never interprets a request
 * beyond its framing.
 */
#include "apigw/http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/xalloc.h"

#define INPUT_MAX 65536
#define ACCEPT_PAUSE_MS 100
#define LISTENERS_MAX 16
#define HEADERS_MAX 16384

const struct http_limits http_limits_default = {
    .head_ms = 10000,
    .body_ms = 30000,
    .idle_ms = 30000,
    .write_ms = 30000,
    .linger_ms = 2000,
    .connections_max = HTTP_CONNECTIONS_MAX,
    .per_address_max = HTTP_PER_ADDRESS_MAX,
    .body_max = 16u << 20,
};

enum phase {
	PHASE_IDLE,   /* between requests */
	PHASE_HEAD,   /* a head has begun */
	PHASE_BODY,   /* its body is coming */
	PHASE_WAIT,   /* handed over; the reply is not there yet */
	PHASE_STREAM, /* a reply without an end */
	PHASE_WRITE,  /* the reply is leaving */
	PHASE_LINGER, /* reading away what the client still sends, so that it sees the reply */
};

struct conn {
	TAILQ_ENTRY(conn) entry;
	struct http_server *server;
	struct bufferevent *bev;
	struct event *timer;
	enum phase phase;
	struct http_request request;
	struct http_chunks chunks;
	size_t scanned;
	unsigned n_requests;
	char peer[INET6_ADDRSTRLEN];
	bool counted; /* against its address */
	bool close_after;
	bool no_body; /* HEAD */
	bool eof;     /* the client has said its last word */
};
TAILQ_HEAD(conns, conn);

struct listener {
	struct http_server *server;
	struct evconnlistener *listener;
	bool tls;
};

struct http_server {
	struct event_base *base;
	struct http_limits limits;
	const struct http_server_ops *ops;
	void *arg;
	SSL_CTX *ctx;
	struct listener listeners[LISTENERS_MAX];
	size_t n_listeners;
	struct event *accept_again;
	struct conns conns; /* the oldest first */
	unsigned n_conns;
	bool stopping;
};

static void conn_input(struct conn *c);

static const struct {
	unsigned status;
	const char *reason;
} reasons[] = {
    {200, "OK"			     },
    {201, "Created"			},
    {202, "Accepted"		       },
    {204, "No Content"		      },
    {302, "Found"			  },
    {304, "Not Modified"			},
    {400, "Bad Request"		       },
    {401, "Unauthorized"			},
    {403, "Forbidden"		      },
    {404, "Not Found"		      },
    {405, "Method Not Allowed"	      },
    {406, "Not Acceptable"		  },
    {408, "Request Timeout"		   },
    {409, "Conflict"		       },
    {413, "Content Too Large"		     },
    {415, "Unsupported Media Type"	  },
    {422, "Unprocessable Content"		 },
    {429, "Too Many Requests"		     },
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"		 },
    {501, "Not Implemented"		   },
    {503, "Service Unavailable"	       },
    {504, "Gateway Timeout"		   },
    {0,	"Status"			 },
};

const char *
http_reason(unsigned status)
{
	size_t i = 0;

	while (reasons[i].status != 0 && reasons[i].status != status)
		i++;
	return reasons[i].reason;
}

/* ---- the life of a connection ---- */

static void
conn_deadline(struct conn *c, unsigned ms)
{
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};

	if (ms == 0)
		evtimer_del(c->timer);
	else
		evtimer_add(c->timer, &tv);
}

static void
request_done(struct conn *c)
{
	http_head_done(&c->request.head);
	buf_done_secret(&c->request.body); /* may hold a password */
	c->request.gone = NULL;
	c->request.gone_arg = NULL;
	memset(&c->chunks, 0, sizeof(c->chunks));
	c->scanned = 0;
}

/* The one door out. */
static void
conn_close(struct conn *c)
{
	void (*gone)(void *arg) = c->request.gone;
	void *gone_arg = c->request.gone_arg;

	TAILQ_REMOVE(&c->server->conns, c, entry);
	c->server->n_conns--;
	request_done(c);
	event_free(c->timer);
	bufferevent_free(c->bev);
	free(c);
	if (gone != NULL)
		gone(gone_arg);
}

static void
conn_linger(struct conn *c)
{
	request_done(c);
	c->phase = PHASE_LINGER;
	shutdown(bufferevent_getfd(c->bev), SHUT_WR);
	conn_deadline(c, c->server->limits.linger_ms);
}

static void
conn_write_head(
    struct conn *c, unsigned status, const struct buf *headers, bool has_length, size_t len)
{
	struct evbuffer *out = bufferevent_get_output(c->bev);

	evbuffer_add_printf(out, "HTTP/1.1 %u %s\r\n", status, http_reason(status));
	if (headers->len > 0)
		evbuffer_add(out, headers->data, headers->len);
	if (has_length && status != 304 && status != 204)
		evbuffer_add_printf(out, "Content-Length: %zu\r\n", len);
	evbuffer_add_printf(out, "Connection: %s\r\n\r\n", c->close_after ? "close" : "keep-alive");
}

static void
conn_reply(struct conn *c, unsigned status, const struct buf *headers, const void *body, size_t len)
{
	conn_write_head(c, status, headers, true, len);
	if (!c->no_body && status != 304 && status != 204 && len > 0)
		evbuffer_add(bufferevent_get_output(c->bev), body, len);
	c->phase = PHASE_WRITE;
	c->request.gone = NULL;
	conn_deadline(c, 0); /* the bufferevent's write timeout watches from here */
}

static void
conn_refuse(struct conn *c, unsigned status)
{
	struct buf headers = BUF_INIT(HEADERS_MAX), body = BUF_INIT(HEADERS_MAX);

	c->close_after = true;
	c->server->ops->refusal(c->server->arg, status, &headers, &body);
	conn_reply(c, status, &headers, body.data, body.len);
	buf_done(&headers);
	buf_done(&body);
}

/* ---- input, by phase: true when there may be more to do ---- */

static bool
input_idle(struct conn *c)
{
	if (evbuffer_get_length(bufferevent_get_input(c->bev)) == 0)
		return false;
	c->phase = PHASE_HEAD;
	c->no_body = false;
	conn_deadline(c, c->server->limits.head_ms);
	return true;
}

static bool
input_head(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t len = evbuffer_get_length(in);
	const char *bytes;
	int n;

	if (len > HTTP_HEAD_MAX)
		len = HTTP_HEAD_MAX;
	if (len == 0)
		return false;
	bytes = (const char *)evbuffer_pullup(in, (ssize_t)len);
	n = http_head_scan(bytes, len, &c->scanned);
	if (n == 0 && len == HTTP_HEAD_MAX) {
		conn_refuse(c, 431);
		return false;
	}
	if (n == 0)
		return false;
	if (n < 0 || http_head_parse(bytes, (size_t)n, &c->request.head) < 0) {
		conn_refuse(c, 400);
		return false;
	}
	evbuffer_drain(in, (size_t)n);
	c->no_body = strcmp(c->request.head.method, "HEAD") == 0;
	c->close_after = !c->request.head.keep_alive || c->server->stopping ||
			 ++c->n_requests >= HTTP_REQUESTS_MAX;
	if (c->request.head.length > c->server->limits.body_max) {
		conn_refuse(c, 413);
		return false;
	}
	buf_init(&c->request.body, c->server->limits.body_max);
	c->phase = PHASE_BODY;
	conn_deadline(c, c->server->limits.body_ms);
	if (c->request.head.expect_continue && evbuffer_get_length(in) == 0 &&
	    (c->request.head.chunked || c->request.head.length > 0))
		bufferevent_write(c->bev, "HTTP/1.1 100 Continue\r\n\r\n", 25);
	return true;
}

/* 1: all there, 0: not yet, -1: refused */
static int
take_body(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);
	size_t len = evbuffer_get_length(in);
	struct http_request *r = &c->request;
	ssize_t n;

	if (!r->head.chunked) {
		size_t want = (size_t)r->head.length - r->body.len;

		n = (ssize_t)(len < want ? len : want);
		if (n > 0)
			buf_add(&r->body, evbuffer_pullup(in, n), (size_t)n);
		evbuffer_drain(in, (size_t)n);
		return r->body.len == r->head.length;
	}
	n = len == 0 ? 0
		     : http_chunks_take(
			   &c->chunks, (const char *)evbuffer_pullup(in, -1), len, &r->body);
	if (n < 0) {
		conn_refuse(c, 400);
		return -1;
	}
	evbuffer_drain(in, (size_t)n);
	if (!buf_ok(&r->body)) {
		conn_refuse(c, 413);
		return -1;
	}
	return c->chunks.state == CHUNK_DONE;
}

static bool
input_body(struct conn *c)
{
	if (take_body(c) <= 0)
		return false;
	c->phase = PHASE_WAIT;
	conn_deadline(c, 0);
	c->server->ops->request(c->server->arg, &c->request);
	return false;
}

static bool
input_wait(struct conn *c)
{
	(void)c;
	return false;
}

static bool
input_discard(struct conn *c)
{
	struct evbuffer *in = bufferevent_get_input(c->bev);

	evbuffer_drain(in, evbuffer_get_length(in));
	return false;
}

static bool (*const inputs[])(struct conn *c) = {
    [PHASE_IDLE] = input_idle,
    [PHASE_HEAD] = input_head,
    [PHASE_BODY] = input_body,
    [PHASE_WAIT] = input_wait,
    [PHASE_STREAM] = input_discard,
    [PHASE_WRITE] = input_wait,
    [PHASE_LINGER] = input_discard,
};

static void
conn_input(struct conn *c)
{
	while (inputs[c->phase](c))
		;
}

/* ---- callbacks ---- */

static void
on_read(struct bufferevent *bev, void *arg)
{
	(void)bev;
	conn_input(arg);
}

static void
on_written(struct bufferevent *bev, void *arg)
{
	struct conn *c = arg;

	if (c->phase != PHASE_WRITE || evbuffer_get_length(bufferevent_get_output(bev)) > 0)
		return;
	if (c->eof) {
		conn_close(c);
		return;
	}
	if (c->close_after) {
		conn_linger(c);
		conn_input(c);
		return;
	}
	request_done(c);
	c->phase = PHASE_IDLE;
	if (c->server->stopping) {
		conn_close(c);
		return;
	}
	conn_deadline(c, c->server->limits.idle_ms);
	conn_input(c);
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	struct conn *c = arg;

	if ((what & BEV_EVENT_CONNECTED) != 0)
		return;
	/* The answer to what came before the end is still leaving: let it. */
	if ((what & BEV_EVENT_EOF) != 0 && c->phase == PHASE_WRITE &&
	    evbuffer_get_length(bufferevent_get_output(bev)) > 0) {
		c->close_after = true;
		c->eof = true;
		return;
	}
	conn_close(c);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->phase == PHASE_BODY ||
	    (c->phase == PHASE_HEAD && evbuffer_get_length(bufferevent_get_input(c->bev)) > 0))
		conn_refuse(c, 408);
	else
		conn_close(c);
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
	const struct conn *c;
	unsigned n = 0;

	TAILQ_FOREACH(c, &s->conns, entry)
	n += c->counted && strcmp(c->peer, peer) == 0;
	return n;
}

/* When all places are taken, who has waited longest without a whole request gives way: slow writers
 * cannot shut others out. */
static bool
make_room(struct http_server *s)
{
	struct conn *c;

	if (s->n_conns < s->limits.connections_max)
		return true;
	TAILQ_FOREACH(c, &s->conns, entry)
	{
		if (c->phase == PHASE_IDLE || c->phase == PHASE_HEAD || c->phase == PHASE_LINGER) {
			conn_close(c);
			return true;
		}
	}
	return false;
}

static struct bufferevent *
conn_bufferevent(const struct listener *l, evutil_socket_t fd)
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
	struct listener *l = arg;
	struct http_server *s = l->server;
	char peer[INET6_ADDRSTRLEN];
	struct bufferevent *bev;
	struct conn *c;
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
	c = xcalloc(1, sizeof(*c));
	c->server = s;
	c->bev = bev;
	c->counted = counted;
	memcpy(c->peer, peer, sizeof(peer));
	c->request.peer = c->peer;
	c->request.tls = l->tls;
	c->timer = evtimer_new(s->base, on_deadline, c);
	c->phase = PHASE_HEAD;
	TAILQ_INSERT_TAIL(&s->conns, c, entry);
	s->n_conns++;
	bufferevent_setcb(bev, on_read, on_written, on_event, c);
	bufferevent_setwatermark(bev, EV_READ, 0, INPUT_MAX);
	bufferevent_set_timeouts(
	    bev, NULL, &(struct timeval){.tv_sec = s->limits.write_ms / 1000 + 1});
	bufferevent_enable(bev, EV_READ | EV_WRITE);
	conn_deadline(c, s->limits.head_ms);
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

/* Out of descriptors: accept() would fail in a busy loop. */
static void
on_accept_error(struct evconnlistener *listener, void *arg)
{
	struct listener *l = arg;

	(void)listener;
	log_warn("http.accept_failed", LOG_STR("why", strerror(errno)));
	set_accepting(l->server, false);
	evtimer_add(l->server->accept_again, &(struct timeval){.tv_usec = ACCEPT_PAUSE_MS * 1000});
}

/* ---- the server ---- */

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
	TAILQ_INIT(&s->conns);
	return s;
}

int
http_server_listen(struct http_server *s, int take_fd, SSL_CTX *ctx)
{
	struct listener *l = &s->listeners[s->n_listeners];

	if (s->n_listeners == LISTENERS_MAX || evutil_make_socket_nonblocking(take_fd) < 0) {
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
	struct conn *c, *next;

	s->stopping = true;
	set_accepting(s, false);
	for (c = TAILQ_FIRST(&s->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		c->close_after = true;
		if (c->phase == PHASE_IDLE || c->phase == PHASE_HEAD || c->phase == PHASE_STREAM ||
		    c->phase == PHASE_LINGER)
			conn_close(c);
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
		conn_close(TAILQ_FIRST(&sv->conns));
	event_free(sv->accept_again);
	free(sv);
	*s = NULL;
}

/* ---- replies ---- */

static struct conn *
request_conn(struct http_request *r)
{
	return (struct conn *)(void *)((char *)r - offsetof(struct conn, request));
}

void
http_reply(struct http_request *r, unsigned status, const struct buf *headers, const void *body,
    size_t len)
{
	conn_reply(request_conn(r), status, headers, body, len);
}

void
http_stream_begin(struct http_request *r, unsigned status, const struct buf *headers)
{
	struct conn *c = request_conn(r);

	c->close_after = true;
	conn_write_head(c, status, headers, false, 0);
	c->phase = PHASE_STREAM;
	bufferevent_trigger(c->bev, EV_READ, BEV_OPT_DEFER_CALLBACKS);
}

int
http_stream_write(struct http_request *r, const void *data, size_t len)
{
	struct conn *c = request_conn(r);

	if (evbuffer_get_length(bufferevent_get_output(c->bev)) + len > HTTP_STREAM_QUEUE_MAX) {
		log_info("http.slow_reader", LOG_STR("peer", c->peer));
		c->request.gone = NULL;
		conn_close(c);
		return -1;
	}
	bufferevent_write(c->bev, data, len);
	return 0;
}

void
http_stream_end(struct http_request *r)
{
	struct conn *c = request_conn(r);

	c->request.gone = NULL;
	c->phase = PHASE_WRITE;
	bufferevent_trigger(c->bev, EV_WRITE, BEV_OPT_DEFER_CALLBACKS);
}
