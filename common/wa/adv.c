/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The signed device identity, from both sides, and the QR text. Signatures and MACs go over bytes
 * as received: what is written anew is only the envelope around them.
 */
#include "common/wa/adv.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/wa/kdf.h"
#include "common/xalloc.h"
#include "wa.pb-c.h"

#define MAC_LEN 32
#define HOSTED 1
#define PREFIX_LEN 2
#define CONTAINER_MAX 65536
#define BASE64_KEY_LEN 44
#define QR_URL "https://wa.me/settings/linked_devices#"
#define QR_TEXT_MAX 1024

static const uint8_t prefix_account[PREFIX_LEN] = {6, 0};
static const uint8_t prefix_device[PREFIX_LEN] = {6, 1};
static const uint8_t prefix_hosted[PREFIX_LEN] = {6, 5};

static const char *const error_texts[] = {
    [-ADV_OK] = "no error",
    [-ADV_E_PROTOBUF] = "internal-error",
    [-ADV_E_HMAC] = "hmac-mismatch",
    [-ADV_E_SIGNATURE] = "signature-mismatch",
};

const char *
adv_error_text(enum adv_error error)
{
	const int i = -(int)error;

	return i >= 0 && i < (int)(sizeof(error_texts) / sizeof(error_texts[0])) ? error_texts[i]
										 : "unknown";
}

void
adv_result_done(struct adv_result *r)
{
	buf_done(&r->account);
	buf_done(&r->reply);
}

/* -- what is signed --------------------------------------------------------------- */

static void
container_mac(bool hosted, const ProtobufCBinaryData *details, const uint8_t secret[ADV_SECRET_LEN],
    uint8_t ret_mac[MAC_LEN])
{
	struct buf b = BUF_INIT(CONTAINER_MAX + PREFIX_LEN);

	if (hosted)
		buf_add(&b, prefix_hosted, PREFIX_LEN);
	buf_add(&b, details->data, details->len);
	hmac_sha256(secret, ADV_SECRET_LEN, b.data, b.len, ret_mac);
	buf_done(&b);
}

/* prefix || details || identity [|| account key] */
static void
signed_text(struct buf *b, const uint8_t prefix[PREFIX_LEN], const ProtobufCBinaryData *details,
    const uint8_t identity[CURVE_KEY_LEN], const uint8_t *account_key)
{
	buf_init(b, CONTAINER_MAX + PREFIX_LEN + 2 * CURVE_KEY_LEN);
	buf_add(b, prefix, PREFIX_LEN);
	buf_add(b, details->data, details->len);
	buf_add(b, identity, CURVE_KEY_LEN);
	if (account_key != NULL)
		buf_add(b, account_key, CURVE_KEY_LEN);
}

static void
add_identity(const Wa__ADVSignedDeviceIdentity *identity, struct buf *out)
{
	const size_t len = wa__advsigned_device_identity__get_packed_size(identity);
	uint8_t *bytes = xmalloc(len);

	(void)wa__advsigned_device_identity__pack(identity, bytes);
	buf_add(out, bytes, len);
	free(bytes);
}

/* -- the companion ---------------------------------------------------------------- */

static int
check_account(
    const Wa__ADVSignedDeviceIdentity *s, bool hosted_device, const uint8_t identity[CURVE_KEY_LEN])
{
	struct buf text;
	int r;

	signed_text(
	    &text, hosted_device ? prefix_hosted : prefix_account, &s->details, identity, NULL);
	r = curve_verify(s->account_signature_key.data, text.data, text.len,
	    s->account_signature.data, s->account_signature.len);
	buf_done(&text);
	return r == 0 ? ADV_OK : ADV_E_SIGNATURE;
}

/* Adds our signature and writes both forms. */
static int
countersign(Wa__ADVSignedDeviceIdentity *s, const struct curve_pair *identity, uint32_t key_index,
    struct adv_result *ret)
{
	Wa__ADVSignedDeviceIdentity out = WA__ADVSIGNED_DEVICE_IDENTITY__INIT;
	uint8_t signature[CURVE_SIGNATURE_LEN];
	struct buf text;
	int r;

	signed_text(
	    &text, prefix_device, &s->details, identity->pub, s->account_signature_key.data);
	r = curve_sign(identity->priv, text.data, text.len, signature);
	buf_done(&text);
	if (r != 0)
		return ADV_E_PROTOBUF;
	out.has_details = out.has_account_signature = out.has_device_signature = 1;
	out.details = s->details;
	out.account_signature = s->account_signature;
	out.device_signature = (ProtobufCBinaryData){sizeof(signature), signature};
	*ret = (struct adv_result){.key_index = key_index};
	buf_init(&ret->reply, CONTAINER_MAX);
	buf_init(&ret->account, CONTAINER_MAX);
	add_identity(&out, &ret->reply);
	out.has_account_signature_key = 1;
	out.account_signature_key = s->account_signature_key;
	add_identity(&out, &ret->account);
	memcpy(ret->account_key, s->account_signature_key.data, CURVE_KEY_LEN);
	return ADV_OK;
}

