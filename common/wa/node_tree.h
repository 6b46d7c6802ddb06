/* SPDX-License-Identifier: GPL-3.0-or-later */
/* node_tree: the inside of struct node, for node.c, node_decode.c and node_encode.c only. */
#ifndef COMMON_WA_NODE_TREE_H
#define COMMON_WA_NODE_TREE_H

#include "common/wa/node.h"

struct node_arena;

struct node {
	const char *tag;
	struct node_attr *attrs;
	uint32_t attr_count;
	uint32_t attr_room;
	enum node_content kind;
	struct node *first, *last; /* NODE_CHILDREN */
	const uint8_t *data;	   /* the other kinds; a JID's text, too */
	size_t data_len;
	const struct jid *jid; /* NODE_JID */
	struct node *next;
	struct node_arena *arena;
};

enum node_tag {
	NODE_TAG_LIST_EMPTY = 0,
	NODE_TAG_SINGLE_END = 236,
	NODE_TAG_DICTIONARY_0 = 236,
	NODE_TAG_DICTIONARY_3 = 239,
	NODE_TAG_INTEROP_JID = 245,
	NODE_TAG_FB_JID = 246,
	NODE_TAG_AD_JID = 247,
	NODE_TAG_LIST_8 = 248,
	NODE_TAG_LIST_16 = 249,
	NODE_TAG_JID_PAIR = 250,
	NODE_TAG_HEX_8 = 251,
	NODE_TAG_BINARY_8 = 252,
	NODE_TAG_BINARY_20 = 253,
	NODE_TAG_BINARY_32 = 254,
	NODE_TAG_NIBBLE_8 = 255
};

/* What AD_JID calls the servers. */
enum node_domain {
	NODE_DOMAIN_PN = 0,
	NODE_DOMAIN_LID = 1,
	NODE_DOMAIN_HOSTED = 128,
	NODE_DOMAIN_HOSTED_LID = 129
};

#define NODE_FLAG_ZLIB 0x02
#define NODE_PACKED_ODD 0x80
#define NODE_PACKED_COUNT 0x7f

/* Memory of the document; `hint` sizes the first piece. */
struct node_arena *node_arena_new(size_t hint);
void node_arena_free(struct node_arena *a);
void *node_arena_take(struct node_arena *a, size_t size) __attribute__((returns_nonnull));
/* A copy with a NUL behind it. */
char *node_arena_copy(struct node_arena *a, const void *data, size_t len)
    __attribute__((returns_nonnull));
/* An empty node; the tag is not copied. */
struct node *node_arena_node(struct node_arena *a, const char *tag)
    __attribute__((returns_nonnull));
/* Room for `more` attributes behind those there are. */
void node_attr_reserve(struct node *n, size_t more);
void node_append(struct node *parent, struct node *child);

#endif
