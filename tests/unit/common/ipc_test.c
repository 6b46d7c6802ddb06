/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Both ends of ipc in one loop over a real socket: answers, deadlines, subscriptions, lost and
 * hostile peers. */
#include "tests/unit/cmocka_all.h"

#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/ipc.h"

struct fixture {
	struct event_base *base;
	struct ipc_server *server;
	struct ipc_client *client;
	char path[64];
	/* what the server saw */
	struct ipc_peer *peer;
	uint64_t subscription, unsubscribed;
	bool hold; /* do not answer */
	int closed;
	/* what the client saw */
	int answers, events, losses;
	enum ipc_failure failure;
	char body[64];
};

static void
on_request(void *arg, struct ipc_peer *peer, const Ipc__Request *request)
{
	struct fixture *f = arg;
	Ipc__Response response = IPC__RESPONSE__INIT;

	f->peer = peer;
	assert_int_equal(ipc_peer_identity(peer)->uid, getuid());
	if (request->op_case == IPC__REQUEST__OP_UNSUBSCRIBE) {
		f->unsubscribed = request->id;
		event_base_loopbreak(f->base);
		return;
	}
	if (request->op_case == IPC__REQUEST__OP_SUBSCRIBE)
		f->subscription = request->id;
	if (f->hold)
		return;
	response.has_id = 1;
	response.id = request->id;
	response.has_status = 1;
	response.status = 200;
	response.has_body = 1;
	response.body.data = (uint8_t *)request->request_id;
	response.body.len = strlen(request->request_id);
	ipc_reply(peer, &response);
}

static void
on_closed(void *arg, struct ipc_peer *peer)
{
	struct fixture *f = arg;

	(void)peer;
	f->closed++;
	f->peer = NULL;
	event_base_loopbreak(f->base);
}

static void
on_answer(void *arg, enum ipc_failure failure, const Ipc__Response *response)
{
	struct fixture *f = arg;

	f->answers++;
	f->failure = failure;
	if (response != NULL)
		snprintf(f->body, sizeof(f->body), "%.*s", (int)response->body.len,
		    (char *)response->body.data);
	event_base_loopbreak(f->base);
}

static void
on_pushed(void *arg, enum ipc_failure failure, const Ipc__Event *event)
{
	struct fixture *f = arg;

	if (event == NULL) {
		f->losses++;
		f->failure = failure;
	} else {
		f->events++;
		snprintf(f->body, sizeof(f->body), "%s", event->kind);
	}
	event_base_loopbreak(f->base);
}

static const struct ipc_server_ops ops = {on_request, on_closed};

static int
setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const char *err, *path;

	f->base = event_base_new();
	snprintf(f->path, sizeof(f->path), "/tmp/waconn-ipc-%d.sock", getpid());
	path = f->path;
	if (ipc_server_new(f->base, f->path, NULL, &ops, f, &f->server, &err) < 0)
		return -1;
	f->client = ipc_client_new(f->base, &path, 1);
	*state = f;
	return ipc_client_up(f->client) ? 0 : -1;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	ipc_client_free(&f->client);
	ipc_server_free(&f->server);
	event_base_free(f->base);
	free(f);
	return 0;
}

static uint64_t
ask(struct fixture *f, const char *text, unsigned deadline_ms)
{
	Ipc__Request request = IPC__REQUEST__INIT;
	Ipc__Empty empty = IPC__EMPTY__INIT;
	char copy[32];
	uint64_t id;

	snprintf(copy, sizeof(copy), "%s", text);
	request.op_case = IPC__REQUEST__OP_ME;
	request.me = &empty;
	request.request_id = copy;
	id = ipc_client_send(f->client, &request, deadline_ms, on_answer, f, &f->failure);
	return id;
}

