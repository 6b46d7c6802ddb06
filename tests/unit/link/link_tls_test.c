/* SPDX-License-Identifier: GPL-3.0-or-later */
/* link_tls: which TLS sessions are resumed, and which are not. */
#include "tests/unit/cmocka_all.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdbool.h>

#include "waconnd/link/link_tls.h"

#define DAY 86400

struct world {
	SSL_CTX *server, *client;
	struct link_tls tls;
	SSL *here, *there;
};

/* A server with a certificate of its own. */
static SSL_CTX *
new_server(SSL_CTX *trusting, const char *called)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *name = X509_get_subject_name(cert);

	assert_true(X509_set_version(cert, X509_VERSION_3));
	assert_true(ASN1_INTEGER_set(X509_get_serialNumber(cert), 1));
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(cert), -DAY));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(cert), DAY));
	assert_true(X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)called, -1, -1, 0));
	assert_true(X509_set_issuer_name(cert, name));
	assert_true(X509_set_pubkey(cert, key));
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	assert_true(SSL_CTX_use_certificate(ctx, cert));
	assert_true(SSL_CTX_use_PrivateKey(ctx, key));
	if (trusting != NULL)
		assert_true(X509_STORE_add_cert(SSL_CTX_get_cert_store(trusting), cert));
	X509_free(cert);
	EVP_PKEY_free(key);
	return ctx;
}

static void
setup(struct world *w, bool trusted)
{
	*w = (struct world){.client = SSL_CTX_new(TLS_client_method())};
	SSL_CTX_set_verify(w->client, trusted ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, NULL);
	w->server = new_server(trusted ? w->client : NULL, "server");
	link_tls_begin(&w->tls, w->client);
}

static void
teardown(struct world *w)
{
	SSL_CTX_free(w->server);
	SSL_CTX_free(w->client);
	link_tls_done(&w->tls);
	assert_null(w->tls.session);
}

static void
begin(struct world *w, SSL_CTX *server)
{
	BIO *a, *b;

	assert_true(BIO_new_bio_pair(&a, 0, &b, 0));
	w->here = SSL_new(w->client);
	w->there = SSL_new(server);
	SSL_set_bio(w->here, a, a);
	SSL_set_bio(w->there, b, b);
	SSL_set_connect_state(w->here);
	SSL_set_accept_state(w->there);
}

/* True: the handshake is over, and what tickets the server sent have come. */
static bool
shake(struct world *w)
{
	char byte;

	for (int i = 0; i < 8; i++) {
		(void)SSL_do_handshake(w->here);
		(void)SSL_do_handshake(w->there);
	}
	(void)SSL_read(w->here, &byte, 1);
	return SSL_is_init_finished(w->here) && SSL_is_init_finished(w->there);
}

/* Without a closing alert, as a connection that is lost. */
static void
drop(struct world *w)
{
	SSL_free(w->here);
	SSL_free(w->there);
}

static bool
resumes(struct world *w, SSL_CTX *server)
{
	bool reused;

	begin(w, server);
	assert_true(shake(w));
	reused = SSL_session_reused(w->here);
	drop(w);
	return reused;
}

static void
test_resumed_again_and_again(void **state)
{
	static const int versions[] = {TLS1_3_VERSION, TLS1_2_VERSION};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world w;

		setup(&w, true);
		assert_true(SSL_CTX_set_max_proto_version(w.client, versions[i]));
		assert_false(resumes(&w, w.server));
		for (int n = 0; n < 3; n++)
			assert_true(resumes(&w, w.server));
		teardown(&w);
	}
}

static void
test_two_at_a_time(void **state)
{
	struct world w, other;

	(void)state;
	setup(&w, true);
	assert_false(resumes(&w, w.server));
	begin(&w, w.server);
	(void)SSL_do_handshake(w.here);
	other = w;
	assert_true(resumes(&w, w.server)); /* brings a newer one */
	w.here = other.here;
	w.there = other.there;
	assert_true(shake(&w));
	assert_true(SSL_session_reused(w.here));
	drop(&w);
	teardown(&w);
}

static void
test_another_server(void **state)
{
	struct world w;
	SSL_CTX *other;

	(void)state;
	setup(&w, true);
	other = new_server(w.client, "other");
	assert_false(resumes(&w, w.server));
	assert_false(resumes(&w, other)); /* which cannot read the ticket: in full */
	assert_true(resumes(&w, other));
	SSL_CTX_free(other);
	teardown(&w);
}

static void
test_not_verified(void **state)
{
	struct world w;

	(void)state;
	setup(&w, false);
	assert_false(resumes(&w, w.server));
	assert_null(w.tls.session);
	assert_false(resumes(&w, w.server));
	teardown(&w);
}

/* The session is of no use when the certificate that was verified is no longer valid. */
static void
test_certificate_over(void **state)
{
	struct world w;
	X509 *peer;

	(void)state;
	setup(&w, true);
	assert_false(resumes(&w, w.server));
	peer = SSL_SESSION_get0_peer(w.tls.session);
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(peer), -1));
	begin(&w, w.server);
	(void)SSL_do_handshake(w.here);
	assert_null(w.tls.session);
	drop(&w);
	teardown(&w);
}

static void
test_refused(void **state)
{
	struct world w;
	SSL_CTX *other;

	(void)state;
	setup(&w, true);
	other = new_server(NULL, "other");
	assert_false(resumes(&w, w.server));
	begin(&w, other); /* its certificate does not verify: a fatal alert */
	assert_false(shake(&w));
	assert_null(w.tls.session);
	drop(&w);
	SSL_CTX_free(other);
	teardown(&w);
}

static void
test_failed(void **state)
{
	struct world w;

	(void)state;
	setup(&w, true);
	assert_false(resumes(&w, w.server));
	link_tls_failed(&w.tls, NULL); /* no fault of the session */
	begin(&w, w.server);
	assert_non_null(w.tls.session);
	(void)SSL_do_handshake(w.here);
	link_tls_failed(&w.tls, w.here);
	assert_null(w.tls.session);
	drop(&w);
	assert_false(resumes(&w, w.server));
	begin(&w, w.server);
	assert_true(shake(&w));
	link_tls_failed(&w.tls, w.here);
	assert_non_null(w.tls.session);
	drop(&w);
	teardown(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_resumed_again_and_again),
	    cmocka_unit_test(test_two_at_a_time),
	    cmocka_unit_test(test_another_server),
	    cmocka_unit_test(test_not_verified),
	    cmocka_unit_test(test_certificate_over),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_failed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
