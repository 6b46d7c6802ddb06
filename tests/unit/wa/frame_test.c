/* SPDX-License-Identifier: GPL-3.0-or-later */
/* frame: a stream cut at every place gives the same frames; limits; the intro with and without
 * routing. */
#include "common/wa/frame.h"

#include "tests/unit/wa/vectors.h"

static struct buf
stream_of_three(void)
{
	struct buf b = BUF_INIT(4096);
	uint8_t body[300];

	memset(body, 0xab, sizeof(body));
	frame_write(&b, "one", 3);
	frame_write(&b, "", 0);
	frame_write(&b, body, sizeof(body));
	return b;
}

/* Takes all frames there are; checks their lengths against the three. */
static size_t
take_all(struct frame_reader *r, size_t seen)
{
	static const size_t lengths[] = {3, 0, 300};
	const uint8_t *body;
	size_t len;
	int got;

	while ((got = frame_reader_next(r, &body, &len)) == 1) {
		assert_true(seen < 3);
		assert_int_equal(len, lengths[seen]);
		if (seen == 0)
			assert_memory_equal(body, "one", 3);
		for (size_t i = 0; seen == 2 && i < len; i++)
			assert_int_equal(body[i], 0xab);
		seen++;
	}
	assert_int_equal(got, 0);
	return seen;
}

static void
test_every_split_in_three(void **state)
{
	struct buf b = stream_of_three();

	(void)state;
	for (size_t i = 0; i <= b.len; i++) {
		for (size_t j = i; j <= b.len; j += 1 + (j > 20) * 7) {
			struct frame_reader r;
			size_t seen = 0;

			frame_reader_init(&r, FRAME_MAX_DEFAULT);
			frame_reader_push(&r, b.data, i);
			seen = take_all(&r, seen);
			frame_reader_push(&r, b.data + i, j - i);
			seen = take_all(&r, seen);
			frame_reader_push(&r, b.data + j, b.len - j);
			seen = take_all(&r, seen);
			assert_int_equal(seen, 3);
			frame_reader_done(&r);
		}
	}
	buf_done(&b);
}

static void
test_byte_by_byte(void **state)
{
	struct buf b = stream_of_three();
	struct frame_reader r;
	size_t seen = 0;

	(void)state;
	frame_reader_init(&r, FRAME_MAX_DEFAULT);
	for (size_t i = 0; i < b.len; i++) {
		frame_reader_push(&r, b.data + i, 1);
		seen = take_all(&r, seen);
	}
	assert_int_equal(seen, 3);
	frame_reader_done(&r);
	buf_done(&b);
}

static void
test_maximum(void **state)
{
	struct frame_reader r;
	const uint8_t *body;
	size_t len;

	(void)state;
	frame_reader_init(&r, 10);
	frame_reader_push(&r,
	    "\0\0\012"
	    "0123456789",
	    13);
	assert_int_equal(frame_reader_next(&r, &body, &len), 1);
	assert_int_equal(len, 10);
	/* Refused by its header, before the body is there. */
	frame_reader_push(&r, "\0\0\013", 3);
	assert_int_equal(frame_reader_next(&r, &body, &len), -1);
	frame_reader_done(&r);
}

static void
test_too_much_at_once(void **state)
{
	const size_t much = 17u << 20;
	uint8_t *bytes = calloc(1, much);
	struct frame_reader r;
	const uint8_t *body;
	size_t len;

	(void)state;
	assert_non_null(bytes);
	frame_reader_init(&r, 10);
	frame_reader_push(&r, bytes, much);
	assert_int_equal(frame_reader_next(&r, &body, &len), -1);
	frame_reader_done(&r);
	free(bytes);
}

static void
test_idle_holds_little(void **state)
{
	struct buf b = BUF_INIT(1u << 20);
	uint8_t *bytes = calloc(1, 100000);
	struct frame_reader r;
	const uint8_t *body;
	size_t len;

	(void)state;
	assert_non_null(bytes);
	frame_write(&b, bytes, 100000);
	frame_reader_init(&r, FRAME_MAX_DEFAULT);
	frame_reader_push(&r, b.data, b.len);
	assert_int_equal(frame_reader_next(&r, &body, &len), 1);
	assert_int_equal(frame_reader_next(&r, &body, &len), 0);
	assert_true(r.pending.cap <= 4096);
	frame_reader_done(&r);
	buf_done(&b);
	free(bytes);
}

/* The client's first bytes from the handshake vector, cut at every place. */
static void
check_intro(const char *wire_path, const char *routing)
{
	const json_t *v = vector("noise-handshake");
	struct buf wire = vector_bytes(v, wire_path);

	for (size_t cut = 0; cut <= wire.len; cut++) {
		struct buf got = BUF_INIT(4096);
		struct frame_reader r;
		const uint8_t *body;
		size_t len;
		int first;

		frame_reader_init(&r, FRAME_MAX_DEFAULT);
		frame_reader_push(&r, wire.data, cut);
		first = frame_reader_intro(&r, &got);
		assert_true(first == 0 || first == 1);
		frame_reader_push(&r, wire.data + cut, wire.len - cut);
		if (first == 0)
			assert_int_equal(frame_reader_intro(&r, &got), 1);
		assert_bytes(got.data, got.len, routing);
		assert_int_equal(frame_reader_next(&r, &body, &len), 1);
		assert_bytes(body, len, vector_str(v, "outputs.client_hello_proto"));
		frame_reader_done(&r);
		buf_done(&got);
	}
	buf_done(&wire);
}

static void
test_intro(void **state)
{
	const json_t *v = vector("noise-handshake");

	(void)state;
	assert_bytes(frame_intro, FRAME_INTRO_LEN, vector_str(v, "inputs.header"));
	check_intro("outputs.client_hello_wire", "");
	check_intro("outputs.client_hello_wire_with_routing", vector_str(v, "inputs.routing_info"));
}

static void
test_bad_intro(void **state)
{
	static const char *const bads[] = {"474554202f", "57410602", "58", "454401",
	    "45440001ffffff", "454400010000025757", "4544000100000157410604"};

	(void)state;
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++) {
		struct buf b = hex_bytes(bads[i]), got = BUF_INIT(64);
		struct frame_reader r;
		int result;

		frame_reader_init(&r, 100);
		frame_reader_push(&r, b.data, b.len);
		result = frame_reader_intro(&r, &got);
		/* The last but one only lacks bytes. */
		assert_int_equal(result, i == 5 ? 0 : -1);
		frame_reader_done(&r);
		buf_done(&b);
		buf_done(&got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_every_split_in_three),
	    cmocka_unit_test(test_byte_by_byte),
	    cmocka_unit_test(test_maximum),
	    cmocka_unit_test(test_too_much_at_once),
	    cmocka_unit_test(test_idle_holds_little),
	    cmocka_unit_test(test_intro),
	    cmocka_unit_test(test_bad_intro),
	};

	return VECTORS_RUN(tests);
}
