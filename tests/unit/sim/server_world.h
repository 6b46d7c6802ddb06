/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * server_world: the real server side without sockets. A test client speaks Noise and stanzas with a
 * struct conn directly; what libwebsockets would do for it is played here.
 */
#ifndef TESTS_UNIT_SIM_SERVER_WORLD_H
#define TESTS_UNIT_SIM_SERVER_WORLD_H

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/wa/adv.h"
#include "common/xalloc.h"
#include "tests/sim/record.h"
#include "tests/sim/server.h"
#include "tests/unit/cmocka_all.h"

#define CLIENT_NODES_MAX 256
#define CLIENT_FRAME_MAX (1u << 20)

/* libwebsockets, as far as a connection asks it for anything. */
int
lws_callback_on_writable(struct lws *wsi)
{
	(void)wsi;
	return 0;
}

int
lws_rx_flow_control(struct lws *wsi, int enable)
{
	(void)wsi;
	return enable;
}

void
lws_set_timeout(struct lws *wsi, enum pending_timeout reason, int secs)
{
	(void)wsi;
	(void)reason;
	(void)secs;
}

void
lws_close_reason(struct lws *wsi, enum lws_close_status status, unsigned char *buf, size_t len)
{
	(void)wsi;
	(void)status;
	(void)buf;
	(void)len;
}

struct server_world {
	struct event_base *base;
	struct sim *sim;
};

/* A companion: its keys, and what came to it on the connection that it has now. */
struct client {
	struct server_world *w;
	struct conn *conn;
	struct noise *noise;
	struct frame_reader in;
	struct curve_pair noise_pair, identity, skey;
	uint8_t skey_sig[CURVE_SIGNATURE_LEN];
	uint8_t secret[ADV_SECRET_LEN];
	struct adv_result adv;
	bool has_adv;
	struct jid jid, lid;
	struct node *got[CLIENT_NODES_MAX]; /* in order; since the last client_forget */
	unsigned got_count;
	unsigned next_iq;
};

static inline void
world_begin(struct server_world *w)
{
	w->base = event_base_new();
	assert_non_null(w->base);
	assert_int_equal(sim_new(w->base, 42, &w->sim), 0);
}

static inline void
world_end(struct server_world *w)
{
	sim_free(&w->sim);
	event_base_free(w->base);
}

