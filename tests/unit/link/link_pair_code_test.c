/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linking by code over a real socket against a played server and a played phone, into which the
 * code that the link gave is typed. */
#include "tests/unit/link/pair_world.h"

#include "common/clock.h"
#include "common/rng.h"
#include "common/wa/pair_code.h"

#define REF "2@codereference"

static struct phone {
	struct curve_pair account; /* identity, and what signs companions */
	struct curve_pair ephemeral;
	unsigned refuse; /* companion_hello with this error */
	bool no_ref;
	uint8_t companion[CURVE_KEY_LEN]; /* its ephemeral key, as far as the code was right */
	unsigned hellos, finishes;	  /* that came */
} phone;

/* -- the server -- */

static void
offer(struct fake_server *s)
{
	static const char *const refs[] = {"2@qr", NULL};

	pair_offer(s, refs);
}

static void
answer_hello(struct fake_server *s, const struct node *iq)
{
	struct node *n = world_answer(iq, phone.refuse != 0 ? "error" : "result");

	phone.hellos++;
	if (phone.refuse != 0)
		node_set_int(node_child(n, "error", NULL), "code", phone.refuse);
	else if (!phone.no_ref)
		node_bytes(node_child(node_child(n, "link_code_companion_reg", NULL),
			       "link_code_pairing_ref", NULL),
		    REF, strlen(REF));
	fake_send(s, n);
}

static void
on_stanza(struct fake_server *s, const struct node *stanza)
{
	const struct node *n = node_find(stanza, "link_code_companion_reg");

	if (node_get_is(n, "stage", "companion_hello"))
		answer_hello(s, stanza);
	if (node_get_is(n, "stage", "companion_finish")) {
		phone.finishes++;
		fake_send(s, world_answer(stanza, "result"));
	}
	world_stanza(s, stanza);
}

static int
setup(void **state)
{
	const int r = world_setup(state);

	memset(&phone, 0, sizeof(phone));
	curve_generate(&phone.account);
	world.server.on_login = offer;
	world.server.on_stanza = on_stanza;
	return r;
}

/* The newest <link_code_companion_reg> of this stage. */
static const struct node *
got_stage(const struct world *w, const char *stage)
{
	for (unsigned i = w->n_got; i > 0; i--) {
		const struct node *n = node_find(w->got[i - 1], "link_code_companion_reg");

		if (node_get_is(n, "stage", stage))
			return n;
	}
	fail_msg("no %s", stage);
	return NULL;
}

static const uint8_t *
part(const struct node *n, const char *tag, size_t want)
{
	size_t len = 0;
	const uint8_t *data = node_data(node_find(n, tag), &len);

	assert_non_null(data);
	assert_int_equal(len, want);
	return data;
}

/* -- the phone -- */

static struct node *
notice(const char *stage, const char *id, const char *ref, struct node **ret_reg)
{
	struct node *n = node_new("notification", "type", "link_code_companion_reg", "id", id,
	    "from", "s.whatsapp.net", NULL);

	*ret_reg = node_child(n, "link_code_companion_reg", "stage", stage, NULL);
	if (ref != NULL)
		node_bytes(node_child(*ret_reg, "link_code_pairing_ref", NULL), ref, strlen(ref));
	return n;
}

static void
fill(struct node *reg, const char *code)
{
	uint8_t salt[PAIR_CODE_SALT_LEN], iv[PAIR_CODE_IV_LEN], key[PAIR_CODE_KEY_LEN],
	    wrapped[PAIR_CODE_WRAPPED_LEN];

	rng_bytes(salt, sizeof(salt));
	rng_bytes(iv, sizeof(iv));
	curve_generate(&phone.ephemeral);
	pair_code_key(code, salt, key);
	pair_code_wrap(key, salt, iv, phone.ephemeral.pub, wrapped);
	node_bytes(node_child(reg, "link_code_pairing_wrapped_primary_ephemeral_pub", NULL),
	    wrapped, sizeof(wrapped));
	node_bytes(node_child(reg, "primary_identity_pub", NULL), phone.account.pub, CURVE_KEY_LEN);
}

