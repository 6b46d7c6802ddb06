/* SPDX-License-Identifier: GPL-3.0-or-later */
/* node: decode(encode(x)) == x for random trees, and no prefix of a document is one. */
#include "common/wa/node.h"

#include <stdio.h>
#include <string.h>

#include "tests/unit/cmocka_all.h"

static uint32_t seed;

static uint32_t
any(uint32_t bound)
{
	seed ^= seed << 13;
	seed ^= seed >> 17;
	seed ^= seed << 5;
	return seed % bound;
}

static const char *
any_string(char *out)
{
	static const char *const samples[] = {
	    "iq", "read-self", "12.3-4", "ABC0", "abc", "żółw", "a@b", "1", "FF", "-"};
	const uint32_t n = any(140) + 1;

	if (any(2) == 0)
		return samples[any(sizeof(samples) / sizeof(samples[0]))];
	for (uint32_t i = 0; i < n; i++)
		out[i] = "0123456789.-ABCDEFxyz"[any(any(2) == 0 ? 12 : 21)];
	out[n] = '\0';
	return out;
}

static struct jid
any_jid(void)
{
	struct jid jid = jid_make(
	    (enum jid_server)(1 + any(JID_SERVER_COUNT - 1)), any(2) == 0 ? "628123456" : "x-9", 0);

	if (any(2) == 0)
		jid.device = (uint16_t)any(256);
	if (jid.server == JID_SERVER_INTEROP)
		jid.integrator = (uint16_t)any(65536);
	if (jid.server == JID_SERVER_PN && any(8) == 0)
		jid.agent = (uint8_t)(2 + any(100));
	if (jid.server > JID_SERVER_HOSTED_LID && jid.server != JID_SERVER_MSGR &&
	    jid.server != JID_SERVER_INTEROP)
		jid.device = 0; /* has no place there on the wire */
	if (any(9) == 0)
		jid = (struct jid){.server = jid.server};
	return jid;
}

static void
grow(struct node *n, unsigned depth)
{
	char key[24], text[160];
	uint8_t bytes[300];

	for (uint32_t i = any(5); i > 0; i--) {
		const struct jid jid = any_jid();

		(void)snprintf(key, sizeof(key), "k%u", (unsigned)i);
		if (any(2) == 0)
			node_set_jid(n, key, &jid);
		else
			node_set(n, key, any_string(text));
	}
	switch (depth < 5 ? any(4) : 1 + any(3)) {
	case 0:
		for (uint32_t i = any(5) + 1; i > 0; i--)
			grow(node_child(n, any_string(text), NULL), depth + 1);
		break;
	case 1:
		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)any(256);
		node_bytes(n, bytes, any(sizeof(bytes)));
		break;
	default:
		break;
	}
}

static void
check_equal(const struct node *a, const struct node *b)
{
	const struct node *y = node_first(b);
	size_t a_len, b_len;

	assert_string_equal(node_tag(a), node_tag(b));
	assert_int_equal(node_attr_count(a), node_attr_count(b));
	for (size_t i = 0; i < node_attr_count(a); i++) {
		const struct node_attr *p = node_attr_at(a, i), *q = node_attr_at(b, i);

		assert_string_equal(p->key, q->key);
		assert_string_equal(p->text, q->text);
		assert_int_equal(p->jid == NULL, q->jid == NULL);
		assert_true(p->jid == NULL || jid_equal(p->jid, q->jid));
	}
	assert_int_equal(node_content_kind(a), node_content_kind(b));
	const uint8_t *a_data = node_data(a, &a_len), *b_data = node_data(b, &b_len);

	assert_int_equal(a_len, b_len);
	if (a_len > 0)
		assert_memory_equal(a_data, b_data, a_len);
	for (const struct node *x = node_first(a); x != NULL; x = node_next(x), y = node_next(y))
		check_equal(x, y);
	assert_null(y);
}

static void
test_random_trees(void **state)
{
	(void)state;
	for (uint32_t round = 1; round <= 300; round++) {
		char text[160];
		struct buf out = BUF_INIT(8u << 20), again = BUF_INIT(8u << 20);
		struct node *n, *back = NULL, *copy;

		seed = round * 2654435761u;
		n = node_new(any_string(text), NULL);
		grow(n, 0);
		node_encode(n, &out);
		assert_int_equal(node_decode(out.data, out.len, &back), NODE_OK);
		check_equal(n, back);
		copy = node_dup(back);
		node_free(&back);
		check_equal(n, copy);
		node_encode(copy, &again);
		assert_int_equal(out.len, again.len);
		assert_memory_equal(out.data, again.data, out.len);
		/* Cut anywhere, it is no document. */
		for (size_t cut = 0; cut < out.len && cut < 200; cut++)
			assert_int_not_equal(node_decode(out.data, cut, &back), NODE_OK);
		node_free(&n);
		node_free(&copy);
		buf_done(&out);
		buf_done(&again);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_random_trees),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
