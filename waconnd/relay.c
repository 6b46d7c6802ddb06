/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gathers events of our outlets, writes them, reads those of others after the last one seen of each
 * sender. It never looks into an event but for a blast's id.
 */
#include "waconnd/relay.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/store/array.h"

#define GATHER_MS 50
#define SPACE_MS 250
#define SWEEP_MS 3000
#define PURGE_SWEEPS 10
#define PENDING_MAX 1000 /* events that wait to be written */
#define SENDERS_MAX 32
#define READ_MAX 1000 /* events of one reading: RELAY_READ's limit */

struct pending {
	TAILQ_ENTRY(pending) entry;
	uint64_t serial;
	char *kind, *outlet, *data;
};
TAILQ_HEAD(pendings, pending);

struct relay {
	struct relay_env env;
	struct hub_sub *sub;
	struct event *ev_write, *ev_sweep;
	struct pendings pending;
	size_t n_pending;
	uint64_t last_serial, dropped;
	int64_t written_ms;
	uint64_t write_ticket, read_ticket;
	bool read_again;
	bool publishing; /* what others wrote is not ours to tell */
	unsigned sweeps;
	struct {
		char boot[40];
		uint64_t serial;
		int64_t heard_ms;
	} senders[SENDERS_MAX]; /* the last event seen of each */
	size_t n_senders;
};

static void
arm(struct event *ev, int64_t ms)
{
	const struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	if (!evtimer_pending(ev, NULL))
		(void)evtimer_add(ev, &tv);
}

/* -- ours -- */

static void
pending_free(struct relay *r, struct pending *p)
{
	TAILQ_REMOVE(&r->pending, p, entry);
	r->n_pending--;
	free(p->kind);
	free(p->outlet);
	free(p->data);
	free(p);
}

static char *
blast_id(const char *json)
{
	json_t *root = json_loads(json, 0, NULL);
	const char *id = json_string_value(json_object_get(root, "id"));
	char *copy = id != NULL ? xstrdup(id) : NULL;

	json_decref(root);
	return copy;
}

static bool
is_ours(const struct relay *r, const struct hub_event *e)
{
	const struct outlet *o;

	if (r->publishing || instance_alone(r->env.instance))
		return false;
	if (strcmp(e->kind, "blast") == 0 || strcmp(e->kind, "webhook") == 0)
		return true;
	o = e->outlet != NULL ? outlets_find(r->env.outlets, e->outlet) : NULL;
	return o != NULL && !outlet_elsewhere(o);
}

static void
on_event(void *arg, const struct hub_event *e)
{
	struct relay *r = arg;
	const int64_t next = r->written_ms + SPACE_MS - clock_monotonic_ms();
	struct pending *p;
	char *data;

	if (!is_ours(r, e))
		return;
	if (r->n_pending >= PENDING_MAX) {
		if (r->dropped++ % PENDING_MAX == 0)
			log_warn("relay.dropped", LOG_INT("events", (int64_t)r->dropped));
		return;
	}
	data = strcmp(e->kind, "blast") == 0 ? blast_id(e->data) : xstrndup(e->data, e->len);
	if (data == NULL)
		return;
	p = xcalloc(1, sizeof(*p));
	p->serial = ++r->last_serial;
	p->kind = xstrdup(e->kind);
	p->outlet = e->outlet != NULL ? xstrdup(e->outlet) : NULL;
	p->data = data;
	TAILQ_INSERT_TAIL(&r->pending, p, entry);
	r->n_pending++;
	arm(r->ev_write, next > GATHER_MS ? next : GATHER_MS);
}

static void
on_written(void *arg, enum db_error error, const PGresult *result)
{
	struct relay *r = arg;

	(void)result;
	r->write_ticket = 0;
	if (error == DB_OK)
		instance_hint(r->env.instance, HINT_EVENTS);
	if (r->n_pending > 0)
		arm(r->ev_write, SPACE_MS);
}

/* Lost where the database is away: it is all new then, anyway. */
static void
on_write(evutil_socket_t fd, short what, void *arg)
{
	struct relay *r = arg;
	struct array columns[4];
	struct db_param params[5];
	struct pending *p;

	(void)fd;
	(void)what;
	if (r->write_ticket != 0 || r->n_pending == 0)
		return;
	array_init(&columns[0], ARRAY_INT8);
	for (size_t k = 1; k < 4; k++)
		array_init(&columns[k], ARRAY_TEXT);
	while ((p = TAILQ_FIRST(&r->pending)) != NULL) {
		array_int8(&columns[0], (int64_t)p->serial);
		array_text(&columns[1], p->kind);
		array_text(&columns[2], p->outlet);
		array_text(&columns[3], p->data);
		pending_free(r, p);
	}
	params[0] = DB_TEXT(r->env.store->boot);
	for (size_t k = 0; k < 4; k++)
		params[k + 1] = array_param(&columns[k]);
	r->written_ms = clock_monotonic_ms();
	r->write_ticket = db_query(r->env.store->db, SQL_RELAY_PUT, params, 5, on_written, r);
	for (size_t k = 0; k < 4; k++)
		array_done(&columns[k]);
}

