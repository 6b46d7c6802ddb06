/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/conf.h"

struct target {
	char *dsn;
	bool flag;
	unsigned number;
	size_t size;
	double ratio;
};

static const struct conf_key keys[] = {
    {"database", "dsn", false, conf_set_string, offsetof(struct target, dsn)},
    {"a", "flag", false, conf_set_bool, offsetof(struct target, flag)},
    {"a", "number", true, conf_set_uint, offsetof(struct target, number)},
    {"a", "size", false, conf_set_size, offsetof(struct target, size)},
    {"b", "ratio", false, conf_set_ratio, offsetof(struct target, ratio)},
    {0},
};

static int
read_text(const char *text, struct target *t, struct buf *errors)
{
	char path[] = "/tmp/waconn-conf-XXXXXX";
	int fd = mkstemp(path), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
	r = conf_read(path, keys, t, errors);
	unlink(path);
	return r;
}

static void
test_good(void **state)
{
	struct target t = {0};
	struct buf errors = BUF_INIT(4096);

	(void)state;
	assert_int_equal(
	    read_text(
		"# comment\n[database]\ndsn = host=/tmp dbname=x\n\n[a]\nflag = yes\nnumber=7\n"
		"number = 8\nsize = 16M\n[b]\nratio = 0.25\n",
		&t, &errors),
	    0);
	assert_string_equal(buf_str(&errors), "");
	assert_string_equal(t.dsn, "host=/tmp dbname=x");
	assert_true(t.flag);
	assert_int_equal(t.number, 8);
	assert_int_equal(t.size, 16u << 20);
	assert_true(t.ratio == 0.25);
	free(t.dsn);
	buf_done(&errors);
}

static void
test_bad(void **state)
{
	static const struct {
		const char *text, *said;
	} cases[] = {
	    {"[a]\nflga = yes\n", ":2: unknown key: [a] flga"},
	    {"[c]\n\nflag = yes\n", ":3: unknown key: [c] flag"},
	    {"[a]\nflag = perhaps\n", ":2: bad value: [a] flag: expected yes or no"},
	    {"[a]\nflag = yes\nflag = no\n", ":3: given twice: [a] flag"},
	    {"[a]\nnumber = 4294967296\n", "expected a whole number"},
	    {"[a]\nnumber = -1\n", "expected a whole number"},
	    {"[a]\nsize = 10X\n", "expected a size"},
	    {"[b]\nratio = 1.5\n", "expected a number from 0 to 1"},
	    {"[b]\nratio = nan\n", "expected a number from 0 to 1"},
	    {"[a]\nnonsense\n", ":2: neither [section] nor key = value"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct target t = {0};
		struct buf errors = BUF_INIT(4096);

		assert_int_equal(read_text(cases[i].text, &t, &errors), -1);
		if (strstr(buf_str(&errors), cases[i].said) == NULL)
			fail_msg(
			    "case %zu: \"%s\" not in \"%s\"", i, cases[i].said, buf_str(&errors));
		free(t.dsn);
		buf_done(&errors);
	}
}

static void
test_missing_file(void **state)
{
	struct target t = {0};
	struct buf errors = BUF_INIT(4096);

	(void)state;
	assert_int_equal(conf_read("/nonexistent/waconnd.conf", keys, &t, &errors), -1);
	assert_non_null(strstr(buf_str(&errors), "No such file"));
	buf_done(&errors);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_missing_file),
	};

	return cmocka_run_group_tests_name("conf", tests, NULL, NULL);
}
