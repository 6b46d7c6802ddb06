/* SPDX-License-Identifier: GPL-3.0-or-later */
/* link_prekeys: how many pre-keys the server needs, and whether it still holds our keys. Source:
 * PROTOCOL section 7. */
#ifndef LINK_LINK_PREKEYS_H
#define LINK_LINK_PREKEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wa/node.h"
#include "waconnd/link/credentials.h"

#define LINK_PREKEYS_LOW 5
#define LINK_PREKEYS_FIRST 812
#define LINK_PREKEYS_MORE 50

/* How many to upload when the server has `count`; 0: none. */
unsigned link_prekeys_batch(int64_t count, bool uploaded_before);

enum link_digest {
	LINK_DIGEST_SAME,
	LINK_DIGEST_SKEY,    /* our identity, but not our signed pre-key: upload it */
	LINK_DIGEST_OTHER,   /* the server holds another identity than ours */
	LINK_DIGEST_MISSING, /* it holds none */
	LINK_DIGEST_UNKNOWN  /* the query failed */
};
enum link_digest link_prekeys_digest(const struct credentials *c, const struct node *answer);

/* <skey> with id, value and signature. */
void link_prekeys_add_signed(struct node *parent, uint32_t id, const uint8_t pub[CURVE_KEY_LEN],
    const uint8_t sig[CURVE_SIGNATURE_LEN]);

#endif
