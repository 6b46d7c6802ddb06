/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Who may do what: every operation as each role, without a token, and as a local administrator;
 * logins and their throttling; users; the life of tokens; what a hostile gateway may send.
 */
#include "tests/unit/waconnd/api_world.h"

static Ipc__Empty empty = IPC__EMPTY__INIT;

/* -- the table of roles -- */

static char other[] = "o3", absent[] = "absent", text[] = "x", number[] = "628123456789",
	    bad[] = "no";
static Ipc__Id id_other = IPC__ID__INIT, id_absent = IPC__ID__INIT;
static Ipc__List list = IPC__LIST__INIT, list_other = IPC__LIST__INIT,
		 list_absent = IPC__LIST__INIT;
static Ipc__Login login = IPC__LOGIN__INIT;
static Ipc__Health health = IPC__HEALTH__INIT;
static Ipc__StatusList status_list = IPC__STATUS_LIST__INIT;
static Ipc__OutletFields outlet_new = IPC__OUTLET_FIELDS__INIT,
			 outlet_bad = IPC__OUTLET_FIELDS__INIT;
static Ipc__Connect connect_other = IPC__CONNECT__INIT;
static Ipc__Passkey passkey_other = IPC__PASSKEY__INIT;
static Ipc__MessageSend message = IPC__MESSAGE_SEND__INIT;
static Ipc__NumberCheck numbers_other = IPC__NUMBER_CHECK__INIT;
static Ipc__Blast blast = IPC__BLAST__INIT;
static Ipc__BlastMove blast_move = IPC__BLAST_MOVE__INIT;
static Ipc__Subscribe subscribe = IPC__SUBSCRIBE__INIT;
static Ipc__UserAdd user = IPC__USER_ADD__INIT;
static Ipc__UserEdit user_edit = IPC__USER_EDIT__INIT;
static Ipc__PasswordChange password_change = IPC__PASSWORD_CHANGE__INIT;
static Ipc__AuditList audit_list = IPC__AUDIT_LIST__INIT;
static Ipc__May may_add_users = IPC__MAY__INIT;
static Ipc__Summary summary = IPC__SUMMARY__INIT;
static Ipc__OptOuts opt_outs = IPC__OPT_OUTS__INIT;
static Ipc__Contacts contacts_other = IPC__CONTACTS__INIT;
static Ipc__TemplateFields template_new = IPC__TEMPLATE_FIELDS__INIT,
			   template_absent = IPC__TEMPLATE_FIELDS__INIT;
static Ipc__WebhookFields webhook_new = IPC__WEBHOOK_FIELDS__INIT,
			  webhook_absent = IPC__WEBHOOK_FIELDS__INIT;
static Ipc__WebhookRotate webhook_rotate = IPC__WEBHOOK_ROTATE__INIT;
static Ipc__Settings settings = IPC__SETTINGS__INIT;
static Ipc__TokenAdd token = IPC__TOKEN_ADD__INIT;
static Ipc__MediaBegin media_begin = IPC__MEDIA_BEGIN__INIT;
static Ipc__MediaChunk media_chunk = IPC__MEDIA_CHUNK__INIT;
static Ipc__MediaRead media_read = IPC__MEDIA_READ__INIT;

static void
fill(void)
{
	static char *outlets[] = {other};

	id_other.id = list_other.id = outlet_bad.id = connect_other.id = message.outlet_id = other;
	passkey_other.outlet_id = other;
	numbers_other.outlet_id = other;
	id_absent.id = list_absent.id = blast_move.id = absent;
	blast_move.from = other;
	outlet_bad.whatsapp_number = bad;
	message.to = number;
	message.text = text;
	blast.outlets = outlets;
	blast.n_outlets = 1;
	user_edit.id = template_absent.id = webhook_absent.id = webhook_rotate.id = absent;
	contacts_other.outlet_id = other;
	may_add_users.has_op = 1;
	may_add_users.op = IPC__REQUEST__OP_USER_ADD;
	media_chunk.id = media_read.id = absent;
	media_read.has_length = 1;
	media_read.length = 1;
	token.name = text;
	token.user = absent;
}

#define HIDDEN "404 not_found"
#define NO "403 forbidden"
#define INVALID "422 validation_failed"
#define OP(name) IPC__REQUEST__OP_##name
#define SAME(outcome) outcome, outcome, outcome

