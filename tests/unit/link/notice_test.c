/* SPDX-License-Identifier: GPL-3.0-or-later */
/* notice: devices that come and go, new identities, members of groups; and keys that move from a
 * number to its LID. */
#include "tests/unit/link/message_world.h"

#include "waconnd/link/lid.h"
#include "waconnd/link/notice.h"

#define ALICE "6281100000001"
#define BOB "6281200000002"
#define BOB_LID "222000222"

struct pair {
	struct world w;
	struct link *alice, *alice_phone, *bob;
	struct jid pn, lid; /* Bob's */
};

static void
begin(struct pair *p)
{
	world_begin(&p->w);
	p->alice = world_party(&p->w, ALICE, "111000111", 3);
	p->alice_phone = world_party(&p->w, ALICE, "111000111", 0);
	p->bob = world_party(&p->w, BOB, BOB_LID, 0);
	p->pn = jid_make(JID_SERVER_PN, BOB, 0);
	p->lid = jid_make(JID_SERVER_LID, BOB_LID, 0);
}

static void
say(struct pair *p, const char *id)
{
	world_send(p->alice, id, BOB, id);
	world_run(&p->w);
	world_expect_sent(p->alice, id, LINK_SENT_OK, 0);
}

/* -- one change of a list -- */

static void
hash_of(enum jid_server server, const unsigned *ids, size_t n, char ret[PHASH_LEN + 1])
{
	struct jid jids[4];

	for (size_t i = 0; i < n; i++)
		jids[i] =
		    jid_make(server, server == JID_SERVER_PN ? BOB : BOB_LID, (unsigned)ids[i]);
	plain_phash(jids, n, ret);
}

static void
test_changes(void **state)
{
	static const struct {
		const char *what;
		unsigned device;
		unsigned after[3];
		size_t n_after;
		enum jid_server told; /* whose hash; NONE: of neither */
		bool known;
	} table[] = {
	    {"add", 9, {0, 5, 9}, 3, JID_SERVER_PN, true},
	    {"add", 9, {0, 5, 9}, 3, JID_SERVER_LID, true},
	    {"add", 9, {0, 5, 9}, 3, JID_SERVER_NONE, false},
	    {"add", 5, {0, 5}, 2, JID_SERVER_PN, true},	 /* told before */
	    {"add", 9, {0, 9}, 2, JID_SERVER_PN, false}, /* another change was missed */
	    {"add", 9, {0, 9}, 2, JID_SERVER_LID, false},
	    {"remove", 5, {0}, 1, JID_SERVER_PN, true},
	    {"remove", 7, {0, 5}, 2, JID_SERVER_LID, true},
	    {"remove", 5, {0, 5}, 2, JID_SERVER_LID, false},
	    {"update", 5, {0, 5}, 2, JID_SERVER_PN, false},
	};
	const struct device_list list = {.n = 2, .ids = {{0, false}, {5, false}}};
	const struct jid pn = jid_make(JID_SERVER_PN, BOB, 0),
			 lid = jid_make(JID_SERVER_LID, BOB_LID, 0);

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct node *n = node_new(table[i].what, NULL);
		struct jid device = pn;
		struct device_notice change;
		struct device_list after;
		char hash[PHASH_LEN + 1];

		device.device = (uint16_t)table[i].device;
		hash_of(table[i].told, table[i].after, table[i].n_after, hash);
		node_set_jid(node_child(n, "device", NULL), "jid", &device);
		if (table[i].told != JID_SERVER_NONE)
			node_set(n,
			    table[i].told == JID_SERVER_PN ? "device_hash" : "device_lid_hash",
			    hash);
		assert_int_equal(device_notice_read(n, &change), 0);
		assert_int_equal(
		    device_notice_apply(&change, &pn, &lid, &list, &after), table[i].known);
		if (table[i].known)
			assert_int_equal(after.n, table[i].n_after);
		node_free(&n);
	}
}

/* -- devices -- */

