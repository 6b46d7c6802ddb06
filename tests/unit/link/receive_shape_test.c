/* SPDX-License-Identifier: GPL-3.0-or-later */
/* receive: stanzas of every shape, also such as no server sends, and more of them than there is
 * room for: answered or dropped, and no harm done. */
#include "tests/unit/link/receive_world.h"

/* Rubbish under a known name does not harm the session. */
static void
test_rubbish_does_no_harm(void **state)
{
	struct pair p;
	struct node *in, *bad;
	uint8_t bytes[512];
	size_t len;
	const uint8_t *data;

	(void)state;
	begin(&p);
	world_send(p.alice, "M1", BOB, "first");
	world_run(&p.w);
	/* After an answer all bytes are authenticated: a pkmsg names its registration id in the
	 * clear. */
	world_send(p.bob, "R1", ALICE, "reply");
	world_run(&p.w);
	in = intercept(&p, "M2", "second");
	assert_true(node_get_is(node_find(in, "enc"), "type", "msg"));
	data = node_data(node_find(in, "enc"), &len);
	assert_true(len < sizeof(bytes));
	for (size_t at = 0; at < len; at += 7) {
		memcpy(bytes, data, len);
		bytes[at] ^= 0x40;
		bad = node_new("message", "id", "BAD", "t", "5", NULL);
		node_set_jid(bad, "from", &p.alice->credentials.own_lid);
		node_bytes(node_child(bad, "enc", "v", "2", "type",
			       node_get(node_find(in, "enc"), "type"), NULL),
		    bytes, len);
		p.alice->offline = true;
		messaging_message(p.bob->m, bad);
		world_run(&p.w);
		p.alice->offline = false;
		node_free(&bad);
	}
	assert_null(world_saw(p.bob, SEEN_MESSAGE, "BAD"));
	messaging_message(p.bob->m, in);
	world_run(&p.w);
	world_expect_message(p.bob, "M2", "second");
	node_free(&in);
	world_end(&p.w);
}

typedef void (*shape)(struct node *n);

static void
shape_no_enc(struct node *n)
{
	(void)n;
}

static void
shape_unavailable(struct node *n)
{
	(void)node_child(n, "unavailable", "type", "view_once", NULL);
}

static void
shape_plaintext(struct node *n)
{
	node_bytes(node_child(n, "plaintext", NULL), "x", 1);
}

static void
shape_empty_enc(struct node *n)
{
	(void)node_child(n, "enc", "v", "2", "type", "msg", NULL);
}

static void
shape_untyped_enc(struct node *n)
{
	node_bytes(node_child(n, "enc", NULL), "abc", 3);
}

static void
shape_bot(struct node *n)
{
	node_bytes(node_child(n, "enc", "v", "2", "type", "msmsg", NULL), "abc", 3);
}

static void
shape_short(struct node *n)
{
	node_bytes(node_child(n, "enc", "v", "2", "type", "pkmsg", NULL), "\x33", 1);
}

static void
shape_children(struct node *n)
{
	(void)node_child(node_child(n, "enc", "v", "2", "type", "pkmsg", NULL), "enc", NULL);
}

static void
shape_many(struct node *n)
{
	for (int i = 0; i < 40; i++)
		node_bytes(node_child(n, "enc", "v", "2", "type", i % 2 ? "msg" : "pkmsg", NULL),
		    "\x33\x0a\x01", 3);
}

static void
shape_group_key(struct node *n)
{
	node_bytes(node_child(n, "enc", "v", "2", "type", "skmsg", NULL), "\x33zzzz", 5);
}

static void
shape_text(struct node *n)
{
	node_text(n, "just text");
}

/* What only the phone can show: acknowledged, and there is a line that says so. */
static void
test_unavailable(void **state)
{
	struct node *n = node_new("message", "id", "U1", "t", "5", NULL);
	struct pair p;

	(void)state;
	begin(&p);
	node_set_jid(n, "from", &p.alice->credentials.own_lid);
	shape_unavailable(n);
	messaging_message(p.bob->m, n);
	world_run(&p.w);
	assert_string_equal(world_see(p.bob, SEEN_MESSAGE, "U1")->type, "unavailable");
	assert_non_null(world_written(p.bob, "ack", "id", "U1", 0));
	assert_null(world_written(p.bob, "receipt", NULL, NULL, 0));
	node_free(&n);
	world_end(&p.w);
}

