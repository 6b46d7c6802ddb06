/* SPDX-License-Identifier: GPL-3.0-or-later */
/* usync_query, bundle_query: the shapes that are asked, and answers of every shape. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "waconnd/link/bundle.h"
#include "waconnd/link/usync.h"
#include "wa.pb-c.h"

static void
expect_print(struct node *n, const char *want)
{
	struct buf b = BUF_INIT(4096), flat = BUF_INIT(4096);

	node_print(n, &b);
	/* Without line ends and indentation. */
	for (size_t i = 0; i < b.len; i++)
		if (b.data[i] != '\n' &&
		    !(b.data[i] == ' ' && (i == 0 || b.data[i - 1] == '\n' ||
					      b.data[i + 1] == ' ' || b.data[i + 1] == '<')))
			buf_add_u8(&flat, b.data[i]);
	assert_string_equal(buf_str(&flat), want);
	buf_done(&flat);
	buf_done(&b);
	node_free(&n);
}

static void
test_queries(void **state)
{
	const struct jid users[] = {
	    jid_make(JID_SERVER_PN, "6281", 0), jid_make(JID_SERVER_LID, "99", 0)};
	const struct jid device = jid_make(JID_SERVER_LID, "99", 7);

	(void)state;
	expect_print(usync_devices_query(users, 2, "s1"),
	    "<iq type=\"get\" xmlns=\"usync\" to=\"s.whatsapp.net\"><usync sid=\"s1\" "
	    "mode=\"query\" "
	    "last=\"true\" index=\"0\" context=\"message\"><query><devices "
	    "version=\"2\"/><lid/></query>"
	    "<list><user jid=\"6281@s.whatsapp.net\"/><user jid=\"99@lid\"/></list></usync></iq>");
	expect_print(usync_contact_query(users, 1, "s2"),
	    "<iq type=\"get\" xmlns=\"usync\" to=\"s.whatsapp.net\"><usync sid=\"s2\" "
	    "mode=\"query\" "
	    "last=\"true\" index=\"0\" context=\"interactive\"><query><contact "
	    "addressing_mode=\"lid\"/><business><verified_name/></business><disappearing_mode/>"
	    "<username/></query><list><user><contact>[10 bytes]</contact></user></list></usync></"
	    "iq>");
	expect_print(bundle_query(&device, 1),
	    "<iq type=\"get\" xmlns=\"encrypt\" to=\"s.whatsapp.net\"><key><user "
	    "reason=\"identity\" "
	    "jid=\"99:7@lid\"/></key></iq>");
}

static struct node *
new_user(const char *jid)
{
	return node_new("user", "jid", jid, NULL);
}

static void
test_user_with_devices(void **state)
{
	struct node *user = new_user("6281@s.whatsapp.net"), *list;
	struct usync_user u;

	(void)state;
	list = node_child(node_child(user, "devices", NULL), "device-list", NULL);
	(void)node_child(list, "device", "id", "0", NULL);
	(void)node_child(list, "device", "id", "7", "key-index", "3", NULL);
	(void)node_child(list, "device", "id", "7", "key-index", "3", NULL); /* twice */
	(void)node_child(list, "device", "id", "8", NULL);		     /* no keys */
	(void)node_child(list, "device", "id", "99", "key-index", "4", "is_hosted", "true", NULL);
	(void)node_child(list, "device", "id", "70000", "key-index", "4", NULL);
	(void)node_child(list, "device", "id", "x", "key-index", "4", NULL);
	(void)node_child(list, "device", "key-index", "4", NULL);
	(void)node_child(list, "else", "id", "5", "key-index", "4", NULL);
	(void)node_child(user, "lid", "val", "99:3@lid", NULL);
	assert_int_equal(usync_read_user(user, &u), 0);
	assert_true(u.has_devices);
	assert_int_equal(u.devices.n, 3);
	assert_int_equal(u.devices.ids[0].id, 0);
	assert_int_equal(u.devices.ids[1].id, 7);
	assert_int_equal(u.devices.ids[2].id, 99);
	assert_true(u.devices.ids[2].hosted);
	assert_string_equal(u.lid.user, "99");
	assert_int_equal(u.lid.device, 0);
	assert_string_equal(u.pn.user, "6281");
	assert_false(u.has_contact);
	node_free(&user);
}

static void
test_too_many_devices(void **state)
{
	struct node *user = new_user("99@lid"), *list, *d;
	struct usync_user u;

	(void)state;
	list = node_child(node_child(user, "devices", NULL), "device-list", NULL);
	for (int i = 0; i < 1000; i++) {
		d = node_child(list, "device", "key-index", "1", NULL);
		node_set_int(d, "id", i);
	}
	assert_int_equal(usync_read_user(user, &u), 0);
	assert_int_equal(u.devices.n, USER_DEVICES_MAX);
	node_free(&user);
}

/* A certificate with this name, cut off by so many bytes. */
static void
read_name(const char *name, size_t cut, char ret[LINK_BUSINESS_MAX])
{
	struct node *user = new_user("6281@s.whatsapp.net");
	Wa__VerifiedNameCertificate m = WA__VERIFIED_NAME_CERTIFICATE__INIT;
	Wa__VerifiedNameDetails details = WA__VERIFIED_NAME_DETAILS__INIT;
	uint8_t inner[1024], outer[2048];
	struct usync_user u;
	size_t len;

	details.verified_name = (char *)(uintptr_t)name;
	m.has_details = 1;
	m.details.data = inner;
	m.details.len = wa__verified_name_details__pack(&details, inner);
	len = wa__verified_name_certificate__pack(&m, outer);
	node_bytes(node_child(node_child(user, "business", NULL), "verified_name", NULL), outer,
	    len - cut);
	assert_int_equal(usync_read_user(user, &u), 0);
	memcpy(ret, u.business, sizeof(u.business));
	node_free(&user);
}

