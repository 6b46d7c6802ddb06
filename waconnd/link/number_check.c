/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Numbers wait in one line, whoever asks; a batch is what stands first in it. An answer settles the
 * numbers of its batch; a check is over when all of its numbers are settled. An error ends the
 * checks of that batch, "too fast" all that wait.
 */
#include "waconnd/link/number_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/link/lid.h"
#include "waconnd/link/usync.h"

#define APART_MS 2000 /* from an answer to the next question, and as much again at random */
#define TOO_FAST 429
#define BACKOFF_MAX_S 86400

struct check {
	TAILQ_ENTRY(check) entry;
	void *arg;
	size_t n;
	size_t next;	/* the first that has not been asked for */
	size_t pending; /* numbers in the batch under way */
	struct link_number numbers[];
};

struct asked { /* one number of the batch under way */
	struct check *check;
	size_t at;
};

struct number_checks {
	struct messaging *m;
	TAILQ_HEAD(check_list, check) checks; /* in order; the first ones may be in the batch */
	size_t waiting;			      /* numbers that have not been asked for */
	struct asked batch[NUMBER_CHECK_BATCH];
	size_t n_batch;	 /* 0: no question is under way */
	int64_t next_ms; /* monotonic: not before */
	uint64_t serial;
	struct event *turn;
};

static void on_turn(evutil_socket_t fd, short what, void *arg);

struct number_checks *
number_checks_new(struct messaging *m)
{
	struct number_checks *cs = xcalloc(1, sizeof(*cs));

	cs->m = m;
	TAILQ_INIT(&cs->checks);
	cs->turn = evtimer_new(link_base(m->link), on_turn, cs);
	if (cs->turn == NULL)
		abort();
	return cs;
}

static void
finish(struct number_checks *cs, struct check *c, enum link_check result, unsigned code,
    unsigned backoff_s)
{
	const struct link_checked checked = {result, code, backoff_s, c->numbers, c->n};
	const struct link_ops *ops;
	void *arg = NULL;

	TAILQ_REMOVE(&cs->checks, c, entry);
	cs->waiting -= c->n - c->next;
	ops = link_callbacks(cs->m->link, &arg);
	if (ops->numbers != NULL)
		ops->numbers(arg, c->arg, &checked);
	free(c);
}

void
number_checks_free(struct number_checks **csp)
{
	struct number_checks *cs = *csp;
	struct check *c;

	if (cs == NULL)
		return;
	while ((c = TAILQ_FIRST(&cs->checks)) != NULL)
		finish(cs, c, LINK_CHECK_UNHEARD, 0, 0);
	event_free(cs->turn);
	free(cs);
	*csp = NULL;
}