/* clang-format off */
static const struct role_row {
	Ipc__Request__OpCase op;
	void *message;
	const char *none, *user, *admin, *super; /* o3 is not the USER's */
} rows[] = {
	{OP(LOGIN), &login, INVALID, SAME(INVALID)},
	{OP(HEALTH), &health, "200", SAME("200")},
	{OP(METRICS), &empty, HIDDEN, SAME(HIDDEN)}, /* none are kept here */
	{OP(LOGOUT), &empty, "401 unauthenticated", SAME("200")},
	{OP(ME), &empty, "401 unauthenticated", SAME("200")},
	{OP(MAY), &may_add_users, "401 unauthenticated", NO, NO, "200"},
	{OP(STATUS_LIST), &status_list, "401 unauthenticated", SAME("200")},
	{OP(STATUS_GET), &id_other, "401 unauthenticated", HIDDEN, "200", "200"},
	{OP(OUTLET_LIST), &list, "401 unauthenticated", SAME("200")},
	{OP(OUTLET_ADD), &outlet_new, "401 unauthenticated", NO, INVALID, INVALID},
	{OP(OUTLET_GET), &id_other, "401 unauthenticated", HIDDEN, "200", "200"},
	{OP(OUTLET_EDIT), &outlet_bad, "401 unauthenticated", NO, INVALID, INVALID},
	{OP(OUTLET_REMOVE), &id_absent, "401 unauthenticated", NO, HIDDEN, HIDDEN},
	{OP(OUTLET_CONNECT), &connect_other, "401 unauthenticated", HIDDEN, "202", "202"},
	{OP(OUTLET_QR), &id_other, "401 unauthenticated", HIDDEN, "404 no_qr", "404 no_qr"},
	{OP(OUTLET_PAIRING_CODE), &id_other, "401 unauthenticated", HIDDEN, "404 no_code", "404 no_code"},
	{OP(OUTLET_PASSKEY), &id_other, "401 unauthenticated", HIDDEN, "404 no_passkey", "404 no_passkey"},
	{OP(OUTLET_PASSKEY_ANSWER), &passkey_other, "401 unauthenticated", HIDDEN, "404 no_passkey", "404 no_passkey"},
	{OP(OUTLET_PASSKEY_CONFIRM), &id_other, "401 unauthenticated", HIDDEN, "404 no_passkey", "404 no_passkey"},
	{OP(OUTLET_DISCONNECT), &id_other, "401 unauthenticated", HIDDEN, "202", "202"},
	{OP(OUTLET_PAUSE), &id_other, "401 unauthenticated", HIDDEN, "202", "409 outlet_paused"},
	{OP(OUTLET_RESUME), &id_other, "401 unauthenticated", HIDDEN, "202", "409 not_paused"},
	{OP(OUTLET_LOGOUT), &id_other, "401 unauthenticated", HIDDEN, "409 outlet_not_linked",
	"409 outlet_not_linked"},
	{OP(OUTLET_ACCOUNT), &id_other, "401 unauthenticated", HIDDEN, "200", "200"},
	{OP(NUMBER_CHECK), &numbers_other, "401 unauthenticated", HIDDEN, INVALID, INVALID},
	{OP(MESSAGE_SEND), &message, "401 unauthenticated", HIDDEN, "409 outlet_not_healthy",
	"409 outlet_not_healthy"},
	{OP(MESSAGE_LIST), &list_other, "401 unauthenticated", HIDDEN, "200", "200"},
	{OP(MESSAGE_GET), &id_absent, "401 unauthenticated", SAME(HIDDEN)},
	{OP(BLAST_PREVIEW), &blast, "401 unauthenticated", SAME(INVALID)},
	{OP(BLAST_CREATE), &blast, "401 unauthenticated", SAME(INVALID)},
	{OP(OUTLET_RESTORE_KEYS), &id_absent, "401 unauthenticated", NO, HIDDEN, HIDDEN},
	{OP(BLAST_LIST), &list, "401 unauthenticated", SAME("200")},
	{OP(BLAST_GET), &id_absent, "401 unauthenticated", SAME(HIDDEN)},
	{OP(BLAST_RECIPIENTS), &list_absent, "401 unauthenticated", SAME(HIDDEN)},
	{OP(BLAST_PAUSE), &id_absent, "401 unauthenticated", SAME(HIDDEN)},
	{OP(BLAST_RESUME), &id_absent, "401 unauthenticated", SAME(HIDDEN)},
	{OP(BLAST_CANCEL), &id_absent, "401 unauthenticated", SAME(HIDDEN)},
	{OP(BLAST_RETRY), &id_absent, "401 unauthenticated", SAME(HIDDEN)},
	{OP(BLAST_OUTLETS), &list_absent, "401 unauthenticated", SAME(HIDDEN)},
	{OP(BLAST_MOVE), &blast_move, "401 unauthenticated", NO, INVALID, INVALID},
	{OP(BLAST_REPLIES), &list_absent, "401 unauthenticated", SAME(HIDDEN)},
	{OP(SUBSCRIBE), &subscribe, "401 unauthenticated", SAME("200")},
	{OP(USER_ADD), &user, "401 unauthenticated", NO, NO, INVALID},
	{OP(USER_LIST), &list, "401 unauthenticated", NO, NO, "200"},
	{OP(TOKEN_ADD), &token, "401 unauthenticated", NO, NO, INVALID},
	{OP(TOKEN_LIST), &list, "401 unauthenticated", SAME("200")},
	{OP(TOKEN_REVOKE), &id_absent, "401 unauthenticated", SAME(HIDDEN)},
	{OP(PASSWORD_CHANGE), &password_change, "401 unauthenticated", SAME(INVALID)},
	{OP(USER_GET), &id_absent, "401 unauthenticated", NO, NO, HIDDEN},
	{OP(USER_EDIT), &user_edit, "401 unauthenticated", NO, NO, HIDDEN},
	{OP(USER_REMOVE), &id_absent, "401 unauthenticated", NO, NO, HIDDEN},
	{OP(MEDIA_BEGIN), &media_begin, "401 unauthenticated", SAME("200")},
	{OP(MEDIA_CHUNK), &media_chunk, "401 unauthenticated", SAME("409 upload_lost")},
	{OP(MEDIA_END), &id_absent, "401 unauthenticated", SAME("409 upload_lost")},
	{OP(MEDIA_ABORT), &id_absent, "401 unauthenticated", SAME("409 upload_lost")},
	{OP(MEDIA_GET), &id_absent, "401 unauthenticated", SAME(HIDDEN)},
	{OP(MEDIA_REMOVE), &id_absent, "401 unauthenticated", SAME(HIDDEN)},
	{OP(MESSAGE_MEDIA), &id_absent, "401 unauthenticated", SAME(HIDDEN)},
	{OP(MEDIA_READ), &media_read, "401 unauthenticated", SAME(HIDDEN)},
	{OP(OUTLET_EVENTS), &list_other, "401 unauthenticated", HIDDEN, "200", "200"},
	{OP(SUMMARY), &summary, "401 unauthenticated", SAME("200")},
	{OP(OPT_OUT_LIST), &list, "401 unauthenticated", SAME("200")},
	{OP(OPT_OUT_ADD), &opt_outs, "401 unauthenticated", SAME(INVALID)},
	{OP(OPT_OUT_REMOVE), &opt_outs, "401 unauthenticated", SAME(INVALID)},
	{OP(CONTACT_LIST), &list_other, "401 unauthenticated", HIDDEN, "200", "200"},
	{OP(CONTACT_ADD), &contacts_other, "401 unauthenticated", HIDDEN, INVALID, INVALID},
	{OP(CONTACT_IMPORT), &contacts_other, "401 unauthenticated", HIDDEN, "200", "200"},
	{OP(CONTACT_REMOVE), &contacts_other, "401 unauthenticated", HIDDEN, INVALID, INVALID},
	{OP(TEMPLATE_LIST), &list, "401 unauthenticated", SAME("200")},
	{OP(TEMPLATE_ADD), &template_new, "401 unauthenticated", SAME(INVALID)},
	{OP(TEMPLATE_GET), &id_absent, "401 unauthenticated", SAME(HIDDEN)},
	{OP(TEMPLATE_EDIT), &template_absent, "401 unauthenticated", SAME(HIDDEN)},
	{OP(TEMPLATE_REMOVE), &id_absent, "401 unauthenticated", SAME(HIDDEN)},
	{OP(WEBHOOK_LIST), &list, "401 unauthenticated", NO, "200", "200"},
	{OP(WEBHOOK_ADD), &webhook_new, "401 unauthenticated", NO, INVALID, INVALID},
	{OP(WEBHOOK_GET), &id_absent, "401 unauthenticated", NO, HIDDEN, HIDDEN},
	{OP(WEBHOOK_EDIT), &webhook_absent, "401 unauthenticated", NO, HIDDEN, HIDDEN},
	{OP(WEBHOOK_REMOVE), &id_absent, "401 unauthenticated", NO, HIDDEN, HIDDEN},
	{OP(WEBHOOK_ROTATE), &webhook_rotate, "401 unauthenticated", NO, HIDDEN, HIDDEN},
	{OP(WEBHOOK_TEST), &id_absent, "401 unauthenticated", NO, HIDDEN, HIDDEN},
	{OP(DELIVERY_LIST), &list_absent, "401 unauthenticated", NO, HIDDEN, HIDDEN},
	{OP(DELIVERY_GET), &id_absent, "401 unauthenticated", NO, HIDDEN, HIDDEN},
	{OP(DELIVERY_REDELIVER), &id_absent, "401 unauthenticated", NO, HIDDEN, HIDDEN},
	{OP(SETTINGS_GET), &empty, "401 unauthenticated", NO, "200", "200"},
	{OP(SETTINGS_EDIT), &settings, "401 unauthenticated", NO, "200", "200"},
	{OP(AUDIT_LIST), &audit_list, "401 unauthenticated", NO, NO, "200"},
};
/* clang-format on */

