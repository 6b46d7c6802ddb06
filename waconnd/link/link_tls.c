/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libwebsockets makes its SSL objects itself and has no place for a session: the info callback at
 * the begin of a handshake, before the first message is composed, is where it can be given.
 *
 * OpenSSL marks the session of a connection that ends without a closing alert as one not to be
 * resumed, and that is how connections end that need to come back. So what is kept and what a
 * connection gets are copies.
 */
#include "waconnd/link/link_tls.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <stdint.h>

static struct link_tls *
of(const SSL *ssl)
{
	return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

static void
replace(struct link_tls *tls, SSL_SESSION *take_session)
{
	SSL_SESSION_free(tls->session); /* wipes it */
	tls->session = take_session;
}

/* Each resumption brings a new ticket: they would outlive what was verified at the first. */
static bool
is_current(SSL_SESSION *session)
{
	const X509 *peer = SSL_SESSION_get0_peer(session);

	return peer != NULL && X509_cmp_current_time(X509_get0_notAfter(peer)) > 0;
}

/* OpenSSL's reference stays OpenSSL's. */
static int
on_session(SSL *ssl, SSL_SESSION *session)
{
	struct link_tls *tls = of(ssl);
	SSL_SESSION *copy;

	if (SSL_get_verify_result(ssl) != X509_V_OK || !SSL_SESSION_is_resumable(session))
		return 0;
	copy = SSL_SESSION_dup(session);
	if (copy != NULL)
		replace(tls, copy);
	return 0;
}

static void
offer(struct link_tls *tls, SSL *ssl)
{
	SSL_SESSION *copy;

	if (tls->session == NULL)
		return;
	if (!is_current(tls->session)) {
		replace(tls, NULL);
		return;
	}
	/* Without one the handshake is a full one. */
	copy = SSL_SESSION_dup(tls->session);
	if (copy != NULL)
		(void)SSL_set_session(ssl, copy);
	SSL_SESSION_free(copy);
}

static void
on_info(const SSL *ssl, int where, int value)
{
	struct link_tls *tls = of(ssl);

	/* OpenSSL hands out a const pointer to what is being set up. */
	if (where == SSL_CB_HANDSHAKE_START && SSL_get_session(ssl) == NULL)
		offer(tls, (SSL *)(uintptr_t)ssl);
	/* Whatever was disliked, here or there: the next one begins from nothing. */
	if ((where & SSL_CB_ALERT) != 0 && value >> 8 == SSL3_AL_FATAL)
		replace(tls, NULL);
}

void
link_tls_begin(struct link_tls *tls, SSL_CTX *ctx)
{
	(void)SSL_CTX_set_app_data(ctx, tls);
	(void)SSL_CTX_set_session_cache_mode(
	    ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	SSL_CTX_set_info_callback(ctx, on_info);
}

void
link_tls_failed(struct link_tls *tls, const SSL *ssl)
{
	if (ssl != NULL && !SSL_is_init_finished(ssl))
		replace(tls, NULL);
}

void
link_tls_done(struct link_tls *tls)
{
	replace(tls, NULL);
}
