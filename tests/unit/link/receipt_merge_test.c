/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Receipts of a backlog: what goes out as one, what stays apart, in what order, and the limits. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "waconnd/link/receipt_merge.h"

#define OUT_MAX 2048

static struct {
	struct node *nodes[OUT_MAX];
	size_t n;
} out;

static void
on_write(void *arg, struct node *take_receipt)
{
	assert_ptr_equal(arg, &out);
	assert_true(out.n < OUT_MAX);
	out.nodes[out.n++] = take_receipt;
}

static void
add(struct receipt_merge *m, const char *to, const char *participant, unsigned number)
{
	char id[16];

	(void)snprintf(id, sizeof(id), "%s%u", to, number);
	receipt_merge_add(m, node_new("receipt", "id", id, "to", to, "type", "inactive",
				 "participant", participant, NULL));
}

static size_t
ids_of(const struct node *receipt)
{
	const struct node *list = node_find(receipt, "list");
	size_t n = 1;

	assert_non_null(node_get(receipt, "id"));
	for (const struct node *item = node_first(list); item != NULL; item = node_next(item)) {
		assert_true(node_is(item, "item"));
		assert_int_equal(node_attr_count(item), 1);
		assert_non_null(node_get(item, "id"));
		n++;
	}
	return n;
}

static int
begin(void **state)
{
	memset(&out, 0, sizeof(out));
	*state = receipt_merge_new(on_write, &out);
	return 0;
}

static int
end(void **state)
{
	receipt_merge_free((struct receipt_merge **)state);
	assert_null(*state);
	receipt_merge_free((struct receipt_merge **)state);
	for (size_t i = 0; i < out.n; i++)
		node_free(&out.nodes[i]);
	return 0;
}

static void
test_few_stay_apart(void **state)
{
	(void)state;
	for (unsigned i = 0; i < RECEIPT_MERGE_FROM - 1; i++)
		add(*state, "a", NULL, i);
	assert_int_equal(out.n, 0);
	receipt_merge_flush(*state);
	assert_int_equal(out.n, RECEIPT_MERGE_FROM - 1);
	for (size_t i = 0; i < out.n; i++)
		assert_null(node_first(out.nodes[i]));
	receipt_merge_flush(*state);
	assert_int_equal(out.n, RECEIPT_MERGE_FROM - 1);
}

/* By chat and by participant, whichever way they come. */
static void
test_many_go_together(void **state)
{
	static const struct {
		const char *to, *participant;
	} kinds[] = {{"a", NULL}, {"b", NULL}, {"g", "x"}, {"g", "y"}};

	(void)state;
	for (unsigned i = 0; i < 20; i++)
		for (size_t k = 0; k < 4; k++)
			add(*state, kinds[k].to, kinds[k].participant, i);
	receipt_merge_flush(*state);
	assert_int_equal(out.n, 4);
	for (size_t k = 0; k < 4; k++) {
		const char *participant = node_get(out.nodes[k], "participant");

		assert_true(node_get_is(out.nodes[k], "to", kinds[k].to));
		assert_true(node_get_is(out.nodes[k], "type", "inactive"));
		assert_true(participant == NULL ? kinds[k].participant == NULL
						: strcmp(participant, kinds[k].participant) == 0);
		assert_int_equal(ids_of(out.nodes[k]), 20);
	}
	assert_true(node_get_is(out.nodes[0], "id", "a0"));
	assert_true(node_get_is(node_first(node_find(out.nodes[0], "list")), "id", "a1"));
}

static void
test_limits(void **state)
{
	char to[16];

	(void)state;
	/* Of one stanza. */
	for (unsigned i = 0; i < 2 * RECEIPT_MERGE_IDS + 20; i++)
		add(*state, "a", NULL, i);
	assert_int_equal(out.n, 2);
	assert_int_equal(ids_of(out.nodes[0]), RECEIPT_MERGE_IDS);
	assert_int_equal(ids_of(out.nodes[1]), RECEIPT_MERGE_IDS);
	receipt_merge_flush(*state);
	assert_int_equal(out.n, 3);
	assert_int_equal(ids_of(out.nodes[2]), 20);
	/* Of chats. */
	for (unsigned i = 0; i <= RECEIPT_MERGE_CHATS; i++) {
		(void)snprintf(to, sizeof(to), "c%u-", i);
		add(*state, to, NULL, 0);
	}
	assert_int_equal(out.n, 3 + RECEIPT_MERGE_CHATS);
	/* What is left is the last one's: it is not written at the end. */
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
	    T(test_few_stay_apart),
	    T(test_many_go_together),
	    T(test_limits),
	};

	return cmocka_run_group_tests_name("receipt_merge", tests, NULL, NULL);
}
