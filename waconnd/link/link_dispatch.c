/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Which stanza goes to which handler: one table of (tag, attribute, child), with the phases in
 * which it may come and whether it is acknowledged here. What nobody handles is acknowledged all
 * the same, or the server would send it again at each login. Sources: PROTOCOL sections 7, 8
 * and 13.
 */
#include "waconnd/link/link_dispatch.h"

#include <string.h>

#include "common/log.h"
#include "waconnd/link/link_private.h"

#define IN(phase) (1u << (phase))
#define PAIRING (IN(LINK_PAIRING) | IN(LINK_PAIRED))
#define LOGGED_IN (IN(LINK_OPEN) | IN(LINK_READY))
#define ANY (PAIRING | LOGGED_IN | IN(LINK_LOGGING_IN) | IN(LINK_REFUSING) | IN(LINK_LEAVING))

static const struct jid *
sender(const struct node *stanza, struct jid *room)
{
	return node_get_jid(stanza, "from", room) == 0 ? room : NULL;
}

static void
copy_jid(const struct node *from, struct node *to, const char *key)
{
	struct jid jid;

	if (node_get_jid(from, key, &jid) == 0)
		node_set_jid(to, key, &jid);
	else
		node_set(to, key, node_get(from, key));
}

void
link_ack(struct link *l, const struct node *stanza)
{
	const char *id = node_get(stanza, "id");
	struct node *ack;
	struct jid room;
	const struct jid *from = sender(stanza, &room);

	if (id == NULL)
		return;
	ack = node_new("ack", "class", node_tag(stanza), "id", id, NULL);
	if (from != NULL)
		node_set_jid(ack, "to", from);
	else
		node_set(ack, "to", node_get(stanza, "from"));
	copy_jid(stanza, ack, "participant");
	if (!node_is(stanza, "notification"))
		copy_jid(stanza, ack, "recipient");
	if (!node_is(stanza, "message"))
		node_set(ack, "type", node_get(stanza, "type"));
	link_write(l, ack);
}

/* -- small handlers -- */

static void
on_message(struct link *l, const struct node *stanza)
{
	messaging_message(l->messaging, stanza);
}

static void
on_receipt(struct link *l, const struct node *stanza)
{
	messaging_receipt(l->messaging, stanza);
}

static void
on_message_ack(struct link *l, const struct node *stanza)
{
	messaging_message_ack(l->messaging, stanza);
}

static void
on_devices(struct link *l, const struct node *stanza)
{
	messaging_devices(l->messaging, stanza);
}

static void
on_identity(struct link *l, const struct node *stanza)
{
	messaging_identity(l->messaging, stanza);
}

static void
on_privacy_token(struct link *l, const struct node *stanza)
{
	messaging_privacy_token(l->messaging, stanza);
}

static void
on_own_devices(struct link *l, const struct node *stanza)
{
	(void)stanza;
	messaging_own_devices(l->messaging);
}

static void
on_group(struct link *l, const struct node *stanza)
{
	messaging_group(l->messaging, stanza);
}

static void
on_media_retry(struct link *l, const struct node *stanza)
{
	messaging_media_retry(l->messaging, stanza);
}

static void
on_server_ping(struct link *l, const struct node *stanza)
{
	struct node *pong = node_new("iq", "type", "result", "id", node_get(stanza, "id"), NULL);
	struct jid from = jid_server_self();

	if (node_get_jid(stanza, "from", &from) < 0)
		from = jid_server_self();
	node_set_jid(pong, "to", &from);
	link_write(l, pong);
}

static void
on_stream_end(struct link *l, const struct node *stanza)
{
	(void)stanza;
	link_fail(l, LINK_END_CLOSED, "the server ended the stream");
}

static void
on_downgrade(struct link *l, const struct node *stanza)
{
	(void)stanza;
	/* The phone that scanned knows no linked devices; the same code stays valid. */
	log_warn("link.downgrade", LOG_STR("outlet", l->outlet));
}

static void
on_dirty(struct link *l, const struct node *ib)
{
	const struct node *dirty = node_find(ib, "dirty");
	const struct jid server = jid_server_self();
	struct node *iq;

	if (!node_get_is(dirty, "type", "account_sync"))
		return;
	iq = node_new("iq", "type", "set", "xmlns", "urn:xmpp:whatsapp:dirty", NULL);
	node_set_jid(iq, "to", &server);
	(void)node_child(
	    iq, "clean", "type", "account_sync", "timestamp", node_get(dirty, "timestamp"), NULL);
	link_iq(l, iq, link_dispatch_ignore, NULL);
}

static void
on_routing(struct link *l, const struct node *ib)
{
	const struct node *info = node_find(node_find(ib, "edge_routing"), "routing_info");
	struct credentials *c = &l->credentials;
	size_t len;
	const uint8_t *data = node_data(info, &len);

	if (data == NULL || len == 0 || len > sizeof(c->routing) ||
	    (len == c->routing_len && memcmp(data, c->routing, len) == 0))
		return;
	memcpy(c->routing, data, len);
	c->routing_len = len;
	link_save_credentials(l);
}

static void
on_offline_preview(struct link *l, const struct node *ib)
{
	link_offline_preview(l, node_find(ib, "offline_preview"));
}

static void
on_offline(struct link *l, const struct node *ib)
{
	(void)ib;
	link_offline_done(l);
}

static void
on_nothing(struct link *l, const struct node *stanza)
{
	(void)l;
	(void)stanza;
}

