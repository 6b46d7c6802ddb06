/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phone_ask: what came without its content, or cannot be read, is asked for from our own phone;
 * what the phone answers is shown, once. */
#include "tests/unit/link/message_world.h"

#include "common/wa/message.h"
#include "common/wa/plain.h"
#include "wa.pb-c.h"
#include "waconnd/link/phone_ask.h"

#define ALICE "6281100000001"
#define BOB "6281200000002"

struct trio {
	struct world w;
	struct link *alice, *bob, *phone; /* Alice's device 3; Bob's device 5 and his phone */
};

static void
begin(struct trio *t)
{
	world_begin(&t->w);
	t->alice = world_party(&t->w, ALICE, "111000111", 3);
	t->bob = world_party(&t->w, BOB, "222000222", 5);
	t->phone = world_party(&t->w, BOB, "222000222", 0);
	/* So that the phone has a session to answer in. */
	world_send(t->bob, "W1", BOB, "to myself");
	world_run(&t->w);
	world_forget_log(&t->w);
	t->bob->n_seen = t->phone->n_seen = 0;
}

/* Alice's, for Bob, without what it says. */
static void
deliver_unavailable(struct trio *t, const char *id, const char *type, const char *at)
{
	struct node *n = node_new("message", "id", id, "t", at, "notify", "Alice", NULL);
	const struct jid pn = jid_without_device(&t->alice->credentials.own);

	node_set_jid(n, "from", &t->alice->credentials.own_lid);
	node_set_jid(n, "sender_pn", &pn);
	(void)node_child(n, "unavailable", "type", type, NULL);
	messaging_message(t->bob->m, n);
	world_run(&t->w);
	node_free(&n);
}

static size_t
count_asked(const struct trio *t)
{
	size_t n = 0;

	while (world_written(t->bob, "message", "category", "peer", n) != NULL)
		n++;
	return n;
}

/* A WebMessageInfo of `id` with the text, in the answer to a request, from whom ever. */
static void
answer(struct trio *t, struct link *from, const char *chat, const char *id, const char *text)
{
	struct node *n = node_new("message", "id", "ANSWER", "t", "5", NULL);
	struct buf message = BUF_INIT(1024), padded = BUF_INIT(4096);
	Wa__MessageKey key = WA__MESSAGE_KEY__INIT;
	Wa__WebMessageInfo info = WA__WEB_MESSAGE_INFO__INIT;
	Wa__PlaceholderMessageResendResponse r = WA__PLACEHOLDER_MESSAGE_RESEND_RESPONSE__INIT;
	Wa__PeerDataOperationResult result = WA__PEER_DATA_OPERATION_RESULT__INIT,
				    *all[] = {&result};
	Wa__PeerDataOperationRequestResponseMessage response =
	    WA__PEER_DATA_OPERATION_REQUEST_RESPONSE_MESSAGE__INIT;
	Wa__ProtocolMessage protocol = WA__PROTOCOL_MESSAGE__INIT;
	Wa__Message outer = WA__MESSAGE__INIT;
	uint8_t bytes[2048], packed[2048], whole[2048];
	bool prekey;

	wa_message_write_text(text, &message);
	key.remote_jid = xstrdup(chat);
	key.id = xstrdup(id);
	info.key = &key;
	info.has_message = 1;
	info.message = (ProtobufCBinaryData){message.len, message.data};
	r.has_web_message_info_bytes = 1;
	r.web_message_info_bytes =
	    (ProtobufCBinaryData){wa__web_message_info__pack(&info, bytes), bytes};
	result.placeholder_message_resend_response = &r;
	response.n_peer_data_operation_result = 1;
	response.peer_data_operation_result = all;
	protocol.has_type = 1;
	protocol.type = WA_PROTOCOL_PEER_DATA_OPERATION_RESPONSE;
	protocol.has_peer_data_operation_request_response_message = 1;
	protocol.peer_data_operation_request_response_message = (ProtobufCBinaryData){
	    wa__peer_data_operation_request_response_message__pack(&response, packed), packed};
	outer.protocol_message = &protocol;
	buf_add(&padded, whole, wa__message__pack(&outer, whole));
	plain_pad(&padded);
	node_set_jid(n, "from", &from->credentials.own_lid);
	if (from == t->phone)
		node_set(n, "category", "peer");
	assert_int_equal(messaging_encrypt(from->m, &t->bob->credentials.own_lid, &padded,
			     &(struct enc_attrs){0}, n, &prekey),
	    SIGNAL_OK);
	messaging_message(t->bob->m, n);
	world_run(&t->w);
	free(key.remote_jid);
	free(key.id);
	buf_done(&message);
	buf_done(&padded);
	node_free(&n);
}

