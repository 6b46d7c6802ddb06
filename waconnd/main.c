/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * waconnd: options, signals, and the order in which the parts are made and ended. The one struct
 * daemon is handed down from here; nothing is global. The API opens when all outlets are loaded, so
 * that nobody sees half of them.
 */
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <openssl/crypto.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/loop_lag.h"
#include "common/xalloc.h"
#include "waconnd/api/api.h"
#include "waconnd/config.h"
#include "waconnd/instance.h"
#include "waconnd/relay.h"

#define CONF_DEFAULT "/etc/waconn/waconnd.conf"
#define ERRORS_MAX 65536
#define WORKERS 2
#define WORKER_QUEUE 64
#define STOP_TICK_MS 50
#define STOP_SENDS_MS 4000 /* how long messages in flight may take to be answered */
#define STOP_MS 8000	   /* all of it; with what follows still within the 10 s promised */

enum { SIGNAL_TERM, SIGNAL_INT, SIGNAL_HUP, SIGNALS };

struct daemon {
	const char *conf_path;
	bool verbose;
	struct config config;
	struct event_base *base;
	struct store store;
	struct link_net *net;
	struct client_version *version; /* NULL: as configured */
	struct hub *hub;
	struct metrics *metrics;
	struct loop_lag *lag;
	struct instance *instance;
	struct relay *relay;
	struct webhooks *webhooks;
	struct worker *worker;
	struct outlets *outlets;
	struct blasts *blasts;
	struct api *api; /* NULL until the outlets are loaded */
	struct event *signals[SIGNALS];
	struct event *stop_tick;
	int64_t stopping_ms; /* monotonic; when SIGTERM came */
	bool draining;
	int status; /* of the program */
};

static const char usage[] = "usage: waconnd [-c FILE] [-t] [-v]\n"
			    "  -c FILE    configuration (" CONF_DEFAULT ")\n"
			    "  -t         check the configuration and exit\n"
			    "  -v         log more\n"
			    "  --version  print the version\n"
			    "  --help     print this\n";

/* -- configuration -- */

static int
read_config(const struct daemon *d, struct config *ret)
{
	struct buf errors = BUF_INIT(ERRORS_MAX);
	int r = config_read(d->conf_path, ret, &errors);

	if (r < 0)
		(void)fputs(buf_str(&errors), stderr);
	else if (d->verbose)
		ret->log_level = LOG_LEVEL_DEBUG;
	buf_done(&errors);
	return r;
}

static int
read_key(const struct config *config, uint8_t key[SEAL_KEY_LEN])
{
	char err[512];

	if (seal_read_master(config->key_file, key, err, sizeof(err)) == 0)
		return 0;
	(void)fprintf(stderr, "waconnd: [daemon] key_file: %s\n", err);
	return -1;
}

static int
check(const struct config *config)
{
	uint8_t key[SEAL_KEY_LEN];
	int r = read_key(config, key);

	OPENSSL_cleanse(key, sizeof(key));
	return r < 0 ? 1 : 0;
}

/* -- signals -- */

static void
on_left(void *arg)
{
	struct daemon *d = arg;

	event_base_loopexit(d->base, NULL);
}

static void
on_drained(void *arg)
{
	struct daemon *d = arg;

	instance_leave(d->instance, on_left, d);
}

/* First what is in flight is answered, then the links close, then the outlets are set free for
 * others; none of it may take for ever. */
static void
on_stop_tick(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;
	const int64_t ms = clock_monotonic_ms() - d->stopping_ms;

	(void)fd;
	(void)what;
	if (ms > STOP_MS) {
		/* A stop at any moment is safe; to free thousands of links takes long. */
		log_warn("daemon.stop", LOG_STR("error", "deadline"));
		_exit(d->status);
	} else if (!d->draining &&
		   ((blasts_idle(d->blasts) && webhooks_idle(d->webhooks)) || ms > STOP_SENDS_MS)) {
		d->draining = true;
		outlets_drain(d->outlets, on_drained, d);
	}
}

static void
on_term(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;

	(void)what;
	if (event_pending(d->stop_tick, EV_TIMEOUT, NULL)) {
		event_base_loopbreak(d->base); /* asked twice */
		return;
	}
	log_info("daemon.stopping", LOG_INT("signal", sig));
	(void)sd_notify(0, "STOPPING=1");
	if (d->api != NULL)
		api_stop(d->api);
	blasts_stop(d->blasts);
	webhooks_stop(d->webhooks);
	instance_stop(d->instance);
	d->stopping_ms = clock_monotonic_ms();
	event_add(d->stop_tick, &(struct timeval){.tv_usec = STOP_TICK_MS * 1000});
}

