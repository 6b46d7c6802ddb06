/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Counts in two short lists in order of use; the least used is forgotten when one is full. */
#include "waconnd/link/resend_limit.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/xalloc.h"
#include "waconnd/link/resend.h"

#define MINUTE_MS 60000
#define RENEW_MS (60 * MINUTE_MS)
#define SESSION " " /* no stanza's id */

struct counted { /* a message for a device, (id "") a chat, or (id SESSION) a device's session */
	TAILQ_ENTRY(counted) entry;
	struct jid jid;
	char *id;
	unsigned count;	    /* of a message */
	double tokens;	    /* of a chat */
	int64_t filled_ms;  /* … when they were counted */
	int64_t renewed_ms; /* of a session; 0: never */
	bool has_base_key;  /* of a message: in which session it went last */
	uint8_t base_key[CURVE_KEY_LEN];
};

struct resend_limit {
	TAILQ_HEAD(counted_list, counted) list;
	size_t n;
};

struct resend_limit *
resend_limit_new(void)
{
	struct resend_limit *l = xcalloc(1, sizeof(*l));

	TAILQ_INIT(&l->list);
	return l;
}

static void
counted_free(struct resend_limit *l, struct counted *c)
{
	TAILQ_REMOVE(&l->list, c, entry);
	l->n--;
	free(c->id);
	free(c);
}

void
resend_limit_free(struct resend_limit **l)
{
	struct counted *c;

	if (*l == NULL)
		return;
	while ((c = TAILQ_FIRST(&(*l)->list)) != NULL)
		counted_free(*l, c);
	free(*l);
	*l = NULL;
}

static struct counted *
at(struct resend_limit *l, const struct jid *jid, const char *id, int64_t now_ms)
{
	struct counted *c;

	TAILQ_FOREACH(c, &l->list, entry)
	if (jid_equal(&c->jid, jid) && strcmp(c->id, id) == 0) {
		TAILQ_REMOVE(&l->list, c, entry);
		TAILQ_INSERT_HEAD(&l->list, c, entry);
		return c;
	}
	if (l->n >= RESEND_REMEMBERED_MAX)
		counted_free(l, TAILQ_LAST(&l->list, counted_list));
	c = xcalloc(1, sizeof(*c));
	c->jid = *jid;
	c->id = xstrdup(id);
	c->tokens = RESEND_BURST;
	c->filled_ms = now_ms;
	TAILQ_INSERT_HEAD(&l->list, c, entry);
	l->n++;
	return c;
}

static bool
take_token(struct counted *c, int64_t now_ms)
{
	c->tokens += (double)(now_ms - c->filled_ms) * RESEND_PER_MINUTE / MINUTE_MS;
	if (c->tokens > RESEND_BURST)
		c->tokens = RESEND_BURST;
	c->filled_ms = now_ms;
	if (c->tokens < 1)
		return false;
	c->tokens -= 1;
	return true;
}

bool
resend_limit_take(struct resend_limit *l, const struct jid *device, const char *id, int64_t now_ms)
{
	const struct jid chat = jid_without_device(device);

	if (!take_token(at(l, &chat, "", now_ms), now_ms))
		return false;
	return ++at(l, device, id, now_ms)->count <= RESEND_TIMES_MAX;
}

bool
resend_limit_renew(struct resend_limit *l, const struct jid *device, int64_t now_ms)
{
	struct counted *c = at(l, device, SESSION, now_ms);

	if (c->renewed_ms != 0 && now_ms - c->renewed_ms < RENEW_MS)
		return false;
	c->renewed_ms = now_ms;
	return true;
}

bool
resend_limit_same_session(struct resend_limit *l, const struct jid *device, const char *id,
    const uint8_t base_key[CURVE_KEY_LEN], int64_t now_ms)
{
	struct counted *c = at(l, device, id, now_ms);
	const bool same = c->has_base_key && memcmp(c->base_key, base_key, CURVE_KEY_LEN) == 0;

	c->has_base_key = true;
	memcpy(c->base_key, base_key, CURVE_KEY_LEN);
	return same;
}
