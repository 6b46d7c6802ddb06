/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The server's side of sim.h for tests of phones and control: accounts in an array, stanzas routed
 * at once, no sockets. A companion is an account of its own that is not in the array: its `phone`
 * has the Signal side, and `of` says for whom it speaks.
 */
#ifndef TESTS_UNIT_SIM_FAKE_SERVER_H
#define TESTS_UNIT_SIM_FAKE_SERVER_H

#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wa/adv.h"
#include "common/wa/kdf.h"
#include "common/wa/signal_crypto.h"
#include "common/xalloc.h"
#include "tests/sim/media.h"
#include "tests/sim/phone_internal.h"
#include "tests/sim/record.h"

#define FAKE_ACCOUNTS_MAX 16
#define FAKE_KEPT_MAX 64

struct account {
	struct sim *sim;
	char phone_digits[24], lid[24], name[32];
	bool unregistered;
	struct curve_pair key;
	struct phone *phone;
	struct account *companion; /* device 1; NULL: none */
	struct account *of;	   /* a companion's account */
	struct buf adv;		   /* a companion's device-identity */
	bool lid_refused;
	enum sim_mex mex;
	enum sim_passkey passkey;
	bool quiet;
	uint32_t lock_seconds, quota_used, quota_seconds;
	char lock_type[32];
	int64_t quota;
};

struct sim {
	struct event_base *base;
	signal_context *signal;
	struct record *record;
	struct media *media;
	struct account *accounts[FAKE_ACCOUNTS_MAX];
	size_t count;
	bool hold; /* keep what is submitted instead of routing it */
	/* stanzas as submitted (with the sender as "from") and what came to companions, oldest
	 * first */
	struct node *kept[FAKE_KEPT_MAX], *arrived[FAKE_KEPT_MAX];
	size_t kept_count, arrived_count;
	unsigned faults;
};

/* -- accounts ------------------------------------------------------------------------------- */

struct event_base *
sim_base(struct sim *s)
{
	return s->base;
}

signal_context *
sim_signal(struct sim *s)
{
	return s->signal;
}

struct media *
sim_media(struct sim *s)
{
	if (s->media == NULL)
		s->media = media_new(s);
	return s->media;
}

struct record *
sim_record(struct sim *s)
{
	return s->record;
}

void
sim_derive(const struct sim *s, const char *label, uint8_t ret[32])
{
	(void)s;
	sha256(label, strlen(label), ret);
}

static struct account *
account_make(struct sim *s, const char *phone, const char *what)
{
	struct account *a = xcalloc(1, sizeof(*a));
	uint8_t priv[32];
	char label[64];

	a->sim = s;
	snprintf(a->phone_digits, sizeof(a->phone_digits), "%s", phone);
	snprintf(a->lid, sizeof(a->lid), "1%s", phone);
	snprintf(label, sizeof(label), "%s/%s", what, phone);
	sim_derive(s, label, priv);
	assert_int_equal(curve_from_private(priv, &a->key), 0);
	a->phone = phone_new(s, a);
	buf_init(&a->adv, 4096);
	return a;
}

struct account *
account_find(struct sim *s, const char *phone, bool create)
{
	for (size_t i = 0; i < s->count; i++)
		if (strcmp(s->accounts[i]->phone_digits, phone) == 0)
			return s->accounts[i];
	if (!create)
		return NULL;
	assert_in_range(s->count, 0, FAKE_ACCOUNTS_MAX - 1);
	return s->accounts[s->count++] = account_make(s, phone, "identity");
}

struct account *
account_by_jid(struct sim *s, const struct jid *jid)
{
	if (jid->server == JID_SERVER_PN)
		return account_find(s, jid->user, true);
	for (size_t i = 0; i < s->count; i++)
		if (jid->server == JID_SERVER_LID && strcmp(s->accounts[i]->lid, jid->user) == 0)
			return s->accounts[i];
	return NULL;
}

struct account *
account_first(struct sim *s)
{
	return s->count > 0 ? s->accounts[0] : NULL;
}

struct account *
account_next(struct account *a)
{
	struct sim *s = a->sim;

	for (size_t i = 0; i + 1 < s->count; i++)
		if (s->accounts[i] == a)
			return s->accounts[i + 1];
	return NULL;
}

const char *
account_phone(const struct account *a)
{
	return a->phone_digits;
}

struct jid
account_pn(const struct account *a, unsigned device)
{
	return jid_make(JID_SERVER_PN, a->phone_digits, device);
}

struct jid
account_lid(const struct account *a, unsigned device)
{
	return jid_make(JID_SERVER_LID, a->lid, device);
}

