/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Waits for owners and for their answers, takes what is asked of ours. Which requests go to an
 * outlet's owner, and what others are to be told after which, stands in one table. It does nothing
 * of a request itself.
 */
#include "waconnd/api/forward.h"

#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/api/api_internal.h"
#include "waconnd/api/auth.h"
#include "waconnd/instance.h"

#define WAITING_MAX 1024
#define TAKE_MAX "64"
#define OWNER_MS 5000	/* how long a request waits for an outlet to have an owner */
#define ANSWER_MS 10000 /* … and for that one's answer */
#define LONG_MS 60000	/* … where WhatsApp is asked slowly */
#define MARGIN_MS 300	/* the client's deadline is met */
#define TICK_MS 250
#define SWEEP_TICKS 8 /* the hints may be lost */
#define READS 2	      /* the first may have been asked before */
#define SEALED_MAX (2u << 20)
#define INSERTED_MAX (1u << 20)

/* -- the table -- */

static const char *
by_id(const Ipc__Request *r)
{
	return r->outlet_get->id; /* whichever of the union's Ids it is */
}

static const char *
by_connect(const Ipc__Request *r)
{
	return r->outlet_connect->id;
}

static const char *
by_list(const Ipc__Request *r)
{
	return r->message_list->id; /* whichever of the union's Lists it is */
}

static const char *
by_message(const Ipc__Request *r)
{
	return r->message_send->outlet_id;
}

static const char *
by_number_check(const Ipc__Request *r)
{
	return r->number_check->outlet_id;
}

static const char *
by_passkey(const Ipc__Request *r)
{
	return r->outlet_passkey_answer->outlet_id;
}

static const char *
by_contacts(const Ipc__Request *r)
{
	return r->contact_add->outlet_id; /* whichever of the union's Contacts it is */
}

static const char *
by_move(const Ipc__Request *r)
{
	return r->blast_move->from;
}

struct route {
	const char *(*outlet)(const Ipc__Request *r); /* NULL: it is about none */
	bool to_owner;
	unsigned hints; /* when it has been done */
	int answer_ms;	/* how long the owner may take; 0: ANSWER_MS */
};

#define OP(name) [IPC__REQUEST__OP_##name]
/* clang-format off */
static const struct route routes[] = {
	/* operation                about which outlet, its owner's?, what others are told */
	OP(OUTLET_CONNECT)      = {by_connect, true,  0},
	OP(OUTLET_QR)           = {by_id,      true,  0},
	OP(OUTLET_PAIRING_CODE) = {by_id,      true,  0},
	OP(OUTLET_PASSKEY)      = {by_id,      true,  0},
	OP(OUTLET_PASSKEY_ANSWER) = {by_passkey, true, 0},
	OP(OUTLET_PASSKEY_CONFIRM) = {by_id,   true,  0},
	OP(OUTLET_DISCONNECT)   = {by_id,      true,  0},
	OP(OUTLET_PAUSE)        = {by_id,      true,  0},
	OP(OUTLET_RESUME)       = {by_id,      true,  0},
	OP(OUTLET_LOGOUT)       = {by_id,      true,  0},
	OP(OUTLET_RESTORE_KEYS) = {by_id,      true,  0},
	OP(OUTLET_ACCOUNT)      = {by_id,      true,  0},
	OP(NUMBER_CHECK)        = {by_number_check, true, 0, LONG_MS},
	OP(STATUS_GET)          = {by_id,      false, 0},
	OP(OUTLET_GET)          = {by_id,      false, 0},
	OP(OUTLET_ADD)          = {NULL,       false, HINT_ROWS},
	OP(OUTLET_EDIT)         = {NULL,       false, HINT_ROWS},
	OP(OUTLET_REMOVE)       = {by_id,      false, HINT_ROWS | HINT_TOKENS},
	OP(MESSAGE_SEND)        = {by_message, false, HINT_WORK},
	OP(MESSAGE_LIST)        = {by_list,    false, 0},
	OP(OUTLET_EVENTS)       = {by_list,    false, 0},
	OP(CONTACT_LIST)        = {by_list,    false, 0},
	OP(CONTACT_ADD)         = {by_contacts, false, 0},
	OP(CONTACT_IMPORT)      = {by_contacts, false, 0},
	OP(CONTACT_REMOVE)      = {by_contacts, false, 0},
	OP(BLAST_RETRY)         = {NULL,       false, HINT_BLASTS},
	OP(BLAST_CREATE)        = {NULL,       false, HINT_WORK},
	OP(BLAST_MOVE)          = {by_move,    true,  HINT_WORK},
	OP(BLAST_PAUSE)         = {NULL,       false, HINT_BLASTS},
	OP(BLAST_RESUME)        = {NULL,       false, HINT_BLASTS},
	OP(BLAST_CANCEL)        = {NULL,       false, HINT_BLASTS},
	OP(LOGOUT)              = {NULL,       false, HINT_TOKENS},
	OP(PASSWORD_CHANGE)     = {NULL,       false, HINT_TOKENS},
	OP(USER_EDIT)           = {NULL,       false, HINT_TOKENS},
	OP(USER_REMOVE)         = {NULL,       false, HINT_TOKENS},
	OP(TOKEN_REVOKE)        = {NULL,       false, HINT_TOKENS},
};
/* clang-format on */
#undef OP

