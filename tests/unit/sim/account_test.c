/* SPDX-License-Identifier: GPL-3.0-or-later */
/* account: what is an account and what is not, LIDs, the same again with the same seed, devices. */
#include "tests/unit/sim/server_world.h"

#define ANA "6281100001"

static void
test_find(void **state)
{
	static const char *const bads[] = {
	    "", "12", "0812345678", "62811-00001", "6281100001234567", "abcdefghij"};
	struct server_world w;
	struct account *a;
	struct jid jid;

	(void)state;
	world_begin(&w);
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++)
		assert_null(account_find(w.sim, bads[i], true));
	assert_null(account_find(w.sim, ANA, false));
	a = account_find(w.sim, ANA, true);
	assert_ptr_equal(account_find(w.sim, ANA, false), a);
	assert_true(account_registered(a));
	jid = account_pn(a, 3);
	assert_ptr_equal(account_by_jid(w.sim, &jid), a);
	jid = account_lid(a, 0);
	assert_int_equal(strlen(jid.user), 15);
	assert_ptr_equal(account_by_jid(w.sim, &jid), a);
	jid = jid_make(JID_SERVER_LID, "1", 0);
	assert_null(account_by_jid(w.sim, &jid));
	jid = jid_make(JID_SERVER_GROUP, ANA, 0);
	assert_null(account_by_jid(w.sim, &jid));
	jid = jid_make(JID_SERVER_PN, "6281100009", 0);
	assert_non_null(account_by_jid(w.sim, &jid));
	assert_ptr_equal(account_first(w.sim), a);
	assert_string_equal(account_phone(account_next(a)), "6281100009");
	assert_null(account_next(account_next(a)));
	world_end(&w);
}

static void
test_seed(void **state)
{
	struct server_world w;
	char lid[2][JID_TEXT_MAX];
	uint8_t key[2][CURVE_KEY_LEN], root[2][CURVE_KEY_LEN];

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct jid jid;

		world_begin(&w);
		jid = account_lid(account_find(w.sim, ANA, true), 0);
		(void)jid_format(&jid, lid[i]);
		memcpy(key[i], account_key(account_first(w.sim))->pub, CURVE_KEY_LEN);
		memcpy(root[i], sim_noise_root(w.sim), CURVE_KEY_LEN);
		world_end(&w);
	}
	assert_string_equal(lid[0], lid[1]);
	assert_memory_equal(key[0], key[1], CURVE_KEY_LEN);
	assert_memory_equal(root[0], root[1], CURVE_KEY_LEN);
}

static void
test_set_lid(void **state)
{
	struct server_world w;
	struct account *a, *b;
	struct jid jid = jid_make(JID_SERVER_LID, "123456", 0);
	struct node *bundle;

	(void)state;
	world_begin(&w);
	a = account_find(w.sim, ANA, true);
	b = account_find(w.sim, "6281100002", true);
	assert_int_equal(account_set_lid(a, "12x"), -1);
	assert_int_equal(account_set_lid(a, ""), -1);
	assert_int_equal(account_set_lid(a, "123456"), 0);
	assert_int_equal(account_set_lid(a, "123456"), 0);
	assert_int_equal(account_set_lid(b, "123456"), -1);
	assert_ptr_equal(account_by_jid(w.sim, &jid), a);
	/* Somebody has fetched its keys: too late. */
	bundle = account_bundle(w.sim, &jid);
	assert_non_null(bundle);
	node_free(&bundle);
	assert_int_equal(account_set_lid(a, "654321"), -1);
	world_end(&w);
}

static void
test_devices(void **state)
{
	struct server_world w;
	struct client c[COMPANIONS_MAX + 1];
	struct account *a;
	unsigned numbers[SIM_DEVICES_MAX];
	const char *error;
	json_t *json;

	(void)state;
	world_begin(&w);
	a = account_find(w.sim, ANA, true);
	for (unsigned i = 0; i < COMPANIONS_MAX; i++)
		client_link(&c[i], &w, ANA);
	client_init(&c[COMPANIONS_MAX], &w);
	client_register(&c[COMPANIONS_MAX]);
	assert_int_equal(client_scan(&c[COMPANIONS_MAX], ANA, 0, NULL, &error), -2);
	assert_int_equal(account_devices(a, numbers), COMPANIONS_MAX + 1);
	assert_int_equal(account_unlink(a, 2), 0);
	assert_int_equal(account_devices(a, numbers), COMPANIONS_MAX);
	assert_int_equal(numbers[2], 3);
	/* A number is never given twice. */
	assert_int_equal(client_scan(&c[COMPANIONS_MAX], ANA, 0, NULL, &error), 0);
	assert_int_equal(c[COMPANIONS_MAX].jid.device, COMPANIONS_MAX + 1);
	json = account_device_json(a, 1);
	assert_true(json_is_true(json_object_get(json, "connected")));
	assert_string_equal(
	    json_string_value(json_object_get(json, "jid")), ANA ":1@s.whatsapp.net");
	json_decref(json);
	for (unsigned i = 0; i <= COMPANIONS_MAX; i++)
		client_done(&c[i]);
	assert_violations(&w, "");
	world_end(&w);
}

/* Own devices, and who asked for the list, are told. */
static void
test_told(void **state)
{
	struct server_world w;
	struct client c, watcher, fresh;
	struct account *a;
	const struct node *n;
	struct peer who;

	(void)state;
	world_begin(&w);
	client_link(&c, &w, ANA);
	client_link(&watcher, &w, "6281100002");
	a = account_find(w.sim, ANA, false);
	who = account_peer(w.sim, &watcher.jid);
	assert_false(account_should_know(a, &who));
	account_told(a, &who);
	assert_false(account_should_know(a, &who)); /* not at once */
	a->watchers[0].told_ms -= 60000;
	assert_true(account_should_know(a, &who));
	client_link(&fresh, &w, ANA);
	assert_false(account_should_know(a, &who)); /* another list now */
	client_read(&c);
	client_read(&watcher);
	n = client_got(&c, "notification");
	assert_true(node_get_is(n, "type", "devices"));
	assert_true(
	    node_get_is(node_find(node_find(n, "add"), "device"), "jid", ANA ":2@s.whatsapp.net"));
	assert_non_null(client_got(&watcher, "notification"));
	assert_null(client_got(&fresh, "notification"));
	client_done(&c);
	client_done(&watcher);
	client_done(&fresh);
	world_end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_find),
	    cmocka_unit_test(test_seed),
	    cmocka_unit_test(test_set_lid),
	    cmocka_unit_test(test_devices),
	    cmocka_unit_test(test_told),
	};

	return cmocka_run_group_tests_name("account", tests, NULL, NULL);
}