/* What can change while running: the log and the pace. */
static void
on_hup(evutil_socket_t sig, short what, void *arg)
{
	struct daemon *d = arg;
	struct config fresh;

	(void)sig;
	(void)what;
	if (read_config(d, &fresh) < 0) {
		log_error("daemon.reload_failed", LOG_STR("file", d->conf_path));
	} else {
		d->config.pace = fresh.pace;
		d->config.log_level = fresh.log_level;
		d->config.log_format = fresh.log_format;
		log_set(fresh.log_level, fresh.log_format);
		outlets_set_default_pace(d->outlets, &fresh.pace);
		log_info("daemon.reloaded", LOG_STR("file", d->conf_path));
	}
	config_done(&fresh);
}

static void
watch_signals(struct daemon *d)
{
	d->signals[SIGNAL_TERM] = evsignal_new(d->base, SIGTERM, on_term, d);
	d->signals[SIGNAL_INT] = evsignal_new(d->base, SIGINT, on_term, d);
	d->signals[SIGNAL_HUP] = evsignal_new(d->base, SIGHUP, on_hup, d);
	for (size_t i = 0; i < SIGNALS; i++)
		event_add(d->signals[i], NULL);
	d->stop_tick = event_new(d->base, -1, EV_PERSIST, on_stop_tick, d);
}

/* -- start -- */

static void
give_up(struct daemon *d)
{
	d->status = 1;
	event_base_loopbreak(d->base);
}

static void
on_replaced(void *arg)
{
	give_up(arg);
}

static void
on_loaded(void *arg, int err)
{
	struct daemon *d = arg;
	const struct api_env env = {
	    .base = d->base,
	    .config = &d->config,
	    .store = &d->store,
	    .hub = d->hub,
	    .outlets = d->outlets,
	    .instance = d->instance,
	    .blasts = d->blasts,
	    .worker = d->worker,
	    .metrics = d->metrics,
	    .webhooks = d->webhooks,
	};
	const char *why = "";

	if (err < 0) {
		(void)fputs("waconnd: the outlets could not be loaded from the database\n", stderr);
		give_up(d);
	} else if (api_new(&env, &d->api, &why) < 0) {
		(void)fprintf(stderr, "waconnd: [daemon] socket %s: %s\n", d->config.socket, why);
		give_up(d);
	} else {
		log_info("daemon.ready", LOG_STR("socket", d->config.socket),
		    LOG_INT("outlets", (int64_t)outlets_count(d->outlets)));
		(void)sd_notify(0, "READY=1");
	}
}

static int
open_store(struct daemon *d)
{
	uint8_t key[SEAL_KEY_LEN];
	char err[512];
	int r;

	if (read_key(&d->config, key) < 0)
		return -1;
	r = store_open(
	    d->base, d->config.dsn, d->config.instance, key, &d->store, err, sizeof(err));
	OPENSSL_cleanse(key, sizeof(key));
	if (r < 0)
		(void)fprintf(stderr, "waconnd: [database] dsn: %s\n", err);
	return r;
}

/* The links are made before the daemon takes its first outlet, and freed last. */
static bool
may_send(void *arg)
{
	const struct daemon *d = arg;

	return d->instance != NULL && instance_holds(d->instance);
}

static int
open_net(struct daemon *d)
{
	const struct link_net_config net = {
	    .url = d->config.whatsapp_url,
	    .tls_ca = d->config.tls_ca,
	    .media_ca = d->config.media_ca,
	    .media_insecure_loopback = d->config.media_insecure_loopback,
	    .noise_root = d->config.has_noise_root ? d->config.noise_root : NULL,
	    .client_version = d->config.client_version,
	    .connects_per_second = d->config.connect_rate,
	    .may_send = may_send,
	    .may_send_arg = d,
	};
	char err[512];

	if (link_net_new(d->base, &net, &d->net, err, sizeof(err)) == 0)
		return 0;
	(void)fprintf(stderr, "waconnd: [whatsapp]: %s\n", err);
	return -1;
}

static void
on_version(void *arg, uint32_t n)
{
	const struct daemon *d = arg;

	link_net_set_client_version(d->net, n);
}

/* It is read while the outlets are; where an outlet were faster and its version refused, it would
 * try again with this one. */
static void
find_version(struct daemon *d)
{
	const struct client_version_env env = {
	    .base = d->base,
	    .db = d->store.db,
	    .url = client_version_place(d->config.whatsapp_url),
	    .ca = d->config.tls_ca,
	    .least = d->config.client_version,
	    .changed = on_version,
	    .arg = d,
	};

	if (!d->config.version_auto || env.url == NULL)
		return;
	d->version = client_version_new(&env);
	if (d->version == NULL)
		log_warn("client_version.lookup", LOG_STR("error", "libcurl does not start"));
}

static void
start_relay(struct daemon *d)
{
	const struct relay_env env = {
	    .base = d->base,
	    .store = &d->store,
	    .hub = d->hub,
	    .outlets = d->outlets,
	    .blasts = d->blasts,
	    .instance = d->instance,
	};

	d->relay = relay_new(&env);
}

