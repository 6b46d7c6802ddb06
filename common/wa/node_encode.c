/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes a tree in WhatsApp's binary form. A string is never looked at for an '@': only what was
 * set as a JID goes out as one, and device 0 never as AD_JID. It never compresses.
 */
#include <string.h>

#include "common/wa/node.h"
#include "common/wa/node_tree.h"
#include "common/wa/token.h"

#define PACKED_CHARS_MAX 127 /* the clients' limit; the form allows 254 */
#define BINARY_8_END (1u << 8)
#define BINARY_20_END (1u << 20)
#define LIST_8_END (1u << 8)
#define FILLER 15
#define NOT_PACKED (-1)

static void
write_length(struct buf *out, size_t len)
{
	if (len < BINARY_8_END) {
		buf_add_u8(out, NODE_TAG_BINARY_8);
		buf_add_u8(out, (uint8_t)len);
	} else if (len < BINARY_20_END) {
		buf_add_u8(out, NODE_TAG_BINARY_20);
		buf_add_u24be(out, (uint32_t)len);
	} else {
		buf_add_u8(out, NODE_TAG_BINARY_32);
		buf_add_u32be(out, (uint32_t)len);
	}
}

static void
write_bytes(struct buf *out, const void *data, size_t len)
{
	write_length(out, len);
	buf_add(out, data, len);
}

static int
nibble_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c == '-' ? 10 : c == '.' ? 11 : NOT_PACKED;
}

static int
hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : NOT_PACKED;
}

static bool
write_packed(struct buf *out, const char *text, size_t len, uint8_t tag, int (*value)(char))
{
	uint8_t packed[(PACKED_CHARS_MAX + 1) / 2];
	const size_t n = (len + 1) / 2;

	for (size_t i = 0; i < len; i++) {
		const int v = value(text[i]);

		if (v == NOT_PACKED)
			return false;
		if (i % 2 == 0)
			packed[i / 2] = (uint8_t)(v << 4 | FILLER);
		else
			packed[i / 2] = (uint8_t)((packed[i / 2] & 0xf0) | v);
	}
	buf_add_u8(out, tag);
	buf_add_u8(out, (uint8_t)(n | (len % 2 == 1 ? NODE_PACKED_ODD : 0)));
	buf_add(out, packed, n);
	return true;
}

static void
write_string(struct buf *out, const char *text)
{
	const size_t len = strlen(text);
	uint8_t dictionary = 0, index = 0;
	const int kind = len > 0 ? token_find(text, &dictionary, &index) : 0;

	if (kind == 2)
		buf_add_u8(out, (uint8_t)(NODE_TAG_DICTIONARY_0 + dictionary));
	if (kind > 0) {
		buf_add_u8(out, index);
		return;
	}
	if (len > 0 && len <= PACKED_CHARS_MAX &&
	    (write_packed(out, text, len, NODE_TAG_NIBBLE_8, nibble_value) ||
		write_packed(out, text, len, NODE_TAG_HEX_8, hex_value)))
		return;
	write_bytes(out, text, len);
}

static void
write_ad_jid(struct buf *out, const struct jid *jid, uint8_t domain)
{
	buf_add_u8(out, NODE_TAG_AD_JID);
	buf_add_u8(out, domain);
	buf_add_u8(out, (uint8_t)jid->device);
	write_string(out, jid->user);
}

static void
write_wide_jid(struct buf *out, const struct jid *jid)
{
	const bool interop = jid->server == JID_SERVER_INTEROP;

	buf_add_u8(out, interop ? NODE_TAG_INTEROP_JID : NODE_TAG_FB_JID);
	write_string(out, jid->user);
	buf_add_u16be(out, jid->device);
	if (interop)
		buf_add_u16be(out, jid->integrator);
	write_string(out, jid_server_name(jid->server));
}

static void
write_jid_pair(struct buf *out, const struct jid *jid)
{
	buf_add_u8(out, NODE_TAG_JID_PAIR);
	if (jid->user[0] != '\0')
		write_string(out, jid->user);
	else
		buf_add_u8(out, NODE_TAG_LIST_EMPTY);
	write_string(out, jid_server_name(jid->server));
}

static void
write_jid(struct buf *out, const struct jid *jid)
{
	const bool named = jid->user[0] != '\0';

	if (named && jid->server == JID_SERVER_PN && (jid->device > 0 || jid->agent > 0))
		write_ad_jid(out, jid, jid->agent);
	else if (named && jid->server == JID_SERVER_LID && jid->device > 0)
		write_ad_jid(out, jid, NODE_DOMAIN_LID);
	else if (named && jid->server == JID_SERVER_HOSTED)
		write_ad_jid(out, jid, NODE_DOMAIN_HOSTED);
	else if (named && jid->server == JID_SERVER_HOSTED_LID)
		write_ad_jid(out, jid, NODE_DOMAIN_HOSTED_LID);
	else if (named && (jid->server == JID_SERVER_MSGR || jid->server == JID_SERVER_INTEROP))
		write_wide_jid(out, jid);
	else
		write_jid_pair(out, jid);
}

static void
write_list(struct buf *out, size_t count)
{
	if (count == 0) {
		buf_add_u8(out, NODE_TAG_LIST_EMPTY);
	} else if (count < LIST_8_END) {
		buf_add_u8(out, NODE_TAG_LIST_8);
		buf_add_u8(out, (uint8_t)count);
	} else {
		buf_add_u8(out, NODE_TAG_LIST_16);
		buf_add_u16be(out, (uint16_t)count);
	}
}

static void write_node(struct buf *out, const struct node *n);

static void
write_content(struct buf *out, const struct node *n)
{
	size_t count = 0;

	switch (n->kind) {
	case NODE_EMPTY:
		return;
	case NODE_BYTES:
		write_bytes(out, n->data, n->data_len);
		return;
	case NODE_TEXT:
		write_string(out, (const char *)n->data);
		return;
	case NODE_JID:
		if (n->jid != NULL)
			write_jid(out, n->jid);
		else
			write_string(out, (const char *)n->data);
		return;
	case NODE_CHILDREN:
		break;
	}
	for (const struct node *c = n->first; c != NULL; c = c->next)
		count++;
	write_list(out, count);
	for (const struct node *c = n->first; c != NULL; c = c->next)
		write_node(out, c);
}

static void
write_node(struct buf *out, const struct node *n)
{
	size_t pairs = 0;

	for (uint32_t i = 0; i < n->attr_count; i++)
		pairs += n->attrs[i].text[0] != '\0';
	write_list(out, 1 + 2 * pairs + (n->kind != NODE_EMPTY ? 1 : 0));
	write_string(out, n->tag);
	for (uint32_t i = 0; i < n->attr_count; i++) {
		const struct node_attr *at = &n->attrs[i];

		if (at->text[0] == '\0')
			continue;
		write_string(out, at->key);
		if (at->jid != NULL)
			write_jid(out, at->jid);
		else
			write_string(out, at->text);
	}
	write_content(out, n);
}

void
node_encode(const struct node *n, struct buf *out)
{
	buf_add_u8(out, 0);
	write_node(out, n);
}
