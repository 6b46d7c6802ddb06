/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages through the simulator: routing, receipts, what waits, faults on the wire, and an
 * account's standing that forbids them. */
#include "tests/unit/sim/server_world.h"

#define ANA "6281100001"
#define BUDI "6281100002"

/* -- messages ------------------------------------------------------------------------- */

struct part {
	const struct jid *to;
	const char *type;
};

static void
put_enc(struct node *parent, const char *type)
{
	const uint8_t bytes[] = {0x33, 1, 2, 3};

	node_bytes(node_child(parent, "enc", "v", "2", "type", type, NULL), bytes, sizeof(bytes));
}

/* Sends it; the ack. */
static const struct node *
say(struct client *c, const char *id, const struct jid *to, const struct part *parts, size_t n,
    bool identity)
{
	struct node *m = node_new("message", "id", id, "type", "text", NULL);
	struct node *participants = node_child(m, "participants", NULL);

	node_set_jid(m, "to", to);
	for (size_t i = 0; i < n; i++) {
		struct node *one = node_child(participants, "to", NULL);

		node_set_jid(one, "jid", parts[i].to);
		put_enc(one, parts[i].type);
	}
	if (identity)
		node_bytes(node_child(m, "device-identity", NULL), c->adv.account.data,
		    c->adv.account.len);
	client_send(c, m);
	return client_got(c, "ack");
}

static void
acknowledge(struct client *c, const struct node *stanza)
{
	struct node *ack = node_new("ack", "class", node_tag(stanza), "id", node_get(stanza, "id"),
	    "type", node_get(stanza, "type"), NULL);
	struct jid from;

	assert_int_equal(node_get_jid(stanza, "from", &from), 0);
	node_set_jid(ack, "to", &from);
	client_send(c, ack);
}

struct trio {
	struct server_world w;
	struct client ana, ana2, budi;
	struct jid ana0, budi0;
};

static void
trio_begin(struct trio *t)
{
	world_begin(&t->w);
	client_link(&t->ana, &t->w, ANA);
	client_link(&t->ana2, &t->w, ANA);
	client_link(&t->budi, &t->w, BUDI);
	t->ana0 = account_lid(account_find(t->w.sim, ANA, false), 0);
	t->budi0 = account_lid(account_find(t->w.sim, BUDI, false), 0);
	client_read(&t->ana);
	acknowledge(&t->ana, client_got(&t->ana, "notification")); /* of the second device */
	client_forget(&t->ana);
}

static void
trio_end(struct trio *t)
{
	client_done(&t->ana);
	client_done(&t->ana2);
	client_done(&t->budi);
	world_end(&t->w);
}

static void
test_routing(void **state)
{
	struct trio t;
	const struct node *m, *ack;
	char pn[] = ANA "@s.whatsapp.net";
	char budi_pn[] = BUDI "@s.whatsapp.net";
	char text[JID_TEXT_MAX];

	(void)state;
	trio_begin(&t);
	ack = say(&t.ana, "A1", &t.budi0,
	    (const struct part[]){
		{&t.budi.lid, "pkmsg"}, {&t.ana2.lid, "msg"}, {&t.budi0, "msg"}, {&t.ana0, "msg"}},
	    4, true);
	assert_true(node_get_is(ack, "id", "A1"));
	assert_null(node_get(ack, "error"));
	assert_null(node_get(ack, "phash"));
	client_read(&t.budi);
	m = client_got(&t.budi, "message");
	assert_true(node_get_is(m, "from", jid_format(&t.ana.lid, text)));
	assert_true(node_get_is(m, "sender_pn", pn));
	assert_true(node_get_is(m, "notify", "Toko"));
	assert_null(node_get(m, "recipient"));
	assert_true(node_get_is(node_find(m, "enc"), "type", "pkmsg"));
	assert_non_null(node_find(m, "device-identity"));
	client_read(&t.ana2);
	m = client_got(&t.ana2, "message");
	assert_true(node_get_is(m, "recipient", jid_format(&t.budi0, text)));
	assert_true(node_get_is(m, "peer_recipient_pn", budi_pn));
	assert_null(node_get(m, "sender_pn"));
	assert_null(node_find(m, "device-identity"));
	assert_null(client_got(&t.ana, "message"));
	trio_end(&t);
}

