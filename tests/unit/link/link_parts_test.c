/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The parts of a link that are plain arithmetic and tables: phases, queries, silence, pace, URL,
 * codes, pre-keys. */
#include "tests/unit/link/fake_messaging.h"

#include <string.h>

#include "tests/unit/wa/vectors.h"

#include "waconnd/link/link_alive.h"
#include "waconnd/link/link_iq.h"
#include "waconnd/link/link_pace.h"
#include "waconnd/link/link_phase.h"
#include "waconnd/link/link_prekeys.h"
#include "waconnd/link/link_qr.h"
#include "waconnd/link/link_said.h"
#include "waconnd/link/link_url.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* -- phases -- */

static void
test_phases(void **state)
{
	size_t n;
	const struct link_edge *edges = link_phase_edges(&n);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		assert_ptr_equal(link_phase_edge(edges[i].from, edges[i].event), &edges[i]);
		assert_true(strlen(edges[i].why) > 0);
	}
	/* Whatever happens, every phase but the last two can fail, and nothing leaves the last. */
	for (int p = 0; p < LINK_ENDING; p++) {
		const struct link_edge *fail = link_phase_edge((enum link_phase)p, LINK_EV_FAIL);

		assert_non_null(fail);
		assert_int_equal(fail != NULL ? fail->to : LINK_PHASES, LINK_ENDING);
		assert_non_null(link_phase_name((enum link_phase)p));
		assert_int_equal(link_phase_limit((enum link_phase)p)->phase, p);
	}
	for (int e = 0; e < LINK_EVENTS; e++) {
		assert_null(link_phase_edge(LINK_ENDED, (enum link_event)e));
		assert_non_null(link_event_name((enum link_event)e));
	}
	assert_null(link_phase_edge(LINK_ENDING, LINK_EV_FAIL));
	assert_null(link_phase_edge(LINK_PAIRING, LINK_EV_SUCCESS));
	assert_null(link_phase_edge(LINK_LOGGING_IN, LINK_EV_LEAVE));
}

static void
test_phase_ends(void **state)
{
	(void)state;
	assert_int_equal(link_phase_end(LINK_PAIRED, LINK_END_CLOSED), LINK_END_RESTART);
	assert_int_equal(link_phase_end(LINK_PAIRED, LINK_END_LOGGED_OUT), LINK_END_LOGGED_OUT);
	assert_int_equal(link_phase_end(LINK_PAIRED, LINK_END_ASKED), LINK_END_ASKED);
	assert_int_equal(link_phase_end(LINK_REFUSING, LINK_END_CLOSED), LINK_END_WRONG_NUMBER);
	assert_int_equal(link_phase_end(LINK_LEAVING, LINK_END_SILENT), LINK_END_LOGGED_OUT);
	assert_int_equal(link_phase_end(LINK_READY, LINK_END_CLOSED), LINK_END_CLOSED);
	/* A logout is over within 10 s, whatever the server does. */
	assert_true(
	    link_phase_limit(LINK_LEAVING)->ms + 2000 + link_phase_limit(LINK_ENDING)->ms < 10000);
}

/* -- queries -- */

static struct {
	unsigned calls, nulls;
	struct link_iqs *again;
} answers;

static void
on_answer(void *arg, const struct node *answer)
{
	(void)arg;
	answers.calls++;
	answers.nulls += answer == NULL;
	if (answers.again != NULL)
		link_iqs_add(answers.again, "again", 0, 1000, on_answer, NULL);
}

