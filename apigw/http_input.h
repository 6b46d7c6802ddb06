/* SPDX-License-Identifier: GPL-3.0-or-later */
/* http_input: what a client sends on a connection, as far as it has come. */
#ifndef APIGW_HTTP_INPUT_H
#define APIGW_HTTP_INPUT_H

#include "apigw/http_conn.h"

#define HTTP_INPUT_MAX 65536 /* bytes that wait to be looked at */

/* Takes all that can be taken in this phase and in those that follow it. */
void http_input_take(struct http_conn *c);
/* Does it wait for more of a request, or for the next one? */
bool http_input_reads(const struct http_conn *c);

#endif
