/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The tree of binary XML: memory, building, reading, printing. It knows nothing of the wire;
 * node_decode.c and node_encode.c do.
 */
#include "common/wa/node.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/wa/node_tree.h"
#include "common/xalloc.h"

#define ALIGN 16
#define CHUNK_MIN 1024
#define CHUNK_MAX 65536
#define ATTR_ROOM_FIRST 4

/* -- arena ----------------------------------------------------------------------- */

struct chunk {
	struct chunk *next;
	size_t used, size;
	_Alignas(ALIGN) uint8_t bytes[];
};

struct node_arena {
	struct chunk *chunks; /* the one being filled first */
};

static void
chunk_add(struct node_arena *a, size_t size)
{
	struct chunk *c = xmalloc(sizeof(*c) + size);

	*c = (struct chunk){.next = a->chunks, .size = size};
	a->chunks = c;
}

struct node_arena *
node_arena_new(size_t hint)
{
	struct node_arena *a = xcalloc(1, sizeof(*a));

	chunk_add(a, hint < CHUNK_MIN ? CHUNK_MIN : hint < CHUNK_MAX ? hint : CHUNK_MAX);
	return a;
}

void
node_arena_free(struct node_arena *a)
{
	while (a->chunks != NULL) {
		struct chunk *c = a->chunks;

		a->chunks = c->next;
		free(c);
	}
	free(a);
}

void *
node_arena_take(struct node_arena *a, size_t size)
{
	struct chunk *c = a->chunks;
	void *p;

	size = (size + ALIGN - 1) / ALIGN * ALIGN;
	if (size > c->size - c->used) {
		const size_t next = c->size * 2 < CHUNK_MAX ? c->size * 2 : CHUNK_MAX;

		chunk_add(a, size > next ? size : next);
		c = a->chunks;
	}
	p = c->bytes + c->used;
	c->used += size;
	return p;
}

char *
node_arena_copy(struct node_arena *a, const void *data, size_t len)
{
	char *p = node_arena_take(a, len + 1);

	if (len > 0)
		memcpy(p, data, len);
	p[len] = '\0';
	return p;
}

struct node *
node_arena_node(struct node_arena *a, const char *tag)
{
	struct node *n = node_arena_take(a, sizeof(*n));

	*n = (struct node){.tag = tag, .arena = a};
	return n;
}

/* -- building -------------------------------------------------------------------- */

void
node_attr_reserve(struct node *n, size_t more)
{
	const size_t want = n->attr_count + more;
	size_t room = n->attr_room > 0 ? n->attr_room : ATTR_ROOM_FIRST;
	struct node_attr *attrs;

	if (want <= n->attr_room)
		return;
	while (room < want)
		room *= 2;
	attrs = node_arena_take(n->arena, room * sizeof(*attrs));
	if (n->attr_count > 0)
		memcpy(attrs, n->attrs, n->attr_count * sizeof(*attrs));
	n->attrs = attrs;
	n->attr_room = (uint32_t)room;
}

void
node_append(struct node *parent, struct node *child)
{
	if (parent->kind != NODE_CHILDREN) {
		parent->kind = NODE_CHILDREN;
		parent->first = parent->last = NULL;
	}
	if (parent->last != NULL)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
}

static struct node_attr *
attr_find(const struct node *n, const char *key)
{
	for (uint32_t i = 0; n != NULL && i < n->attr_count; i++)
		if (strcmp(n->attrs[i].key, key) == 0)
			return &n->attrs[i];
	return NULL;
}

static void
attr_put(struct node *n, const char *key, const char *text, const struct jid *jid)
{
	struct node_attr *at = attr_find(n, key);

	if (at == NULL) {
		node_attr_reserve(n, 1);
		at = &n->attrs[n->attr_count++];
		at->key = node_arena_copy(n->arena, key, strlen(key));
	}
	at->text = node_arena_copy(n->arena, text, strlen(text));
	at->jid = jid;
}

static void
set_pairs(struct node *n, va_list ap)
{
	const char *key;

	while ((key = va_arg(ap, const char *)) != NULL)
		node_set(n, key, va_arg(ap, const char *));
}

struct node *
node_new(const char *tag, ...)
{
	struct node_arena *a = node_arena_new(CHUNK_MIN);
	struct node *n = node_arena_node(a, node_arena_copy(a, tag, strlen(tag)));
	va_list ap;

	va_start(ap, tag);
	set_pairs(n, ap);
	va_end(ap);
	return n;
}

struct node *
node_child(struct node *parent, const char *tag, ...)
{
	struct node_arena *a = parent->arena;
	struct node *n = node_arena_node(a, node_arena_copy(a, tag, strlen(tag)));
	va_list ap;

	va_start(ap, tag);
	set_pairs(n, ap);
	va_end(ap);
	node_append(parent, n);
	return n;
}

void
node_set(struct node *n, const char *key, const char *value)
{
	if (value != NULL && value[0] != '\0')
		attr_put(n, key, value, NULL);
}

void
node_set_jid(struct node *n, const char *key, const struct jid *value)
{
	struct jid *copy;
	char text[JID_TEXT_MAX];

	if (value == NULL || jid_is_none(value))
		return;
	copy = node_arena_take(n->arena, sizeof(*copy));
	*copy = *value;
	attr_put(n, key, jid_format(value, text), copy);
}

void
node_set_int(struct node *n, const char *key, int64_t value)
{
	char text[24];

	(void)snprintf(text, sizeof(text), "%" PRId64, value);
	node_set(n, key, text);
}

