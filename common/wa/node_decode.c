/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Reads WhatsApp's binary form into a tree, strictly: every length is checked against what is left,
 * unknown tags and bytes behind the document are errors, and depth, number of nodes and inflated
 * size have limits. It never keeps a pointer into the frame.
 */
#include <string.h>
#include <zlib.h>

#include "common/wa/node.h"
#include "common/wa/node_tree.h"
#include "common/wa/token.h"
#include "common/xalloc.h"

#define ATTR_COUNT_MAX (4 * NODE_COUNT_MAX)
#define CHILD_BYTES_MIN 3 /* list tag, count, a token */
#define INFLATE_STEP 16384
#define FILLER 15
#define BINARY_20_MASK 0x0fffff

struct reader {
	const uint8_t *p, *end;
	struct node_arena *arena;
	size_t nodes, attrs;
};

/* A string value; `jid` when it came as one of a server we know. */
struct value {
	const char *text;
	size_t len;
	const struct jid *jid;
	bool is_jid; /* any JID form, whoever's server */
};

static const char *const error_texts[] = {
    [-NODE_OK] = "no error",
    [-NODE_E_TRUNCATED] = "truncated",
    [-NODE_E_TOKEN] = "unassigned token",
    [-NODE_E_PACKED] = "bad packed string",
    [-NODE_E_SHAPE] = "not a node",
    [-NODE_E_JID] = "bad address",
    [-NODE_E_TRAILING] = "bytes behind the document",
    [-NODE_E_INFLATE] = "bad compression",
    [-NODE_E_LIMIT] = "over a limit",
};

const char *
node_error_text(enum node_error error)
{
	const int i = -(int)error;

	return i >= 0 && i < (int)(sizeof(error_texts) / sizeof(error_texts[0])) ? error_texts[i]
										 : "unknown";
}

static size_t
left(const struct reader *r)
{
	return (size_t)(r->end - r->p);
}

/* A big-endian number of n bytes. */
static int
read_uint(struct reader *r, size_t n, uint32_t *ret_value)
{
	uint32_t v = 0;

	if (left(r) < n)
		return NODE_E_TRUNCATED;
	for (size_t i = 0; i < n; i++)
		v = v << 8 | *r->p++;
	*ret_value = v;
	return NODE_OK;
}

static int
read_length(struct reader *r, uint32_t tag, uint32_t *ret_len)
{
	if (tag == NODE_TAG_BINARY_8)
		return read_uint(r, 1, ret_len);
	if (tag == NODE_TAG_BINARY_32)
		return read_uint(r, 4, ret_len);
	if (read_uint(r, 3, ret_len) != NODE_OK)
		return NODE_E_TRUNCATED;
	*ret_len &= BINARY_20_MASK;
	return NODE_OK;
}

static bool
is_binary(uint32_t tag)
{
	return tag >= NODE_TAG_BINARY_8 && tag <= NODE_TAG_BINARY_32;
}

/* Bytes, copied; with a NUL behind them. */
static int
read_binary(struct reader *r, uint32_t tag, const char **ret_data, size_t *ret_len)
{
	uint32_t len;

	if (read_length(r, tag, &len) != NODE_OK || len > left(r))
		return NODE_E_TRUNCATED;
	*ret_data = node_arena_copy(r->arena, r->p, len);
	*ret_len = len;
	r->p += len;
	return NODE_OK;
}

static int
read_packed(struct reader *r, uint32_t tag, struct value *ret)
{
	/* 12-14 are unassigned for nibbles; 15 only fills an odd string. */
	const char *alphabet = tag == NODE_TAG_HEX_8 ? "0123456789ABCDEF" : "0123456789-.";
	const size_t letters = strlen(alphabet);
	uint32_t header;
	size_t len;
	char *text;

	if (read_uint(r, 1, &header) != NODE_OK || (header & NODE_PACKED_COUNT) > left(r))
		return NODE_E_TRUNCATED;
	len = (size_t)(header & NODE_PACKED_COUNT) * 2;
	if ((header & NODE_PACKED_ODD) != 0) {
		if (len == 0 || (r->p[len / 2 - 1] & 0x0f) != FILLER)
			return NODE_E_PACKED;
		len--;
	}
	text = node_arena_take(r->arena, len + 1);
	for (size_t i = 0; i < len; i++) {
		const unsigned v = i % 2 == 0 ? r->p[i / 2] >> 4 : r->p[i / 2] & 0x0fu;

		if (v >= letters)
			return NODE_E_PACKED;
		text[i] = alphabet[v];
	}
	text[len] = '\0';
	r->p += header & NODE_PACKED_COUNT;
	*ret = (struct value){.text = text, .len = len};
	return NODE_OK;
}

