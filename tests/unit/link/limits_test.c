/* SPDX-License-Identifier: GPL-3.0-or-later */
/* device_cache, resend_limit, peer, stanza_id: the small bounded things, by given times. */
#include "tests/unit/cmocka_all.h"

#include "tests/unit/wa/vectors.h"
#include "waconnd/link/device_cache.h"
#include "waconnd/link/peer.h"
#include "waconnd/link/resend.h"
#include "waconnd/link/resend_limit.h"
#include "waconnd/link/stanza_id.h"

static void
test_device_cache(void **state)
{
	const struct device_list list = {.n = 2, .ids = {{0, false}, {99, true}}};
	struct device_cache *c = device_cache_new();
	const struct jid lid = jid_make(JID_SERVER_LID, "1", 0),
			 pn = jid_make(JID_SERVER_PN, "1", 0);
	const struct device_list *found;
	struct jid jid;

	(void)state;
	assert_null(device_cache_find(c, &lid, 0));
	device_cache_put(c, &lid, &list, 1000);
	assert_null(device_cache_find(c, &pn, 1000));
	found = device_cache_find(c, &lid, 1000 + DEVICE_CACHE_AGE_MS - 1);
	assert_non_null(found);
	jid = device_address(&lid, found->ids[1]);
	assert_int_equal(jid.server, JID_SERVER_HOSTED_LID);
	assert_int_equal(jid.device, 99);
	jid = device_address(&pn, found->ids[1]);
	assert_int_equal(jid.server, JID_SERVER_HOSTED);
	assert_null(device_cache_find(c, &lid, 1000 + DEVICE_CACHE_AGE_MS));
	device_cache_put(c, &lid, &list, 1000);
	device_cache_drop(c, &lid);
	assert_null(device_cache_find(c, &lid, 1000));
	device_cache_free(&c);
}

/* The least used goes first. */
static void
test_device_cache_is_bounded(void **state)
{
	const struct device_list list = {.n = 1};
	struct device_cache *c = device_cache_new();
	struct jid jid = jid_make(JID_SERVER_LID, "", 0);

	(void)state;
	for (unsigned i = 0; i < DEVICE_CACHE_USERS_MAX; i++) {
		(void)snprintf(jid.user, sizeof(jid.user), "%u", i);
		device_cache_put(c, &jid, &list, 0);
	}
	jid = jid_make(JID_SERVER_LID, "0", 0);
	assert_non_null(device_cache_find(c, &jid, 0));
	jid = jid_make(JID_SERVER_LID, "new", 0);
	device_cache_put(c, &jid, &list, 0);
	jid = jid_make(JID_SERVER_LID, "0", 0);
	assert_non_null(device_cache_find(c, &jid, 0));
	jid = jid_make(JID_SERVER_LID, "1", 0);
	assert_null(device_cache_find(c, &jid, 0));
	device_cache_free(&c);
}

static void
test_resends_of_one_message(void **state)
{
	struct resend_limit *l = resend_limit_new();
	const struct jid device = jid_make(JID_SERVER_LID, "1", 2),
			 other = jid_make(JID_SERVER_LID, "1", 3);
	int64_t now = 0;

	(void)state;
	for (unsigned i = 0; i < RESEND_TIMES_MAX; i++, now += 60000)
		assert_true(resend_limit_take(l, &device, "M", now));
	assert_false(resend_limit_take(l, &device, "M", now));
	assert_true(resend_limit_take(l, &device, "N", now));
	assert_true(resend_limit_take(l, &other, "M", now));
	resend_limit_free(&l);
}

static void
test_resends_to_one_chat(void **state)
{
	struct resend_limit *l = resend_limit_new();
	const struct jid device = jid_make(JID_SERVER_LID, "1", 2),
			 other = jid_make(JID_SERVER_LID, "2", 0);
	unsigned taken = 0;
	char id[16];

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		(void)snprintf(id, sizeof(id), "M%u", i);
		taken += resend_limit_take(l, &device, id, 0);
	}
	assert_int_equal(taken, RESEND_BURST);
	assert_true(resend_limit_take(l, &other, "M1", 0));
	for (unsigned i = 100; i < 200; i++) {
		(void)snprintf(id, sizeof(id), "M%u", i);
		taken += resend_limit_take(l, &device, id, 60000);
	}
	assert_int_equal(taken, RESEND_BURST + RESEND_PER_MINUTE);
	resend_limit_free(&l);
}

/* A device's session is begun anew once an hour; a message is noticed to go in the same session. */
static void
test_renewed_sessions(void **state)
{
	static const uint8_t one[CURVE_KEY_LEN] = {1}, two[CURVE_KEY_LEN] = {2};
	struct resend_limit *l = resend_limit_new();
	const struct jid device = jid_make(JID_SERVER_LID, "1", 0),
			 other = jid_make(JID_SERVER_LID, "1", 3);

	(void)state;
	assert_true(resend_limit_renew(l, &device, 1000));
	assert_false(resend_limit_renew(l, &device, 1000 + 3599999));
	assert_true(resend_limit_renew(l, &other, 1000));
	assert_true(resend_limit_renew(l, &device, 1000 + 3600000));
	assert_false(resend_limit_same_session(l, &device, "M", one, 0));
	assert_true(resend_limit_same_session(l, &device, "M", one, 0));
	assert_false(resend_limit_same_session(l, &device, "M", two, 0));
	assert_false(resend_limit_same_session(l, &other, "M", two, 0));
	resend_limit_free(&l);
}

