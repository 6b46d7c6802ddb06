/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The clients' end of the socket: one connection that mends itself, any number of requests on it,
 * each waiting in one table with a deadline. An answer to a request that nobody waits for any more
 * is dropped.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/ipc_frame.h"
#include "common/log.h"
#include "common/rng.h"
#include "common/xalloc.h"

#define RETRY_FIRST_MS 100
#define RETRY_MAX_MS 2000
#define TICK_MS 100 /* how often deadlines are looked at */
#define BUCKETS 1024

struct waiter {
	LIST_ENTRY(waiter) entry;
	uint64_t id;
	int64_t deadline_ms; /* monotonic; 0 once a subscription has its answer */
	ipc_response_cb response;
	ipc_event_cb event; /* NULL: no subscription */
	void *arg;
	bool answered; /* a subscription whose events flow */
};
LIST_HEAD(waiters, waiter);

struct ipc_client {
	struct event_base *base;
	char **paths;
	size_t n_paths;
	struct bufferevent *bev; /* NULL: down */
	struct event *retry, *tick;
	unsigned retry_ms;
	void (*state_cb)(void *arg, bool up);
	void *state_arg;
	struct waiters buckets[BUCKETS];
	unsigned n_waiting;
	uint64_t last_id;
	bool failing; /* inside client_fail: no new requests are taken */
};

static struct waiter *
waiter_find(struct ipc_client *c, uint64_t id)
{
	struct waiter *w;

	LIST_FOREACH(w, &c->buckets[id % BUCKETS], entry)
	{
		if (w->id == id)
			return w;
	}
	return NULL;
}

static void
waiter_remove(struct ipc_client *c, struct waiter *w)
{
	LIST_REMOVE(w, entry);
	c->n_waiting--;
	free(w);
}

/* Takes the waiter out, then tells its owner. */
static void
waiter_end(
    struct ipc_client *c, struct waiter *w, enum ipc_failure failure, const Ipc__Response *response)
{
	struct waiter copy = *w;

	waiter_remove(c, w);
	if (copy.answered)
		copy.event(copy.arg, failure, NULL);
	else
		copy.response(copy.arg, failure, response);
}

static void
schedule_retry(struct ipc_client *c)
{
	unsigned ms = c->retry_ms / 2 + rng_below(c->retry_ms / 2 + 1);
	struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000};

	evtimer_add(c->retry, &tv);
	c->retry_ms = c->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS : c->retry_ms * 2;
}

static void
client_fail(struct ipc_client *c, const char *why)
{
	struct waiter *w;

	log_warn("ipc.down", LOG_STR("why", why));
	bufferevent_free(c->bev);
	c->bev = NULL;
	c->failing = true;
	for (size_t i = 0; i < BUCKETS; i++) {
		while ((w = LIST_FIRST(&c->buckets[i])) != NULL)
			waiter_end(c, w, IPC_E_LOST, NULL);
	}
	c->failing = false;
	schedule_retry(c);
	if (c->state_cb != NULL)
		c->state_cb(c->state_arg, false);
}

static void
on_response(struct ipc_client *c, const Ipc__Response *response)
{
	struct waiter *w = waiter_find(c, response->id);

	if (w == NULL || w->answered)
		return; /* came after its deadline, or the HTTP client has gone */
	if (w->event != NULL && response->status < 400) {
		w->answered = true;
		w->deadline_ms = 0;
		w->response(w->arg, IPC_OK, response);
	} else {
		waiter_end(c, w, IPC_OK, response);
	}
}

static void
on_pushed(struct ipc_client *c, const Ipc__Event *event)
{
	struct waiter *w = waiter_find(c, event->id);

	if (w != NULL && w->answered)
		w->event(w->arg, IPC_OK, event);
}

static void
on_read(struct bufferevent *bev, void *arg)
{
	struct ipc_client *c = arg;
	Ipc__Frame *frame;
	int r;

	while ((r = ipc_frame_read(bev, &frame)) > 0) {
		if (frame->kind_case == IPC__FRAME__KIND_RESPONSE)
			on_response(c, frame->response);
		else if (frame->kind_case == IPC__FRAME__KIND_EVENT)
			on_pushed(c, frame->event);
		ipc__frame__free_unpacked(frame, NULL);
		if (c->bev != bev)
			return; /* a callback brought the connection down */
	}
	if (r < 0)
		client_fail(c, "malformed frame");
}

static void
on_event(struct bufferevent *bev, short what, void *arg)
{
	(void)bev;
	client_fail(arg, (what & BEV_EVENT_EOF) != 0 ? "the daemon closed" : "connection error");
}

/* Connecting to a Unix socket does not block unless the listener's queue is full, which counts as
 * down. */
static int
dial(const char *path)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd;

	if (strlen(path) >= sizeof(addr.sun_path))
		return -1;
	memcpy(addr.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static void
try_connect(struct ipc_client *c)
{
	int fd = -1;

	for (size_t i = 0; i < c->n_paths && fd < 0; i++)
		fd = dial(c->paths[i]);
	if (fd < 0) {
		schedule_retry(c);
		return;
	}
	c->bev = bufferevent_socket_new(c->base, fd, BEV_OPT_CLOSE_ON_FREE);
	bufferevent_setcb(c->bev, on_read, NULL, on_event, c);
	ipc_frame_begin(c->bev);
	c->retry_ms = RETRY_FIRST_MS;
	log_debug("ipc.up", LOG_INT("fd", fd));
	if (c->state_cb != NULL)
		c->state_cb(c->state_arg, true);
}

static void
on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	try_connect(arg);
}

