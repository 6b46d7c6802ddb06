/* SPDX-License-Identifier: GPL-3.0-or-later */
/* receive_message: what is inside inbound messages: housekeeping of our own phone, groups, claims
 * of strangers, moved sessions. */
#include "tests/unit/link/message_world.h"

#include "common/wa/message.h"
#include "common/wa/plain.h"
#include "tests/unit/wa/vectors.h"
#include "waconnd/link/resend.h"

#define ALICE "6281100000001"
#define BOB "6281200000002"
#define GROUP "120363023456789012@g.us"

struct trio {
	struct world w;
	struct link *phone, *alice, *bob; /* Alice's phone, her device 3, and Bob */
};

/* All have sessions with Alice's device. */
static void
begin(struct trio *t)
{
	world_begin(&t->w);
	t->phone = world_party(&t->w, ALICE, "111000111", 0);
	t->alice = world_party(&t->w, ALICE, "111000111", 3);
	t->bob = world_party(&t->w, BOB, "222000222", 0);
	world_send(t->alice, "W1", BOB, "hello");
	world_run(&t->w);
	world_forget_log(&t->w);
	t->alice->n_seen = t->phone->n_seen = t->bob->n_seen = 0;
}

/* Bytes of a Message, encrypted by `from` for Alice's device, as an <enc> of `stanza`. */
static void
add_enc(struct trio *t, struct link *from, const void *message, size_t len, struct node *stanza)
{
	struct buf padded = BUF_INIT(4096);
	bool prekey;

	buf_add(&padded, message, len);
	plain_pad(&padded);
	assert_int_equal(messaging_encrypt(from->m, &t->alice->credentials.own_lid, &padded,
			     &(struct enc_attrs){0}, stanza, &prekey),
	    SIGNAL_OK);
	buf_done(&padded);
}

static struct node *
new_message(const struct link *from, const char *id)
{
	struct node *n = node_new("message", "id", id, "t", "5", NULL);

	node_set_jid(n, "from", &from->credentials.own_lid);
	return n;
}

static void
deliver(struct trio *t, struct node *take_message)
{
	messaging_message(t->alice->m, take_message);
	world_run(&t->w);
	node_free(&take_message);
}

#define HISTORY "\x62\x02\x10\x05" /* Message{protocolMessage{type HISTORY_SYNC_NOTIFICATION}} */

static void
test_history_from_own_phone(void **state)
{
	struct node *n;
	struct trio t;
	struct jid to;

	(void)state;
	begin(&t);
	n = new_message(t.phone, "H1");
	node_set(n, "category", "peer");
	add_enc(&t, t.phone, HISTORY, 4, n);
	deliver(&t, n);
	assert_int_equal(t.alice->n_seen, 0);
	assert_non_null(world_written(t.alice, "receipt", "type", "peer_msg", 0));
	assert_non_null(world_written(t.alice, "receipt", "type", "hist_sync", 0));
	assert_int_equal(
	    node_get_jid(world_written(t.alice, "receipt", "type", "hist_sync", 0), "to", &to), 0);
	assert_string_equal(to.user, ALICE);
	assert_int_equal(to.device, 0);
	world_end(&t.w);
}

/* The same words of a stranger mean nothing. */
static void
test_history_from_a_stranger(void **state)
{
	struct node *n;
	struct trio t;

	(void)state;
	begin(&t);
	n = new_message(t.bob, "H1");
	node_set(n, "category", "peer");
	add_enc(&t, t.bob, HISTORY, 4, n);
	deliver(&t, n);
	assert_int_equal(t.alice->n_seen, 0);
	assert_non_null(world_written(t.alice, "receipt", "type", "inactive", 0));
	assert_null(world_written(t.alice, "receipt", "type", "hist_sync", 0));
	assert_null(world_written(t.alice, "receipt", "type", "peer_msg", 0));
	world_end(&t.w);
}

/* A stranger cannot put words into another chat. */
static void
test_device_sent_by_a_stranger(void **state)
{
	const char inner[] = "\x0a\x02hi";
	struct buf message = BUF_INIT(256);
	const struct seen *s;
	struct node *n;
	struct trio t;

	(void)state;
	begin(&t);
	wa_message_write_device_sent("999@lid", inner, 4, &message);
	n = new_message(t.bob, "D1");
	add_enc(&t, t.bob, message.data, message.len, n);
	deliver(&t, n);
	s = world_see(t.alice, SEEN_MESSAGE, "D1");
	assert_false(s->from_me);
	assert_string_equal(s->chat, "222000222@lid");
	buf_done(&message);
	world_end(&t.w);
}

static void
test_not_a_message(void **state)
{
	struct node *n;
	struct trio t;

	(void)state;
	begin(&t);
	n = new_message(t.bob, "X1");
	add_enc(&t, t.bob, "\xff\xff\xff", 3, n);
	deliver(&t, n);
	assert_int_equal(t.alice->n_seen, 0);
	assert_non_null(world_written(t.alice, "ack", "error", "491", 0));
	assert_null(world_written(t.alice, "receipt", NULL, NULL, 0));
	/* The ratchet went on all the same. */
	world_send(t.bob, "X2", ALICE, "next");
	world_run(&t.w);
	world_expect_message(t.alice, "X2", "next");
	world_end(&t.w);
}