/* Receipts come back in the address space in which the message was written. */
static void
test_receipts(void **state)
{
	struct trio t;
	struct jid to = jid_make(JID_SERVER_PN, BUDI, 0), budi1 = t.budi.jid;
	struct jid own = jid_make(JID_SERVER_PN, ANA, 0);
	struct node *receipt;
	const struct node *n;
	char text[JID_TEXT_MAX];

	(void)state;
	trio_begin(&t);
	budi1 = t.budi.jid;
	(void)say(&t.ana, "A2", &to,
	    (const struct part[]){
		{&to, "msg"}, {&budi1, "msg"}, {&own, "msg"}, {&t.ana2.jid, "msg"}},
	    4, false);
	client_read(&t.budi);
	receipt = node_new("receipt", "id", "A2", NULL);
	assert_int_equal(node_get_jid(client_got(&t.budi, "message"), "from", &to), 0);
	node_set_jid(receipt, "to", &to);
	client_forget(&t.ana);
	client_send(&t.budi, receipt);
	assert_int_equal(account_device(account_find(t.w.sim, BUDI, false), 1)->outbox_count, 0);
	client_read(&t.ana);
	for (unsigned i = 0; i < t.ana.got_count; i++) {
		n = t.ana.got[i];
		if (node_is(n, "receipt") && node_get_is(n, "from", jid_format(&t.budi.jid, text)))
			return trio_end(&t);
	}
	fail_msg("no receipt from the number");
}

/* Phones that decrypt nothing of it have something to say, too. */
static void
assert_first_violation(struct server_world *w, const char *rule)
{
	json_t *all = record_violations(sim_record(w->sim), ANA);
	const json_t *first = json_array_get(json_object_get(all, "violations"), 0);

	assert_string_equal(json_string_value(json_object_get(first, "rule")), rule);
	json_decref(all);
}

