/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * One connection to PostgreSQL in pipeline mode: made, used, lost and made again with back-off.
 *
 * Each job is one group of the pipeline that ends with its own Sync: what the server runs up to a
 * Sync is one implicit transaction, and an error spoils nothing beyond it. Statements are prepared
 * in a group of their own before their first use. Results are handed to db.c, which delivers them
 * later: nothing of the user's runs in here.
 */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/rng.h"
#include "common/xalloc.h"
#include "waconnd/store/db_hosts.h"
#include "waconnd/store/db_internal.h"

enum state { CONN_AWAY /* until the timer */, CONN_CONNECTING, CONN_SETUP, CONN_READY };

#define NO_STATEMENT (-1)

struct group { /* what a Sync ends */
	TAILQ_ENTRY(group) entry;
	struct db_job *job; /* NULL: set-up or preparation */
	int prepares;	    /* enum sql_id, or NO_STATEMENT */
	enum db_error error;
	bool outdated; /* what was prepared is no longer good */
	PGresult *result;
};
TAILQ_HEAD(groups, group);

struct db_connection {
	struct db *db;
	struct event_base *base;
	struct db_hosts *hosts;
	unsigned turn; /* whom the next attempt tries first */
	enum db_role role;
	enum state state;
	PGconn *pg;
	struct event *ev_read, *ev_write, *ev_timer;
	struct groups groups;
	unsigned load;
	unsigned failures;
	bool prepared[SQL_COUNT];
};

static const char *const role_names[] = {
    [DB_QUERY] = "query", [DB_BATCH] = "batch", [DB_URGENT] = "urgent"};

static void begin(struct db_connection *c);
static void on_io(evutil_socket_t fd, short what, void *arg);

static void
set_timer(struct db_connection *c, int64_t ms)
{
	const struct timeval tv = {ms / 1000, ms % 1000 * 1000};

	event_add(c->ev_timer, &tv);
}

static void
free_event(struct event **ev)
{
	if (*ev != NULL)
		event_free(*ev);
	*ev = NULL;
}

/* -- groups ------------------------------------------------------------------- */

/* What brings much takes long: the more it brings, the more it counts, and small ones go elsewhere.
 */
static unsigned
load_of(const struct db_job *job)
{
	return 1 + (unsigned)(job->bytes / DB_LOAD_BYTES);
}

static struct group *
group_add(struct db_connection *c, struct db_job *job, int prepares)
{
	struct group *g = xcalloc(1, sizeof(*g));

	g->job = job;
	g->prepares = prepares;
	TAILQ_INSERT_TAIL(&c->groups, g, entry);
	if (job != NULL)
		c->load += load_of(job);
	return g;
}

static void
group_finish(struct db_connection *c, struct group *g, enum db_error error)
{
	TAILQ_REMOVE(&c->groups, g, entry);
	if (g->job != NULL) {
		c->load -= load_of(g->job);
		db_job_done(c->db, g->job, error, g->result);
	} else {
		PQclear(g->result);
	}
	free(g);
}

/* -- lost, and made again -------------------------------------------------------- */

/* The one door out: everything under way fails, the connection is made again later. */
static void
drop(struct db_connection *c, const char *why)
{
	int64_t most = DB_BACKOFF_MIN_MS;
	struct group *g;

	free_event(&c->ev_read);
	free_event(&c->ev_write);
	c->failures = c->state == CONN_READY ? 0 : c->failures + 1;
	c->turn += c->state != CONN_READY;
	for (unsigned i = 0; i < c->failures && most < DB_BACKOFF_MAX_MS; i++)
		most *= 2;
	if (most > DB_BACKOFF_MAX_MS)
		most = DB_BACKOFF_MAX_MS;
	log_warn("db.lost", LOG_STR("role", role_names[c->role]), LOG_STR("why", why),
	    LOG_INT("failures", c->failures));
	c->state = CONN_AWAY;
	while ((g = TAILQ_FIRST(&c->groups)) != NULL)
		group_finish(
		    c, g, g->error == DB_OK || g->error == DB_E_SQL ? DB_E_LOST : g->error);
	PQfinish(c->pg);
	c->pg = NULL;
	set_timer(c, most / 2 + rng_below((uint32_t)(most / 2)));
	db_connection_changed(c->db);
}

