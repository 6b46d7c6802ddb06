/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One pass encrypts; two decrypt, because nothing of a file is used before all of it is known to be
 * genuine. It knows nothing of where files lie.
 */
#include "common/wa/media.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/wa/kdf.h"
#include "common/xalloc.h"

#define CHUNK 65536
#define BLOCK 16

static const struct media_type {
	const char *name, *info;
} types[WA_MEDIA_TYPE_COUNT] = {
    [WA_MEDIA_IMAGE] = {"image", "WhatsApp Image Keys"},
    [WA_MEDIA_VIDEO] = {"video", "WhatsApp Video Keys"},
    [WA_MEDIA_AUDIO] = {"audio", "WhatsApp Audio Keys"},
    [WA_MEDIA_DOCUMENT] = {"document", "WhatsApp Document Keys"},
    [WA_MEDIA_HISTORY] = {"md-msg-hist", "WhatsApp History Keys"},
    [WA_MEDIA_APP_STATE] = {"md-app-state", "WhatsApp App State Keys"},
    [WA_MEDIA_LINK_THUMBNAIL] = {"thumbnail-link", "WhatsApp Link Thumbnail Keys"},
};

const char *
wa_media_type_name(enum wa_media_type type)
{
	return types[type].name;
}

void
wa_media_keys(
    const uint8_t media_key[WA_MEDIA_KEY_LEN], enum wa_media_type type, struct wa_media_keys *ret)
{
	const char *info = types[type].info;
	uint8_t okm[112];

	hkdf_sha256(media_key, WA_MEDIA_KEY_LEN, NULL, 0, info, strlen(info), okm, sizeof(okm));
	memcpy(ret->iv, okm, sizeof(ret->iv));
	memcpy(ret->cipher, okm + 16, sizeof(ret->cipher));
	memcpy(ret->mac, okm + 48, sizeof(ret->mac));
	OPENSSL_cleanse(okm, sizeof(okm));
}

uint64_t
wa_media_enc_length(uint64_t plain_length)
{
	return (plain_length / BLOCK + 1) * BLOCK + WA_MEDIA_MAC_LEN;
}

void
wa_media_token(
    const uint8_t file_enc_sha256[WA_MEDIA_HASH_LEN], char ret_token[WA_MEDIA_TOKEN_LEN + 1])
{
	char text[WA_MEDIA_TOKEN_LEN + 2];

	(void)EVP_EncodeBlock((unsigned char *)text, file_enc_sha256, WA_MEDIA_HASH_LEN);
	for (size_t i = 0; i < WA_MEDIA_TOKEN_LEN; i++)
		ret_token[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : text[i];
	ret_token[WA_MEDIA_TOKEN_LEN] = '\0';
}

/* -- a file on its way ----------------------------------------------------------------- */

struct engine {
	EVP_CIPHER_CTX *cipher;
	EVP_MAC *hmac;
	EVP_MAC_CTX *mac;
	EVP_MD_CTX *plain_sha, *body_sha;
	const atomic_bool *stop;
	uint64_t plain_len, body_len;
	uint8_t in[CHUNK], out[CHUNK + BLOCK];
};

/* OpenSSL refuses these only when memory is exhausted or it is broken. */
static void
must(bool ok)
{
	if (!ok)
		abort();
}

static struct engine *
engine_new(
    const struct wa_media_ref *ref, enum wa_media_type type, bool encrypt, const atomic_bool *stop)
{
	struct engine *e = xcalloc(1, sizeof(*e));
	OSSL_PARAM params[] = {
	    OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char[]){"SHA256"}, 0),
	    OSSL_PARAM_construct_end()};
	struct wa_media_keys keys;

	wa_media_keys(ref->media_key, type, &keys);
	e->stop = stop;
	e->cipher = EVP_CIPHER_CTX_new();
	e->plain_sha = EVP_MD_CTX_new();
	e->body_sha = EVP_MD_CTX_new();
	e->hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	must(e->cipher != NULL && e->plain_sha != NULL && e->body_sha != NULL && e->hmac != NULL);
	e->mac = EVP_MAC_CTX_new(e->hmac);
	must(e->mac != NULL);
	must(EVP_CipherInit_ex(e->cipher, EVP_aes_256_cbc(), NULL, keys.cipher, keys.iv, encrypt));
	must(EVP_DigestInit_ex(e->plain_sha, EVP_sha256(), NULL));
	must(EVP_DigestInit_ex(e->body_sha, EVP_sha256(), NULL));
	must(EVP_MAC_init(e->mac, keys.mac, sizeof(keys.mac), params));
	must(EVP_MAC_update(e->mac, keys.iv, sizeof(keys.iv)));
	OPENSSL_cleanse(&keys, sizeof(keys));
	return e;
}

