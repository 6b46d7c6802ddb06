/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The crypto provider of a Signal context: fetched OpenSSL objects, one cipher context, and free
 * lists of HMAC and SHA-512 contexts, because libsignal makes and drops several for every message.
 * AES is CBC with PKCS#7 only: counter mode belongs to message version 2, which WhatsApp does not
 * speak.
 */
#include "common/wa/signal_crypto.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdlib.h>

#include "common/rng.h"
#include "common/xalloc.h"

#define KEY_LEN 32
#define IV_LEN 16
#define BLOCK_LEN 16
#define HMAC_LEN 32
#define SHA512_LEN 64

/* A context that libsignal holds, or that waits in a free list. */
struct hmac_item {
	struct hmac_item *next;
	EVP_MAC_CTX *ctx;
};

struct sha_item {
	struct sha_item *next;
	EVP_MD_CTX *ctx;
};

struct provider {
	EVP_MAC *hmac;
	EVP_MD *sha512;
	EVP_CIPHER *cbc;
	EVP_CIPHER_CTX *cipher_ctx;
	struct hmac_item *free_hmacs;
	struct sha_item *free_shas;
};

/* The user data of a context: the provider's and the lock functions'. */
struct context_data {
	struct provider provider;
	unsigned depth;
	const signal_context *context;
	struct context_data *next;
};

/* libsignal does not give a context's user data back, so it is found here when the context goes. */
static pthread_mutex_t all_mutex = PTHREAD_MUTEX_INITIALIZER;
static struct context_data *all;

static int
random_bytes(uint8_t *data, size_t len, void *user_data)
{
	(void)user_data;
	rng_bytes(data, len);
	return 0;
}

static struct hmac_item *
hmac_item_new(struct provider *p)
{
	struct hmac_item *h = xcalloc(1, sizeof(*h));
	char digest[] = "SHA256";
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
	    OSSL_PARAM_construct_end(),
	};

	h->ctx = EVP_MAC_CTX_new(p->hmac);
	if (h->ctx == NULL || EVP_MAC_CTX_set_params(h->ctx, params) != 1) {
		EVP_MAC_CTX_free(h->ctx);
		free(h);
		return NULL;
	}
	return h;
}

static int
hmac_init(void **ret_context, const uint8_t *key, size_t key_len, void *user_data)
{
	struct provider *p = &((struct context_data *)user_data)->provider;
	struct hmac_item *h = p->free_hmacs;

	if (h != NULL)
		p->free_hmacs = h->next;
	else if ((h = hmac_item_new(p)) == NULL)
		return SG_ERR_NOMEM;
	*ret_context = h;
	return EVP_MAC_init(h->ctx, key_len > 0 ? key : (const uint8_t *)"", key_len, NULL) == 1
		   ? SG_SUCCESS
		   : SG_ERR_UNKNOWN;
}

static int
hmac_update(void *context, const uint8_t *data, size_t len, void *user_data)
{
	struct hmac_item *h = context;

	(void)user_data;
	return EVP_MAC_update(h->ctx, data, len) == 1 ? SG_SUCCESS : SG_ERR_UNKNOWN;
}

static int
hmac_final(void *context, signal_buffer **ret_output, void *user_data)
{
	struct hmac_item *h = context;
	uint8_t mac[HMAC_LEN];
	size_t n;

	(void)user_data;
	if (EVP_MAC_final(h->ctx, mac, &n, sizeof(mac)) != 1)
		return SG_ERR_UNKNOWN;
	*ret_output = signal_buffer_create(mac, n);
	OPENSSL_cleanse(mac, sizeof(mac));
	return *ret_output != NULL ? SG_SUCCESS : SG_ERR_NOMEM;
}