static void
test_unavailable(void **state)
{
	const struct node *ask;
	struct trio t;
	struct jid to;

	(void)state;
	begin(&t);
	deliver_unavailable(&t, "U1", NULL, "1790000000");
	assert_string_equal(world_see(t.bob, SEEN_MESSAGE, "U1")->type, "unavailable");
	assert_int_equal(count_asked(&t), 1);
	ask = world_written(t.bob, "message", "category", "peer", 0);
	assert_int_equal(node_get_jid(ask, "to", &to), 0);
	assert_true(to.device == 0 && to.server == JID_SERVER_PN && strcmp(to.user, BOB) == 0);
	assert_true(node_get_is(ask, "type", "text"));
	assert_true(node_get_is(ask, "push_priority", "high_force"));
	assert_true(node_get_is(node_find(ask, "meta"), "appdata", "default"));
	assert_non_null(node_find(ask, "enc"));
	assert_null(node_find(ask, "participants"));
	t.bob->n_seen = 0;
	answer(&t, t.phone, "111000111@lid", "U1", "hello after all");
	world_expect_message(t.bob, "U1", "hello after all");
	assert_string_equal(world_see(t.bob, SEEN_MESSAGE, "U1")->phone, ALICE);
	assert_string_equal(world_see(t.bob, SEEN_MESSAGE, "U1")->chat, "111000111@lid");
	assert_non_null(world_written(t.bob, "receipt", "type", "peer_msg", 0));
	/* Once. */
	answer(&t, t.phone, "111000111@lid", "U1", "and something else");
	deliver_unavailable(&t, "U1", NULL, "1790000000");
	assert_int_equal(count_asked(&t), 1);
	assert_int_equal(world_count(t.bob, SEEN_MESSAGE), 2);
	world_end(&t.w);
}

/* What is for the phone only, what is old, and what is ours. */
static void
test_not_asked_for(void **state)
{
	static const char *const types[] = {
	    "bot_unavailable_fanout", "hosted_unavailable_fanout", "view_once_unavailable_fanout"};
	struct trio t;

	(void)state;
	begin(&t);
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		deliver_unavailable(&t, types[i] + 8, types[i], "1790000000");
	deliver_unavailable(&t, "OLD", NULL, "1788790399");
	assert_int_equal(count_asked(&t), 0);
	deliver_unavailable(&t, "NOT_SO_OLD", "view_once", "1788790400");
	assert_int_equal(count_asked(&t), 1);
	assert_int_equal(world_count(t.bob, SEEN_MESSAGE), 5);
	world_end(&t.w);
}

/* Only our phone is asked and believed, and of what was asked for only. */
static void
test_answers_that_are_none(void **state)
{
	struct trio t;

	(void)state;
	begin(&t);
	world_send(t.alice, "A1", BOB, "hello");
	world_run(&t.w);
	t.bob->n_seen = 0;
	answer(&t, t.phone, "111000111@lid", "U1", "nobody asked");
	deliver_unavailable(&t, "U1", NULL, "1790000000");
	answer(&t, t.alice, "111000111@lid", "U1", "from somebody else");
	answer(&t, t.phone, "999000999@lid", "U1", "of another chat");
	answer(&t, t.phone, "6289900000009@s.whatsapp.net", "U1", "of another chat");
	answer(&t, t.phone, "111000111@lid", "U2", "of another message");
	assert_int_equal(world_count(t.bob, SEEN_MESSAGE), 1);
	answer(&t, t.phone, ALICE "@s.whatsapp.net", "U1", "by number");
	assert_int_equal(world_count(t.bob, SEEN_MESSAGE), 2);
	world_end(&t.w);
}

