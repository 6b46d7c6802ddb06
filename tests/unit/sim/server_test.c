/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logins against the simulator: pairing, logging in, pre-keys and devices, by clients that the test
 * plays. */
#include "tests/unit/sim/server_world.h"

#define ANA "6281100001"
#define BUDI "6281100002"

/* -- pairing -------------------------------------------------------------------------- */

static void
test_pairing(void **state)
{
	struct server_world w;
	struct client c;
	struct jid pn = jid_make(JID_SERVER_PN, ANA, 1);
	const char *error;

	(void)state;
	world_begin(&w);
	client_init(&c, &w);
	client_register(&c);
	assert_int_equal(client_scan(&c, ANA, 3, NULL, &error), 0);
	assert_true(jid_equal(&c.jid, &pn));
	assert_null(account_device(account_find(w.sim, ANA, false), 1));
	assert_int_equal(client_sign(&c), ADV_OK);
	assert_non_null(account_device(account_find(w.sim, ANA, false), 1));
	assert_true(node_get_is(client_got(&c, "stream:error"), "code", "515"));
	assert_null(c.conn);
	/* The next one of the same phone has another number; its keys are others. */
	client_done(&c);
	client_link(&c, &w, ANA);
	assert_int_equal(c.jid.device, 2);
	client_done(&c);
	assert_violations(&w, "");
	world_end(&w);
}

static void
test_pairing_spoiled(void **state)
{
	static const struct {
		const char *fault;
		int result;
	} cases[] = {
	    {"hmac", ADV_E_HMAC},
	    {"signature", ADV_E_SIGNATURE},
	};
	struct server_world w;
	struct client c;
	const char *error;

	(void)state;
	world_begin(&w);
	for (size_t i = 0; i < 2; i++) {
		client_init(&c, &w);
		client_register(&c);
		assert_int_equal(client_scan(&c, ANA, 0, cases[i].fault, &error), 0);
		assert_int_equal(client_sign(&c), cases[i].result);
		assert_null(c.conn);
		assert_int_equal(account_find(w.sim, ANA, false)->device_count, 0);
		client_done(&c);
	}
	assert_violations(&w, "");
	world_end(&w);
}

static void
test_scan_refused(void **state)
{
	struct server_world w;
	struct client c, other;
	const char *error;

	(void)state;
	world_begin(&w);
	client_init(&c, &w);
	client_init(&other, &w);
	client_register(&c);
	account_set_registered(account_find(w.sim, BUDI, true), false);
	assert_int_equal(client_scan(&c, BUDI, 0, NULL, &error), -2);
	assert_int_equal(client_scan(&c, "12", 0, NULL, &error), -2);
	/* Another companion's keys in the QR of this connection. */
	other.got[other.got_count++] = node_dup(client_got(&c, "iq"));
	other.noise = noise_new_initiator(&other.noise_pair, NULL);
	assert_int_equal(client_scan(&other, ANA, 0, NULL, &error), -2);
	client_hang_up(&c);
	other.conn = NULL;
	assert_int_equal(client_scan(&other, ANA, 0, NULL, &error), -1);
	client_done(&c);
	client_done(&other);
	world_end(&w);
}

/* Signed with another key than it paired with. */
static void
test_bad_device_signature(void **state)
{
	struct server_world w;
	struct client c;
	struct curve_pair other;
	const char *error;
	struct node *iq, *n;
	struct adv_result adv;
	size_t len;
	const uint8_t *data;
	const struct node *success;

	(void)state;
	world_begin(&w);
	client_init(&c, &w);
	client_register(&c);
	assert_int_equal(client_scan(&c, ANA, 0, NULL, &error), 0);
	success = client_got(&c, "iq");
	data = node_data(node_find(node_find(success, "pair-success"), "device-identity"), &len);
	curve_generate(&other);
	memcpy(other.pub, c.identity.pub, CURVE_KEY_LEN);
	assert_int_equal(adv_accept(data, len, c.secret, &other, &adv), ADV_OK);
	iq = node_new("iq", "type", "result", "id", node_get(success, "id"), NULL);
	n = node_child(
	    node_child(iq, "pair-device-sign", NULL), "device-identity", "key-index", "1", NULL);
	node_bytes(n, adv.reply.data, adv.reply.len);
	adv_result_done(&adv);
	client_send(&c, iq);
	assert_null(client_got(&c, "stream:error"));
	assert_null(c.conn);
	assert_int_equal(account_find(w.sim, ANA, false)->device_count, 0);
	assert_violations(&w, "pair_device_sign");
	client_done(&c);
	world_end(&w);
}