struct waiting { /* a call of ours that waits for another daemon */
	LIST_ENTRY(waiting) entry;
	struct forward *f;
	struct call *c;
	void (*handler)(struct call *c);
	uint64_t serial; /* of what was put down; 0: waits for an owner */
	unsigned reads;	 /* of all rows since it came */
	int64_t until_ms;
};

struct forward {
	struct api *api;
	const struct api_env *env;
	LIST_HEAD(, waiting) waiting;
	size_t n_waiting;
	uint64_t last_serial;
	struct event *tick;
	unsigned ticks;
	uint64_t take_ticket, fetch_ticket;
	bool take_again, fetch_again;
};

static const struct route *
route_of(const Ipc__Request *r)
{
	static const struct route none;
	const size_t i = r->op_case;

	return i < sizeof(routes) / sizeof(routes[0]) ? &routes[i] : &none;
}

/* -- those that wait -- */

static struct call *
waiting_end(struct waiting *w)
{
	struct call *c = w->c;

	LIST_REMOVE(w, entry);
	w->f->n_waiting--;
	free(w);
	return c;
}

/* What the seal binds a request and its answer to. */
static char *
name_of(const char *asker, uint64_t serial, const char *what)
{
	return xasprintf("forward/%s/%" PRIu64 "/%s", asker, serial, what);
}

static void
on_asked(void *arg, enum db_error error, const PGresult *r)
{
	struct forward *f = arg;

	(void)r;
	/* When it failed, nobody answers and the deadline says so. */
	if (error == DB_OK)
		instance_hint(f->env->instance, HINT_CALLS);
}

static void
pack_request(const struct call *c, struct buf *out)
{
	const struct principal *who = &c->who;
	struct principal names = *who; /* protobuf-c has no const strings */
	Ipc__Request request = *c->request;
	Ipc__Forwarded fw = IPC__FORWARDED__INIT;
	size_t len;
	uint8_t *p;

	request.token = NULL;
	fw.request = &request;
	fw.has_role = fw.has_scopes = fw.has_is_session = 1;
	fw.role = who->role;
	fw.scopes = who->scopes;
	fw.is_session = who->is_session;
	fw.user_id = names.user_id;
	fw.name = names.name;
	fw.outlet_id = names.outlet_id;
	fw.token_id = names.token_id;
	len = ipc__forwarded__get_packed_size(&fw);
	if (len > INSERTED_MAX) {
		out->overflow = true;
		return;
	}
	p = xmalloc(len);
	(void)ipc__forwarded__pack(&fw, p);
	buf_add(out, p, len);
	free(p);
}