static void
hmac_cleanup(void *context, void *user_data)
{
	struct provider *p = &((struct context_data *)user_data)->provider;
	struct hmac_item *h = context;

	/* The key's state goes now, not when the context is used again. */
	(void)EVP_MAC_init(h->ctx, (const uint8_t *)"", 0, NULL);
	h->next = p->free_hmacs;
	p->free_hmacs = h;
}

static int
sha512_init(void **ret_context, void *user_data)
{
	struct provider *p = &((struct context_data *)user_data)->provider;
	struct sha_item *s = p->free_shas;

	if (s != NULL) {
		p->free_shas = s->next;
	} else {
		s = xcalloc(1, sizeof(*s));
		s->ctx = EVP_MD_CTX_new();
	}
	*ret_context = s;
	return EVP_DigestInit_ex(s->ctx, p->sha512, NULL) == 1 ? SG_SUCCESS : SG_ERR_UNKNOWN;
}

static int
sha512_update(void *context, const uint8_t *data, size_t len, void *user_data)
{
	struct sha_item *s = context;

	(void)user_data;
	return EVP_DigestUpdate(s->ctx, data, len) == 1 ? SG_SUCCESS : SG_ERR_UNKNOWN;
}

static int
sha512_final(void *context, signal_buffer **ret_output, void *user_data)
{
	struct provider *p = &((struct context_data *)user_data)->provider;
	struct sha_item *s = context;
	uint8_t digest[SHA512_LEN];

	if (EVP_DigestFinal_ex(s->ctx, digest, NULL) != 1)
		return SG_ERR_UNKNOWN;
	*ret_output = signal_buffer_create(digest, sizeof(digest));
	OPENSSL_cleanse(digest, sizeof(digest));
	if (*ret_output == NULL)
		return SG_ERR_NOMEM;
	/* libsignal goes on with the same context. */
	return EVP_DigestInit_ex(s->ctx, p->sha512, NULL) == 1 ? SG_SUCCESS : SG_ERR_UNKNOWN;
}

static void
sha512_cleanup(void *context, void *user_data)
{
	struct provider *p = &((struct context_data *)user_data)->provider;
	struct sha_item *s = context;

	(void)EVP_DigestInit_ex(s->ctx, p->sha512, NULL);
	s->next = p->free_shas;
	p->free_shas = s;
}

static int
aes(signal_buffer **ret_output, int encrypt, int cipher, const uint8_t *key, size_t key_len,
    const uint8_t *iv, size_t iv_len, const uint8_t *in, size_t in_len, struct provider *p)
{
	uint8_t *out;
	int n = 0, last = 0;
	int r = SG_ERR_UNKNOWN;

	if (cipher != SG_CIPHER_AES_CBC_PKCS5 || key_len != KEY_LEN || iv_len != IV_LEN ||
	    in_len > INT_MAX - BLOCK_LEN)
		return SG_ERR_INVAL;
	out = xmalloc(in_len + BLOCK_LEN);
	if (EVP_CipherInit_ex(p->cipher_ctx, p->cbc, NULL, key, iv, encrypt) == 1 &&
	    EVP_CipherUpdate(p->cipher_ctx, out, &n, in, (int)in_len) == 1 &&
	    EVP_CipherFinal_ex(p->cipher_ctx, out + n, &last) == 1) {
		*ret_output = signal_buffer_create(out, (size_t)(n + last));
		r = *ret_output != NULL ? SG_SUCCESS : SG_ERR_NOMEM;
	}
	OPENSSL_cleanse(out, in_len + BLOCK_LEN);
	free(out);
	(void)EVP_CIPHER_CTX_reset(p->cipher_ctx);
	return r;
}

static int
aes_encrypt(signal_buffer **ret_output, int cipher, const uint8_t *key, size_t key_len,
    const uint8_t *iv, size_t iv_len, const uint8_t *in, size_t in_len, void *user_data)
{
	return aes(ret_output, 1, cipher, key, key_len, iv, iv_len, in, in_len,
	    &((struct context_data *)user_data)->provider);
}

