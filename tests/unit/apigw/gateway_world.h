/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * gateway_world: the gateway whole: a child process runs it with a small daemon behind it in the
 * same loop; the tests are a client that writes raw bytes. The child must end clean (leaks are an
 * exit status).
 */
#ifndef TESTS_UNIT_APIGW_GATEWAY_WORLD_H
#define TESTS_UNIT_APIGW_GATEWAY_WORLD_H

#include "tests/unit/cmocka_all.h"

#include <arpa/inet.h>
#include <event2/event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apigw/gateway.h"
#include "common/clock.h"
#include "common/jsonw.h"
#include "common/log.h"
#include "common/xalloc.h"

#define ANSWER_MAX (1u << 20)
#define WAIT_S 10
#define H "Host: gw.test\r\n"
#define CLOSE "Connection: close\r\n"
#define AUTH "Authorization: Bearer secret1\r\n"

static char dir[] = "/tmp/gateway-test-XXXXXX";
static unsigned short port;
static pid_t child;

/* ---- the daemon of these tests ---- */

struct daemon {
	struct event_base *base;
	char socket[128];
	struct ipc_server *server;
	struct event *restart;
	struct ipc_peer *subscriber;
	uint64_t subscription;
	unsigned n_hung, n_unsubscribed;
};

static inline void daemon_start(struct daemon *d);

static inline void
answer(struct ipc_peer *peer, const Ipc__Request *q, unsigned status, const char *body,
    const char *etag)
{
	Ipc__Response r = IPC__RESPONSE__INIT;

	r.has_id = 1;
	r.id = q->id;
	r.has_status = 1;
	r.status = status;
	r.has_body = 1;
	r.body.data = (uint8_t *)(uintptr_t)body;
	r.body.len = strlen(body);
	r.etag = (char *)(uintptr_t)etag;
	if (q->op_case == IPC__REQUEST__OP_LOGIN && status == 200) {
		static char token[] = "session1";

		r.session_token = token;
		r.has_session_expires_ms = 1;
		r.session_expires_ms = clock_wall_ms() + 3600000;
	}
	ipc_reply(peer, &r);
}

static inline void
do_login(struct daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	bool good = strcmp(q->login->username, "ana") == 0 && strcmp(q->login->password, "pw") == 0;

	(void)d;
	answer(peer, q, good ? 200 : 401,
	    good ? "{\"success\":true}" : "{\"success\":false,\"code\":\"login_failed\"}", NULL);
}

/* What the daemon was told about the caller. */
static inline void
do_me(struct daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	struct buf b = BUF_INIT(4096);
	struct jsonw j;

	(void)d;
	jsonw_init(&j, &b);
	jsonw_object(&j, NULL);
	jsonw_str(&j, "token", q->token);
	jsonw_str(&j, "remote", q->remote);
	jsonw_str(&j, "requestId", q->request_id);
	jsonw_object_end(&j);
	answer(peer, q, 200, buf_str(&b), NULL);
	buf_done(&b);
}

static inline void
do_status(struct daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	const char *known = q->status_list->if_none_match;
	bool same = known != NULL && strcmp(known, "\"v1\"") == 0;

	(void)d;
	answer(peer, q, same ? 304 : 200, same ? "" : "{\"success\":true,\"count\":0}", "\"v1\"");
}

static inline void
do_qr(struct daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	(void)d;
	if (strcmp(q->outlet_qr->id, "none") == 0)
		answer(peer, q, 404, "{\"success\":false,\"code\":\"no_qr\"}", NULL);
	else
		answer(peer, q, 200, "{\"success\":true,\"qr\":\"2@abc\",\"sequence\":1}", NULL);
}

/* How it was understood. */
static inline void
do_connect(struct daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	char text[64];

	(void)d;
	(void)snprintf(text, sizeof(text), "{\"method\":\"%s\"}", q->outlet_connect->method);
	answer(peer, q, 200, text, NULL);
}

static inline void
do_blast(struct daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	const Ipc__Blast *m = q->blast_create;
	char text[512];

	(void)d;
	(void)snprintf(text, sizeof(text),
	    "{\"n\":%zu,\"phone\":\"%s\",\"name\":\"%s\",\"var\":\"%s=%s\",\"all\":%d,\"pm\":%u,"
	    "\"at\":%lld,\"key\":\"%s\"}",
	    m->n_recipients, m->recipients[0]->phone, m->recipients[1]->name,
	    m->recipients[1]->vars[0]->name, m->recipients[1]->vars[0]->value, m->all_outlets,
	    m->pace->per_minute, (long long)m->schedule_at_ms,
	    q->idempotency_key == NULL ? "" : q->idempotency_key);
	answer(peer, q, 202, text, NULL);
}

