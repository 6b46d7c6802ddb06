/* SPDX-License-Identifier: GPL-3.0-or-later */
/* apigw.conf: what is taken, and each mistake named with its file and line. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "apigw/gateway_conf.h"

static char path[] = "/tmp/gateway-conf-XXXXXX";

static int
read_text(const char *text, struct gateway_conf *conf, struct buf *errors)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
	buf_reset(errors);
	return gateway_conf_read(path, conf, errors);
}

static void
taken(void **state)
{
	struct buf errors = BUF_INIT(65536);
	struct gateway_conf c;

	(void)state;
	assert_int_equal(read_text("", &c, &errors), 0);
	assert_int_equal(c.n_listen, 1);
	assert_string_equal(c.listen[0], "127.0.0.1:3000");
	assert_string_equal(c.sockets[0], "/run/waconn/waconnd.sock");
	assert_int_equal(c.max_body, 16u << 20);
	assert_int_equal(c.max_media, 100u << 20);
	gateway_conf_done(&c);
	assert_int_equal(
	    read_text("# a remark\n[http]\nlisten = [::1]:8080\nlisten = unix:/run/x\nlisten=*:0\n"
		      "trusted_proxy = 10.0.0.0/8, ::1\ncors_origin = https://a.example "
		      "http://[::1]:8080\ncors_origin = *\nmax_body = 1M\nweb_root = /srv/web\n"
		      "[daemon]\nsocket = /a\nsocket = /b\n[log]\nlevel = debug\nformat = json\n",
		&c, &errors),
	    0);
	assert_int_equal(c.n_listen, 3);
	assert_string_equal(c.listen[1], "unix:/run/x");
	assert_int_equal(c.n_sockets, 2);
	assert_string_equal(c.sockets[1], "/b");
	assert_int_equal(c.n_proxies, 2);
	assert_int_equal(c.n_origins, 3);
	assert_string_equal(c.origins[1], "http://[::1]:8080");
	assert_string_equal(c.origins[2], "*");
	assert_int_equal(c.max_body, 1u << 20);
	assert_int_equal(c.log_level, LOG_LEVEL_DEBUG);
	assert_int_equal(errors.len, 0);
	gateway_conf_done(&c);
	buf_done(&errors);
}

static void
refused(void **state)
{
	static const struct {
		const char *text;
		unsigned line; /* 0: none is named */
		const char *part;
	} cases[] = {
	    {"[http]\nport = 1\n", 2, "unknown key: [http] port"},
	    {"[htp]\nlisten = 1:1\n", 2, "unknown key: [htp] listen"},
	    {"[http]\n\nlisten = 127.0.0.1\n", 3, "expected ADDRESS:PORT"},
	    {"[http]\nlisten = :3000\n", 2, "expected ADDRESS:PORT"},
	    {"[http]\nlisten = 127.0.0.1:70000\n", 2, "expected ADDRESS:PORT"},
	    {"[http]\nlisten = unix:relative\n", 2, "expected ADDRESS:PORT"},
	    {"[http]\nmax_body = 0\n", 2, "expected 1 to 20M"},
	    {"[http]\nmax_body = 21M\n", 2, "expected 1 to 20M"},
	    {"[http]\nmax_media = 0\n", 2, "expected 1 to 2000M"},
	    {"[http]\nmax_media = 2001M\n", 2, "expected 1 to 2000M"},
	    {"[http]\nmax_body = big\n", 2, "expected a size"},
	    {"[http]\nmax_body = 1M\nmax_body = 2M\n", 3, "given twice"},
	    {"[http]\ntrusted_proxy = 10.0.0.0/33\n", 2, "expected addresses or ranges"},
	    {"[http]\ntrusted_proxy = here\n", 2, "expected addresses or ranges"},
	    {"[http]\ncors_origin = shop.example\n", 2, "expected origins"},
	    {"[http]\ncors_origin = https://shop.example/\n", 2, "expected origins"},
	    {"[http]\ncors_origin = https://\n", 2, "expected origins"},
	    {"[http]\ncors_origin = null\n", 2, "expected origins"},
	    {"[daemon]\nsocket = run/x\n", 2, "expected an absolute path"},
	    {"[log]\nlevel = loud\n", 2, "expected debug, info, warn or error"},
	    {"[log]\nformat = xml\n", 2, "expected text or json"},
	    {"[http]\ntls_cert = /a\n", 0, "tls_cert and tls_key belong together"},
	    {"nonsense\n", 1, "neither [section] nor key = value"},
	};
	struct buf errors = BUF_INIT(65536);
	struct gateway_conf c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char where[64];

		assert_int_equal(read_text(cases[i].text, &c, &errors), -1);
		(void)snprintf(where, sizeof(where), "%s:%u:", path, cases[i].line);
		if (cases[i].line == 0)
			where[strlen(path) + 1] = '\0';
		if (strstr(buf_str(&errors), where) == NULL ||
		    strstr(buf_str(&errors), cases[i].part) == NULL)
			fail_msg("%s: %s", cases[i].text, buf_str(&errors));
	}
	buf_done(&errors);
}

static void
too_many(void **state)
{
	struct buf text = BUF_INIT(65536), errors = BUF_INIT(65536);
	struct gateway_conf c;

	(void)state;
	buf_add_str(&text, "[http]\n");
	for (int i = 0; i <= CONF_LISTEN_MAX; i++)
		buf_addf(&text, "listen = 127.0.0.1:%d\n", 3000 + i);
	assert_int_equal(read_text(buf_str(&text), &c, &errors), -1);
	assert_non_null(strstr(buf_str(&errors), ":18: bad value: [http] listen: given too often"));
	buf_done(&text);
	buf_done(&errors);
}

static int
setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	if (fd >= 0)
		(void)close(fd);
	return fd >= 0 ? 0 : -1;
}

static int
teardown(void **state)
{
	(void)state;
	return unlink(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(taken),
	    cmocka_unit_test(refused),
	    cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