static void
try_row(const struct role_row *row, const char *as, const char *expected)
{
	Ipc__Request q = IPC__REQUEST__INIT;

	q.op_case = row->op;
	q.me = row->message; /* the members share their place */
	api_ask(&q, as);
	if (strcmp(api_outcome(), expected) != 0)
		fail_msg("operation %d as %s: %s, not %s", (int)row->op, as != NULL ? as : "nobody",
		    api_outcome(), expected);
}

static void
test_roles(void **state)
{
	(void)state;
	fill();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		try_row(&rows[i], NULL, rows[i].none);
		try_row(&rows[i], "t-user", rows[i].user);
		try_row(&rows[i], "t-admin", rows[i].admin);
		try_row(&rows[i], "t-super", rows[i].super);
		try_row(&rows[i], "t-nobody", rows[i].none);
	}
}

/* Every operation of the protocol has a row above but unsubscribe, which is never answered. */
static void
test_roles_are_complete(void **state)
{
	const ProtobufCMessageDescriptor *d = &ipc__request__descriptor;
	size_t n = 0;

	(void)state;
	for (unsigned i = 0; i < d->n_fields; i++)
		n += (d->fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
	assert_int_equal(sizeof(rows) / sizeof(rows[0]), n - 1);
}

/* A code is for the outlet's own phone, however its number is written. */
static void
test_connect_by_code(void **state)
{
	static const struct {
		const char *method, *number, *outcome;
	} tries[] = {
	    {"smoke", NULL, INVALID},
	    {"code", "no number", INVALID},
	    {"code", "628999", INVALID},
	    {"code", "6281399", INVALID},
	    {"code", NULL, "202"},
	};
	Ipc__Connect by = IPC__CONNECT__INIT;
	API_REQUEST(q, OUTLET_CONNECT, outlet_connect, &by);

	(void)state;
	by.id = other;
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]); i++) {
		by.method = (char *)(uintptr_t)tries[i].method;
		by.phone_number = (char *)(uintptr_t)tries[i].number;
		api_ask(&q, "t-admin");
		assert_string_equal(api_outcome(), tries[i].outcome);
	}
}