/* Token, packed or bytes: every string but the JID forms. No NUL inside. */
static int
read_plain(struct reader *r, struct value *ret)
{
	const char *text = NULL;
	uint32_t tag, index;
	size_t len;
	int e;

	if (read_uint(r, 1, &tag) != NODE_OK)
		return NODE_E_TRUNCATED;
	if (tag == NODE_TAG_HEX_8 || tag == NODE_TAG_NIBBLE_8)
		return read_packed(r, tag, ret);
	if (is_binary(tag)) {
		e = read_binary(r, tag, &text, &len);
		if (e == NODE_OK && memchr(text, '\0', len) != NULL)
			e = NODE_E_SHAPE;
		if (e == NODE_OK)
			*ret = (struct value){.text = text, .len = len};
		return e;
	}
	if (tag == NODE_TAG_LIST_EMPTY) {
		text = "";
	} else if (tag < NODE_TAG_SINGLE_END) {
		text = token_single(tag);
	} else if (tag <= NODE_TAG_DICTIONARY_3) {
		if (read_uint(r, 1, &index) != NODE_OK)
			return NODE_E_TRUNCATED;
		text = token_double(tag - NODE_TAG_DICTIONARY_0, index);
	}
	if (text == NULL)
		return NODE_E_TOKEN;
	*ret = (struct value){.text = text, .len = strlen(text)};
	return NODE_OK;
}

static void
give_jid(struct reader *r, const struct jid *jid, struct value *ret)
{
	struct jid *copy = node_arena_take(r->arena, sizeof(*copy));
	char text[JID_TEXT_MAX];

	*copy = *jid;
	(void)jid_format(jid, text);
	ret->len = strlen(text);
	ret->text = node_arena_copy(r->arena, text, ret->len);
	ret->jid = copy;
	ret->is_jid = true;
}

static int
read_user(struct reader *r, struct value *ret)
{
	const int e = read_plain(r, ret);

	if (e == NODE_OK && ret->len > JID_USER_MAX)
		return NODE_E_JID;
	return e;
}

/* A user that a typed address may have; the text form must read back as the same. */
static int
give_checked_jid(struct reader *r, const struct jid *jid, struct value *ret)
{
	char text[JID_TEXT_MAX];
	struct jid again;

	if (jid->user[0] == '\0' || jid_parse(jid_format(jid, text), &again) != 0 ||
	    !jid_equal(jid, &again))
		return NODE_E_JID;
	give_jid(r, jid, ret);
	return NODE_OK;
}

static int
read_jid_pair(struct reader *r, struct value *ret)
{
	struct value user, server;
	struct jid jid;
	char *text;
	int e;

	if ((e = read_user(r, &user)) != NODE_OK || (e = read_plain(r, &server)) != NODE_OK)
		return e;
	if (server.len == 0)
		return NODE_E_JID;
	text = node_arena_take(r->arena, user.len + 1 + server.len + 1);
	memcpy(text, user.text, user.len);
	text[user.len] = '@';
	memcpy(text + user.len + 1, server.text, server.len + 1);
	if (jid_parse(text, &jid) == 0)
		give_jid(r, &jid, ret);
	else
		/* A server that we do not know: the text is all there is. */
		*ret =
		    (struct value){.text = text, .len = user.len + 1 + server.len, .is_jid = true};
	return NODE_OK;
}

