/* SPDX-License-Identifier: GPL-3.0-or-later */
/* noise_cert: the server's certificate chain inside the handshake (PROTOCOL section 2). noise.h has
 * the maker. */
#ifndef COMMON_WA_NOISE_CERT_H
#define COMMON_WA_NOISE_CERT_H

#include <stddef.h>
#include <stdint.h>

#include "common/wa/curve.h"

/* NOISE_OK, NOISE_E_CERT or NOISE_E_CERT_DATE. `now` in unix seconds. */
int noise_cert_check(const void *chain, size_t len, const uint8_t root[CURVE_KEY_LEN],
    const uint8_t server_static[CURVE_KEY_LEN], int64_t now) __attribute__((warn_unused_result));

#endif
