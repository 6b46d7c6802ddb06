/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pacer: rate and jitter, windows (over midnight, across clock changes), the daily cap, the
 * warm-up, estimates.
 * Times from Python's zoneinfo. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "waconnd/blast/pacer.h"

#define MIN_MS 60000LL
#define HOUR_MS (60 * MIN_MS)
#define NINE_JAKARTA (1795485600LL * 1000) /* 2026-11-24 09:00 WIB */

static struct outlet_pace
pace_of(unsigned per_minute, double jitter, unsigned cap, const char *window, const char *zone)
{
	struct outlet_pace p = {.per_minute = per_minute, .jitter = jitter, .daily_cap = cap};

	(void)snprintf(p.window, sizeof(p.window), "%s", window);
	(void)snprintf(p.timezone, sizeof(p.timezone), "%s", zone);
	return p;
}

static void
test_window_parse(void **state)
{
	static const char *const bad[] = {"8:00-20:00", "08:00", "08:00-20:00 ", "08:00-08:00",
	    "24:00-08:00", "08:60-09:00", "08:00-24:01", "25:00-26:00", "aa:bb-cc:dd",
	    "08:00_20:00", "08.00-20.00"};
	unsigned from, until;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(pacer_window_parse(bad[i], &from, &until), -1);
	assert_int_equal(pacer_window_parse("08:30-20:00", &from, &until), 0);
	assert_int_equal(from, 510);
	assert_int_equal(until, 1200);
	assert_int_equal(pacer_window_parse("22:00-06:00", &from, &until), 0);
	assert_int_equal(pacer_window_parse("00:00-24:00", &from, &until), 0);
	assert_int_equal(until, 1440);
	assert_int_equal(pacer_window_parse("", &from, &until), 0);
	assert_int_equal(from, 0);
	assert_int_equal(until, 1440);
}

static void
test_timezones(void **state)
{
	(void)state;
	assert_true(pacer_timezone_known("Asia/Jakarta"));
	assert_true(pacer_timezone_known("UTC"));
	assert_false(pacer_timezone_known("Asia/Atlantis"));
	assert_false(pacer_timezone_known(""));
}

static void
test_rate(void **state)
{
	struct outlet_pace pace = pace_of(20, 0, 0, "", "UTC");
	struct pacer p = {0};
	int64_t now = NINE_JAKARTA;

	(void)state;
	assert_int_equal(pacer_next(&p, &pace, now), now);
	pacer_sent(&p, &pace, now, 0.5);
	assert_int_equal(pacer_next(&p, &pace, now), now + 3000);
	assert_int_equal(pacer_next(&p, &pace, now + 2999), now + 3000);
	assert_int_equal(pacer_next(&p, &pace, now + 5000), now + 5000);
	/* A timer that fires 20 ms late does not slow the rate; a long pause gives no burst. */
	pacer_sent(&p, &pace, now + 3020, 0.5);
	assert_int_equal(p.next_ms, now + 6000);
	pacer_sent(&p, &pace, now + 60000, 0.5);
	assert_int_equal(p.next_ms, now + 63000);
}

static void
test_jitter(void **state)
{
	struct outlet_pace pace = pace_of(20, 0.5, 0, "", "UTC");
	const int64_t now = NINE_JAKARTA;

	(void)state;
	for (unsigned i = 0; i < 1000; i++) {
		struct pacer p = {0};

		pacer_sent(&p, &pace, now, i / 1000.0);
		assert_int_equal(p.next_ms, now + 1500 + 3 * i);
	}
}

static void
test_no_limit(void **state)
{
	struct outlet_pace fast = pace_of(0, 0.5, 0, "", "UTC");
	struct pacer p = {.next_ms = NINE_JAKARTA + HOUR_MS};

	(void)state;
	assert_int_equal(pacer_next(&p, &fast, NINE_JAKARTA), NINE_JAKARTA);
	pacer_sent(&p, &fast, NINE_JAKARTA, 0.9);
	assert_int_equal(pacer_next(&p, &fast, NINE_JAKARTA), NINE_JAKARTA);
}

