/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * authenticator: the passkey of each simulated account, in the browser of its owner: it signs what
 * a page asks for, and what it signed is verified as the relying party does. One Ed25519 key an
 * account, from the simulator's seed.
 */
#ifndef SIM_AUTHENTICATOR_H
#define SIM_AUTHENTICATOR_H

#include "tests/sim/sim.h"

/* The credential's id in base64url. */
void authenticator_id(const struct sim *s, const char *phone, struct buf *out);
/*
 * What navigator.credentials.get({publicKey: options}).toJSON() gives: a new reference; NULL when
 * the options cannot be used. fault, or NULL: "type", "challenge", "origin", "site", "unverified",
 * "credential", "signature": what it does wrong.
 */
json_t *authenticator_sign(
    const struct sim *s, const char *phone, const json_t *options, const char *fault);
/* NULL: right. */
const char *authenticator_verify(const struct sim *s, const char *phone,
    const uint8_t challenge[32], const void *id, size_t id_len, const char *json, size_t json_len);

#endif
