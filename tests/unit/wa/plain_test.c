/* SPDX-License-Identifier: GPL-3.0-or-later */
/* plain: the padding, phash and ids vectors. */
#include "common/wa/plain.h"

#include "tests/unit/wa/vectors.h"

#define PAD_MAX 16

static void
check_pad(const json_t *v)
{
	struct buf b = vector_bytes(v, "inputs.message");
	size_t len;

	plain_pad_with(&b, (uint8_t)vector_int(v, "inputs.pad_byte"));
	assert_bytes(b.data, b.len, vector_str(v, "outputs.padded"));
	assert_int_equal(plain_unpad(b.data, b.len, &len), 0);
	assert_bytes(b.data, len, vector_str(v, "outputs.unpadded"));
	buf_done(&b);
}

/* whatsmeow's rule: as many bytes as the last one says, all equal; zero takes nothing away. */
static void
check_unpad(const json_t *v, const char *name)
{
	struct buf b = vector_bytes(v, "inputs.padded");
	const bool zero = strcmp(name, "unpad-bad-pad-zero") == 0;
	size_t len = 77;

	assert_int_equal(plain_unpad(b.data, b.len, &len), zero ? 0 : -1);
	assert_int_equal(len, zero ? b.len : 77);
	buf_done(&b);
}

static void
check_range(const json_t *v)
{
	const json_t *lengths = vector_at(v, "outputs.baileys_pad_lengths");
	size_t seen[PAD_MAX + 1] = {0};
	const json_t *n;
	size_t i;

	for (int round = 0; round < 4000; round++) {
		struct buf b = BUF_INIT(64);

		plain_pad(&b);
		assert_in_range(b.len, 1, PAD_MAX);
		assert_int_equal(b.data[0], b.len);
		seen[b.len]++;
		buf_done(&b);
	}
	assert_int_equal(json_array_size(lengths), PAD_MAX);
	json_array_foreach(lengths, i, n) assert_true(seen[json_integer_value(n)] > 0);
}

static void
each_padding(const json_t *v, const char *name)
{
	if (strcmp(name, "padding-range") == 0)
		check_range(v);
	else if (strncmp(name, "unpad-", 6) == 0)
		check_unpad(v, name);
	else
		check_pad(v);
}

static void
test_padding_vectors(void **state)
{
	(void)state;
	vectors_each("padding", 10, each_padding);
}

/* Each order of the devices gives the same hash. */
static void
check_phash(const json_t *texts, const char *want)
{
	struct jid devices[8];
	char phash[PHASH_LEN + 1];
	const json_t *text;
	size_t i, n = json_array_size(texts);

	assert_true(n > 1 && n <= 8);
	json_array_foreach(texts, i, text)
	    assert_int_equal(jid_parse(json_string_value(text), &devices[i]), 0);
	for (size_t turn = 0; turn < n; turn++) {
		const struct jid first = devices[0];

		plain_phash(devices, n, phash);
		assert_string_equal(phash, want);
		memmove(devices, devices + 1, (n - 1) * sizeof(devices[0]));
		devices[n - 1] = first;
	}
}

static void
test_phash_vector(void **state)
{
	const json_t *v = vector("phash");
	char phash[PHASH_LEN + 1];

	(void)state;
	check_phash(vector_at(v, "inputs.devices_ad_strings"), vector_str(v, "outputs.phash"));
	check_phash(
	    vector_at(v, "inputs.lid_devices_ad_strings"), vector_str(v, "outputs.phash_lid"));
	plain_phash(NULL, 0, phash);
	assert_string_equal(phash, vector_str(v, "outputs.phash_empty_list"));
}

static void
test_message_id(void **state)
{
	const json_t *v = vector("message-id");
	char id[MESSAGE_ID_LEN + 1], other[MESSAGE_ID_LEN + 1];
	uint8_t random[16];

	(void)state;
	vector_fixed(v, "inputs.random16", random, sizeof(random));
	plain_message_id(
	    vector_int(v, "inputs.unix_time"), vector_str(v, "inputs.own_user"), random, id);
	assert_string_equal(id, vector_str(v, "outputs.whatsmeow"));
	plain_message_id(
	    vector_int(v, "inputs.unix_time"), vector_str(v, "inputs.own_user"), NULL, id);
	plain_message_id(
	    vector_int(v, "inputs.unix_time"), vector_str(v, "inputs.own_user"), NULL, other);
	assert_int_equal(strlen(id), MESSAGE_ID_LEN);
	assert_string_not_equal(id, other);
}

static void
test_unified_session_id(void **state)
{
	const json_t *v = vector("unified-session-id");
	const json_t *ms;
	char id[24];
	size_t i;

	(void)state;
	json_array_foreach(vector_at(v, "inputs.server_ms"), i, ms)
	{
		plain_unified_session_id(json_integer_value(ms), id, sizeof(id));
		assert_string_equal(
		    id, json_string_value(json_array_get(vector_at(v, "outputs.ids"), i)));
	}
	assert_int_equal(i, 3);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_padding_vectors),
	    cmocka_unit_test(test_phash_vector),
	    cmocka_unit_test(test_message_id),
	    cmocka_unit_test(test_unified_session_id),
	};

	return VECTORS_RUN(tests);
}
