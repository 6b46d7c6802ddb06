/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From an open socket to sealed stanzas: the Noise handshake with the server's certificate checked,
 * and the client payload that says whether we log in or register. Sources: PROTOCOL sections 1
 * to 3.
 */
#include <openssl/crypto.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/wa/client_payload.h"
#include "waconnd/link/link_private.h"

#define PLATFORM_CHROME 1 /* DeviceProps.platformType; the QR's client type says the same */
#define PREFIX_MAX (4 + 3 + 64 + FRAME_INTRO_LEN)

static const uint8_t routing_prefix[4] = {0x45, 0x44, 0x00, 0x01};

/* What goes before the first frame: the routing the server gave us last time, and the intro. */
static size_t
write_prefix(struct link *l, uint8_t out[PREFIX_MAX])
{
	const struct credentials *c = &l->credentials;
	uint8_t *p = out;

	if (c->routing_len > 0) {
		memcpy(p, routing_prefix, sizeof(routing_prefix));
		p += sizeof(routing_prefix);
		*p++ = 0;
		*p++ = (uint8_t)(c->routing_len >> 8);
		*p++ = (uint8_t)c->routing_len;
		memcpy(p, c->routing, c->routing_len);
		p += c->routing_len;
		l->routing_used = true;
	}
	memcpy(p, frame_intro, FRAME_INTRO_LEN);
	return (size_t)(p - out) + FRAME_INTRO_LEN;
}

void
link_handshake_begin(struct link *l)
{
	struct buf hello = BUF_INIT(1024);
	uint8_t prefix[PREFIX_MAX];
	size_t prefix_len;

	l->noise = noise_new_initiator(&l->credentials.noise, NULL);
	if (l->noise == NULL || noise_client_hello(l->noise, &hello) < 0) {
		link_fail(l, LINK_END_PROTOCOL, "the handshake cannot begin");
	} else {
		prefix_len = write_prefix(l, prefix);
		link_ws_write(l, prefix, prefix_len, hello.data, hello.len);
	}
	buf_done(&hello);
}

static void
payload(struct link *l, struct buf *out)
{
	const struct credentials *c = &l->credentials;
	const struct client_registration r = {
	    .registration_id = c->registration_id,
	    .identity_pub = c->identity.pub,
	    .signed_prekey_id = c->signed_prekey_id,
	    .signed_prekey_pub = c->signed_prekey.pub,
	    .signed_prekey_sig = c->signed_prekey_sig,
	    .os = l->device_name,
	    .platform_type = PLATFORM_CHROME,
	};

	if (l->mode == LINK_LOGIN)
		client_payload_login(&c->own, true, l->net->client_version, out);
	else
		client_payload_registration(&r, l->net->client_version, out);
}

static void
fail_handshake(struct link *l, int error)
{
	const bool trust = error == NOISE_E_CERT || error == NOISE_E_CERT_DATE;

	link_fail(l, trust ? LINK_END_UNTRUSTED : LINK_END_PROTOCOL,
	    error == NOISE_E_CERT_DATE
		? "the server's certificate is not valid now: is this machine's clock right?"
		: noise_error_text(error));
}

void
link_handshake_frame(struct link *l, const uint8_t *body, size_t len)
{
	struct buf pay = BUF_INIT(8192), finish = BUF_INIT(16384);
	int error;

	payload(l, &pay);
	error = noise_client_finish(l->noise, body, len, l->net->noise_root, clock_wall_ms() / 1000,
	    pay.data, pay.len, &finish);
	if (error < 0) {
		fail_handshake(l, error);
	} else {
		link_ws_write(l, NULL, 0, finish.data, finish.len);
		(void)link_step(
		    l, l->mode == LINK_LOGIN ? LINK_EV_LOGGING_IN : LINK_EV_REGISTERING);
		if (link_alive_phase(l))
			link_alive_begin(l);
	}
	buf_done(&pay);
	buf_done(&finish);
}

/* What says nothing of the link by its own silence: acks, answers and the like get no reply. */
static bool
is_answered(const struct node *n)
{
	return node_is(n, "message") || (node_is(n, "iq") && (node_get_is(n, "type", "get") ||
								 node_get_is(n, "type", "set")));
}

void
link_write(struct link *l, struct node *take_node)
{
	struct buf *plain = &l->net->scratch[0], *sealed = &l->net->scratch[1];

	if (link_alive_phase(l) && l->ws.up && noise_ready(l->noise)) {
		buf_reset(plain);
		buf_reset(sealed);
		node_encode(take_node, plain);
		link_said_note(&l->said, take_node);
		if (!buf_ok(plain) || noise_seal(l->noise, plain->data, plain->len, sealed) < 0)
			link_fail(l, LINK_END_PROTOCOL, "a stanza cannot be sealed");
		else
			link_ws_write(l, NULL, 0, sealed->data, sealed->len);
		if (is_answered(take_node))
			link_alive_sent(l);
	}
	node_free(&take_node);
}