static void
ask_owner(struct waiting *w, const char *outlet)
{
	struct forward *f = w->f;
	const struct store *store = f->env->store;
	struct buf plain = BUF_INIT(INSERTED_MAX), sealed = BUF_INIT(SEALED_MAX);
	const int answer_ms = route_of(w->c->request)->answer_ms;
	int64_t ms = answer_ms > 0 ? answer_ms : ANSWER_MS;
	char serial[24], wait[16], *name;

	if (w->c->request->has_deadline_ms && w->c->request->deadline_ms < ms)
		ms = w->c->request->deadline_ms > 2 * MARGIN_MS
			 ? w->c->request->deadline_ms - MARGIN_MS
			 : MARGIN_MS;
	w->serial = ++f->last_serial;
	w->until_ms = clock_monotonic_ms() + ms;
	(void)snprintf(serial, sizeof(serial), "%" PRIu64, w->serial);
	(void)snprintf(wait, sizeof(wait), "%" PRId64, ms);
	name = name_of(store->boot, w->serial, "request");
	pack_request(w->c, &plain);
	seal_close(store->seal, name, plain.data, plain.len, &sealed);
	free(name);
	if (buf_ok(&plain) && buf_ok(&sealed)) {
		const struct db_param params[] = {DB_TEXT(store->boot), DB_TEXT(serial),
		    DB_TEXT(outlet), DB_BYTES(sealed.data, sealed.len), DB_TEXT(wait)};

		(void)db_urgent(store->db, SQL_FORWARD_ASK, params, 5, on_asked, f);
	}
	buf_done_secret(&plain);
	buf_done(&sealed);
}

/* Whose is it now? Hands the call on, or lets it wait further. */
static void
look(struct waiting *w)
{
	const char *id = route_of(w->c->request)->outlet(w->c->request);
	const struct outlet *o = outlets_find(w->f->env->outlets, id);
	void (*handler)(struct call * c) = w->handler;

	if (w->serial != 0)
		return;
	if (o == NULL ? w->reads >= READS : !outlet_elsewhere(o))
		handler(waiting_end(w));
	else if (o != NULL && outlet_owner_lives(o))
		ask_owner(w, id);
}

static bool
goes_out(const struct forward *f, const struct call *c)
{
	const struct route *route = route_of(c->request);
	const char *id = route->outlet != NULL ? route->outlet(c->request) : NULL;
	const char *scope = call_scope(c);
	const struct outlet *o;

	if (id == NULL || (scope != NULL && strcmp(scope, id) != 0) || f->env->instance == NULL)
		return false;
	o = outlets_find(f->env->outlets, id);
	if (o == NULL)
		return !instance_alone(f->env->instance);
	return route->to_owner && outlet_elsewhere(o);
}

void
forward_dispatch(struct forward *f, struct call *c, void (*handler)(struct call *c))
{
	struct waiting *w;

	if (!goes_out(f, c)) {
		handler(c);
		return;
	}
	if (f->n_waiting >= WAITING_MAX) {
		call_problem(c, "overloaded", NULL);
		return;
	}
	w = xcalloc(1, sizeof(*w));
	w->f = f;
	w->c = c;
	w->handler = handler;
	w->until_ms = clock_monotonic_ms() + OWNER_MS;
	LIST_INSERT_HEAD(&f->waiting, w, entry);
	f->n_waiting++;
	instance_refresh(f->env->instance);
	look(w);
}

/* -- answers to ours -- */

static void
take_answer(struct forward *f, uint64_t serial, const void *sealed, size_t len)
{
	const struct store *store = f->env->store;
	struct buf plain = BUF_INIT(CALL_ANSWER_MAX);
	char *name = name_of(store->boot, serial, "answer");
	Ipc__Response *response = NULL;
	struct waiting *w;

	LIST_FOREACH(w, &f->waiting, entry)
	if (w->serial == serial)
		break;
	if (w != NULL && seal_open(store->seal, name, sealed, len, &plain) == 0)
		response = ipc__response__unpack(NULL, plain.len, plain.data);
	if (response != NULL)
		call_response(waiting_end(w), response);
	else if (w != NULL)
		call_problem(waiting_end(w), "internal", NULL);
	if (response != NULL)
		ipc__response__free_unpacked(response, NULL);
	buf_done_secret(&plain);
	free(name);
}

static void fetch(struct forward *f);

