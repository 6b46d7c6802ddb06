/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random bytes and numbers from OpenSSL's generator. */
#include "common/rng.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ID_LEN 20

void
rng_bytes(void *out, size_t len)
{
	if (len > INT_MAX || RAND_bytes(out, (int)len) != 1) {
		fprintf(stderr, "no random bytes to be had\n");
		abort();
	}
}

uint32_t
rng_below(uint32_t bound)
{
	/* Values under 2^32 mod bound would favour the small results. */
	const uint32_t skip = (0u - bound) % bound;
	uint32_t v;

	do
		rng_bytes(&v, sizeof(v));
	while (v < skip);
	return v % bound;
}

static uint8_t
stock_byte(struct rng_stock *stock)
{
	if (stock->left == 0) {
		rng_bytes(stock->bytes, sizeof(stock->bytes));
		stock->left = sizeof(stock->bytes);
	}
	return stock->bytes[--stock->left];
}

void
rng_stock_id(struct rng_stock *stock, const char *prefix, char *out, size_t size)
{
	static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	const size_t letters = sizeof(alphabet) - 1;
	const uint8_t fair = (uint8_t)(256 / letters * letters);
	const size_t n = strlen(prefix);

	if (size < n + ID_LEN + 1)
		abort();
	memcpy(out, prefix, n);
	for (size_t i = 0; i < ID_LEN;) {
		const uint8_t b = stock_byte(stock);

		/* Bytes past the last whole round would favour the first letters. */
		if (b < fair)
			out[n + i++] = alphabet[b % letters];
	}
	out[n + ID_LEN] = '\0';
}

/* One draw for the whole id, as it is nearly always. */
void
rng_id(const char *prefix, char *out, size_t size)
{
	struct rng_stock stock;

	stock.left = 2 * ID_LEN;
	rng_bytes(stock.bytes, stock.left);
	rng_stock_id(&stock, prefix, out, size);
	OPENSSL_cleanse(stock.bytes, sizeof(stock.bytes));
}