static void
content_put(struct node *n, enum node_content kind, const void *data, size_t len)
{
	n->kind = kind;
	n->data = (const uint8_t *)node_arena_copy(n->arena, data, len);
	n->data_len = len;
}

void
node_bytes(struct node *n, const void *data, size_t len)
{
	content_put(n, NODE_BYTES, data, len);
}

void
node_text(struct node *n, const char *text)
{
	content_put(n, NODE_TEXT, text, strlen(text));
}

void
node_free(struct node **root)
{
	if (*root == NULL)
		return;
	node_arena_free((*root)->arena);
	*root = NULL;
}

static const struct jid *
copy_jid(struct node_arena *a, const struct jid *jid)
{
	struct jid *copy;

	if (jid == NULL)
		return NULL;
	copy = node_arena_take(a, sizeof(*copy));
	*copy = *jid;
	return copy;
}

/* Depth is bounded by NODE_DEPTH_MAX for what came from the wire, and by the builder otherwise. */
static struct node *
copy_into(struct node_arena *a, const struct node *n)
{
	struct node *copy = node_arena_node(a, node_arena_copy(a, n->tag, strlen(n->tag)));

	node_attr_reserve(copy, n->attr_count);
	for (uint32_t i = 0; i < n->attr_count; i++)
		copy->attrs[i] = (struct node_attr){
		    .key = node_arena_copy(a, n->attrs[i].key, strlen(n->attrs[i].key)),
		    .text = node_arena_copy(a, n->attrs[i].text, strlen(n->attrs[i].text)),
		    .jid = copy_jid(a, n->attrs[i].jid),
		};
	copy->attr_count = n->attr_count;
	if (n->kind != NODE_EMPTY && n->kind != NODE_CHILDREN)
		content_put(copy, n->kind, n->data, n->data_len);
	copy->kind = n->kind;
	copy->jid = copy_jid(a, n->jid);
	for (const struct node *c = node_first(n); c != NULL; c = c->next)
		node_append(copy, copy_into(a, c));
	return copy;
}

struct node *
node_dup(const struct node *n)
{
	return copy_into(node_arena_new(CHUNK_MIN), n);
}

/* -- reading --------------------------------------------------------------------- */

const char *
node_tag(const struct node *n)
{
	return n != NULL ? n->tag : "";
}

bool
node_is(const struct node *n, const char *tag)
{
	return n != NULL && strcmp(n->tag, tag) == 0;
}

size_t
node_attr_count(const struct node *n)
{
	return n != NULL ? n->attr_count : 0;
}

const struct node_attr *
node_attr_at(const struct node *n, size_t i)
{
	return i < node_attr_count(n) ? &n->attrs[i] : NULL;
}

const char *
node_get(const struct node *n, const char *key)
{
	const struct node_attr *at = attr_find(n, key);

	return at != NULL ? at->text : NULL;
}

bool
node_get_is(const struct node *n, const char *key, const char *value)
{
	const char *text = node_get(n, key);

	return text != NULL && strcmp(text, value) == 0;
}

int
node_get_jid(const struct node *n, const char *key, struct jid *ret_jid)
{
	const struct node_attr *at = attr_find(n, key);

	if (at == NULL)
		return -1;
	if (at->jid == NULL)
		return jid_parse(at->text, ret_jid);
	*ret_jid = *at->jid;
	return 0;
}

int
node_get_int(const struct node *n, const char *key, int64_t *ret_value)
{
	const char *text = node_get(n, key);
	const char *digits;
	char *end;
	long long v;

	if (text == NULL)
		return -1;
	digits = text[0] == '-' ? text + 1 : text;
	if (digits[0] < '0' || digits[0] > '9')
		return -1;
	errno = 0;
	v = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0')
		return -1;
	*ret_value = v;
	return 0;
}

enum node_content
node_content_kind(const struct node *n)
{
	return n != NULL ? n->kind : NODE_EMPTY;
}

const struct node *
node_first(const struct node *n)
{
	return n != NULL && n->kind == NODE_CHILDREN ? n->first : NULL;
}

const struct node *
node_next(const struct node *child)
{
	return child != NULL ? child->next : NULL;
}

const struct node *
node_find(const struct node *n, const char *tag)
{
	const struct node *c = node_first(n);

	while (c != NULL && strcmp(c->tag, tag) != 0)
		c = c->next;
	return c;
}

const uint8_t *
node_data(const struct node *n, size_t *ret_len)
{
	if (n == NULL || n->kind == NODE_EMPTY || n->kind == NODE_CHILDREN) {
		*ret_len = 0;
		return NULL;
	}
	*ret_len = n->data_len;
	return n->data;
}

/* -- printing -------------------------------------------------------------------- */

static void
print(const struct node *n, unsigned depth, struct buf *out)
{
	buf_addf(out, "%*s<%s", (int)(2 * depth), "", n->tag);
	for (uint32_t i = 0; i < n->attr_count; i++)
		buf_addf(out, " %s=\"%s\"", n->attrs[i].key, n->attrs[i].text);
	if (n->kind == NODE_CHILDREN && n->first != NULL) {
		buf_add_str(out, ">\n");
		for (const struct node *c = n->first; c != NULL; c = c->next)
			print(c, depth + 1, out);
		buf_addf(out, "%*s</%s>\n", (int)(2 * depth), "", n->tag);
	} else if (n->kind == NODE_EMPTY || n->kind == NODE_CHILDREN) {
		buf_add_str(out, "/>\n");
	} else {
		buf_addf(out, ">[%zu bytes]</%s>\n", n->data_len, n->tag);
	}
}

void
node_print(const struct node *n, struct buf *out)
{
	if (n != NULL)
		print(n, 0, out);
}
