/* SPDX-License-Identifier: GPL-3.0-or-later */
/* receive, resend: devices that ask again, and asking again: how, how often, and in whose chat. */
#include "tests/unit/link/receive_world.h"

/* Bob lost his session: he asks, Alice begins a new one for that device and sends the same again.
 */
static void
test_retry(void **state)
{
	const struct node *retry, *again;
	struct pair p;
	struct jid jid;

	(void)state;
	begin(&p);
	p.w.retry_text = "second";
	p.w.retry_phone = BOB;
	world_send(p.alice, "M1", BOB, "first");
	world_run(&p.w);
	world_send(p.bob, "R1", ALICE, "reply"); /* from now on Alice sends msg, not pkmsg */
	world_run(&p.w);
	memory_del(&p.bob->db.keydb, KEY_SESSION, "111000111_1.3");
	key_cache_trim(p.bob->m->keys, 0);
	world_send(p.alice, "M2", BOB, "second");
	world_run(&p.w);
	retry = world_written(p.bob, "receipt", "type", "retry", 0);
	assert_non_null(retry);
	assert_true(node_get_is(node_find(retry, "retry"), "count", "1"));
	assert_true(node_get_is(node_find(retry, "retry"), "id", "M2"));
	assert_null(node_find(retry, "keys"));
	/* The first resend was in the session that Bob does not have; the second brings his keys.
	 */
	retry = world_written(p.bob, "receipt", "type", "retry", 1);
	assert_non_null(retry);
	assert_true(node_get_is(node_find(retry, "retry"), "count", "2"));
	assert_non_null(node_find(node_find(retry, "keys"), "device-identity"));
	again = world_written(p.alice, "message", "id", "M2", 2);
	assert_non_null(again);
	assert_true(node_get_is(again, "device_fanout", "false"));
	assert_null(node_find(again, "participants"));
	assert_true(node_get_is(node_find(again, "enc"), "count", "2"));
	assert_true(node_get_is(node_find(again, "enc"), "type", "pkmsg"));
	assert_non_null(node_find(again, "device-identity"));
	assert_int_equal(node_get_jid(again, "to", &jid), 0);
	assert_true(jid_equal(&jid, &p.bob->credentials.own_lid));
	world_expect_message(p.bob, "M2", "second");
	/* Each request was acknowledged. */
	assert_non_null(world_written(p.alice, "ack", "type", "retry", 1));
	world_end(&p.w);
}