/* -- login ---------------------------------------------------------------------------- */

static void
test_login(void **state)
{
	struct server_world w;
	struct client c;
	struct curve_pair own;

	(void)state;
	world_begin(&w);
	client_link(&c, &w, ANA);
	own = c.noise_pair;
	curve_generate(&c.noise_pair);
	client_login(&c);
	assert_true(node_get_is(client_got(&c, "failure"), "reason", "401"));
	assert_null(c.conn);
	c.noise_pair = own;
	client_login(&c);
	assert_non_null(client_got(&c, "success"));
	assert_int_equal(account_unlink(account_find(w.sim, ANA, false), 1), 0);
	client_read(&c);
	assert_true(node_get_is(client_got(&c, "stream:error"), "code", "401"));
	assert_true(node_get_is(
	    node_find(client_got(&c, "stream:error"), "conflict"), "type", "device_removed"));
	client_login(&c);
	assert_true(node_get_is(client_got(&c, "failure"), "reason", "401"));
	assert_int_equal(account_unlink(account_find(w.sim, ANA, false), 1), -1);
	client_done(&c);
	assert_violations(&w, "");
	world_end(&w);
}

static void
test_replaced(void **state)
{
	struct server_world w;
	struct client first, second;
	const struct node *error;

	(void)state;
	world_begin(&w);
	client_link(&first, &w, ANA);
	client_init(&second, &w);
	second.noise_pair = first.noise_pair;
	second.jid = first.jid;
	client_login(&second);
	client_read(&first);
	error = client_got(&first, "stream:error");
	assert_null(node_get(error, "code"));
	assert_true(node_get_is(node_find(error, "conflict"), "type", "replaced"));
	assert_null(first.conn);
	assert_non_null(client_got(&second, "success"));
	assert_ptr_equal(account_device(account_find(w.sim, ANA, false), 1)->conn, second.conn);
	client_done(&first);
	client_done(&second);
	world_end(&w);
}

static void
test_before_success(void **state)
{
	struct server_world w;
	struct client c;

	(void)state;
	world_begin(&w);
	client_init(&c, &w);
	client_register(&c);
	client_send(&c, node_new("message", "id", "A", "type", "text", NULL));
	assert_non_null(client_ask(&c, node_new("iq", "type", "get", "xmlns", "w:p", NULL)));
	assert_null(client_upload(&c, 1, 1, 0));
	assert_violations(&w, "before_success before_success");
	client_done(&c);
	world_end(&w);
}

/* -- pre-keys ------------------------------------------------------------------------- */

static int64_t
count_keys(struct client *c)
{
	struct node *iq = node_new("iq", "type", "get", "xmlns", "encrypt", NULL);
	int64_t n = -1;

	(void)node_child(iq, "count", NULL);
	assert_int_equal(node_get_int(node_find(client_ask(c, iq), "count"), "value", &n), 0);
	return n;
}

static void
test_prekeys(void **state)
{
	struct server_world w;
	struct client c;
	const struct node *n;
	struct node *bundle;
	uint32_t last = 0;
	int64_t count;

	(void)state;
	world_begin(&w);
	client_link(&c, &w, ANA);
	assert_int_equal(count_keys(&c), 0);
	assert_true(node_get_is(client_upload(&c, 1, 6, 0), "type", "result"));
	assert_true(node_get_is(client_upload(&c, 1, 6, 0), "type", "result")); /* repeated */
	assert_int_equal(count_keys(&c), 6);
	/* Each goes out once, in order; then bundles have none. */
	for (uint32_t i = 1; i <= 7; i++) {
		size_t len;
		const uint8_t *id;

		bundle = account_bundle(w.sim, i % 2 == 0 ? &c.jid : &c.lid);
		id = node_data(node_find(node_find(bundle, "key"), "id"), &len);
		if (i < 7) {
			assert_int_equal(len, 3);
			assert_int_equal(id[2], last + 1);
			last = id[2];
		} else {
			assert_null(node_find(bundle, "key"));
		}
		assert_non_null(node_find(bundle, "skey"));
		assert_non_null(node_find(bundle, "device-identity"));
		node_free(&bundle);
	}
	client_read(&c);
	n = client_got(&c, "notification");
	assert_true(node_get_is(n, "type", "encrypt"));
	assert_int_equal(node_get_int(node_find(n, "count"), "value", &count), 0);
	assert_int_equal(count, 4);
	assert_violations(&w, "");
	(void)client_upload(&c, 6, 1, 0);
	(void)client_upload(&c, 7, 1, 0);
	(void)client_upload(&c, 7, 1, 1);
	(void)client_upload(&c, 0, 1, 0);
	assert_violations(&w, "prekey_reused prekey_reused prekey_zero");
	assert_int_equal(count_keys(&c), 1);
	client_done(&c);
	world_end(&w);
}

