/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Requests and assertions read and checked field by field. It knows no public key, keeps nothing
 * and logs nothing. */
#include "common/webauthn.h"

#include <jansson.h>
#include <openssl/sha.h>
#include <string.h>

#include "common/base64url.h"

#define CHALLENGE_MIN 16
#define CHALLENGE_MAX 1024
#define CREDENTIALS_MAX 64
#define RP_MAX 253 /* characters of a host name */
#define RP_DEFAULT "whatsapp.com"
#define CLIENT_DATA_MAX 4096
#define AUTHENTICATOR_DATA_MIN 37 /* hash of the rpId, flags, counter */
#define AUTHENTICATOR_DATA_MAX 4096
#define SIGNATURE_MIN 8
#define SIGNATURE_MAX 1024
#define USER_HANDLE_MAX 64
#define USER_PRESENT 0x01
#define USER_VERIFIED 0x04

/* -- the request -- */

/* The bytes of a text; false when it has fewer than min or more than max. */
static bool
decode(const char *text, size_t min, size_t max, struct buf *out)
{
	buf_init(out, max);
	return text != NULL && base64url_decode(text, out) == 0 && buf_ok(out) && out->len >= min;
}

static bool
is_bytes(const char *text, size_t min, size_t max)
{
	struct buf bytes;
	const bool good = decode(text, min, max, &bytes);

	buf_done(&bytes);
	return good;
}

static const char *
rp_id(const json_t *options)
{
	const char *id = json_string_value(json_object_get(options, "rpId"));

	return id != NULL ? id : RP_DEFAULT;
}

static bool
is_host(const char *name)
{
	const size_t len = strlen(name);

	return len > 0 && len <= RP_MAX &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-") == len;
}

static bool
is_text_or_absent(const json_t *object, const char *name)
{
	const json_t *v = json_object_get(object, name);

	return v == NULL || json_is_string(v);
}

static bool
are_credentials(const json_t *list)
{
	const json_t *one;
	size_t i;

	if (list == NULL)
		return true;
	if (!json_is_array(list) || json_array_size(list) > CREDENTIALS_MAX)
		return false;
	json_array_foreach(list, i, one)
	{
		if (!is_bytes(json_string_value(json_object_get(one, "id")), 1, WEBAUTHN_ID_MAX))
			return false;
	}
	return true;
}

static bool
are_options(const json_t *root)
{
	return json_is_object(root) && is_text_or_absent(root, "rpId") && is_host(rp_id(root)) &&
	       is_text_or_absent(root, "userVerification") &&
	       is_bytes(json_string_value(json_object_get(root, "challenge")), CHALLENGE_MIN,
		   CHALLENGE_MAX) &&
	       are_credentials(json_object_get(root, "allowCredentials"));
}

static int
append(const char *text, size_t len, void *out)
{
	buf_add(out, text, len);
	return 0;
}

int
webauthn_options_read(const void *json, size_t len, struct buf *out)
{
	json_error_t error;
	json_t *root = NULL;
	int r = -1;

	if (len <= WEBAUTHN_JSON_MAX)
		root = json_loadb(json, len, JSON_REJECT_DUPLICATES, &error);
	if (are_options(root) && json_dump_callback(root, append, out, JSON_COMPACT) == 0 &&
	    buf_ok(out))
		r = 0;
	json_decref(root);
	return r;
}

/* -- the answer -- */

static const struct webauthn_flaw no_id = {
    "id", "invalid", "The credential's id in base64url without padding."};
static const struct webauthn_flaw other_credential = {"id", "other_credential",
    "This passkey is none of those that WhatsApp asks for: use the one of the outlet's account."};
static const struct webauthn_flaw no_client_data = {
    "response.clientDataJSON", "invalid", "What the browser signed, in base64url without padding."};
static const struct webauthn_flaw other_type = {"response.clientDataJSON", "other_type",
    "It is not of navigator.credentials.get: nothing is to be created."};
static const struct webauthn_flaw other_challenge = {"response.clientDataJSON", "other_challenge",
    "It answers another request. Use the options as they are now."};
static const struct webauthn_flaw other_origin = {"response.clientDataJSON", "other_origin",
    "It was made on another site. Make it on a page of WhatsApp, such as "
    "https://web.whatsapp.com."};
static const struct webauthn_flaw no_authenticator_data = {
    "response.authenticatorData", "invalid", "The authenticator's data in base64url."};
static const struct webauthn_flaw other_site = {"response.authenticatorData", "other_site",
    "The authenticator signed for another site than WhatsApp's."};
static const struct webauthn_flaw not_verified = {"response.authenticatorData", "not_verified",
    "The authenticator did not verify the person (fingerprint, face or PIN)."};
static const struct webauthn_flaw no_signature = {
    "response.signature", "invalid", "The signature in base64url without padding."};
static const struct webauthn_flaw no_user_handle = {
    "response.userHandle", "invalid", "At most 64 bytes in base64url, or null."};

static bool
same_bytes(const char *a, const char *b, size_t max)
{
	struct buf x, y;
	bool good = decode(a, 1, max, &x);

	good =
	    decode(b, 1, max, &y) && good && x.len == y.len && memcmp(x.data, y.data, x.len) == 0;
	buf_done(&x);
	buf_done(&y);
	return good;
}

