/* SPDX-License-Identifier: GPL-3.0-or-later */
/* history: a HistorySync in pieces of every size, what is kept of it, and what is not one. */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/buf.h"
#include "common/wa/history.h"
#include "common/xalloc.h"

#define ITEMS_MAX 16

struct seen {
	struct history_item items[ITEMS_MAX];
	size_t n;
};

static void
on_item(void *arg, const struct history_item *item)
{
	struct seen *s = arg;

	assert_true(s->n < ITEMS_MAX);
	s->items[s->n++] = *item;
}

/* -- writing -- */

static void
varint(struct buf *b, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		buf_add_u8(b, (uint8_t)(v | 0x80));
	buf_add_u8(b, (uint8_t)v);
}

static void
number(struct buf *b, unsigned field, uint64_t v)
{
	varint(b, field << 3);
	varint(b, v);
}

static void
bytes(struct buf *b, unsigned field, const void *data, size_t len)
{
	varint(b, field << 3 | 2);
	varint(b, len);
	buf_add(b, data, len);
}

static void
text(struct buf *b, unsigned field, const char *s)
{
	bytes(b, field, s, strlen(s));
}

static struct buf
deflated(const struct buf *plain)
{
	uLongf len = compressBound(plain->len);
	struct buf out = BUF_INIT(1 << 24);
	uint8_t *room = xmalloc(len);

	assert_int_equal(compress(room, &len, plain->data, plain->len), Z_OK);
	buf_add(&out, room, len);
	free(room);
	return out;
}

/* Everything that is looked for, among things that are not. */
static struct buf
sample(void)
{
	struct buf h = BUF_INIT(1 << 24), c = BUF_INIT(1 << 24), big = BUF_INIT(1 << 24);

	number(&h, 1, 3);
	for (unsigned i = 0; i < 3000; i++)
		buf_addf(&big, "%u words that nobody wants to read here ", i);
	text(&c, 1, "111000111@lid");
	bytes(&c, 2, big.data, big.len); /* messages */
	number(&c, 9, 86400);
	bytes(&c, 21, "\x01\x02\x03", 3);
	number(&c, 22, 1700000000);
	number(&c, 28, 1700000111);
	text(&c, 39, "6281100000001@s.whatsapp.net");
	bytes(&h, 2, c.data, c.len);
	buf_reset(&c);
	varint(&c, 5 << 3 | 1); /* fixed64, fixed32: passed over */
	buf_add(&c, "12345678", 8);
	varint(&c, 6 << 3 | 5);
	buf_add(&c, "1234", 4);
	text(&c, 1, "6281200000002@s.whatsapp.net");
	text(&c, 42, "222000222@lid");
	bytes(&h, 2, c.data, c.len);
	number(&h, 5, 1);
	buf_reset(&c);
	text(&c, 1, "6281300000003:7@s.whatsapp.net");
	text(&c, 2, "Toko \xc3\x89zra");
	bytes(&h, 7, c.data, c.len);
	buf_reset(&c);
	text(&c, 1, "6281400000004@s.whatsapp.net");
	text(&c, 2, "444000444@lid");
	bytes(&h, 15, c.data, c.len);
	bytes(&h, 15, NULL, 0);
	bytes(&h, 19, "saltsaltsalt", 12);
	bytes(&h, 99, big.data, big.len);
	buf_done(&c);
	buf_done(&big);
	return h;
}

static void
expect_sample(const struct seen *s)
{
	const struct history_item *i = s->items;

	assert_int_equal(s->n, 6);
	assert_int_equal(i[0].what, HISTORY_CHAT);
	assert_string_equal(i[0].jid.user, "111000111");
	assert_string_equal(i[0].pn.user, "6281100000001");
	assert_true(jid_is_none(&i[0].lid));
	assert_int_equal(i[0].token_len, 3);
	assert_memory_equal(i[0].token, "\x01\x02\x03", 3);
	assert_int_equal(i[0].token_t, 1700000000);
	assert_int_equal(i[0].issued_t, 1700000111);
	assert_true(i[0].has_expiration);
	assert_int_equal(i[0].expiration, 86400);
	assert_int_equal(i[1].what, HISTORY_CHAT);
	assert_string_equal(i[1].jid.user, "6281200000002");
	assert_string_equal(i[1].lid.user, "222000222");
	assert_int_equal(i[1].token_len, 0);
	assert_false(i[1].has_expiration);
	assert_int_equal(i[2].what, HISTORY_NAME);
	assert_int_equal(i[2].jid.device, 0);
	assert_string_equal(i[2].name, "Toko \xc3\x89zra");
	assert_int_equal(i[3].what, HISTORY_PAIR);
	assert_string_equal(i[3].pn.user, "6281400000004");
	assert_string_equal(i[3].lid.user, "444000444");
	assert_int_equal(i[4].what, HISTORY_PAIR);
	assert_true(jid_is_none(&i[4].pn));
	assert_int_equal(i[5].what, HISTORY_SALT);
	assert_memory_equal(i[5].token, "saltsaltsalt", 12);
}

static int
push_all(const struct buf *in, size_t piece, struct seen *s)
{
	struct history *h = history_new(on_item, s);
	int r = 0;

	s->n = 0;
	for (size_t at = 0; r == 0 && at < in->len; at += piece)
		r = history_push(h, in->data + at, in->len - at < piece ? in->len - at : piece);
	if (r == 0)
		r = history_end(h);
	history_free(&h);
	return r;
}

