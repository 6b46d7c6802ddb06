/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conditional: what a client has already, and of what it wants a part (RFC 9110, sections 13, 14).
 */
#ifndef APIGW_CONDITIONAL_H
#define APIGW_CONDITIONAL_H

#include <stdbool.h>
#include <stdint.h>

#include "apigw/http_parser.h"

/* If-None-Match names this ETag (with its quotes), weakly compared, or everything. */
bool conditional_known(const struct http_head *head, const char *etag);
/*
 * The part of a file of `size` bytes that is asked for, if it is still this file (If-Range). 1:
 * that range, 0: there is none that counts (the whole is answered), -1: outside of the file. etag
 * NULL: it has none.
 */
int conditional_range(const struct http_head *head, const char *etag, uint64_t size,
    uint64_t *ret_from, uint64_t *ret_len);
/* The same for the value of a field Range alone: one range of "bytes=…". */
int conditional_range_parse(
    const char *value, uint64_t size, uint64_t *ret_from, uint64_t *ret_len);

#endif
