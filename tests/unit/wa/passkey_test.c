/* SPDX-License-Identifier: GPL-3.0-or-later */
/* passkey: messages, proof and code against values that were computed apart, both sides together,
 * and what is no message. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "common/wa/passkey.h"

static void
assert_hex(const void *data, size_t len, const char *hex)
{
	char text[512] = "";

	assert_int_equal(strlen(hex), 2 * len);
	for (size_t i = 0; i < len; i++)
		(void)snprintf(text + 2 * i, 3, "%02x", ((const uint8_t *)data)[i]);
	assert_string_equal(text, hex);
}

static struct passkey_companion
companion(void)
{
	struct passkey_companion c = {.platform = 1, .ref = "2@ref"};

	memset(c.pub, 1, sizeof(c.pub));
	return c;
}

static void
test_known(void **state)
{
	const struct passkey_companion c = companion();
	struct passkey_phone p;
	struct buf prologue = BUF_INIT(PASSKEY_MESSAGE_MAX);
	uint8_t secret[ADV_SECRET_LEN], nonce[PASSKEY_NONCE_LEN], key[PASSKEY_KEY_LEN], proof[32];
	char code[PAIR_CODE_LEN + 1];

	(void)state;
	for (uint8_t i = 0; i < sizeof(secret); i++)
		secret[i] = i;
	memset(nonce, 2, sizeof(nonce));
	passkey_handoff_key(secret, key);
	assert_hex(
	    key, sizeof(key), "bf71b722a793d4f9d2c8e46ad45266621b5d4c5273cca92d93068648346c10a5");
	passkey_prologue_write(&c, nonce, &prologue);
	assert_hex(prologue.data, prologue.len,
	    "0a2b0a20010101010101010101010101010101010101010101010101010101010101010110011a05324072"
	    "656612220a20afd946ab0400db4db7a0406585f1596afba950887fb0c3baef19f418e85259cb");
	passkey_proof(key, &prologue, proof);
	assert_hex(proof, sizeof(proof),
	    "4d62aa34ac499ab7cfb4bb32d94030e049006a748f48157ad545b647eae28022");
	memset(p.pub, 3, sizeof(p.pub));
	memset(p.nonce, 4, sizeof(p.nonce));
	passkey_code(nonce, &p, code);
	assert_string_equal(code, "5GVKQGZY");
	buf_done(&prologue);
}

static void
test_prologue(void **state)
{
	const struct passkey_companion c = companion();
	struct passkey_companion got;
	struct buf out = BUF_INIT(PASSKEY_MESSAGE_MAX);
	uint8_t nonce[PASSKEY_NONCE_LEN] = {5};

	(void)state;
	passkey_prologue_write(&c, nonce, &out);
	assert_int_equal(passkey_prologue_read(out.data, out.len, &got), 0);
	assert_memory_equal(&got, &c, sizeof(c));
	assert_true(passkey_prologue_fits(out.data, out.len, nonce));
	nonce[31] ^= 1;
	assert_false(passkey_prologue_fits(out.data, out.len, nonce));
	for (size_t cut = 0; cut < out.len; cut++) {
		assert_int_equal(passkey_prologue_read(out.data, cut, &got), -1);
		assert_false(passkey_prologue_fits(out.data, cut, nonce));
	}
	buf_done(&out);
}

static void
test_phone(void **state)
{
	struct passkey_phone p, got;
	struct buf out = BUF_INIT(PASSKEY_MESSAGE_MAX);

	(void)state;
	memset(&p, 9, sizeof(p));
	passkey_phone_write(&p, &out);
	assert_int_equal(passkey_phone_read(out.data, out.len, &got), 0);
	assert_memory_equal(&got, &p, sizeof(p));
	for (size_t cut = 0; cut < out.len; cut++)
		assert_int_equal(passkey_phone_read(out.data, cut, &got), -1);
	buf_done(&out);
}

static void
test_request(void **state)
{
	struct passkey_companion c = companion();
	struct curve_pair ours, theirs;
	struct passkey_request r, got;
	struct buf out = BUF_INIT(PASSKEY_MESSAGE_MAX);
	uint8_t key[PASSKEY_KEY_LEN], same[PASSKEY_KEY_LEN], zero[CURVE_KEY_LEN] = {0};
	const uint8_t iv[GCM_IV_LEN] = {1, 2, 3};

	(void)state;
	curve_generate(&ours);
	curve_generate(&theirs);
	memset(&r, 7, sizeof(r));
	assert_int_equal(passkey_request_key(&ours, theirs.pub, &c, key), 0);
	assert_int_equal(passkey_request_key(&theirs, ours.pub, &c, same), 0);
	assert_memory_equal(key, same, sizeof(key));
	assert_int_equal(passkey_request_key(&ours, zero, &c, same), -1);
	passkey_request_seal(key, iv, &r, &out);
	assert_int_equal(passkey_request_open(key, out.data, out.len, &got), 0);
	assert_memory_equal(&got, &r, sizeof(r));
	/* Another platform or reference is another key. */
	c.platform = 7;
	assert_int_equal(passkey_request_key(&theirs, ours.pub, &c, same), 0);
	assert_int_equal(passkey_request_open(same, out.data, out.len, &got), -1);
	for (size_t cut = 0; cut < out.len; cut++)
		assert_int_equal(passkey_request_open(key, out.data, cut, &got), -1);
	out.data[out.len / 2] ^= 1;
	assert_int_equal(passkey_request_open(key, out.data, out.len, &got), -1);
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_known),
	    cmocka_unit_test(test_prologue),
	    cmocka_unit_test(test_phone),
	    cmocka_unit_test(test_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
