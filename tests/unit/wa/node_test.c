/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node: every binary-node, binary-decode and stanza vector, the places where we differ from Baileys
 * on purpose, and limits. Random trees are in node_random_test.c.
 */
#include "common/wa/node.h"

#include <zlib.h>

#include "common/wa/kdf.h"
#include "tests/unit/wa/vectors.h"

/* -- JSON to tree ------------------------------------------------------------------- */

/* Baileys writes any attribute with an '@' of a server it knows as a JID. */
static void
set_attr(struct node *n, const char *key, const char *text)
{
	struct jid jid;

	if (strchr(text, '@') != NULL && jid_parse(text, &jid) == 0)
		node_set_jid(n, key, &jid);
	else
		node_set(n, key, text);
}

static void
fill(struct node *n, const json_t *j)
{
	json_t *content = json_object_get(j, "content");
	json_t *value;
	const char *key;
	size_t i;

	json_object_foreach(json_object_get(j, "attrs"), key, value)
	    set_attr(n, key, json_string_value(value));
	json_array_foreach(content, i, value)
	    fill(node_child(n, vector_str(value, "tag"), NULL), value);
	if (json_object_get(content, "bytes") != NULL) {
		struct buf b = vector_bytes(content, "bytes");

		node_bytes(n, b.data, b.len);
		buf_done(&b);
	} else if (json_object_get(content, "repeat_byte") != NULL) {
		struct buf b = BUF_INIT(VECTORS_BYTES_MAX);
		struct buf one = vector_bytes(content, "repeat_byte");

		for (json_int_t k = vector_int(content, "count"); k > 0; k--)
			buf_add(&b, one.data, one.len);
		node_bytes(n, b.data, b.len);
		buf_done(&b);
		buf_done(&one);
	} else if (json_object_get(content, "string") != NULL) {
		node_text(n, vector_str(content, "string"));
	}
	if (json_object_get(j, "generated") != NULL)
		for (int k = 0; k < 300; k++)
			node_set_int(node_child(n, "item", NULL), "id", k);
}

static struct node *
tree_of(const json_t *j)
{
	struct node *n = node_new(vector_str(j, "tag"), NULL);

	fill(n, j);
	return n;
}

/* -- tree against JSON -------------------------------------------------------------- */

/* Texts are equal but for "@server", which we write without its '@'. */
static void
check_attr(const struct node *n, const char *key, const char *want)
{
	const char *got = node_get(n, key);

	if (want[0] == '@')
		want++;
	assert_non_null(got);
	assert_string_equal(got, want);
}

static void
check_tree(const struct node *n, const json_t *j)
{
	json_t *content = json_object_get(j, "content");
	const struct node *child = node_first(n);
	const char *key;
	json_t *value;
	size_t i, len;

	assert_string_equal(node_tag(n), vector_str(j, "tag"));
	assert_int_equal(node_attr_count(n), json_object_size(json_object_get(j, "attrs")));
	json_object_foreach(json_object_get(j, "attrs"), key, value)
	    check_attr(n, key, json_string_value(value));
	if (json_is_array(content)) {
		assert_int_equal(node_content_kind(n), NODE_CHILDREN);
		json_array_foreach(content, i, value)
		{
			assert_non_null(child);
			check_tree(child, value);
			child = node_next(child);
		}
		assert_null(child);
	} else if (json_object_get(content, "bytes") != NULL) {
		assert_int_equal(node_content_kind(n), NODE_BYTES);
		const uint8_t *data = node_data(n, &len);

		assert_bytes(data, len, vector_str(content, "bytes"));
	} else if (json_object_get(content, "string") != NULL) {
		const uint8_t *data = node_data(n, &len);

		assert_int_equal(node_content_kind(n), NODE_TEXT);
		assert_int_equal(len, strlen(vector_str(content, "string")));
		assert_memory_equal(data, vector_str(content, "string"), len);
	} else if (content == NULL) {
		assert_int_equal(node_content_kind(n), NODE_EMPTY);
	}
}

/* -- binary-node --------------------------------------------------------------------- */

