/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The handshake and the transport ciphers of a connection, both roles. Certificates are made and
 * checked in noise_cert.c. It never touches a socket, and after any error the object is good for
 * nothing but noise_free.
 */
#include "common/wa/noise.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/wa/frame.h"
#include "common/wa/kdf.h"
#include "common/wa/noise_cert.h"
#include "common/xalloc.h"
#include "wa.pb-c.h"

#define HASH_LEN 32
#define KEY_LEN 32
#define SEALED_KEY_LEN (CURVE_KEY_LEN + GCM_TAG_LEN)

/* Exactly as long as a hash, so it is the first hash, salt and key unhashed. */
static const uint8_t protocol_name[HASH_LEN] = "Noise_XX_25519_AESGCM_SHA256\0\0\0";

enum noise_state { ST_START, ST_HELLO_SENT, ST_HELLO_ANSWERED, ST_READY, ST_BROKEN };

struct direction {
	uint8_t key[KEY_LEN];
	uint64_t counter;
};

struct noise {
	enum noise_state state;
	struct curve_pair fixed; /* the static pair */
	struct curve_pair ephemeral;
	uint8_t hash[HASH_LEN];
	uint8_t salt[HASH_LEN];
	struct direction shake; /* one counter for both directions until the split */
	struct direction out;
	struct direction in;
};

static const char *const error_texts[] = {
    [-NOISE_OK] = "no error",
    [-NOISE_E_PROTOBUF] = "not a handshake message",
    [-NOISE_E_DECRYPT] = "decryption failed",
    [-NOISE_E_KEY] = "unusable key",
    [-NOISE_E_CERT] = "bad certificate chain",
    [-NOISE_E_CERT_DATE] = "certificate outside its validity",
    [-NOISE_E_STATE] = "called out of order",
};

const char *
noise_error_text(enum noise_error error)
{
	const int i = -(int)error;

	return i >= 0 && i < (int)(sizeof(error_texts) / sizeof(error_texts[0])) ? error_texts[i]
										 : "unknown";
}

/* -- symmetric state ------------------------------------------------------------ */

static void
mix_hash(struct noise *n, const void *data, size_t len)
{
	sha256_two(n->hash, sizeof(n->hash), data, len, n->hash);
}

static void
mix_key(struct noise *n, const uint8_t ikm[CURVE_KEY_LEN])
{
	uint8_t okm[2 * KEY_LEN];

	hkdf_sha256(ikm, CURVE_KEY_LEN, n->salt, sizeof(n->salt), NULL, 0, okm, sizeof(okm));
	memcpy(n->salt, okm, HASH_LEN);
	memcpy(n->shake.key, okm + HASH_LEN, KEY_LEN);
	n->shake.counter = 0;
	OPENSSL_cleanse(okm, sizeof(okm));
}

static int
mix_agreement(struct noise *n, const struct curve_pair *own, const uint8_t peer[CURVE_KEY_LEN])
{
	uint8_t shared[CURVE_KEY_LEN];

	if (curve_agree(own->priv, peer, shared) != 0)
		return NOISE_E_KEY;
	mix_key(n, shared);
	OPENSSL_cleanse(shared, sizeof(shared));
	return NOISE_OK;
}

/* The nonce, counted on; -1 when the 32 bits are used up. */
static int
next_iv(struct direction *d, uint8_t iv[GCM_IV_LEN])
{
	if (d->counter > UINT32_MAX)
		return -1;
	memset(iv, 0, GCM_IV_LEN);
	for (unsigned i = 0; i < 4; i++)
		iv[GCM_IV_LEN - 1 - i] = (uint8_t)(d->counter >> (8 * i));
	d->counter++;
	return 0;
}

/* ret: len + 16 bytes. */
static void
shake_seal(struct noise *n, const void *plain, size_t len, uint8_t *ret)
{
	uint8_t iv[GCM_IV_LEN];

	(void)next_iv(&n->shake, iv); /* a handful per handshake: never used up */
	gcm_seal(n->shake.key, iv, n->hash, sizeof(n->hash), plain, len, ret);
	mix_hash(n, ret, len + GCM_TAG_LEN);
}

/* ret: len - 16 bytes. */
static int
shake_open(struct noise *n, const ProtobufCBinaryData *sealed, uint8_t *ret)
{
	uint8_t iv[GCM_IV_LEN];

	(void)next_iv(&n->shake, iv);
	if (gcm_open(n->shake.key, iv, n->hash, sizeof(n->hash), sealed->data, sealed->len, ret) !=
	    0)
		return NOISE_E_DECRYPT;
	mix_hash(n, sealed->data, sealed->len);
	return NOISE_OK;
}

