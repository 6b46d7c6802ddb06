/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * node: WhatsApp's binary XML. Source: PROTOCOL section 4.
 *
 * A document is a tree in one arena that belongs to its root: node_free(root) frees all of it, and
 * pointers into it live until then. Build top-down: node_new makes a root, node_child adds to it.
 * Strings and bytes are copied in. JIDs are a value type of their own: nothing is sniffed from
 * text.
 */
#ifndef COMMON_WA_NODE_H
#define COMMON_WA_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/buf.h"
#include "common/wa/jid.h"

#define NODE_DEPTH_MAX 64
#define NODE_COUNT_MAX 65536
#define NODE_INFLATED_MAX (16u << 20)

struct node;

struct node_attr {
	const char *key;
	const char *text;      /* textual form, also of a JID */
	const struct jid *jid; /* NULL unless the value came (or is to go out) as a JID */
};

enum node_content { NODE_EMPTY, NODE_CHILDREN, NODE_BYTES, NODE_TEXT, NODE_JID };

/* -- building -- */
/* node_new("iq", "type", "get", "xmlns", "w:p", NULL): string attributes as pairs; a NULL key ends.
 * A pair with a NULL or empty value is left out. */
struct node *node_new(const char *tag, ...) __attribute__((sentinel));
struct node *node_child(struct node *parent, const char *tag, ...) __attribute__((sentinel));
void node_set(struct node *n, const char *key, const char *value); /* NULL or "": left out */
void node_set_jid(struct node *n, const char *key, const struct jid *value);
void node_set_int(struct node *n, const char *key, int64_t value);
void node_bytes(struct node *n, const void *data, size_t len);
void node_text(struct node *n, const char *text);
void node_free(struct node **root);
/* A deep copy as a root of its own. */
struct node *node_dup(const struct node *n);

/* -- reading (all take NULL nodes and give NULL / false / 0 for them) -- */
const char *node_tag(const struct node *n); /* "" for NULL */
bool node_is(const struct node *n, const char *tag);
size_t node_attr_count(const struct node *n);
const struct node_attr *node_attr_at(const struct node *n, size_t i);
const char *node_get(const struct node *n, const char *key);		    /* NULL if absent */
bool node_get_is(const struct node *n, const char *key, const char *value); /* present and equal */
/* The attribute as a JID: as it came, or parsed from text; -1 if absent or not one. */
int node_get_jid(const struct node *n, const char *key, struct jid *ret_jid)
    __attribute__((warn_unused_result));
int node_get_int(const struct node *n, const char *key, int64_t *ret_value)
    __attribute__((warn_unused_result));
enum node_content node_content_kind(const struct node *n);
const struct node *node_first(const struct node *n);		     /* first child */
const struct node *node_next(const struct node *child);		     /* next sibling */
const struct node *node_find(const struct node *n, const char *tag); /* first child with the tag */
/* Bytes of a bytes or text content (texts may arrive packed: both are the same to a reader); NULL
 * if none. */
const uint8_t *node_data(const struct node *n, size_t *ret_len);

/* -- codec -- */
enum node_error {
	NODE_OK = 0,
	NODE_E_TRUNCATED = -1, /* a length passes the end */
	NODE_E_TOKEN = -2,     /* unassigned tag or dictionary index */
	NODE_E_PACKED = -3,    /* nibble 12-14, bad filler */
	NODE_E_SHAPE = -4, /* not a node where one must be; empty tag; key that is no string … */
	NODE_E_JID = -5,   /* JID without server, user too long */
	NODE_E_TRAILING = -6, /* bytes behind the document */
	NODE_E_INFLATE = -7,  /* zlib error, data behind its end, or over NODE_INFLATED_MAX */
	NODE_E_LIMIT = -8     /* too deep, too many nodes */
};
const char *node_error_text(enum node_error error);

/* `frame` is one decrypted transport frame: flag byte and body. */
int node_decode(const uint8_t *frame, size_t len, struct node **ret_root)
    __attribute__((warn_unused_result));
/* Flag byte 0 and the document, added to `out`. */
void node_encode(const struct node *n, struct buf *out);
/* XML-like text for debugging, without contents of bytes (only their length), into `out`. */
void node_print(const struct node *n, struct buf *out);

#endif
