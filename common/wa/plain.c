/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Padding, participant hash, message ids and the session id of the telemetry stanza: small pure
 * functions around a plaintext. Nothing here knows a session or a socket.
 */
#include "common/wa/plain.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/wa/kdf.h"
#include "common/xalloc.h"

#define PAD_MAX 16
#define PHASH_BYTES 6
#define MESSAGE_ID_BYTES 9
#define RANDOM_LEN 16
#define DAY_MS INT64_C(86400000)
#define WEEK_MS (7 * DAY_MS)
#define SESSION_OFFSET_MS (3 * DAY_MS)

void
plain_pad_with(struct buf *b, uint8_t pad)
{
	uint8_t bytes[UINT8_MAX];

	memset(bytes, pad, pad);
	buf_add(b, bytes, pad);
}

void
plain_pad(struct buf *b)
{
	plain_pad_with(b, (uint8_t)(1 + rng_below(PAD_MAX)));
}

int
plain_unpad(const uint8_t *data, size_t len, size_t *ret_len)
{
	uint8_t pad;

	if (len == 0)
		return -1;
	pad = data[len - 1];
	if (pad > len)
		return -1;
	for (size_t i = len - pad; i < len; i++)
		if (data[i] != pad)
			return -1;
	*ret_len = len - pad;
	return 0;
}

static int
compare_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

void
plain_phash(const struct jid *devices, size_t n, char ret_phash[PHASH_LEN + 1])
{
	typedef char ad_text[JID_TEXT_MAX];
	ad_text *texts = xcalloc(n > 0 ? n : 1, sizeof(*texts));
	struct buf all = BUF_INIT(n * JID_TEXT_MAX);
	uint8_t digest[32];
	unsigned char base64[16];

	for (size_t i = 0; i < n; i++)
		(void)snprintf(texts[i], sizeof(texts[i]), "%s.%u:%u@%s", devices[i].user,
		    (unsigned)devices[i].agent, (unsigned)devices[i].device,
		    jid_server_name(devices[i].server));
	qsort(texts, n, sizeof(*texts), compare_text);
	for (size_t i = 0; i < n; i++)
		buf_add_str(&all, texts[i]);
	sha256(all.data, all.len, digest);
	(void)EVP_EncodeBlock(base64, digest, PHASH_BYTES);
	(void)snprintf(ret_phash, PHASH_LEN + 1, "2:%.8s", (const char *)base64);
	buf_done(&all);
	free(texts);
}

void
plain_message_id(int64_t unix_time, const char *own_user, const uint8_t random[16],
    char ret_id[MESSAGE_ID_LEN + 1])
{
	struct buf b = BUF_INIT(256);
	uint8_t fresh[RANDOM_LEN];
	uint8_t digest[32];

	if (random == NULL) {
		rng_bytes(fresh, sizeof(fresh));
		random = fresh;
	}
	buf_add_u32be(&b, (uint32_t)((uint64_t)unix_time >> 32));
	buf_add_u32be(&b, (uint32_t)(uint64_t)unix_time);
	buf_add_str(&b, own_user);
	buf_add_str(&b, "@c.us");
	buf_add(&b, random, RANDOM_LEN);
	sha256(b.data, b.len, digest);
	buf_done(&b);
	memcpy(ret_id, "3EB0", 5);
	for (size_t i = 0; i < MESSAGE_ID_BYTES; i++)
		(void)snprintf(ret_id + 4 + 2 * i, 3, "%02X", digest[i]);
}

void
plain_unified_session_id(int64_t server_ms, char *out, size_t size)
{
	(void)snprintf(out, size, "%" PRId64, (server_ms + SESSION_OFFSET_MS) % WEEK_MS);
}