static inline void
do_subscribe(struct daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	static char id[] = "7", kind[] = "status";
	Ipc__Event e = IPC__EVENT__INIT;
	char data[128];

	if (strcmp(q->token, "bad") == 0) {
		answer(peer, q, 401, "{\"success\":false,\"code\":\"unauthenticated\"}", NULL);
		return;
	}
	answer(peer, q, 200, "{}", NULL);
	(void)snprintf(data, sizeof(data), "{\"last\":\"%s\",\"kinds\":%zu}",
	    q->subscribe->last_event_id == NULL ? "" : q->subscribe->last_event_id,
	    q->subscribe->n_kinds);
	e.has_id = 1;
	e.id = q->id;
	e.event_id = id;
	e.kind = kind;
	e.has_data = 1;
	e.data.data = (uint8_t *)data;
	e.data.len = strlen(data);
	ipc_event(peer, &e);
	d->subscriber = peer;
	d->subscription = q->id;
}

/* Sends the subscriber more than it may leave unread. */
static inline void
do_flood(struct daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	Ipc__Event e = IPC__EVENT__INIT;
	size_t len = 256u << 10;
	char *data = xmalloc(len);

	memset(data, 'x', len);
	e.has_id = 1;
	e.id = d->subscription;
	e.has_data = 1;
	e.data.data = (uint8_t *)data;
	e.data.len = len;
	for (int i = 0; i < 40 && d->subscriber != NULL; i++)
		ipc_event(d->subscriber, &e);
	free(data);
	answer(peer, q, 202, "{}", NULL);
}

/* Dies, and is back after a while. */
static inline void
do_die(struct daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	(void)peer;
	(void)q;
	event_add(d->restart, &(struct timeval){0});
}

static inline void
do_hang(struct daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	(void)peer;
	(void)q;
	d->n_hung++;
}

static inline void
do_unsubscribe(struct daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	(void)peer;
	(void)q;
	d->n_unsubscribed++;
}

static inline void
do_count(struct daemon *d, struct ipc_peer *peer, const Ipc__Request *q)
{
	char text[64];

	(void)snprintf(
	    text, sizeof(text), "{\"hung\":%u,\"unsubscribed\":%u}", d->n_hung, d->n_unsubscribed);
	answer(peer, q, 200, text, NULL);
}

static const struct {
	Ipc__Request__OpCase op;
	void (*run)(struct daemon *d, struct ipc_peer *peer, const Ipc__Request *q);
} ops[] = {
    {IPC__REQUEST__OP_LOGIN, do_login},
    {IPC__REQUEST__OP_ME, do_me},
    {IPC__REQUEST__OP_STATUS_LIST, do_status},
    {IPC__REQUEST__OP_OUTLET_QR, do_qr},
    {IPC__REQUEST__OP_OUTLET_CONNECT, do_connect},
    {IPC__REQUEST__OP_BLAST_CREATE, do_blast},
    {IPC__REQUEST__OP_SUBSCRIBE, do_subscribe},
    {IPC__REQUEST__OP_UNSUBSCRIBE, do_unsubscribe},
    {IPC__REQUEST__OP_OUTLET_PAUSE, do_flood},
    {IPC__REQUEST__OP_OUTLET_REMOVE, do_die},
    {IPC__REQUEST__OP_OUTLET_GET, do_hang},
    {IPC__REQUEST__OP_BLAST_LIST, do_count},
};

static inline void
on_request(void *arg, struct ipc_peer *peer, const Ipc__Request *q)
{
	for (size_t i = 0; i < sizeof(ops) / sizeof(ops[0]); i++) {
		if (ops[i].op == q->op_case) {
			ops[i].run(arg, peer, q);
			return;
		}
	}
	answer(peer, q, 200, "{\"success\":true}", NULL);
}

static inline void
on_closed(void *arg, struct ipc_peer *peer)
{
	struct daemon *d = arg;

	if (d->subscriber == peer)
		d->subscriber = NULL;
}

static inline void
on_restart(evutil_socket_t fd, short what, void *arg)
{
	struct daemon *d = arg;

	(void)fd;
	(void)what;
	if (d->server == NULL) {
		daemon_start(d);
		return;
	}
	ipc_server_free(&d->server);
	event_add(d->restart, &(struct timeval){.tv_usec = 300000});
}

static inline void
daemon_start(struct daemon *d)
{
	static const struct ipc_server_ops server_ops = {on_request, on_closed};
	const char *err;

	if (ipc_server_new(d->base, d->socket, NULL, &server_ops, d, &d->server, &err) < 0) {
		(void)fprintf(stderr, "daemon: %s\n", err);
		exit(3);
	}
}

/* ---- the child ---- */

static inline void
write_file(const char *name, const char *text)
{
	char path[256];
	FILE *f;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	assert_non_null(f);
	(void)fputs(text, f);
	(void)fclose(f);
}

static inline void
on_term(evutil_socket_t sig, short what, void *arg)
{
	(void)sig;
	(void)what;
	event_base_loopbreak(arg);
}

