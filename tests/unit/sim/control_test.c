/* SPDX-License-Identifier: GPL-3.0-or-later */
/* control: each call over a real loopback socket, what it refuses, and answers that wait. */
#include "tests/sim/control_internal.h"
#include "tests/unit/sim/fake_server.h"

#include <event2/buffer.h>
#include <event2/http.h>

/* -- the rest of the server, as control sees it ------------------------------------------------ */

uint64_t
sim_seed(const struct sim *s)
{
	(void)s;
	return 42;
}

const char *
sim_url(const struct sim *s)
{
	(void)s;
	return "ws://127.0.0.1:1/ws/chat";
}

const uint8_t *
sim_noise_root(const struct sim *s)
{
	static const uint8_t root[32] = {0xab, 0x01};

	(void)s;
	return root;
}

json_t *
sim_stats(struct sim *s)
{
	(void)s;
	return json_pack("{s:i, s:i}", "connections", 3, "logins", 7);
}

int
sim_scan(struct sim *s, const char *qr, const char *phone, const char *push_name,
    const char *platform, const char *fault, struct jid *ret_jid, struct jid *ret_lid,
    const char **ret_error)
{
	struct account *a = account_find(s, phone, true);

	if (strcmp(qr, "unknown") == 0)
		return -1;
	if (strcmp(qr, "passkey") == 0)
		return 1;
	if (fault != NULL || push_name == NULL || platform != NULL) {
		*ret_error = "refused by the test";
		return -2;
	}
	*ret_jid = account_pn(a, 1);
	*ret_lid = account_lid(a, 1);
	return 0;
}

static struct sim_code kept; /* typed, and not told yet what came of it */

int
sim_code_type(struct sim *s, const struct sim_code *typed, const char **ret_error)
{
	struct account *a = account_find(s, typed->phone, true);
	const struct jid jid = account_pn(a, 1), lid = account_lid(a, 1);

	if (strcmp(typed->code, "NONE-NONE") == 0)
		return -1;
	if (typed->fault != NULL) {
		*ret_error = typed->fault;
		return -2;
	}
	if (strcmp(typed->code, "KEEP-KEEP") == 0)
		kept = *typed;
	else if (strcmp(typed->code, "BAD1-BAD1") == 0)
		typed->done(typed->arg, "the code is wrong", NULL, NULL);
	else
		typed->done(typed->arg, NULL, &jid, &lid);
	return 0;
}

int
fault_arm(struct sim *s, const json_t *fault, unsigned *ret_id, const char **ret_error)
{
	if (json_object_get(fault, "action") == NULL) {
		*ret_error = "action is missing";
		return -1;
	}
	*ret_id = ++s->faults;
	return 0;
}

json_t *
fault_list(struct sim *s)
{
	json_t *list = json_array();

	for (unsigned i = 1; i <= s->faults; i++)
		json_array_append_new(list, json_integer(i));
	return list;
}

bool
fault_forget(struct sim *s, unsigned id)
{
	bool found = id != 0 && id == s->faults;

	if (id == 0)
		s->faults = 0;
	else if (found)
		s->faults--;
	return found;
}

/* -- a client ------------------------------------------------------------------------------------
 */

static struct control *control;
static uint16_t port;

struct answer {
	struct event_base *base;
	int status; /* 0: not yet */
	json_t *body;
};

static void
on_answer(struct evhttp_request *request, void *arg)
{
	struct answer *a = arg;
	struct evbuffer *b;

	assert_non_null(request);
	b = evhttp_request_get_input_buffer(request);
	a->status = evhttp_request_get_response_code(request);
	a->body = json_loadb((const char *)evbuffer_pullup(b, -1), evbuffer_get_length(b), 0, NULL);
	assert_non_null(a->body);
	event_base_loopbreak(a->base);
}

static struct evhttp_connection *
request(struct sim *s, enum evhttp_cmd_type method, const char *path, const char *body,
    struct answer *a)
{
	struct evhttp_connection *c = evhttp_connection_base_new(s->base, NULL, "127.0.0.1", port);
	struct evhttp_request *r = evhttp_request_new(on_answer, a);

	*a = (struct answer){.base = s->base};
	if (body != NULL)
		evbuffer_add(evhttp_request_get_output_buffer(r), body, strlen(body));
	evhttp_add_header(evhttp_request_get_output_headers(r), "Host", "127.0.0.1");
	evhttp_add_header(evhttp_request_get_output_headers(r), "Connection", "close");
	assert_int_equal(evhttp_make_request(c, r, method, path), 0);
	return c;
}

