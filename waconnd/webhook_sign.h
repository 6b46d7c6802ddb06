/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * webhook_sign: secrets and signatures of the Standard Webhooks specification: HMAC-SHA256 over
 * "id.timestamp.body" under the bytes that the text after "whsec_" stands for, in base64.
 */
#ifndef WACONND_WEBHOOK_SIGN_H
#define WACONND_WEBHOOK_SIGN_H

#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"

#define WEBHOOK_SECRET_MAX 64 /* of the text, with its NUL */

void webhook_secret_make(char ret_text[WEBHOOK_SECRET_MAX]);
/* Appends "v1,BASE64" to out, after a space where there is something already: of two secrets two
 * stand there. -1: the text is no secret. */
int webhook_sign(const char *secret, const char *id, int64_t timestamp_s, const void *body,
    size_t len, struct buf *out) __attribute__((warn_unused_result));

#endif
