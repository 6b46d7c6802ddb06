/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Accounts: numbers, LIDs, names. Keys and phones are made when they are first needed. Their
 * devices are in account_devices.c.
 */
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "common/log.h"
#include "common/phone.h"
#include "common/xalloc.h"
#include "tests/sim/server.h"

#define LABEL_MAX 96
#define LID_FIRST 100000000000000u /* 15 digits */
#define LID_COUNT 900000000000000u

static int
by_phone(const void *a, const void *b)
{
	const struct account *x = a, *y = b;

	return strcmp(x->phone, y->phone);
}

static int
by_lid(const void *a, const void *b)
{
	const struct account *x = a, *y = b;

	return strcmp(x->lid, y->lid);
}

static struct account *
find(void *const *tree, const struct account *like, int (*compare)(const void *, const void *))
{
	struct account **at = tfind(like, tree, compare);

	return at != NULL ? *at : NULL;
}

static bool
lid_taken(const struct sim *s, const char *lid)
{
	struct account like = {0};

	(void)snprintf(like.lid, sizeof(like.lid), "%s", lid);
	return find(&s->by_lid, &like, by_lid) != NULL;
}

/* -- making --------------------------------------------------------------------------- */

static void
choose_lid(struct account *a)
{
	char label[LABEL_MAX];
	uint8_t bytes[32];
	uint64_t v;

	for (unsigned n = 0;; n++) {
		(void)snprintf(label, sizeof(label), "phone/%s/lid/%u", a->phone, n);
		sim_derive(a->sim, label, bytes);
		memcpy(&v, bytes, sizeof(v));
		(void)snprintf(a->lid, sizeof(a->lid), "%llu",
		    (unsigned long long)(LID_FIRST + v % LID_COUNT));
		if (!lid_taken(a->sim, a->lid)) {
			memcpy(&a->raw_id, bytes + sizeof(v), sizeof(a->raw_id));
			return;
		}
	}
}

static struct account *
account_new(struct sim *s, const char *phone)
{
	struct account *a;

	if (s->account_count >= ACCOUNTS_MAX) {
		log_warn("account.too_many", LOG_INT("max", ACCOUNTS_MAX));
		return NULL;
	}
	a = xcalloc(1, sizeof(*a));
	a->sim = s;
	a->key = xcalloc(1, sizeof(*a->key));
	a->registered = true;
	(void)snprintf(a->phone, sizeof(a->phone), "%s", phone);
	choose_lid(a);
	standing_init(a);
	if (tsearch(a, &s->by_phone, by_phone) == NULL || tsearch(a, &s->by_lid, by_lid) == NULL)
		abort(); /* as xalloc.h */
	TAILQ_INSERT_TAIL(&s->accounts, a, entry);
	s->account_count++;
	return a;
}

static bool
is_phone(const char *text)
{
	const size_t len = strlen(text);

	return len >= PHONE_DIGITS_MIN && len <= DIGITS_MAX && text[0] != '0' &&
	       strspn(text, "0123456789") == len;
}

struct account *
account_find(struct sim *s, const char *phone, bool create)
{
	struct account like = {0};
	struct account *a;

	if (!is_phone(phone))
		return NULL;
	(void)snprintf(like.phone, sizeof(like.phone), "%s", phone);
	a = find(&s->by_phone, &like, by_phone);
	return a != NULL || !create ? a : account_new(s, phone);
}

struct account *
account_by_jid(struct sim *s, const struct jid *jid)
{
	struct account like = {0};

	if (jid->server == JID_SERVER_PN || jid->server == JID_SERVER_LEGACY)
		return account_find(s, jid->user, true);
	if (jid->server != JID_SERVER_LID || strlen(jid->user) > DIGITS_MAX)
		return NULL;
	(void)snprintf(like.lid, sizeof(like.lid), "%.15s", jid->user);
	return find(&s->by_lid, &like, by_lid);
}

static void
account_free(struct account *a)
{
	for (unsigned i = 0; i < a->device_count; i++)
		device_free(&a->devices[i]);
	if (a->phone0 != NULL)
		phone_free(&a->phone0);
	OPENSSL_cleanse(a->key, sizeof(*a->key));
	free(a->key);
	free(a->push_name);
	free(a->business);
	free(a->watchers);
	standing_done(a);
	free(a);
}

static void
keep(void *node)
{
	(void)node;
}

void
account_free_all(struct sim *s)
{
	struct account *a;

	tdestroy(s->by_phone, keep);
	tdestroy(s->by_lid, keep);
	while ((a = TAILQ_FIRST(&s->accounts)) != NULL) {
		TAILQ_REMOVE(&s->accounts, a, entry);
		account_free(a);
	}
}

/* -- what they are -------------------------------------------------------------------- */

struct account *
account_first(struct sim *s)
{
	return TAILQ_FIRST(&s->accounts);
}

struct account *
account_next(struct account *a)
{
	return TAILQ_NEXT(a, entry);
}

const char *
account_phone(const struct account *a)
{
	return a->phone;
}

struct jid
account_jid(const struct account *a, unsigned device, enum jid_server server)
{
	return jid_make(server, server == JID_SERVER_LID ? a->lid : a->phone, device);
}

struct jid
account_pn(const struct account *a, unsigned device)
{
	return account_jid(a, device, JID_SERVER_PN);
}

struct jid
account_lid(const struct account *a, unsigned device)
{
	return account_jid(a, device, JID_SERVER_LID);
}

struct phone *
account_device0(struct account *a)
{
	if (a->phone0 == NULL)
		a->phone0 = phone_new(a->sim, a);
	return a->phone0;
}

const char *
account_push_name(const struct account *a)
{
	return a->push_name != NULL ? a->push_name : "";
}

void
account_set_business(struct account *a, const char *name)
{
	free(a->business);
	a->business = name[0] != '\0' ? xstrdup(name) : NULL;
}

const char *
account_business(const struct account *a)
{
	return a->business;
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

bool
account_registered(const struct account *a)
{
	return a->registered;
}

void
account_set_push_name(struct account *a, const char *name)
{
	free(a->push_name);
	a->push_name = xstrdup(name);
}

void
account_set_registered(struct account *a, bool registered)
{
	a->registered = registered;
}

int
account_set_lid(struct account *a, const char *lid)
{
	const size_t len = strlen(lid);

	if (strcmp(a->lid, lid) == 0)
		return 0;
	if (a->lid_used || len == 0 || len > DIGITS_MAX || strspn(lid, "0123456789") != len ||
	    lid_taken(a->sim, lid))
		return -1;
	(void)tdelete(a, &a->sim->by_lid, by_lid);
	(void)snprintf(a->lid, sizeof(a->lid), "%s", lid);
	if (tsearch(a, &a->sim->by_lid, by_lid) == NULL)
		abort();
	return 0;
}

const struct curve_pair *
account_key(const struct account *a)
{
	char label[LABEL_MAX];
	uint8_t priv[CURVE_KEY_LEN];

	if (!a->key->made) {
		(void)snprintf(label, sizeof(label), "phone/%s/identity", a->phone);
		if (a->generation > 0)
			(void)snprintf(
			    label, sizeof(label), "phone/%s/identity/%u", a->phone, a->generation);
		sim_derive(a->sim, label, priv);
		if (curve_from_private(priv, &a->key->pair) != 0)
			abort();
		a->key->made = true;
		OPENSSL_cleanse(priv, sizeof(priv));
	}
	return &a->key->pair;
}
