/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The families, and the gauges that are read when somebody asks. */
#include "apigw/gateway_metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/loop_lag.h"
#include "common/process_stat.h"
#include "common/xalloc.h"

#define STATUSES 600

struct gateway_metrics {
	struct metrics *all;
	struct loop_lag *lag;
	struct metric *requests, *seconds, *connections, *daemon, *rss, *cpu, *fds;
	size_t *route_places;		/* of seconds, by the table's rows; the last: no row */
	size_t status_places[STATUSES]; /* of requests. Both are one more than the place; 0: none
					   yet */
};

struct gateway_metrics *
gateway_metrics_new(struct event_base *base)
{
	struct gateway_metrics *m = xcalloc(1, sizeof(*m));
	struct metrics *all = m->all = metrics_new();

	m->requests = metrics_counter(
	    all, "apigw_http_requests_total", "Requests answered, by status.", "status");
	m->seconds = metrics_seconds(all, "apigw_http_request_seconds",
	    "From a request's last byte to its answer, by route.", "route");
	m->connections =
	    metrics_gauge(all, "apigw_http_connections", "Open HTTP connections.", NULL);
	m->daemon = metrics_gauge(
	    all, "apigw_daemon_up", "1 while the gateway is connected to waconnd.", NULL);
	m->rss = metrics_gauge(
	    all, "apigw_process_resident_memory_bytes", "Resident memory of apigw.", NULL);
	m->cpu =
	    metrics_counter(all, "apigw_process_cpu_seconds_total", "CPU time of apigw.", NULL);
	m->fds = metrics_gauge(all, "apigw_process_open_fds", "Open files of apigw.", NULL);
	m->route_places = xcalloc(route_count() + 1, sizeof(*m->route_places));
	m->lag = loop_lag_new(base, metrics_seconds(all, "apigw_loop_lag_seconds",
					"How late the event loop runs its timers.", NULL));
	return m;
}

void
gateway_metrics_free(struct gateway_metrics **m)
{
	if (*m == NULL)
		return;
	loop_lag_free(&(*m)->lag);
	metrics_free(&(*m)->all);
	free((*m)->route_places);
	free(*m);
	*m = NULL;
}

static size_t
status_place(struct gateway_metrics *m, unsigned status)
{
	size_t *place = &m->status_places[status < STATUSES ? status : 0];
	char code[16];

	if (*place == 0) {
		(void)snprintf(code, sizeof(code), "%u", status);
		*place = metric_place(m->requests, code) + 1;
	}
	return *place - 1;
}

/* By the table's pattern, never by the path itself: that would be a series for each outlet. */
static size_t
route_place(struct gateway_metrics *m, const struct route *r)
{
	size_t *place = &m->route_places[r != NULL ? (size_t)(r - route_table()) : route_count()];
	char route[METRIC_LABEL_MAX] = "none";

	if (*place == 0) {
		if (r != NULL)
			(void)snprintf(route, sizeof(route), "%s %.*s", r->method,
			    (int)strcspn(r->path, "?"), r->path);
		*place = metric_place(m->seconds, route) + 1;
	}
	return *place - 1;
}

void
gateway_metrics_replied(const struct call *c, unsigned status)
{
	struct gateway_metrics *m = c->gw->metrics;

	metric_add_at(m->requests, status_place(m, status), 1);
	metric_observe_at(m->seconds, route_place(m, c->route),
	    (double)(clock_monotonic_us() - c->since_us) / 1e6);
}

void
gateway_metrics_write(struct gateway *gw, struct buf *out)
{
	const struct gateway_metrics *m = gw->metrics;

	metric_set(m->connections, NULL, (double)http_server_connections(gw->http));
	metric_set(m->daemon, NULL, ipc_client_up(gw->ipc) ? 1 : 0);
	metric_set(m->rss, NULL, process_rss_bytes());
	metric_set(m->cpu, NULL, process_cpu_seconds());
	metric_set(m->fds, NULL, process_open_fds());
	metrics_write(m->all, out);
}