static void
start_webhooks(struct daemon *d)
{
	const struct webhooks_env env = {
	    .base = d->base,
	    .store = &d->store,
	    .hub = d->hub,
	    .instance = d->instance,
	    .config = &d->config.webhooks,
	    .metrics = d->metrics,
	};

	d->webhooks = webhooks_new(&env);
	if (d->webhooks == NULL)
		log_error("webhook.start", LOG_STR("error", "libcurl does not start"));
}

static void
start_outlets(struct daemon *d)
{
	struct outlets_env env = {
	    .base = d->base,
	    .store = &d->store,
	    .net = d->net,
	    .version = d->version,
	    .instance = d->config.instance,
	    .default_pace = d->config.pace,
	    .connect_rate = d->config.connect_rate,
	    .hub = d->hub = hub_new(d->store.life),
	    .metrics = d->metrics = metrics_new(),
	    .may_act = instance_holds,
	};

	d->lag = loop_lag_new(d->base, metrics_seconds(d->metrics, "waconn_loop_lag_seconds",
					   "How late the event loop runs its timers.", NULL));
	batch_measure(d->store.batch, d->metrics);
	env.may_act_arg = d->instance = instance_new(d->base, &d->store, d->hub);
	instance_on_replaced(d->instance, on_replaced, d);
	d->worker = worker_new(d->base, WORKERS, WORKER_QUEUE);
	d->outlets = outlets_new(&env, on_loaded, d);
	d->blasts = blasts_new(d->base, &d->store, d->hub, d->outlets, d->worker);
	blasts_measure(d->blasts, d->metrics);
	instance_run(d->instance, d->outlets, d->blasts);
	start_relay(d);
	start_webhooks(d);
}

static void
start(struct daemon *d)
{
	find_version(d);
	start_outlets(d);
	watch_signals(d);
	link_net_run(d->net);
}

/* Calls that wait for a job are answered by the job's end, so the worker goes first. */
static void
stop(struct daemon *d)
{
	worker_free(&d->worker);
	api_free(&d->api);
	webhooks_free(&d->webhooks);
	relay_free(&d->relay);
	blasts_free(&d->blasts);
	instance_free(&d->instance);
	outlets_free(&d->outlets);
	client_version_free(&d->version);
	hub_free(&d->hub);
	loop_lag_free(&d->lag);
	for (size_t i = 0; i < SIGNALS; i++)
		event_free(d->signals[i]);
	event_free(d->stop_tick);
}

static int
run(struct daemon *d)
{
	d->base = event_base_new();
	if (d->base == NULL)
		return 1;
	d->status = 1;
	/* Before the database hears of us: to open the store is to take the outlets over. */
	if (ipc_server_answers(d->config.socket)) {
		(void)fprintf(stderr,
		    "waconnd: [daemon] socket %s: another waconnd answers on this socket\n",
		    d->config.socket);
	} else if (open_store(d) == 0) {
		if (open_net(d) == 0) {
			d->status = 0;
			start(d);
			stop(d);
			link_net_free(&d->net);
		}
		store_close(&d->store);
		metrics_free(&d->metrics);
	}
	event_base_free(d->base);
	return d->status;
}

/* -- the process -- */

/* Keys are in our memory: no core dump, no debugger of the same user. */
static void
harden(void)
{
	const struct rlimit none = {0};
	struct rlimit files;

	xalloc_for_libraries();
	(void)signal(SIGPIPE, SIG_IGN);
	(void)setrlimit(RLIMIT_CORE, &none);
#ifndef __SANITIZE_ADDRESS__
	/* The leak checker looks into its own process as a debugger does. */
	(void)prctl(PR_SET_DUMPABLE, 0);
#endif
	if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &files) < 0)
			log_warn("daemon.files", LOG_STR("error", strerror(errno)));
	}
}

static int
serve(struct daemon *d, bool test)
{
	int status;

	if (read_config(d, &d->config) < 0)
		status = 1;
	else if (test)
		status = check(&d->config);
	else {
		log_init("waconnd", d->config.log_level, d->config.log_format);
		harden();
		status = run(d);
	}
	config_done(&d->config);
	return status;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = {
	    {"version", no_argument, NULL, 'V'}, {"help", no_argument, NULL, 'h'}, {0}};
	struct daemon d = {.conf_path = CONF_DEFAULT};
	bool test = false;
	int o;

	while ((o = getopt_long(argc, argv, "c:tv", options, NULL)) != -1) {
		if (o == 'V' || o == 'h') {
			(void)fputs(o == 'V' ? "waconnd " WACONND_VERSION "\n" : usage, stdout);
			return 0;
		}
		if (o == '?') {
			(void)fputs(usage, stderr);
			return 1;
		}
		if (o == 'c')
			d.conf_path = optarg;
		test = test || o == 't';
		d.verbose = d.verbose || o == 'v';
	}
	if (optind < argc) {
		(void)fputs(usage, stderr);
		return 1;
	}
	return serve(&d, test);
}
