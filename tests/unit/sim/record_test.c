/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record and record_table: order, filters, repeats, bounds, and those who wait. */
#include "tests/sim/record.h"

#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -- the table -------------------------------------------------------------------------- */

static void
add(struct record_table *t, const char *id, const char *to, const char *from)
{
	const char *const field[RECORD_FIELD_COUNT] = {id, to, from, "text"};

	assert_non_null(record_table_add(t, field));
}

static int
count(const struct record_table *t, const struct record_filter *f)
{
	struct record_cursor c = {0};
	uint32_t last = 0;
	const struct record_row *row;
	int n = 0;

	for (; (row = record_table_next(t, f, &c)) != NULL; last = row->number, n++)
		assert_true(n == 0 || row->number > last);
	return n;
}

static void
test_table_filters(void **state)
{
	static const struct {
		const char *id, *to, *from;
		uint32_t after;
		int expected;
	} cases[] = {
	    {NULL, NULL, NULL, 0, 3000},
	    {NULL, NULL, NULL, 2999, 1},
	    {NULL, NULL, NULL, 3000, 0},
	    {"id7", NULL, NULL, 0, 1},
	    {NULL, "t3", NULL, 0, 300},
	    {NULL, "t3", NULL, 1500, 150},
	    {NULL, NULL, "f1", 0, 1000},
	    {NULL, "t3", "f0", 0, 100},
	    {"id3", "t3", "f0", 0, 1},
	    {"id3", "t4", NULL, 0, 0},
	    {"none", NULL, NULL, 0, 0},
	    {NULL, "none", "f0", 0, 0},
	};
	struct record_table *t = record_table_new(5000);

	(void)state;
	for (int i = 0; i < 3000; i++) {
		char id[16], to[16], from[16];

		snprintf(id, sizeof(id), "id%d", i);
		snprintf(to, sizeof(to), "t%d", i % 10);
		snprintf(from, sizeof(from), "f%d", i % 3);
		add(t, id, to, from);
	}
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct record_filter f = {
		    .match = {cases[i].id, cases[i].to, cases[i].from}, .after = cases[i].after};

		assert_int_equal(count(t, &f), cases[i].expected);
	}
	record_table_free(&t);
	assert_null(t);
}

static void
test_table_full(void **state)
{
	const char *const field[RECORD_FIELD_COUNT] = {"id", "to", "from"};
	struct record_table *t = record_table_new(2);

	(void)state;
	assert_non_null(record_table_add(t, field));
	assert_non_null(record_table_add(t, field));
	assert_null(record_table_add(t, field));
	assert_int_equal(record_table_count(t), 2);
	assert_int_equal(record_table_dropped(t), 1);
	record_table_free(&t);
}

/* -- the record ------------------------------------------------------------------------------ */

struct fixture {
	struct event_base *base;
	struct record *record;
	int told;
};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	f->base = event_base_new();
	f->record = record_new(f->base);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	record_free(&f->record);
	assert_null(f->record);
	event_base_free(f->base);
	free(f);
	return 0;
}

static bool
say(struct fixture *f, const char *id, const char *to, const char *text)
{
	const struct record_message m = {.id = id,
	    .to = to,
	    .from = "1",
	    .from_jid = "1@lid",
	    .kind = "text",
	    .text = text,
	    .enc_type = "msg"};

	return record_message_add(f->record, &m);
}

static const json_t *
first(const json_t *list, const char *name, size_t expected)
{
	const json_t *array = json_object_get(list, name);

	assert_int_equal(json_array_size(array), expected);
	return json_array_get(array, 0);
}

static void
test_messages(void **state)
{
	struct fixture *f = *state;
	const struct record_filter all = {0};
	const json_t *m;
	json_t *list;

	assert_true(say(f, "A", "2", "hello"));
	assert_true(say(f, "A", "3", "hello"));
	assert_true(say(f, "A", "2", "hello"));
	assert_false(say(f, "A", "2", "other"));
	assert_true(record_message_repeat(f->record, "A", "2", "1"));
	assert_false(record_message_repeat(f->record, "B", "2", "1"));
	list = record_list(f->record, RECORD_MESSAGES, &all, 1);
	m = first(list, "messages", 1);
	assert_int_equal(json_integer_value(json_object_get(list, "count")), 2);
	assert_int_equal(json_integer_value(json_object_get(m, "count")), 4);
	assert_string_equal(json_string_value(json_object_get(m, "text")), "hello");
	assert_true(json_is_null(json_object_get(m, "chat")));
	json_decref(list);
}

