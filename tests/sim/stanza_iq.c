/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Queries of clients: one table says which there are and what answers them. Whatever stands in no
 * row gets an error, as from a server that does not know it.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "tests/sim/server.h"

#define PING_MIN_MS 5000
#define QUICK_PINGS_MAX 3

static void
iq_ping(struct conn *c, const struct node *iq, const struct node *child)
{
	const int64_t now = clock_monotonic_ms();
	struct node *n = iq_result(iq);

	(void)child;
	c->quick_pings = c->ping_ms != 0 && now - c->ping_ms < PING_MIN_MS ? c->quick_pings + 1 : 0;
	c->ping_ms = now;
	c->sim->stats.pings++;
	if (c->quick_pings == QUICK_PINGS_MAX)
		conn_violation(c, "ping_flood", "%d pings within %d ms of each other",
		    QUICK_PINGS_MAX + 1, PING_MIN_MS);
	node_set_int(n, "t", sim_now());
	conn_send(c, n);
}

static void
iq_active(struct conn *c, const struct node *iq, const struct node *child)
{
	(void)child;
	conn_send(c, iq_result(iq));
	login_active(c->device);
}

/* clang-format off */
static const struct iq_kind {
	const char *xmlns;
	const char *type;   /* NULL: any */
	const char *child;  /* NULL: any */
	bool early;         /* also before <success> */
	iq_handler handle;  /* NULL: the answer is as simple as the next two say */
	const char *answer; /* the tag of the empty child of the result; NULL: none */
	unsigned error;     /* 0: a result */
} kinds[] = {
	{"w:p",                        "get", NULL,       true,  iq_ping},
	{"encrypt",                    "get", "count",    false, iq_prekey_count},
	{"encrypt",                    "get", "digest",   false, iq_prekey_digest},
	{"encrypt",                    "get", "key",      false, iq_prekey_fetch},
	{"encrypt",                    "set", "list",     false, iq_prekey_upload},
	{"encrypt",                    "set", "rotate",   false, iq_prekey_rotate},
	{"passive",                    "set", "active",   false, iq_active},
	{"passive",                    "set", "passive"},
	{"usync",                      "get", "usync",    false, iq_usync},
	{"md",                         "set", "link_code_companion_reg", true, iq_link_code},
	{"md",                         "get", "passkey_request_options", true, iq_passkey_options},
	{"md",                         "get", "ref",      true,  iq_passkey_ref},
	{"md",                         "set", "passkey_prologue", true, iq_passkey_prologue},
	{"md",                         "set", "companion_nonce", true, iq_passkey_nonce},
	{"md",                         "set", "encrypted_pairing_request", true, iq_passkey_request},
	{"md",                         "set", "remove-companion-device", false, iq_remove_device},
	{"abt",                        "get", "props",    false, iq_props},
	{"privacy",                    "get", NULL,       false, iq_privacy},
	{"privacy",                    "set", "tokens",   false, iq_tokens},
	{"privacy",                    "set", "privacy",  false, iq_privacy},
	{"w:sync:app:state",           "set", "sync",     false, iq_app_state},
	{"w:m",                        "set", "media_conn", false, iq_media},
	{"w:mex",                      "get", "query",    false, iq_mex},
	{"blocklist",                  "get", NULL,       false, NULL, "list"},
	{"blocklist",                  "set", NULL},
	{"urn:xmpp:whatsapp:dirty",    "set", "clean"},
	{"urn:xmpp:whatsapp:push",     NULL,  NULL},
	{"w:profile:picture",          "get", NULL,       false, NULL, NULL, 404},
	{"w:profile:picture",          "set", NULL},
	{"w:g2",                       "get", "participating", false, NULL, "groups"},
	{"w:g2",                       "get", NULL,       false, NULL, NULL, 404},
	{"w:biz",                      "get", "business_profile", false, NULL, "business_profile"},
	{"bot",                        "get", NULL,       false, NULL, "bot"},
	{"disappearing_mode",          NULL,  NULL},
	{"status",                     NULL,  NULL},
	{"w:stats",                    NULL,  NULL},
	{"tos",                        NULL,  NULL},
};
/* clang-format on */