struct phone *
account_device0(struct account *a)
{
	return a->phone;
}

const char *
account_push_name(const struct account *a)
{
	return a->name;
}

bool
account_registered(const struct account *a)
{
	return !a->unregistered;
}

void
account_set_push_name(struct account *a, const char *name)
{
	snprintf(a->name, sizeof(a->name), "%s", name);
}

void
account_set_registered(struct account *a, bool registered)
{
	a->unregistered = !registered;
}

int
account_set_lid(struct account *a, const char *lid)
{
	if (a->lid_refused)
		return -1;
	snprintf(a->lid, sizeof(a->lid), "%s", lid);
	return 0;
}

void
account_set_mex(struct account *a, enum sim_mex mex)
{
	a->mex = mex;
}

void
account_set_business(struct account *a, const char *name)
{
	(void)a, (void)name;
}

const char *
account_business(const struct account *a)
{
	(void)a;
	return NULL;
}

int
sim_send_bare(struct sim *s, struct account *from, struct account *to, const char *id,
    const char *what, const struct jid *group)
{
	(void)s, (void)from, (void)to, (void)id, (void)group;
	return strcmp(what, "unavailable") == 0 ? 0 : -1;
}

void
account_set_passkey(struct account *a, enum sim_passkey passkey)
{
	a->passkey = passkey;
}

enum sim_passkey
account_passkey(const struct account *a)
{
	return a->passkey;
}

const char *
account_passkey_code(struct account *a)
{
	return a->passkey == SIM_PASSKEY_DEMANDED ? "ABCD-EFGH" : NULL;
}

void
account_set_quiet(struct account *a, bool quiet)
{
	a->quiet = quiet;
}

void
account_set_timelock(struct account *a, uint32_t seconds, const char *type)
{
	a->lock_seconds = seconds;
	snprintf(a->lock_type, sizeof(a->lock_type), "%s", type != NULL ? type : "-");
}

void
account_set_quota(struct account *a, int64_t quota, uint32_t used, uint32_t seconds)
{
	a->quota = quota;
	a->quota_used = used;
	a->quota_seconds = seconds;
}

json_t *
account_standing_json(const struct account *a)
{
	return json_pack(
	    "{s:i, s:I}", "timelock", (int)a->lock_seconds, "quota", (json_int_t)a->quota);
}

const struct curve_pair *
account_key(const struct account *a)
{
	return &a->key;
}

size_t
account_devices(const struct account *a, unsigned ret_devices[SIM_DEVICES_MAX])
{
	ret_devices[0] = 0;
	if (a->companion == NULL)
		return 1;
	ret_devices[1] = 1;
	return 2;
}

json_t *
account_device_json(const struct account *a, unsigned device)
{
	(void)a;
	return json_pack("{s:i}", "device", (int)device);
}

/* -- companions ------------------------------------------------------------------------------- */

static void
account_free(struct account *a)
{
	if (a == NULL)
		return;
	account_free(a->companion);
	phone_free(&a->phone);
	buf_done(&a->adv);
	free(a);
}

int
account_unlink(struct account *a, unsigned device)
{
	if (device != 1 || a->companion == NULL)
		return -1;
	account_free(a->companion);
	a->companion = NULL;
	return 0;
}

void
account_renew(struct account *a, bool told)
{
	(void)told;
	if (a->companion != NULL)
		account_free(a->companion);
	a->companion = NULL;
}

/* Links device 1, with an identity that the account signed. */
static inline struct account *
fake_link(struct account *a)
{
	const uint8_t secret[ADV_SECRET_LEN] = {7};
	struct buf container = BUF_INIT(4096);
	struct account *c = account_make(a->sim, a->phone_digits, "companion");
	struct adv_result result;

	assert_int_equal(adv_issue(&a->key, c->key.pub, secret, 5, 1700000000, 1, &container), 0);
	assert_int_equal(
	    adv_accept(container.data, container.len, secret, &c->key, &result), ADV_OK);
	buf_add(&c->adv, result.account.data, result.account.len);
	adv_result_done(&result);
	buf_done(&container);
	c->of = a;
	return a->companion = c;
}

struct node *
account_bundle(struct sim *s, const struct jid *device)
{
	struct account *a = account_by_jid(s, device);
	struct node *user;

	if (a == NULL || device->device > 1 || (device->device == 1 && a->companion == NULL))
		return NULL;
	user = node_new("user", NULL);
	phone_bundle(device->device == 1 ? a->companion->phone : a->phone, user);
	return user;
}