static void
engine_free(struct engine *e)
{
	EVP_CIPHER_CTX_free(e->cipher);
	EVP_MD_CTX_free(e->plain_sha);
	EVP_MD_CTX_free(e->body_sha);
	EVP_MAC_CTX_free(e->mac);
	EVP_MAC_free(e->hmac);
	OPENSSL_cleanse(e, sizeof(*e));
	free(e);
}

static bool
is_stopped(const struct engine *e)
{
	return e->stop != NULL && atomic_load(e->stop);
}

/* As much of `len` bytes at `offset` as there is. */
static ssize_t
read_at(int fd, uint8_t *to, size_t len, uint64_t offset)
{
	size_t n = 0;

	while (n < len) {
		const ssize_t r = pread(fd, to + n, len - n, (off_t)(offset + n));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -1;
		if (r == 0)
			break;
		n += (size_t)r;
	}
	return (ssize_t)n;
}

static enum wa_media_error
write_at(int fd, const uint8_t *data, size_t len, uint64_t offset)
{
	for (size_t n = 0; n < len;) {
		const ssize_t r = pwrite(fd, data + n, len - n, (off_t)(offset + n));

		if (r < 0 && errno != EINTR)
			return WA_MEDIA_IO;
		n += r > 0 ? (size_t)r : 0;
	}
	return WA_MEDIA_OK;
}

static void
digest(EVP_MD_CTX *ctx, uint8_t ret[WA_MEDIA_HASH_LEN])
{
	must(EVP_DigestFinal_ex(ctx, ret, NULL));
}

static void
mac_final(struct engine *e, uint8_t ret[32])
{
	size_t len;

	must(EVP_MAC_final(e->mac, ret, &len, 32));
}

/* -- encryption ------------------------------------------------------------------------ */

static enum wa_media_error
put_body(struct engine *e, int body, const uint8_t *data, size_t len)
{
	const uint64_t at = e->body_len;

	must(EVP_DigestUpdate(e->body_sha, data, len));
	e->body_len += len;
	return write_at(body, data, len, at);
}

static enum wa_media_error
put_cipher(struct engine *e, int body, int len)
{
	must(EVP_MAC_update(e->mac, e->out, (size_t)len));
	return put_body(e, body, e->out, (size_t)len);
}

static enum wa_media_error
encrypt_all(struct engine *e, int plain, int body, uint64_t max)
{
	enum wa_media_error r = WA_MEDIA_OK;
	uint8_t mac[32];
	ssize_t n;
	int len = 0;

	do {
		if (is_stopped(e))
			return WA_MEDIA_STOPPED;
		n = read_at(plain, e->in, CHUNK, e->plain_len);
		if (n < 0)
			return WA_MEDIA_IO;
		e->plain_len += (uint64_t)n;
		if (e->plain_len > max)
			return WA_MEDIA_TOO_LONG;
		must(EVP_DigestUpdate(e->plain_sha, e->in, (size_t)n));
		must(EVP_EncryptUpdate(e->cipher, e->out, &len, e->in, (int)n));
		r = put_cipher(e, body, len);
	} while (n == CHUNK && r == WA_MEDIA_OK);
	if (r != WA_MEDIA_OK)
		return r;
	must(EVP_EncryptFinal_ex(e->cipher, e->out, &len));
	r = put_cipher(e, body, len);
	mac_final(e, mac);
	return r == WA_MEDIA_OK ? put_body(e, body, mac, WA_MEDIA_MAC_LEN) : r;
}

enum wa_media_error
wa_media_encrypt(int plain, int body, enum wa_media_type type, uint64_t max,
    struct wa_media_ref *ref, const atomic_bool *stop)
{
	struct engine *e = engine_new(ref, type, true, stop);
	const enum wa_media_error r = encrypt_all(e, plain, body, max);

	if (r == WA_MEDIA_OK) {
		digest(e->plain_sha, ref->file_sha256);
		digest(e->body_sha, ref->file_enc_sha256);
		ref->length = e->plain_len;
	}
	engine_free(e);
	return r;
}

