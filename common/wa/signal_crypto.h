/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * signal_crypto: libsignal-protocol-c's crypto provider on OpenSSL 3, and contexts that have it.
 *
 * A context is for one thread: libsignal demands lock functions, and they only count here.
 */
#ifndef COMMON_WA_SIGNAL_CRYPTO_H
#define COMMON_WA_SIGNAL_CRYPTO_H

#include <signal_protocol.h>

/* 0, or libsignal's (negative) error. */
int wa_signal_context_new(signal_context **ret_context) __attribute__((warn_unused_result));
/* Everything made with the context must be gone; NULL inside is fine. */
void wa_signal_context_free(signal_context **context);

#endif
