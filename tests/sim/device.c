/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A companion's keys: the stock of one-time pre-keys, each given out once, and the memory of every
 * id that was ever published. It knows nothing of connections.
 */
#include <stdlib.h>
#include <string.h>

#include "common/log.h"
#include "common/xalloc.h"
#include "tests/sim/server.h"

#define SENT_MAX 16384 /* ids, powers of two */
#define ACKED_MAX 1024
#define KEY_TYPE 0x05
#define ID_LEN 3

struct device *
device_new(struct account *a, unsigned number, const struct client_payload *p,
    const uint8_t noise_pub[CURVE_KEY_LEN])
{
	struct device *d = xcalloc(1, sizeof(*d));

	d->account = a;
	d->number = number;
	d->key_index = number;
	d->registration_id = p->registration_id;
	memcpy(d->noise_pub, noise_pub, CURVE_KEY_LEN);
	memcpy(d->identity, p->identity_pub, CURVE_KEY_LEN);
	d->skey.id = p->signed_prekey_id;
	memcpy(d->skey.pub, p->signed_prekey_pub, CURVE_KEY_LEN);
	memcpy(d->skey.sig, p->signed_prekey_sig, CURVE_SIGNATURE_LEN);
	TAILQ_INIT(&d->outbox);
	id_map_init(&d->sent, SENT_MAX);
	id_map_init(&d->acked, ACKED_MAX);
	return d;
}

void
device_free(struct device **dp)
{
	struct device *d = *dp;

	if (d == NULL)
		return;
	if (d->conn != NULL)
		d->conn->device = NULL;
	outbox_clear(d);
	id_map_done(&d->sent);
	id_map_done(&d->acked);
	free(d->adv);
	free(d->prekeys);
	free(d->spent);
	free(d);
	*dp = NULL;
}

/* -- pre-keys ------------------------------------------------------------------------- */

size_t
device_prekeys(const struct device *d)
{
	return d->prekey_count - d->prekey_first;
}

static uint32_t
print_of(const uint8_t pub[CURVE_KEY_LEN])
{
	uint32_t print;

	memcpy(&print, pub, sizeof(print));
	return print;
}

