/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * HTTPS: what is uploaded must be what its token says, and come with the authorisation that
 * media_conn gave; what is downloaded lies under the path that the upload was answered with.
 */
#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/keyvalq_struct.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wa/kdf.h"
#include "common/xalloc.h"
#include "tests/sim/media_private.h"
#include "tests/sim/record.h"

#define DAYS 30
#define IDLE_S 600
#define PATH_PREFIX "/v/t62/"

/* Nobody is logged in here: whoever it was, it was wrong. */
static void
violation_of(struct media_server *h, const char *rule, const char *what)
{
	record_violation(sim_record(h->media->sim), "", 0, rule, "%s: %s", h->name, what);
}

static void
answer(struct evhttp_request *r, int status, struct evbuffer *take_body)
{
	evhttp_send_reply(r, status, NULL, take_body);
	if (take_body != NULL)
		evbuffer_free(take_body);
}

/* -- uploads ---------------------------------------------------------------------------- */

static bool
is_type(const char *name, size_t len)
{
	for (unsigned i = 0; i < WA_MEDIA_TYPE_COUNT; i++)
		if (strlen(wa_media_type_name(i)) == len &&
		    strncmp(wa_media_type_name(i), name, len) == 0)
			return true;
	return false;
}

/* With or without padding: both are sent by clients in the field. */
static bool
is_token(const char *text, const char *token)
{
	return text != NULL && strncmp(text, token, WA_MEDIA_TOKEN_LEN) == 0 &&
	       (text[WA_MEDIA_TOKEN_LEN] == '\0' || strcmp(text + WA_MEDIA_TOKEN_LEN, "=") == 0);
}

/* NULL, or what is wrong with it. */
static const char *
check_upload(struct evhttp_request *r, const char *token)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(r);
	const struct evkeyvalq *headers = evhttp_request_get_input_headers(r);
	const char *path = evhttp_uri_get_path(uri), *slash, *wrong = NULL;
	const char *origin = evhttp_find_header(headers, "Origin"), *auth;
	struct evkeyvalq query;

	if (strncmp(path, "/mms/", 5) != 0 || (slash = strchr(path + 5, '/')) == NULL ||
	    !is_type(path + 5, (size_t)(slash - path) - 5))
		return "not a path of uploads";
	if (!is_token(slash + 1, token))
		return "the path's token is not the body's hash";
	if (evhttp_find_header(headers, "Content-Length") == NULL)
		return "without Content-Length";
	if (origin == NULL || strcmp(origin, "https://web.whatsapp.com") != 0)
		return "without WhatsApp's Origin";
	if (evhttp_uri_get_query(uri) == NULL ||
	    evhttp_parse_query_str(evhttp_uri_get_query(uri), &query) != 0)
		return "without a query";
	auth = evhttp_find_header(&query, "auth");
	if (!is_token(evhttp_find_header(&query, "token"), token))
		wrong = "the query's token is not the body's hash";
	else if (auth == NULL || strcmp(auth, MEDIA_AUTH) != 0)
		wrong = "not the authorisation of media_conn";
	evhttp_clear_headers(&query);
	return wrong;
}

static void
take_upload(struct media_server *h, struct evhttp_request *r)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(r), *out = evbuffer_new();
	const size_t len = evbuffer_get_length(in);
	uint8_t *body = xmalloc(len + 1), hash[WA_MEDIA_HASH_LEN];
	char token[WA_MEDIA_TOKEN_LEN + 1];
	const struct media_file *f;
	const char *wrong;

	(void)evbuffer_remove(in, body, len);
	sha256(body, len, hash);
	wa_media_token(hash, token);
	wrong = check_upload(r, token);
	if (wrong == NULL && (len <= WA_MEDIA_MAC_LEN || (len - WA_MEDIA_MAC_LEN) % 16 != 0))
		wrong = "the body is no encrypted file";
	if (wrong != NULL) {
		violation_of(h, "media_upload", wrong);
		h->refused++;
		free(body);
		answer(r, 400, out);
		return;
	}
	f = media_add(h->media, h, body, len);
	h->uploads++;
	(void)evbuffer_add_printf(out, "{\"url\":\"%s\",\"direct_path\":\"%s\"}", f->url, f->path);
	answer(r, 200, out);
}

/* -- downloads -------------------------------------------------------------------------- */

static void
give(struct media_server *h, struct evhttp_request *r)
{
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(r);
	const char *path = evhttp_uri_get_path(uri), *query = evhttp_uri_get_query(uri);
	struct evbuffer *out = evbuffer_new();
	struct media_file *f = NULL;
	char ccb[16] = "";

	if (strncmp(path, PATH_PREFIX, strlen(PATH_PREFIX)) == 0)
		f = media_by_number(
		    h->media, (unsigned)strtoul(path + strlen(PATH_PREFIX), NULL, 10));
	if (f != NULL)
		(void)snprintf(ccb, sizeof(ccb), "ccb=%u", f->revived);
	if (f == NULL || f->expired || query == NULL || strncmp(query, ccb, strlen(ccb)) != 0) {
		h->refused++;
		answer(r, 404, out);
		return;
	}
	h->downloads++;
	(void)evbuffer_add(out, f->body, f->len);
	answer(r, 200, out);
}