/* A person types `text` into the phone. */
static void
type(struct world *w, const char *text)
{
	const uint8_t *wrapped = part(got_stage(w, "companion_hello"),
	    "link_code_pairing_wrapped_companion_ephemeral_pub", PAIR_CODE_WRAPPED_LEN);
	char code[PAIR_CODE_LEN + 1];
	uint8_t key[PAIR_CODE_KEY_LEN];
	struct node *n, *reg;

	assert_int_equal(pair_code_parse(text, code), 0);
	pair_code_key(code, wrapped, key);
	pair_code_unwrap(key, wrapped, phone.companion);
	n = notice("primary_hello", "ph-1", REF, &reg);
	fill(reg, code);
	fake_send(&w->server, n);
}

/* What the phone makes of companion_finish: 0, or -1 when the code was wrong. */
static int
open_bundle(const struct world *w, uint8_t identity[CURVE_KEY_LEN], uint8_t secret[ADV_SECRET_LEN])
{
	const struct node *n = got_stage(w, "companion_finish");

	assert_memory_equal(part(n, "link_code_pairing_ref", strlen(REF)), REF, strlen(REF));
	return pair_code_open(&phone.ephemeral, &phone.account, phone.companion,
	    part(n, "link_code_pairing_wrapped_key_bundle", PAIR_CODE_BUNDLE_LEN), identity,
	    secret);
}

/* The phone signs what the bundle has. */
static void
sign(struct world *w)
{
	uint8_t identity[CURVE_KEY_LEN], secret[ADV_SECRET_LEN];

	assert_int_equal(open_bundle(w, identity, secret), 0);
	assert_memory_equal(identity,
	    part(got_stage(w, "companion_finish"), "companion_identity_public", CURVE_KEY_LEN),
	    CURVE_KEY_LEN);
	pair_success(w, WORLD_PHONE, &phone.account, identity, secret, "android");
}

static bool
has_code(struct world *w)
{
	return w->codes > 0;
}

static bool
has_second_code(struct world *w)
{
	return w->codes > 1;
}

static bool
is_finished(struct world *w)
{
	return phone.finishes > 0 && world_got(w, "ack", NULL) != NULL;
}

static bool
is_finished_twice(struct world *w)
{
	(void)w;
	return phone.finishes > 1;
}

static bool
is_finished_thrice(struct world *w)
{
	(void)w;
	return phone.finishes > 2;
}

static void
begin(struct world *w)
{
	world_begin(w, LINK_PAIR_CODE);
	world_run(w, has_code);
}

/* -- the tests -- */

static void
test_hello(void **state)
{
	struct world *w = *state;
	const struct node *n;
	struct credentials c;
	char code[PAIR_CODE_LEN + 1];

	begin(w);
	assert_int_equal(w->qrs, 0);
	assert_int_equal(strlen(w->code), PAIR_CODE_TEXT);
	assert_int_equal(w->code[4], '-');
	assert_int_equal(pair_code_parse(w->code, code), 0);
	assert_true(w->expires_ms > clock_wall_ms() + 170000);
	assert_true(w->expires_ms <= clock_wall_ms() + 180000);
	assert_true(node_get_is(w->got[0], "id", "pd-1")); /* pair-device is answered first */
	n = got_stage(w, "companion_hello");
	assert_true(node_get_is(n, "jid", WORLD_PHONE "@s.whatsapp.net"));
	assert_true(node_get_is(n, "should_show_push_notification", "true"));
	pair_saved_credentials(w, &c);
	assert_memory_equal(
	    part(n, "companion_server_auth_key_pub", CURVE_KEY_LEN), c.noise.pub, CURVE_KEY_LEN);
	credentials_done(&c);
	assert_memory_equal(part(n, "companion_platform_id", 1), "1", 1);
	assert_memory_equal(part(n, "companion_platform_display", 14), "Chrome (Linux)", 14);
	assert_memory_equal(part(n, "link_code_pairing_nonce", 1), "", 1);
}

