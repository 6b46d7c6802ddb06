/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link_tls: one TLS session for all links of a daemon. The server's newest ticket is kept, and the
 * next connection resumes with it: a mass reconnect then costs both sides a fraction of the
 * arithmetic. All connections go to one host and port under one set of trust, for the life of the
 * daemon; only a session whose certificate was verified is kept, and it is used only while that
 * certificate is valid.
 */
#ifndef LINK_LINK_TLS_H
#define LINK_LINK_TLS_H

#include <openssl/ssl.h>

struct link_tls {
	SSL_SESSION *session; /* NULL: none yet, or the last was refused */
};

/* The client's context, in which all connections are made; `tls` outlives it. */
void link_tls_begin(struct link_tls *tls, SSL_CTX *ctx);

/* A connection ended before it was of use. NULL: before TLS began. */
void link_tls_failed(struct link_tls *tls, const SSL *ssl);
void link_tls_done(struct link_tls *tls);

#endif