static void
test_queries(void **state)
{
	struct node *result = node_new("iq", "type", "result", NULL);
	char a[LINK_IQ_ID_MAX], b[LINK_IQ_ID_MAX], c[LINK_IQ_ID_MAX];
	struct link_iqs q;

	(void)state;
	memset(&answers, 0, sizeof(answers));
	link_iqs_init(&q);
	assert_int_equal(link_iqs_next_ms(&q), -1);
	link_iqs_id(&q, a);
	link_iqs_id(&q, b);
	link_iqs_id(&q, c);
	assert_string_not_equal(a, b);
	link_iqs_add(&q, a, 1000, 60000, on_answer, NULL);
	link_iqs_add(&q, b, 2000, 60000, on_answer, NULL);
	link_iqs_add(&q, c, 3000, 0, on_answer, NULL);
	assert_int_equal(q.n, 3);
	assert_int_equal(link_iqs_next_ms(&q), 3000);
	/* Answered once, and never by a stranger. */
	assert_int_equal(link_iqs_answer(&q, "unknown", result, 2500), -1);
	assert_int_equal(link_iqs_answer(&q, b, result, 2500), 500);
	assert_int_equal(link_iqs_answer(&q, b, result, 2500), -1);
	assert_int_equal(answers.calls, 1);
	link_iqs_expire(&q, 60999);
	assert_int_equal(answers.calls, 2);
	link_iqs_expire(&q, 61000);
	assert_int_equal(answers.calls, 3);
	assert_int_equal(answers.nulls, 2);
	assert_int_equal(q.n, 0);
	node_free(&result);
}

static void
test_query_ids_vector(void **state)
{
	const json_t *v = vector("iq-id-prefix");
	struct buf random = vector_bytes(v, "inputs.random4");
	char prefix[16];

	(void)state;
	assert_int_equal(random.len, LINK_IQ_RANDOM);
	link_iqs_prefix(random.data, prefix);
	assert_string_equal(prefix, vector_str(v, "outputs.baileys_prefix"));
	buf_done(&random);
}

static void
test_queries_end(void **state)
{
	struct link_iqs q;

	(void)state;
	memset(&answers, 0, sizeof(answers));
	link_iqs_init(&q);
	for (unsigned i = 0; i < 10; i++)
		link_iqs_add(&q, "x", 0, 1000, on_answer, NULL);
	/* One that asks again at every failure does not hang the end. */
	answers.again = &q;
	link_iqs_fail_all(&q);
	assert_int_equal(q.n, 0);
	assert_true(answers.calls >= 10);
	assert_int_equal(answers.calls, answers.nulls);
	link_iqs_add(&q, "x", 0, 1000, on_answer, NULL);
	link_iqs_done(&q);
	assert_int_equal(q.n, 0);
}

/* -- silence -- */

static void
test_silence(void **state)
{
	struct link_alive a;
	int64_t t = 1000000;

	(void)state;
	link_alive_init(&a, t);
	assert_in_range(link_alive_due_ms(&a), t + LINK_PING_MIN_MS, t + LINK_PING_MAX_MS);
	assert_int_equal(link_alive_check(&a, t + 1000, t + 1000), LINK_ALIVE_WAIT);
	/* A ping goes out, and nothing comes back. */
	t = link_alive_due_ms(&a);
	assert_int_equal(link_alive_check(&a, t, t), LINK_ALIVE_PING);
	link_alive_note_sent(&a, t);
	link_alive_note_sent(&a, t + 5000); /* the first one counts */
	assert_int_equal(link_alive_due_ms(&a), t + LINK_SILENCE_MS);
	assert_int_equal(
	    link_alive_check(&a, t + LINK_SILENCE_MS, t + LINK_SILENCE_MS - 1), LINK_ALIVE_WAIT);
	assert_int_equal(
	    link_alive_check(&a, t + LINK_SILENCE_MS, t + LINK_SILENCE_MS), LINK_ALIVE_DEAD);
	/* Anything heard makes it alive again. */
	link_alive_note_heard(&a);
	assert_int_equal(
	    link_alive_check(&a, t + LINK_SILENCE_MS, t + LINK_SILENCE_MS), LINK_ALIVE_WAIT);
	/* A cut shows within 40 s, wherever it falls. */
	assert_true(LINK_PING_MAX_MS + LINK_SILENCE_MS < 39000);
}

