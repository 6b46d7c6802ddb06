/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logging in and out: the daemon checks the password and makes the session; the cookie is made
 * here. Users and tokens, too. */
#include "apigw/routes/routes.h"
#include "common/clock.h"

#define HEADERS_MAX 4096
#define NAME_MAX_BYTES 64
#define PASSWORD_MAX_BYTES 1024
#define TOKEN_SECONDS_MAX (100u * 365 * 86400)

#define LOGIN_STRING(name, field, max)                                          \
	{                                                                       \
		name, BODY_STRING, true, 1, max, offsetof(Ipc__Login, field), 0 \
	}

static const struct body_field login_fields[] = {
    LOGIN_STRING("username", username, NAME_MAX_BYTES),
    LOGIN_STRING("password", password, PASSWORD_MAX_BYTES),
    {0},
};

void
auth_login(struct call *c)
{
	Ipc__Login *m = call_alloc(c, sizeof(*m));

	ipc__login__init(m);
	body_read(&c->body, "", c->body.root, login_fields, m);
	c->request.login = m;
}

void
auth_login_answer(struct call *c, const Ipc__Response *response)
{
	struct buf headers = BUF_INIT(HEADERS_MAX);
	int64_t seconds = (response->session_expires_ms - clock_wall_ms()) / 1000;

	if (response->session_token != NULL)
		session_cookie_set(&headers, response->session_token, seconds, c->https);
	call_reply(c, response->status, "application/json", &headers, response->body.data,
	    response->body.len);
	buf_done(&headers);
}

void
auth_logout_answer(struct call *c, const Ipc__Response *response)
{
	struct buf headers = BUF_INIT(HEADERS_MAX);

	session_cookie_clear(&headers, c->https);
	call_reply(c, response->status, "application/json", &headers, response->body.data,
	    response->body.len);
	buf_done(&headers);
}

#define USER_STRING(name, needed, min, max, field)                                    \
	{                                                                             \
		name, BODY_STRING, needed, min, max, offsetof(Ipc__UserAdd, field), 0 \
	}

static const struct body_field user_fields[] = {
    USER_STRING("name", true, 1, NAME_MAX_BYTES, name),
    USER_STRING("role", true, 1, 16, role),
    USER_STRING("outletId", false, 1, ROUTE_ID_MAX, outlet_id),
    USER_STRING("password", true, 1, PASSWORD_MAX_BYTES, password),
    {0},
};

void
users_add(struct call *c)
{
	Ipc__UserAdd *m = call_alloc(c, sizeof(*m));

	ipc__user_add__init(m);
	body_read(&c->body, "", c->body.root, user_fields, m);
	c->request.user_add = m;
}

struct token_body {
	char *name, *user;
	uint32_t seconds;
	protobuf_c_boolean has_seconds;
};

static const struct body_field token_fields[] = {
    {"name", BODY_STRING, true, 1, NAME_MAX_BYTES, offsetof(struct token_body, name), 0},
    {"user", BODY_STRING, true, 1, NAME_MAX_BYTES, offsetof(struct token_body, user), 0},
    {"expiresInSeconds", BODY_UINT, false, 0, TOKEN_SECONDS_MAX,
	offsetof(struct token_body, seconds), offsetof(struct token_body, has_seconds)},
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
	m->has_expires_in_s = body.has_seconds;
	m->expires_in_s = body.seconds;
	c->request.token_add = m;
}
