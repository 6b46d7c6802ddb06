/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * cors: pages of other origins that may use the interface, as [http] cors_origin says; without it
 * none. They show a token of their own; the session cookie is never part of it.
 */
#ifndef APIGW_CORS_H
#define APIGW_CORS_H

#include "apigw/call.h"

/* What an answer of the interface says to the page that asked for it. */
void cors_headers(const struct call *c, struct buf *headers);
/* What a browser asks first. `allow`: the methods of the path. False: it is no such question, or
 * not of a page that may. */
bool cors_preflight(struct call *c, const char *allow);

#endif