/* Source: PROTOCOL section 8. */
static const struct {
	unsigned code;
	const char *text;
} errors[] = {
    {400, "bad-request"},
    {401, "not-authorized"},
    {403, "forbidden"},
    {404, "item-not-found"},
    {405, "not-allowed"},
    {406, "not-acceptable"},
    {429, "rate-overlimit"},
    {452, "feature-not-available"},
    {500, "internal-server-error"},
    {501, "feature-not-implemented"},
};

struct node *
iq_result(const struct node *iq)
{
	const struct jid server = jid_server_self();
	struct node *n = node_new("iq", "type", "result", "id", node_get(iq, "id"), NULL);
	struct jid to;

	if (node_get_jid(iq, "to", &to) != 0)
		to = server;
	node_set_jid(n, "from", &to);
	return n;
}

void
iq_error(struct conn *c, const struct node *iq, unsigned code, const char *text)
{
	struct node *n = iq_result(iq);
	struct node *error = node_child(n, "error", NULL);

	for (size_t i = 0; text == NULL && i < sizeof(errors) / sizeof(errors[0]); i++)
		if (errors[i].code == code)
			text = errors[i].text;
	node_set(n, "type", "error");
	node_set_int(error, "code", code);
	node_set(error, "text", text);
	conn_send(c, n);
}

static bool
matches(const struct iq_kind *k, const struct node *iq)
{
	return node_get_is(iq, "xmlns", k->xmlns) &&
	       (k->type == NULL || node_get_is(iq, "type", k->type)) &&
	       (k->child == NULL || node_find(iq, k->child) != NULL);
}

static void
run(struct conn *c, const struct iq_kind *k, const struct node *iq)
{
	struct node *n;

	if (!k->early && c->state != CONN_ONLINE) {
		conn_violation(
		    c, "before_success", "iq %.40s before the login", node_get(iq, "xmlns"));
		return;
	}
	if (k->handle != NULL) {
		k->handle(c, iq, k->child != NULL ? node_find(iq, k->child) : node_first(iq));
	} else if (k->error != 0) {
		iq_error(c, iq, k->error, NULL);
	} else {
		n = iq_result(iq);
		if (k->answer != NULL)
			(void)node_child(n, k->answer, NULL);
		conn_send(c, n);
	}
}

/* Ids tell the answers apart: the same twice on one connection is an error of the client. */
static bool
has_fresh_id(struct conn *c, const struct node *iq)
{
	const char *id = node_get(iq, "id");

	if (id == NULL) {
		conn_violation(c, "iq_without_id", "iq %.40s", node_get(iq, "xmlns"));
		return false;
	}
	if (id_map_get(&c->iqs, "iq", id) != NULL)
		conn_violation(c, "iq_id_reused", "iq id %.60s", id);
	id_map_put(&c->iqs, "iq", id, 1);
	return true;
}

void
iq_in(struct conn *c, const struct node *iq)
{
	unsigned error;

	if (node_get_is(iq, "type", "result") || node_get_is(iq, "type", "error")) {
		conn_pong(c, iq);
		pair_answer(c, iq);
		return;
	}
	if (!has_fresh_id(c, iq))
		return;
	if (fault_query(c, node_get(iq, "xmlns"), &error)) {
		iq_error(c, iq, error, NULL);
		return;
	}
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (matches(&kinds[i], iq)) {
			run(c, &kinds[i], iq);
			return;
		}
	}
	log_info("iq.unknown", LOG_STR("xmlns", node_get(iq, "xmlns")),
	    LOG_STR("child", node_tag(node_first(iq))));
	iq_error(c, iq, 501, NULL);
}
