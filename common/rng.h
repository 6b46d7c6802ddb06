/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rng: random bytes and numbers from the kernel through OpenSSL; ends the program if there are
 * none. */
#ifndef COMMON_RNG_H
#define COMMON_RNG_H

#include <stddef.h>
#include <stdint.h>

void rng_bytes(void *out, size_t len);
/* Uniform in [0, bound); bound > 0. */
uint32_t rng_below(uint32_t bound);
/* "prefix" and 20 characters of [0-9a-z], NUL-terminated: ids such as outlet_…; out of at least
 * strlen(prefix) + 21 bytes. */
void rng_id(const char *prefix, char *out, size_t size);

/* Random bytes on stock: each draw from the generator costs more than an id. For what is no secret;
 * zero to start. */
struct rng_stock {
	uint8_t bytes[1024];
	size_t left;
};
/* As rng_id, out of the stock. */
void rng_stock_id(struct rng_stock *stock, const char *prefix, char *out, size_t size);

#endif
