/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The hash of our keys at the server, counted here as PROTOCOL section 7 says, against the keys on
 * disk: the same, other keys, one that is not there, and answers that say nothing.
 */
#include "tests/unit/link/memory_keydb.h"

#include <openssl/evp.h>
#include <stdio.h>

#include "common/wa/signal_crypto.h"
#include "waconnd/link/prekey_check.h"
#include "waconnd/signal/signal_store.h"

#define KEYS 150 /* more than are read at once */
#define SHA1_LEN 20

static struct fixture {
	struct event_base *base;
	struct memory_keydb db;
	signal_context *context;
	struct credentials own;
	struct prekey_check *check;
	uint8_t pubs[KEYS][CURVE_KEY_LEN];
	unsigned called;
	bool same;
} fixture;

static int
setup(void **state)
{
	struct fixture *f = *state = &fixture;
	struct signal_store *s;

	memset(f, 0, sizeof(*f));
	f->base = event_base_new();
	memory_keydb_init(&f->db, f->base);
	assert_int_equal(wa_signal_context_new(&f->context), 0);
	assert_int_equal(credentials_generate(&f->own), 0);
	s = signal_store_new(f->context, NULL, &f->own);
	for (uint32_t i = 0; i < KEYS; i++) {
		char name[SIGNAL_PREKEY_NAME_MAX];
		struct buf record;

		signal_prekey_make(s, i + 1, f->pubs[i], &record);
		signal_prekey_name(i + 1, name);
		f->db.keydb.ops->put(&f->db.keydb, KEY_PREKEY, name, record.data, record.len);
		buf_done_secret(&record);
	}
	signal_store_free(&s);
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	prekey_check_free(&f->check);
	credentials_done(&f->own);
	memory_keydb_done(&f->db);
	wa_signal_context_free(&f->context);
	event_base_free(f->base);
	return 0;
}

static void
on_checked(void *arg, bool same)
{
	struct fixture *f = arg;

	f->called++;
	f->same = same;
	prekey_check_free(&f->check);
}

/* -- the server -- */