static const struct {
	const char *window, *zone;
	int64_t now_s, want_s;
} windows[] = {
    {"08:00-20:00", "Asia/Jakarta", 1795485600, 1795485600}, /* 09:00: open */
    {"08:00-20:00", "Asia/Jakarta", 1795485600 + 11 * 3600 - 1,
	1795485600 + 11 * 3600 - 1},					 /* 19:59:59 */
    {"08:00-20:00", "Asia/Jakarta", 1795485600 + 11 * 3600, 1795568400}, /* 20:00: tomorrow at 8 */
    {"08:00-20:00", "Asia/Jakarta", 1795485600 - 2 * 3600 + 17,
	1795485600 - 3600}, /* 07:00:17: at 8 */
    {"09:15-09:16", "Asia/Jakarta", 1795485600, 1795485600 + 900},
    {"22:00-06:00", "Asia/Jakarta", 1795485600, 1795485600 + 13 * 3600}, /* 09:00: at 22 */
    {"22:00-06:00", "Asia/Jakarta", 1795485600 + 14 * 3600,
	1795485600 + 14 * 3600},						   /* 23:00: open */
    {"22:00-06:00", "Asia/Jakarta", 1795485600 - 4 * 3600, 1795485600 - 4 * 3600}, /* 05:00: open */
    {"12:00-24:00", "Asia/Jakarta", 1795485600 + 15 * 3600,
	1795485600 + 27 * 3600}, /* 00:00: at noon */
    {"08:00-20:00", "America/New_York", 1772935200,
	1772971200}, /* the night of 8 March 2026 has 23 hours */
    {"08:00-20:00", "America/New_York", 1793494800,
	1793538000}, /* the night of 1 November has 25 */
    {"02:10-02:50", "America/New_York", 1772949600,
	1773036600}, /* does not exist on 8 March: a day later */
    {"02:30-04:00", "America/New_York", 1772949600,
	1772953200}, /* begins within the gap: opens at 03:00 */
    {"", "Asia/Jakarta", 1795485600 + 14 * 3600, 1795485600 + 14 * 3600},
    {"08:00-20:00", "No/Zone", 1795485600, 1795485600 + 6 * 3600}, /* 02:00 UTC */
};

static void
test_windows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]); i++) {
		struct outlet_pace pace = pace_of(20, 0, 0, windows[i].window, windows[i].zone);
		struct pacer p = {0};

		assert_int_equal(
		    pacer_next(&p, &pace, windows[i].now_s * 1000), windows[i].want_s * 1000);
		assert_int_equal(pacer_closed(&p, &pace, windows[i].now_s * 1000),
		    windows[i].now_s != windows[i].want_s);
	}
}

static void
test_turn_falls_behind_the_window(void **state)
{
	struct outlet_pace pace = pace_of(1, 0, 0, "08:00-20:00", "Asia/Jakarta");
	const int64_t closing = NINE_JAKARTA + 11 * HOUR_MS;
	struct pacer p = {0};

	(void)state;
	pacer_sent(&p, &pace, closing - 1000, 0.5);
	assert_int_equal(pacer_next(&p, &pace, closing - 900), closing + 12 * HOUR_MS);
	assert_false(pacer_closed(&p, &pace, closing - 900));
}

static void
test_daily_cap(void **state)
{
	struct outlet_pace pace = pace_of(60, 0, 3, "08:00-20:00", "Asia/Jakarta");
	struct pacer p = {0};
	int64_t now = NINE_JAKARTA;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		now = pacer_next(&p, &pace, now);
		assert_int_equal(now, NINE_JAKARTA + 1000 * i);
		pacer_sent(&p, &pace, now, 0.5);
	}
	now = pacer_next(&p, &pace, now);
	assert_int_equal(now, NINE_JAKARTA + 23 * HOUR_MS); /* the next day at 8 */
	pacer_sent(&p, &pace, now, 0.5);
	assert_int_equal(p.sent_today, 1);
	pace.window[0] = '\0';
	p.sent_today = 3;
	assert_int_equal(pacer_next(&p, &pace, now), NINE_JAKARTA + 39 * HOUR_MS); /* at midnight */
}

static struct outlet_pace
warm_up(unsigned start, double growth, int64_t linked_ms, unsigned cap)
{
	struct outlet_pace pace = pace_of(0, 0, cap, "", "Asia/Jakarta");

	pace.warm_start = start;
	pace.warm_growth = growth;
	pace.linked_at_ms = linked_ms;
	return pace;
}

