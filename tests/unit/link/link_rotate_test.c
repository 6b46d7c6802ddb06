/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The signed pre-key's rotation: when it is due, by a server whose clock the test sets; what is on
 * disk before the server hears of the new key; refused, without an answer, and begun again.
 */
#include "tests/unit/link/link_world.h"

#include "waconnd/link/link_rotate.h"

#define DAY_S 86400

static void
test_due(void **state)
{
	const int64_t now = 1700000000, middle = now + ROTATE_PERIOD_S;
	bool spread = false;

	(void)state;
	for (int i = 0; i < 200; i++) {
		const int64_t due = rotate_due(now);

		assert_in_range(due, middle - DAY_S, middle + DAY_S);
		spread = spread || due != rotate_due(now);
	}
	assert_true(spread);
}

static void
test_wait(void **state)
{
	const int64_t now = 1700000000;
	static const struct {
		int64_t due_s; /* from now */
		int64_t wait;
	} rows[] = {
	    {1, 1},
	    {27 * DAY_S, 27 * DAY_S},
	    {29 * DAY_S, 29 * DAY_S},
	    {29 * DAY_S + 1, -1}, /* the clock was set back since */
	    {0, 0},
	    {-1, 0},
	    {-1000 * DAY_S, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(rotate_wait(now + rows[i].due_s, now), rows[i].wait);
	assert_int_equal(rotate_wait(0, now), -1);
}

/* -- over a socket -- */

static void
stored(struct world *w, struct credentials *ret)
{
	const struct fake_key *k = fake_key_find(&w->keys, KEY_CREDENTIALS, "");

	assert_non_null(k);
	if (k == NULL)
		return;
	assert_int_equal(credentials_unpack(k->value, k->len, ret), 0);
}

static int64_t
stored_date(struct world *w)
{
	struct credentials c;
	int64_t at;

	stored(w, &c);
	at = c.rotate_at;
	credentials_done(&c);
	return at;
}

static const struct node *
rotation(struct world *w)
{
	return world_got(w, "iq", "rotate");
}

static bool
was_sent(struct world *w)
{
	return rotation(w) != NULL;
}

static bool
answered_ping(struct world *w)
{
	const struct node *pong = world_got(w, "iq", NULL);

	return node_get_is(pong, "id", "after") && node_get_is(pong, "type", "result");
}

/* A query of the server there and back: what it said before is through. */
static void
ping(struct world *w)
{
	fake_send(&w->server, node_new("iq", "type", "get", "xmlns", "urn:xmpp:ping", "id", "after",
				  "from", "s.whatsapp.net", NULL));
	world_run(w, answered_ping);
}

/* Logged in before, and the clock set on. */
static void
begin_dated(struct world *w)
{
	w->give_login = true;
	w->prekey_count = 700;
	world_begin_login(w);
	world_run(w, world_is_ready);
	ping(w);
	link_free(&w->link);
	w->readied = 0;
	w->clock_s = 29 * DAY_S;
}

static void
check_skey(const struct node *iq, const struct credentials *c, uint8_t id, const uint8_t *pub)
{
	const struct node *rotate = node_find(iq, "rotate");
	const struct node *skey = node_find(rotate != NULL ? rotate : iq, "skey");
	const uint8_t bytes[3] = {0, 0, id};
	uint8_t text[1 + CURVE_KEY_LEN] = {0x05};
	const uint8_t *data, *sig;
	size_t len;

	assert_true(node_get_is(iq, "xmlns", "encrypt") && node_get_is(iq, "type", "set"));
	data = node_data(node_find(skey, "id"), &len);
	assert_int_equal(len, sizeof(bytes));
	assert_memory_equal(data, bytes, sizeof(bytes));
	data = node_data(node_find(skey, "value"), &len);
	assert_int_equal(len, CURVE_KEY_LEN);
	assert_memory_equal(data, pub, CURVE_KEY_LEN);
	memcpy(text + 1, data, CURVE_KEY_LEN);
	sig = node_data(node_find(skey, "signature"), &len);
	assert_int_equal(curve_verify(c->identity.pub, text, sizeof(text), sig, len), 0);
}

static void
test_not_due(void **state)
{
	struct world *w = *state;
	int64_t date;

	w->give_login = true;
	w->prekey_count = 700;
	world_begin_login(w);
	world_run(w, world_is_ready);
	ping(w);
	date = stored_date(w);
	assert_in_range(date, time(NULL) + 26 * DAY_S - 60, time(NULL) + 28 * DAY_S + 60);
	link_free(&w->link);
	w->readied = 0;
	w->clock_s = 25 * DAY_S;
	world_begin(w, LINK_LOGIN);
	world_run(w, world_is_ready);
	ping(w);
	assert_null(rotation(w));
	assert_int_equal(stored_date(w), date); /* another login does not put it off */
}

static void
test_due_at_login(void **state)
{
	struct world *w = *state;
	struct credentials c;

	begin_dated(w);
	world_begin(w, LINK_LOGIN);
	world_run(w, was_sent);
	ping(w);
	stored(w, &c);
	assert_int_equal(c.signed_prekey_id, 2);
	check_skey(rotation(w), &c, 2, c.signed_prekey.pub);
	assert_false(c.has_next_signed_prekey);
	assert_int_equal(notes.retired, 1);
	assert_in_range(
	    c.rotate_at, time(NULL) + (29 + 26) * DAY_S - 60, time(NULL) + (29 + 28) * DAY_S + 60);
	credentials_done(&c);
	assert_int_equal(w->ended, 0);
}

/* Before the server has it, it is on disk, and not yet the current one. */
static void
test_without_answer(void **state)
{
	struct world *w = *state;
	struct credentials first, second;

	w->rotate = "-";
	begin_dated(w);
	world_begin(w, LINK_LOGIN);
	world_run(w, was_sent);
	stored(w, &first);
	assert_int_equal(first.signed_prekey_id, 1);
	assert_true(first.has_next_signed_prekey);
	check_skey(rotation(w), &first, 2, first.next_signed_prekey.pub);
	assert_int_equal(notes.retired, 0);
	/* The connection is lost; the next one offers the same key. */
	fake_server_drop(&w->server);
	world_run(w, world_is_ended);
	link_free(&w->link);
	for (unsigned i = 0; i < w->n_got; i++)
		node_free(&w->got[i]);
	w->n_got = w->ended = w->readied = 0;
	w->rotate = NULL;
	world_begin(w, LINK_LOGIN);
	world_run(w, was_sent);
	ping(w);
	stored(w, &second);
	assert_int_equal(second.signed_prekey_id, 2);
	check_skey(rotation(w), &second, 2, first.next_signed_prekey.pub);
	assert_memory_equal(
	    second.signed_prekey.priv, first.next_signed_prekey.priv, CURVE_KEY_LEN);
	credentials_done(&first);
	credentials_done(&second);
}

static bool
was_uploaded(struct world *w)
{
	return world_got(w, "iq", "registration") != NULL;
}

/* Pre-keys that go out meanwhile do not put the old one back in its place. */
static void
test_upload_meanwhile(void **state)
{
	struct world *w = *state;
	struct node *n;
	struct credentials c;

	w->rotate = "-";
	begin_dated(w);
	world_begin(w, LINK_LOGIN);
	world_run(w, was_sent);
	n = node_new("notification", "type", "encrypt", "id", "low", "t", "1700", "from",
	    "s.whatsapp.net", NULL);
	node_child(n, "count", "value", "2", NULL);
	fake_send(&w->server, n);
	world_run(w, was_uploaded);
	stored(w, &c);
	assert_true(c.has_next_signed_prekey);
	check_skey(world_got(w, "iq", "registration"), &c, 2, c.next_signed_prekey.pub);
	credentials_done(&c);
}

static void
test_refused(void **state)
{
	struct world *w = *state;
	struct credentials c;
	unsigned n = 0;

	w->rotate = "503";
	begin_dated(w);
	world_begin(w, LINK_LOGIN);
	world_run(w, was_sent);
	ping(w);
	for (unsigned i = 0; i < w->n_got; i++)
		n += node_find(w->got[i], "rotate") != NULL;
	assert_int_equal(n, 1); /* not at once again */
	assert_true(link_is_ready(w->link));
	stored(w, &c);
	assert_int_equal(c.signed_prekey_id, 1);
	assert_true(c.has_next_signed_prekey);
	credentials_done(&c);
}

/* What cannot be saved is not sent. */
static void
test_not_saved(void **state)
{
	struct world *w = *state;

	begin_dated(w);
	world_begin(w, LINK_LOGIN);
	world_run(w, world_is_ready);
	w->keys.fail = -1;
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_STORAGE);
	assert_null(rotation(w));
}

/* The server's clock was ahead for a while: nothing is put off for years. */
static void
test_clock_set_back(void **state)
{
	struct world *w = *state;
	int64_t date;

	w->clock_s = 3650 * (int64_t)DAY_S;
	w->give_login = true;
	w->prekey_count = 700;
	world_begin_login(w);
	world_run(w, world_is_ready);
	ping(w);
	date = stored_date(w);
	link_free(&w->link);
	w->readied = 0;
	w->clock_s = 0;
	world_begin(w, LINK_LOGIN);
	world_run(w, world_is_ready);
	ping(w);
	assert_true(stored_date(w) < date - 3600 * (int64_t)DAY_S);
	assert_null(rotation(w));
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, world_setup, world_teardown)
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_due),
	    cmocka_unit_test(test_wait),
	    TEST(test_not_due),
	    TEST(test_due_at_login),
	    TEST(test_without_answer),
	    TEST(test_upload_meanwhile),
	    TEST(test_refused),
	    TEST(test_not_saved),
	    TEST(test_clock_set_back),
	};

	return cmocka_run_group_tests_name("link_rotate", tests, NULL, NULL);
}