static void
test_answer(void **state)
{
	struct fixture *f = *state;
	struct stat st;

	assert_int_equal(stat(f->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	assert_true(ask(f, "hello", 5000) != 0);
	event_base_dispatch(f->base);
	assert_int_equal(f->answers, 1);
	assert_int_equal(f->failure, IPC_OK);
	assert_string_equal(f->body, "hello");
}

static void
test_deadline_then_late_answer(void **state)
{
	struct fixture *f = *state;
	Ipc__Response late = IPC__RESPONSE__INIT;
	uint64_t id;

	f->hold = true;
	id = ask(f, "slow", 50);
	event_base_dispatch(f->base);
	assert_int_equal(f->failure, IPC_E_DEADLINE);
	late.has_id = 1;
	late.id = id;
	late.has_status = 1;
	late.status = 200;
	ipc_reply(f->peer, &late);
	f->hold = false;
	assert_true(ask(f, "next", 5000) != 0);
	event_base_dispatch(f->base);
	assert_int_equal(f->answers, 2); /* the late one reached nobody */
	assert_string_equal(f->body, "next");
}

static void
test_lost_and_back(void **state)
{
	struct fixture *f = *state;
	const char *err;

	f->hold = true;
	assert_true(ask(f, "lost", 5000) != 0);
	while (f->peer == NULL)
		event_base_loop(f->base, EVLOOP_ONCE);
	ipc_server_free(&f->server);
	while (f->answers == 0)
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_int_equal(f->failure, IPC_E_LOST);
	assert_true(ask(f, "down", 5000) == 0);
	assert_int_equal(f->failure, IPC_E_DOWN);
	f->hold = false;
	assert_int_equal(ipc_server_new(f->base, f->path, NULL, &ops, f, &f->server, &err), 0);
	while (!ipc_client_up(f->client))
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_true(ask(f, "back", 5000) != 0);
	event_base_dispatch(f->base);
	assert_string_equal(f->body, "back");
}

static void
test_subscription(void **state)
{
	struct fixture *f = *state;
	Ipc__Request request = IPC__REQUEST__INIT;
	Ipc__Subscribe subscribe = IPC__SUBSCRIBE__INIT;
	Ipc__Event event = IPC__EVENT__INIT;
	char rid[] = "sub", kind[] = "status";
	uint64_t id;

	request.op_case = IPC__REQUEST__OP_SUBSCRIBE;
	request.subscribe = &subscribe;
	request.request_id = rid;
	id = ipc_client_subscribe(f->client, &request, 5000, on_answer, on_pushed, f, &f->failure);
	assert_true(id != 0);
	event_base_dispatch(f->base);
	assert_int_equal(f->answers, 1);
	assert_int_equal(f->subscription, id);
	event.has_id = 1;
	event.id = id;
	event.kind = kind;
	ipc_event(f->peer, &event);
	event_base_dispatch(f->base);
	assert_int_equal(f->events, 1);
	assert_string_equal(f->body, "status");
	ipc_client_forget(f->client, id);
	event_base_dispatch(f->base);
	assert_int_equal(f->unsubscribed, id);
	assert_int_equal(f->losses, 0);
}

/* Raw bytes to the server; it must close, and go on serving others. */
static void
hostile(struct fixture *f, const void *bytes, size_t len)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(addr.sun_path, f->path, strlen(f->path) + 1);
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(write(fd, bytes, len), (ssize_t)len);
	f->closed = 0;
	while (f->closed == 0)
		event_base_loop(f->base, EVLOOP_ONCE);
	close(fd);
	assert_true(ask(f, "alive", 5000) != 0);
	f->body[0] = '\0';
	while (f->body[0] == '\0')
		event_base_loop(f->base, EVLOOP_ONCE);
	assert_string_equal(f->body, "alive");
}

static void
test_hostile_peers(void **state)
{
	struct fixture *f = *state;

	hostile(f, "\xff\xff\xff\xff", 4);	     /* a length over the maximum */
	hostile(f, "\0\0\0\x04\xff\xff\xff\xff", 8); /* no protobuf */
	hostile(f, "\0\0\0\0", 4);		     /* an empty frame: no request */
	hostile(
	    f, "\0\0\0\x04\x12\x02\x10\x01", 8); /* a response, which only the daemon may send */
	hostile(f, "\0\0\0\x02\x0a\x00", 6);	 /* a request without id */
}

static void
test_second_daemon_is_refused(void **state)
{
	struct fixture *f = *state;
	struct ipc_server *second = NULL;
	const char *err = NULL;

	assert_int_equal(ipc_server_new(f->base, f->path, NULL, &ops, f, &second, &err), -1);
	assert_non_null(strstr(err, "another waconnd"));
}

/* A path that was mistyped costs nobody a file. */
static void
test_what_is_no_socket_stays(void **state)
{
	struct fixture *f = *state;
	struct ipc_server *second = NULL;
	const char *err = NULL;
	char path[] = "/tmp/ipc_testXXXXXX";
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	(void)close(fd);
	assert_int_equal(ipc_server_new(f->base, path, NULL, &ops, f, &second, &err), -1);
	assert_non_null(strstr(err, "no socket"));
	assert_int_equal(unlink(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_answer, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_deadline_then_late_answer, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_lost_and_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_subscription, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_hostile_peers, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_second_daemon_is_refused, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_what_is_no_socket_stays, setup, teardown),
	};

	return cmocka_run_group_tests_name("ipc", tests, NULL, NULL);
}