/* What is due now: deliveries to phones, and what follows from them. */
static inline void
world_turn(struct server_world *w)
{
	for (int i = 0; i < 8; i++)
		(void)event_base_loop(w->base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
}

/* The rules broken, joined by blanks. */
static inline void
assert_violations(struct server_world *w, const char *expected)
{
	json_t *all = record_violations(sim_record(w->sim), NULL);
	json_t *list = json_object_get(all, "violations");
	struct buf text = BUF_INIT(4096);
	json_t *v;
	size_t i;

	json_array_foreach(list, i, v)
	{
		buf_addf(
		    &text, "%s%s", i > 0 ? " " : "", json_string_value(json_object_get(v, "rule")));
	}
	assert_string_equal(buf_str(&text), expected);
	buf_done(&text);
	json_decref(all);
}

/* -- the client's end of the wire ----------------------------------------------------- */

static inline void
client_init(struct client *c, struct server_world *w)
{
	*c = (struct client){.w = w};
	curve_generate(&c->noise_pair);
	curve_generate(&c->identity);
	curve_generate(&c->skey);
	assert_int_equal(curve_sign_prekey(c->identity.priv, c->skey.pub, c->skey_sig), 0);
	memset(c->secret, 0x5a, sizeof(c->secret));
}

static inline void
client_forget(struct client *c)
{
	for (unsigned i = 0; i < c->got_count; i++)
		node_free(&c->got[i]);
	c->got_count = 0;
}

static inline void
client_take_frame(struct client *c, const uint8_t *body, size_t len)
{
	struct buf plain = BUF_INIT(CLIENT_FRAME_MAX);
	struct node *n;

	assert_int_equal(noise_open(c->noise, body, len, &plain), NOISE_OK);
	assert_int_equal(node_decode(plain.data, plain.len, &n), NODE_OK);
	assert_true(c->got_count < CLIENT_NODES_MAX);
	c->got[c->got_count++] = n;
	buf_done(&plain);
}

/* Reads what the server has written; frees the connection when the server has closed it. */
static inline void
client_read(struct client *c)
{
	struct chunk *k;
	const uint8_t *body;
	size_t len;

	world_turn(c->w);
	while (c->conn != NULL && (k = conn_take(c->conn)) != NULL) {
		frame_reader_push(&c->in, k->data + LWS_PRE, k->len);
		free(k);
	}
	world_turn(c->w);
	while (noise_ready(c->noise) && frame_reader_next(&c->in, &body, &len) == 1)
		client_take_frame(c, body, len);
	if (c->conn != NULL && conn_may_close(c->conn))
		conn_free(&c->conn);
}

static inline void
client_write_frame(struct client *c, const struct buf *body, const void *before, size_t before_len)
{
	struct buf out = BUF_INIT(CLIENT_FRAME_MAX);

	buf_add(&out, before, before_len);
	frame_write(&out, body->data, body->len);
	conn_receive(c->conn, out.data, out.len);
	buf_done(&out);
}

static inline void
client_send(struct client *c, struct node *take)
{
	struct buf plain = BUF_INIT(CLIENT_FRAME_MAX), sealed = BUF_INIT(CLIENT_FRAME_MAX);

	node_encode(take, &plain);
	assert_int_equal(noise_seal(c->noise, plain.data, plain.len, &sealed), NOISE_OK);
	client_write_frame(c, &sealed, NULL, 0);
	buf_done(&plain);
	buf_done(&sealed);
	node_free(&take);
	client_read(c);
}

static inline void
client_hang_up(struct client *c)
{
	if (c->conn != NULL)
		conn_free(&c->conn);
	noise_free(&c->noise);
	frame_reader_done(&c->in);
	client_forget(c);
}

static inline void
client_done(struct client *c)
{
	client_hang_up(c);
	if (c->has_adv)
		adv_result_done(&c->adv);
}

/* Handshake with this ClientPayload. */
static inline void
client_connect(struct client *c, const struct buf *payload)
{
	struct buf out = BUF_INIT(CLIENT_FRAME_MAX);
	const uint8_t *hello;
	struct chunk *k;
	size_t len;

	client_hang_up(c);
	frame_reader_init(&c->in, CLIENT_FRAME_MAX);
	c->noise = noise_new_initiator(&c->noise_pair, NULL);
	c->conn = conn_new(c->w->sim, NULL, true);
	fault_connected(c->conn);
	assert_int_equal(noise_client_hello(c->noise, &out), NOISE_OK);
	client_write_frame(c, &out, frame_intro, FRAME_INTRO_LEN);
	world_turn(c->w);
	while ((k = conn_take(c->conn)) != NULL) {
		frame_reader_push(&c->in, k->data + LWS_PRE, k->len);
		free(k);
	}
	assert_int_equal(frame_reader_next(&c->in, &hello, &len), 1);
	buf_reset(&out);
	assert_int_equal(noise_client_finish(c->noise, hello, len, sim_noise_root(c->w->sim),
			     time(NULL), payload->data, payload->len, &out),
	    NOISE_OK);
	client_write_frame(c, &out, NULL, 0);
	buf_done(&out);
	client_read(c);
}

/* -- what came ------------------------------------------------------------------------ */

/* The last stanza with this tag; NULL: none. */
static inline const struct node *
client_got(const struct client *c, const char *tag)
{
	for (unsigned i = c->got_count; i-- > 0;)
		if (node_is(c->got[i], tag))
			return c->got[i];
	return NULL;
}

/* The answer to a query; NULL: none. */
static inline const struct node *
client_ask(struct client *c, struct node *take_iq)
{
	const struct jid server = jid_server_self();
	char id[16];

	(void)snprintf(id, sizeof(id), "q%u", ++c->next_iq);
	node_set(take_iq, "id", id);
	node_set_jid(take_iq, "to", &server);
	client_send(c, take_iq);
	for (unsigned i = c->got_count; i-- > 0;)
		if (node_is(c->got[i], "iq") && node_get_is(c->got[i], "id", id))
			return c->got[i];
	return NULL;
}

/* -- pairing and login ---------------------------------------------------------------- */

static inline void
client_register(struct client *c)
{
	const struct client_registration r = {
	    .registration_id = 1234,
	    .identity_pub = c->identity.pub,
	    .signed_prekey_id = 1,
	    .signed_prekey_pub = c->skey.pub,
	    .signed_prekey_sig = c->skey_sig,
	    .os = "test",
	    .platform_type = 1,
	};
	struct buf payload = BUF_INIT(65536);

	client_payload_registration(&r, CLIENT_VERSION_BUILTIN, &payload);
	client_connect(c, &payload);
	buf_done(&payload);
}

/* 0, -1, -2 as sim_scan, of the ref of this number. */
static inline int
client_scan(
    struct client *c, const char *phone, unsigned ref, const char *fault, const char **ret_error)
{
	const struct node *pair = node_find(client_got(c, "iq"), "pair-device");
	const struct node *n = node_first(pair);
	struct buf qr = BUF_INIT(1024);
	char text[REF_MAX];
	const uint8_t *data;
	size_t len;
	int r;

	while (ref-- > 0)
		n = node_next(n);
	data = node_data(n, &len);
	assert_non_null(data);
	(void)snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)data);
	adv_qr_text(text, c->noise_pair.pub, c->identity.pub, c->secret, '1', &qr);
	r = sim_scan(
	    c->w->sim, buf_str(&qr), phone, "Toko", "android", fault, &c->jid, &c->lid, ret_error);
	buf_done(&qr);
	client_read(c);
	return r;
}

