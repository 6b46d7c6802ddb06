/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/unit/cmocka_all.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "waconnd/store/seal.h"

static const uint8_t key[SEAL_KEY_LEN] = "an example of thirty-two bytes!";
static const uint8_t other_key[SEAL_KEY_LEN] = "another one of thirty-two bytes";

static void
test_round_trip(void **state)
{
	struct seal *s = seal_new(key);
	struct buf sealed = BUF_INIT(4096), again = BUF_INIT(4096), plain = BUF_INIT(4096);

	(void)state;
	seal_close(s, "o1/2/a.0", "secret", 6, &sealed);
	seal_close(s, "o1/2/a.0", "secret", 6, &again);
	assert_int_equal(sealed.len, 6 + SEAL_OVERHEAD);
	assert_memory_not_equal(sealed.data, again.data, sealed.len);
	assert_null(memmem(sealed.data, sealed.len, "secret", 6));
	assert_int_equal(seal_open(s, "o1/2/a.0", sealed.data, sealed.len, &plain), 0);
	assert_string_equal(buf_str(&plain), "secret");
	buf_reset(&plain);
	buf_reset(&sealed);
	seal_close(s, "", "", 0, &sealed);
	assert_int_equal(seal_open(s, "", sealed.data, sealed.len, &plain), 0);
	assert_int_equal(plain.len, 0);
	buf_done(&sealed);
	buf_done(&again);
	buf_done(&plain);
	seal_free(&s);
	assert_null(s);
}

/* Every changed bit, every cut, another row's name and another key are refused, and nothing comes
 * out. */
static void
test_tamper(void **state)
{
	struct seal *s = seal_new(key), *other = seal_new(other_key);
	struct buf sealed = BUF_INIT(4096), plain = BUF_INIT(4096);

	(void)state;
	seal_close(s, "o1/2/a.0", "secret", 6, &sealed);
	for (size_t bit = 0; bit < sealed.len * 8; bit++) {
		sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(seal_open(s, "o1/2/a.0", sealed.data, sealed.len, &plain), -1);
		sealed.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	for (size_t len = 0; len < sealed.len; len++)
		assert_int_equal(seal_open(s, "o1/2/a.0", sealed.data, len, &plain), -1);
	assert_int_equal(seal_open(s, "o2/2/a.0", sealed.data, sealed.len, &plain), -1);
	assert_int_equal(seal_open(s, "o1/2/b.0", sealed.data, sealed.len, &plain), -1);
	assert_int_equal(seal_open(s, "o1/3/a.0", sealed.data, sealed.len, &plain), -1);
	assert_int_equal(seal_open(other, "o1/2/a.0", sealed.data, sealed.len, &plain), -1);
	assert_int_equal(plain.len, 0);
	assert_int_equal(seal_open(s, "o1/2/a.0", sealed.data, sealed.len, &plain), 0);
	buf_done(&sealed);
	buf_done(&plain);
	seal_free(&s);
	seal_free(&other);
}

static void
test_wrap(void **state)
{
	struct buf sealed = BUF_INIT(4096);
	uint8_t got[SEAL_KEY_LEN] = {0};

	(void)state;
	seal_wrap(key, other_key, &sealed);
	assert_int_equal(seal_unwrap(other_key, sealed.data, sealed.len, got), -1);
	assert_int_equal(got[0], 0);
	assert_int_equal(seal_unwrap(key, sealed.data, sealed.len, got), 0);
	assert_memory_equal(got, other_key, sizeof(got));
	buf_done(&sealed);
}

static void
write_file(const char *path, size_t len, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "0123456789012345678901234567890123456789", len), (ssize_t)len);
	assert_int_equal(fchmod(fd, mode), 0);
	assert_int_equal(close(fd), 0);
}

static void
test_master(void **state)
{
	static const struct {
		size_t len;
		mode_t mode;
		const char *why; /* NULL: taken */
	} cases[] = {
	    {32, 0400, NULL},
	    {32, 0600, NULL},
	    {32, 0640, "chmod 400"},
	    {32, 0404, "chmod 400"},
	    {31, 0400, "exactly 32"},
	    {33, 0400, "exactly 32"},
	};
	char path[] = "/tmp/waconn-key-XXXXXX", err[300];
	uint8_t got[SEAL_KEY_LEN];
	int fd = mkstemp(path);

	(void)state;
	assert_int_equal(close(fd), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int rc;

		assert_int_equal(unlink(path), 0);
		write_file(path, cases[i].len, cases[i].mode);
		rc = seal_read_master(path, got, err, sizeof(err));
		assert_int_equal(rc, cases[i].why == NULL ? 0 : -1);
		if (cases[i].why != NULL)
			assert_non_null(strstr(err, cases[i].why));
		else
			assert_memory_equal(got, "01234567890123456789012345678901", 32);
	}
	assert_int_equal(unlink(path), 0);
	assert_int_equal(seal_read_master(path, got, err, sizeof(err)), -1);
	assert_non_null(strstr(err, "No such file"));
	assert_int_equal(seal_read_master("/tmp", got, err, sizeof(err)), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_tamper),
	    cmocka_unit_test(test_wrap),
	    cmocka_unit_test(test_master),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