static void
until_answered(struct sim *s, struct answer *a)
{
	while (a->status == 0)
		assert_int_equal(event_base_dispatch(s->base), 0);
}

/* The answer must have this status; the caller frees it. */
static json_t *
call(struct sim *s, enum evhttp_cmd_type method, const char *path, const char *body, int status)
{
	struct answer a;
	struct evhttp_connection *c = request(s, method, path, body, &a);

	until_answered(s, &a);
	evhttp_connection_free(c);
	if (a.status != status)
		print_message("%s: %d\n", path, a.status);
	assert_int_equal(a.status, status);
	return a.body;
}

#define GET(s, path) call(s, EVHTTP_REQ_GET, path, NULL, 200)
#define POST(s, path, body) call(s, EVHTTP_REQ_POST, path, body, 200)

static int
setup(void **state)
{
	struct sim *s;

	fake_setup(state);
	s = *state;
	assert_int_equal(control_new(s, "127.0.0.1", 0, &control, &port), 0);
	assert_int_not_equal(port, 0);
	return 0;
}

static int
teardown(void **state)
{
	control_free(&control);
	assert_null(control);
	return fake_teardown(state);
}

static const char *
text_at(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	assert_non_null(text);
	return text;
}

/* -- tests
 * ------------------------------------------------------------------------------------------ */

static void
test_state(void **state)
{
	json_t *j = GET(*state, "/");

	assert_int_equal(strlen(text_at(j, "noiseRoot")), 64);
	assert_memory_equal(text_at(j, "noiseRoot"), "ab0100", 6);
	assert_string_equal(text_at(j, "url"), "ws://127.0.0.1:1/ws/chat");
	assert_int_equal(json_integer_value(json_object_get(j, "seed")), 42);
	assert_int_equal(json_integer_value(json_object_get(j, "connections")), 3);
	assert_int_equal(
	    json_integer_value(json_object_get(json_object_get(j, "stats"), "logins")), 7);
	json_decref(j);
}

