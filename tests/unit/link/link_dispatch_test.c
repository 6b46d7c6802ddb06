/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The dispatch table: each stanza finds its row in the phases where it may come, and what nobody
 * knows is acknowledged. */
#include "tests/unit/link/fake_messaging.h"

#include "waconnd/link/link_dispatch.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

struct row {
	enum link_phase phase;
	const char *tag, *key, *value, *child;
	/* the route that is expected, by what it asks for; found: any at all */
	bool found;
	const char *route_value, *route_child;
	bool ack;
};

static const struct row rows[] = {
    {LINK_PAIRING, "iq", "type", "set", "pair-device", true, "set", "pair-device", false},
    {LINK_PAIRING, "iq", "type", "set", "pair-success", true, "set", "pair-success", false},
    {LINK_READY, "iq", "type", "set", "pair-success", true, NULL, NULL, false},
    {LINK_PAIRING, "iq", "type", "result", NULL, true, "result", NULL, false},
    {LINK_READY, "iq", "type", "error", NULL, true, "error", NULL, false},
    {LINK_READY, "iq", "xmlns", "urn:xmpp:ping", NULL, true, "urn:xmpp:ping", NULL, false},
    {LINK_READY, "iq", "type", "get", NULL, true, NULL, NULL, false},
    {LINK_LOGGING_IN, "success", NULL, NULL, NULL, true, NULL, NULL, false},
    {LINK_LOGGING_IN, "failure", "reason", "401", NULL, true, NULL, NULL, false},
    {LINK_READY, "stream:error", "code", "515", NULL, true, NULL, NULL, false},
    {LINK_READY, "xmlstreamend", NULL, NULL, NULL, true, NULL, NULL, false},
    {LINK_READY, "message", "id", "1", NULL, true, NULL, NULL, false},
    {LINK_OPEN, "receipt", "id", "1", NULL, true, NULL, NULL, false},
    {LINK_OPEN, "ack", "class", "message", NULL, true, "message", NULL, false},
    {LINK_OPEN, "ack", "class", "receipt", NULL, true, NULL, NULL, false},
    {LINK_OPEN, "notification", "type", "encrypt", "count", true, "encrypt", "count", true},
    {LINK_OPEN, "notification", "type", "encrypt", "identity", true, "encrypt", "identity", true},
    {LINK_OPEN, "notification", "type", "devices", NULL, true, "devices", NULL, true},
    {LINK_OPEN, "notification", "type", "privacy_token", NULL, true, "privacy_token", NULL, true},
    {LINK_OPEN, "notification", "type", "picture", NULL, true, NULL, NULL, true},
    {LINK_PAIRING, "notification", "type", "companion_reg_refresh", NULL, true,
	"companion_reg_refresh", NULL, true},
    {LINK_PAIRING, "notification", "type", "passkey_prologue_request", NULL, true,
	"passkey_prologue_request", NULL, true},
    {LINK_PAIRING, "notification", "type", "crsc_continuation", NULL, true, "crsc_continuation",
	NULL, true},
    {LINK_READY, "call", "id", "1", NULL, true, NULL, NULL, true},
    {LINK_READY, "ib", NULL, NULL, "dirty", true, NULL, "dirty", false},
    {LINK_READY, "ib", NULL, NULL, "edge_routing", true, NULL, "edge_routing", false},
    {LINK_OPEN, "ib", NULL, NULL, "offline_preview", true, NULL, "offline_preview", false},
    {LINK_OPEN, "ib", NULL, NULL, "offline", true, NULL, "offline", false},
    {LINK_PAIRING, "ib", NULL, NULL, "downgrade_webclient", true, NULL, "downgrade_webclient",
	false},
    {LINK_READY, "ib", NULL, NULL, "novelty", true, NULL, NULL, false},
    {LINK_READY, "presence", NULL, NULL, NULL, true, NULL, NULL, false},
    {LINK_READY, "chatstate", NULL, NULL, NULL, true, NULL, NULL, false},
    {LINK_READY, "novelty", "id", "1", NULL, true, NULL, NULL, true},
    /* While leaving, what is not handled is acknowledged all the same. */
    {LINK_LEAVING, "notification", "type", "devices", NULL, true, NULL, NULL, true},
    /* Nothing is looked at before the handshake and after the end. */
    {LINK_HANDSHAKE, "iq", "type", "result", NULL, false, NULL, NULL, false},
    {LINK_ENDING, "stream:error", "code", "515", NULL, false, NULL, NULL, false},
    {LINK_ENDED, "message", "id", "1", NULL, false, NULL, NULL, false},
};

static void
assert_text(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

static void
test_routes(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct node *n = node_new(rows[i].tag, NULL);
		const struct link_route *r;

		if (rows[i].key != NULL)
			node_set(n, rows[i].key, rows[i].value);
		if (rows[i].child != NULL)
			(void)node_child(n, rows[i].child, NULL);
		r = link_dispatch_route(rows[i].phase, n);
		assert_int_equal(r != NULL, rows[i].found);
		if (r != NULL) {
			assert_text(r->value, rows[i].route_value);
			assert_text(r->child, rows[i].route_child);
			assert_int_equal(r->ack, rows[i].ack);
			assert_non_null(r->handler);
		}
		node_free(&n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
