/* SPDX-License-Identifier: GPL-3.0-or-later */
/* receive, receipt: what comes in, in order, once, answered after it is on disk; what becomes of
 * our own messages. */
#include "tests/unit/link/receive_world.h"

static void
test_duplicate_is_acknowledged_only(void **state)
{
	struct pair p;
	struct node *in;

	(void)state;
	begin(&p);
	in = intercept(&p, "M1", "hello");
	messaging_message(p.bob->m, in);
	world_run(&p.w);
	messaging_message(p.bob->m, in);
	world_run(&p.w);
	assert_int_equal(world_count(p.bob, SEEN_MESSAGE), 1);
	assert_non_null(world_written(p.bob, "receipt", "type", "inactive", 1));
	assert_null(world_written(p.bob, "receipt", "type", "retry", 0));
	/* After a restart too: the ratchet on disk knows it. */
	world_restart(p.bob);
	messaging_message(p.bob->m, in);
	world_run(&p.w);
	assert_int_equal(world_count(p.bob, SEEN_MESSAGE), 0);
	assert_non_null(world_written(p.bob, "receipt", "type", "inactive", 2));
	node_free(&in);
	world_end(&p.w);
}

/* The daemon dies before the commit: the server delivers again, and it is read as new. */
static void
test_crash_before_commit(void **state)
{
	struct pair p;
	struct node *in;

	(void)state;
	begin(&p);
	in = intercept(&p, "M1", "hello");
	p.bob->db.hold_commits = true;
	messaging_message(p.bob->m, in);
	world_run(&p.w);
	assert_null(world_written(p.bob, "receipt", NULL, NULL, 0));
	world_restart(p.bob);
	p.bob->db.hold_commits = false;
	messaging_message(p.bob->m, in);
	world_run(&p.w);
	world_expect_message(p.bob, "M1", "hello");
	node_free(&in);
	world_end(&p.w);
}

/* The used-up pre-key goes with the message, in one commit. */
static void
test_prekey_is_used_up(void **state)
{
	struct pair p;
	struct node *in;

	(void)state;
	begin(&p);
	assert_non_null(memory_disk(&p.bob->db, KEY_PREKEY, "00000001")->data);
	in = intercept(&p, "M1", "hello");
	p.bob->db.hold_commits = true;
	messaging_message(p.bob->m, in);
	world_run(&p.w);
	assert_non_null(memory_disk(&p.bob->db, KEY_PREKEY, "00000001")->data);
	p.bob->db.hold_commits = false;
	world_run(&p.w);
	assert_null(memory_disk(&p.bob->db, KEY_PREKEY, "00000001")->data);
	assert_non_null(memory_disk(&p.bob->db, KEY_SESSION, "111000111_1.3")->data);
	node_free(&in);
	world_end(&p.w);
}

static void
test_order_is_kept(void **state)
{
	struct node *in[6];
	struct pair p;
	char id[8];

	(void)state;
	begin(&p);
	for (unsigned i = 0; i < 6; i++) {
		(void)snprintf(id, sizeof(id), "M%u", i);
		in[i] = intercept(&p, id, id);
	}
	p.bob->db.hold_gets = true;
	for (unsigned i = 0; i < 6; i++)
		messaging_message(p.bob->m, in[i]);
	world_run(&p.w);
	assert_int_equal(p.bob->n_seen, 0);
	p.bob->db.hold_gets = false;
	p.bob->db.reverse_gets = true;
	world_run(&p.w);
	assert_int_equal(world_count(p.bob, SEEN_MESSAGE), 6);
	for (unsigned i = 0; i < 6; i++) {
		(void)snprintf(id, sizeof(id), "M%u", i);
		assert_string_equal(p.bob->seen[i].id, id);
		node_free(&in[i]);
	}
	world_end(&p.w);
}

/* A PN sender whose LID the stanza does not tell: the session under the LID serves. */
static void
test_sender_by_number(void **state)
{
	struct node *in, *by_number;
	struct jid pn;
	struct pair p;

	(void)state;
	begin(&p);
	in = intercept(&p, "M1", "one");
	messaging_message(p.bob->m, in);
	world_run(&p.w);
	node_free(&in);
	in = intercept(&p, "M2", "two");
	by_number = node_new("message", "id", "M2", "t", "1", NULL);
	pn = p.alice->credentials.own;
	node_set_jid(by_number, "from", &pn);
	{
		const struct node *enc = node_find(in, "enc");
		size_t len;
		const uint8_t *data = node_data(enc, &len);

		node_bytes(
		    node_child(by_number, "enc", "v", "2", "type", node_get(enc, "type"), NULL),
		    data, len);
	}
	messaging_message(p.bob->m, by_number);
	world_run(&p.w);
	world_expect_message(p.bob, "M2", "two");
	assert_string_equal(world_see(p.bob, SEEN_MESSAGE, "M2")->chat, "111000111@lid");
	assert_null(memory_disk(&p.bob->db, KEY_SESSION, ALICE ".3")->data);
	node_free(&in);
	node_free(&by_number);
	world_end(&p.w);
}

static void
test_receipts(void **state)
{
	static const struct {
		const char *type;
		bool own;
		int kind; /* -1: handed to nobody */
	} table[] = {
	    {NULL, false, LINK_RECEIPT_DELIVERED},
	    {"inactive", false, LINK_RECEIPT_DELIVERED},
	    {"read", false, LINK_RECEIPT_READ},
	    {"played", false, LINK_RECEIPT_READ},
	    {"sender", true, -1},
	    {"read-self", true, -1},
	    {NULL, true, -1},
	    {"peer_msg", true, -1},
	    {"server-error", false, -1},
	    {"hist_sync", true, -1},
	    {"what", false, -1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct node *r =
		    node_new("receipt", "id", "M1", "type", table[i].type, "t", "5", NULL);
		struct node *list = node_child(r, "list", NULL);
		struct pair p;

		begin(&p);
		(void)node_child(list, "item", "id", "M2", NULL);
		(void)node_child(list, "item", "id", "M3", NULL);
		node_set_jid(r, "from",
		    table[i].own ? &p.bob->credentials.own_lid : &p.alice->credentials.own_lid);
		p.bob->db.hold_commits = true;
		messaging_receipt(p.bob->m, r);
		world_run(&p.w);
		if (table[i].kind >= 0) {
			assert_int_equal(p.bob->n_seen, 3);
			assert_int_equal(
			    world_see(p.bob, SEEN_RECEIPT, "M3")->result, table[i].kind);
			assert_null(world_written(p.bob, "ack", NULL, NULL, 0));
		} else {
			assert_int_equal(p.bob->n_seen, 0);
		}
		p.bob->db.hold_commits = false;
		world_run(&p.w);
		assert_non_null(world_written(p.bob, "ack", "class", "receipt", 0));
		assert_null(world_written(p.bob, "ack", "class", "receipt", 1));
		node_free(&r);
		world_end(&p.w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_duplicate_is_acknowledged_only),
	    cmocka_unit_test(test_crash_before_commit),
	    cmocka_unit_test(test_prekey_is_used_up),
	    cmocka_unit_test(test_order_is_kept),
	    cmocka_unit_test(test_sender_by_number),
	    cmocka_unit_test(test_receipts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
