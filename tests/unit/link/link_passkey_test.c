/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linking an account that demands a passkey, over a real socket against a played server, which also
 * plays the phone: what is said, in which order, and every way in which it can end. */
#include "tests/unit/link/pair_world.h"

#include <openssl/crypto.h>
#include <time.h>

#include "common/clock.h"
#include "common/wa/passkey.h"
#include "common/webauthn.h"

/* The clock of the link, which a test sets ahead. */
static int64_t ahead_ms;

static int64_t
now_us(clockid_t id)
{
	struct timespec ts;

	assert_int_equal(clock_gettime(id, &ts), 0);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000 + ahead_ms * 1000;
}

int64_t
clock_wall_ms(void)
{
	return now_us(CLOCK_REALTIME) / 1000;
}

int64_t
clock_monotonic_ms(void)
{
	return now_us(CLOCK_MONOTONIC) / 1000;
}

int64_t
clock_monotonic_us(void)
{
	return now_us(CLOCK_MONOTONIC);
}

int64_t
clock_lease_ms(void)
{
	return now_us(CLOCK_BOOTTIME) / 1000;
}

#define OPTIONS \
	"{\"challenge\":\"AAECAwQFBgcICQoLDA0ODw\",\"rpId\":\"whatsapp.com\",\"timeout\":60000}"
#define ASSERTION "{\"id\":\"AQID\"}"
#define REF "2@passkey-ref"

/* The phone and the server, as a test wants them. */
static struct {
	struct curve_pair account, ephemeral;
	struct passkey_companion companion;
	struct passkey_phone phone;
	uint8_t secret[ADV_SECRET_LEN]; /* as the QR had it */
	struct buf prologue;
	struct passkey_request request;
	const char *options;	/* that a query for them gets */
	const char *ref;	/* NULL: an empty answer */
	const char *refuse;	/* the child of the query that gets an error */
	bool mute_continuation; /* the phone says nothing by itself */
} it;

/* -- the server -------------------------------------------------------------------------- */

static void
answer_bytes(struct fake_server *s, const struct node *iq, const char *tag, const char *text)
{
	struct node *answer = world_answer(iq, "result");

	if (text != NULL)
		node_bytes(node_child(answer, tag, NULL), text, strlen(text));
	fake_send(s, answer);
}

static struct node *
notice(const char *type, const char *id)
{
	struct node *n = node_new("notification", "type", type, "id", id, NULL);
	const struct jid server = jid_server_self();

	node_set_jid(n, "from", &server);
	return n;
}

static void
send_continuation(struct fake_server *s, size_t cut)
{
	struct node *n = notice("crsc_continuation", "cc-1");
	struct buf bytes = BUF_INIT(PASSKEY_MESSAGE_MAX);

	passkey_phone_write(&it.phone, &bytes);
	node_bytes(node_child(n, "primary_ephemeral_identity", NULL), bytes.data, bytes.len - cut);
	fake_send(s, n);
	buf_done(&bytes);
}

static void
on_prologue(struct fake_server *s, const struct node *n)
{
	size_t len;
	const uint8_t *data;

	data = node_data(node_find(n, "credential_id"), &len);
	assert_non_null(data);
	assert_int_equal(len, 3);
	data = node_data(node_find(n, "webauthn_assertion"), &len);
	assert_non_null(data);
	assert_memory_equal(data, ASSERTION, len);
	data = node_data(node_find(n, "prologue_payload"), &len);
	assert_non_null(data);
	buf_add(&it.prologue, data, len);
	assert_int_equal(passkey_prologue_read(data, len, &it.companion), 0);
	assert_string_equal(it.companion.ref, REF);
	assert_int_equal(it.companion.platform, 1);
	if (!it.mute_continuation)
		send_continuation(s, 0);
}

static void
check_proof(const struct node *n)
{
	uint8_t key[PASSKEY_KEY_LEN], want[PASSKEY_PROOF_LEN];
	size_t len;
	const uint8_t *proof = node_data(node_find(n, "pairing_handoff_proof"), &len);

	assert_non_null(proof);
	assert_int_equal(len, sizeof(want));
	passkey_handoff_key(it.secret, key);
	passkey_proof(key, &it.prologue, want);
	assert_memory_equal(proof, want, sizeof(want));
}

