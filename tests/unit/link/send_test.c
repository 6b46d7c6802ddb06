/* SPDX-License-Identifier: GPL-3.0-or-later */
/* send: texts from one party to another through the whole message side, and everything that can
 * refuse them. */
#include "tests/unit/link/message_world.h"

#include "common/wa/plain.h"

#define ALICE "6281100000001"
#define BOB "6281200000002"
#define CAROL "6281300000003"

struct pair {
	struct world w;
	struct link *alice, *alice_phone, *bob;
};

/* Alice has a phone and sends from device 3; Bob has a phone. */
static void
begin(struct pair *p)
{
	world_begin(&p->w);
	p->alice_phone = world_party(&p->w, ALICE, "111000111", 0);
	p->alice = world_party(&p->w, ALICE, "111000111", 3);
	p->bob = world_party(&p->w, BOB, "222000222", 0);
}

static const struct node *
enc_for(const struct node *message, const struct link *l)
{
	const struct node *participants = node_find(message, "participants");
	struct jid jid;

	for (const struct node *t = node_first(participants); t != NULL; t = node_next(t))
		if (node_get_jid(t, "jid", &jid) == 0 && jid_equal(&jid, &l->credentials.own_lid))
			return node_find(t, "enc");
	return NULL;
}

static size_t
participants(const struct node *message)
{
	size_t n = 0;

	for (const struct node *t = node_first(node_find(message, "participants")); t != NULL;
	     t = node_next(t))
		n++;
	return n;
}

static void
test_first_message(void **state)
{
	struct pair p;
	const struct node *message;
	const struct seen *s;
	struct jid jid;

	(void)state;
	begin(&p);
	world_send(p.alice, "M1", BOB, "hello");
	assert_int_equal(p.alice->n_seen, 0);
	world_run(&p.w);
	message = world_written(p.alice, "message", NULL, NULL, 0);
	assert_non_null(message);
	assert_true(node_get_is(message, "type", "text"));
	assert_int_equal(node_get_jid(message, "to", &jid), 0);
	assert_true(jid_same_user(&jid, &p.bob->credentials.own_lid));
	assert_int_equal(node_get_jid(message, "peer_recipient_pn", &jid), 0);
	assert_string_equal(jid.user, BOB);
	assert_int_equal(participants(message), 2);
	assert_true(node_get_is(enc_for(message, p.bob), "type", "pkmsg"));
	assert_true(node_get_is(enc_for(message, p.bob), "v", "2"));
	assert_non_null(node_find(message, "device-identity"));
	assert_null(node_find(message, "tctoken"));
	world_expect_sent(p.alice, "M1", LINK_SENT_OK, 0);
	world_expect_message(p.bob, "M1", "hello");
	s = world_see(p.bob, SEEN_MESSAGE, "M1");
	assert_false(s->from_me);
	assert_string_equal(s->phone, ALICE);
	assert_string_equal(s->chat, "111000111@lid");
	/* Our phone shows what we wrote. */
	s = world_see(p.alice_phone, SEEN_MESSAGE, "M1");
	assert_true(s->from_me);
	assert_string_equal(s->text, "hello");
	assert_string_equal(s->chat, "222000222@lid");
	assert_string_equal(s->phone, BOB);
	/* And that it arrived came back. */
	s = world_see(p.alice, SEEN_RECEIPT, "M1");
	assert_int_equal(s->result, LINK_RECEIPT_DELIVERED);
	assert_non_null(world_written(p.bob, "receipt", "type", "inactive", 0));
	assert_non_null(world_written(p.alice_phone, "receipt", "type", "sender", 0));
	assert_int_equal(p.w.usyncs, 1);
	assert_int_equal(p.w.bundles, 1);
	world_end(&p.w);
}

static void
test_conversation(void **state)
{
	struct pair p;
	char id[16], text[32];

	(void)state;
	begin(&p);
	for (unsigned i = 0; i < 10; i++) {
		struct link *from = i % 3 == 2 ? p.bob : p.alice,
			    *to = from == p.bob ? p.alice : p.bob;

		(void)snprintf(id, sizeof(id), "M%u", i);
		(void)snprintf(text, sizeof(text), "text %u", i);
		world_send(from, id, from == p.bob ? ALICE : BOB, text);
		world_run(&p.w);
		world_expect_sent(from, id, LINK_SENT_OK, 0);
		world_expect_message(to, id, text);
		from->n_seen = to->n_seen = 0;
	}
	/* Each asked for the other's devices once, and sessions were begun once. */
	assert_int_equal(p.w.usyncs, 2);
	world_forget_log(&p.w);
	world_send(p.alice, "LAST", BOB, "x");
	world_run(&p.w);
	assert_true(node_get_is(
	    enc_for(world_written(p.alice, "message", NULL, NULL, 0), p.bob), "type", "msg"));
	world_end(&p.w);
}