static inline int
run_child(int listen_fd)
{
	struct daemon d = {.base = event_base_new()};
	struct event *term = evsignal_new(d.base, SIGTERM, on_term, d.base);
	struct buf errors = BUF_INIT(4096);
	struct gateway_conf conf;
	struct gateway *gw;
	char path[256];

	(void)signal(SIGPIPE, SIG_IGN);
	log_init("test", LOG_LEVEL_ERROR, LOG_FORMAT_TEXT);
	event_add(term, NULL);
	d.restart = evtimer_new(d.base, on_restart, &d);
	(void)snprintf(d.socket, sizeof(d.socket), "%s/d.sock", dir);
	daemon_start(&d);
	(void)snprintf(path, sizeof(path), "%s/conf", dir);
	if (gateway_conf_read(path, &conf, &errors) < 0) {
		(void)fputs(buf_str(&errors), stderr);
		return 3;
	}
	gw = gateway_new(d.base, &conf);
	if (gateway_listen_fd(gw, listen_fd) < 0)
		return 3;
	event_base_dispatch(d.base);
	gateway_free(&gw);
	ipc_server_free(&d.server);
	event_free(d.restart);
	event_free(term);
	event_base_free(d.base);
	buf_done(&errors);
	return 0;
}

static inline int
setup(void **state)
{
	struct sockaddr_in addr = {
	    .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	char conf[1024], web[256];

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(web, sizeof(web), "%s/web", dir);
	assert_int_equal(mkdir(web, 0700), 0);
	(void)snprintf(web, sizeof(web), "%s/web/assets", dir);
	assert_int_equal(mkdir(web, 0700), 0);
	write_file("web/index.html", "<p>page</p>");
	write_file("web/assets/a-1.js", "let a;");
	write_file("web/assets/a-1.js.gz", "ZIPPED");
	(void)snprintf(conf, sizeof(conf),
	    "[http]\nmax_body = 64k\nweb_root = %s/web\ntrusted_proxy = 127.0.0.1, "
	    "10.0.0.0/8\n[daemon]\nsocket = %s/d.sock\n",
	    dir, dir);
	write_file("conf", conf);
	assert_int_equal(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(listen(fd, 64), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	port = ntohs(addr.sin_port);
	child = fork();
	if (child == 0)
		exit(run_child(fd));
	(void)close(fd);
	return 0;
}

static inline int
teardown(void **state)
{
	static const char *const names[] = {
	    "web/assets/a-1.js.gz", "web/assets/a-1.js", "web/index.html", "conf", "d.sock"};
	char path[256];
	int status = -1;

	(void)state;
	(void)kill(child, SIGTERM);
	(void)waitpid(child, &status, 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		(void)snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		(void)unlink(path);
	}
	(void)snprintf(path, sizeof(path), "%s/web/assets", dir);
	(void)rmdir(path);
	(void)snprintf(path, sizeof(path), "%s/web", dir);
	(void)rmdir(path);
	(void)rmdir(dir);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* ---- the client ---- */

static inline int
dial(void)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
	    .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	    .sin_port = htons(port)};
	struct timeval tv = {.tv_sec = WAIT_S};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static inline void
say(int fd, const char *bytes)
{
	size_t len = strlen(bytes);

	assert_int_equal(send(fd, bytes, len, MSG_NOSIGNAL), len);
}

/* Reads until `until` has come (NULL: until the end). */
static inline void
hear(int fd, struct buf *b, const char *until)
{
	char piece[65536];
	ssize_t n;

	while (until == NULL || b->len == 0 || strstr(buf_str(b), until) == NULL) {
		n = recv(fd, piece, sizeof(piece), 0);
		if (n < 0)
			fail_msg("no answer in time; so far: %s", buf_str(b));
		if (n == 0)
			return;
		buf_add(b, piece, (size_t)n);
	}
}

/* One request, its whole answer; the caller frees. */
static inline char *
talk(const char *bytes)
{
	struct buf b = BUF_INIT(ANSWER_MAX);
	int fd = dial();
	size_t len;

	say(fd, bytes);
	hear(fd, &b, NULL);
	(void)close(fd);
	return (char *)buf_take(&b, &len);
}

static inline void
has(const char *answer_text, const char *part)
{
	if (answer_text == NULL || strstr(answer_text, part) == NULL)
		fail_msg(
		    "\"%s\" is not in: %s", part, answer_text == NULL ? "(nothing)" : answer_text);
}

static inline void
expect(const char *request, const char *const *parts)
{
	char *text = talk(request);

	for (; *parts != NULL; parts++)
		has(text, *parts);
	free(text);
}
#define EXPECT(request, ...) expect(request, (const char *const[]){__VA_ARGS__, NULL})

/* Until the gateway has its connection to the daemon. */
static inline void
await_daemon(void)
{
	for (int64_t end = clock_monotonic_ms() + WAIT_S * 1000; clock_monotonic_ms() < end;) {
		char *text = talk("GET /api/auth/me HTTP/1.1\r\n" H AUTH CLOSE "\r\n");
		bool up = strstr(text, "HTTP/1.1 200") == text;

		free(text);
		if (up)
			return;
	}
	fail_msg("the gateway does not find its daemon");
}

/* Asks until the daemon has counted what is expected. */
static inline void
await_count(const char *part)
{
	for (int64_t end = clock_monotonic_ms() + WAIT_S * 1000; clock_monotonic_ms() < end;) {
		char *text = talk("GET /api/blasts HTTP/1.1\r\n" H AUTH CLOSE "\r\n");
		bool there = strstr(text, part) != NULL;

		free(text);
		if (there)
			return;
	}
	fail_msg("never counted: %s", part);
}

#endif
