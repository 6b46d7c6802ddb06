/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One connection: handshake, stanzas in, its end, and what a fault makes of it. What goes out is in
 * conn_out.c, what follows the handshake in pair.c and login.c.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "tests/sim/conn_internal.h"

#define PONG_LIMIT_MS 10000
#define FRAME_MAX (1u << 20)
#define HANDSHAKE_MAX 65536
#define ROUTING_MAX 1024
#define HANDSHAKE_S 20
#define ENDING_S 5
#define IQ_IDS_MAX 8192
#define DETAIL_MAX 200

/* -- life ----------------------------------------------------------------------------- */

static void
deadline_over(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	(void)what;
	if (c->state == CONN_ENDING) /* the client does not read */
		lws_set_timeout(c->wsi, PENDING_TIMEOUT_CLOSE_SEND, LWS_TO_KILL_ASYNC);
	else
		conn_end(c, false);
}

void
conn_deadline(struct conn *c, unsigned seconds)
{
	const struct timeval tv = {seconds, 0};

	if (seconds == 0)
		(void)event_del(c->deadline);
	else if (event_add(c->deadline, &tv) != 0)
		abort(); /* as xalloc.h */
}

struct conn *
conn_new(struct sim *s, struct lws *wsi, bool has_origin)
{
	struct conn *c = xcalloc(1, sizeof(*c));

	c->sim = s;
	c->wsi = wsi;
	c->has_origin = has_origin;
	c->noise = noise_new_responder(&s->server, NULL);
	frame_reader_init(&c->in, FRAME_MAX);
	id_map_init(&c->iqs, IQ_IDS_MAX);
	conn_out_init(c);
	c->deadline = event_new(s->base, -1, 0, deadline_over, c);
	if (c->deadline == NULL)
		abort();
	c->heard_ms = clock_monotonic_ms();
	TAILQ_INSERT_TAIL(&s->conns, c, entry);
	s->conn_count++;
	s->stats.connects++;
	conn_deadline(c, HANDSHAKE_S);
	return c;
}

static void
leave_device(struct conn *c)
{
	struct device *d = c->device;

	if (d == NULL)
		return;
	c->device = NULL;
	d->conn = NULL;
	d->active = false;
	outbox_unsend(d);
}

void
conn_free(struct conn **cp)
{
	struct conn *c = *cp;

	if (c == NULL)
		return;
	leave_device(c);
	pair_done(c);
	pair_code_done(c);
	pair_passkey_done(c);
	TAILQ_REMOVE(&c->sim->conns, c, entry);
	c->sim->conn_count--;
	conn_out_done(c);
	event_free(c->deadline);
	noise_free(&c->noise);
	frame_reader_done(&c->in);
	id_map_done(&c->iqs);
	OPENSSL_cleanse(&c->payload, sizeof(c->payload));
	free(c);
	*cp = NULL;
}

void
conn_end(struct conn *c, bool reset)
{
	if (c->state == CONN_ENDING && !reset)
		return;
	leave_device(c);
	c->state = CONN_ENDING;
	c->reset = reset;
	c->silent_until_ms = 0;
	conn_deadline(c, ENDING_S + (unsigned)(c->delay_ms / 1000));
	conn_out_wake(c);
}

void
conn_stream_error(struct conn *c, const char *code, const char *conflict)
{
	struct node *n = node_new("stream:error", "code", code, NULL);

	if (conflict != NULL && conflict[0] != '\0')
		(void)node_child(n, "conflict", "type", conflict, NULL);
	conn_send(c, n);
	conn_end(c, false);
}

void
conn_violation(struct conn *c, const char *rule, const char *fmt, ...)
{
	const struct device *d = c->device;
	char detail[DETAIL_MAX];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	violation(
	    c->sim, d != NULL ? d->account : NULL, d != NULL ? d->number : 0, rule, "%s", detail);
}

struct node *
conn_query(struct conn *c, const char *xmlns, char *ret_id, size_t id_size)
{
	const struct jid server = jid_server_self();
	struct node *iq = node_new("iq", "type", "set", "xmlns", xmlns, NULL);

	(void)snprintf(ret_id, id_size, "%u", ++c->next_id);
	node_set(iq, "id", ret_id);
	node_set_jid(iq, "from", &server);
	return iq;
}

void
conn_ping(struct conn *c)
{
	struct node *iq = conn_query(c, "urn:xmpp:ping", c->pinged, sizeof(c->pinged));

	node_set(iq, "type", "get");
	c->pinged_ms = clock_monotonic_ms();
	conn_send(c, iq);
}

void
conn_pong(struct conn *c, const struct node *iq)
{
	if (c->pinged[0] == '\0' || !node_get_is(iq, "id", c->pinged))
		return;
	c->pinged[0] = '\0';
	c->pinged_ms = 0;
	c->sim->stats.pongs++;
}