/* Answers the pair-success that came: signed, or with an error. */
static inline int
client_sign(struct client *c)
{
	const struct node *iq = client_got(c, "iq");
	const struct node *identity = node_find(node_find(iq, "pair-success"), "device-identity");
	struct node *reply;
	struct node *n;
	size_t len;
	const uint8_t *data = node_data(identity, &len);
	int r;

	assert_non_null(data);
	r = adv_accept(data, len, c->secret, &c->identity, &c->adv);
	reply = node_new(
	    "iq", "type", r == ADV_OK ? "result" : "error", "id", node_get(iq, "id"), NULL);
	if (r == ADV_OK) {
		c->has_adv = true;
		n = node_child(
		    node_child(reply, "pair-device-sign", NULL), "device-identity", NULL);
		node_set_int(n, "key-index", c->adv.key_index);
		node_bytes(n, c->adv.reply.data, c->adv.reply.len);
	}
	client_send(c, reply);
	return r;
}

static inline void
client_login(struct client *c)
{
	struct buf payload = BUF_INIT(65536);

	client_payload_login(&c->jid, true, CLIENT_VERSION_BUILTIN, &payload);
	client_connect(c, &payload);
	buf_done(&payload);
}

static inline void
client_active(struct client *c)
{
	struct node *iq = node_new("iq", "type", "set", "xmlns", "passive", NULL);

	(void)node_child(iq, "active", NULL);
	assert_true(node_get_is(client_ask(c, iq), "type", "result"));
}

/* Paired with this phone, logged in and active. */
static inline void
client_link(struct client *c, struct server_world *w, const char *phone)
{
	const char *error;

	client_init(c, w);
	client_register(c);
	assert_int_equal(client_scan(c, phone, 0, NULL, &error), 0);
	assert_int_equal(client_sign(c), ADV_OK);
	client_login(c);
	assert_non_null(client_got(c, "success"));
	client_active(c);
	client_forget(c);
}

/* `count` pre-keys from `first`; their keys follow from their numbers and `salt`. */
static inline const struct node *
client_upload(struct client *c, uint32_t first, unsigned count, uint8_t salt)
{
	struct node *iq = node_new("iq", "type", "set", "xmlns", "encrypt", NULL);
	const uint8_t registration[4] = {0, 0, 4, 210}, type = 5, skey_id[3] = {0, 0, 1};
	struct node *list, *n;

	node_bytes(node_child(iq, "registration", NULL), registration, 4);
	node_bytes(node_child(iq, "type", NULL), &type, 1);
	node_bytes(node_child(iq, "identity", NULL), c->identity.pub, CURVE_KEY_LEN);
	list = node_child(iq, "list", NULL);
	for (uint32_t id = first; id < first + count; id++) {
		const uint8_t bytes[3] = {(uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};
		uint8_t pub[CURVE_KEY_LEN] = {(uint8_t)id, (uint8_t)(id >> 8), salt};

		n = node_child(list, "key", NULL);
		node_bytes(node_child(n, "id", NULL), bytes, 3);
		node_bytes(node_child(n, "value", NULL), pub, sizeof(pub));
	}
	n = node_child(iq, "skey", NULL);
	node_bytes(node_child(n, "id", NULL), skey_id, 3);
	node_bytes(node_child(n, "value", NULL), c->skey.pub, CURVE_KEY_LEN);
	node_bytes(node_child(n, "signature", NULL), c->skey_sig, CURVE_SIGNATURE_LEN);
	return client_ask(c, iq);
}

static inline const struct node *
usync(
    struct client *c, const char *protocol, const char *mode, const char *jid, const char *contact)
{
	struct node *iq = node_new("iq", "type", "get", "xmlns", "usync", NULL);
	struct node *u = node_child(iq, "usync", "sid", "1", "mode", "query", NULL);
	struct node *user;
	struct jid parsed;

	(void)node_child(node_child(u, "query", NULL), protocol, "addressing_mode", mode, NULL);
	user = node_child(node_child(u, "list", NULL), "user", NULL);
	if (jid != NULL) {
		assert_int_equal(jid_parse(jid, &parsed), 0);
		node_set_jid(user, "jid", &parsed);
	}
	if (contact != NULL)
		node_text(node_child(user, "contact", NULL), contact);
	return node_first(node_find(node_find(client_ask(c, iq), "usync"), "list"));
}

#endif
