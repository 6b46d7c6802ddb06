/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The map of pending queries, and its place in a link. It does not know what is asked. */
#include "waconnd/link/link_iq.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/link/link_private.h"

void
link_iqs_prefix(const uint8_t random[LINK_IQ_RANDOM], char ret_prefix[16])
{
	(void)snprintf(ret_prefix, 16, "%u.%u-", (unsigned)random[0] << 8 | random[1],
	    (unsigned)random[2] << 8 | random[3]);
}

void
link_iqs_init(struct link_iqs *q)
{
	uint8_t random[LINK_IQ_RANDOM];

	TAILQ_INIT(&q->waiting);
	q->n = q->counter = 0;
	rng_bytes(random, sizeof(random));
	link_iqs_prefix(random, q->prefix);
}

void
link_iqs_id(struct link_iqs *q, char ret_id[LINK_IQ_ID_MAX])
{
	(void)snprintf(ret_id, LINK_IQ_ID_MAX, "%s%u", q->prefix, ++q->counter);
}

/* In the order of their deadlines; nearly always the last. */
static void
insert(struct link_iqs *q, struct link_iq_entry *e)
{
	struct link_iq_entry *before;

	TAILQ_FOREACH_REVERSE(before, &q->waiting, link_iq_list, entry)
	{
		if (before->deadline_ms <= e->deadline_ms) {
			TAILQ_INSERT_AFTER(&q->waiting, before, e, entry);
			return;
		}
	}
	TAILQ_INSERT_HEAD(&q->waiting, e, entry);
}

void
link_iqs_add(struct link_iqs *q, const char *id, int64_t now_ms, int64_t ms,
    void (*cb)(void *arg, const struct node *answer), void *arg)
{
	struct link_iq_entry *e = xcalloc(1, sizeof(*e));

	(void)snprintf(e->id, sizeof(e->id), "%s", id);
	e->asked_ms = now_ms;
	e->deadline_ms = now_ms + ms;
	e->cb = cb;
	e->arg = arg;
	insert(q, e);
	q->n++;
}

static struct link_iq_entry *
take(struct link_iqs *q, struct link_iq_entry *e)
{
	TAILQ_REMOVE(&q->waiting, e, entry);
	q->n--;
	return e;
}

static void
finish(struct link_iq_entry *e, const struct node *answer)
{
	e->cb(e->arg, answer);
	free(e);
}

int64_t
link_iqs_answer(struct link_iqs *q, const char *id, const struct node *answer, int64_t now_ms)
{
	struct link_iq_entry *e;

	TAILQ_FOREACH(e, &q->waiting, entry)
	{
		if (strcmp(e->id, id) == 0) {
			const int64_t ms = now_ms - e->asked_ms;

			finish(take(q, e), answer);
			return ms;
		}
	}
	return -1;
}

void
link_iqs_expire(struct link_iqs *q, int64_t now_ms)
{
	struct link_iq_entry *e;

	while ((e = TAILQ_FIRST(&q->waiting)) != NULL && e->deadline_ms <= now_ms)
		finish(take(q, e), NULL);
}

void
link_iqs_fail_all(struct link_iqs *q)
{
	/* A callback may ask again; one that never stops asking is cut off. */
	for (unsigned rounds = 0; q->n > 0 && rounds < 4 * LINK_IQS_MAX; rounds++)
		finish(take(q, TAILQ_FIRST(&q->waiting)), NULL);
	link_iqs_done(q);
}

void
link_iqs_done(struct link_iqs *q)
{
	while (!TAILQ_EMPTY(&q->waiting))
		free(take(q, TAILQ_FIRST(&q->waiting)));
}

int64_t
link_iqs_next_ms(const struct link_iqs *q)
{
	const struct link_iq_entry *e = TAILQ_FIRST(&q->waiting);

	return e != NULL ? e->deadline_ms : -1;
}

/* -- in a link -- */

static void
arm(struct link *l)
{
	const int64_t next = link_iqs_next_ms(&l->iqs);
	int64_t ms;

	if (next < 0)
		return;
	ms = next - clock_monotonic_ms();
	if (ms < 0)
		ms = 0;
	const struct timeval tv = {ms / 1000, (ms % 1000) * 1000};

	if (event_add(l->iq_timer, &tv) < 0)
		link_fail(l, LINK_END_STORAGE, "no timer can be set");
}

void
link_iq(struct link *l, struct node *take_iq, link_iq_cb cb, void *arg)
{
	const int64_t now = clock_monotonic_ms();
	const bool may = link_alive_phase(l) && l->iqs.n < LINK_IQS_MAX;
	char id[LINK_IQ_ID_MAX];

	link_iqs_id(&l->iqs, id);
	node_set(take_iq, "id", id);
	/* What cannot be asked fails like what is not answered, only at once. */
	link_iqs_add(&l->iqs, id, now, may ? LINK_IQ_MS : 0, cb, arg);
	if (may) {
		link_write(l, take_iq);
	} else {
		log_warn(
		    "link.iq_refused", LOG_STR("outlet", l->outlet), LOG_INT("pending", l->iqs.n));
		node_free(&take_iq);
	}
	if (!may || !event_pending(l->iq_timer, EV_TIMEOUT, NULL))
		arm(l);
}

unsigned
link_iq_error(const struct node *answer)
{
	const struct node *error = node_find(answer, "error");
	int64_t code = 0;

	if (!node_get_is(answer, "type", "error"))
		return 0;
	if (node_get_int(error, "code", &code) < 0 || code <= 0 || code > 9999)
		return 500;
	return (unsigned)code;
}

void
link_iq_answer(struct link *l, const struct node *answer)
{
	const char *id = node_get(answer, "id");

	if (id == NULL || link_iqs_answer(&l->iqs, id, answer, clock_monotonic_ms()) < 0)
		log_debug("link.iq_unexpected", LOG_STR("outlet", l->outlet));
}

void
link_iq_timer(evutil_socket_t fd, short what, void *arg)
{
	struct link *l = arg;

	(void)fd;
	(void)what;
	link_enter(l);
	link_iqs_expire(&l->iqs, clock_monotonic_ms());
	if (!l->freed)
		arm(l);
	link_exit(l);
}

void
link_iq_fail_all(struct link *l)
{
	(void)event_del(l->iq_timer);
	link_iqs_fail_all(&l->iqs);
}