static int
accept_signed(
    const ProtobufCBinaryData *bytes, const struct curve_pair *identity, struct adv_result *ret)
{
	Wa__ADVSignedDeviceIdentity *s =
	    wa__advsigned_device_identity__unpack(NULL, bytes->len, bytes->data);
	Wa__ADVDeviceIdentity *d = NULL;
	int r = ADV_E_PROTOBUF;

	if (s == NULL)
		return ADV_E_PROTOBUF;
	if (s->has_details)
		d = wa__advdevice_identity__unpack(NULL, s->details.len, s->details.data);
	if (d != NULL && s->has_account_signature && s->has_account_signature_key &&
	    s->account_signature_key.len == CURVE_KEY_LEN) {
		r = check_account(s, d->device_type == HOSTED, identity->pub);
		if (r == ADV_OK)
			r = countersign(s, identity, d->key_index, ret);
	}
	if (d != NULL)
		wa__advdevice_identity__free_unpacked(d, NULL);
	wa__advsigned_device_identity__free_unpacked(s, NULL);
	return r;
}

int
adv_accept(const void *container, size_t len, const uint8_t adv_secret[ADV_SECRET_LEN],
    const struct curve_pair *identity, struct adv_result *ret)
{
	Wa__ADVSignedDeviceIdentityHMAC *c;
	uint8_t mac[MAC_LEN];
	int r = ADV_E_PROTOBUF;

	if (len > CONTAINER_MAX / 2)
		return ADV_E_PROTOBUF;
	c = wa__advsigned_device_identity_hmac__unpack(NULL, len, container);
	if (c == NULL)
		return ADV_E_PROTOBUF;
	if (c->has_details && c->has_hmac) {
		container_mac(c->account_type == HOSTED, &c->details, adv_secret, mac);
		if (c->hmac.len == MAC_LEN && CRYPTO_memcmp(mac, c->hmac.data, MAC_LEN) == 0)
			r = accept_signed(&c->details, identity, ret);
		else
			r = ADV_E_HMAC;
	}
	wa__advsigned_device_identity_hmac__free_unpacked(c, NULL);
	return r;
}

/* -- the phone -------------------------------------------------------------------- */

static int
issue_signed(const struct curve_pair *account, const uint8_t identity[CURVE_KEY_LEN],
    ProtobufCBinaryData details, struct buf *out)
{
	Wa__ADVSignedDeviceIdentity s = WA__ADVSIGNED_DEVICE_IDENTITY__INIT;
	uint8_t key[CURVE_KEY_LEN], signature[CURVE_SIGNATURE_LEN];
	struct buf text;
	int r;

	signed_text(&text, prefix_account, &details, identity, NULL);
	r = curve_sign(account->priv, text.data, text.len, signature);
	buf_done(&text);
	if (r != 0)
		return -1;
	memcpy(key, account->pub, sizeof(key));
	s.has_details = s.has_account_signature_key = s.has_account_signature = 1;
	s.details = details;
	s.account_signature_key = (ProtobufCBinaryData){sizeof(key), key};
	s.account_signature = (ProtobufCBinaryData){sizeof(signature), signature};
	add_identity(&s, out);
	return 0;
}

static void
add_container(
    const struct buf *signed_identity, const uint8_t adv_secret[ADV_SECRET_LEN], struct buf *out)
{
	Wa__ADVSignedDeviceIdentityHMAC c = WA__ADVSIGNED_DEVICE_IDENTITY_HMAC__INIT;
	uint8_t mac[MAC_LEN];
	uint8_t *bytes;
	size_t len;

	c.has_details = c.has_hmac = 1;
	c.details = (ProtobufCBinaryData){signed_identity->len, signed_identity->data};
	container_mac(false, &c.details, adv_secret, mac);
	c.hmac = (ProtobufCBinaryData){sizeof(mac), mac};
	len = wa__advsigned_device_identity_hmac__get_packed_size(&c);
	bytes = xmalloc(len);
	(void)wa__advsigned_device_identity_hmac__pack(&c, bytes);
	buf_add(out, bytes, len);
	free(bytes);
}