/* libpq's message without its line end. */
static void
drop_by_libpq(struct db_connection *c)
{
	char *why = xstrdup(PQerrorMessage(c->pg));

	why[strcspn(why, "\n")] = '\0';
	drop(c, why);
	free(why);
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct db_connection *c = arg;

	(void)fd;
	(void)what;
	if (c->state == CONN_AWAY)
		begin(c);
	else if (c->state != CONN_READY)
		drop(c, "no connection in time");
}

/* The socket may be another after each step of libpq. */
static void
watch(struct db_connection *c, bool reads, bool writes)
{
	evutil_socket_t fd = PQsocket(c->pg);

	free_event(&c->ev_read);
	free_event(&c->ev_write);
	c->ev_read = event_new(c->base, fd, EV_READ | EV_PERSIST, on_io, c);
	c->ev_write = event_new(c->base, fd, EV_WRITE, on_io, c);
	if (c->ev_read == NULL || c->ev_write == NULL)
		abort();
	if (reads)
		event_add(c->ev_read, NULL);
	if (writes)
		event_add(c->ev_write, NULL);
}

static void
ignore_notice(void *arg, const PGresult *result)
{
	(void)arg;
	(void)result;
}

static void
begin(struct db_connection *c)
{
	memset(c->prepared, 0, sizeof(c->prepared));
	c->state = CONN_CONNECTING;
	c->pg = db_hosts_connect(c->hosts, c->turn);
	if (PQstatus(c->pg) == CONNECTION_BAD) {
		drop_by_libpq(c);
		return;
	}
	PQsetNoticeReceiver(c->pg, ignore_notice, NULL);
	set_timer(c, db_hosts_count(c->hosts) > 1 ? DB_CONNECT_HOST_MS : DB_CONNECT_MS);
	watch(c, false, true);
}

/* -- sending -------------------------------------------------------------------- */

static void
flush(struct db_connection *c)
{
	int left = PQflush(c->pg);

	if (left < 0)
		drop_by_libpq(c);
	else if (left > 0)
		event_add(c->ev_write, NULL);
}

static bool
prepare(struct db_connection *c, enum sql_id statement)
{
	if (c->prepared[statement])
		return true;
	c->prepared[statement] = true;
	(void)group_add(c, NULL, (int)statement);
	return PQsendPrepare(
		   c->pg, sql_texts[statement].name, sql_texts[statement].text, 0, NULL) == 1 &&
	       PQpipelineSync(c->pg) == 1;
}

void
db_connection_send(struct db_connection *c, struct db_job *take_job)
{
	bool ok = true;

	for (size_t i = 0; ok && i < take_job->n_steps; i++)
		ok = prepare(c, take_job->steps[i].statement);
	(void)group_add(c, take_job, NO_STATEMENT);
	for (size_t i = 0; ok && i < take_job->n_steps; i++) {
		const struct db_job_step *s = &take_job->steps[i];

		ok = PQsendQueryPrepared(c->pg, sql_texts[s->statement].name, s->n, s->values,
			 s->lengths, s->formats, 0) == 1;
	}
	if (ok && PQpipelineSync(c->pg) == 1)
		flush(c);
	else
		drop_by_libpq(c);
}

static bool
listen_to(struct db_connection *c)
{
	return PQsendQueryParams(c->pg, "LISTEN waconn", 0, NULL, NULL, NULL, NULL, 0) == 1;
}

static void
setup(struct db_connection *c)
{
	static const char text[] =
	    "SELECT set_config('statement_timeout', '" DB_STATEMENT_TIMEOUT_MS "', false),"
	    " set_config('TimeZone', 'UTC', false), set_config('application_name', $1, false)";
	char *name = xasprintf("waconnd@%s", db_name(c->db));
	const char *const values[] = {name};

	c->state = CONN_SETUP;
	(void)group_add(c, NULL, NO_STATEMENT);
	if (PQsetnonblocking(c->pg, 1) == 0 && PQenterPipelineMode(c->pg) == 1 &&
	    PQsendQueryParams(c->pg, text, 1, NULL, values, NULL, NULL, 0) == 1 &&
	    (c->role != DB_URGENT || listen_to(c)) && PQpipelineSync(c->pg) == 1) {
		watch(c, true, false);
		flush(c);
	} else {
		drop_by_libpq(c);
	}
	free(name);
}

