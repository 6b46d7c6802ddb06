/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Notifications of devices and of groups' members. A list of devices that is known is changed as
 * the notification says and kept when its hash is the server's; else the next send asks. Devices
 * that are gone lose their sessions.
 */
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "waconnd/link/lid.h"
#include "waconnd/link/notice.h"

/* -- one change (pure) -- */

static int
read_what(const struct node *change, enum device_change *ret)
{
	static const char *const names[] = {
	    [DEVICES_ADDED] = "add", [DEVICES_REMOVED] = "remove", [DEVICES_UPDATED] = "update"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (node_is(change, names[i])) {
			*ret = (enum device_change)i;
			return 0;
		}
	return -1;
}

static void
read_hash(const struct node *change, const char *key, char ret[PHASH_LEN + 1])
{
	const char *text = node_get(change, key);

	if (text != NULL && strlen(text) == PHASH_LEN)
		memcpy(ret, text, PHASH_LEN + 1);
}

static bool
is_hosted(const struct jid *jid)
{
	return jid->server == JID_SERVER_HOSTED || jid->server == JID_SERVER_HOSTED_LID;
}

int
device_notice_read(const struct node *change, struct device_notice *ret)
{
	struct device_notice c = {0};
	struct jid jid;

	if (read_what(change, &c.what) != 0)
		return -1;
	read_hash(change, "device_hash", c.hash);
	read_hash(change, "device_lid_hash", c.lid_hash);
	for (const struct node *d = node_first(change); d != NULL; d = node_next(d)) {
		if (!node_is(d, "device") || c.n == USER_DEVICES_MAX ||
		    (node_get_jid(d, "jid", &jid) != 0 && node_get_jid(d, "lid", &jid) != 0) ||
		    !jid_is_user(&jid))
			continue;
		c.devices[c.n++] = (struct device_id){.id = jid.device, .hosted = is_hosted(&jid)};
	}
	*ret = c;
	return 0;
}

static size_t
place_of(const struct device_list *list, uint16_t id)
{
	size_t i = 0;

	while (i < list->n && list->ids[i].id != id)
		i++;
	return i;
}

static bool
change_list(const struct device_notice *c, struct device_list *list)
{
	for (size_t i = 0; i < c->n; i++) {
		const size_t at = place_of(list, c->devices[i].id);

		if (c->what == DEVICES_ADDED && at == list->n) {
			if (list->n == USER_DEVICES_MAX)
				return false;
			list->ids[list->n++] = c->devices[i];
		} else if (c->what == DEVICES_REMOVED && at < list->n) {
			list->ids[at] = list->ids[--list->n];
		}
	}
	return true;
}

static bool
hash_is(const struct device_list *list, const struct jid *user, const char *hash)
{
	struct jid devices[USER_DEVICES_MAX];
	char made[PHASH_LEN + 1];

	for (size_t i = 0; i < list->n; i++)
		devices[i] = device_address(user, list->ids[i]);
	plain_phash(devices, list->n, made);
	return strcmp(made, hash) == 0;
}

bool
device_notice_apply(const struct device_notice *c, const struct jid *pn, const struct jid *lid,
    const struct device_list *list, struct device_list *ret)
{
	struct device_list changed = *list;

	if (c->what == DEVICES_UPDATED || !change_list(c, &changed))
		return false;
	if (c->lid_hash[0] != '\0' && !jid_is_none(lid)) {
		if (!hash_is(&changed, lid, c->lid_hash))
			return false;
	} else if (c->hash[0] == '\0' || jid_is_none(pn) || !hash_is(&changed, pn, c->hash)) {
		return false;
	}
	*ret = changed;
	return true;
}

/* -- devices -- */

static void
drop_sessions(struct messaging *m, const struct device_notice *c, const struct jid *user)
{
	for (size_t i = 0; i < c->n && !jid_is_none(user); i++) {
		const struct jid device = device_address(user, c->devices[i]);

		if (device.device != 0)
			signal_drop_device(m->signal, &device);
	}
}

/* What is known of them under one of their addresses. */
static void
change_known(struct messaging *m, const struct device_notice *c, const struct jid *pn,
    const struct jid *lid, const struct jid *user)
{
	const int64_t now = clock_monotonic_ms();
	const struct device_list *list =
	    jid_is_none(user) ? NULL : device_cache_find(m->devices, user, now);
	struct device_list changed;

	if (list == NULL)
		return;
	if (device_notice_apply(c, pn, lid, list, &changed)) {
		device_cache_put(m->devices, user, &changed, now);
		return;
	}
	log_debug("notice.devices_unclear", LOG_STR("outlet", link_outlet(m->link)),
	    LOG_PHONE("user", user->user));
	device_cache_drop(m->devices, user);
}

void
notice_devices(struct messaging *m, const struct node *notification)
{
	const struct credentials *c = link_credentials(m->link);
	struct device_notice change;
	struct jid pn, lid;

	if (notice_read_user(notification, "lid", &pn, &lid) != 0)
		return;
	if (messaging_is_own_user(m, &pn) || messaging_is_own_user(m, &lid)) {
		pn = jid_without_device(&c->own);
		lid = jid_without_device(&c->own_lid);
	}
	lid_learn(m, &pn, &lid);
	if (jid_is_none(&lid))
		(void)lid_find(m, &pn, &lid);
	for (const struct node *n = node_first(notification); n != NULL; n = node_next(n)) {
		if (device_notice_read(n, &change) != 0)
			continue;
		change_known(m, &change, &pn, &lid, &pn);
		change_known(m, &change, &pn, &lid, &lid);
		if (change.what == DEVICES_REMOVED) {
			drop_sessions(m, &change, &pn);
			drop_sessions(m, &change, &lid);
		}
	}
	key_cache_commit(m->keys, NULL, NULL);
}

/* The next send asks: what the notification lists is not all that a list of devices says. */
void
notice_own_devices(struct messaging *m)
{
	const struct credentials *c = link_credentials(m->link);

	device_cache_drop(m->devices, &c->own);
	device_cache_drop(m->devices, &c->own_lid);
}

/* -- groups -- */

/* A participant is named by one address and has the other beside. */
static void
learn_participant(struct messaging *m, const struct node *participant)
{
	struct jid jid, other;

	if (node_get_jid(participant, "jid", &jid) != 0 || !stanza_id_is_plain(jid.user))
		return;
	jid = jid_without_device(&jid);
	if (jid.server == JID_SERVER_LID &&
	    node_get_jid(participant, "phone_number", &other) == 0 &&
	    stanza_id_is_plain(other.user)) {
		other = jid_without_device(&other);
		lid_learn(m, &other, &jid);
	} else if (node_get_jid(participant, "lid", &other) == 0 &&
		   stanza_id_is_plain(other.user)) {
		other = jid_without_device(&other);
		lid_learn(m, &jid, &other);
	}
}

/* How many of its children were participants. */
static size_t
learn_participants(struct messaging *m, const struct node *parent, size_t left)
{
	size_t n = 0;

	for (const struct node *c = node_first(parent); c != NULL && n < left; c = node_next(c))
		if (node_is(c, "participant")) {
			learn_participant(m, c);
			n++;
		}
	return n;
}

void
notice_group(struct messaging *m, const struct node *notification)
{
	size_t n = 0;

	/* <add>, <remove>, … hold them; <create> and <add> of a whole group hold a <group>. */
	for (const struct node *c = node_first(notification); c != NULL; c = node_next(c)) {
		n += learn_participants(m, c, NOTICE_PAIRS_MAX - n);
		n += learn_participants(m, node_find(c, "group"), NOTICE_PAIRS_MAX - n);
	}
	if (n > 0)
		key_cache_commit(m->keys, NULL, NULL);
}
