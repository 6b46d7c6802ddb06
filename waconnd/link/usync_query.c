/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Builds usync queries in the shapes that the clients in the field send, and reads their answers.
 * Pure. */
#include <stdio.h>
#include <string.h>

#include "common/utf8.h"
#include "waconnd/link/usync.h"
#include "wa.pb-c.h"

#define CERTIFICATE_MAX 4096

static struct node *
new_query(
    const char *mode_context, const char *sid, struct node **ret_query, struct node **ret_list)
{
	const struct jid server = jid_server_self();
	struct node *iq = node_new("iq", "type", "get", "xmlns", "usync", NULL);
	struct node *usync;

	node_set_jid(iq, "to", &server);
	usync = node_child(iq, "usync", "sid", sid, "mode", "query", "last", "true", "index", "0",
	    "context", mode_context, NULL);
	*ret_query = node_child(usync, "query", NULL);
	*ret_list = node_child(usync, "list", NULL);
	return iq;
}

struct node *
usync_devices_query(const struct jid *users, size_t n, const char *sid)
{
	struct node *query, *list, *iq = new_query("message", sid, &query, &list);

	(void)node_child(query, "devices", "version", "2", NULL);
	(void)node_child(query, "lid", NULL);
	for (size_t i = 0; i < n; i++)
		node_set_jid(node_child(list, "user", NULL), "jid", &users[i]);
	return iq;
}

struct node *
usync_contact_query(const struct jid *users, size_t n, const char *sid)
{
	struct node *query, *list, *iq = new_query("interactive", sid, &query, &list);
	char text[JID_TEXT_MAX];

	(void)node_child(query, "contact", "addressing_mode", "lid", NULL);
	(void)node_child(node_child(query, "business", NULL), "verified_name", NULL);
	(void)node_child(query, "disappearing_mode", NULL);
	(void)node_child(query, "username", NULL);
	for (size_t i = 0; i < n; i++) {
		(void)snprintf(text, sizeof(text), "+%s@c.us", users[i].user);
		node_text(node_child(node_child(list, "user", NULL), "contact", NULL), text);
	}
	return iq;
}

const struct node *
usync_users(const struct node *answer)
{
	return node_find(node_find(node_find(answer, "usync"), "list"), "user");
}

bool
usync_contact_is(const char *contact, const char *digits)
{
	const size_t len = strlen(digits);

	contact += contact[0] == '+';
	return strncmp(contact, digits, len) == 0 && (contact[len] == '\0' || contact[len] == '@');
}

/* A companion without key-index has no keys to be had. */
static void
read_device(const struct node *device, struct device_list *list)
{
	int64_t id;

	if (!node_is(device, "device") || list->n >= USER_DEVICES_MAX ||
	    node_get_int(device, "id", &id) != 0 || id < 0 || id > UINT16_MAX)
		return;
	if (id != 0 && node_get(device, "key-index") == NULL)
		return;
	for (size_t i = 0; i < list->n; i++)
		if (list->ids[i].id == (uint16_t)id)
			return;
	list->ids[list->n++] = (struct device_id){
	    .id = (uint16_t)id, .hosted = node_get_is(device, "is_hosted", "true")};
}

static void
read_contact(const struct node *contact, struct usync_user *u)
{
	size_t len = 0;
	const uint8_t *text = node_data(contact, &len);

	u->has_contact = true;
	u->on_whatsapp = node_get_is(contact, "type", "in");
	if (text != NULL && len < sizeof(u->contact)) {
		memcpy(u->contact, text, len);
		u->contact[len] = '\0';
	}
}

/* At most LINK_BUSINESS_MAX - 1 bytes of characters that can be shown. */
static void
copy_name(const char *name, char ret[LINK_BUSINESS_MAX])
{
	const size_t len = strlen(name);
	size_t n = 0;

	for (size_t i = 0, step; i < len; i += step) {
		step = utf8_sequence((const unsigned char *)name + i, len - i);
		if (step == 0 || (step == 1 && (unsigned char)name[i] < ' ')) {
			step = 1;
			continue;
		}
		if (n + step >= LINK_BUSINESS_MAX)
			break;
		memcpy(ret + n, name + i, step);
		n += step;
	}
	ret[n] = '\0';
}

/* The name that the server vouches for: it came through it, and is shown to people only. */
static void
read_business(const struct node *verified_name, char ret[LINK_BUSINESS_MAX])
{
	size_t len = 0;
	const uint8_t *data = node_data(verified_name, &len);
	Wa__VerifiedNameCertificate *m = NULL;
	Wa__VerifiedNameDetails *details = NULL;

	if (data != NULL && len > 0 && len <= CERTIFICATE_MAX)
		m = wa__verified_name_certificate__unpack(NULL, len, data);
	if (m != NULL && m->has_details)
		details = wa__verified_name_details__unpack(NULL, m->details.len, m->details.data);
	if (details != NULL && details->verified_name != NULL)
		copy_name(details->verified_name, ret);
	if (details != NULL)
		wa__verified_name_details__free_unpacked(details, NULL);
	if (m != NULL)
		wa__verified_name_certificate__free_unpacked(m, NULL);
}

static void
read_user_jid(const struct node *n, const char *key, enum jid_server server, struct jid *ret)
{
	struct jid jid;

	if (node_get_jid(n, key, &jid) == 0 && jid.server == server && jid.user[0] != '\0')
		*ret = jid_without_device(&jid);
}

int
usync_read_user(const struct node *user, struct usync_user *ret)
{
	struct usync_user u = {0};
	const struct node *list, *contact;

	if (!node_is(user, "user"))
		return -1;
	/* An invalid number has no address, only its text. */
	if (node_get_jid(user, "jid", &u.jid) == 0 && jid_is_user(&u.jid))
		u.jid = jid_without_device(&u.jid);
	else
		u.jid = (struct jid){0};
	read_user_jid(user, "pn_jid", JID_SERVER_PN, &u.pn);
	read_user_jid(node_find(user, "lid"), "val", JID_SERVER_LID, &u.lid);
	if (u.jid.server == JID_SERVER_LID)
		u.lid = u.jid;
	if (u.jid.server == JID_SERVER_PN)
		u.pn = u.jid;
	list = node_find(node_find(user, "devices"), "device-list");
	u.has_devices = list != NULL;
	for (const struct node *d = node_first(list); d != NULL; d = node_next(d))
		read_device(d, &u.devices);
	contact = node_find(user, "contact");
	if (contact != NULL)
		read_contact(contact, &u);
	read_business(node_find(node_find(user, "business"), "verified_name"), u.business);
	if (jid_is_none(&u.jid) && !u.has_contact)
		return -1;
	*ret = u;
	return 0;
}
