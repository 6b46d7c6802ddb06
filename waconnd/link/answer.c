/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Builds the answers. Addresses are copied as they came: the server matches them literally. */
#include "waconnd/link/answer.h"

#include <stdio.h>
#include <string.h>

static void
copy(const struct node *from, struct node *to, const char *key, const char *as)
{
	struct jid jid;

	if (node_get_jid(from, key, &jid) == 0)
		node_set_jid(to, as, &jid);
	else
		node_set(to, as, node_get(from, key));
}

static void
copy_addresses(const struct node *stanza, struct node *answer)
{
	node_set(answer, "id", node_get(stanza, "id"));
	copy(stanza, answer, "from", "to");
	copy(stanza, answer, "participant", "participant");
	copy(stanza, answer, "recipient", "recipient");
}

struct node *
answer_receipt(const struct node *stanza, const char *type)
{
	struct node *receipt = node_new("receipt", "type", type, NULL);

	copy_addresses(stanza, receipt);
	return receipt;
}

struct node *
answer_refuse(const struct node *stanza, enum answer_refusal code)
{
	struct node *ack = node_new("ack", "class", "message", NULL);

	copy_addresses(stanza, ack);
	node_set_int(ack, "error", code);
	return ack;
}

struct node *
answer_history(const struct messaging *m, const char *id)
{
	const struct jid own = jid_without_device(&link_credentials(m->link)->own);
	struct node *receipt = node_new("receipt", "id", id, "type", "hist_sync", NULL);

	node_set_jid(receipt, "to", &own);
	return receipt;
}

static void
add_keys(struct messaging *m, struct node *receipt)
{
	const struct credentials *c = link_credentials(m->link);
	const uint32_t id = c->signed_prekey_id;
	const uint8_t type = 0x05,
		      bytes[3] = {(uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};
	struct node *keys = node_child(receipt, "keys", NULL), *skey;

	node_bytes(node_child(keys, "type", NULL), &type, sizeof(type));
	node_bytes(node_child(keys, "identity", NULL), c->identity.pub, sizeof(c->identity.pub));
	messaging_make_prekeys(m, 1, keys);
	skey = node_child(keys, "skey", NULL);
	node_bytes(node_child(skey, "id", NULL), bytes, sizeof(bytes));
	node_bytes(
	    node_child(skey, "value", NULL), c->signed_prekey.pub, sizeof(c->signed_prekey.pub));
	node_bytes(node_child(skey, "signature", NULL), c->signed_prekey_sig,
	    sizeof(c->signed_prekey_sig));
	messaging_add_identity(m, keys);
}

struct node *
answer_retry(struct messaging *m, const struct node *stanza, unsigned count, bool with_keys)
{
	const uint32_t id = link_credentials(m->link)->registration_id;
	const uint8_t registration[4] = {
	    (uint8_t)(id >> 24), (uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};
	struct node *receipt = answer_receipt(stanza, "retry"), *retry;

	node_set(receipt, "category", node_get(stanza, "category"));
	retry = node_child(receipt, "retry", "id", node_get(stanza, "id"), "t",
	    node_get(stanza, "t"), "v", "1", "error", "0", NULL);
	node_set_int(retry, "count", count);
	node_bytes(node_child(receipt, "registration", NULL), registration, sizeof(registration));
	if (with_keys)
		add_keys(m, receipt);
	return receipt;
}
