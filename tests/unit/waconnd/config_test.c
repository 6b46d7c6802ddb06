/* SPDX-License-Identifier: GPL-3.0-or-later */
/* waconnd.conf: defaults, what each key takes, and that a mistake is named with its line. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "waconnd/config.h"

static struct buf errors;

static int
read_text(const char *text, struct config *c)
{
	char path[] = "/tmp/waconn-config-XXXXXX";
	const int fd = mkstemp(path);
	const size_t len = strlen(text);
	int r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	close(fd);
	buf_done(&errors);
	buf_init(&errors, 65536);
	r = config_read(path, c, &errors);
	(void)unlink(path);
	return r;
}

static void
test_defaults(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(setenv("CREDENTIALS_DIRECTORY", "/run/credentials/waconnd", 1), 0);
	assert_int_equal(read_text("", &c), 0);
	assert_string_equal(c.socket, "/run/waconn/waconnd.sock");
	assert_string_equal(c.key_file, "/run/credentials/waconnd/master.key");
	assert_string_equal(c.dsn, "dbname=waconn");
	assert_string_equal(c.whatsapp_url, "wss://web.whatsapp.com/ws/chat");
	assert_null(c.socket_group);
	assert_true(config_is_admin(&c, "root"));
	assert_false(config_is_admin(&c, "daemon"));
	assert_int_equal(c.pace.per_minute, 20);
	assert_true(c.pace.jitter > 0.49 && c.pace.jitter < 0.51);
	assert_int_equal(c.pace.daily_cap, 1000);
	assert_int_equal(c.media_days, 90);
	assert_string_equal(c.pace.window, "08:00-20:00");
	assert_string_equal(c.pace.timezone, "Asia/Jakarta");
	assert_true(c.client_version > 0);
	assert_false(c.has_noise_root);
	config_done(&c);
}

static void
test_values(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(
	    read_text(
		"[daemon]\nsocket = /tmp/s\nadmin_users = root, daemon\ninstance = host-a\n"
		"[database]\ndsn = postgresql://h1,h2/waconn?target_session_attrs=read-write\n"
		"[whatsapp]\nurl = ws://127.0.0.1:5222/ws/chat\nversion = 2.3000.123\n"
		"noise_root = "
		"142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b\n"
		"[blast]\nper_minute = 0\njitter = 0\ndaily_cap = 0\nwindow = 00:00-24:00\n"
		"timezone = UTC\n[log]\nlevel = debug\nformat = json\n",
		&c),
	    0);
	assert_true(config_is_admin(&c, "daemon") && config_is_admin(&c, "root"));
	assert_int_equal(c.n_admin_users, 2);
	assert_int_equal(c.client_version, 123);
	assert_true(c.has_noise_root && c.noise_root[0] == 0x14 && c.noise_root[31] == 0x6b);
	assert_int_equal(c.pace.per_minute, 0);
	assert_int_equal(c.log_format, LOG_FORMAT_JSON);
	config_done(&c);
}

/* clang-format off */
static const struct {
	const char *text, *complaint; /* which ends in the key */
} mistakes[] = {
	{"[daemon]\nmedia_days = 3651\n", ":2: bad value: [daemon] media_days"},
	{"[daemon]\nsockets = x\n", ":2: unknown key: [daemon] sockets"},
	{"[daemon]\nsocket = a\n\nsocket = b\n", ":4: given twice: [daemon] socket"},
	{"[daemon]\nsocket_group = no-such-group\n", ":2: bad value: [daemon] socket_group"},
	{"[daemon]\nadmin_users = root no-such-user\n", ":2: bad value: [daemon] admin_users"},
	{"# one\n[database]\ndsn = host=x nonsense\n", ":3: bad value: [database] dsn"},
	{"[whatsapp]\nurl = ws://192.0.2.1/ws\n", ":2: bad value: [whatsapp] url"},
	{"[whatsapp]\nurl = http://web.whatsapp.com/\n", ":2: bad value: [whatsapp] url"},
	{"[whatsapp]\ntls_ca = /nonexistent/ca.pem\n", ":2: bad value: [whatsapp] tls_ca"},
	{"[whatsapp]\nnoise_root = 1423\n", ":2: bad value: [whatsapp] noise_root"},
	{"[whatsapp]\nversion = 2.24\n", ":2: bad value: [whatsapp] version"},
	{"[blast]\nper_minute = 6001\n", ":2: bad value: [blast] per_minute"},
	{"[blast]\njitter = 1.5\n", ":2: bad value: [blast] jitter"},
	{"[blast]\nwindow = 8-20\n", ":2: bad value: [blast] window"},
	{"[blast]\ntimezone = Asia/Nowhere\n", ":2: bad value: [blast] timezone"},
	{"[log]\nlevel = loud\n", ":2: bad value: [log] level"},
	{"socket\n", ":1: neither"},
};
/* clang-format on */

static void
test_mistakes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		struct config c;

		assert_int_equal(read_text(mistakes[i].text, &c), -1);
		if (strstr(buf_str(&errors), mistakes[i].complaint) == NULL)
			fail_msg("\"%s\" is not in: %s", mistakes[i].complaint, buf_str(&errors));
		config_done(&c);
	}
}

/* A password in the connection string is not repeated. */
static void
test_secret(void **state)
{
	struct config c;

	(void)state;
	assert_int_equal(read_text("[database]\ndsn = password=hunter2 nonsense\n", &c), -1);
	assert_null(strstr(buf_str(&errors), "hunter2"));
	config_done(&c);
	buf_done(&errors);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_values),
	    cmocka_unit_test(test_mistakes),
	    cmocka_unit_test(test_secret),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
