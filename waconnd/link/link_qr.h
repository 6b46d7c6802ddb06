/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * link_qr: which reference is shown how long, and what a pair-success says. Pure: times are
 * wall-clock milliseconds, given by the caller. Source: PROTOCOL section 5.
 */
#ifndef LINK_LINK_QR_H
#define LINK_LINK_QR_H

#include <stdbool.h>
#include <stdint.h>

#include "common/wa/jid.h"
#include "common/wa/node.h"

#define LINK_QR_REFS_MAX 8
#define LINK_QR_REF_MAX 192
#define LINK_QR_FIRST_MS 60000
#define LINK_QR_NEXT_MS 20000

struct link_qr {
	char refs[LINK_QR_REFS_MAX][LINK_QR_REF_MAX];
	unsigned n, shown; /* shown: how many have had their turn, the present one included */
	unsigned sequence; /* of the code on show, counts from 1 over all that were drawn */
	int64_t expires_ms;
};

/* Takes the references of <pair-device>; those before are void. */
void link_qr_refs(struct link_qr *qr, const struct node *pair_device);
/* The next one is on show from now. false: there is none left. */
bool link_qr_next(struct link_qr *qr, int64_t now_ms);
/* The present one once more, with another secret; it expires as before. false: none is on show. */
bool link_qr_redraw(struct link_qr *qr);
const char *link_qr_ref(const struct link_qr *qr);

struct link_pairing {		  /* pointers into the stanza */
	const uint8_t *container; /* ADVSignedDeviceIdentityHMAC */
	size_t container_len;
	struct jid own, lid;		 /* with device; lid may be none */
	const char *platform, *business; /* "" when absent */
};

/* 0, or ADV_E_PROTOBUF when a part is missing. */
int link_pairing_read(const struct node *pair_success, struct link_pairing *ret)
    __attribute__((warn_unused_result));
/* What people call the device: the business, or the kind of phone. The caller frees it. */
char *link_pairing_name(const struct link_pairing *p);

#endif
