/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which addresses are of the public internet, at the edges of every range that is not; and ranges
 * of addresses as they are resolved. */
#include "tests/unit/cmocka_all.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#include "common/address.h"

union any {
	struct sockaddr sa;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
	struct sockaddr_un un;
};

static union any
read_address(const char *text)
{
	union any a = {0};

	if (inet_pton(AF_INET, text, &a.v4.sin_addr) == 1) {
		a.v4.sin_family = AF_INET;
	} else {
		assert_int_equal(inet_pton(AF_INET6, text, &a.v6.sin6_addr), 1);
		a.v6.sin6_family = AF_INET6;
	}
	return a;
}

static void
test_public(void **state)
{
	static const char *const yes[] = {"1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0",
	    "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0", "169.253.255.255",
	    "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255", "192.0.1.0",
	    "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0",
	    "198.17.255.255", "198.20.0.0", "198.51.99.255", "198.51.101.0", "203.0.112.255",
	    "203.0.114.0", "223.255.255.255", "2001:200::1", "2001:4860:4860::8888", "2400::1",
	    "2606:4700::1111", "2a00::1", "3ffe:ffff::1"};
	static const char *const no[] = {"0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255",
	    "100.64.0.0", "100.127.255.255", "127.0.0.1", "127.255.255.255", "169.254.0.0",
	    "169.254.169.254", "169.254.255.255", "172.16.0.0", "172.31.255.255", "192.0.0.0",
	    "192.0.0.255", "192.0.2.1", "192.88.99.1", "192.168.0.0", "192.168.255.255",
	    "198.18.0.0", "198.19.255.255", "198.51.100.1", "203.0.113.1", "224.0.0.1",
	    "239.255.255.255", "240.0.0.0", "255.255.255.255", "::", "::1", "::8.8.8.8",
	    "::ffff:8.8.8.8", "::ffff:10.0.0.1", "64:ff9b::a00:1", "64:ff9b::808:808",
	    "64:ff9b:1::1", "100::1", "2001::1", "2001:10::1", "2001:20::1", "2001:1ff::1",
	    "2001:db8::1", "2002:a00:1::1", "3fff::1", "4000::1", "5f00::1", "fc00::1", "fd12::1",
	    "fe80::1", "febf::1", "fec0::1", "ff02::1", "ffff::1"};
	const union any local = {.un = {.sun_family = AF_UNIX}};

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++) {
		const union any a = read_address(yes[i]);

		if (!address_is_public(&a.sa))
			fail_msg("%s is public", yes[i]);
	}
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++) {
		const union any a = read_address(no[i]);

		if (address_is_public(&a.sa))
			fail_msg("%s is not public", no[i]);
	}
	assert_false(address_is_public(&local.sa));
}

static void
test_ranges(void **state)
{
	static const struct {
		const char *range, *address;
		bool in;
	} rows[] = {
	    {"10.0.0.0/8", "10.1.2.3", true},
	    {"10.0.0.0/8", "11.0.0.0", false},
	    {"10.0.0.0/9", "10.127.255.255", true},
	    {"10.0.0.0/9", "10.128.0.0", false},
	    {"0.0.0.0/0", "255.255.255.255", true},
	    {"0.0.0.0/0", "::1", false},
	    {"192.168.1.7", "192.168.1.7", true},
	    {"192.168.1.7", "192.168.1.6", false},
	    {"fd00::/8", "fd12::1", true},
	    {"fd00::/8", "fc12::1", false},
	    {"::/0", "fe80::1", true},
	    {"::ffff:0:0/96", "::ffff:10.0.0.1", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const union any a = read_address(rows[i].address);
		struct address_range range;

		assert_int_equal(address_range_parse(rows[i].range, &range), 0);
		assert_int_equal(address_socket_in_range(&a.sa, &range), rows[i].in);
		assert_int_equal(address_in_range(rows[i].address, &range), rows[i].in);
	}
}

static void
test_not_ranges(void **state)
{
	static const char *const texts[] = {"", "/", "10.0.0.0/", "10.0.0.0/33", "::/129",
	    "10.0.0/8", "10.0.0.0/8x", "10.0.0.0/-1", "all", "10.0.0.0/8/8"};
	struct address_range range;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(address_range_parse(texts[i], &range), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_public),
	    cmocka_unit_test(test_ranges),
	    cmocka_unit_test(test_not_ranges),
	};

	return cmocka_run_group_tests_name("address", tests, NULL, NULL);
}