static void
arm(struct number_checks *cs)
{
	const int64_t left = cs->next_ms - clock_monotonic_ms(), ms = left > 0 ? left : 0;
	const struct timeval tv = {
	    .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

	if (cs->waiting > 0 && cs->n_batch == 0 && evtimer_add(cs->turn, &tv) < 0)
		abort();
}

bool
number_checks_add(struct number_checks *cs, const char *const *phones, size_t n, void *check_arg)
{
	struct check *c;

	if (n == 0 || n > LINK_CHECK_MAX || cs->waiting + n > LINK_CHECKS_MAX)
		return false;
	c = xcalloc(1, sizeof(*c) + n * sizeof(c->numbers[0]));
	c->arg = check_arg;
	c->n = n;
	for (size_t i = 0; i < n; i++)
		(void)snprintf(c->numbers[i].phone, sizeof(c->numbers[i].phone), "%s", phones[i]);
	TAILQ_INSERT_TAIL(&cs->checks, c, entry);
	cs->waiting += n;
	arm(cs);
	return true;
}

/* -- answers -- */

static bool
is_answer_to(const struct usync_user *user, const char *phone)
{
	if (user->contact[0] != '\0')
		return usync_contact_is(user->contact, phone);
	return strcmp(user->pn.user, phone) == 0;
}

static void
read_user(struct number_checks *cs, const struct usync_user *user)
{
	lid_learn(cs->m, &user->pn, &user->lid);
	for (size_t i = 0; user->has_contact && i < cs->n_batch; i++) {
		struct link_number *n = &cs->batch[i].check->numbers[cs->batch[i].at];
		const struct jid asked = jid_make(JID_SERVER_PN, n->phone, 0);

		if (!is_answer_to(user, n->phone))
			continue;
		n->state = user->on_whatsapp ? LINK_NUMBER_PRESENT : LINK_NUMBER_ABSENT;
		memcpy(n->business, user->business, sizeof(n->business));
		/* The number that the server knows may differ from the one asked. */
		if (user->on_whatsapp)
			lid_learn(cs->m, &asked, &user->lid);
	}
}

static void
read_answer(struct number_checks *cs, const struct node *answer)
{
	struct usync_user user;

	for (const struct node *n = usync_users(answer); n != NULL; n = node_next(n))
		if (usync_read_user(n, &user) == 0)
			read_user(cs, &user);
	key_cache_commit(cs->m->keys, NULL, NULL);
}

static unsigned
backoff_of(const struct node *answer)
{
	int64_t s = 0;

	if (node_get_int(node_find(answer, "error"), "backoff", &s) < 0 || s < 0 ||
	    s > BACKOFF_MAX_S)
		return 0;
	return (unsigned)s;
}

/* An error ends what it was about; 429 is about all. */
static bool
is_over(const struct check *c, bool was_asked, enum link_check result, unsigned code)
{
	if (result == LINK_CHECK_DONE)
		return c->next == c->n && c->pending == 0;
	return was_asked || code == TOO_FAST;
}

static void
on_answer(void *arg, const struct node *answer)
{
	struct number_checks *cs = arg;
	const unsigned code = answer != NULL ? link_iq_error(answer) : 0;
	const enum link_check result = answer == NULL ? LINK_CHECK_UNHEARD
				       : code != 0    ? LINK_CHECK_REFUSED
						      : LINK_CHECK_DONE;
	struct check *c, *next;

	if (result == LINK_CHECK_DONE)
		read_answer(cs, answer);
	else
		log_warn("number_check.failed", LOG_STR("outlet", link_outlet(cs->m->link)),
		    LOG_INT("error", code));
	cs->n_batch = 0;
	cs->next_ms = clock_monotonic_ms() + APART_MS + rng_below(APART_MS);
	for (c = TAILQ_FIRST(&cs->checks); c != NULL; c = next) {
		const bool was_asked = c->pending > 0;

		next = TAILQ_NEXT(c, entry);
		c->pending = 0;
		if (is_over(c, was_asked, result, code))
			finish(cs, c, result, code, backoff_of(answer));
	}
	arm(cs);
}

/* -- questions -- */

static void
gather(struct number_checks *cs)
{
	struct check *c;

	TAILQ_FOREACH(c, &cs->checks, entry)
	for (; c->next < c->n && cs->n_batch < NUMBER_CHECK_BATCH; c->next++) {
		cs->batch[cs->n_batch++] = (struct asked){c, c->next};
		c->pending++;
		cs->waiting--;
	}
}

/* Each number once, however many ask for it. */
static size_t
users_of(const struct number_checks *cs, struct jid users[NUMBER_CHECK_BATCH])
{
	size_t n = 0;

	for (size_t i = 0; i < cs->n_batch; i++) {
		const char *phone = cs->batch[i].check->numbers[cs->batch[i].at].phone;
		size_t k = 0;

		while (k < n && strcmp(users[k].user, phone) != 0)
			k++;
		if (k == n)
			users[n++] = jid_make(JID_SERVER_PN, phone, 0);
	}
	return n;
}

static void
on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct number_checks *cs = arg;
	struct link *l = cs->m->link;
	struct jid users[NUMBER_CHECK_BATCH];
	char sid[48];
	size_t n;

	(void)fd;
	(void)what;
	link_enter(l);
	gather(cs);
	n = users_of(cs, users);
	(void)snprintf(
	    sid, sizeof(sid), "%08" PRIx32 "-n%" PRIu64, rng_below(UINT32_MAX), ++cs->serial);
	if (n > 0)
		link_iq(l, usync_contact_query(users, n, sid), on_answer, cs);
	link_exit(l);
}
