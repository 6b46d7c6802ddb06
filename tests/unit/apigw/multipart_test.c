/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Forms that must be read, in pieces of every size, and forms that must be refused. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "apigw/conditional.h"
#include "apigw/multipart.h"
#include "common/buf.h"

#define TYPE "multipart/form-data; boundary=xyz"
#define FILE_HEAD(name) \
	"Content-Disposition: form-data; name=\"file\"; filename=\"" name "\"\r\n\r\n"

static void
on_part(void *arg, const char *name, const char *file_name)
{
	buf_addf(arg, "[%s|%s]", name, file_name != NULL ? file_name : "-");
}

static void
on_data(void *arg, const void *bytes, size_t len)
{
	buf_add(arg, bytes, len);
}

static const struct multipart_ops ops = {on_part, on_data};

/* What was heard of a form, "refused" or "cut off". */
static const char *
read_form(const char *form, size_t len, size_t step, struct buf *out)
{
	struct multipart *m = multipart_new(TYPE, &ops, out);
	int r = 0;

	buf_reset(out);
	for (size_t at = 0; r == 0 && at < len; at += step)
		r = multipart_take(m, form + at, len - at < step ? len - at : step);
	if (r < 0) {
		buf_reset(out);
		buf_add_str(out, "refused");
	} else if (!multipart_complete(m)) {
		buf_add_str(out, " cut off");
	}
	multipart_free(&m);
	return buf_str(out);
}

static const struct {
	const char *form, *wanted;
} samples[] = {
    {"--xyz\r\n" FILE_HEAD("a.png") "data\r\n--xyz--\r\n", "[file|a.png]data"},
    {"--xyz\r\n" FILE_HEAD("a.png") "data\r\n--xyz--", "[file|a.png]data"},
    {"--xyz\r\n" FILE_HEAD("a.png") "\r\n--xyz--\r\n", "[file|a.png]"},
    {"--xyz\r\n" FILE_HEAD("a\\\"b%22c\\d") "x\r\n--xyz--\r\nepilogue", "[file|a\"b\"c\\d]x"},
    {"--xyz\r\ncontent-type: "
     "a/b\r\nCONTENT-DISPOSITION:form-data;name=t\r\n\r\n1\r\n--xyz\r\n" FILE_HEAD(
	 "b") "2\r\n--xyz--",
	"[t|-]1[file|b]2"},
    {"--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"; "
     "filename*=UTF-8''b\r\n\r\n1\r\n--xyz--",
	"[file|a]1"},
    /* What only looks like a delimiter is data. */
    {"--xyz\r\n" FILE_HEAD("a") "\r\n--xy\r\n-\r\r\n--xyz--\r\n", "[file|a]\r\n--xy\r\n-\r"},
    {"--xyz--\r\n", ""},
    {"--xyz\r\n" FILE_HEAD("a") "data", "[file|a] cut off"},
    {"", " cut off"},
    {"x--xyz\r\n" FILE_HEAD("a") "data\r\n--xyz--", "refused"},
    {"--xyy\r\n", "refused"},
    {"--xyz \r\n" FILE_HEAD("a") "data\r\n--xyz--", "refused"},
    {"--xyz\r\n\r\ndata\r\n--xyz--", "refused"},
    {"--xyz\r\nContent-Type: a/b\r\n\r\ndata\r\n--xyz--", "refused"},
    {"--xyz\r\nContent-Disposition: attachment; name=a\r\n\r\n1\r\n--xyz--", "refused"},
    {"--xyz\r\nContent-Disposition: form-data; filename=a\r\n\r\n1\r\n--xyz--", "refused"},
    {"--xyz\r\nContent-Disposition: form-data; name=a; name=b\r\n\r\n1\r\n--xyz--", "refused"},
    {"--xyz\r\nContent-Disposition: form-data; name=\"a\r\n\r\n1\r\n--xyz--", "refused"},
    {"--xyz\r\nContent-Disposition: form-data; name=\"a\" x\r\n\r\n1\r\n--xyz--", "refused"},
    {"--xyz\r\nContent-Disposition: form-data; name=a\r\n folded\r\n\r\n1\r\n--xyz--", "refused"},
    {"--xyz\r\n" FILE_HEAD("a") "1\r\n--xyz--\r\n", "[file|a]1"},
    {"--xyz\r\n" FILE_HEAD("a") "1\r\n--xyzzy--\r\n", "refused"},
};

static void
test_forms_in_pieces_of_every_size(void **state)
{
	struct buf out = BUF_INIT(4096);

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
		const size_t len = strlen(samples[i].form);

		for (size_t step = 1; step <= len + 1; step++)
			assert_string_equal(
			    read_form(samples[i].form, len, step, &out), samples[i].wanted);
	}
	buf_done(&out);
}

static void
test_a_long_head_is_refused(void **state)
{
	struct buf out = BUF_INIT(1u << 20), form = BUF_INIT(1u << 20);

	(void)state;
	buf_add_str(&form, "--xyz\r\nX: ");
	for (size_t i = 0; i < MULTIPART_HEAD_MAX; i++)
		buf_add_u8(&form, 'x');
	buf_add_str(&form, "\r\n" FILE_HEAD("a") "1\r\n--xyz--");
	assert_string_equal(read_form(buf_str(&form), form.len, 1000, &out), "refused");
	buf_done(&form);
	buf_done(&out);
}

static void
test_boundaries(void **state)
{
	static const char *const bad[] = {NULL, "", "text/plain", "multipart/form-data",
	    "multipart/form-data; boundary=", "multipart/form-data; boundary=a b",
	    "multipart/form-data; boundary=\"a", "multipart/form-data; charset=x; boundary=a",
	    "multipart/mixed; boundary=a",
	    "multipart/form-data; boundary="
	    "12345678901234567890123456789012345678901234567890123456789012345678901"};
	struct multipart *m;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_null(multipart_new(bad[i], &ops, NULL));
	m = multipart_new("Multipart/Form-Data;boundary=\"a'b\"", &ops, NULL);
	assert_non_null(m);
	multipart_free(&m);
}

static void
test_ranges(void **state)
{
	static const struct {
		const char *header;
		int r;
		uint64_t from, len;
	} ranges[] = {{NULL, 0, 0, 0}, {"bytes=0-9", 1, 0, 10}, {"bytes=90-", 1, 90, 10},
	    {"bytes=-1", 1, 99, 1}, {"bytes=-200", 1, 0, 100}, {"bytes=99-1000", 1, 99, 1},
	    {"bytes=100-", -1, 0, 0}, {"bytes=-0", -1, 0, 0}, {"bytes=5-4", 0, 0, 0},
	    {"bytes=-", 0, 0, 0}, {"bytes=0-1,3-4", 0, 0, 0}, {"bytes= 0-1", 0, 0, 0},
	    {"bytes=0-9999999999999999999999", 0, 0, 0}, {"items=0-1", 0, 0, 0}};

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		uint64_t from = 0, len = 0;

		assert_int_equal(
		    conditional_range_parse(ranges[i].header, 100, &from, &len), ranges[i].r);
		assert_int_equal(from, ranges[i].from);
		assert_int_equal(len, ranges[i].len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_forms_in_pieces_of_every_size),
	    cmocka_unit_test(test_a_long_head_is_refused),
	    cmocka_unit_test(test_boundaries),
	    cmocka_unit_test(test_ranges),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
