/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linking: by QR and by code, given up, refused, and what changes meanwhile. */
#include "tests/unit/waconnd/outlet_world.h"

static void
test_link_by_qr(void **state)
{
	const struct jid own = jid_make(JID_SERVER_PN, "62814", 7),
			 lid = jid_make(JID_SERVER_LID, "999", 7);
	struct outlet *o = get("o_new");
	const char *text;
	unsigned sequence;
	int64_t expires;
	struct link *l;

	(void)state;
	assert_null(outlet_connect(o));
	assert_null(outlet_connect(o)); /* twice is once */
	l = fake_find("o_new");
	assert_int_equal(l->mode, LINK_PAIR_QR);
	assert_string_equal(l->expect, "62814");
	assert_int_equal(outlet_qr(o, &text, &sequence, &expires), -1);
	l->ops->qr(l->arg, "SECRET-QR-1", 1, clock_wall_ms() + 60000);
	l->ops->qr(l->arg, "SECRET-QR-2", 2, clock_wall_ms() + 20000);
	assert_int_equal(outlet_qr(o, &text, &sequence, &expires), 0);
	assert_string_equal(text, "SECRET-QR-2");
	assert_int_equal(sequence, 2);
	assert_int_equal(env.qrs, 2);
	assert_string_equal(says("o_new", "liveStatus", "qrCode"), "Present");
	l->ops->paired(l->arg, &own, &lid, "Toko");
	assert_int_equal(outlet_qr(o, &text, &sequence, &expires), -1);
	fake_end(l, LINK_END_RESTART, 0);
	assert_int_equal(fake_find("o_new")->mode, LINK_LOGIN);
	bring_up("o_new");
	assert_string_equal(says("o_new", "session", "sessionName"), "Toko");
	assert_string_equal(outlet_connect(o), "already_connected");
	assert_false(env.secret_seen);
	assert_string_equal(
	    world_sql(env.w,
		"SELECT own_jid || ' ' || own_lid FROM outlet_sessions WHERE outlet_id = 'o_new'"),
	    "62814:7@s.whatsapp.net 12345:7@lid");
}

static void
test_nobody_scans(void **state)
{
	struct outlet *o = get("o_new");

	(void)state;
	assert_null(outlet_connect(o));
	for (unsigned round = 0; round < 3; round++) {
		struct link *l = fake_find("o_new");

		assert_non_null(l);
		l->ops->qr(l->arg, "SECRET-QR", 1, clock_wall_ms() + 60000);
		fake_end(l, LINK_END_QR_EXPIRED, 0);
	}
	assert_null(fake_find("o_new"));
	settle();
	assert_string_equal(says("o_new", "session", "status"), "DISCONNECTED");
	assert_string_equal(says("o_new", "session", "lastError"), "qr_expired");
}

static void
test_link_by_code(void **state)
{
	const struct jid own = jid_make(JID_SERVER_PN, "62814", 7),
			 lid = jid_make(JID_SERVER_LID, "999", 7);
	struct outlet *o = get("o_new");
	const char *text;
	unsigned sequence;
	int64_t expires;
	struct link *l;

	(void)state;
	assert_null(outlet_connect_code(o));
	assert_null(outlet_connect_code(o)); /* twice is once */
	l = fake_find("o_new");
	assert_int_equal(l->mode, LINK_PAIR_CODE);
	assert_string_equal(l->expect, "62814");
	assert_int_equal(outlet_pairing_code(o, &text, &expires), -1);
	l->ops->code(l->arg, "SECRET-1", clock_wall_ms() - 1);
	assert_int_equal(outlet_pairing_code(o, &text, &expires), -1); /* too old */
	l->ops->code(l->arg, "SECRET-2", clock_wall_ms() + 180000);
	assert_int_equal(outlet_pairing_code(o, &text, &expires), 0);
	assert_string_equal(text, "SECRET-2");
	assert_true(expires > clock_wall_ms());
	assert_int_equal(outlet_qr(o, &text, &sequence, &expires), -1);
	assert_int_equal(env.qrs, 2);
	assert_string_equal(says("o_new", "liveStatus", "status"), "CONNECTING");
	assert_string_equal(says("o_new", "liveStatus", "qrCode"), "");
	l->ops->paired(l->arg, &own, &lid, "Toko");
	assert_int_equal(outlet_pairing_code(o, &text, &expires), -1);
	fake_end(l, LINK_END_RESTART, 0);
	assert_int_equal(fake_find("o_new")->mode, LINK_LOGIN);
	bring_up("o_new");
	assert_string_equal(outlet_connect_code(o), "already_connected");
	assert_false(env.secret_seen);
}

