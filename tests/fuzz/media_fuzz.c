/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A file from a media host: any bytes are refused as long as they are not what the reference says;
 * and once hash and MAC are made to fit, what is inside is decrypted or refused, and never more
 * than it is long. The same bytes as a phone's answer about a file.
 */
#include "common/wa/media.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/wa/kdf.h"
#include "tests/fuzz/fuzz.h"

static const uint8_t key[WA_MEDIA_KEY_LEN] = {1, 2, 3};

static int
file_of(const void *data, size_t len)
{
	const int fd = memfd_create("media", MFD_CLOEXEC);

	must(fd >= 0 && write(fd, data, len) == (ssize_t)len);
	return fd;
}

/* The MAC and the hash that would make it genuine. */
static uint8_t *
make_genuine(const uint8_t *data, size_t size, struct wa_media_ref *ref)
{
	uint8_t *body = malloc(size + 16 + WA_MEDIA_MAC_LEN), mac[32];
	struct wa_media_keys keys;

	must(body != NULL);
	wa_media_keys(key, WA_MEDIA_IMAGE, &keys);
	memcpy(body, keys.iv, 16);
	memcpy(body + 16, data, size);
	hmac_sha256(keys.mac, sizeof(keys.mac), body, size + 16, mac);
	memmove(body, body + 16, size);
	memcpy(body + size, mac, WA_MEDIA_MAC_LEN);
	sha256(body, size + WA_MEDIA_MAC_LEN, ref->file_enc_sha256);
	return body;
}

static enum wa_media_error
decrypt(const void *body, size_t len, const struct wa_media_ref *ref, uint64_t max, off_t *ret_len)
{
	const int in = file_of(body, len), out = file_of("", 0);
	const enum wa_media_error r = wa_media_decrypt(in, out, WA_MEDIA_IMAGE, max, ref, NULL);

	*ret_len = lseek(out, 0, SEEK_END);
	(void)close(in);
	(void)close(out);
	return r;
}

static void
fuzz_file(const uint8_t *data, size_t size)
{
	struct wa_media_ref ref = {0};
	enum wa_media_error r;
	uint8_t *body;
	off_t len;

	memcpy(ref.media_key, key, sizeof(key));
	r = decrypt(data, size, &ref, size, &len);
	must(r == WA_MEDIA_CORRUPT && len == 0);
	body = make_genuine(data, size, &ref);
	r = decrypt(body, size + WA_MEDIA_MAC_LEN, &ref, size, &len);
	/* The plain file's hash is still another. */
	must(r == WA_MEDIA_CORRUPT && (size_t)len <= size);
	r = decrypt(body, size + WA_MEDIA_MAC_LEN, &ref, size / 2, &len);
	must(r == WA_MEDIA_CORRUPT || r == WA_MEDIA_TOO_LONG);
	must((size_t)len <= size / 2);
	free(body);
}

static void
fuzz_answer(const uint8_t *data, size_t size)
{
	enum wa_media_retry result;
	uint8_t iv[WA_MEDIA_RETRY_IV_LEN] = {0}, retry_key[32], *sealed = malloc(size + 16);
	char *path = NULL;

	must(sealed != NULL);
	must(wa_media_retry_read(key, "ID", iv, sizeof(iv), data, size, &result, &path) != 0);
	hkdf_sha256(
	    key, sizeof(key), NULL, 0, "WhatsApp Media Retry Notification", 33, retry_key, 32);
	gcm_seal(retry_key, iv, "ID", 2, data, size, sealed);
	if (wa_media_retry_read(key, "ID", iv, sizeof(iv), sealed, size + 16, &result, &path) ==
	    0) {
		must(path == NULL || path[0] == '/');
		must(result <= WA_MEDIA_RETRY_DECRYPTION);
		free(path);
	}
	free(sealed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	fuzz_file(data, size);
	fuzz_answer(data, size);
	return 0;
}
