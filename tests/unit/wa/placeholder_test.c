/* SPDX-License-Identifier: GPL-3.0-or-later */
/* placeholder: the request as clients write it; answers, whole and broken. */
#include "common/wa/placeholder.h"

#include "tests/unit/wa/vectors.h"
#include "wa.pb-c.h"

static void
test_request(void **state)
{
	const json_t *v = vector("message-proto:placeholder-resend");
	struct buf out = BUF_INIT(1024);

	(void)state;
	placeholder_write_request("123456789012345@lid", false, "ABC", &out);
	assert_bytes(out.data, out.len, vector_str(v, "outputs.encoded"));
	buf_done(&out);
}

struct seen {
	size_t n, bytes;
	char id[16], chat[32], name[16];
	int64_t t;
};

static void
on_result(void *arg, const struct placeholder_result *r)
{
	struct seen *s = arg;

	s->n++;
	s->bytes += r->len;
	(void)snprintf(s->id, sizeof(s->id), "%s", r->id);
	(void)snprintf(s->chat, sizeof(s->chat), "%s", r->chat != NULL ? r->chat : "-");
	(void)snprintf(s->name, sizeof(s->name), "%s", r->push_name != NULL ? r->push_name : "-");
	s->t = r->timestamp;
}

/* 4{1: info} in field 3 */
static void
add_result(struct buf *b, const char *info, size_t len)
{
	buf_add_u8(b, 0x1a);
	buf_add_u8(b, (uint8_t)(len + 4));
	buf_add_u8(b, 0x22);
	buf_add_u8(b, (uint8_t)(len + 2));
	buf_add_u8(b, 0x0a);
	buf_add_u8(b, (uint8_t)len);
	buf_add(b, info, len);
}

#define RESULT(b, info) add_result(b, info, sizeof(info) - 1)

static void
test_answer(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct seen s = {0};

	(void)state;
	/* key{1: "9@lid", 3: "ABC"}, message, 3: 7, 19: "Ana" */
	RESULT(&b, "\x0a\x0c\x0a\x05"
		   "9@lid\x1a\x03"
		   "ABC\x12\x02\x0a\x00\x18\x07\x9a\x01\x03"
		   "Ana");
	assert_int_equal(placeholder_read_answer(b.data, b.len, on_result, &s), 0);
	assert_int_equal(s.n, 1);
	assert_int_equal(s.bytes, 2);
	assert_string_equal(s.id, "ABC");
	assert_string_equal(s.chat, "9@lid");
	assert_string_equal(s.name, "Ana");
	assert_int_equal(s.t, 7);
	/* What lacks its key, its id or its message, or is no WebMessageInfo, is passed over. */
	RESULT(&b, "");
	RESULT(&b, "\x12\x02\x0a\x00");
	RESULT(&b, "\x0a\x05\x1a\x03"
		   "DEF");
	RESULT(&b, "\x0a\x00\x12\x00");
	RESULT(&b, "\x0a\x7f");
	s = (struct seen){0};
	assert_int_equal(placeholder_read_answer(b.data, b.len, on_result, &s), 0);
	assert_int_equal(s.n, 1);
	/* Half of it is nothing. */
	assert_int_equal(placeholder_read_answer(b.data, b.len - 1, on_result, &s), -1);
	buf_done(&b);
}

/* No more than so many are looked at. */
static void
test_answer_is_bounded(void **state)
{
	struct buf b = BUF_INIT(4096);
	struct seen s = {0};

	(void)state;
	for (int i = 0; i < 2 * PLACEHOLDER_RESULTS_MAX; i++)
		RESULT(&b, "\x0a\x05\x1a\x03"
			   "DEF\x12\x00");
	assert_int_equal(placeholder_read_answer(b.data, b.len, on_result, &s), 0);
	assert_int_equal(s.n, PLACEHOLDER_RESULTS_MAX);
	buf_done(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_request),
	    cmocka_unit_test(test_answer),
	    cmocka_unit_test(test_answer_is_bounded),
	};

	return VECTORS_RUN(tests);
}
