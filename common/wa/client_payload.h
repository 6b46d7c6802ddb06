/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * client_payload: what the third handshake message says of us. Source: PROTOCOL section 3.
 */
#ifndef COMMON_WA_CLIENT_PAYLOAD_H
#define COMMON_WA_CLIENT_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/wa/curve.h"
#include "common/wa/jid.h"

/* 2.3000.N, the client version that we present. */
#define CLIENT_VERSION_BUILTIN 1045649367u

struct client_registration {
	uint32_t registration_id;
	const uint8_t *identity_pub; /* raw 32 */
	uint32_t signed_prekey_id;
	const uint8_t *signed_prekey_pub; /* raw 32 */
	const uint8_t *signed_prekey_sig; /* 64 */
	const char *os;			  /* shown in the phone's list of linked devices */
	uint32_t platform_type;		  /* DeviceProps.platformType: 1 CHROME, 7 DESKTOP … */
};

void client_payload_registration(
    const struct client_registration *r, uint32_t version, struct buf *out);
void client_payload_login(const struct jid *own, bool passive, uint32_t version, struct buf *out);

/* What a server reads out of either (the simulator); -1 when it is no ClientPayload. */
struct client_payload {
	bool is_registration;
	uint32_t version[3];
	uint64_t username;
	uint32_t device;
	bool passive;
	uint32_t registration_id;
	uint8_t identity_pub[CURVE_KEY_LEN];
	uint32_t signed_prekey_id;
	uint8_t signed_prekey_pub[CURVE_KEY_LEN];
	uint8_t signed_prekey_sig[CURVE_SIGNATURE_LEN];
	uint8_t build_hash[16];
	uint32_t platform_type; /* of the DeviceProps; 0: none */
};
int client_payload_parse(const void *data, size_t len, struct client_payload *ret)
    __attribute__((warn_unused_result));

#endif
