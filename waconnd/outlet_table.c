/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * All outlets: found by id, in order of name, added, changed, removed; the tick that keeps their
 * times fresh, and the polite end at SIGTERM. It moves no state but by events.
 */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/outlet_internal.h"

#define TICK_S 10
#define LAST_SEEN_MS 30000 /* how far last_seen in the database may lag */
#define DRAIN_S 10

/* -- one outlet -- */

void
outlet_set_pace(struct outlet *o, const char *json)
{
	char *copy = json != NULL ? xstrdup(json) : NULL;

	free(o->pace_json);
	o->pace_json = copy;
	o->pace = o->os->env.default_pace;
	outlet_pace_overlay(&o->pace, o->pace_json);
}

struct outlet *
outlet_new(struct outlets *os, const char *id, const char *name, const char *number)
{
	struct outlet *o = xcalloc(1, sizeof(*o));

	o->os = os;
	o->id = xstrdup(id);
	o->name = xstrdup(name);
	o->number = xstrdup(number);
	o->state = OUT_IDLE;
	o->way = LINK_PAIR_QR;
	o->row.status = o->committed.status = OUTLET_DISCONNECTED;
	LIST_INIT(&o->commits);
	LIST_INIT(&o->contents);
	LIST_INIT(&o->checks);
	buf_init(&o->json, 64 * 1024);
	o->timer = evtimer_new(os->env.base, outlet_timer_fired, o);
	o->account_timer = evtimer_new(os->env.base, outlet_account_timer, o);
	(void)outlet_account_load(o, NULL, 0);
	outlet_changed(o);
	return o;
}

void
outlet_free(struct outlet **op)
{
	struct outlet *o = *op;
	struct outlets *os;

	if (o == NULL)
		return;
	os = o->os;
	if (os->on_removed != NULL)
		os->on_removed(os->on_removed_arg, o);
	outlet_link_drop(o);
	outlets_bury(os, NULL, o->keys);
	outlet_session_forget(o);
	batch_forget(os->env.store->batch, o);
	outlet_forget_codes(o);
	event_free(o->timer);
	event_free(o->account_timer);
	session_row_done(&o->row);
	session_row_done(&o->committed);
	buf_done(&o->json);
	free(o->id);
	free(o->name);
	free(o->number);
	free(o->pace_json);
	free(o->owner);
	free(o);
	*op = NULL;
}

/* -- what died in its own callback -- */

void
outlets_bury(struct outlets *os, struct link *link, struct keydb *keys)
{
	struct grave *g;

	if (link == NULL && keys == NULL)
		return;
	g = xcalloc(1, sizeof(*g));
	g->link = link;
	g->keys = keys;
	SLIST_INSERT_HEAD(&os->graves, g, entry);
	event_active(os->undertaker, EV_TIMEOUT, 0);
}

/* Links first: their keys outlive them. */
static void
bury_now(evutil_socket_t fd, short what, void *arg)
{
	struct outlets *os = arg;
	struct grave *g;

	(void)fd;
	(void)what;
	SLIST_FOREACH(g, &os->graves, entry)
	if (g->link != NULL)
		link_free(&g->link);
	while ((g = SLIST_FIRST(&os->graves)) != NULL) {
		SLIST_REMOVE_HEAD(&os->graves, entry);
		if (g->keys != NULL)
			store_keys_free(&g->keys);
		free(g);
	}
}

/* -- order -- */

static int
compare_name(const void *a, const void *b)
{
	const struct outlet *x = *(struct outlet *const *)a, *y = *(struct outlet *const *)b;
	const int c = strcmp(x->name, y->name);

	return c != 0 ? c : strcmp(x->id, y->id);
}

static int
compare_id(const void *a, const void *b)
{
	const struct outlet *x = *(struct outlet *const *)a, *y = *(struct outlet *const *)b;

	return strcmp(x->id, y->id);
}

static int
compare_key(const void *key, const void *element)
{
	const struct outlet *o = *(struct outlet *const *)element;

	return strcmp(key, o->id);
}

void
outlets_sort(struct outlets *os)
{
	if (os->n == 0)
		return;
	qsort(os->by_name, os->n, sizeof(*os->by_name), compare_name);
	qsort(os->by_id, os->n, sizeof(*os->by_id), compare_id);
	os->version++;
}

void
outlets_append(struct outlets *os, struct outlet *o)
{
	if (os->n == os->cap) {
		os->cap = os->cap > 0 ? os->cap * 2 : 64;
		os->by_name = xreallocarray(os->by_name, os->cap, sizeof(*os->by_name));
		os->by_id = xreallocarray(os->by_id, os->cap, sizeof(*os->by_id));
	}
	os->by_name[os->n] = o;
	os->by_id[os->n++] = o;
}

