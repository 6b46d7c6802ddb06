/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Whose an outlet is: reads all rows, takes up what has become ours, follows what belongs to other
 * daemons by what they wrote, and lets go of what is ours no longer. Who owns what is decided in
 * the database (instance_scan, OUTLET_RELEASE); nothing here writes it.
 */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/xalloc.h"
#include "waconnd/outlet_internal.h"

struct outlet_row { /* one of OUTLET_LOAD; texts are the result's */
	const char *id, *name, *number, *pace, *owner;
	bool is_active, auto_reconnect, linked, mine, owner_lives;
	struct session_row session;
	const char *account; /* JSON, or NULL */
	int64_t account_at_ms;
};

static const char *
column(const PGresult *r, int row, int col)
{
	return PQgetisnull(r, row, col) ? "" : PQgetvalue(r, row, col);
}

static bool
flag(const PGresult *r, int row, int col)
{
	return column(r, row, col)[0] == 't';
}

static void
set_text(char *field, size_t size, const char *text)
{
	const size_t len = strnlen(text, size - 1);

	memcpy(field, text, len);
	field[len] = '\0';
}

static enum outlet_status
status_of(const char *name)
{
	for (enum outlet_status s = OUTLET_CONNECTED; s <= OUTLET_TIMEOUT; s++)
		if (strcmp(outlet_status_name(s), name) == 0)
			return s;
	return OUTLET_DISCONNECTED;
}

static void
read_session(struct session_row *row, const PGresult *r, int i)
{
	row->status = status_of(column(r, i, 6));
	set_text(row->session_name, sizeof(row->session_name), column(r, i, 7));
	set_text(row->own_jid, sizeof(row->own_jid), column(r, i, 8));
	set_text(row->own_lid, sizeof(row->own_lid), column(r, i, 9));
	row->connected_at_ms = strtoll(column(r, i, 10), NULL, 10);
	row->last_seen_ms = strtoll(column(r, i, 11), NULL, 10);
	row->next_retry_at_ms = strtoll(column(r, i, 12), NULL, 10);
	row->linked_at_ms = strtoll(column(r, i, 13), NULL, 10);
	row->retry_count = (unsigned)strtoul(column(r, i, 14), NULL, 10);
	row->last_error = PQgetisnull(r, i, 15) ? NULL : xstrdup(PQgetvalue(r, i, 15));
}

static void
read_row(struct outlet_row *row, const PGresult *r, int i)
{
	memset(row, 0, sizeof(*row));
	row->id = column(r, i, 0);
	row->name = column(r, i, 1);
	row->number = column(r, i, 2);
	row->is_active = flag(r, i, 3);
	row->auto_reconnect = flag(r, i, 4);
	row->pace = column(r, i, 5);
	read_session(&row->session, r, i);
	row->linked = row->session.linked_at_ms > 0 && flag(r, i, 16);
	row->mine = flag(r, i, 17);
	row->owner = PQgetisnull(r, i, 18) ? NULL : PQgetvalue(r, i, 18);
	row->owner_lives = flag(r, i, 19);
	row->session.qr_until_ms = strtoll(column(r, i, 20), NULL, 10);
	row->account = PQgetisnull(r, i, 21) ? NULL : PQgetvalue(r, i, 21);
	row->account_at_ms = strtoll(column(r, i, 22), NULL, 10);
}

/* -- ours -- */

/* What the server said before the daemon stopped counts on. */
static void
resume_count(struct outlet *o)
{
	const enum link_end end = outlet_stored_end(o);

	if (link_reason(end)->tries == 0)
		return;
	o->counted = end;
	o->same_ends = 1;
}

/* Told to stay away for a while: a new daemon is no reason to come earlier. */
static bool
is_to_wait(const struct outlet *o)
{
	return o->row.status == OUTLET_TIMEOUT && o->row.next_retry_at_ms > clock_wall_ms() &&
	       link_reason(outlet_stored_end(o))->follow == LINK_FOLLOW_LATER;
}

/* Where its row says it was. PAUSED and FAILED stay; what was connected or on its way connects
 * again. */
static void
resume(struct outlet *o)
{
	const enum outlet_status was = o->row.status;
	const bool wanted =
	    was == OUTLET_CONNECTED || was == OUTLET_CONNECTING || was == OUTLET_TIMEOUT;

	resume_count(o);
	if (was == OUTLET_PAUSED) {
		o->state = OUT_PAUSED;
		return;
	}
	if (was == OUTLET_FAILED) {
		const int64_t left = o->row.next_retry_at_ms - clock_wall_ms();

		o->state = OUT_FAILED;
		if (o->row.next_retry_at_ms > 0 && o->linked && o->is_active) {
			o->state = OUT_BANNED;
			outlet_wait(o, left > 0 ? left : 0);
		}
		return;
	}
	if (is_to_wait(o) && o->linked && o->is_active && o->auto_reconnect) {
		o->state = OUT_BACKOFF;
		outlet_wait(o, o->row.next_retry_at_ms - clock_wall_ms());
		return;
	}
	o->state = OUT_IDLE;
	o->way = LINK_PAIR_QR;
	if (wanted && o->linked && o->is_active && o->auto_reconnect) {
		(void)outlet_step(o, EV_START, NULL);
		return;
	}
	o->row.status = OUTLET_DISCONNECTED;
	o->row.next_retry_at_ms = 0;
	if (o->row.status != was)
		outlet_session_write(o, &was, "daemon started");
}