static void
test_silence_of_our_own(void **state)
{
	struct link_alive a;
	const int64_t t = 1000000, due = t + LINK_SILENCE_MS;

	(void)state;
	/* The process was stopped for a minute: the peer gets a moment more. */
	link_alive_init(&a, t);
	link_alive_note_sent(&a, t);
	assert_int_not_equal(link_alive_check(&a, due, due + 60000), LINK_ALIVE_DEAD);
	assert_int_equal(link_alive_due_ms(&a), due + 60000 + LINK_LATE_MS);
	assert_int_equal(
	    link_alive_check(&a, due + 60000 + LINK_LATE_MS, due + 60000 + LINK_LATE_MS),
	    LINK_ALIVE_DEAD);
}

/* -- pace -- */

static void
test_pace(void **state)
{
	struct link_pace p;
	unsigned taken = 0;
	int64_t t = 5000;

	(void)state;
	link_pace_init(&p, 50, t);
	while (link_pace_take(&p, t))
		taken++;
	assert_int_equal(taken, 5); /* a tenth of a second's worth at once */
	assert_int_equal(link_pace_wait_ms(&p, t), 20);
	assert_false(link_pace_take(&p, t + 19));
	assert_true(link_pace_take(&p, t + 20));
	for (taken = 0; t < 15000; t++)
		taken += link_pace_take(&p, t);
	assert_in_range(taken, 495, 501);
	/* A long rest saves no more than the burst; a clock that goes back gives nothing. */
	for (taken = 0; link_pace_take(&p, 10000000);)
		taken++;
	assert_int_equal(taken, 5);
	assert_false(link_pace_take(&p, 1));
	link_pace_init(&p, 1, 0);
	assert_true(link_pace_take(&p, 0));
	assert_int_equal(link_pace_wait_ms(&p, 0), 1000);
}

/* -- URL -- */

static void
test_urls(void **state)
{
	static const struct {
		const char *text;
		bool ok, tls, literal;
		const char *host;
		uint16_t port;
		const char *path, *header;
	} rows[] = {
	    {"wss://web.whatsapp.com/ws/chat", true, true, false, "web.whatsapp.com", 443,
		"/ws/chat", "web.whatsapp.com"},
	    {"wss://localhost:8443/x?y=1", true, true, false, "localhost", 8443, "/x?y=1",
		"localhost:8443"},
	    {"wss://10.0.0.1", true, true, true, "10.0.0.1", 443, "/", "10.0.0.1"},
	    {"ws://127.0.0.1:9000/ws/chat", true, false, true, "127.0.0.1", 9000, "/ws/chat",
		"127.0.0.1:9000"},
	    {"ws://127.8.9.1/", true, false, true, "127.8.9.1", 80, "/", "127.8.9.1"},
	    {"ws://localhost/", true, false, false, "localhost", 80, "/", "localhost"},
	    {"ws://[::1]:81/a", true, false, true, "::1", 81, "/a", "[::1]:81"},
	    {.text = "ws://web.whatsapp.com/ws/chat"},
	    {.text = "ws://10.0.0.1/"},
	    {.text = "ws://127.0.0.1.example.com/"},
	    {.text = "ws://[::2]/"},
	    {.text = "http://localhost/"},
	    {.text = "localhost"},
	    {.text = ""},
	    {.text = "wss://"},
	    {.text = "wss:///path"},
	    {.text = "wss://host:0/"},
	    {.text = "wss://host:65536/"},
	    {.text = "wss://host:/"},
	    {.text = "wss://host:12x/"},
	    {.text = "wss://us er/"},
	    {.text = "wss://user@host/"},
	    {.text = "wss://host/a b"},
	    {.text = "wss://host/#frag"},
	    {.text = "wss://[::1]/"},
	    {.text = "wss://[::1/"},
	    {.text = "wss://[host]/"},
	};
	struct link_url u;
	char err[128];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		err[0] = '\0';
		if (!rows[i].ok) {
			assert_int_equal(link_url_parse(rows[i].text, &u, err, sizeof(err)), -1);
			assert_true(strlen(err) > 0);
			continue;
		}
		assert_int_equal(link_url_parse(rows[i].text, &u, err, sizeof(err)), 0);
		assert_int_equal(u.tls, rows[i].tls);
		assert_int_equal(u.literal, rows[i].literal);
		assert_string_equal(u.host, rows[i].host);
		assert_int_equal(u.port, rows[i].port);
		assert_string_equal(u.path, rows[i].path);
		assert_string_equal(u.host_header, rows[i].header);
	}
}

