/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * client_payload: ours against the vectors, byte for byte after the differences that are meant
 * (login: lc and lidDbMigrated as WhatsApp Web says them), and read back.
 */
#include "common/wa/client_payload.h"

#include "tests/unit/wa/vectors.h"
#include "wa.pb-c.h"

#define VERSION 1043857760u

static void
check_packed(const Wa__ClientPayload *p, const char *hex)
{
	uint8_t bytes[1024];

	assert_true(wa__client_payload__get_packed_size(p) <= sizeof(bytes));
	assert_bytes(bytes, wa__client_payload__pack(p, bytes), hex);
}

/* Empty, and not said by Baileys. */
static void
drop_manufacturer(Wa__ClientPayload *m)
{
	assert_string_equal(m->user_agent->manufacturer, "");
	if (m->user_agent->manufacturer != protobuf_c_empty_string)
		free(m->user_agent->manufacturer);
	m->user_agent->manufacturer = NULL;
}

struct prepared {
	struct client_registration r;
	uint8_t identity[CURVE_KEY_LEN], spk[CURVE_KEY_LEN], sig[CURVE_SIGNATURE_LEN];
};

static void
prepare(const json_t *v, struct prepared *p)
{
	vector_fixed(v, "inputs.identity.public", p->identity, sizeof(p->identity));
	vector_fixed(v, "inputs.signed_pre_key.public", p->spk, sizeof(p->spk));
	vector_fixed(v, "inputs.signed_pre_key.signature", p->sig, sizeof(p->sig));
	p->r = (struct client_registration){
	    .registration_id = (uint32_t)vector_int(v, "inputs.registration_id"),
	    .identity_pub = p->identity,
	    .signed_prekey_id = (uint32_t)vector_int(v, "inputs.signed_pre_key.id"),
	    .signed_prekey_pub = p->spk,
	    .signed_prekey_sig = p->sig,
	    .os = "Mac OS",
	    .platform_type = 1,
	};
}

static void
test_registration(void **state)
{
	const json_t *v = vector("client-payload-registration");
	struct buf out = BUF_INIT(4096);
	struct client_payload back;
	struct prepared p;
	Wa__ClientPayload *m;

	(void)state;
	prepare(v, &p);
	client_payload_registration(&p.r, VERSION, &out);
	m = wa__client_payload__unpack(NULL, out.len, out.data);
	assert_non_null(m);
	assert_bytes(m->device_pairing_data->device_props.data,
	    m->device_pairing_data->device_props.len, vector_str(v, "outputs.device_props"));
	assert_bytes(m->device_pairing_data->build_hash.data,
	    m->device_pairing_data->build_hash.len, vector_str(v, "outputs.build_hash"));
	drop_manufacturer(m);
	check_packed(m, vector_str(v, "outputs.encoded"));
	wa__client_payload__free_unpacked(m, NULL);
	assert_int_equal(client_payload_parse(out.data, out.len, &back), 0);
	assert_true(back.is_registration && !back.passive);
	assert_int_equal(back.registration_id, p.r.registration_id);
	assert_int_equal(back.signed_prekey_id, p.r.signed_prekey_id);
	assert_memory_equal(back.identity_pub, p.identity, CURVE_KEY_LEN);
	assert_memory_equal(back.signed_prekey_pub, p.spk, CURVE_KEY_LEN);
	assert_memory_equal(back.signed_prekey_sig, p.sig, CURVE_SIGNATURE_LEN);
	assert_bytes(back.build_hash, sizeof(back.build_hash),
	    vector_str(vector("build-hash"), "outputs.md5"));
	assert_int_equal(back.version[0], 2);
	assert_int_equal(back.version[1], 3000);
	assert_int_equal(back.version[2], VERSION);
	buf_done(&out);
}

static void
test_login(void **state)
{
	const json_t *v = vector("client-payload-login");
	struct buf out = BUF_INIT(4096);
	struct client_payload back;
	Wa__ClientPayload *m;
	struct jid own;

	(void)state;
	assert_int_equal(jid_parse(vector_str(v, "inputs.jid"), &own), 0);
	client_payload_login(&own, true, VERSION, &out);
	assert_int_equal(client_payload_parse(out.data, out.len, &back), 0);
	assert_false(back.is_registration);
	assert_true(back.passive);
	assert_int_equal(back.username, 15551234567);
	assert_int_equal(back.device, 12);
	assert_int_equal(back.version[2], VERSION);
	m = wa__client_payload__unpack(NULL, out.len, out.data);
	assert_non_null(m);
	assert_true(m->has_lc && m->lc == 1);
	assert_true(m->has_lid_db_migrated && m->lid_db_migrated);
	m->has_lc = 0;
	m->lid_db_migrated = 0;
	drop_manufacturer(m);
	check_packed(m, vector_str(v, "outputs.encoded"));
	wa__client_payload__free_unpacked(m, NULL);
	buf_reset(&out);
	client_payload_login(&own, false, VERSION, &out);
	assert_int_equal(client_payload_parse(out.data, out.len, &back), 0);
	assert_false(back.passive);
	buf_done(&out);
}

static void
test_theirs_can_be_read(void **state)
{
	static const char *const names[] = {"client-payload-registration", "client-payload-login"};

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct buf b = vector_bytes(vector(names[i]), "outputs.encoded");
		struct client_payload c;

		assert_int_equal(client_payload_parse(b.data, b.len, &c), 0);
		assert_int_equal(c.is_registration, i == 0);
		assert_int_equal(c.version[2], VERSION);
		buf_done(&b);
	}
}

static const char *const bads[] = {
    "", "ff", "08ffff", "1800", /* no version */
    "18002a0412020802",		/* a version, but neither user nor registration */
    "18002a04120208029a0102",
    "18002a04120208029a010612040000162e", /* a registration without its keys */
};

static void
test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct buf b = hex_bytes(bads[i]);
		struct client_payload c;

		assert_int_equal(client_payload_parse(b.data, b.len, &c), -1);
		buf_done(&b);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_registration),
	    cmocka_unit_test(test_login),
	    cmocka_unit_test(test_theirs_can_be_read),
	    cmocka_unit_test(test_bad),
	};

	return VECTORS_RUN(tests);
}