static void
test_refusals(void **state)
{
	static const struct {
		enum evhttp_cmd_type method;
		const char *path, *body;
		int status;
		const char *error;
	} cases[] = {
	    {EVHTTP_REQ_GET, "/nothing", NULL, 404, "no such path"},
	    {EVHTTP_REQ_GET, "/phones/", NULL, 404, "no such path"},
	    {EVHTTP_REQ_GET, "/scan", NULL, 405, "not with this method"},
	    {EVHTTP_REQ_POST, "/scan", "{", 400, "the body is no JSON"},
	    {EVHTTP_REQ_POST, "/scan", "[]", 400, "the body is no JSON object"},
	    {EVHTTP_REQ_POST, "/scan", "{\"qr\":\"x\",\"qr\":\"y\"}", 400, "the body is no JSON"},
	    {EVHTTP_REQ_POST, "/scan", "{\"phone\":\"6281\"}", 400, "qr is missing"},
	    {EVHTTP_REQ_POST, "/scan", "{\"qr\":1,\"phone\":\"6281\"}", 400, "qr is no string"},
	    {EVHTTP_REQ_POST, "/scan", "{\"qr\":\"x\",\"phone\":\"abc\"}", 400,
		"phone is no telephone number"},
	    {EVHTTP_REQ_POST, "/scan", "{\"qr\":\"x\",\"phone\":\"628111111\",\"fault\":\"x\"}",
		400, "fault cannot be that"},
	    {EVHTTP_REQ_POST, "/scan", "{\"qr\":\"unknown\",\"phone\":\"628111111\"}", 404,
		"no connection shows this QR"},
	    {EVHTTP_REQ_POST, "/scan", "{\"qr\":\"x\",\"phone\":\"628111111\",\"fault\":\"hmac\"}",
		409, "refused by the test"},
	    {EVHTTP_REQ_GET, "/code", NULL, 405, "not with this method"},
	    {EVHTTP_REQ_POST, "/passkey", "{\"phone\":\"628111111\"}", 400,
		"options is no request"},
	    {EVHTTP_REQ_POST, "/passkey", "{\"phone\":\"628111111\",\"options\":[]}", 400,
		"options is no request"},
	    {EVHTTP_REQ_POST, "/code", "{\"phone\":\"628111111\"}", 400, "code is missing"},
	    {EVHTTP_REQ_POST, "/code", "{\"code\":\"AAAA-AAAA\"}", 400, "phone is missing"},
	    {EVHTTP_REQ_POST, "/code",
		"{\"code\":\"AAAA-AAAA\",\"phone\":\"628111111\",\"fault\":\"x\"}", 400,
		"fault cannot be that"},
	    {EVHTTP_REQ_POST, "/code", "{\"code\":\"NONE-NONE\",\"phone\":\"628111111\"}", 404,
		"no connection has a code for this phone"},
	    {EVHTTP_REQ_POST, "/code",
		"{\"code\":\"AAAA-AAAA\",\"phone\":\"628111111\",\"fault\":\"hmac\"}", 409, "hmac"},
	    {EVHTTP_REQ_POST, "/code", "{\"code\":\"BAD1-BAD1\",\"phone\":\"628111111\"}", 409,
		"the code is wrong"},
	    {EVHTTP_REQ_POST, "/phones", "{}", 400, "phone is missing"},
	    {EVHTTP_REQ_POST, "/phones", "{\"phone\":\"628111111\",\"x\":1}", 400,
		"unknown field x"},
	    {EVHTTP_REQ_POST, "/phones", "{\"phone\":\"628111111\",\"retries\":-1}", 400,
		"retries is no number from 0 to 1000000"},
	    {EVHTTP_REQ_POST, "/phones", "{\"phone\":\"628111111\",\"retries\":\"3\"}", 400,
		"retries is no number from 0 to 1000000"},
	    {EVHTTP_REQ_POST, "/phones", "{\"phone\":\"628111111\",\"registered\":1}", 400,
		"registered is neither true nor false"},
	    {EVHTTP_REQ_POST, "/phones", "{\"phone\":\"628111111\",\"quota\":-1}", 400,
		"quota is no number from 0 to 2147483647"},
	    {EVHTTP_REQ_POST, "/phones", "{\"phone\":\"628111111\",\"mex\":\"late\"}", 400,
		"mex cannot be that"},
	    {EVHTTP_REQ_POST, "/phones", "{\"phone\":\"628111111\",\"lid\":\"1@x\"}", 400,
		"lid is not digits"},
	    {EVHTTP_REQ_POST, "/phones/628111111/group",
		"{\"to\":\"628222222\",\"group\":\"62811@s.whatsapp.net\",\"text\":\"x\"}", 400,
		"group is no group's address"},
	    {EVHTTP_REQ_POST, "/phones/628111111/group",
		"{\"to\":\"628222222\",\"group\":\"1203@g.us\",\"text\":\"x\"}", 409,
		"no companion could be written to"},
	    {EVHTTP_REQ_POST, "/phones/628111111/bare",
		"{\"to\":\"628222222\",\"what\":\"novel\",\"id\":\"A\"}", 409,
		"there is no such thing"},
	    {EVHTTP_REQ_GET, "/phones/628999999", NULL, 404, "no account has this number"},
	    {EVHTTP_REQ_GET, "/phones/12", NULL, 400,
		"the phone in the path is no telephone number"},
	    {EVHTTP_REQ_POST, "/phones/628111111/send", "{\"to\":\"628222222\"}", 400,
		"text is missing"},
	    {EVHTTP_REQ_POST, "/phones/628111111/send",
		"{\"to\":\"628222222\",\"text\":\"x\",\"id\":\"a b\"}", 400,
		"id has characters that no id has"},
	    {EVHTTP_REQ_POST, "/phones/628999999/unlink", "{}", 404, "no account has this number"},
	    {EVHTTP_REQ_GET, "/messages?wait=61", NULL, 400, "wait is no number from 0 to 60"},
	    {EVHTTP_REQ_GET, "/messages?wait=", NULL, 400, "wait is no number from 0 to 60"},
	    {EVHTTP_REQ_GET, "/messages?too=1", NULL, 400, "unknown field too"},
	    {EVHTTP_REQ_GET, "/messages?to=1&to=2", NULL, 400,
		"the query cannot be read, or names a field twice"},
	    {EVHTTP_REQ_GET, "/receipts?own=all", NULL, 400, "unknown field own"},
	    {EVHTTP_REQ_POST, "/faults", "{}", 400, "action is missing"},
	    {EVHTTP_REQ_DELETE, "/faults/9", NULL, 404, "no such fault"},
	    {EVHTTP_REQ_DELETE, "/faults/0", NULL, 404, "no such fault"},
	    {EVHTTP_REQ_DELETE, "/faults/x", NULL, 404, "no such fault"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		json_t *j =
		    call(*state, cases[i].method, cases[i].path, cases[i].body, cases[i].status);

		if (strncmp(text_at(j, "error"), cases[i].error, strlen(cases[i].error)) != 0)
			print_message("%s: %s\n", cases[i].path, text_at(j, "error"));
		assert_memory_equal(text_at(j, "error"), cases[i].error, strlen(cases[i].error));
		json_decref(j);
	}
}

static void
test_scan(void **state)
{
	json_t *j = POST(
	    *state, "/scan", "{\"qr\":\"x\",\"phone\":\"0811-1111-11\",\"pushName\":\"Toko\"}");

	assert_string_equal(text_at(j, "jid"), "62811111111:1@s.whatsapp.net");
	assert_string_equal(text_at(j, "lid"), "162811111111:1@lid");
	assert_int_equal(json_integer_value(json_object_get(j, "device")), 1);
	json_decref(j);
}

/* The owner's browser signs what the page asks for; what it signs is right, but for its fault. */
static void
test_passkey(void **state)
{
	static const char *const faults[] = {
	    "type", "challenge", "origin", "site", "unverified", "credential", "signature"};
	json_t *j = POST(*state, "/scan", "{\"qr\":\"passkey\",\"phone\":\"628111111\"}"), *good;
	char body[256];

	assert_true(json_is_true(json_object_get(j, "passkey")));
	json_decref(j);
	j = POST(*state, "/phones", "{\"phone\":\"628111111\",\"passkey\":\"demanded\"}");
	assert_true(json_is_true(json_object_get(j, "passkey")));
	assert_string_equal(text_at(j, "passkeyCode"), "ABCD-EFGH");
	json_decref(j);
	good = POST(*state, "/passkey",
	    "{\"phone\":\"628111111\",\"options\":{\"challenge\":\"AAECAw\",\"rpId\":\"whatsapp."
	    "com\"}}");
	assert_string_equal(text_at(good, "type"), "public-key");
	assert_string_equal(text_at(good, "id"), text_at(good, "rawId"));
	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		(void)snprintf(body, sizeof(body),
		    "{\"phone\":\"628111111\",\"fault\":\"%s\",\"options\":{\"challenge\":"
		    "\"AAECAw\","
		    "\"rpId\":\"whatsapp.com\"}}",
		    faults[i]);
		j = POST(*state, "/passkey", body);
		assert_false(json_equal(j, good));
		json_decref(j);
	}
	json_decref(good);
}

