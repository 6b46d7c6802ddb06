/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Pairing by code, as the simulator plays it: a companion that does all right is linked; a wrong
 * code, and each thing that a companion can say wrongly, is told.
 */
#include "tests/unit/sim/server_world.h"

#include "common/wa/pair_code.h"

#define ANA "6281100001"
#define BUDI "6281100002"
#define CODE "152GVZQZ"
#define OTHER "152GVZQY"

/* The companion's side of one code. */
struct companion {
	struct client c;
	struct curve_pair ephemeral;
	uint8_t salt[PAIR_CODE_SALT_LEN], iv[PAIR_CODE_IV_LEN];
	char ref[64];
};

/* What came of typing. */
static struct {
	unsigned times;
	char error[64];
	struct jid jid;
} outcome;

static void
on_done(void *arg, const char *error, const struct jid *jid, const struct jid *lid)
{
	(void)arg;
	outcome.times++;
	(void)snprintf(outcome.error, sizeof(outcome.error), "%s", error != NULL ? error : "");
	if (error == NULL && jid != NULL) {
		assert_int_equal(lid->device, jid->device);
		outcome.jid = *jid;
	}
}

static int
type(struct server_world *w, const char *phone, const char *code, const char *fault,
    const char **ret_error)
{
	const struct sim_code typed = {
	    .phone = phone, .code = code, .platform = "iphone", .fault = fault, .done = on_done};

	*ret_error = "";
	return sim_code_type(w->sim, &typed, ret_error);
}

static void
companion_begin(struct companion *p, struct server_world *w, bool answer)
{
	memset(&outcome, 0, sizeof(outcome));
	memset(p, 0, sizeof(*p));
	client_init(&p->c, w);
	client_register(&p->c);
	curve_generate(&p->ephemeral);
	if (answer)
		client_send(&p->c, node_new("iq", "type", "result", "id",
				       node_get(client_got(&p->c, "iq"), "id"), NULL));
}

/* What one of the tests says otherwise; NULL: as it should be. */
struct odd {
	const char *jid, *push, *display, *platform, *stage;
	bool short_key, other_noise, no_nonce;
};

static void
put(struct node *n, const char *tag, const void *data, size_t len)
{
	node_bytes(node_child(n, tag, NULL), data, len);
}

static const char *
or_else(const char *odd, const char *usual)
{
	return odd != NULL ? odd : usual;
}

static const struct node *
hello(struct companion *p, const struct odd *odd)
{
	struct node *iq = node_new("iq", "type", "set", "xmlns", "md", NULL), *n;
	uint8_t key[PAIR_CODE_KEY_LEN], wrapped[PAIR_CODE_WRAPPED_LEN];
	const char *platform = or_else(odd->platform, "1"),
		   *display = or_else(odd->display, "Chrome (Linux)");

	n = node_child(iq, "link_code_companion_reg", "jid",
	    or_else(odd->jid, ANA "@s.whatsapp.net"), "stage",
	    or_else(odd->stage, "companion_hello"), "should_show_push_notification",
	    or_else(odd->push, "true"), NULL);
	pair_code_key(CODE, p->salt, key);
	pair_code_wrap(key, p->salt, p->iv, p->ephemeral.pub, wrapped);
	put(n, "link_code_pairing_wrapped_companion_ephemeral_pub", wrapped,
	    sizeof(wrapped) - odd->short_key);
	put(n, "companion_server_auth_key_pub",
	    odd->other_noise ? p->c.identity.pub : p->c.noise_pair.pub, CURVE_KEY_LEN);
	put(n, "companion_platform_id", platform, strlen(platform));
	put(n, "companion_platform_display", display, strlen(display));
	if (!odd->no_nonce)
		put(n, "link_code_pairing_nonce", "", 1);
	return client_ask(&p->c, iq);
}

static void
take_ref(struct companion *p, const struct node *answer)
{
	size_t len;
	const uint8_t *ref = node_data(
	    node_find(node_find(answer, "link_code_companion_reg"), "link_code_pairing_ref"), &len);

	assert_true(node_get_is(answer, "type", "result"));
	assert_non_null(ref);
	assert_true(len < sizeof(p->ref));
	memcpy(p->ref, ref, len);
	p->ref[len] = '\0';
}

