/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server's side of one connection after the other, played by the test: WebSocket upgrade by
 * hand, the responder of the Noise handshake, stanzas in and out. What it answers is the test's.
 */
#ifndef TESTS_LINK_FAKE_SERVER_H
#define TESTS_LINK_FAKE_SERVER_H

#include <arpa/inet.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/listener.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <time.h>

#include "common/wa/client_payload.h"
#include "common/wa/frame.h"
#include "common/wa/node.h"
#include "common/wa/noise.h"
#include "tests/unit/link/fake_keys.h"

#define FAKE_WS_MAGIC "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

struct fake_server {
	struct event_base *base;
	struct evconnlistener *listener;
	uint16_t port;
	struct bufferevent *bev; /* the connection; the newest wins */
	bool upgraded, intro, greeted, closed;
	struct frame_reader reader;
	struct noise *noise;
	struct buf routing; /* what came as "ED" */
	struct curve_pair root, intermediate, statics;
	char request[2048]; /* the upgrade */
	struct client_payload payload;
	unsigned connections;
	bool mute; /* accept and say nothing */
	bool slam; /* read the upgrade and close */
	/* The handshake is done: payload says what the client wants. */
	void (*on_login)(struct fake_server *s);
	void (*on_stanza)(struct fake_server *s, const struct node *stanza);
};

static void
fake_server_drop(struct fake_server *s)
{
	if (s->bev != NULL)
		bufferevent_free(s->bev);
	s->bev = NULL;
	noise_free(&s->noise);
	frame_reader_done(&s->reader);
	buf_reset(&s->routing);
	s->upgraded = s->intro = s->greeted = false;
}

/* One unmasked binary message. */
static void
fake_ws_send(struct fake_server *s, const void *data, size_t len)
{
	uint8_t head[10] = {0x82};
	size_t n = 2;

	if (len < 126) {
		head[1] = (uint8_t)len;
	} else if (len < 65536) {
		head[1] = 126;
		head[2] = (uint8_t)(len >> 8);
		head[3] = (uint8_t)len;
		n = 4;
	} else {
		head[1] = 127;
		for (size_t i = 0; i < 8; i++)
			head[2 + i] = (uint8_t)(len >> (56 - 8 * i));
		n = 10;
	}
	if (s->bev == NULL)
		return;
	bufferevent_write(s->bev, head, n);
	bufferevent_write(s->bev, data, len);
}

static void
fake_frame_send(struct fake_server *s, const void *body, size_t len)
{
	struct buf out = BUF_INIT(1 << 20);

	frame_write(&out, body, len);
	fake_ws_send(s, out.data, out.len);
	buf_done(&out);
}

/* Takes the node. */
static void
fake_send(struct fake_server *s, struct node *stanza)
{
	struct buf plain = BUF_INIT(1 << 20), sealed = BUF_INIT(1 << 20);

	if (s->bev != NULL && s->noise != NULL) {
		node_encode(stanza, &plain);
		assert_int_equal(noise_seal(s->noise, plain.data, plain.len, &sealed), 0);
		fake_frame_send(s, sealed.data, sealed.len);
	}
	node_free(&stanza);
	buf_done(&plain);
	buf_done(&sealed);
}

static void
fake_greet(struct fake_server *s, const uint8_t *body, size_t len)
{
	struct buf chain = BUF_INIT(4096), hello = BUF_INIT(8192);

	s->noise = noise_new_responder(&s->statics, NULL);
	assert_int_equal(noise_cert_make(&s->root, &s->intermediate, s->statics.pub,
			     time(NULL) - 1000, time(NULL) + 1000, &chain),
	    0);
	assert_int_equal(noise_server_hello(s->noise, body, len, chain.data, chain.len, &hello), 0);
	fake_frame_send(s, hello.data, hello.len);
	s->greeted = true;
	buf_done(&chain);
	buf_done(&hello);
}

static void
fake_finish(struct fake_server *s, const uint8_t *body, size_t len)
{
	struct buf payload = BUF_INIT(8192);
	uint8_t client[CURVE_KEY_LEN];

	assert_int_equal(noise_server_finish(s->noise, body, len, client, &payload), 0);
	assert_int_equal(client_payload_parse(payload.data, payload.len, &s->payload), 0);
	buf_done(&payload);
	if (s->on_login != NULL)
		s->on_login(s);
}

static void
fake_stanza(struct fake_server *s, const uint8_t *body, size_t len)
{
	struct buf plain = BUF_INIT(1 << 20);
	struct node *stanza = NULL;

	assert_int_equal(noise_open(s->noise, body, len, &plain), 0);
	assert_int_equal(node_decode(plain.data, plain.len, &stanza), 0);
	if (s->on_stanza != NULL)
		s->on_stanza(s, stanza);
	node_free(&stanza);
	buf_done(&plain);
}

