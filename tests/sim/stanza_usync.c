/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * usync: who has which devices, which LID, and is on WhatsApp at all. Answers come in the address
 * space of the question, except for numbers asked with addressing_mode=lid. PROTOCOL sections
 * 10, 14.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/phone.h"
#include "common/xalloc.h"
#include "tests/sim/server.h"
#include "wa.pb-c.h"

#define USERS_MAX 2000
#define LIST_MAX 4096
#define NUMBER_MAX 64

/* One user of a query. */
struct asked {
	struct conn *c;
	struct account *account; /* NULL: no such number */
	struct jid jid;		 /* as it was asked, or what stands for it */
	const char *contact;	 /* the number as it was asked; NULL: asked by jid */
	bool by_lid;		 /* addressing_mode=lid */
};

/* -- what can be asked ---------------------------------------------------------------- */

static void
add_devices(struct asked *u, struct node *user, const struct node *protocol)
{
	struct node *devices = node_child(user, "devices", NULL);
	struct node *list = node_child(devices, "device-list", NULL);
	const struct peer who = {u->c->device->account, u->c->device};
	struct buf signed_list = BUF_INIT(LIST_MAX);
	struct node *n;

	(void)protocol;
	if (u->account == NULL || !u->account->registered)
		return;
	(void)node_child(list, "device", "id", "0", NULL);
	for (unsigned i = 0; i < u->account->device_count; i++) {
		const struct device *d = u->account->devices[i];

		n = node_child(list, "device", NULL);
		node_set_int(n, "id", d->number);
		node_set_int(n, "key-index", d->key_index);
	}
	account_told(u->account, &who);
	if (u->account->device_count == 0)
		return;
	key_index_list(u->account, sim_now(), &signed_list);
	n = node_child(devices, "key-index-list", NULL);
	node_set_int(n, "ts", sim_now());
	node_bytes(n, signed_list.data, signed_list.len);
	buf_done(&signed_list);
}

static void
add_lid(struct asked *u, struct node *user, const struct node *protocol)
{
	struct jid lid;

	(void)protocol;
	if (u->account == NULL || !u->account->registered)
		return;
	u->account->lid_used = true;
	lid = account_lid(u->account, 0);
	node_set_jid(node_child(user, "lid", NULL), "val", &lid);
}

static void
add_contact(struct asked *u, struct node *user, const struct node *protocol)
{
	struct node *n = node_child(user, "contact", NULL);

	(void)protocol;
	if (u->account == NULL)
		node_set(n, "type", "invalid");
	else
		node_set(n, "type", u->account->registered ? "in" : "out");
	if (u->contact != NULL)
		node_bytes(n, u->contact, strlen(u->contact));
}

static void
add_disappearing(struct asked *u, struct node *user, const struct node *protocol)
{
	(void)u;
	(void)protocol;
	(void)node_child(user, "disappearing_mode", "duration", "0", "t", "0", NULL);
}

/* The certificate, of which nobody here looks at the signatures. */
static void
add_business(struct asked *u, struct node *user, const struct node *protocol)
{
	struct node *business = node_child(user, "business", NULL);
	Wa__VerifiedNameCertificate m = WA__VERIFIED_NAME_CERTIFICATE__INIT;
	Wa__VerifiedNameDetails details = WA__VERIFIED_NAME_DETAILS__INIT;
	uint8_t inner[512], outer[1024];
	size_t len;

	if (u->account == NULL || u->account->business == NULL ||
	    node_find(protocol, "verified_name") == NULL)
		return;
	details.has_serial = 1;
	details.serial = u->account->raw_id;
	details.verified_name = u->account->business;
	if (wa__verified_name_details__get_packed_size(&details) > sizeof(inner))
		return;
	m.has_details = 1;
	m.details.data = inner;
	m.details.len = wa__verified_name_details__pack(&details, inner);
	len = wa__verified_name_certificate__pack(&m, outer);
	node_bytes(node_child(business, "verified_name", NULL), outer, len);
}

/* Nothing to be known. */
static void
add_empty(struct asked *u, struct node *user, const struct node *protocol)
{
	(void)u;
	(void)node_child(user, node_tag(protocol), NULL);
}

static const struct {
	const char *tag;
	void (*add)(struct asked *u, struct node *user, const struct node *protocol);
} protocols[] = {
    {"devices", add_devices},
    {"lid", add_lid},
    {"contact", add_contact},
    {"disappearing_mode", add_disappearing},
    {"business", add_business},
    {"status", add_empty},
    {"picture", add_empty},
    {"username", add_empty},
    {"feature", add_empty},
    {"text_status", add_empty},
    {"bot", add_empty},
};

/* -- who is asked for ----------------------------------------------------------------- */

