/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Accounts: numbers, LIDs, names, and which devices they have. Keys and phones are made when they
 * are first needed. It knows no stanza but the notification that a list of devices has changed.
 */
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/phone.h"
#include "common/wa/plain.h"
#include "common/xalloc.h"
#include "tests/sim/server.h"

#define LABEL_MAX 96
#define LID_FIRST 100000000000000u /* 15 digits */
#define LID_COUNT 900000000000000u
#define WATCHERS_MAX 64
#define LIST_MAX 4096
#define TOLD_GRACE_MS 5000 /* what a client sent before it read the list */

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
	free(a->watchers);
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
		sim_derive(a->sim, label, priv);
		if (curve_from_private(priv, &a->key->pair) != 0)
			abort();
		a->key->made = true;
		OPENSSL_cleanse(priv, sizeof(priv));
	}
	return &a->key->pair;
}

/* -- devices -------------------------------------------------------------------------- */

struct device *
account_device(const struct account *a, unsigned number)
{
	for (unsigned i = 0; i < a->device_count; i++)
		if (a->devices[i]->number == number)
			return a->devices[i];
	return NULL;
}

struct peer
account_peer(struct sim *s, const struct jid *jid)
{
	struct peer p = {.account = account_by_jid(s, jid)};

	if (p.account != NULL)
		p.device = account_device(p.account, jid->device);
	return p;
}

bool
peer_exists(const struct peer *p, const struct jid *jid)
{
	return p->account != NULL && (p->device != NULL || jid->device == 0);
}

unsigned
peer_number(const struct peer *p)
{
	return p->device != NULL ? p->device->number : 0;
}

bool
peer_equal(const struct peer *a, const struct peer *b)
{
	return a->account == b->account && a->device == b->device;
}

size_t
account_devices(const struct account *a, unsigned ret_devices[SIM_DEVICES_MAX])
{
	size_t n = 0;

	ret_devices[n++] = 0;
	for (unsigned i = 0; i < a->device_count; i++)
		ret_devices[n++] = a->devices[i]->number;
	return n;
}

json_t *
account_device_json(const struct account *a, unsigned device)
{
	const struct device *d = account_device(a, device);
	const struct jid jid = account_pn(a, device);
	char text[JID_TEXT_MAX];

	return json_pack("{s:i, s:s, s:b, s:i, s:i, s:b}", "device", (int)device, "jid",
	    jid_format(&jid, text), "connected", device == 0 || (d != NULL && d->conn != NULL),
	    "prekeys", d != NULL ? (int)device_prekeys(d) : 0, "offline",
	    d != NULL ? (int)d->outbox_count : 0, "loggedIn", d != NULL && d->conn != NULL);
}

unsigned
account_next_number(struct account *a)
{
	if (a->device_count >= COMPANIONS_MAX || a->last_number >= DEVICE_NUMBER_MAX)
		return 0;
	return ++a->last_number;
}

/* -- who is told of a change ---------------------------------------------------------- */

static struct watcher *
watcher_find(const struct account *a, const struct peer *who)
{
	for (size_t i = 0; i < a->watcher_count; i++)
		if (a->watchers[i].account == who->account &&
		    a->watchers[i].device == peer_number(who))
			return &a->watchers[i];
	return NULL;
}

static struct watcher *
watcher_add(struct account *a, const struct peer *who)
{
	struct watcher *w;

	if (a->watcher_count == a->watcher_room && a->watcher_room < WATCHERS_MAX) {
		a->watcher_room = a->watcher_room == 0 ? 2 : a->watcher_room * 2;
		a->watchers = xreallocarray(a->watchers, a->watcher_room, sizeof(*a->watchers));
	}
	if (a->watcher_count == a->watcher_room) {
		memmove(
		    a->watchers, a->watchers + 1, (a->watcher_count - 1) * sizeof(*a->watchers));
		a->watcher_count--;
	}
	w = &a->watchers[a->watcher_count++];
	*w = (struct watcher){.account = who->account, .device = peer_number(who)};
	return w;
}