static void
set_owner(struct outlet *o, const char *owner, bool lives)
{
	char *copy = owner != NULL ? xstrdup(owner) : NULL;

	free(o->owner);
	o->owner = copy;
	o->owner_lives = lives;
}

/* The row is the truth: whatever we remember of it may be older. */
static void
take_up(struct outlet *o, const struct outlet_row *row)
{
	session_row_copy(&o->row, &row->session);
	session_row_copy(&o->committed, &row->session);
	o->last_heard_ms = row->session.last_seen_ms;
	o->linked = row->linked;
	o->attempts = o->rounds = o->restarts = o->same_ends = 0;
	set_owner(o, row->owner, true);
	(void)outlet_account_load(o, row->account, row->account_at_ms);
	resume(o);
	outlet_publish(o);
}

void
outlet_let_go(struct outlet *o)
{
	struct outlets *os = o->os;

	if (o->state == OUT_ELSEWHERE)
		return;
	if (os->on_removed != NULL)
		os->on_removed(os->on_removed_arg, o);
	o->last_heard_ms = outlet_heard_ms(o);
	outlet_link_drop(o);
	outlets_bury(os, NULL, o->keys);
	o->keys = NULL;
	outlet_session_forget(o);
	outlet_forget_codes(o);
	(void)evtimer_del(o->timer);
	o->unsaved = false;
	o->opened_ms = 0;
	o->handover = OUTLET_KEPT;
	o->state = OUT_ELSEWHERE;
	set_owner(o, NULL, false);
	o->moved_ms = clock_monotonic_ms();
	outlet_publish(o);
}

/* -- another's -- */

static void
follow(struct outlet *o, struct outlet_row *row)
{
	const bool same_owner =
	    o->owner_lives == row->owner_lives &&
	    (o->owner == NULL ? row->owner == NULL
			      : row->owner != NULL && strcmp(o->owner, row->owner) == 0);
	const bool restricted = o->account_at_ms != row->account_at_ms &&
				outlet_account_load(o, row->account, row->account_at_ms);
	const bool shows = restricted || !same_owner || o->linked != row->linked ||
			   !session_row_shows(&o->committed, &row->session);
	const bool heard = o->committed.last_seen_ms != row->session.last_seen_ms;

	if (!shows && !heard)
		return;
	session_row_copy(&o->row, &row->session);
	session_row_copy(&o->committed, &row->session);
	o->last_heard_ms = row->session.last_seen_ms;
	o->linked = row->linked;
	set_owner(o, row->owner, row->owner_lives);
	if (shows)
		outlet_publish(o);
	else
		outlet_changed(o);
}

/* -- all rows -- */

static struct outlet *
add(struct outlets *os, const struct outlet_row *row)
{
	struct outlet *o = outlet_new(os, row->id, row->name, row->number);

	o->state = OUT_ELSEWHERE;
	o->is_active = row->is_active;
	o->auto_reconnect = row->auto_reconnect;
	outlet_set_pace(o, row->pace);
	outlets_append(os, o);
	return o;
}

static bool
is_configured(const struct outlet *o, const struct outlet_row *row)
{
	return strcmp(o->name, row->name) == 0 && strcmp(o->number, row->number) == 0 &&
	       o->is_active == row->is_active && o->auto_reconnect == row->auto_reconnect &&
	       strcmp(o->pace_json != NULL ? o->pace_json : "", row->pace) == 0;
}

/* What happened here after the question was asked is newer than its answer. */
static void
take_row(struct outlet *o, struct outlet_row *row, int64_t asked_ms)
{
	if (o->changed_ms < asked_ms && !is_configured(o, row))
		outlets_changed(
		    o, row->name, row->number, row->is_active, row->auto_reconnect, row->pace);
	if (o->handover != OUTLET_KEPT || o->moved_ms >= asked_ms)
		return;
	if (row->mine && outlets_may_act(o->os)) {
		if (o->state == OUT_ELSEWHERE)
			take_up(o, row);
	} else if (o->state == OUT_ELSEWHERE) {
		follow(o, row);
	} else if (!row->mine) {
		log_error("outlet.lost", LOG_STR("outlet", o->id), LOG_STR("owner", row->owner));
		outlet_let_go(o);
	}
}