static void
check_encoded(const json_t *v, const struct buf *got)
{
	const json_t *outputs = vector_at(v, "outputs");
	uint8_t digest[32];

	if (json_object_get(outputs, "encoded") != NULL) {
		assert_bytes(got->data, got->len, vector_str(outputs, "encoded"));
		return;
	}
	assert_int_equal(got->len, vector_int(outputs, "encoded_len"));
	sha256(got->data, got->len, digest);
	assert_bytes(digest, sizeof(digest), vector_str(outputs, "encoded_sha256"));
}

/* Not described by a rule in words. */
static bool
is_spelt_out(const json_t *j)
{
	return json_object_get(j, "generated") == NULL &&
	       json_object_get(json_object_get(j, "content"), "repeat_byte") == NULL;
}

/* What comes back differs from what went in where a text travels as bytes. */
static const json_t *
decoded_of(const json_t *v)
{
	const json_t *decoded = vector_at(v, "outputs.decoded");

	return json_is_object(decoded) ? decoded : vector_at(v, "inputs.node");
}

static void
each_node(const json_t *v, const char *name)
{
	const json_t *j = vector_at(v, "inputs.node");
	struct buf out = BUF_INIT(VECTORS_BYTES_MAX), again = BUF_INIT(VECTORS_BYTES_MAX);
	struct node *n, *back = NULL;

	/* These two have tests of their own below. */
	if (strcmp(name, "node:empty-attr-value") == 0 ||
	    strcmp(name, "node:empty-list-content") == 0)
		return;
	n = tree_of(j);
	node_encode(n, &out);
	check_encoded(v, &out);
	assert_int_equal(node_decode(out.data, out.len, &back), NODE_OK);
	if (is_spelt_out(j))
		check_tree(back, decoded_of(v));
	node_encode(back, &again);
	check_encoded(v, &again);
	node_free(&n);
	node_free(&back);
	buf_done(&out);
	buf_done(&again);
}

static void
test_node_vectors(void **state)
{
	(void)state;
	vectors_each("binary-node", 55, each_node);
}

/* An empty value is left out where Baileys writes fc 00; read, it is an empty text. */
static void
test_empty_attr_is_left_out(void **state)
{
	const json_t *v = vector("node:empty-attr-value");
	struct buf theirs = vector_bytes(v, "outputs.encoded"), ours = BUF_INIT(64);
	struct node *n = NULL, *made = tree_of(vector_at(v, "inputs.node"));

	(void)state;
	assert_int_equal(node_decode(theirs.data, theirs.len, &n), NODE_OK);
	assert_string_equal(node_get(n, "v"), "");
	node_encode(n, &ours);
	assert_bytes(ours.data, ours.len, "00f801fc0161");
	buf_reset(&ours);
	node_encode(made, &ours);
	assert_bytes(ours.data, ours.len, "00f801fc0161");
	node_free(&n);
	node_free(&made);
	buf_done(&theirs);
	buf_done(&ours);
}

static void
test_empty_list_content(void **state)
{
	const json_t *v = vector("node:empty-list-content");
	struct buf theirs = vector_bytes(v, "outputs.encoded"), ours = BUF_INIT(64);
	struct node *n = NULL;

	(void)state;
	assert_int_equal(node_decode(theirs.data, theirs.len, &n), NODE_OK);
	assert_int_equal(node_content_kind(n), NODE_CHILDREN);
	assert_null(node_first(n));
	node_encode(n, &ours);
	check_encoded(v, &ours);
	node_free(&n);
	buf_done(&theirs);
	buf_done(&ours);
}

/* -- binary-decode ------------------------------------------------------------------- */

