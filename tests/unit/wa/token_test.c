/* SPDX-License-Identifier: GPL-3.0-or-later */
/* token: the tables against their published hash, samples, and every string found through the hash
 * table. */
#include "common/wa/token.h"

#include "common/wa/kdf.h"
#include "tests/unit/wa/vectors.h"

static void
test_tables_hash(void **state)
{
	const json_t *v = vector("token-tables");
	struct buf flat = BUF_INIT(VECTORS_BYTES_MAX);
	uint8_t digest[32];

	(void)state;
	assert_int_equal(vector_int(v, "inputs.single_count"), TOKEN_SINGLE_COUNT);
	for (unsigned i = 0; i < TOKEN_SINGLE_COUNT; i++) {
		if (i > 0) {
			buf_add_u8(&flat, '\n');
			buf_add_str(&flat, token_single(i));
		}
	}
	for (unsigned d = 0; d < TOKEN_DICTIONARIES; d++) {
		buf_add_str(&flat, "\n\n");
		for (unsigned i = 0; i < TOKEN_DICTIONARY_SIZE; i++) {
			if (i > 0)
				buf_add_u8(&flat, '\n');
			buf_add_str(&flat, token_double(d, i));
		}
	}
	sha256(flat.data, flat.len, digest);
	assert_bytes(digest, sizeof(digest), vector_str(v, "outputs.sha256_of_flat"));
	buf_done(&flat);
}

static void
test_samples(void **state)
{
	const json_t *v = vector("token-samples");
	const char *index;
	json_t *sample;
	size_t i;

	(void)state;
	json_object_foreach((json_t *)(uintptr_t)vector_at(v, "outputs.single"), index, sample)
	    assert_string_equal(
		token_single((unsigned)strtoul(index, NULL, 10)), json_string_value(sample));
	json_array_foreach(vector_at(v, "outputs.double"), i, sample)
	    assert_string_equal(token_double((unsigned)vector_int(sample, "dict"),
				    (unsigned)vector_int(sample, "index")),
		vector_str(sample, "token"));
}

static void
test_every_string_is_found(void **state)
{
	(void)state;
	for (unsigned i = 1; i < TOKEN_SINGLE_COUNT; i++) {
		uint8_t dictionary = 0, index = 0;

		assert_int_equal(token_find(token_single(i), &dictionary, &index), 1);
		assert_int_equal(index, i);
	}
	for (unsigned d = 0; d < TOKEN_DICTIONARIES; d++) {
		for (unsigned i = 0; i < TOKEN_DICTIONARY_SIZE; i++) {
			uint8_t dictionary = 0, index = 0;

			assert_int_equal(token_find(token_double(d, i), &dictionary, &index), 2);
			assert_int_equal(dictionary, d);
			assert_int_equal(index, i);
		}
	}
}

static void
test_no_token(void **state)
{
	static const char *const strangers[] = {
	    "", "S.whatsapp.net", "messag", "messages ", "\xff\xfe", "1759x"};
	uint8_t dictionary, index;

	(void)state;
	for (size_t i = 0; i < sizeof(strangers) / sizeof(strangers[0]); i++)
		assert_int_equal(token_find(strangers[i], &dictionary, &index), 0);
	assert_null(token_single(0));
	assert_null(token_single(TOKEN_SINGLE_COUNT));
	assert_null(token_double(TOKEN_DICTIONARIES, 0));
	assert_null(token_double(0, TOKEN_DICTIONARY_SIZE));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_tables_hash),
	    cmocka_unit_test(test_samples),
	    cmocka_unit_test(test_every_string_is_found),
	    cmocka_unit_test(test_no_token),
	};

	return VECTORS_RUN(tests);
}
