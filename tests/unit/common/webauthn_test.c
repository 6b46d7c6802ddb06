/* SPDX-License-Identifier: GPL-3.0-or-later */
/* webauthn: which requests a page could answer, and for each part of an answer what it may not be.
 */
#include "tests/unit/cmocka_all.h"

#include <jansson.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "common/base64url.h"
#include "common/webauthn.h"

#define CHALLENGE "AAECAwQFBgcICQoLDA0ODw"
#define ID "AQIDBA"
#define OPTIONS                                                       \
	"{\"challenge\":\"" CHALLENGE                                 \
	"\",\"rpId\":\"whatsapp.com\",\"allowCredentials\":[{\"id\":" \
	"\"" ID "\",\"type\":\"public-key\"}],\"userVerification\":\"required\"}"
#define CLIENT_DATA(type, challenge, origin) \
	"{\"type\":\"" type "\",\"challenge\":\"" challenge "\",\"origin\":\"" origin "\"}"
#define GOOD CLIENT_DATA("webauthn.get", CHALLENGE, "https://web.whatsapp.com")

static void
test_options(void **state)
{
	static const struct {
		const char *json;
		int result;
	} rows[] = {
	    {OPTIONS, 0},
	    {"{\"challenge\":\"" CHALLENGE "\"}", 0},
	    {" { \"challenge\" : \"" CHALLENGE "\" , \"more\" : [1] } ", 0},
	    {"", -1},
	    {"[]", -1},
	    {"{}", -1},
	    {"{\"challenge\":\"AAAA\"}", -1},
	    {"{\"challenge\":7}", -1},
	    {"{\"challenge\":\"" CHALLENGE "==\"}", -1},
	    {"{\"challenge\":\"" CHALLENGE "\",\"challenge\":\"" CHALLENGE "\"}", -1},
	    {"{\"challenge\":\"" CHALLENGE "\",\"rpId\":\"\"}", -1},
	    {"{\"challenge\":\"" CHALLENGE "\",\"rpId\":\"a/b\"}", -1},
	    {"{\"challenge\":\"" CHALLENGE "\",\"rpId\":1}", -1},
	    {"{\"challenge\":\"" CHALLENGE "\",\"userVerification\":1}", -1},
	    {"{\"challenge\":\"" CHALLENGE "\",\"allowCredentials\":{}}", -1},
	    {"{\"challenge\":\"" CHALLENGE "\",\"allowCredentials\":[{}]}", -1},
	    {"{\"challenge\":\"" CHALLENGE "\"} x", -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct buf out = BUF_INIT(WEBAUTHN_JSON_MAX);

		assert_int_equal(webauthn_options_read(rows[i].json, strlen(rows[i].json), &out),
		    rows[i].result);
		if (rows[i].result == 0)
			assert_null(strchr(buf_str(&out), ' '));
		buf_done(&out);
	}
}

static void
test_options_too_long(void **state)
{
	static char json[WEBAUTHN_JSON_MAX + 64];
	struct buf out = BUF_INIT(sizeof(json));
	size_t n = 0;

	(void)state;
	n += (size_t)snprintf(json, sizeof(json), "%s", OPTIONS);
	while (n < WEBAUTHN_JSON_MAX)
		json[n++] = ' ';
	assert_int_equal(webauthn_options_read(json, n, &out), 0);
	json[n++] = ' ';
	assert_int_equal(webauthn_options_read(json, n, &out), -1);
	buf_done(&out);
}

/* An answer, with one part replaced: client data in plain text, the rest as it is. */
struct answer {
	const char *id, *client_data, *rp;
	uint8_t flags;
	size_t data_len;
	const char *signature, *user_handle;
};

static const struct answer good = {
    ID, GOOD, "whatsapp.com", 0x05, 37, "AAAAAAAAAAAAAAAAAAAA", NULL};

static const char *
judge(const struct answer *a, const char *options)
{
	struct buf page = BUF_INIT(8192), data = BUF_INIT(8192);
	uint8_t own[128] = {0};
	struct webauthn_assertion w = {.id = a->id, .signature = a->signature};
	const struct webauthn_flaw *flaw;

	(void)SHA256((const unsigned char *)a->rp, strlen(a->rp), own);
	own[32] = a->flags;
	base64url_add(&data, own, a->data_len);
	base64url_add(&page, a->client_data, strlen(a->client_data));
	w.client_data_json = buf_str(&page);
	w.authenticator_data = buf_str(&data);
	w.user_handle = a->user_handle;
	flaw = webauthn_check(&w, options);
	buf_done(&page);
	buf_done(&data);
	return flaw != NULL ? flaw->code : "";
}

static void
test_answers(void **state)
{
	static const struct {
		const char *code;
		struct answer a;
	} rows[] = {
	    {"", {ID, GOOD, "whatsapp.com", 0x05, 37, "AAAAAAAAAAAAAAAAAAAA", "dXNlcg"}},
	    {"", {ID, CLIENT_DATA("webauthn.get", CHALLENGE, "https://whatsapp.com"),
		     "whatsapp.com", 0x1d, 60, "AAAAAAAAAAA", ""}},
	    {"invalid", {"", GOOD, "whatsapp.com", 0x05, 37, "AAAAAAAAAAA", NULL}},
	    {"invalid", {"AQIDBA==", GOOD, "whatsapp.com", 0x05, 37, "AAAAAAAAAAA", NULL}},
	    {"other_credential", {"AQIDBQ", GOOD, "whatsapp.com", 0x05, 37, "AAAAAAAAAAA", NULL}},
	    {"invalid", {ID, "", "whatsapp.com", 0x05, 37, "AAAAAAAAAAA", NULL}},
	    {"invalid", {ID, "[]", "whatsapp.com", 0x05, 37, "AAAAAAAAAAA", NULL}},
	    {"other_type", {ID, "{}", "whatsapp.com", 0x05, 37, "AAAAAAAAAAA", NULL}},
	    {"other_type", {ID, CLIENT_DATA("webauthn.create", CHALLENGE, "https://whatsapp.com"),
			       "whatsapp.com", 0x05, 37, "AAAAAAAAAAA", NULL}},
	    {"other_challenge",
		{ID, CLIENT_DATA("webauthn.get", "AAECAwQFBgcICQoLDA0OEA", "https://whatsapp.com"),
		    "whatsapp.com", 0x05, 37, "AAAAAAAAAAA", NULL}},
	    {"other_origin", {ID, CLIENT_DATA("webauthn.get", CHALLENGE, "http://whatsapp.com"),
				 "whatsapp.com", 0x05, 37, "AAAAAAAAAAA", NULL}},
	    {"other_origin", {ID, CLIENT_DATA("webauthn.get", CHALLENGE, "https://notwhatsapp.com"),
				 "whatsapp.com", 0x05, 37, "AAAAAAAAAAA", NULL}},
	    {"other_origin",
		{ID, CLIENT_DATA("webauthn.get", CHALLENGE, "https://whatsapp.com.evil"),
		    "whatsapp.com", 0x05, 37, "AAAAAAAAAAA", NULL}},
	    {"other_origin", {ID,
				 "{\"type\":\"webauthn.get\",\"challenge\":\"" CHALLENGE
				 "\",\"origin\":\"https://whatsapp.com\",\"crossOrigin\":true}",
				 "whatsapp.com", 0x05, 37, "AAAAAAAAAAA", NULL}},
	    {"invalid", {ID, GOOD, "whatsapp.com", 0x05, 36, "AAAAAAAAAAA", NULL}},
	    {"other_site", {ID, GOOD, "example.com", 0x05, 37, "AAAAAAAAAAA", NULL}},
	    {"not_verified", {ID, GOOD, "whatsapp.com", 0x01, 37, "AAAAAAAAAAA", NULL}},
	    {"not_verified", {ID, GOOD, "whatsapp.com", 0x04, 37, "AAAAAAAAAAA", NULL}},
	    {"invalid", {ID, GOOD, "whatsapp.com", 0x05, 37, "AAAA", NULL}},
	    {"invalid", {ID, GOOD, "whatsapp.com", 0x05, 37, NULL, NULL}},
	    {"invalid", {ID, GOOD, "whatsapp.com", 0x05, 37, "AAAAAAAAAAA", "*"}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(judge(&rows[i].a, OPTIONS), rows[i].code);
}

/* What the request does not ask for is not asked for here either. */
static void
test_less_asked(void **state)
{
	struct answer a = good;

	(void)state;
	a.id = "AQIDBQ";
	a.flags = 0x01;
	assert_string_equal(judge(&a, "{\"challenge\":\"" CHALLENGE "\"}"), "");
}

static void
test_nothing(void **state)
{
	const struct webauthn_assertion nothing = {NULL};

	(void)state;
	assert_string_equal(webauthn_check(&nothing, OPTIONS)->field, "id");
}

static void
test_written(void **state)
{
	const struct webauthn_assertion a = {ID, "cGFnZQ", "ZGF0YQ", "c2ln", NULL};
	struct buf json = BUF_INIT(WEBAUTHN_JSON_MAX), id = BUF_INIT(WEBAUTHN_ID_MAX);

	(void)state;
	webauthn_write(&a, &json, &id);
	assert_string_equal(buf_str(&json),
	    "{\"id\":\"" ID "\",\"rawId\":\"" ID "\",\"type\":\"public-key\",\"response\":{"
	    "\"clientDataJSON\":\"cGFnZQ\",\"authenticatorData\":\"ZGF0YQ\",\"signature\":\"c2ln\","
	    "\"userHandle\":null}}");
	assert_int_equal(id.len, 4);
	assert_memory_equal(id.data, "\1\2\3\4", 4);
	buf_done(&json);
	buf_done(&id);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_options),
	    cmocka_unit_test(test_options_too_long),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_less_asked),
	    cmocka_unit_test(test_nothing),
	    cmocka_unit_test(test_written),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
