/* SPDX-License-Identifier: GPL-3.0-or-later */
/* apigw: options, signals, the loop. */
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "apigw/gateway.h"
#include "common/log.h"
#include "common/version.h"
#include "common/xalloc.h"

#define CONF_DEFAULT "/etc/waconn/apigw.conf"
#define ERRORS_MAX 65536
#define STOP_TICK_MS 50
#define STOP_MAX_S 10

struct program {
	const char *conf_path;
	bool verbose;
	struct event_base *base;
	struct gateway *gw;
	struct event *stop_tick;
	unsigned stop_ticks;
};

static const char usage[] = "usage: apigw [-c FILE] [-t] [-v]\n"
			    "  -c FILE    configuration (" CONF_DEFAULT ")\n"
			    "  -t         check the configuration and exit\n"
			    "  -v         log more\n"
			    "  --version  print the version\n"
			    "  --help     print this\n";

static int
read_conf(const struct program *p, struct gateway_conf *ret_conf)
{
	struct buf errors = BUF_INIT(ERRORS_MAX);
	int r = gateway_conf_read(p->conf_path, ret_conf, &errors);

	if (r < 0)
		(void)fputs(buf_str(&errors), stderr);
	else if (p->verbose)
		ret_conf->log_level = LOG_LEVEL_DEBUG;
	buf_done(&errors);
	return r;
}

static void
on_stop_tick(evutil_socket_t fd, short what, void *arg)
{
	struct program *p = arg;

	(void)fd;
	(void)what;
	if (http_server_connections(p->gw->http) == 0 ||
	    ++p->stop_ticks > STOP_MAX_S * 1000 / STOP_TICK_MS)
		event_base_loopbreak(p->base);
}

static void
on_term(evutil_socket_t sig, short what, void *arg)
{
	struct program *p = arg;

	(void)what;
	if (event_pending(p->stop_tick, EV_TIMEOUT, NULL)) {
		event_base_loopbreak(p->base); /* asked twice */
		return;
	}
	log_info("apigw.stopping", LOG_INT("signal", sig),
	    LOG_INT("connections", http_server_connections(p->gw->http)));
	(void)sd_notify(0, "STOPPING=1");
	gateway_stop(p->gw);
	event_add(p->stop_tick, &(struct timeval){.tv_usec = STOP_TICK_MS * 1000});
}

static void
on_hup(evutil_socket_t sig, short what, void *arg)
{
	struct program *p = arg;
	struct gateway_conf conf;

	(void)sig;
	(void)what;
	if (read_conf(p, &conf) < 0) {
		log_error("apigw.reload_failed", LOG_STR("file", p->conf_path));
		return;
	}
	gateway_reload(p->gw, &conf);
	log_info("apigw.reloaded", LOG_STR("file", p->conf_path));
}

/* Passwords and tokens pass through our memory: no core dump, no debugger of the same user. */
static void
harden(void)
{
	const struct rlimit none = {0};
	struct rlimit r;

	xalloc_for_libraries();
	(void)setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__
	/* The leak checker looks into its own process as a debugger does. */
	(void)prctl(PR_SET_DUMPABLE, 0);
#endif
	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &r);
	}
}

static int
run(struct program *p, struct gateway_conf *conf)
{
	struct event *signals[3];
	int r = 1;

	p->base = event_base_new();
	if (p->base == NULL)
		return 1;
	signals[0] = evsignal_new(p->base, SIGTERM, on_term, p);
	signals[1] = evsignal_new(p->base, SIGINT, on_term, p);
	signals[2] = evsignal_new(p->base, SIGHUP, on_hup, p);
	for (size_t i = 0; i < 3; i++)
		event_add(signals[i], NULL);
	p->stop_tick = event_new(p->base, -1, EV_PERSIST, on_stop_tick, p);
	p->gw = gateway_new(p->base, conf);
	if (p->gw != NULL && gateway_listen(p->gw) == 0) {
		(void)sd_notify(0, "READY=1");
		event_base_dispatch(p->base);
		r = 0;
	}
	gateway_free(&p->gw);
	event_free(p->stop_tick);
	for (size_t i = 0; i < 3; i++)
		event_free(signals[i]);
	event_base_free(p->base);
	return r;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"version", no_argument, NULL, 'V'},
	    {"help", no_argument, NULL, 'h'},
	    {0},
	};
	struct program p = {.conf_path = CONF_DEFAULT};
	struct gateway_conf conf;
	bool test = false;
	int o;

	while ((o = getopt_long(argc, argv, "c:tv", options, NULL)) != -1) {
		if (o == 'V' || o == 'h') {
			(void)fputs(o == 'V' ? "apigw " WACONN_VERSION "\n" : usage, stdout);
			return 0;
		}
		if (o == 'c')
			p.conf_path = optarg;
		test = test || o == 't';
		p.verbose = p.verbose || o == 'v';
		if (o == '?') {
			(void)fputs(usage, stderr);
			return 1;
		}
	}
	if (optind < argc) {
		(void)fputs(usage, stderr);
		return 1;
	}
	if (read_conf(&p, &conf) < 0)
		return 1;
	log_init("apigw", conf.log_level, conf.log_format);
	if (test) {
		o = gateway_check(&conf);
		gateway_conf_done(&conf);
		return o < 0 ? 1 : 0;
	}
	(void)signal(SIGPIPE, SIG_IGN);
	harden();
	return run(&p, &conf);
}
