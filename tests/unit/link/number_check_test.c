/* SPDX-License-Identifier: GPL-3.0-or-later */
/* number_check: checks of numbers through the message side: batches and their distance, answers by
 * the text of the contact, errors, and what is left when the link goes. */
#include "tests/unit/link/message_world.h"

#include "waconnd/link/number_check.c"

#define ALICE "6281100000001"
#define BOB "6281200000002"

struct result {
	unsigned n;
	enum link_check result;
	unsigned code, backoff_s;
	size_t present, absent, unknown;
	char first[LINK_NUMBER_DIGITS];
};

static void
on_numbers(void *arg, void *check_arg, const struct link_checked *checked)
{
	struct result *r = check_arg;

	(void)arg;
	r->n++;
	r->result = checked->result;
	r->code = checked->code;
	r->backoff_s = checked->backoff_s;
	r->present = r->absent = r->unknown = 0;
	for (size_t i = 0; i < checked->n; i++) {
		r->present += checked->numbers[i].state == LINK_NUMBER_PRESENT;
		r->absent += checked->numbers[i].state == LINK_NUMBER_ABSENT;
		r->unknown += checked->numbers[i].state == LINK_NUMBER_UNKNOWN;
	}
	(void)snprintf(r->first, sizeof(r->first), "%s", checked->numbers[0].phone);
}

struct fixture {
	struct world w;
	struct link *alice, *bob;
	char text[LINK_CHECK_MAX][LINK_NUMBER_DIGITS];
	const char *phones[LINK_CHECK_MAX];
};

/* n numbers: Bob's first, the others nobody's. */
static void
begin(struct fixture *f)
{
	world_begin(&f->w);
	f->w.ops.numbers = on_numbers;
	f->alice = world_party(&f->w, ALICE, "111000111", 3);
	f->bob = world_party(&f->w, BOB, "222000222", 0);
	for (size_t i = 0; i < LINK_CHECK_MAX; i++) {
		(void)snprintf(f->text[i], sizeof(f->text[i]), "6281399%06zu", i);
		f->phones[i] = f->text[i];
	}
	f->phones[0] = BOB;
}

static bool
add(struct fixture *f, size_t n, struct result *r)
{
	memset(r, 0, sizeof(*r));
	return messaging_check_numbers(f->alice->m, f->phones, n, r);
}

/* The time between two batches is over. */
static void
time_passes(struct fixture *f)
{
	struct number_checks *cs = f->alice->m->checks;

	assert_true(event_pending(cs->turn, EV_TIMEOUT, NULL));
	event_active(cs->turn, EV_TIMEOUT, 0);
	world_run(&f->w);
}

static void
test_check(void **state)
{
	struct fixture f;
	struct result r;

	(void)state;
	begin(&f);
	assert_true(add(&f, 3, &r));
	assert_int_equal(r.n, 0);
	world_run(&f.w);
	assert_int_equal(r.n, 1);
	assert_int_equal(r.result, LINK_CHECK_DONE);
	assert_int_equal(r.present, 1);
	assert_int_equal(r.absent, 2);
	assert_string_equal(r.first, BOB);
	assert_int_equal(f.w.contact_usyncs, 1);
	/* What was learnt on the way: the LID, so that a message needs no second question for it.
	 */
	assert_non_null(memory_disk(&f.alice->db, KEY_LID, BOB)->data);
	world_end(&f.w);
}

static void
test_batches(void **state)
{
	struct fixture f;
	struct result r;

	(void)state;
	begin(&f);
	assert_true(add(&f, 120, &r));
	for (unsigned i = 1; i <= 3; i++) {
		struct number_checks *cs = f.alice->m->checks;

		world_run(&f.w);
		assert_int_equal(f.w.contact_usyncs, i);
		assert_int_equal(f.w.asked_users, i < 3 ? 50 * i : 120);
		assert_int_equal(r.n, i == 3);
		assert_true(cs->next_ms >= clock_monotonic_ms() + APART_MS - 1000);
		if (i < 3)
			time_passes(&f);
	}
	assert_int_equal(r.present + r.absent, 120);
	world_end(&f.w);
}

/* Two at once share a batch, and a number that both name is asked for once. */
static void
test_shared(void **state)
{
	struct fixture f;
	struct result r, s;

	(void)state;
	begin(&f);
	assert_true(add(&f, 10, &r));
	assert_true(add(&f, 15, &s));
	world_run(&f.w);
	assert_int_equal(f.w.asked_users, 15);
	assert_int_equal(r.present + r.absent, 10);
	assert_int_equal(s.present + s.absent, 15);
	assert_int_equal(r.present, 1);
	assert_int_equal(s.present, 1);
	world_end(&f.w);
}

static void
test_full(void **state)
{
	struct fixture f;
	struct result r[6];

	(void)state;
	begin(&f);
	assert_false(add(&f, 0, &r[0]));
	for (size_t i = 0; i < 5; i++)
		assert_true(add(&f, LINK_CHECK_MAX, &r[i]));
	assert_false(add(&f, 1, &r[5]));
	world_run(&f.w); /* 50 of them are asked for, each text once */
	assert_true(add(&f, 1, &r[5]));
	assert_int_equal(r[5].n, 0);
	world_end(&f.w);
	for (size_t i = 0; i < 6; i++) {
		assert_int_equal(r[i].n, 1);
		assert_int_equal(r[i].result, LINK_CHECK_UNHEARD);
	}
	assert_int_equal(r[0].present, 1); /* what was known before the end */
}