static void
on_fetched(void *arg, enum db_error error, const PGresult *r)
{
	struct forward *f = arg;

	f->fetch_ticket = 0;
	for (int i = 0; error == DB_OK && i < PQntuples(r); i++) {
		size_t len = 0;
		unsigned char *sealed =
		    PQunescapeBytea((const unsigned char *)PQgetvalue(r, i, 1), &len);

		if (sealed != NULL)
			take_answer(f, strtoull(PQgetvalue(r, i, 0), NULL, 10), sealed, len);
		PQfreemem(sealed);
	}
	if (f->fetch_again)
		fetch(f);
}

static void
fetch(struct forward *f)
{
	const struct db_param boot = DB_TEXT(f->env->store->boot);

	f->fetch_again = f->fetch_ticket != 0;
	if (f->fetch_again || LIST_EMPTY(&f->waiting))
		return;
	f->fetch_ticket = db_urgent(f->env->store->db, SQL_FORWARD_FETCH, &boot, 1, on_fetched, f);
}

/* -- what is asked of us -- */

static void
copy_text(char *field, size_t size, const char *text)
{
	(void)snprintf(field, size, "%s", text != NULL ? text : "");
}

static void
do_forwarded(struct forward *f, const char *asker, uint64_t serial, Ipc__Forwarded *fw)
{
	struct call *c = call_new(f->api, f->env, 0, fw->request);

	fw->request = NULL;
	c->who.role = fw->role <= ROLE_SUPERADMIN ? (enum role)fw->role : ROLE_NONE;
	c->who.scopes = fw->scopes;
	c->who.is_session = fw->is_session;
	copy_text(c->who.user_id, sizeof(c->who.user_id), fw->user_id);
	copy_text(c->who.name, sizeof(c->who.name), fw->name);
	copy_text(c->who.outlet_id, sizeof(c->who.outlet_id), fw->outlet_id);
	copy_text(c->who.token_id, sizeof(c->who.token_id), fw->token_id);
	c->from = xcalloc(1, sizeof(*c->from));
	copy_text(c->from->asker, sizeof(c->from->asker), asker);
	c->from->serial = serial;
	api_do(c);
}

static void
take_request(struct forward *f, const char *asker, uint64_t serial, const void *sealed, size_t len)
{
	struct buf plain = BUF_INIT(SEALED_MAX);
	char *name = name_of(asker, serial, "request");
	Ipc__Forwarded *fw = NULL;

	if (seal_open(f->env->store->seal, name, sealed, len, &plain) == 0)
		fw = ipc__forwarded__unpack(NULL, plain.len, plain.data);
	if (fw != NULL && fw->request != NULL)
		do_forwarded(f, asker, serial, fw);
	else
		log_error("forward.unread", LOG_STR("asker", asker));
	if (fw != NULL)
		ipc__forwarded__free_unpacked(fw, NULL);
	buf_done_secret(&plain);
	free(name);
}

static void take(struct forward *f);

static void
on_taken(void *arg, enum db_error error, const PGresult *r)
{
	struct forward *f = arg;

	f->take_ticket = 0;
	for (int i = 0; error == DB_OK && i < PQntuples(r); i++) {
		size_t len = 0;
		unsigned char *sealed =
		    PQunescapeBytea((const unsigned char *)PQgetvalue(r, i, 2), &len);

		if (sealed != NULL)
			take_request(f, PQgetvalue(r, i, 0),
			    strtoull(PQgetvalue(r, i, 1), NULL, 10), sealed, len);
		PQfreemem(sealed);
	}
	if (f->take_again)
		take(f);
}

static void
take(struct forward *f)
{
	const struct store *store = f->env->store;
	char epoch[24];

	f->take_again = f->take_ticket != 0;
	if (f->take_again)
		return;
	(void)snprintf(epoch, sizeof(epoch), "%" PRId64, store->epoch);
	{
		const struct db_param params[] = {
		    DB_TEXT(store->instance), DB_TEXT(epoch), DB_TEXT(TAKE_MAX)};

		f->take_ticket = db_urgent(store->db, SQL_FORWARD_TAKE, params, 3, on_taken, f);
	}
}