/* The secret that the phone gets, and signs with. */
static void
open_request(const struct node *n)
{
	uint8_t key[PASSKEY_KEY_LEN];
	size_t len;
	const uint8_t *data = node_data(n, &len);

	assert_non_null(data);
	assert_int_equal(
	    passkey_request_key(&it.ephemeral, it.companion.pub, &it.companion, key), 0);
	assert_int_equal(passkey_request_open(key, data, len, &it.request), 0);
	assert_memory_not_equal(it.request.adv_secret, it.secret, ADV_SECRET_LEN);
}

static void
on_stanza(struct fake_server *s, const struct node *stanza)
{
	const struct node *child = node_first(stanza);

	world_stanza(s, stanza);
	if (!node_is(stanza, "iq") || node_get(stanza, "xmlns") == NULL || child == NULL)
		return;
	assert_true(node_get_is(stanza, "xmlns", "md"));
	if (it.refuse != NULL && node_is(child, it.refuse)) {
		struct node *answer = world_answer(stanza, "error");

		(void)node_child(answer, "error", "code", "401", NULL);
		fake_send(s, answer);
		return;
	}
	if (node_is(child, "ref"))
		answer_bytes(s, stanza, "ref", it.ref);
	else if (node_is(child, "passkey_request_options"))
		answer_bytes(s, stanza, "passkey_request_options", it.options);
	else
		answer_bytes(s, stanza, "", NULL);
	if (node_is(child, "passkey_prologue"))
		on_prologue(s, child);
	else if (node_is(child, "encrypted_pairing_request"))
		open_request(child);
}

static void
offer(struct fake_server *s)
{
	static const char *const refs[] = {"2@first", NULL};

	pair_offer(s, refs);
}

static int
setup(void **state)
{
	const int r = world_setup(state);

	memset(&it, 0, sizeof(it));
	ahead_ms = 0;
	buf_init(&it.prologue, PASSKEY_MESSAGE_MAX);
	curve_generate(&it.account);
	curve_generate(&it.ephemeral);
	memcpy(it.phone.pub, it.ephemeral.pub, sizeof(it.phone.pub));
	memset(it.phone.nonce, 7, sizeof(it.phone.nonce));
	it.options = OPTIONS;
	it.ref = REF;
	world.server.on_login = offer;
	world.server.on_stanza = on_stanza;
	return r;
}

static int
teardown(void **state)
{
	buf_done(&it.prologue);
	return world_teardown(state);
}

/* -- steps ------------------------------------------------------------------------------- */

static bool
is_asked(struct world *w)
{
	return w->passkeys > 0 && world_got(w, "ack", NULL) != NULL;
}

static bool
is_sent(struct world *w)
{
	return w->passkeys > 1 && world_got(w, "iq", "passkey_prologue") != NULL;
}

static bool
is_requested(struct world *w)
{
	return world_got(w, "iq", "encrypted_pairing_request") != NULL;
}

static void
request(struct world *w, const char *options)
{
	struct node *n = notice("passkey_prologue_request", "pk-1");

	node_bytes(node_child(n, "passkey_request_options", NULL), options, strlen(options));
	fake_send(&w->server, n);
}

static void
scanned(struct world *w, const char *options)
{
	uint8_t noise[CURVE_KEY_LEN], identity[CURVE_KEY_LEN];
	char ref[64];

	world_begin(w, LINK_PAIR_QR);
	world_run(w, world_has_qr);
	assert_int_equal(adv_qr_parse(w->qr, ref, sizeof(ref), noise, identity, it.secret), 0);
	request(w, options);
}

static bool
give(struct world *w)
{
	struct buf id = BUF_INIT(WEBAUTHN_ID_MAX), json = BUF_INIT(WEBAUTHN_JSON_MAX);
	int64_t expires_ms = 0;
	bool taken;

	buf_add(&id, "\1\2\3", 3);
	buf_add_str(&json, ASSERTION);
	w->in_call = true;
	taken = link_passkey_answer(w->link, &id, &json, &expires_ms);
	w->in_call = false;
	assert_int_equal(expires_ms > 0, taken);
	buf_done(&id);
	buf_done(&json);
	return taken;
}