/* What another outlet's USER sees of lists. */
static void
test_scope(void **state)
{
	API_REQUEST(outlets, OUTLET_LIST, outlet_list, &list);
	API_REQUEST(statuses, STATUS_LIST, status_list, &status_list);
	API_REQUEST(tokens, TOKEN_LIST, token_list, &list);

	(void)state;
	api_ask(&outlets, "t-user");
	assert_int_equal(json_array_size(api_at("outlets")), 1);
	assert_string_equal(api_text("outlets.0.id"), "o1");
	assert_true(json_is_null(api_at("nextCursor")));
	api_ask(&statuses, "t-user");
	assert_int_equal(api_int("count"), 1);
	api_ask(&tokens, "t-user");
	assert_int_equal(json_array_size(api_at("tokens")), 1);
	assert_string_equal(api_text("tokens.0.user"), "umar");
	api_ask(&tokens, "t-super");
	assert_int_equal(json_array_size(api_at("tokens")), 3);
}

/* -- who is there without a token -- */

/* As waconnctl does: straight through the client, without the mark of a forwarded request. */
static void
ask_locally(Ipc__Request *q)
{
	enum ipc_failure failure;

	json_decref(aw.body);
	aw.body = NULL;
	aw.answered = false;
	assert_true(ipc_client_send(aw.client, q, WAIT_MS, api_on_response, NULL, &failure) != 0);
	world_until(aw.w, &aw.answered);
}