static void
test_business_names(void **state)
{
	char name[LINK_BUSINESS_MAX], text[600];

	(void)state;
	read_name("Kopi Ibu Sri \u2615", 0, name);
	assert_string_equal(name, "Kopi Ibu Sri \u2615");
	read_name("Kopi", 1, name);
	assert_string_equal(name, "");
	read_name("a\nb\xff", 0, name);
	assert_string_equal(name, "ab");
	/* Cut between characters. */
	memset(text, 'x', sizeof(text));
	memcpy(text + LINK_BUSINESS_MAX - 3, "\u2615", 3);
	text[sizeof(text) - 1] = '\0';
	read_name(text, 0, name);
	assert_int_equal(strlen(name), LINK_BUSINESS_MAX - 3);
}

static void
test_contacts(void **state)
{
	static const struct {
		const char *jid, *type, *text;
		int result;
		bool on_whatsapp;
	} table[] = {
	    {"99@lid", "in", "+6281@c.us", 0, true},
	    {"99@lid", "out", "+6281@c.us", 0, false},
	    {NULL, "invalid", "+6281@c.us", 0, false},
	    {NULL, NULL, NULL, 0, false},
	    {"s.whatsapp.net", "in", NULL, 0, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct node *user = new_user(table[i].jid), *contact;
		struct usync_user u;

		contact = node_child(user, "contact", "type", table[i].type, NULL);
		if (table[i].text != NULL)
			node_text(contact, table[i].text);
		assert_int_equal(usync_read_user(user, &u), table[i].result);
		assert_true(u.has_contact);
		assert_int_equal(u.on_whatsapp, table[i].on_whatsapp);
		assert_string_equal(u.contact, table[i].text != NULL ? table[i].text : "");
		node_free(&user);
	}
}

static void
test_nobody(void **state)
{
	static const char *const jids[] = {NULL, "s.whatsapp.net", "1@g.us", "nonsense@where"};
	struct usync_user u;

	(void)state;
	for (size_t i = 0; i < sizeof(jids) / sizeof(jids[0]); i++) {
		struct node *user = new_user(jids[i]);

		assert_int_equal(usync_read_user(user, &u), -1);
		node_free(&user);
	}
	assert_int_equal(usync_read_user(NULL, &u), -1);
	assert_null(usync_users(NULL));
}

/* -- bundles -- */

enum part {
	PART_NONE,
	REGISTRATION,
	TYPE,
	IDENTITY,
	KEY_ID,
	KEY_VALUE,
	SKEY_ID,
	SKEY_VALUE,
	SIGNATURE
};

static const struct {
	enum part part;
	const char *parent, *tag;
	size_t len;
} parts[] = {
    {REGISTRATION, NULL, "registration", 4},
    {TYPE, NULL, "type", 1},
    {IDENTITY, NULL, "identity", 32},
    {KEY_ID, "key", "id", 3},
    {KEY_VALUE, "key", "value", 32},
    {SKEY_ID, "skey", "id", 3},
    {SKEY_VALUE, "skey", "value", 32},
    {SIGNATURE, "skey", "signature", 64},
};

/* A bundle whose `spoiled` part has another length, or is missing (add < 0 and the whole). */
static void
fill(struct node *at, bool with_key, enum part spoiled, int add)
{
	struct node *key = with_key ? node_child(at, "key", NULL) : NULL;
	struct node *skey = node_child(at, "skey", NULL);
	uint8_t bytes[80];

	memset(bytes, 5, sizeof(bytes));
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		const char *p = parts[i].parent;
		struct node *parent = p == NULL ? at : strcmp(p, "key") == 0 ? key : skey;
		const int len = (int)parts[i].len + (parts[i].part == spoiled ? add : 0);

		if (parent != NULL && len >= 0)
			node_bytes(node_child(parent, parts[i].tag, NULL), bytes, (size_t)len);
	}
}

static void
test_bundles(void **state)
{
	struct signal_bundle b;

	(void)state;
	for (int wrapped = 0; wrapped < 2; wrapped++)
		for (int with_key = 0; with_key < 2; with_key++) {
			struct node *user = new_user("99@lid");

			fill(wrapped ? node_child(user, "keys", NULL) : user, with_key, PART_NONE,
			    0);
			assert_int_equal(bundle_read(user, &b), 0);
			assert_int_equal(b.registration_id, 0x05050505);
			assert_int_equal(b.signed_prekey_id, 0x050505);
			assert_int_equal(b.has_prekey, with_key);
			node_free(&user);
		}
}

static void
test_spoiled_bundles(void **state)
{
	static const int adds[] = {-1, 1, -100};

	(void)state;
	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		for (size_t a = 0; a < 3; a++) {
			struct node *user = new_user("99@lid");
			struct signal_bundle b;
			const bool fine = parts[i].part == TYPE && adds[a] == -100; /* optional */

			fill(user, true, parts[i].part, adds[a]);
			assert_int_equal(bundle_read(user, &b), fine ? 0 : -1);
			node_free(&user);
		}
	assert_int_equal(bundle_read(NULL, &(struct signal_bundle){0}), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_queries),
	    cmocka_unit_test(test_user_with_devices),
	    cmocka_unit_test(test_too_many_devices),
	    cmocka_unit_test(test_business_names),
	    cmocka_unit_test(test_contacts),
	    cmocka_unit_test(test_nobody),
	    cmocka_unit_test(test_bundles),
	    cmocka_unit_test(test_spoiled_bundles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