/* Persist before send. */
static void
test_nothing_leaves_before_commit(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	p.alice->db.hold_commits = true;
	world_send(p.alice, "M1", BOB, "hello");
	world_run(&p.w);
	assert_null(world_written(p.alice, "message", NULL, NULL, 0));
	assert_null(memory_disk(&p.alice->db, KEY_SESSION, "222000222_1.0")->data);
	p.alice->db.hold_commits = false;
	p.bob->db.hold_commits = true;
	world_run(&p.w);
	assert_non_null(world_written(p.alice, "message", NULL, NULL, 0));
	assert_non_null(memory_disk(&p.alice->db, KEY_SESSION, "222000222_1.0")->data);
	/* Bob has it in hand; no receipt before it is on his disk. */
	world_expect_message(p.bob, "M1", "hello");
	assert_null(world_written(p.bob, "receipt", NULL, NULL, 0));
	p.bob->db.hold_commits = false;
	world_run(&p.w);
	assert_non_null(world_written(p.bob, "receipt", NULL, NULL, 0));
	assert_non_null(memory_disk(&p.bob->db, KEY_SESSION, "111000111_1.3")->data);
	world_end(&p.w);
}

/* The daemon dies between commit and write: the message goes again under the same id, and is read.
 */
static void
test_crash_after_commit(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	p.w.hold_messages = true;
	world_send(p.alice, "M1", BOB, "hello");
	world_run(&p.w);
	assert_non_null(world_written(p.alice, "message", NULL, NULL, 0));
	world_clear(&p.w.queue);
	p.w.hold_messages = false;
	world_restart(p.alice);
	world_send(p.alice, "M1", BOB, "hello");
	world_run(&p.w);
	world_expect_message(p.bob, "M1", "hello");
	world_expect_sent(p.alice, "M1", LINK_SENT_OK, 0);
	/* And when the first did arrive, the second is read as well: the rows above know the id. */
	world_restart(p.alice);
	world_send(p.alice, "M1", BOB, "hello");
	world_run(&p.w);
	assert_int_equal(world_count(p.bob, SEEN_MESSAGE), 2);
	world_end(&p.w);
}

/* … before the commit: nothing left, the ratchet on disk is the old one. */
static void
test_crash_before_commit(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	world_send(p.alice, "M0", BOB, "first");
	world_run(&p.w);
	p.alice->db.hold_commits = true;
	world_send(p.alice, "M1", BOB, "second");
	world_run(&p.w);
	world_restart(p.alice);
	p.alice->db.hold_commits = false;
	world_send(p.alice, "M1", BOB, "second");
	world_run(&p.w);
	world_expect_message(p.bob, "M1", "second");
	world_end(&p.w);
}

static void
test_not_on_whatsapp(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	world_send(p.alice, "M1", CAROL, "hello");
	world_run(&p.w);
	world_expect_sent(p.alice, "M1", LINK_SENT_NO_DEVICE, 0);
	assert_int_equal(p.w.contact_usyncs, 1);
	p.bob->gone = true;
	world_send(p.alice, "M2", BOB, "hello");
	world_run(&p.w);
	world_expect_sent(p.alice, "M2", LINK_SENT_NO_DEVICE, 0);
	assert_null(world_written(p.alice, "message", NULL, NULL, 0));
	world_end(&p.w);
}

/* The LID that we had noted for a number is nobody's any more: the number has a new owner. */
static void
test_number_with_a_new_owner(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	memory_put(&p.alice->db.keydb, KEY_LID, BOB, "777", 3);
	world_send(p.alice, "M1", BOB, "hello");
	world_run(&p.w);
	world_expect_sent(p.alice, "M1", LINK_SENT_OK, 0);
	world_expect_message(p.bob, "M1", "hello");
	assert_memory_equal(memory_disk(&p.alice->db, KEY_LID, BOB)->data, "222000222", 9);
	/* And now nobody at all. */
	memory_put(&p.alice->db.keydb, KEY_LID, CAROL, "778", 3);
	world_send(p.alice, "M2", CAROL, "hello");
	world_run(&p.w);
	world_expect_sent(p.alice, "M2", LINK_SENT_NO_DEVICE, 0);
	world_end(&p.w);
}