static void
test_errors(void **state)
{
	struct fixture f;
	struct result r, s;

	(void)state;
	begin(&f);
	/* 500 ends what was asked, not what comes after it. */
	assert_true(add(&f, 50, &r));
	assert_true(add(&f, 2, &s));
	f.w.iq_error = 500;
	world_run(&f.w);
	assert_int_equal(r.result, LINK_CHECK_REFUSED);
	assert_int_equal(r.code, 500);
	assert_int_equal(r.unknown, 50);
	assert_int_equal(s.n, 0);
	f.w.iq_error = 0;
	time_passes(&f);
	assert_int_equal(s.result, LINK_CHECK_DONE);
	/* 429 ends all. */
	assert_true(add(&f, 50, &r));
	assert_true(add(&f, 2, &s));
	f.w.iq_error = 429;
	time_passes(&f);
	assert_int_equal(r.code, 429);
	assert_int_equal(s.code, 429);
	assert_int_equal(s.n, 1);
	assert_false(event_pending(f.alice->m->checks->turn, EV_TIMEOUT, NULL));
	/* No answer. */
	assert_true(add(&f, 2, &r));
	f.w.iq_error = 0;
	f.w.mute = true;
	time_passes(&f);
	assert_int_equal(r.result, LINK_CHECK_UNHEARD);
	assert_int_equal(r.unknown, 2);
	world_end(&f.w);
}

static void
answer(struct fixture *f, struct node *take_answer)
{
	/* In place of the world's server: straight to the one who waits. */
	struct stanza_item *i = TAILQ_FIRST(&f->w.queue);

	while (!node_get_is(i->node, "xmlns", "usync"))
		i = TAILQ_NEXT(i, entry);
	TAILQ_REMOVE(&f->w.queue, i, entry);
	i->cb(i->arg, take_answer);
	node_free(&i->node);
	free(i);
	node_free(&take_answer);
}

static void
turn(struct fixture *f)
{
	event_active(f->alice->m->checks->turn, EV_TIMEOUT, 0);
	(void)event_base_loop(f->w.base, EVLOOP_NONBLOCK);
}

/* In whatever order and form they come. */
static void
test_answers(void **state)
{
	static const struct {
		const char *type, *text, *jid, *pn_jid;
	} users[] = {
	    {"invalid",
		"+"
		"6281399000001@c.us",
		NULL, NULL},
	    {"in", "+" BOB "@c.us", "222000222@lid", "6281200000099@s.whatsapp.net"},
	    {"in", NULL, "333000333@lid", "6281399000002@s.whatsapp.net"},
	    {"in", "+62813990000030@c.us", "444000444@lid", NULL}, /* another's, one digit longer */
	};
	struct fixture f;
	struct result r;
	struct node *iq = node_new("iq", "type", "result", NULL), *list;

	(void)state;
	begin(&f);
	list = node_child(node_child(iq, "usync", NULL), "list", NULL);
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		struct node *user = node_child(list, "user", NULL), *contact;
		struct jid jid;

		if (users[i].jid != NULL && jid_parse(users[i].jid, &jid) == 0)
			node_set_jid(user, "jid", &jid);
		if (users[i].pn_jid != NULL && jid_parse(users[i].pn_jid, &jid) == 0)
			node_set_jid(user, "pn_jid", &jid);
		contact = node_child(user, "contact", "type", users[i].type, NULL);
		if (users[i].text != NULL)
			node_text(contact, users[i].text);
	}
	assert_true(add(&f, 4, &r));
	turn(&f);
	answer(&f, iq);
	assert_int_equal(r.result, LINK_CHECK_DONE);
	assert_int_equal(r.present, 2);
	assert_int_equal(r.absent, 1);
	assert_int_equal(r.unknown, 1); /* nothing was said of it */
	world_end(&f.w);
}

static void
test_backoff(void **state)
{
	static const struct {
		const char *backoff;
		unsigned s;
	} cases[] = {{"120", 120}, {NULL, 0}, {"-1", 0}, {"soon", 0}, {"9999999", 0}};
	struct fixture f;
	struct result r;

	(void)state;
	begin(&f);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct node *iq = node_new("iq", "type", "error", NULL);

		(void)node_child(iq, "error", "code", "429", "backoff", cases[i].backoff, NULL);
		assert_true(add(&f, 2, &r));
		turn(&f);
		answer(&f, iq);
		assert_int_equal(r.code, 429);
		assert_int_equal(r.backoff_s, cases[i].s);
	}
	world_end(&f.w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_check),
	    cmocka_unit_test(test_batches),
	    cmocka_unit_test(test_shared),
	    cmocka_unit_test(test_full),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_answers),
	    cmocka_unit_test(test_backoff),
	};

	return cmocka_run_group_tests_name("number_check", tests, NULL, NULL);
}