static const struct bad {
	const char *name;
	enum node_error error;
} bads[] = {
    {"decode:trailing-bytes", NODE_E_TRAILING},
    {"decode:bad-empty-frame", NODE_E_TRUNCATED},
    {"decode:bad-flag-only", NODE_E_TRUNCATED},
    {"decode:bad-list-size-zero", NODE_E_SHAPE},
    {"decode:bad-first-tag-not-list", NODE_E_SHAPE},
    {"decode:bad-truncated-list8", NODE_E_TRUNCATED},
    {"decode:bad-tag-empty", NODE_E_SHAPE},
    {"decode:bad-eos-in-attr", NODE_E_TRUNCATED},
    {"decode:bad-eos-in-binary8", NODE_E_TRUNCATED},
    {"decode:bad-eos-in-binary32-huge", NODE_E_TRUNCATED},
    {"decode:bad-binary32-negative", NODE_E_TRUNCATED},
    {"decode:bad-unassigned-tag-240", NODE_E_TOKEN},
    {"decode:bad-unassigned-tag-244", NODE_E_TOKEN},
    {"decode:bad-nibble-12", NODE_E_PACKED},
    {"decode:bad-nibble-13", NODE_E_PACKED},
    {"decode:bad-packed-eos", NODE_E_TRUNCATED},
    {"decode:bad-jid-pair-no-server", NODE_E_JID},
    {"decode:bad-zlib-garbage", NODE_E_INFLATE},
    {"decode:bad-child-truncated", NODE_E_TRUNCATED},
};

static const struct bad *
bad_named(const char *name)
{
	for (size_t i = 0; i < sizeof(bads) / sizeof(bads[0]); i++)
		if (strcmp(bads[i].name, name) == 0)
			return &bads[i];
	return NULL;
}

/* The known texts that differ: an interop address and an agent are kept, as whatsmeow does. */
static const char *
our_text(const char *name)
{
	return strcmp(name, "decode:ad-jid-unknown-domain") == 0 ? "123.2:3@s.whatsapp.net" : NULL;
}

static void
each_decode(const json_t *v, const char *name)
{
	struct buf frame = vector_bytes(v, "inputs.frame");
	const struct bad *bad = bad_named(name);
	struct node *n = NULL;
	const int e = node_decode(frame.data, frame.len, &n);

	assert_true(bad != NULL || strncmp(name, "decode:bad-", 11) != 0);
	if (bad != NULL) {
		if (e != (int)bad->error)
			fail_msg("%s: %s", name, node_error_text(e));
		assert_null(n);
	} else if (our_text(name) != NULL) {
		assert_int_equal(e, NODE_OK);
		assert_string_equal(node_get(n, "from"), our_text(name));
	} else {
		const json_t *want = vector_at(v, "outputs.decoded");

		if (e != NODE_OK)
			fail_msg("%s: %s", name, node_error_text(e));
		if (json_is_object(want))
			check_tree(n, want);
		else
			check_tree(n, vector_at(vector("node:message-in"), "inputs.node"));
	}
	node_free(&n);
	buf_done(&frame);
}

static void
test_decode_vectors(void **state)
{
	(void)state;
	vectors_each("binary-decode", 37, each_decode);
}

/* -- our own cases ------------------------------------------------------------------- */

static const struct raw {
	const char *hex;
	enum node_error error;
} raws[] = {
    {"00f8031908ff80", NODE_E_PACKED},	 /* odd, but no byte */
    {"00f8031908ff8112", NODE_E_PACKED}, /* odd without a filler */
    {"00f8031908ff01f1", NODE_E_PACKED}, /* filler in front */
    {"00f8031908fb8112", NODE_E_PACKED}, {"00f80319fa000308", NODE_E_SHAPE}, /* a JID as key */
    {"00f803190008", NODE_E_SHAPE},					     /* an empty key */
    {"00f803f8010808", NODE_E_TOKEN},					     /* a list as tag */
    {"00f8031908fc03610062", NODE_E_SHAPE},				     /* NUL in a string */
    {"00f8031906f70000ff80", NODE_E_PACKED},
    {"00f8031906f7000000", NODE_E_JID},	      /* AD_JID without user */
    {"00f8031906f6ff0112000103", NODE_E_JID}, /* FB_JID of another server */
    {"00f80219f90002", NODE_E_TRUNCATED},
    {"00f9ffff19", NODE_E_TRUNCATED},		      /* 32767 attributes in no bytes */
    {"00f80219f9fffff80119f80119", NODE_E_TRUNCATED}, /* 65535 children in six bytes */
};

static void
test_raw(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(raws) / sizeof(raws[0]); i++) {
		struct buf b = hex_bytes(raws[i].hex);
		struct node *n = NULL;
		const int e = node_decode(b.data, b.len, &n);

		if (e != (int)raws[i].error)
			fail_msg("%s: %s", raws[i].hex, node_error_text(e));
		buf_done(&b);
	}
}

