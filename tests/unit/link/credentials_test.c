/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Credentials: what is packed comes back, and what was touched is refused. */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "common/xalloc.h"
#include "credentials.pb-c.h"
#include "waconnd/link/credentials.h"

static void
make(struct credentials *c, bool paired)
{
	assert_int_equal(credentials_generate(c), 0);
	if (!paired)
		return;
	c->paired = true;
	c->own = jid_make(JID_SERVER_PN, "6281234567890", 7);
	c->own_lid = jid_make(JID_SERVER_LID, "123456", 7);
	c->account = xmemdup("account", 7);
	c->account_len = 7;
	c->prekeys_uploaded = true;
	c->next_prekey_id = 813;
	memcpy(c->routing, "route", 5);
	c->routing_len = 5;
	assert_int_equal(credentials_make_next(c), 0);
	c->rotate_at = 1700000000;
	c->prekeys_checked_at = 1690000000;
	(void)snprintf(c->platform, sizeof(c->platform), "smba");
	(void)snprintf(c->push_name, sizeof(c->push_name), "Toko Budi");
}

static void
test_generated(void **state)
{
	struct credentials a, b;

	(void)state;
	make(&a, false);
	make(&b, false);
	assert_memory_not_equal(a.identity.priv, b.identity.priv, CURVE_KEY_LEN);
	assert_memory_not_equal(a.identity.priv, a.noise.priv, CURVE_KEY_LEN);
	assert_memory_not_equal(a.adv_secret, b.adv_secret, ADV_SECRET_LEN);
	assert_in_range(a.registration_id, 1, 16380);
	assert_int_equal(a.signed_prekey_id, 1);
	assert_int_equal(a.next_prekey_id, 1);
	assert_false(a.paired);
	credentials_done(&a);
	credentials_done(&b);
}

static void
test_round_trip(void **state)
{
	(void)state;
	for (int paired = 0; paired <= 1; paired++) {
		struct buf packed = BUF_INIT(CREDENTIALS_MAX);
		struct credentials a, b;

		make(&a, paired);
		credentials_pack(&a, &packed);
		assert_true(buf_ok(&packed));
		assert_int_equal(credentials_unpack(packed.data, packed.len, &b), 0);
		assert_memory_equal(&a.noise, &b.noise, sizeof(a.noise));
		assert_memory_equal(&a.identity, &b.identity, sizeof(a.identity));
		assert_memory_equal(&a.signed_prekey, &b.signed_prekey, sizeof(a.signed_prekey));
		assert_memory_equal(
		    a.signed_prekey_sig, b.signed_prekey_sig, sizeof(a.signed_prekey_sig));
		assert_int_equal(a.has_next_signed_prekey, b.has_next_signed_prekey);
		assert_memory_equal(
		    &a.next_signed_prekey, &b.next_signed_prekey, sizeof(a.next_signed_prekey));
		assert_memory_equal(a.next_signed_prekey_sig, b.next_signed_prekey_sig,
		    sizeof(a.next_signed_prekey_sig));
		assert_int_equal(a.rotate_at, b.rotate_at);
		assert_int_equal(a.prekeys_checked_at, b.prekeys_checked_at);
		assert_memory_equal(a.adv_secret, b.adv_secret, sizeof(a.adv_secret));
		assert_int_equal(a.registration_id, b.registration_id);
		assert_int_equal(a.next_prekey_id, b.next_prekey_id);
		assert_int_equal(a.prekeys_uploaded, b.prekeys_uploaded);
		assert_int_equal(b.paired, paired);
		assert_true(jid_equal(&a.own, &b.own));
		assert_true(jid_equal(&a.own_lid, &b.own_lid));
		assert_int_equal(a.account_len, b.account_len);
		if (paired)
			assert_memory_equal(a.account, b.account, a.account_len);
		assert_int_equal(a.routing_len, b.routing_len);
		assert_string_equal(a.platform, b.platform);
		assert_string_equal(a.push_name, b.push_name);
		credentials_done(&a);
		credentials_done(&b);
		buf_done_secret(&packed);
	}
}

