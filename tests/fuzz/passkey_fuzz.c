/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A passkey's request, any answer to it, and what the phone says, a line each: what passes is a
 * document that reads as it was written. */
#include <jansson.h>

#include "common/base64url.h"
#include "common/wa/passkey.h"
#include "common/webauthn.h"
#include "tests/fuzz/fuzz.h"

enum { OPTIONS, ID, CLIENT_DATA, AUTHENTICATOR_DATA, SIGNATURE, USER_HANDLE, LINES };

static void
check_phone(const uint8_t *data, size_t size)
{
	struct passkey_companion c, again;
	struct passkey_phone p;
	struct passkey_request r;
	const uint8_t key[PASSKEY_KEY_LEN] = {0}, nonce[PASSKEY_NONCE_LEN] = {0};
	struct buf out = BUF_INIT(PASSKEY_MESSAGE_MAX);

	if (passkey_prologue_read(data, size, &c) == 0) {
		passkey_prologue_write(&c, nonce, &out);
		must(passkey_prologue_read(out.data, out.len, &again) == 0);
		must(memcmp(&c, &again, sizeof(c)) == 0);
		must(passkey_prologue_fits(out.data, out.len, nonce));
	}
	(void)passkey_prologue_fits(data, size, nonce);
	(void)!passkey_phone_read(data, size, &p);
	must(passkey_request_open(key, data, size, &r) < 0);
	buf_done(&out);
}

static void
check_text(const char *text)
{
	struct buf bytes = BUF_INIT(4096), again = BUF_INIT(8192);

	if (base64url_decode(text, &bytes) == 0 && buf_ok(&bytes)) {
		base64url_add(&again, bytes.data, bytes.len);
		must(strcmp(buf_str(&again), text) == 0);
	}
	buf_done(&bytes);
	buf_done(&again);
}

static void
check_answer(const struct webauthn_assertion *a, const char *options)
{
	struct buf json = BUF_INIT(64 * 1024), id = BUF_INIT(WEBAUTHN_ID_MAX);
	json_t *root;

	if (webauthn_check(a, options) != NULL)
		return;
	webauthn_write(a, &json, &id);
	must(buf_ok(&json) && buf_ok(&id) && id.len > 0);
	root = json_loadb((const char *)json.data, json.len, JSON_REJECT_DUPLICATES, NULL);
	must(json_is_object(root) && json_object_size(root) == 4);
	json_decref(root);
	buf_done(&json);
	buf_done(&id);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = fuzz_text(data, size), *rest = text, *lines[LINES] = {NULL};
	struct buf options = BUF_INIT(WEBAUTHN_JSON_MAX), again = BUF_INIT(WEBAUTHN_JSON_MAX);

	check_phone(data, size);
	for (size_t i = 0; i < LINES; i++)
		lines[i] = strsep(&rest, "\n");
	for (size_t i = ID; i < LINES; i++)
		if (lines[i] != NULL)
			check_text(lines[i]);
	if (webauthn_options_read(lines[OPTIONS], strlen(lines[OPTIONS]), &options) == 0) {
		const struct webauthn_assertion a = {.id = lines[ID],
		    .client_data_json = lines[CLIENT_DATA],
		    .authenticator_data = lines[AUTHENTICATOR_DATA],
		    .signature = lines[SIGNATURE],
		    .user_handle = lines[USER_HANDLE]};

		must(webauthn_options_read(buf_str(&options), options.len, &again) == 0);
		must(strcmp(buf_str(&options), buf_str(&again)) == 0);
		check_answer(&a, buf_str(&options));
	}
	buf_done(&options);
	buf_done(&again);
	free(text);
	return 0;
}
