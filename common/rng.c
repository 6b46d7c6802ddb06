/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random bytes and numbers from OpenSSL's generator. */
#include "common/rng.h"

#include <limits.h>
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

/* One draw for the whole id: each asks the generator anew, which costs more than all the rest. */
void
rng_id(const char *prefix, char *out, size_t size)
{
	static const char alphabet[] = "0123456789abcdefghijklmnopqrstuvwxyz";
	const size_t letters = sizeof(alphabet) - 1;
	const uint8_t fair = (uint8_t)(256 / letters * letters);
	size_t n = strlen(prefix), used = 2 * ID_LEN;
	uint8_t bytes[2 * ID_LEN];

	if (size < n + ID_LEN + 1)
		abort();
	memcpy(out, prefix, n);
	for (size_t i = 0; i < ID_LEN;) {
		if (used == sizeof(bytes)) {
			rng_bytes(bytes, sizeof(bytes));
			used = 0;
		}
		/* Bytes past the last whole round would favour the first letters. */
		if (bytes[used] < fair)
			out[n + i++] = alphabet[bytes[used] % letters];
		used++;
	}
	out[n + ID_LEN] = '\0';
}
