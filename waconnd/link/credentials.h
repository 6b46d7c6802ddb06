/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * credentials: what makes us a linked device: the keys made before pairing and what pairing gave.
 *
 * One blob (protobuf of credentials.proto) under KEY_CREDENTIALS. Written before anything on the
 * wire depends on it.
 */
#ifndef LINK_CREDENTIALS_H
#define LINK_CREDENTIALS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/wa/adv.h"
#include "common/wa/curve.h"
#include "common/wa/jid.h"

struct credentials {
	struct curve_pair noise;
	struct curve_pair identity;
	struct curve_pair signed_prekey;
	uint32_t signed_prekey_id;
	uint8_t signed_prekey_sig[CURVE_SIGNATURE_LEN];
	/* What is to follow it, under credentials_next_signed_id: perhaps the server has it
	 * already.
	 */
	bool has_next_signed_prekey;
	struct curve_pair next_signed_prekey;
	uint8_t next_signed_prekey_sig[CURVE_SIGNATURE_LEN];
	int64_t rotate_at;	    /* unix seconds by the server's clock; 0: not decided */
	int64_t prekeys_checked_at; /* the same, of link/prekey_check.h; 0: never */
	uint32_t registration_id;   /* 1..16380 */
	uint8_t adv_secret[ADV_SECRET_LEN];
	uint32_t next_prekey_id; /* 1..2^24-1, never reused */
	bool prekeys_uploaded;	 /* the server took a batch of pre-keys once */
	/* since pairing: */
	bool paired;
	struct jid own;	    /* PN with device */
	struct jid own_lid; /* LID with device */
	uint8_t *account;   /* ADVSignedDeviceIdentity, sent as device-identity; owned */
	size_t account_len;
	char platform[32]; /* "android", "iphone" … */
	char push_name[128];
	uint8_t routing[64]; /* edge routing info, routing_len 0: none */
	size_t routing_len;
};

/* New keys for pairing. -1 when libsignal refuses to sign; nothing is left then. */
int credentials_generate(struct credentials *c) __attribute__((warn_unused_result));
void credentials_done(struct credentials *c); /* wipes */
/* The next signed pre-key: made unless there is one; -1 when libsignal refuses to sign. */
int credentials_make_next(struct credentials *c) __attribute__((warn_unused_result));
uint32_t credentials_next_signed_id(const struct credentials *c);
/* The next becomes the current one. */
void credentials_take_next(struct credentials *c);
/* Into an empty buf of at least CREDENTIALS_MAX; free that with buf_done_secret. */
#define CREDENTIALS_MAX 16384
void credentials_pack(const struct credentials *c, struct buf *out);
/* -1 when it is not what credentials_pack wrote: shape, lengths, ranges, or a key pair that is
 * none. */
int credentials_unpack(const void *data, size_t len, struct credentials *ret)
    __attribute__((warn_unused_result));

#endif