static void
test_local_administrator(void **state)
{
	API_REQUEST(q, ME, me, &empty);
	char expected[80];

	(void)state;
	ask_locally(&q);
	api_assert("200");
	(void)snprintf(expected, sizeof(expected), "local:%s", aw.config.admin_users[0]);
	assert_string_equal(api_text("user.username"), expected);
	assert_string_equal(api_text("user.role"), "SUPERADMIN");
	assert_true(json_is_null(api_at("user.id")));
	/* The same peer, but forwarded: even an empty address is the gateway's mark. */
	q.remote = (char[]){""};
	ask_locally(&q);
	api_assert("401 unauthenticated");
}

static void
test_not_an_administrator(void **state)
{
	API_REQUEST(q, ME, me, &empty);

	(void)state;
	ask_locally(&q);
	api_assert("401 unauthenticated");
}

static int
start_without_admins(void **state)
{
	int rc;

	api_admin = "daemon";
	rc = api_start(state);
	api_admin = NULL;
	return rc;
}

/* -- what the gateway may not send -- */

static void
test_hostile(void **state)
{
	static char overlong[] = "\xc0\xaf", half[] = "\xe2\x98";
	Ipc__List l = IPC__LIST__INIT;
	Ipc__Variable v = IPC__VARIABLE__INIT;
	Ipc__Variable *vars[] = {&v};
	Ipc__Recipient r = IPC__RECIPIENT__INIT;
	Ipc__Recipient *recipients[] = {&r};
	Ipc__Blast b = IPC__BLAST__INIT;
	API_REQUEST(q, OUTLET_LIST, outlet_list, &l);
	API_REQUEST(deep, BLAST_PREVIEW, blast_preview, &b);
	API_REQUEST(unknown, ME, me, &empty);

	(void)state;
	l.q = overlong;
	api_ask(&q, "t-super");
	api_assert("400 bad_request");
	l.q = NULL;
	l.has_limit = 1;
	l.limit = 1001;
	api_ask(&q, "t-super");
	api_assert(INVALID);
	assert_string_equal(api_text("errors.0.field"), "limit");
	v.name = text;
	v.value = half;
	r.vars = vars;
	r.n_vars = 1;
	b.recipients = recipients;
	b.n_recipients = 1;
	api_ask(&deep, "t-super");
	api_assert("400 bad_request");
	unknown.op_case = IPC__REQUEST__OP__NOT_SET;
	api_ask(&unknown, "t-super");
	api_assert("501 not_implemented");
}

static void
test_cursors(void **state)
{
	static const Ipc__Request__OpCase ops[] = {
	    OP(MESSAGE_LIST), OP(BLAST_LIST), OP(OUTLET_LIST), OP(TOKEN_LIST), OP(USER_LIST)};
	static const char *const wrong[] = {".", "6.outlet_1", "ff.outlet_1", "00.outlet_1",
	    "31.user_1", "3131", "31313131313131313131313131313131313131313131.blast_1"};
	Ipc__List l = IPC__LIST__INIT;
	Ipc__Request q = IPC__REQUEST__INIT;

	(void)state;
	l.id = other;
	l.cursor = (char[]){"x' OR 1"};
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		q.op_case = ops[i];
		q.message_list = &l;
		api_ask(&q, "t-super");
		api_assert(ops[i] == OP(USER_LIST) ? "200" : INVALID);
	}
	/* Keys that are no text, no time, too long. */
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		l.cursor = (char *)(uintptr_t)wrong[i];
		for (size_t k = 1; k <= 3; k++) {
			q.op_case = ops[k];
			api_ask(&q, "t-super");
			api_assert(INVALID);
		}
	}
	l.cursor = NULL;
	l.has_limit = 1;
	l.limit = 2;
	q.op_case = OP(USER_LIST);
	api_ask(&q, "t-super");
	assert_int_equal(json_array_size(api_at("users")), 2);
	l.cursor = xstrdup(api_text("nextCursor"));
	api_ask(&q, "t-super");
	assert_int_equal(json_array_size(api_at("users")), 1);
	assert_true(json_is_null(api_at("nextCursor")));
	free(l.cursor);
}