/* After the last retry receipt the phone is asked at once. */
static void
test_undecryptable(void **state)
{
	const uint8_t rubbish[] = {0x33, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
	struct node *in = node_new("message", "id", "BAD", "t", "1790000000", NULL);
	struct trio t;

	(void)state;
	begin(&t);
	t.alice->offline = true;
	node_set_jid(in, "from", &t.alice->credentials.own_lid);
	node_bytes(node_child(in, "enc", "v", "2", "type", "msg", NULL), rubbish, sizeof(rubbish));
	for (unsigned i = 0; i < 4; i++) {
		messaging_message(t.bob->m, in);
		world_run(&t.w);
	}
	assert_int_equal(count_asked(&t), 0); /* those who wrote it may still repeat it */
	for (unsigned i = 0; i < 2; i++) {
		messaging_message(t.bob->m, in);
		world_run(&t.w);
	}
	assert_int_equal(count_asked(&t), 1);
	answer(&t, t.phone, "111000111@lid", "BAD", "at last");
	world_expect_message(t.bob, "BAD", "at last");
	node_free(&in);
	world_end(&t.w);
}

static void
test_bounded(void **state)
{
	struct trio t;
	char id[16];

	(void)state;
	begin(&t);
	for (unsigned i = 0; i < PHONE_ASKS_MAX + 5; i++) {
		(void)snprintf(id, sizeof(id), "U%u", i);
		deliver_unavailable(&t, id, NULL, NULL);
	}
	assert_int_equal(count_asked(&t), PHONE_ASKS_MAX);
	assert_int_equal(world_count(t.bob, SEEN_MESSAGE), PHONE_ASKS_MAX + 5);
	world_end(&t.w);
}

/* A phone that cannot read the request is asked in a new session, and not for ever. */
static void
test_phone_asks_again(void **state)
{
	struct node *r = node_new("receipt", "type", "retry", NULL);
	const struct jid phone = jid_make(JID_SERVER_LID, "222000222", 0);
	const struct node *again;
	struct trio t;
	unsigned bundles;

	(void)state;
	begin(&t);
	deliver_unavailable(&t, "U1", NULL, "1790000000");
	node_set(r, "id", node_get(world_written(t.bob, "message", "category", "peer", 0), "id"));
	node_set_jid(r, "from", &phone);
	(void)node_child(r, "retry", "count", "1", "t", "7", "v", "1", NULL);
	bundles = t.w.bundles;
	for (unsigned i = 0; i < 4; i++) {
		messaging_receipt(t.bob->m, r);
		world_run(&t.w);
	}
	assert_int_equal(count_asked(&t), 3);
	assert_true(t.w.bundles > bundles);
	again = world_written(t.bob, "message", "category", "peer", 1);
	assert_string_equal(node_get(again, "id"), node_get(r, "id"));
	assert_true(node_get_is(node_find(again, "enc"), "type", "pkmsg"));
	assert_true(node_get_is(node_find(again, "enc"), "count", "1"));
	assert_non_null(node_find(again, "device-identity"));
	assert_non_null(world_written(t.bob, "ack", "class", "receipt", 3));
	node_free(&r);
	world_end(&t.w);
}

/* The phone has no keys to be had: nothing else is held up. */
static void
test_no_bundle(void **state)
{
	struct trio t;

	(void)state;
	world_begin(&t.w);
	t.alice = world_party(&t.w, ALICE, "111000111", 3);
	t.bob = world_party(&t.w, BOB, "222000222", 5);
	t.phone = NULL;
	deliver_unavailable(&t, "U1", NULL, "1790000000");
	assert_int_equal(count_asked(&t), 0);
	assert_non_null(world_written(t.bob, "ack", "id", "U1", 0));
	assert_int_equal(t.bob->failures, 0);
	world_end(&t.w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_unavailable),
	    cmocka_unit_test(test_not_asked_for),
	    cmocka_unit_test(test_answers_that_are_none),
	    cmocka_unit_test(test_undecryptable),
	    cmocka_unit_test(test_bounded),
	    cmocka_unit_test(test_phone_asks_again),
	    cmocka_unit_test(test_no_bundle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
