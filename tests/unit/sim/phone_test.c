/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Phones over a server played by the test: texts both ways, repeats, retries on purpose and of
 * need, what companions may and may not do, receipts of each setting, bounds.
 */
#include "tests/unit/sim/fake_server.h"

#include "common/wa/message.h"
#include "common/wa/plain.h"

#define ANA "6281100001"
#define BUDI "6281100002"

/* -- what was recorded ------------------------------------------------------------------------ */

static json_t *
messages(struct sim *s, const char *to, bool own)
{
	const struct record_filter f = {
	    .match = {NULL, to, NULL}, .own_only = own, .others_only = !own};

	return record_list(s->record, RECORD_MESSAGES, &f, 1000);
}

/* The only message to this phone has this text, and came so often. */
static void
check_only(struct sim *s, const char *to, const char *text, const char *enc_type, int count)
{
	json_t *list = messages(s, to, false);
	const json_t *m = json_array_get(json_object_get(list, "messages"), 0);

	assert_int_equal(json_array_size(json_object_get(list, "messages")), 1);
	assert_string_equal(json_string_value(json_object_get(m, "text")), text);
	assert_string_equal(json_string_value(json_object_get(m, "encType")), enc_type);
	assert_int_equal(json_integer_value(json_object_get(m, "count")), count);
	json_decref(list);
}

static int
message_count(struct sim *s, const char *to)
{
	json_t *list = messages(s, to, false);
	const int n = (int)json_integer_value(json_object_get(list, "count"));

	json_decref(list);
	return n;
}

/* The rules broken, joined by blanks. */
static void
check_violations(struct sim *s, const char *expected)
{
	json_t *list = record_violations(s->record, NULL);
	struct buf got = BUF_INIT(4096);
	const json_t *v;
	size_t i;

	json_array_foreach(json_object_get(list, "violations"), i, v)
	    buf_addf(&got, "%s%s", i > 0 ? " " : "", json_string_value(json_object_get(v, "rule")));
	assert_string_equal(buf_str(&got), expected);
	buf_done(&got);
	json_decref(list);
}

static void
say(struct sim *s, const char *from, const char *to, const char *text)
{
	char id[64];

	assert_int_equal(phone_send_text(account_find(s, from, true)->phone,
			     account_find(s, to, true), NULL, text, id, sizeof(id)),
	    0);
	assert_int_equal(strlen(id), MESSAGE_ID_LEN);
}

/* -- between phones -----------------------------------------------------------------------------
 */

static void
test_two_phones(void **state)
{
	struct sim *s = *state;
	json_t *list;
	const json_t *all;

	say(s, ANA, BUDI, "halo");
	check_only(s, BUDI, "halo", "pkmsg", 1);
	say(s, BUDI, ANA, "halo juga");
	check_only(s, ANA, "halo juga", "msg", 1);
	for (int i = 0; i < 5; i++)
		say(s, ANA, BUDI, "lagi");
	list = messages(s, BUDI, false);
	all = json_object_get(list, "messages");
	assert_int_equal(json_array_size(all), 6);
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(all, 5), "encType")), "msg");
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(all, 5), "from")), ANA);
	json_decref(list);
	check_violations(s, "");
	assert_int_equal(fake_submitted(s, "receipt", ""), 7);
}

static void
test_to_oneself(void **state)
{
	struct sim *s = *state;
	char id[64];

	account_find(s, ANA, true);
	/* nobody but this very phone */
	assert_int_equal(phone_send_text(account_find(s, ANA, true)->phone,
			     account_find(s, ANA, true), NULL, "x", id, sizeof(id)),
	    -1);
	assert_int_equal(s->kept_count, 0);
}