static struct node *
devices_notice(
    const struct pair *p, const char *what, unsigned device, const unsigned *after, size_t n)
{
	struct node *notification = node_new("notification", "type", "devices", NULL), *change;
	char hash[PHASH_LEN + 1];
	struct jid jid = p->pn;

	jid.device = (uint16_t)device;
	node_set_jid(notification, "from", &p->pn);
	node_set_jid(notification, "lid", &p->lid);
	hash_of(JID_SERVER_PN, after, n, hash);
	change = node_child(notification, what, "device_hash", hash, NULL);
	node_set_jid(node_child(change, "device", NULL), "jid", &jid);
	return notification;
}

/* A device that was added is written to at once, and nothing has to be asked for it; one that was
 * removed is not, and its keys are gone. */
static void
test_devices(void **state)
{
	struct node *added, *removed;
	struct link *web;
	struct pair p;

	(void)state;
	begin(&p);
	say(&p, "M1");
	web = world_party(&p.w, BOB, BOB_LID, 9);
	added = devices_notice(&p, "add", 9, (const unsigned[]){0, 9}, 2);
	messaging_devices(p.alice->m, added);
	say(&p, "M2");
	world_expect_message(web, "M2", "M2");
	assert_int_equal(p.w.usyncs, 1);
	assert_non_null(memory_disk(&p.alice->db, KEY_SESSION, BOB_LID "_1.9")->data);
	web->unlisted = true;
	removed = devices_notice(&p, "remove", 9, (const unsigned[]){0}, 1);
	messaging_devices(p.alice->m, removed);
	say(&p, "M3");
	assert_null(world_saw(web, SEEN_MESSAGE, "M3"));
	world_expect_message(p.bob, "M3", "M3");
	assert_int_equal(p.w.usyncs, 1);
	assert_null(memory_disk(&p.alice->db, KEY_SESSION, BOB_LID "_1.9")->data);
	node_free(&added);
	node_free(&removed);
	world_end(&p.w);
}

/* With a hash that is not ours, the server is asked. */
static void
test_devices_missed(void **state)
{
	struct node *added;
	struct link *web, *desk;
	struct pair p;

	(void)state;
	begin(&p);
	say(&p, "M1");
	web = world_party(&p.w, BOB, BOB_LID, 9);
	desk = world_party(&p.w, BOB, BOB_LID, 10);
	added = devices_notice(&p, "add", 10, (const unsigned[]){0, 9, 10}, 3);
	messaging_devices(p.alice->m, added);
	say(&p, "M2");
	world_expect_message(web, "M2", "M2");
	world_expect_message(desk, "M2", "M2");
	assert_int_equal(p.w.usyncs, 2);
	node_free(&added);
	world_end(&p.w);
}

/* Our own other devices, whichever of our addresses the server names. */
static void
test_own_devices(void **state)
{
	struct node *notification = node_new("notification", "type", "devices", NULL), *change;
	struct jid own = jid_make(JID_SERVER_PN, ALICE, 0);
	struct link *web;
	struct pair p;

	(void)state;
	begin(&p);
	say(&p, "M1");
	web = world_party(&p.w, ALICE, "111000111", 8);
	node_set_jid(notification, "from", &own);
	change = node_child(notification, "add", NULL); /* no hash: not sure */
	own.device = 8;
	node_set_jid(node_child(change, "device", NULL), "jid", &own);
	messaging_devices(p.alice->m, notification);
	say(&p, "M2");
	world_expect_message(web, "M2", "M2");
	assert_true(world_see(web, SEEN_MESSAGE, "M2")->from_me);
	node_free(&notification);
	world_end(&p.w);
}

/* The same, told as a change of our account. */
static void
test_own_devices_by_account_sync(void **state)
{
	struct link *web;
	struct pair p;

	(void)state;
	begin(&p);
	say(&p, "M1");
	web = world_party(&p.w, ALICE, "111000111", 8);
	messaging_own_devices(p.alice->m);
	say(&p, "M2");
	world_expect_message(web, "M2", "M2");
	world_end(&p.w);
}