/* -- results ---------------------------------------------------------------------- */

static enum db_error
classify(const char *state)
{
	static const struct {
		const char *prefix;
		enum db_error error;
	} rows[] = {
	    {"23", DB_E_CONFLICT},    /* constraints */
	    {"40001", DB_E_CONFLICT}, /* serialisation */
	    {"40P01", DB_E_CONFLICT}, /* deadlock */
	    {"WF", DB_E_CONFLICT},    /* instance_fence: another daemon has it now */
	    {"57014", DB_E_DEADLINE}, /* statement_timeout */
	    {"57P", DB_E_LOST},	      /* the server goes down, or ends us */
	    {"53", DB_E_DOWN},	      /* its disk is full, its memory or connections are used up */
	    {"58", DB_E_DOWN},	      /* its files cannot be read or written */
	    {"25006", DB_E_DOWN},     /* it only reads for now */
	    {"26000", DB_E_LOST},     /* it does not know a statement that we prepared */
	    {"0A000", DB_E_LOST},     /* … or its tables were changed under it */
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strncmp(state, rows[i].prefix, strlen(rows[i].prefix)) == 0)
			return rows[i].error;
	}
	return DB_E_SQL;
}

/* Class 22 repeats the value that it refuses: no message of it in the log. */
static void
log_failure(const struct group *g, const PGresult *r, const char *state)
{
	const char *message = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	const char *name = "-";

	if (g->prepares != NO_STATEMENT)
		name = sql_texts[g->prepares].name;
	else if (g->job != NULL)
		name = sql_texts[g->job->steps[g->job->n_steps - 1].statement].name;
	log_at(g->error == DB_E_CONFLICT ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, "db.refused",
	    LOG_STR("statement", name), LOG_STR("sqlstate", state),
	    LOG_STR("constraint", PQresultErrorField(r, PG_DIAG_CONSTRAINT_NAME)),
	    LOG_STR("message", strncmp(state, "22", 2) == 0 ? NULL : message));
}

static void
take_error(struct group *g, PGresult *r)
{
	const char *state = PQresultErrorField(r, PG_DIAG_SQLSTATE);

	g->error = state != NULL ? classify(state) : DB_E_LOST;
	g->outdated = state != NULL && (strcmp(state, "26000") == 0 || strcmp(state, "0A000") == 0);
	log_failure(g, r, state != NULL ? state : "-");
	PQclear(g->result);
	g->result = r;
}

/* The last result that has rows is the group's, else the last. */
static void
take_result(struct group *g, PGresult *r)
{
	ExecStatusType status = PQresultStatus(r);

	if (status == PGRES_PIPELINE_ABORTED || g->error != DB_OK) {
		PQclear(r);
	} else if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
		take_error(g, r);
	} else if (g->result != NULL && PQresultStatus(g->result) == PGRES_TUPLES_OK &&
		   (status == PGRES_COMMAND_OK ||
		       (PQntuples(r) == 0 && PQntuples(g->result) > 0))) {
		PQclear(r);
	} else {
		PQclear(g->result);
		g->result = r;
	}
}

static void
group_end(struct db_connection *c, struct group *g)
{
	const enum db_error error = g->error;
	const bool outdated = g->outdated;

	if (g->prepares != NO_STATEMENT && error != DB_OK)
		c->prepared[g->prepares] = false;
	group_finish(c, g, error);
	if (outdated) {
		drop(c, "a prepared statement is out of date");
		return;
	}
	if (c->state != CONN_SETUP)
		return;
	if (error != DB_OK) {
		drop(c, "the session could not be set up");
		return;
	}
	c->state = CONN_READY;
	c->failures = 0;
	event_del(c->ev_timer);
	if (c->role == DB_URGENT)
		db_notified(c->db, "");
	log_info("db.connected", LOG_STR("role", role_names[c->role]));
}

