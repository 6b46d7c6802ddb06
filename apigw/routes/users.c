/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Users, API tokens and the audit log. Who may what is the daemon's to say. */
#include "apigw/routes/routes.h"

#define NAME_MAX_BYTES 64
#define PASSWORD_MAX_BYTES 1024
#define TOKEN_SECONDS_MAX (100u * 365 * 86400)
#define SCOPES_MAX 64
#define SCOPE_MAX_BYTES 32
#define SEARCH_MAX 200
#define CURSOR_MAX 64

struct user_body {
	char *username, *name, *role, *outlet_id, *password;
};

#define USER_STRING(name, needed, max, field)                                           \
	{                                                                               \
		name, BODY_STRING, needed, 1, max, offsetof(struct user_body, field), 0 \
	}
/* `name` is what `username` was called first. */
#define USER_FIELDS(needed)                                                \
	USER_STRING("username", false, NAME_MAX_BYTES, username),          \
	    USER_STRING("name", false, NAME_MAX_BYTES, name),              \
	    USER_STRING("role", needed, 16, role),                         \
	    USER_STRING("outletId", false, ROUTE_ID_MAX, outlet_id),       \
	    USER_STRING("password", needed, PASSWORD_MAX_BYTES, password), \
	{                                                                  \
		0                                                          \
	}

static const struct body_field add_fields[] = {USER_FIELDS(true)};
static const struct body_field edit_fields[] = {USER_FIELDS(false)};

static struct user_body
read_user(struct call *c, const struct body_field *fields)
{
	struct user_body body = {0};

	body_read(&c->body, "", c->body.root, fields, &body);
	if (body.username == NULL)
		body.username = body.name;
	return body;
}

void
users_add(struct call *c)
{
	const struct user_body body = read_user(c, add_fields);
	Ipc__UserAdd *m = call_alloc(c, sizeof(*m));

	ipc__user_add__init(m);
	if (body.username == NULL && c->body.n_errors == 0)
		body_error(&c->body, "", "username", "required", "This field is needed.");
	m->name = body.username;
	m->role = body.role;
	m->outlet_id = body.outlet_id;
	m->password = body.password;
	c->request.user_add = m;
}

void
users_edit(struct call *c)
{
	const struct user_body body = read_user(c, edit_fields);
	Ipc__UserEdit *m = call_alloc(c, sizeof(*m));

	ipc__user_edit__init(m);
	m->id = c->id;
	m->name = body.username;
	m->role = body.role;
	m->outlet_id = body.outlet_id;
	m->password = body.password;
	c->request.user_edit = m;
}

/* ---- tokens ---- */

struct token_body {
	char *name, *user, *outlet_id;
	uint32_t seconds;
	int64_t expires_at;
	protobuf_c_boolean has_seconds, has_expires_at;
	json_t *scopes;
};

#define AT(field) offsetof(struct token_body, field)

static const struct body_field token_fields[] = {
    {"name", BODY_STRING, true, 1, NAME_MAX_BYTES, AT(name), 0},
    {"user", BODY_STRING, false, 1, NAME_MAX_BYTES, AT(user), 0},
    {"expiresInSeconds", BODY_UINT, false, 0, TOKEN_SECONDS_MAX, AT(seconds), AT(has_seconds)},
    {"expiresAt", BODY_TIME, false, 0, 0, AT(expires_at), AT(has_expires_at)},
    {"scopes", BODY_ANY, false, 0, 0, AT(scopes), 0},
    {"outletId", BODY_STRING, false, 1, ROUTE_ID_MAX, AT(outlet_id), 0},
    {0},
};

void
tokens_add(struct call *c)
{
	Ipc__TokenAdd *m = call_alloc(c, sizeof(*m));
	struct token_body body = {0};

	ipc__token_add__init(m);
	body_read(&c->body, "", c->body.root, token_fields, &body);
	m->name = body.name;
	m->user = body.user;
	m->outlet_id = body.outlet_id;
	m->has_expires_in_s = body.has_seconds;
	m->expires_in_s = body.seconds;
	m->has_expires_at_ms = body.has_expires_at;
	m->expires_at_ms = body.expires_at;
	if (body.has_seconds && body.has_expires_at)
		body_error(&c->body, "", "expiresAt", "not_allowed",
		    "Give expiresAt or expiresInSeconds, not both.");
	m->scopes = routes_read_strings(
	    c, "scopes", body.scopes, SCOPES_MAX, SCOPE_MAX_BYTES, &m->n_scopes);
	if (body.scopes != NULL && m->n_scopes == 0 && c->body.n_errors == 0)
		body_error(&c->body, "", "scopes", "too_short",
		    "Name at least one scope, or leave the field out for all.");
	c->request.token_add = m;
}

/* ---- the audit log ---- */

static void
read_time(struct call *c, const char *name, protobuf_c_boolean *ret_has, int64_t *ret_ms)
{
	const char *text = call_query(c, name, CURSOR_MAX);

	if (text == NULL)
		return;
	if (body_time(text, ret_ms) < 0)
		body_error(&c->body, "", name, "not_a_time",
		    "A time such as 2025-10-25T10:30:00Z is expected (RFC 3339).");
	*ret_has = 1;
}

void
audit_list(struct call *c)
{
	Ipc__AuditList *m = call_alloc(c, sizeof(*m));

	ipc__audit_list__init(m);
	m->q = call_query(c, "q", SEARCH_MAX);
	m->actor = call_query(c, "actor", SEARCH_MAX);
	m->action = call_query(c, "action", SEARCH_MAX);
	m->subject = call_query(c, "subject", SEARCH_MAX);
	read_time(c, "from", &m->has_from_ms, &m->from_ms);
	read_time(c, "to", &m->has_until_ms, &m->until_ms);
	routes_read_limit(c, &m->has_limit, &m->limit);
	m->cursor = call_query(c, "cursor", CURSOR_MAX);
	c->request.audit_list = m;
}
