/* SPDX-License-Identifier: GPL-3.0-or-later */
/* session_cookie: where a request carries its token, and the cookie that browsers carry it in.
 * Whether a token is good is the daemon's word. */
#ifndef APIGW_SESSION_COOKIE_H
#define APIGW_SESSION_COOKIE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "apigw/http_parser.h"
#include "common/buf.h"

#define SESSION_COOKIE "waconn_session"
#define SESSION_TOKEN_MAX 512

enum credential { CREDENTIAL_NONE, CREDENTIAL_TOKEN, CREDENTIAL_COOKIE };

/* Authorization: Bearer, else X-Api-Key, else the cookie. A header that is there but not usable
 * gives NONE: no second try. */
enum credential session_credential(
    const struct http_head *head, char ret_token[SESSION_TOKEN_MAX + 1]);
/* Does Origin name this very site? */
bool session_same_origin(const struct http_head *head, bool https);
bool session_method_safe(const char *method);
/* Header lines. */
void session_cookie_set(struct buf *headers, const char *token, int64_t seconds, bool https);
void session_cookie_clear(struct buf *headers, bool https);

#endif
