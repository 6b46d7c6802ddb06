/* SPDX-License-Identifier: GPL-3.0-or-later */
/* inbound: whom a stanza is from and to which chat it belongs, by all forms of addresses. */
#include "tests/unit/cmocka_all.h"

#include <string.h>

#include "waconnd/link/inbound.h"

#define N "@s.whatsapp.net"

static const struct row {
	const char *from, *participant, *recipient, *key, *value; /* one further attribute */
	const char *chat, *sender;				  /* NULL: refused */
	const char *pn, *lid;					  /* of the sender */
	bool from_me, is_group;
} rows[] = {
    {"22:4@lid", NULL, NULL, "sender_pn", "62" N, "22@lid", "22:4@lid", "62" N, "22@lid", false,
	false},
    {"62:4" N, NULL, NULL, "sender_lid", "22@lid", "22@lid", "22:4@lid", "62" N, "22@lid", false,
	false},
    {"62:4" N, NULL, NULL, NULL, NULL, "62" N, "62:4" N, "62" N, NULL, false, false},
    {"22@lid", NULL, NULL, "sender_pn", "33@lid", "22@lid", "22@lid", NULL, "22@lid", false, false},
    {"62:99@hosted", NULL, NULL, NULL, NULL, "62" N, "62:99@hosted", NULL, NULL, false, false},
    /* our own other devices */
    {"11@lid", NULL, "22@lid", "peer_recipient_pn", "62" N, "22@lid", "11@lid", "61" N, "11@lid",
	true, false},
    {"61:9" N, NULL, "62" N, "recipient_lid", "22@lid", "22@lid", "11:9@lid", "61" N, "11@lid",
	true, false},
    {"11@lid", NULL, NULL, NULL, NULL, "11@lid", "11@lid", "61" N, "11@lid", true, false},
    /* groups and broadcasts */
    {"1-2@g.us", "22:1@lid", NULL, "participant_pn", "62" N, "1-2@g.us", "22:1@lid", "62" N,
	"22@lid", false, true},
    {"1@g.us", "62:1" N, NULL, "participant_lid", "22@lid", "1@g.us", "22:1@lid", "62" N, "22@lid",
	false, true},
    {"status@broadcast", "11@lid", NULL, NULL, NULL, "status@broadcast", "11@lid", "61" N, "11@lid",
	true, true},
    {"1@g.us", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, false},
    {"1@g.us", "2@g.us", NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, false},
    /* nobody */
    {"s.whatsapp.net", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, false},
    {NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, false},
    {"1@newsletter", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, false},
    {"\xff@lid", NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, false},
};

static void
expect_jid(const struct jid *jid, const char *want)
{
	char text[JID_TEXT_MAX];

	if (want == NULL)
		assert_true(jid_is_none(jid));
	else
		assert_string_equal(jid_format(jid, text), want);
}

static void
check(const struct row *row)
{
	const struct jid own = jid_make(JID_SERVER_PN, "61", 3),
			 lid = jid_make(JID_SERVER_LID, "11", 3);
	struct node *n = node_new("message", "id", "X", "from", row->from, "participant",
	    row->participant, "recipient", row->recipient, NULL);
	struct inbound_info in;
	int r;

	if (row->key != NULL)
		node_set(n, row->key, row->value);
	r = inbound_read(n, &own, &lid, &in);
	assert_int_equal(r, row->chat != NULL ? 0 : -1);
	if (r == 0) {
		expect_jid(&in.chat, row->chat);
		expect_jid(&in.sender, row->sender);
		expect_jid(&in.sender_pair.pn, row->pn);
		expect_jid(&in.sender_pair.lid, row->lid);
		assert_int_equal(in.from_me, row->from_me);
		assert_int_equal(in.is_group, row->is_group);
		assert_false(in.is_peer);
	}
	node_free(&n);
}

static void
test_rows(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check(&rows[i]);
}

/* Only our own devices may claim to be peers of ours. */
static void
test_peer(void **state)
{
	const struct jid own = jid_make(JID_SERVER_PN, "61", 3),
			 lid = jid_make(JID_SERVER_LID, "11", 3);
	static const char *const froms[] = {"11@lid", "22@lid"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct node *n = node_new("message", "id", "X", "from", froms[i], "category",
		    "peer", "t", "12", "notify", "Me", NULL);
		struct inbound_info in;

		assert_int_equal(inbound_read(n, &own, &lid, &in), 0);
		assert_int_equal(in.is_peer, i == 0);
		assert_int_equal(in.t, 12);
		assert_string_equal(in.push_name, "Me");
		node_free(&n);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_peer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