static void
test_code(void **state)
{
	json_t *j = POST(*state, "/code", "{\"code\":\"AAAA-AAAA\",\"phone\":\"0811-1111-11\"}");

	assert_string_equal(text_at(j, "jid"), "62811111111:1@s.whatsapp.net");
	assert_string_equal(text_at(j, "lid"), "162811111111:1@lid");
	assert_int_equal(json_integer_value(json_object_get(j, "device")), 1);
	json_decref(j);
}

static void
test_standing(void **state)
{
	struct sim *s = *state;
	struct account *a;

	json_decref(POST(s, "/phones",
	    "{\"phone\":\"628111111\",\"timelock\":90,\"timelockType\":\"BIZ_QUALITY\",\"quota\":"
	    "20,"
	    "\"quotaUsed\":5,\"quotaEnds\":600,\"mex\":\"broken\",\"tell\":false}"));
	a = account_find(s, "628111111", false);
	assert_non_null(a);
	assert_int_equal(a->lock_seconds, 90);
	assert_string_equal(a->lock_type, "BIZ_QUALITY");
	assert_int_equal(a->quota, 20);
	assert_int_equal(a->quota_used, 5);
	assert_int_equal(a->quota_seconds, 600);
	assert_int_equal(a->mex, SIM_MEX_BROKEN);
	assert_true(a->quiet);
	/* What is not named stays; null takes the quota away. */
	json_decref(POST(s, "/phones", "{\"phone\":\"628111111\",\"quota\":null,\"mex\":\"ok\"}"));
	assert_int_equal(a->lock_seconds, 90);
	assert_int_equal(a->quota, -1);
	assert_int_equal(a->mex, SIM_MEX_OK);
	assert_true(a->quiet);
}

