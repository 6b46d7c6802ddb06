/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Both ends of the handshake against a stranger: the first byte chooses ClientHello, ClientFinish
 * after an honest hello, or ServerHello. Nothing that is not sealed with the right keys may make a
 * connection ready.
 */
#include "common/wa/noise.h"
#include "tests/fuzz/fuzz.h"

#define OUT_MAX (1u << 20)
#define NOW 1763942400

static const struct curve_pair *
fixed_pair(void)
{
	static const uint8_t priv[CURVE_KEY_LEN] = {1, 2, 3};
	static struct curve_pair pair;

	if (pair.priv[31] == 0)
		must(curve_from_private(priv, &pair) == 0);
	return &pair;
}

static void
as_server(const uint8_t *data, size_t size, int after_hello)
{
	struct noise *n = noise_new_responder(fixed_pair(), fixed_pair());
	struct buf hello = BUF_INIT(OUT_MAX), out = BUF_INIT(OUT_MAX);
	struct noise *client = noise_new_initiator(fixed_pair(), fixed_pair());
	uint8_t key[CURVE_KEY_LEN];

	if (after_hello) {
		must(noise_client_hello(client, &hello) == NOISE_OK);
		must(noise_server_hello(n, hello.data, hello.len, "cert", 4, &out) == NOISE_OK);
		must(noise_server_finish(n, data, size, key, &out) != NOISE_OK || size > 0);
	} else if (noise_server_hello(n, data, size, "cert", 4, &out) != NOISE_OK) {
		must(out.len == 0);
	}
	noise_free(&client);
	noise_free(&n);
	buf_done(&hello);
	buf_done(&out);
}

static void
as_client(const uint8_t *data, size_t size)
{
	struct noise *n = noise_new_initiator(fixed_pair(), fixed_pair());
	struct buf out = BUF_INIT(OUT_MAX);

	must(noise_client_hello(n, &out) == NOISE_OK);
	must(
	    noise_client_finish(n, data, size, noise_root_whatsapp, NOW, "x", 1, &out) != NOISE_OK);
	must(!noise_ready(n));
	noise_free(&n);
	buf_done(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 1)
		return 0;
	if (data[0] % 3 == 2)
		as_client(data + 1, size - 1);
	else
		as_server(data + 1, size - 1, data[0] % 3);
	return 0;
}
