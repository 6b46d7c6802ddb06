/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * id_map: the last so many stanza ids, each with a value. Ids are kept as 64-bit hashes; the oldest
 * make room. Embedded by value.
 */
#ifndef SIM_ID_MAP_H
#define SIM_ID_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct id_entry {
	uint64_t hash;
	uintptr_t value;
	uint32_t next; /* in its bucket; index + 1, 0 ends */
};

struct id_map {
	struct id_entry *entries; /* a ring once it has grown to `max` */
	uint32_t *buckets;
	uint32_t room, count, oldest, max;
};

/* max: a power of two. */
void id_map_init(struct id_map *m, uint32_t max);
void id_map_done(struct id_map *m);
/* `scope` tells ids of different kinds apart. NULL: not there. */
const uintptr_t *id_map_get(const struct id_map *m, const char *scope, const char *id);
/* Puts a new one or changes its value. */
void id_map_put(struct id_map *m, const char *scope, const char *id, uintptr_t value);

#endif