static void
test_message_shapes(void **state)
{
	static const struct {
		const char *name;
		shape make;
		const char *error;
	} table[] = {
	    {"no enc", shape_no_enc, "488"},
	    {"unavailable", shape_unavailable, NULL},
	    {"plaintext", shape_plaintext, "488"},
	    {"empty enc", shape_empty_enc, NULL},
	    {"untyped enc", shape_untyped_enc, "488"},
	    {"bot", shape_bot, "495"},
	    {"short", shape_short, NULL},
	    {"children", shape_children, NULL},
	    {"many", shape_many, NULL},
	    {"group key", shape_group_key, NULL},
	    {"text", shape_text, "488"},
	};
	static const char *const froms[] = {"111000111:3@lid", "6281100000001@s.whatsapp.net",
	    "120363023456789012@g.us", "status@broadcast", "222000222:9@lid", "1203@newsletter"};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		for (size_t f = 0; f < sizeof(froms) / sizeof(froms[0]); f++) {
			struct node *n = node_new("message", "id", "X", "from", froms[f], NULL);
			const struct node *ack;
			struct pair p;

			begin(&p);
			if (strstr(froms[f], "@g.us") != NULL || froms[f][0] == 's')
				node_set(n, "participant", "111000111:3@lid");
			table[i].make(n);
			messaging_message(p.bob->m, n);
			world_run(&p.w);
			assert_int_equal(p.bob->failures, 0);
			if (table[i].make != shape_unavailable)
				assert_int_equal(p.bob->n_seen, 0);
			ack = world_written(p.bob, "ack", NULL, NULL, 0);
			assert_non_null(ack);
			assert_null(world_written(p.bob, "ack", NULL, NULL, 1));
			if (strstr(froms[f], "newsletter") != NULL)
				assert_null(node_get(ack, "error"));
			else if (table[i].error != NULL)
				assert_string_equal(node_get(ack, "error"), table[i].error);
			node_free(&n);
			world_end(&p.w);
		}
}

/* Attributes that are missing or nonsense, in every handler. */
static void
test_attribute_shapes(void **state)
{
	static const char *const values[] = {NULL, "", "@", "x", "a@b", "s.whatsapp.net",
	    "111000111:3@lid", "111000111:70000@lid", "1@g.us", "\xff\xfe@lid",
	    "a b@s.whatsapp.net", "-1", "99999999999999999999"};
	static const char *const keys[] = {
	    "id", "from", "participant", "recipient", "sender_pn", "sender_lid", "t", "type"};
	static const char *const tags[] = {"message", "receipt", "notification", "ack"};

	(void)state;
	for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++) {
		struct pair p;

		begin(&p);
		for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++)
			for (size_t t = 0; t < sizeof(tags) / sizeof(tags[0]); t++) {
				struct node *n = node_new(tags[t], NULL);
				struct node *c;

				node_set(n, "id", strcmp(keys[k], "id") == 0 ? values[v] : "X");
				node_set(n, "from",
				    strcmp(keys[k], "from") == 0 ? values[v] : "111000111@lid");
				if (k >= 2)
					node_set(n, keys[k], values[v]);
				c = node_child(n, "enc", "v", "2", "type", "msg", NULL);
				node_bytes(c, "\x33\x00\x00", 3);
				(void)node_child(n, "retry", "count", values[v], NULL);
				(void)node_child(n, "list", NULL);
				c = node_child(n, "remove", NULL);
				(void)node_child(c, "device", "jid", values[v], NULL);
				c = node_child(node_child(n, "tokens", NULL), "token", "type",
				    "trusted_contact", "t", values[v], NULL);
				node_bytes(c, "tok", 3);
				messaging_message(p.bob->m, n);
				messaging_receipt(p.bob->m, n);
				messaging_message_ack(p.bob->m, n);
				messaging_devices(p.bob->m, n);
				messaging_identity(p.bob->m, n);
				messaging_privacy_token(p.bob->m, n);
				world_run(&p.w);
				world_forget_log(&p.w);
				p.bob->n_seen = 0;
				node_free(&n);
			}
		assert_int_equal(p.bob->failures, 0);
		world_end(&p.w);
	}
}

static void
test_queue_is_bounded(void **state)
{
	struct pair p;
	struct node *n = node_new("message", "id", "X", "from", "111000111:3@lid", NULL);
	size_t acks = 0;

	(void)state;
	begin(&p);
	shape_short(n);
	p.bob->db.hold_gets = true;
	for (size_t i = 0; i < RECEIVE_MAX + 10; i++)
		messaging_message(p.bob->m, n);
	p.bob->db.hold_gets = false;
	world_run(&p.w);
	while (world_written(p.bob, "ack", "class", "message", acks) != NULL)
		acks++;
	assert_int_equal(acks, RECEIVE_MAX);
	node_free(&n);
	world_end(&p.w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rubbish_does_no_harm),
	    cmocka_unit_test(test_unavailable),
	    cmocka_unit_test(test_message_shapes),
	    cmocka_unit_test(test_attribute_shapes),
	    cmocka_unit_test(test_queue_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