int
adv_issue(const struct curve_pair *account, const uint8_t companion_identity[CURVE_KEY_LEN],
    const uint8_t adv_secret[ADV_SECRET_LEN], uint32_t raw_id, uint64_t timestamp,
    uint32_t key_index, struct buf *out)
{
	Wa__ADVDeviceIdentity d = WA__ADVDEVICE_IDENTITY__INIT;
	struct buf signed_identity = BUF_INIT(CONTAINER_MAX);
	uint8_t *details;
	size_t len;
	int r;

	d.has_raw_id = d.has_timestamp = d.has_key_index = 1;
	d.raw_id = raw_id;
	d.timestamp = timestamp;
	d.key_index = key_index;
	len = wa__advdevice_identity__get_packed_size(&d);
	details = xmalloc(len);
	(void)wa__advdevice_identity__pack(&d, details);
	r = issue_signed(
	    account, companion_identity, (ProtobufCBinaryData){len, details}, &signed_identity);
	if (r == 0)
		add_container(&signed_identity, adv_secret, out);
	free(details);
	buf_done(&signed_identity);
	return r;
}

/* -- QR text ---------------------------------------------------------------------- */

static void
add_base64(struct buf *out, const uint8_t key[CURVE_KEY_LEN])
{
	unsigned char text[BASE64_KEY_LEN + 1];

	(void)EVP_EncodeBlock(text, key, CURVE_KEY_LEN);
	buf_add(out, text, BASE64_KEY_LEN);
	OPENSSL_cleanse(text, sizeof(text));
}

void
adv_qr_text(const char *ref, const uint8_t noise_pub[CURVE_KEY_LEN],
    const uint8_t identity_pub[CURVE_KEY_LEN], const uint8_t adv_secret[ADV_SECRET_LEN],
    char client, struct buf *out)
{
	buf_add_str(out, QR_URL);
	buf_add_str(out, ref);
	buf_add_u8(out, ',');
	add_base64(out, noise_pub);
	buf_add_u8(out, ',');
	add_base64(out, identity_pub);
	buf_add_u8(out, ',');
	add_base64(out, adv_secret);
	buf_add_u8(out, ',');
	buf_add_u8(out, (uint8_t)client);
}

/* One key in base64, up to a comma or the end; *text goes behind it. Canonical base64 only. */
static int
take_key(const char **text, uint8_t ret_key[CURVE_KEY_LEN])
{
	unsigned char bytes[CURVE_KEY_LEN + 1];
	unsigned char again[BASE64_KEY_LEN + 1];
	int r = -1;

	if (strcspn(*text, ",") != BASE64_KEY_LEN)
		return -1;
	/* 43 characters and one '=': 33 bytes for OpenSSL, the last a filler. */
	if (EVP_DecodeBlock(bytes, (const unsigned char *)*text, BASE64_KEY_LEN) == sizeof(bytes)) {
		(void)EVP_EncodeBlock(again, bytes, CURVE_KEY_LEN);
		if (memcmp(again, *text, BASE64_KEY_LEN) == 0) {
			memcpy(ret_key, bytes, CURVE_KEY_LEN);
			*text += BASE64_KEY_LEN;
			r = 0;
		}
	}
	OPENSSL_cleanse(bytes, sizeof(bytes));
	OPENSSL_cleanse(again, sizeof(again));
	return r;
}

static int
take_comma(const char **text)
{
	if (**text != ',')
		return -1;
	(*text)++;
	return 0;
}

int
adv_qr_parse(const char *text, char *ret_ref, size_t ref_size, uint8_t ret_noise[CURVE_KEY_LEN],
    uint8_t ret_identity[CURVE_KEY_LEN], uint8_t ret_secret[ADV_SECRET_LEN])
{
	const bool current = strncmp(text, QR_URL, strlen(QR_URL)) == 0;
	uint8_t keys[3][CURVE_KEY_LEN];
	const char *at = current ? text + strlen(QR_URL) : text;
	const char *ref = at;
	size_t ref_len = strcspn(at, ",");
	int r = -1;

	if (ref_len == 0 || ref_len >= ref_size || strnlen(text, QR_TEXT_MAX) == QR_TEXT_MAX)
		return -1;
	at += ref_len;
	for (size_t i = 0; i < 3; i++)
		if (take_comma(&at) != 0 || take_key(&at, keys[i]) != 0)
			goto out;
	if (current && (take_comma(&at) != 0 || at[0] == '\0' || at[0] == ',' || *++at != '\0'))
		goto out;
	if (*at != '\0')
		goto out;
	memcpy(ret_ref, ref, ref_len);
	ret_ref[ref_len] = '\0';
	memcpy(ret_noise, keys[0], CURVE_KEY_LEN);
	memcpy(ret_identity, keys[1], CURVE_KEY_LEN);
	memcpy(ret_secret, keys[2], CURVE_KEY_LEN);
	r = 0;
out:
	OPENSSL_cleanse(keys, sizeof(keys));
	return r;
}