/* -- identity -- */

static struct node *
identity_notice(const struct jid *from, const struct jid *lid)
{
	struct node *n = node_new("notification", "type", "encrypt", NULL);

	node_set_jid(n, "from", from);
	if (lid != NULL)
		node_set_jid(n, "lid", lid);
	(void)node_child(n, "identity", NULL);
	return n;
}

/* Bob has a new phone: a fresh session, and the token that he had is given once more. */
static void
test_identity(void **state)
{
	for (int shape = 0; shape < 3; shape++) {
		struct link *again;
		struct node *notice;
		struct pair p;

		(void)state;
		begin(&p);
		say(&p, "M1");
		assert_int_equal(p.w.other_iqs, 1); /* our token */
		world_restart(p.alice);		    /* nothing is in memory */
		p.bob->credentials.own = p.bob->credentials.own_lid = (struct jid){0};
		again = world_party(&p.w, BOB, BOB_LID, 0);
		notice = shape == 0   ? identity_notice(&p.lid, NULL)
			 : shape == 1 ? identity_notice(&p.pn, &p.lid)
				      : identity_notice(&p.pn, NULL);
		messaging_identity(p.alice->m, notice);
		world_run(&p.w);
		assert_int_equal(p.w.other_iqs, 2);
		assert_null(memory_disk(&p.alice->db, KEY_SESSION, BOB_LID "_1.0")->data);
		assert_null(memory_disk(&p.alice->db, KEY_IDENTITY, BOB_LID "_1.0")->data);
		say(&p, "M2");
		world_expect_message(again, "M2", "M2");
		assert_int_equal(p.w.other_iqs, 2);
		node_free(&notice);
		world_end(&p.w);
	}
}

/* Somebody who never had a token of ours gets none by this; our own phone's identity stays. */
static void
test_identity_without_token(void **state)
{
	struct node *notice;
	struct jid own;
	struct pair p;

	(void)state;
	begin(&p);
	notice = identity_notice(&p.lid, NULL);
	messaging_identity(p.alice->m, notice);
	world_run(&p.w);
	assert_int_equal(p.w.other_iqs, 0);
	node_free(&notice);
	say(&p, "M1");
	own = jid_make(JID_SERVER_LID, "111000111", 0);
	notice = identity_notice(&own, NULL);
	messaging_identity(p.alice->m, notice);
	world_run(&p.w);
	assert_non_null(memory_disk(&p.alice->db, KEY_SESSION, "111000111_1.0")->data);
	node_free(&notice);
	world_end(&p.w);
}

/* Without a notification: the first message of the new phone tells it. */
static void
test_identity_by_message(void **state)
{
	struct link *again;
	struct pair p;

	(void)state;
	begin(&p);
	say(&p, "M1");
	p.bob->credentials.own = p.bob->credentials.own_lid = (struct jid){0};
	again = world_party(&p.w, BOB, BOB_LID, 0);
	world_send(again, "R1", ALICE, "new phone");
	world_run(&p.w);
	world_expect_message(p.alice, "R1", "new phone");
	assert_int_equal(p.w.other_iqs, 3); /* ours, again's, ours once more */
	say(&p, "M2");
	world_expect_message(again, "M2", "M2");
	world_end(&p.w);
}

/* -- from number to LID -- */

static void
move_on_disk(struct link *l, enum key_kind kind, const char *from, const char *to)
{
	struct memory_key *k = memory_at(&l->db, kind, from);

	assert_non_null(k->disk.data);
	memory_value_set(&memory_at(&l->db, kind, to)->disk, k->disk.data, k->disk.len);
	memory_value_set(&k->disk, NULL, 0);
}