static const struct webauthn_flaw *
check_id(const char *id, const json_t *options)
{
	const json_t *list = json_object_get(options, "allowCredentials"), *one;
	size_t i;

	if (!is_bytes(id, 1, WEBAUTHN_ID_MAX))
		return &no_id;
	if (json_array_size(list) == 0)
		return NULL;
	json_array_foreach(list, i, one)
	{
		if (same_bytes(id, json_string_value(json_object_get(one, "id")), WEBAUTHN_ID_MAX))
			return NULL;
	}
	return &other_credential;
}

/* "https://HOST" of the site itself or a part of it. */
static bool
is_origin(const char *origin, const char *rp)
{
	static const char scheme[] = "https://";
	const size_t rp_len = strlen(rp);
	size_t len;

	if (origin == NULL || strncmp(origin, scheme, sizeof(scheme) - 1) != 0)
		return false;
	origin += sizeof(scheme) - 1;
	len = strlen(origin);
	return len >= rp_len && is_host(origin) && strcmp(origin + len - rp_len, rp) == 0 &&
	       (len == rp_len || origin[len - rp_len - 1] == '.');
}

static const struct webauthn_flaw *
check_signed(const json_t *data, const json_t *options)
{
	const char *type = json_string_value(json_object_get(data, "type")),
		   *challenge = json_string_value(json_object_get(data, "challenge"));

	if (!json_is_object(data))
		return &no_client_data;
	if (type == NULL || strcmp(type, "webauthn.get") != 0)
		return &other_type;
	if (!same_bytes(
		challenge, json_string_value(json_object_get(options, "challenge")), CHALLENGE_MAX))
		return &other_challenge;
	if (json_is_true(json_object_get(data, "crossOrigin")) ||
	    !is_origin(json_string_value(json_object_get(data, "origin")), rp_id(options)))
		return &other_origin;
	return NULL;
}

static const struct webauthn_flaw *
check_client_data(const char *text, const json_t *options)
{
	const struct webauthn_flaw *flaw = &no_client_data;
	json_error_t error;
	json_t *data = NULL;
	struct buf bytes;

	if (decode(text, 2, CLIENT_DATA_MAX, &bytes))
		data =
		    json_loadb((const char *)bytes.data, bytes.len, JSON_REJECT_DUPLICATES, &error);
	if (data != NULL)
		flaw = check_signed(data, options);
	json_decref(data);
	buf_done(&bytes);
	return flaw;
}

static const struct webauthn_flaw *
check_authenticator(const char *text, const json_t *options)
{
	const char *rp = rp_id(options),
		   *verification = json_string_value(json_object_get(options, "userVerification"));
	const struct webauthn_flaw *flaw = NULL;
	uint8_t hash[SHA256_DIGEST_LENGTH], flags;
	struct buf data;

	if (!decode(text, AUTHENTICATOR_DATA_MIN, AUTHENTICATOR_DATA_MAX, &data)) {
		buf_done(&data);
		return &no_authenticator_data;
	}
	(void)SHA256((const unsigned char *)rp, strlen(rp), hash);
	flags = data.data[sizeof(hash)];
	if (memcmp(data.data, hash, sizeof(hash)) != 0)
		flaw = &other_site;
	else if ((flags & USER_PRESENT) == 0 ||
		 (verification != NULL && strcmp(verification, "required") == 0 &&
		     (flags & USER_VERIFIED) == 0))
		flaw = &not_verified;
	buf_done(&data);
	return flaw;
}

const struct webauthn_flaw *
webauthn_check(const struct webauthn_assertion *a, const char *options)
{
	json_t *root = json_loads(options, 0, NULL);
	const struct webauthn_flaw *flaw = check_id(a->id, root);

	if (flaw == NULL)
		flaw = check_client_data(a->client_data_json, root);
	if (flaw == NULL)
		flaw = check_authenticator(a->authenticator_data, root);
	if (flaw == NULL && !is_bytes(a->signature, SIGNATURE_MIN, SIGNATURE_MAX))
		flaw = &no_signature;
	if (flaw == NULL && a->user_handle != NULL && !is_bytes(a->user_handle, 0, USER_HANDLE_MAX))
		flaw = &no_user_handle;
	json_decref(root);
	return flaw;
}

/* Nothing in these texts needs quoting: they are base64url. */
void
webauthn_write(const struct webauthn_assertion *a, struct buf *out_json, struct buf *out_id)
{
	buf_addf(out_json,
	    "{\"id\":\"%s\",\"rawId\":\"%s\",\"type\":\"public-key\",\"response\":{"
	    "\"clientDataJSON\":\"%s\",\"authenticatorData\":\"%s\",\"signature\":\"%s\","
	    "\"userHandle\":",
	    a->id, a->id, a->client_data_json, a->authenticator_data, a->signature);
	if (a->user_handle != NULL)
		buf_addf(out_json, "\"%s\"}}", a->user_handle);
	else
		buf_add_str(out_json, "null}}");
	if (base64url_decode(a->id, out_id) < 0)
		buf_reset(out_id);
}