/* clang-format off */
static const struct link_route routes[] = {
	/* tag            key      value                        child                    phases     ack    handler */
	{"iq",            "type",  "result",                    NULL,                    ANY,       false, link_iq_answer},
	{"iq",            "type",  "error",                     NULL,                    ANY,       false, link_iq_answer},
	{"iq",            "xmlns", "urn:xmpp:ping",             NULL,                    ANY,       false, on_server_ping},
	{"iq",            "type",  "set",                       "pair-device",           PAIRING,   false, link_pair_device},
	{"iq",            "type",  "set",                       "pair-success",          PAIRING,   false, link_pair_success},
	{"iq",            NULL,    NULL,                        NULL,                    ANY,       false, on_nothing},

	{"message",       NULL,    NULL,                        NULL,                    LOGGED_IN, false, on_message},
	{"receipt",       NULL,    NULL,                        NULL,                    LOGGED_IN, false, on_receipt},
	{"ack",           "class", "message",                   NULL,                    LOGGED_IN, false, on_message_ack},
	{"ack",           NULL,    NULL,                        NULL,                    ANY,       false, on_nothing},

	{"notification",  "type",  "companion_reg_refresh",     NULL,                    PAIRING,   true,  link_pair_refresh},
	{"notification",  "type",  "link_code_companion_reg",   NULL,                    PAIRING,   true,  link_code_notice},
	{"notification",  "type",  "passkey_prologue_request",  NULL,                    PAIRING,   true,  link_passkey_request},
	{"notification",  "type",  "crsc_continuation",         NULL,                    PAIRING,   true,  link_passkey_continue},
	{"notification",  "type",  "encrypt",                   "count",                 LOGGED_IN, true,  link_prekeys_low},
	{"notification",  "type",  "encrypt",                   "identity",              LOGGED_IN, true,  on_identity},
	{"notification",  "type",  "devices",                   NULL,                    LOGGED_IN, true,  on_devices},
	{"notification",  "type",  "account_sync",              "devices",               LOGGED_IN, true,  on_own_devices},
	{"notification",  "type",  "privacy_token",             NULL,                    LOGGED_IN, true,  on_privacy_token},
	{"notification",  "type",  "w:gp2",                     NULL,                    LOGGED_IN, true,  on_group},
	{"notification",  "type",  "mediaretry",                NULL,                    LOGGED_IN, true,  on_media_retry},
	{"notification",  "type",  "mex",                       NULL,                    LOGGED_IN, true,  link_account_notice},
	{"notification",  NULL,    NULL,                        NULL,                    ANY,       true,  on_nothing},
	{"call",          NULL,    NULL,                        NULL,                    ANY,       true,  on_nothing},

	{"success",       NULL,    NULL,                        NULL,                    IN(LINK_LOGGING_IN), false, link_login_success},
	{"failure",       NULL,    NULL,                        NULL,                    ANY,       false, link_login_failure},
	{"stream:error",  NULL,    NULL,                        NULL,                    ANY,       false, link_stream_error},
	{"xmlstreamend",  NULL,    NULL,                        NULL,                    ANY,       false, on_stream_end},

	{"ib",            NULL,    NULL,                        "downgrade_webclient",   ANY,       false, on_downgrade},
	{"ib",            NULL,    NULL,                        "dirty",                 LOGGED_IN, false, on_dirty},
	{"ib",            NULL,    NULL,                        "edge_routing",          ANY,       false, on_routing},
	{"ib",            NULL,    NULL,                        "offline_preview",       LOGGED_IN, false, on_offline_preview},
	{"ib",            NULL,    NULL,                        "offline",               LOGGED_IN, false, on_offline},
	{"ib",            NULL,    NULL,                        NULL,                    ANY,       false, on_nothing},
	{"success",       NULL,    NULL,                        NULL,                    ANY,       false, on_nothing},
	{"presence",      NULL,    NULL,                        NULL,                    ANY,       false, on_nothing},
	{"chatstate",     NULL,    NULL,                        NULL,                    ANY,       false, on_nothing},
	/* Whatever it is: it has been seen. */
	{NULL,            NULL,    NULL,                        NULL,                    ANY,       true,  on_nothing},
};
/* clang-format on */

static bool
matches(const struct link_route *r, enum link_phase phase, const struct node *stanza)
{
	if (r->tag != NULL && !node_is(stanza, r->tag))
		return false;
	if (r->key != NULL && !node_get_is(stanza, r->key, r->value))
		return false;
	if (r->child != NULL && node_find(stanza, r->child) == NULL)
		return false;
	return (r->phases & IN(phase)) != 0;
}

const struct link_route *
link_dispatch_route(enum link_phase phase, const struct node *stanza)
{
	for (size_t i = 0; i < sizeof(routes) / sizeof(routes[0]); i++)
		if (matches(&routes[i], phase, stanza))
			return &routes[i];
	return NULL;
}

void
link_dispatch_ignore(void *arg, const struct node *answer)
{
	(void)arg;
	(void)answer;
}

void
link_dispatch(struct link *l, const struct node *stanza)
{
	const struct link_route *r = link_dispatch_route(l->phase, stanza);

	if (r == NULL)
		return;
	if (log_enabled(LOG_LEVEL_DEBUG))
		log_debug("link.stanza", LOG_STR("outlet", l->outlet),
		    LOG_STR("tag", node_tag(stanza)), LOG_STR("type", node_get(stanza, "type")));
	if (node_get(stanza, "offline") != NULL)
		link_offline_stanza(l);
	/* First, since the handler may end the link. */
	if (r->ack)
		link_ack(l, stanza);
	r->handler(l, stanza);
}