/* -- groups -- */

static void
add_field(struct buf *b, uint8_t tag, const void *data, size_t len)
{
	assert_true(len < 128);
	buf_add_u8(b, tag);
	buf_add_u8(b, (uint8_t)len);
	buf_add(b, data, len);
}

static struct node *
group_message(const struct link *from, const char *id)
{
	struct node *n = node_new("message", "id", id, "from", GROUP, "t", "5", NULL);

	node_set_jid(n, "participant", &from->credentials.own_lid);
	return n;
}

static void
add_skmsg(struct node *n, const char *path)
{
	struct buf bytes = vector_bytes(vector("signal-sender-key"), path);

	node_bytes(node_child(n, "enc", "v", "2", "type", "skmsg", NULL), bytes.data, bytes.len);
	buf_done(&bytes);
}

static void
add_sender_key(struct trio *t, const char *group, struct node *n)
{
	struct buf skdm = vector_bytes(vector("signal-sender-key"), "outputs.skdm");
	struct buf inner = BUF_INIT(256), message = BUF_INIT(256);

	add_field(&inner, 0x0a, group, strlen(group));
	add_field(&inner, 0x12, skdm.data, skdm.len);
	/* Longer than a length of one byte tells. */
	buf_add_u8(&message, 0x12);
	buf_add_u8(&message, (uint8_t)(0x80 | (inner.len & 0x7f)));
	buf_add_u8(&message, (uint8_t)(inner.len >> 7));
	buf_add(&message, inner.data, inner.len);
	add_enc(t, t->bob, message.data, message.len, n);
	buf_done(&skdm);
	buf_done(&inner);
	buf_done(&message);
}

static void
test_group(void **state)
{
	const struct node *retry;
	struct node *n;
	struct jid jid;
	struct trio t;

	(void)state;
	begin(&t);
	/* Without the sender key: acknowledged, and its writer is asked, with our keys. */
	n = group_message(t.bob, "G0");
	add_skmsg(n, "outputs.m1.ciphertext");
	deliver(&t, n);
	assert_non_null(world_written(t.alice, "ack", "id", "G0", 0));
	retry = world_written(t.alice, "receipt", "type", "retry", 0);
	assert_non_null(retry);
	assert_non_null(node_find(retry, "keys"));
	assert_int_equal(node_get_jid(retry, "participant", &jid), 0);
	assert_string_equal(jid.user, "222000222");
	assert_int_equal(node_get_jid(retry, "to", &jid), 0);
	assert_int_equal(jid.server, JID_SERVER_GROUP);
	/* The key comes along with the first message, and serves for the next. */
	n = group_message(t.bob, "G1");
	add_sender_key(&t, GROUP, n);
	add_skmsg(n, "outputs.m1.ciphertext");
	deliver(&t, n);
	n = group_message(t.bob, "G2");
	add_skmsg(n, "outputs.m2.ciphertext");
	deliver(&t, n);
	assert_non_null(world_written(t.alice, "receipt", "id", "G1", 0));
	assert_non_null(world_written(t.alice, "receipt", "id", "G2", 0));
	assert_null(world_written(t.alice, "ack", "id", "G2", 0));
	assert_non_null(memory_disk(&t.alice->db, KEY_SENDER_KEY, GROUP "::222000222_1.0")->data);
	assert_int_equal(t.alice->n_seen, 0); /* outlets talk to people */
	world_end(&t.w);
}

/* In a group many may write what we cannot read: we ask for so many, and acknowledge all. */
static void
test_group_is_asked_with_measure(void **state)
{
	struct node *n;
	struct trio t;
	size_t acks = 0, asked = 0;
	char id[16];

	(void)state;
	begin(&t);
	for (unsigned i = 0; i < 3 * RESEND_BURST; i++) {
		(void)snprintf(id, sizeof(id), "G%u", i);
		n = group_message(t.bob, id);
		add_skmsg(n, "outputs.m1.ciphertext");
		deliver(&t, n);
	}
	while (world_written(t.alice, "ack", "class", "message", acks) != NULL)
		acks++;
	while (world_written(t.alice, "receipt", "type", "retry", asked) != NULL)
		asked++;
	assert_int_equal(acks, 3 * RESEND_BURST);
	assert_true(asked >= RESEND_BURST && asked < 2 * RESEND_BURST);
	/* Of a status nobody is asked. */
	world_forget_log(&t.w);
	n = node_new("message", "id", "S1", "from", "status@broadcast", "t", "5", NULL);
	node_set_jid(n, "participant", &t.bob->credentials.own_lid);
	add_skmsg(n, "outputs.m1.ciphertext");
	deliver(&t, n);
	assert_non_null(world_written(t.alice, "ack", "id", "S1", 0));
	assert_null(world_written(t.alice, "receipt", NULL, NULL, 0));
	world_end(&t.w);
}

