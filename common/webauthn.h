/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * webauthn: a passkey request and its answer as pages have them (W3C Web Authentication level 3,
 * section 5.1: PublicKeyCredentialRequestOptionsJSON, AuthenticationResponseJSON), as far as one
 * who only passes them on can check them. The signature is the relying party's to verify.
 */
#ifndef COMMON_WEBAUTHN_H
#define COMMON_WEBAUTHN_H

#include "common/buf.h"

#define WEBAUTHN_JSON_MAX 16384 /* bytes of a document */
#define WEBAUTHN_TEXT_MAX 8192	/* characters of one value */
#define WEBAUTHN_ID_MAX 1023	/* bytes */

/* Values in base64url, as a page's toJSON() gives them; borrowed. */
struct webauthn_assertion {
	const char *id;
	const char *client_data_json, *authenticator_data, *signature;
	const char *user_handle; /* NULL: none */
};

/* Appends the request as compact JSON. -1 when it is none that a page could answer. */
int webauthn_options_read(const void *json, size_t len, struct buf *out)
    __attribute__((warn_unused_result));

/* What is wrong, for whoever handed it in. */
struct webauthn_flaw {
	const char *field, *code, *detail;
};
/* Does it answer these options (as webauthn_options_read wrote them)? NULL: yes. */
const struct webauthn_flaw *webauthn_check(const struct webauthn_assertion *a, const char *options);
/* Of one that was checked: the document for the relying party, and the credential's id. */
void webauthn_write(const struct webauthn_assertion *a, struct buf *out_json, struct buf *out_id);

#endif