static void
fake_bytes(struct fake_server *s, const uint8_t *data, size_t len)
{
	const uint8_t *body;
	size_t body_len;

	frame_reader_push(&s->reader, data, len);
	if (!s->intro) {
		const int r = frame_reader_intro(&s->reader, &s->routing);

		assert_true(r >= 0);
		if (r == 0)
			return;
		s->intro = true;
	}
	while (s->bev != NULL && frame_reader_next(&s->reader, &body, &body_len) > 0) {
		if (!s->greeted)
			fake_greet(s, body, body_len);
		else if (!noise_ready(s->noise))
			fake_finish(s, body, body_len);
		else
			fake_stanza(s, body, body_len);
	}
}

static void
fake_upgrade(struct fake_server *s, struct evbuffer *in)
{
	const struct evbuffer_ptr end = evbuffer_search(in, "\r\n\r\n", 4, NULL);
	unsigned char digest[20];
	char accept[64], key[160];
	const char *p;
	size_t n;

	if (end.pos < 0)
		return;
	n = (size_t)end.pos + 4;
	assert_true(n < sizeof(s->request));
	evbuffer_remove(in, s->request, n);
	s->request[n] = '\0';
	if (s->slam) {
		fake_server_drop(s);
		return;
	}
	p = strcasestr(s->request, "Sec-WebSocket-Key: ");
	assert_non_null(p);
	p += strlen("Sec-WebSocket-Key: ");
	(void)snprintf(key, sizeof(key), "%.*s%s", (int)strcspn(p, "\r"), p, FAKE_WS_MAGIC);
	assert_int_equal(EVP_Digest(key, strlen(key), digest, NULL, EVP_sha1(), NULL), 1);
	EVP_EncodeBlock((unsigned char *)accept, digest, sizeof(digest));
	evbuffer_add_printf(bufferevent_get_output(s->bev),
	    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: "
	    "Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n",
	    accept);
	s->upgraded = true;
}

/* One whole masked message; false when more is needed. */
static bool
fake_message(struct fake_server *s, struct evbuffer *in)
{
	const size_t have = evbuffer_get_length(in);
	uint8_t *p = evbuffer_pullup(in, -1);
	size_t len, head = 2;

	if (have < 2)
		return false;
	len = p[1] & 0x7f;
	assert_int_equal(p[1] & 0x80, 0x80);
	if (len == 126) {
		if (have < 4)
			return false;
		len = (size_t)p[2] << 8 | p[3];
		head = 4;
	} else if (len == 127) {
		if (have < 10)
			return false;
		len = 0;
		for (size_t i = 0; i < 8; i++)
			len = len << 8 | p[2 + i];
		head = 10;
	}
	if (have < head + 4 + len)
		return false;
	for (size_t i = 0; i < len; i++)
		p[head + 4 + i] ^= p[head + (i & 3)];
	if ((p[0] & 0x0f) == 2) {
		fake_bytes(s, p + head + 4, len);
	} else if ((p[0] & 0x0f) == 8) {
		/* Closed in an orderly way. */
		static const uint8_t bye[] = {0x88, 0};

		s->closed = true;
		bufferevent_write(s->bev, bye, sizeof(bye));
	}
	if (s->bev == NULL)
		return false;
	evbuffer_drain(in, head + 4 + len);
	return true;
}

static void
fake_readable(struct bufferevent *bev, void *arg)
{
	struct fake_server *s = arg;
	struct evbuffer *in = bufferevent_get_input(bev);

	if (bev != s->bev || s->mute)
		return;
	if (!s->upgraded)
		fake_upgrade(s, in);
	while (s->bev == bev && s->upgraded && fake_message(s, in))
		continue;
}

static void
fake_event(struct bufferevent *bev, short what, void *arg)
{
	struct fake_server *s = arg;

	(void)what;
	if (bev == s->bev)
		fake_server_drop(s);
	else
		bufferevent_free(bev);
}

static void
fake_accept(
    struct evconnlistener *listener, evutil_socket_t fd, struct sockaddr *addr, int len, void *arg)
{
	struct fake_server *s = arg;

	(void)listener;
	(void)addr;
	(void)len;
	fake_server_drop(s);
	s->connections++;
	s->closed = false;
	s->bev = bufferevent_socket_new(s->base, fd, BEV_OPT_CLOSE_ON_FREE);
	assert_non_null(s->bev);
	bufferevent_setcb(s->bev, fake_readable, NULL, fake_event, s);
	bufferevent_enable(s->bev, EV_READ | EV_WRITE);
	frame_reader_init(&s->reader, FRAME_MAX_DEFAULT);
}

UNUSED_FN static void
fake_server_init(struct fake_server *s, struct event_base *base)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(a);

	memset(s, 0, sizeof(*s));
	s->base = base;
	buf_init(&s->routing, 4096);
	curve_generate(&s->root);
	curve_generate(&s->intermediate);
	curve_generate(&s->statics);
	s->listener = evconnlistener_new_bind(base, fake_accept, s,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, -1, (struct sockaddr *)&a, sizeof(a));
	assert_non_null(s->listener);
	assert_int_equal(
	    getsockname(evconnlistener_get_fd(s->listener), (struct sockaddr *)&a, &len), 0);
	s->port = ntohs(a.sin_port);
}

UNUSED_FN static void
fake_server_done(struct fake_server *s)
{
	fake_server_drop(s);
	buf_done(&s->routing);
	if (s->listener != NULL)
		evconnlistener_free(s->listener);
}

#endif
