/* SPDX-License-Identifier: GPL-3.0-or-later */
/* template: what is a variable, what stays text, defaults, and values from a recipient's JSON. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "waconnd/blast/template.h"

#define LONG64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *text, *want;
} cases[] = {
    {"", ""},
    {"Halo", "Halo"},
    {"Halo {{name}}!", "Halo Budi!"},
    {"Halo {{name|Kakak}}", "Halo Budi"},
    {"Halo {{nobody|Kakak}}", "Halo Kakak"},
    {"Halo {{empty|Kakak}}", "Halo Kakak"},
    {"Halo {{nobody}}.", "Halo ."},
    {"Halo {{nobody|}}.", "Halo ."},
    {"{{name}}{{kode}}", "BudiA1"},
    {"{{n}} {{price}} {{phone}}", "7 1.5 62812"},
    {"{{nobody|a|b}}", "a|b"},
    {"{{nobody|two\nlines}}", "two\nlines"},
    {"{{nobody|{{name}}}}", "{{name}}"},
    {"{{name}", "{{name}"},
    {"{{name", "{{name"},
    {"{{", "{{"},
    {"{", "{"},
    {"{{}}", "{{}}"},
    {"{{|x}}", "{{|x}}"},
    {"{{ name }}", "Budi"},
    {"{{ none | dear friend }}", "dear friend"},
    {"{{none|  }}", ""},
    {"{{ na me }}", "{{ na me }}"},
    {"{{na-me}}", "{{na-me}}"},
    {"{{name|never closed", "{{name|never closed"},
    {"{{{name}}}", "{Budi}"},
    {"{name}", "{name}"},
    {"{{trick}}", "{{name}}"},
    {"{{flag|no}}", "no"},
    {"{{" LONG64 "}}", "long"},
    {"{{" LONG64 "a}}", "{{" LONG64 "a}}"},
};

static void
test_render(void **state)
{
	json_t *vars = json_pack("{s:s,s:s,s:s,s:i,s:f,s:s,s:b,s:s}", "name", "Budi", "kode", "A1",
	    "empty", "", "n", 7, "price", 1.5, "trick", "{{name}}", "flag", 1, LONG64, "long");
	struct template_vars tv = {.vars = vars, .phone = "62812"};

	(void)state;
	assert_non_null(vars);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = BUF_INIT(4096);

		template_render(cases[i].text, template_vars_lookup, &tv, &out);
		assert_true(buf_ok(&out));
		assert_string_equal(buf_str(&out), cases[i].want);
		buf_done(&out);
	}
	json_decref(vars);
}

static void
test_without_vars(void **state)
{
	struct template_vars tv = {.phone = "62812"};
	struct buf out = BUF_INIT(4096);

	(void)state;
	template_render("{{name|Kakak}} {{phone}}", template_vars_lookup, &tv, &out);
	assert_string_equal(buf_str(&out), "Kakak 62812");
	buf_done(&out);
}

static void
test_bounded(void **state)
{
	struct template_vars tv = {.phone = "62812"};
	struct buf out = BUF_INIT(8);

	(void)state;
	template_render("{{phone}}{{phone}}", template_vars_lookup, &tv, &out);
	assert_false(buf_ok(&out));
	buf_done(&out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_render),
	    cmocka_unit_test(test_without_vars),
	    cmocka_unit_test(test_bounded),
	};

	return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
