/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The WebSocket server: sockets in, bytes to and from struct conn. It knows nothing of what the
 * bytes mean; what is refused or held back at TCP accept is asked of fault.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "tests/sim/conn_internal.h"

#define PATH "/ws/chat"
#define PATH_MAX_LEN 64
#define RX_BUFFER 4096
#define HEADER_POOL 256
#define HELD_MAX 1024

/* A TCP connection that is kept open and gets no answer. */
struct held {
	TAILQ_ENTRY(held) entry;
	struct ws *ws;
	int fd;
	struct event *timer;
};

struct ws {
	struct sim *sim;
	TAILQ_HEAD(, held) held;
	unsigned held_count;
};

/* -- held connections ----------------------------------------------------------------- */

static void
held_free(struct held *h)
{
	TAILQ_REMOVE(&h->ws->held, h, entry);
	h->ws->held_count--;
	event_free(h->timer);
	(void)close(h->fd);
	free(h);
}

static void
held_over(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	held_free(arg);
}

/* libwebsockets closes its descriptor: a copy keeps the connection. */
static void
hold(struct ws *w, int fd, int64_t ms)
{
	const struct timeval tv = {ms / 1000, (ms % 1000) * 1000};
	struct held *h;
	int copy;

	if (w->held_count >= HELD_MAX)
		held_free(TAILQ_FIRST(&w->held));
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return;
	h = xcalloc(1, sizeof(*h));
	h->ws = w;
	h->fd = copy;
	h->timer = event_new(w->sim->base, -1, 0, held_over, h);
	TAILQ_INSERT_TAIL(&w->held, h, entry);
	w->held_count++;
	if (h->timer == NULL || (ms > 0 && event_add(h->timer, &tv) != 0))
		abort(); /* as xalloc.h */
}

/* -- callbacks ------------------------------------------------------------------------ */

/* Disconnecting a TCP socket sends a reset at once, whatever libwebsockets would do at its end. */
static void
reset(int fd)
{
	const struct sockaddr nobody = {.sa_family = AF_UNSPEC};

	if (connect(fd, &nobody, sizeof(nobody)) != 0)
		log_warn("ws.reset", LOG_STR("error", strerror(errno)));
}

static int
accepted(struct ws *w, int fd)
{
	int64_t ms = 0;

	switch (fault_accepting(w->sim, &ms)) {
	case FAULT_ACCEPT:
		return 0;
	case FAULT_CLOSE:
		break;
	case FAULT_RESET:
		reset(fd);
		break;
	case FAULT_HOLD:
		hold(w, fd, ms);
		break;
	}
	return -1;
}

static int
on_accept(struct ws *w, struct lws *wsi, struct conn **slot, const void *in, size_t len)
{
	(void)wsi;
	(void)slot;
	(void)len;
	return accepted(w, (int)(intptr_t)in);
}

/* The upgrade's path. */
static int
on_upgrade(struct ws *w, struct lws *wsi, struct conn **slot, const void *in, size_t len)
{
	char path[PATH_MAX_LEN];

	(void)w;
	(void)slot;
	(void)in;
	(void)len;
	if (lws_hdr_copy(wsi, path, sizeof(path), WSI_TOKEN_GET_URI) <= 0 ||
	    strcmp(path, PATH) != 0)
		return -1;
	return 0;
}

static int
on_open(struct ws *w, struct lws *wsi, struct conn **slot, const void *in, size_t len)
{
	SSL *ssl = lws_get_ssl(wsi);

	(void)in;
	(void)len;
	if (ssl != NULL && SSL_session_reused(ssl))
		w->sim->stats.resumed++;
	*slot = conn_new(w->sim, wsi, lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) > 0);
	fault_connected(*slot);
	return 0;
}

static int
on_data(struct ws *w, struct lws *wsi, struct conn **slot, const void *in, size_t len)
{
	(void)w;
	if (!lws_frame_is_binary(wsi)) {
		conn_violation(*slot, "text_message", "a WebSocket text message");
		return -1;
	}
	conn_receive(*slot, in, len);
	return 0;
}