void
account_told(struct account *a, const struct peer *who)
{
	struct watcher *w;

	if (who->device == NULL)
		return;
	a->lid_used = true;
	w = watcher_find(a, who);
	if (w == NULL)
		w = watcher_add(a, who);
	if (w->version == a->version && w->told_ms != 0)
		return;
	w->version = a->version;
	w->told_ms = clock_monotonic_ms();
}

bool
account_should_know(const struct account *a, const struct peer *who)
{
	const struct watcher *w = watcher_find(a, who);

	return w != NULL && w->version == a->version &&
	       clock_monotonic_ms() - w->told_ms > TOLD_GRACE_MS;
}

static void
devices_hash(const struct account *a, char ret_hash[PHASH_LEN + 1])
{
	unsigned numbers[SIM_DEVICES_MAX];
	struct jid jids[SIM_DEVICES_MAX];
	const size_t n = account_devices(a, numbers);

	for (size_t i = 0; i < n; i++)
		jids[i] = account_lid(a, numbers[i]);
	plain_phash(jids, n, ret_hash);
}

/* what: add or remove. */
static void
notify(struct account *a, struct device *to, const char *what, unsigned number)
{
	const struct jid from = account_pn(a, 0), lid = account_lid(a, 0);
	const struct jid device = account_pn(a, number), device_lid = account_lid(a, number);
	struct node *n = outbox_notification(a->sim, &from, "devices");
	struct buf list = BUF_INIT(LIST_MAX);
	char hash[PHASH_LEN + 1];
	struct node *change, *child;

	devices_hash(a, hash);
	node_set_jid(n, "lid", &lid);
	change = node_child(n, what, "device_hash", hash, NULL);
	child = node_child(change, "device", NULL);
	node_set_jid(child, "jid", &device);
	node_set_jid(child, "lid", &device_lid);
	child = node_child(change, "key-index-list", NULL);
	node_set_int(child, "ts", sim_now());
	if (strcmp(what, "add") == 0) {
		key_index_list(a, sim_now(), &list);
		node_bytes(child, list.data, list.len);
	}
	buf_done(&list);
	outbox_put(to, n);
}

static void
devices_changed(struct account *a, const char *what, unsigned number)
{
	const struct jid device = account_lid(a, number);

	a->version++;
	a->lid_used = true;
	phone_device_changed(account_device0(a), &device);
	for (unsigned i = 0; i < a->device_count; i++)
		if (a->devices[i]->number != number)
			notify(a, a->devices[i], what, number);
	for (size_t i = 0; i < a->watcher_count; i++) {
		struct device *d = account_device(a->watchers[i].account, a->watchers[i].device);

		if (d != NULL && a->watchers[i].account != a)
			notify(a, d, what, number);
	}
}

void
account_link(struct account *a, struct device *take_device)
{
	a->devices[a->device_count++] = take_device;
	devices_changed(a, "add", take_device->number);
}

int
account_unlink(struct account *a, unsigned device)
{
	struct device *d = account_device(a, device);
	unsigned at = 0;

	if (d == NULL)
		return -1;
	while (a->devices[at] != d)
		at++;
	a->device_count--;
	memmove(
	    &a->devices[at], &a->devices[at + 1], (a->device_count - at) * sizeof(struct device *));
	if (d->conn != NULL)
		conn_stream_error(d->conn, "401", "device_removed");
	device_free(&d);
	devices_changed(a, "remove", device);
	return 0;
}

struct node *
account_bundle(struct sim *s, const struct jid *device)
{
	const struct peer p = account_peer(s, device);
	struct node *user;

	if (!peer_exists(&p, device) || !p.account->registered)
		return NULL;
	user = node_new("user", NULL);
	node_set_jid(user, "jid", device);
	node_set_int(user, "t", sim_now());
	p.account->lid_used = true;
	if (p.device != NULL)
		device_bundle(p.device, user);
	else
		phone_bundle(account_device0(p.account), user);
	return user;
}
