/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers that are checked through an outlet's link: each check lives from its question to its one
 * answer, and waits where the outlet is logged in but not ready yet. Also how long WhatsApp wants
 * no such question.
 */
#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/outlet_internal.h"

#define BACKOFF_MIN_S 60
#define BACKOFF_MAX_S 3600
#define FULL_RETRY_S 30 /* when too many numbers wait already */

struct outlet_check {
	LIST_ENTRY(outlet_check) entry;
	outlet_check_cb cb; /* NULL: forgotten, but the link still has it */
	void *arg;
	bool waiting; /* the link is not ready yet */
	size_t n;
	char phones[][LINK_NUMBER_DIGITS];
};

static void
check_free(struct outlet_check *c)
{
	LIST_REMOVE(c, entry);
	free(c);
}

unsigned
outlet_check_wait_s(const struct outlet *o)
{
	const int64_t left = o->checks_not_before_ms - clock_monotonic_ms();

	return left > 0 ? (unsigned)((left + 999) / 1000) : 0;
}

static bool
ask(struct link *link, struct outlet_check *c)
{
	const char *phones[LINK_CHECK_MAX];

	for (size_t i = 0; i < c->n; i++)
		phones[i] = c->phones[i];
	c->waiting = false;
	return link_check_numbers(link, phones, c->n, c);
}

static bool
wait_for_link(const struct outlet *o, struct outlet_check *c)
{
	const struct outlet_check *other;
	size_t n = c->n;

	LIST_FOREACH(other, &o->checks, entry)
	n += other->waiting ? other->n : 0;
	c->waiting = true;
	return n <= LINK_CHECKS_MAX;
}

const char *
outlet_check_numbers(struct outlet *o, const char *const *phones, size_t n, outlet_check_cb cb,
    void *arg, struct outlet_check **ret_check, unsigned *ret_retry_s)
{
	struct link *link = outlet_link(o);
	struct outlet_check *c;

	*ret_retry_s = outlet_check_wait_s(o);
	if (*ret_retry_s > 0)
		return "too_many_requests";
	if (n > LINK_CHECK_MAX)
		return "internal";
	if (o->state == OUT_ELSEWHERE)
		return "owner_unavailable";
	if (outlet_unhealthy(o) != 0)
		return "outlet_not_healthy";
	c = xcalloc(1, sizeof(*c) + n * sizeof(c->phones[0]));
	c->cb = cb;
	c->arg = arg;
	c->n = n;
	for (size_t i = 0; i < n; i++)
		(void)snprintf(c->phones[i], sizeof(c->phones[i]), "%s", phones[i]);
	if (!(link != NULL ? ask(link, c) : wait_for_link(o, c))) {
		free(c);
		*ret_retry_s = FULL_RETRY_S;
		return "too_many_requests";
	}
	LIST_INSERT_HEAD(&o->checks, c, entry);
	*ret_check = c;
	return NULL;
}

void
outlet_check_forget(struct outlet_check **cp)
{
	if (*cp != NULL)
		(*cp)->cb = NULL;
	*cp = NULL;
}

/* As long as the server says; else twice as long each time. */
static void
back_off(struct outlet *o, unsigned asked_s)
{
	unsigned s = asked_s;

	if (s == 0)
		s = o->check_backoffs < 6 ? BACKOFF_MIN_S << o->check_backoffs : BACKOFF_MAX_S;
	if (s > BACKOFF_MAX_S)
		s = BACKOFF_MAX_S;
	o->check_backoffs++;
	o->checks_not_before_ms = clock_monotonic_ms() + (int64_t)s * 1000;
	log_warn("outlet.checks_held", LOG_STR("outlet", o->id), LOG_INT("seconds", s));
}

void
outlet_numbers_heard(void *arg, void *check_arg, const struct link_checked *checked)
{
	struct outlet *o = arg;
	struct outlet_check *c = check_arg;
	const outlet_check_cb cb = c->cb;
	void *cb_arg = c->arg;

	if (checked->result == LINK_CHECK_REFUSED && checked->code == 429)
		back_off(o, checked->backoff_s);
	if (checked->result == LINK_CHECK_DONE)
		o->check_backoffs = 0;
	check_free(c);
	if (cb != NULL)
		cb(cb_arg, checked);
}

static struct outlet_check *
first_waiting(const struct outlet *o)
{
	struct outlet_check *c;

	LIST_FOREACH(c, &o->checks, entry)
	if (c->waiting)
		return c;
	return NULL;
}

void
outlet_numbers_ready(struct outlet *o)
{
	const struct link_checked unheard = {.result = LINK_CHECK_UNHEARD};
	struct link *link = outlet_link(o);
	struct outlet_check *c;

	while (link != NULL && (c = first_waiting(o)) != NULL)
		if (!ask(link, c))
			outlet_numbers_heard(o, c, &unheard);
}

/* The link is gone: nobody will answer. */
void
outlet_numbers_drop(struct outlet *o)
{
	const struct link_checked unheard = {.result = LINK_CHECK_UNHEARD};
	struct outlet_check *c;

	while ((c = LIST_FIRST(&o->checks)) != NULL)
		outlet_numbers_heard(o, c, &unheard);
}