/* Sent without a cap, around local midnight, it counts against the next blast's. */
static void
test_cap_counts_what_had_none(void **state)
{
	const int64_t one_at_night = NINE_JAKARTA - 8 * HOUR_MS; /* the day before in UTC */
	struct outlet_pace without = pace_of(0, 0, 0, "", "Asia/Jakarta"), with = without;
	struct pacer p = {0};

	(void)state;
	with.daily_cap = 3;
	for (unsigned n = 0; n < 2; n++)
		pacer_sent(&p, &without, one_at_night, 0.5);
	assert_int_equal(pacer_next(&p, &with, one_at_night), one_at_night);
	pacer_sent(&p, &with, one_at_night, 0.5);
	assert_int_equal(pacer_next(&p, &with, one_at_night), NINE_JAKARTA + 15 * HOUR_MS);
}

/* Without any limit the zone is not read for each message: days are told apart all the same, to the
 * millisecond, also where they begin at a quarter of an hour, and when the zone is another. */
static void
test_days_without_limits(void **state)
{
	static const struct {
		const char *zone;
		int64_t midnight;
	} places[] = {
	    {"Asia/Jakarta", NINE_JAKARTA + 15 * HOUR_MS},
	    {"Asia/Kathmandu", NINE_JAKARTA + 16 * HOUR_MS + 15 * MIN_MS},
	    {"Pacific/Chatham", NINE_JAKARTA + 8 * HOUR_MS + 15 * MIN_MS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		const struct outlet_pace pace = pace_of(0, 0, 0, "", places[i].zone),
					 utc = pace_of(0, 0, 0, "", "UTC");
		const int64_t midnight = places[i].midnight;
		struct pacer p = {0};

		for (unsigned n = 0; n < 3; n++)
			pacer_sent(&p, &pace, midnight - 3 + n, 0);
		assert_int_equal(p.sent_today, 3);
		pacer_sent(&p, &pace, midnight, 0);
		assert_int_equal(p.sent_today, 1);
		pacer_sent(&p, &pace, midnight + 1, 0);
		assert_int_equal(p.sent_today, 2);
		pacer_sent(&p, &utc, midnight + 2, 0); /* the day before, there */
		assert_int_equal(p.sent_today, 1);
		pacer_restore(&p, &pace, midnight - 1, 7, 0);
		pacer_sent(&p, &pace, midnight + 1, 0);
		assert_int_equal(p.sent_today, 1);
	}
}

static void
test_warm_up_grows_by_day(void **state)
{
	/* Linked at 23:59 in Jakarta; in UTC that day has seven hours left. */
	const int64_t linked = NINE_JAKARTA + 15 * HOUR_MS - MIN_MS;
	const struct outlet_pace pace = warm_up(50, 1.5, linked, 1000);
	static const unsigned want[] = {50, 75, 112, 168, 253, 379, 569, 854, 1000, 1000};
	const struct outlet_pace uncapped = warm_up(50, 10, linked, 0);
	const struct outlet_pace low = warm_up(50, 1.5, linked, 20);
	const struct outlet_pace none = warm_up(0, 0, linked, 7);

	(void)state;
	assert_int_equal(pacer_cap(&pace, linked), 50);
	assert_int_equal(pacer_cap(&pace, linked + MIN_MS - 1), 50);
	for (unsigned d = 0; d < sizeof(want) / sizeof(want[0]); d++)
		assert_int_equal(pacer_cap(&pace, NINE_JAKARTA + d * 24 * HOUR_MS), want[d]);
	assert_int_equal(pacer_cap(&pace, linked + MIN_MS), 75);
	assert_int_equal(pacer_cap(&pace, linked + 36500 * 24 * HOUR_MS), 1000);
	/* A clock that was put back. */
	assert_int_equal(pacer_cap(&pace, linked - 72 * HOUR_MS), 50);
	/* Without a daily cap it grows until there is none. */
	assert_int_equal(pacer_cap(&uncapped, linked + 4 * 24 * HOUR_MS), 500000);
	assert_int_equal(pacer_cap(&uncapped, linked + 5 * 24 * HOUR_MS), 0);
	assert_int_equal(pacer_cap(&low, linked), 20);
	assert_int_equal(pacer_cap(&none, linked), 7);
}

static void
test_warm_up_holds_back(void **state)
{
	const struct outlet_pace pace = warm_up(3, 2, NINE_JAKARTA, 0);
	const int64_t midnight = NINE_JAKARTA + 15 * HOUR_MS;
	struct pacer p = {0};

	(void)state;
	pacer_restore(&p, &pace, NINE_JAKARTA, 2, 0);
	assert_false(pacer_closed(&p, &pace, NINE_JAKARTA));
	pacer_sent(&p, &pace, NINE_JAKARTA, 0.5);
	assert_true(pacer_closed(&p, &pace, NINE_JAKARTA));
	assert_int_equal(pacer_next(&p, &pace, NINE_JAKARTA), midnight);
	for (unsigned i = 0; i < 6; i++) {
		assert_int_equal(pacer_next(&p, &pace, midnight + i), midnight + i);
		pacer_sent(&p, &pace, midnight + i, 0.5);
	}
	assert_int_equal(pacer_next(&p, &pace, midnight + 6), midnight + 24 * HOUR_MS);
}

static void
test_warm_up_estimate(void **state)
{
	const struct outlet_pace pace = warm_up(3, 2, NINE_JAKARTA, 10);
	const struct outlet_pace uncapped = warm_up(100000, 10, NINE_JAKARTA, 0);
	const int64_t midnight = NINE_JAKARTA + 15 * HOUR_MS;
	const struct pacer p = {0};

	(void)state;
	/* 3, 6, 10, 10 … */
	assert_int_equal(pacer_estimate(&p, &pace, NINE_JAKARTA, 3), NINE_JAKARTA);
	assert_int_equal(pacer_estimate(&p, &pace, NINE_JAKARTA, 4), midnight);
	assert_int_equal(pacer_estimate(&p, &pace, NINE_JAKARTA, 9), midnight);
	assert_int_equal(pacer_estimate(&p, &pace, NINE_JAKARTA, 10), midnight + 24 * HOUR_MS);
	assert_int_equal(pacer_estimate(&p, &pace, NINE_JAKARTA, 20), midnight + 48 * HOUR_MS);
	assert_int_equal(pacer_estimate(&p, &uncapped, NINE_JAKARTA, 5000000), midnight);
}

static void
test_restore(void **state)
{
	struct outlet_pace pace = pace_of(20, 0.5, 100, "", "Asia/Jakarta");
	struct pacer p = {0};

	(void)state;
	pacer_restore(&p, &pace, NINE_JAKARTA, 99, NINE_JAKARTA - 1000);
	assert_int_equal(pacer_next(&p, &pace, NINE_JAKARTA), NINE_JAKARTA + 2000);
	pacer_sent(&p, &pace, NINE_JAKARTA + 2000, 0.5);
	assert_int_equal(pacer_next(&p, &pace, NINE_JAKARTA + 2000), NINE_JAKARTA + 15 * HOUR_MS);
	/* The database's clock is an hour ahead. */
	pacer_restore(&p, &pace, NINE_JAKARTA, 1, NINE_JAKARTA + HOUR_MS);
	assert_int_equal(pacer_next(&p, &pace, NINE_JAKARTA), NINE_JAKARTA + 3000);
}

static void
test_estimate(void **state)
{
	struct outlet_pace pace = pace_of(20, 0.5, 0, "", "Asia/Jakarta");
	struct pacer p = {0};
	const int64_t now = NINE_JAKARTA;

	(void)state;
	assert_int_equal(pacer_estimate(&p, &pace, now, 0), now);
	assert_int_equal(pacer_estimate(&p, &pace, now, 1), now);
	assert_int_equal(pacer_estimate(&p, &pace, now, 201), now + 10 * MIN_MS);
	/* 1,000 a day, 3 s apart: the 2,500th is the 500th of the third day. */
	pace = pace_of(20, 0.5, 1000, "08:00-20:00", "Asia/Jakarta");
	assert_int_equal(pacer_estimate(&p, &pace, now, 2500), now + 47 * HOUR_MS + 499 * 3000);
	/* One a minute in a window of ten minutes, from its first minute on: the 11th is the next
	 * day's first. */
	pace = pace_of(1, 0, 0, "09:00-09:10", "Asia/Jakarta");
	assert_int_equal(pacer_estimate(&p, &pace, now, 10), now + 9 * MIN_MS);
	assert_int_equal(pacer_estimate(&p, &pace, now, 11), now + 24 * HOUR_MS);
	/* No rate, a cap: a batch a day. */
	pace = pace_of(0, 0, 10, "", "Asia/Jakarta");
	assert_int_equal(pacer_estimate(&p, &pace, now, 25), now + 39 * HOUR_MS);
	pace = pace_of(0, 0, 0, "", "Asia/Jakarta");
	assert_int_equal(pacer_estimate(&p, &pace, now, 1000000), now);
	pace = pace_of(1, 0, 1, "", "Asia/Jakarta");
	assert_int_equal(pacer_estimate(&p, &pace, now, 1000000), PACER_NEVER);
}

/* What the estimate says is what the pacer does. */
static void
test_estimate_agrees(void **state)
{
	static const struct {
		unsigned rate, cap;
		const char *window, *zone;
	} plans[] = {{7, 0, "08:00-20:00", "Asia/Jakarta"},
	    {1, 100, "22:00-06:00", "America/New_York"}, {2, 300, "", "Europe/London"},
	    {60, 50, "12:00-12:03", "Asia/Jakarta"}};

	(void)state;
	for (size_t i = 0; i < sizeof(plans) / sizeof(plans[0]); i++) {
		struct outlet_pace pace =
		    pace_of(plans[i].rate, 0, plans[i].cap, plans[i].window, plans[i].zone);
		struct pacer p = {0};
		const int64_t want = pacer_estimate(&p, &pace, NINE_JAKARTA, 400);
		int64_t now = NINE_JAKARTA;

		for (unsigned n = 0; n < 400; n++) {
			now = pacer_next(&p, &pace, now);
			pacer_sent(&p, &pace, now, 0.5);
		}
		assert_true(want - now <= 2000 && now - want <= 2000);
	}
}

/* What it may still send, as the spread over outlets wants it. */
static void
test_stretches(void **state)
{
	struct outlet_pace pace = pace_of(60, 0, 100, "08:00-20:00", "Asia/Jakarta");
	struct pacer p = {0};
	struct pacer_stretch s[8];

	(void)state;
	for (unsigned n = 0; n < 30; n++)
		pacer_sent(&p, &pace, NINE_JAKARTA, 0.5);
	assert_int_equal(
	    pacer_stretches(&p, &pace, NINE_JAKARTA, NINE_JAKARTA + 48 * HOUR_MS, s, 8), 3);
	assert_int_equal(s[0].from_ms, NINE_JAKARTA);
	assert_int_equal(s[0].n, 70);
	assert_true(s[0].interval_ms > 999 && s[0].interval_ms < 1001);
	assert_int_equal(s[1].from_ms, NINE_JAKARTA + 23 * HOUR_MS);
	assert_int_equal(s[1].n, 100);
	assert_int_equal(s[2].from_ms, NINE_JAKARTA + 47 * HOUR_MS);
	/* No more than asked for; no limit is the highest one. */
	assert_int_equal(
	    pacer_stretches(&p, &pace, NINE_JAKARTA, NINE_JAKARTA + 48 * HOUR_MS, s, 2), 2);
	pace = pace_of(0, 0, 0, "", "UTC");
	assert_int_equal(pacer_stretches(&p, &pace, NINE_JAKARTA, NINE_JAKARTA + MIN_MS, s, 8), 1);
	assert_int_equal(s[0].n, PACER_PER_MINUTE_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_window_parse),
	    cmocka_unit_test(test_timezones),
	    cmocka_unit_test(test_rate),
	    cmocka_unit_test(test_jitter),
	    cmocka_unit_test(test_no_limit),
	    cmocka_unit_test(test_windows),
	    cmocka_unit_test(test_turn_falls_behind_the_window),
	    cmocka_unit_test(test_daily_cap),
	    cmocka_unit_test(test_cap_counts_what_had_none),
	    cmocka_unit_test(test_days_without_limits),
	    cmocka_unit_test(test_warm_up_grows_by_day),
	    cmocka_unit_test(test_warm_up_holds_back),
	    cmocka_unit_test(test_warm_up_estimate),
	    cmocka_unit_test(test_restore),
	    cmocka_unit_test(test_estimate),
	    cmocka_unit_test(test_estimate_agrees),
	    cmocka_unit_test(test_stretches),
	};

	return cmocka_run_group_tests_name("pacer", tests, NULL, NULL);
}
