/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linking by QR over a real socket against a played server, whose phone scans the text that the
 * link gave. */
#include "tests/unit/link/pair_world.h"

#include <time.h>

#include "common/clock.h"

static struct curve_pair account; /* the phone's */

static void
offer(struct fake_server *s)
{
	static const char *const refs[] = {"2@first", "2@second", "2@third", NULL};

	pair_offer(s, refs);
}

static int
setup(void **state)
{
	const int r = world_setup(state);

	curve_generate(&account);
	world.server.on_login = offer;
	return r;
}

struct scan {
	char ref[128];
	uint8_t noise[CURVE_KEY_LEN], identity[CURVE_KEY_LEN], secret[CURVE_KEY_LEN];
};

static void
read_qr(const struct world *w, struct scan *ret)
{
	assert_int_equal(
	    adv_qr_parse(w->qr, ret->ref, sizeof(ret->ref), ret->noise, ret->identity, ret->secret),
	    0);
}

/* The phone `number` scans what is shown. */
static void
scan(struct world *w, const char *number, bool spoil)
{
	struct scan s;

	read_qr(w, &s);
	if (spoil)
		s.secret[0] ^= 1;
	pair_success(w, number, &account, s.identity, s.secret, "smba");
}

static bool
has_second_qr(struct world *w)
{
	return w->qrs > 1 && world_got(w, "ack", NULL) != NULL;
}

static void
test_pairs(void **state)
{
	struct world *w = *state;
	const struct fake_key *key;
	const struct node *sign;
	struct credentials c;
	int64_t index;
	unsigned commits;

	world_begin(w, LINK_PAIR_QR);
	world_run(w, world_has_qr);
	assert_int_equal(w->sequence, 1);
	assert_true(w->expires_ms > clock_wall_ms() + 50000);
	assert_true(w->expires_ms <= clock_wall_ms() + 60000);
	assert_non_null(strstr(w->qr, "#2@first,"));
	commits = w->keys.commits;
	assert_int_equal(commits, 1);
	scan(w, WORLD_PHONE, false);
	world_run(w, pair_is_paired);
	assert_true(node_get_is(world_got(w, "iq", NULL), "type", "result"));
	assert_int_equal(w->keys.commits, commits + 1);
	assert_string_equal(w->paired_name, "WhatsApp Business (Android)");
	sign = node_find(node_find(world_got(w, "iq", "pair-device-sign"), "pair-device-sign"),
	    "device-identity");
	assert_int_equal(node_get_int(sign, "key-index", &index), 0);
	assert_int_equal(index, 4);
	/* What was saved before the answer is enough to log in. */
	key = pair_saved(w, KEY_CREDENTIALS, "");
	assert_int_equal(credentials_unpack(key->value, key->len, &c), 0);
	assert_true(c.paired);
	assert_string_equal(c.own.user, WORLD_PHONE);
	assert_int_equal(c.own.device, 3);
	assert_string_equal(c.own_lid.user, "99887766");
	assert_string_equal(c.platform, "smba");
	credentials_done(&c);
	key = pair_saved(w, KEY_IDENTITY, "99887766_1.0");
	assert_int_equal(key->len, 33);
	assert_int_equal(key->value[0], 5);
	assert_memory_equal(key->value + 1, account.pub, CURVE_KEY_LEN);
	pair_restarts(w);
}

static void
test_closed_behind_the_pairing(void **state)
{
	struct world *w = *state;

	world_begin(w, LINK_PAIR_QR);
	world_run(w, world_has_qr);
	scan(w, WORLD_PHONE, false);
	world_run(w, pair_is_paired);
	fake_server_drop(&w->server);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_RESTART);
}

static bool
asked_to_remove(struct world *w)
{
	return world_got(w, "iq", "remove-companion-device") != NULL;
}

