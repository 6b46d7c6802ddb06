/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Subscriptions: the hub's events to the peers that asked, filtered by what their principal may
 * see. They last as long as what allowed them: the database is asked now and then, and whenever a
 * token was revoked or a user changed; whose token has ended, or sees another outlet now, is sent
 * off.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/auth.h"

#define SUBSCRIPTIONS_MAX 4096
#define CHECK_S 5
#define ID_LIST_MAX (256u << 10) /* bytes of the tokens' ids */

struct subscription {
	LIST_ENTRY(subscription) entry;
	struct subscriptions *owner;
	struct hub_sub *sub;
	char token_id[sizeof(
	    ((struct principal *)NULL)->token_id)]; /* "": a local administrator's */
	char outlet_id[sizeof(((struct principal *)NULL)->outlet_id)]; /* "": all */
	bool asked;						       /* of the database, now */
	bool lapsed;
	uint64_t peer; /* serial */
	uint64_t id;   /* the request's */
	bool starting; /* inside api_subscribe: must not be freed yet */
	bool ended;    /* … but is to be */
};

struct subscriptions {
	struct api *api;
	struct hub *hub;
	struct db *db;
	LIST_HEAD(, subscription) list;
	unsigned count;
	struct event *timer;
	uint64_t ticket; /* of the question under way; 0: none */
};

static void on_check(evutil_socket_t fd, short what, void *arg);

struct subscriptions *
subscriptions_new(struct api *api, const struct api_env *env)
{
	struct subscriptions *s = xcalloc(1, sizeof(*s));

	s->api = api;
	s->hub = env->hub;
	s->db = env->store->db;
	LIST_INIT(&s->list);
	s->timer = evtimer_new(env->base, on_check, s);
	if (s->timer == NULL)
		abort();
	return s;
}

static void
subscription_free(struct subscription *s)
{
	if (s->starting) {
		s->ended = true;
		return;
	}
	hub_unsubscribe(s->owner->hub, &s->sub);
	LIST_REMOVE(s, entry);
	s->owner->count--;
	free(s);
}

void
subscriptions_free(struct subscriptions **sp)
{
	struct subscription *s;

	if (*sp == NULL)
		return;
	while ((s = LIST_FIRST(&(*sp)->list)) != NULL)
		subscription_free(s);
	if ((*sp)->ticket != 0)
		db_forget((*sp)->db, (*sp)->ticket);
	event_free((*sp)->timer);
	free(*sp);
	*sp = NULL;
}

void
subscriptions_drop_peer(struct subscriptions *all, uint64_t peer)
{
	struct subscription *s, *next;

	for (s = LIST_FIRST(&all->list); s != NULL; s = next) {
		next = LIST_NEXT(s, entry);
		if (s->peer == peer)
			subscription_free(s);
	}
}

/* May end with the peer dropped, and this subscription with it: nothing is touched afterwards. */
static void
on_hub_event(void *arg, const struct hub_event *event)
{
	const struct subscription *s = arg;
	struct ipc_peer *peer = api_peer(s->owner->api, s->peer);
	Ipc__Event e = IPC__EVENT__INIT;
	char id[sizeof(event->id)], kind[16];

	if (peer == NULL || s->ended)
		return;
	memcpy(id, event->id, sizeof(id));
	(void)snprintf(kind, sizeof(kind), "%s", event->kind);
	e.has_id = 1;
	e.id = s->id;
	e.event_id = id;
	e.kind = kind;
	e.has_data = 1;
	e.data.len = event->len;
	memcpy(&e.data.data, &event->data, sizeof(event->data));
	ipc_event(peer, &e);
}

/* ---- who may still hear them ---- */

static void
check_in(struct subscriptions *all, unsigned seconds)
{
	const struct timeval tv = {.tv_sec = seconds};

	if (seconds == 0 || !evtimer_pending(all->timer, NULL))
		evtimer_add(all->timer, &tv);
}

void
subscriptions_check(void *subscriptions)
{
	struct subscriptions *all = subscriptions;

	if (all->count > 0)
		check_in(all, 0);
}

/* The gateway closes the stream; its reader comes back, and hears that it may not. Telling it may
 * end with the peer dropped, and others of the list with it. */
static void
send_off(struct subscription *s)
{
	struct ipc_peer *peer = api_peer(s->owner->api, s->peer);
	static char kind[] = "end";
	Ipc__Event e = IPC__EVENT__INIT;

	e.has_id = 1;
	e.id = s->id;
	e.kind = kind;
	subscription_free(s);
	if (peer != NULL)
		ipc_event(peer, &e);
}

/* The row of a token, by halves; -1: none. */
static int
find_row(const PGresult *result, const char *token_id)
{
	int from = 0, to = PQntuples(result);

	while (from < to) {
		const int mid = from + (to - from) / 2;
		const int order = strcmp(PQgetvalue(result, mid, 0), token_id);

		if (order == 0)
			return mid;
		if (order < 0)
			from = mid + 1;
		else
			to = mid;
	}
	return -1;
}

