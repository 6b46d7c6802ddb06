/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The devices of an account: which there are, linking and unlinking, and who is told of it: the
 * account's other devices, and those of others that asked for the list before.
 */
#include <string.h>

#include "common/clock.h"
#include "common/wa/plain.h"
#include "common/xalloc.h"
#include "tests/sim/server.h"

#define WATCHERS_MAX 64
#define LIST_MAX 4096
#define TOLD_GRACE_MS 5000 /* what a client sent before it read the list */

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
devices_hash(const struct account *a, enum jid_server space, char ret_hash[PHASH_LEN + 1])
{
	unsigned numbers[SIM_DEVICES_MAX];
	struct jid jids[SIM_DEVICES_MAX];
	const size_t n = account_devices(a, numbers);

	for (size_t i = 0; i < n; i++)
		jids[i] = account_jid(a, numbers[i], space);
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
	char hash[PHASH_LEN + 1], lid_hash[PHASH_LEN + 1];
	struct node *change, *child;

	devices_hash(a, JID_SERVER_PN, hash);
	devices_hash(a, JID_SERVER_LID, lid_hash);
	node_set_jid(n, "lid", &lid);
	change = node_child(n, what, "device_hash", hash, "device_lid_hash", lid_hash, NULL);
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

static void
notify_identity(struct account *a, struct device *to)
{
	const struct jid from = account_pn(a, 0), lid = account_lid(a, 0);
	struct node *n = outbox_notification(a->sim, &from, "encrypt");

	node_set_jid(n, "lid", &lid);
	(void)node_child(n, "identity", NULL);
	outbox_put(to, n);
}

void
account_renew(struct account *a, bool told)
{
	while (a->device_count > 0 && account_unlink(a, a->devices[0]->number) == 0)
		;
	a->generation++;
	a->key->made = false;
	for (size_t i = 0; told && i < a->watcher_count; i++) {
		struct device *d = account_device(a->watchers[i].account, a->watchers[i].device);

		if (d != NULL && a->watchers[i].account != a)
			notify_identity(a, d);
	}
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
