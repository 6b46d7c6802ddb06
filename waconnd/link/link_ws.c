/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The socket of a link: libwebsockets' callbacks, the queue of what is to be written (one frame a
 * WebSocket message), and the byte stream of what was read, cut into frames. It knows no stanza.
 */
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/link/link_private.h"

#define ORIGIN "https://web.whatsapp.com"
#define QUEUE_BYTES_MAX (4u << 20)
#define QUEUE_FRAMES_MAX 4096
#define HEADER_LEN 3
#define UNREADABLE_MAX 100 /* a connection */

struct link_frame {
	STAILQ_ENTRY(link_frame) entry;
	size_t len;
	unsigned char data[]; /* LWS_PRE bytes for libwebsockets, then len */
};

void
link_ws_init(struct link_ws *ws)
{
	STAILQ_INIT(&ws->queue);
	frame_reader_init(&ws->reader, FRAME_MAX_DEFAULT);
}

static void
drop_frame(struct link_ws *ws)
{
	struct link_frame *f = STAILQ_FIRST(&ws->queue);

	STAILQ_REMOVE_HEAD(&ws->queue, entry);
	ws->queued_bytes -= f->len;
	ws->queued--;
	free(f);
}

/* The socket is going down: what libwebsockets says of it from now on may come when the link is
 * gone. */
static void
forget_socket(struct link_ws *ws)
{
	if (ws->wsi != NULL)
		lws_set_wsi_user(ws->wsi, NULL);
	ws->wsi = NULL;
	ws->up = false;
	ws->asked = false;
}

/* Once is enough until it comes, and each time costs a system call. */
static void
ask_writable(struct link_ws *ws)
{
	if (!ws->asked)
		(void)lws_callback_on_writable(ws->wsi);
	ws->asked = true;
}