/* "+62812…" or "+62812…@c.us": the digits. */
static void
number_of(const char *contact, char ret_digits[NUMBER_MAX])
{
	const char *from = contact[0] == '+' ? contact + 1 : contact;
	const size_t len = strcspn(from, "@");

	(void)snprintf(ret_digits, NUMBER_MAX, "%.*s", (int)(len < NUMBER_MAX ? len : 0), from);
}

static void
ask_by_number(struct asked *u, const char *contact)
{
	char digits[NUMBER_MAX];

	u->contact = contact;
	number_of(contact, digits);
	u->account = account_find(u->c->sim, digits, true);
	if (u->account == NULL)
		u->jid = jid_make(JID_SERVER_PN, digits, 0);
	else if (u->by_lid && u->account->registered)
		u->jid = account_lid(u->account, 0);
	else
		u->jid = account_pn(u->account, 0);
}

static int
ask(struct asked *u, const struct node *user)
{
	size_t len;
	const uint8_t *contact = node_data(node_find(user, "contact"), &len);

	if (node_get_jid(user, "jid", &u->jid) == 0) {
		u->account = account_by_jid(u->c->sim, &u->jid);
		return jid_is_user(&u->jid) && u->jid.device == 0 ? 0 : -1;
	}
	if (contact == NULL)
		return -1;
	ask_by_number(u, (const char *)contact); /* node_data ends with a NUL */
	return 0;
}

static void
add_user(struct asked *u, struct node *list, const struct node *query)
{
	struct node *user = node_child(list, "user", NULL);
	struct jid pn;

	node_set_jid(user, "jid", &u->jid);
	if (u->account != NULL && u->contact != NULL && u->by_lid) {
		pn = account_pn(u->account, 0);
		u->account->lid_used = true;
		node_set_jid(user, "pn_jid", &pn);
	}
	for (const struct node *p = node_first(query); p != NULL; p = node_next(p))
		for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++)
			if (node_is(p, protocols[i].tag))
				protocols[i].add(u, user, p);
}

void
iq_usync(struct conn *c, const struct node *iq, const struct node *child)
{
	const struct node *query = node_find(child, "query");
	struct node *n = iq_result(iq);
	struct node *usync =
	    node_child(n, "usync", "sid", node_get(child, "sid"), "index", "0", "last", "true",
		"mode", node_get(child, "mode"), "context", node_get(child, "context"), NULL);
	struct node *list;
	const bool by_lid = node_get_is(node_find(query, "contact"), "addressing_mode", "lid");
	unsigned count = 0;

	(void)node_child(usync, "result", NULL);
	list = node_child(usync, "list", NULL);
	for (const struct node *u = node_first(node_find(child, "list")); u != NULL;
	     u = node_next(u)) {
		struct asked asked = {.c = c, .by_lid = by_lid};

		if (++count > USERS_MAX || ask(&asked, u) != 0) {
			conn_violation(c, "usync", "a user without address, or too many");
			node_free(&n);
			iq_error(c, iq, 400, NULL);
			return;
		}
		add_user(&asked, list, query);
	}
	if (node_first(query) == NULL)
		conn_violation(c, "usync", "nothing is asked for");
	conn_send(c, n);
}

/* -- the signed list of key indexes --------------------------------------------------- */

static void
put_varint(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_add_u8(b, (uint8_t)(v | 0x80));
	buf_add_u8(b, (uint8_t)v);
}

static void
put_number(struct buf *b, unsigned field, uint64_t v)
{
	put_varint(b, field << 3);
	put_varint(b, v);
}

static void
put_bytes(struct buf *b, unsigned field, const void *data, size_t len)
{
	put_varint(b, field << 3 | 2);
	put_varint(b, len);
	buf_add(b, data, len);
}

/* ADVSignedKeyIndexList{details=1, accountSignature=2, accountSignatureKey=3} over
 * ADVKeyIndexList{rawID=1, timestamp=2, currentIndex=3, validIndexes=4}. */
void
key_index_list(struct account *a, int64_t t, struct buf *out)
{
	struct buf details = BUF_INIT(LIST_MAX), text = BUF_INIT(LIST_MAX);
	uint8_t signature[CURVE_SIGNATURE_LEN];

	put_number(&details, 1, a->raw_id);
	put_number(&details, 2, (uint64_t)t);
	put_number(&details, 3, a->last_number);
	put_number(&details, 4, 0);
	for (unsigned i = 0; i < a->device_count; i++)
		put_number(&details, 4, a->devices[i]->key_index);
	buf_add(&text, (const uint8_t[]){6, 2}, 2);
	buf_add(&text, details.data, details.len);
	if (curve_sign(account_key(a)->priv, text.data, text.len, signature) != 0)
		abort();
	put_bytes(out, 1, details.data, details.len);
	put_bytes(out, 2, signature, sizeof(signature));
	put_bytes(out, 3, account_key(a)->pub, CURVE_KEY_LEN);
	buf_done(&details);
	buf_done(&text);
}