static void
test_pairs(void **state)
{
	struct world *w = *state;
	uint8_t identity[CURVE_KEY_LEN], secret[ADV_SECRET_LEN];
	struct credentials before, after;

	begin(w);
	pair_saved_credentials(w, &before);
	type(w, w->code);
	world_run(w, is_finished);
	assert_true(node_get_is(world_got(w, "ack", NULL), "id", "ph-1"));
	/* The secret is on disk before the phone learns that we have it. */
	assert_int_equal(open_bundle(w, identity, secret), 0);
	pair_saved_credentials(w, &after);
	assert_memory_equal(after.adv_secret, secret, sizeof(secret));
	assert_memory_not_equal(before.adv_secret, secret, sizeof(secret));
	assert_memory_equal(after.identity.pub, identity, sizeof(identity));
	assert_false(after.paired);
	credentials_done(&before);
	credentials_done(&after);
	sign(w);
	world_run(w, pair_is_paired);
	assert_string_equal(w->paired_name, "Android");
	pair_saved_credentials(w, &after);
	assert_true(after.paired);
	credentials_done(&after);
	pair_restarts(w);
}

/* A secret that is not on disk is not spoken of. */
static void
test_database_fails(void **state)
{
	struct world *w = *state;

	begin(w);
	w->keys.fail = -1;
	type(w, w->code);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_STORAGE);
	assert_int_equal(phone.finishes, 0);
}

static void
test_wrong_then_right(void **state)
{
	struct world *w = *state;
	uint8_t identity[CURVE_KEY_LEN], secret[ADV_SECRET_LEN];

	begin(w);
	type(w, w->code[0] == '1' ? "2111-1111" : "1111-1111");
	world_run(w, is_finished);
	assert_int_equal(open_bundle(w, identity, secret), -1);
	assert_int_equal(w->codes, 1);
	type(w, w->code);
	world_run(w, is_finished_twice);
	sign(w);
	world_run(w, pair_is_paired);
}

static void
test_wrong_too_often(void **state)
{
	struct world *w = *state;
	static bool (*const times[])(struct world *) = {
	    is_finished, is_finished_twice, is_finished_thrice};

	begin(w);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		type(w, "1111-1111");
		world_run(w, times[i]);
	}
	type(w, w->code);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_CODE_EXPIRED);
	assert_int_equal(phone.finishes, 3);
}

static void
test_refused(void **state)
{
	static const struct {
		unsigned code;
		enum link_end end;
	} rows[] = {
	    {400, LINK_END_CODE_REFUSED},
	    {403, LINK_END_CODE_FORBIDDEN},
	    {429, LINK_END_CODE_THROTTLED},
	    {452, LINK_END_CODE_MISSING},
	    {500, LINK_END_CODE_REFUSED},
	    {599, LINK_END_CODE_REFUSED},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct world *w;
		char number[8];

		assert_int_equal(setup(state), 0);
		w = *state;
		phone.refuse = rows[i].code;
		world_begin(w, LINK_PAIR_CODE);
		world_run(w, world_is_ended);
		assert_int_equal(w->end, rows[i].end);
		(void)snprintf(number, sizeof(number), "(%u)", rows[i].code);
		assert_non_null(strstr(w->detail, number));
		assert_int_equal(link_reason(w->end)->follow, LINK_FOLLOW_STOP);
		assert_int_equal(w->codes, 0);
		assert_int_equal(phone.hellos, 1);
		assert_int_equal(world_teardown(state), 0);
	}
}

static void
test_no_reference(void **state)
{
	struct world *w = *state;

	phone.no_ref = true;
	world_begin(w, LINK_PAIR_CODE);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_PROTOCOL);
	assert_int_equal(w->codes, 0);
}

static void
test_refresh(void **state)
{
	struct world *w = *state;
	struct node *n, *reg;
	char first[16];

	begin(w);
	(void)snprintf(first, sizeof(first), "%s", w->code);
	n = notice("refresh_code", "rc-1", REF, &reg);
	fake_send(&w->server, n);
	world_run(w, has_second_code);
	assert_string_not_equal(first, w->code);
	assert_int_equal(phone.hellos, 2);
	assert_true(node_get_is(world_got(w, "ack", NULL), "id", "rc-1"));
	type(w, w->code);
	world_run(w, is_finished);
	sign(w);
	world_run(w, pair_is_paired);
}

static bool
has_third_code(struct world *w)
{
	return w->codes > 2;
}

static void
test_refresh_has_an_end(void **state)
{
	struct world *w = *state;
	static bool (*const times[])(struct world *) = {
	    has_second_code, has_third_code, world_is_ended};

	begin(w);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct node *reg;

		fake_send(&w->server, notice("refresh_code", "rc-1", REF, &reg));
		world_run(w, times[i]);
	}
	assert_int_equal(w->end, LINK_END_CODE_EXPIRED);
	assert_int_equal(phone.hellos, 3);
}

