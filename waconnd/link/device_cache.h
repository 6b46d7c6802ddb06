/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * device_cache: which devices a user has, as the server last said: at most five minutes old, until
 * a notification or a differing phash says otherwise. Source: PROTOCOL section 10. In memory only,
 * bounded.
 */
#ifndef LINK_DEVICE_CACHE_H
#define LINK_DEVICE_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/wa/jid.h"

#define USER_DEVICES_MAX 24
#define DEVICE_CACHE_USERS_MAX 256
#define DEVICE_CACHE_AGE_MS (5 * 60 * 1000)

struct device_id {
	uint16_t id;
	bool hosted;
};

struct device_list {
	size_t n;
	struct device_id ids[USER_DEVICES_MAX];
};

struct device_cache;
struct device_cache *device_cache_new(void);
void device_cache_free(struct device_cache **c);
/* NULL: not known, or too old. Valid until the next call that changes the cache. */
const struct device_list *device_cache_find(
    struct device_cache *c, const struct jid *user, int64_t now_ms);
void device_cache_put(
    struct device_cache *c, const struct jid *user, const struct device_list *list, int64_t now_ms);
void device_cache_drop(struct device_cache *c, const struct jid *user);
/* The address of a user's device. */
struct jid device_address(const struct jid *user, struct device_id device);

#endif