static void
test_rules(void **state)
{
	static const struct {
		const char *rule;
		const char *error;
		int parts[4]; /* 1 budi0, 2 budi1, 3 ana0, 4 ana2, 5 the sender, 6 budi's number, 7
				 a stranger */
		bool pkmsg, identity;
	} cases[] = {
	    {"mixed_addressing", "400", {1, 2, 3, 6}, false, false},
	    {"participants", "400", {1, 2, 3, 7}, false, false},
	    {"participants", "400", {1, 2, 2, 3}, false, false},
	    {"own_device", NULL, {1, 2, 3, 5}, false, false},
	    {"device_identity", NULL, {1, 2, 3, 4}, true, false},
	    {"device_identity", NULL, {1, 2, 3, 4}, false, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct trio t;
		struct jid budi_pn = jid_make(JID_SERVER_PN, BUDI, 0);
		struct jid stranger;
		struct part parts[4];
		const struct node *ack;

		trio_begin(&t);
		stranger = account_lid(account_find(t.w.sim, "6281100003", true), 0);
		for (size_t k = 0; k < 4; k++) {
			const struct jid *const who[] = {NULL, &t.budi0, &t.budi.lid, &t.ana0,
			    &t.ana2.lid, &t.ana.lid, &budi_pn, &stranger};

			parts[k] =
			    (struct part){who[cases[i].parts[k]], cases[i].pkmsg ? "pkmsg" : "msg"};
		}
		ack = say(&t.ana, "A3", &t.budi0, parts, 4, cases[i].identity);
		if (cases[i].error != NULL)
			assert_true(node_get_is(ack, "error", cases[i].error));
		else
			assert_null(node_get(ack, "error"));
		client_read(&t.budi);
		if (cases[i].error != NULL)
			assert_null(client_got(&t.budi, "message"));
		assert_first_violation(&t.w, cases[i].rule);
		trio_end(&t);
	}
}

/* A list that is out of date is told by the ack; one that was told of is a violation. */
static void
test_stale_devices(void **state)
{
	struct trio t;
	const struct node *ack;

	(void)state;
	trio_begin(&t);
	ack = say(&t.ana, "A4", &t.budi0,
	    (const struct part[]){{&t.budi0, "msg"}, {&t.ana0, "msg"}}, 2, false);
	assert_non_null(node_get(ack, "phash"));
	assert_null(node_get(ack, "error"));
	ack = say(&t.ana, "A5", &t.budi0,
	    (const struct part[]){
		{&t.budi0, "msg"}, {&t.budi.lid, "msg"}, {&t.ana0, "msg"}, {&t.ana2.lid, "msg"}},
	    4, false);
	assert_null(node_get(ack, "phash"));
	trio_end(&t);
}

/* -- what waits ----------------------------------------------------------------------- */

static void
test_offline(void **state)
{
	struct trio t;
	struct device *d;
	const struct node *n;
	int64_t count;

	(void)state;
	trio_begin(&t);
	d = account_device(account_find(t.w.sim, BUDI, false), 1);
	client_hang_up(&t.budi);
	for (int i = 0; i < 3; i++) {
		const char id[] = {'M', (char)('0' + i), 0};

		(void)say(
		    &t.ana, id, &t.budi0, (const struct part[]){{&t.budi.lid, "msg"}}, 1, false);
	}
	assert_int_equal(d->outbox_count, 3);
	/* Twice: what is not acknowledged comes again. */
	for (int round = 0; round < 2; round++) {
		int messages = 0;

		client_login(&t.budi);
		assert_null(client_got(&t.budi, "message"));
		client_active(&t.budi);
		n = node_find(t.budi.got[3], "offline_preview");
		assert_int_equal(node_get_int(n, "message", &count), 0);
		assert_int_equal(count, 3 - round);
		for (unsigned i = 0; i < t.budi.got_count; i++) {
			const char id[] = {'M', (char)('0' + messages + round), 0};

			n = t.budi.got[i];
			if (!node_is(n, "message"))
				continue;
			assert_true(node_get_is(n, "id", id));
			assert_int_equal(node_get_int(n, "offline", &count), 0);
			assert_int_equal(count, messages++);
		}
		assert_int_equal(messages, 3 - round);
		for (unsigned i = 0; i < t.budi.got_count; i++)
			if (node_is(t.budi.got[i], "message")) {
				acknowledge(&t.budi, t.budi.got[i]);
				break;
			}
		assert_int_equal(d->outbox_count, 2 - round);
		client_hang_up(&t.budi);
	}
	assert_violations(&t.w, "");
	trio_end(&t);
}

static void
test_acknowledged_once(void **state)
{
	struct trio t;
	struct node *never;
	const struct node *m;

	(void)state;
	trio_begin(&t);
	(void)say(&t.ana, "A6", &t.budi0, (const struct part[]){{&t.budi.lid, "msg"}}, 1, false);
	client_read(&t.budi);
	m = client_got(&t.budi, "message");
	acknowledge(&t.budi, m);
	assert_violations(&t.w, "");
	acknowledge(&t.budi, m);
	never = node_new("ack", "class", "notification", "id", "nothing", NULL);
	node_set_jid(never, "to", &t.ana0);
	client_send(&t.budi, never);
	assert_violations(&t.w, "ack_twice ack_twice");
	trio_end(&t);
}

static void
test_late_ack(void **state)
{
	struct trio t;
	struct outgoing *o;

	(void)state;
	trio_begin(&t);
	(void)say(&t.ana, "A7", &t.budi0, (const struct part[]){{&t.budi.lid, "msg"}}, 1, false);
	o = TAILQ_FIRST(&t.w.sim->watched);
	assert_non_null(o);
	outbox_tick(t.w.sim, o->sent_ms + ACK_LIMIT_MS);
	assert_violations(&t.w, "");
	outbox_tick(t.w.sim, o->sent_ms + ACK_LIMIT_MS + 1);
	outbox_tick(t.w.sim, o->sent_ms + 2 * ACK_LIMIT_MS);
	assert_violations(&t.w, "ack_late");
	trio_end(&t);
}

/* -- faults on the wire --------------------------------------------------------------- */

static void
arm(struct server_world *w, const char *text)
{
	json_t *json = json_loads(text, 0, NULL);
	const char *error;
	unsigned id;

	assert_int_equal(fault_arm(w->sim, json, &id, &error), 0);
	json_decref(json);
}

static void
test_login_faults(void **state)
{
	struct server_world w;
	struct client c;

	(void)state;
	world_begin(&w);
	client_link(&c, &w, ANA);
	arm(&w, "{\"action\":\"failure\",\"reason\":\"402\",\"code\":101,\"expire\":\"60\","
		"\"phone\":\"" ANA "\"}");
	arm(&w,
	    "{\"action\":\"stream_error\",\"code\":503,\"when\":\"login\",\"phone\":\"" BUDI "\"}");
	client_login(&c);
	assert_true(node_get_is(client_got(&c, "failure"), "reason", "402"));
	assert_true(node_get_is(client_got(&c, "failure"), "expire", "60"));
	assert_null(c.conn);
	client_login(&c);
	assert_non_null(client_got(&c, "success"));
	arm(&w, "{\"action\":\"reset\",\"phone\":\"" ANA "\"}");
	assert_true(c.conn->reset);
	client_done(&c);
	world_end(&w);
}

/* Cut anywhere, compressed, and still the same. */
static void
test_split(void **state)
{
	struct server_world w;
	struct client c;

	(void)state;
	world_begin(&w);
	client_link(&c, &w, ANA);
	client_hang_up(&c);
	arm(&w, "{\"action\":\"split\",\"when\":\"connect\",\"times\":2}");
	client_login(&c);
	assert_non_null(client_got(&c, "success"));
	client_active(&c);
	assert_non_null(usync(&c, "devices", NULL, ANA "@s.whatsapp.net", NULL));
	client_done(&c);
	world_end(&w);
}

static void
test_message_faults(void **state)
{
	struct trio t;
	const struct part parts[] = {{&t.budi.lid, "msg"}};

	(void)state;
	trio_begin(&t);
	arm(&t.w, "{\"action\":\"ack_error\",\"error\":463,\"phone\":\"" ANA "\"}");
	assert_true(node_get_is(say(&t.ana, "F1", &t.budi0, parts, 1, false), "error", "463"));
	client_forget(&t.ana);
	arm(&t.w, "{\"action\":\"drop_ack\",\"phone\":\"" ANA "\"}");
	assert_null(say(&t.ana, "F2", &t.budi0, parts, 1, false));
	arm(&t.w, "{\"action\":\"lose_message\"}");
	assert_null(say(&t.ana, "F3", &t.budi0, parts, 1, false));
	client_read(&t.budi);
	assert_true(node_get_is(client_got(&t.budi, "message"), "id", "F2"));
	assert_non_null(say(&t.ana, "F3", &t.budi0, parts, 1, false));
	client_read(&t.budi);
	assert_true(node_get_is(client_got(&t.budi, "message"), "id", "F3"));
	trio_end(&t);
}

/* -- standing ------------------------------------------------------------------------- */

static const char lock_query[] = "23983697327930364";
static const char quota_query[] = "24503548349331633";

/* The data of an answer, or of the newest notification (id NULL); a new reference. */
static json_t *
mex(struct client *c, const char *id)
{
	struct node *iq = node_new("iq", "type", "get", "xmlns", "w:mex", NULL);
	const struct node *n;
	const uint8_t *data;
	json_t *root, *object;
	size_t len = 0;

	node_text(node_child(iq, "query", "query_id", id, NULL), "{\"variables\":{}}");
	if (id == NULL) {
		node_free(&iq);
		client_read(c);
		n = node_find(client_got(c, "notification"), "update");
	} else {
		n = node_find(client_ask(c, iq), "result");
	}
	data = node_data(n, &len);
	root = data != NULL ? json_loadb((const char *)data, len, 0, NULL) : NULL;
	object = json_object_iter_value(json_object_iter(json_object_get(root, "data")));
	json_incref(object);
	json_decref(root);
	return object;
}

static void
assert_lock(struct client *c, const char *id, bool active)
{
	json_t *o = mex(c, id);

	assert_int_equal(json_is_true(json_object_get(o, "is_active")), active);
	json_decref(o);
}

static void
assert_quota(struct client *c, const char *id, int64_t total, int64_t used, const char *status)
{
	json_t *o = mex(c, id);

	assert_int_equal(json_integer_value(json_object_get(o, "total_quota")), total);
	assert_int_equal(json_integer_value(json_object_get(o, "used_quota")), used);
	assert_string_equal(json_string_value(json_object_get(o, "capping_status")), status);
	json_decref(o);
}

static void
test_timelock(void **state)
{
	struct trio t;
	const struct part parts[] = {{&t.budi.lid, "msg"}};
	struct account *ana;

	(void)state;
	trio_begin(&t);
	ana = account_find(t.w.sim, ANA, false);
	assert_lock(&t.ana, lock_query, false);
	account_set_timelock(ana, 60, NULL);
	assert_lock(&t.ana, NULL, true);
	assert_lock(&t.ana, lock_query, true);
	client_forget(&t.ana);
	assert_true(node_get_is(say(&t.ana, "L1", &t.budi0, parts, 1, false), "error", "463"));
	/* Whoever wrote may be answered. */
	standing_chat(account_find(t.w.sim, BUDI, false), ana, false);
	client_forget(&t.ana);
	assert_null(node_get(say(&t.ana, "L2", &t.budi0, parts, 1, false), "error"));
	account_set_quiet(ana, true);
	client_forget(&t.ana);
	account_set_timelock(ana, 0, NULL);
	client_read(&t.ana);
	assert_null(client_got(&t.ana, "notification"));
	assert_lock(&t.ana, lock_query, false);
	trio_end(&t);
}

static void
test_quota(void **state)
{
	struct trio t;
	const struct part parts[] = {{&t.budi.lid, "msg"}};
	struct account *ana;

	(void)state;
	trio_begin(&t);
	ana = account_find(t.w.sim, ANA, false);
	assert_quota(&t.ana, quota_query, -1, 0, "NONE");
	account_set_quota(ana, 2, 1, 600);
	client_forget(&t.ana);
	assert_null(node_get(say(&t.ana, "Q1", &t.budi0, parts, 1, false), "error"));
	assert_quota(&t.ana, NULL, 2, 2, "CAPPED");
	assert_quota(&t.ana, quota_query, 2, 2, "CAPPED");
	/* A chat that there is goes on, another cannot be begun. */
	assert_int_equal(standing_refuses(ana, account_find(t.w.sim, BUDI, false)), 0);
	assert_int_equal(standing_refuses(ana, account_find(t.w.sim, "6281100009", true)), 475);
	trio_end(&t);
}

static void
test_mex_answers(void **state)
{
	struct server_world w;
	struct client c;
	struct account *a;
	struct node *iq;

	(void)state;
	world_begin(&w);
	client_link(&c, &w, ANA);
	a = account_find(w.sim, ANA, false);
	for (int mode = SIM_MEX_ERRORS; mode <= SIM_MEX_SILENT; mode++) {
		account_set_mex(a, (enum sim_mex)mode);
		assert_null(mex(&c, lock_query));
	}
	account_set_mex(a, SIM_MEX_OK);
	assert_null(mex(&c, "1"));
	arm(&w,
	    "{\"action\":\"query_error\",\"xmlns\":\"w:mex\",\"error\":429,\"phone\":\"" ANA "\"}");
	assert_non_null(usync(&c, "devices", NULL, ANA "@s.whatsapp.net", NULL));
	assert_null(mex(&c, lock_query));
	assert_lock(&c, lock_query, false);
	assert_violations(&w, "");
	iq = node_new("iq", "type", "get", "xmlns", "w:mex", NULL);
	node_text(node_child(iq, "query", "query_id", lock_query, NULL), "{}");
	(void)client_ask(&c, iq);
	assert_violations(&w, "mex");
	client_done(&c);
	world_end(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_routing),
	    cmocka_unit_test(test_receipts),
	    cmocka_unit_test(test_rules),
	    cmocka_unit_test(test_stale_devices),
	    cmocka_unit_test(test_offline),
	    cmocka_unit_test(test_acknowledged_once),
	    cmocka_unit_test(test_late_ack),
	    cmocka_unit_test(test_login_faults),
	    cmocka_unit_test(test_split),
	    cmocka_unit_test(test_message_faults),
	    cmocka_unit_test(test_timelock),
	    cmocka_unit_test(test_quota),
	    cmocka_unit_test(test_mex_answers),
	};

	return cmocka_run_group_tests_name("server messages", tests, NULL, NULL);
}
