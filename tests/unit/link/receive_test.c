/* SPDX-License-Identifier: GPL-3.0-or-later */
/* receive, receipt, resend: what comes in, in order, once, answered after it is on disk; and
 * devices that ask again. */
#include "tests/unit/link/message_world.h"

#include "waconnd/link/receive.h"
#include "waconnd/link/resend.h"

#define ALICE "6281100000001"
#define BOB "6281200000002"

struct pair {
	struct world w;
	struct link *alice, *bob;
};

/* Alice sends from device 3 and has no phone here; Bob has a companion, 5, besides none. */
static void
begin(struct pair *p)
{
	world_begin(&p->w);
	p->alice = world_party(&p->w, ALICE, "111000111", 3);
	p->bob = world_party(&p->w, BOB, "222000222", 5);
}

/* What Alice wrote for Bob, as the server delivers it; not delivered yet. */
static struct node *
intercept(struct pair *p, const char *id, const char *text)
{
	const struct node *message;
	struct node *in;

	p->bob->offline = true;
	world_send(p->alice, id, BOB, text);
	world_run(&p->w);
	p->bob->offline = false;
	message = world_written(p->alice, "message", "id", id, 0);
	assert_non_null(message);
	in = world_inbound(p->alice, message,
	    node_find(node_first(node_find(message, "participants")), "enc"), p->bob);
	return in;
}

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

/* -- receipts -- */

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

/* -- shapes -- */

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
	    cmocka_unit_test(test_duplicate_is_acknowledged_only),
	    cmocka_unit_test(test_crash_before_commit),
	    cmocka_unit_test(test_prekey_is_used_up),
	    cmocka_unit_test(test_order_is_kept),
	    cmocka_unit_test(test_sender_by_number),
	    cmocka_unit_test(test_retry),
	    cmocka_unit_test(test_retry_limits),
	    cmocka_unit_test(test_retry_crowd),
	    cmocka_unit_test(test_retry_of_another_chat),
	    cmocka_unit_test(test_new_sessions),
	    cmocka_unit_test(test_retry_text_unknown),
	    cmocka_unit_test(test_rubbish_does_no_harm),
	    cmocka_unit_test(test_receipts),
	    cmocka_unit_test(test_unavailable),
	    cmocka_unit_test(test_message_shapes),
	    cmocka_unit_test(test_attribute_shapes),
	    cmocka_unit_test(test_queue_is_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
