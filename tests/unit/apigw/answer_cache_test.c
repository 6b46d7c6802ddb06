/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "apigw/answer_cache.h"

static const char text[ANSWER_BYTES_MIN + 1];

static void
put(struct answer_cache *ac, const char *query, const char *etag)
{
	answer_cache_put(ac, query, etag, text, sizeof(text));
}

static void
expect(struct answer_cache *ac, const char *query, const char *etag)
{
	struct answer *a = answer_cache_get(ac, query);

	if (etag == NULL) {
		assert_null(a);
		return;
	}
	assert_non_null(a);
	assert_string_equal(a->etag, etag);
	assert_int_equal(a->len, sizeof(text));
	assert_memory_equal(a->body, text, sizeof(text));
	answer_release(&a);
	assert_null(a);
}

static void
test_latest_of_a_query(void **state)
{
	struct answer_cache *ac = answer_cache_new();

	(void)state;
	expect(ac, "", NULL);
	put(ac, NULL, "\"1\"");
	put(ac, "limit=5", "\"1\"");
	put(ac, "", "\"2\"");
	expect(ac, NULL, "\"2\"");
	expect(ac, "limit=5", "\"1\"");
	expect(ac, "limit=6", NULL);
	answer_cache_free(&ac);
	assert_null(ac);
}

static void
test_bounded(void **state)
{
	struct answer_cache *ac = answer_cache_new();
	char query[16];

	(void)state;
	put(ac, "first", "\"1\"");
	for (int i = 0; i < ANSWER_CACHE_MAX - 1; i++) {
		(void)snprintf(query, sizeof(query), "q%d", i);
		put(ac, query, "\"1\"");
	}
	expect(ac, "first", "\"1\""); /* and so is the latest used */
	put(ac, "one more", "\"1\"");
	expect(ac, "q0", NULL);
	expect(ac, "q1", "\"1\"");
	expect(ac, "first", "\"1\"");
	answer_cache_put(ac, "small", "\"1\"", text, ANSWER_BYTES_MIN - 1);
	expect(ac, "small", NULL);
	answer_cache_free(&ac);
}

/* Who holds an answer keeps it, whatever comes in its place. */
static void
test_held(void **state)
{
	struct answer_cache *ac = answer_cache_new();
	struct answer *a;

	(void)state;
	put(ac, "q", "\"1\"");
	a = answer_cache_get(ac, "q");
	put(ac, "q", "\"2\"");
	expect(ac, "q", "\"2\"");
	answer_cache_free(&ac);
	assert_string_equal(a->etag, "\"1\"");
	assert_memory_equal(a->body, text, sizeof(text));
	answer_release(&a);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_latest_of_a_query),
	    cmocka_unit_test(test_bounded),
	    cmocka_unit_test(test_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