static void
test_pieces(void **state)
{
	static const size_t pieces[] = {1, 2, 7, 100, 5000, 1 << 20};
	struct buf plain = sample(), in = deflated(&plain);
	struct seen *s = xcalloc(1, sizeof(*s));

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		assert_int_equal(push_all(&in, pieces[i], s), 0);
		expect_sample(s);
	}
	free(s);
	buf_done(&plain);
	buf_done(&in);
}

/* Cut anywhere, it has not ended; with more behind it, it is none. */
static void
test_ends(void **state)
{
	struct buf plain = sample(), in = deflated(&plain), cut = BUF_INIT(1 << 24);
	struct seen *s = xcalloc(1, sizeof(*s));

	(void)state;
	for (size_t len = 0; len < in.len; len += 1 + in.len / 50) {
		buf_reset(&cut);
		buf_add(&cut, in.data, len);
		assert_int_equal(push_all(&cut, 1 << 20, s), -1);
	}
	buf_add_u8(&in, 0);
	assert_int_equal(push_all(&in, 1 << 20, s), -1);
	free(s);
	buf_done(&plain);
	buf_done(&in);
	buf_done(&cut);
}

static void
test_broken(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} table[] = {
	    {"\x12", 1},	     /* no length */
	    {"\x12\x05\x0a\x01", 4}, /* shorter than it says */
	    {"\x12\x02\x0a\x05", 4}, /* a field beyond its message */
	    {"\x12\x01\x0a", 3},     /* a message that ends in a field */
	    {"\x00\x01", 2},	     /* field 0 */
	    {"\x13\x01", 2},	     /* a group */
	    {"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11}, /* too large a number */
	    {"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x0a", 12},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct seen *s = xcalloc(1, sizeof(*s));
		struct buf plain = BUF_INIT(64), in;

		buf_add(&plain, table[i].bytes, table[i].len);
		in = deflated(&plain);
		assert_int_equal(push_all(&in, 1, s), -1);
		assert_int_equal(push_all(&in, 64, s), -1);
		free(s);
		buf_done(&plain);
		buf_done(&in);
	}
}

/* A token that is too long, or a name of megabytes: passed over, and what follows is read. */
static void
test_long_fields(void **state)
{
	struct buf plain = BUF_INIT(1 << 24), c = BUF_INIT(1 << 24), in;
	struct seen *s = xcalloc(1, sizeof(*s));
	char *big = xmalloc(1 << 20);

	(void)state;
	memset(big, 'x', 1 << 20);
	text(&c, 1, "1@lid");
	bytes(&c, 21, big, HISTORY_TOKEN_MAX + 1);
	bytes(&plain, 2, c.data, c.len);
	buf_reset(&c);
	text(&c, 1, "2@lid");
	bytes(&c, 2, big, 1 << 20);
	bytes(&plain, 7, c.data, c.len);
	buf_reset(&c);
	text(&c, 1, "2@lid");
	bytes(&c, 2, big, HISTORY_NAME_MAX + 9);
	bytes(&plain, 7, c.data, c.len);
	in = deflated(&plain);
	assert_int_equal(push_all(&in, 1000, s), 0);
	assert_int_equal(s->n, 3);
	assert_int_equal(s->items[0].token_len, 0);
	assert_string_equal(s->items[1].name, "");
	assert_int_equal(strlen(s->items[2].name), HISTORY_NAME_MAX - 1);
	free(big);
	free(s);
	buf_done(&plain);
	buf_done(&c);
	buf_done(&in);
}

/* Some kilobytes that would become gigabytes. */
static void
test_bomb(void **state)
{
	struct history *h;
	struct seen *s = xcalloc(1, sizeof(*s));
	uint8_t *zeros = xcalloc(1, 1 << 20), out[8192];
	z_stream z = {0};
	size_t pushed = 0;
	int r = 0;

	(void)state;
	h = history_new(on_item, s);
	assert_int_equal(deflateInit(&z, 9), Z_OK);
	memcpy(zeros, "\x9a\x06\xff\xff\xff\xff\xff\xff\xff\xff\x7f", 11); /* field 99, endless */
	while (r == 0 && pushed < 2u * HISTORY_INFLATED_MAX) {
		z.next_in = zeros;
		z.avail_in = 1 << 20;
		pushed += z.avail_in;
		while (r == 0 && z.avail_in > 0) {
			z.next_out = out;
			z.avail_out = sizeof(out);
			assert_int_equal(deflate(&z, Z_SYNC_FLUSH), Z_OK);
			r = history_push(h, out, sizeof(out) - z.avail_out);
		}
		memset(zeros, 0, 16);
	}
	assert_int_equal(r, -1);
	assert_true(pushed > HISTORY_INFLATED_MAX / 2 && pushed < 2u * HISTORY_INFLATED_MAX);
	(void)deflateEnd(&z);
	history_free(&h);
	free(zeros);
	free(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_pieces),
	    cmocka_unit_test(test_ends),
	    cmocka_unit_test(test_broken),
	    cmocka_unit_test(test_long_fields),
	    cmocka_unit_test(test_bomb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
