/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The sealed words between a device that misses a file and the phone that has it. The server passes
 * them on and must not be able to say where a file lies: whatever it says is under the file's key.
 */
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#include "common/wa/kdf.h"
#include "common/wa/media.h"
#include "common/xalloc.h"
#include "wa.pb-c.h"

#define RETRY_MAX 8192
static const char info[] = "WhatsApp Media Retry Notification";

static void
derive(const uint8_t media_key[WA_MEDIA_KEY_LEN], uint8_t ret_key[32])
{
	hkdf_sha256(media_key, WA_MEDIA_KEY_LEN, NULL, 0, info, sizeof(info) - 1, ret_key, 32);
}

static void
seal(const uint8_t media_key[WA_MEDIA_KEY_LEN], const char *id, const uint8_t *iv,
    const ProtobufCMessage *m, struct buf *ret_enc)
{
	const size_t len = protobuf_c_message_get_packed_size(m);
	uint8_t key[32], *plain = xmalloc(len), *sealed = xmalloc(len + GCM_TAG_LEN);

	(void)protobuf_c_message_pack(m, plain);
	derive(media_key, key);
	gcm_seal(key, iv, id, strlen(id), plain, len, sealed);
	buf_add(ret_enc, sealed, len + GCM_TAG_LEN);
	OPENSSL_cleanse(key, sizeof(key));
	free(plain);
	free(sealed);
}

void
wa_media_retry_request(const uint8_t media_key[WA_MEDIA_KEY_LEN], const char *id,
    const uint8_t iv[WA_MEDIA_RETRY_IV_LEN], struct buf *ret_enc)
{
	Wa__ServerErrorReceipt m = WA__SERVER_ERROR_RECEIPT__INIT;
	char *copy = xstrdup(id);

	m.stanza_id = copy;
	seal(media_key, id, iv, &m.base, ret_enc);
	free(copy);
}

void
wa_media_retry_write(const uint8_t media_key[WA_MEDIA_KEY_LEN], const char *id,
    const uint8_t iv[WA_MEDIA_RETRY_IV_LEN], enum wa_media_retry result, const char *path,
    struct buf *ret_enc)
{
	Wa__MediaRetryNotification m = WA__MEDIA_RETRY_NOTIFICATION__INIT;
	char *id_copy = xstrdup(id), *path_copy = path != NULL ? xstrdup(path) : NULL;

	m.stanza_id = id_copy;
	m.direct_path = path_copy;
	m.has_result = 1;
	m.result = (uint32_t)result;
	seal(media_key, id, iv, &m.base, ret_enc);
	free(id_copy);
	free(path_copy);
}

static int
read_plain(const uint8_t *plain, size_t len, const char *id, enum wa_media_retry *ret_result,
    char **ret_path)
{
	Wa__MediaRetryNotification *m = wa__media_retry_notification__unpack(NULL, len, plain);
	const char *path;
	int r = -1;

	if (m == NULL)
		return -1;
	path = m->direct_path;
	if (m->stanza_id != NULL && strcmp(m->stanza_id, id) == 0) {
		*ret_result = m->result <= WA_MEDIA_RETRY_DECRYPTION
				  ? (enum wa_media_retry)m->result
				  : WA_MEDIA_RETRY_ERROR;
		*ret_path = path != NULL && path[0] == '/' ? xstrdup(path) : NULL;
		r = 0;
	}
	wa__media_retry_notification__free_unpacked(m, NULL);
	return r;
}

int
wa_media_retry_read(const uint8_t media_key[WA_MEDIA_KEY_LEN], const char *id, const uint8_t *iv,
    size_t iv_len, const uint8_t *enc, size_t len, enum wa_media_retry *ret_result, char **ret_path)
{
	uint8_t key[32], *plain;
	int r = -1;

	if (iv_len != WA_MEDIA_RETRY_IV_LEN || len < GCM_TAG_LEN || len > RETRY_MAX)
		return -1;
	plain = xmalloc(len);
	derive(media_key, key);
	if (gcm_open(key, iv, id, strlen(id), enc, len, plain) == 0)
		r = read_plain(plain, len - GCM_TAG_LEN, id, ret_result, ret_path);
	OPENSSL_cleanse(key, sizeof(key));
	free(plain);
	return r;
}