/* -- codes -- */

static void
test_codes_in_turn(void **state)
{
	struct node *pair = node_new("pair-device", NULL);
	struct link_qr qr = {0};
	char longest[LINK_QR_REF_MAX + 1];

	(void)state;
	memset(longest, 'x', sizeof(longest));
	node_bytes(node_child(pair, "ref", NULL), "one", 3);
	node_bytes(node_child(pair, "ref", NULL), longest, sizeof(longest)); /* too long */
	node_bytes(node_child(pair, "other", NULL), "no", 2);
	node_bytes(node_child(pair, "ref", NULL), "a\0b", 3);
	node_child(pair, "ref", NULL);
	node_bytes(node_child(pair, "ref", NULL), "two", 3);
	assert_false(link_qr_redraw(&qr));
	assert_false(link_qr_next(&qr, 0));
	link_qr_refs(&qr, pair);
	assert_int_equal(qr.n, 2);
	assert_true(link_qr_next(&qr, 1000));
	assert_string_equal(link_qr_ref(&qr), "one");
	assert_int_equal(qr.sequence, 1);
	assert_int_equal(qr.expires_ms, 61000);
	assert_true(link_qr_redraw(&qr));
	assert_int_equal(qr.sequence, 2);
	assert_int_equal(qr.expires_ms, 61000);
	assert_true(link_qr_next(&qr, 61000));
	assert_string_equal(link_qr_ref(&qr), "two");
	assert_int_equal(qr.sequence, 3);
	assert_int_equal(qr.expires_ms, 81000);
	assert_false(link_qr_next(&qr, 81000));
	node_free(&pair);
}

static struct node *
pairing(const char *jid, const char *lid, const char *platform, const char *business)
{
	struct node *n = node_new("pair-success", NULL);

	node_bytes(node_child(n, "device-identity", NULL), "c", 1);
	(void)node_child(n, "device", "jid", jid, "lid", lid, NULL);
	(void)node_child(n, "platform", "name", platform, NULL);
	(void)node_child(n, "biz", "name", business, NULL);
	return n;
}

static void
test_pair_success(void **state)
{
	static const struct {
		const char *jid, *lid, *platform, *business, *name; /* name NULL: refused */
	} rows[] = {
	    {"62811:3@s.whatsapp.net", "99:3@lid", "android", NULL, "Android"},
	    {"62811:3@s.whatsapp.net", NULL, "iphone", NULL, "iPhone"},
	    {"62811:3@s.whatsapp.net", "99:3@lid", "smbi", "Toko Budi", "Toko Budi"},
	    {"62811:3@s.whatsapp.net", "99:3@lid", "toaster", NULL, "toaster"},
	    {"62811:3@s.whatsapp.net", "99:3@lid", NULL, "\xff", "\xef\xbf\xbd"},
	    {"99:3@lid", "99:3@lid", "android", NULL, NULL},
	    {"62811:3@s.whatsapp.net", "62811@s.whatsapp.net", "android", NULL, NULL},
	    {NULL, "99:3@lid", "android", NULL, NULL},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct node *n =
		    pairing(rows[i].jid, rows[i].lid, rows[i].platform, rows[i].business);
		struct link_pairing p;
		char *name;

		if (rows[i].name == NULL) {
			assert_true(link_pairing_read(n, &p) < 0);
		} else {
			assert_int_equal(link_pairing_read(n, &p), 0);
			assert_int_equal(p.own.device, 3);
			name = link_pairing_name(&p);
			assert_string_equal(name, rows[i].name);
			free(name);
		}
		node_free(&n);
	}
}

/* -- pre-keys -- */

static void
test_prekey_batches(void **state)
{
	(void)state;
	assert_int_equal(link_prekeys_batch(0, false), 812);
	assert_int_equal(link_prekeys_batch(0, true), 50);
	assert_int_equal(link_prekeys_batch(4, false), 50);
	assert_int_equal(link_prekeys_batch(5, true), 0);
	assert_int_equal(link_prekeys_batch(700, false), 0);
}