static void
split(struct noise *n, struct direction *first, struct direction *second)
{
	uint8_t okm[2 * KEY_LEN];

	hkdf_sha256(NULL, 0, n->salt, sizeof(n->salt), NULL, 0, okm, sizeof(okm));
	memcpy(first->key, okm, KEY_LEN);
	memcpy(second->key, okm + KEY_LEN, KEY_LEN);
	first->counter = second->counter = 0;
	OPENSSL_cleanse(okm, sizeof(okm));
	OPENSSL_cleanse(&n->fixed.priv, sizeof(n->fixed.priv));
	OPENSSL_cleanse(&n->ephemeral.priv, sizeof(n->ephemeral.priv));
	OPENSSL_cleanse(&n->shake, sizeof(n->shake));
	OPENSSL_cleanse(n->salt, sizeof(n->salt));
	n->state = ST_READY;
}

/* -- life ----------------------------------------------------------------------- */

static struct noise *
noise_new(const struct curve_pair *static_pair, const struct curve_pair *ephemeral)
{
	struct noise *n = xcalloc(1, sizeof(*n));

	n->fixed = *static_pair;
	if (ephemeral != NULL)
		n->ephemeral = *ephemeral;
	else
		curve_generate(&n->ephemeral);
	memcpy(n->hash, protocol_name, HASH_LEN);
	memcpy(n->salt, protocol_name, HASH_LEN);
	memcpy(n->shake.key, protocol_name, KEY_LEN);
	mix_hash(n, frame_intro, FRAME_INTRO_LEN);
	return n;
}

struct noise *
noise_new_initiator(const struct curve_pair *static_pair, const struct curve_pair *ephemeral)
{
	return noise_new(static_pair, ephemeral);
}

struct noise *
noise_new_responder(const struct curve_pair *static_pair, const struct curve_pair *ephemeral)
{
	return noise_new(static_pair, ephemeral);
}

void
noise_free(struct noise **n)
{
	if (*n == NULL)
		return;
	OPENSSL_cleanse(*n, sizeof(**n));
	free(*n);
	*n = NULL;
}

bool
noise_ready(const struct noise *n)
{
	return n->state == ST_READY;
}

/* Every step starts by leaving its state, so that a step that failed cannot be tried again. */
static int
enter(struct noise *n, enum noise_state expected)
{
	const bool fits = n->state == expected;

	n->state = ST_BROKEN;
	return fits ? NOISE_OK : NOISE_E_STATE;
}

/* -- messages ------------------------------------------------------------------- */

static void
add_message(struct buf *out, const Wa__HandshakeMessage *m)
{
	const size_t len = wa__handshake_message__get_packed_size(m);
	uint8_t *bytes = xmalloc(len);

	(void)wa__handshake_message__pack(m, bytes);
	buf_add(out, bytes, len);
	free(bytes);
}

static ProtobufCBinaryData
bytes_of(uint8_t *data, size_t len)
{
	return (ProtobufCBinaryData){.data = data, .len = len};
}

int
noise_client_hello(struct noise *n, struct buf *out)
{
	Wa__HandshakeMessage m = WA__HANDSHAKE_MESSAGE__INIT;
	Wa__ClientHello hello = WA__CLIENT_HELLO__INIT;

	if (enter(n, ST_START) != NOISE_OK)
		return NOISE_E_STATE;
	mix_hash(n, n->ephemeral.pub, CURVE_KEY_LEN);
	hello.has_ephemeral = 1;
	hello.ephemeral = bytes_of(n->ephemeral.pub, CURVE_KEY_LEN);
	m.client_hello = &hello;
	add_message(out, &m);
	n->state = ST_HELLO_SENT;
	return NOISE_OK;
}

/* The server's half: its keys and its certificate. */
static int
read_server_hello(
    struct noise *n, const Wa__ServerHello *hello, const uint8_t root[CURVE_KEY_LEN], int64_t now)
{
	uint8_t server_static[CURVE_KEY_LEN];
	uint8_t *cert;
	int r;