static int
aes_decrypt(signal_buffer **ret_output, int cipher, const uint8_t *key, size_t key_len,
    const uint8_t *iv, size_t iv_len, const uint8_t *in, size_t in_len, void *user_data)
{
	return aes(ret_output, 0, cipher, key, key_len, iv, iv_len, in, in_len,
	    &((struct context_data *)user_data)->provider);
}

static void
lock(void *user_data)
{
	((struct context_data *)user_data)->depth++;
}

static void
unlock(void *user_data)
{
	((struct context_data *)user_data)->depth--;
}

static void
data_free(struct context_data *d)
{
	struct provider *p = &d->provider;

	while (p->free_hmacs != NULL) {
		struct hmac_item *h = p->free_hmacs;

		p->free_hmacs = h->next;
		EVP_MAC_CTX_free(h->ctx);
		free(h);
	}
	while (p->free_shas != NULL) {
		struct sha_item *s = p->free_shas;

		p->free_shas = s->next;
		EVP_MD_CTX_free(s->ctx);
		free(s);
	}
	EVP_CIPHER_CTX_free(p->cipher_ctx);
	EVP_CIPHER_free(p->cbc);
	EVP_MD_free(p->sha512);
	EVP_MAC_free(p->hmac);
	free(d);
}

static struct context_data *
data_new(void)
{
	struct context_data *d = xcalloc(1, sizeof(*d));
	struct provider *p = &d->provider;

	p->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	p->sha512 = EVP_MD_fetch(NULL, "SHA512", NULL);
	p->cbc = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	p->cipher_ctx = EVP_CIPHER_CTX_new();
	if (p->hmac == NULL || p->sha512 == NULL || p->cbc == NULL || p->cipher_ctx == NULL) {
		data_free(d);
		return NULL;
	}
	return d;
}

int
wa_signal_context_new(signal_context **ret_context)
{
	struct context_data *d = data_new();
	signal_crypto_provider provider = {
	    .random_func = random_bytes,
	    .hmac_sha256_init_func = hmac_init,
	    .hmac_sha256_update_func = hmac_update,
	    .hmac_sha256_final_func = hmac_final,
	    .hmac_sha256_cleanup_func = hmac_cleanup,
	    .sha512_digest_init_func = sha512_init,
	    .sha512_digest_update_func = sha512_update,
	    .sha512_digest_final_func = sha512_final,
	    .sha512_digest_cleanup_func = sha512_cleanup,
	    .encrypt_func = aes_encrypt,
	    .decrypt_func = aes_decrypt,
	    .user_data = d,
	};
	signal_context *context = NULL;
	int r;

	if (d == NULL)
		return SG_ERR_NOMEM;
	r = signal_context_create(&context, d);
	if (r == 0)
		r = signal_context_set_crypto_provider(context, &provider);
	if (r == 0)
		r = signal_context_set_locking_functions(context, lock, unlock);
	if (r != 0) {
		if (context != NULL)
			signal_context_destroy(context);
		data_free(d);
		return r;
	}
	d->context = context;
	(void)pthread_mutex_lock(&all_mutex);
	d->next = all;
	all = d;
	(void)pthread_mutex_unlock(&all_mutex);
	*ret_context = context;
	return 0;
}

static struct context_data *
take_data(const signal_context *context)
{
	struct context_data **at, *d;

	(void)pthread_mutex_lock(&all_mutex);
	for (at = &all; *at != NULL && (*at)->context != context; at = &(*at)->next)
		;
	d = *at;
	if (d != NULL)
		*at = d->next;
	(void)pthread_mutex_unlock(&all_mutex);
	return d;
}

void
wa_signal_context_free(signal_context **context)
{
	struct context_data *d;

	if (*context == NULL)
		return;
	d = take_data(*context);
	signal_context_destroy(*context);
	*context = NULL;
	if (d != NULL)
		data_free(d);
}