static bool
confirm(struct world *w)
{
	int64_t expires_ms = 0;
	bool taken;

	w->in_call = true;
	taken = link_passkey_confirm(w->link, &expires_ms);
	w->in_call = false;
	return taken;
}

/* The phone signs with the secret that it knows. */
static void
sign(struct world *w, const uint8_t secret[ADV_SECRET_LEN])
{
	pair_success(w, WORLD_PHONE, &it.account, link_credentials(w->link)->identity.pub, secret,
	    "android");
}

/* -- tests ------------------------------------------------------------------------------- */

static void
test_scanned(void **state)
{
	struct world *w = *state;
	uint8_t saved[ADV_SECRET_LEN];

	scanned(w, OPTIONS);
	assert_false(give(w));
	world_run(w, is_asked);
	assert_int_equal(w->step, LINK_PASSKEY_ASKED);
	assert_string_equal(w->options, OPTIONS);
	assert_string_equal(w->passkey_code, "");
	assert_true(node_get_is(world_got(w, "ack", NULL), "id", "pk-1"));
	/* Another secret, on disk before anybody answers. */
	memcpy(saved, link_credentials(w->link)->adv_secret, sizeof(saved));
	assert_memory_not_equal(saved, it.secret, sizeof(saved));
	assert_true(w->keys.commits > 1);
	assert_false(confirm(w));

	assert_true(give(w));
	assert_false(give(w));
	world_run(w, is_requested);
	check_proof(world_got(w, "iq", "passkey_prologue") == NULL
			? NULL
			: node_first(world_got(w, "iq", "passkey_prologue")));
	assert_int_equal(w->step, LINK_PASSKEY_FINISHING);
	assert_memory_equal(it.request.adv_secret, saved, sizeof(saved));
	assert_memory_equal(it.request.noise, link_credentials(w->link)->noise.pub, CURVE_KEY_LEN);
	assert_memory_equal(
	    it.request.identity, link_credentials(w->link)->identity.pub, CURVE_KEY_LEN);
	sign(w, it.request.adv_secret);
	world_run(w, pair_is_paired);
	pair_restarts(w);
}

/* What the phone makes its code of. */
static const uint8_t *
nonce_told(struct world *w)
{
	const struct node *n = world_got(w, "iq", "companion_nonce");
	size_t len = 0;
	const uint8_t *nonce = n != NULL ? node_data(node_first(n), &len) : NULL;

	assert_non_null(nonce);
	assert_int_equal(len, PASSKEY_NONCE_LEN);
	return nonce;
}

static bool
is_compared(struct world *w)
{
	return w->step == LINK_PASSKEY_CONFIRM;
}

/* Who takes more than five minutes can prove no more that it is the one that was scanned: both show
 * a code, and nothing is told before a person says that they are the same. */
static void
test_proof_expired(void **state)
{
	struct world *w = *state;
	char code[PAIR_CODE_LEN + 1], shown[PAIR_CODE_TEXT + 1];
	const struct node *n;

	scanned(w, OPTIONS);
	world_run(w, is_asked);
	ahead_ms = 5 * 60 * 1000 + 1;
	assert_true(give(w));
	world_run(w, is_compared);
	n = world_got(w, "iq", "passkey_prologue");
	assert_non_null(n);
	assert_null(node_find(node_first(n), "pairing_handoff_proof"));
	assert_null(world_got(w, "iq", "encrypted_pairing_request"));
	passkey_code(nonce_told(w), &it.phone, code);
	pair_code_show(code, shown);
	assert_string_equal(w->passkey_code, shown);
	assert_true(confirm(w));
	assert_false(confirm(w));
	world_run(w, is_requested);
	sign(w, it.request.adv_secret);
	world_run(w, pair_is_paired);
	pair_restarts(w);
}

/* What was scanned before signs nothing any more. */
static void
test_old_secret(void **state)
{
	struct world *w = *state;

	scanned(w, OPTIONS);
	world_run(w, is_asked);
	sign(w, it.secret);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_PAIRING_FAILED);
}

