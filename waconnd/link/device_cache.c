/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The cached lists in order of use, found by hash; the least used goes when there are too many. */
#include "waconnd/link/device_cache.h"

#include <stdlib.h>
#include <sys/queue.h>

#include "common/xalloc.h"

#define BUCKETS 32
#define FNV_OFFSET 2166136261u
#define FNV_PRIME 16777619u

struct cached {
	TAILQ_ENTRY(cached) entry;
	LIST_ENTRY(cached) in_bucket;
	struct jid user;
	int64_t at_ms;
	struct device_list list;
};

struct device_cache {
	TAILQ_HEAD(cached_head, cached) users;
	LIST_HEAD(bucket, cached) buckets[BUCKETS];
	size_t n;
};

struct device_cache *
device_cache_new(void)
{
	struct device_cache *c = xcalloc(1, sizeof(*c));

	TAILQ_INIT(&c->users);
	return c;
}

static void
cached_free(struct device_cache *c, struct cached *u)
{
	TAILQ_REMOVE(&c->users, u, entry);
	LIST_REMOVE(u, in_bucket);
	c->n--;
	free(u);
}

void
device_cache_free(struct device_cache **c)
{
	struct cached *u;

	if (*c == NULL)
		return;
	while ((u = TAILQ_FIRST(&(*c)->users)) != NULL)
		cached_free(*c, u);
	free(*c);
	*c = NULL;
}

/* What is the same user is in the same bucket: by the user's name alone. */
static struct bucket *
bucket_of(struct device_cache *c, const struct jid *user)
{
	uint32_t h = FNV_OFFSET;

	for (const char *p = user->user; *p != '\0'; p++)
		h = (h ^ (uint8_t)*p) * FNV_PRIME;
	return &c->buckets[h % BUCKETS];
}

static struct cached *
lookup(struct device_cache *c, const struct jid *user)
{
	struct cached *u;

	LIST_FOREACH(u, bucket_of(c, user), in_bucket)
	if (jid_same_user(&u->user, user))
		return u;
	return NULL;
}

const struct device_list *
device_cache_find(struct device_cache *c, const struct jid *user, int64_t now_ms)
{
	struct cached *u = lookup(c, user);

	if (u == NULL)
		return NULL;
	if (now_ms - u->at_ms >= DEVICE_CACHE_AGE_MS) {
		cached_free(c, u);
		return NULL;
	}
	TAILQ_REMOVE(&c->users, u, entry);
	TAILQ_INSERT_HEAD(&c->users, u, entry);
	return &u->list;
}

void
device_cache_put(
    struct device_cache *c, const struct jid *user, const struct device_list *list, int64_t now_ms)
{
	struct cached *u;

	device_cache_drop(c, user);
	if (c->n >= DEVICE_CACHE_USERS_MAX)
		cached_free(c, TAILQ_LAST(&c->users, cached_head));
	u = xcalloc(1, sizeof(*u));
	u->user = jid_without_device(user);
	u->at_ms = now_ms;
	u->list = *list;
	TAILQ_INSERT_HEAD(&c->users, u, entry);
	LIST_INSERT_HEAD(bucket_of(c, user), u, in_bucket);
	c->n++;
}

void
device_cache_drop(struct device_cache *c, const struct jid *user)
{
	struct cached *u = lookup(c, user);

	if (u != NULL)
		cached_free(c, u);
}

struct jid
device_address(const struct jid *user, struct device_id device)
{
	struct jid jid = *user;

	jid.device = device.id;
	if (device.hosted && jid.server == JID_SERVER_LID)
		jid.server = JID_SERVER_HOSTED_LID;
	if (device.hosted && jid.server == JID_SERVER_PN)
		jid.server = JID_SERVER_HOSTED;
	return jid;
}