static int
on_writeable(struct ws *w, struct lws *wsi, struct conn **slot, const void *in, size_t len)
{
	struct conn *c = *slot;
	struct chunk *k;
	int r = 0;

	(void)w;
	(void)in;
	(void)len;
	if (c->reset) {
		reset(lws_get_socket_fd(wsi));
		return -1;
	}
	k = conn_take(c);
	if (k != NULL) {
		if (lws_write(wsi, k->data + LWS_PRE, k->len, LWS_WRITE_BINARY) < 0)
			r = -1;
		free(k);
		lws_callback_on_writable(wsi);
		return r;
	}
	if (conn_may_close(c))
		conn_out_wake(c);
	return 0;
}

/*
 * From the loop: a callback that returns -1 closes without a close frame, since on libuv Debian's
 * libwebsockets closes twice then. The connection is freed within.
 */
void
ws_close(struct lws *wsi)
{
	lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
	lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

static int
on_closed(struct ws *w, struct lws *wsi, struct conn **slot, const void *in, size_t len)
{
	(void)w;
	(void)wsi;
	(void)in;
	(void)len;
	conn_free(slot);
	return 0;
}

static const struct {
	enum lws_callback_reasons reason;
	int (*handle)(
	    struct ws *w, struct lws *wsi, struct conn **slot, const void *in, size_t len);
} callbacks[] = {
    {LWS_CALLBACK_FILTER_NETWORK_CONNECTION, on_accept},
    {LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION, on_upgrade},
    {LWS_CALLBACK_ESTABLISHED, on_open},
    {LWS_CALLBACK_RECEIVE, on_data},
    {LWS_CALLBACK_SERVER_WRITEABLE, on_writeable},
    {LWS_CALLBACK_CLOSED, on_closed},
};

static int
callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	struct ws *w = lws_context_user(lws_get_context(wsi));

	for (size_t i = 0; i < sizeof(callbacks) / sizeof(callbacks[0]); i++)
		if (callbacks[i].reason == reason)
			return callbacks[i].handle(w, wsi, user, in, len);
	return lws_callback_http_dummy(wsi, reason, user, in, len);
}

static const struct lws_protocols protocols[] = {
    {.name = "wa",
	.callback = callback,
	.per_session_data_size = sizeof(struct conn *),
	.rx_buffer_size = RX_BUFFER},
    {.name = NULL},
};

/* -- life ----------------------------------------------------------------------------- */

static void
log_line(int level, const char *line)
{
	(void)level;
	log_debug("lws", LOG_STR("line", line));
}

static uint16_t
port_of(struct lws_context *context)
{
	struct lws_vhost *v = lws_get_vhost_by_name(context, "default");

	return v != NULL ? (uint16_t)lws_get_vhost_listen_port(v) : 0;
}

int
ws_new(struct sim *s, const char *host, uint16_t port, const char *cert, const char *key,
    struct ws **ret_ws, uint16_t *ret_port)
{
	struct lws_context_creation_info info = {0};
	struct lws_context *context;
	struct ws *w = xcalloc(1, sizeof(*w));

	w->sim = s;
	TAILQ_INIT(&w->held);
	lws_set_log_level(LLL_ERR | LLL_WARN, log_line);
	info.iface = host;
	info.port = port;
	info.protocols = protocols;
	info.user = w;
	info.max_http_header_pool = HEADER_POOL;
	info.gid = info.uid = -1;
	if (cert != NULL) {
		info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
		info.ssl_cert_filepath = cert;
		info.ssl_private_key_filepath = key;
	}
	context = lws_loop_context(s->loop, &info);
	if (context == NULL || (*ret_port = port_of(context)) == 0) {
		(void)fprintf(stderr, "wasim: cannot listen on %s:%u\n", host, (unsigned)port);
		free(w);
		return -1;
	}
	*ret_ws = w;
	return 0;
}

void
ws_free(struct ws **wp)
{
	struct ws *w = *wp;

	if (w == NULL)
		return;
	while (!TAILQ_EMPTY(&w->held))
		held_free(TAILQ_FIRST(&w->held));
	free(w);
	*wp = NULL;
}