static void
test_asked_twice(void **state)
{
	struct world *w = *state;

	scanned(w, OPTIONS);
	world_run(w, is_asked);
	request(w, OPTIONS);
	fake_send(&w->server, node_new("notification", "type", "companion_reg_refresh", "id", "r1",
				  "from", "s.whatsapp.net", NULL));
	offer(&w->server);
	assert_true(give(w));
	world_run(w, is_requested);
	assert_int_equal(w->qrs, 1);
	sign(w, it.request.adv_secret);
	world_run(w, pair_is_paired);
}

static void
test_unread(void **state)
{
	static const char *const broken[] = {"", "{", "[]", "{\"challenge\":\"AA\"}"};
	struct world *w = *state;

	for (size_t i = 0; i < sizeof(broken) / sizeof(broken[0]); i++) {
		assert_int_equal(teardown(state), 0);
		assert_int_equal(setup(state), 0);
		w = *state;
		scanned(w, broken[i]);
		world_run(w, is_asked);
		assert_string_equal(w->options, OPTIONS);
		assert_non_null(world_got(w, "iq", "passkey_request_options"));
	}
	assert_int_equal(teardown(state), 0);
	assert_int_equal(setup(state), 0);
	w = *state;
	it.options = "{}";
	scanned(w, "{}");
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_PASSKEY); /* with the reason as its detail */
	assert_int_equal(w->passkeys, 0);
}

static void
test_refused(void **state)
{
	static const char *const at[] = {
	    "ref", "passkey_prologue", "companion_nonce", "encrypted_pairing_request"};

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		struct world *w;

		assert_int_equal(setup(state), 0);
		w = *state;
		it.refuse = at[i];
		scanned(w, OPTIONS);
		world_run(w, is_asked);
		assert_true(give(w));
		world_run(w, world_is_ended);
		assert_int_equal(w->end, LINK_END_PASSKEY_REFUSED);
		assert_string_equal(w->detail, "error 401");
		assert_int_equal(link_reason(w->end)->follow, LINK_FOLLOW_STOP);
		assert_int_equal(teardown(state), 0);
	}
}

static void
test_no_reference(void **state)
{
	struct world *w = *state;

	it.ref = NULL;
	scanned(w, OPTIONS);
	world_run(w, is_asked);
	assert_true(give(w));
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_PASSKEY); /* with the reason as its detail */
}

static void
test_short_continuation(void **state)
{
	struct world *w = *state;

	it.mute_continuation = true;
	scanned(w, OPTIONS);
	world_run(w, is_asked);
	/* Nobody waits for it yet. */
	send_continuation(&w->server, 0);
	assert_true(give(w));
	world_run(w, is_sent);
	assert_null(world_got(w, "iq", "companion_nonce"));
	send_continuation(&w->server, 1);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_PASSKEY); /* with the reason as its detail */
}

static void
test_cut_off(void **state)
{
	struct world *w = *state;

	scanned(w, OPTIONS);
	world_run(w, is_asked);
	fake_server_drop(&w->server);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_PASSKEY);
}

static void
test_database_fails(void **state)
{
	struct world *w = *state;

	world_begin(w, LINK_PAIR_QR);
	world_run(w, world_has_qr);
	w->keys.fail = -1;
	request(w, OPTIONS);
	world_run(w, world_is_ended);
	assert_int_equal(w->end, LINK_END_STORAGE);
	assert_int_equal(w->passkeys, 0);
}

static void
test_free_inside_callback(void **state)
{
	struct world *w = *state;

	scanned(w, OPTIONS);
	w->free_at_qr = true;
	world_run(w, pair_is_freed);
	assert_int_equal(w->ended, 0);
}

int
main(void)
{
#define T(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
	    T(test_scanned),
	    T(test_proof_expired),
	    T(test_old_secret),
	    T(test_asked_twice),
	    T(test_unread),
	    cmocka_unit_test(test_refused),
	    T(test_no_reference),
	    T(test_short_continuation),
	    T(test_cut_off),
	    T(test_database_fails),
	    T(test_free_inside_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