static struct waiter *
first_overdue(struct ipc_client *c, int64_t now)
{
	struct waiter *w;

	for (size_t i = 0; i < BUCKETS; i++) {
		LIST_FOREACH(w, &c->buckets[i], entry)
		{
			if (w->deadline_ms != 0 && w->deadline_ms <= now)
				return w;
		}
	}
	return NULL;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct ipc_client *c = arg;
	struct waiter *w;
	int64_t now = clock_monotonic_ms();

	(void)fd;
	(void)what;
	if (c->n_waiting == 0)
		return;
	while ((w = first_overdue(c, now)) != NULL)
		waiter_end(c, w, IPC_E_DEADLINE, NULL);
}

struct ipc_client *
ipc_client_new(struct event_base *base, const char *const *paths, size_t n_paths)
{
	struct ipc_client *c = xcalloc(1, sizeof(*c));
	const struct timeval tick = {.tv_usec = TICK_MS * 1000};

	c->base = base;
	c->paths = xcalloc(n_paths, sizeof(*c->paths));
	c->n_paths = n_paths;
	for (size_t i = 0; i < n_paths; i++)
		c->paths[i] = xstrdup(paths[i]);
	c->retry_ms = RETRY_FIRST_MS;
	c->retry = evtimer_new(base, on_retry, c);
	c->tick = event_new(base, -1, EV_PERSIST, on_tick, c);
	if (c->retry == NULL || c->tick == NULL)
		abort();
	evtimer_add(c->tick, &tick);
	try_connect(c);
	return c;
}

void
ipc_client_free(struct ipc_client **cp)
{
	struct ipc_client *c = *cp;
	struct waiter *w;

	if (c == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while ((w = LIST_FIRST(&c->buckets[i])) != NULL)
			waiter_remove(c, w);
	}
	if (c->bev != NULL)
		bufferevent_free(c->bev);
	event_free(c->retry);
	event_free(c->tick);
	for (size_t i = 0; i < c->n_paths; i++)
		free(c->paths[i]);
	free(c->paths);
	free(c);
	*cp = NULL;
}

bool
ipc_client_up(const struct ipc_client *c)
{
	return c->bev != NULL;
}

void
ipc_client_on_state(struct ipc_client *c, void (*cb)(void *arg, bool up), void *arg)
{
	c->state_cb = cb;
	c->state_arg = arg;
}

uint64_t
ipc_client_subscribe(struct ipc_client *c, Ipc__Request *request, unsigned deadline_ms,
    ipc_response_cb cb, ipc_event_cb event_cb, void *arg, enum ipc_failure *ret_failure)
{
	Ipc__Frame frame = IPC__FRAME__INIT;
	struct waiter *w;

	if (c->bev == NULL || c->failing) {
		*ret_failure = IPC_E_DOWN;
		return 0;
	}
	request->has_id = 1;
	request->id = ++c->last_id;
	request->has_deadline_ms = 1;
	request->deadline_ms = deadline_ms;
	frame.kind_case = IPC__FRAME__KIND_REQUEST;
	frame.request = request;
	if (c->n_waiting >= IPC_PENDING_MAX || ipc_frame_unsent(c->bev) > IPC_QUEUE_MAX ||
	    ipc_frame_write(c->bev, &frame) < 0) {
		*ret_failure = IPC_E_FULL;
		return 0;
	}
	w = xcalloc(1, sizeof(*w));
	w->id = request->id;
	w->deadline_ms = clock_monotonic_ms() + deadline_ms;
	w->response = cb;
	w->event = event_cb;
	w->arg = arg;
	LIST_INSERT_HEAD(&c->buckets[w->id % BUCKETS], w, entry);
	c->n_waiting++;
	return w->id;
}

uint64_t
ipc_client_send(struct ipc_client *c, Ipc__Request *request, unsigned deadline_ms,
    ipc_response_cb cb, void *arg, enum ipc_failure *ret_failure)
{
	return ipc_client_subscribe(c, request, deadline_ms, cb, NULL, arg, ret_failure);
}

void
ipc_client_forget(struct ipc_client *c, uint64_t id)
{
	struct waiter *w = waiter_find(c, id);
	Ipc__Frame frame = IPC__FRAME__INIT;
	Ipc__Request request = IPC__REQUEST__INIT;
	Ipc__Empty empty = IPC__EMPTY__INIT;
	bool subscribed;

	if (w == NULL)
		return;
	subscribed = w->event != NULL;
	waiter_remove(c, w);
	if (!subscribed || c->bev == NULL)
		return;
	request.has_id = 1;
	request.id = id;
	request.op_case = IPC__REQUEST__OP_UNSUBSCRIBE;
	request.unsubscribe = &empty;
	frame.kind_case = IPC__FRAME__KIND_REQUEST;
	frame.request = &request;
	if (ipc_frame_write(c->bev, &frame) < 0)
		log_warn("ipc.unsubscribe_failed", LOG_INT("id", (int64_t)id));
}