static void
test_unknown_devices(void **state)
{
	static const char *const jids[] = {
	    ANA ":7@s.whatsapp.net", "111@lid", BUDI "@s.whatsapp.net", "1:2@lid"};
	struct server_world w;
	struct client c;
	struct node *iq, *key;
	const struct node *answer, *user;
	struct jid jid;

	(void)state;
	world_begin(&w);
	client_link(&c, &w, ANA);
	account_set_registered(account_find(w.sim, BUDI, true), false);
	iq = node_new("iq", "type", "get", "xmlns", "encrypt", NULL);
	key = node_child(iq, "key", NULL);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(jid_parse(jids[i], &jid), 0);
		node_set_jid(node_child(key, "user", NULL), "jid", &jid);
	}
	answer = client_ask(&c, iq);
	user = node_first(node_find(answer, "list"));
	for (size_t i = 0; i < 4; i++, user = node_next(user)) {
		assert_true(node_get_is(user, "jid", jids[i]));
		assert_true(node_get_is(node_find(user, "error"), "code", "404"));
	}
	assert_null(user);
	client_done(&c);
	world_end(&w);
}

/* -- usync ---------------------------------------------------------------------------- */

static void
test_usync(void **state)
{
	struct server_world w;
	struct client c;
	const struct node *user, *device;
	char lid[JID_TEXT_MAX];
	struct jid jid;

	(void)state;
	world_begin(&w);
	client_link(&c, &w, ANA);
	jid = account_lid(account_find(w.sim, ANA, false), 0);
	(void)jid_format(&jid, lid);
	user = usync(&c, "devices", NULL, ANA "@s.whatsapp.net", NULL);
	assert_true(node_get_is(user, "jid", ANA "@s.whatsapp.net"));
	device = node_first(node_find(node_find(user, "devices"), "device-list"));
	assert_true(node_get_is(device, "id", "0"));
	assert_null(node_get(device, "key-index"));
	device = node_next(device);
	assert_true(node_get_is(device, "id", "1"));
	assert_true(node_get_is(device, "key-index", "1"));
	assert_non_null(node_find(node_find(user, "devices"), "key-index-list"));
	user = usync(&c, "lid", NULL, ANA "@s.whatsapp.net", NULL);
	assert_true(node_get_is(node_find(user, "lid"), "val", lid));
	user = usync(&c, "contact", NULL, NULL, "+" ANA);
	assert_true(node_get_is(user, "jid", ANA "@s.whatsapp.net"));
	assert_true(node_get_is(node_find(user, "contact"), "type", "in"));
	user = usync(&c, "contact", "lid", NULL, "+" ANA "@c.us");
	assert_true(node_get_is(user, "jid", lid));
	assert_true(node_get_is(user, "pn_jid", ANA "@s.whatsapp.net"));
	account_set_registered(account_find(w.sim, BUDI, true), false);
	user = usync(&c, "contact", "lid", NULL, "+" BUDI "@c.us");
	assert_true(node_get_is(node_find(user, "contact"), "type", "out"));
	user = usync(&c, "devices", NULL, BUDI "@s.whatsapp.net", NULL);
	assert_null(node_first(node_find(node_find(user, "devices"), "device-list")));
	user = usync(&c, "contact", "lid", NULL, "+12@c.us");
	assert_true(node_get_is(node_find(user, "contact"), "type", "invalid"));
	client_done(&c);
	assert_violations(&w, "");
	world_end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pairing),
	    cmocka_unit_test(test_pairing_spoiled),
	    cmocka_unit_test(test_scan_refused),
	    cmocka_unit_test(test_bad_device_signature),
	    cmocka_unit_test(test_login),
	    cmocka_unit_test(test_replaced),
	    cmocka_unit_test(test_before_success),
	    cmocka_unit_test(test_prekeys),
	    cmocka_unit_test(test_unknown_devices),
	    cmocka_unit_test(test_usync),
	};

	return cmocka_run_group_tests_name("server", tests, NULL, NULL);
}