void
link_ws_done(struct link *l)
{
	struct link_ws *ws = &l->ws;
	struct lws *wsi = ws->wsi;

	forget_socket(ws);
	if (wsi != NULL)
		lws_set_timeout(wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
	while (!STAILQ_EMPTY(&ws->queue))
		drop_frame(ws);
	frame_reader_done(&ws->reader);
}

void
link_ws_connect(struct link *l, const char *address)
{
	struct link_net *net = l->net;
	const struct lws_client_connect_info info = {
	    .context = net->context,
	    .vhost = net->vhost,
	    .address = address,
	    .port = net->url.port,
	    .path = net->url.path,
	    .host = net->url.host_header,
	    .origin = ORIGIN,
	    .ssl_connection = net->url.tls ? LCCSCF_USE_SSL : 0,
	    .alpn = "http/1.1",
	    .local_protocol_name = "waconn",
	    .ietf_version_or_minus_one = -1,
	    .userdata = l,
	    .pwsi = &l->ws.wsi,
	};

	/* A failure has been told by CONNECTION_ERROR from inside, or is told here. */
	if (lws_client_connect_via_info(&info) == NULL) {
		l->ws.wsi = NULL;
		link_socket_gone(l, LINK_END_REFUSED, "no connection can be made");
	}
}

/* -- out -- */

void
link_ws_write(struct link *l, const void *prefix, size_t prefix_len, const void *body, size_t len)
{
	struct link_ws *ws = &l->ws;
	const size_t total = prefix_len + HEADER_LEN + len;
	struct link_frame *f;
	unsigned char *p;

	if (!ws->up || ws->closing)
		return;
	if (ws->queued >= QUEUE_FRAMES_MAX || ws->queued_bytes + total > QUEUE_BYTES_MAX) {
		link_fail(l, LINK_END_SILENT, "the server does not read");
		return;
	}
	f = xmalloc(sizeof(*f) + LWS_PRE + total);
	f->len = total;
	p = f->data + LWS_PRE;
	if (prefix_len > 0)
		memcpy(p, prefix, prefix_len);
	p += prefix_len;
	*p++ = (unsigned char)(len >> 16);
	*p++ = (unsigned char)(len >> 8);
	*p++ = (unsigned char)len;
	memcpy(p, body, len);
	STAILQ_INSERT_TAIL(&ws->queue, f, entry);
	ws->queued++;
	ws->queued_bytes += total;
	ask_writable(ws);
}

/*
 * Not by returning -1 from the callback: on libuv, Debian's libwebsockets closes twice then, and
 * the second time without a close frame.
 */
void
link_ws_close(struct link *l)
{
	struct link_ws *ws = &l->ws;

	if (ws->goodbye)
		return;
	ws->closing = true;
	if (!STAILQ_EMPTY(&ws->queue)) {
		ask_writable(ws);
		return;
	}
	ws->goodbye = true;
	lws_close_reason(ws->wsi, LWS_CLOSE_STATUS_NORMAL, NULL, 0);
	lws_set_timeout(ws->wsi, PENDING_TIMEOUT_USER_OK, LWS_TO_KILL_SYNC);
}

/* All that the kernel takes: libwebsockets keeps the rest of a frame, and asks again itself. */
static int
on_writable(struct link *l)
{
	struct link_ws *ws = &l->ws;
	struct link_frame *f = STAILQ_FIRST(&ws->queue);

	ws->asked = false;
	if (f == NULL || !link_net_may_send(l->net))
		return 0;
	do {
		if (lws_write(ws->wsi, f->data + LWS_PRE, f->len, LWS_WRITE_BINARY) < 0)
			return -1;
		drop_frame(ws);
		f = STAILQ_FIRST(&ws->queue);
	} while (f != NULL && lws_partial_buffered(ws->wsi) == 0);
	if (f != NULL)
		ask_writable(ws);
	else if (ws->closing)
		event_active(l->turn, EV_TIMEOUT, 0);
	return 0;
}

/* -- in -- */

/* It came whole from the server, and what follows can be read: the link does not end for it, or
 * what the server repeats would end each one. */
static void
unreadable(struct link *l, size_t len, int error)
{
	log_warn("link.unreadable", LOG_STR("outlet", l->outlet), LOG_INT("bytes", (int64_t)len),
	    LOG_STR("why", node_error_text(error)));
	if (++l->ws.unreadable > UNREADABLE_MAX)
		link_fail(l, LINK_END_PROTOCOL, "too many stanzas cannot be read");
}

static void
on_frame(struct link *l, const uint8_t *body, size_t len)
{
	struct buf plain;
	struct node *stanza = NULL;
	int error;

	if (l->phase == LINK_HANDSHAKE) {
		link_handshake_frame(l, body, len);
		return;
	}
	buf_init(&plain, FRAME_MAX_DEFAULT);
	if (noise_open(l->noise, body, len, &plain) < 0) {
		link_fail(l, LINK_END_PROTOCOL, "a frame cannot be decrypted");
	} else if ((error = node_decode(plain.data, plain.len, &stanza)) < 0) {
		unreadable(l, plain.len, error);
	} else {
		link_dispatch(l, stanza);
		node_free(&stanza);
	}
	buf_done_secret(&plain);
}

static void
on_bytes(struct link *l, const void *data, size_t len)
{
	const uint8_t *body;
	size_t body_len;
	int r = 0;

	link_alive_heard(l);
	/* A socket that is being closed has nothing to say any more. */
	if (l->phase < LINK_HANDSHAKE || l->phase >= LINK_ENDING)
		return;
	frame_reader_push(&l->ws.reader, data, len);
	while (!l->freed && l->phase < LINK_ENDING &&
	       (r = frame_reader_next(&l->ws.reader, &body, &body_len)) > 0)
		on_frame(l, body, body_len);
	if (r < 0)
		link_fail(l, LINK_END_PROTOCOL, "a frame is too large");
	else
		link_flow_check(l);
}

/* -- libwebsockets -- */

static void
on_closed(struct link *l, enum link_end end, const char *detail)
{
	if (!l->ws.up && l->net->url.tls)
		link_tls_failed(&l->net->tls, lws_get_ssl(l->ws.wsi));
	forget_socket(&l->ws);
	link_socket_gone(l, end, detail);
}

static void
on_error(struct link *l, const char *in, size_t len)
{
	char why[LINK_DETAIL_MAX];

	if (in == NULL)
		len = 0;
	(void)snprintf(why, sizeof(why), "%.*s", (int)(len < sizeof(why) ? len : sizeof(why) - 1),
	    len > 0 ? in : "the connection failed");
	if (l->ws.distrust != X509_V_OK)
		(void)snprintf(why, sizeof(why), "the server's certificate does not verify: %s",
		    X509_verify_cert_error_string(l->ws.distrust));
	on_closed(l, l->ws.distrust != X509_V_OK ? LINK_END_UNTRUSTED : LINK_END_REFUSED, why);
}

static int
on_event(struct link *l, enum lws_callback_reasons reason, void *in, size_t len)
{
	switch (reason) {
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		on_error(l, in, len);
		break;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		l->ws.up = true;
		if (link_step(l, LINK_EV_SOCKET))
			link_handshake_begin(l);
		break;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		if (lws_frame_is_binary(l->ws.wsi))
			on_bytes(l, in, len);
		break;
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		link_alive_heard(l);
		break;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return on_writable(l);
	case LWS_CALLBACK_CLIENT_CLOSED:
		on_closed(l, LINK_END_CLOSED, "the server closed the connection");
		break;
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP: /* this, and no error, before the upgrade */
	case LWS_CALLBACK_WSI_DESTROY:	      /* should one of the others not have come */
		on_closed(l, LINK_END_REFUSED, "the server closed the connection at once");
		break;
	default:
		break;
	}
	return 0;
}

int
link_ws_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
	/* Not `user`: some events put a structure of OpenSSL there. */
	struct link *l = wsi != NULL ? lws_wsi_user(wsi) : NULL;
	int r;

	if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_CLIENT_VERIFY_CERTS) {
		struct link_net *net = lws_context_user(lws_get_context(wsi));

		link_tls_begin(&net->tls, user); /* the vhost is being made */
		return 0;
	}
	/* Given up, or an event of the vhost. */
	if (l == NULL || l->ws.wsi != wsi)
		return 0;
	if (reason == LWS_CALLBACK_OPENSSL_PERFORM_SERVER_CERT_VERIFICATION) {
		/* The error that follows does not say why. OpenSSL's verdict (in len) stands. */
		if (len == 0)
			l->ws.distrust = X509_STORE_CTX_get_error(user);
		return 0;
	}
	link_enter(l);
	r = on_event(l, reason, in, len);
	link_exit(l);
	return r;
}

void
link_ws_trim(struct link *l)
{
	SSL *ssl = l->ws.up && l->net->url.tls ? lws_get_ssl(l->ws.wsi) : NULL;

	/* The handshake's read buffer stays otherwise: a third of what a connection costs. */
	if (ssl != NULL && STAILQ_EMPTY(&l->ws.queue))
		(void)SSL_free_buffers(ssl);
}