/* Those that are in no row any more. */
static void
drop_missing(struct outlets *os, int64_t asked_ms)
{
	for (size_t i = os->n; i-- > 0;) {
		const struct outlet *o = os->by_name[i];

		if (o->round != os->round && o->changed_ms < asked_ms)
			outlets_removed(os, o->id);
	}
}

static void
take_rows(struct outlets *os, const PGresult *result)
{
	const int n = PQntuples(result);
	const bool may_add = os->removed_ms < os->load_ms;
	struct outlet_row row;
	bool added = false;

	os->round++;
	os->turn = 0;
	for (int i = 0; i < n; i++) {
		struct outlet *o = outlets_find(os, column(result, i, 0));

		if (o != NULL) {
			o->round = os->round;
		} else if (may_add) {
			read_row(&row, result, i);
			/* In order of name below: looking up goes on in what was sorted. */
			add(os, &row)->round = os->round;
			session_row_done(&row.session);
			added = true;
		}
	}
	if (added)
		outlets_sort(os);
	for (int i = 0; i < n; i++) {
		struct outlet *o = outlets_find(os, column(result, i, 0));

		if (o == NULL)
			continue;
		read_row(&row, result, i);
		take_row(o, &row, os->load_ms);
		session_row_done(&row.session);
	}
	drop_missing(os, os->load_ms);
	os->again = os->again || !may_add;
}

static void
loaded(struct outlets *os, int err)
{
	size_t ours = 0;

	if (!os->loading)
		return;
	for (size_t i = 0; i < os->n; i++)
		ours += os->by_name[i]->state != OUT_ELSEWHERE;
	os->loading = false;
	if (err == 0)
		log_info("outlets.loaded", LOG_INT("count", (int64_t)os->n),
		    LOG_INT("ours", (int64_t)ours), LOG_INT("connecting", os->turn));
	os->loaded(os->loaded_arg, err);
}

static void
on_rows(void *arg, enum db_error error, const PGresult *result)
{
	struct outlets *os = arg;

	os->load_ticket = 0;
	if (error == DB_OK)
		take_rows(os, result);
	else
		log_error("outlets.load", LOG_STR("error", db_error_text(error)));
	loaded(os, error == DB_OK ? 0 : -1);
	if (os->on_refreshed != NULL)
		os->on_refreshed(os->on_refreshed_arg);
	if (os->again)
		outlets_refresh(os);
}

void
outlets_refresh(struct outlets *os)
{
	const struct store *store = os->env.store;
	char epoch[24];

	/* Whoever asks now must see what is there now. */
	if (os->load_ticket != 0) {
		os->again = true;
		return;
	}
	os->again = false;
	(void)snprintf(epoch, sizeof(epoch), "%lld", (long long)store->epoch);
	{
		const struct db_param params[] = {DB_TEXT(store->instance), DB_TEXT(epoch)};

		os->load_ms = clock_monotonic_ms();
		/* The first one is waited for; later ones are asked again by the sweep. */
		os->load_ticket = (os->loading ? db_read : db_query)(
		    store->db, SQL_OUTLET_LOAD, params, 2, on_rows, os);
	}
}

static void
on_scanned(void *arg, enum db_error error, const PGresult *result)
{
	struct outlets *os = arg;

	(void)result;
	os->load_ticket = 0;
	if (error == DB_OK) {
		outlets_refresh(os);
		return;
	}
	log_error("outlets.load", LOG_STR("error", db_error_text(error)));
	loaded(os, -1);
}

/* At the start: our share first, so that what nobody has is not shown as nobody's. */
void
outlets_load(struct outlets *os)
{
	const struct store *store = os->env.store;
	char epoch[24];

	(void)snprintf(epoch, sizeof(epoch), "%lld", (long long)store->epoch);
	{
		const struct db_param params[] = {
		    DB_TEXT(store->instance), DB_TEXT(epoch), DB_TEXT("t")};

		os->load_ticket = db_query(store->db, SQL_INSTANCE_SCAN, params, 3, on_scanned, os);
	}
}

bool
outlet_elsewhere(const struct outlet *o)
{
	return o->state == OUT_ELSEWHERE;
}

bool
outlet_owner_lives(const struct outlet *o)
{
	return o->owner_lives;
}

size_t
outlets_owned(const struct outlets *os)
{
	size_t n = 0;

	for (size_t i = 0; i < os->n; i++)
		n += os->by_name[i]->state != OUT_ELSEWHERE;
	return n;
}

void
outlets_let_go(struct outlets *os)
{
	for (size_t i = 0; i < os->n; i++) {
		struct outlet *o = os->by_name[i];

		outlet_let_go(o);
		if (o->owner_lives) {
			/* Who cannot renew his own lease knows nothing of others' either. */
			o->owner_lives = false;
			outlet_publish(o);
		}
	}
}
