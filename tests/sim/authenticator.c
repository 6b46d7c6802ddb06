/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signs and verifies with OpenSSL's Ed25519. Keeps nothing: keys are derived anew each time. */
#include "tests/sim/authenticator.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base64url.h"
#include "common/webauthn.h"

#define ID_LEN 32
#define SIGNATURE_LEN 64
#define AUTHENTICATOR_DATA_LEN 37
#define ORIGIN "https://web.whatsapp.com"
#define USER_PRESENT 0x01
#define USER_VERIFIED 0x04

static void
derive(const struct sim *s, const char *phone, const char *what, uint8_t ret[32])
{
	char label[96];

	(void)snprintf(label, sizeof(label), "authenticator/%s/%s", phone, what);
	sim_derive(s, label, ret);
}

static EVP_PKEY *
key_of(const struct sim *s, const char *phone)
{
	uint8_t seed[32];
	EVP_PKEY *key;

	derive(s, phone, "key", seed);
	key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof(seed));
	if (key == NULL)
		abort();
	return key;
}

static bool
is_fault(const char *fault, const char *name)
{
	return fault != NULL && strcmp(fault, name) == 0;
}

void
authenticator_id(const struct sim *s, const char *phone, struct buf *out)
{
	uint8_t id[ID_LEN];

	derive(s, phone, "id", id);
	base64url_add(out, id, sizeof(id));
}

static json_t *
text(const void *data, size_t len)
{
	struct buf out = BUF_INIT(WEBAUTHN_TEXT_MAX);
	json_t *string;

	base64url_add(&out, data, len);
	string = json_string(buf_str(&out));
	buf_done(&out);
	return string;
}

/* -- signing -------------------------------------------------------------------------- */

static char *
client_data(const char *challenge, const char *fault)
{
	json_t *data = json_pack("{s:s, s:s, s:s, s:b}", "type",
	    is_fault(fault, "type") ? "webauthn.create" : "webauthn.get", "challenge",
	    is_fault(fault, "challenge") ? "AAAAAAAAAAAAAAAAAAAAAA" : challenge, "origin",
	    is_fault(fault, "origin") ? "https://whatsapp.com.example" : ORIGIN, "crossOrigin", 0);
	char *dump = json_dumps(data, JSON_COMPACT);

	json_decref(data);
	if (dump == NULL)
		abort();
	return dump;
}

static void
authenticator_data(const char *rp, const char *fault, uint8_t ret[AUTHENTICATOR_DATA_LEN])
{
	if (is_fault(fault, "site"))
		rp = "example.com";
	memset(ret, 0, AUTHENTICATOR_DATA_LEN);
	(void)SHA256((const unsigned char *)rp, strlen(rp), ret);
	ret[SHA256_DIGEST_LENGTH] =
	    USER_PRESENT | (is_fault(fault, "unverified") ? 0 : USER_VERIFIED);
}

/* What the key signs: its own data, and the hash of the page's. */
static void
signed_bytes(const uint8_t *own, size_t own_len, const void *page, size_t page_len, struct buf *out)
{
	uint8_t hash[SHA256_DIGEST_LENGTH];

	(void)SHA256(page, page_len, hash);
	buf_add(out, own, own_len);
	buf_add(out, hash, sizeof(hash));
}

static void
sign(const struct sim *s, const char *phone, const struct buf *bytes, uint8_t ret[SIGNATURE_LEN])
{
	EVP_PKEY *key = key_of(s, phone);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t len = SIGNATURE_LEN;

	if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) != 1 ||
	    EVP_DigestSign(ctx, ret, &len, bytes->data, bytes->len) != 1)
		abort();
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

json_t *
authenticator_sign(const struct sim *s, const char *phone, const json_t *options, const char *fault)
{
	const char *challenge = json_string_value(json_object_get(options, "challenge")),
		   *rp = json_string_value(json_object_get(options, "rpId"));
	uint8_t own[AUTHENTICATOR_DATA_LEN], signature[SIGNATURE_LEN], id[ID_LEN], handle[32];
	struct buf bytes = BUF_INIT(256);
	json_t *answer;
	char *page;

	if (challenge == NULL || rp == NULL)
		return NULL;
	page = client_data(challenge, fault);
	authenticator_data(rp, fault, own);
	signed_bytes(own, sizeof(own), page, strlen(page), &bytes);
	sign(s, phone, &bytes, signature);
	signature[0] ^= is_fault(fault, "signature");
	derive(s, phone, is_fault(fault, "credential") ? "another" : "id", id);
	derive(s, phone, "user", handle);
	answer = json_pack("{s:o, s:o, s:s, s:s, s:{}, s:{s:o, s:o, s:o, s:o}}", "id",
	    text(id, sizeof(id)), "rawId", text(id, sizeof(id)), "type", "public-key",
	    "authenticatorAttachment", "platform", "clientExtensionResults", "response",
	    "clientDataJSON", text(page, strlen(page)), "authenticatorData", text(own, sizeof(own)),
	    "signature", text(signature, sizeof(signature)), "userHandle",
	    text(handle, sizeof(handle)));
	buf_done(&bytes);
	free(page);
	return answer;
}