/* A server that tells LIDs only when asked for contacts. */
static void
test_lid_by_contact_query(void **state)
{
	struct pair p;
	struct jid jid;

	(void)state;
	begin(&p);
	p.w.hide_lids = true;
	world_send(p.alice, "M1", BOB, "hello");
	world_run(&p.w);
	world_expect_sent(p.alice, "M1", LINK_SENT_OK, 0);
	assert_int_equal(
	    node_get_jid(world_written(p.alice, "message", NULL, NULL, 0), "to", &jid), 0);
	assert_int_equal(jid.server, JID_SERVER_LID);
	assert_int_equal(p.w.contact_usyncs, 1);
	world_end(&p.w);
}

static void
test_queries_that_fail(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	p.w.iq_error = 429;
	world_send(p.alice, "M1", BOB, "hello");
	world_run(&p.w);
	world_expect_sent(p.alice, "M1", LINK_SENT_FAILED, 429);
	p.w.iq_error = 0;
	p.w.mute = true;
	world_send(p.alice, "M2", BOB, "hello");
	world_run(&p.w);
	world_expect_sent(p.alice, "M2", LINK_SENT_UNCERTAIN, 0);
	p.w.mute = false;
	world_send(p.alice, "M3", BOB, "hello");
	world_run(&p.w);
	world_expect_sent(p.alice, "M3", LINK_SENT_OK, 0);
	world_end(&p.w);
}

static void
test_many_share_queries(void **state)
{
	static const char *const phones[] = {
	    "6281200000010", "6281200000011", "6281200000012", "6281200000013"};
	static const char *const ids[] = {"A", "B", "C", "D"};
	struct pair p;

	(void)state;
	begin(&p);
	for (size_t i = 0; i < 4; i++)
		(void)world_party(&p.w, phones[i], phones[i] + 3, 0);
	for (size_t i = 0; i < 4; i++)
		world_send(p.alice, ids[i], phones[i], "hello");
	world_run(&p.w);
	for (size_t i = 0; i < 4; i++) {
		world_expect_sent(p.alice, ids[i], LINK_SENT_OK, 0);
		world_expect_message(&p.w.parties[3 + i], ids[i], "hello");
	}
	assert_in_range(p.w.usyncs, 1, 3);
	assert_int_equal(p.w.asked_users, 5); /* each once, and ourselves once */
	assert_in_range(p.w.bundles, 1, 4);
	assert_int_equal(p.w.asked_bundles, 5); /* nobody's one-time keys twice */
	world_end(&p.w);
}

static void
test_too_many(void **state)
{
	struct pair p;
	char ids[LINK_SENDS_MAX + 1][8];

	(void)state;
	begin(&p);
	p.w.drop_acks = true;
	for (unsigned i = 0; i <= LINK_SENDS_MAX; i++) {
		(void)snprintf(ids[i], sizeof(ids[i]), "M%u", i);
		world_send(p.alice, ids[i], BOB, "hello");
	}
	world_run(&p.w);
	assert_int_equal(world_count(p.alice, SEEN_SENT), 1);
	world_expect_sent(p.alice, ids[LINK_SENDS_MAX], LINK_SENT_FAILED, 429);
	assert_int_equal(world_count(p.bob, SEEN_MESSAGE), LINK_SENDS_MAX);
	/* The link ends: all others are uncertain, each once. */
	messaging_free(&p.alice->m);
	assert_int_equal(world_count(p.alice, SEEN_SENT), LINK_SENDS_MAX + 1);
	world_expect_sent(p.alice, ids[0], LINK_SENT_UNCERTAIN, 0);
	world_end(&p.w);
}

/* Companions without key-index have no keys; bundles with bad signatures are refused; both are left
 * out. */