static void
ready(struct companion *p, struct server_world *w)
{
	static const struct odd none;

	companion_begin(p, w, true);
	take_ref(p, hello(p, &none));
	client_read(&p->c);
}

static void
acknowledge(struct companion *p)
{
	const struct node *n = client_got(&p->c, "notification");
	const struct jid server = jid_server_self();
	struct node *ack = node_new("ack", "class", "notification", "type", node_get(n, "type"),
	    "id", node_get(n, "id"), NULL);

	assert_non_null(n);
	node_set_jid(ack, "to", &server);
	client_send(&p->c, ack);
}

static const uint8_t *
part(const struct node *n, const char *tag, size_t want)
{
	size_t len = 0;
	const uint8_t *data = node_data(node_find(n, tag), &len);

	assert_int_equal(len, want);
	assert_non_null(data);
	return data;
}

/* Answers primary_hello: with the code's secret in client.secret then. */
static const struct node *
finish(struct companion *p, const char *ref, const uint8_t *identity, size_t bundle_len)
{
	const struct node *reg =
	    node_find(client_got(&p->c, "notification"), "link_code_companion_reg");
	const uint8_t *wrapped =
	    part(reg, "link_code_pairing_wrapped_primary_ephemeral_pub", PAIR_CODE_WRAPPED_LEN);
	struct node *iq = node_new("iq", "type", "set", "xmlns", "md", NULL), *n;
	uint8_t key[PAIR_CODE_KEY_LEN], phone[CURVE_KEY_LEN], bundle[PAIR_CODE_BUNDLE_LEN];
	const struct pair_code_random r = {.salt = {1}, .nonce = {2}, .random = {3}};

	assert_memory_equal(
	    part(reg, "link_code_pairing_ref", strlen(p->ref)), p->ref, strlen(p->ref));
	pair_code_key(CODE, wrapped, key);
	pair_code_unwrap(key, wrapped, phone);
	assert_int_equal(
	    pair_code_seal(&p->ephemeral, &p->c.identity, phone,
		part(reg, "primary_identity_pub", CURVE_KEY_LEN), &r, bundle, p->c.secret),
	    0);
	n = node_child(iq, "link_code_companion_reg", "jid", ANA "@s.whatsapp.net", "stage",
	    "companion_finish", NULL);
	put(n, "link_code_pairing_wrapped_key_bundle", bundle, bundle_len);
	put(n, "companion_identity_public", identity, CURVE_KEY_LEN);
	put(n, "link_code_pairing_ref", ref, strlen(ref));
	return client_ask(&p->c, iq);
}

static void
finish_well(struct companion *p)
{
	assert_true(node_get_is(
	    finish(p, p->ref, p->c.identity.pub, PAIR_CODE_BUNDLE_LEN), "type", "result"));
}

static void
test_linked(void **state)
{
	struct server_world w;
	struct companion p;
	const char *error;

	(void)state;
	world_begin(&w);
	ready(&p, &w);
	assert_int_equal(type(&w, ANA, "152g-vzqz", NULL, &error), 0);
	assert_int_equal(outcome.times, 0);
	client_read(&p.c);
	acknowledge(&p);
	finish_well(&p);
	assert_int_equal(outcome.times, 1);
	assert_string_equal(outcome.error, "");
	assert_string_equal(outcome.jid.user, ANA);
	client_read(&p.c);
	assert_true(
	    node_get_is(node_find(node_find(client_got(&p.c, "iq"), "pair-success"), "platform"),
		"name", "iphone"));
	assert_int_equal(client_sign(&p.c), ADV_OK);
	assert_non_null(account_device(account_find(w.sim, ANA, false), 1));
	p.c.jid = outcome.jid;
	client_login(&p.c);
	assert_non_null(client_got(&p.c, "success"));
	client_done(&p.c);
	assert_violations(&w, "");
	world_end(&w);
}

