/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recipients from lines and CSV, each case as "number|name|var=value…" per recipient. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "waconnd/waconnctl/recipients.h"

static void
describe(const struct recipients *r, struct buf *out)
{
	for (size_t i = 0; i < r->n; i++) {
		const Ipc__Recipient *one = r->list[i];

		buf_addf(out, "%s%s|%s", i > 0 ? " " : "", one->phone,
		    one->name != NULL ? one->name : "");
		for (size_t k = 0; k < one->n_vars; k++)
			buf_addf(out, "|%s=%s", one->vars[k]->name, one->vars[k]->value);
	}
}

static int
read_text(const char *text, size_t len, struct buf *ret, struct buf *err)
{
	struct recipients r = {0};
	FILE *in = fmemopen((void *)(uintptr_t)text, len, "r");
	int result;

	assert_non_null(in);
	result = recipients_read(&r, in, err);
	describe(&r, ret);
	(void)fclose(in);
	recipients_done(&r);
	return result;
}

static void
accepted(void **state)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
	    {"0812\n0813\n", "0812| 0813|"},
	    {"0812", "0812|"},
	    {"\n# a remark\n  \n0812\r\n", "0812|"},
	    {"0812,Budi\n0813, Siti Aminah \n0814,\n", "0812|Budi 0813|Siti Aminah 0814|"},
	    {"0812;Budi;left out\n", "0812|Budi"},
	    {"+62 812-34\tBudi\n", "+62 812-34|Budi"},
	    {"\xef\xbb\xbfnomor,Nama,kode\n0812,Budi,A1\n", "0812|Budi|kode=A1"},
	    {"kode;PHONE\nA1;0812\n;0813\n", "0812||kode=A1 0813||kode="},
	    {"phone,name\n0812,\"Budi, \"\"Si Kecil\"\"\"\n", "0812|Budi, \"Si Kecil\""},
	    {"phone,name\n0812\n", "0812|"},
	    {"name,phone\nBudi\n", "|Budi"},
	    {"phone,,x\n0812,hidden,1\n", "0812||x=1"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct buf out = BUF_INIT(4096), err = BUF_INIT(1024);

		assert_int_equal(read_text(cases[i].text, strlen(cases[i].text), &out, &err), 0);
		assert_string_equal(buf_str(&out), cases[i].expected);
		assert_int_equal(err.len, 0);
		buf_done(&out);
		buf_done(&err);
	}
}

static void
refused(void **state)
{
	static const char zero[] = "0812\n08\0003\n";
	struct buf out = BUF_INIT(4096), err = BUF_INIT(1024);

	(void)state;
	assert_int_equal(read_text("0812,\"Budi\n", 11, &out, &err), -1);
	assert_non_null(strstr(buf_str(&err), "line 1:"));
	buf_reset(&err);
	assert_int_equal(read_text(zero, sizeof(zero) - 1, &out, &err), -1);
	assert_string_equal(buf_str(&err), "line 2: this is no text");
	buf_done(&out);
	buf_done(&err);
}

static void
too_many(void **state)
{
	struct recipients r = {0};
	struct buf err = BUF_INIT(1024);
	int result = 0;

	(void)state;
	while (r.n < RECIPIENTS_MAX && result == 0)
		result = recipients_add(&r, "1", &err);
	assert_int_equal(result, 0);
	assert_int_equal(recipients_add(&r, "1", &err), -1);
	assert_true(err.len > 0);
	recipients_done(&r);
	buf_done(&err);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(accepted),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
