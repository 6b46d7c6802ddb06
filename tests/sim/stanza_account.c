/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Queries about the account: properties, privacy, tokens, app state, media hosts, logout. */
#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "tests/sim/media.h"
#include "tests/sim/server.h"

#define TOKENS_MAX 64
#define TOKEN_LEN 16
#define COLLECTIONS_MAX 16

void
iq_props(struct conn *c, const struct node *iq, const struct node *child)
{
	struct node *n = iq_result(iq);
	struct node *props =
	    node_child(n, "props", "protocol", "1", "ab_key", "sim", "hash", "1A2B3C", NULL);

	(void)child;
	node_set_int(props, "refresh", 86400);
	(void)node_child(props, "prop", "config_code", "10518", "config_value", "1", NULL);
	conn_send(c, n);
}

/* -- privacy -------------------------------------------------------------------------- */

void
iq_privacy(struct conn *c, const struct node *iq, const struct node *child)
{
	static const char *const names[] = {
	    "last", "online", "profile", "status", "readreceipts", "groupadd", "calladd"};
	struct node *n = iq_result(iq);
	struct node *privacy = node_child(n, "privacy", NULL);

	(void)child;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)node_child(privacy, "category", "name", names[i], "value", "all", NULL);
	conn_send(c, n);
}

/* The account's token for the peer goes to the peer's companions. */
static void
pass_token(struct device *from, struct account *to, const char *t)
{
	const struct jid sender = account_pn(from->account, 0);
	const struct jid sender_lid = account_lid(from->account, 0);
	uint8_t bytes[32];
	char label[64];

	(void)snprintf(label, sizeof(label), "token/%s/%s", from->account->phone, to->phone);
	sim_derive(from->account->sim, label, bytes);
	for (unsigned i = 0; i < to->device_count; i++) {
		const struct jid own = account_pn(to, 0);
		struct node *n = outbox_notification(to->sim, &sender, "privacy_token");
		struct node *token;

		node_set_jid(n, "sender_lid", &sender_lid);
		token = node_child(node_child(n, "tokens", NULL), "token", "type",
		    "trusted_contact", "t", t, NULL);
		node_set_jid(token, "jid", &own);
		node_bytes(token, bytes, TOKEN_LEN);
		outbox_put(to->devices[i], n);
	}
}

void
iq_tokens(struct conn *c, const struct node *iq, const struct node *child)
{
	unsigned count = 0;
	struct jid jid;

	for (const struct node *k = node_first(child); k != NULL; k = node_next(k)) {
		struct account *to;

		if (!node_is(k, "token") || node_get_jid(k, "jid", &jid) != 0 ||
		    !node_get_is(k, "type", "trusted_contact") || node_get(k, "t") == NULL ||
		    ++count > TOKENS_MAX) {
			conn_violation(c, "tokens", "a malformed token, or too many");
			iq_error(c, iq, 400, NULL);
			return;
		}
		to = account_by_jid(c->sim, &jid);
		if (to != NULL && to != c->device->account)
			pass_token(c->device, to, node_get(k, "t"));
	}
	conn_send(c, iq_result(iq));
}

/* -- app state: there is none --------------------------------------------------------- */

void
iq_app_state(struct conn *c, const struct node *iq, const struct node *child)
{
	struct node *n = iq_result(iq);
	struct node *sync = node_child(n, "sync", NULL);
	unsigned count = 0;

	for (const struct node *k = node_first(child); k != NULL && count < COLLECTIONS_MAX;
	     k = node_next(k), count++)
		(void)node_child(sync, "collection", "name", node_get(k, "name"), "type", "result",
		    "version", node_get(k, "version"), "has_more_patches", "false", NULL);
	conn_send(c, n);
}

/* -- media and logout ----------------------------------------------------------------- */

void
iq_media(struct conn *c, const struct node *iq, const struct node *child)
{
	struct media *m = sim_media(c->sim);
	struct node *n = iq_result(iq);
	struct node *conn = node_child(n, "media_conn", "auth", MEDIA_AUTH, "ttl", "300",
	    "auth_ttl", "3600", "max_buckets", "12", NULL);

	(void)child;
	for (unsigned i = 0; i < MEDIA_HOSTS; i++)
		(void)node_child(conn, "host", "hostname", media_host(m, i), NULL);
	conn_send(c, n);
}

void
iq_remove_device(struct conn *c, const struct node *iq, const struct node *child)
{
	struct account *a = c->device->account;
	struct jid jid;

	if (node_get_jid(child, "jid", &jid) != 0 || account_by_jid(c->sim, &jid) != a ||
	    account_device(a, jid.device) == NULL) {
		conn_violation(c, "remove_device", "not one of the account's companions");
		iq_error(c, iq, 400, NULL);
		return;
	}
	conn_send(c, iq_result(iq));
	log_info("device.logout", LOG_PHONE("phone", a->phone), LOG_INT("device", jid.device));
	if (account_unlink(a, jid.device) != 0)
		log_error("device.unlink", LOG_PHONE("phone", a->phone));
}