static void
test_devices_left_out(void **state)
{
	struct pair p;
	struct link *web, *desktop;
	const struct node *message;

	(void)state;
	begin(&p);
	web = world_party(&p.w, BOB, "222000222", 1);
	desktop = world_party(&p.w, BOB, "222000222", 2);
	web->no_key_index = true;
	desktop->bad_signature = true;
	world_send(p.alice, "M1", BOB, "hello");
	world_run(&p.w);
	world_expect_sent(p.alice, "M1", LINK_SENT_OK, 0);
	message = world_written(p.alice, "message", NULL, NULL, 0);
	assert_non_null(enc_for(message, p.bob));
	assert_null(enc_for(message, web));
	assert_null(enc_for(message, desktop));
	assert_null(memory_disk(&p.alice->db, KEY_SESSION, "222000222_1.2")->data);
	world_end(&p.w);
}

static void
test_no_device_reachable(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	p.bob->bad_signature = true;
	world_send(p.alice, "M1", BOB, "hello");
	world_run(&p.w);
	world_expect_sent(p.alice, "M1", LINK_SENT_FAILED, 0);
	assert_null(world_written(p.alice, "message", NULL, NULL, 0));
	p.bob->bad_signature = false;
	p.bob->no_bundle = true;
	world_send(p.alice, "M2", BOB, "hello");
	world_run(&p.w);
	world_expect_sent(p.alice, "M2", LINK_SENT_FAILED, 0);
	world_end(&p.w);
}

