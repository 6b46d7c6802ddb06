/* SPDX-License-Identifier: GPL-3.0-or-later */
/* signal_internal: what signal_store.c (libsignal's callbacks), signal_session.c and signal_group.c
 * share. */
#ifndef SIGNAL_SIGNAL_INTERNAL_H
#define SIGNAL_SIGNAL_INTERNAL_H

#include "waconnd/signal/signal_store.h"

#define KEY_TYPE_DJB 0x05
#define SERIALIZED_KEY_LEN (1 + CURVE_KEY_LEN)

struct signal_store {
	signal_context *context;
	signal_protocol_store_context *stores;
	struct key_cache *keys;
	const struct credentials *own;
};

struct signal_address { /* libsignal keeps pointers to it: it outlives the cipher */
	signal_protocol_address address;
	char name[JID_USER_MAX + 8];
};

void signal_address_of(
    const struct signal_store *s, const struct jid *device, struct signal_address *ret);
enum signal_result signal_result_of(int libsignal_error);
/* A 33-byte key from a raw one; NULL when it is refused. SIGNAL_UNREF it. */
ec_public_key *signal_point(struct signal_store *s, const uint8_t raw[CURVE_KEY_LEN]);
void signal_add_buffer(const signal_buffer *from, struct buf *to);

#endif