static void
test_phones(void **state)
{
	struct sim *s = *state;
	json_t *j = POST(s, "/phones",
	    "{\"phone\":\"628111111\",\"lid\":\"77@lid\",\"pushName\":\"Toko\",\"registered\":"
	    "false,"
	    "\"receipts\":\"read\",\"retries\":3}");
	json_t *again = GET(s, "/phones/628111111"), *all;

	assert_true(json_equal(j, again));
	assert_string_equal(text_at(j, "lid"), "77@lid");
	assert_string_equal(text_at(j, "pushName"), "Toko");
	assert_string_equal(text_at(j, "receipts"), "read");
	assert_int_equal(json_integer_value(json_object_get(j, "retries")), 3);
	assert_true(json_is_false(json_object_get(j, "registered")));
	assert_int_equal(json_array_size(json_object_get(j, "devices")), 1);
	json_decref(POST(s, "/phones", "{\"phone\":\"628222222\"}"));
	all = GET(s, "/phones");
	assert_int_equal(json_array_size(json_object_get(all, "phones")), 2);
	json_decref(j);
	json_decref(again);
	json_decref(all);
	account_find(s, "628222222", false)->lid_refused = true;
	json_decref(
	    call(s, EVHTTP_REQ_POST, "/phones", "{\"phone\":\"628222222\",\"lid\":\"5\"}", 409));
}

static void
test_unlink(void **state)
{
	struct sim *s = *state;
	json_t *j;

	fake_link(account_find(s, "628111111", true));
	json_decref(call(s, EVHTTP_REQ_POST, "/phones/628111111/unlink", "{\"device\":2}", 404));
	j = POST(s, "/phones/628111111/unlink", "");
	assert_int_equal(json_integer_value(json_array_get(json_object_get(j, "unlinked"), 0)), 1);
	json_decref(j);
	json_decref(call(s, EVHTTP_REQ_POST, "/phones/628111111/unlink", "{}", 409));
}

static void
test_send_and_messages(void **state)
{
	struct sim *s = *state;
	json_t *sent = POST(
		   s, "/phones/628111111/send", "{\"to\":\"628222222\",\"text\":\"halo \\u00e9\"}"),
	       *j = GET(s, "/messages?to=628222222&count=1&wait=60");
	const json_t *m = json_array_get(json_object_get(j, "messages"), 0);

	assert_string_equal(text_at(m, "id"), text_at(sent, "id"));
	assert_string_equal(text_at(m, "text"), "halo \xc3\xa9");
	assert_string_equal(text_at(m, "from"), "628111111");
	assert_string_equal(text_at(m, "fromJid"), "1628111111@lid");
	assert_string_equal(text_at(m, "kind"), "text");
	json_decref(j);
	j = GET(s, "/messages?from=628222222");
	assert_int_equal(json_integer_value(json_object_get(j, "count")), 0);
	json_decref(j);
	j = GET(s, "/messages?limit=0");
	assert_int_equal(json_integer_value(json_object_get(j, "count")), 1);
	assert_int_equal(json_array_size(json_object_get(j, "messages")), 0);
	json_decref(j);
	j = GET(s, "/messages?after=1&own=all");
	assert_int_equal(json_integer_value(json_object_get(j, "count")), 0);
	json_decref(j);
	json_decref(sent);
	json_decref(POST(s, "/phones", "{\"phone\":\"628222222\",\"registered\":false}"));
	json_decref(call(s, EVHTTP_REQ_POST, "/phones/628111111/send",
	    "{\"to\":\"628222222\",\"text\":\"x\"}", 409));
}

/* Answered when the phone knows, and not before. */
static void
test_code_waits(void **state)
{
	struct sim *s = *state;
	struct answer a;
	struct evhttp_connection *c = request(
	    s, EVHTTP_REQ_POST, "/code", "{\"code\":\"KEEP-KEEP\",\"phone\":\"628111111\"}", &a);

	kept.done = NULL;
	while (kept.done == NULL)
		assert_int_equal(event_base_loop(s->base, EVLOOP_ONCE), 0);
	assert_int_equal(a.status, 0);
	kept.done(kept.arg, "the connection ended", NULL, NULL);
	until_answered(s, &a);
	assert_int_equal(a.status, 409);
	assert_string_equal(text_at(a.body, "error"), "the connection ended");
	json_decref(a.body);
	evhttp_connection_free(c);
}

/* The control interface ends first, the connection later. */
static void
test_code_at_the_end(void **state)
{
	struct sim *s = *state;
	struct answer a;
	struct evhttp_connection *c = request(
	    s, EVHTTP_REQ_POST, "/code", "{\"code\":\"KEEP-KEEP\",\"phone\":\"628111111\"}", &a);

	kept.done = NULL;
	while (kept.done == NULL)
		assert_int_equal(event_base_loop(s->base, EVLOOP_ONCE), 0);
	control_free(&control);
	kept.done(kept.arg, "the connection ended", NULL, NULL);
	evhttp_connection_free(c);
	assert_int_equal(control_new(s, "127.0.0.1", 0, &control, &port), 0);
}

