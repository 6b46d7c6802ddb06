/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "common/metrics.h"

static void
expect_text(struct metrics *m, const char *expected)
{
	struct buf out = BUF_INIT(1u << 20);

	metrics_write(m, &out);
	assert_string_equal(buf_str(&out), expected);
	buf_done(&out);
}

static void
test_text(void **state)
{
	static const double bounds[] = {0.5, 2};
	struct metrics *m = metrics_new();
	struct metric *c = metrics_counter(m, "a_total", "As.", "how");
	struct metric *g = metrics_gauge(m, "b", "Bs.", NULL);
	struct metric *h = metrics_histogram(m, "c_seconds", "Cs.", NULL, bounds, 2);

	(void)state;
	metric_add(c, "plain", 1);
	metric_add(c, "a \"b\\c\n", 2);
	metric_add(c, "plain", 1);
	metric_set(g, NULL, 7);
	metric_set(g, NULL, 0.25);
	metric_observe(h, NULL, 0.5);
	metric_observe(h, NULL, 1);
	metric_observe(h, NULL, 3);
	expect_text(m, "# HELP a_total As.\n# TYPE a_total counter\n"
		       "a_total{how=\"plain\"} 2\n"
		       "a_total{how=\"a \\\"b\\\\c\\n\"} 2\n"
		       "# HELP b Bs.\n# TYPE b gauge\n"
		       "b 0.25\n"
		       "# HELP c_seconds Cs.\n# TYPE c_seconds histogram\n"
		       "c_seconds_bucket{le=\"0.5\"} 1\n"
		       "c_seconds_bucket{le=\"2\"} 2\n"
		       "c_seconds_bucket{le=\"+Inf\"} 3\n"
		       "c_seconds_sum 4.5\n"
		       "c_seconds_count 3\n");
	metrics_free(&m);
	assert_null(m);
}

/* What is counted by its place is what is counted by its label. */
static void
test_places(void **state)
{
	struct metrics *m = metrics_new();
	struct metric *c = metrics_counter(m, "a_total", "As.", "how");
	const size_t plain = metric_place(c, "plain"), other = metric_place(c, "another");

	(void)state;
	assert_int_equal(metric_place(c, "plain"), plain);
	assert_int_equal(metric_place(NULL, "plain"), 0);
	metric_add(c, "plain", 1);
	metric_add_at(c, plain, 2);
	metric_add_at(c, other, 4);
	metric_add_at(NULL, other, 4);
	expect_text(m, "# HELP a_total As.\n# TYPE a_total counter\n"
		       "a_total{how=\"plain\"} 3\n"
		       "a_total{how=\"another\"} 4\n");
	metrics_free(&m);
}

/* What a stranger can make up must not grow without end. */
static void
test_bounded(void **state)
{
	struct metrics *m = metrics_new();
	struct metric *c = metrics_counter(m, "a_total", "As.", "who");
	struct buf out = BUF_INIT(1u << 20);
	unsigned lines = 0;
	char other[64];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		char value[16];

		(void)snprintf(value, sizeof(value), "v%d", i);
		metric_add(c, value, 1);
		metric_add(c, value, 1);
	}
	metrics_write(m, &out);
	for (const char *p = buf_str(&out); (p = strchr(p, '\n')) != NULL; p++)
		lines++;
	assert_int_equal(lines, METRIC_SERIES_MAX + 2);
	(void)snprintf(other, sizeof(other), "a_total{who=\"other\"} %d\n",
	    2 * (1000 - (METRIC_SERIES_MAX - 1)));
	assert_non_null(strstr(buf_str(&out), other));
	buf_done(&out);
	metrics_free(&m);
}

static void
test_none(void **state)
{
	struct metric *c = metrics_counter(NULL, "a_total", "As.", NULL);
	struct buf out = BUF_INIT(1024);

	(void)state;
	assert_null(c);
	metric_add(c, NULL, 1);
	metric_observe(c, NULL, 1);
	metrics_write(NULL, &out);
	assert_int_equal(out.len, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_places),
	    cmocka_unit_test(test_bounded),
	    cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
