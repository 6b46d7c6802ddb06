/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The families, and the gauges that are read when somebody asks. */
#include "apigw/gateway_metrics.h"

#include <stdio.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/loop_lag.h"
#include "common/process_stat.h"
#include "common/xalloc.h"

struct gateway_metrics {
	struct metrics *all;
	struct loop_lag *lag;
	struct metric *requests, *seconds, *connections, *daemon, *rss, *cpu, *fds;
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
	free(*m);
	*m = NULL;
}

/* By the table's pattern, never by the path itself: that would be a series for each outlet. */
void
gateway_metrics_replied(const struct call *c, unsigned status)
{
	const struct gateway_metrics *m = c->gw->metrics;
	char code[8], route[METRIC_LABEL_MAX] = "none";

	(void)snprintf(code, sizeof(code), "%u", status);
	if (c->route != NULL)
		(void)snprintf(route, sizeof(route), "%s %.*s", c->route->method,
		    (int)strcspn(c->route->path, "?"), c->route->path);
	metric_add(m->requests, code, 1);
	metric_observe(m->seconds, route, (double)(clock_monotonic_us() - c->since_us) / 1e6);
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