static struct node *
digest_of(const struct credentials *c, uint8_t id)
{
	struct node *n = node_new("iq", "type", "result", NULL);
	struct node *digest = node_child(n, "digest", NULL), *skey;
	const uint8_t bytes[3] = {0, 0, id};

	node_bytes(node_child(digest, "identity", NULL), c->identity.pub, CURVE_KEY_LEN);
	skey = node_child(digest, "skey", NULL);
	node_bytes(node_child(skey, "id", NULL), bytes, sizeof(bytes));
	return n;
}

static void
test_digest(void **state)
{
	struct credentials ours, other;
	struct node *n;

	(void)state;
	assert_int_equal(credentials_generate(&ours), 0);
	assert_int_equal(credentials_generate(&other), 0);
	n = digest_of(&ours, 1);
	assert_int_equal(link_prekeys_digest(&ours, n), LINK_DIGEST_SAME);
	assert_int_equal(link_prekeys_digest(&other, n), LINK_DIGEST_OTHER);
	node_free(&n);
	n = digest_of(&ours, 2);
	assert_int_equal(link_prekeys_digest(&ours, n), LINK_DIGEST_SKEY);
	/* Unless a rotation to it is under way. */
	assert_int_equal(credentials_make_next(&ours), 0);
	assert_int_equal(link_prekeys_digest(&ours, n), LINK_DIGEST_SAME);
	credentials_take_next(&ours);
	assert_int_equal(link_prekeys_digest(&ours, n), LINK_DIGEST_SAME);
	node_free(&n);
	n = node_new("iq", "type", "result", NULL);
	assert_int_equal(link_prekeys_digest(&ours, n), LINK_DIGEST_MISSING);
	node_free(&n);
	n = node_new("iq", "type", "error", NULL);
	(void)node_child(n, "error", "code", "503", NULL);
	assert_int_equal(link_prekeys_digest(&ours, n), LINK_DIGEST_UNKNOWN);
	node_free(&n);
	assert_int_equal(link_prekeys_digest(&ours, NULL), LINK_DIGEST_UNKNOWN);
	credentials_done(&ours);
	credentials_done(&other);
}

static void
test_said(void **state)
{
	struct link_said said = {0};
	char text[LINK_SAID_MAX];
	struct node *n = node_new("iq", "type", "get", "xmlns", "w:p", NULL);

	(void)state;
	link_said_text(&said, text);
	assert_string_equal(text, "");
	link_said_note(&said, n);
	(void)node_child(n, "ping", NULL);
	link_said_note(&said, n);
	link_said_text(&said, text);
	assert_string_equal(text, "iq get w:p; iq get w:p ping");
	node_free(&n);
	n = node_new("receipt", "type",
	    "a type that is much longer than what there is room for in a line", "id", "SECRET",
	    NULL);
	for (int i = 0; i < 2 * LINK_SAID_LAST; i++)
		link_said_note(&said, n);
	link_said_text(&said, text);
	assert_true(strlen(text) < sizeof(text));
	assert_int_equal(strncmp(text, "receipt a type", 14), 0);
	assert_null(strstr(text, "iq"));
	assert_null(strstr(text, "SECRET"));
	node_free(&n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_phases),
	    cmocka_unit_test(test_phase_ends),
	    cmocka_unit_test(test_queries),
	    cmocka_unit_test(test_query_ids_vector),
	    cmocka_unit_test(test_queries_end),
	    cmocka_unit_test(test_silence),
	    cmocka_unit_test(test_silence_of_our_own),
	    cmocka_unit_test(test_pace),
	    cmocka_unit_test(test_urls),
	    cmocka_unit_test(test_codes_in_turn),
	    cmocka_unit_test(test_pair_success),
	    cmocka_unit_test(test_prekey_batches),
	    cmocka_unit_test(test_digest),
	    cmocka_unit_test(test_said),
	};

	return VECTORS_RUN(tests);
}