/* -- users and logins -- */

static void
add_user(const char *name, const char *role, const char *outlet, const char *password,
    const char *outcome)
{
	Ipc__UserAdd m = IPC__USER_ADD__INIT;
	API_REQUEST(q, USER_ADD, user_add, &m);

	m.name = xstrdup(name);
	m.role = xstrdup(role);
	m.outlet_id = outlet != NULL ? xstrdup(outlet) : NULL;
	m.password = xstrdup(password);
	api_ask(&q, "t-super");
	api_assert(outcome);
	free(m.name);
	free(m.role);
	free(m.outlet_id);
	free(m.password);
}

static void
try_login(const char *name, const char *password, const char *outcome)
{
	Ipc__Login m = IPC__LOGIN__INIT;
	API_REQUEST(q, LOGIN, login, &m);

	m.username = xstrdup(name);
	m.password = xstrdup(password);
	api_ask(&q, NULL);
	api_assert(outcome);
	free(m.username);
	free(m.password);
}

static void
test_users(void **state)
{
	(void)state;
	add_user("budi", "USER", "o2", "correct horse", "201");
	assert_string_equal(api_text("user.username"), "budi");
	assert_string_equal(api_text("user.outletId"), "o2");
	assert_null(api_at("user.passwordHash"));
	assert_true(strncmp(world_sql(aw.w, "SELECT password_hash FROM users WHERE name = 'budi'"),
			"$argon2id$", 10) == 0);
	add_user("budi", "ADMIN", NULL, "correct horse", "409 already_exists");
	add_user("citra", "USER", NULL, "correct horse", INVALID);
	assert_string_equal(api_text("errors.0.field"), "outletId");
	add_user("citra", "ADMIN", "o1", "correct horse", INVALID);
	add_user("citra", "USER", "absent", "correct horse", INVALID);
	add_user("citra", "KING", NULL, "short", INVALID);
	assert_int_equal(json_array_size(api_at("errors")), 2);
	add_user("a\nb", "ADMIN", NULL, "correct horse", INVALID);
	until_sql(aw.w,
	    "SELECT string_agg(DISTINCT actor || ' ' || remote || ' ' || (after->>'outletId'), "
	    "',') "
	    "FROM audit WHERE action = 'user_add'",
	    "sari 192.0.2.1 o2");
}

static void
test_login(void **state)
{
	API_REQUEST(me, ME, me, &empty);
	API_REQUEST(out, LOGOUT, logout, &empty);
	char *session;

	(void)state;
	add_user("budi", "USER", "o2", "correct horse", "201");
	try_login("budi", "correct horse", "200");
	assert_string_equal(api_text("user.role"), "USER");
	assert_true(strlen(api_text("expiresAt")) == strlen("2025-10-25T10:30:00Z"));
	session = xstrdup(api_text("token"));
	api_ask(&me, session);
	assert_string_equal(api_text("user.username"), "budi");
	/* The text of the token is nowhere in the database. */
	assert_string_equal(world_sql(aw.w, "SELECT count(*) FROM tokens WHERE is_session"), "1");
	api_ask(&out, session);
	api_assert("200");
	api_ask(&me, session);
	api_assert("401 unauthenticated");
	free(session);
}

static void
test_throttling(void **state)
{
	char *name, *password;

	(void)state;
	add_user("budi", "USER", "o2", "correct horse", "201");
	try_login("nobody", "whatever", "401 login_failed");
	name = json_dumps(aw.body, JSON_SORT_KEYS);
	try_login("budi", "wrong", "401 login_failed");
	password = json_dumps(aw.body, JSON_SORT_KEYS);
	assert_string_equal(name, password); /* alike */
	free(name);
	free(password);
	for (unsigned i = 0; i < 4; i++)
		try_login("budi", "wrong", "401 login_failed");
	try_login("budi", "correct horse", "429 login_throttled");
	assert_true(aw.retry_after >= 1 && aw.retry_after <= 5);
	/* Another account from the same place goes on. */
	try_login("nobody", "whatever", "401 login_failed");
}

/* -- tokens -- */

