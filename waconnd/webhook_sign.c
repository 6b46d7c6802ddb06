/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a receiver checks. Keeps no secret. */
#include "waconnd/webhook_sign.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/rng.h"
#include "common/wa/kdf.h"
#include "common/xalloc.h"

#define PREFIX "whsec_"
#define SECRET_LEN 32
#define SECRET_TEXT_MAX 88 /* of the 64 bytes that the specification allows */
#define MAC_TEXT_LEN 44

void
webhook_secret_make(char ret_text[WEBHOOK_SECRET_MAX])
{
	uint8_t secret[SECRET_LEN];
	const size_t prefix = strlen(PREFIX);

	rng_bytes(secret, sizeof(secret));
	memcpy(ret_text, PREFIX, prefix);
	(void)EVP_EncodeBlock((unsigned char *)ret_text + prefix, secret, sizeof(secret));
	OPENSSL_cleanse(secret, sizeof(secret));
}

/* How many bytes it stands for; 0: it is none. */
static size_t
read_secret(const char *text, uint8_t ret[SECRET_TEXT_MAX])
{
	const size_t prefix = strlen(PREFIX);
	size_t len, padding = 0;
	int n;

	if (strncmp(text, PREFIX, prefix) != 0)
		return 0;
	text += prefix;
	len = strlen(text);
	if (len == 0 || len > SECRET_TEXT_MAX || len % 4 != 0)
		return 0;
	while (padding < 2 && text[len - 1 - padding] == '=')
		padding++;
	n = EVP_DecodeBlock(ret, (const unsigned char *)text, (int)len);
	return n < 0 ? 0 : (size_t)n - padding;
}

int
webhook_sign(const char *secret, const char *id, int64_t timestamp_s, const void *body, size_t len,
    struct buf *out)
{
	uint8_t key[SECRET_TEXT_MAX], mac[32];
	unsigned char text[MAC_TEXT_LEN + 1];
	const size_t key_len = read_secret(secret, key);
	char *head, *signed_bytes;
	size_t head_len;

	if (key_len == 0)
		return -1;
	head = xasprintf("%s.%" PRId64 ".", id, timestamp_s);
	head_len = strlen(head);
	signed_bytes = xmalloc(head_len + len + 1);
	memcpy(signed_bytes, head, head_len);
	if (len > 0)
		memcpy(signed_bytes + head_len, body, len);
	hmac_sha256(key, key_len, signed_bytes, head_len + len, mac);
	(void)EVP_EncodeBlock(text, mac, sizeof(mac));
	if (out->len > 0)
		buf_add(out, " ", 1);
	buf_add(out, "v1,", 3);
	buf_add(out, text, MAC_TEXT_LEN);
	OPENSSL_cleanse(key, sizeof(key));
	free(signed_bytes);
	free(head);
	return 0;
}