static struct subscription *
first_lapsed(const struct subscriptions *all)
{
	struct subscription *s;

	LIST_FOREACH(s, &all->list, entry)
	if (s->lapsed)
		return s;
	return NULL;
}

/* While the database is away nobody is sent off. */
static void
on_listens(void *arg, enum db_error error, const PGresult *result)
{
	struct subscriptions *all = arg;
	struct subscription *s;

	all->ticket = 0;
	LIST_FOREACH(s, &all->list, entry)
	{
		const int row = s->asked && error == DB_OK ? find_row(result, s->token_id) : -1;

		s->lapsed = s->asked && error == DB_OK &&
			    (row < 0 || strcmp(PQgetvalue(result, row, 1), s->outlet_id) != 0);
		s->asked = false;
	}
	while ((s = first_lapsed(all)) != NULL)
		send_off(s);
	if (all->count > 0)
		check_in(all, CHECK_S);
}

static void
on_check(evutil_socket_t fd, short what, void *arg)
{
	struct subscriptions *all = arg;
	struct buf ids = BUF_INIT(ID_LIST_MAX);
	struct subscription *s;

	(void)fd;
	(void)what;
	if (all->ticket != 0) { /* it may have been asked too early */
		db_forget(all->db, all->ticket);
		all->ticket = 0;
	}
	buf_add_u8(&ids, '{');
	LIST_FOREACH(s, &all->list, entry)
	{
		s->asked = s->token_id[0] != '\0' && !s->starting;
		if (s->asked)
			buf_addf(&ids, "%s%s", ids.len > 1 ? "," : "", s->token_id);
	}
	buf_add_u8(&ids, '}');
	if (buf_ok(&ids) && ids.len > 2) {
		const struct db_param params[] = {DB_TEXT(buf_str(&ids)),
		    DB_TEXT(AUTH_IDLE_MS_TEXT), DB_TEXT(AUTH_LOGIN_MAX_MS_TEXT)};

		all->ticket = db_query(all->db, SQL_TOKEN_LISTENS, params, 3, on_listens, all);
	}
	if (all->ticket == 0 && all->count > 0)
		check_in(all, CHECK_S);
	buf_done(&ids);
}

/* ---- coming and going ---- */

static bool
parse_kinds(struct call *c, const Ipc__Subscribe *q, unsigned *ret_mask)
{
	unsigned mask = 0;

	for (size_t i = 0; i < q->n_kinds; i++) {
		unsigned bit = hub_kind_mask(q->kinds[i]);

		if (bit == 0) {
			call_invalid(c, "kinds", "unknown",
			    "Kinds of events: status, qr, blast, message, webhook.");
			return false;
		}
		mask |= bit;
	}
	*ret_mask = q->n_kinds > 0 ? mask : ~0u;
	return true;
}

void
api_subscribe(struct call *c)
{
	struct subscriptions *all = api_subscriptions(c->api);
	const Ipc__Subscribe *q = c->request->subscribe;
	struct hub *hub = c->env->hub;
	struct subscription *s;
	char *last_id, *outlet;
	unsigned mask;

	if (!parse_kinds(c, q, &mask))
		return;
	if (all->count >= SUBSCRIPTIONS_MAX || api_peer(c->api, c->peer) == NULL) {
		call_problem(c, "overloaded", NULL);
		return;
	}
	s = xcalloc(1, sizeof(*s));
	s->owner = all;
	s->peer = c->peer;
	s->id = c->request->id;
	memcpy(s->token_id, c->who.token_id, sizeof(s->token_id));
	if (call_scope(c) != NULL)
		(void)snprintf(s->outlet_id, sizeof(s->outlet_id), "%s", call_scope(c));
	/* The answer may already find the peer's queue full, and end it with all that it has. */
	s->starting = true;
	LIST_INSERT_HEAD(&all->list, s, entry);
	all->count++;
	last_id = q->last_event_id != NULL && q->last_event_id[0] != '\0'
		      ? xstrdup(q->last_event_id)
		      : NULL;
	outlet = call_scope(c) != NULL ? xstrdup(call_scope(c)) : NULL;
	/* The answer goes out first: events of an id come only after it. */
	call_reply_text(c, 200, "{\"success\":true}", strlen("{\"success\":true}"), NULL);
	s->sub = hub_subscribe(hub, outlet, mask, last_id, on_hub_event, s);
	s->starting = false;
	if (s->ended)
		subscription_free(s);
	else
		check_in(all, CHECK_S);
	free(last_id);
	free(outlet);
}

void
api_unsubscribe(struct call *c)
{
	struct subscription *s, *next;

	for (s = LIST_FIRST(&api_subscriptions(c->api)->list); s != NULL; s = next) {
		next = LIST_NEXT(s, entry);
		if (s->peer == c->peer && s->id == c->request->id)
			subscription_free(s);
	}
	/* No answer: the id was the subscription's, and its request has been answered. */
	call_discard(c);
}