/* Nobody can make us repeat for ever, nor we anybody. */
static void
test_retry_limits(void **state)
{
	const uint8_t rubbish[] = {0x33, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	struct node *in = node_new("message", "id", "BAD", "t", "5", NULL);
	struct node *ask = node_new("receipt", "id", "M1", "type", "retry", NULL);
	struct pair p;
	size_t n = 0;

	(void)state;
	begin(&p);
	node_set_jid(in, "from", &p.alice->credentials.own_lid);
	node_bytes(node_child(in, "enc", "v", "2", "type", "msg", NULL), rubbish, sizeof(rubbish));
	p.alice->offline = true;
	for (unsigned i = 0; i < 10; i++) {
		messaging_message(p.bob->m, in);
		world_run(&p.w);
	}
	while (world_written(p.bob, "receipt", "type", "retry", n) != NULL)
		n++;
	assert_int_equal(n, 4);
	n = 0;
	while (world_written(p.bob, "ack", "class", "message", n) != NULL)
		n++;
	assert_int_equal(n, 10);
	/* The other way: the same message for the same device. */
	p.w.retry_text = "hello";
	p.w.retry_phone = ALICE;
	world_send(p.bob, "M0", ALICE, "hello");
	world_run(&p.w);
	node_set_jid(ask, "from", &p.alice->credentials.own_lid);
	(void)node_child(ask, "retry", "count", "1", "id", "M1", "t", "7", NULL);
	for (unsigned i = 0; i < 15; i++) {
		messaging_receipt(p.bob->m, ask);
		world_run(&p.w);
	}
	n = 0;
	while (world_written(p.bob, "message", "id", "M1", n) != NULL)
		n++;
	assert_int_equal(n, RESEND_TIMES_MAX);
	assert_true(node_get_is(world_written(p.bob, "message", "id", "M1", 0), "t", "7"));
	n = 0;
	while (world_written(p.bob, "ack", "class", "receipt", n) != NULL)
		n++;
	assert_int_equal(n, 15);
	node_free(&in);
	node_free(&ask);
	world_end(&p.w);
}

static size_t
count_acks(struct link *l)
{
	size_t n = 0;

	while (world_written(l, "ack", "class", "receipt", n) != NULL)
		n++;
	return n;
}

static const char *
phone_of_crowd(const char *id)
{
	static char phone[24];

	(void)snprintf(phone, sizeof(phone), "3330%05lu", strtoul(id + 1, NULL, 10));
	return phone;
}

/* A crowd asks again: each is served in its turn, none is sent away with an acknowledgement. */
static void
test_retry_crowd(void **state)
{
	struct node *ask = node_new("receipt", "type", "retry", NULL);
	struct pair p;

	(void)state;
	begin(&p);
	p.w.retry_text = "hello";
	p.w.retry_phone_of = phone_of_crowd;
	p.bob->db.hold_gets = true;
	(void)node_child(ask, "retry", "count", "1", NULL);
	for (unsigned i = 0; i < RESENDS_WAITING_MAX + 10; i++) {
		char user[24], id[24];
		struct jid jid;

		(void)snprintf(user, sizeof(user), "3330%05u", i);
		(void)snprintf(id, sizeof(id), "M%u", i);
		jid = jid_make(JID_SERVER_PN, user, 1);
		node_set(ask, "id", id);
		node_set_jid(ask, "from", &jid);
		messaging_receipt(p.bob->m, ask);
	}
	assert_int_equal(count_acks(p.bob), 0);
	p.bob->db.hold_gets = false;
	world_run(&p.w);
	assert_int_equal(p.w.asked_bundles, RESENDS_WAITING_MAX);
	assert_int_equal(count_acks(p.bob), RESENDS_WAITING_MAX);
	node_free(&ask);
	world_end(&p.w);
}

/* Who knows the id of what was said to somebody else does not get it. */
static void
test_retry_of_another_chat(void **state)
{
	struct node *ask = node_new("receipt", "id", "M1", "type", "retry", NULL);
	struct pair p;

	(void)state;
	begin(&p);
	p.w.retry_text = "a secret";
	p.w.retry_phone = "6281300000003";
	node_set_jid(ask, "from", &p.alice->credentials.own_lid);
	(void)node_child(ask, "retry", "count", "1", "id", "M1", "t", "7", NULL);
	messaging_receipt(p.bob->m, ask);
	world_run(&p.w);
	assert_null(world_written(p.bob, "message", NULL, NULL, 0));
	assert_non_null(world_written(p.bob, "ack", "class", "receipt", 0));
	node_free(&ask);
	world_end(&p.w);
}

static void
ask_again(struct pair *p, const char *id, const char *count, const uint8_t *registration)
{
	struct node *ask = node_new("receipt", "id", id, "type", "retry", NULL);

	node_set_jid(ask, "from", &p->bob->credentials.own_lid);
	(void)node_child(ask, "retry", "count", count, "id", id, "t", "7", NULL);
	if (registration != NULL)
		node_bytes(node_child(ask, "registration", NULL), registration, 4);
	messaging_receipt(p->alice->m, ask);
	world_run(&p->w);
	node_free(&ask);
}

/* Without keys of its own: the session is begun anew at the second time, within the hour not once
 * more for another message, but at the third time if the second was in the same one. Another
 * registration id is another device: at once. */
static void
test_new_sessions(void **state)
{
	static const uint8_t other[4] = {0, 0, 0x7f, 0x01};
	struct pair p;

	(void)state;
	begin(&p);
	p.w.retry_text = "M";
	p.w.retry_phone = BOB;
	world_send(p.alice, "M0", BOB, "M");
	world_run(&p.w);
	p.w.bundles = 0;
	ask_again(&p, "M1", "1", NULL);
	assert_int_equal(p.w.bundles, 0);
	ask_again(&p, "M1", "2", NULL);
	assert_int_equal(p.w.bundles, 1);
	ask_again(&p, "M2", "2", NULL);
	assert_int_equal(p.w.bundles, 1);
	ask_again(&p, "M2", "3", NULL);
	assert_int_equal(p.w.bundles, 2);
	ask_again(&p, "M2", "4", NULL);
	assert_int_equal(p.w.bundles, 2);
	ask_again(&p, "M3", "1", other);
	assert_int_equal(p.w.bundles, 3);
	assert_non_null(world_written(p.alice, "message", "id", "M3", 0));
	world_end(&p.w);
}

static void
test_retry_text_unknown(void **state)
{
	struct node *ask = node_new("receipt", "id", "M1", "type", "retry", NULL);
	struct pair p;

	(void)state;
	begin(&p);
	node_set_jid(ask, "from", &p.alice->credentials.own_lid);
	(void)node_child(ask, "retry", "count", "1", "id", "M1", NULL);
	messaging_receipt(p.bob->m, ask);
	world_run(&p.w);
	assert_null(world_written(p.bob, "message", NULL, NULL, 0));
	assert_non_null(world_written(p.bob, "ack", "class", "receipt", 0));
	node_free(&ask);
	world_end(&p.w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_retry),
	    cmocka_unit_test(test_retry_limits),
	    cmocka_unit_test(test_retry_crowd),
	    cmocka_unit_test(test_retry_of_another_chat),
	    cmocka_unit_test(test_new_sessions),
	    cmocka_unit_test(test_retry_text_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