static void
test_given_id(void **state)
{
	struct sim *s = *state;
	struct account *ana = account_find(s, ANA, true), *budi = account_find(s, BUDI, true);
	char id[8];

	assert_int_equal(phone_send_text(ana->phone, budi, "A.1", "x", id, sizeof(id)), 0);
	assert_string_equal(id, "A.1");
	assert_int_equal(phone_send_text(ana->phone, budi, "A.123456789", "x", id, sizeof(id)), -1);
	/* The same id with other words is a rule broken. */
	assert_int_equal(phone_send_text(ana->phone, budi, "A.1", "y", id, sizeof(id)), 0);
	check_only(s, BUDI, "x", "pkmsg", 2);
	check_violations(s, "id_reused");
}

static void
test_repeat_is_counted(void **state)
{
	struct sim *s = *state;
	struct account *ana = account_find(s, ANA, true);
	const struct jid from = account_lid(ana, 0);

	say(s, ANA, BUDI, "halo");
	fake_route(s, &from, s->kept[0]);
	fake_route(s, &from, s->kept[0]);
	check_only(s, BUDI, "halo", "pkmsg", 3);
	assert_int_equal(fake_submitted(s, "receipt", ""), 3);
	assert_int_equal(fake_submitted(s, "receipt", "retry"), 0);
}

static void
test_pn_addresses(void **state)
{
	struct sim *s = *state;
	const struct jid pn = account_pn(account_find(s, ANA, true), 0);
	struct jid to;

	s->hold = true;
	say(s, ANA, BUDI, "halo");
	s->hold = false;
	fake_route(s, &pn, s->kept[0]); /* as if Ana had a number and no LID */
	check_only(s, BUDI, "halo", "pkmsg", 1);
	assert_int_equal(node_get_jid(s->kept[1], "to", &to), 0);
	assert_true(jid_equal(&to, &pn)); /* answered where it came from */
	say(s, ANA, BUDI, "lagi");	  /* the session is the same */
	assert_int_equal(message_count(s, BUDI), 2);
	assert_int_equal(fake_submitted(s, "receipt", "retry"), 0);
}

/* -- receipts
 * --------------------------------------------------------------------------------------- */

static void
test_receipt_settings(void **state)
{
	static const struct {
		enum phone_receipts receipts;
		int delivered, read;
		const char *name;
	} cases[] = {
	    {PHONE_RECEIPTS_NONE, 0, 0, "none"},
	    {PHONE_RECEIPTS_DELIVERED, 1, 0, "delivered"},
	    {PHONE_RECEIPTS_READ, 1, 1, "read"},
	};
	struct sim *s = *state;
	struct phone *budi = account_find(s, BUDI, true)->phone;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *json;

		phone_set_receipts(budi, cases[i].receipts);
		phone_set_retries(budi, 0);
		json = phone_json(budi);
		assert_string_equal(
		    json_string_value(json_object_get(json, "receipts")), cases[i].name);
		json_decref(json);
		fake_forget(s);
		say(s, ANA, BUDI, "halo");
		assert_int_equal(fake_submitted(s, "receipt", ""), cases[i].delivered);
		assert_int_equal(fake_submitted(s, "receipt", "read"), cases[i].read);
	}
}

/* -- retries
 * ---------------------------------------------------------------------------------------------- */

static void
test_retries_on_purpose(void **state)
{
	struct sim *s = *state;
	struct account *budi = account_find(s, BUDI, true);

	phone_set_retries(budi->phone, 2);
	say(s, ANA, BUDI, "halo");
	check_only(s, BUDI, "halo", "pkmsg", 1);
	assert_int_equal(budi->phone->retries, 0);
	assert_int_equal(budi->phone->awaited_count, 0);
	assert_int_equal(fake_submitted(s, "receipt", "retry"), 2);
	assert_int_equal(fake_submitted(s, "receipt", ""), 1);
	say(s, ANA, BUDI, "lagi");
	assert_int_equal(fake_submitted(s, "receipt", "retry"), 2);
	assert_int_equal(message_count(s, BUDI), 2);
}

static const struct node *
submitted_at(const struct sim *s, const char *type, int nth)
{
	for (size_t i = 0; i < s->kept_count; i++)
		if (node_get_is(s->kept[i], "type", type) && nth-- == 0)
			return s->kept[i];
	return NULL;
}