static void
test_wrong(void **state)
{
	struct server_world w;
	struct companion p;
	const char *error;

	(void)state;
	world_begin(&w);
	ready(&p, &w);
	assert_int_equal(type(&w, BUDI, CODE, NULL, &error), -1);
	assert_int_equal(type(&w, ANA, "no code", NULL, &error), -2);
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(type(&w, ANA, OTHER, NULL, &error), 0);
		assert_int_equal(type(&w, ANA, OTHER, NULL, &error), -2); /* one at a time */
		client_read(&p.c);
		finish_well(&p);
		assert_int_equal(outcome.times, i);
		assert_string_equal(outcome.error, "the code is wrong");
	}
	assert_int_equal(type(&w, ANA, CODE, NULL, &error), -2);
	assert_int_equal(account_find(w.sim, ANA, false)->device_count, 0);
	client_done(&p.c);
	assert_int_equal(outcome.times, 3);
	assert_violations(&w, "");
	world_end(&w);
}

static void
test_hung_up(void **state)
{
	struct server_world w;
	struct companion p;
	const char *error;

	(void)state;
	world_begin(&w);
	ready(&p, &w);
	assert_int_equal(type(&w, ANA, CODE, NULL, &error), 0);
	client_done(&p.c);
	assert_int_equal(outcome.times, 1);
	assert_string_equal(outcome.error, "the connection ended");
	assert_int_equal(type(&w, ANA, CODE, NULL, &error), -1);
	world_end(&w);
}

static void
test_passkey(void **state)
{
	struct server_world w;
	struct companion p;
	const struct node *reg;
	const char *error;

	(void)state;
	world_begin(&w);
	ready(&p, &w);
	account_set_passkey(account_find(w.sim, ANA, true), SIM_PASSKEY_DEMANDED);
	assert_int_equal(type(&w, ANA, CODE, NULL, &error), 0);
	assert_int_equal(outcome.times, 1);
	assert_string_equal(outcome.error, "");
	client_read(&p.c);
	/* First that there is no key, then the request. */
	assert_true(
	    node_get_is(client_got(&p.c, "notification"), "type", "passkey_prologue_request"));
	reg = node_find(p.c.got[p.c.got_count - 2], "link_code_companion_reg");
	assert_true(node_get_is(reg, "stage", "primary_hello"));
	assert_null(node_find(reg, "link_code_pairing_wrapped_primary_ephemeral_pub"));
	assert_int_equal(type(&w, ANA, CODE, NULL, &error), -2);
	client_done(&p.c);
	world_end(&w);
}

/* A fresh code makes the one before void; the server asks for it, or the companion just does it. */
static void
test_refresh(void **state)
{
	static const struct odd none;
	struct server_world w;
	struct companion p;
	char before[64];
	const char *error;
	json_t *fault = json_pack("{s:s}", "action", "code_refresh");
	unsigned id;

	(void)state;
	world_begin(&w);
	ready(&p, &w);
	(void)snprintf(before, sizeof(before), "%s", p.ref);
	assert_int_equal(fault_arm(w.sim, fault, &id, &error), 0);
	client_read(&p.c);
	assert_true(
	    node_get_is(node_find(client_got(&p.c, "notification"), "link_code_companion_reg"),
		"stage", "refresh_code"));
	acknowledge(&p);
	take_ref(&p, hello(&p, &none));
	assert_string_not_equal(before, p.ref);
	assert_int_equal(type(&w, ANA, CODE, NULL, &error), 0);
	client_read(&p.c);
	finish_well(&p);
	assert_string_equal(outcome.error, "");
	client_done(&p.c);
	assert_violations(&w, "");
	json_decref(fault);
	world_end(&w);
}

static void
test_refused(void **state)
{
	static const struct odd none;
	static const struct {
		int error;
		const char *text;
	} codes[] = {{400, "400"}, {403, "403"}, {429, "429"}, {452, "452"}};
	struct server_world w;
	struct companion p;

	(void)state;
	world_begin(&w);
	companion_begin(&p, &w, true);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		json_t *fault = json_pack("{s:s, s:s, s:i}", "action", "code_error", "phone", ANA,
		    "error", codes[i].error);
		const struct node *answer;
		const char *error;
		unsigned id;

		assert_int_equal(fault_arm(w.sim, fault, &id, &error), 0);
		answer = hello(&p, &none);
		assert_true(node_get_is(answer, "type", "error"));
		assert_true(node_get_is(node_find(answer, "error"), "code", codes[i].text));
		json_decref(fault);
	}
	take_ref(&p, hello(&p, &none)); /* once each */
	account_set_registered(account_find(w.sim, ANA, true), false);
	assert_true(node_get_is(node_find(hello(&p, &none), "error"), "code", "400"));
	client_done(&p.c);
	assert_violations(&w, "");
	world_end(&w);
}