static void
add_id(struct node *parent, uint32_t id)
{
	const uint8_t b[3] = {(uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};

	node_bytes(node_child(parent, "id", NULL), b, sizeof(b));
}

/* Of the keys from `first` on, with this signed pre-key. */
static struct node *
answer_of(const struct fixture *f, uint32_t first, uint32_t skey_id, const uint8_t *skey,
    const uint8_t *signature)
{
	uint8_t hash[SHA1_LEN];
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	struct node *n = node_new("iq", "type", "result", NULL);
	struct node *digest = node_child(n, "digest", NULL), *list;

	assert_int_equal(EVP_DigestInit_ex(ctx, EVP_sha1(), NULL), 1);
	(void)EVP_DigestUpdate(ctx, f->own.identity.pub, CURVE_KEY_LEN);
	(void)EVP_DigestUpdate(ctx, skey, CURVE_KEY_LEN);
	(void)EVP_DigestUpdate(ctx, signature, CURVE_SIGNATURE_LEN);
	add_id(node_child(digest, "skey", NULL), skey_id);
	list = node_child(digest, "list", NULL);
	for (uint32_t id = first; id <= KEYS; id++) {
		add_id(list, id);
		(void)EVP_DigestUpdate(ctx, f->pubs[id - 1], CURVE_KEY_LEN);
	}
	assert_int_equal(EVP_DigestFinal_ex(ctx, hash, NULL), 1);
	EVP_MD_CTX_free(ctx);
	node_bytes(node_child(digest, "hash", NULL), hash, sizeof(hash));
	return n;
}

static struct node *
answer(const struct fixture *f, uint32_t first)
{
	return answer_of(
	    f, first, f->own.signed_prekey_id, f->own.signed_prekey.pub, f->own.signed_prekey_sig);
}

static bool
begins(struct fixture *f, struct node *n)
{
	f->called = 0;
	f->check = prekey_check_new(&f->db.keydb, f->context, &f->own, n, on_checked, f);
	node_free(&n);
	return f->check != NULL;
}

static bool
is_same(struct fixture *f, struct node *n)
{
	assert_true(begins(f, n));
	assert_int_equal(f->called, 0);
	memory_keydb_run(&f->db);
	assert_int_equal(f->called, 1);
	assert_null(f->check);
	return f->same;
}

/* -- tests -- */

static void
test_same(void **state)
{
	struct fixture *f = *state;

	assert_true(is_same(f, answer(f, 1)));
	/* The first ones were given out. */
	assert_true(is_same(f, answer(f, 23)));
	assert_true(is_same(f, answer(f, KEYS)));
}

static void
test_next_signed(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(credentials_make_next(&f->own), 0);
	assert_true(is_same(f, answer(f, 1)));
	assert_true(is_same(f, answer_of(f, 1, credentials_next_signed_id(&f->own),
				   f->own.next_signed_prekey.pub, f->own.next_signed_prekey_sig)));
	assert_false(is_same(f, answer_of(f, 1, credentials_next_signed_id(&f->own),
				    f->own.signed_prekey.pub, f->own.signed_prekey_sig)));
}

static void
test_other(void **state)
{
	struct fixture *f = *state;
	struct node *n;

	f->pubs[100][7] ^= 1;
	assert_false(is_same(f, answer(f, 1)));
	assert_true(is_same(f, answer(f, 102)));
	f->own.signed_prekey_sig[3] ^= 1;
	n = answer(f, 102);
	f->own.signed_prekey_sig[3] ^= 1;
	assert_false(is_same(f, n));
}

static void
test_gone(void **state)
{
	struct fixture *f = *state;
	char name[SIGNAL_PREKEY_NAME_MAX];

	signal_prekey_name(3, name);
	f->db.keydb.ops->del(&f->db.keydb, KEY_PREKEY, name);
	assert_false(is_same(f, answer(f, 1)));
	f->db.keydb.ops->put(&f->db.keydb, KEY_PREKEY, name, "junk", 4);
	assert_false(is_same(f, answer(f, 1)));
	assert_true(is_same(f, answer(f, 4)));
}

/* A database that fails says nothing about the server. */
static void
test_failure(void **state)
{
	struct fixture *f = *state;

	f->db.fail_gets = true;
	assert_true(is_same(f, answer(f, 1)));
}

static void
test_freed(void **state)
{
	struct fixture *f = *state;

	assert_true(begins(f, answer(f, 1)));
	prekey_check_free(&f->check);
	memory_keydb_run(&f->db);
	assert_int_equal(f->called, 0);
}

static struct node *
odd(const char *hash, size_t hash_len, const char *tag, size_t id_len, unsigned n_ids)
{
	struct node *n = node_new("iq", "type", "result", NULL);
	struct node *digest = node_child(n, "digest", NULL);
	struct node *list = node_child(digest, "list", NULL);

	node_bytes(node_child(digest, "hash", NULL), hash, hash_len);
	for (unsigned i = 0; i < n_ids; i++)
		node_bytes(node_child(list, tag, NULL), "\0\1\2\3", id_len);
	return n;
}

static void
test_nothing(void **state)
{
	struct fixture *f = *state;
	const char *hash = "01234567890123456789";

	assert_false(begins(f, node_new("iq", "type", "result", NULL)));
	assert_false(begins(f, odd(hash, 19, "id", 3, 1)));
	assert_false(begins(f, odd(hash, 20, "id", 3, 0)));
	assert_false(begins(f, odd(hash, 20, "id", 4, 1)));
	assert_false(begins(f, odd(hash, 20, "key", 3, 1)));
	assert_false(begins(f, odd(hash, 20, "id", 3, PREKEY_CHECK_KEYS_MAX + 1)));
	assert_false(is_same(f, odd(hash, 20, "id", 3, 5)));
}

static void
test_due(void **state)
{
	const int64_t now = 1700000000;

	(void)state;
	assert_true(prekey_check_due(0, now));
	assert_false(prekey_check_due(now, now));
	assert_false(prekey_check_due(now - PREKEY_CHECK_PERIOD_S + 1, now));
	assert_true(prekey_check_due(now - PREKEY_CHECK_PERIOD_S, now));
	assert_true(prekey_check_due(now + 1, now));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_same, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_next_signed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_other, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_failure, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_freed, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_nothing, setup, teardown),
	    cmocka_unit_test(test_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