	if (hello == NULL || !hello->has_ephemeral || !hello->has_static_key || !hello->has_payload)
		return NOISE_E_PROTOBUF;
	if (hello->ephemeral.len != CURVE_KEY_LEN || hello->static_key.len != SEALED_KEY_LEN)
		return NOISE_E_KEY;
	if (hello->payload.len < GCM_TAG_LEN)
		return NOISE_E_DECRYPT;
	mix_hash(n, hello->ephemeral.data, CURVE_KEY_LEN);
	if ((r = mix_agreement(n, &n->ephemeral, hello->ephemeral.data)) != NOISE_OK ||
	    (r = shake_open(n, &hello->static_key, server_static)) != NOISE_OK ||
	    (r = mix_agreement(n, &n->ephemeral, server_static)) != NOISE_OK)
		return r;
	cert = xmalloc(hello->payload.len);
	r = shake_open(n, &hello->payload, cert);
	if (r == NOISE_OK)
		r = noise_cert_check(
		    cert, hello->payload.len - GCM_TAG_LEN, root, server_static, now);
	free(cert);
	return r;
}

static int
write_client_finish(struct noise *n, const uint8_t server_ephemeral[CURVE_KEY_LEN],
    const void *payload, size_t payload_len, struct buf *out)
{
	Wa__HandshakeMessage m = WA__HANDSHAKE_MESSAGE__INIT;
	Wa__ClientFinish finish = WA__CLIENT_FINISH__INIT;
	uint8_t sealed_static[SEALED_KEY_LEN];
	uint8_t *sealed_payload;
	int r;

	shake_seal(n, n->fixed.pub, CURVE_KEY_LEN, sealed_static);
	r = mix_agreement(n, &n->fixed, server_ephemeral);
	if (r != NOISE_OK)
		return r;
	sealed_payload = xmalloc(payload_len + GCM_TAG_LEN);
	shake_seal(n, payload, payload_len, sealed_payload);
	finish.has_static_key = finish.has_payload = 1;
	finish.static_key = bytes_of(sealed_static, sizeof(sealed_static));
	finish.payload = bytes_of(sealed_payload, payload_len + GCM_TAG_LEN);
	m.client_finish = &finish;
	add_message(out, &m);
	free(sealed_payload);
	return NOISE_OK;
}

int
noise_client_finish(struct noise *n, const void *server_hello, size_t len,
    const uint8_t root[CURVE_KEY_LEN], int64_t now, const void *payload, size_t payload_len,
    struct buf *out)
{
	Wa__HandshakeMessage *m;
	int r;

	if (enter(n, ST_HELLO_SENT) != NOISE_OK)
		return NOISE_E_STATE;
	m = wa__handshake_message__unpack(NULL, len, server_hello);
	if (m == NULL)
		return NOISE_E_PROTOBUF;
	r = read_server_hello(n, m->server_hello, root, now);
	if (r == NOISE_OK)
		r = write_client_finish(
		    n, m->server_hello->ephemeral.data, payload, payload_len, out);
	wa__handshake_message__free_unpacked(m, NULL);
	if (r == NOISE_OK)
		split(n, &n->out, &n->in);
	return r;
}

static void
write_server_hello(struct noise *n, const void *cert_chain, size_t cert_len,
    const uint8_t sealed_static[SEALED_KEY_LEN], struct buf *out)
{
	Wa__HandshakeMessage m = WA__HANDSHAKE_MESSAGE__INIT;
	Wa__ServerHello hello = WA__SERVER_HELLO__INIT;
	uint8_t static_bytes[SEALED_KEY_LEN];
	uint8_t *sealed_cert = xmalloc(cert_len + GCM_TAG_LEN);

	memcpy(static_bytes, sealed_static, sizeof(static_bytes));
	shake_seal(n, cert_chain, cert_len, sealed_cert);
	hello.has_ephemeral = hello.has_static_key = hello.has_payload = 1;
	hello.ephemeral = bytes_of(n->ephemeral.pub, CURVE_KEY_LEN);
	hello.static_key = bytes_of(static_bytes, sizeof(static_bytes));
	hello.payload = bytes_of(sealed_cert, cert_len + GCM_TAG_LEN);
	m.server_hello = &hello;
	add_message(out, &m);
	free(sealed_cert);
}

static int
answer_client_hello(struct noise *n, const Wa__ClientHello *hello, const void *cert_chain,
    size_t cert_len, struct buf *out)
{
	uint8_t sealed_static[SEALED_KEY_LEN];
	int r;

	if (hello == NULL || !hello->has_ephemeral)
		return NOISE_E_PROTOBUF;
	if (hello->ephemeral.len != CURVE_KEY_LEN)
		return NOISE_E_KEY;
	mix_hash(n, hello->ephemeral.data, CURVE_KEY_LEN);
	mix_hash(n, n->ephemeral.pub, CURVE_KEY_LEN);
	if ((r = mix_agreement(n, &n->ephemeral, hello->ephemeral.data)) != NOISE_OK)
		return r;
	shake_seal(n, n->fixed.pub, CURVE_KEY_LEN, sealed_static);
	if ((r = mix_agreement(n, &n->fixed, hello->ephemeral.data)) != NOISE_OK)
		return r;
	write_server_hello(n, cert_chain, cert_len, sealed_static, out);
	return NOISE_OK;
}

