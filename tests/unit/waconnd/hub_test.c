/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hub: who sees which event, resuming after an id, and subscribers that leave while events are
 * delivered. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "waconnd/hub.h"

struct seen {
	struct hub *hub;
	struct hub_sub *sub;
	unsigned count;
	bool leave; /* unsubscribes in its callback */
	char kind[16], data[64], id[48];
};

static void
note(void *arg, const struct hub_event *e)
{
	struct seen *s = arg;

	s->count++;
	(void)snprintf(s->kind, sizeof(s->kind), "%s", e->kind);
	(void)snprintf(s->data, sizeof(s->data), "%.*s", (int)e->len, e->data);
	(void)snprintf(s->id, sizeof(s->id), "%s", e->id);
	if (s->leave)
		hub_unsubscribe(s->hub, &s->sub);
}

static void
say(struct hub *h, const char *kind, const char *outlet, const char *json)
{
	hub_publish(h, kind, outlet, json, strlen(json));
}

static void
test_filters(void **state)
{
	struct hub *h = hub_new(7);
	struct seen all = {0}, one = {0}, qr = {0};

	(void)state;
	all.sub = hub_subscribe(h, NULL, ~0u, NULL, note, &all);
	one.sub = hub_subscribe(h, "outlet_a", ~0u, NULL, note, &one);
	qr.sub = hub_subscribe(h, NULL, hub_kind_mask("qr"), NULL, note, &qr);
	say(h, "status", "outlet_a", "{1}");
	say(h, "status", "outlet_b", "{2}");
	say(h, "qr", "outlet_b", "{3}");
	say(h, "blast", NULL, "{4}");
	say(h, "nonsense", NULL, "{5}");
	assert_int_equal(all.count, 4);
	assert_string_equal(all.data, "{4}");
	assert_string_equal(all.id, "7-4");
	assert_int_equal(one.count, 1);
	assert_string_equal(one.data, "{1}");
	assert_int_equal(qr.count, 1);
	assert_string_equal(qr.kind, "qr");
	assert_int_equal(hub_kind_mask("nonsense"), 0);
	hub_unsubscribe(h, &one.sub);
	assert_null(one.sub);
	say(h, "status", "outlet_a", "{6}");
	assert_int_equal(one.count, 1);
	hub_free(&h);
	assert_null(h);
}

static void
test_resume(void **state)
{
	struct hub *h = hub_new(7);
	struct seen s = {0};
	static const char *const gone[] = {"6-1", "7-99", "rubbish", "7-", "7-1x", ""};

	(void)state;
	say(h, "status", "outlet_a", "{1}");
	say(h, "status", "outlet_b", "{2}");
	say(h, "status", "outlet_a", "{3}");
	s.sub = hub_subscribe(h, NULL, ~0u, "7-1", note, &s);
	assert_int_equal(s.count, 2);
	assert_string_equal(s.data, "{3}");
	hub_unsubscribe(h, &s.sub);

	s.count = 0;
	s.sub = hub_subscribe(h, NULL, ~0u, "7-3", note, &s);
	assert_int_equal(s.count, 0);
	hub_unsubscribe(h, &s.sub);

	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
		s.count = 0;
		s.sub = hub_subscribe(h, NULL, ~0u, gone[i], note, &s);
		assert_int_equal(s.count, 1);
		assert_string_equal(s.kind, "reset");
		assert_string_equal(s.id, "7-3");
		hub_unsubscribe(h, &s.sub);
	}
	hub_free(&h);
}

static void
test_ring(void **state)
{
	struct hub *h = hub_new(1);
	struct seen s = {0};

	(void)state;
	for (unsigned i = 0; i < HUB_RING + 10; i++)
		say(h, "status", "outlet_a", "{}");
	s.sub = hub_subscribe(h, NULL, ~0u, "1-10", note, &s);
	assert_int_equal(s.count, HUB_RING);
	assert_string_equal(s.kind, "status");
	hub_unsubscribe(h, &s.sub);
	s.count = 0;
	s.sub = hub_subscribe(h, NULL, ~0u, "1-9", note, &s);
	assert_int_equal(s.count, 1);
	assert_string_equal(s.kind, "reset");
	hub_free(&h);
}

static void
test_leave_during_delivery(void **state)
{
	struct hub *h = hub_new(1);
	struct seen a = {.hub = h, .leave = true}, b = {.hub = h, .leave = true}, c = {.hub = h};

	(void)state;
	a.sub = hub_subscribe(h, NULL, ~0u, NULL, note, &a);
	b.sub = hub_subscribe(h, NULL, ~0u, NULL, note, &b);
	c.sub = hub_subscribe(h, NULL, ~0u, NULL, note, &c);
	say(h, "status", NULL, "{}");
	say(h, "status", NULL, "{}");
	assert_int_equal(a.count, 1);
	assert_int_equal(b.count, 1);
	assert_int_equal(c.count, 2);
	hub_free(&h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_filters),
	    cmocka_unit_test(test_resume),
	    cmocka_unit_test(test_ring),
	    cmocka_unit_test(test_leave_during_delivery),
	};

	return cmocka_run_group_tests_name("hub", tests, NULL, NULL);
}