static void
test_receipts_wait(void **state)
{
	struct sim *s = *state;
	struct answer a;
	struct evhttp_connection *c =
	    request(s, EVHTTP_REQ_GET, "/receipts?id=A&wait=60&count=2", NULL, &a);

	while (LIST_EMPTY(&control->pending))
		assert_int_equal(event_base_loop(s->base, EVLOOP_ONCE), 0);
	record_receipt(s->record, "1", "2", "A", NULL);
	assert_int_equal(event_base_loop(s->base, EVLOOP_NONBLOCK), 0);
	assert_int_equal(a.status, 0);
	record_receipt(s->record, "3", "2", "A", "read");
	until_answered(s, &a);
	assert_int_equal(a.status, 200);
	assert_int_equal(json_array_size(json_object_get(a.body, "receipts")), 2);
	json_decref(a.body);
	evhttp_connection_free(c);
}

/* The one who waits goes away: the answer goes nowhere, and nothing is left. */
static void
test_waiter_leaves(void **state)
{
	struct sim *s = *state;
	struct answer a;
	struct evhttp_connection *c = request(s, EVHTTP_REQ_GET, "/messages?wait=60", NULL, &a);

	while (LIST_EMPTY(&control->pending))
		assert_int_equal(event_base_loop(s->base, EVLOOP_ONCE), 0);
	evhttp_connection_free(c);
	json_decref(GET(s, "/")); /* meanwhile the server sees that it is gone */
	json_decref(POST(s, "/phones/628111111/send", "{\"to\":\"628222222\",\"text\":\"x\"}"));
	assert_int_equal(event_base_loop(s->base, EVLOOP_NONBLOCK), 0);
	assert_true(LIST_EMPTY(&control->pending));
	/* And one that still waits at the end. */
	c = request(s, EVHTTP_REQ_GET, "/messages?wait=60&count=9", NULL, &a);
	while (LIST_EMPTY(&control->pending))
		assert_int_equal(event_base_loop(s->base, EVLOOP_ONCE), 0);
	evhttp_connection_free(c);
}

static void
test_faults_and_violations(void **state)
{
	struct sim *s = *state;
	json_t *j = POST(s, "/faults", "{\"action\":\"close\"}");

	assert_int_equal(json_integer_value(json_object_get(j, "id")), 1);
	json_decref(j);
	json_decref(POST(s, "/faults", "{\"action\":\"reset\"}"));
	json_decref(call(s, EVHTTP_REQ_DELETE, "/faults/2", NULL, 200));
	j = GET(s, "/faults");
	assert_int_equal(json_array_size(json_object_get(j, "faults")), 1);
	json_decref(j);
	json_decref(call(s, EVHTTP_REQ_DELETE, "/faults", NULL, 200));
	record_violation(s->record, "628111111", 1, "rule", "x");
	j = GET(s, "/violations");
	assert_int_equal(json_array_size(json_object_get(j, "violations")), 1);
	json_decref(j);
	j = GET(s, "/violations?phone=628222222");
	assert_int_equal(json_array_size(json_object_get(j, "violations")), 0);
	json_decref(j);
}

static void
test_where_it_listens(void **state)
{
	static const char *const refused[] = {"0.0.0.0", "::", "example.org", "10.0.0.1"};
	struct sim *s = *state;
	struct control *c = NULL;
	uint16_t p;

	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(control_new(s, refused[i], 0, &c, &p), -1);
	assert_int_equal(control_new(s, "127.0.0.1", port, &c, &p), -1); /* taken */
	assert_null(c);
}

#define CONTROL_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    CONTROL_TEST(test_state),
	    CONTROL_TEST(test_refusals),
	    CONTROL_TEST(test_scan),
	    CONTROL_TEST(test_passkey),
	    CONTROL_TEST(test_code),
	    CONTROL_TEST(test_code_waits),
	    CONTROL_TEST(test_code_at_the_end),
	    CONTROL_TEST(test_phones),
	    CONTROL_TEST(test_standing),
	    CONTROL_TEST(test_unlink),
	    CONTROL_TEST(test_send_and_messages),
	    CONTROL_TEST(test_receipts_wait),
	    CONTROL_TEST(test_waiter_leaves),
	    CONTROL_TEST(test_faults_and_violations),
	    CONTROL_TEST(test_where_it_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
