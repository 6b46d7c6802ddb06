/* SPDX-License-Identifier: GPL-3.0-or-later */
/* jid: texts that are addresses, texts that are none, comparison and Signal names. */
#include "common/wa/jid.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

static const struct good {
	const char *text;
	struct jid jid;
	const char *again; /* NULL: the same */
} goods[] = {
    {"62812@s.whatsapp.net", {.server = JID_SERVER_PN, .user = "62812"}, NULL},
    {"62812:7@s.whatsapp.net", {.server = JID_SERVER_PN, .user = "62812", .device = 7}, NULL},
    {"62812:0@s.whatsapp.net", {.server = JID_SERVER_PN, .user = "62812"}, "62812@s.whatsapp.net"},
    {"62812.0:0@s.whatsapp.net", {.server = JID_SERVER_PN, .user = "62812"},
	"62812@s.whatsapp.net"},
    {"62812.2:3@s.whatsapp.net",
	{.server = JID_SERVER_PN, .user = "62812", .agent = 2, .device = 3}, NULL},
    {"1234.0:7@lid", {.server = JID_SERVER_LID, .user = "1234", .device = 7}, "1234:7@lid"},
    {"1234:255@lid", {.server = JID_SERVER_LID, .user = "1234", .device = 255}, NULL},
    {"1@hosted", {.server = JID_SERVER_HOSTED, .user = "1"}, NULL},
    {"1:99@hosted.lid", {.server = JID_SERVER_HOSTED_LID, .user = "1", .device = 99}, NULL},
    {"62812-1600000000@g.us", {.server = JID_SERVER_GROUP, .user = "62812-1600000000"}, NULL},
    {"status@broadcast", {.server = JID_SERVER_BROADCAST, .user = "status"}, NULL},
    {"9@newsletter", {.server = JID_SERVER_NEWSLETTER, .user = "9"}, NULL},
    {"16505361212@c.us", {.server = JID_SERVER_LEGACY, .user = "16505361212"}, NULL},
    {"1234:900@msgr", {.server = JID_SERVER_MSGR, .user = "1234", .device = 900}, NULL},
    {"3-55:2@interop", {.server = JID_SERVER_INTEROP, .user = "55", .device = 2, .integrator = 3},
	NULL},
    {"@s.whatsapp.net", {.server = JID_SERVER_PN}, "s.whatsapp.net"},
    {"s.whatsapp.net", {.server = JID_SERVER_PN}, NULL},
    {"g.us", {.server = JID_SERVER_GROUP}, NULL},
};

static const char *const bads[] = {
    "",
    "@",
    "62812",
    "62812@",
    "62812@example.org",
    "62812@s.whatsapp.net ",
    "62812:@lid",
    "62812:x@lid",
    "62812:-1@lid",
    "62812:256@lid",
    "62812:65536@msgr",
    "62812:99999999999@msgr",
    ":1@lid",
    "a b@lid",
    "a@b@lid",
    "1:2:3@lid",
    "1.1@s.whatsapp.net", /* domain 1 is lid: no agent */
    "1.128@s.whatsapp.net",
    "1.@s.whatsapp.net",
    "1.2@lid",
    "0..0:3@s.whatsapp.net",
    "1.0.0@s.whatsapp.net",
    "1.300@s.whatsapp.net",
    "55@interop", /* no integrator */
    "\xc3\xa9@lid",
    "1234567890123456789012345678901234567890123456789012345678901234@lid",
};

static void
test_good(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(goods) / sizeof(goods[0]); i++) {
		char text[JID_TEXT_MAX];
		struct jid jid;

		assert_int_equal(jid_parse(goods[i].text, &jid), 0);
		assert_true(jid_equal(&jid, &goods[i].jid));
		assert_ptr_equal(jid_format(&jid, text), text);
		assert_string_equal(text, goods[i].again != NULL ? goods[i].again : goods[i].text);
	}
}

static void
test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct jid jid = {.server = JID_SERVER_BOT};

		if (jid_parse(bads[i], &jid) == 0)
			fail_msg("taken for an address: %s", bads[i]);
		assert_int_equal(jid.server, JID_SERVER_BOT);
	}
}

static void
test_longest(void **state)
{
	char user[JID_USER_MAX + 1];
	char text[JID_TEXT_MAX];
	struct jid jid, back;

	(void)state;
	memset(user, '9', sizeof(user) - 1);
	user[sizeof(user) - 1] = '\0';
	jid = jid_make(JID_SERVER_INTEROP, user, 65535);
	jid.integrator = 65535;
	assert_int_equal(jid_parse(jid_format(&jid, text), &back), 0);
	assert_true(jid_equal(&jid, &back));
}

static void
test_compare(void **state)
{
	const struct jid phone = jid_make(JID_SERVER_PN, "1", 0),
			 other = jid_make(JID_SERVER_PN, "1", 5);
	const struct jid lid = jid_make(JID_SERVER_LID, "1", 0), none = {0};
	const struct jid bare = jid_without_device(&other);
	const struct jid self = jid_server_self();

	(void)state;
	assert_true(jid_same_user(&phone, &other));
	assert_false(jid_equal(&phone, &other));
	assert_true(jid_equal(&phone, &bare));
	assert_false(jid_same_user(&phone, &lid));
	assert_true(jid_compare(&phone, &other) < 0 && jid_compare(&other, &phone) > 0);
	assert_true(jid_compare(&other, &lid) < 0);
	assert_true(jid_is_none(&none) && !jid_is_none(&phone));
	assert_true(jid_is_user(&phone) && jid_is_user(&lid));
	assert_false(jid_is_user(&self));
	assert_int_equal(self.server, JID_SERVER_PN);
	const struct jid group = jid_make(JID_SERVER_GROUP, "1", 0);

	assert_false(jid_is_user(&group));
	assert_false(jid_is_user(&none));
}

static void
test_signal_names(void **state)
{
	static const struct {
		enum jid_server server;
		const char *name;
	} rows[] = {
	    {JID_SERVER_PN, "123"},
	    {JID_SERVER_LID, "123_1"},
	    {JID_SERVER_HOSTED, "123_128"},
	    {JID_SERVER_HOSTED_LID, "123_129"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct jid jid = jid_make(rows[i].server, "123", 7);
		char name[JID_USER_MAX + 5];

		jid_signal_name(&jid, name, sizeof(name));
		assert_string_equal(name, rows[i].name);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_good),
	    cmocka_unit_test(test_bad),
	    cmocka_unit_test(test_longest),
	    cmocka_unit_test(test_compare),
	    cmocka_unit_test(test_signal_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