/* What the link says of a passkey. */
static void
ask_passkey(struct link *l, enum link_passkey_step step, const char *code)
{
	const struct link_passkey said = {
	    step, "{\"challenge\":\"x\"}", code, clock_wall_ms() + 600000};

	l->ops->passkey(l->arg, &said);
}

static void
test_passkey(void **state)
{
	const struct jid own = jid_make(JID_SERVER_PN, "62814", 7),
			 lid = jid_make(JID_SERVER_LID, "999", 7);
	struct outlet *o = get("o_new");
	struct buf id = BUF_INIT(16), json = BUF_INIT(16);
	struct link_passkey k;
	struct link *l;

	(void)state;
	buf_add_str(&id, "id");
	buf_add_str(&json, "{}");
	assert_string_equal(outlet_passkey_answer(o, &id, &json), "no_passkey");
	assert_null(outlet_connect(o));
	l = fake_find("o_new");
	l->ops->qr(l->arg, "SECRET", 1, clock_wall_ms() + 60000);
	assert_int_equal(outlet_passkey(o, &k), -1);
	ask_passkey(l, LINK_PASSKEY_ASKED, NULL);
	assert_int_equal(outlet_passkey(o, &k), 0);
	assert_int_equal(k.step, LINK_PASSKEY_ASKED);
	assert_string_equal(k.options, "{\"challenge\":\"x\"}");
	assert_null(k.code);
	settle();
	assert_string_equal(says("o_new", "liveStatus", "status"), "CONNECTING");
	assert_string_equal(says("o_new", "liveStatus", "qrCode"), "");
	assert_string_equal(says("o_new", "session", "lastError"), "passkey_required");
	assert_string_equal(outlet_passkey_confirm(o), "passkey_step");
	/* To connect it anew, in whichever way, does not end what waits. */
	assert_null(outlet_connect_code(o));
	assert_ptr_equal(fake_find("o_new"), l);
	l->wants_passkey = true;
	assert_null(outlet_passkey_answer(o, &id, &json));
	assert_int_equal(outlet_passkey(o, &k), 0);
	assert_int_equal(k.step, LINK_PASSKEY_SENT);
	assert_string_equal(outlet_passkey_answer(o, &id, &json), "passkey_step");
	ask_passkey(l, LINK_PASSKEY_CONFIRM, "ABCD-EFGH");
	assert_int_equal(outlet_passkey(o, &k), 0);
	assert_string_equal(k.code, "ABCD-EFGH");
	l->wants_confirmation = true;
	assert_null(outlet_passkey_confirm(o));
	assert_int_equal(outlet_passkey(o, &k), 0);
	assert_int_equal(k.step, LINK_PASSKEY_FINISHING);
	assert_null(k.code);
	l->ops->paired(l->arg, &own, &lid, "Toko");
	assert_int_equal(outlet_passkey(o, &k), -1);
	settle();
	assert_string_equal(says("o_new", "session", "lastError"), "");
	fake_end(l, LINK_END_RESTART, 0);
	bring_up("o_new");
	buf_done(&id);
	buf_done(&json);
}

static void
test_passkey_not_given(void **state)
{
	static const struct {
		enum link_end end;
		const char *code;
	} rows[] = {
	    {LINK_END_PASSKEY, "passkey_required"}, {LINK_END_PASSKEY_REFUSED, "passkey_refused"}};
	struct outlet *o = get("o_new");
	struct link_passkey k;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_null(outlet_connect(o));
		ask_passkey(fake_find("o_new"), LINK_PASSKEY_ASKED, NULL);
		fake_end(fake_find("o_new"), rows[i].end, 0);
		assert_int_equal(outlet_passkey(o, &k), -1);
		settle();
		assert_string_equal(says("o_new", "session", "status"), "FAILED");
		assert_string_equal(says("o_new", "session", "lastError"), rows[i].code);
	}
}

static void
test_nobody_types(void **state)
{
	struct outlet *o = get("o_new");

	(void)state;
	assert_null(outlet_connect_code(o));
	for (unsigned round = 0; round < 3; round++) {
		struct link *l = fake_find("o_new");

		assert_non_null(l);
		assert_int_equal(l->mode, LINK_PAIR_CODE);
		l->ops->code(l->arg, "SECRET-1", clock_wall_ms() + 180000);
		fake_end(l, LINK_END_CODE_EXPIRED, 0);
	}
	assert_null(fake_find("o_new"));
	settle();
	assert_string_equal(says("o_new", "session", "status"), "DISCONNECTED");
	assert_string_equal(says("o_new", "session", "lastError"), "code_expired");
}

