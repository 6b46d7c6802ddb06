/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Logging in and out: the daemon checks the password and makes the session; the cookie is made
 * here. Passwords, too. */
#include "apigw/routes/routes.h"
#include "common/clock.h"

#define HEADERS_MAX 4096
#define NAME_MAX_BYTES 64
#define PASSWORD_MAX_BYTES 1024

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

#define PASSWORD_STRING(name, field)                            \
	{                                                       \
		name, BODY_STRING, true, 1, PASSWORD_MAX_BYTES, \
		    offsetof(Ipc__PasswordChange, field), 0     \
	}

static const struct body_field password_fields[] = {
    PASSWORD_STRING("currentPassword", current),
    PASSWORD_STRING("newPassword", password),
    {0},
};

void
auth_password(struct call *c)
{
	Ipc__PasswordChange *m = call_alloc(c, sizeof(*m));

	ipc__password_change__init(m);
	body_read(&c->body, "", c->body.root, password_fields, m);
	c->request.password_change = m;
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
	buf_done_secret(&headers);
}

void
auth_logout_answer(struct call *c, const Ipc__Response *response)
{
	struct buf headers = BUF_INIT(HEADERS_MAX);

	session_cookie_clear(&headers, c->https);
	call_reply(c, response->status, "application/json", &headers, response->body.data,
	    response->body.len);
	buf_done_secret(&headers);
}