static void
test_retry_receipts_say_what_is_needed(void **state)
{
	struct sim *s = *state;
	const struct node *one, *two;
	struct peer_bundle bundle;
	int64_t n;

	phone_set_retries(account_find(s, BUDI, true)->phone, 2);
	say(s, ANA, BUDI, "halo");
	one = submitted_at(s, "retry", 0);
	two = submitted_at(s, "retry", 1);
	assert_int_equal(node_get_int(node_find(one, "retry"), "count", &n), 0);
	assert_int_equal(n, 1);
	assert_null(node_find(one, "keys"));
	assert_int_equal(node_get_int(node_find(two, "retry"), "count", &n), 0);
	assert_int_equal(n, 2);
	assert_true(node_get_is(node_find(two, "retry"), "t", "1700000001"));
	assert_int_equal(peer_bundle_read(two, &bundle), 0);
	assert_true(bundle.has_prekey);
	assert_int_equal(
	    bundle.registration_id, phone_registration_id(account_find(s, BUDI, true)->phone));
	/* And the answer says which one it is. */
	assert_int_equal(node_get_int(node_find(s->kept[2], "enc"), "count", &n), 0);
	assert_int_equal(n, 1);
	assert_true(node_get_is(s->kept[2], "device_fanout", "false"));
}

/* Budi loses the session in the middle of a conversation: asked twice, then there is a new one. */
static void
test_lost_session(void **state)
{
	struct sim *s = *state;
	struct account *ana = account_find(s, ANA, true), *budi = account_find(s, BUDI, true);
	const struct jid ana_lid = account_lid(ana, 0);

	say(s, ANA, BUDI, "halo");
	say(s, BUDI, ANA, "ya");
	phone_device_changed(budi->phone, &ana_lid);
	say(s, ANA, BUDI, "masih di sana?");
	assert_int_equal(message_count(s, BUDI), 2);
	assert_int_equal(fake_submitted(s, "receipt", "retry"), 2);
	say(s, BUDI, ANA, "masih");
	assert_int_equal(message_count(s, ANA), 2);
	assert_int_equal(fake_submitted(s, "receipt", "retry"), 2);
	check_violations(s, "");
}

static void
test_never_readable(void **state)
{
	struct sim *s = *state;

	phone_set_retries(account_find(s, BUDI, true)->phone, 100);
	say(s, ANA, BUDI, "halo");
	assert_int_equal(fake_submitted(s, "receipt", "retry"), PHONE_ASK_MAX);
	assert_int_equal(message_count(s, BUDI), 0);
	check_violations(s, "undecryptable");
}

static void
test_sent_is_bounded(void **state)
{
	struct sim *s = *state;
	struct account *ana = account_find(s, ANA, true), *budi = account_find(s, BUDI, true);
	char id[64];

	for (int i = 0; i < PHONE_SENT_MAX + 3; i++) {
		char give[16];

		snprintf(give, sizeof(give), "ID%d", i);
		assert_int_equal(phone_send_text(ana->phone, budi, give, "x", id, sizeof(id)), 0);
		fake_forget(s);
	}
	assert_int_equal(ana->phone->sent_count, PHONE_SENT_MAX);
}

/* -- companions
 * --------------------------------------------------------------------------------------------------
 */

/* An <enc> of this Message from the companion for the device. */
static void
companion_enc(
    struct account *c, const struct jid *to, struct node *parent, struct buf *message, int pad)
{
	struct buf sealed = BUF_INIT(8192);
	struct peer_bundle bundle;
	uint32_t registration_id;
	const char *type;
	struct node *enc;