static void
test_hello_rules(void **state)
{
	static const struct odd odds[] = {
	    {.jid = "6281100001:1@s.whatsapp.net"},
	    {.jid = "1234567890@lid"},
	    {.jid = "06281100001@s.whatsapp.net"},
	    {.jid = "123456@s.whatsapp.net"},
	    {.push = "yes"},
	    {.display = "waconn (Linux)"},
	    {.display = "Chrome (Ubuntu)"},
	    {.display = "Chrome"},
	    {.platform = "CHROME"},
	    {.platform = "z"},
	    {.short_key = true},
	    {.other_noise = true},
	    {.no_nonce = true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odds) / sizeof(odds[0]); i++) {
		struct server_world w;
		struct companion p;
		const char *error;

		world_begin(&w);
		companion_begin(&p, &w, true);
		assert_true(node_get_is(node_find(hello(&p, &odds[i]), "error"), "code", "400"));
		assert_int_equal(type(&w, ANA, CODE, NULL, &error), -1);
		client_done(&p.c);
		assert_violations(&w, "companion_hello");
		world_end(&w);
	}
}

static void
test_not_now(void **state)
{
	static const struct odd none, unknown = {.stage = "companion_bye"};
	struct server_world w;
	struct companion p;

	(void)state;
	world_begin(&w);
	companion_begin(&p, &w, false); /* pair-device is not answered */
	assert_true(node_get_is(hello(&p, &none), "type", "error"));
	client_done(&p.c);
	companion_begin(&p, &w, true);
	assert_true(node_get_is(hello(&p, &unknown), "type", "error"));
	client_done(&p.c);
	client_link(&p.c, &w, ANA);
	assert_true(node_get_is(hello(&p, &none), "type", "error"));
	client_done(&p.c);
	assert_violations(&w, "companion_hello link_code link_code");
	world_end(&w);
}

static void
test_finish_rules(void **state)
{
	struct server_world w;
	struct companion p;
	const char *error;

	(void)state;
	world_begin(&w);
	ready(&p, &w);
	assert_int_equal(type(&w, ANA, CODE, NULL, &error), 0);
	client_read(&p.c);
	assert_true(node_get_is(
	    finish(&p, "2@other", p.c.identity.pub, PAIR_CODE_BUNDLE_LEN), "type", "error"));
	assert_true(
	    node_get_is(finish(&p, p.ref, p.c.skey.pub, PAIR_CODE_BUNDLE_LEN), "type", "error"));
	assert_true(node_get_is(
	    finish(&p, p.ref, p.c.identity.pub, PAIR_CODE_BUNDLE_LEN - 1), "type", "error"));
	assert_int_equal(outcome.times, 0);
	finish_well(&p);
	assert_string_equal(outcome.error, "");
	/* It is being signed: no more of this. */
	assert_true(node_get_is(
	    finish(&p, p.ref, p.c.identity.pub, PAIR_CODE_BUNDLE_LEN), "type", "error"));
	client_done(&p.c);
	assert_violations(&w, "companion_finish companion_finish companion_finish link_code");
	world_end(&w);
}

static void
test_acks(void **state)
{
	struct server_world w;
	struct companion p;
	const char *error;

	(void)state;
	world_begin(&w);
	ready(&p, &w);
	client_send(&p.c, node_new("ack", "class", "notification", "id", "9", NULL));
	assert_violations(&w, "ack");
	assert_int_equal(type(&w, ANA, CODE, NULL, &error), 0);
	client_read(&p.c);
	acknowledge(&p);
	assert_violations(&w, "ack");
	acknowledge(&p);
	assert_violations(&w, "ack ack");
	client_done(&p.c);
	world_end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_linked),
	    cmocka_unit_test(test_wrong),
	    cmocka_unit_test(test_hung_up),
	    cmocka_unit_test(test_passkey),
	    cmocka_unit_test(test_refresh),
	    cmocka_unit_test(test_refused),
	    cmocka_unit_test(test_hello_rules),
	    cmocka_unit_test(test_not_now),
	    cmocka_unit_test(test_finish_rules),
	    cmocka_unit_test(test_acks),
	};

	return cmocka_run_group_tests_name("pair_code", tests, NULL, NULL);
}
