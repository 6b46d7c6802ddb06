/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Sender keys: what members of a group give us to read what they write there. We write to no
 * groups, so ours are never made.
 */
#include <group_cipher.h>
#include <group_session_builder.h>
#include <protocol.h>
#include <string.h>

#include "waconnd/signal/signal_internal.h"

struct group_sender {
	signal_protocol_sender_key_name name;
	struct signal_address at;
};

static void
sender_of(const struct signal_store *s, const char *group, const struct jid *device,
    struct group_sender *ret)
{
	signal_address_of(s, device, &ret->at);
	ret->name = (signal_protocol_sender_key_name){
	    .group_id = group, .group_id_len = strlen(group), .sender = ret->at.address};
}

enum signal_result
signal_group_learn(struct signal_store *s, const char *group, const struct jid *device,
    const void *skdm, size_t len)
{
	sender_key_distribution_message *m = NULL;
	group_session_builder *builder = NULL;
	struct group_sender sender;
	int r;

	sender_of(s, group, device, &sender);
	key_cache_begin(s->keys);
	r = sender_key_distribution_message_deserialize(&m, skdm, len, s->context);
	if (r == 0)
		r = group_session_builder_create(&builder, s->stores, s->context);
	if (r == 0)
		r = group_session_builder_process_session(builder, &sender.name, m);
	key_cache_end(s->keys, r == 0);
	if (builder != NULL)
		group_session_builder_free(builder);
	SIGNAL_UNREF(m);
	return signal_result_of(r);
}

enum signal_result
signal_group_decrypt(struct signal_store *s, const char *group, const struct jid *device,
    const void *data, size_t len, struct buf *ret_plain)
{
	sender_key_message *m = NULL;
	signal_buffer *plain = NULL;
	group_cipher *cipher = NULL;
	struct group_sender sender;
	int r;

	sender_of(s, group, device, &sender);
	key_cache_begin(s->keys);
	r = sender_key_message_deserialize(&m, data, len, s->context);
	if (r == 0)
		r = group_cipher_create(&cipher, s->stores, &sender.name, s->context);
	if (r == 0)
		r = group_cipher_decrypt(cipher, m, NULL, &plain);
	key_cache_end(s->keys, r == 0);
	if (r == 0)
		signal_add_buffer(plain, ret_plain);
	signal_buffer_bzero_free(plain);
	if (cipher != NULL)
		group_cipher_free(cipher);
	SIGNAL_UNREF(m);
	return signal_result_of(r);
}