/* -- decryption ------------------------------------------------------------------------ */

/* The whole body: its hash and its MAC. ret_len: bytes of ciphertext. */
static enum wa_media_error
check_body(
    struct engine *e, int body, uint64_t max, const struct wa_media_ref *ref, uint64_t *ret_len)
{
	const off_t end = lseek(body, 0, SEEK_END);
	uint8_t mac[32], hash[WA_MEDIA_HASH_LEN], told[WA_MEDIA_MAC_LEN];
	uint64_t left;

	if (end < 0)
		return WA_MEDIA_IO;
	if (end <= WA_MEDIA_MAC_LEN || (end - WA_MEDIA_MAC_LEN) % BLOCK != 0)
		return WA_MEDIA_CORRUPT;
	*ret_len = left = (uint64_t)end - WA_MEDIA_MAC_LEN;
	if (left - BLOCK > max)
		return WA_MEDIA_TOO_LONG;
	for (uint64_t at = 0; left > 0;) {
		const size_t want = left < CHUNK ? (size_t)left : CHUNK;

		if (is_stopped(e))
			return WA_MEDIA_STOPPED;
		if (read_at(body, e->in, want, at) != (ssize_t)want)
			return WA_MEDIA_IO;
		must(EVP_DigestUpdate(e->body_sha, e->in, want));
		must(EVP_MAC_update(e->mac, e->in, want));
		at += want;
		left -= want;
	}
	if (read_at(body, told, sizeof(told), *ret_len) != (ssize_t)sizeof(told))
		return WA_MEDIA_IO;
	must(EVP_DigestUpdate(e->body_sha, told, sizeof(told)));
	digest(e->body_sha, hash);
	mac_final(e, mac);
	if (CRYPTO_memcmp(hash, ref->file_enc_sha256, sizeof(hash)) != 0 ||
	    CRYPTO_memcmp(mac, told, sizeof(told)) != 0)
		return WA_MEDIA_CORRUPT;
	return WA_MEDIA_OK;
}

static enum wa_media_error
put_plain(struct engine *e, int plain, int len, uint64_t max)
{
	const uint64_t at = e->plain_len;

	e->plain_len += (uint64_t)len;
	if (e->plain_len > max)
		return WA_MEDIA_TOO_LONG;
	must(EVP_DigestUpdate(e->plain_sha, e->out, (size_t)len));
	return write_at(plain, e->out, (size_t)len, at);
}

static enum wa_media_error
decrypt_all(struct engine *e, int body, int plain, uint64_t len, uint64_t max)
{
	enum wa_media_error r = WA_MEDIA_OK;
	int n = 0;

	for (uint64_t at = 0; at < len && r == WA_MEDIA_OK;) {
		const size_t want = len - at < CHUNK ? (size_t)(len - at) : CHUNK;

		if (is_stopped(e))
			return WA_MEDIA_STOPPED;
		if (read_at(body, e->in, want, at) != (ssize_t)want)
			return WA_MEDIA_IO;
		must(EVP_DecryptUpdate(e->cipher, e->out, &n, e->in, (int)want));
		r = put_plain(e, plain, n, max);
		at += want;
	}
	if (r != WA_MEDIA_OK)
		return r;
	if (EVP_DecryptFinal_ex(e->cipher, e->out, &n) != 1)
		return WA_MEDIA_CORRUPT;
	return put_plain(e, plain, n, max);
}

enum wa_media_error
wa_media_decrypt(int body, int plain, enum wa_media_type type, uint64_t max,
    const struct wa_media_ref *ref, const atomic_bool *stop)
{
	struct engine *e = engine_new(ref, type, false, stop);
	uint8_t hash[WA_MEDIA_HASH_LEN];
	uint64_t len = 0;
	enum wa_media_error r = check_body(e, body, max, ref, &len);

	if (r == WA_MEDIA_OK)
		r = decrypt_all(e, body, plain, len, max);
	if (r == WA_MEDIA_OK) {
		digest(e->plain_sha, hash);
		if (CRYPTO_memcmp(hash, ref->file_sha256, sizeof(hash)) != 0 ||
		    (ref->length != 0 && ref->length != e->plain_len))
			r = WA_MEDIA_CORRUPT;
	}
	engine_free(e);
	return r;
}