static void
spoil(struct media_server *h, struct evhttp_request *r, enum media_action action)
{
	struct evbuffer *out = evbuffer_new();
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(r));
	const struct media_file *f = NULL;

	if (strncmp(path, PATH_PREFIX, strlen(PATH_PREFIX)) == 0)
		f = media_by_number(
		    h->media, (unsigned)strtoul(path + strlen(PATH_PREFIX), NULL, 10));
	if (f != NULL && action == MEDIA_TRUNCATE)
		(void)evbuffer_add(out, f->body, f->len / 2);
	else if (f != NULL) {
		(void)evbuffer_add(out, f->body, f->len - 1);
		(void)evbuffer_add(out, "?", 1);
	}
	answer(r, 200, out);
}

/* True: it was answered, or never will be. */
static bool
strike(struct media_server *h, struct evhttp_request *r, int method)
{
	struct media_fault *f = &h->media->fault;

	if (f->times == 0 || (f->host >= 0 && f->host != (int)h->number) ||
	    (f->method != 0 && f->method != method))
		return false;
	f->times--;
	h->refused++;
	if (f->action == MEDIA_STATUS)
		answer(r, (int)f->status, NULL);
	else if (f->action == MEDIA_TRUNCATE || f->action == MEDIA_SPOIL)
		spoil(h, r, f->action);
	return true;
}

static void
on_request(struct evhttp_request *r, void *arg)
{
	struct media_server *h = arg;
	const int method = evhttp_request_get_command(r);

	if (strike(h, r, method))
		return;
	if (method == EVHTTP_REQ_POST)
		take_upload(h, r);
	else
		give(h, r);
}

/* -- certificate and sockets ------------------------------------------------------------------ */

static int
add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_nconf_nid(NULL, NULL, nid, value);
	const int ok = e != NULL && X509_add_ext(cert, e, -1);

	X509_EXTENSION_free(e);
	return ok ? 0 : -1;
}

static X509 *
make_certificate(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	X509_NAME *name;

	if (cert == NULL)
		abort();
	name = X509_get_subject_name(cert);
	(void)X509_set_version(cert, 2);
	(void)ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	(void)X509_gmtime_adj(X509_getm_notBefore(cert), -86400);
	(void)X509_gmtime_adj(X509_getm_notAfter(cert), DAYS * 86400L);
	(void)X509_set_pubkey(cert, key);
	(void)X509_NAME_add_entry_by_txt(
	    name, "CN", MBSTRING_ASC, (const unsigned char *)"wasim media", -1, -1, 0);
	(void)X509_set_issuer_name(cert, name);
	if (add_extension(cert, NID_subject_alt_name, "IP:127.0.0.1,DNS:localhost") != 0 ||
	    add_extension(cert, NID_basic_constraints, "critical,CA:TRUE") != 0 ||
	    X509_sign(cert, key, EVP_sha256()) == 0)
		abort();
	return cert;
}

static char *
to_pem(X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data = NULL, *pem;
	long len;

	if (bio == NULL || PEM_write_bio_X509(bio, cert) != 1)
		abort();
	len = BIO_get_mem_data(bio, &data);
	pem = xstrndup(data, (size_t)len);
	BIO_free(bio);
	return pem;
}

static int
make_tls(struct media *m)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert;
	int r = -1;

	if (key == NULL)
		return -1;
	cert = make_certificate(key);
	m->pem = to_pem(cert);
	m->tls = SSL_CTX_new(TLS_server_method());
	if (m->tls != NULL && SSL_CTX_use_certificate(m->tls, cert) == 1 &&
	    SSL_CTX_use_PrivateKey(m->tls, key) == 1)
		r = 0;
	X509_free(cert);
	EVP_PKEY_free(key);
	return r;
}

static struct bufferevent *
tls_socket(struct event_base *base, void *arg)
{
	struct media *m = arg;
	struct bufferevent *b = bufferevent_openssl_socket_new(
	    base, -1, SSL_new(m->tls), BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);

	/* Clients close as they like. */
	bufferevent_openssl_set_allow_dirty_shutdown(b, 1);
	return b;
}

static int
begin_host(struct media *m, unsigned i)
{
	struct media_server *h = &m->hosts[i];
	struct evhttp_bound_socket *bound;
	struct sockaddr_in a;
	socklen_t len = sizeof(a);

	h->media = m;
	h->number = i;
	h->http = evhttp_new(sim_base(m->sim));
	if (h->http == NULL)
		return -1;
	evhttp_set_bevcb(h->http, tls_socket, m);
	evhttp_set_gencb(h->http, on_request, h);
	evhttp_set_allowed_methods(h->http, EVHTTP_REQ_GET | EVHTTP_REQ_POST);
	evhttp_set_max_body_size(h->http, MEDIA_BODY_MAX);
	evhttp_set_timeout(h->http, IDLE_S);
	bound = evhttp_bind_socket_with_handle(h->http, "127.0.0.1", 0);
	if (bound == NULL ||
	    getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&a, &len) != 0)
		return -1;
	(void)snprintf(h->name, sizeof(h->name), "127.0.0.1:%u", ntohs(a.sin_port));
	return 0;
}

int
media_hosts_begin(struct media *m)
{
	if (make_tls(m) != 0)
		return -1;
	for (unsigned i = 0; i < MEDIA_HOSTS; i++)
		if (begin_host(m, i) != 0)
			return -1;
	return 0;
}

void
media_hosts_end(struct media *m)
{
	for (unsigned i = 0; i < MEDIA_HOSTS; i++)
		if (m->hosts[i].http != NULL)
			evhttp_free(m->hosts[i].http);
	SSL_CTX_free(m->tls);
}