/* -- others' -- */

/* Where the sender stands; the one that was silent longest makes room. */
static uint64_t *
cursor_of(struct relay *r, const char *boot)
{
	size_t at = 0;

	while (at < r->n_senders && strcmp(r->senders[at].boot, boot) != 0)
		at++;
	if (at == r->n_senders) {
		if (r->n_senders < SENDERS_MAX) {
			r->n_senders++;
		} else {
			at = 0;
			for (size_t k = 1; k < SENDERS_MAX; k++)
				if (r->senders[k].heard_ms < r->senders[at].heard_ms)
					at = k;
		}
		(void)snprintf(r->senders[at].boot, sizeof(r->senders[at].boot), "%s", boot);
		r->senders[at].serial = 0;
	}
	r->senders[at].heard_ms = clock_monotonic_ms();
	return &r->senders[at].serial;
}

static void
publish(struct relay *r, const char *kind, const char *outlet, const char *data)
{
	if (strcmp(kind, "blast") == 0) {
		blasts_changed(r->env.blasts, data);
		return;
	}
	r->publishing = true;
	hub_publish(r->env.hub, kind, outlet, data, strlen(data));
	r->publishing = false;
}

static void read_others(struct relay *r);

/* Columns of RELAY_READ: sender, serial, kind, outlet, data. */
static void
on_read(void *arg, enum db_error error, const PGresult *result)
{
	struct relay *r = arg;
	const int n = error == DB_OK ? PQntuples(result) : 0;

	r->read_ticket = 0;
	for (int i = 0; i < n; i++) {
		uint64_t *cursor = cursor_of(r, PQgetvalue(result, i, 0));
		const uint64_t serial = strtoull(PQgetvalue(result, i, 1), NULL, 10);

		if (serial <= *cursor)
			continue;
		*cursor = serial;
		publish(r, PQgetvalue(result, i, 2),
		    PQgetisnull(result, i, 3) ? NULL : PQgetvalue(result, i, 3),
		    PQgetvalue(result, i, 4));
	}
	if (r->read_again || n == READ_MAX)
		read_others(r);
}

static void
read_others(struct relay *r)
{
	struct array boots, serials;
	struct db_param params[3];

	r->read_again = r->read_ticket != 0;
	if (r->read_again)
		return;
	array_init(&boots, ARRAY_TEXT);
	array_init(&serials, ARRAY_INT8);
	for (size_t k = 0; k < r->n_senders; k++) {
		array_text(&boots, r->senders[k].boot);
		array_int8(&serials, (int64_t)r->senders[k].serial);
	}
	params[0] = DB_TEXT(r->env.store->boot);
	params[1] = array_param(&boots);
	params[2] = array_param(&serials);
	r->read_ticket = db_query(r->env.store->db, SQL_RELAY_READ, params, 3, on_read, r);
	array_done(&boots);
	array_done(&serials);
}

static void
on_hint(void *arg, unsigned hints)
{
	if ((hints & HINT_EVENTS) != 0)
		read_others(arg);
}

static void
on_sweep(evutil_socket_t fd, short what, void *arg)
{
	struct relay *r = arg;

	(void)fd;
	(void)what;
	if (instance_alone(r->env.instance) || !db_up(r->env.store->db))
		return;
	read_others(r);
	if (++r->sweeps % PURGE_SWEEPS == 0)
		(void)db_query(r->env.store->db, SQL_RELAY_PURGE, NULL, 0, NULL, NULL);
}

/* -- life -- */

struct relay *
relay_new(const struct relay_env *env)
{
	static const struct timeval sweep = {.tv_sec = SWEEP_MS / 1000};
	const unsigned kinds = hub_kind_mask("message") | hub_kind_mask("qr") |
			       hub_kind_mask("blast") | hub_kind_mask("webhook");
	struct relay *r = xcalloc(1, sizeof(*r));

	r->env = *env;
	TAILQ_INIT(&r->pending);
	r->ev_write = evtimer_new(env->base, on_write, r);
	r->ev_sweep = event_new(env->base, -1, EV_PERSIST, on_sweep, r);
	(void)event_add(r->ev_sweep, &sweep);
	r->sub = hub_subscribe(env->hub, NULL, kinds, NULL, on_event, r);
	instance_on_hint(env->instance, on_hint, r);
	return r;
}

void
relay_free(struct relay **rp)
{
	struct relay *r = *rp;

	if (r == NULL)
		return;
	instance_forget(r->env.instance, r);
	hub_unsubscribe(r->env.hub, &r->sub);
	if (r->write_ticket != 0)
		db_forget(r->env.store->db, r->write_ticket);
	if (r->read_ticket != 0)
		db_forget(r->env.store->db, r->read_ticket);
	while (!TAILQ_EMPTY(&r->pending))
		pending_free(r, TAILQ_FIRST(&r->pending));
	event_free(r->ev_write);
	event_free(r->ev_sweep);
	free(r);
	*rp = NULL;
}
