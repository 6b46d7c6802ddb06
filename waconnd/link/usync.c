/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gathers questions into queries and hands the answers out. A number is first asked for devices and
 * LID in one query; where that leaves it open whether it is on WhatsApp, or under which LID, a
 * contact query follows.
 */
#include "waconnd/link/usync.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/link/lid.h"

#define QUERIES_MAX 2 /* under way at once */

enum ask_kind { ASK_DEVICES, ASK_CONTACT };

struct ask {
	TAILQ_ENTRY(ask) entry;
	enum ask_kind kind;
	struct jid user;
	usync_cb cb;
	void *arg;
	bool answered; /* by a <user> of this answer */
	enum usync_outcome outcome;
	struct jid address;
	bool has_devices; /* a device query knew its devices */
};
TAILQ_HEAD(asks, ask);

struct query {
	TAILQ_ENTRY(query) entry;
	struct usync *u;
	enum ask_kind kind;
	struct asks asks;
};

struct usync {
	struct messaging *m;
	struct asks waiting;
	TAILQ_HEAD(, query) queries;
	unsigned n_queries;
	uint64_t serial;
	struct event *later;
};

static void on_later(evutil_socket_t fd, short what, void *arg);

struct usync *
usync_new(struct messaging *m)
{
	struct usync *u = xcalloc(1, sizeof(*u));

	u->m = m;
	TAILQ_INIT(&u->waiting);
	TAILQ_INIT(&u->queries);
	u->serial = rng_below(UINT32_MAX);
	u->later = event_new(link_base(m->link), -1, 0, on_later, u);
	if (u->later == NULL)
		abort();
	return u;
}

static void
asks_free(struct asks *asks)
{
	struct ask *a;

	while ((a = TAILQ_FIRST(asks)) != NULL) {
		TAILQ_REMOVE(asks, a, entry);
		free(a);
	}
}

static void
query_free(struct query *q)
{
	TAILQ_REMOVE(&q->u->queries, q, entry);
	q->u->n_queries--;
	asks_free(&q->asks);
	free(q);
}

void
usync_free(struct usync **up)
{
	struct usync *u = *up;
	struct query *q;

	if (u == NULL)
		return;
	while ((q = TAILQ_FIRST(&u->queries)) != NULL)
		query_free(q);
	asks_free(&u->waiting);
	event_free(u->later);
	free(u);
	*up = NULL;
}

/* -- answers -- */

static struct jid
address_of(const struct usync_user *user)
{
	return !jid_is_none(&user->lid)	  ? user->lid
	       : !jid_is_none(&user->jid) ? user->jid
					  : user->pn;
}

static void
keep(struct usync *u, const struct usync_user *user)
{
	const struct jid address = address_of(user);

	lid_learn(u->m, &user->pn, &user->lid);
	if (user->has_devices)
		device_cache_put(u->m->devices, &address, &user->devices, clock_monotonic_ms());
}

static bool
is_answer_to(const struct ask *a, const struct usync_user *user)
{
	if (a->kind == ASK_CONTACT && user->contact[0] != '\0')
		return usync_contact_is(user->contact, a->user.user);
	return jid_same_user(&a->user, &user->jid) || jid_same_user(&a->user, &user->pn) ||
	       jid_same_user(&a->user, &user->lid);
}

static void
answer_ask(struct usync *u, struct ask *a, const struct usync_user *user)
{
	const bool absent = a->kind == ASK_CONTACT
				? user->has_contact && !user->on_whatsapp
				: jid_is_none(&user->lid) && user->devices.n == 0;

	a->answered = true;
	a->has_devices |= user->devices.n > 0;
	a->outcome = absent ? USYNC_ABSENT : USYNC_FOUND;
	a->address = address_of(user);
	/* The number that the server knows may differ from the one asked (Brazil, Mexico). */
	if (!absent && a->user.server == JID_SERVER_PN)
		lid_learn(u->m, &a->user, &user->lid);
}

static void
read_answer(struct query *q, const struct node *answer)
{
	const struct node *n;
	struct usync_user user;
	struct ask *a;

	for (n = usync_users(answer); n != NULL; n = node_next(n)) {
		if (usync_read_user(n, &user) != 0)
			continue;
		keep(q->u, &user);
		TAILQ_FOREACH(a, &q->asks, entry)
		if (is_answer_to(a, &user))
			answer_ask(q->u, a, &user);
	}
}

/* A number that the device query did not settle is asked for as a contact; a LID is not. */
static bool
ask_again(const struct ask *a)
{
	return a->kind == ASK_DEVICES && a->user.server == JID_SERVER_PN &&
	       (!a->answered || (a->outcome == USYNC_FOUND && a->address.server != JID_SERVER_LID));
}