static void
answer(struct forward *f, const struct forward_from *from, const Ipc__Response *response)
{
	const struct store *store = f->env->store;
	const size_t len = ipc__response__get_packed_size(response);
	struct buf sealed = BUF_INIT(CALL_ANSWER_MAX);
	char *name = name_of(from->asker, from->serial, "answer"), serial[24];
	uint8_t *plain = xmalloc(len + 1);

	(void)ipc__response__pack(response, plain);
	seal_close(store->seal, name, plain, len, &sealed);
	(void)snprintf(serial, sizeof(serial), "%" PRIu64, from->serial);
	if (buf_ok(&sealed)) {
		const struct db_param params[] = {
		    DB_TEXT(from->asker), DB_TEXT(serial), DB_BYTES(sealed.data, sealed.len)};

		(void)db_urgent(store->db, SQL_FORWARD_ANSWER, params, 3, on_asked, f);
	}
	OPENSSL_cleanse(plain, len);
	free(plain);
	free(name);
	buf_done(&sealed);
}

void
forward_answered(struct forward *f, const struct call *c, const Ipc__Response *response)
{
	const struct route *route = route_of(c->request);

	if (f == NULL || f->env->instance == NULL)
		return;
	if (route->hints != 0 && response->status < 300)
		instance_hint(f->env->instance, route->hints);
	if (c->from != NULL)
		answer(f, c->from, response);
}

/* -- hints and time -- */

static void
on_hint(void *arg, unsigned hints)
{
	struct forward *f = arg;
	struct waiting *w, *next;

	if ((hints & HINT_MISSED) != 0)
		auth_doubt(api_auth(f->api));
	else if ((hints & HINT_TOKENS) != 0)
		auth_forget(api_auth(f->api), NULL);
	if ((hints & HINT_CALLS) != 0) {
		take(f);
		fetch(f);
	}
	if ((hints & HINT_READ) == 0)
		return;
	for (w = LIST_FIRST(&f->waiting); w != NULL; w = next) {
		next = LIST_NEXT(w, entry);
		if (++w->reads < READS)
			instance_refresh(f->env->instance);
		look(w);
	}
}

static void
give_up(struct waiting *w)
{
	const bool asked = w->serial != 0;

	call_problem(waiting_end(w), asked ? "daemon_timeout" : "owner_unavailable", NULL);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct forward *f = arg;
	const int64_t now = clock_monotonic_ms();
	struct waiting *w, *next;

	(void)fd;
	(void)what;
	for (w = LIST_FIRST(&f->waiting); w != NULL; w = next) {
		next = LIST_NEXT(w, entry);
		if (now >= w->until_ms)
			give_up(w);
	}
	if (++f->ticks % SWEEP_TICKS != 0 || instance_alone(f->env->instance))
		return;
	take(f);
	fetch(f);
	if (f->ticks % (SWEEP_TICKS * SWEEP_TICKS) == 0)
		(void)db_urgent(f->env->store->db, SQL_FORWARD_PURGE, NULL, 0, NULL, NULL);
}

struct forward *
forward_new(struct api *api, const struct api_env *env)
{
	static const struct timeval every = {.tv_usec = TICK_MS * 1000};
	struct forward *f = xcalloc(1, sizeof(*f));

	f->api = api;
	f->env = env;
	LIST_INIT(&f->waiting);
	f->tick = event_new(env->base, -1, EV_PERSIST, on_tick, f);
	if (f->tick == NULL)
		abort();
	if (env->instance != NULL) {
		(void)event_add(f->tick, &every);
		instance_on_hint(env->instance, on_hint, f);
	}
	return f;
}

void
forward_free(struct forward **fp)
{
	struct forward *f = *fp;

	if (f == NULL)
		return;
	if (f->env->instance != NULL)
		instance_forget(f->env->instance, f);
	if (f->take_ticket != 0)
		db_forget(f->env->store->db, f->take_ticket);
	if (f->fetch_ticket != 0)
		db_forget(f->env->store->db, f->fetch_ticket);
	/* The calls are ended by the api. */
	while (!LIST_EMPTY(&f->waiting))
		(void)waiting_end(LIST_FIRST(&f->waiting));
	event_free(f->tick);
	free(f);
	*fp = NULL;
}
