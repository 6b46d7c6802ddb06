/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/cmocka_all.h"

#include "common/phone.h"

static const struct {
	const char *written;
	const char *digits; /* NULL: refused */
} cases[] = {
    {"081234567890", "6281234567890"},
    {"0812-3456-7890", "6281234567890"},
    {"+62 812 3456 7890", "6281234567890"},
    {"+6281234567890", "6281234567890"},
    {"62 0812 3456 7890", "6281234567890"},
    {"6281234567890", "6281234567890"},
    {" (0812) 3456.7890 ", "6281234567890"},
    {"006281234567890", "6281234567890"},
    {"+1 555 123 4567", "15551234567"},
    {"+44/7700.900123", "447700900123"},
    {"", NULL},
    {"0", NULL},
    {"+", NULL},
    {"12345", NULL},
    {"08123", NULL},
    {"0812x4567890", NULL},
    {"++6281234567890", NULL},
    {"62+81234567890", NULL},
    {"6281234567890123456", NULL},
    {"123456789012345678901234567890", NULL},
    {"000081234567890", NULL},
    {"٠٨١٢٣٤٥٦٧٨٩", NULL},
};

static void
test_normalise(void **state)
{
	char digits[PHONE_DIGITS_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int r = phone_normalise(cases[i].written, PHONE_COUNTRY_DEFAULT, digits);

		if (cases[i].digits == NULL) {
			if (r != -1)
				fail_msg("\"%s\" was taken as %s", cases[i].written, digits);
		} else {
			if (r != 0)
				fail_msg("\"%s\" was refused", cases[i].written);
			assert_string_equal(digits, cases[i].digits);
		}
	}
}

static void
test_shorten(void **state)
{
	char out[32];

	(void)state;
	phone_shorten("6281234567745", out, sizeof(out));
	assert_string_equal(out, "62812…745");
	phone_shorten("12345678", out, sizeof(out));
	assert_string_equal(out, "12…");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_normalise),
	    cmocka_unit_test(test_shorten),
	};

	return cmocka_run_group_tests_name("phone", tests, NULL, NULL);
}