static bool
has_two_acks(struct world *w)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->n_got; i++)
		n += node_is(w->got[i], "ack");
	return n == 2;
}

/* Another code's reference, none, or an unknown stage: acknowledged, and no more. */
static void
test_not_ours(void **state)
{
	static const struct {
		const char *stage, *ref;
	} rows[] = {
	    {"primary_hello", "2@another"},
	    {"primary_hello", NULL},
	    {"refresh_code", "2@another"},
	    {"something_new", REF},
	};
	struct world *w = *state;

	begin(w);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct node *reg, *n = notice(rows[i].stage, "no-1", rows[i].ref, &reg);

		fill(reg, "11111111");
		fake_send(&w->server, n);
		fake_send(&w->server, notice("something_new", "no-2", REF, &reg));
		world_run(w, has_two_acks);
		for (unsigned j = 0; j < w->n_got; j++)
			if (node_is(w->got[j], "ack")) {
				node_free(&w->got[j]);
				w->got[j] = node_new("seen", NULL);
			}
	}
	type(w, w->code);
	world_run(w, is_finished);
	assert_int_equal(phone.finishes, 1);
	assert_int_equal(phone.hellos, 1);
	assert_int_equal(w->codes, 1);
}

static bool
is_acked(struct world *w)
{
	return world_got(w, "ack", NULL) != NULL;
}

/* The code is over, and what is asked for instead is awaited: link_passkey_test.c. */
static void
test_passkey(void **state)
{
	struct world *w = *state;
	struct node *reg;

	begin(w);
	fake_send(&w->server, notice("primary_hello", "ph-1", REF, &reg));
	world_run(w, is_acked);
	assert_int_equal(w->ended, 0);
	fake_server_drop(&w->server);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_PASSKEY);
	assert_int_equal(phone.finishes, 0);
}

static void
test_short_keys(void **state)
{
	struct world *w = *state;
	struct node *reg, *n;

	begin(w);
	n = notice("primary_hello", "ph-1", REF, &reg);
	node_bytes(node_child(reg, "link_code_pairing_wrapped_primary_ephemeral_pub", NULL),
	    phone.account.pub, CURVE_KEY_LEN);
	fake_send(&w->server, n);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_PROTOCOL);
}

/* The material of QR codes means nothing to a code, and its secret stays. */
static void
test_registration_refresh(void **state)
{
	struct world *w = *state;

	begin(w);
	type(w, w->code);
	world_run(w, is_finished);
	fake_send(&w->server, node_new("notification", "type", "companion_reg_refresh", "id", "r1",
				  "from", "s.whatsapp.net", NULL));
	sign(w);
	world_run(w, pair_is_paired);
	assert_int_equal(w->qrs, 0);
}

static void
test_free_inside_callback(void **state)
{
	struct world *w = *state;

	w->free_at_qr = true;
	world_begin(w, LINK_PAIR_CODE);
	world_run(w, pair_is_freed);
	assert_int_equal(w->ended, 0);
}

static bool
is_greeted(struct world *w)
{
	return world_got(w, "iq", NULL) != NULL; /* pair-device is answered: the key is begun */
}

/* The worker may still be at the key when the link is gone. */
static void
test_free_while_deriving(void **state)
{
	struct world *w = *state;

	world_begin(w, LINK_PAIR_CODE);
	world_run(w, is_greeted);
	link_free(&w->link);
	assert_int_equal(w->ended, 0);
}

static void
test_cut_off(void **state)
{
	struct world *w = *state;

	begin(w);
	fake_server_drop(&w->server);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_CLOSED);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_hello),
	    T(test_pairs),
	    T(test_database_fails),
	    T(test_wrong_then_right),
	    T(test_wrong_too_often),
	    cmocka_unit_test(test_refused),
	    T(test_no_reference),
	    T(test_refresh),
	    T(test_refresh_has_an_end),
	    T(test_not_ours),
	    T(test_passkey),
	    T(test_short_keys),
	    T(test_registration_refresh),
	    T(test_free_inside_callback),
	    T(test_free_while_deriving),
	    T(test_cut_off),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