/* No code is asked for again by itself; by QR it may still be linked. */
static void
test_code_refused(void **state)
{
	struct outlet *o = get("o_new");

	(void)state;
	assert_null(outlet_connect_code(o));
	fake_end(fake_find("o_new"), LINK_END_CODE_THROTTLED, 0);
	assert_null(fake_find("o_new"));
	settle();
	assert_string_equal(says("o_new", "session", "status"), "FAILED");
	assert_string_equal(says("o_new", "session", "lastError"), "code_throttled");
	assert_null(outlet_connect(o));
	assert_int_equal(fake_find("o_new")->mode, LINK_PAIR_QR);
	settle();
	assert_string_equal(says("o_new", "session", "lastError"), "");
}

static bool
pairs_anew(void *arg)
{
	const struct link *l = fake_find("o_new");

	return l != NULL && l->mode == *(const enum link_mode *)arg;
}

/* From one way to the other and back, whether something is shown already or not. */
static void
test_other_way(void **state)
{
	enum link_mode by_code = LINK_PAIR_CODE, by_qr = LINK_PAIR_QR;
	struct outlet *o = get("o_new");
	const char *text;
	unsigned sequence;
	int64_t expires;
	struct link *l;

	(void)state;
	assert_null(outlet_connect(o));
	l = fake_find("o_new");
	l->ops->qr(l->arg, "SECRET-QR", 1, clock_wall_ms() + 60000);
	assert_null(outlet_connect_code(o));
	assert_string_equal(says("o_new", "liveStatus", "status"), "CONNECTING");
	assert_int_equal(outlet_qr(o, &text, &sequence, &expires), -1);
	until(pairs_anew, &by_code, "a link that pairs by code");
	assert_null(outlet_connect(o));	     /* no code yet */
	assert_null(outlet_connect_code(o)); /* … and another mind before the link has ended */
	until(pairs_anew, &by_code, "a link that pairs by code");
	l = fake_find("o_new");
	l->ops->code(l->arg, "SECRET-1", clock_wall_ms() + 180000);
	assert_null(outlet_connect(o));
	assert_int_equal(outlet_pairing_code(o, &text, &expires), -1);
	until(pairs_anew, &by_qr, "a link that pairs by QR");
	assert_null(outlet_disconnect(o));
	assert_false(env.secret_seen);
}

static bool
expects_new_number(void *arg)
{
	const struct link *l = fake_find(arg);

	return l != NULL && strcmp(l->expect, "62899") == 0;
}

/* The phone that is to link is another one now, whichever way it is linked. */
static void
test_number_changed(void **state)
{
	struct outlet *o = get("o_new");
	char id[] = "o_new";
	const char *text;
	unsigned sequence;
	int64_t expires;
	struct link *l;

	(void)state;
	assert_null(outlet_connect_code(o));
	l = fake_find(id);
	assert_string_equal(l->expect, "62814");
	l->ops->code(l->arg, "SECRET-1", clock_wall_ms() + 180000);
	outlets_changed(o, "New name", "62814", true, true, "{}");
	assert_ptr_equal(fake_find(id), l); /* nothing to begin anew for */
	outlets_changed(o, "D", "62899", true, true, "{}");
	assert_int_equal(outlet_pairing_code(o, &text, &expires), -1);
	assert_string_equal(says(id, "liveStatus", "status"), "CONNECTING");
	until(expects_new_number, id, "a link for the new number");
	assert_int_equal(fake_find(id)->mode, LINK_PAIR_CODE);
	assert_int_equal(outlet_qr(o, &text, &sequence, &expires), -1);
	assert_null(outlet_disconnect(o));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    OUTLET_TEST(test_link_by_qr),
	    OUTLET_TEST(test_nobody_scans),
	    OUTLET_TEST(test_link_by_code),
	    OUTLET_TEST(test_nobody_types),
	    OUTLET_TEST(test_passkey),
	    OUTLET_TEST(test_passkey_not_given),
	    OUTLET_TEST(test_code_refused),
	    OUTLET_TEST(test_other_way),
	    OUTLET_TEST(test_number_changed),
	};

	return cmocka_run_group_tests_name("outlet_link", tests, world_setup_store, world_teardown);
}