static void
add_token(const char *as, const char *user_name, int64_t seconds, const char *outcome)
{
	Ipc__TokenAdd m = IPC__TOKEN_ADD__INIT;
	API_REQUEST(q, TOKEN_ADD, token_add, &m);

	m.name = xstrdup("n8n");
	m.user = user_name != NULL ? xstrdup(user_name) : NULL;
	m.has_expires_in_s = seconds != 0;
	m.expires_in_s = seconds;
	api_ask(&q, as);
	api_assert(outcome);
	free(m.name);
	free(m.user);
}

static void
revoke_token(const char *as, const char *id, const char *outcome)
{
	Ipc__Id m = IPC__ID__INIT;
	API_REQUEST(q, TOKEN_REVOKE, token_revoke, &m);

	m.id = xstrdup(id);
	api_ask(&q, as);
	api_assert(outcome);
	free(m.id);
}

static void
test_token_life(void **state)
{
	API_REQUEST(me, ME, me, &empty);
	char *secret, *id;

	(void)state;
	add_token("t-super", "umar", 3600, "201");
	secret = xstrdup(api_text("token"));
	id = xstrdup(api_text("apiToken.id"));
	assert_true(strncmp(secret, "wac_", 4) == 0 && strlen(secret) >= 30);
	assert_string_equal(api_text("apiToken.user"), "umar");
	assert_true(json_is_string(api_at("apiToken.expiresAt")));
	assert_string_equal(
	    world_sql(
		aw.w, "SELECT count(*) FROM tokens t WHERE t::text LIKE '%wac!_%' ESCAPE '!'"),
	    "0");
	api_ask(&me, secret);
	assert_string_equal(api_text("user.username"), "umar");
	/* Another's is not there for an ADMIN; its owner may. */
	revoke_token("t-admin", id, HIDDEN);
	api_ask(&me, secret);
	api_assert("200");
	revoke_token(secret, id, "200");
	api_ask(&me, secret);
	api_assert("401 unauthenticated");
	revoke_token("t-super", id, HIDDEN);
	free(secret);
	free(id);
}

static void
test_own_tokens(void **state)
{
	(void)state;
	add_token("t-user", "umar", 0, "201");
	assert_true(json_is_null(api_at("apiToken.expiresAt")));
	add_token("t-user", NULL, 0, "201");
	add_token("t-user", "ani", 0, NO);
	add_token("t-admin", "nobody", 0, NO);
	add_token("t-super", "nobody", 0, INVALID);
	add_token("t-user", "umar", -1, INVALID);
	add_token("t-user", "umar", INT64_MAX, INVALID);
}

static void
test_token_expires(void **state)
{
	API_REQUEST(me, ME, me, &empty);

	(void)state;
	(void)world_sql(aw.w,
	    "UPDATE tokens SET expires_at = now() - interval '1 second' WHERE id = 'id-admin'");
	api_ask(&me, "t-admin");
	api_assert("401 unauthenticated");
}

/* -- stopping -- */

static void
test_stopping(void **state)
{
	API_REQUEST(me, ME, me, &empty);

	(void)state;
	api_stop(aw.api);
	api_ask(&me, "t-admin");
	api_assert("503 stopping");
	assert_true(aw.retry_after > 0);
}

/* Ends with a call under way: nothing may be lost or come too late. */
static void
test_ends_in_the_middle(void **state)
{
	API_REQUEST(q, USER_LIST, user_list, &list);
	enum ipc_failure failure;

	(void)state;
	q.token = (char[]){"t-super"};
	assert_true(ipc_client_send(aw.client, &q, WAIT_MS, api_on_response, NULL, &failure) != 0);
	(void)event_base_loop(aw.w->base, EVLOOP_ONCE);
	(void)event_base_loop(aw.w->base, EVLOOP_ONCE);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, api_start, api_end)
	const struct CMUnitTest tests[] = {
	    TEST(test_roles),
	    TEST(test_roles_are_complete),
	    TEST(test_connect_by_code),
	    TEST(test_scope),
	    TEST(test_local_administrator),
	    cmocka_unit_test_setup_teardown(
		test_not_an_administrator, start_without_admins, api_end),
	    TEST(test_hostile),
	    TEST(test_cursors),
	    TEST(test_users),
	    TEST(test_login),
	    TEST(test_throttling),
	    TEST(test_token_life),
	    TEST(test_own_tokens),
	    TEST(test_token_expires),
	    TEST(test_stopping),
	    TEST(test_ends_in_the_middle),
	};

	return cmocka_run_group_tests_name("api", tests, world_setup_store, world_teardown);
}