static int
read_ad_jid(struct reader *r, struct value *ret)
{
	uint32_t domain, device;
	struct value user;
	struct jid jid;
	int e;

	if (read_uint(r, 1, &domain) != NODE_OK || read_uint(r, 1, &device) != NODE_OK)
		return NODE_E_TRUNCATED;
	if ((e = read_user(r, &user)) != NODE_OK)
		return e;
	jid = jid_make(JID_SERVER_PN, user.text, device);
	if (domain == NODE_DOMAIN_LID)
		jid.server = JID_SERVER_LID;
	else if (domain == NODE_DOMAIN_HOSTED)
		jid.server = JID_SERVER_HOSTED;
	else if (domain == NODE_DOMAIN_HOSTED_LID)
		jid.server = JID_SERVER_HOSTED_LID;
	else
		jid.agent = (uint8_t)domain;
	return give_checked_jid(r, &jid, ret);
}

static int
read_wide_jid(struct reader *r, enum jid_server server, struct value *ret)
{
	uint32_t device, integrator = 0;
	struct value user, name;
	struct jid jid;
	int e;

	if ((e = read_user(r, &user)) != NODE_OK)
		return e;
	if (read_uint(r, 2, &device) != NODE_OK)
		return NODE_E_TRUNCATED;
	if (server == JID_SERVER_INTEROP && read_uint(r, 2, &integrator) != NODE_OK)
		return NODE_E_TRUNCATED;
	if ((e = read_plain(r, &name)) != NODE_OK)
		return e;
	if (strcmp(name.text, jid_server_name(server)) != 0)
		return NODE_E_JID;
	jid = jid_make(server, user.text, device);
	jid.integrator = (uint16_t)integrator;
	return give_checked_jid(r, &jid, ret);
}

static int
read_value(struct reader *r, struct value *ret)
{
	if (r->p == r->end)
		return NODE_E_TRUNCATED;
	switch (*r->p) {
	case NODE_TAG_JID_PAIR:
		r->p++;
		return read_jid_pair(r, ret);
	case NODE_TAG_AD_JID:
		r->p++;
		return read_ad_jid(r, ret);
	case NODE_TAG_FB_JID:
		r->p++;
		return read_wide_jid(r, JID_SERVER_MSGR, ret);
	case NODE_TAG_INTEROP_JID:
		r->p++;
		return read_wide_jid(r, JID_SERVER_INTEROP, ret);
	default:
		return read_plain(r, ret);
	}
}

static bool
is_list(uint8_t tag)
{
	return tag == NODE_TAG_LIST_EMPTY || tag == NODE_TAG_LIST_8 || tag == NODE_TAG_LIST_16;
}

static int
read_list(struct reader *r, uint32_t *ret_count)
{
	uint32_t tag;

	if (read_uint(r, 1, &tag) != NODE_OK)
		return NODE_E_TRUNCATED;
	if (!is_list((uint8_t)tag))
		return NODE_E_SHAPE;
	*ret_count = 0;
	if (tag == NODE_TAG_LIST_EMPTY)
		return NODE_OK;
	return read_uint(r, tag == NODE_TAG_LIST_8 ? 1 : 2, ret_count);
}

static int
read_attrs(struct reader *r, struct node *n, size_t pairs)
{
	r->attrs += pairs;
	if (r->attrs > ATTR_COUNT_MAX)
		return NODE_E_LIMIT;
	if (pairs > left(r) / 2)
		return NODE_E_TRUNCATED;
	node_attr_reserve(n, pairs);
	for (size_t i = 0; i < pairs; i++) {
		struct value key = {0}, value = {0};
		int e;

		if ((e = read_plain(r, &key)) != NODE_OK)
			return e == NODE_E_TOKEN ? NODE_E_SHAPE : e;
		if (key.len == 0)
			return NODE_E_SHAPE;
		if ((e = read_value(r, &value)) != NODE_OK)
			return e;
		n->attrs[n->attr_count++] =
		    (struct node_attr){.key = key.text, .text = value.text, .jid = value.jid};
	}
	return NODE_OK;
}

static int read_node(struct reader *r, unsigned depth, struct node **ret_node);