static void
take_out(struct outlet **list, size_t n, const struct outlet *o)
{
	size_t i = 0;

	while (i < n && list[i] != o)
		i++;
	if (i < n)
		memmove(list + i, list + i + 1, (n - i - 1) * sizeof(*list));
}

struct outlet *
outlets_find(struct outlets *os, const char *id)
{
	struct outlet **found;

	if (id == NULL || os->n == 0)
		return NULL;
	found = bsearch(id, os->by_id, os->n, sizeof(*os->by_id), compare_key);
	return found != NULL ? *found : NULL;
}

size_t
outlets_count(const struct outlets *os)
{
	return os->n;
}

struct outlet *
outlets_at(struct outlets *os, size_t i)
{
	return i < os->n ? os->by_name[i] : NULL;
}

uint64_t
outlets_version(const struct outlets *os)
{
	return os->version;
}

/* -- the tick -- */

static void
tick_outlet(struct outlet *o)
{
	const int64_t heard = outlet_heard_ms(o);

	if (o->state == OUT_ELSEWHERE)
		return;
	if (o->unsaved) {
		outlet_session_write(o, NULL, NULL);
		return;
	}
	if (o->link == NULL)
		return;
	outlet_changed(o); /* lastHeard and latency */
	if (outlet_fsm_status(o->state) == OUTLET_CONNECTED &&
	    heard - o->row.last_seen_ms >= LAST_SEEN_MS && LIST_EMPTY(&o->commits)) {
		o->row.last_seen_ms = heard;
		outlet_session_write(o, NULL, NULL);
	}
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct outlets *os = arg;

	(void)fd;
	(void)what;
	if (os->loading)
		return;
	for (size_t i = 0; i < os->n; i++)
		tick_outlet(os->by_name[i]);
	if (!os->draining)
		outlets_check_sessions(os);
}

static void
on_refreshed(void *arg)
{
	struct outlets *os = arg;

	for (size_t i = 0; i < os->n; i++)
		outlet_version_known(os->by_name[i]);
}

/* -- life -- */

struct outlets *
outlets_new(const struct outlets_env *env, void (*loaded)(void *arg, int err), void *arg)
{
	struct outlets *os = xcalloc(1, sizeof(*os));
	const struct timeval tick = {.tv_sec = TICK_S};

	os->env = *env;
	os->instance = xstrdup(env->instance);
	os->loading = true;
	os->loaded = loaded;
	os->loaded_arg = arg;
	SLIST_INIT(&os->graves);
	os->undertaker = evtimer_new(env->base, bury_now, os);
	os->link_ends = metrics_counter(env->metrics, "waconn_link_ends_total",
	    "Connections to WhatsApp that ended, by reason.", "reason");
	os->received = metrics_counter(
	    env->metrics, "waconn_messages_received_total", "Messages decrypted, by kind.", "kind");
	os->tick = event_new(env->base, -1, EV_PERSIST, on_tick, os);
	(void)event_add(os->tick, &tick);
	if (env->version != NULL)
		client_version_on_refreshed(env->version, on_refreshed, os);
	os->handover_timer = evtimer_new(env->base, outlet_handover_tick, os);
	os->removed_ms = -1;
	outlets_load(os);
	return os;
}

void
outlets_free(struct outlets **osp)
{
	struct outlets *os = *osp;

	if (os == NULL)
		return;
	if (os->env.version != NULL)
		client_version_on_refreshed(os->env.version, NULL, NULL);
	if (os->load_ticket != 0)
		db_forget(os->env.store->db, os->load_ticket);
	if (os->check_ticket != 0)
		db_forget(os->env.store->db, os->check_ticket);
	if (os->release_ticket != 0)
		db_forget(os->env.store->db, os->release_ticket);
	for (size_t i = 0; i < os->n; i++)
		outlet_free(&os->by_name[i]);
	bury_now(-1, 0, os);
	batch_forget(os->env.store->batch, os);
	event_free(os->undertaker);
	event_free(os->tick);
	event_free(os->handover_timer);
	if (os->drain_timer != NULL)
		event_free(os->drain_timer);
	free(os->by_name);
	free(os->by_id);
	free(os->instance);
	free(os);
	*osp = NULL;
}

static void
drain_over(struct outlets *os)
{
	void (*done)(void *arg) = os->drained;

	os->drained = NULL;
	(void)evtimer_del(os->drain_timer);
	if (done != NULL)
		done(os->drained_arg);
}

static void
on_drain_committed(void *arg, int err)
{
	if (err < 0)
		log_error("outlets.drain", LOG_INT("error", err));
	drain_over(arg);
}

static void
on_drain_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct outlets *os = arg;

	(void)fd;
	(void)what;
	log_warn("outlets.drain", LOG_STR("error", "deadline"));
	batch_forget(os->env.store->batch, os);
	drain_over(os);
}

