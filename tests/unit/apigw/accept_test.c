/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What clients say that they take, and how much they want it. */
#include "tests/unit/cmocka_all.h"

#include "apigw/accept.h"

/* clang-format off */
static const struct {
	const char *header, *name;
	unsigned quality;
	size_t place;
} cases[] = {
	{NULL,                                    "image/png",  1000, 0},
	{"",                                      "image/png",  0,    0},
	{"image/png",                             "image/png",  1000, 0},
	{"IMAGE/PNG",                             "image/png",  1000, 0},
	{"image/jpeg",                            "image/png",  0,    0},
	{"image/pngx",                            "image/png",  0,    0},
	{"image/*",                               "image/png",  1000, 0},
	{"image/*, text/html",                    "text/plain", 0,    0},
	{"*/*",                                   "image/png",  1000, 0},
	{"*",                                     "image/png",  0,    0},
	{"text/html, */*;q=0.1",                  "image/png",  100,  1},
	{"*/*;q=0.9, image/png;q=0.25",           "image/png",  250,  1},
	{"image/png;q=0, image/*",                "image/png",  0,    0},
	{"image/*;q=0.5,image/png;level=1;q=0.7", "image/png",  700,  1},
	{"image/png ; q=0.3",                     "image/png",  300,  0},
	{"image/png;q=0.1234",                    "image/png",  123,  0},
	{"image/png;q=1.000",                     "image/png",  1000, 0},
	{"image/png;q=nonsense",                  "image/png",  1000, 0},
	{", ,image/png",                          "image/png",  1000, 2},
	{"br, gzip",                              "gzip",       1000, 1},
	{"br;q=1.0, gzip;q=0.8, *;q=0.1",         "gzip",       800,  1},
	{"br, *;q=0.1",                           "gzip",       100,  1},
	{"gzip;q=0",                              "gzip",       0,    0},
	{"gzip;q=0.000, *",                       "gzip",       0,    0},
	{"identity",                              "gzip",       0,    0},
	{"image/png;",                            "image/png",  1000, 0},
	{"image/png;q",                           "image/png",  1000, 0},
	{"image/png;q=",                          "image/png",  1000, 0},
};
/* clang-format on */

static void
qualities(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t place = 99;
		unsigned q = accept_quality(cases[i].header, cases[i].name, &place);

		if (q != cases[i].quality || (q > 0 && place != cases[i].place))
			fail_msg(
			    "%s in \"%s\": %u at %zu", cases[i].name, cases[i].header, q, place);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(qualities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