/* -- routing ------------------------------------------------------------------------------------
 */

static void
fake_deliver(struct sim *s, const struct jid *to, struct node *take_stanza)
{
	struct account *a = account_by_jid(s, to);

	assert_non_null(a);
	if (to->device == 0) {
		phone_deliver(a->phone, take_stanza);
		node_free(&take_stanza);
		return;
	}
	assert_in_range(s->arrived_count, 0, FAKE_KEPT_MAX - 1);
	s->arrived[s->arrived_count++] = take_stanza;
}

static void
fake_graft(struct node *parent, const struct node *n)
{
	struct node *copy = node_child(parent, node_tag(n), NULL);
	const uint8_t *data;
	size_t len;

	for (size_t i = 0; i < node_attr_count(n); i++) {
		const struct node_attr *at = node_attr_at(n, i);

		if (at->jid != NULL)
			node_set_jid(copy, at->key, at->jid);
		else
			node_set(copy, at->key, at->text);
	}
	if ((data = node_data(n, &len)) != NULL)
		node_bytes(copy, data, len);
	for (const struct node *child = node_first(n); child != NULL; child = node_next(child))
		fake_graft(copy, child);
}

/* The stanza as one receiver sees it; `content` are the children that it gets. */
static struct node *
fake_envelope(const struct node *stanza, const struct jid *from, const struct node *content)
{
	struct node *n = node_new(node_tag(stanza), "id", node_get(stanza, "id"), "type",
	    node_get(stanza, "type"), "t", "1700000001", "category", node_get(stanza, "category"),
	    NULL);
	struct jid recipient;

	node_set_jid(n, "from", from);
	if (node_get_jid(stanza, "recipient", &recipient) == 0)
		node_set_jid(n, "recipient", &recipient);
	for (const struct node *c = node_first(content); c != NULL; c = node_next(c))
		fake_graft(n, c);
	return n;
}

static void
fake_route(struct sim *s, const struct jid *from, const struct node *stanza)
{
	const struct node *participants = node_find(stanza, "participants");
	struct jid to;

	assert_int_equal(node_get_jid(stanza, "to", &to), 0);
	if (participants == NULL) {
		fake_deliver(s, &to, fake_envelope(stanza, from, stanza));
		return;
	}
	for (const struct node *n = node_first(participants); n != NULL; n = node_next(n)) {
		struct node *one = fake_envelope(stanza, from, n);
		struct jid device;

		assert_int_equal(node_get_jid(n, "jid", &device), 0);
		if (jid_same_user(&device, from))
			node_set_jid(one, "recipient", &to);
		if (node_find(stanza, "device-identity") != NULL)
			fake_graft(one, node_find(stanza, "device-identity"));
		fake_deliver(s, &device, one);
	}
}

void
sim_submit(struct sim *s, const struct jid *from, struct node *take_stanza)
{
	assert_in_range(s->kept_count, 0, FAKE_KEPT_MAX - 1);
	node_set_jid(take_stanza, "from", from);
	s->kept[s->kept_count++] = take_stanza;
	if (!s->hold)
		fake_route(s, from, take_stanza);
}

/* How many stanzas like this phones and companions submitted; type "": none. */
static inline int
fake_submitted(const struct sim *s, const char *tag, const char *type)
{
	int n = 0;

	for (size_t i = 0; i < s->kept_count; i++) {
		const char *has = node_get(s->kept[i], "type");

		n += node_is(s->kept[i], tag) && strcmp(has != NULL ? has : "", type) == 0;
	}
	return n;
}

static inline void
fake_forget(struct sim *s)
{
	for (size_t i = 0; i < s->kept_count; i++)
		node_free(&s->kept[i]);
	for (size_t i = 0; i < s->arrived_count; i++)
		node_free(&s->arrived[i]);
	s->kept_count = s->arrived_count = 0;
}

/* -- life ----------------------------------------------------------------------------------------
 */

static int
fake_setup(void **state)
{
	struct sim *s = xcalloc(1, sizeof(*s));

	s->base = event_base_new();
	assert_non_null(s->base);
	assert_int_equal(wa_signal_context_new(&s->signal), 0);
	s->record = record_new(s->base);
	*state = s;
	return 0;
}

static int
fake_teardown(void **state)
{
	struct sim *s = *state;

	fake_forget(s);
	for (size_t i = 0; i < s->count; i++)
		account_free(s->accounts[i]);
	media_free(&s->media);
	record_free(&s->record);
	wa_signal_context_free(&s->signal);
	event_base_free(s->base);
	free(s);
	return 0;
}

#endif