/* -- handshake ------------------------------------------------------------------------ */

static int
intro(struct conn *c)
{
	struct buf routing = BUF_INIT(ROUTING_MAX);
	const int r = frame_reader_intro(&c->in, &routing);

	buf_done(&routing);
	if (r < 0)
		conn_violation(c, "bad_intro", "the stream does not start with WA 6 3");
	else if (r > 0)
		c->state = CONN_HELLO;
	return r;
}

static int
client_hello(struct conn *c, const uint8_t *body, size_t len)
{
	struct buf out = BUF_INIT(HANDSHAKE_MAX);
	const int r =
	    noise_server_hello(c->noise, body, len, c->sim->cert.data, c->sim->cert.len, &out);

	if (r == NOISE_OK) {
		conn_out_frame(c, &out);
		c->state = CONN_FINISH;
	} else {
		conn_violation(c, "handshake", "hello: %s", noise_error_text(r));
	}
	buf_done(&out);
	return r == NOISE_OK ? 0 : -1;
}

static int
client_finish(struct conn *c, const uint8_t *body, size_t len)
{
	struct buf payload = BUF_INIT(HANDSHAKE_MAX);
	int r = noise_server_finish(c->noise, body, len, c->noise_pub, &payload);

	if (r != NOISE_OK)
		conn_violation(c, "handshake", "finish: %s", noise_error_text(r));
	else if ((r = client_payload_parse(payload.data, payload.len, &c->payload)) != 0)
		conn_violation(c, "client_payload", "cannot be read");
	buf_done_secret(&payload);
	if (r != 0)
		return -1;
	if (!c->has_origin)
		conn_violation(c, "no_origin", "the upgrade has no Origin");
	if (c->payload.is_registration)
		pair_begin(c);
	else
		login_begin(c);
	return 0;
}

/* -- frames in ------------------------------------------------------------------------ */

static int
document(struct conn *c, const uint8_t *body, size_t len)
{
	struct buf plain = BUF_INIT(FRAME_MAX);
	struct node *stanza = NULL;
	int r = noise_open(c->noise, body, len, &plain);

	if (r != NOISE_OK)
		conn_violation(c, "frame", "%s", noise_error_text(r));
	else if ((r = node_decode(plain.data, plain.len, &stanza)) != NODE_OK)
		conn_violation(c, "document", "%s", node_error_text(r));
	else
		stanza_in(c, stanza);
	node_free(&stanza);
	buf_done(&plain);
	return r == 0 ? 0 : -1;
}

static int
frame(struct conn *c, const uint8_t *body, size_t len)
{
	if (c->state == CONN_HELLO)
		return client_hello(c, body, len);
	if (c->state == CONN_FINISH)
		return client_finish(c, body, len);
	return document(c, body, len);
}

/* As much as has come and may be read now. */
static void
read_frames(struct conn *c)
{
	const uint8_t *body;
	size_t len;
	int r = 1;

	if (c->state == CONN_INTRO && c->silent_until_ms == 0)
		r = intro(c);
	while (r > 0 && c->state != CONN_ENDING && c->silent_until_ms == 0) {
		r = frame_reader_next(&c->in, &body, &len);
		if (r > 0 && frame(c, body, len) != 0)
			r = -1;
	}
	if (r < 0)
		conn_end(c, false);
}

void
conn_receive(struct conn *c, const void *data, size_t len)
{
	if (c->state == CONN_ENDING)
		return;
	c->heard_ms = clock_monotonic_ms();
	frame_reader_push(&c->in, data, len);
	read_frames(c);
}

void
conn_resume(struct conn *c)
{
	c->silent_until_ms = 0;
	c->heard_ms = clock_monotonic_ms();
	lws_rx_flow_control(c->wsi, 1);
	read_frames(c);
}

void
conn_silence(struct conn *c, int64_t ms)
{
	if (c->state == CONN_ENDING)
		return;
	c->silent_until_ms = ms == 0 ? INT64_MAX : clock_monotonic_ms() + ms;
	lws_rx_flow_control(c->wsi, 0);
	conn_deadline(c, 0);
	conn_out_wake(c);
}

void
conn_tick(struct conn *c, int64_t now_ms)
{
	if (c->state == CONN_ONLINE && c->pinged_ms != 0 && c->silent_until_ms == 0 &&
	    now_ms - c->pinged_ms >= PONG_LIMIT_MS) {
		c->pinged_ms = 0;
		conn_violation(
		    c, "no_pong", "a ping was not answered in %d s", PONG_LIMIT_MS / 1000);
	}
	if (c->state != CONN_ONLINE || c->quiet_told || c->silent_until_ms != 0 ||
	    now_ms - c->heard_ms < QUIET_LIMIT_MS)
		return;
	c->quiet_told = true;
	conn_violation(c, "no_keepalive", "nothing heard for %d s", QUIET_LIMIT_MS / 1000);
}