static void
take_notifies(struct db_connection *c)
{
	PGnotify *n;

	while (c->pg != NULL && (n = PQnotifies(c->pg)) != NULL) {
		db_notified(c->db, n->extra);
		PQfreemem(n);
	}
}

static void
receive(struct db_connection *c)
{
	unsigned nothing = 0;
	bool ended = false;
	struct group *g;

	if (PQconsumeInput(c->pg) == 0) {
		drop_by_libpq(c);
		return;
	}
	/* PQgetResult answers NULL between two statements; twice in a row means that nothing is
	 * there. */
	while (c->pg != NULL && (g = TAILQ_FIRST(&c->groups)) != NULL && nothing < 2 &&
	       !PQisBusy(c->pg)) {
		PGresult *r = PQgetResult(c->pg);

		nothing = r == NULL ? nothing + 1 : 0;
		if (r == NULL)
			continue;
		if (PQresultStatus(r) == PGRES_PIPELINE_SYNC) {
			PQclear(r);
			group_end(c, g);
			ended = true;
		} else {
			take_result(g, r);
		}
	}
	take_notifies(c);
	if (c->pg != NULL && PQstatus(c->pg) == CONNECTION_BAD)
		drop_by_libpq(c);
	else if (ended)
		db_connection_changed(c->db);
}

static void
poll_connecting(struct db_connection *c)
{
	switch (PQconnectPoll(c->pg)) {
	case PGRES_POLLING_READING:
		watch(c, true, false);
		break;
	case PGRES_POLLING_WRITING:
		watch(c, false, true);
		break;
	case PGRES_POLLING_OK:
		setup(c);
		break;
	default:
		drop_by_libpq(c);
	}
}

static void
on_io(evutil_socket_t fd, short what, void *arg)
{
	struct db_connection *c = arg;

	(void)fd;
	if (c->state == CONN_CONNECTING) {
		poll_connecting(c);
		return;
	}
	if (what & EV_READ)
		receive(c);
	if (c->pg != NULL && c->state >= CONN_SETUP)
		flush(c);
}

/* -- for db.c ---------------------------------------------------------------------- */

struct db_connection *
db_connection_new(struct db *db, struct event_base *base, const char *dsn, enum db_role role)
{
	struct db_connection *c = xcalloc(1, sizeof(*c));

	c->db = db;
	c->base = base;
	c->hosts = db_hosts_new(dsn);
	c->role = role;
	TAILQ_INIT(&c->groups);
	c->ev_timer = event_new(base, -1, 0, on_timer, c);
	if (c->ev_timer == NULL)
		abort();
	set_timer(c, 0);
	return c;
}

void
db_connection_free(struct db_connection **cp)
{
	struct db_connection *c = *cp;
	struct group *g;

	if (c == NULL)
		return;
	while ((g = TAILQ_FIRST(&c->groups)) != NULL) {
		TAILQ_REMOVE(&c->groups, g, entry);
		if (g->job != NULL)
			db_job_free(g->job);
		PQclear(g->result);
		free(g);
	}
	free_event(&c->ev_read);
	free_event(&c->ev_write);
	free_event(&c->ev_timer);
	PQfinish(c->pg);
	db_hosts_free(&c->hosts);
	free(c);
	*cp = NULL;
}

bool
db_connection_ready(const struct db_connection *c)
{
	return c->state == CONN_READY;
}

bool
db_connection_failing(const struct db_connection *c)
{
	return c->failures > 0;
}

unsigned
db_connection_load(const struct db_connection *c)
{
	return c->load;
}

/* The first job is the oldest. A server that holds it back so long holds back the rest: begin anew.
 */
void
db_connection_check_deadline(struct db_connection *c, int64_t now_ms)
{
	struct group *g;

	TAILQ_FOREACH(g, &c->groups, entry)
	{
		if (g->job == NULL)
			continue;
		if (g->job->deadline_ms <= now_ms) {
			g->error = DB_E_DEADLINE;
			drop(c, "a statement passed its deadline");
		}
		return;
	}
}

struct db_job *
db_connection_find(struct db_connection *c, uint64_t ticket)
{
	struct group *g;

	TAILQ_FOREACH(g, &c->groups, entry)
	{
		if (g->job != NULL && g->job->ticket == ticket)
			return g->job;
	}
	return NULL;
}