int
noise_server_hello(struct noise *n, const void *client_hello, size_t len, const void *cert_chain,
    size_t cert_len, struct buf *out)
{
	Wa__HandshakeMessage *m;
	int r;

	if (enter(n, ST_START) != NOISE_OK)
		return NOISE_E_STATE;
	m = wa__handshake_message__unpack(NULL, len, client_hello);
	if (m == NULL)
		return NOISE_E_PROTOBUF;
	r = answer_client_hello(n, m->client_hello, cert_chain, cert_len, out);
	wa__handshake_message__free_unpacked(m, NULL);
	if (r == NOISE_OK)
		n->state = ST_HELLO_ANSWERED;
	return r;
}

static int
read_client_finish(struct noise *n, const Wa__ClientFinish *finish,
    uint8_t client_static[CURVE_KEY_LEN], struct buf *ret_payload)
{
	uint8_t *plain;
	int r;

	if (finish == NULL || !finish->has_static_key || !finish->has_payload)
		return NOISE_E_PROTOBUF;
	if (finish->static_key.len != SEALED_KEY_LEN)
		return NOISE_E_KEY;
	if (finish->payload.len < GCM_TAG_LEN)
		return NOISE_E_DECRYPT;
	if ((r = shake_open(n, &finish->static_key, client_static)) != NOISE_OK ||
	    (r = mix_agreement(n, &n->ephemeral, client_static)) != NOISE_OK)
		return r;
	plain = xmalloc(finish->payload.len);
	r = shake_open(n, &finish->payload, plain);
	if (r == NOISE_OK)
		buf_add(ret_payload, plain, finish->payload.len - GCM_TAG_LEN);
	OPENSSL_cleanse(plain, finish->payload.len);
	free(plain);
	return r;
}

int
noise_server_finish(struct noise *n, const void *client_finish, size_t len,
    uint8_t ret_client_static[CURVE_KEY_LEN], struct buf *ret_payload)
{
	uint8_t client_static[CURVE_KEY_LEN];
	Wa__HandshakeMessage *m;
	int r;

	if (enter(n, ST_HELLO_ANSWERED) != NOISE_OK)
		return NOISE_E_STATE;
	m = wa__handshake_message__unpack(NULL, len, client_finish);
	if (m == NULL)
		return NOISE_E_PROTOBUF;
	r = read_client_finish(n, m->client_finish, client_static, ret_payload);
	wa__handshake_message__free_unpacked(m, NULL);
	if (r != NOISE_OK)
		return r;
	memcpy(ret_client_static, client_static, CURVE_KEY_LEN);
	split(n, &n->in, &n->out);
	return NOISE_OK;
}

/* -- transport ------------------------------------------------------------------ */

int
noise_seal(struct noise *n, const void *plain, size_t len, struct buf *out)
{
	uint8_t iv[GCM_IV_LEN];
	uint8_t *sealed;

	if (n->state != ST_READY || next_iv(&n->out, iv) != 0)
		return NOISE_E_STATE;
	sealed = xmalloc(len + GCM_TAG_LEN);
	gcm_seal(n->out.key, iv, NULL, 0, plain, len, sealed);
	buf_add(out, sealed, len + GCM_TAG_LEN);
	free(sealed);
	return NOISE_OK;
}

int
noise_open(struct noise *n, const void *sealed, size_t len, struct buf *out)
{
	uint8_t iv[GCM_IV_LEN];
	uint8_t *plain;
	int r = NOISE_OK;

	if (n->state != ST_READY || next_iv(&n->in, iv) != 0)
		return NOISE_E_STATE;
	plain = xmalloc(len > 0 ? len : 1);
	if (gcm_open(n->in.key, iv, NULL, 0, sealed, len, plain) != 0) {
		n->state = ST_BROKEN;
		r = NOISE_E_DECRYPT;
	} else {
		buf_add(out, plain, len - GCM_TAG_LEN);
		OPENSSL_cleanse(plain, len);
	}
	free(plain);
	return r;
}