static void
test_text_is_cut(void **state)
{
	struct fixture *f = *state;
	const struct record_filter all = {0};
	char *text = calloc(1, RECORD_TEXT_MAX + 100);
	json_t *list;
	const json_t *kept;

	assert_non_null(text);
	memset(text, 'x', RECORD_TEXT_MAX - 1);
	memcpy(text + RECORD_TEXT_MAX - 1, "\xc3\xa9\xc3\xa9", 5); /* the limit is in a character */
	assert_true(say(f, "A", "2", text));
	assert_true(say(f, "A", "2", text));
	list = record_list(f->record, RECORD_MESSAGES, &all, 1);
	kept = json_object_get(first(list, "messages", 1), "text");
	assert_int_equal(json_string_length(kept), RECORD_TEXT_MAX - 1);
	json_decref(list);
	free(text);
}

static void
test_receipts_and_violations(void **state)
{
	struct fixture *f = *state;
	const struct record_filter of_three = {.match = {NULL, NULL, "3"}};
	const json_t *r;
	json_t *list;

	record_receipt(f->record, "2", "1", "A", NULL);
	record_receipt(f->record, "3", "1", "\xff", "read");
	list = record_list(f->record, RECORD_RECEIPTS, &of_three, 10);
	r = first(list, "receipts", 1);
	assert_string_equal(json_string_value(json_object_get(r, "type")), "read");
	assert_non_null(json_object_get(r, "id")); /* though it is no text */
	json_decref(list);

	record_violation(f->record, "62811", 2, "rule_a", "saw %d \xff", 5);
	record_violation(f->record, "62812", 1, "rule_b", "x");
	list = record_violations(f->record, "62811");
	r = first(list, "violations", 1);
	assert_string_equal(json_string_value(json_object_get(r, "detail")), "saw 5 \xef\xbf\xbd");
	assert_int_equal(json_integer_value(json_object_get(r, "device")), 2);
	json_decref(list);
	list = record_violations(f->record, NULL);
	(void)first(list, "violations", 2);
	json_decref(list);
}

/* -- waiting ------------------------------------------------------------------------------------
 */

static void
on_told(void *arg)
{
	((struct fixture *)arg)->told++;
}

static struct record_waiter *
wait_for(struct fixture *f, const char *to, uint32_t n, uint32_t ms)
{
	const struct record_filter filter = {.match = {NULL, to, NULL}};

	return record_wait(f->record, RECORD_MESSAGES, &filter, n, ms, on_told, f);
}

static void
turn(struct fixture *f)
{
	assert_true(event_base_loop(f->base, EVLOOP_NONBLOCK) >= 0);
}

static void
test_wait_for_arrival(void **state)
{
	struct fixture *f = *state;

	say(f, "A", "2", "x");
	assert_non_null(wait_for(f, "2", 3, 60000));
	turn(f);
	say(f, "B", "9", "x"); /* somebody else's */
	say(f, "A", "2", "x"); /* a repeat is no other message */
	say(f, "B", "2", "x");
	turn(f);
	assert_int_equal(f->told, 0);
	say(f, "C", "2", "x");
	assert_int_equal(f->told, 0); /* never from inside */
	turn(f);
	assert_int_equal(f->told, 1);
	say(f, "D", "2", "x");
	turn(f);
	assert_int_equal(f->told, 1);
}

static void
test_wait_for_what_is_there(void **state)
{
	struct fixture *f = *state;

	say(f, "A", "2", "x");
	assert_non_null(wait_for(f, "2", 1, 60000));
	assert_non_null(wait_for(f, NULL, 0, 60000));
	turn(f);
	assert_int_equal(f->told, 2);
}

static void
test_wait_in_vain(void **state)
{
	struct fixture *f = *state;

	assert_non_null(wait_for(f, "2", 1, 1));
	assert_int_equal(event_base_dispatch(f->base), 1); /* ends when no timer is left */
	assert_int_equal(f->told, 1);
}

static void
test_wait_bounded_and_cancelled(void **state)
{
	struct fixture *f = *state;
	struct record_waiter *w[RECORD_WAITERS_MAX];

	for (size_t i = 0; i < RECORD_WAITERS_MAX; i++)
		assert_non_null(w[i] = wait_for(f, "2", 1, 60000));
	assert_null(wait_for(f, "2", 1, 60000));
	for (size_t i = 1; i < RECORD_WAITERS_MAX; i++)
		record_wait_cancel(&w[i]);
	assert_null(w[1]);
	say(f, "A", "2", "x");
	turn(f);
	assert_int_equal(f->told, 1);
	assert_non_null(wait_for(f, "3", 1, 60000)); /* left behind: freed with the record */
}

#define FIXTURE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_table_filters),
	    cmocka_unit_test(test_table_full),
	    FIXTURE_TEST(test_messages),
	    FIXTURE_TEST(test_text_is_cut),
	    FIXTURE_TEST(test_receipts_and_violations),
	    FIXTURE_TEST(test_wait_for_arrival),
	    FIXTURE_TEST(test_wait_for_what_is_there),
	    FIXTURE_TEST(test_wait_in_vain),
	    FIXTURE_TEST(test_wait_bounded_and_cancelled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