	if (!phone_knows(c->phone, to, &registration_id)) {
		struct node *user = account_bundle(c->sim, to);

		assert_int_equal(peer_bundle_read(user, &bundle), 0);
		assert_int_equal(phone_meet(c->phone, to, &bundle), 0);
		node_free(&user);
	}
	if (pad > 0)
		plain_pad_with(message, (uint8_t)pad);
	assert_int_equal(phone_encrypt(c->phone, to, message, &type, &sealed), 0);
	enc = node_child(parent, "enc", "v", "2", "type", type, NULL);
	node_bytes(enc, sealed.data, sealed.len);
	buf_done(&sealed);
}

enum spoil {
	SPOIL_NOTHING,
	SPOIL_PADDING,
	SPOIL_PROTOBUF,
	SPOIL_NO_IDENTITY,
	SPOIL_SIGNATURE,
	SPOIL_WRAPPED
};

/* A companion's text to one phone, perhaps with something wrong in it. */
static void
companion_says(struct account *c, struct account *to, const char *id, enum spoil spoil)
{
	const struct jid from = account_lid(c->of, 1), device = account_lid(to, 0);
	struct node *m = node_new("message", "id", id, "type", "text", NULL), *t;
	struct buf text = BUF_INIT(4096), message = BUF_INIT(4096), adv = BUF_INIT(4096);
	char chat[JID_TEXT_MAX];

	node_set_jid(m, "to", &device);
	t = node_child(node_child(m, "participants", NULL), "to", NULL);
	node_set_jid(t, "jid", &device);
	wa_message_write_text("promo", &text);
	if ((spoil == SPOIL_WRAPPED) != (to == c->of))
		wa_message_write_device_sent(
		    jid_format(&device, chat), text.data, text.len, &message);
	else
		buf_add(&message, text.data, text.len);
	if (spoil == SPOIL_PROTOBUF)
		message.data[1] = 0xff;
	companion_enc(c, &device, t, &message, spoil == SPOIL_PADDING ? 0 : 5);
	buf_add(&adv, c->adv.data, c->adv.len);
	if (spoil == SPOIL_SIGNATURE)
		adv.data[adv.len - 3] ^= 1;
	if (spoil != SPOIL_NO_IDENTITY)
		node_bytes(node_child(m, "device-identity", NULL), adv.data, adv.len);
	sim_submit(c->sim, &from, m);
	buf_done(&text);
	buf_done(&message);
	buf_done(&adv);
}