static int
read_children(struct reader *r, struct node *n, unsigned depth)
{
	uint32_t count;
	int e = read_list(r, &count);

	if (e != NODE_OK)
		return e;
	if (count > left(r) / CHILD_BYTES_MIN)
		return NODE_E_TRUNCATED;
	n->kind = NODE_CHILDREN;
	for (uint32_t i = 0; i < count; i++) {
		struct node *child;

		if ((e = read_node(r, depth + 1, &child)) != NODE_OK)
			return e;
		node_append(n, child);
	}
	return NODE_OK;
}

static int
read_content(struct reader *r, struct node *n, unsigned depth)
{
	struct value value = {0};
	const char *data;
	int e;

	if (r->p == r->end)
		return NODE_E_TRUNCATED;
	if (is_list(*r->p))
		return read_children(r, n, depth);
	if (is_binary(*r->p)) {
		const uint8_t tag = *r->p++;

		if ((e = read_binary(r, tag, &data, &n->data_len)) != NODE_OK)
			return e;
		n->kind = NODE_BYTES;
		n->data = (const uint8_t *)data;
		return NODE_OK;
	}
	if ((e = read_value(r, &value)) != NODE_OK)
		return e;
	n->kind = value.is_jid ? NODE_JID : NODE_TEXT;
	n->data = (const uint8_t *)value.text;
	n->data_len = value.len;
	n->jid = value.jid;
	return NODE_OK;
}

static int
read_node(struct reader *r, unsigned depth, struct node **ret_node)
{
	struct value tag;
	struct node *n;
	uint32_t size;
	int e;

	if (depth > NODE_DEPTH_MAX || ++r->nodes > NODE_COUNT_MAX)
		return NODE_E_LIMIT;
	if ((e = read_list(r, &size)) != NODE_OK)
		return e;
	if (size == 0)
		return NODE_E_SHAPE;
	if ((e = read_plain(r, &tag)) != NODE_OK)
		return e;
	if (tag.len == 0)
		return NODE_E_SHAPE;
	n = node_arena_node(r->arena, tag.text);
	if ((e = read_attrs(r, n, (size - 1) / 2)) != NODE_OK)
		return e;
	if (size % 2 == 0 && (e = read_content(r, n, depth)) != NODE_OK)
		return e;
	*ret_node = n;
	return NODE_OK;
}

static int
decode_document(const uint8_t *data, size_t len, struct node **ret_root)
{
	struct reader r = {.p = data, .end = data + len, .arena = node_arena_new(len * 4)};
	struct node *root = NULL;
	int e = read_node(&r, 1, &root);

	if (e == NODE_OK && r.p != r.end)
		e = NODE_E_TRAILING;
	if (e == NODE_OK)
		*ret_root = root;
	else
		node_arena_free(r.arena);
	return e;
}

/* The whole zlib stream, and nothing behind it. */
static int
inflate_all(const uint8_t *data, size_t len, struct buf *out)
{
	uint8_t step[INFLATE_STEP];
	z_stream z = {0};
	int r;

	if (len > UINT32_MAX || inflateInit(&z) != Z_OK)
		return NODE_E_INFLATE;
	z.next_in = (z_const Bytef *)(uintptr_t)data;
	z.avail_in = (uInt)len;
	do {
		z.next_out = step;
		z.avail_out = sizeof(step);
		r = inflate(&z, Z_NO_FLUSH);
		buf_add(out, step, sizeof(step) - z.avail_out);
	} while (r == Z_OK && buf_ok(out));
	(void)inflateEnd(&z);
	return r == Z_STREAM_END && z.avail_in == 0 && buf_ok(out) ? NODE_OK : NODE_E_INFLATE;
}

int
node_decode(const uint8_t *frame, size_t len, struct node **ret_root)
{
	struct buf plain = BUF_INIT(NODE_INFLATED_MAX);
	int e;

	if (len < 2)
		return NODE_E_TRUNCATED;
	if ((frame[0] & NODE_FLAG_ZLIB) == 0)
		return decode_document(frame + 1, len - 1, ret_root);
	e = inflate_all(frame + 1, len - 1, &plain);
	if (e == NODE_OK)
		e = plain.len > 0 ? decode_document(plain.data, plain.len, ret_root)
				  : NODE_E_TRUNCATED;
	buf_done(&plain);
	return e;
}
