/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What Prometheus asks: the daemon's metrics as text. Counts only, nothing of anyone's messages or
 * numbers, so the gateway may ask for its own machine without a token; with a token it has to be an
 * administrator's.
 */
#include "waconnd/api/api_internal.h"

#include <stdlib.h>

#include "common/process_stat.h"
#include "common/xalloc.h"
#include "waconnd/api/auth.h"

#define OPERATIONS 256

struct api_metrics {
	struct metrics *all;
	struct metric *seconds;
	struct metric *outlets, *healthy, *queue, *database, *rss, *cpu, *fds;
	size_t
	    places[OPERATIONS]; /* of seconds, by operation; one more than the place, 0: none yet */
};

struct api_metrics *
api_metrics_new(struct metrics *m)
{
	struct api_metrics *am = xcalloc(1, sizeof(*am));

	am->all = m;
	am->seconds = metrics_seconds(m, "waconn_ipc_request_seconds",
	    "From a request on the daemon's socket to its answer.", "operation");
	am->outlets = metrics_gauge(m, "waconn_outlets", "Outlets by live status.", "status");
	am->healthy = metrics_gauge(m, "waconn_outlets_healthy", "Outlets that may send.", NULL);
	am->queue = metrics_gauge(m, "waconn_queue_messages",
	    "Recipients of open blasts that are not through, as the database has them.", "state");
	am->database =
	    metrics_gauge(m, "waconn_database_up", "1 when the database answers the daemon.", NULL);
	am->rss = metrics_gauge(
	    m, "waconn_process_resident_memory_bytes", "Resident memory of waconnd.", NULL);
	am->cpu =
	    metrics_counter(m, "waconn_process_cpu_seconds_total", "CPU time of waconnd.", NULL);
	am->fds = metrics_gauge(m, "waconn_process_open_fds", "Open files of waconnd.", NULL);
	return am;
}

void
api_metrics_free(struct api_metrics **am)
{
	free(*am);
	*am = NULL;
}

void
api_metrics_answered(struct api_metrics *am, const Ipc__Request *request, int64_t us)
{
	size_t *place =
	    &am->places[(unsigned)request->op_case < OPERATIONS ? (unsigned)request->op_case : 0];
	const ProtobufCFieldDescriptor *op;

	if (*place == 0) {
		op = protobuf_c_message_descriptor_get_field(
		    &ipc__request__descriptor, request->op_case);
		*place = metric_place(am->seconds, op != NULL ? op->name : "unknown") + 1;
	}
	metric_observe_at(am->seconds, *place - 1, (double)us / 1e6);
}

static void
set_outlets(const struct call *c, const struct api_metrics *am)
{
	double of[OUTLET_TIMEOUT + 1] = {0}, healthy = 0;

	for (size_t i = 0; i < outlets_count(c->env->outlets); i++) {
		const struct outlet *o = outlets_at(c->env->outlets, i);

		of[outlet_live_status(o)]++;
		healthy += outlet_unhealthy(o) == 0;
	}
	for (int s = 0; s <= OUTLET_TIMEOUT; s++)
		metric_set(am->outlets, outlet_status_name((enum outlet_status)s), of[s]);
	metric_set(am->healthy, NULL, healthy);
}

static void
write_all(struct call *c)
{
	const struct api_metrics *am = api_metrics_of(c->api);
	struct buf out = BUF_INIT(CALL_ANSWER_MAX);

	set_outlets(c, am);
	metric_set(am->database, NULL, db_up(c->env->store->db) ? 1 : 0);
	metric_set(am->rss, NULL, process_rss_bytes());
	metric_set(am->cpu, NULL, process_cpu_seconds());
	metric_set(am->fds, NULL, process_open_fds());
	metrics_write(am->all, &out);
	call_reply(c, 200, &out);
	buf_done(&out);
}

/* One row: queued, sending. */
static void
on_queue(struct call *c, const PGresult *r)
{
	const struct api_metrics *am = api_metrics_of(c->api);

	metric_set(am->queue, "queued", strtod(PQgetvalue(r, 0, 0), NULL));
	metric_set(am->queue, "sending", strtod(PQgetvalue(r, 0, 1), NULL));
	write_all(c);
}

/* Without the database what it would say is as old as it is; the rest is true. */
static void
answer(struct call *c)
{
	if (db_up(c->env->store->db))
		call_query(c, SQL_BLAST_QUEUE_DEPTH, NULL, 0, NULL, on_queue);
	else
		write_all(c);
}

static void
on_identified(struct call *c)
{
	if (c->who.role < ROLE_ADMIN)
		call_problem(c, "forbidden", NULL);
	else if (!scope_allows(c->who.scopes, SCOPE_STATUS_READ))
		call_problem(c, "scope_missing", "The token lacks the scope status:read.");
	else
		answer(c);
}

void
api_metrics(struct call *c)
{
	if (c->env->metrics == NULL)
		call_problem(c, "not_found", NULL);
	else if (c->request->token != NULL)
		auth_identify(api_auth(c->api), c, on_identified);
	else
		answer(c);
}
