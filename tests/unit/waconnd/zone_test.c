/* SPDX-License-Identifier: GPL-3.0-or-later */
/* zone: offsets of real zones (before, within and after their tables), and files that are none.
 * Expected values: Python's zoneinfo. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "waconnd/blast/zone.h"

static const struct {
	const char *name;
	int64_t at;
	int32_t want;
} cases[] = {
    {"UTC", 0, 0},
    {"Asia/Jakarta", 1795485600, 25200},
    {"Asia/Kolkata", 1893436200, 19800},
    {"Pacific/Kiritimati", 1767175200, 50400},
    {"America/New_York", 1772953199, -18000},
    {"America/New_York", 1772953200, -14400},
    {"America/New_York", 1793538000, -18000},
    {"America/New_York", 2855908800, -14400},
    {"Europe/London", 2569230000, 3600},
    {"Australia/Lord_Howe", 2524597200, 39600},
    {"Africa/Casablanca", 1811804400, 3600},
    {"America/Sao_Paulo", 1527822000, -10800},
};

static void
test_offsets(void **state)
{
	struct zone z;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(zone_load(cases[i].name, &z), 0);
		assert_int_equal(zone_offset(&z, cases[i].at), cases[i].want);
	}
}

static void
test_not_zones(void **state)
{
	static const char *const names[] = {"", "Nowhere/City", "/etc/passwd", "../zoneinfo/UTC",
	    "Asia/", "Asia", "Asia/Jakarta ", "zone.tab", "."};
	struct zone z;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(zone_load(names[i], &z), -1);
}

/* A file with no transitions: header twice, one type, its name, then the rule. */
static size_t
make_file(uint8_t *out, const char *rule)
{
	static const uint8_t header[44] = {'T', 'Z', 'i', 'f', '2', [39] = 1, [43] = 4};
	static const uint8_t body[10] = {0, 0, 0x62, 0x70, 0, 0, 'W', 'I', 'B', 0};
	size_t len = 0;

	for (unsigned i = 0; i < 2; i++) {
		memcpy(out + len, header, sizeof(header));
		memcpy(out + len + sizeof(header), body, sizeof(body));
		len += sizeof(header) + sizeof(body);
	}
	out[len++] = '\n';
	memcpy(out + len, rule, strlen(rule));
	len += strlen(rule);
	out[len++] = '\n';
	return len;
}

static void
test_cut_short(void **state)
{
	uint8_t data[256];
	struct zone z;
	const size_t len = make_file(data, "EST5EDT,M3.2.0,M11.1.0");

	(void)state;
	assert_int_equal(zone_parse(data, len, &z), 0);
	assert_int_equal(zone_offset(&z, 1772953200), -14400);
	for (size_t i = 0; i < len; i++) {
		uint8_t *exact = test_malloc(i + 1);

		memcpy(exact, data, i);
		assert_int_equal(zone_parse(exact, i, &z), -1);
		test_free(exact);
	}
}

static void
test_rules(void **state)
{
	static const char *const bad[] = {"X", "EST", "EST5EDT", "EST5EDT,M13.1.0,M11.1.0",
	    "EST5EDT,M3.2.0", "EST5EDT,M3.2.0,M11.1.0x", "<+07-7", "EST999", "EST5EDT,J0,J5"};
	uint8_t data[256];
	struct zone z;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		len = make_file(data, bad[i]);
		assert_int_equal(zone_parse(data, len, &z), -1);
	}
	len = make_file(data, "<+0330>-3:30<+0430>,J79/24,J263/24");
	assert_int_equal(zone_parse(data, len, &z), 0);
	assert_int_equal(zone_offset(&z, 1767225600), 12600); /* 1 January 2026 */
	assert_int_equal(zone_offset(&z, 1782864000), 16200); /* 1 July 2026 */
	len = make_file(data, "");
	assert_int_equal(zone_parse(data, len, &z), 0);
	assert_int_equal(zone_offset(&z, 0), 25200);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_offsets),
	    cmocka_unit_test(test_not_zones),
	    cmocka_unit_test(test_cut_short),
	    cmocka_unit_test(test_rules),
	};

	return cmocka_run_group_tests_name("zone", tests, NULL, NULL);
}