/* Whoever asks with ever new names finds no unbounded memory, and gets no further than the burst of
 * each chat. */
static void
test_resend_limit_is_bounded(void **state)
{
	struct resend_limit *l = resend_limit_new();
	struct jid jid = jid_make(JID_SERVER_LID, "", 0);

	(void)state;
	for (unsigned i = 0; i < 10 * RESEND_REMEMBERED_MAX; i++) {
		(void)snprintf(jid.user, sizeof(jid.user), "%u", i);
		assert_true(resend_limit_take(l, &jid, "M", 0));
	}
	resend_limit_free(&l);
}

static void
test_token_age(void **state)
{
	const int64_t week = 604800, now = 2900 * week + 1000;
	static const struct {
		int64_t weeks_ago;
		bool valid;
	} table[] = {
	    {0, true},
	    {1, true},
	    {3, true},
	    {4, false},
	    {10, false},
	};
	struct peer p = {.token_len = 3};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		/* The first second of a bucket counts as its last. */
		p.token_t = (now / week - table[i].weeks_ago) * week;
		assert_int_equal(peer_token_valid(&p, now), table[i].valid);
		p.token_t += week - 1;
		assert_int_equal(peer_token_valid(&p, now), table[i].valid);
	}
	p.token_t = 0;
	assert_false(peer_token_valid(&p, now));
	p = (struct peer){.token_t = now};
	assert_false(peer_token_valid(&p, now));
	assert_true(peer_issue_due(&p, now));
	p.issued_t = now;
	assert_false(peer_issue_due(&p, now));
	assert_true(peer_issue_due(&p, now + week));
}

static void
test_token_expiry_vector(void **state)
{
	const json_t *v = vector("tctoken-expiry");
	const int64_t now = json_integer_value(vector_at(v, "inputs.now"));
	struct peer p = {.token_len = 3};

	(void)state;
	p.token_t = json_integer_value(vector_at(v, "outputs.expired_example"));
	assert_false(peer_token_valid(&p, now));
	p.token_t = json_integer_value(vector_at(v, "outputs.valid_example"));
	assert_true(peer_token_valid(&p, now));
	assert_int_equal(p.token_t, json_integer_value(vector_at(v, "outputs.cutoff")));
}

static void
test_peer_records(void **state)
{
	uint8_t record[400] = {1};
	struct peer p;

	(void)state;
	assert_int_equal(peer_unpack(record, 0, &p), -1);
	assert_int_equal(peer_unpack(record, 17, &p), -1);
	assert_int_equal(peer_unpack(record, 18, &p), 0);
	assert_int_equal(p.token_len, 0);
	record[17] = 4;
	memcpy(record + 18, "6281", 4);
	assert_int_equal(peer_unpack(record, 21, &p), -1);
	assert_int_equal(peer_unpack(record, 25, &p), 0);
	assert_string_equal(p.phone, "6281");
	assert_int_equal(p.token_len, 3);
	assert_int_equal(peer_unpack(record, sizeof(record), &p), -1); /* token too long */
	record[17] = 200;
	assert_int_equal(peer_unpack(record, 250, &p), -1);
	record[0] = 2;
	assert_int_equal(peer_unpack(record, 18, &p), -1);
}

static void
test_stanza_ids(void **state)
{
	char text[STANZA_ID_MAX + 1];

	(void)state;
	assert_true(stanza_id_is_plain("3EB0A1.b-c:2"));
	assert_false(stanza_id_is_plain(NULL));
	assert_false(stanza_id_is_plain(""));
	assert_false(stanza_id_is_plain("a b"));
	assert_false(stanza_id_is_plain("a\n"));
	assert_false(stanza_id_is_plain("\xc3\xa4"));
	memset(text, 'a', sizeof(text) - 1);
	text[STANZA_ID_MAX] = '\0';
	assert_false(stanza_id_is_plain(text));
	text[STANZA_ID_MAX - 1] = '\0';
	assert_true(stanza_id_is_plain(text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_device_cache),
	    cmocka_unit_test(test_device_cache_is_bounded),
	    cmocka_unit_test(test_resends_of_one_message),
	    cmocka_unit_test(test_resends_to_one_chat),
	    cmocka_unit_test(test_renewed_sessions),
	    cmocka_unit_test(test_resend_limit_is_bounded),
	    cmocka_unit_test(test_token_age),
	    cmocka_unit_test(test_token_expiry_vector),
	    cmocka_unit_test(test_peer_records),
	    cmocka_unit_test(test_stanza_ids),
	};

	return VECTORS_RUN(tests);
}