static void
test_rejections(void **state)
{
	static const struct {
		unsigned code, times;
		enum link_sent result;
		size_t messages, usyncs;
	} table[] = {
	    {463, 1, LINK_SENT_REJECTED, 1, 1},
	    {400, 1, LINK_SENT_REJECTED, 1, 1},
	    {479, 1, LINK_SENT_OK, 2, 2},
	    {421, 1, LINK_SENT_OK, 2, 2},
	    {479, 2, LINK_SENT_REJECTED, 2, 2},
	    {475, 1, LINK_SENT_REJECTED, 1, 1},
	    {429, 1, LINK_SENT_REJECTED, 1, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct pair p;
		size_t n = 0;

		begin(&p);
		p.w.ack_error = table[i].code;
		p.w.ack_errors = table[i].times;
		world_send(p.alice, "M1", BOB, "hello");
		world_run(&p.w);
		world_expect_sent(p.alice, "M1", table[i].result,
		    table[i].result == LINK_SENT_OK ? 0 : table[i].code);
		while (world_written(p.alice, "message", "id", "M1", n) != NULL)
			n++;
		assert_int_equal(n, table[i].messages);
		/* Whether it is about the account is the connection's to know. */
		assert_int_equal(p.alice->n_refusals, table[i].times);
		assert_int_equal(p.alice->refusals[0], table[i].code);
		assert_int_equal(p.w.usyncs, table[i].usyncs);
		assert_int_equal(world_count(p.bob, SEEN_MESSAGE), table[i].result == LINK_SENT_OK);
		world_end(&p.w);
	}
}

static void
test_phash(void **state)
{
	struct jid devices[3];
	char phash[PHASH_LEN + 1];
	struct pair p;

	(void)state;
	begin(&p);
	devices[0] = p.bob->credentials.own_lid;
	devices[1] = p.alice_phone->credentials.own_lid;
	devices[2] = p.alice->credentials.own_lid;
	for (size_t n = 2; n <= 3; n++) {
		plain_phash(devices, n, phash);
		p.w.ack_phash = phash;
		world_send(p.alice, "M1", BOB, "hello");
		world_run(&p.w);
		assert_int_equal(p.w.usyncs, 1);
	}
	p.w.ack_phash = "2:AAAAAAAA";
	world_send(p.alice, "M2", BOB, "hello");
	world_run(&p.w);
	world_expect_sent(p.alice, "M2", LINK_SENT_OK, 0);
	world_send(p.alice, "M3", BOB, "hello");
	world_run(&p.w);
	assert_int_equal(p.w.usyncs, 2);
	world_end(&p.w);
}

/* A new companion is written to as soon as the notification has come. */
static void
test_devices_notification(void **state)
{
	struct node *notification = node_new("notification", "type", "devices", NULL);
	const struct jid bob = jid_make(JID_SERVER_PN, BOB, 0);
	struct link *web;
	struct pair p;

	(void)state;
	begin(&p);
	world_send(p.alice, "M1", BOB, "hello");
	world_run(&p.w);
	web = world_party(&p.w, BOB, "222000222", 9);
	world_send(p.alice, "M2", BOB, "hello");
	world_run(&p.w);
	assert_null(world_saw(web, SEEN_MESSAGE, "M2"));
	node_set_jid(notification, "from", &bob);
	(void)node_child(notification, "update", NULL);
	messaging_devices(p.alice->m, notification);
	world_send(p.alice, "M3", BOB, "hello");
	world_run(&p.w);
	world_expect_message(web, "M3", "hello");
	node_free(&notification);
	world_end(&p.w);
}

/* Bob has a new phone: the bundle has another identity. Accepted, and the old session is gone. */
static void
test_identity_changed(void **state)
{
	struct node *notification = node_new("notification", "type", "encrypt", NULL);
	struct pair p;
	struct link *again;

	(void)state;
	begin(&p);
	world_send(p.alice, "M1", BOB, "hello");
	world_run(&p.w);
	p.bob->credentials.own = p.bob->credentials.own_lid = (struct jid){0};
	again = world_party(&p.w, BOB, "222000222", 0);
	node_set_jid(notification, "from", &again->credentials.own_lid);
	(void)node_child(notification, "identity", NULL);
	messaging_identity(p.alice->m, notification);
	world_send(p.alice, "M2", BOB, "again");
	world_run(&p.w);
	world_expect_message(again, "M2", "again");
	node_free(&notification);
	world_end(&p.w);
}

static void
test_token(void **state)
{
	static const uint8_t token[] = {9, 8, 7};
	struct node *notification = node_new("notification", "type", "privacy_token", NULL);
	const struct jid bob = jid_make(JID_SERVER_PN, BOB, 0);
	const struct node *message;
	struct node *t;
	struct pair p;
	const uint8_t *data;
	size_t len;

	(void)state;
	begin(&p);
	node_set_jid(notification, "from", &bob);
	node_set_jid(notification, "sender_lid", &p.bob->credentials.own_lid);
	t = node_child(
	    node_child(notification, "tokens", NULL), "token", "type", "trusted_contact", NULL);
	node_set_int(t, "t", SERVER_TIME - 100);
	node_bytes(t, token, sizeof(token));
	messaging_privacy_token(p.alice->m, notification);
	world_run(&p.w);
	world_send(p.alice, "M1", BOB, "hello");
	world_run(&p.w);
	message = world_written(p.alice, "message", NULL, NULL, 0);
	data = node_data(node_find(message, "tctoken"), &len);
	assert_int_equal(len, sizeof(token));
	assert_memory_equal(data, token, len);
	/* Ours was issued, once. */
	world_send(p.alice, "M2", BOB, "hello");
	world_run(&p.w);
	assert_int_equal(p.w.other_iqs, 1);
	node_free(&notification);
	world_end(&p.w);
}

static void
test_storage_fails(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	p.alice->db.fail_commits = true;
	world_send(p.alice, "M1", BOB, "hello");
	world_run(&p.w);
	assert_int_equal(p.alice->failures, 1);
	assert_null(world_written(p.alice, "message", NULL, NULL, 0));
	messaging_free(&p.alice->m);
	world_expect_sent(p.alice, "M1", LINK_SENT_UNCERTAIN, 0);
	world_end(&p.w);
}

static void
test_to_ourselves(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	world_send(p.alice, "M1", ALICE, "note");
	world_run(&p.w);
	world_expect_sent(p.alice, "M1", LINK_SENT_OK, 0);
	world_expect_message(p.alice_phone, "M1", "note");
	world_end(&p.w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_first_message),
	    cmocka_unit_test(test_conversation),
	    cmocka_unit_test(test_nothing_leaves_before_commit),
	    cmocka_unit_test(test_crash_after_commit),
	    cmocka_unit_test(test_crash_before_commit),
	    cmocka_unit_test(test_not_on_whatsapp),
	    cmocka_unit_test(test_number_with_a_new_owner),
	    cmocka_unit_test(test_lid_by_contact_query),
	    cmocka_unit_test(test_queries_that_fail),
	    cmocka_unit_test(test_many_share_queries),
	    cmocka_unit_test(test_too_many),
	    cmocka_unit_test(test_devices_left_out),
	    cmocka_unit_test(test_no_device_reachable),
	    cmocka_unit_test(test_rejections),
	    cmocka_unit_test(test_phash),
	    cmocka_unit_test(test_devices_notification),
	    cmocka_unit_test(test_identity_changed),
	    cmocka_unit_test(test_token),
	    cmocka_unit_test(test_storage_fails),
	    cmocka_unit_test(test_to_ourselves),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