/* A session from before the LID was known serves on under the LID. */
static void
test_send_moves_the_session(void **state)
{
	struct pair p;

	(void)state;
	begin(&p);
	say(&p, "M1");
	messaging_free(&p.alice->m);
	move_on_disk(p.alice, KEY_SESSION, BOB_LID "_1.0", BOB ".0");
	move_on_disk(p.alice, KEY_IDENTITY, BOB_LID "_1.0", BOB ".0");
	memory_value_set(&memory_at(&p.alice->db, KEY_LID, BOB)->disk, NULL, 0);
	world_restart(p.alice);
	p.w.bundles = 0;
	say(&p, "M2");
	world_expect_message(p.bob, "M2", "M2");
	assert_int_equal(p.w.bundles, 0);
	assert_null(memory_disk(&p.alice->db, KEY_SESSION, BOB ".0")->data);
	assert_null(memory_disk(&p.alice->db, KEY_IDENTITY, BOB ".0")->data);
	assert_non_null(memory_disk(&p.alice->db, KEY_SESSION, BOB_LID "_1.0")->data);
	world_end(&p.w);
}

/* A server that knows no LID of the peer: the stanza is by number, and yet our phone, which we know
 * by its LID, has one session only. */
static void
test_own_session_under_the_lid(void **state)
{
	const struct node *message;
	struct jid to;
	struct pair p;

	(void)state;
	begin(&p);
	p.bob->credentials.own_lid = (struct jid){0};
	say(&p, "M1");
	world_expect_message(p.bob, "M1", "M1");
	world_expect_message(p.alice_phone, "M1", "M1");
	message = world_written(p.alice, "message", NULL, NULL, 0);
	for (const struct node *n = node_first(node_find(message, "participants")); n != NULL;
	     n = node_next(n)) {
		assert_int_equal(node_get_jid(n, "jid", &to), 0);
		assert_int_equal(to.server, JID_SERVER_PN);
	}
	assert_null(memory_disk(&p.alice->db, KEY_SESSION, ALICE ".0")->data);
	assert_non_null(memory_disk(&p.alice->db, KEY_SESSION, "111000111_1.0")->data);
	world_end(&p.w);
}

/* -- groups -- */

static void
expect_lid(struct link *l, const char *number, const char *lid)
{
	const struct memory_value *v = memory_disk(&l->db, KEY_LID, number);

	assert_int_equal(v->len, strlen(lid));
	assert_memory_equal(v->data, lid, v->len);
}

static void
test_members_of_a_group(void **state)
{
	struct node *n = node_new("notification", "type", "w:gp2", "from", "1203630@g.us", NULL);
	struct node *added = node_child(n, "add", NULL),
		    *group = node_child(node_child(n, "create", NULL), "group", NULL);
	struct jid pn = jid_make(JID_SERVER_PN, "6281300000003", 0),
		   lid = jid_make(JID_SERVER_LID, "333000333", 0);
	struct node *member;
	struct pair p;

	(void)state;
	begin(&p);
	member = node_child(added, "participant", NULL);
	node_set_jid(member, "jid", &lid);
	node_set_jid(member, "phone_number", &pn);
	member = node_child(group, "participant", NULL);
	node_set_jid(member, "jid", &p.pn);
	node_set_jid(member, "lid", &p.lid);
	(void)node_child(added, "participant", "jid", "x", NULL);
	messaging_group(p.alice->m, n);
	world_run(&p.w);
	expect_lid(p.alice, "6281300000003", "333000333");
	expect_lid(p.alice, BOB, BOB_LID);
	node_free(&n);
	world_end(&p.w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_changes),
	    cmocka_unit_test(test_devices),
	    cmocka_unit_test(test_devices_missed),
	    cmocka_unit_test(test_own_devices),
	    cmocka_unit_test(test_own_devices_by_account_sync),
	    cmocka_unit_test(test_identity),
	    cmocka_unit_test(test_identity_without_token),
	    cmocka_unit_test(test_identity_by_message),
	    cmocka_unit_test(test_send_moves_the_session),
	    cmocka_unit_test(test_own_session_under_the_lid),
	    cmocka_unit_test(test_members_of_a_group),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
