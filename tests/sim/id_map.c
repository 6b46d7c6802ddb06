/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A chained hash table over a ring of entries; it doubles until its maximum, then forgets the
 * oldest. */
#include "tests/sim/id_map.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

#define ROOM_FIRST 16u
#define FNV_BASE 0xcbf29ce484222325u
#define FNV_PRIME 0x100000001b3u

static uint64_t
hash_of(const char *scope, const char *id)
{
	uint64_t h = FNV_BASE;

	for (; *scope != '\0'; scope++)
		h = (h ^ (uint8_t)*scope) * FNV_PRIME;
	h *= FNV_PRIME;
	for (; *id != '\0'; id++)
		h = (h ^ (uint8_t)*id) * FNV_PRIME;
	h ^= h >> 32;
	return h;
}

void
id_map_init(struct id_map *m, uint32_t max)
{
	*m = (struct id_map){.max = max};
}

void
id_map_done(struct id_map *m)
{
	free(m->entries);
	free(m->buckets);
	id_map_init(m, m->max);
}

static uint32_t *
bucket_of(const struct id_map *m, uint64_t hash)
{
	return &m->buckets[hash & (m->room - 1)];
}

static struct id_entry *
find(const struct id_map *m, uint64_t hash)
{
	if (m->room == 0)
		return NULL;
	for (uint32_t i = *bucket_of(m, hash); i != 0; i = m->entries[i - 1].next)
		if (m->entries[i - 1].hash == hash)
			return &m->entries[i - 1];
	return NULL;
}

static void
grow(struct id_map *m)
{
	const uint32_t room = m->room == 0 ? ROOM_FIRST : m->room * 2;

	m->entries = xreallocarray(m->entries, room, sizeof(*m->entries));
	free(m->buckets);
	m->buckets = xcalloc(room, sizeof(*m->buckets));
	m->room = room;
	for (uint32_t i = 0; i < m->count; i++) {
		uint32_t *b = bucket_of(m, m->entries[i].hash);

		m->entries[i].next = *b;
		*b = i + 1;
	}
}

/* The place of the oldest, taken out of its bucket. */
static uint32_t
forget(struct id_map *m)
{
	const uint32_t at = m->oldest;
	uint32_t *link = bucket_of(m, m->entries[at].hash);

	while (*link != at + 1)
		link = &m->entries[*link - 1].next;
	*link = m->entries[at].next;
	m->oldest = (at + 1) % m->room;
	return at;
}

const uintptr_t *
id_map_get(const struct id_map *m, const char *scope, const char *id)
{
	const struct id_entry *e = find(m, hash_of(scope, id));

	return e != NULL ? &e->value : NULL;
}

void
id_map_put(struct id_map *m, const char *scope, const char *id, uintptr_t value)
{
	const uint64_t hash = hash_of(scope, id);
	struct id_entry *e = find(m, hash);
	uint32_t at;
	uint32_t *b;

	if (e != NULL) {
		e->value = value;
		return;
	}
	if (m->count == m->room && m->room < m->max)
		grow(m);
	at = m->count < m->room ? m->count++ : forget(m);
	b = bucket_of(m, hash);
	m->entries[at] = (struct id_entry){.hash = hash, .value = value, .next = *b};
	*b = at + 1;
}