/* Where the id is or belongs. */
static size_t
spent_place(const struct device *d, uint32_t id)
{
	size_t low = 0, high = d->spent_count;

	while (low < high) {
		const size_t mid = (low + high) / 2;

		if (d->spent[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static struct spent_prekey *
spent_find(struct device *d, uint32_t id)
{
	const size_t at = spent_place(d, id);

	return at < d->spent_count && d->spent[at].id == id ? &d->spent[at] : NULL;
}

static void
spent_add(struct device *d, uint32_t id, const uint8_t pub[CURVE_KEY_LEN], bool in_stock)
{
	const size_t at = spent_place(d, id);

	if (d->spent_count == d->spent_room) {
		d->spent_room = d->spent_room == 0 ? 64 : d->spent_room * 2;
		d->spent = xreallocarray(d->spent, d->spent_room, sizeof(*d->spent));
	}
	memmove(&d->spent[at + 1], &d->spent[at], (d->spent_count - at) * sizeof(*d->spent));
	d->spent[at] = (struct spent_prekey){id, print_of(pub), in_stock};
	d->spent_count++;
}

static void
stock_add(struct device *d, uint32_t id, const uint8_t pub[CURVE_KEY_LEN])
{
	struct prekey *k;

	if (d->prekey_first > 0 && d->prekey_count == d->prekey_room) {
		d->prekey_count -= d->prekey_first;
		memmove(d->prekeys, &d->prekeys[d->prekey_first],
		    d->prekey_count * sizeof(*d->prekeys));
		d->prekey_first = 0;
	}
	if (d->prekey_count == d->prekey_room) {
		d->prekey_room = d->prekey_room == 0 ? 64 : d->prekey_room * 2;
		d->prekeys = xreallocarray(d->prekeys, d->prekey_room, sizeof(*d->prekeys));
	}
	k = &d->prekeys[d->prekey_count++];
	k->id = id;
	memcpy(k->pub, pub, CURVE_KEY_LEN);
}

static void
reused(struct device *d, const struct spent_prekey *s, uint32_t id, const uint8_t *pub)
{
	violation(d->account->sim, d->account, d->number, "prekey_reused", "pre-key id %u %s", id,
	    s->print != print_of(pub) ? "with another key" : "after it was given out");
}

void
device_add_prekey(struct device *d, uint32_t id, const uint8_t pub[CURVE_KEY_LEN])
{
	struct spent_prekey *s = spent_find(d, id);

	if (id == 0) {
		violation(d->account->sim, d->account, d->number, "prekey_zero", "pre-key id 0");
	} else if (s != NULL) {
		/* The same again while it is in stock: an upload whose answer was lost. */
		if (!s->in_stock || s->print != print_of(pub))
			reused(d, s, id, pub);
	} else if (device_prekeys(d) >= PREKEYS_MAX) {
		violation(d->account->sim, d->account, d->number, "prekeys_too_many",
		    "more than %u pre-keys", PREKEYS_MAX);
	} else {
		spent_add(d, id, pub, true);
		stock_add(d, id, pub);
	}
}

void
device_spend_prekey(struct device *d, uint32_t id, const uint8_t pub[CURVE_KEY_LEN])
{
	struct spent_prekey *s = spent_find(d, id);

	/* Asking for the same message again may carry the same key. */
	if (s == NULL)
		spent_add(d, id, pub, false);
	else if (s->in_stock || s->print != print_of(pub))
		reused(d, s, id, pub);
}

static void
tell_low(struct device *d)
{
	const struct jid server = jid_server_self();
	struct node *n;

	if (d->low_told || device_prekeys(d) >= PREKEYS_LOW)
		return;
	d->low_told = true;
	n = outbox_notification(d->account->sim, &server, "encrypt");
	node_set_int(node_child(n, "count", NULL), "value", (int64_t)device_prekeys(d));
	outbox_put(d, n);
}

/* -- what others fetch ---------------------------------------------------------------- */

static void
put_id(struct node *parent, uint32_t id)
{
	const uint8_t bytes[ID_LEN] = {(uint8_t)(id >> 16), (uint8_t)(id >> 8), (uint8_t)id};

	node_bytes(node_child(parent, "id", NULL), bytes, sizeof(bytes));
}

void
device_skey(const struct device *d, struct node *parent)
{
	struct node *skey = node_child(parent, "skey", NULL);

	put_id(skey, d->skey.id);
	node_bytes(node_child(skey, "value", NULL), d->skey.pub, CURVE_KEY_LEN);
	node_bytes(node_child(skey, "signature", NULL), d->skey.sig, CURVE_SIGNATURE_LEN);
}

static void
take_prekey(struct device *d, struct node *user)
{
	struct spent_prekey *s;
	struct prekey k;
	struct node *key;

	if (device_prekeys(d) == 0)
		return;
	k = d->prekeys[d->prekey_first++];
	if (d->prekey_first == d->prekey_count)
		d->prekey_first = d->prekey_count = 0;
	s = spent_find(d, k.id);
	if (s != NULL)
		s->in_stock = false;
	key = node_child(user, "key", NULL);
	put_id(key, k.id);
	node_bytes(node_child(key, "value", NULL), k.pub, CURVE_KEY_LEN);
	tell_low(d);
}

void
device_bundle(struct device *d, struct node *user)
{
	const uint8_t type = KEY_TYPE;
	uint8_t registration[4];

	for (unsigned i = 0; i < sizeof(registration); i++)
		registration[i] = (uint8_t)(d->registration_id >> (24 - 8 * i));
	node_bytes(node_child(user, "registration", NULL), registration, sizeof(registration));
	node_bytes(node_child(user, "type", NULL), &type, 1);
	node_bytes(node_child(user, "identity", NULL), d->identity, CURVE_KEY_LEN);
	take_prekey(d, user);
	device_skey(d, user);
	node_bytes(node_child(user, "device-identity", NULL), d->adv, d->adv_len);
}