static int
decode_nested(unsigned depth)
{
	struct buf b = BUF_INIT(65536);
	struct node *n = NULL;
	int e;

	buf_add_u8(&b, 0);
	for (unsigned i = 1; i < depth; i++)
		buf_add(&b, "\xf8\x02\x71\xf8\x01", 5);
	buf_add(&b, "\xf8\x01\x71", 3);
	e = node_decode(b.data, b.len, &n);
	node_free(&n);
	buf_done(&b);
	return e;
}

static void
test_depth_limit(void **state)
{
	(void)state;
	assert_int_equal(decode_nested(NODE_DEPTH_MAX), NODE_OK);
	assert_int_equal(decode_nested(NODE_DEPTH_MAX + 1), NODE_E_LIMIT);
	assert_int_equal(decode_nested(5000), NODE_E_LIMIT);
}

/* A list of lists, each with 60000 empty children: over the total. */
static void
test_count_limit(void **state)
{
	struct buf b = BUF_INIT(1u << 20);
	struct node *n = NULL;

	(void)state;
	buf_add(&b, "\x00\xf8\x02\x71\xf8\x02", 6);
	for (int list = 0; list < 2; list++) {
		buf_add(&b, "\xf8\x02\x71\xf9\xea\x60", 6);
		for (int i = 0; i < 60000; i++)
			buf_add(&b, "\xf8\x01\x71", 3);
	}
	assert_int_equal(node_decode(b.data, b.len, &n), NODE_E_LIMIT);
	buf_done(&b);
}

static int
decode_compressed(const void *plain, size_t len, const char *behind)
{
	uLongf size = compressBound(len);
	uint8_t *z = malloc(size);
	struct buf frame = BUF_INIT(32u << 20);
	struct node *n = NULL;
	int e;

	assert_non_null(z);
	assert_int_equal(compress(z, &size, plain, len), Z_OK);
	buf_add_u8(&frame, 2);
	buf_add(&frame, z, size);
	buf_add_str(&frame, behind);
	e = node_decode(frame.data, frame.len, &n);
	node_free(&n);
	free(z);
	buf_done(&frame);
	return e;
}

static void
test_inflate_limits(void **state)
{
	const size_t bomb_len = NODE_INFLATED_MAX + 1;
	uint8_t *bomb = calloc(1, bomb_len);
	static const uint8_t small[] = {0xf8, 0x01, 0x19};

	(void)state;
	assert_non_null(bomb);
	assert_int_equal(decode_compressed(small, sizeof(small), ""), NODE_OK);
	assert_int_equal(decode_compressed(small, sizeof(small), "x"), NODE_E_INFLATE);
	assert_int_equal(decode_compressed(small, 0, ""), NODE_E_TRUNCATED);
	assert_int_equal(decode_compressed(bomb, bomb_len, ""), NODE_E_INFLATE);
	/* Within the limit, but no document. */
	assert_int_equal(decode_compressed(bomb, NODE_INFLATED_MAX, ""), NODE_E_SHAPE);
	free(bomb);
}

static void
test_jid_of_unknown_server_is_text(void **state)
{
	struct buf b = hex_bytes("00f8031906fafc0131fc026878");
	struct node *n = NULL;
	struct jid jid;

	(void)state;
	assert_int_equal(node_decode(b.data, b.len, &n), NODE_OK);
	assert_string_equal(node_get(n, "from"), "1@hx");
	assert_null(node_attr_at(n, 0)->jid);
	assert_int_equal(node_get_jid(n, "from", &jid), -1);
	node_free(&n);
	buf_done(&b);
}

static void
test_text_is_never_sniffed(void **state)
{
	struct node *n = node_new("a", "v", "1@s.whatsapp.net", NULL);
	struct buf out = BUF_INIT(64);
	struct jid jid;

	(void)state;
	node_encode(n, &out);
	assert_bytes(out.data, out.len, "00f803fc016151fc103140732e77686174736170702e6e6574");
	/* A reader may still ask for it as an address. */
	assert_int_equal(node_get_jid(n, "v", &jid), 0);
	assert_int_equal(jid.server, JID_SERVER_PN);
	node_free(&n);
	buf_done(&out);
}