void
outlets_check_drained(struct outlets *os)
{
	if (!os->draining || os->drained == NULL)
		return;
	for (size_t i = 0; i < os->n; i++)
		if (os->by_name[i]->link != NULL)
			return;
	batch_forget(os->env.store->batch, os);
	batch_commit(os->env.store->batch, on_drain_committed, os);
}

void
outlets_drain(struct outlets *os, void (*done)(void *arg), void *arg)
{
	const struct timeval limit = {.tv_sec = DRAIN_S};

	if (os->draining)
		return;
	os->draining = true;
	os->drain_timer = evtimer_new(os->env.base, on_drain_deadline, os);
	(void)evtimer_add(os->drain_timer, &limit);
	for (size_t i = 0; i < os->n; i++)
		(void)outlet_step(os->by_name[i], EV_DRAIN, NULL);
	os->drained = done;
	os->drained_arg = arg;
	outlets_check_drained(os);
}

/* -- what the API changed -- */

struct outlet *
outlets_added(struct outlets *os, const char *id, const char *name, const char *number,
    bool is_active, bool auto_reconnect, const char *pace_json)
{
	struct outlet *o = outlets_find(os, id);

	if (o != NULL) {
		outlets_changed(o, name, number, is_active, auto_reconnect, pace_json);
		return o;
	}
	o = outlet_new(os, id, name, number);
	o->is_active = is_active;
	o->auto_reconnect = auto_reconnect;
	o->changed_ms = clock_monotonic_ms();
	outlet_set_pace(o, pace_json);
	outlets_append(os, o);
	outlets_sort(os);
	outlet_publish(o);
	return o;
}

static void
replace(char **field, const char *value)
{
	char *copy = xstrdup(value);

	free(*field);
	*field = copy;
}

void
outlets_changed(struct outlet *o, const char *name, const char *number, bool is_active,
    bool auto_reconnect, const char *pace_json)
{
	const bool moved = strcmp(number, o->number) != 0;

	o->changed_ms = clock_monotonic_ms();
	replace(&o->name, name);
	replace(&o->number, number);
	if (moved)
		outlet_account_forget(o);
	o->is_active = is_active;
	o->auto_reconnect = auto_reconnect;
	outlet_set_pace(o, pace_json);
	outlets_sort(o->os);
	if (!is_active && o->state != OUT_FAILED)
		(void)outlet_step(o, EV_DISCONNECT, "switched off");
	else if (!auto_reconnect && (o->state == OUT_BACKOFF || o->state == OUT_STARTING))
		(void)outlet_step(o, EV_DISCONNECT, "auto-reconnect was switched off");
	else if (moved) /* the link that pairs expects the number that was */
		(void)outlet_step(o, EV_RELINK, "the outlet's number was changed");
	outlet_publish(o);
	outlet_check_ready(o);
}

void
outlets_removed(struct outlets *os, const char *id)
{
	struct outlet *o = outlets_find(os, id);

	if (o == NULL)
		return;
	take_out(os->by_name, os->n, o);
	take_out(os->by_id, os->n, o);
	os->n--;
	os->version++;
	os->removed_ms = clock_monotonic_ms();
	outlet_free(&o);
}

void
outlets_set_default_pace(struct outlets *os, const struct outlet_pace *pace)
{
	os->env.default_pace = *pace;
	for (size_t i = 0; i < os->n; i++) {
		struct outlet *o = os->by_name[i];

		o->pace = *pace;
		outlet_pace_overlay(&o->pace, o->pace_json);
		outlet_check_ready(o);
	}
}

/* -- what the engine hooks in -- */

void
outlets_on_ready(struct outlets *os, void (*cb)(void *arg, struct outlet *o), void *arg)
{
	os->on_ready = cb;
	os->on_ready_arg = arg;
	for (size_t i = 0; i < os->n; i++)
		outlet_check_ready(os->by_name[i]);
}

void
outlets_on_sent(struct outlets *os,
    void (*cb)(void *arg, struct outlet *o, void *send_arg, enum link_sent result, unsigned code),
    void *arg)
{
	os->on_sent = cb;
	os->on_sent_arg = arg;
}

void
outlets_on_removed(struct outlets *os, void (*cb)(void *arg, struct outlet *o), void *arg)
{
	os->on_removed = cb;
	os->on_removed_arg = arg;
}

void
outlets_on_idle(struct outlets *os, bool (*is_idle)(void *arg, struct outlet *o), void *arg)
{
	os->is_idle = is_idle;
	os->is_idle_arg = arg;
}

void
outlets_on_released(struct outlets *os, void (*cb)(void *arg), void *arg)
{
	os->on_released = cb;
	os->on_released_arg = arg;
}

void
outlets_on_refreshed(struct outlets *os, void (*cb)(void *arg), void *arg)
{
	os->on_refreshed = cb;
	os->on_refreshed_arg = arg;
}
