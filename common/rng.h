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

#endif
