/* SPDX-License-Identifier: GPL-3.0-or-later */
/* wasim: options, signals, the loop. docs/simulator.md is its manual. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/event.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/log.h"
#include "tests/sim/server.h"

#define FILES_MAX 65536
#define HOST_MAX 64
#define PORT_MAX 65535

struct address {
	char host[HOST_MAX];
	uint16_t port;
};

struct options {
	struct address listen, control;
	const char *cert, *key;
	uint64_t seed;
	bool verbose;
};

static const char usage[] = "usage: wasim --listen 127.0.0.1:PORT [--tls CERT KEY] --control "
			    "127.0.0.1:PORT [--seed N] [-v]\n"
			    "  --listen HOST:PORT   the WebSocket server; port 0 takes a free one\n"
			    "  --tls CERT KEY       PEM files: wss instead of ws\n"
			    "  --control HOST:PORT  the HTTP interface of tests\n"
			    "  --seed N             the same keys again (default 1)\n"
			    "  -v                   log more\n"
			    "Both listen on loopback addresses only.\n";

/* -- options -------------------------------------------------------------------------- */

static bool
is_loopback(const char *host)
{
	struct in_addr a;

	return inet_pton(AF_INET, host, &a) == 1 && (ntohl(a.s_addr) >> 24) == 127;
}

static int
read_number(const char *text, uint64_t max, uint64_t *ret_value)
{
	char *end;

	errno = 0;
	*ret_value = strtoull(text, &end, 10);
	return text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || *ret_value > max ? -1
												: 0;
}

static int
read_address(const char *text, struct address *ret)
{
	const char *colon = strrchr(text, ':');
	uint64_t port;

	if (colon == NULL || (size_t)(colon - text) >= sizeof(ret->host) ||
	    read_number(colon + 1, PORT_MAX, &port) != 0)
		return -1;
	(void)snprintf(ret->host, sizeof(ret->host), "%.*s", (int)(colon - text), text);
	ret->port = (uint16_t)port;
	return is_loopback(ret->host) ? 0 : -1;
}

enum { OPT_LISTEN = 256, OPT_TLS, OPT_CONTROL, OPT_SEED, OPT_HELP };

/* 0, 1 after --help, -1. */
static int
read_options(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
	    {"listen", required_argument, NULL, OPT_LISTEN},
	    {"tls", required_argument, NULL, OPT_TLS},
	    {"control", required_argument, NULL, OPT_CONTROL},
	    {"seed", required_argument, NULL, OPT_SEED},
	    {"help", no_argument, NULL, OPT_HELP},
	    {0},
	};
	int c, r = 0;

	while (r == 0 && (c = getopt_long(argc, argv, "v", options, NULL)) != -1) {
		if (c == OPT_LISTEN)
			r = read_address(optarg, &o->listen);
		else if (c == OPT_CONTROL)
			r = read_address(optarg, &o->control);
		else if (c == OPT_SEED)
			r = read_number(optarg, UINT64_MAX, &o->seed);
		else if (c == 'v')
			o->verbose = true;
		else if (c == OPT_TLS && optind < argc) {
			o->cert = optarg;
			o->key = argv[optind++];
		} else
			r = c == OPT_HELP ? 1 : -1;
	}
	if (r == 0 && (optind < argc || o->listen.host[0] == '\0' || o->control.host[0] == '\0'))
		r = -1;
	return r;
}

/* -- the program ---------------------------------------------------------------------- */

/* Thousands of clients; not without limit, since libwebsockets sizes its tables by it. */
static void
raise_files(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return;
	r.rlim_cur = r.rlim_max == RLIM_INFINITY || r.rlim_max > FILES_MAX ? FILES_MAX : r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) != 0)
		log_warn("files.limit", LOG_STR("error", strerror(errno)));
}

static void
stop(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)event_base_loopbreak(arg);
}

static void
announce(const struct sim *s, const struct options *o, uint16_t control_port)
{
	(void)printf("noise-root ");
	for (unsigned i = 0; i < CURVE_KEY_LEN; i++)
		(void)printf("%02x", sim_noise_root(s)[i]);
	(void)printf("\nlisten %s\ncontrol http://%s:%u\nready\n", sim_url(s), o->control.host,
	    (unsigned)control_port);
	(void)fflush(stdout);
}

static int
serve(struct event_base *base, const struct options *o)
{
	struct sim *s = NULL;
	struct control *control = NULL;
	uint16_t port;
	int r = -1;

	if (sim_new(base, o->seed, &s) != 0)
		(void)fprintf(stderr, "wasim: out of memory or descriptors\n");
	else if (sim_listen(s, o->listen.host, o->listen.port, o->cert, o->key) != 0)
		(void)fprintf(stderr, "wasim: no WebSocket server\n");
	else if (control_new(s, o->control.host, o->control.port, &control, &port) != 0)
		(void)fprintf(stderr, "wasim: cannot listen on %s:%u\n", o->control.host,
		    (unsigned)o->control.port);
	else {
		announce(s, o, port);
		sim_run(s);
		r = 0;
	}
	control_free(&control);
	sim_free(&s);
	return r;
}

static int
run(const struct options *o)
{
	struct event_base *base = event_base_new();
	struct event *term, *interrupt;
	int r = -1;

	if (base == NULL)
		return -1;
	term = evsignal_new(base, SIGTERM, stop, base);
	interrupt = evsignal_new(base, SIGINT, stop, base);
	if (term != NULL && interrupt != NULL && event_add(term, NULL) == 0 &&
	    event_add(interrupt, NULL) == 0)
		r = serve(base, o);
	if (term != NULL)
		event_free(term);
	if (interrupt != NULL)
		event_free(interrupt);
	event_base_free(base);
	return r;
}

int
main(int argc, char **argv)
{
	struct options o = {.seed = 1};
	const int r = read_options(argc, argv, &o);

	if (r != 0) {
		(void)fputs(usage, r > 0 ? stdout : stderr);
		return r > 0 ? 0 : 1;
	}
	log_init("wasim", o.verbose ? LOG_LEVEL_DEBUG : LOG_LEVEL_WARN, LOG_FORMAT_TEXT);
	(void)signal(SIGPIPE, SIG_IGN);
	raise_files();
	return run(&o) == 0 ? 0 : 1;
}
