/* SPDX-License-Identifier: GPL-3.0-or-later */
/* AES-256-GCM with random nonces over OpenSSL objects made once. Never logs, never keeps a
 * plaintext. */
#include "waconnd/store/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/rng.h"
#include "common/xalloc.h"

#define VERSION 1
#define NONCE_LEN 12
#define TAG_LEN 16
#define NONCES 64
#define WRAP_AAD "waconn data key"

struct seal {
	uint8_t key[SEAL_KEY_LEN];
	EVP_CIPHER_CTX *encrypt, *decrypt; /* keyed */
	/* Drawn many at a time: each draw asks the generator anew, which costs more than to seal.
	 */
	uint8_t nonces[NONCES][NONCE_LEN];
	size_t n_nonces; /* not used yet */
};

int
seal_read_master(const char *path, uint8_t ret_key[SEAL_KEY_LEN], char *err, size_t err_size)
{
	uint8_t key[SEAL_KEY_LEN + 1];
	struct stat st;
	ssize_t n;
	int fd = open(path, O_RDONLY | O_CLOEXEC), rc = -1;

	if (fd < 0) {
		(void)snprintf(err, err_size,
		    "%s: %s. Make the master key once: "
		    "head -c 32 /dev/urandom > FILE; chmod 400 FILE; and keep a copy elsewhere",
		    path, strerror(errno));
		return -1;
	}
	n = read(fd, key, sizeof(key));
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		(void)snprintf(err, err_size, "%s is not a regular file", path);
	} else if (st.st_mode & (S_IRWXG | S_IRWXO)) {
		(void)snprintf(err, err_size,
		    "%s can be read by others (mode %04o). Run: chmod 400 %s", path,
		    (unsigned)(st.st_mode & 07777), path);
	} else if (n != SEAL_KEY_LEN) {
		(void)snprintf(err, err_size, "%s must hold exactly 32 random bytes, raw", path);
	} else {
		memcpy(ret_key, key, SEAL_KEY_LEN);
		rc = 0;
	}
	OPENSSL_cleanse(key, sizeof(key));
	close(fd);
	return rc;
}

static EVP_CIPHER_CTX *
context_new(const uint8_t *key, int encrypts)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();

	if (ctx == NULL ||
	    EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, NULL, encrypts) != 1)
		abort();
	return ctx;
}

struct seal *
seal_new(const uint8_t data_key[SEAL_KEY_LEN])
{
	struct seal *s = xcalloc(1, sizeof(*s));

	memcpy(s->key, data_key, SEAL_KEY_LEN);
	s->encrypt = context_new(s->key, 1);
	s->decrypt = context_new(s->key, 0);
	return s;
}

void
seal_free(struct seal **sp)
{
	struct seal *s = *sp;

	if (s == NULL)
		return;
	EVP_CIPHER_CTX_free(s->encrypt);
	EVP_CIPHER_CTX_free(s->decrypt);
	OPENSSL_cleanse(s, sizeof(*s));
	free(s);
	*sp = NULL;
}

static const uint8_t *
next_nonce(struct seal *s)
{
	if (s->n_nonces == 0) {
		rng_bytes(s->nonces, sizeof(s->nonces));
		s->n_nonces = NONCES;
	}
	return s->nonces[--s->n_nonces];
}

void
seal_close(struct seal *s, const char *aad, const void *plain, size_t len, struct buf *out)
{
	const uint8_t *nonce = next_nonce(s);
	uint8_t tag[TAG_LEN];
	uint8_t *cipher = xmalloc(len + 1);
	int n = 0;

	if (EVP_EncryptInit_ex(s->encrypt, NULL, NULL, NULL, nonce) != 1 ||
	    EVP_EncryptUpdate(s->encrypt, NULL, &n, (const uint8_t *)aad, (int)strlen(aad)) != 1 ||
	    (len > 0 && EVP_EncryptUpdate(s->encrypt, cipher, &n, plain, (int)len) != 1) ||
	    EVP_EncryptFinal_ex(s->encrypt, cipher + len, &n) != 1 ||
	    EVP_CIPHER_CTX_ctrl(s->encrypt, EVP_CTRL_GCM_GET_TAG, TAG_LEN, tag) != 1)
		abort();
	buf_add_u8(out, VERSION);
	buf_add(out, nonce, NONCE_LEN);
	buf_add(out, cipher, len);
	buf_add(out, tag, sizeof(tag));
	free(cipher);
}

int
seal_open(const struct seal *s, const char *aad, const void *sealed, size_t len, struct buf *out)
{
	const uint8_t *in = sealed, *cipher = in + 1 + NONCE_LEN;
	uint8_t tag[TAG_LEN], *plain;
	size_t n_plain;
	int n = 0, rc = -1;

	if (len < SEAL_OVERHEAD || len > INT32_MAX || in[0] != VERSION)
		return -1;
	n_plain = len - SEAL_OVERHEAD;
	memcpy(tag, cipher + n_plain, TAG_LEN);
	plain = xmalloc(n_plain + 1);
	if (EVP_DecryptInit_ex(s->decrypt, NULL, NULL, NULL, in + 1) == 1 &&
	    EVP_DecryptUpdate(s->decrypt, NULL, &n, (const uint8_t *)aad, (int)strlen(aad)) == 1 &&
	    (n_plain == 0 || EVP_DecryptUpdate(s->decrypt, plain, &n, cipher, (int)n_plain) == 1) &&
	    EVP_CIPHER_CTX_ctrl(s->decrypt, EVP_CTRL_GCM_SET_TAG, TAG_LEN, tag) == 1 &&
	    EVP_DecryptFinal_ex(s->decrypt, plain + n_plain, &n) == 1) {
		buf_add(out, plain, n_plain);
		rc = buf_ok(out) ? 0 : -1;
	}
	OPENSSL_cleanse(plain, n_plain + 1);
	free(plain);
	return rc;
}

void
seal_wrap(const uint8_t master[SEAL_KEY_LEN], const uint8_t data_key[SEAL_KEY_LEN], struct buf *out)
{
	struct seal *s = seal_new(master);

	seal_close(s, WRAP_AAD, data_key, SEAL_KEY_LEN, out);
	seal_free(&s);
}

int
seal_unwrap(const uint8_t master[SEAL_KEY_LEN], const void *sealed, size_t len,
    uint8_t ret_data_key[SEAL_KEY_LEN])
{
	struct seal *s = seal_new(master);
	struct buf plain = BUF_INIT(SEAL_KEY_LEN);
	int rc = seal_open(s, WRAP_AAD, sealed, len, &plain);

	if (rc == 0 && plain.len != SEAL_KEY_LEN)
		rc = -1;
	if (rc == 0)
		memcpy(ret_data_key, plain.data, SEAL_KEY_LEN);
	buf_done_secret(&plain);
	seal_free(&s);
	return rc;
}
