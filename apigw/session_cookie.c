/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tokens in headers and cookies. Never looks for one in a URL, where logs and histories would keep
 * it. */
#include "apigw/session_cookie.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

static int
copy_token(const char *from, size_t len, char ret_token[SESSION_TOKEN_MAX + 1])
{
	if (len == 0 || len > SESSION_TOKEN_MAX)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (from[i] <= ' ' || from[i] > '~' || from[i] == ';' || from[i] == '"' ||
		    from[i] == ',')
			return -1;
	}
	memcpy(ret_token, from, len);
	ret_token[len] = '\0';
	return 0;
}

static enum credential
from_cookie(const char *cookies, char ret_token[SESSION_TOKEN_MAX + 1])
{
	const size_t n = sizeof(SESSION_COOKIE) - 1;

	while (cookies != NULL && *cookies != '\0') {
		size_t len;

		cookies += strspn(cookies, "; ");
		len = strcspn(cookies, ";");
		if (len > n && strncmp(cookies, SESSION_COOKIE "=", n + 1) == 0) {
			if (copy_token(cookies + n + 1, len - n - 1, ret_token) == 0)
				return CREDENTIAL_COOKIE;
			return CREDENTIAL_NONE;
		}
		cookies += len;
	}
	return CREDENTIAL_NONE;
}

enum credential
session_credential(const struct http_head *head, char ret_token[SESSION_TOKEN_MAX + 1])
{
	const char *authorization = http_head_get(head, "authorization");
	const char *key = http_head_get(head, "x-api-key");

	if (authorization != NULL) {
		if (strncasecmp(authorization, "Bearer ", 7) != 0)
			return CREDENTIAL_NONE;
		authorization += 7 + strspn(authorization + 7, " ");
		return copy_token(authorization, strlen(authorization), ret_token) == 0
			   ? CREDENTIAL_TOKEN
			   : CREDENTIAL_NONE;
	}
	if (key != NULL)
		return copy_token(key, strlen(key), ret_token) == 0 ? CREDENTIAL_TOKEN
								    : CREDENTIAL_NONE;
	return from_cookie(http_head_get(head, "cookie"), ret_token);
}

bool
session_same_origin(const struct http_head *head, bool https)
{
	const char *origin = http_head_get(head, "origin");
	const char *scheme = https ? "https://" : "http://";
	size_t n = strlen(scheme);

	return origin != NULL && *head->host != '\0' && strncasecmp(origin, scheme, n) == 0 &&
	       strcasecmp(origin + n, head->host) == 0;
}

bool
session_method_safe(const char *method)
{
	return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
}

void
session_cookie_set(struct buf *headers, const char *token, int64_t seconds, bool https)
{
	buf_addf(headers,
	    "Set-Cookie: " SESSION_COOKIE "=%s; Path=/; HttpOnly; SameSite=Strict; Max-Age=%" PRId64
	    "%s\r\n",
	    token, seconds > 0 ? seconds : 0, https ? "; Secure" : "");
}

void
session_cookie_clear(struct buf *headers, bool https)
{
	session_cookie_set(headers, "", 0, https);
}