static void
test_wrong_number(void **state)
{
	struct world *w = *state;
	const struct node *got;
	const struct fake_key *key;
	struct credentials c;

	world_begin(w, LINK_PAIR_QR);
	world_run(w, world_has_qr);
	scan(w, "6289999999999", false);
	world_run(w, asked_to_remove);
	got = world_got(w, "iq", "remove-companion-device");
	assert_true(node_get_is(
	    node_find(got, "remove-companion-device"), "jid", "6289999999999:3@s.whatsapp.net"));
	assert_non_null(world_got(w, "iq", "error"));
	fake_send(&w->server, world_answer(got, "result"));
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_WRONG_NUMBER);
	assert_int_equal(w->paired, 0);
	key = pair_saved(w, KEY_CREDENTIALS, "");
	assert_int_equal(credentials_unpack(key->value, key->len, &c), 0);
	assert_false(c.paired);
	credentials_done(&c);
}

static void
test_spoilt_answer(void **state)
{
	struct world *w = *state;
	const struct node *error;

	world_begin(w, LINK_PAIR_QR);
	world_run(w, world_has_qr);
	scan(w, WORLD_PHONE, true);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_PAIRING_FAILED);
	assert_int_equal(w->paired, 0);
	error = node_find(world_got(w, "iq", "error"), "error");
	assert_true(node_get_is(error, "code", "401"));
	assert_true(node_get_is(error, "text", "hmac-mismatch"));
}

static void
test_database_fails_at_the_scan(void **state)
{
	struct world *w = *state;

	world_begin(w, LINK_PAIR_QR);
	world_run(w, world_has_qr);
	w->keys.fail = -1;
	scan(w, WORLD_PHONE, false);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_PAIRING_FAILED);
	assert_null(world_got(w, "iq", "pair-device-sign"));
	assert_int_equal(w->paired, 0);
}

static void
test_refresh_draws_anew(void **state)
{
	struct world *w = *state;
	struct scan before, after;

	world_begin(w, LINK_PAIR_QR);
	world_run(w, world_has_qr);
	read_qr(w, &before);
	fake_send(&w->server, node_new("notification", "type", "companion_reg_refresh", "id", "r1",
				  "from", "s.whatsapp.net", NULL));
	world_run(w, has_second_qr);
	read_qr(w, &after);
	assert_string_equal(before.ref, after.ref);
	assert_memory_equal(before.identity, after.identity, CURVE_KEY_LEN);
	assert_memory_not_equal(before.secret, after.secret, CURVE_KEY_LEN);
	assert_int_equal(w->sequence, 2);
	assert_true(node_get_is(world_got(w, "ack", NULL), "id", "r1"));
	/* The phone signs with the new secret. */
	scan(w, WORLD_PHONE, false);
	world_run(w, pair_is_paired);
}

static void
test_downgrade_keeps_the_code(void **state)
{
	struct world *w = *state;
	struct node *ib = node_new("ib", NULL);

	world_begin(w, LINK_PAIR_QR);
	world_run(w, world_has_qr);
	(void)node_child(ib, "downgrade_webclient", NULL);
	fake_send(&w->server, ib);
	scan(w, WORLD_PHONE, false);
	world_run(w, pair_is_paired);
}

/* Keys of a device that is linked no more are not offered again. */
static void
test_begins_anew(void **state)
{
	struct world *w = *state;
	struct credentials old;
	struct scan s;

	world_save_linked(w, &old);
	fake_put(&w->keys.keydb, KEY_SESSION, "1_1.0", "old", 3);
	world_begin(w, LINK_PAIR_QR);
	world_run(w, world_has_qr);
	read_qr(w, &s);
	assert_memory_not_equal(s.identity, old.identity.pub, CURVE_KEY_LEN);
	assert_null(fake_key_find(&w->keys, KEY_SESSION, "1_1.0"));
	credentials_done(&old);
}

static void
test_free_inside_callback(void **state)
{
	struct world *w = *state;

	w->free_at_qr = true;
	world_begin(w, LINK_PAIR_QR);
	world_run(w, pair_is_freed);
	assert_int_equal(w->ended, 0);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    T(test_pairs),
	    T(test_closed_behind_the_pairing),
	    T(test_wrong_number),
	    T(test_spoilt_answer),
	    T(test_database_fails_at_the_scan),
	    T(test_refresh_draws_anew),
	    T(test_downgrade_keeps_the_code),
	    T(test_begins_anew),
	    T(test_free_inside_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