/* A sender key from before the LID was known serves on under the LID. */
static void
test_sender_key_moves_to_the_lid(void **state)
{
	const struct memory_value *kept;
	struct node *n;
	struct jid pn;
	struct trio t;

	(void)state;
	begin(&t);
	n = group_message(t.bob, "G1");
	add_sender_key(&t, GROUP, n);
	add_skmsg(n, "outputs.m1.ciphertext");
	deliver(&t, n);
	kept = memory_disk(&t.alice->db, KEY_SENDER_KEY, GROUP "::222000222_1.0");
	assert_non_null(kept->data);
	/* As it would lie if it had come under the number. */
	memory_value_set(&memory_at(&t.alice->db, KEY_SENDER_KEY, GROUP "::" BOB ".0")->disk,
	    kept->data, kept->len);
	memory_value_set(
	    &memory_at(&t.alice->db, KEY_SENDER_KEY, GROUP "::222000222_1.0")->disk, NULL, 0);
	world_restart(t.alice);
	n = group_message(t.bob, "G2");
	pn = jid_make(JID_SERVER_PN, BOB, 0);
	node_set_jid(n, "participant_pn", &pn);
	add_skmsg(n, "outputs.m2.ciphertext");
	deliver(&t, n);
	assert_non_null(world_written(t.alice, "receipt", "id", "G2", 0));
	assert_null(memory_disk(&t.alice->db, KEY_SENDER_KEY, GROUP "::" BOB ".0")->data);
	assert_non_null(memory_disk(&t.alice->db, KEY_SENDER_KEY, GROUP "::222000222_1.0")->data);
	world_end(&t.w);
}

/* A sender key counts for the group that it came in. */
static void
test_sender_key_of_another_group(void **state)
{
	struct node *n;
	struct trio t;

	(void)state;
	begin(&t);
	n = group_message(t.bob, "G1");
	add_sender_key(&t, "1@g.us", n);
	deliver(&t, n);
	n = new_message(t.bob, "G2");
	add_sender_key(&t, GROUP, n);
	deliver(&t, n);
	assert_null(memory_disk(&t.alice->db, KEY_SENDER_KEY, GROUP "::222000222_1.0")->data);
	assert_null(memory_disk(&t.alice->db, KEY_SENDER_KEY, "1@g.us::222000222_1.0")->data);
	assert_int_equal(t.alice->failures, 0);
	world_end(&t.w);
}

/* -- sessions that began under a number -- */

static struct node *
by_number(const struct link *from, const struct node *message, bool with_lid)
{
	struct node *n = node_new("message", "id", node_get(message, "id"), "t", "5", NULL);
	const struct node *enc = node_find(message, "enc");
	const struct jid lid = jid_without_device(&from->credentials.own_lid);
	size_t len;
	const uint8_t *data = node_data(enc, &len);

	node_set_jid(n, "from", &from->credentials.own);
	if (with_lid)
		node_set_jid(n, "sender_lid", &lid);
	node_bytes(node_child(n, "enc", "v", "2", "type", node_get(enc, "type"), NULL), data, len);
	return n;
}

static void
test_session_moves_to_the_lid(void **state)
{
	struct world w;
	struct link *alice, *bob;
	struct node *in, *n;

	(void)state;
	world_begin(&w);
	alice = world_party(&w, ALICE, "111000111", 3);
	bob = world_party(&w, BOB, "222000222", 0);
	for (int i = 0; i < 2; i++) {
		const char *id = i == 0 ? "M1" : "M2";
		const struct node *message;

		alice->offline = true;
		world_send(bob, id, ALICE, id);
		world_run(&w);
		alice->offline = false;
		message = world_written(bob, "message", "id", id, 0);
		in = world_inbound(bob, message,
		    node_find(node_first(node_find(message, "participants")), "enc"), alice);
		n = by_number(bob, in, i == 1);
		messaging_message(alice->m, n);
		world_run(&w);
		world_expect_message(alice, id, id);
		assert_int_equal(
		    memory_disk(&alice->db, KEY_SESSION, BOB ".0")->data != NULL, i == 0);
		node_free(&n);
		node_free(&in);
	}
	assert_non_null(memory_disk(&alice->db, KEY_SESSION, "222000222_1.0")->data);
	assert_non_null(memory_disk(&alice->db, KEY_IDENTITY, "222000222_1.0")->data);
	assert_string_equal(world_see(alice, SEEN_MESSAGE, "M1")->phone, BOB);
	assert_string_equal(world_see(alice, SEEN_MESSAGE, "M2")->chat, "222000222@lid");
	world_end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_history_from_own_phone),
	    cmocka_unit_test(test_history_from_a_stranger),
	    cmocka_unit_test(test_device_sent_by_a_stranger),
	    cmocka_unit_test(test_not_a_message),
	    cmocka_unit_test(test_group),
	    cmocka_unit_test(test_group_is_asked_with_measure),
	    cmocka_unit_test(test_sender_key_moves_to_the_lid),
	    cmocka_unit_test(test_sender_key_of_another_group),
	    cmocka_unit_test(test_session_moves_to_the_lid),
	};

	return VECTORS_RUN(tests);
}