static void
test_device_zero_is_a_pair(void **state)
{
	struct node *n = node_new("to", NULL);
	const struct jid jid = jid_make(JID_SERVER_LID, "1234567", 0);
	struct buf out = BUF_INIT(64);

	(void)state;
	node_set_jid(n, "jid", &jid);
	node_encode(n, &out);
	assert_bytes(out.data, out.len, "00f803110cfaff841234567f76");
	node_free(&n);
	buf_done(&out);
}

static void
test_reading(void **state)
{
	struct node *n = node_new(
	    "iq", "id", "7", "gone", NULL, "empty", "", "big", "99999999999999999999", NULL);
	struct node *child = node_child(n, "ping", "a", "b", NULL);
	int64_t v = 0;
	size_t len = 1;
	struct jid jid;
	struct buf out = BUF_INIT(256);

	(void)state;
	assert_int_equal(node_attr_count(n), 2);
	node_set(n, "id", "8");
	assert_int_equal(node_attr_count(n), 2);
	assert_int_equal(node_get_int(n, "id", &v), 0);
	assert_int_equal(v, 8);
	assert_int_equal(node_get_int(n, "big", &v), -1);
	assert_int_equal(node_get_int(child, "a", &v), -1);
	assert_int_equal(node_get_int(child, "none", &v), -1);
	assert_ptr_equal(node_find(n, "ping"), child);
	assert_null(node_find(n, "pong"));
	assert_true(node_get_is(child, "a", "b"));
	assert_false(node_get_is(child, "a", "c"));
	assert_null(node_data(child, &len));
	assert_int_equal(len, 0);
	node_bytes(child, "xyz", 3);
	node_print(n, &out);
	assert_string_equal(buf_str(&out), "<iq id=\"8\" big=\"99999999999999999999\">\n  <ping "
					   "a=\"b\">[3 bytes]</ping>\n</iq>\n");
	/* NULL everywhere. */
	assert_string_equal(node_tag(NULL), "");
	assert_false(node_is(NULL, ""));
	assert_null(node_get(NULL, "a"));
	assert_int_equal(node_get_jid(NULL, "a", &jid), -1);
	assert_null(node_first(NULL));
	assert_null(node_next(NULL));
	assert_null(node_find(NULL, "a"));
	assert_null(node_attr_at(NULL, 0));
	assert_int_equal(node_content_kind(NULL), NODE_EMPTY);
	node_free(&n);
	assert_null(n);
	node_free(&n);
	buf_done(&out);
}

static void
each_stanza(const json_t *v, const char *name)
{
	const bool upload = strcmp(name, "prekey-upload") == 0;
	struct node *n = tree_of(vector_at(v, upload ? "outputs.node" : "outputs.skey"));
	struct buf out = BUF_INIT(4096);
	struct node *back = NULL;

	node_encode(n, &out);
	if (upload)
		assert_bytes(out.data, out.len, vector_str(v, "outputs.encoded"));
	assert_int_equal(node_decode(out.data, out.len, &back), NODE_OK);
	check_tree(back, vector_at(v, upload ? "outputs.node" : "outputs.skey"));
	node_free(&n);
	node_free(&back);
	buf_done(&out);
}

static void
test_stanza_vectors(void **state)
{
	(void)state;
	vectors_each("stanza", 2, each_stanza);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_node_vectors),
	    cmocka_unit_test(test_empty_attr_is_left_out),
	    cmocka_unit_test(test_empty_list_content),
	    cmocka_unit_test(test_decode_vectors),
	    cmocka_unit_test(test_raw),
	    cmocka_unit_test(test_depth_limit),
	    cmocka_unit_test(test_count_limit),
	    cmocka_unit_test(test_inflate_limits),
	    cmocka_unit_test(test_jid_of_unknown_server_is_text),
	    cmocka_unit_test(test_text_is_never_sniffed),
	    cmocka_unit_test(test_device_zero_is_a_pair),
	    cmocka_unit_test(test_reading),
	    cmocka_unit_test(test_stanza_vectors),
	};

	return VECTORS_RUN(tests);
}