static void
kick(struct usync *u)
{
	if (!TAILQ_EMPTY(&u->waiting) && u->n_queries < QUERIES_MAX)
		event_active(u->later, EV_TIMEOUT, 0);
}

/* What a contact query could not tell does not matter where the devices are known. */
static enum usync_outcome
outcome_of(const struct ask *a, bool heard, unsigned code)
{
	if (heard && a->has_devices && (code != 0 || !a->answered))
		return USYNC_FOUND;
	if (!heard)
		return USYNC_UNHEARD;
	if (code != 0)
		return USYNC_REFUSED;
	return a->answered ? a->outcome : USYNC_ABSENT;
}

static void
settle(struct usync *u, struct ask *a, bool heard, unsigned code)
{
	enum usync_outcome outcome;

	if (heard && code == 0 && ask_again(a)) {
		a->kind = ASK_CONTACT;
		a->answered = false;
		TAILQ_INSERT_TAIL(&u->waiting, a, entry);
		return;
	}
	outcome = outcome_of(a, heard, code);
	if (jid_is_none(&a->address))
		a->address = a->user;
	a->cb(a->arg, outcome, &a->address, code);
	free(a);
}

static void
on_answer(void *arg, const struct node *answer)
{
	struct query *q = arg;
	struct usync *u = q->u;
	const unsigned code = answer != NULL ? link_iq_error(answer) : 0;
	struct asks asks;
	struct ask *a;

	if (answer != NULL && code == 0)
		read_answer(q, answer);
	TAILQ_INIT(&asks);
	TAILQ_CONCAT(&asks, &q->asks, entry);
	query_free(q);
	while ((a = TAILQ_FIRST(&asks)) != NULL) {
		TAILQ_REMOVE(&asks, a, entry);
		settle(u, a, answer != NULL, code);
	}
	kick(u);
}

/* -- questions -- */

static size_t
add_user(struct jid *users, size_t n, const struct jid *user)
{
	for (size_t i = 0; i < n; i++)
		if (jid_same_user(&users[i], user))
			return n;
	users[n] = *user;
	return n + 1;
}

/* All that wait for a query of the first one's kind, as many as fit. */
static void
send_query(struct usync *u)
{
	struct query *q = xcalloc(1, sizeof(*q));
	struct jid users[USYNC_USERS_MAX];
	struct ask *a, *next;
	struct node *iq;
	size_t n = 0;
	char sid[48];

	q->u = u;
	q->kind = TAILQ_FIRST(&u->waiting)->kind;
	TAILQ_INIT(&q->asks);
	TAILQ_INSERT_TAIL(&u->queries, q, entry);
	u->n_queries++;
	for (a = TAILQ_FIRST(&u->waiting); a != NULL && n < USYNC_USERS_MAX; a = next) {
		next = TAILQ_NEXT(a, entry);
		if (a->kind != q->kind)
			continue;
		n = add_user(users, n, &a->user);
		TAILQ_REMOVE(&u->waiting, a, entry);
		TAILQ_INSERT_TAIL(&q->asks, a, entry);
	}
	(void)snprintf(
	    sid, sizeof(sid), "%08" PRIx32 "-%" PRIu64, rng_below(UINT32_MAX), ++u->serial);
	iq = q->kind == ASK_DEVICES ? usync_devices_query(users, n, sid)
				    : usync_contact_query(users, n, sid);
	link_iq(u->m->link, iq, on_answer, q);
}

static void
on_later(evutil_socket_t fd, short what, void *arg)
{
	struct usync *u = arg;

	(void)fd;
	(void)what;
	while (!TAILQ_EMPTY(&u->waiting) && u->n_queries < QUERIES_MAX)
		send_query(u);
}

/* A query under way that asks for this user already; NULL: none. */
static struct query *
find_query(struct usync *u, const struct jid *user)
{
	struct query *q;
	struct ask *a;

	TAILQ_FOREACH(q, &u->queries, entry)
	{
		if (q->kind != ASK_DEVICES)
			continue;
		TAILQ_FOREACH(a, &q->asks, entry)
		if (jid_same_user(&a->user, user))
			return q;
	}
	return NULL;
}

void
usync_ask(struct usync *u, const struct jid *user, usync_cb cb, void *arg)
{
	struct ask *a = xcalloc(1, sizeof(*a));
	struct query *q;

	a->kind = ASK_DEVICES;
	a->user = jid_without_device(user);
	a->cb = cb;
	a->arg = arg;
	q = find_query(u, user);
	TAILQ_INSERT_TAIL(q != NULL ? &q->asks : &u->waiting, a, entry);
	kick(u);
}