static void
test_next_signed_prekey(void **state)
{
	struct credentials c;
	struct curve_pair next;

	(void)state;
	make(&c, false);
	credentials_take_next(&c); /* there is none */
	assert_int_equal(c.signed_prekey_id, 1);
	assert_int_equal(credentials_make_next(&c), 0);
	next = c.next_signed_prekey;
	assert_int_equal(credentials_make_next(&c), 0); /* is the same */
	assert_memory_equal(&next, &c.next_signed_prekey, sizeof(next));
	assert_int_equal(credentials_next_signed_id(&c), 2);
	credentials_take_next(&c);
	assert_int_equal(c.signed_prekey_id, 2);
	assert_memory_equal(&next, &c.signed_prekey, sizeof(next));
	assert_false(c.has_next_signed_prekey);
	c.signed_prekey_id = (1u << 24) - 1;
	assert_int_equal(credentials_next_signed_id(&c), 1);
	credentials_done(&c);
}

/* -- what was touched -- */

static void
touch_next_signature(Waconn__StoredCredentials *m)
{
	m->next_signed_prekey_sig.len = 63;
}

static void
touch_next_key(Waconn__StoredCredentials *m)
{
	m->next_signed_prekey->pub.data[3] ^= 1;
}

static void
touch_version(Waconn__StoredCredentials *m)
{
	m->version = 2;
}

static void
touch_public_key(Waconn__StoredCredentials *m)
{
	m->identity->pub.data[3] ^= 1;
}

static void
touch_private_key(Waconn__StoredCredentials *m)
{
	m->noise->priv.data[3] ^= 1;
}

static void
touch_key_length(Waconn__StoredCredentials *m)
{
	m->signed_prekey->priv.len--;
}

static void
touch_signature_length(Waconn__StoredCredentials *m)
{
	m->signed_prekey_sig.len = 63;
}

static void
touch_secret_length(Waconn__StoredCredentials *m)
{
	m->adv_secret.len = 31;
}

static void
touch_registration(Waconn__StoredCredentials *m)
{
	m->registration_id = 0;
}

static void
touch_prekey_id(Waconn__StoredCredentials *m)
{
	m->next_prekey_id = 0;
}

static void
touch_own(Waconn__StoredCredentials *m)
{
	m->own[0] = '@';
	m->own[1] = '\0';
}

static void
touch_account(Waconn__StoredCredentials *m)
{
	m->has_account = 0;
}

static void
touch_routing(Waconn__StoredCredentials *m)
{
	free(m->routing.data);
	m->routing.data = xcalloc(1, 65);
	m->routing.len = 65;
}

static void
touch_name(Waconn__StoredCredentials *m)
{
	free(m->push_name);
	m->push_name = xmalloc(200);
	memset(m->push_name, 'n', 199);
	m->push_name[199] = '\0';
}

static void
test_touched(void **state)
{
	static void (*const touches[])(Waconn__StoredCredentials * m) = {
	    touch_version,
	    touch_public_key,
	    touch_private_key,
	    touch_key_length,
	    touch_signature_length,
	    touch_next_signature,
	    touch_next_key,
	    touch_secret_length,
	    touch_registration,
	    touch_prekey_id,
	    touch_own,
	    touch_account,
	    touch_routing,
	    touch_name,
	};
	struct buf packed = BUF_INIT(CREDENTIALS_MAX);
	struct credentials c, back;

	(void)state;
	make(&c, true);
	credentials_pack(&c, &packed);
	for (size_t i = 0; i < sizeof(touches) / sizeof(touches[0]); i++) {
		Waconn__StoredCredentials *m =
		    waconn__stored_credentials__unpack(NULL, packed.len, packed.data);
		uint8_t again[CREDENTIALS_MAX];
		size_t len;

		assert_non_null(m);
		touches[i](m);
		len = waconn__stored_credentials__pack(m, again);
		memset(&back, 0x55, sizeof(back));
		assert_int_equal(credentials_unpack(again, len, &back), -1);
		/* Untouched on failure. */
		assert_int_equal(((uint8_t *)&back)[0], 0x55);
		waconn__stored_credentials__free_unpacked(m, NULL);
	}
	for (size_t cut = 0; cut < packed.len; cut += 13)
		assert_int_equal(credentials_unpack(packed.data, cut, &back), -1);
	assert_int_equal(credentials_unpack("nonsense", 8, &back), -1);
	credentials_done(&c);
	buf_done_secret(&packed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_generated),
	    cmocka_unit_test(test_round_trip),
	    cmocka_unit_test(test_next_signed_prekey),
	    cmocka_unit_test(test_touched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
