/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Builds the query for bundles and reads what a bundle is made of. Pure. */
#include <string.h>

#include "waconnd/link/bundle.h"

#define ID_LEN 3
#define REGISTRATION_LEN 4
#define KEY_TYPE 0x05

struct node *
bundle_query(const struct jid *devices, size_t n)
{
	const struct jid server = jid_server_self();
	struct node *iq = node_new("iq", "type", "get", "xmlns", "encrypt", NULL);
	struct node *key;

	node_set_jid(iq, "to", &server);
	key = node_child(iq, "key", NULL);
	for (size_t i = 0; i < n; i++)
		node_set_jid(
		    node_child(key, "user", "reason", "identity", NULL), "jid", &devices[i]);
	return iq;
}

/* Exactly len bytes. */
static const uint8_t *
fixed(const struct node *parent, const char *tag, size_t len)
{
	size_t n = 0;
	const uint8_t *data = node_data(node_find(parent, tag), &n);

	return data != NULL && n == len ? data : NULL;
}

static int
read_number(const struct node *parent, const char *tag, size_t len, uint32_t *ret)
{
	const uint8_t *data = fixed(parent, tag, len);
	uint32_t v = 0;

	if (data == NULL)
		return -1;
	for (size_t i = 0; i < len; i++)
		v = v << 8 | data[i];
	*ret = v;
	return 0;
}

static int
read_bytes(const struct node *parent, const char *tag, size_t len, uint8_t *ret)
{
	const uint8_t *data = fixed(parent, tag, len);

	if (data == NULL)
		return -1;
	memcpy(ret, data, len);
	return 0;
}

int
bundle_read(const struct node *user, struct signal_bundle *ret)
{
	const struct node *wrapped = node_find(user, "keys");
	const struct node *keys = wrapped != NULL ? wrapped : user;
	const struct node *registration = node_find(keys, "registration") != NULL ? keys : user;
	const struct node *key = node_find(keys, "key"), *skey = node_find(keys, "skey");
	const uint8_t *type = fixed(keys, "type", 1);
	const bool typed = node_find(keys, "type") != NULL;
	struct signal_bundle b = {0};

	if (typed && (type == NULL || *type != KEY_TYPE))
		return -1;
	if (read_number(registration, "registration", REGISTRATION_LEN, &b.registration_id) != 0 ||
	    read_bytes(keys, "identity", sizeof(b.identity), b.identity) != 0 ||
	    read_number(skey, "id", ID_LEN, &b.signed_prekey_id) != 0 ||
	    read_bytes(skey, "value", sizeof(b.signed_prekey), b.signed_prekey) != 0 ||
	    read_bytes(skey, "signature", sizeof(b.signature), b.signature) != 0)
		return -1;
	b.has_prekey = key != NULL;
	if (key != NULL && (read_number(key, "id", ID_LEN, &b.prekey_id) != 0 ||
			       read_bytes(key, "value", sizeof(b.prekey), b.prekey) != 0))
		return -1;
	*ret = b;
	return 0;
}
