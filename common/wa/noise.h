/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * noise: Noise_XX_25519_AESGCM_SHA256 as WhatsApp speaks it, both roles. Source: PROTOCOL
 * section 2.
 *
 * Messages here are the protobuf HandshakeMessage bytes, without frame headers. After the
 * handshake, noise_seal and noise_open carry the transport frames. Any error is fatal for the
 * connection.
 */
#ifndef COMMON_WA_NOISE_H
#define COMMON_WA_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/wa/curve.h"

enum noise_error {
	NOISE_OK = 0,
	NOISE_E_PROTOBUF = -1, /* not a HandshakeMessage, or a part is missing */
	NOISE_E_DECRYPT = -2,
	NOISE_E_KEY = -3,	/* a key of the wrong length or refused by X25519 */
	NOISE_E_CERT = -4,	/* certificate chain: shape, signature, serial or key mismatch */
	NOISE_E_CERT_DATE = -5, /* outside its validity: often our clock */
	NOISE_E_STATE = -6	/* called out of order, or counter exhausted */
};
const char *noise_error_text(enum noise_error error);

extern const uint8_t noise_root_whatsapp[CURVE_KEY_LEN];

struct noise;

/* `ephemeral` NULL: made here (given only by tests). Free with noise_free (wipes). */
struct noise *noise_new_initiator(
    const struct curve_pair *static_pair, const struct curve_pair *ephemeral);
struct noise *noise_new_responder(
    const struct curve_pair *static_pair, const struct curve_pair *ephemeral);
void noise_free(struct noise **n);

/* Initiator: ClientHello; then ServerHello in, certificate checked against root at now (unix s),
 * ClientFinish out. */
int noise_client_hello(struct noise *n, struct buf *out) __attribute__((warn_unused_result));
int noise_client_finish(struct noise *n, const void *server_hello, size_t len,
    const uint8_t root[CURVE_KEY_LEN], int64_t now, const void *payload, size_t payload_len,
    struct buf *out) __attribute__((warn_unused_result));

/* Responder: ClientHello in, ServerHello (with the certificate chain) out; then ClientFinish in. */
int noise_server_hello(struct noise *n, const void *client_hello, size_t len,
    const void *cert_chain, size_t cert_len, struct buf *out) __attribute__((warn_unused_result));
int noise_server_finish(struct noise *n, const void *client_finish, size_t len,
    uint8_t ret_client_static[CURVE_KEY_LEN], struct buf *ret_payload)
    __attribute__((warn_unused_result));
/* A chain for a test root: intermediate and leaf for server_static, valid from..until (unix s). */
int noise_cert_make(const struct curve_pair *root, const struct curve_pair *intermediate,
    const uint8_t server_static[CURVE_KEY_LEN], int64_t from, int64_t until, struct buf *out)
    __attribute__((warn_unused_result));

bool noise_ready(const struct noise *n); /* transport keys are set */
int noise_seal(struct noise *n, const void *plain, size_t len, struct buf *out)
    __attribute__((warn_unused_result));
int noise_open(struct noise *n, const void *sealed, size_t len, struct buf *out)
    __attribute__((warn_unused_result));

#endif