static void
test_companion_rules(void **state)
{
	static const struct {
		enum spoil spoil;
		bool own;
		int recorded, retries;
		const char *violations;
	} cases[] = {
	    {SPOIL_NOTHING, false, 1, 0, ""},
	    {SPOIL_PADDING, false, 0, 0, "padding"},
	    {SPOIL_PROTOBUF, false, 0, 0, "protobuf"},
	    {SPOIL_NO_IDENTITY, false, 0, 1, "device_identity"},
	    {SPOIL_SIGNATURE, false, 0, 1, "device_identity"},
	    {SPOIL_WRAPPED, false, 1, 0, "device_sent"},
	    {SPOIL_WRAPPED, true, 0, 0, "device_sent"},
	    {SPOIL_NOTHING, true, 0, 0, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		void *one;
		struct account *ana;
		struct sim *s;

		fake_setup(&one);
		s = one;
		ana = account_find(s, ANA, true);
		companion_says(fake_link(ana), cases[i].own ? ana : account_find(s, BUDI, true),
		    "3EB0AA", cases[i].spoil);
		check_violations(s, cases[i].violations);
		assert_int_equal(message_count(s, BUDI), cases[i].recorded);
		assert_int_equal(fake_submitted(s, "receipt", "retry"), cases[i].retries);
		assert_int_equal(fake_submitted(s, "receipt", "sender"), cases[i].own);
		fake_teardown(&one);
	}
}

/* The copy of what a companion sent is told apart from what others send. */
static void
test_companion_copy(void **state)
{
	struct sim *s = *state;
	struct account *ana = account_find(s, ANA, true);
	json_t *list;
	const json_t *m;

	companion_says(fake_link(ana), ana, "3EB0AA", SPOIL_NOTHING);
	assert_int_equal(message_count(s, ANA), 0);
	list = messages(s, ANA, true);
	m = json_array_get(json_object_get(list, "messages"), 0);
	assert_true(json_is_true(json_object_get(m, "deviceSent")));
	assert_true(json_is_true(json_object_get(m, "own")));
	assert_string_equal(json_string_value(json_object_get(m, "chat")), ANA);
	assert_string_equal(json_string_value(json_object_get(m, "text")), "promo");
	json_decref(list);
	check_violations(s, "");
}

/* What the companion reads of a stanza that came to it; NULL when it cannot. */
static char *
companion_read(struct account *c, const struct node *stanza, char **ret_destination)
{
	struct buf plain = BUF_INIT(8192);
	const struct node *enc = node_find(stanza, "enc");
	uint8_t identity[CURVE_KEY_LEN];
	struct wa_message m;
	struct jid from;
	char *text;
	size_t len;
	const uint8_t *data = node_data(enc, &len);

	assert_int_equal(node_get_jid(stanza, "from", &from), 0);
	if (phone_decrypt(c->phone, &from, node_get_is(enc, "type", "pkmsg"), data, len, identity,
		&plain) != 0) {
		buf_done(&plain);
		return NULL;
	}
	assert_int_equal(plain_unpad(plain.data, plain.len, &len), 0);
	assert_int_equal(wa_message_read(plain.data, len, &m), 0);
	text = xstrdup(m.text);
	*ret_destination = m.destination != NULL ? xstrdup(m.destination) : NULL;
	wa_message_done(&m);
	buf_done(&plain);
	return text;
}

static void
check_reads(struct account *c, const struct node *stanza, const char *text, bool copy)
{
	char *destination = NULL, *got = companion_read(c, stanza, &destination);

	assert_non_null(got);
	assert_string_equal(got, text);
	assert_int_equal(destination != NULL, copy);
	free(got);
	free(destination);
}

static void
test_phone_writes_to_all_devices(void **state)
{
	struct sim *s = *state;
	struct account *ana = account_find(s, ANA, true), *budi = account_find(s, BUDI, true);
	struct account *ana_web = fake_link(ana), *budi_web = fake_link(budi);

	say(s, ANA, BUDI, "halo");
	assert_int_equal(s->arrived_count, 2);
	check_reads(budi_web, s->arrived[0], "halo", false);
	check_reads(ana_web, s->arrived[1], "halo", true);
	check_only(s, BUDI, "halo", "pkmsg", 1);
	/* and to itself: the companion alone */
	fake_forget(s);
	say(s, ANA, ANA, "catatan");
	assert_int_equal(s->arrived_count, 1);
	check_reads(ana_web, s->arrived[0], "catatan", true);
}

/* A companion that cannot read asks, and gets it again under the same id; a new session with its
 * keys. */
static void
test_companion_asks_again(void **state)
{
	struct sim *s = *state;
	struct account *ana = account_find(s, ANA, true), *budi = account_find(s, BUDI, true);
	struct account *web = fake_link(budi);
	const struct jid budi_web = account_lid(budi, 1), ana_lid = account_lid(ana, 0);
	char id[64];

	say(s, BUDI, ANA, "x");
	assert_int_equal(phone_send_text(ana->phone, budi, "ID1", "halo", id, sizeof(id)), 0);
	phone_store_forget(web->phone, &ana_lid);
	for (int count = 1; count <= 2; count++) {
		struct node *r = node_new("receipt", "id", "ID1", "type", "retry", NULL), *retry;

		node_set_jid(r, "to", &ana_lid);
		retry = node_child(r, "retry", "id", "ID1", "v", "1", NULL);
		node_set_int(retry, "count", count);
		phone_bundle(web->phone, count == 2 ? node_child(r, "keys", NULL) : r);
		fake_forget(s);
		sim_submit(s, &budi_web, r);
		assert_int_equal(s->arrived_count, 1);
		assert_string_equal(node_get(s->arrived[0], "id"), "ID1");
		check_reads(web, s->arrived[0], "halo", false);
	}
}

static void
test_receipts_of_companions(void **state)
{
	struct sim *s = *state;
	struct account *ana = account_find(s, ANA, true), *budi = account_find(s, BUDI, true);
	const struct jid to = account_lid(ana, 0);
	const struct record_filter all = {0};
	struct node *r = node_new("receipt", "id", "A", "type", "read", NULL);
	struct jid from = account_lid(budi, 1);
	json_t *list;

	fake_link(budi);
	node_child(node_child(r, "list", NULL), "item", "id", "B", NULL);
	node_set_jid(r, "to", &to);
	sim_submit(s, &from, r);
	list = record_list(s->record, RECORD_RECEIPTS, &all, 10);
	assert_int_equal(json_array_size(json_object_get(list, "receipts")), 2);
	json_decref(list);
}

/* -- bundles
 * ------------------------------------------------------------------------------------------------------------
 */

static void
test_bundles(void **state)
{
	struct sim *s = *state;
	struct phone *p = account_find(s, ANA, true)->phone;
	struct peer_bundle a, b;
	struct node *n;

	n = node_new("user", NULL);
	phone_bundle(p, n);
	assert_int_equal(peer_bundle_read(n, &a), 0);
	node_free(&n);
	n = node_new("user", NULL);
	phone_bundle(p, n);
	assert_int_equal(peer_bundle_read(n, &b), 0);
	node_free(&n);
	assert_int_equal(a.registration_id, b.registration_id);
	assert_memory_equal(a.signed_key, b.signed_key, CURVE_KEY_LEN);
	assert_int_equal(a.prekey_id + 1, b.prekey_id);
	assert_memory_not_equal(a.prekey, b.prekey, CURVE_KEY_LEN);
	n = node_new("user", NULL);
	assert_int_equal(peer_bundle_read(n, &a), -1);
	node_free(&n);
	for (int i = 0; i < PHONE_PREKEYS_MAX; i++) {
		n = node_new("user", NULL);
		phone_keys_write(p, n);
		node_free(&n);
	}
	assert_int_equal(p->keys->prekey_count, PHONE_PREKEYS_MAX);
}

static void
test_nonsense_is_ignored(void **state)
{
	static const char *const tags[] = {"message", "receipt", "ack", "iq"};
	struct sim *s = *state;
	struct phone *p = account_find(s, ANA, true)->phone;

	for (size_t i = 0; i < sizeof(tags) / sizeof(tags[0]); i++) {
		struct node *n = node_new(tags[i], "id", "X", "error", "479", NULL);

		phone_deliver(p, n);
		node_set(n, "from", "nobody@lid");
		phone_deliver(p, n);
		node_child(n, "enc", "v", "2", "type", "msg", NULL);
		phone_deliver(p, n);
		node_free(&n);
	}
	assert_int_equal(s->kept_count, 0);
	check_violations(s, "");
}

#define FAKE_TEST(test) cmocka_unit_test_setup_teardown(test, fake_setup, fake_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    FAKE_TEST(test_two_phones),
	    FAKE_TEST(test_to_oneself),
	    FAKE_TEST(test_given_id),
	    FAKE_TEST(test_repeat_is_counted),
	    FAKE_TEST(test_pn_addresses),
	    FAKE_TEST(test_receipt_settings),
	    FAKE_TEST(test_retries_on_purpose),
	    FAKE_TEST(test_retry_receipts_say_what_is_needed),
	    FAKE_TEST(test_lost_session),
	    FAKE_TEST(test_never_readable),
	    FAKE_TEST(test_sent_is_bounded),
	    cmocka_unit_test(test_companion_rules),
	    FAKE_TEST(test_companion_copy),
	    FAKE_TEST(test_phone_writes_to_all_devices),
	    FAKE_TEST(test_companion_asks_again),
	    FAKE_TEST(test_receipts_of_companions),
	    FAKE_TEST(test_bundles),
	    FAKE_TEST(test_nonsense_is_ignored),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