/* -- verifying ------------------------------------------------------------------------ */

static bool
decode(const json_t *object, const char *name, struct buf *out)
{
	const char *value = json_string_value(json_object_get(object, name));

	return value != NULL && base64url_decode(value, out) == 0 && buf_ok(out) && out->len > 0;
}

static bool
is_signed(const struct sim *s, const char *phone, const struct buf *bytes, const struct buf *sig)
{
	EVP_PKEY *key = key_of(s, phone);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good;

	if (ctx == NULL || EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) != 1)
		abort();
	good = EVP_DigestVerify(ctx, sig->data, sig->len, bytes->data, bytes->len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return good;
}

static const char *
check_page(const struct buf *page, const uint8_t challenge[32])
{
	json_t *data = json_loadb((const char *)page->data, page->len, 0, NULL);
	const char *type = json_string_value(json_object_get(data, "type")),
		   *origin = json_string_value(json_object_get(data, "origin"));
	struct buf said = BUF_INIT(64);
	const char *wrong = NULL;

	if (type == NULL || strcmp(type, "webauthn.get") != 0)
		wrong = "not of a get";
	else if (origin == NULL || strcmp(origin, ORIGIN) != 0)
		wrong = "another origin";
	else if (!decode(data, "challenge", &said) || said.len != 32 ||
		 memcmp(said.data, challenge, 32) != 0)
		wrong = "another challenge";
	json_decref(data);
	buf_done(&said);
	return wrong;
}

static const char *
check_response(
    const struct sim *s, const char *phone, const uint8_t challenge[32], const json_t *response)
{
	struct buf page = BUF_INIT(WEBAUTHN_TEXT_MAX), own = BUF_INIT(1024), sig = BUF_INIT(1024),
		   bytes = BUF_INIT(2048);
	const char *wrong;

	if (!decode(response, "clientDataJSON", &page) ||
	    !decode(response, "authenticatorData", &own) || !decode(response, "signature", &sig) ||
	    own.len < AUTHENTICATOR_DATA_LEN)
		wrong = "a field of response is missing";
	else if ((wrong = check_page(&page, challenge)) == NULL &&
		 (own.data[SHA256_DIGEST_LENGTH] & USER_VERIFIED) == 0)
		wrong = "the user is not verified";
	if (wrong == NULL) {
		signed_bytes(own.data, own.len, page.data, page.len, &bytes);
		if (!is_signed(s, phone, &bytes, &sig))
			wrong = "the signature is wrong";
	}
	buf_done(&page);
	buf_done(&own);
	buf_done(&sig);
	buf_done(&bytes);
	return wrong;
}

const char *
authenticator_verify(const struct sim *s, const char *phone, const uint8_t challenge[32],
    const void *id, size_t id_len, const char *json, size_t json_len)
{
	json_t *root = json_loadb(json, json_len, JSON_REJECT_DUPLICATES, NULL);
	struct buf said = BUF_INIT(WEBAUTHN_ID_MAX), raw = BUF_INIT(WEBAUTHN_ID_MAX);
	uint8_t own[ID_LEN];
	const char *wrong;

	derive(s, phone, "id", own);
	if (!decode(root, "id", &said) || !decode(root, "rawId", &raw) || said.len != ID_LEN ||
	    raw.len != ID_LEN || id_len != ID_LEN || memcmp(said.data, own, ID_LEN) != 0 ||
	    memcmp(raw.data, own, ID_LEN) != 0 || memcmp(id, own, ID_LEN) != 0)
		wrong = "another credential";
	else
		wrong = check_response(s, phone, challenge, json_object_get(root, "response"));
	json_decref(root);
	buf_done(&said);
	buf_done(&raw);
	return wrong;
}
